"""BibTeX of people and publishers, with the usual mess."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey.collection import Name
from survey.intake import IntakeError, bibtex

ROME = """
@inproceedings{meng2022locating,
  title = {Locating and Editing Factual Associations in {GPT}},
  author = {Meng, Kevin and Bau, David and {Alex Andonian Group} and de Rijke, Maarten and Logan, IV, Robert L.},
  booktitle = "Advances in Neural Information Processing Systems",
  year = 2022, pages = {17359--17372}, month = dec,
  eprint = {2202.05262v5}, archivePrefix = {arXiv},
  url = {https://openreview.net/forum?id=-h6WAS6eE4}, abstract = {We analyze storage.}
}
"""


def one(text: str) -> bibtex.Record:
    (entry,) = bibtex.entries(text)
    return bibtex.record(entry, "file")


def test_an_entry_is_read_whole():
    found = one(ROME)
    assert found.title == "Locating and Editing Factual Associations in GPT" and found.year == 2022 and found.pages == "17359-17372"
    assert found.authors == (
        Name("Kevin", "", "Meng"), Name("David", "", "Bau"), Name(literal="Alex Andonian Group"), Name("Maarten", "de", "Rijke"),
        Name("Robert L.", "", "Logan", "IV"),
    )  # fmt: skip
    assert found.ids == {"arxiv": "2202.05262", "openreview": "-h6WAS6eE4"} and found.place.printed.startswith("Advances")
    assert found.abstract == "We analyze storage." and found.protect == () and found.sources == ("file",)


@pytest.mark.parametrize(
    ("fields", "ids"),
    [
        ("journal = {arXiv preprint arXiv:2202.05262}", {"arxiv": "2202.05262"}), ("journal = {CoRR}, volume = {abs/2202.05262}", {"arxiv": "2202.05262"}),
        ("eprint = {2202.05262}", {"arxiv": "2202.05262"}), ("doi = {https://doi.org/10.1145/3698590}", {"doi": "10.1145/3698590"}),
        ("doi = {10.18653/v1/2023.emnlp-main.296}", {"anthology": "2023.emnlp-main.296", "doi": "10.18653/v1/2023.emnlp-main.296"}),
        (r"doi = {10.1007/978-981-97-9434-8\_19}", {"doi": "10.1007/978-981-97-9434-8_19"}), (r"url = {\url{https://arxiv.org/abs/2202.05262}}", {"arxiv": "2202.05262"}),
        ("url = {https://aclanthology.org/2023.emnlp-main.296}", {"anthology": "2023.emnlp-main.296"}), ("url = {https://example.org/abcdefghij}", {}),
        ("eprint = {12345}, archiveprefix = {HAL}", {}), ("doi = {nonsense}", {}), ("howpublished = {see abcdefgHIJ1}", {}),
    ],
)  # fmt: skip
def test_ids_are_found_wherever_they_stand(fields, ids):
    assert one(f"@misc{{x, title = {{T}}, author = {{A B}}, {fields} }}").ids == ids


@pytest.mark.parametrize(
    ("author", "names", "whole"),
    [
        ("A B and C D", ["A B", "C D"], True), ("B, A and D, C and others", ["A B", "C D"], False), ("{The BigScience Workshop}", ["The BigScience Workshop"], True),
        (r"Nicola {De Cao} and Sch{\"a}rli, Nathan", ["Nicola De Cao", "Nathan Schärli"], True), ("Anderson and Sandman", ["Anderson", "Sandman"], True),
        ("{Barnes and Noble} and A B", ["Barnes and Noble", "A B"], True), ("van der Maaten, Laurens", ["Laurens van der Maaten"], True),
        ("A B\n   and\n C D", ["A B", "C D"], True), ("", [], True), (r"{\L}ukasz Kaiser", ["Łukasz Kaiser"], True), ("{De Cao}, Nicola", ["Nicola De Cao"], True),
    ],
)  # fmt: skip
def test_authors_are_split_well(author, names, whole):
    found, all_of_them = bibtex.people(author)
    assert [n.printed for n in found] == names and all_of_them is whole


def test_a_family_name_in_braces_stays_whole():
    assert bibtex.people("Nicola {De Cao}")[0] == bibtex.people("{De Cao}, Nicola")[0] == (Name("Nicola", "", "De Cao"),)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("@proceedings{p, title = {P}}", "p is @proceedings, and no paper"), ("@article{x, author = {A B}}", "x has no title"),
        ("@article{x, title = {T}}", "x has no author"), ("@article{x, title = {T}, author = {A B}}\n@article{x, title = {U}, author = {A B}}", "stands twice"),
        ("@article{x, title = {T}, title = {U}, author = {A B}}", "has a field twice"), ("@article{x, title = {T, author = {A B}\n\n@article{y, title = {T}}", "cannot be read"),
    ],
)  # fmt: skip
def test_what_is_no_paper_is_told(text, message):
    with pytest.raises(IntakeError, match=message):
        for entry in bibtex.entries(text):
            bibtex.record(entry, "file")


def test_an_address_stands_where_no_id_does():
    text = "@misc{{x, title = {{T}}, author = {{A B}}, url = {{{}}}{} }}"
    assert one(text.format("https://example.org/a", "")).links == {"paper": "https://example.org/a"}
    assert one(text.format("https://example.org/a", ", eprint = {2202.05262}")).links == {} and one(text.format("javascript:alert(1)", "")).links == {}


def test_an_entry_names_its_line():
    assert [entry.line for entry in bibtex.entries("\n\n@misc{a, title={T}}\n@misc{b, title={U}}\n")] == [3, 4]


@pytest.mark.parametrize(
    "text",
    ["@misc{" * 3000, "{" * 100_000, "@misc{x, title={" + "{" * 50_000, "@" * 100_000, "@misc{x, title={a}}" * 1000, "a" * (bibtex.MAX_CHARACTERS + 1), "@string{a=" + "b#" * 40_000 + "}"],
    ids=["openers", "braces", "deep", "ats", "many", "long", "strings"],
)
def test_hostile_files_end_soon_with_a_message(text):
    start = time.monotonic()
    try:
        list(bibtex.entries(text))
    except IntakeError as error:
        assert "\n" not in str(error)
    assert time.monotonic() - start < 20


PIECES = st.sampled_from(["@", "@misc{", "@string{", "@comment", "{", "}", "\\", '"', ",", "=", "title", "author", " and ", "x", "\n", "%", "#", "é", "\\'{e}", "\x00", "$"])


@settings(max_examples=150, deadline=None)
@given(st.lists(PIECES, max_size=40).map("".join) | st.text(max_size=200))
def test_no_text_is_too_strange(text):
    try:
        for entry in bibtex.entries(text):
            bibtex.record(entry, "file")
    except IntakeError as error:
        assert "\n" not in str(error)


def test_a_real_bibliography_is_read():
    folder = os.environ.get("SURVEY_SERVICES")
    if not folder:
        pytest.skip("SURVEY_SERVICES names no folder with real answers")
    read, refused = [], []
    for path in sorted((Path(folder) / "bibtex").glob("*.bib")):
        for entry in bibtex.entries(path.read_text("utf-8")):
            try:
                read.append(bibtex.record(entry, path.name))
            except IntakeError as error:
                refused.append(str(error))
    assert len(read) > 80 and all(" and " not in n.printed and "{" not in n.printed for r in read for n in r.authors)
    assert not any("\\" in r.title or "{" in r.title for r in read)
    assert len(refused) < 15, refused
