"""Small packages of made-up methods on disk, as `Implementations` reads them."""

from __future__ import annotations

from pathlib import Path

BASE = '''"""What a method is."""

@dataclass(frozen=True)
class Config:
    """What every method can be given."""

    seed: int = 0
    """Seed of all that
    is random."""
'''

ROME = '''"""ROME: rank-one model editing.

The key is read at the last token (equation 3),
and one update writes the pair.

A second paragraph.

Faithful:
- The `key` is averaged over prefixes,
  which are sampled.
- Weight decay.

Deviates:
- Only the blocks above are computed.

"""

from dataclasses import dataclass

from survey.editing.method import Config as Base
from survey.editing.method import method


@dataclass(frozen=True)
class Config(Base):
    """What can be set."""

    layer: int = 5
    """Block that is edited, counted from 0."""
    clamp: float = 4.0
    """Largest norm of the change, with `code` & <b>."""


PRESETS = {
    "gpt2-xl": {"layer": 17, "clamp": 5e-1},
    "gpt-j": {},
}


@method("rome", paper="meng2022locating", batch=False, presets=PRESETS)
def rome(model, edits, config, run):
    """Raises if it is run, as it should never be."""
    raise SystemExit("imported")


raise SystemExit("imported")
'''


def rome(*changes: tuple[str, str]) -> str:
    """The method ROME with parts of its text replaced."""
    text = ROME
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return text


def make_package(folder: Path, files: dict[str, str | bytes]) -> Path:
    """Write a package `survey` with these files below editing/; its method.py is `BASE` unless given."""
    for name, text in {"method.py": BASE, **files}.items():
        path = folder / "editing" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
    return folder
