"""A raw record's fields, taken out one by one: what is missing or of the wrong kind is said in words."""

from __future__ import annotations

from typing import Any


class Broken(Exception):
    """A record that cannot be used; the text says why."""


class Fields:
    """A JSON object of a record. `left_out` collects what is wrong with parts that the record can do without."""

    def __init__(self, value: Any, path: str = "", left_out: list[str] | None = None) -> None:
        if not isinstance(value, dict):
            what = path.removesuffix(".") or "the record"
            raise Broken(f"{what} must be an object, not {kind(value)}")
        self.value = value
        self.path = path
        self.left_out: list[str] = [] if left_out is None else left_out

    def __contains__(self, name: str) -> bool:
        return self.value.get(name) is not None

    def get(self, name: str) -> Any:
        """The value as it is. Raises `Broken` where it is missing or null."""
        if name not in self:
            raise Broken(f"no {self.path}{name}")
        return self.value[name]

    def raw(self, name: str) -> str:
        """A text that is not empty, with the blanks around it."""
        return checked(self.get(name), self.path + name)

    def text(self, name: str) -> str:
        """A text that is not empty, without blanks around it."""
        return self.raw(name).strip()

    def maybe(self, name: str) -> str | None:
        """The same, or None where it is missing or empty."""
        return self.text(name) if self.value.get(name) not in (None, "") else None

    def texts(self, name: str, needed: bool = False) -> list[str]:
        """A list of texts; one text alone is taken as well. Empty where it is missing, and may be."""
        if name not in self and not needed:
            return []
        value = self.get(name)
        if not isinstance(value, list):
            return [self.text(name)]
        return [checked(v, f"{self.path}{name}[{i}]").strip() for i, v in enumerate(value)]

    def inner(self, name: str) -> Fields:
        """An object within."""
        return Fields(self.get(name), f"{self.path}{name}.", self.left_out)

    def inners(self, name: str) -> list[Fields]:
        """A list of objects within; empty where it is missing."""
        if name not in self:
            return []
        value = self.value[name]
        if not isinstance(value, list):
            raise Broken(f"{self.path}{name} must be a list, not {kind(value)}")
        return [Fields(v, f"{self.path}{name}[{i}].", self.left_out) for i, v in enumerate(value)]

    def id(self, name: str) -> str | None:
        """What the file calls the record, a number or a text, if it does."""
        value = self.value.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise Broken(f"{self.path}{name} must be a number or text, not {kind(value)}")
        return str(value)


def checked(value: Any, name: str) -> str:
    """The value, if it is a text that is not empty and can be written. Raises `Broken` otherwise."""
    if not isinstance(value, str):
        raise Broken(f"{name} must be text, not {kind(value)}")
    if not value.strip():
        raise Broken(f"{name} is empty")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise Broken(f"{name} holds half of a character") from None
    return value


def kind(value: Any) -> str:
    """A JSON value's kind, in JSON's own words."""
    names = {dict: "object", list: "list", str: "text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "number")


def flat(value: Any, name: str) -> tuple[str, ...]:
    """All texts of a list of texts, of lists of texts, or of one text alone, each once. Raises `Broken` for others."""
    found: list[str] = []
    todo = [value]
    while todo:
        one = todo.pop(0)
        if isinstance(one, list):
            todo = one + todo
        else:
            found.append(checked(one, name).strip())
    if not found:
        raise Broken(f"{name} is empty")
    return tuple(dict.fromkeys(found))
