"""Records of our schema, made by hypothesis."""

from __future__ import annotations

from hypothesis import strategies as st

from survey.collection.paper import Basis, Kind, RelationKind, Stance, Status

# Letters of many scripts, and everything that YAML gives a meaning.
_CHARS = st.one_of(
    st.sampled_from("abcdeABCDE0123456789.-_:,;!?'\"#&*[]{}|<>=%@`~/\\()+$ éüßłđşČễ一한α😀’“–"),
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn", "Zl", "Zp"]),
)
_TRAPS = st.sampled_from(
    ["2305.10", "no", "on", "null", "~", "12:30", "010", "0x1F", "1e5", "2026-11-22", "2022-12", "-", "?", ": a",
     "a: b", "a #b", "#a", "[a]", "{a}", "!a", "&a", "*a", "'", '"', "''", "= b", "=", "<<", "@a", "a:", "true",
     "1_000", ".5", "a, b", "---", "...", "- a", ">-", "|", "%a", "2022", "١٢", "\ufeff"]
)  # fmt: skip
lines = st.one_of(_TRAPS, st.text(_CHARS, min_size=1, max_size=40).map(str.strip).filter(bool))
texts = st.lists(lines, min_size=1, max_size=30).map(lambda words: " ".join(" ".join(words).split()))
_slug = st.from_regex(r"[a-z0-9][a-z0-9.-]{0,9}", fullmatch=True)
_key = st.from_regex(r"[a-z]{1,9}[0-9]{4}[a-z0-9]{1,9}", fullmatch=True)
_basis = st.sampled_from(Basis.__args__)


def _some(strategy, **kw):
    return st.lists(strategy, min_size=1, max_size=3, **kw)


def _record(needed: dict, optional: dict):
    return st.fixed_dictionaries(needed, optional=optional)


_tags = {"methods": _some(_slug), "benchmarks": _some(_slug)}
_authors = st.one_of(
    lines, _record({"family": lines}, {"given": lines, "orcid": st.just("0000-0002-1825-009X")}), _record({"literal": lines}, {})
)
_urls = st.from_regex(r"https?://[a-z]{1,9}\.org/[A-Za-z0-9_.#?=&%,:;'-]{0,20}", fullmatch=True)

records = _record(
    {
        "title": lines,
        "authors": _some(_authors),
        "year": st.integers(1990, 2100),
        "venue": _slug,
        "kinds": _some(st.sampled_from(Kind.__args__)),
        "annotated": _record({"basis": _basis, "on": st.dates().map(str)}, {}),
        "sources": _some(lines),
    },
    {
        "acronym": lines,
        "booktitle": lines,
        "volume": lines,
        "pages": st.from_regex(r"[0-9]{1,4}(-[0-9]{1,4})?|e1\.5|1:1-1:30", fullmatch=True),
        "published": st.sampled_from(["2022-12", "2010-01"]),
        "ids": st.dictionaries(st.just("arxiv"), st.sampled_from(["2202.05262", "2305.1010"]), min_size=1)
        | st.dictionaries(st.just("openreview"), st.sampled_from(["-h6WAS6eE4", "0123456789", "1e10000000", "123_456_78"]), min_size=1),
        "links": st.dictionaries(st.sampled_from(["code", "project", "data", "paper"]), _urls, min_size=1),
        "proposes": st.dictionaries(st.sampled_from(["methods", "families", "benchmarks"]), _some(_slug), min_size=1),
        "studies": st.dictionaries(st.sampled_from(["methods", "benchmarks"]), _some(_slug), min_size=1),
        "pitfalls": _some(_record({"id": _slug, "stance": st.sampled_from(Stance.__args__), "basis": _basis}, {"note": lines})),
        "summary": texts,
        "related": _some(_record({"key": _key, "as": st.sampled_from(RelationKind.__args__), "basis": _basis}, {"note": lines})),
        "status": st.sampled_from(Status.__args__),
        "protect": _some(lines),
        "official_typo": _some(lines),
        "former_titles": _some(lines),
        "former_keys": _some(_key),
        "unconfirmed": _some(st.sampled_from(["authors", "title", "venue", "year", "ids"])),
        "note": texts,
    },
)
