"""A small GitHub on this machine: the endpoints that the workflows use, with a memory and its refusals."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

REPOSITORY = "someone/pitfalls"
TOKEN = "ghs_secretSECRETsecret"
ROBOT = {"login": "github-actions[bot]", "type": "Bot"}
PERSON = {"login": "ada", "type": "User"}


class Answer(Exception):
    """Ends a question with this status and body."""

    def __init__(self, status: int, body: object = None, **headers: str) -> None:
        super().__init__(status)
        self.status, self.body, self.headers = status, body, headers


class FakeGitHub:
    """What is in the repository, and what was asked: `asked` holds (method, path, body)."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, dict]] = []
        self.tokens: set[str] = set()
        self.commits: dict[str, dict] = {}
        self.trees: dict[str, dict[str, str | None]] = {}
        self.refs: dict[str, str] = {}
        self.pulls: list[dict] = []
        self.issues: list[dict] = []
        self.comments: list[dict] = []
        self.number = 100
        self.renames = True
        self.refuse: Callable[[str, str], Answer | None] = lambda method, path: None
        self.refs["main"] = self.commit("Start", self.tree({}), [])

    # What the repository holds

    def tree(self, files: dict[str, str | None]) -> str:
        sha = hashlib.sha1(json.dumps(files, sort_keys=True).encode()).hexdigest()
        self.trees[sha] = files
        return sha

    def commit(self, message: str, tree: str, parents: list[str]) -> str:
        sha = hashlib.sha1(f"{message}{tree}{parents}{len(self.commits)}".encode()).hexdigest()
        self.commits[sha] = {"sha": sha, "message": message, "tree": {"sha": tree}, "parents": [{"sha": p} for p in parents]}
        return sha

    def files(self, branch: str) -> dict[str, str | None]:
        """What the newest commit of a branch changes."""
        return self.trees[self.commits[self.refs[branch]]["tree"]["sha"]]

    def pull(self, branch: str, title: str = "Add x", state: str = "open", sha: str = "", full_name: str = REPOSITORY, login: str = "someone") -> dict:
        self.number += 1
        made = {
            "number": self.number, "title": title, "body": "", "state": state, "user": ROBOT,
            "head": {"ref": branch, "sha": sha or self.refs.get(branch, "0" * 40), "repo": {"full_name": full_name}, "label": f"{login}:{branch}"},
            "base": {"ref": "main", "repo": {"full_name": REPOSITORY}},
        }  # fmt: skip
        self.pulls.append(made)
        return made

    def comment(self, issue: int, body: str, user: dict = ROBOT) -> dict:
        self.number += 1
        made = {"id": self.number, "issue": issue, "body": body, "user": user}
        self.comments.append(made)
        return made

    def bodies(self, issue: int) -> list[str]:
        return [c["body"] for c in self.comments if c["issue"] == issue]

    def written(self) -> list[tuple[str, str]]:
        """What was asked for that changes something."""
        return [(method, path) for method, path, _ in self.asked if method != "GET"]

    # Answers

    def answer(self, method: str, path: str, query: dict[str, str], body: dict) -> object:
        self.asked.append((method, path, body))
        if refused := self.refuse(method, path):
            raise refused
        prefix = f"/repos/{REPOSITORY}"
        if not path.startswith(prefix):
            raise Answer(404, {"message": "Not Found"})
        path = path.removeprefix(prefix)
        for pattern, way in _ROUTES:
            if match := re.fullmatch(pattern, f"{method} {path}"):
                return way(self, query, body, *match.groups())
        raise Answer(404, {"message": f"Not Found: {method} {path}"})

    def _ref(self, query, body, name):
        if name not in self.refs:
            raise Answer(404, {"message": "Not Found"})
        return {"ref": f"refs/heads/{name}", "object": {"sha": self.refs[name], "type": "commit"}}

    def _commit(self, query, body, sha):
        return self.commits[sha]

    def _history(self, sha: str) -> set[str]:
        return {sha}.union(*(self._history(p["sha"]) for p in self.commits[sha]["parents"]))

    def _compare(self, query, body, base, tip):
        """What a branch has that the other has not: as GitHub, a file that moved is one that was renamed."""
        known, ahead, at = self._history(self.refs[base]), [], tip
        while at not in known:
            ahead.insert(0, at)
            at = self.commits[at]["parents"][0]["sha"]
        changed = {path: text for sha in ahead for path, text in self.trees[self.commits[sha]["tree"]["sha"]].items()}
        gone = [path for path, text in changed.items() if text is None]
        files = [{"filename": path, "status": "added", "sha": _blob(text)} for path, text in changed.items() if text is not None]
        if self.renames and len(gone) == len(files) == 1:
            files[0] |= {"status": "renamed", "previous_filename": gone.pop()}
        files += [{"filename": path, "status": "removed", "sha": "0" * 40} for path in gone]
        commits = [{"sha": sha, "commit": {"message": self.commits[sha]["message"]}} for sha in ahead]
        return {"ahead_by": len(ahead), "commits": commits, "files": files}

    def _new_tree(self, query, body):
        assert body["base_tree"] in self.trees
        for item in body["tree"]:
            assert item["mode"] == "100644" and item["type"] == "blob" and ("content" in item) != ("sha" in item)
        return {"sha": self.tree({item["path"]: item.get("content") for item in body["tree"]})}

    def _new_commit(self, query, body):
        assert body["tree"] in self.trees and all(p in self.commits for p in body["parents"])
        return {"sha": self.commit(body["message"], body["tree"], body["parents"])}

    def _new_ref(self, query, body):
        name = body["ref"].removeprefix("refs/heads/")
        if name in self.refs:
            raise Answer(422, {"message": "Reference already exists"})
        assert body["sha"] in self.commits
        self.refs[name] = body["sha"]
        return {}

    def _move_ref(self, query, body, name):
        assert name in self.refs and body["sha"] in self.commits and body["force"] is True
        self.refs[name] = body["sha"]
        return {}

    def _list_pulls(self, query, body):
        state, head = query.get("state", "open"), query.get("head")
        found = [p for p in self.pulls if state in ("all", p["state"]) and head in (None, p["head"]["label"])]
        return _page(found, query)

    def _new_pull(self, query, body):
        if any(p["head"]["ref"] == body["head"] and p["state"] == "open" for p in self.pulls):
            raise Answer(422, {"message": "A pull request already exists"})
        made = self.pull(body["head"], body["title"])
        made["body"] = body["body"]
        return made

    def _change_pull(self, query, body, number):
        (found,) = [p for p in self.pulls if p["number"] == int(number)]
        found.update(body)
        return found

    def _list_comments(self, query, body, number):
        return _page([c for c in self.comments if c["issue"] == int(number)], query)

    def _new_comment(self, query, body, number):
        assert len(body["body"]) <= 65_536
        return self.comment(int(number), body["body"])

    def _change_comment(self, query, body, id):
        (found,) = [c for c in self.comments if c["id"] == int(id)]
        assert len(body["body"]) <= 65_536
        found["body"] = body["body"]
        return found

    def _list_issues(self, query, body):
        found = [
            i for i in self.issues
            if query.get("state", "open") in ("all", i["state"]) and query["labels"] in i["labels"]
        ]  # fmt: skip
        return _page(found, query)

    def _new_issue(self, query, body):
        self.number += 1
        made = {"number": self.number, "state": "open", "user": ROBOT, **body}
        self.issues.append(made)
        return made

    def _change_issue(self, query, body, number):
        (found,) = [i for i in self.issues if i["number"] == int(number)]
        found.update(body)
        return found


def _page(items: list, query: dict[str, str]) -> list:
    size, page = int(query.get("per_page", 30)), int(query.get("page", 1))
    return items[(page - 1) * size : page * size]


def _blob(text: str) -> str:
    data = text.encode()
    return hashlib.sha1(f"blob {len(data)}\0".encode() + data).hexdigest()


_ROUTES = [
    (r"GET /git/ref/heads/(.+)", FakeGitHub._ref),
    (r"GET /git/commits/([0-9a-f]+)", FakeGitHub._commit),
    (r"GET /compare/(.+)\.\.\.([0-9a-f]+)", FakeGitHub._compare),
    (r"POST /git/trees", FakeGitHub._new_tree),
    (r"POST /git/commits", FakeGitHub._new_commit),
    (r"POST /git/refs", FakeGitHub._new_ref),
    (r"PATCH /git/refs/heads/(.+)", FakeGitHub._move_ref),
    (r"GET /pulls", FakeGitHub._list_pulls),
    (r"POST /pulls", FakeGitHub._new_pull),
    (r"PATCH /pulls/(\d+)", FakeGitHub._change_pull),
    (r"GET /issues/(\d+)/comments", FakeGitHub._list_comments),
    (r"POST /issues/(\d+)/comments", FakeGitHub._new_comment),
    (r"PATCH /issues/comments/(\d+)", FakeGitHub._change_comment),
    (r"GET /issues", FakeGitHub._list_issues),
    (r"POST /issues", FakeGitHub._new_issue),
    (r"PATCH /issues/(\d+)", FakeGitHub._change_issue),
]


@contextlib.contextmanager
def running() -> Iterator[tuple[FakeGitHub, str]]:
    """A GitHub, and the address of its interface."""
    hub = FakeGitHub()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _any(self):
            hub.tokens.add(self.headers.get("Authorization", ""))
            data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            parts = urlsplit(self.path)
            query = {k: v[0] for k, v in parse_qs(parts.query).items()}
            headers: dict[str, str] = {}
            try:
                status, body = 200, hub.answer(self.command, unquote(parts.path), query, json.loads(data) if data else {})
            except Answer as answer:
                status, body, headers = answer.status, answer.body, answer.headers
            except Exception as error:  # what GitHub would refuse; the test sees it in the message
                status, body = 422, {"message": f"{type(error).__name__}: {error}"}
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _any

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield hub, f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
