from __future__ import annotations

import pytest

from survey.intake.audit import Found, Report
from survey.intake.github.living_issue import update
from survey.intake.markdown import LIMIT
from tests.intake.github.inert import HOSTILE, alive
from tests.intake.github.server import PERSON

TITLE = "Audit of links and sources"
DEAD = Found("dead", "meng2022locating", "links.code", "https://example.org/x", "answers 404")
BLOCKED = Found("blocked", "meng2022locating", "links.code", "https://example.org/y", "answers 403")


def links(*rows: Found, complete: bool = True, notes: tuple[str, ...] = ()) -> Report:
    return Report("links", 9, rows, "2026-11-25", complete, notes)


def told(github, *reports: Report) -> str:
    return update(github, TITLE, "audit", list(reports))


def test_what_was_found_opens_one_issue_and_keeps_it_up_to_date(hub, github):
    assert told(github, links(DEAD)) == "issue 101 opened"
    assert told(github, links(DEAD, DEAD)) == "issue 101 brought up to date"
    (issue,) = hub.issues
    assert issue["title"] == TITLE and issue["labels"] == ["audit"] and "### Dead links (2)" in issue["body"]


def test_it_is_closed_when_all_is_well_and_comes_back(hub, github):
    told(github, links(DEAD))
    assert told(github, links()) == "issue 101 closed: all is well"
    assert hub.issues[0]["state"] == "closed" and len(hub.bodies(101)) == 1
    assert told(github, links()) == "nothing was found, and no issue is open" and len(hub.bodies(101)) == 1
    assert told(github, links(DEAD)) == "issue 101 opened again" and hub.issues[0]["state"] == "open" and len(hub.issues) == 1


def test_what_could_not_be_looked_at_closes_nothing(hub, github):
    told(github, links(DEAD))
    assert "stays open" in told(github, links(), Report("drift", 0, (), "2026-11-25", False, ("arXiv does not answer",)))
    assert hub.issues[0]["state"] == "open" and "arXiv does not answer" in hub.issues[0]["body"]


def test_links_that_only_programs_cannot_follow_open_nothing(hub, github):
    assert told(github, links(BLOCKED)) == "nothing was found, and no issue is open" and hub.issues == []


def test_an_issue_of_a_person_with_this_title_is_left_alone(hub, github):
    hub.issues.append({"number": 5, "title": TITLE, "state": "open", "labels": ["audit"], "user": PERSON, "body": "mine"})
    assert told(github, links(DEAD)) == "issue 101 opened" and hub.issues[0]["body"] == "mine"


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_that_servers_answer_comes_alive(hub, github, text):
    row = Found("moved", "meng2022locating", "links.code", text, text, text)
    told(github, links(row, notes=(text,)), Report("drift", 1, (Found("title", "a2020b", "title", text, text, text),), "2026-11-25"))
    assert alive(hub.issues[0]["body"]) == []


def test_a_long_report_is_cut(hub, github):
    told(github, links(*[Found("dead", "meng2022locating", "links.code", f"https://example.org/{n}{'x' * 300}", "answers 404") for n in range(500)]))
    assert len(hub.issues[0]["body"]) < LIMIT and "more than fits here" in hub.issues[0]["body"]
