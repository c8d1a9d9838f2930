"""Find papers with the query language.

    survey search 'method:rome,memit pitfall:locality year:2023.. -venue:arxiv'
    survey search 'author:Schlotterer detect' --format keys

A space is AND, a comma is OR inside a field, - negates, quotes hold phrases, bare words search
title, authors, acronym, summary and tags. Fields: method family pitfall stance benchmark metric
venue year author kind has key id status.
"""

from __future__ import annotations

import argparse

from survey.cli.output import as_json, padded, plural, printable, shortened, styled, width


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("query", nargs="*", metavar="QUERY", help="behind -- if it begins with a minus")
    parser.add_argument("--format", choices=("table", "keys", "json"), default="table")


def run(args: argparse.Namespace) -> int:
    from survey import load
    from survey.formats.jsonl import record

    collection = load(args.root)
    papers = collection.search(" ".join(args.query))
    if args.format == "keys":
        print("\n".join(p.key for p in papers), end="\n" if papers else "")
    elif args.format == "json":
        print(as_json([record(p) for p in papers]))
    else:
        print_table(papers, collection.taxonomy)
        found = plural(len(papers), "paper") if papers else "no papers"
        print(styled(f"{found} of {len(collection):,}", "dim"))
    return 0


def print_table(papers, taxonomy) -> None:
    """One line a paper: key, year and venue, authors, title."""
    if not papers:
        return
    keys = max(len(p.key) for p in papers)
    venues = {p.key: f"{p.year} {taxonomy.venues[p.venue].name}" for p in papers}
    places = min(24, max(map(len, venues.values())))
    rest = max(30, width() - keys - places - 4)
    people = max(12, rest // 4)
    for p in papers:
        names = p.names
        who = printable(names[0].sorting + (" et al." if len(names) > 2 else f" and {names[1].sorting}" if len(names) == 2 else ""))
        print(
            styled(padded(p.key, keys), "bold"),
            styled(padded(shortened(venues[p.key], places), places), "dim"),
            padded(shortened(who, people), people),
            shortened(printable(p.title), rest - people - 2),
            sep="  ",
        )
