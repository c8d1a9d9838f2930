"""Results of methods that others have brought: docs/results/submitted/<name>/.

A folder holds `about.yaml` (whose method it is, and where its code lies), what `survey measure` wrote (METHOD.jsonl,
summary.json, summary.csv), and nothing else. `survey measure --check DIR` says whether it can be believed.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from survey.files.load import CollectionError, read_text
from survey.files.measured import Summary
from survey.files.reader import read_yaml

FOLDER = Path("docs", "results", "submitted")
NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
ABOUT = "about.yaml"
CHARACTERS = 1_000_000
"""Longest file."""


def _web(text: str) -> str:
    if not re.fullmatch(r"https://[A-Za-z0-9.-]+(/[A-Za-z0-9._~/%+=&?#:@,-]*)?", text):
        raise ValueError("an address that begins with https:// is needed")
    return text


def _plain(text: str) -> str:
    if not text.strip() or not text.isprintable():
        raise ValueError("a text that can be printed, in one line, is needed")
    return text


Web = Annotated[str, Field(max_length=300), AfterValidator(_web)]
Line = Annotated[str, Field(max_length=200), AfterValidator(_plain)]


class About(BaseModel):
    """Whose results these are. `paper` is a key of the collection or an address."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Line
    method: Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=60)]
    authors: Annotated[tuple[Line, ...], Field(min_length=1, max_length=100)]
    paper: Line | None = None
    repository: Web
    commit: Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]
    version: Line
    contact: Line | None = None


class Submission(NamedTuple):
    """A folder: who it is from, and what was measured."""

    folder: str
    about: About
    summary: Summary


def about(folder: Path) -> About:
    """What a folder says of itself. Raises `CollectionError` with file and line."""
    path = folder / ABOUT
    if not path.is_file():
        raise CollectionError(f"{path}: there is no such file: it says whose method it is (docs/laboratory/own.md shows one)")
    record, problems = read_yaml(read_text(path))
    if problems:
        raise CollectionError(f"{path}:{problems[0]}")
    try:
        return About.model_validate(record)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise CollectionError(f"{path}: {'.'.join(map(str, first['loc'])) or 'the file'}: {first['msg']}") from None


def folders(root: Path) -> list[Path]:
    """Folders of submitted results, by name."""
    below = root / FOLDER
    return sorted(path for path in below.iterdir() if path.is_dir()) if below.is_dir() else []


def submitted(root: Path) -> list[Submission]:
    """All submitted results. Raises `CollectionError` with the file for one that cannot be read."""
    return [Submission(folder.name, about(folder), _summary(folder)) for folder in folders(root)]


def _summary(folder: Path) -> Summary:
    path = folder / "summary.json"
    try:
        return Summary.model_validate_json(path.read_bytes()).model_copy(update={"name": folder.name})
    except OSError as error:
        raise CollectionError(f"{path}: {error.strerror}") from None
    except ValidationError as error:
        first: dict[str, Any] = error.errors(include_url=False)[0]
        raise CollectionError(f"{path}: {'.'.join(map(str, first['loc'])) or 'the file'}: {first['msg']}") from None
