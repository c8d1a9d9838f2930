from __future__ import annotations

import re

import bibtexparser
import pybtex.database
import pytest

from survey.formats import FORMATS, common
from survey.formats.latex import decode
from tests.entries import make_paper
from tests.formats.papers import made_up


def entry(taxonomy, **fields) -> str:
    return FORMATS["bibtex"].entry(make_paper(**fields), taxonomy)


def test_one_entry_to_the_letter(taxonomy):
    fields = {"venue": "emnlp", "pages": "10-20", "ids": {"arxiv": "2202.05262", "doi": "10.18653/v1/2022.emnlp-main.1", "anthology": "2022.emnlp-main.1"}}
    assert entry(taxonomy, authors=["Kevin Meng", "Laurens van der Maaten", "Robert Logan IV", "OpenAI"], **fields) == (
        "@inproceedings{meng2022locating,\n"
        "  title = {Locating and Editing Factual Associations in {GPT}},\n"
        "  author = {Meng, Kevin and van der Maaten, Laurens and Logan, IV, Robert and {OpenAI}},\n"
        "  booktitle = {Proceedings of the 2022 Conference on Empirical Methods in Natural Language Processing},\n"
        "  pages = {10--20},\n"
        "  year = {2022},\n"
        "  address = {Abu Dhabi, United Arab Emirates},\n"
        "  publisher = {Association for Computational Linguistics},\n"
        "  doi = {10.18653/v1/2022.emnlp-main.1},\n"
        "  url = {https://aclanthology.org/2022.emnlp-main.1/},\n"
        "  month = dec,\n"
        "}\n"
    )


def test_a_preprint(taxonomy):
    text = entry(taxonomy, venue="arxiv")
    assert text.startswith("@misc{") and "booktitle" not in text
    assert "  eprint = {2202.05262},\n  archiveprefix = {arXiv},\n" in text


def test_a_retracted_paper_says_so(taxonomy):
    assert "  note = {Retracted},\n" in entry(taxonomy, status="retracted", note="For a reason.")


def test_doi_and_url_stay_plain(taxonomy):
    text = entry(taxonomy, ids={"doi": "10.1000/a_b#c%d&e~f"})
    assert "  doi = {10.1000/a_b#c%d&e~f},\n  url = {https://doi.org/10.1000/a_b#c%d&e~f},\n" in text


@pytest.mark.parametrize(
    ("title", "protected"),
    [
        ("Editing GPT-3 with mT5 and ChatGPT", ["GPT", "mT5", "ChatGPT"]),
        ("A3E, 2D and H2O", ["A3E", "2D", "H2O"]),
        ("ROME++ for LLMs", ["ROME++", "LLMs"]),
        ("Editing on the Moon", []),
        ("Über Ærø", []),
        ("GPTs’ GPT’s", ["GPTs", "GPT"]),
    ],
)
def test_capitals_of_acronyms(title, protected, taxonomy):
    pieces = common.protected(make_paper(title=title))
    assert [piece for piece, keep in pieces if keep] == protected
    assert "".join(piece for piece, _ in pieces) == title


def test_capitals_that_the_entry_asks_for():
    paper = make_paper(title="Paris, Parisian and the Bayes Rule of WISE Wise", protect=["Paris", "Bayes", "a"], acronym="Wise")
    assert [piece for piece, keep in common.protected(paper) if keep] == ["Paris", "Bayes", "WISE", "Wise"]


def everything(collection, taxonomy) -> tuple[list, str]:
    papers = [*collection.values(), *made_up()]
    return papers, FORMATS["bibtex"].text(papers, taxonomy)


def expected(paper, taxonomy) -> dict[str, str | None]:
    venue = taxonomy.venues[paper.venue]
    place = "journal" if venue.type == "journal" else None if paper.preprint else "booktitle"
    return {
        "title": _typed(paper.title), "year": str(paper.year), "pages": paper.pages, "doi": paper.ids.doi, "url": paper.url,
        "eprint": paper.ids.arxiv if paper.preprint else None,
        **({place: _typed(common.publication(paper, taxonomy).title)} if place else {}),
    }  # fmt: skip


def _typed(text: str) -> str:
    """As it comes back from LaTeX, where quotes have one form."""
    text = re.sub(r'"([^"]*)"', "“\\1”", text).replace("’", "'").replace("‘", "`").replace("\u2011", "-").replace("‐", "-")
    return text.replace("ﬁ", "fi")


def _plain(field: str, value: str) -> str:
    return value.replace("--", "-") if field == "pages" else value if field in ("doi", "url") else decode(value)


def test_bibtexparser_reads_it_all_back(collection, taxonomy):
    papers, text = everything(collection, taxonomy)
    library = bibtexparser.parse_string(text, append_middleware=[bibtexparser.middlewares.SeparateCoAuthors(), bibtexparser.middlewares.SplitNameParts()])
    assert library.failed_blocks == []
    entries = library.entries_dict
    assert list(entries) == [p.key for p in papers]
    for paper in papers:
        fields = entries[paper.key].fields_dict
        for field, value in expected(paper, taxonomy).items():
            assert (_plain(field, fields[field].value) if field in fields else None) == value, (paper.key, field)
        people = [tuple(decode(" ".join(part)) for part in (n.first, n.von, n.last, n.jr)) for n in fields["author"].value]
        assert [" ".join(p for p in parts if p) for parts in people] == [_typed(n.printed) for n in paper.names], paper.key
        for (first, von, last, jr), n in zip(people, paper.names, strict=True):
            if not n.literal:
                family = f"{n.particle} {n.family}".strip()
                assert (first, f"{von} {last}".strip(), jr) == tuple(map(_typed, (n.given, family, n.suffix)))
        month = common.publication(paper, taxonomy).month
        assert (fields["month"].value if month else None) == (common.MONTHS[month - 1] if month else None) or month


def test_pybtex_reads_it_all_back(collection, taxonomy):
    papers, text = everything(collection, taxonomy)
    entries = pybtex.database.parse_string(text, "bibtex").entries
    assert list(entries) == [p.key for p in papers]
    months = "January February March April May June July August September October November December".split()
    for paper in papers:
        parsed = entries[paper.key]
        for field, value in expected(paper, taxonomy).items():
            assert (_plain(field, parsed.fields[field]) if field in parsed.fields else None) == value, (paper.key, field)
        for person, n in zip(parsed.persons["author"], paper.names, strict=True):
            given = decode(" ".join(person.first_names + person.middle_names))
            family = decode(" ".join(person.prelast_names + person.last_names))
            suffix = decode(" ".join(person.lineage_names))
            wanted = (n.given, f"{n.particle} {n.family}".strip() or n.literal, n.suffix)
            assert (given, family, suffix) == tuple(map(_typed, wanted)), paper.key
        month = common.publication(paper, taxonomy).month
        assert parsed.fields.get("month") == (months[month - 1] if month else None)


def test_nothing_is_escaped_twice(collection, taxonomy):
    _, text = everything(collection, taxonomy)
    assert not re.search(r"\\\\|\\textbackslash\}?\\|\\&amp|\\\{", text)
    plain = re.sub(r"(?m)^  (url|doi) = .*$", "", text)
    assert not re.search(r"(?<!\\)[&%#_]", re.sub(r"\$[^$]*\$|(?m:^@preamble.*$|^  # .*$)", "", plain))
    assert text.isascii()
