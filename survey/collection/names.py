"""Splitting a printed name into the parts that citation formats need."""

from __future__ import annotations

from typing import NamedTuple

# Particles that belong to the family name, as BibTeX and CSL understand them: lower case only,
# since "De Cao" or "Van Gael" sort under their capital and are written {given, family} in entries.
PARTICLES = frozenset(
    "af al am auf aus bin da dal de degli dei del della den der des di dos du el la las le les "
    "lo los 't ten ter und van vom von vor y zu zum zur".split()
)
SUFFIXES = frozenset(["jr", "jr.", "sr", "sr.", "ii", "iii", "iv"])


class Name(NamedTuple):
    """The parts of a name; `literal` alone for a collaboration or a single name."""

    given: str = ""
    particle: str = ""
    family: str = ""
    suffix: str = ""
    literal: str = ""

    @property
    def printed(self) -> str:
        """The name in reading order, as on the paper."""
        parts = (self.given, self.particle, self.family, self.suffix)
        return self.literal or " ".join(p for p in parts if p)

    @property
    def sorting(self) -> str:
        """The part under which the name is filed, particle left out."""
        return self.literal or self.family


def split_name(printed: str) -> Name:
    """Split a name as printed, family name last, particles and suffix recognised.

    >>> split_name("Robert L. Logan IV")
    Name(given='Robert L.', particle='', family='Logan', suffix='IV', literal='')
    >>> split_name("Laurens van der Maaten").particle
    'van der'
    """
    words = printed.split()
    if len(words) < 2:
        return Name(literal=printed.strip())
    suffix = ""
    if len(words) > 2 and words[-1].lower() in SUFFIXES:
        suffix = words.pop()
    start = len(words) - 1
    while start > 1 and words[start - 1] in PARTICLES:
        start -= 1
    return Name(
        given=" ".join(words[:start]).rstrip(","),
        particle=" ".join(words[start:-1]),
        family=words[-1].rstrip(","),
        suffix=suffix,
    )
