"""Look at what changes outside: whether links still lead somewhere, and sources still say the same.

    survey audit links                      visit every link, twice where it fails
    survey audit drift 'year:2024..'        compare entries with what their sources say today
    survey audit drift -o drift.json --format json

Links are kept apart as dead, moved, malformed, private, failing, and blocked for programs; private
addresses are never asked, and no redirect into them is followed. Drift tells other titles, authors,
publications and withdrawals, and ids that belong to another paper.
Exit code 1 where there is something to do, or no paper matches. When a service fails, the rest is told all the same.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path

from survey.cli.output import printable


def add_arguments(parser: argparse.ArgumentParser) -> None:
    audits = parser.add_subparsers(metavar="links|drift", required=True)
    for name, line in (("links", "visit the links of entries"), ("drift", "compare entries with their sources")):
        audit = audits.add_parser(name, help=line)
        audit.add_argument("query", nargs="?", default="", metavar="QUERY", help="papers to look at (default: all)")
        audit.add_argument("--format", choices=("text", "markdown", "json"), default="text")
        audit.add_argument("-o", "--output", metavar="FILE", help="where to write (default: standard output)")
        audit.add_argument("--exit-zero", action="store_true", help="exit with 0 whatever is found")
        audit.set_defaults(audit=name)
        if name == "links":
            audit.add_argument("--pause", type=_seconds, default=60.0, metavar="S", help="seconds before the second pass (default: 60)")


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 3600:
        raise argparse.ArgumentTypeError("give a number of seconds from 0 to 3600")
    return value


def run(args: argparse.Namespace) -> int:
    from survey import load
    from survey.files.storage import write_file
    from survey.intake import audit

    collection = load(args.root)
    papers = collection.search(args.query)
    if args.query and not papers:
        print(f"survey: no paper matches {printable(args.query)}{_key_hint(args.query, collection)}", file=sys.stderr)
        return 1
    report = _links(papers, args.pause) if args.audit == "links" else _drift(collection, papers)
    written = {
        "text": audit.text,
        "markdown": lambda report: audit.markdown([report], 65_000),
        "json": lambda report: json.dumps(report.record(), ensure_ascii=False, indent=1),
    }[args.format](report)
    if args.output:
        write_file(Path(args.output), written + "\n")
        if args.format != "text":
            print(audit.text(report).splitlines()[-1], file=sys.stderr)
    else:
        print(written)
    return int(bool(report.findings) and not args.exit_zero)


def _key_hint(query: str, collection) -> str:
    """A key by itself is looked for as a word: how it is asked for."""
    from survey.collection.text import nearest

    word = query.strip().removeprefix("key:")
    alike = re.fullmatch(r"[a-z]+[0-9]{4}[a-z0-9]*", word)
    key = word if word in collection else alike and nearest(word, list(collection))
    return f" (did you mean key:{key}?)" if key else ""


def _links(papers, pause: float):
    from survey.intake import links
    from survey.progress import Progress

    with Progress(len(links.addresses(papers)), "Visiting links", "address") as progress:
        return links.audit(papers, step=progress.advance, later=pause)


def _drift(collection, papers):
    from survey.cli.output import styled
    from survey.intake import drift
    from survey.intake.client import Client
    from survey.progress import Progress

    client = Client(say=lambda line: print(styled(f"survey: {line}", "dim", stream=sys.stderr), file=sys.stderr))
    with Progress(sum(len(drift.wanted(p)) for p in papers), "Asking sources", "record") as progress:
        return drift.audit(collection, papers, client, progress.advance)
