"""K and R: keys, file names, and links between entries."""

from __future__ import annotations

import re
from collections import defaultdict

from survey.checks.registry import (
    Entry,
    Finding,
    Found,
    Severity,
    Taxonomy,
    built_in,
    collection_rule,
    entry_rule,
    similar_ids,
)
from survey.collection.paper import Paper, make_key
from survey.collection.text import fold

built_in("K901", "stray-file", """
    Below papers/ there are only entries: papers/<year>/<key>.yaml.

    Each is a file of its own: links, folders below a year, pipes and devices are never opened.
    Hidden files are left alone until somebody commits them.""")
built_in("K902", "key-form", """
    The file name is no citation key: family name, year, first word of the title, all in lower
    case ASCII letters and digits, such as meng2022locating.""")
built_in("K907", "key-lost", """
    An entry of the main branch has gone, and no other entry keeps its key in `former_keys`.

    Keys stand in other people's bibliographies, so they never vanish: a renamed or merged entry
    lists the old key.""")
built_in("K908", "key-changed-meaning", """
    The key names another paper than on the main branch: neither an id nor the title is the same.

    Keys never change meaning. Give the new paper a key of its own.""")


@entry_rule("K903", "key-disagrees")
def key_disagrees(paper: Paper, entry: Entry, taxonomy: Taxonomy) -> Found:
    """File name and content name different papers.

    The key begins with the first author's family name and a year not later than that of
    publication, and ends with a word of the title (or of a former title).
    """
    match = re.fullmatch(r"([a-z]+)([0-9]{4})([a-z0-9]+)", entry.key)
    if not match or entry.key in paper.former_keys:
        return
    family, year, word = match[1], int(match[2]), match[3]
    for where, message in _disagreements(paper, family, year, word):
        expected = make_key(paper.names[0], paper.year, paper.title)
        yield Finding("K903", message, where, f"the house key would be {expected}")


def _disagreements(paper: Paper, family: str, year: int, word: str):
    first = fold(paper.names[0].printed).split()
    if family not in ("".join(first[i:j]) for i in range(len(first)) for j in range(i + 1, len(first) + 1)):
        yield ("authors", 0), f"the key says '{family}', the first author is {paper.names[0].printed}"
    if year > paper.year or year < paper.year - 3:
        yield ("year",), f"the key says {year}, the entry {paper.year}"
    # A key may run on into the following words, where a shorter one was taken.
    for title in (paper.title, *paper.former_titles):
        words = [fold(w).replace(" ", "") for w in title.split()]
        if any("".join(words[i:]).startswith(word) for i in range(len(words))):
            return
    yield ("title",), f"the key says '{word}', the title does not"


@entry_rule("K904", "folder-year")
def folder_year(paper: Paper, entry: Entry, taxonomy: Taxonomy) -> Found:
    """An entry lies in the folder of its year."""
    folder = entry.path.split("/")[-2]
    if folder != str(paper.year):
        yield Finding("K904", f"the entry of {paper.year} lies in papers/{folder}", ("year",), f"move it to papers/{paper.year}/")


@collection_rule("K905", "key-twice")
def key_twice(entries: list[Entry], taxonomy: Taxonomy):
    """Two files have the same key, or one has a key that another gave up."""
    paths = defaultdict(list)
    for entry in entries:
        for key in (entry.key, *entry.paper.former_keys):
            if paths[key]:
                yield entry.path, Finding("K905", f"the key {key} belongs to {paths[key][0]}", other=paths[key][0])
            paths[key].append(entry.path)


@collection_rule("R951", "relation-leads-nowhere")
def relation_leads_nowhere(entries: list[Entry], taxonomy: Taxonomy):
    """`related` names a key that no entry has, or the entry itself."""
    keys = {key for e in entries for key in (e.key, *e.paper.former_keys)}
    for entry in entries:
        for i, item in enumerate(entry.paper.related):
            if item.key == entry.key:
                yield entry.path, Finding("R951", "the entry is related to itself", ("related", i, "key"))
            elif item.key not in keys:
                hint = similar_ids(item.key, keys)
                yield entry.path, Finding("R951", f"there is no entry {item.key}", ("related", i, "key"), hint)


@collection_rule("R952", "relation-stated-twice", Severity.WARNING)
def relation_stated_twice(entries: list[Entry], taxonomy: Taxonomy):
    """Both entries state the same relation, or both say that they extend the other.

    One side is enough: the program makes the inverse.
    """
    stated = {(e.key, r.key, r.relation) for e in entries for r in e.paper.related}
    for entry in entries:
        for i, item in enumerate(entry.paper.related):
            if (item.key, entry.key, item.relation) in stated and entry.key > item.key:
                yield entry.path, Finding("R952", f"{item.key} says so, too", ("related", i), "keep one side")


@collection_rule("R953", "founding-paper", Severity.ERROR)
def founding_paper(entries: list[Entry], taxonomy: Taxonomy):
    """The taxonomy names a founding paper that is no entry.

    A former key is none, either: the taxonomy names entries by the keys that they have.
    """
    papers = {e.key: e for e in entries}
    for section in ("families", "methods", "pitfalls", "benchmarks", "metrics", "venues"):
        for term in getattr(taxonomy, section).values():
            for key in term.papers:
                path = f"survey/collection/taxonomy/{section}.yaml"
                if key not in papers:
                    hint = f"name what replaced it in taxonomy/{section}.yaml, or take it out there"
                    yield path, Finding("R953", f"{term.id}: there is no entry {key}", hint=hint)


@collection_rule("R954", "taxonomy-leads-nowhere")
def taxonomy_leads_nowhere(entries: list[Entry], taxonomy: Taxonomy):
    """A term of the taxonomy names another term that does not exist."""
    t = taxonomy
    links = [("methods", m.id, "families", [m.family]) for m in t.methods.values()]
    links += [("pitfalls", p.id, "metrics", p.metrics) for p in t.pitfalls.values()]
    links += [("pitfalls", p.id, "pitfalls", [p.parent]) for p in t.pitfalls.values() if p.parent]
    links += [("benchmarks", b.id, "metrics", b.metrics) for b in t.benchmarks.values()]
    links += [("benchmarks", b.id, "pitfalls", [m.pitfall for m in b.measures]) for b in t.benchmarks.values()]
    links += [("tasks", k.id, "metrics", [k.metric]) for k in t.tasks.values() if k.metric]
    for section, id, target, ids in links:
        for other in ids:
            if other not in getattr(t, target):
                path = f"survey/collection/taxonomy/{section}.yaml"
                yield path, Finding("R954", f"{id}: {target}.yaml has no '{other}'")
