"""Folding text so that people find it without its accents, capitals and punctuation.

`survey/site/assets/query.mjs` folds in the same way; `tests/query_cases.json` holds both to it.
"""

from __future__ import annotations

import re
import unicodedata

# Letters that Unicode does not decompose, as people type them on a plain keyboard.
_PLAIN = str.maketrans(
    {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "d", "ł": "l", "þ": "th", "ı": "i", "μ": "mu"}
)
_SEPARATORS = re.compile(r"[\W_]+")
# The same for ASCII text, which most is, in one quick step.
_ASCII = "".join(chr(i).lower() if chr(i).isalnum() else " " for i in range(128))


def fold(text: str) -> str:
    """Return the words of `text`, lower case, unaccented, joined by single spaces.

    >>> fold("Schlötterer: GPT-3's “beliefs”")
    'schlotterer gpt 3 s beliefs'
    """
    if text.isascii():
        return " ".join(text.translate(_ASCII).split())
    decomposed = unicodedata.normalize("NFKD", text)
    text = "".join(c for c in decomposed if not unicodedata.category(c).startswith("M"))
    return _SEPARATORS.sub(" ", text.lower().translate(_PLAIN)).strip()


def spelling(name: str) -> str:
    """Fold the name of a term, a plus told in words: CounterFact+ is not CounterFact.

    >>> spelling("CounterFact+")
    'counterfact plus'
    """
    return fold(name.replace("+", " plus "))


def ascii_slug(text: str) -> str:
    """Return `text` as an address: folded, words joined by hyphens, ASCII only.

    >>> ascii_slug("Nicola De Cao")
    'nicola-de-cao'
    """
    return fold(text).encode("ascii", "ignore").decode().strip().replace(" ", "-")


def nearest(word: str, known: list[str]) -> str | None:
    """Return the known word that a person who typed `word` probably meant, or None."""
    import difflib

    matches = difflib.get_close_matches(word.lower(), known, n=1, cutoff=0.6)
    return matches[0] if matches else None
