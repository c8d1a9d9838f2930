"""Validate the collection: all problems at once, each `path:line:column: CODE message (hint)`.

    survey check                         everything below papers/
    survey check papers/2022             what is wrong there (still compared with all entries)
    survey check --fix                   mend what can be mended safely
    survey check --explain D403          what a code means; --explain all lists them

Exit code 1 if there is an error; warnings and information do not fail.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from survey.cli.output import plural, printable, styled


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="*", metavar="PATH", help="entries or folders to report on")
    parser.add_argument("--format", choices=("text", "json", "github", "sarif"), default="text")
    parser.add_argument("--fix", action="store_true", help="mend what can be mended safely")
    parser.add_argument("--explain", metavar="CODE", help="explain a code, or `all` of them")
    parser.add_argument("--quiet", "-q", action="store_true", help="errors only")


def run(args: argparse.Namespace) -> int:
    from survey.checks import Severity, check, fix
    from survey.files import find_root

    if args.explain:
        return _explain(args.explain)
    root = find_root(args.root)
    only = None
    if args.paths:
        only = [Path(p) for p in args.paths]
        # Among the entries, or in the package (the taxonomy).
        if wrong := wrong_paths(only, root, ("papers", "survey")):
            print(f"survey: {printable(wrong)}", file=sys.stderr)
            return 2
    report = check(root, only)
    if args.fix:
        for finding in fix(root, report):
            print(f"mended {finding.path}:{finding.line}: {finding.code} {finding.message}", file=sys.stderr)
        report = check(root, only)
    findings = report.findings
    if args.quiet:
        findings = [f for f in findings if f.severity is Severity.ERROR]
    printed = {"text": _text, "json": _json, "github": _github, "sarif": _sarif}[args.format](findings, root)
    if printed:
        print(printed)
    if args.format == "text":
        counts = [plural(n, word) for s, word in _WORDS.items() if (n := report.count(Severity(s)))]
        good = styled("no problems", "green") if not counts else ", ".join(counts)
        print(f"{plural(report.files, 'file')} checked: {good}")
    return int(report.failed)


def wrong_paths(paths: list[Path], root: Path, folders: tuple[str, ...]) -> str:
    """What is wrong with paths that a user named, or '': each must be there, and be in one of these
    folders of the clone, or hold one."""
    if missing := [str(p) for p in paths if not os.path.lexists(p)]:
        hint = _entry_hint(missing[0], root) if len(missing) == 1 else ""
        return f"there is no {', '.join(missing)}{hint}"
    places = [root / folder for folder in folders]
    if strange := [str(p) for p in paths if not _meets(p, places)]:
        return f"nothing is checked in {', '.join(strange)}: entries are below {root / 'papers'}"
    return ""


def _entry_hint(word: str, root: Path) -> str:
    """Where the entry of a key lies that was named in place of a path."""
    from survey.collection.text import nearest
    from survey.files.load import entry_files

    key = word.rpartition("/")[2].removesuffix(".yaml")
    paths = {Path(path).stem: path for path, _ in entry_files(root) if path.endswith(".yaml")}
    found = key if key in paths else nearest(key, list(paths))
    return f" (did you mean {_place(paths[found], root)}?)" if found else ""


def _meets(path: Path, folders: list[Path]) -> bool:
    return any(
        place == folder or folder in place.parents or place in folder.parents
        for place in (Path(os.path.abspath(path)), path.resolve())
        for folder in folders
    )


_WORDS = {"error": "error", "warning": "warning", "info": "note"}
_STYLES = {"error": ("red", "bold"), "warning": ("yellow",), "info": ("blue",)}


def _place(path: str, root: Path) -> str:
    """The path as the user can open it from here."""
    full = os.path.join(root, path)
    near = os.path.relpath(full)
    return near if not near.startswith("..") else full


def _text(findings, root: Path) -> str:
    lines = []
    for f in findings:
        code = styled(f.code, *_STYLES[f.severity.value])
        hint = f" ({printable(f.hint)})" if f.hint else ""
        mark = "" if f.severity.value == "error" else f"{f.severity.value}: "
        place = f"{printable(_place(f.path, root))}:{f.line}:{f.column}"
        lines.append(f"{place}: {code} {mark}{printable(f.message)}{styled(hint, 'dim')}")
    return "\n".join(lines)


def _json(findings, root: Path) -> str:
    rows = [
        {
            "path": f.path, "line": f.line, "column": f.column, "code": f.code,
            "severity": f.severity.value, "message": f.message, "hint": f.hint,
            "where": list(f.where), "fix": f.fix,
        }
        for f in findings
    ]  # fmt: skip
    return json.dumps(rows, ensure_ascii=False, indent=1)


def _github(findings, root: Path) -> str:
    """Annotations of a GitHub workflow; what could end the command is escaped."""

    def escaped(text: str, more: str = "") -> str:
        for c in "%\r\n" + more:
            text = text.replace(c, f"%{ord(c):02X}")
        return text

    level = {"error": "error", "warning": "warning", "info": "notice"}
    lines = []
    for f in findings:
        place = f"file={escaped(printable(f.path), ':,')},line={f.line},col={f.column},title={f.code}"
        hint = f" ({f.hint})" if f.hint else ""
        lines.append(f"::{level[f.severity.value]} {place}::{escaped(printable(f.message + hint))}")
    return "\n".join(lines)


def _sarif(findings, root: Path) -> str:
    from urllib.parse import quote

    from survey import __version__
    from survey.checks import RULES

    level = {"error": "error", "warning": "warning", "info": "note"}
    rules = [
        {"id": r.code, "name": r.name, "shortDescription": {"text": r.summary}, "fullDescription": {"text": r.explanation}}
        for r in RULES.values()
    ]
    results = [
        {
            "ruleId": f.code,
            "level": level[f.severity.value],
            "message": {"text": f.message + (f" ({f.hint})" if f.hint else "")},
            "locations": [{
                "physicalLocation": {
                    "artifactLocation": {"uri": quote(os.fsencode(f.path))},
                    "region": {"startLine": f.line, "startColumn": f.column},
                }
            }],
        }
        for f in findings
    ]  # fmt: skip
    tool = {"driver": {"name": "survey check", "version": __version__, "rules": rules}}
    schema = "https://json.schemastore.org/sarif-2.1.0.json"
    return json.dumps({"$schema": schema, "version": "2.1.0", "runs": [{"tool": tool, "results": results}]}, indent=1)


def _explain(code: str) -> int:
    from survey.checks import RULES

    if code == "all":
        for rule in sorted(RULES.values(), key=lambda r: r.code):
            print(f"{rule.code}  {rule.name:26} {rule.severity.value:8} {rule.summary}")
        return 0
    rule = RULES.get(code.upper())
    if rule is None:
        print(f"survey: there is no code {code} (--explain all lists them)", file=sys.stderr)
        return 2
    print(f"{styled(rule.code, 'bold')} {rule.name} ({rule.severity.value})\n\n{rule.explanation}")
    return 0
