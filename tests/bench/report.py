"""A measured figure beside its budget."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One line of the table. Budgets are upper bounds."""

    what: str
    measured: float
    budget: float
    unit: str
    against: str

    @property
    def kept(self) -> bool:
        return self.measured <= self.budget

    def __str__(self) -> str:
        mark = "ok" if self.kept else "MISSED"
        measured, budget = f"{self.measured:.3g} {self.unit}", f"{self.budget:g} {self.unit}"
        return f"{self.what:58} {measured:>14} {budget:>14}  {mark:6} {self.against}"


def seconds(action: Callable[[], object], times: int = 1) -> float:
    """The least time that `action` took, without garbage collection, whose sweeps would only
    tell how much the benchmark itself keeps alive."""
    best = float("inf")
    for _ in range(times):
        gc.collect()
        gc.disable()
        try:
            start = time.perf_counter()
            action()
            best = min(best, time.perf_counter() - start)
        finally:
            gc.enable()
    return best
