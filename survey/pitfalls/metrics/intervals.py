"""How sure a number is: Wilson's interval for shares, and the percentile bootstrap for everything else.

All are deterministic. A value that is no number (a collapsed model has no perplexity) is left out and counted in
`undefined`, so that nobody takes the rest for the whole.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, NamedTuple

from survey.pitfalls.metrics.shares import mean

TIMES = 2000
"""Samples of a bootstrap."""


class Interval(NamedTuple):
    """A value with its interval. n: how many values it comes from; undefined: how many more were no numbers. All three
    numbers are NaN where n is 0."""

    value: float
    low: float
    high: float
    n: int
    undefined: int = 0


def wilson(successes: float, n: int, z: float = 1.959964) -> Interval:
    """Wilson's interval of a share: (p + z^2/2n -+ z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n), within 0 to 1.

    It keeps its promise for few cases and near 0 and 1, where the usual one fails. Source: Wilson 1927.
    """
    if not n:
        return Interval(math.nan, math.nan, math.nan, 0)
    p = successes / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    # Rounding may put the end on the wrong side of a share of 0 or 1.
    return Interval(p, max(0.0, min(p, middle - half)), min(1.0, max(p, middle + half)), n)


def share(values: Sequence[bool | None]) -> Interval:
    """The share that is true, with Wilson's interval; None does not count."""
    found = [bool(v) for v in values if v is not None]
    return wilson(sum(found), len(found))


def bootstrap(
    values: Sequence[Any], statistic: Callable[[Sequence[Any]], float] = mean, *, seed: int = 0, times: int = TIMES, level: float = 0.95
) -> Interval:
    """A statistic with its percentile interval over cases, drawn with replacement. Source: Efron 1979.

    values: numbers, or tuples of numbers that belong together, such as (after, before) for a ratio or (nll, tokens) for a
    perplexity; `statistic` then takes a list of such tuples.
    """
    return clustered({0: values}, statistic, seed=seed, times=times, level=level)


def clustered(
    groups: Mapping[Hashable, Sequence[Any]],
    statistic: Callable[[Sequence[Any]], float] = mean,
    *,
    seed: int = 0,
    times: int = TIMES,
    level: float = 0.95,
) -> Interval:
    """The same over groups, such as the seeds of a run: groups are drawn first, then cases within each that was drawn.

    Cases of one run of edits share their model, and are not independent; that is why they are not simply thrown together.
    With three groups the interval is rough, and rather too narrow.
    """
    import numpy

    kept = [[v for v in values if _defined(v)] for values in groups.values()]
    undefined = sum(map(len, groups.values())) - sum(map(len, kept))
    kept = [values for values in kept if values]
    every = [v for values in kept for v in values]
    if not every:
        return Interval(math.nan, math.nan, math.nan, 0, undefined)
    draw = numpy.random.default_rng(seed)
    arrays = [numpy.asarray(values, dtype=float) if statistic is mean else values for values in kept]
    samples = []
    for _ in range(times):
        groups_drawn = draw.integers(len(arrays), size=len(arrays)) if len(arrays) > 1 else (0,)
        drawn = [(arrays[g], draw.integers(len(arrays[g]), size=len(arrays[g]))) for g in groups_drawn]
        if statistic is mean:
            sums = math.fsum(float(values[places].sum()) for values, places in drawn)
            samples.append(sums / sum(len(places) for _, places in drawn))
        else:
            samples.append(statistic([values[i] for values, places in drawn for i in places]))
    return Interval(float(statistic(every)), *_ends(samples, level), len(every), undefined)


def whole(
    groups: Mapping[Hashable, Sequence[Any]],
    statistic: Callable[[Sequence[Any]], float] = mean,
    *,
    share: bool = False,
    seed: int = 0,
    times: int = TIMES,
) -> Interval:
    """A statistic with its 95 % interval over groups that are drawn as they are, such as a case with what each seed gave on it.

    groups: of numbers, or of tuples of numbers that belong together, as for `bootstrap`.
    share: the values lie between 0 and 1. Where each of them is 0, or each is 1, every sample of a bootstrap is the same, as if
    there were no doubt; then it is Wilson's interval with as many cases as there are groups. Of one group alone there is none.
    Source: the cluster bootstrap, Davison and Hinkley 1997, section 3.8.
    """
    import numpy

    kept = [[v for v in values if _defined(v)] for values in groups.values()]
    undefined = sum(map(len, groups.values())) - sum(map(len, kept))
    kept = [values for values in kept if values]
    if not kept:
        return Interval(math.nan, math.nan, math.nan, 0, undefined)
    every = [v for values in kept for v in values]
    if share and set(every) in ({0.0}, {1.0}):
        return wilson(every[0] * len(kept), len(kept))._replace(n=len(every), undefined=undefined)
    if len(kept) == 1:
        return Interval(statistic(every), math.nan, math.nan, len(every), undefined)
    drawn = numpy.random.default_rng(seed).integers(len(kept), size=(times, len(kept)))
    if statistic is mean:
        sums, sizes = numpy.array([math.fsum(v) for v in kept]), numpy.array([len(v) for v in kept])
        samples = (sums[drawn].sum(1) / sizes[drawn].sum(1)).tolist()
    else:
        samples = [statistic([v for group in groups_drawn for v in kept[group]]) for groups_drawn in drawn.tolist()]
    return Interval(statistic(every), *_ends(samples, 0.95), len(every), undefined)


def crossed(
    groups: Sequence[Sequence[Any]],
    statistic: Callable[[Sequence[Any]], float] = mean,
    *,
    seed: int = 0,
    times: int = TIMES,
    level: float = 0.95,
) -> Interval:
    """The same over groups that hold values of the same items, in the same order: the models of a run on a task.

    Items are drawn once for all groups of a sample. Drawn anew in each, the same twenty items would count as sixty after three
    seeds, and the interval would be far too narrow. Source: Owen 2007, the pigeonhole bootstrap.
    """
    chance = random.Random(seed)
    if not groups or not groups[0]:
        return Interval(math.nan, math.nan, math.nan, 0)
    size = len(groups[0])
    samples = []
    for _ in range(times):
        items = chance.choices(range(size), k=size)
        models = groups if len(groups) == 1 else chance.choices(groups, k=len(groups))
        samples.append(statistic([values[i] for values in models for i in items]))
    return Interval(statistic([v for values in groups for v in values]), *_ends(samples, level), size * len(groups))


def _ends(samples: Sequence[float], level: float) -> tuple[float, float]:
    """Both ends of the percentile interval. A sample may be without a value, as a ratio to 0 is."""
    kept = sorted(s for s in samples if s == s)
    at = lambda q: float(kept[min(len(kept) - 1, max(0, math.ceil(q * len(kept)) - 1))])  # noqa: E731
    return (at((1 - level) / 2), at((1 + level) / 2)) if kept else (math.nan, math.nan)


def _defined(value: Any) -> bool:
    """Whether a value, or each number of a tuple, is a number."""
    parts = value if isinstance(value, tuple) else (value,)
    return all(part is not None and part == part for part in parts)
