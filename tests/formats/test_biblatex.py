from __future__ import annotations

import bibtexparser
import pytest

from survey.formats import FORMATS
from survey.formats.biblatex import encode
from tests.entries import make_paper


def entry(taxonomy, **fields) -> dict[str, str]:
    library = bibtexparser.parse_string(FORMATS["biblatex"].entry(make_paper(**fields), taxonomy))
    assert library.failed_blocks == []
    return {"": library.entries[0].entry_type, **{f.key: f.value for f in library.entries[0].fields}}


def test_one_entry_to_the_letter(taxonomy):
    assert FORMATS["biblatex"].entry(make_paper(authors=["Jörg Schlötterer"], published="2022-11"), taxonomy) == (
        "@inproceedings{meng2022locating,\n"
        "  title = {Locating and Editing Factual Associations in {GPT}},\n"
        "  author = {Schlötterer, Jörg},\n"
        "  booktitle = {Advances in Neural Information Processing Systems},\n"
        "  url = {https://arxiv.org/abs/2202.05262},\n"
        "  date = {2022-11},\n"
        "  eprint = {2202.05262},\n"
        "  eprinttype = {arxiv},\n"
        "}\n"
    )


def test_fields_have_their_biblatex_names(taxonomy):
    assert entry(taxonomy, venue="arxiv")[""] == "online"
    journal = entry(taxonomy, venue="tacl", volume="7", status="retracted", note="Why.")
    assert journal[""] == "article" and journal["journaltitle"] and journal["addendum"] == "Retracted"
    assert not {"journal", "year", "month", "address", "note"} & journal.keys()
    assert entry(taxonomy, venue="emnlp")["location"] == "Abu Dhabi, United Arab Emirates"
    assert entry(taxonomy, venue="neurips", ids={"openreview": "-h6WAS6eE4"})["date"][:4] == "2022"


@pytest.mark.parametrize(
    ("text", "tex"),
    [
        ("Nguyễn Łukasz ßß", "Nguyễn Łukasz ßß"),
        ("50% & #1_a $ {x} ~ ^ \\", r"50\% \& \#1\_a \$ \textbraceleft{}x\textbraceright{} \textasciitilde{} \textasciicircum{} \textbackslash{}"),
        ('"x"', "“x”"),
        ("α²", r"{$\alpha$}{$^2$}"),
    ],
)
def test_letters_stay_and_signs_are_escaped(text, tex):
    assert encode(text) == tex


def test_no_entry_of_the_collection_is_refused(collection, taxonomy):
    library = bibtexparser.parse_string(FORMATS["biblatex"].text(collection.values(), taxonomy))
    assert library.failed_blocks == [] and len(library.entries) == len(collection)
