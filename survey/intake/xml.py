"""XML of services, without what makes XML dangerous."""

from __future__ import annotations

from xml.etree import ElementTree


def parse(body: bytes) -> ElementTree.Element | None:
    """The root of a document in UTF-8 that declares no types and no entities; else None."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        return None
    # Entities could grow without bound, or name files. No service of ours declares any.
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        return None
    try:
        return ElementTree.fromstring(text.encode("utf-8"))
    except (ElementTree.ParseError, ValueError, LookupError, RecursionError):
        return None
