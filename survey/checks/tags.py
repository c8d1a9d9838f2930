"""T and A: tags of the taxonomy, and what the annotation rests on."""

from __future__ import annotations

from collections import defaultdict

from survey.checks.registry import (
    Entry,
    Finding,
    Found,
    Severity,
    Taxonomy,
    collection_rule,
    entry_rule,
    shown,
    similar_term,
)
from survey.collection.paper import Paper

TAGS = (
    ("proposes", "methods", "methods"), ("proposes", "families", "families"),
    ("proposes", "benchmarks", "benchmarks"), ("studies", "methods", "methods"),
    ("studies", "benchmarks", "benchmarks"),
)  # fmt: skip


def _tags(paper: Paper):
    """Every tag of a paper: (where, section of the taxonomy, id)."""
    for part, field, section in TAGS:
        for i, tag in enumerate(getattr(getattr(paper, part), field)):
            yield (part, field, i), section, tag
    for i, item in enumerate(paper.pitfalls):
        yield ("pitfalls", i, "id"), "pitfalls", item.id


@entry_rule("T301", "unknown-tag")
def unknown_tag(paper: Paper, entry: Entry, taxonomy: Taxonomy) -> Found:
    """A tag that is no id of the taxonomy.

    Tags are ids of survey/collection/taxonomy/*.yaml. A method or benchmark gets an id when a
    second entry speaks of it; until then its name goes into `acronym`.
    """
    for where, section, tag in _tags(paper):
        if tag not in getattr(taxonomy, section):
            yield no_tag(tag, where, section, taxonomy)


def no_tag(word: str, where: tuple, section: str, taxonomy: Taxonomy) -> Finding:
    """A word that is no id of that section, told with the id that was probably meant."""
    hint = similar_term(word, getattr(taxonomy, section).spellings) or f"see taxonomy/{section}.yaml"
    return Finding("T301", f"{section}.yaml has no {shown(word)}", where, hint)


def section_at(where: tuple) -> str:
    """The section of the taxonomy that a tag at this place is of, or ''."""
    if len(where) == 3 and where[0] == "pitfalls" and where[2] == "id":
        return "pitfalls"
    return next((section for part, field, section in TAGS if len(where) == 3 and where[:2] == (part, field)), "")


@collection_rule("T302", "tag-used-once", Severity.WARNING)
def tag_used_once(entries: list[Entry], taxonomy: Taxonomy):
    """A method, benchmark or pitfall that only one entry is tagged with.

    A word that one paper alone uses is no category: use an existing one, or take it out of the
    taxonomy until a second paper comes. The survey's own terms stay.
    """
    users = defaultdict(list)
    for entry in entries:
        # The places of one entry, the first for each tag.
        places = {}
        for where, section, tag in _tags(entry.paper):
            places.setdefault((section, tag), where)
        for (section, tag), where in places.items():
            if section != "families":
                users[section, tag].append((entry, where))
    for (section, tag), found in users.items():
        term = getattr(taxonomy, section).get(tag)
        if len(found) == 1 and term is not None and not term.survey:
            entry, where = found[0]
            yield entry.path, Finding("T302", f"only this entry has the {section} tag '{tag}'", where)


@entry_rule("T303", "tag-twice")
def tag_twice(paper: Paper, entry: Entry, taxonomy: Taxonomy) -> Found:
    """The same tag twice, or a paper that proposes and studies the same method."""
    for field in ("methods", "benchmarks"):
        proposed = set(getattr(paper.proposes, field))
        for i, tag in enumerate(getattr(paper.studies, field)):
            if tag in proposed:
                yield Finding("T303", f"'{tag}' is proposed, so it is not also studied", ("studies", field, i))
    seen = set()
    for i, item in enumerate(paper.pitfalls):
        if (item.id, item.stance) in seen:
            yield Finding("T303", f"{item.id} {item.stance} stands here twice", ("pitfalls", i))
        seen.add((item.id, item.stance))


@entry_rule("T304", "implied-pitfall")
def implied_pitfall(paper: Paper, entry: Entry, taxonomy: Taxonomy) -> Found:
    """A pitfall that a finer tag with the same stance implies already."""
    pairs = {(item.id, item.stance) for item in paper.pitfalls}
    for i, item in enumerate(paper.pitfalls):
        finer = [id for id, stance in pairs if stance == item.stance and id.startswith(item.id + ".")]
        if finer:
            yield Finding("T304", f"{item.id} is implied by {sorted(finer)[0]}", ("pitfalls", i, "id"), "leave it out")


RANK = {"title": 0, "abstract": 1, "readme": 1, "full-text": 2}


@entry_rule("A351", "summary-basis")
def summary_basis(paper: Paper, entry: Entry, taxonomy: Taxonomy) -> Found:
    """A summary needs more than the title: what was not read cannot be told."""
    if paper.summary and paper.annotated.basis == "title":
        yield Finding("A351", "a summary, but only the title was read", ("summary",))


@entry_rule("A352", "tag-basis")
def tag_basis(paper: Paper, entry: Entry, taxonomy: Taxonomy) -> Found:
    """A tag cannot rest on more than the annotator of the entry read."""
    for i, item in enumerate(paper.pitfalls):
        if RANK[item.basis] > RANK[paper.annotated.basis]:
            message = f"rests on {item.basis}, but the entry on {paper.annotated.basis}"
            yield Finding("A352", message, ("pitfalls", i, "basis"))


@entry_rule("A353", "summary-length")
def summary_length(paper: Paper, entry: Entry, taxonomy: Taxonomy) -> Found:
    """A summary is one or two sentences, 60 words at most."""
    if paper.summary and len(paper.summary.split()) > 60:
        yield Finding("A353", f"the summary has {len(paper.summary.split())} words", ("summary",))


@entry_rule("A354", "unconfirmed", Severity.INFO)
def unconfirmed(paper: Paper, entry: Entry, taxonomy: Taxonomy) -> Found:
    """A field that rests on a single weak source. Confirm it and take it off the list."""
    if paper.weak_fields:
        yield Finding("A354", f"not confirmed: {', '.join(paper.weak_fields)}", ("unconfirmed",))


@entry_rule("A356", "suggested-tags", Severity.WARNING)
def suggested_tags(paper: Paper, entry: Entry, taxonomy: Taxonomy) -> Found:
    """Kinds and tags were suggested by a program from title and abstract, and nobody has confirmed
    them yet.

    Read the abstract and the tagging guide, mend the tags, and take `tags` off `unconfirmed`.
    """
    if paper.tags_suggested:
        yield Finding("A356", "the tags are suggestions that nobody has confirmed", ("unconfirmed",), "mend them, then take tags off the list")


@entry_rule("A355", "status-note")
def status_note(paper: Paper, entry: Entry, taxonomy: Taxonomy) -> Found:
    """A withdrawn or retracted paper needs a note that says what happened."""
    if paper.status and not paper.note:
        yield Finding("A355", f"the paper is {paper.status}, and no note says why", ("status",))
