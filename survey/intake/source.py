"""What a person typed or pasted: an id, an address, a file, or text."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

from survey.collection.paper import (
    ANTHOLOGY_PATTERN,
    ARXIV_PATTERN,
    DOI_PATTERN,
    OPENREVIEW_PATTERN,
)
from survey.intake.errors import IntakeError

Kind = Literal["arxiv", "doi", "anthology", "openreview"]

_ARXIV = re.compile(ARXIV_PATTERN)
_DOI = re.compile(DOI_PATTERN)
_ANTHOLOGY = re.compile(ANTHOLOGY_PATTERN)
_OPENREVIEW = re.compile(OPENREVIEW_PATTERN)
_PREFIX = re.compile(r"(arxiv|doi|acl|anthology|openreview)(?:\s*:\s*|\s+)(?!//)", re.I)

# DOIs that only wrap another id.
_ARXIV_DOI = re.compile(r"10\.48550/arxiv\.", re.I)
_ANTHOLOGY_DOI = re.compile(r"10\.18653/v1/", re.I)

_ARXIV_HOSTS = ("arxiv.org", "alphaxiv.org", "ar5iv.org", "ar5iv.labs.arxiv.org", "huggingface.co", "hf.co", "semanticscholar.org")
_ANTHOLOGY_HOSTS = ("aclanthology.org", "aclanthology.info", "aclweb.org")


class Source(NamedTuple):
    """One paper at one service: `kind` is the scheme of its id."""

    kind: Kind
    id: str

    def __str__(self) -> str:
        return self.id


def read_source(text: str) -> Source:
    """Return the paper that an id or an address means, without its version.

    Raises `IntakeError` for anything else.

    >>> read_source("https://arxiv.org/pdf/2202.05262v3.pdf")
    Source(kind='arxiv', id='2202.05262')
    """
    text = text.strip().strip("<>").strip()
    # As it stands at the edge of every PDF: arXiv:2401.00002v1 [cs.CL] 5 Jan 2024
    text = re.sub(r"\s+\[[A-Za-z.-]{2,20}\].{0,40}$", "", text).rstrip(".,;")
    if re.match(r"[a-z]+://|(www\.|dx\.)?[a-z0-9-]+(\.[a-z0-9-]+)*\.(org|com|net|co|info)/", text, re.I):
        found = _address(text)
    elif match := _PREFIX.match(text):
        kind = {"acl": "anthology"}.get(match[1].lower(), match[1].lower())
        found = _of_kind(kind, text[match.end() :].strip())
    else:
        found = _arxiv(text) or _doi(text) or _anthology(text)
        # Any word of this length could be an OpenReview id, but theirs mix letters and more.
        if not found and _OPENREVIEW.match(text) and not re.fullmatch(r"[a-z]+|[A-Z]?[a-z-]+|[0-9.]+", text):
            found = Source("openreview", text)
    if found:
        return found
    shown = text if len(text) <= 60 else f"{text[:57]}..."
    raise IntakeError(
        f"'{shown}' is no arXiv id, DOI, ACL Anthology id or OpenReview id, and no address of one"
    )


def _of_kind(kind: str, text: str) -> Source | None:
    if kind == "openreview":
        return Source("openreview", text) if _OPENREVIEW.match(text) else None
    return {"arxiv": _arxiv, "doi": _doi, "anthology": _anthology}[kind](text)


def _arxiv(text: str) -> Source | None:
    bare = re.sub(r"v[0-9]+$", "", text)
    # arXiv itself leaves the subject class out: math.GT/0309136 is math/0309136.
    bare = re.sub(r"\.[A-Za-z]{2}/", "/", bare).lower()
    return Source("arxiv", bare) if _ARXIV.match(bare) else None


def _doi(text: str) -> Source | None:
    if match := _ARXIV_DOI.match(text):
        return _arxiv(text[match.end() :])
    if match := _ANTHOLOGY_DOI.match(text):
        # Older DOIs of the ACL hold ids of the old form, in lower or upper case.
        id = text[match.end() :]
        return _anthology(id) or _anthology(id.upper())
    text = text.rstrip(".,;")
    return Source("doi", text.lower()) if _DOI.match(text) else None


def _anthology(text: str) -> Source | None:
    return Source("anthology", text) if _ANTHOLOGY.match(text) else None


def _address(text: str) -> Source | None:
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
    except ValueError:
        return None
    host = (parts.hostname or "").lower().removeprefix("www.")
    path, query = unquote(parts.path), parse_qs(parts.query)
    if _is(host, ("doi.org",)):
        return _doi(path.strip("/"))
    if _is(host, ("openreview.net",)):
        id = (query.get("id") or query.get("forum") or [""])[0]
        return _of_kind("openreview", id)
    if _is(host, _ARXIV_HOSTS):
        match = re.match(r"/(?:abs|pdf|html|format|papers|ps|src|e-print|overview|bibtex|arxiv)/(.+?)(?:\.pdf)?/?$", path)
        return _arxiv(re.sub(r"^arxiv:", "", match[1], flags=re.I)) if match else None
    if _is(host, _ANTHOLOGY_HOSTS):
        last = re.sub(r"\.(pdf|bib|xml|endf)$", "", path.rstrip("/").rpartition("/")[2])
        return _anthology(re.sub(r"(v[0-9]+|\.dataset)$", "", last)) or _anthology(last)
    # Publishers put the DOI into the address.
    match = re.search(r"/(10\.[0-9]{4,9}/[^?#]+?)/?$", path)
    return _doi(re.sub(r"\.pdf$", "", match[1])) if match else None


def _is(host: str, known: tuple[str, ...]) -> bool:
    return any(host == name or host.endswith(f".{name}") for name in known)
