"""Queries as people type them, right and wrong, made by hypothesis."""

from __future__ import annotations

import unicodedata

from hypothesis import strategies as st

from survey.collection import Collection
from survey.collection.query import FIELDS, HAS, KINDS, STANCES, STATUSES

_SECTION = {
    "method": "methods", "family": "families", "pitfall": "pitfalls", "benchmark": "benchmarks",
    "metric": "metrics", "venue": "venues",
}  # fmt: skip
_WORDS = {"stance": STANCES, "kind": KINDS, "has": HAS, "status": STATUSES}
# Letters that fold in some special way, and what has a meaning in a query or nearly has one.
_SPECIAL = '""::,,--  ..\t\u00a0\u3000\ufeff\x1c\x85ßæøłıµμİÉéçñşÅşΣσςǅﬁ２½Ⅳ_\'’“”´`~^!?&%+#/\\|()[]{}<>=*@$€一二한글ạơ̈'


def _known(char: str) -> bool:
    """Characters that every Unicode version of the last years classes alike."""
    return unicodedata.category(char) not in ("Cn", "Co", "Cs") and ord(char) < 0x30000


def text(max_size: int = 8) -> st.SearchStrategy[str]:
    chars = st.one_of(
        st.sampled_from("abcdefgimnorstuv0123456789"),
        st.sampled_from(_SPECIAL),
        st.characters(max_codepoint=0x1FFFF).filter(_known),
    )
    return st.text(chars, max_size=max_size)


def _values(collection: Collection) -> dict[str, list[str]]:
    papers = list(collection.values())[:200]
    found = {field: list(words) for field, words in _WORDS.items()}
    for field, section in _SECTION.items():
        terms = getattr(collection.taxonomy, section).values()
        found[field] = [s for t in terms for s in (t.id, t.name, *t.aliases)]
    found["year"] = [str(y) for y in {p.year for p in papers}]
    found["year"] += ["2022..2024", "2023..", "..2022", "..", "2023-24", "20", "2024..2020"]
    found["author"] = [s for p in papers for n in p.names for s in (n.printed, n.sorting)]
    found["key"] = [k for p in papers for k in (p.key, *p.former_keys)]
    ids = [value for p in papers for _, value in p.ids.items()]
    found["id"] = ids + [f"https://arxiv.org/abs/{i}v2" for i in ids] + [f"doi:{i}" for i in ids]
    return found


@st.composite
def queries(draw, collection: Collection, terms: int = 5) -> str:
    """A query of up to `terms` terms over what the collection holds."""
    known = draw(st.shared(st.just(_values(collection)), key=f"values of {id(collection)}"))
    papers = list(collection.values())[:200]
    words = [w for p in papers for w in f"{p.title} {p.summary or ''}".split()]
    words += [w for n in known["author"] for w in n.split()] + known["method"] + known["pitfall"]

    def part(text_: str) -> str:
        """A piece of a word or of a name, as it is before someone has typed all of it."""
        cut = draw(st.integers(0, 3))
        return text_ if cut else text_[: draw(st.integers(1, max(1, len(text_))))]

    def spoiled(value: str) -> str:
        how = draw(st.integers(0, 9))
        if how == 0:
            return value.upper()
        if how == 1:
            return value + draw(text(2))
        if how == 2 and value:
            at = draw(st.integers(0, len(value) - 1))
            return value[:at] + value[at + 1 :]
        return value

    def quoted(value: str) -> str:
        return f'"{value}"' if " " in value or draw(st.integers(0, 5)) == 0 else value

    def term() -> str:
        sign = draw(st.sampled_from(["", "", "", "-"]))
        kind = draw(st.integers(0, 9))
        if kind == 0:
            return draw(text(12))
        if kind < 4:
            pieces = [part(draw(st.sampled_from(words))) for _ in range(draw(st.integers(1, 2)))]
            return sign + quoted(spoiled(" ".join(pieces)))
        field = draw(st.sampled_from([*FIELDS, "strategy"]))
        values = known["family" if field == "strategy" else field] or ["x"]
        chosen = [
            quoted(spoiled(draw(st.sampled_from(values)))) for _ in range(draw(st.integers(1, 3)))
        ]
        return f"{sign}{spoiled(field) if kind == 4 else field}:{','.join(chosen)}"

    return draw(st.sampled_from([" ", " ", " ", "  "])).join(
        term() for _ in range(draw(st.integers(1, terms)))
    )
