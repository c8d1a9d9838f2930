"""Prompts like that of an edit about something else: what an edit must leave alone, and comes nearest to it."""

from __future__ import annotations

from survey.editing.edit import Edit
from survey.editing.memory import mentions

# Of many kinds, since nothing tells what kind of thing a prompt is about.
SUBJECTS = (
    "Maria Lindgren", "Lake Victoria", "The Northern Star", "Robert Hayes", "Portugal", "Nokia", "Saint Petersburg",
    "Jean-Luc Moreau", "The Silent River", "Kenji Watanabe", "Mount Olympus", "Volvo", "Giuseppe Conti", "Arabic",
    "Boston University", "Elizabeth Warner",
)  # fmt: skip


def others(edit: Edit, count: int = len(SUBJECTS)) -> list[str]:
    """The edit's prompt about up to so many other subjects: those that do not name its own, nor are named in it."""
    subjects = [s for s in SUBJECTS if not mentions(edit.subject, s) and not mentions(s, edit.subject)]
    return [edit.prompt.replace("{}", subject) for subject in subjects[:count]]
