"""Budgets of the laboratory: editing with our engine against the straightforward way, on the default model.

All are ratios of times within one run. What both sides need alike is there before the clock runs: the model, the
contexts, and the second moments of keys, whose own cost is told apart.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass

from tests.bench.report import Figure, seconds

PUBLISHED = {"contexts": ((10, 5), (10, 10)), "steps": 20, "lr": 0.5, "clamp": 4.0}
EDIT = ("{} is located in the city of", "The Eiffel Tower", "Rome")
# Of the hundred edits, these are made straightforwardly.
SAMPLE = (7, 45, 83)

# (templates with their new answers in turn, subjects); 25 subjects with 4 templates each.
FACTS = (
    (
        (
            ("The headquarters of {} are in the city of", ("Oslo", "Vienna", "Madrid", "Toronto")),
            ("The company {} was founded in the country of", ("Norway", "Brazil", "Japan", "Egypt")),
            ("The best-known product of {} is its", ("coffee", "bicycles", "maps", "pianos")),
            ("The people who founded {} came from", ("Chile", "Poland", "Greece", "India")),
        ),
        ("General Electric", "Toyota Motor", "Nestle", "Samsung Electronics", "British Airways", "Deutsche Bank",
         "Goldman Sachs", "Warner Brothers", "Lockheed Martin"),
    ),
    (
        (
            ("The mother tongue of {} is", ("Dutch", "Korean", "Turkish", "Finnish")),
            ("The place where {} was born is", ("Lisbon", "Boston", "Cairo", "Kyoto")),
            ("The profession of {} is that of a", ("lawyer", "sailor", "painter", "baker")),
            ("Every day, {} plays the", ("violin", "trumpet", "piano", "guitar")),
        ),
        ("Albert Einstein", "Marie Curie", "Isaac Newton", "Leonardo da Vinci", "Jane Austen", "Charles Darwin",
         "Frida Kahlo", "Nelson Mandela"),
    ),
    (
        (
            ("The river that flows through {} is the", ("Danube", "Nile", "Ganges", "Volga")),
            ("People who live in {} speak", ("Spanish", "Arabic", "Swedish", "Chinese")),
            ("The city of {} is the capital of", ("Peru", "Kenya", "Canada", "Denmark")),
            ("The twin city of {} is", ("Naples", "Dublin", "Geneva", "Havana")),
        ),
        ("Buenos Aires", "Kuala Lumpur", "New Delhi", "Addis Ababa", "San Francisco", "Saint Petersburg", "Reykjavik",
         "Copenhagen"),
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Note:
    """A line that tells something without a budget."""

    what: str
    measured: str
    kept: bool = True

    def __str__(self) -> str:
        return f"{self.what:58} {self.measured:>14}"


def hundred():
    """A hundred made-up changes of facts."""
    from survey.editing import Edit

    return [
        Edit(prompt, subject, answers[(n + shift) % len(answers)])
        for templates, subjects in FACTS
        for n, subject in enumerate(subjects)
        for shift, (prompt, answers) in enumerate(templates)
    ]


def editing() -> Iterator[Figure | Note]:
    """ROME and MEMIT with our engine and straightforwardly, and the memory of a session."""
    from survey.editing import Edit, compute, find, load_model
    from survey.editing.method import Run
    from survey.editing.statistics import second_moments
    from survey.editing.values import prefixes
    from tests.bench.straightforward import cosine, rome

    sampled, memory = session()
    yield Figure("memory of an edit session, default model", memory, 2500, "MB", "")
    yield Note("statistics of keys, sampled and measured, once a model", f"{sampled:.1f} s")

    model, edit = load_model(), Edit(*EDIT)
    settings, memit = find("rome").configure(**PUBLISHED), find("memit").configure()
    moments = second_moments(model, [settings.layer, *memit.layers], Run())
    contexts = prefixes(model, settings, 0)
    for config in (find("rome").configure(), memit):
        prefixes(model, config, 0)
    for moment in moments.values():
        _ = moment.factor

    def p(patch) -> float:
        model.apply(patch)
        try:
            return model.probability(edit.text, edit.target)
        finally:
            model.remove(patch)

    made = {}

    def straightforward(edit, **more):
        config = find("rome").configure(**{**PUBLISHED, **more})
        made["straightforward"] = rome(model, edit, contexts, moments[config.layer], config)

    def ours(method: str, edits, **more):
        made["ours"] = compute(method, model, edits, **more)

    seconds(lambda: ours("rome", edit, steps=2))  # Whatever is made at the first time.

    # The same steps, so never finished early.
    before = seconds(lambda: ours("rome", edit, **PUBLISHED, stop=0.0))
    slow = seconds(lambda: straightforward(edit, stop=0.0))
    fast = min(before, seconds(lambda: ours("rome", edit, **PUBLISHED, stop=0.0)))
    yield Figure("ROME, one edit, same contexts and steps", fast / slow, 1 / 4, "x", f"straightforward, {slow:.1f} s")
    same = cosine(made["ours"], made["straightforward"])
    yield Figure("ROME, both patches: 1 - cosine", 1 - same, 0.001, "", f"straightforward, cosine {same:.6f}")

    floor = matrix_products(model, edit, contexts, settings)
    yield Note("ROME, the same, in times of its matrix products alone", f"{fast / floor:.2f} x")

    slow = seconds(lambda: straightforward(edit))
    fast = seconds(lambda: ours("rome", edit), 2)
    yield Figure("ROME, one edit, our defaults", fast / slow, 1 / 8, "x", f"published configuration, {slow:.1f} s")
    for name, patch in made.items():
        yield Note(f"ROME, p(target) after the edit, {name}", f"{p(patch):.3f}")

    edits = hundred()
    slow = sum(seconds(lambda n=n: straightforward(edits[n])) for n in SAMPLE) / len(SAMPLE) * len(edits)
    fast = seconds(lambda: ours("memit", edits))
    yield Figure(
        f"MEMIT, {len(edits)} edits at once", fast / slow, 1 / 10, "x",
        f"as many straightforward ROME edits, {slow:.0f} s, scaled from {len(SAMPLE)}",
    )  # fmt: skip


def matrix_products(model, edit, contexts, config) -> float:
    """Seconds of the matrix products alone that an edit needs; see `straightforward.products`."""
    import torch

    from survey.editing.values import _Task
    from tests.bench.straightforward import products

    task = _Task(model, edit, contexts)
    picked = sum(map(len, task.picks)) + 1
    shapes = products(model, config.layer, task.positions, picked)
    work = []
    for rows, inputs, outputs, back in shapes:
        work.append((torch.randn(rows, inputs), torch.randn(outputs, inputs).T, config.steps))
        if back:
            work.append((torch.randn(rows, outputs), torch.randn(outputs, inputs), config.steps - 1))

    def step() -> None:
        for left, right, _ in work:
            torch.mm(left, right)

    step()
    # A backward pass less than forward ones; all steps would cost only time here.
    share = sum(len(a) * b.numel() * n for a, b, n in work) / sum(len(a) * b.numel() for a, b, _ in work)
    return seconds(step, 5) * share


_SESSION = """
import resource, time
from survey.editing import Edit, apply, find, load_model
from survey.editing.method import Run
from survey.editing.statistics import second_moments

model = load_model()
edit = Edit(*{edit!r})
start = time.perf_counter()
second_moments(model, find("memit").configure().layers, Run())
took = time.perf_counter() - start
for method in ("rome", "memit"):
    with apply(method, model, [edit]) as edited:
        edited.generate(edit.text)
print(took, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def session() -> tuple[float, float]:
    """Seconds for statistics of keys, and the peak memory in MB, of a process of its own that edits with ROME and
    MEMIT and finds nothing in the cache but the model."""
    from survey.editing.models import store

    command = [sys.executable, "-c", _SESSION.format(edit=EDIT)]
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "SURVEY_MODELS": str(store.models_folder()), "SURVEY_CACHE": folder}
        done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    took, memory = map(float, done.stdout.split()[-2:])
    return took, memory
