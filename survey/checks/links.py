"""L: links."""

from __future__ import annotations

import re
from collections import defaultdict
from urllib.parse import SplitResult, urlsplit

from survey.checks.registry import (
    Entry,
    Finding,
    Found,
    Severity,
    Taxonomy,
    collection_rule,
    entry_rule,
)
from survey.collection.paper import Paper

PAPERS = (
    "arxiv.org", "aclanthology.org", "openreview.net", "doi.org", "dl.acm.org",
    "proceedings.neurips.cc", "papers.nips.cc", "proceedings.mlr.press", "semanticscholar.org",
    "ojs.aaai.org", "link.springer.com", "ieeexplore.ieee.org", "openaccess.thecvf.com",
    "proceedings.iclr.cc", "alphaxiv.org", "ar5iv.org", "dblp.org", "sciencedirect.com", "ssrn.com",
    "researchgate.net", "biorxiv.org", "nature.com",
)  # fmt: skip
FORGES = ("github.com", "gitlab.com", "bitbucket.org", "codeberg.org")
TAIL = re.compile(r"(?:\.git|[.,;:)\]])+/?$")
# A public host has a name of at least two parts, the last of them no number, in ASCII; numbers, in
# whatever form, and names that only a local network knows are private.
PRIVATE = re.compile(
    r"(?!(?:[a-z0-9](?:[a-z0-9_-]*[a-z0-9])?\.)+(?:[a-z]{2,}|xn--[a-z0-9-]+)\Z)"
    r"|(?:.*\.)?(?:localhost|localdomain|local|internal|intranet|lan|home|corp|onion|test|invalid|arpa)\Z"
)


def split_address(url: str) -> SplitResult:
    """The parts of an address, all of them empty where it cannot be read or has a number in brackets
    for its host."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return SplitResult("", "", "", "", "")
    return SplitResult("", "", "", "", "") if "[" in parts.netloc or "]" in parts.netloc else parts


def host(url: str) -> str:
    """The host of an address, lower case, without `www.`."""
    return (split_address(url).hostname or "").removeprefix("www.")


@entry_rule("L802", "link-kind")
def link_kind(paper: Paper, entry: Entry, taxonomy: Taxonomy) -> Found:
    """A link of the wrong kind: a code link that leads to a paper, a paper link to a repository.

    The paper itself is reached by its ids; `links.paper` is only for papers without one.
    """
    for kind, url in paper.links.items():
        name = host(url)
        is_paper = (
            any(name == known or name.endswith(f".{known}") for known in PAPERS)
            or url.lower().endswith(".pdf")
            or (name in ("huggingface.co", "hf.co") and split_address(url).path.startswith("/papers/"))
        )
        if kind != "paper" and is_paper:
            yield Finding("L802", f"the {kind} link leads to a paper: {url}", ("links", kind), "put its id into ids")
        if kind == "paper" and (name in FORGES or name in ("arxiv.org", "aclanthology.org", "doi.org")):
            yield Finding("L802", f"the paper link should be an id or code: {url}", ("links", kind))


@entry_rule("L803", "link-tail")
def link_tail(paper: Paper, entry: Entry, taxonomy: Taxonomy) -> Found:
    """A tail that was copied along: `.git`, a full stop, a comma, a bracket."""
    for kind, url in paper.links.items():
        right = TAIL.sub("", url)
        if right != url and not (url.endswith(")") and "(" in url):
            yield Finding("L803", f"the address ends in '{url[len(right):]}'", ("links", kind), f"write {right}", right)


@entry_rule("L804", "link-host")
def link_host(paper: Paper, entry: Entry, taxonomy: Taxonomy) -> Found:
    """An address without a public host: localhost, a bare word, a private network, credentials.

    A host is a name of the public internet in ASCII. A number is none, in whatever form it is
    written (`127.0.0.1`, `2130706433`, `0x7f.1`), and what stands in brackets is none either.
    """
    for kind, url in paper.links.items():
        parts = split_address(url)
        name = parts.hostname or ""
        if PRIVATE.match(name):
            yield Finding("L804", f"{url} is no public address", ("links", kind))
        elif "@" in parts.netloc:
            hint = "take out what stands before the @"
            yield Finding("L804", f"{url} holds a user's name or password", ("links", kind), hint)
        elif name in FORGES and len([p for p in parts.path.split("/") if p]) < 2:
            yield Finding("L804", f"{url} names no repository", ("links", kind))


@collection_rule("L805", "shared-link", Severity.WARNING)
def shared_link(entries: list[Entry], taxonomy: Taxonomy):
    """Two papers have the same code, project or data link.

    Either one repository really serves both (then they are usually `related`), or a list put a
    neighbour's link on the wrong line. What three papers share is taken for a toolkit.
    """
    holders = defaultdict(list)
    for entry in entries:
        for kind, url in entry.paper.links.items():
            parts = split_address(url.lower().rstrip("/"))
            if parts.hostname:
                holders[host(url), parts.path, parts.query].append((entry, kind))
    for found in holders.values():
        # What three papers share is a toolkit.
        if len(found) == 2 and not _related(found[0][0], found[1][0]):
            (first, _), (entry, kind) = found
            yield entry.path, Finding("L805", f"{first.key} has the same {kind} link", ("links", kind))


def _related(one: Entry, other: Entry) -> bool:
    pairs = ((one, other), (other, one))
    return any(r.key == b.key for a, b in pairs for r in a.paper.related)
