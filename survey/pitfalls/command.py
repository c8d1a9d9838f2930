"""What the commands on CounterFact have in common: the words they take, and errors that are told in one line."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from survey.errors import UserError

if TYPE_CHECKING:
    from survey.pitfalls.counterfact import Record


def span(text: str) -> slice:
    """FIRST:END, either of which may be left out. Raises `argparse.ArgumentTypeError`."""
    first, colon, end = text.partition(":")
    if not colon or not all(part == "" or (part.isascii() and part.isdecimal()) for part in (first, end)):
        raise argparse.ArgumentTypeError(f"{text!r} is not FIRST:END, such as 0:100 or 100:")
    return slice(int(first or 0), int(end) if end else None)


def setting(text: str) -> tuple[str, str]:
    """NAME=VALUE. Raises `argparse.ArgumentTypeError`."""
    name, sign, value = text.partition("=")
    if not sign or not name.strip():
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name.strip(), value.strip()


def names(text: str) -> list[str]:
    """Names between commas, each once. Raises `argparse.ArgumentTypeError` where there is none."""
    found = [part.strip() for part in text.split(",") if part.strip()]
    if not found:
        raise argparse.ArgumentTypeError("at least one name is needed")
    return list(dict.fromkeys(found))


def add_arguments(parser: argparse.ArgumentParser, out: str) -> None:
    """The records, the model and the folder of results, which is called `out` where nobody names it."""
    parser.add_argument("file", nargs="?", help="records in the extended CounterFact format")
    parser.add_argument("--records", type=span, default="0:100", metavar="FIRST:END", help="which usable records (default 0:100)")
    parser.add_argument("--model", default=None)
    parser.add_argument("-o", "--out", default=out, help="folder for results")
    parser.add_argument("--table", metavar="DIR", help="only print the results of a folder")


def chosen(args: argparse.Namespace, least: int) -> list[Record]:
    """The records that are asked for; what cannot be used is told. Raises `UserError` where they are fewer than `least`."""
    from survey.pitfalls.counterfact import read_records

    records, problems = read_records(args.file)
    for problem in problems:
        print(problem, file=sys.stderr)
    found = records[args.records]
    if len(found) < least:
        end = "" if args.records.stop is None else args.records.stop
        raise UserError(f"{args.records.start}:{end} names {len(found)} of {len(records)} usable records, and {least} {'is' if least == 1 else 'are'} needed at least")
    return found


def told(work: Callable[[], int]) -> int:
    """What `work` returns; 1 after an error that the person can do something about, told in one line."""
    try:
        return work()
    except BrokenPipeError:  # The reader has gone, as `head` does.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130
    except UserError as error:
        print(f"survey: {error}", file=sys.stderr)
    except OSError as error:
        print(f"survey: {f'{error.filename}: ' if error.filename else ''}{error.strerror or error}", file=sys.stderr)
    return 1
