from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from survey.intake.issue_form import CORRECT, FORMS, LIMIT, REFERENCE, SUBMIT, recognise
from tests.intake.github.inert import HOSTILE

ROOT = Path(__file__).parents[2]
TEMPLATES = ROOT / ".github" / "ISSUE_TEMPLATE"


def body(form, **answers: str) -> str:
    """What GitHub makes of a filled form."""
    parts = []
    for field in form.fields:
        answer = answers.get(field.id, "")
        if field.kind == "checkboxes":
            answer = f"- [{'x' if answer != 'no' else ' '}] The paper is about editing."
        elif not answer:
            answer = "_No response_"
        elif field.rendered:
            answer = f"```{field.rendered}\n{answer}\n```"
        parts.append(f"### {field.label}\n\n{answer}")
    return "\n\n".join(parts)


# The forms on GitHub, and the table


@pytest.mark.parametrize("form", FORMS, ids=lambda f: f.name)
def test_each_form_asks_what_the_table_says(form):
    written = yaml.safe_load((TEMPLATES / form.file).read_text("utf-8"))
    assert written["labels"] == [form.label] and written["name"] and written["description"]
    asked = [part for part in written["body"] if part["type"] != "markdown"]
    assert [(p["id"], p["attributes"]["label"], p["type"]) for p in asked] == [(f.id, f.label, f.kind) for f in form.fields]
    for part, field in zip(asked, form.fields, strict=True):
        ticked = any(option.get("required") for option in part["attributes"].get("options", ()))
        assert (ticked or part.get("validations", {}).get("required", False)) == field.required, field.id
        assert part["attributes"].get("render", "") == field.rendered


def test_there_are_no_other_forms():
    assert {p.name for p in TEMPLATES.iterdir()} == {*(form.file for form in FORMS), "config.yml"}


def test_the_links_beside_the_forms_lead_to_pages_of_ours():
    site = re.search(r'SURVEY_SITE_URL, "(.*?)"', (ROOT / "mkdocs.yml").read_text("utf-8"))[1]
    links = yaml.safe_load((TEMPLATES / "config.yml").read_text("utf-8"))["contact_links"]
    assert links
    for link in links:
        page = link["url"].removeprefix(site).strip("/")
        assert link["url"].startswith(site) and ((ROOT / "docs" / f"{page}.md").is_file() or (ROOT / "docs" / page / "index.md").is_file()), link["url"]


def test_the_workflow_looks_for_the_first_question_of_the_forms_that_are_answered():
    job = yaml.safe_load((ROOT / ".github/workflows/submission.yml").read_text("utf-8"))["jobs"]["read"]
    for form in (SUBMIT, CORRECT):
        assert f"contains(github.event.issue.body, '### {form.fields[0].label}')" in job["if"]


# Filled forms


@pytest.mark.parametrize("form", FORMS, ids=lambda f: f.name)
def test_every_answer_comes_back(form):
    answers = {f.id: f"answer to {f.id}\nin two lines" for f in form.fields if f.kind != "checkboxes"}
    found = recognise(body(form, **answers))
    assert found.form is form and {id: found[id] for id in answers} == answers and found.lacking == ()


def test_what_is_left_empty_is_empty():
    found = recognise(body(SUBMIT, source="2202.05262"))
    assert found["source"] == "2202.05262" and found["title"] == found["notes"] == "" and found.lacking == ()
    assert recognise(body(SUBMIT, scope="no")).lacking == ("Scope",)
    assert recognise(body(CORRECT, key="x2022y")).lacking == ("What is wrong?", "Where did you read the right thing?")


def test_lines_may_end_as_on_windows_and_bodies_may_be_cut():
    text = body(SUBMIT, source="2202.05262").replace("\n", "\r\n")
    assert recognise(text)["source"] == "2202.05262"
    assert recognise("x" * LIMIT + body(SUBMIT, source="2202.05262")) is None


def test_a_heading_inside_an_answer_is_part_of_it():
    answer = "```bibtex\n@misc{x,\n### Anything else?\n}\n```"
    assert recognise(body(SUBMIT, source=answer, notes="n"))["source"] == "@misc{x,\n### Anything else?\n}"
    found = recognise(body(SUBMIT, source="## Which paper?\n### Which paper?\n### Other heading", notes="n"))
    assert found["source"] == "## Which paper?\n### Which paper?\n### Other heading" and found["notes"] == "n"


def test_a_fence_that_never_ends_swallows_no_answer():
    found = recognise(body(SUBMIT, source="````\n2202.05262", notes="n"))
    assert found["source"] == "````\n2202.05262" and found["notes"] == "n"
    text = body(CORRECT, key="k", what="w", where="r", entry="title: x").removesuffix("\n```")
    assert recognise(text)["entry"] == "title: x"


@pytest.mark.parametrize(("answer", "inside"), [
    ("```bibtex\n@misc{x,\n}\n```", "@misc{x,\n}"), ("~~~\nx\n~~~~", "x"), ("```\nx```", "x"), ("````\n```\nx\n```\n````", "```\nx\n```"), ("```\n```", ""), ("```", "```"),
    ("```\nx\n~~~", "```\nx\n~~~"), ("x\n```", "x\n```"), ("```\nx\n``", "```\nx\n``"), ("```\nx\n```\nand y", "```\nx\n```\nand y"),
])  # fmt: skip
def test_a_fence_around_the_answer_is_taken_off(answer, inside):
    assert recognise(f"### Which paper?\n\n{answer}\n\n### Scope\n\n- [x] x")["source"] == inside


TICKS = "`" * 20_000 + "x\n" + "`" * 19_000 + "\nb"


@pytest.mark.parametrize("text", [
    f"### Which entry?\n\nx\n\n### What is wrong?\n\ny\n\n### The corrected entry\n\n{TICKS}", f"### Which paper?\n\n{TICKS}\n\n### Scope\n\nx",
    "### Which entry?\n\nx\n\n### What is wrong?\n\ny\n\n### The corrected entry\n\n" + "`" * 60_000,
    "### Which paper?\n\nx\n\n### Scope\n\nx" + "\n" * 60_000 + "y", "### Which paper?\n\nx\n\n### Scope\n\nx" + "\n " * 30_000 + "y",
], ids=["entry", "source", "one line", "empty lines", "lines of spaces"])  # fmt: skip
def test_a_body_of_ticks_or_of_empty_lines_is_soon_read(text):
    start = time.process_time()
    assert recognise(text)
    assert time.process_time() - start < 3


def test_comments_are_no_answers_but_the_entry_stays_as_it_is():
    found = recognise(body(SUBMIT, source="<!-- paste here -->\n2202.05262 <!-- x"))
    assert found["source"] == "2202.05262"
    entry = "title: x  # <!-- y -->\n\n  # z"
    assert recognise(body(CORRECT, key="k", what="w", where="r", entry=entry))["entry"] == entry


def test_sections_that_somebody_took_out_are_empty():
    assert recognise("### Which paper?\n\n2202.05262\n\n### Scope\n\n- [X] yes").lacking == ()


@pytest.mark.parametrize("text", ["", "hello", "### Which paper?\n\n2202.05262", "### Title\n\nx\n### Scope", "### which paper?\n### scope"])
def test_other_issues_are_no_forms(text):
    assert recognise(text) is None


def test_what_no_file_can_hold_is_taken_out():
    assert recognise(body(SUBMIT, source="22\x0002.05262\ud800"))["source"] == "2202.05262"


pieces = st.sampled_from([*HOSTILE, *(f"### {f.label}" for form in FORMS for f in form.fields), "```", "````yaml", "~~~", "\n", "\r\n", "_No response_", "- [x] x", "<!--", "-->"])


@settings(deadline=None)
@given(st.lists(st.one_of(pieces, st.text(max_size=10)), max_size=30).map("\n".join))
def test_no_body_breaks_the_reading(text):
    found = recognise(text)
    assert found is None or set(found.answers) == {f.id for f in found.form.fields}


@settings(deadline=None)
@given(st.lists(st.one_of(st.sampled_from(HOSTILE), st.text(max_size=10)), max_size=4).map("\n".join))
def test_one_answer_cannot_hide_the_others(text):
    found = recognise(body(REFERENCE, method="rome", command="run", expected="e", seen=text, versions="v"))
    assert (found["method"], found["command"], found["expected"]) == ("rome", "run", "e")
    assert found["versions"] == "v"
