"""Bring an entry into the house format, with its comments, and without changing what it says."""

from __future__ import annotations

from survey.errors import UserError
from survey.files.comments import comments_of
from survey.files.reader import YamlProblem, read_yaml
from survey.files.writer import ORDER, dump, prose, says_nothing


def house_format(text: str) -> str:
    """The entry `text` in the house format, every comment kept; what it says stays the same.

    Raises `YamlProblem` where it is no entry that can be read, `UserError` where it cannot be
    written without a change.
    """
    record, problems = read_yaml(_plain_lines(text))
    if problems:
        raise problems[0]
    if not isinstance(record, dict):
        raise YamlProblem("S103", f"expected a mapping of fields, found {_kind(record)}", 1, 1)
    if "#" not in text and text == (house := dump(record)):
        return house  # Most entries are so, and hold no comments that could be lost.
    house = rewrite(text, record)
    if comments_of(house).all() != comments_of(_plain_lines(text)).all():
        raise UserError("a comment would be lost: move it to a line of its own")
    return house


def rewrite(text: str, record: dict) -> str:
    """The house form of `record`, with every comment of `text` where it belonged.

    A comment above a field or item stays above it, one at the end of a line stays with what the
    line says, those at the very top and at the end stay there. An item is recognised by its value,
    or by its `id` or `key`; a comment goes only with the field or item that it belonged to. A list
    whose items have comments gets a line for each. Without comments this is `dump(record)`.

    Raises `YamlProblem` where `text` cannot be read, `UserError` where `record` holds something
    that no YAML can say.
    """
    text = _plain_lines(text)
    before, problems = read_yaml(text)
    if before is None:
        raise problems[0]
    house = dump(record, comments_of(text).moved(before, record))
    if _said(read_yaml(house)[0]) != _said(record):
        raise UserError("this entry cannot be written in the house format without changing what it says")
    return house


def _plain_lines(text: str) -> str:
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def _said(record: object) -> object:
    """What a record says: the breaks of running text and empty fields are no part of it."""
    if not isinstance(record, dict):
        return record
    said = {k: v for k, v in record.items() if v is not None and not (k in ORDER and says_nothing(v))}
    running = {k: prose(v) for k in ("summary", "note") if isinstance(v := said.get(k), str)}
    return _plain({**said, **running})


def _plain(value: object) -> object:
    """Lists for tuples, and truth told from numbers, so that equal means the same."""
    if isinstance(value, dict):
        return {key: _plain(v) for key, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    return (type(value), value)


def _kind(value: object) -> str:
    return "a list" if isinstance(value, list) else "text" if isinstance(value, str) else "a single value"
