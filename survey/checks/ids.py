"""I: identifiers."""

from __future__ import annotations

from survey.checks.registry import Entry, Finding, Found, Severity, Taxonomy, entry_rule
from survey.collection.paper import Paper


def arxiv_year(arxiv: str) -> int:
    """The year in which an arXiv id was given: 2202.05262 -> 2022, hep-th/9901001 -> 1999."""
    digits = arxiv.rpartition("/")[2][:2]
    return (1900 if digits > "90" else 2000) + int(digits)


@entry_rule("I202", "arxiv-newer-than-year")
def arxiv_newer_than_year(paper: Paper, entry: Entry, taxonomy: Taxonomy) -> Found:
    """The arXiv id was given long after the year of publication, or not in a preprint's year.

    Either the id belongs to another paper, or the year is that of something else. Authors who
    post a paper in the year after its publication get a warning only (I206).
    """
    arxiv = paper.ids.arxiv
    if not arxiv:
        return
    given = arxiv_year(arxiv)
    if given > paper.year + 1:
        yield Finding("I202", f"arXiv {arxiv} is of {given}, the paper of {paper.year}", ("ids", "arxiv"))
    elif paper.preprint and given != paper.year:
        message = f"arXiv {arxiv} is of {given}, but the preprint's year is {paper.year}"
        yield Finding("I202", message, ("ids", "arxiv"))


@entry_rule("I206", "arxiv-after-publication", Severity.WARNING)
def arxiv_after_publication(paper: Paper, entry: Entry, taxonomy: Taxonomy) -> Found:
    """The arXiv id is of the year after publication. It happens; look whether it is the same paper,
    and say so in `note`, which silences this."""
    arxiv = paper.ids.arxiv
    if arxiv and not paper.preprint and arxiv_year(arxiv) == paper.year + 1 and not paper.note:
        yield Finding("I206", f"arXiv {arxiv} is newer than the publication of {paper.year}", ("ids", "arxiv"))


@entry_rule("I203", "arxiv-month")
def arxiv_month(paper: Paper, entry: Entry, taxonomy: Taxonomy) -> Found:
    """An arXiv id begins with year and month, and there is no thirteenth month."""
    arxiv = paper.ids.arxiv or ""
    if arxiv and not "01" <= arxiv.rpartition("/")[2][2:4] <= "12":
        yield Finding("I203", f"{arxiv} names no month", ("ids", "arxiv"))


@entry_rule("I204", "doi-of-arxiv")
def doi_of_arxiv(paper: Paper, entry: Entry, taxonomy: Taxonomy) -> Found:
    """The DOI that arXiv gives to every preprint says nothing that `ids.arxiv` does not."""
    if (paper.ids.doi or "").lower().startswith("10.48550/"):
        yield Finding("I204", "this DOI is arXiv's own", ("ids", "doi"), "leave it out")


@entry_rule("I205", "no-id", Severity.WARNING)
def no_id(paper: Paper, entry: Entry, taxonomy: Taxonomy) -> Found:
    """A reader must be able to reach the paper: by an id, or by `links.paper`."""
    if not paper.url:
        yield Finding("I205", "no id and no link lead to the paper", ("ids",))
