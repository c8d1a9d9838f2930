from __future__ import annotations

import pytest

from tests.checks.examples import findings, one


def found(title: str, taxonomy, **fields) -> list:
    return [f for f in findings(one(title=title, **fields), taxonomy) if f.code[0] == "P"]


@pytest.mark.parametrize(
    ("title", "fix"),
    [
        ("Locating  Facts", "Locating Facts"), ("Locating Facts .", "Locating Facts"), ("Locating Facts.", "Locating Facts"),
        ("Locating : A Fact", "Locating: A Fact"), ("Locating , Editing", "Locating, Editing"), ("Locating ``Facts''", 'Locating "Facts"'),
        ("Loca\u00adting Facts", "Locating Facts"), ("Locating\u200bFacts", "LocatingFacts"), ("Locating\u00a0Facts", "Locating Facts"),
        ("Locating ﬁne ﬂows", "Locating fine flows"), ("Locating naı̈ve E\u0301tudes", "Locating naı̈ve Études"),
    ],
)  # fmt: skip
def test_accidents_with_one_cure(title, fix, taxonomy):
    assert fix in {f.fix for f in found(title, taxonomy)}


@pytest.mark.parametrize("title", ["Locating knowl- edge", "Locating:Facts", "Locating $A^3E$", "Locating {GPT}", "Locating \\emph{x}", "Locating &amp; Editing", "Locating <i>x</i>"])
def test_accidents_that_a_person_must_look_at(title, taxonomy):
    assert [(f.code, f.fix) for f in found(title, taxonomy)] == [("P601", None)]


@pytest.mark.parametrize(
    "title",
    [
        "Locating Facts?", "Locating Facts...", "Locating pre- and post-edit Facts", "Locating: 10:1 Odds", "Locating “Facts”", "Locating A³E & Co.?",
        "Locating GPT-3's Facts", "Locating Facts in ChatGPT and iPhone", "Locating mT5, ByT5 and aLLM", "Locating the DeepMind API", "Locating Facts (in GPT)",
    ],
)  # fmt: skip
def test_titles_that_are_fine(title, taxonomy):
    assert found(title, taxonomy) == []


@pytest.mark.parametrize("title", ["Locating:Facts", "Locating Facts .", "Locating knowl- edge", "Locating  Facts"])
def test_an_official_accident_stays(title, taxonomy):
    assert found(title, taxonomy, official_typo=[title.removeprefix("Locating")[:7].strip() or ":"]) != found(title, taxonomy)
    assert found(title, taxonomy, official_typo=[title]) == []


def test_beside_an_official_typo_the_rest_is_still_looked_at(taxonomy):
    (finding,) = found("Locating paramters  in GPT", taxonomy, official_typo=["paramters"])
    assert (finding.code, finding.fix) == ("P601", None)


@pytest.mark.parametrize(("word", "right"), [("inLanguage", "in Language"), ("ofModels", "of Models"), ("viaLLMs", "via LLMs"), ("withGPT4", "with GPT4")])
def test_glued_words(word, right, taxonomy):
    (finding,) = found(f"Locating {word}", taxonomy)
    assert (finding.code, finding.hint, finding.fix) == ("P602", f"write {right}", None)
    assert found(f"Locating {word}", taxonomy, official_typo=[word]) == []
    assert found(f"Locating {word}", taxonomy, acronym=word) == []


@pytest.mark.parametrize("typo", ["paramters", "Langauge", "knowlege"])
def test_misspellings_unless_official(typo, taxonomy):
    assert [f.code for f in found(f"Locating {typo}", taxonomy)] == ["P603"]
    assert found(f"Locating {typo}", taxonomy, official_typo=[f"Locating {typo}"]) == []


def test_a_mark_of_what_is_not_there(taxonomy):
    assert [(f.code, f.where) for f in found("Locating", taxonomy, official_typo=["Editng"])] == [("P605", ("official_typo", 0))]
