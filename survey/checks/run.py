"""Apply the rules to a collection on disk."""

from __future__ import annotations

import gc
import os
import re
import subprocess
from collections.abc import Iterable
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import ValidationError

from survey.checks import (  # noqa: F401
    characters,
    duplicates,
    ids,
    implementations,
    keys,
    links,
    names,
    schema,
    tags,
    titles,
    venues,
)
from survey.checks.registry import RULES, Entry, Finding, Severity
from survey.collection.paper import KEY_PATTERN, paper_from
from survey.collection.taxonomy import Taxonomy
from survey.collection.text import fold
from survey.files.cache import Cache
from survey.files.implementations import Implementations
from survey.files.load import entry_files, load_taxonomy, read_entry, read_text
from survey.files.reader import YamlProblem, locate, read_yaml
from survey.files.storage import locked, write_file
from survey.files.writer import replace_scalar

# Where an entry lies, and its key.
PATH = re.compile(r"papers/[0-9]{4}/([^/]+)\.yaml")
_KEY = re.compile(KEY_PATTERN)
_TAXONOMY = "survey/collection/taxonomy/"


@dataclass(frozen=True)
class Report:
    """What a check found, in the order of path and place."""

    findings: list[Finding]
    files: int

    def count(self, severity: Severity) -> int:
        return sum(f.severity is severity for f in self.findings)

    @property
    def failed(self) -> bool:
        return self.count(Severity.ERROR) > 0


def check(root: Path, only: Iterable[Path] | None = None) -> Report:
    """Check every entry below `root`. `only` limits what is reported, not what is compared."""
    files = list(entry_files(root))
    cache = Cache(root)
    base = _main_branch(root)
    sources = Implementations()
    unseen = _committed_but_unread(root)
    digest = cache.digest([*files, *sources.files()], f"{root} {base} {unseen!r}")
    rows = cache.outcome(digest)
    if rows is None:
        with _without_garbage_collection():
            findings = _check_all(root, files, cache, base, sources)
            findings = sorted([*findings, *unseen], key=_order)
        cache.save()
        cache.keep_outcome(digest, [_row(f) for f in findings])
    else:
        findings = [_finding(row) for row in rows]
    if only is not None:
        here = root.resolve()
        # As it is written, since what is a link must be told, too, and not what it leads to.
        wanted = {Path(os.path.abspath(p)) for p in only} | {p.resolve() for p in only}
        # A duplicate is told to whoever asks about either of the two.
        findings = [
            f for f in findings
            if any(_within(here / path, wanted) for path in (f.path, f.other) if path)
        ]
    return Report(findings, len(files))


@contextmanager
def _without_garbage_collection():
    """Thousands of entries that all stay alive make each sweep longer, and there is no garbage."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _within(path: Path, wanted: set[Path]) -> bool:
    return path in wanted or not wanted.isdisjoint(path.parents)


def _check_all(root: Path, files: list, cache: Cache, base: str, sources: Implementations) -> list[Finding]:
    taxonomy = load_taxonomy()
    findings: list[Finding] = []
    entries: list[Entry] = []
    for path, stat in files:
        record = cache.record(path, stat)
        rows = cache.record(path, stat, part=2)
        if record is None or rows is None:
            entry, found = _check_file(root / path, path, stat, taxonomy)
            if not found or entry.paper:
                cache.keep(path, stat, entry.record, [_row(f) for f in found])
        else:
            entry = Entry(path, Path(path).stem, record, paper_from(record, Path(path).stem))
            found = [_finding(row) for row in rows]
        findings += found
        if entry.paper:
            entries.append(entry)
    if base:
        # Of two entries that clash the later is blamed: the one that the main branch does not have.
        on_main = set((_git(root, "ls-tree", "-r", "--name-only", "-z", base, "--", "papers") or "").split("\0"))
        entries.sort(key=lambda entry: entry.path not in on_main)
    together = check_together(entries, taxonomy)
    if (root / _TAXONOMY).is_dir():
        findings += check_taxonomy(taxonomy, sources)
    else:
        # Entries outside a clone: the taxonomy is the package's, and not theirs to mend.
        together = [f for f in together if not f.path.startswith(_TAXONOMY)]
    findings += together
    findings += _against_main(root, base, {path for path, _ in files}, entries)
    findings = [_placed(root, f) for f in findings]
    return findings


def _order(finding: Finding) -> tuple:
    return finding.path, finding.line, finding.column, finding.code


def _check_file(file: Path, path: str, stat, taxonomy: Taxonomy) -> tuple[Entry, list[Finding]]:
    try:
        text = read_entry(file, stat)
    except YamlProblem as p:
        if p.code == "Y105" and not PATH.fullmatch(path):
            return check_text(path, "", taxonomy)  # A picture, say, is told for where it lies.
        found = Finding(p.code, p.message, (), p.hint, None, path, p.line, p.column)
        return Entry(path, file.stem, None, None), [found]
    return check_text(path, text, taxonomy)


def check_text(path: str, text: str, taxonomy: Taxonomy) -> tuple[Entry, list[Finding]]:
    """Check one entry by itself, as it would stand at `path`. Nothing is read from disk."""
    key = Path(path).stem
    match = PATH.fullmatch(path)
    if not match:
        stray = Finding("K901", "this is no papers/<year>/<key>.yaml", (), _where_it_belongs(path), None, path, 1, 1)
        return Entry(path, key, None, None), [stray]
    found = []
    if not _KEY.match(match[1]):
        hint = "family name, year, first word of the title, such as meng2022locating"
        found.append(Finding("K902", f"'{match[1]}' is no citation key", (), hint, None, path, 1, 1))
    record, problems = read_yaml(text)
    found += [Finding(p.code, p.message, (), p.hint, None, path, p.line, p.column) for p in problems]
    paper = None
    if record is not None and not any(p.code == "Y102" for p in problems):
        try:
            paper = paper_from(record, key)
        except ValidationError as error:
            told = {(p.line, p.column) for p in problems}
            for finding in schema.explain(error, taxonomy):
                line, column = locate(text, finding.where)
                # A trap of YAML is told once, by the reader, which knows what was written.
                if (line, column) not in told:
                    found.append(replace(finding, path=path, line=line, column=column))
    entry = Entry(path, key, record, paper if not problems else None)
    if entry.paper:
        for rule in _ENTRY_RULES:
            for finding in rule.check(paper, entry, taxonomy):
                line, column = locate(text, finding.where)
                found.append(replace(finding, path=path, line=line, column=column))
    return entry, found


def _where_it_belongs(path: str) -> str:
    name, _, ending = path.rpartition("/")[2].rpartition(".")
    if name and ending.lower() in ("yml", "yaml") and ending != "yaml":
        return f"rename it to {name}.yaml"
    return "an entry lies in the folder of its year" if ending == "yaml" else "only entries lie below papers/"


def check_together(entries: list[Entry], taxonomy: Taxonomy) -> list[Finding]:
    """Apply the rules that compare entries with each other."""
    return [
        replace(finding, path=path)
        for rule in RULES.values()
        if rule.scope == "collection"
        for path, finding in rule.check(entries, taxonomy)
    ]


def check_taxonomy(taxonomy: Taxonomy, sources: Implementations) -> list[Finding]:
    """Apply the rules that compare the taxonomy with the methods that run here."""
    return [
        replace(finding, path=path)
        for rule in RULES.values()
        if rule.scope == "taxonomy"
        for path, finding in rule.check(taxonomy, sources)
    ]


_ENTRY_RULES = [rule for rule in RULES.values() if rule.scope == "entry"]


def _placed(root: Path, finding: Finding) -> Finding:
    if finding.line:
        return finding
    if not finding.where:
        return replace(finding, line=1, column=1)
    line, column = locate(read_text(root / finding.path), finding.where)
    return replace(finding, line=line, column=column)


# A finding as a row of JSON, for the cache.


def _row(f: Finding) -> list:
    return [f.code, f.message, list(f.where), f.hint, f.fix, f.path, f.line, f.column, f.other]


def _finding(row: list) -> Finding:
    code, message, where, *rest = row
    return Finding(code, message, tuple(where), *rest)


# Against the main branch: keys never change meaning.


def _git(root: Path, *words: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", str(root), *words], capture_output=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return os.fsdecode(done.stdout) if done.returncode == 0 else None


def _main_branch(root: Path) -> str:
    """The commit of the main branch that this work started from, or '' where there is none."""
    if not (root / ".git").exists():
        return ""
    for name in ("origin/main", "main"):
        if base := _git(root, "merge-base", "HEAD", name):
            return base.strip()
    return ""


def _committed_but_unread(root: Path) -> list[Finding]:
    """What git keeps below `papers` and `entry_files` leaves out: hidden files, which an editor or a
    killed writer may leave lying about, but nobody commits, and modules of other repositories."""
    listing = _git(root, "ls-files", "--stage", "-z", "--", "papers") if (root / ".git").exists() else None
    findings = []
    for row in (listing or "").split("\0"):
        mode, _, path = row.partition(" ")[0], *row.partition("\t")[1:]
        if "/." in path:
            hint = "nothing here is read, and a file such as .gitattributes hides changes from reviewers"
            findings.append(Finding("K901", "a hidden file has no place among the entries", (), hint, None, path, 1, 1))
        elif mode == "160000":
            findings.append(Finding("K901", "this is a submodule, and no entry", (), "", None, path, 1, 1))
    return findings


def _against_main(root: Path, base: str, present: set[str], entries: list[Entry]) -> list[Finding]:
    listing = _git(root, "diff", "--no-renames", "--name-status", "-z", base, "--", "papers") if base else None
    if not listing:
        return []
    now = {key: e for e in entries for key in (e.key, *e.paper.former_keys)}
    stems = {Path(path).stem for path in present}
    findings = []
    parts = listing.split("\0")
    for status, path in zip(parts[::2], parts[1::2], strict=False):
        match = PATH.fullmatch(path)
        if status == "A" or not match:
            continue
        key = match[1]
        if key not in now:
            if key not in stems:
                where = "papers"
                message = f"the entry {key} of the main branch has gone"
                findings.append(Finding("K907", message, (), f"list {key} in former_keys of what replaced it", None, where, 1, 1))
            continue
        before, _ = read_yaml(_git(root, "show", f"{base}:{path}") or "")
        entry = now[key]
        if isinstance(before, dict) and not _same_paper(before, entry):
            message = f"on the main branch {key} is '{before.get('title')}'"
            findings.append(Finding("K908", message, ("title",), "", None, entry.path))
    return findings


def _same_paper(before: dict, entry: Entry) -> bool:
    paper = entry.paper
    old_ids = before.get("ids") if isinstance(before.get("ids"), dict) else {}
    if any(str(old_ids.get(scheme)) == value for scheme, value in paper.ids.items()):
        return True
    our_titles = {fold(t) for t in (paper.title, *paper.former_titles)}
    old_titles = {fold(str(t)) for t in (before.get("title"), *(before.get("former_titles") or ()))}
    return not our_titles.isdisjoint(old_titles)


# Mending


def fix(root: Path, report: Report) -> list[Finding]:
    """Apply the safe fixes of a report, file by file, and return those that were applied."""
    applied = []
    by_path: dict[str, list[Finding]] = {}
    for finding in report.findings:
        if finding.fix is not None:
            by_path.setdefault(finding.path, []).append(finding)
    with locked(root):
        for path, found in by_path.items():
            applied += _mend(root / path, found)
    return applied


def _mend(file: Path, found: list[Finding]) -> list[Finding]:
    applied = []
    text = before = read_text(file)
    mended_places = set()
    for finding in found:
        if finding.where in mended_places:
            continue  # A second fix of one place would undo the first.
        try:
            mended = replace_scalar(text, finding.where, finding.fix)
        except KeyError:
            continue
        # A fix may never break the file.
        if not read_yaml(mended)[1]:
            text = mended
            mended_places.add(finding.where)
            applied.append(finding)
    if text != before:
        write_file(file, text)
    return applied
