from __future__ import annotations

import importlib
import re

import pytest

from survey.checks import RULES as REGISTRY
from survey.checks.registry import Severity, built_in, entry_rule
from tests.checks.examples import ELSEWHERE, RULES, findings


def test_every_rule_has_an_example():
    assert RULES.keys() | ELSEWHERE.keys() == REGISTRY.keys()
    for test in ELSEWHERE.values():
        module, name = test.split(".")
        assert hasattr(importlib.import_module(f"tests.checks.{module}"), name)


@pytest.mark.parametrize("code", RULES)
def test_the_bad_example_is_found_at_its_place(code, taxonomy):
    bad, expected, _ = RULES[code]
    place, _, hint = expected.partition(" | ")
    found = [f for f in findings(bad, taxonomy) if f.code == code]
    assert found, "not found at all"
    if "papers/" in place:
        path, *place = place.split(":")
        assert {f.path for f in found} == {path}
        place = ":".join(place)
    text = bad[found[0].path]
    assert place in {_place(f, text) for f in found}
    assert any(hint in f.hint for f in found)
    assert all(f.message and "\n" not in f.message for f in found)


def _place(finding, content) -> str:
    from survey.files.reader import locate
    from survey.files.writer import dump

    if finding.line:
        return f"{finding.line}:{finding.column}"
    text = content if isinstance(content, str) else dump(content)
    line, column = locate(text, finding.where) if finding.where else (1, 1)
    return f"{line}:{column}"


@pytest.mark.parametrize("code", RULES)
def test_the_bad_example_breaks_nothing_else(code, taxonomy):
    """Otherwise it would not show what this rule is for."""
    also = {
        "K902": {"K903"}, "N505": {"K903"}, "N502": {"K903"}, "N504": {"K903"},
        "N506": {"N508"}, "N507": {"K903"},
    }  # fmt: skip
    found = {f.code for f in findings(RULES[code][0], taxonomy)}
    assert found <= {code, "T302", *also.get(code, ())}


@pytest.mark.parametrize("code", RULES)
def test_the_good_example_is_fine(code, taxonomy):
    found = findings(RULES[code][2], taxonomy)
    assert [f for f in found if f.code == code] == []
    assert [f for f in found if f.severity is Severity.ERROR] == []


def test_codes_names_and_explanations():
    names = [rule.name for rule in REGISTRY.values()]
    assert len(set(names)) == len(names)
    for code, rule in REGISTRY.items():
        assert re.fullmatch(r"[A-Z][0-9]{3}", code) and rule.code == code
        assert re.fullmatch(r"[a-z-]+", rule.name)
        assert rule.summary[-1] in ".?", code
        assert rule.scope in ("file", "entry", "collection", "taxonomy")


def test_a_code_is_given_once():
    with pytest.raises(ValueError, match="N501 is taken by name-in-capitals"):
        entry_rule("N501", "another")(lambda *_: None)


def test_warnings_do_not_fail():
    warnings = {code for code, rule in REGISTRY.items() if rule.severity is Severity.WARNING}
    assert warnings == {"A356", "D403", "I205", "I206", "L805", "R952", "T302"}
    assert {code for code, rule in REGISTRY.items() if rule.severity is Severity.INFO} == {"A354", "N508", "P606"}


def test_a_built_in_rule_is_explained(monkeypatch):
    monkeypatch.delitem(REGISTRY, "Y101")
    built_in("Y101", "yaml-syntax", "One.\n\n    Two.")
    assert REGISTRY["Y101"].summary == "One."
