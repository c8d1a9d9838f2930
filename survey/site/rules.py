"""What a browser needs to write and check an entry as `survey check` does: `data/rules.json`.

Everything here is read from the model, the rules and the taxonomy, so that a new field, pattern,
word or explanation reaches the submission page without a second copy. `assets/schema.mjs`,
`rules.mjs`, `together.mjs` and `house.mjs` read it.
"""

from __future__ import annotations

import re
from typing import Any

from survey.checks import RULES, characters, duplicates, links, names, schema, tags, titles, venues
from survey.checks.schema import KIND_OF_VALUE
from survey.collection.names import PARTICLES, SUFFIXES
from survey.collection.paper import ID_SCHEMES, KEY_PATTERN, LINK_KINDS, Paper
from survey.collection.taxonomy import Taxonomy, Terms, Venue
from survey.files import reader, writer
from survey.formats.common import ACRONYM
from survey.intake import suggest
from survey.intake import venues as venues_in_print
from survey.site.regex import js_pattern

# Rules that need the files themselves, the main branch, the whole taxonomy or the sources of
# methods; a browser that has one entry cannot apply them.
ELSEWHERE = frozenset(
    "Y101 Y102 Y103 Y104 Y105 K907 K908 R953 R954 T302 M971 M972 M973 M974 M975 M976 M977".split()
)

# Characters that libyaml does not read, and the mark at the beginning that it takes away.
_REFUSED = r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]|^\ufeff"

_PATTERNS = {
    "anthology": venues.ANTHOLOGY, "brokenLine": titles.BROKEN_LINE, "brokenName": names.BROKEN,
    "bareAddress": schema.BARE_ADDRESS, "capitals": names.CAPITALS, "ellipsis": titles.ELLIPSIS, "etAl": names.ET_AL, "glued": titles.GLUED,
    "listable": schema.WORDS, "marks": names.MARKS, "mixed": characters.MIXED, "markup": titles.MARKUP, "plainNumber": schema.NUMBER, "privateHost": links.PRIVATE, "ratio": titles.RATIO,
    "several": names.SEVERAL, "suffix": names.SUFFIX, "tail": links.TAIL, "tightColon": titles.TIGHT_COLON,
    "twoCapitals": names.TWO_CAPITALS, "unseen": characters.UNSEEN, "unseenInProse": characters.UNSEEN_IN_PROSE,
    "word": names.WORD,
}  # fmt: skip


def rules(taxonomy: Taxonomy) -> dict[str, Any]:
    """All of `data/rules.json` that does not depend on the papers."""
    return {
        "rules": {
            rule.code: {"name": rule.name, "severity": rule.severity.value, "scope": rule.scope, "summary": rule.summary}
            for rule in RULES.values()
            if rule.code not in ELSEWHERE
        },
        "house": _house(),
        "schema": _for_js(Paper.model_json_schema(by_alias=True)),
        "kindOfValue": KIND_OF_VALUE,
        "key": js_pattern(KEY_PATTERN),
        "idSchemes": ID_SCHEMES,
        "linkKinds": LINK_KINDS,
        "tags": tags.TAGS,
        "rank": tags.RANK,
        "patterns": {name: _pattern(pattern) for name, pattern in _PATTERNS.items()},
        "accidents": [[*_pattern(pattern), text.replace("\\", "$")] for pattern, text in titles.ACCIDENTS],
        "ligatures": titles.LIGATURES,
        "misspelled": titles.MISSPELLED,
        "common": sorted(duplicates.COMMON),
        "particles": sorted(PARTICLES),
        "suffixes": sorted(SUFFIXES),
        "paperHosts": links.PAPERS,
        "forges": links.FORGES,
        "terms": {
            section: _terms(getattr(taxonomy, section))
            for section in ("families", "methods", "pitfalls", "benchmarks", "venues")
        },
        "printedNames": list(venues.printed_names(taxonomy).items()),
        "phrases": venues_in_print.phrases(taxonomy),
        "parts": venues_in_print.PARTS,
        "suggestions": _suggestions(),
        "acronym": js_pattern(ACRONYM.pattern),
        "venues": {venue.id: _venue(venue) for venue in taxonomy.venues.values()},
    }


def _pattern(pattern) -> list[str]:
    """A compiled pattern as [source, flags] for JavaScript."""
    return [js_pattern(pattern.pattern), "iu" if pattern.flags & re.IGNORECASE else "u"]


def _house() -> dict[str, Any]:
    # What a bare scalar may not be is the reader's business; its patterns are asked for here only.
    return {
        "order": writer.ORDER,
        "width": writer.WIDTH,
        "folded": writer.FOLDED,
        "blocks": writer.BLOCKS,
        "limit": reader.MAX_BYTES,
        "words": sorted({*reader.TRUTH, *reader.NOTHING, *reader.COMMANDS, "true", "false"}),
        "patterns": {
            "needsQuotes": js_pattern(writer.NEEDS_QUOTES.pattern),
            "flowSpecial": js_pattern(writer.FLOW_SPECIAL.pattern),
            "numberLike": f"^(?:{js_pattern(writer.NUMBER_LIKE.pattern)})",
            "number": f"^(?:{js_pattern(reader.NUMBER.pattern)})",
            "time": f"^(?:{js_pattern(reader.TIME.pattern)})",
            "unprintable": js_pattern(writer.UNPRINTABLE.pattern),
            "unfoldable": js_pattern(writer.UNFOLDABLE.pattern),
            "end": r"^\.\.\.(?=[ \t]|$)",
            "refused": _REFUSED,
        },
    }


def _suggestions() -> dict[str, Any]:
    """The rules of suggested tags, their patterns for JavaScript."""
    found = {section: [_suggesting(rule) for rule in listed] for section, listed in suggest.rules().items()}
    return {**found, "sentence": js_pattern(suggest.SENTENCE.pattern), "ambiguous": sorted(suggest.AMBIGUOUS), "limit": suggest.LIMIT}


def _suggesting(rule: dict[str, Any]) -> dict[str, Any]:
    patterns = {name: [js_pattern(p) for p in rule[name]] for name in ("title", "abstract", "words") if name in rule}
    return {**rule, **patterns}


def _for_js(schema: Any) -> Any:
    """The JSON Schema with patterns that JavaScript reads, and without what only people read."""
    if isinstance(schema, list):
        return [_for_js(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    found = {k: _for_js(v) for k, v in schema.items() if k not in ("title", "description", "default") or isinstance(v, dict)}
    if isinstance(schema.get("pattern"), str):
        found["pattern"] = js_pattern(schema["pattern"], "rust")
        # Messages show the pattern as the model has it.
        found["shown"] = schema["pattern"]
    return found


def _terms(terms: Terms) -> list[list[str]]:
    """Rows of [id, name, ...aliases], as `query.mjs` reads them."""
    return [[term.id, term.name, *term.aliases] for term in terms.values()]


def _venue(venue: Venue) -> dict[str, Any]:
    found = {
        "type": venue.type, "full": venue.full_name, "booktitle": venue.booktitle, "anthology": venue.anthology,
        "years": {year: edition.booktitle or "" for year, edition in venue.years.items()},
    }  # fmt: skip
    return {name: value for name, value in found.items() if value}
