"""Write papers as bibtex, biblatex, ris, csl-json, csv or jsonl.

    survey export bibtex > papers.bib
    survey export bibtex 'pitfall:locality' -o locality.bib

On a terminal, characters that would steer it are shown as escapes; a file or a pipe gets them as they are.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

NAMES = ("bibtex", "biblatex", "ris", "csl-json", "csv", "jsonl")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("format", choices=NAMES, metavar="FORMAT", help=", ".join(NAMES))
    parser.add_argument("query", nargs="*", metavar="QUERY", help="default: every paper")
    parser.add_argument("-o", "--output", metavar="FILE", help="a file, written whole or not at all")


def run(args: argparse.Namespace) -> int:
    from survey import load
    from survey.cli.output import plural, printable_lines
    from survey.files.storage import write_file
    from survey.formats import FORMATS

    collection = load(args.root)
    papers = collection.search(" ".join(args.query))
    text = FORMATS[args.format].text(papers, collection.taxonomy)
    if args.output and args.output != "-":
        write_file(Path(args.output), text)
        print(f"{plural(len(papers), 'paper')} written to {args.output}", file=sys.stderr)
    else:
        # Bytes, since a terminal's encoding may lack the letters.
        sys.stdout.flush()
        shown = printable_lines(text) if sys.stdout.isatty() else text
        sys.stdout.buffer.write(shown.encode("utf-8"))
    if not papers:
        print("survey: no paper matches", file=sys.stderr)
        return 1
    return 0
