"""What a comment or an abstract says besides: addresses of code and project, a venue."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from survey.checks.links import FORGES

_URL = re.compile(r"https?://[^\s<>\"{}|\\^`]+")
_ACCEPTED = re.compile(
    r"\b(?:accepted|published|appear(?:s|ed|ing)?|camera[- ]ready|presented|proceedings|in press|oral|spotlight|poster)\b", re.I
)
_NOT_YET = re.compile(r"\b(?:under review|submitted|submission|in submission|preprint|rejected|withdrawn|work in progress|draft)\b", re.I)


_TAIL = ".,;:)]'’”"
LIMIT = 20_000
"""Characters of a text that are looked at: more than any abstract has."""


def links_in(text: str) -> dict[str, str]:
    """Code and project, where the text names one repository or one page of its own.

    Two repositories may be anybody's, so none of them is taken.
    """
    code, project = set(), set()
    for match in _URL.finditer(text[:LIMIT]):
        url = match[0].rstrip(_TAIL).removesuffix(".git").rstrip("/")
        try:
            parts = urlsplit(url)
        except ValueError:
            continue
        host = (parts.hostname or "").removeprefix("www.")
        steps = [step for step in parts.path.split("/") if step]
        if "@" in parts.netloc:
            continue
        if host in FORGES and len(steps) >= 2:
            code.add(url)
        elif host.endswith((".github.io", ".gitlab.io")):
            project.add(url)
    found = {}
    if len(code) == 1:
        found["code"] = code.pop()
    if len(project) == 1:
        found["project"] = project.pop()
    return found


def venue_in(comment: str) -> str:
    """The part of a comment that says where the paper was accepted, or ''.

    >>> venue_in("18 pages, 5 figures. Accepted to Findings of EMNLP 2024")
    'Accepted to Findings of EMNLP 2024'
    """
    for part in re.split(r"[.;\n](?:\s|$)|,\s(?=\d+ pages)|(?<=pages),\s|(?<=figures),\s|(?<=tables),\s", comment):
        part = part.strip()
        if _NOT_YET.search(part) and not re.search(r"\baccepted\b", part, re.I):
            continue
        # `EMNLP 2025 Findings` says it without a verb.
        bare = len(part) < 80 and re.search(r"[A-Z]{3}", part) and re.search(r"(?:19|20)\d\d|[A-Z]\s?['’]\d\d\b", part)
        if _ACCEPTED.search(part) or bare:
            return part
    return ""
