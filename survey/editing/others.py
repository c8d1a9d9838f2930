"""Prompts like that of an edit about something else: what an edit must leave alone, and comes nearest to it."""

from __future__ import annotations

from survey.editing.edit import Edit

# Of many kinds, since nothing tells what kind of thing a prompt is about.
SUBJECTS = (
    "Maria Lindgren", "Lake Victoria", "The Northern Star", "Robert Hayes", "Portugal", "Nokia", "Saint Petersburg",
    "Jean-Luc Moreau", "The Silent River", "Kenji Watanabe", "Mount Olympus", "Volvo", "Giuseppe Conti", "Arabic",
    "Boston University", "Elizabeth Warner",
)  # fmt: skip


def others(edit: Edit, count: int = len(SUBJECTS)) -> list[str]:
    """The edit's prompt about up to so many other subjects."""
    known = edit.subject.casefold()
    subjects = [s for s in SUBJECTS if s.casefold() not in known and known not in s.casefold()]
    return [edit.prompt.replace("{}", subject) for subject in subjects[:count]]
