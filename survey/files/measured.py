"""What the methods reached when they were measured, as the command line and the site show it.

The file is made by `python -m survey.pitfalls.comparison` from the runs below docs/results.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

PATH = Path(__file__).parent.parent / "editing" / "measured.json"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Share(_Part):
    """A share of records, with Wilson's interval of 95 %."""

    value: float = Field(ge=0, le=1)
    low: float = Field(ge=0, le=1)
    high: float = Field(ge=0, le=1)


class Scores(_Part):
    """Shares by the id of their metric, over so many records."""

    records: int
    shares: dict[str, Share]


class Runs(_Part):
    """Records edited one by one (`single`), and all in one batch (`together`)."""

    single: Scores | None = None
    together: Scores | None = None


class Measured(Runs):
    """One method. What was never measured is None.

    `changes` is the kind of its patch, `seconds` the time of one edit, `memory` the most bytes that the whole
    process of such an edit held, `restored` whether every parameter was afterwards bit for bit what it was.
    `training` is the time in seconds of what it must learn first. `variants` are runs with other settings, which
    their names tell.
    """

    changes: str | None = None
    seconds: float | None = None
    memory: int | None = None
    restored: bool | None = None
    training: float | None = None
    variants: dict[str, Runs] = {}


class Comparison(_Part):
    """All methods, and the model as it is without an edit."""

    model: str
    unedited: Scores | None = None
    methods: dict[str, Measured] = {}

    def __getitem__(self, method: str) -> Measured:
        return self.methods.get(method, Measured())


@cache
def measured(path: Path = PATH) -> Comparison:
    """What was measured."""
    return Comparison.model_validate_json(path.read_bytes())
