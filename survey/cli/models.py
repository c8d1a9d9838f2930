"""List the language models that can be edited here, and fetch or forget one.

    survey models
    survey models --fetch smollm2-135m-instruct
    survey models --forget gemma-3-270m
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import textwrap

from survey.cli.output import padded, shown_width, styled, width


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--format", choices=("text", "json"), default="text")
    parser.add_argument("--accept-licence", action="store_true", help="accept the licence of the model to fetch")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--fetch", metavar="NAME", help="fetch and convert a model now, not at its first use")
    what.add_argument("--forget", metavar="NAME", help="delete a model from this computer")


def run(args: argparse.Namespace) -> int:
    from survey.editing.models import forget, models, ready
    from survey.progress import amount

    text = args.format == "text"
    if args.fetch:
        folder = ready(args.fetch, accept_licence=args.accept_licence)
        if text:
            print(f"{args.fetch} is ready in {folder}")
            return 0
    if args.forget:
        freed = forget(args.forget)
        if text:
            print(f"{args.forget}: {amount(freed)} deleted" if freed else f"{args.forget} was not here")
            return 0
    rows = models()
    if text:
        _print(rows)
    else:
        print(json.dumps([dataclasses.asdict(row) for row in rows], ensure_ascii=False, indent=1))
    return 0


def _print(rows) -> None:
    from survey.editing.models import models_folder
    from survey.progress import amount

    colours = {"ready": "green", "partial": "yellow"}
    table = [("NAME", "SIZE", "STATE", "ON DISK", "TO FETCH", "LICENCE")]
    for row in rows:
        here = amount(row.bytes) if row.bytes else "-"
        fetch = "-" if row.state == "ready" else amount(row.download)
        licence = row.licence + (" (to be accepted)" if row.needs_consent else "")
        name = row.name + (" *" if row.default else "")
        table.append((name, row.parameters, row.state, here, fetch, licence))
    columns = [max(shown_width(line[i]) for line in table) for i in range(len(table[0]))]
    for number, line in enumerate(table):
        cells = [padded(cell, columns[i]) for i, cell in enumerate(line)]
        if number == 0:
            print(styled("  ".join(cells).rstrip(), "dim"))
            continue
        cells[0] = styled(cells[0], "bold")
        if line[2] in colours:
            cells[2] = styled(cells[2], colours[line[2]])
        print("  ".join(cells).rstrip())
    said = (
        "* is used where no other is named. With --model, any causal language model in Hugging Face's "
        f"form works, too, by its name or by its folder. Models are kept in {models_folder()}."
    )
    print("\n" + textwrap.fill(said, min(100, width()), break_long_words=False, break_on_hyphens=False))
