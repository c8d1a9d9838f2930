"""Names in their places: with a capital letter where they begin a prompt, and behind the article that they need."""

from __future__ import annotations

import re

# Names that begin with a vowel, but are not spoken so, and the other way round.
_CONSONANTS = ("eu", "uni", "use", "ute", "one", "once")
_VOWELS = ("hour", "honest", "honor", "honour", "heir")


def filled(prompt: str, subject: str) -> str:
    """The prompt with the subject in its place, which gets a capital letter where it begins the prompt."""
    return worded(prompt, subject).replace("{}", named(prompt, subject))


def named(prompt: str, subject: str) -> str:
    """The subject as it is written in this prompt."""
    return capital(subject) if prompt.startswith("{}") else subject


def worded(prompt: str, name: str, place: str = "{}") -> str:
    """The prompt with the article before the place that the name needs: `a {}` is `an {}` before an elephant."""
    article = r"\1n " if _needs_an(name) else r"\1 "
    return re.sub(rf"\b([Aa])n? (?={re.escape(place)})", article, prompt)


def said(template: str, **names: str) -> str:
    """The template with each name in its place, `{subject}` or `{object}` or `{value}`."""
    for place, name in names.items():
        template = worded(template, name, f"{{{place}}}").replace(f"{{{place}}}", name)
    return template


def capital(text: str) -> str:
    """The text with a capital letter at its beginning."""
    return text[0].upper() + text[1:]


def _needs_an(name: str) -> bool:
    name = name.casefold()
    return name.startswith(_VOWELS) or (name[0] in "aeiou" and not name.startswith(_CONSONANTS))
