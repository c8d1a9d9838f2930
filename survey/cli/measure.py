"""Measure what edits break: methods x pitfalls x numbers of edits x seeds, beside the unedited model.

    survey measure --methods rome,memit --pitfalls locality --edits 1 --cases 10 -o results
    survey measure --methods rome,grace --pitfalls general-abilities --edits 0,10,20,30,40 --seeds 3 -o results
    survey measure --methods memit --pitfalls generalization --benchmark counterfact.json --edits 1 -o results
    survey measure --show results
    survey measure --check docs/results/submitted

Facts are our own (docs/laboratory/suite.md) unless --benchmark names others. --edits 1 edits each fact alone; a larger
number makes one sequence of so many edits for each seed, and asks after each number that is named. Results are written
to DIR/METHOD.jsonl as they come: press Ctrl+C at any time, and the same command goes on where it was. At the end
DIR/summary.json and DIR/summary.csv hold means with 95 % bootstrap intervals.
"""

from __future__ import annotations

import argparse
import sys
import textwrap
from pathlib import Path

from survey.cli.edit import _need_extra, _number


def _list(text: str) -> list[str]:
    found = [part.strip() for part in text.split(",") if part.strip()]
    if not found:
        raise argparse.ArgumentTypeError("at least one name is needed")
    return found


def _counts(text: str) -> list[int]:
    try:
        return [_number(part.strip()) for part in text.split(",")]
    except argparse.ArgumentTypeError:
        raise argparse.ArgumentTypeError(f"{text!r} is no list of whole numbers, such as 0,10,20") from None


def _positive(text: str) -> int:
    if not _number(text):
        raise argparse.ArgumentTypeError("at least one is needed")
    return int(text)


def _setting(text: str) -> tuple[str, str, str]:
    name, sign, value = text.partition("=")
    method, dot, field = name.strip().rpartition(".")
    if not sign or not dot or not method or not field:
        raise argparse.ArgumentTypeError(f"{text!r} is not METHOD.NAME=VALUE, such as rome.layer=4")
    return method, field, value.strip()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    what = parser.add_argument_group("what is measured")
    what.add_argument("--methods", type=_list, metavar="A,B", help="ids from `survey methods`, FILE.py:NAME, or `all`")
    what.add_argument(
        "--pitfalls", type=_list, metavar="A,B", default=["all"],
        help="ids of the taxonomy; a parent stands for its children, `all` (the default) for everything; "
        "one behind a - is left out (all,-cost)",
    )  # fmt: skip
    what.add_argument("--edits", type=_counts, metavar="N,M", default=[1], help="after how many edits to ask (default: 1, each fact alone)")
    what.add_argument("--seeds", type=_positive, metavar="N", default=1, help="how many seeds, from 0 on (default: 1)")
    what.add_argument("--cases", type=_positive, metavar="N", default=20, help="facts to edit alone, and pairs of edits, for each pitfall and seed; one fact often serves for several pitfalls (default: 20)")
    what.add_argument("--batch", type=_positive, metavar="N", default=1, help="edits that a method makes at once, where it can (default: 1)")
    what.add_argument("--benchmark", metavar="NAME|FILE", default="suite", help="records of a published benchmark (default: our own facts)")
    what.add_argument("--tasks", type=_list, metavar="NAME|FILE,...", default=[], help="published downstream sets (default: our own small ones)")
    what.add_argument("--items", type=_positive, metavar="N", help="items of each task to ask at most (default: all)")
    what.add_argument("--strict", action="store_true", help="refuse a file with a broken record (default: tell, and leave it out)")
    how = parser.add_argument_group("the methods and the model")
    how.add_argument("--model", metavar="M", help="a name from `survey models`, a folder, or a name on the hub")
    how.add_argument("--preset", metavar="NAME", help="published settings for another model")
    how.add_argument(
        "--set", dest="settings", type=_setting, action="append", default=[], metavar="METHOD.NAME=VALUE",
        help="change a setting of a method; may be repeated",
    )  # fmt: skip
    how.add_argument("--stats-text", metavar="FILE", help="text for statistics of keys (default: text that the model samples)")
    where = parser.add_argument_group("where")
    where.add_argument("--engine", choices=("local", "ray"), default="local", help="processes here, or a Ray cluster")
    where.add_argument("--address", metavar="A", help="of a running Ray cluster (default: one is begun here)")
    where.add_argument("--workers", type=_positive, metavar="N", help="places that work at once (default: one for each processor)")
    out = parser.add_argument_group("results")
    out.add_argument("-o", "--out", metavar="DIR", help="folder for results")
    out.add_argument("--show", metavar="DIR", help="only print the results of a folder")
    out.add_argument(
        "--check", metavar="DIR", help="say whether results that somebody submits can be believed: one folder of them, or docs/results/submitted"
    )
    out.add_argument("--format", choices=("text", "json"), default="text")
    parser.set_defaults(wrong=parser.error)


def run(args: argparse.Namespace) -> int:
    from survey.errors import UserError
    from survey.pitfalls.runs.summary import summarise, write

    if args.check:
        if args.show or args.methods:
            args.wrong("--check looks at results that are there: leave out --show and --methods")
        return _check(args)
    if args.show:
        _need_extra()
        return _print(summarise(Path(args.show)), args.format)
    _need_extra()
    if not args.methods or not args.out:
        raise UserError("say what to measure (--methods A,B) and where results go (-o DIR), or show old ones (--show DIR)")
    from survey.editing import foreign
    from survey.editing.edit import EditError
    from survey.editing.loading import DEFAULT
    from survey.editing.method import METHODS, find
    from survey.pitfalls.runs import Plan, measure
    from survey.pitfalls.runs.material import material
    from survey.progress import Progress

    # The processes that measure look for a file where they work themselves.
    methods = tuple(METHODS) if args.methods == ["all"] else tuple(map(foreign.canonical, args.methods))
    settings: dict[str, dict[str, str]] = {}
    for method, name, value in args.settings:
        settings.setdefault(foreign.canonical(method), {})[name] = value
    for method in methods:  # What can be wrong is told before anything is loaded.
        find(method).configure(args.preset, **settings.get(method, {}))
    try:
        text = Path(args.stats_text).read_text("utf-8") if args.stats_text else None
    except UnicodeDecodeError:
        raise EditError(f"{args.stats_text}: this is no text in UTF-8") from None
    plan = Plan(
        methods, tuple(args.pitfalls), tuple(args.edits), tuple(range(args.seeds)), args.cases, args.batch, args.model or DEFAULT,
        settings, args.preset, text, args.items,
    )  # fmt: skip
    asked = material(plan, args.benchmark, args.tasks, strict=args.strict, say=lambda line: print(line, file=sys.stderr))
    try:
        with Progress(1, "Measuring", "step", every=300) as progress:

            def begin(done: int, total: int) -> None:
                progress.total = total
                progress.advance(done, fresh=False)

            measure(
                plan, asked, Path(args.out), engine=args.engine, workers=args.workers, address=args.address, progress=progress, begin=begin
            )
    except KeyboardInterrupt:
        print(f"survey: stopped after {progress.done} of {progress.total} steps: the same command goes on from there", file=sys.stderr)
        raise
    summary = summarise(Path(args.out))
    write(summary, Path(args.out))
    return _print(summary, args.format)


def _check(args: argparse.Namespace) -> int:
    """Look through submitted results. `survey check` is about entries; this is about what `survey measure` wrote, and needs
    the facts that it asks about."""
    from dataclasses import asdict

    from survey.cli.output import as_json
    from survey.errors import UserError
    from survey.files import find_root
    from survey.files.submitted import FOLDER
    from survey.pitfalls.runs.submitted import problems

    folder, root = Path(args.check), find_root(args.root)
    above = folder.resolve() == (root / FOLDER).resolve()
    if not folder.is_dir() and not above:
        raise UserError(f"{folder}: there is no such folder")
    folders = [folder] if not above else sorted(folder.iterdir()) if folder.is_dir() else []  # At first there are none.
    found = []
    for one in folders:
        if above and not one.is_dir():
            raise UserError(f"{one}: only folders belong here, one for each method")
        found += problems(one, root)
    if args.format == "json":
        print(as_json([asdict(problem) for problem in found]))
    else:
        for problem in found:
            print(problem)
        print(f"{len(folders)} folder{'s' * (len(folders) != 1)} of submitted results, {len(found)} problem{'s' * (len(found) != 1)}")
    return 1 if found else 0


def _print(summary, form: str) -> int:
    from survey.cli.output import as_json, width

    if form == "json":
        print(as_json(summary.record()))
    else:
        print("\n".join(_told(summary, width())))
    return 0


def _told(summary, columns: int) -> list[str]:
    """Tables of a summary, one for each pitfall, and where the time went, in so many columns."""
    from survey.cli.output import plural, shortened, styled
    from survey.progress import duration

    out: list[str] = []
    for pitfall in sorted({cell.pitfall for cell in summary.cells}):
        rows = []
        for cell in (cell for cell in summary.cells if cell.pitfall == pitfall):
            name = f"{cell.method} ({cell.variant})" if cell.variant else cell.method
            metric = f"{cell.task}: {cell.metric}" if cell.task else cell.metric
            edits = {"single": "1 alone", "pair": "2, a pair"}.get(cell.kind, str(cell.edits))
            over = f"{cell.cases} items, {plural(cell.models, 'model')}" if cell.task else plural(cell.cases, "case")
            value = "collapsed" if cell.value is None else _figure(cell.value)
            if cell.collapsed and cell.value is not None:
                value += f" ({cell.collapsed} collapsed)"
            between = f"{_figure(cell.low)} to {_figure(cell.high)}" if cell.low is not None else ""
            rows.append((name, metric, edits, value, between, "" if cell.unedited is None else _figure(cell.unedited), over))
        out += ["", styled(shortened(pitfall, columns), "bold"), *_table(rows, columns)]
    out.append("")
    for told in summary.runs:
        parts = ", ".join(f"{name} {duration(seconds)}" for name, seconds in told.seconds.items() if seconds)
        failed = f", {told.failed} could not be made" if told.failed else ""
        line = f"{told.file}: {told.edits} edits{failed}; time of the workers: {parts or '0 s'}"
        out += textwrap.wrap(line, columns, subsequent_indent="  ", break_on_hyphens=False)
    return out[1:]


_HEADINGS = ("METHOD", "METRIC", "EDITS", "EDITED", "95 %", "UNEDITED", "OVER")


def _table(rows: list[tuple[str, ...]], columns: int) -> list[str]:
    """Rows below their headings. Where they are too wide, a line names method and metric of the rows below it; where that is
    too wide as well, `OVER` goes, which `--format json` tells."""
    from survey.cli.output import padded, shortened, shown_width, styled

    widths = [max(map(shown_width, column)) for column in zip(_HEADINGS, *rows, strict=True)]

    def line(cells: tuple[str, ...], widths: list[int]) -> str:
        return "  ".join(padded(text, w) for text, w in zip(cells, widths, strict=True)).rstrip()

    if _across(widths) <= columns:
        return [styled(line(_HEADINGS, widths), "dim"), *(line(row, widths) for row in rows)]
    last = len(widths) if 2 + _across(widths[2:]) <= columns else -1
    found: dict[tuple[str, ...], list[tuple[str, ...]]] = {}
    for row in rows:
        found.setdefault(row[:2], []).append(row)
    out = [styled(shortened("  " + line(_HEADINGS[2:last], widths[2:last]), columns), "dim")]
    for name, below in found.items():
        out.append(shortened("  ".join(name), columns))
        out += [shortened("  " + line(row[2:last], widths[2:last]), columns) for row in below]
    return out


def _across(widths: list[int]) -> int:
    """Columns that cells take beside each other."""
    return sum(widths) + 2 * (len(widths) - 1)


def _figure(value: float) -> str:
    """Three digits that tell something."""
    return f"{value:.2e}" if abs(value) >= 1e7 else f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}" if abs(value) >= 1 else f"{value:.3f}"
