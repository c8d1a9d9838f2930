"""Whatever names the address of the project names the same."""

from __future__ import annotations

from pathlib import Path

import pytest

import survey
from survey.cli.github import _places
from survey.intake.client import user_agent
from survey.intake.links import agent

ADDRESS = "https://github.com/editing-pitfalls/editing-pitfalls"


@pytest.mark.parametrize("address", ["https://example.org/other", ""])
def test_the_address_of_the_project_is_the_same_everywhere(address, monkeypatch):
    monkeypatch.setenv("SURVEY_REPO_URL", address)
    for told in (user_agent(), agent(), str(_places(""))):
        assert (address or ADDRESS) in told


def test_the_address_of_the_project_is_said_once():
    modules = Path(survey.__file__).parent.rglob("*.py")
    assert [m.stem for m in modules if ADDRESS in m.read_text("utf-8")] == ["home"]
