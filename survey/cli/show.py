"""Show one paper: what it is, its tags with stance and basis, its links and relatives.

    survey show meng2022locating
    survey show 2202.05262
"""

from __future__ import annotations

import argparse
import sys
import textwrap

from survey.cli.output import as_json, printable, printable_lines, styled, width


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("key", metavar="KEY", help="a key, or an arXiv id, DOI, Anthology or OpenReview id")
    parser.add_argument("--format", choices=("text", "json", "bibtex"), default="text")


def run(args: argparse.Namespace) -> int:
    from survey import load
    from survey.collection.query import normal_id
    from survey.collection.text import nearest
    from survey.formats import FORMATS
    from survey.formats.jsonl import record

    collection = load(args.root)
    wanted = args.key.removesuffix(".yaml").rpartition("/")[2] if args.key.endswith(".yaml") else args.key
    if wanted in collection:
        paper = collection[wanted]
    else:
        id = normal_id(args.key)
        paper = next((p for k, p in collection.items() if id in collection.facets[k].id), None)
    if paper is None:
        guess = nearest(wanted, list(collection))
        hint = f" (did you mean {guess}?)" if guess else ""
        print(f"survey: there is no entry {printable(args.key)}{hint}", file=sys.stderr)
        return 1
    if args.format == "json":
        print(as_json(record(paper)))
    elif args.format == "bibtex":
        text = FORMATS["bibtex"].entry(paper, collection.taxonomy)
        print(printable_lines(text) if sys.stdout.isatty() else text, end="")
    else:
        _print(paper, collection)
    return 0


def _print(paper, collection) -> None:
    t = collection.taxonomy
    columns = min(100, width())
    print(styled(printable(paper.title), "bold"))
    print(textwrap.fill(printable(", ".join(n.printed for n in paper.names)), columns))
    venue = t.venues[paper.venue]
    print(f"{venue.full_name}, {paper.year}" + (f" ({paper.status})" if paper.status else ""))
    if paper.summary:
        print("\n" + textwrap.fill(_line(paper.summary), columns))
    rows = [("key", paper.key), ("kinds", ", ".join(paper.kinds))]
    for verb in ("proposes", "studies"):
        for field, ids in getattr(paper, verb):
            section = getattr(t, field)
            if ids:
                rows.append((f"{verb} {field}", ", ".join(section[i].name for i in ids)))
    rows += [("pitfall", f"{tag.id} ({tag.stance}, by {tag.basis})") for tag in paper.pitfalls]
    rows += [(scheme, value) for scheme, value in paper.ids.items()]
    rows += [(kind, url) for kind, url in paper.links.items()]
    rows += [("address", paper.url)] if paper.url else []
    rows += [(r.relation, f"{r.target} ({r.basis})") for r in collection.relations.get(paper.key, [])]
    rows += [("not confirmed", ", ".join(paper.unconfirmed))] if paper.unconfirmed else []
    rows += [("note", paper.note)] if paper.note else []
    rows += [("sources", "; ".join(paper.sources))]
    names = max(len(name) for name, _ in rows)
    print()
    for name, value in rows:
        text = textwrap.fill(_line(value), columns, initial_indent=" " * (names + 2), subsequent_indent=" " * (names + 2))
        print(styled(f"{name:{names}}", "dim") + "  " + text.lstrip())


def _line(text: str) -> str:
    """Text that may have lines of its own, on one line and fit for a terminal."""
    return printable(" ".join(text.split("\n")))
