from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from survey.files.writer import dump
from survey.intake import handover
from survey.intake.github import preview, publish
from survey.intake.github.api import GitHubError
from survey.intake.github.preview import Places
from survey.intake.github.submission import FILE, Submission
from survey.intake.handover import BadHandover
from tests.entries import PATH, make_entry
from tests.intake.github.inert import HOSTILE, alive
from tests.intake.github.server import PERSON, Answer

PLACES = Places("https://github.com/someone/pitfalls/blob/main/")
NEW = "papers/2024/night2024editing.yaml"
OURS = ("https://arxiv.org/abs/", "https://doi.org/", "https://github.com/someone/pitfalls/")
BRANCH = "submission/issue-7"


def entry(**fields) -> str:
    return dump(make_entry(**{"title": "Editing by Moonlight", "authors": ["Eve Night", "Lu Na"], "year": 2024, "venue": "arxiv", "ids": {"arxiv": "2405.00001"}, **fields}))


def event(number: int = 7) -> dict:
    return {"action": "opened", "issue": {"number": number}, "repository": {"default_branch": "main"}}


@pytest.fixture
def run(github, root, tmp_path):
    """`run(submission or record)` publishes it, and returns what was done."""

    def go(content, event=event()) -> str:  # noqa: B008
        record = content.record() if isinstance(content, Submission) else content
        handover.write(tmp_path / FILE, record)
        return publish.publish(github, event, tmp_path, root, PLACES, "https://github.com")

    return go


def new(**fields) -> Submission:
    return Submission(7, "submit", NEW, entry(**fields), lines=("Not known, left out: code.",))


def test_an_entry_becomes_one_commit_on_one_branch_and_one_pull_request(run, hub):
    main = hub.refs["main"]
    assert run(new()) == f"issue 7: pull request 101 holds {NEW}"
    assert hub.files(BRANCH) == {NEW: entry()} and hub.refs["main"] == main
    commit = hub.commits[hub.refs[BRANCH]]
    assert commit["parents"] == [{"sha": main}] and commit["message"].startswith("Add night2024editing\n\nSurvey-submission: 7 ")
    (pull,) = hub.pulls
    assert pull["title"] == "Add night2024editing: Editing by Moonlight" and pull["base"]["ref"] == "main"
    assert pull["body"].endswith("\n\nCloses #7") and "left out: code" in pull["body"]
    (answer,), (shown,) = hub.bodies(7), hub.bodies(101)
    assert answer.startswith(publish.MARKER) and "#101" in answer
    assert shown.startswith(f"{preview.MARKER}\n### Preview of 1 changed entry") and "Editing by Moonlight" in shown


def test_the_same_again_changes_nothing(run, hub):
    run(new())
    before = len(hub.written())
    assert run(new()) == f"issue 7: pull request 101 holds {NEW}"
    assert hub.written()[before:] == []


def test_what_a_person_wrote_into_the_pull_request_stays_while_the_entry_does(run, hub):
    run(new())
    hub.pulls[0] |= {"title": "Better words", "body": "Checked by Ada. Closes #7"}
    run(new())
    assert hub.pulls[0]["title"] == "Better words" and "Ada" in hub.pulls[0]["body"]
    run(new(title="Editing by Daylight"))
    assert hub.pulls[0]["title"].endswith("Editing by Daylight")


def test_an_edited_issue_changes_the_same_branch_pull_request_and_comments(run, hub):
    run(new())
    run(new(title="Editing by Daylight"))
    assert hub.files(BRANCH) == {NEW: entry(title="Editing by Daylight")} and len(hub.pulls) == 1
    assert hub.commits[hub.refs[BRANCH]]["parents"] == [{"sha": hub.refs["main"]}], "one commit, on top of main"
    assert hub.pulls[0]["title"].endswith("Editing by Daylight")
    assert len(hub.bodies(7)) == 1 and len(hub.bodies(101)) == 1 and "Daylight" in hub.bodies(101)[0]


def test_another_paper_in_the_same_issue_leaves_no_file_of_the_first(run, hub):
    run(new())
    other = "papers/2023/night2023editing.yaml"
    run(Submission(7, "submit", other, entry(year=2023, ids={"arxiv": "2305.00001"})))
    assert list(hub.files(BRANCH)) == [other]


def test_a_branch_that_a_person_worked_on_is_left_alone(run, hub):
    run(new())
    mended = hub.commit("Mend the tags", hub.tree({NEW: "x"}), [hub.refs[BRANCH]])
    hub.refs[BRANCH] = mended
    assert run(new(title="Editing by Daylight")) == "issue 7: the branch is a person's now"
    assert hub.refs[BRANCH] == mended and "by hand" in hub.bodies(7)[0] and "#101" in hub.bodies(7)[0]


def test_a_commit_that_a_person_amended_is_left_alone(run, hub):
    run(new())
    ours = hub.commits[hub.refs[BRANCH]]
    for files in ({NEW: entry(summary="It edits.")}, {NEW: entry(), "README.md": "x"}, {NEW: None}, {"papers/2024/moon2024editing.yaml": entry()}):
        hub.refs[BRANCH] = amended = hub.commit(ours["message"], hub.tree(files), [hub.refs["main"]])
        for again in (new(title="Editing by Daylight"), new()):
            assert run(again) == "issue 7: the branch is a person's now"
        assert hub.refs[BRANCH] == amended and "by hand" in hub.bodies(7)[0]


def test_a_commit_of_a_person_below_ours_is_left_alone(run, hub):
    run(new())
    ours = hub.commits[hub.refs[BRANCH]]
    theirs = hub.commit("Add a venue", hub.tree({"survey/x.yaml": "x"}), [hub.refs["main"]])
    hub.refs[BRANCH] = rebased = hub.commit(ours["message"], ours["tree"]["sha"], [theirs])
    assert run(new(title="Editing by Daylight")) == "issue 7: the branch is a person's now" and hub.refs[BRANCH] == rebased


def test_a_main_branch_that_went_on_makes_no_person_of_us(run, hub):
    run(new())
    hub.refs["main"] = hub.commit("Add another", hub.tree({PATH: "x"}), [hub.refs["main"]])
    run(new(title="Editing by Daylight"))
    assert hub.files(BRANCH) == {NEW: entry(title="Editing by Daylight")}


@pytest.mark.parametrize("state", ["closed", "merged"])
def test_a_closed_pull_request_stays_closed(run, hub, state):
    run(new())
    hub.pulls[0]["state"] = "closed"
    tip = hub.refs[BRANCH]
    assert run(new(title="Editing by Daylight")) == "issue 7: pull request 101 is closed, and stays so"
    assert len(hub.pulls) == 1 and hub.refs[BRANCH] == tip and "open a new issue" in hub.bodies(7)[0]


def test_a_problem_is_told_once_and_then_changed(run, hub):
    run(Submission(7, "submit", problem="The paper could not be entered.", lines=("arXiv has no paper 9",)))
    run(Submission(7, "submit", problem="The paper could not be entered.", lines=("arXiv has no paper 8",)))
    (told,) = hub.bodies(7)
    assert "- arXiv has no paper 8\n" in told and "edit the text of this issue" in told
    assert hub.pulls == [] and set(hub.refs) == {"main"}


def test_lines_that_grow_beyond_what_a_comment_takes_are_counted(run, hub):
    long = tuple(f"{n}" + "*" * 490 for n in range(40))
    run(Submission(7, "submit", problem="x", lines=long))
    run({**new().record(), "lines": long})
    run(Submission(7, "submit", problem="x", lines=long))
    for text in (hub.bodies(7)[0], hub.pulls[0]["body"]):
        shown = text.count("\n- ") - 1
        assert 10 < shown < 40 and f"\n- And {40 - shown} more.\n" in text and len(text) < 65_536


def test_a_problem_leaves_the_earlier_pull_request(run, hub):
    run(new())
    run(Submission(7, "submit", problem="x"))
    assert "#101 still holds the earlier version" in hub.bodies(7)[0] and hub.pulls[0]["state"] == "open"


def test_a_correction_without_an_entry_is_left_to_a_person(run, hub):
    assert run(Submission(7, "correct", PATH)) == "issue 7: left to a person"
    assert "A person will look" in hub.bodies(7)[0] and hub.pulls == []


def test_a_correction_shows_what_changes(run, hub):
    text = dump(make_entry(authors=["Kevin Meng", "David Bau", "Alex Andonian", "Yonatan Belinkov"]))
    run(Submission(7, "correct", PATH, text))
    assert hub.files(BRANCH) == {PATH: text} and hub.pulls[0]["title"].startswith("Correct meng2022locating: ")
    assert "- authors: `[Kevin Meng, David Bau, Alex Andonian]` → `[Kevin Meng, David Bau, Alex Andonian, Yonatan Belinkov]`" in hub.bodies(101)[0]


def test_a_correction_to_another_year_moves_the_file(run, hub):
    text = dump(make_entry(year=2023))
    run(Submission(7, "correct", "papers/2023/meng2022locating.yaml", text))
    assert hub.files(BRANCH) == {"papers/2023/meng2022locating.yaml": text, PATH: None}
    for number, hub.renames in enumerate((True, False)):
        text = dump(make_entry(year=2023, summary=f"It edits {number} facts."))
        run(Submission(7, "correct", "papers/2023/meng2022locating.yaml", text))
        assert hub.files(BRANCH)["papers/2023/meng2022locating.yaml"] == text, "one's own move is known again"


def test_two_issues_with_the_same_paper_make_one_pull_request(run, hub):
    run(new())
    assert run({**new().record(), "issue": 8}, event(8)) == "issue 8: the same paper waits in pull request 101"
    assert len(hub.pulls) == 1 and "Pull request #101 is about the same paper" in hub.bodies(8)[0] and "submission/issue-8" not in hub.refs


def test_the_list_of_pull_requests_cannot_be_flooded(run, hub, monkeypatch):
    monkeypatch.setattr(publish, "MOST_OPEN", 3)
    for number in range(3):
        hub.pull(f"submission/issue-{number + 50}", f"Add a{number}2024b: x")
    assert run(new()) == "issue 7: too many submissions wait" and BRANCH not in hub.refs
    hub.pulls[0]["head"]["repo"]["full_name"] = "eve/pitfalls"  # A branch of a fork may have any name.
    assert "holds" in run(new())


def test_where_workflows_may_not_open_pull_requests_a_person_can_with_one_click(run, hub):
    hub.refuse = lambda method, path: Answer(403, {"message": "not permitted"}) if (method, path.rpartition("/")[2]) == ("POST", "pulls") else None
    assert "may not open pull requests" in run(new())
    assert f"(https://github.com/someone/pitfalls/compare/main...{BRANCH}?expand=1)" in hub.bodies(7)[0] and BRANCH in hub.refs


def test_a_failure_in_the_middle_is_made_good_by_the_next_run(run, hub):
    hub.refuse = lambda method, path: Answer(500) if method == "POST" and path.endswith("/pulls") else None
    with pytest.raises(GitHubError):
        run(new())
    hub.refuse = lambda method, path: None
    assert "holds" in run(new()) and len(hub.pulls) == 1


def test_comments_of_strangers_are_not_ours(run, hub):
    hub.comment(7, f"{publish.MARKER}\nSend money", PERSON)
    run(new())
    assert hub.bodies(7)[0] == f"{publish.MARKER}\nSend money" and len(hub.bodies(7)) == 2


# What is handed over is believed in nothing

GOOD = new().record()


@pytest.mark.parametrize("wrong", [
    {"issue": 8}, {"issue": "7"}, {"issue": True}, {"issue": None}, {"version": 2}, {"kind": "other"}, {"kind": ["submit"]}, {"lines": "x"}, {"lines": [1]},
    {"path": "../../x.yaml"}, {"path": "papers/2024/../../.github/workflows/x.yml"}, {"path": "/etc/passwd"}, {"path": "papers/2024/.git/x2024y.yaml"},
    {"path": "papers/2024/night2024editing.yaml\n"}, {"path": "papers/２０２４/night2024editing.yaml"}, {"path": "papers/2024/Night2024editing.yaml"},
    {"path": "papers\\2024\\night2024editing.yaml"}, {"path": ""}, {"path": 7}, {"path": "papers/2024/" + "a" * 200 + "2024b.yaml"}, {"path": PATH},
    {"path": "papers/2023/night2024editing.yaml"}, {"path": "papers/2024/other2024editing.yaml"}, {"kind": "correct"}, {"kind": "correct", "path": PATH},
    {"text": "title: ["}, {"text": "x" * 70_000}, {"text": 7}, {"text": None}, {"text": entry() + "\x00"}, {"text": "&a [*a, *a]"}, {"text": "!!python/object:os.system x"},
    # Good entries, in the wrong place: another paper for a key, and a submission over an entry.
    {"kind": "correct", "path": PATH, "text": dump(make_entry(title="Locating Other Things", ids={"arxiv": "2203.00009"}))}, {"path": PATH, "text": dump(make_entry(pages="1-9"))},
    {"text": entry(authors=["EVE NIGHT"])}, {"text": entry(ids={"arxiv": "2202.05262"})}, {"text": entry() + "title: twice\n"}, {"problem": ["x"]},
])  # fmt: skip
def test_what_no_job_of_ours_writes_is_refused_before_anything_is_written(run, hub, wrong):
    with pytest.raises(BadHandover):
        run({**GOOD, **wrong})
    assert hub.written() == []


def test_the_event_must_name_issue_and_branch(run, hub):
    for bad in ({}, {"issue": {"number": 7}}, {**event(), "repository": {"default_branch": "main; rm"}}, {**event(), "issue": {"number": "7"}}):
        with pytest.raises(BadHandover):
            run(GOOD, bad)
    assert hub.written() == []


@pytest.mark.parametrize("content", [b"", b"[]", b"nul", b"\xff", b'{"issue": NaN}', b"[" * 100_000, b'"x"', b" " * 600_000])
def test_a_file_that_is_no_object_is_refused(github, root, tmp_path, content):
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(BadHandover):
        publish.read(tmp_path, event())


# Nothing that a stranger wrote comes alive


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_of_a_stranger_comes_alive(run, hub, text):
    line = " ".join(text.replace("\x00", "").replace("\x1b", "").split())[:300].strip() or "x"
    fields = {"title": f"Editing {line}", "acronym": line, "summary": line, "note": line, "sources": [line], "authors": ["Eve Night", f"Lu {line[:80]}"]}
    made = {**GOOD, "text": entry(**fields), "lines": [line, f"{line}\n{line}"]}
    try:
        run(made)
    except BadHandover as error:
        assert "has errors" in str(error) or "cannot be read" in str(error)
        run({**made, "text": "", "path": "", "problem": line[:400]})
    for comment in hub.comments:
        assert alive(comment["body"], OURS, (7, 101)) == []
    for pull in hub.pulls:
        assert alive(pull["body"], OURS, (7,)) == []
        assert "\n" not in pull["title"] and "[skip" not in pull["title"] and "@e" not in pull["title"]
    for commit in hub.commits.values():
        assert commit["message"] == "Start" or len(commit["message"].splitlines()) == 3
    assert set(hub.refs) <= {"main", BRANCH}
    assert hub.comments


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@given(st.dictionaries(st.sampled_from([*GOOD, "x"]), st.one_of(st.none(), st.integers(), st.text(max_size=20), st.lists(st.text(max_size=5), max_size=3), st.sampled_from(HOSTILE))))
def test_no_handover_breaks_or_writes_beyond_one_branch(run, hub, wrong):
    with contextlib.suppress(BadHandover):
        run({**GOOD, **wrong})
    assert set(hub.refs) <= {"main", BRANCH} and all(set(tree) <= {NEW} for tree in hub.trees.values())


def test_what_is_handed_over_is_read_as_it_was_written(tmp_path):
    handover.write(tmp_path / FILE, new().record())
    assert publish.read(tmp_path, event()) == (new(), "main")
    assert json.loads((tmp_path / FILE).read_text())["version"] == 1
