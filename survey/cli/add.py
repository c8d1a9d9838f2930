"""Add a paper: from an id to a complete entry.

    survey add 2202.05262                  an arXiv id or address, any version
    survey add 10.1145/3698590             a DOI
    survey add 2024.findings-emnlp.550     an ACL Anthology id or address
    survey add https://openreview.net/forum?id=-h6WAS6eE4
    survey add references.bib              one entry or many
    survey add - < ids.txt                 BibTeX, or one id a line

The source's own service is asked, a preprint is followed to its publication,
and tags are suggested by words of title and abstract, marked until you confirm
them. A paper that is here already is recognised; --update merges what the
source adds to its entry. What cannot be known is left out and named.

Exit code 0 where every paper was added, updated or needs nothing, 1 where one
failed or is here already (without --update).
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import textwrap

from survey.cli.output import plural, printable, shortened, styled, told, width


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", nargs="+", metavar="SOURCE", help="an id, an address, a .bib file, or -")
    parser.add_argument("--dry-run", "-n", action="store_true", help="print the entry, write nothing")
    parser.add_argument("--update", "-u", action="store_true", help="merge what the source adds to an entry that is here already")
    parser.add_argument("--venue", metavar="ID", help="the venue, where the source does not tell it or the taxonomy does not know its name")
    parser.add_argument("--another", action="store_true", help="it is another paper than the entry with a similar title")
    parser.add_argument("--same", action="store_true", help="it is the same paper as the entry with a similar title (with --update)")
    parser.add_argument("--format", choices=("text", "json"), default="text")


def prepared(argv: list[str]) -> list[str]:
    """The words of the command, an OpenReview id that begins with a minus told from an option."""
    from survey.collection.paper import OPENREVIEW_PATTERN

    return [
        f"openreview:{word}" if re.match(r"-(?!-)(?=.*[A-Z])(?=.*[0-9])", word) and re.match(OPENREVIEW_PATTERN, word) else word
        for word in argv
    ]


def run(args: argparse.Namespace) -> int:
    from survey.errors import UserError
    from survey.files import find_root, load_collection
    from survey.intake.add import IntakeError, Options, propose_all, wanted, with_comments, write
    from survey.intake.client import Client

    root = find_root(args.root)
    asked = [item for source in args.source for item in wanted(source)]
    options = Options(venue=args.venue, another=args.another)
    line = _Line()
    client = Client(say=lambda text: line.show(text))

    def begun(number: int) -> None:
        line.show(f"looking up {asked[number].name}" + (f" ({number + 1} of {len(asked)})" if len(asked) > 1 else ""))

    rows, failed = [], False
    results = propose_all(asked, load_collection(root), client, options, begun)
    while True:
        try:
            item, result = next(results)
        except StopIteration:
            break
        except KeyboardInterrupt:
            line.clear()
            written = sum(row["status"] in ("added", "updated") for row in rows)
            print(f"survey: broken off, {plural(written, 'paper') if written else 'nothing'} written", file=sys.stderr)
            raise
        line.clear()
        if not isinstance(result, IntakeError):
            try:
                status = _status(result, args)
                if status in ("added", "updated"):
                    result = write(root, result, options)
                else:
                    result = with_comments(root, result)
            except IntakeError as error:
                result = error
            except (UserError, OSError) as error:
                result = IntakeError(f"{item.name} could not be written: {told(error)}")
        if isinstance(result, IntakeError):
            failed = True
            rows.append({"source": item.name, "status": "failed", "message": str(result)})
            if args.format == "text":
                print(f"survey: {printable(str(result))}", file=sys.stderr)
            continue
        # What the check refuses is not done yet.
        failed |= status in ("duplicate", "similar") or any(f.severity.value == "error" for f in result.findings)
        if args.format == "text":
            _tell(result, status, args, len(asked) > 1)
        rows.append(_row(result, status))
    if args.format == "json":
        print(json.dumps(rows, ensure_ascii=False, indent=1))
    elif len(asked) > 1:
        statuses = [row["status"] for row in rows]
        counts = ", ".join(f"{statuses.count(s)} {word}" for s, word in _COUNTED.items() if s in statuses)
        print(f"{plural(len(asked), 'paper')}: {counts}", file=sys.stderr)
    return int(failed)


class _Line:
    """What is going on, in a line of the terminal that the next one replaces; nothing elsewhere."""

    def __init__(self) -> None:
        self._shown = sys.stderr.isatty()

    def show(self, text: str) -> None:
        if self._shown:
            print(f"\r\033[K{shortened(text, width() - 1)}", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        if self._shown:
            print("\r\033[K", end="", file=sys.stderr, flush=True)


_COUNTED = {
    "added": "added", "updated": "updated", "proposed": "new", "duplicate": "here already", "similar": "perhaps here already",
    "unchanged": "here already, nothing to add", "failed": "failed",
}  # fmt: skip


def _status(proposal, args: argparse.Namespace) -> str:
    if not proposal.match:
        return "proposed" if args.dry_run else "added"
    if not args.update or not (proposal.match.sure or args.same):
        return "duplicate" if proposal.match.sure else "similar"
    if not proposal.changes:
        return "unchanged"
    return "proposed" if args.dry_run else "updated"


def _row(p, status: str) -> dict:
    return {
        "source": p.source, "status": status, "key": p.key, "path": p.path, "entry": p.record, "text": p.text,
        "duplicate_of": p.match.key if p.match else None, "because": p.match.why if p.match else None,
        "changes": [{"field": c.field, "old": c.old, "new": c.new} for c in p.changes],
        "conflicts": [{"field": c.field, "old": c.old, "new": c.new} for c in p.conflicts],
        "suggestions": [s._asdict() for s in p.suggestions], "unknown": list(p.unknown), "notes": list(p.notes),
        "findings": [
            {"line": f.line, "column": f.column, "code": f.code, "severity": f.severity.value, "message": f.message, "hint": f.hint}
            for f in p.findings
        ],
    }  # fmt: skip


def _tell(p, status: str, args: argparse.Namespace, many: bool) -> None:
    """What was done, for a person: on the error stream where the entry itself goes to the output."""
    out = sys.stderr if args.dry_run else sys.stdout

    def say(text: str = "") -> None:
        print(text, file=out)

    if args.dry_run and status == "proposed":
        print(f"--- # {p.path}\n{p.text}" if many else p.text, end="", flush=True)
    if status in ("duplicate", "similar", "unchanged"):
        sure = "is" if p.match.sure else "may be"
        say(f"{printable(p.source)} {sure} here already: {styled(p.key, 'bold', stream=out)} {p.match.why}")
    else:
        verb = {"added": "wrote", "updated": "updated", "proposed": "would update" if p.match else "would write"}[status]
        say(f"{verb} {styled(p.path, 'bold', stream=out)}")
    if not p.match:
        _tell_new(p, say)
    else:
        _tell_changes(p, status, args, say)
    for note in p.notes:
        say(f"note: {printable(note)}")
    told = [f for f in p.findings if f.severity.value != "info" and f.code != "A356"]
    for f in told:
        mark = "" if f.severity.value == "error" else f"{f.severity.value}: "
        say(f"{p.path}:{f.line}:{f.column}: {f.code} {mark}{printable(f.message)}" + (f" ({printable(f.hint)})" if f.hint else ""))
    if status == "added":
        if any(f.severity.value == "error" for f in told):
            say("`survey check` refuses the entry until that is mended.")
        say("next: read the abstract, mend the tags by docs/contributing/tagging.md,")
        say("take what you have confirmed off `unconfirmed`, and run:")
        say(f"  survey check {p.path}")


def _tell_new(p, say) -> None:
    from survey.files import load_taxonomy

    columns = min(100, width())

    def told(text: str) -> None:
        say(textwrap.fill(printable(text), columns, initial_indent="  ", subsequent_indent="  "))

    told(p.paper.title)
    told(", ".join(n.printed for n in p.paper.names))
    ids = [f"{scheme} {value}" for scheme, value in p.paper.ids.items()]
    told("; ".join([f"{load_taxonomy().venues[p.paper.venue].name} {p.paper.year}", *([", ".join(ids)] if ids else [])]))
    for title in p.paper.former_titles:
        told(f"the preprint's title: {title}")
    say("suggested tags, for you to confirm:")
    rows = [(s.field, f"{s.value} {s.stance}".strip(), f'"{s.words}"' if s.words else "no word decides this") for s in p.suggestions]
    fields, tags = (max(len(row[i]) for row in rows) for i in (0, 1))
    for field, tag, words in rows:
        say(f"  {field:{fields}}  {tag:{tags}}  {words}")
    if p.unknown:
        say(textwrap.fill(f"not known, left out: {', '.join(p.unknown)}", columns))


def _tell_changes(p, status: str, args: argparse.Namespace, say) -> None:
    added, changed = {
        "updated": ("added", "changed"), "proposed": ("would add", "would change"),
    }.get(status, ("the source adds", "the source changes"))  # fmt: skip
    for change in p.changes:
        say(f"  {added if change.old in (None, '', [], {}) else changed} {printable(str(change))}")
    for conflict in p.conflicts:
        say(f"  contradicts the entry, not changed: {printable(str(conflict))}")
    venue = f" --venue {args.venue}" if args.venue else ""
    if status == "duplicate":
        say(f"  `survey add {p.source} --update{venue}` merges that" if p.changes else "  nothing to add")
    elif status == "unchanged":
        say("  nothing to add")
    elif status == "similar":
        say(f"  `--another` adds it as another paper, `--update --same{venue}` merges it")
