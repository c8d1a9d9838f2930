"""For every rule an example that breaks it, as little as possible, and one that just does not.

An example is a small collection: path -> record or text. Bad ones come with the place (and, after
a bar, a part of the hint) that the finding must name.
"""

from __future__ import annotations

from survey.checks.run import check_text, check_together
from survey.files.writer import dump
from tests.entries import PATH, make_entry

OTHER = "papers/2022/bau2022editing.yaml"
PREPRINT = "papers/2022/meng2022factual.yaml"


def findings(files: dict, taxonomy) -> list:
    """What is found in these files, without a disk."""
    found, entries = [], []
    for path, content in files.items():
        entry, problems = check_text(path, content if isinstance(content, str) else dump(content), taxonomy)
        found += problems
        entries += [entry] if entry.paper else []
    return found + [f for f in check_together(entries, taxonomy) if f.path.startswith("papers/")]


def one(**fields) -> dict:
    return {PATH: make_entry(**fields)}


def two(**fields) -> dict:
    """The usual entry, and another one of other people on another subject, with these fields."""
    other = {"title": "Editing Memories at Night", "authors": ["Ann Bau", "Cy Dee"], "ids": {"arxiv": "2203.00001"}}
    return {PATH: make_entry(), OTHER: make_entry(**{**other, **fields})}


def text(old: str, new: str) -> dict:
    written = dump(make_entry())
    assert old in written
    return {PATH: written.replace(old, new)}


def pitfall(id="locality", stance="shows", basis="abstract", **more) -> dict:
    return {"id": id, "stance": stance, "basis": basis, **more}


def related(key: str, relation: str = "extends") -> dict:
    return {"key": key, "as": relation, "basis": "abstract"}


def read(basis: str) -> dict:
    return {"basis": basis, "on": "2026-11-22"}


FINE = one()

# code -> (bad, place | hint, good)
RULES = {
    "Y101": (text("[method]", "[method"), "7:10", FINE),
    "Y102": (text("year: 2022\n", "year: 2022\nyear: 2023\n"), "4:1 | keep one", FINE),
    "Y103": (text('"2202.05262"', "2202.05262"), '5:14 | write "2202.05262"', FINE),
    "Y104": (text("[method]", "&a [method]"), "6:8 | write the value out", FINE),
    "Y105": (text("[method]", "[meth\x08od]"), "6:13", FINE),
    "S101": (text("year:", "yaer: x\nyear:"), "3:7 | did you mean year?", FINE),
    "S102": (one(venue=None), "1:1", FINE),
    "S103": (text("year: 2022", 'year: "2022"'), "3:7", FINE),
    "S104": (one(kinds=["methods"]), "6:9", FINE),
    "S105": (one(pages="1 to 2"), "5:8", one(pages="1-2")),
    "S107": (one(authors=["Kevin Meng", "D\u0430vid Bau"]), "2:23 | one alphabet", one(authors=["Kevin Meng", "Давид Бау"], title="Locating αEdit and ΔGPT")),
    "S106": (one(authors=["Kevin Meng", "David\u202e Bau"]), "2:23 | take it out", one(authors=["Kevin Meng", "Đàvid Bau"])),
    "I201": (one(ids={"arxiv": "https://arxiv.org/abs/2202.05262v2"}), '5:14 | write "2202.05262"', FINE),
    "I202": (one(ids={"arxiv": "2402.05262"}), "5:14", one(ids={"arxiv": "2302.05262"}, note="Posted late.")),
    "I203": (one(ids={"arxiv": "2213.05262"}), "5:14", one(ids={"arxiv": "2212.05262"})),
    "I204": (one(ids={"doi": "10.48550/arXiv.2202.05262"}), "5:12 | leave it out", one(ids={"doi": "10.1162/x"})),
    "I205": (one(ids=None), "1:1", one(ids=None, links={"paper": "https://example.org/a"})),
    "I206": (one(ids={"arxiv": "2302.05262"}), "5:14", one(ids={"arxiv": "2302.05262"}, note="Posted late.")),
    "T301": (one(studies={"methods": ["romee"]}), "7:21 | did you mean rome?", one(studies={"methods": ["rome"]})),
    "T302": (
        two(studies={"methods": ["rome", "ft-l"]}),
        f"{OTHER}:7:27",
        {PATH: make_entry(studies={"methods": ["ft-l"]}), **{OTHER: two(studies={"methods": ["rome", "ft-l"]})[OTHER]}},
    ),
    "T303": (
        one(proposes={"methods": ["rome"]}, studies={"methods": ["mend", "rome"]}), "8:27",
        one(pitfalls=[pitfall(), pitfall(stance="measures")], proposes={"methods": ["rome"]}, studies={"methods": ["mend"]}),
    ),
    "T304": (
        one(pitfalls=[pitfall(), pitfall("locality.neighbourhood")]), "8:10 | leave it out",
        one(pitfalls=[pitfall(), pitfall("locality.neighbourhood", "measures")]),
    ),
    "A351": (one(summary="Short.", annotated=read("title")), "7:10", one(summary="Short.")),
    "A352": (
        one(pitfalls=[pitfall(basis="full-text")]), "8:42",
        one(pitfalls=[pitfall(basis="full-text")], annotated=read("full-text")),
    ),
    "A353": (one(summary="word " * 61), "7:10", one(summary="word " * 60)),
    "A354": (one(unconfirmed=["venue"]), "7:14", FINE),
    "A356": (one(unconfirmed=["tags"]), "7:14 | take tags off", one(unconfirmed=["venue"])),
    "A355": (one(status="withdrawn"), "7:9", one(status="withdrawn", note="By the authors: a mistake in a proof.")),
    "D401": (two(ids={"arxiv": "2202.05262"}), f"{OTHER}:5:14", two()),
    "D402": (
        two(title="Locating and editing: factual associations in GPT!"), f"{OTHER}:1:8",
        two(title="Locating and editing factual associations in T5"),
    ),
    "D403": (
        {PATH: make_entry(), PREPRINT: make_entry(title="Factual Associations in GPT", venue="arxiv", ids={"openreview": "-h6WAS6eE4"})},
        f"{PREPRINT}:1:8",
        {PATH: make_entry(), PREPRINT: make_entry(title="Factual Associations in GPT", venue="arxiv", authors=["Ann Meng"], ids={"openreview": "-h6WAS6eE4"})},
    ),
    "N501": (one(authors=["KEVIN MENG"]), "2:11 | write Kevin Meng", one(authors=["Kevin JD Meng III", "LEE Ann-Marie"])),
    "N502": (one(authors=["Kevin Meng1*"]), "2:11 | write Kevin Meng", FINE),
    "N503": (one(authors=["Kevin Meng", "et al."]), "2:23 | list every author", one(authors=["Kevin Meng", "Al Etal"])),
    "N504": (one(authors=["Meng, Kevin"]), "2:11 | given name first", one(authors=["Kevin Meng", {"literal": "Meng, Bau and Sons"}])),
    "N505": (one(authors=["Robert IV"]), "2:11", {"papers/2022/logan2022locating.yaml": make_entry(authors=["Robert Logan IV"])}),
    "N506": (one(authors=["Kevin Meng", "kevin  meng"]), "2:23", FINE),
    "N507": (one(authors=["Kevin M\\'eng"]), "2:11 | the letters themselves", one(authors=["Kevin Méng"])),
    "N508": (two(authors=["Ann Bau", "Alex J Andonian"]), f"{OTHER}:2:20", two(authors=["Ann Bau", "Alex Andonian"])),
    "P601": (one(title="Locating  Facts ."), "1:8 | write Locating Facts", one(title="Locating Facts: A Survey?")),
    "P602": (one(title="Locating inLanguage"), "1:8 | write in Language", one(title="Locating inLanguage", protect=["inLanguage"])),
    "P603": (one(title="Locating Paramters"), "1:8 | write parameters", one(title="Locating Paramters", official_typo=["Paramters"])),
    "P604": (one(title="LOCATING AND EDITING IN GPT"), "1:8 | title case", FINE),
    "P605": (one(protect=["BERT"]), "7:11", one(protect=["GPT"])),
    "P606": (one(acronym="ROME", annotated=read("title")), "5:10", one(acronym="GPT", annotated=read("title"))),
    "V701": (one(venue="neurps"), "4:8 | did you mean neurips?", FINE),
    "V702": (
        {"papers/2021/meng2021locating.yaml": make_entry(year=2021, venue="findings-acl", ids={"arxiv": "2102.05262"})},
        "3:7 | taxonomy/venues.yaml", one(venue="findings-acl"),
    ),
    "V703": (
        one(venue="emnlp", ids={"anthology": "2022.findings-emnlp.4"}), "4:8 | the id belongs to Findings of EMNLP",
        one(venue="findings-emnlp", ids={"anthology": "2022.findings-emnlp.4", "doi": "10.18653/v1/2022.findings-emnlp.4"}),
    ),
    "V704": (one(venue="arxiv", pages="1-2"), "5:8 | name the venue", one(venue="arxiv")),
    "V705": (one(booktitle="Advances in Neural Information Processing Systems"), "5:12 | leave it out", one(booktitle="Another Track")),
    "V706": (one(published="2021-12"), "5:12", one(published="2022-12")),
    "L801": (one(links={"code": "github.com/a/b"}), "6:15", one(links={"code": "https://github.com/a/b"})),
    "L802": (one(links={"code": "https://arxiv.org/abs/2202.05262"}), "6:15 | into ids", one(links={"code": "https://github.com/a/b"})),
    "L803": (one(links={"code": "https://github.com/a/b.git"}), "6:15 | write https://github.com/a/b", one(links={"code": "https://github.com/a/b.github.io"})),
    "L804": (one(links={"code": "https://github.com/a"}), "6:15", one(links={"code": "https://a.github.io"})),
    "L805": (
        {PATH: make_entry(links={"code": "https://github.com/a/b"}), OTHER: two(links={"project": "https://www.GitHub.com/a/b/"})[OTHER]},
        f"{OTHER}:6:18",
        {PATH: make_entry(links={"code": "https://github.com/a/b"}), OTHER: two(links={"code": "https://github.com/a/b"}, related=[related("meng2022locating")])[OTHER]},
    ),
    "K901": ({"papers/README.md": "hello\n"}, "papers/README.md:1:1", FINE),
    "K902": ({"papers/2022/Meng-2022.yaml": make_entry()}, "papers/2022/Meng-2022.yaml:1:1", FINE),
    "K903": (
        {"papers/2022/bau2022locating.yaml": make_entry()}, "2:11 | meng2022locating",
        {"papers/2022/meng2021factual.yaml": make_entry()},
    ),
    "K904": ({"papers/2021/meng2022locating.yaml": make_entry()}, "3:7 | move it to papers/2022/", FINE),
    "K905": (two(former_keys=["meng2022locating"]), f"{OTHER}:1:1", two(former_keys=["bau2022memories"])),
    "R951": (two(related=[related("meng2022locatin")]), f"{OTHER}:8:11 | did you mean meng2022locating?", two(related=[related("meng2022locating")])),
    "R952": (
        {PATH: make_entry(related=[related("bau2022editing")]), OTHER: two(related=[related("meng2022locating")])[OTHER]},
        "8:5 | keep one side",
        {PATH: make_entry(related=[related("bau2022editing")]), OTHER: two(related=[related("meng2022locating", "refutes")])[OTHER]},
    ),
}  # fmt: skip

# Rules that need more than entries, and the tests that show them.
ELSEWHERE = {
    "R953": "test_keys.test_a_founding_paper_must_be_an_entry",
    "R954": "test_keys.test_a_term_must_not_lead_nowhere",
    "M971": "test_implementations.test_a_file_that_is_not_there",
    "M972": "test_implementations.test_a_file_of_another_method",
    "M973": "test_implementations.test_a_file_that_no_method_names",
    "M974": "test_implementations.test_a_paper_that_the_method_was_not_founded_by",
    "M975": "test_implementations.test_a_setting_without_meaning",
    "M976": "test_implementations.test_a_docstring_that_does_not_tell_how_faithful_it_is",
    "M977": "test_implementations.test_every_method_of_the_survey_runs_here",
    "K907": "test_run.test_an_entry_of_the_main_branch_may_not_vanish",
    "K908": "test_run.test_a_key_may_not_change_its_meaning",
}


