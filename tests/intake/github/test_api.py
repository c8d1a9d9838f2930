from __future__ import annotations

import pytest

from survey.intake.github.api import ROBOT, TRIES, GitHub, GitHubError, remark
from tests.intake.github.server import PERSON, REPOSITORY, TOKEN, Answer

MARKER = "<!-- survey:preview -->"


def test_the_token_goes_along_and_the_answer_comes_back(hub, github):
    assert github.get("/git/ref/heads/main")["object"]["sha"] == hub.refs["main"]
    assert hub.tokens == {f"Bearer {TOKEN}"}
    assert github.find("/git/ref/heads/none") is None


def test_a_netrc_file_does_not_replace_the_token(hub, github, tmp_path, monkeypatch):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login eve password evil\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    github.get("/git/ref/heads/main")
    assert hub.tokens == {f"Bearer {TOKEN}"}


def test_lists_are_followed_page_by_page(hub, github):
    for _ in range(230):
        hub.comment(7, "x")
    assert len(list(github.all("/issues/7/comments"))) == 230


@pytest.mark.parametrize(("status", "tries"), [(500, TRIES), (502, TRIES), (404, 1), (422, 1), (403, 1), (429, TRIES)])
def test_what_may_pass_is_tried_again_and_the_rest_is_told_at_once(hub, github, waits, status, tries):
    hub.refuse = lambda method, path: Answer(status, {"message": "no\nway"})
    with pytest.raises(GitHubError, match=rf"^GitHub answers {status} to GET /pulls: no way$") as caught:
        github.get("/pulls", state="open")
    assert caught.value.status == status and len(hub.asked) == tries and len(waits) == tries - 1


def test_what_github_says_of_its_refusal_is_told(hub, github):
    hub.refuse = lambda method, path: Answer(422, {"message": "Validation Failed", "errors": [{"message": f"exists already {TOKEN}"}, "x", {}]})
    with pytest.raises(GitHubError, match=r"^GitHub answers 422 to POST /pulls: Validation Failed exists already \*\*\*$"):
        github.post("/pulls")
    hub.refuse = lambda method, path: Answer(422, {"errors": "x"})
    with pytest.raises(GitHubError, match=r"^GitHub answers 422 to POST /pulls$"):
        github.post("/pulls")


def test_a_connection_that_breaks_is_tried_again_unless_it_posts(waits):
    gone = GitHub(REPOSITORY, TOKEN, "http://127.0.0.1:9", waits.append)
    for ask in (lambda: gone.get("/pulls"), lambda: gone.patch("/pulls/1")):
        waits.clear()
        with pytest.raises(GitHubError, match="cannot be reached"):
            ask()
        assert len(waits) == TRIES - 1
    waits.clear()
    with pytest.raises(GitHubError, match="cannot be reached"):
        gone.post("/pulls")
    assert waits == []


def test_nothing_is_posted_twice(hub, github):
    hub.refuse = lambda method, path: Answer(502)
    with pytest.raises(GitHubError):
        github.post("/issues/7/comments", body="x")
    assert len(hub.asked) == 1


def test_a_busy_github_is_given_the_time_that_it_asks_for(hub, github, waits):
    answers = [Answer(403, {"message": "secondary rate limit"}, Retry_After="7")]
    hub.refuse = lambda method, path: answers.pop() if answers else None
    assert github.get("/git/ref/heads/main") and waits == [7]
    hub.refuse = lambda method, path: Answer(403, {}, Retry_After="3600")
    with pytest.raises(GitHubError):
        github.get("/pulls")
    assert waits == [7]


def test_the_token_follows_no_redirect_to_another_address(hub, github):
    hub.refuse = lambda method, path: Answer(302, None, Location="http://localhost:1/steal")
    with pytest.raises(GitHubError, match="another address"):
        github.get("/pulls")
    assert len(hub.asked) == 1


def test_a_renamed_repository_is_followed_on_the_same_host(hub, github):
    hub.refuse = lambda method, path: Answer(301, None, Location=f"/repos/{REPOSITORY}/git/ref/heads/main") if path.endswith("/old") else None
    assert github.get("/old")["object"]["sha"] == hub.refs["main"]
    hub.refuse = lambda method, path: Answer(301, None, Location=path)
    with pytest.raises(GitHubError, match="circles"):
        github.get("/old")


def test_no_message_holds_the_token(hub, github, capsys):
    hub.refuse = lambda method, path: Answer(401, {"message": f"Bad credentials {TOKEN}"})
    with pytest.raises(GitHubError) as caught:
        github.get("/pulls")
    gone = GitHub(REPOSITORY, TOKEN, "http://127.0.0.1:9", lambda s: None)
    with pytest.raises(GitHubError, match="cannot be reached") as unreachable:
        gone.get("/pulls")
    for error in (caught.value, unreachable.value):
        assert TOKEN not in f"{error}{error!r}{error.__cause__}{vars(error)}"


@pytest.mark.parametrize("body", [b"<html>", b"[" * 100_000, b"null", b"\xff"])
def test_an_answer_that_is_no_json_is_told(hub, github, body):
    hub.refuse = lambda method, path: Answer(200, body)
    with pytest.raises(GitHubError, match="no list"):
        list(github.all("/pulls"))


def test_an_answer_without_end_is_cut_off(hub, github, monkeypatch):
    monkeypatch.setattr("survey.intake.github.api.LIMIT", 10_000)
    hub.refuse = lambda method, path: Answer(200, b"[" + b" " * 200_000 + b"]")
    with pytest.raises(GitHubError, match="more than"):
        github.get("/pulls")


@pytest.mark.parametrize(("repository", "token", "base", "told"), [
    ("", TOKEN, "https://api.github.com", "GITHUB_REPOSITORY"), ("a/b/../c", TOKEN, "https://api.github.com", "GITHUB_REPOSITORY"),
    ("a/b", "", "https://api.github.com", "GITHUB_TOKEN"), ("a/b", "x\ny", "https://api.github.com", "GITHUB_TOKEN"),
    ("a/b", TOKEN, "http://api.example.org", "GITHUB_API_URL"),
])  # fmt: skip
def test_an_environment_that_lacks_something_is_told(repository, token, base, told):
    with pytest.raises(GitHubError, match=told):
        GitHub(repository, token, base)


# One comment


def test_one_comment_is_made_and_then_changed(hub, github):
    assert remark(github, 7, MARKER, "one") and remark(github, 7, MARKER, "two")
    assert hub.bodies(7) == [f"{MARKER}\ntwo"]
    before = len(hub.written())
    assert not remark(github, 7, MARKER, "two") and len(hub.written()) == before


def test_a_comment_of_a_stranger_with_the_marker_is_left_alone(hub, github):
    hub.comment(7, f"{MARKER}\nmine", PERSON)
    hub.comment(7, f"look: {MARKER}", {"login": ROBOT, "type": "Bot"})
    remark(github, 7, MARKER, "ours")
    assert hub.bodies(7) == [f"{MARKER}\nmine", f"look: {MARKER}", f"{MARKER}\nours"]


def test_nothing_is_said_where_there_was_nothing_to_change(hub, github):
    assert not remark(github, 7, MARKER, "gone", only_update=True) and hub.comments == []
