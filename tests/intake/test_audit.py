from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict, replace

import pytest

from survey.intake import audit, handover
from survey.intake.audit import AUDITS, Found, Report, read
from survey.intake.handover import BadHandover

ROW = Found("dead", "a2020b", "links.code", "https://a.example/x", "answers 404")
REPORT = Report("links", 3, (ROW, Found("blocked", "c2020d", "links.project", "https://b.example/", "answers 403")), "2026-11-25", False, ("a note",))


def test_an_audit_needs_nothing_of_github():
    asked = "import sys, survey.intake.audit; sys.exit('survey.intake.github' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", asked]).returncode == 0


def test_what_is_written_is_read_again(tmp_path):
    handover.write(tmp_path / "r.json", REPORT.record())
    assert read(tmp_path / "r.json") == REPORT


def test_a_long_value_is_cut_and_refuses_nothing(tmp_path):
    report = replace(REPORT, rows=(ROW, replace(ROW, kind="moved", found="https://a.example/" + "x" * 100_000)))
    handover.write(tmp_path / "r.json", report.record())
    assert (tmp_path / "r.json").stat().st_size < 5000
    first, second = read(tmp_path / "r.json").rows
    assert first == ROW and second.found.startswith("https://a.example/xxx") and second.found.endswith("x…") and len(second.found) == 1000
    # Nor where another job has not cut it.
    (tmp_path / "r.json").write_text(json.dumps({**report.record(), "rows": [asdict(row) for row in report.rows]}))
    assert read(tmp_path / "r.json").rows == (first, second)
    assert len(audit.markdown([report], 60_000)) < 5000


@pytest.mark.parametrize("wrong", [
    {"version": 2}, {"audit": "x"}, {"audit": None}, {"rows": {}}, {"rows": [1]}, {"rows": [{"kind": "dead"}]}, {"checked": -1}, {"checked": "3"}, {"on": "today"},
    {"on": "2026-11-25\n"}, {"complete": 1}, {"notes": [1]}, {"audit": "drift"},
    {"rows": [{"kind": "dead", "key": "../x", "field": "", "said": "", "found": "", "command": ""}]},
    {"rows": [{"kind": "dead", "key": "a2020b", "field": "", "said": 7, "found": "", "command": ""}]},
])  # fmt: skip
def test_a_report_from_a_stranger_is_believed_in_nothing(tmp_path, wrong):
    (tmp_path / "r.json").write_text(json.dumps({**REPORT.record(), **wrong}))
    with pytest.raises(BadHandover):
        read(tmp_path / "r.json")


def test_only_what_somebody_can_mend_is_a_finding():
    assert REPORT.findings == (ROW,)
    assert {kind for audit in AUDITS.values() for kind, group in audit.items() if not group.problem} == {"blocked"}


def test_the_text_groups_findings_and_ends_with_the_sum():
    assert audit.text(REPORT).splitlines() == [
        "Dead links (1). Nothing is there any more: look for where it went, or take the link out.", "  a2020b links.code: https://a.example/x -> answers 404", "",
        "Links that only people may follow (1). The server refuses programs; that says nothing of the link.",
        "  c2020d links.project: https://b.example/ -> answers 403", "", "note: a note", "3 addresses visited: 1 to look at",
    ]  # fmt: skip
    assert audit.text(Report("drift", 1200, (), "2026-11-25")) == "1,200 records compared: nothing to do"


def test_no_answer_steers_the_terminal():
    assert "\x1b" not in audit.text(Report("links", 1, (Found("moved", "a2020b", "links.code", "x", "\x1b[2Jhttps://x"),), "2026-11-25"))


def test_the_markdown_names_day_entries_and_commands():
    text = audit.markdown([REPORT, Report("drift", 1, (Found("title", "a2020b", "title", "Old", "New", "survey add --update 1"),), "2026-11-25")], 60_000)
    assert "## Links\n\n2026-11-25: 3 addresses visited: 1 to look at." in text and "- **a2020b** links.code: `https://a.example/x` → `answers 404`" in text
    assert "- **a2020b** title: `Old` → `New`  \n  `survey add --update 1`" in text and "> a note" in text
