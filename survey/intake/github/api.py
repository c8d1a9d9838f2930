"""GitHub's REST interface, as far as the workflows need it: https://docs.github.com/rest

The token comes from GITHUB_TOKEN, goes to the host of GITHUB_API_URL only, and is never printed.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Iterator
from urllib.parse import urlencode, urlsplit

from survey.errors import UserError

TIMEOUT = (10, 30)
TRIES = 3
LIMIT = 8 * 1024 * 1024
"""Bytes that an answer may have."""
PATIENCE = 60.0
"""The longest pause, in seconds, that we grant when GitHub asks for one."""
PAGES = 20
"""Pages of a hundred that a list is followed."""
ROBOT = "github-actions[bot]"
"""Who writes with the token of a workflow: only what it wrote is ever changed."""

_REPOSITORY = re.compile(r"[A-Za-z0-9-]+/[A-Za-z0-9._-]+")


class GitHubError(UserError):
    """GitHub refuses or cannot be asked. `status` is its answer, 0 where there is none."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class _OutOfReach(GitHubError):
    """The connection broke off, and nobody knows whether the question was heard."""


class GitHub:
    """The interface for one repository. `wait` may be replaced in tests.

    Raises `GitHubError` where the environment does not tell what is needed.
    """

    def __init__(self, repository: str, token: str, base: str, wait: Callable[[float], None] = time.sleep) -> None:
        if not _REPOSITORY.fullmatch(repository):
            raise GitHubError("GITHUB_REPOSITORY names no repository (owner/name)")
        if not token or not re.fullmatch(r"[\x21-\x7e]+", token):
            raise GitHubError("there is no GITHUB_TOKEN: the step of the workflow must set it")
        parts = urlsplit(base)
        if parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "localhost"):
            raise GitHubError("GITHUB_API_URL is no https address: the token would travel in the clear")
        self.repository, self._token, self._base, self._wait = repository, token, base.rstrip("/"), wait
        self._session = None

    @classmethod
    def from_environment(cls) -> GitHub:
        """The interface that the variables of a workflow describe."""
        return cls(
            os.environ.get("GITHUB_REPOSITORY", ""), os.environ.get("GITHUB_TOKEN", ""),
            os.environ.get("GITHUB_API_URL") or "https://api.github.com",
        )  # fmt: skip

    @property
    def owner(self) -> str:
        return self.repository.partition("/")[0]

    def get(self, path: str, **query: str) -> object:
        """What is at `path` below the repository. Raises `GitHubError`."""
        return self._ask("GET", f"{path}?{urlencode(query)}" if query else path)

    def find(self, path: str, **query: str) -> object | None:
        """The same, or None where there is nothing."""
        try:
            return self.get(path, **query)
        except GitHubError as error:
            if error.status == 404:
                return None
            raise

    def all(self, path: str, **query: str) -> Iterator[dict]:
        """Every object of a list, page by page."""
        for page in range(1, PAGES + 1):
            found = self.get(path, **query, per_page="100", page=str(page))
            if not isinstance(found, list):
                raise GitHubError(f"the answer of GitHub to {path} is no list")
            yield from (item for item in found if isinstance(item, dict))
            if len(found) < 100:
                return

    def post(self, path: str, **body: object) -> dict:
        return self._ask("POST", path, body)

    def patch(self, path: str, **body: object) -> dict:
        return self._ask("PATCH", path, body)

    # One question

    def _ask(self, method: str, path: str, body: dict | None = None) -> object:
        url = f"{self._base}/repos/{self.repository}{path}"
        where = f"{method} {path.partition('?')[0]}"
        pause = 1.0
        for left in reversed(range(TRIES)):
            try:
                status, answer, asked = self._send(method, url, body)
            except _OutOfReach:
                # Only what may be asked twice is.
                if not left or method == "POST":
                    raise
                asked = None
            else:
                if status < 300:
                    return answer
                busy = status == 429 or (status == 403 and asked is not None)
                again = busy or (status >= 500 and method != "POST")
                if not again or not left or (asked or 0) > PATIENCE:
                    raise GitHubError(self._told(where, status, answer), status)
            self._wait(max(pause, asked or 0))
            pause *= 3
        raise AssertionError("unreachable")

    def _send(self, method: str, url: str, body: dict | None) -> tuple[int, object, float | None]:
        """Status, answer, and the seconds that GitHub asks to wait."""
        import requests

        if self._session is None:
            self._session = requests.Session()
            # A file .netrc must not replace the token.
            self._session.auth = _Bearer(self._token)
            self._session.headers.update({
                "Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28", "User-Agent": "editing-pitfalls",
            })  # fmt: skip
        host = urlsplit(url).netloc
        try:
            for _ in range(4):
                with self._session.request(method, url, json=body, timeout=TIMEOUT, allow_redirects=False, stream=True) as response:
                    if response.is_redirect:
                        # A renamed repository answers elsewhere, on the same host.
                        url = requests.compat.urljoin(url, response.headers["Location"])
                        if urlsplit(url).netloc != host or urlsplit(url).scheme != urlsplit(self._base).scheme or method != "GET":
                            raise GitHubError("GitHub sends us to another address, which the token does not follow")
                        continue
                    content = b""
                    for piece in response.iter_content(65536):
                        content += piece
                        if len(content) > LIMIT:
                            raise GitHubError(f"GitHub answers with more than {LIMIT // 1024 // 1024} MB")
                    return response.status_code, _json(content), _seconds(response.headers.get("Retry-After"))
        except requests.exceptions.RequestException as error:
            # The text of the error may hold anything, the token included.
            raise _OutOfReach(f"GitHub cannot be reached ({host}): {type(error).__name__}") from None
        raise GitHubError("GitHub sends us round in circles")

    def _told(self, where: str, status: int, answer: object) -> str:
        answer = answer if isinstance(answer, dict) else {}
        errors = answer.get("errors") if isinstance(answer.get("errors"), list) else []
        # `Validation Failed` alone says nothing.
        more = [str(error["message"]) for error in errors if isinstance(error, dict) and error.get("message")]
        said = " ".join(" ".join([str(answer.get("message") or ""), *more]).split()).replace(self._token, "***")[:200]
        return f"GitHub answers {status} to {where}" + (f": {said}" if said else "")


class _Bearer:
    """Puts the token into a question."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request):
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def _json(content: bytes) -> object:
    try:
        return json.loads(content) if content else {}
    except (ValueError, RecursionError):
        return {}


def _seconds(value: str | None) -> float | None:
    return float(value) if value and value.isdigit() else None


def remark(github: GitHub, number: int, marker: str, body: str, only_update: bool = False) -> bool:
    """Leave one comment on an issue or pull request: the one of ours that begins with the marker is
    changed, where there is one. Returns whether anything was written."""
    body = f"{marker}\n{body}"
    for comment in github.all(f"/issues/{number}/comments"):
        user = comment.get("user")
        ours = isinstance(user, dict) and user.get("login") == ROBOT
        # A stranger may write the marker, too: that comment is not ours to change.
        if ours and str(comment.get("body") or "").startswith(marker):
            if str(comment["body"]).replace("\r\n", "\n").strip() == body.strip():
                return False
            github.patch(f"/issues/comments/{int(comment['id'])}", body=body)
            return True
    if only_update:
        return False
    github.post(f"/issues/{number}/comments", body=body)
    return True
