"""From a file, or the name of one, to raw records. Nothing here knows of any benchmark's format."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from survey.errors import UserError

FOLDER = "SURVEY_BENCHMARKS"
_ENDINGS = (".json", ".jsonl", ".tsv")
# Under these names an object holds a file's records.
_LISTS = ("rows", "data", "records", "examples", "instances")
# So many lines tell whether a file has a record a line; one alone may be broken.
_FIRST = 20


class Problem(NamedTuple):
    """What is wrong with a record, which is counted from 0.

    skipped: whether the whole record was left out, or only the part that the message tells.
    """

    path: Path
    index: int
    message: str
    skipped: bool = True

    def __str__(self) -> str:
        return f"{self.path}: record {self.index}: {self.message}"


@dataclass(frozen=True)
class File:
    """A file's records by their index, as they stand there, and those that are no JSON at all."""

    path: Path
    sha256: str
    records: tuple[tuple[int, Any], ...]
    problems: tuple[Problem, ...] = ()


class Beside:
    """What lies beside a file of records and belongs to it.

    files: those that were found and read. missing: a sentence for each that was not, with what that means.
    """

    def __init__(self, file: File) -> None:
        self.folder = file.path.parent
        self.files: list[File] = []
        self.missing: list[str] = []

    def file(self, name: str, without: str) -> File | None:
        """The file of this name, or None where it is not there. `without` says what cannot be done then."""
        path = self.folder / name
        if not path.is_file():
            self.missing.append(f"no {name} beside the file: {without}")
            return None
        self.files.append(load(path))
        return self.files[-1]


def located(path_or_name: str | os.PathLike) -> Path:
    """The file that is meant: a path, or a name in the folder that `SURVEY_BENCHMARKS` names.

    Raises `UserError` where a name cannot be found.
    """
    path = Path(path_or_name)
    name = os.fspath(path_or_name)
    is_name = isinstance(path_or_name, str) and path.name == name and path.suffix not in _ENDINGS
    if not is_name or not name or path.exists():
        return path
    folder = os.environ.get(FOLDER)
    if not folder:
        raise UserError(f"{name}: there is no such file, and {FOLDER}, the folder where names are looked up, is not set")
    for ending in _ENDINGS:
        if (found := Path(folder) / (name + ending)).is_file():
            return found
    known = sorted({p.stem for p in Path(folder).glob("*") if p.suffix in _ENDINGS})
    raise UserError(f"{name}: no {name}.json in {folder} ({FOLDER}); there is {', '.join(known) or 'nothing'}")


def load(path: Path) -> File:
    """The records of a JSON or JSON lines file, or of a table with tabs, as GLUE publishes its sets.

    A JSON file is a list of records, an object that holds one as `data`, `rows` or the like, or one record a line. Raises `UserError`
    where it cannot be read, or is none of these.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from None
    except ValueError as error:  # A zero byte in the path.
        raise UserError(f"{str(path)!r}: {error}") from None
    sha256 = hashlib.sha256(data).hexdigest()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UserError(f"{path}: this is no text in UTF-8, and JSON, JSON lines or a table are expected") from None
    if not text.strip():
        raise UserError(f"{path}: the file is empty")
    if path.suffix == ".tsv":
        return File(path, sha256, *_table(path, text))
    whole = _parsed(text)
    if isinstance(whole, _Bad):
        records, problems = _lines(path, text)
        if not records:
            raise UserError(f"{path}: this is no JSON: {whole.why}")
        return File(path, sha256, records, problems)
    return File(path, sha256, tuple(enumerate(_list(path, whole))))


class _Bad(NamedTuple):
    why: str


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except RecursionError:
        return _Bad("it is nested too deeply")
    except ValueError as error:
        return _Bad(str(error))


def _lines(path: Path, text: str) -> tuple[tuple[tuple[int, Any], ...], tuple[Problem, ...]]:
    """Records of JSON lines. None where none of the first lines is an object by itself: then the file is something else."""
    # Only line feeds end a line: other separators may stand within a JSON text.
    lines = [line for line in text.split("\n") if line.strip()]
    # A list over several lines that was cut off may have one record a line, too.
    start = lines[0].strip()
    if start.startswith("[") or start.endswith(("[", "{")):
        return (), ()
    first = [_parsed(line) for line in lines[:_FIRST]]
    if not any(isinstance(found, dict) for found in first):
        return (), ()
    records, problems = [], []
    for i, found in enumerate(chain(first, map(_parsed, lines[_FIRST:]))):
        if isinstance(found, _Bad):
            problems.append(Problem(path, i, f"no JSON: {found.why}"))
        else:
            records.append((i, found))
    return tuple(records), tuple(problems)


def _table(path: Path, text: str) -> tuple[tuple[tuple[int, Any], ...], tuple[Problem, ...]]:
    """Records of a table whose first line names the fields. Nothing in it is quoted."""
    header, *lines = (line.rstrip("\r").split("\t") for line in text.split("\n") if line.strip())
    if not lines:
        raise UserError(f"{path}: there is no record in it")
    records, problems = [], []
    for i, cells in enumerate(lines):
        if len(cells) == len(header):
            records.append((i, dict(zip(header, cells, strict=True))))
        else:
            problems.append(Problem(path, i, f"{len(cells)} cells, and the table has {len(header)} columns"))
    return tuple(records), tuple(problems)


def _list(path: Path, whole: Any) -> Sequence[Any]:
    if isinstance(whole, dict):
        for name in _LISTS:
            if isinstance(found := whole.get(name), list) and found and all(isinstance(r, dict) for r in found):
                # The data set service of Hugging Face puts each record into a row of its own.
                return [r["row"] if "row_idx" in r and "row" in r else r for r in found]
        return [whole]  # JSON lines of one line.
    if not isinstance(whole, list):
        raise UserError(f"{path}: a list of records is expected, not {type(whole).__name__}")
    if not whole:
        raise UserError(f"{path}: there is no record in it")
    return whole
