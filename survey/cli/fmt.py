"""Put entries into the house format: what they say and their comments stay as they are.

    survey fmt                           everything below papers/
    survey fmt papers/2022/x2022y.yaml   this entry; a folder means all entries in it
    survey fmt --check                   write nothing, show what would change

A file that cannot be read, or is no entry, is left alone and told with its place. Exit code 1 if
there is one, and with --check if a file would change.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from survey.cli.output import plural, printable, styled


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="*", metavar="PATH", help="entries or folders (default: all entries)")
    parser.add_argument("--check", action="store_true", help="write nothing, show what would change")
    parser.add_argument("--format", choices=("text", "json"), default="text")


@dataclass(frozen=True, slots=True)
class _Result:
    """One file: `status` is "same", "changed", "would-change" or "unreadable"."""

    path: str
    status: str
    code: str = ""
    message: str = ""
    line: int = 0
    column: int = 0
    diff: str = ""


def run(args: argparse.Namespace) -> int:
    from contextlib import nullcontext

    from survey.cli.check import wrong_paths
    from survey.files import find_root
    from survey.files.storage import locked
    from survey.progress import Progress

    root = find_root(args.root)
    wrong = wrong_paths([Path(p) for p in args.paths], root, ("papers",))
    files, strange = ([], wrong) if wrong else _files(args.paths, root)
    if strange:
        print(f"survey: {printable(strange)}", file=sys.stderr)
        return 2
    results = []
    holding = nullcontext() if args.check else locked(root)
    with holding, Progress(len(files), "Formatting", "file") as progress:
        for file in files:
            results.append(_result(file, args.check, root))
            progress.advance()
    (_json if args.format == "json" else _text)(results, args.check)
    return int(any(r.status in ("unreadable", "would-change") for r in results))


def _files(paths: list[str], root: Path) -> tuple[list[Path], str]:
    """The files to look at, and what is wrong with the paths, if anything is."""
    from survey.files.load import entry_files

    found: dict[Path, None] = {}
    for path in [Path(p) for p in paths] or [root / "papers"]:
        if not path.is_dir() or path.is_symlink():
            found[Path(os.path.abspath(path))] = None
            continue
        folder = path.resolve()
        entries = [root / p for p, _ in entry_files(root) if p.endswith(".yaml")]
        inside = [p for p in entries if folder in p.parents]
        if not inside and paths:
            return [], f"there are no entries in {path}"
        found.update(dict.fromkeys(inside))
    return list(found), ""


def _result(file: Path, check: bool, root: Path) -> _Result:
    from survey.errors import UserError
    from survey.files.house import house_format
    from survey.files.load import read_entry
    from survey.files.reader import YamlProblem
    from survey.files.storage import write_file

    name = _near(file)
    if not _is_entry(file, root):
        return _Result(name, "unreadable", "K901", "this is no papers/<year>/<key>.yaml", 1, 1)
    try:
        text = read_entry(file)
        house = house_format(text)
    except YamlProblem as p:
        return _Result(name, "unreadable", p.code, p.message, p.line, p.column)
    except UserError as error:
        return _Result(name, "unreadable", "Y104", str(error), 1, 1)
    if house == text:
        return _Result(name, "same")
    if check:
        return _Result(name, "would-change", diff="\n".join(_diff(name, text, house)))
    write_file(file, house)
    return _Result(name, "changed")


def _is_entry(file: Path, root: Path) -> bool:
    """Whether an entry could lie there, so that nothing else is ever rewritten."""
    from survey.checks.run import PATH

    place, top = file.parent.resolve() / file.name, root.resolve()
    return place.is_relative_to(top) and bool(PATH.fullmatch(place.relative_to(top).as_posix()))


def _near(file: Path) -> str:
    """The path as the user can open it from here."""
    near = os.path.relpath(file)
    return str(file) if near.startswith("..") else near


def _diff(name: str, before: str, after: str) -> Iterator[str]:
    from difflib import unified_diff

    if before.removeprefix("\ufeff").replace("\r\n", "\n") == after:
        return iter([f"--- {name}", "  line ends or a byte order mark would change"])
    return unified_diff(before.splitlines(), after.splitlines(), name, f"{name} in house format", lineterm="")


_COLOURS = {"+": "green", "-": "red", "@": "blue"}


def _text(results: list[_Result], check: bool) -> None:
    for r in results:
        if r.status == "unreadable":
            print(f"{printable(r.path)}:{r.line}:{r.column}: {styled(r.code, 'red', 'bold')} {printable(r.message)}")
        elif r.status == "would-change":
            for line in r.diff.splitlines():
                colour = _COLOURS.get(line[:1])
                print(styled(printable(line), colour) if colour else printable(line))
        elif r.status == "changed":
            print(f"put into the house format: {printable(r.path)}")
    counts = {status: sum(r.status == status for r in results) for status in ("same", "changed", "would-change", "unreadable")}
    told = [
        f"{counts['same']:,} in house format",
        *([f"{counts['changed']:,} put right"] if counts["changed"] else []),
        *([f"{counts['would-change']:,} would change"] if counts["would-change"] else []),
        *([f"{counts['unreadable']:,} cannot be read"] if counts["unreadable"] else []),
    ]
    hint = " (`survey fmt` writes them)" if check and counts["would-change"] else ""
    print(f"{plural(len(results), 'file')}: {', '.join(told)}{hint}")


def _json(results: list[_Result], check: bool) -> None:
    from dataclasses import asdict

    rows = [{k: v for k, v in asdict(r).items() if v} for r in results if r.status != "same"]
    print(json.dumps({"files": len(results), "results": rows}, ensure_ascii=False, indent=1))
