"""From what was read of a form to a pull request: the one part that may write.

It believes nothing of what it is handed. The number of the issue is the event's, the path has one
form, the entry is read and checked anew; titles and texts are made here, of what was checked. The
branch is named by the number alone, holds one commit of ours on top of the main branch, and is
left alone as soon as a person has worked on it.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from survey.checks.run import check_text
from survey.collection import Collection, Paper
from survey.files.load import load_collection
from survey.intake import handover
from survey.intake.github import preview
from survey.intake.github.api import GitHub, GitHubError, remark
from survey.intake.github.changed import Change, Changes
from survey.intake.github.submission import FILE, VERSION, Submission, problems, same_paper
from survey.intake.handover import ENTRY, BadHandover
from survey.intake.issue_form import CORRECT, SUBMIT
from survey.intake.markdown import LIMIT, plain, title

MARKER = "<!-- survey:submission -->"
MOST_OPEN = 50
"""Pull requests of this kind that may wait at once, so that nobody can flood the list."""
_LIMIT = 512 * 1024


@dataclass(frozen=True)
class Checked:
    """An entry that may be proposed, and the path that it leaves, if it moves."""

    paper: Paper
    path: str
    text: str
    leaves: str = ""

    @property
    def changed(self) -> dict[str, str | None]:
        return {**({self.leaves: None} if self.leaves else {}), self.path: self.text}

    @property
    def digest(self) -> str:
        text = self.text.encode()
        blob = hashlib.sha1(b"blob %d\0%b" % (len(text), text), usedforsecurity=False).hexdigest()
        return _digest(self.leaves, self.path, blob)


def _digest(leaves: str, path: str, blob: str) -> str:
    """What a commit of ours changes, in few letters. `blob` is git's name of the text, so that a
    commit can be told from what GitHub lists of it."""
    return hashlib.sha256(f"{leaves}\n{path}\n{blob}".encode()).hexdigest()[:32]


def read(folder: Path, event: dict) -> tuple[Submission, str]:
    """What another job has read of the issue of this event, and the name of the main branch.

    Raises `BadHandover`.
    """
    found = handover.read(folder / FILE, _LIMIT)
    if found.get("version") != VERSION:
        raise BadHandover(f"{FILE} is of another version")
    issue, repository = event.get("issue"), event.get("repository")
    number = issue.get("number") if isinstance(issue, dict) else None
    if type(number) is not int or number < 1 or handover.number(found, "issue") != number:
        raise BadHandover(f"{FILE} is of another issue than the event")
    if found.get("kind") not in (SUBMIT.name, CORRECT.name):
        raise BadHandover(f"{FILE} is of a kind that is not answered")
    branch = repository.get("default_branch") if isinstance(repository, dict) else None
    if not isinstance(branch, str) or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,99}", branch):
        raise BadHandover("the event names no main branch")
    path = handover.entry_path(found) if found.get("path") else ""
    text = handover.text(found, "text")
    if text and not path:
        raise BadHandover("there is an entry and no path for it")
    submission = Submission(number, found["kind"], path, text, handover.text(found, "problem", 500), handover.lines(found, "lines"))
    return submission, branch


def checked(submission: Submission, collection: Collection, root: Path) -> Checked:
    """The entry of a submission, if it may be proposed as it is. Raises `BadHandover` if not: the
    other job has checked the same before."""
    path, text = submission.path, submission.text
    year, key = ENTRY.fullmatch(path).groups()
    entry, _ = check_text(path, text, collection.taxonomy)
    if entry.paper is None:
        raise BadHandover("the entry cannot be read")
    leaves = ""
    if submission.kind == SUBMIT.name:
        if key in collection or (root / path).exists():
            raise BadHandover(f"{key} is there already")
    else:
        if key not in collection or collection[key].key != key:
            raise BadHandover(f"there is no entry {key}")
        old = collection[key]
        if not same_paper(old, entry.paper):
            raise BadHandover(f"the correction makes {key} another paper")
        leaves = f"papers/{old.year}/{key}.yaml" if str(old.year) != year else ""
    found = Checked(entry.paper, path, text, leaves)
    if errors := problems(root, found.changed):
        raise BadHandover(f"the entry has errors: {errors[0].code} {errors[0].message}")
    return found


def publish(github: GitHub, event: dict, folder: Path, root: Path, places: preview.Places, server: str) -> str:
    """Open or update the pull request for an issue, or tell the submitter why not. Returns what was
    done, for the log of the job. Raises `BadHandover` and `GitHubError`."""
    submission, main = read(folder, event)
    number = submission.issue

    def answer(text: str, done: str) -> str:
        remark(github, number, MARKER, text)
        return f"issue {number}: {done}"

    pulls = list(github.all("/pulls", state="all", head=f"{github.owner}:{_branch(number)}"))
    opened = next((p for p in pulls if p.get("state") == "open"), None)
    if submission.problem:
        earlier = f"\n\nPull request #{int(opened['number'])} still holds the earlier version." if opened else ""
        return answer(_problem(submission) + earlier, "told what is wrong")
    if not submission.text:
        return answer(_THANKS, "left to a person")
    entry = checked(submission, load_collection(root), root)
    if pulls and not opened:
        last = int(max(pulls, key=lambda p: int(p["number"]))["number"])
        return answer(_CLOSED.format(last), f"pull request {last} is closed, and stays so")
    if not opened and (full := _in_the_way(github, number, entry.paper.key)):
        return answer(*full)
    pushed = _push(github, number, main, entry, submission.kind)
    if pushed is None:
        return answer(_BY_HAND.format(f"pull request #{int(opened['number'])}" if opened else f"the branch `{_branch(number)}`"), "the branch is a person's now")
    heading, body = _heading(entry.paper, submission.kind), _body(submission)
    if opened:
        pull = int(opened["number"])
        # A person may have written there since; only a new entry needs new words.
        if pushed:
            github.patch(f"/pulls/{pull}", title=heading, body=body)
    else:
        try:
            pull = int(github.post("/pulls", title=heading, body=body, head=_branch(number), base=main)["number"])
        except GitHubError as error:
            if error.status != 403:
                raise
            address = f"{server}/{github.repository}/compare/{main}...{_branch(number)}?expand=1"
            return answer(_FORBIDDEN.format(address), "GitHub Actions may not open pull requests in this repository")
    changes = Changes(tuple(Change(path, text) for path, text in entry.changed.items()))
    # GitHub starts no workflow for what its own token opens, so the preview is left here.
    remark(github, pull, preview.MARKER, preview.render(changes, root, places))
    return answer(_DONE.format(pull), f"pull request {pull} holds {entry.path}")


def _branch(number: int) -> str:
    return f"submission/issue-{number}"


def _in_the_way(github: GitHub, number: int, key: str) -> tuple[str, str] | None:
    """Why no pull request is opened now: the same paper waits already, or too many do."""
    waiting = []
    for pull in github.all("/pulls", state="open"):
        head = pull.get("head") or {}
        match = re.fullmatch(r"submission/issue-([0-9]+)", str(head.get("ref")))
        if match and (head.get("repo") or {}).get("full_name") == github.repository and int(match[1]) != number:
            waiting.append(pull)
            if re.match(rf"(Add|Correct) {key}\b", str(pull.get("title"))):
                return _SAME.format(int(pull["number"])), f"the same paper waits in pull request {int(pull['number'])}"
    return (_FULL, "too many submissions wait") if len(waiting) >= MOST_OPEN else None


def _push(github: GitHub, number: int, main: str, entry: Checked, kind: str) -> bool | None:
    """Put one commit on the branch, on top of the main branch. Returns whether that was needed, and
    None where a person has worked there."""
    trailer = f"Survey-submission: {number} {entry.digest}"
    there = github.find(f"/git/ref/heads/{_branch(number)}")
    if there:
        ours = _untouched(github, number, main, _sha(there["object"]))
        if not ours or ours == trailer:
            return False if ours else None
    base = _sha(github.get(f"/git/ref/heads/{main}")["object"])
    files = [{"path": entry.path, "mode": "100644", "type": "blob", "content": entry.text}]
    files += [{"path": entry.leaves, "mode": "100644", "type": "blob", "sha": None}] if entry.leaves else []
    tree = github.post("/git/trees", base_tree=_sha(github.get(f"/git/commits/{base}")["tree"]), tree=files)
    message = f"{_VERB[kind]} {entry.paper.key}\n\n{trailer}"
    commit = _sha(github.post("/git/commits", message=message, tree=_sha(tree), parents=[base]))
    if there:
        github.patch(f"/git/refs/heads/{_branch(number)}", sha=commit, force=True)
    else:
        github.post("/git/refs", ref=f"refs/heads/{_branch(number)}", sha=commit)
    return True


def _untouched(github: GitHub, number: int, main: str, tip: str) -> str:
    """The trailer of our commit, where the branch holds that one alone and it the very text that
    the trailer names; '' where a person has written there, be it by `git commit --amend`."""
    found = github.get(f"/compare/{main}...{tip}")
    if found["ahead_by"] != 1:
        return ""
    trailer = re.search(rf"\n(Survey-submission: {number} ([0-9a-f]+))\s*\Z", found["commits"][0]["commit"]["message"])
    files = found.get("files", [])
    leaves = [f.get("previous_filename") or f["filename"] for f in files if f["status"] in ("removed", "renamed")]
    stays = [f for f in files if f["status"] != "removed"]
    if not trailer or len(stays) != 1 or len(leaves) > 1:
        return ""
    return trailer[1] if trailer[2] == _digest("".join(leaves), stays[0]["filename"], _sha(stays[0])) else ""


def _sha(found: dict) -> str:
    if not re.fullmatch(r"[0-9a-f]{40,64}", str(found.get("sha"))):
        raise GitHubError("the answer of GitHub names no commit")
    return found["sha"]


# What is written, for people

_VERB = {SUBMIT.name: "Add", CORRECT.name: "Correct"}


def _heading(paper: Paper, kind: str) -> str:
    return f"{_VERB[kind]} {paper.key}: {title(paper.title, 150)}"


def _body(submission: Submission) -> str:
    what = "The entry was made from the form in" if submission.kind == SUBMIT.name else "The entry was corrected in the form of"
    parts = [f"{what} #{submission.issue}, and satisfies every check. The preview below shows it."]
    if submission.lines:
        parts.append(_listed(submission.lines))
    if submission.kind == SUBMIT.name:
        parts.append(
            "Before it is merged, a person reads the abstract, mends the tags by the tagging guide, and takes `tags` off `unconfirmed`."
        )
    return "\n\n".join([*parts, f"Closes #{submission.issue}"])


def _problem(submission: Submission) -> str:
    return f"{plain(submission.problem)}\n\n{_listed(submission.lines)}\n\nPlease edit the text of this issue: it is looked at again each time."


def _listed(lines: tuple[str, ...]) -> str:
    """The lines as a list, as many as a comment takes: a sign that is kept from acting is longer."""
    items, size = [], 0
    for number, line in enumerate(lines):
        items.append(f"- {plain(line, 500)}")
        size += len(items[-1]) + 1
        if size > LIMIT // 2:
            items[-1] = f"- And {len(lines) - number} more."
            break
    return "\n".join(items)


_DONE = "Thank you! Pull request #{} holds the entry, with a preview of how it will look. If you edit this issue, the pull request follows."
_THANKS = (
    "Thank you! A person will look at it. It is quicker if you add the corrected entry: copy the file, change what is wrong, and"
    " put it into the last field by editing this issue; a pull request is then opened at once."
)
_CLOSED = "Pull request #{} for this issue is closed, so nothing more is done here. Please open a new issue if something is left to do."
_BY_HAND = "Somebody has worked on {} by hand, so this edit of the issue was not put there. Please tell the change there."
_FORBIDDEN = (
    "Thank you! The entry is ready, but the settings of this repository keep workflows from opening pull requests."
    " [Open it here]({}); a maintainer can allow it under Settings, Actions, General."
)
_SAME = "Thank you! Pull request #{} is about the same paper, and waits for a maintainer. If something is left to do when it is merged, please edit this issue: it is looked at again then."
_FULL = "Thank you! Too many submissions wait at the moment. Please edit this issue in some days: it is looked at again then."
