"""Y and S: what the YAML reader and the model refuse, told in the words of the person who wrote it."""

from __future__ import annotations

import re

from pydantic import ValidationError

from survey.checks.registry import Finding, Taxonomy, built_in, shown, similar_ids
from survey.checks.tags import no_tag, section_at
from survey.checks.venues import no_venue
from survey.collection.paper import (
    Annotation,
    Author,
    Ids,
    Links,
    Paper,
    PitfallTag,
    Proposes,
    Related,
    Studies,
)

built_in("Y101", "yaml-syntax", """
    The file is no YAML that we read: one document, no tags.

    Each field is a line `name: value`, with a space after the colon; what belongs to a field is
    indented with spaces, never with tabs. A value that holds a colon and a space, or begins with
    one of `[ { @ % & * ! | > ' "` or a backtick, goes into quotes: `title: "Editing: A Survey"`.
    Whatever opens is closed again: quotes, brackets and braces. Lines with `<<<<<<<` and `>>>>>>>`
    are left of a merge in git: keep what is right, and take them out.""")
built_in("Y102", "yaml-duplicate-key", "A key stands twice in one mapping. YAML readers keep the last one silently, so one of the two facts would be lost.")
built_in("Y103", "yaml-implicit-type", """
    A bare word that YAML readers take for something else than text.

    `arxiv: 2305.10` becomes the number 2305.1, `no` becomes False, `12:30` becomes 750, and an
    empty value becomes nothing. Put quotes around it, or leave the field out.""")
built_in("Y104", "yaml-limits", "The file is too long, nested too deeply, or uses anchors and aliases.")
built_in("Y105", "yaml-characters", "The file is not UTF-8, or holds a control character.")
built_in("S101", "unknown-field", "An entry has no field of this name. The fields are listed in the guide for contributors and in the JSON Schema.")
built_in("S102", "missing-field", "An entry needs this field.")
built_in("S103", "wrong-type", "The value is of another kind than the field: a list where a word is expected, a word where a number is.")
built_in("S104", "unknown-word", "The field takes one of a few words, and this is none of them.")
built_in("S105", "wrong-form", "The value does not have the form of the field.")
built_in("I201", "id-form", """
    An identifier that does not have the form of its kind.

    Identifiers are written bare: `"2202.05262"`, not an address and not with a version;
    `10.18653/v1/...`, not https://doi.org/...; `2023.emnlp-main.296` for the ACL Anthology;
    the forum id for OpenReview.""")
built_in("L801", "link-scheme", "A link must be a complete http or https address without spaces.")

_MODELS = {
    (): Paper, ("ids",): Ids, ("links",): Links, ("proposes",): Proposes, ("studies",): Studies,
    ("pitfalls",): PitfallTag, ("related",): Related, ("annotated",): Annotation,
    ("authors",): Author,
}  # fmt: skip
KIND_OF_VALUE = {
    "string_type": "text", "int_type": "a whole number", "tuple_type": "a list",
    "list_type": "a list", "model_type": "a mapping", "dict_type": "a mapping",
    "date_type": "a date", "date_from_datetime_parsing": "a date such as 2026-11-22",
    "model_attributes_type": "a mapping",
}  # fmt: skip
# An address that lacks its scheme, a number, and a text that a list could hold as it stands.
BARE_ADDRESS = re.compile(r"(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,}(?:[/?#][!#-;=?-\[\]_a-z~]*)?$(?!\n)")
NUMBER = re.compile(r"[1-9][0-9]{0,8}$(?!\n)")
WORDS = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 .,-]{0,58}[A-Za-z0-9.])?$(?!\n)")


def explain(error: ValidationError, taxonomy: Taxonomy | None = None) -> list[Finding]:
    """Tell the model's errors as findings, each at its place in the entry. With the taxonomy, a word
    that could be no id, such as NeurIPS 2022, is told with the id that was meant."""
    found: dict[tuple, Finding] = {}
    items = error.errors(include_url=False)
    inside = {item["loc"][:-1] for item in items}
    for item in items:
        if item["type"] == "too_short" and item["loc"] in inside:
            continue  # Wrong items are not counted, but they are told.
        where = tuple(p for p in item["loc"] if not _is_union_branch(p))
        if where != item["loc"] and item["type"] == ("string_type" if isinstance(item["input"], dict) else "model_type"):
            continue  # An author is a text or a mapping: only the branch that was meant is told.
        finding = _unknown_id(item, where, taxonomy) or _explain(item, where)
        found.setdefault((finding.code, where), finding)
    return list(found.values())


def _is_union_branch(part) -> bool:
    return isinstance(part, str) and (part == "Author" or part.startswith("constrained-str"))


def _unknown_id(item: dict, where: tuple, taxonomy: Taxonomy | None) -> Finding | None:
    if taxonomy is None or item["type"] != "string_pattern_mismatch":
        return None
    if where == ("venue",):
        return no_venue(item["input"], taxonomy)
    section = section_at(where)
    return no_tag(item["input"], where, section, taxonomy) if section else None


def _explain(item: dict, where: tuple) -> Finding:
    kind, value = item["type"], item.get("input")
    name = next((p for p in reversed(where) if isinstance(p, str)), "entry")
    if kind == "extra_forbidden":
        holder = tuple(p for p in where[:-1] if isinstance(p, str))
        model = _MODELS.get(holder)
        known = [f.alias or n for n, f in model.model_fields.items()] if model else []
        hint = similar_ids(name, known) or (f"the fields are {', '.join(known)}" if known else "")
        return Finding("S101", f"unknown field '{name}'", where, hint)
    if kind == "missing":
        return Finding("S102", f"'{name}' is missing", where)
    if kind in ("literal_error", "enum"):
        expected = item["ctx"]["expected"].replace("'", "")
        return Finding("S104", f"{name}: '{value}' is not one of {expected}", where)
    if kind in KIND_OF_VALUE:
        message = f"{name}: expected {KIND_OF_VALUE[kind]}, found {shown(value)}"
        return Finding("S103", message, where, _in_its_kind(KIND_OF_VALUE[kind], value))
    if where[:1] == ("ids",):
        return _id_form(where, name, value)
    if where[:1] == ("links",):
        hint = f"write https://{value}" if len(value) <= 200 and BARE_ADDRESS.match(value) else ""
        return Finding("L801", f"{name}: {shown(value)} is no http(s) address", where, hint)
    message = item["msg"][0].lower() + item["msg"][1:]
    return Finding("S105", f"{name}: {shown(value)}: {message}", where)


def _in_its_kind(kind: str, value) -> str:
    """How the value is written as another kind, or ''."""
    if kind == "text" and isinstance(value, (int, float)):
        return f'write "{value}"'
    if kind == "a whole number" and isinstance(value, str) and NUMBER.match(value):
        return f"write {value}, without quotes"
    if kind == "a list":
        return f"write [{value}]" if isinstance(value, str) and WORDS.match(value) else "write a list: [one, two]"
    return ""


def _id_form(where: tuple, name: str, value) -> Finding:
    from pydantic import TypeAdapter

    from survey.collection.query import normal_id

    # An address or a version around a good id can be taken off; case matters, so only the ends go.
    bare = normal_id(str(value))
    kept = str(value)[str(value).lower().find(bare) :][: len(bare)] if bare in str(value).lower() else bare
    try:
        TypeAdapter(Ids).validate_python({name: kept})
    except ValidationError:
        kept = None
    hint = f'write "{kept}"' if kept else "see `survey check --explain I201`"
    return Finding("I201", f"{shown(value)} has not the form of the {name} id", where, hint, kept)

