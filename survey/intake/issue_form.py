"""The issue forms on GitHub: what they ask, and what a filled one says.

GitHub writes each answer below the label of its field. People edit that text afterwards, so nothing
in it is certain: headings may be gone, stand twice or inside an answer, and a fence may never end.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

LIMIT = 65_536
"""Characters of a body that are read; GitHub takes no more."""
_NOTHING = "_No response_"


class Field(NamedTuple):
    """One question of a form. `kind` is GitHub's; `rendered` answers come back inside a fence."""

    id: str
    label: str
    kind: str = "input"
    required: bool = False
    rendered: str = ""


class Form(NamedTuple):
    """A form: its file, the label that its issues get, and its questions in order."""

    name: str
    file: str
    label: str
    fields: tuple[Field, ...]


SUBMIT = Form("submit", "submit-paper.yml", "submission", (
    Field("source", "Which paper?", "textarea"),
    Field("title", "Title, if it has no id"),
    Field("authors", "Authors, if it has no id", "textarea"),
    Field("year", "Year, if it has no id"),
    Field("venue", "Venue, if it has no id"),
    Field("link", "Address, if it has no id"),
    Field("notes", "Anything else?", "textarea"),
    Field("scope", "Scope", "checkboxes", required=True),
))  # fmt: skip
CORRECT = Form("correct", "correct-entry.yml", "correction", (
    Field("key", "Which entry?", required=True),
    Field("what", "What is wrong?", "textarea", required=True),
    Field("where", "Where did you read the right thing?", "textarea", required=True),
    Field("entry", "The corrected entry", "textarea", rendered="yaml"),
))  # fmt: skip
REFERENCE = Form("reference", "reference-edit.yml", "reference edit", (
    Field("method", "Which method?", required=True),
    Field("command", "What did you run?", "textarea", required=True, rendered="shell"),
    Field("expected", "What did you expect?", "textarea", required=True),
    Field("seen", "What did you see?", "textarea", required=True, rendered="text"),
    Field("versions", "Versions", "textarea", required=True, rendered="text"),
))  # fmt: skip
FORMS = (SUBMIT, CORRECT, REFERENCE)


@dataclass(frozen=True)
class Filled:
    """A filled form: answers by the id of their field, '' where there is none."""

    form: Form
    answers: dict[str, str]

    def __getitem__(self, id: str) -> str:
        return self.answers[id]

    @property
    def lacking(self) -> tuple[str, ...]:
        """Labels of the required fields that are empty; a box that is not ticked is empty."""
        return tuple(f.label for f in self.form.fields if f.required and not self.answers[f.id])


def recognise(body: str) -> Filled | None:
    """The form that the body of an issue was made with, by its headings, or None.

    Nothing is raised, whatever the body holds.
    """
    lines = _lines(body)
    for form in FORMS:
        first, *others = form.fields
        # One heading may be anybody's; two of one form are not.
        heads = {line.rstrip() for line in lines}
        if f"### {first.label}" in heads and any(f"### {f.label}" in heads for f in others):
            return Filled(form, {f.id: _answer(f, text) for f, text in _sections(form, lines)})
    return None


def _lines(body: str) -> list[str]:
    text = re.sub(r"\r\n?", "\n", body[:LIMIT])
    # What YAML, git and JSON cannot hold is no answer: control characters, halves of a letter.
    return re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]", "", text).split("\n")


def _sections(form: Form, lines: list[str]) -> list[tuple[Field, str]]:
    """The text below each heading. Headings count in the order of the form, outside of fences; where
    a fence that never ends swallows some of them, fences do not count."""
    starts = _starts(form, lines, fences=True)
    if len(starts) < len(form.fields):
        starts = max(starts, _starts(form, lines, fences=False), key=len)
    found = []
    for field in form.fields:
        if field.id not in starts:
            found.append((field, ""))
            continue
        start = starts[field.id]
        end = min((at for at in starts.values() if at > start), default=len(lines))
        found.append((field, "\n".join(lines[start + 1 : end])))
    return found


def _starts(form: Form, lines: list[str], fences: bool) -> dict[str, int]:
    starts: dict[str, int] = {}
    labels = {f"### {f.label}": (number, f.id) for number, f in enumerate(form.fields)}
    fence, last = "", -1
    for at, line in enumerate(lines):
        if fences and (match := re.match(r" {0,3}(`{3,}|~{3,})", line)):
            if not fence:
                fence = match[1]
            elif match[1].startswith(fence) and not line.strip().strip(fence[0]):
                fence = ""
            continue
        number, id = labels.get(line.rstrip(), (-1, ""))
        if not fence and number > last:
            starts[id], last = at, number
    return starts


def _answer(field: Field, text: str) -> str:
    text = text.strip("\n").rstrip()
    if text.strip() == _NOTHING:
        return ""
    if field.kind == "checkboxes":
        return "yes" if re.search(r"^[ \t]*[-*] \[[xX]\]", text, re.M) else ""
    text = _unfenced(text, field)
    if not field.rendered:
        text = re.sub(r"<!--.*?(-->|\Z)", "", text, flags=re.S)
    text = text.strip("\n").rstrip() if field.rendered else text.strip()
    return text if text != _NOTHING else ""


def _unfenced(text: str, field: Field) -> str:
    """What stands in the fence that is the whole answer, or the answer as it is."""
    first, newline, rest = text.partition("\n")
    fence = re.match(r"`{3,}|~{3,}", first)
    if not fence or not newline:
        return text
    inside, _, last = rest.rpartition("\n")
    if len(last) >= 3 and not last.strip(fence[0][0]):
        return inside
    if last.endswith(fence[0]):
        return rest.removesuffix(fence[0])
    # Where GitHub made the fence, somebody took off its end.
    return rest if field.rendered else text
