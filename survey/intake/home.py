"""Where the project is at home: what messages and requests give as its address."""

from __future__ import annotations

import os


def home() -> str:
    """The address of the repository, which SURVEY_REPO_URL replaces."""
    return os.environ.get("SURVEY_REPO_URL") or "https://github.com/editing-pitfalls/editing-pitfalls"
