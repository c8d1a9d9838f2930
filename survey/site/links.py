"""Addresses on the site. Every page of ours has its place decided here."""

from __future__ import annotations

from urllib.parse import quote_plus

from survey.collection.names import Name
from survey.collection.text import ascii_slug

# The folder of each kind of term, by the section of the taxonomy.
FOLDERS = {
    "families": "strategies", "methods": "methods", "pitfalls": "pitfalls",
    "benchmarks": "benchmarks", "metrics": "metrics", "venues": "venues",
}  # fmt: skip
# What a term is called in queries and in `[[...]]` links.
SECTION_OF = {
    "strategy": "families", "family": "families", "method": "methods", "pitfall": "pitfalls",
    "benchmark": "benchmarks", "metric": "metrics", "venue": "venues",
}  # fmt: skip


def paper(key: str) -> str:
    return f"papers/{key}/"


def term(section: str, id: str) -> str:
    return f"{FOLDERS[section]}/{id}/"


def author(name: Name) -> str:
    return f"authors/{ascii_slug(name.printed) or 'unnamed'}/"


def year(number: int) -> str:
    return f"years/{number}/"


def search(query: str) -> str:
    """The explorer with a query in its box."""
    return f"papers/?q={quote_plus(query, safe=':,.')}"
