from __future__ import annotations

import pytest

from tests.checks.examples import findings, two


def found(author, taxonomy) -> list:
    return [f for f in findings(two(authors=["Ann Bau", author]), taxonomy) if f.code[0] == "N"]


@pytest.mark.parametrize(
    ("name", "right"),
    [
        ("KEVIN MENG", "Kevin Meng"), ("Kevin MENG", "Kevin Meng"), ("YU LI", "Yu Li"), ("LI Fei-FEI", None),
        ("JEAN-LUC O'BRIEN", "Jean-Luc O'Brien"), ("ÉMILE ÇELIK", "Émile Çelik"), ("ROBERT LOGAN IV", "Robert Logan IV"),
        ({"given": "KEVIN", "family": "MENG"}, "Kevin Meng"),
        ("J. R. Smith", None), ("JD Vance", None), ("Robert Logan III", None), ("Sang-Woo Lee", None), ("C. J. XU", None),
    ],
)  # fmt: skip
def test_capitals(name, right, taxonomy):
    told = [(f.code, f.hint) for f in found(name, taxonomy) if f.code == "N501"]
    assert told == ([("N501", f"write {right}")] if right else [])


@pytest.mark.parametrize("name", ["Cy Dee1", "Cy Dee*", "Cy Dee†", "Cy Dee¹", "Cy Dee ✉", "Cy Dee⁎", "Cy Dee‖", "Cy Dee 1*"])
def test_marks_are_taken_off(name, taxonomy):
    (finding,) = found(name, taxonomy)
    assert (finding.code, finding.fix) == ("N502", "Cy Dee")


def test_a_mark_in_a_split_name_is_told_but_not_mended(taxonomy):
    (finding,) = found({"given": "Cy", "family": "Dee2"}, taxonomy)
    assert (finding.code, finding.fix) == ("N502", None)


@pytest.mark.parametrize("name", ["et al.", "et al", "Cy Dee et al.", "et. al.", "others", "and others", "...", "…", {"literal": "et al."}])
def test_et_al(name, taxonomy):
    assert "N503" in {f.code for f in found(name, taxonomy)}


@pytest.mark.parametrize("name", ["Dee, Cy", "Cy Dee; Ed Eff", "Cy Dee and Ed Eff", "Cy Dee & Ed Eff", "Cy Dee, Ed Eff"])
def test_one_item_one_name(name, taxonomy):
    assert [f.code for f in found(name, taxonomy)] == ["N504"]


@pytest.mark.parametrize("name", ["Cy Dee, Jr.", "Cy Dee Jr.", "Cy Alexander", {"literal": "Dee, Eff & Sons"}])
def test_what_is_one_name(name, taxonomy):
    assert found(name, taxonomy) == []


@pytest.mark.parametrize("name", ["Robert IV", "Robert Jr.", "Robert iii"])
def test_a_suffix_is_no_family_name(name, taxonomy):
    assert [f.code for f in found(name, taxonomy)] == ["N505"]


@pytest.mark.parametrize("name", ["J\\\"org Dee", "Cy {Dee}", "Cy &eacute;", "Ã¼mit Dee", "Cy_Dee", "<b>Cy</b> Dee"])
def test_what_is_no_letter(name, taxonomy):
    assert "N507" in {f.code for f in found(name, taxonomy)}


def test_accents_are_put_on_their_letters(taxonomy):
    (finding,) = found("Jo\u0308rg Dee", taxonomy)
    assert (finding.code, finding.fix) == ("N507", "Jörg Dee")


@pytest.mark.parametrize(
    ("name", "told"),
    [("Alex J Andonian", True), ("Alex J. Andonian", True), ("Alex ANDONIAN", True), ("Alex B. Andonian Lee", False), ("Alexa Andonian", False)],
)
def test_two_spellings_are_told(name, told, taxonomy):
    assert ("N508" in {f.code for f in found(name, taxonomy)}) is told


def test_two_middle_names_are_two_people(taxonomy):
    files = two(authors=["Ann Bau", "Alex J Andonian"])
    files["papers/2022/meng2022locating.yaml"]["authors"][2] = "Alex B Andonian"
    assert findings(files, taxonomy) == []
