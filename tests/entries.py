"""Small valid entries, and small collections of them on disk."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from survey.collection.paper import Paper, paper_from
from survey.files.writer import dump

PATH = "papers/2022/meng2022locating.yaml"


def make_entry(**fields) -> dict:
    """A valid record with these fields; None takes one out. It belongs at `PATH`."""
    record = {
        "title": "Locating and Editing Factual Associations in GPT",
        "authors": ["Kevin Meng", "David Bau", "Alex Andonian"],
        "year": 2022,
        "venue": "neurips",
        "ids": {"arxiv": "2202.05262"},
        "kinds": ["method"],
        "annotated": {"basis": "abstract", "on": "2026-11-22"},
        "sources": ["arXiv"],
    }
    return {k: v for k, v in {**record, **fields}.items() if v is not None}


def make_paper(key: str = "meng2022locating", **fields) -> Paper:
    """The paper of `make_entry`."""
    return paper_from(make_entry(**fields), key)


def make_root(folder: Path, files: dict[str, dict | str], git: bool = False) -> Path:
    """Write a collection; with `git`, commit it as the branch main. Returns its root."""
    (folder / "papers").mkdir(parents=True, exist_ok=True)
    for path, content in files.items():
        write_entry(folder, path, content)
    if git:
        for words in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-q", "-m", "Start"]):
            run_git(folder, *words)
    return folder


def write_entry(root: Path, path: str, content: dict | str) -> Path:
    """Write one file, as text or in the house format."""
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    text = content if isinstance(content, str) else dump(content)
    file.write_bytes(text.encode("utf-8"))
    return file


def run_git(root: Path, *words: str) -> None:
    who = {f"GIT_{role}_{what}": "test@example.org" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    subprocess.run(["git", *words], cwd=root, check=True, capture_output=True, env={**os.environ, **who})
