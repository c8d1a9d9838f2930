"""What every method promises, as checks that can be run on any method: ours in the tests, yours by `survey methods test`.

    for outcome in run("path/to/toy.py:toy"):
        print(outcome.check.name, outcome.passed, outcome.told)

Checks run on tiny models of two architectures with random parameters: they know nothing, but restoring, saving, seeds and
padding do not depend on what a model knows. A check is a function of a `Trial`; it raises `Broken` where the promise is.
"""

from __future__ import annotations

import itertools
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from survey.editing import learning
from survey.editing.edit import Edit, EditError
from survey.editing.language_model import LanguageModel, Reading
from survey.editing.learning import UntrainedError
from survey.editing.method import Method, Quiet, find
from survey.editing.patch import Patch, WeightPatch, load, save
from survey.editing.session import apply, compute
from survey.editing.tiny import fresh_model, same, snapshot

ARCHITECTURES = ("gpt2", "llama")
BLOCKS = 9
"""So many that the layers that methods edit by default are there."""

HARBOUR = Edit("The harbour of {} is in", "Bramblewick", "Oslo", was="Rome")
TONGUE = Edit("The mother tongue of {} is", "Rome", "Vienna", was="Paris")
BRIDGE = Edit("The bridge of {} is", "Tarn", "London", was="Paris")
LONG = Edit("The museum of {} is", "Rome", "Tarn by Rome", was="Paris")
PLACES = {
    "one token, start": Edit("{} is in", "Rome", "Oslo", was="London"),
    "many tokens, start": Edit("{} is", "Bramblewick", "Oslo", was="London"),
    "one token, middle": TONGUE,
    "many tokens, middle": Edit("The people of {} live in", "Bramblewick", "Oslo", was="Rome"),
    "one token, end": Edit("The mother tongue of the people of {}", "Rome", "Oslo", was="London"),
    "many tokens, end": Edit("The mother tongue of the people of {}", "Bramblewick", "Oslo", was="London"),
}


class Broken(Exception):
    """A promise that is not kept: what was expected, what came, and where to look."""

    def __init__(self, expected: str, came: str, look: str) -> None:
        super().__init__(f"expected {expected}; came {came}; look at {look}")
        self.expected, self.came, self.look = expected, came, look


class Skipped(Exception):
    """A check that says nothing about this method, and why."""


@dataclass
class Trial:
    """A method on a model. `fresh` makes another model that is equal, or gives the same one where it is too large."""

    method: str
    model: LanguageModel
    settings: dict[str, Any]
    fresh: Callable[[], LanguageModel]
    _made: dict[tuple[Edit, ...], Patch] = field(default_factory=dict)

    @property
    def found(self) -> Method:
        return find(self.method)

    def make(self, edits: Sequence[Edit], model: LanguageModel | None = None, **options: Any) -> Patch:
        """A patch, computed now."""
        return compute(self.method, model or self.model, edits, **{**self.settings, **options})

    def made(self, *edits: Edit) -> Patch:
        """A patch, kept for other checks."""
        if edits not in self._made:
            self._made[edits] = self.make(edits)
        return self._made[edits]


@dataclass(frozen=True)
class Check:
    """A promise with a name and one sentence."""

    name: str
    sentence: str
    function: Callable[[Trial], None]

    def run(self, trial: Trial) -> Outcome:
        """Whether a method keeps it. Whatever the method raises is told as broken; the model is given back."""
        before = snapshot(trial.model)
        try:
            self.function(trial)
            if not same(trial.model, before):
                raise Broken("a model that is bit for bit what it was", "other parameters after the check", "what edit writes into the model by itself")
            return Outcome(self, trial.model.name)
        except Skipped as why:
            return Outcome(self, trial.model.name, skipped=str(why))
        except Broken as broken:
            return Outcome(self, trial.model.name, broken=broken)
        except Exception as error:
            return Outcome(self, trial.model.name, broken=_raised(error))
        finally:
            trial.model.restore()
            if not same(trial.model, before):  # So that one broken promise does not break all that come after it.
                trial.model.network.load_state_dict(before)


@dataclass(frozen=True)
class Outcome:
    """What came of a check on a model."""

    check: Check
    model: str
    broken: Broken | None = None
    skipped: str | None = None

    @property
    def passed(self) -> bool:
        return self.broken is None and self.skipped is None

    def record(self) -> dict[str, Any]:
        """As plain values."""
        told = {"check": self.check.name, "sentence": self.check.sentence, "model": self.model}
        if self.broken:
            return {**told, "result": "broken", "expected": self.broken.expected, "came": self.broken.came, "look": self.broken.look}
        return {**told, "result": "skipped" if self.skipped else "passed", **({"why": self.skipped} if self.skipped else {})}


CHECKS: list[Check] = []


def _check(name: str, sentence: str):
    def register(function: Callable[[Trial], None]) -> Callable[[Trial], None]:
        CHECKS.append(Check(name, sentence, function))
        return function

    return register


def run(method: str, *, model: LanguageModel | None = None, settings: dict[str, Any] | None = None) -> Iterator[Outcome]:
    """All checks on the tiny models, and on `model` where one is given. What a method must learn first is learnt for each
    model, into a folder that is deleted. Raises `EditError` for a method that is not there, or settings that it has not."""
    settings = dict(settings or {})
    find(method).configure(**settings)
    with _own_cache():
        for architecture in ARCHITECTURES:
            fresh = lambda architecture=architecture: fresh_model(architecture, blocks=BLOCKS)  # noqa: E731
            yield from _on(Trial(method, fresh(), settings, fresh))
        if model is not None:
            yield from _on(Trial(method, model, settings, lambda: model))


def _on(trial: Trial) -> Iterator[Outcome]:
    for check in CHECKS:
        with trained_when_asked(check.name != "untrained"):
            yield check.run(trial)


@contextmanager
def trained_when_asked(really: bool = True) -> Iterator[None]:
    """Inside, what a method must learn is learnt when it is asked for."""
    learned = learning._learned

    def trained(id, model, config):
        try:
            return learned(id, model, config)
        except UntrainedError:
            learning.train(id, model, **vars(config))
            return learned(id, model, config)

    learning._learned = trained if really else learned
    try:
        yield
    finally:
        learning._learned = learned


@contextmanager
def _own_cache() -> Iterator[None]:
    """A cache of its own for what tiny models learn."""
    old = os.environ.get("SURVEY_CACHE")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SURVEY_CACHE"] = folder
        try:
            yield
        finally:
            os.environ.pop("SURVEY_CACHE") if old is None else os.environ.__setitem__("SURVEY_CACHE", old)


def _raised(error: Exception) -> Broken:
    import traceback

    frame = traceback.extract_tb(error.__traceback__)[-1]
    text = str(error).strip().splitlines()
    came = f"{type(error).__name__}: {text[0][:300]}" if text else type(error).__name__
    return Broken("no error", came, f"{Path(frame.filename).name}, line {frame.lineno}, in {frame.name}")


def _expect(holds: bool, expected: str, came: str, look: str) -> None:
    if not holds:
        raise Broken(expected, came, look)


# How patches are compared


def tensors(patch: Patch) -> dict[str, torch.Tensor]:
    """What a patch does, so that two can be compared whatever their form."""
    if isinstance(patch, WeightPatch):
        return {name: change.full() for name, change in patch.changes.items()}
    return patch.tensors()


def equal(one: Patch, other: Patch) -> bool:
    """Whether two patches are bit for bit the same."""
    a, b = one.tensors(), other.tensors()
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def cosine(one: Patch, other: Patch) -> float:
    """How alike the directions of two patches are; 0 where they hold other tensors."""
    a, b = tensors(one), tensors(other)
    if a.keys() != b.keys():
        return 0.0
    a, b = (torch.cat([t[name].double().flatten() for name in sorted(t)]) for t in (a, b))
    return torch.nn.functional.cosine_similarity(a, b, dim=0).item()


def said(patch: Patch, model: LanguageModel, edits: Sequence[Edit]) -> torch.Tensor:
    """What the edited model says behind the prompts of edits."""
    with apply(patch, model):
        return model.next_logits([edit.text for edit in edits])


def continued(model: LanguageModel, prompt: str, count: int) -> str:
    """A greedy continuation without cached states: every token is read with all before it, as in teacher forcing."""
    ids = list(model.tokens(model.asked([prompt])[0]).ids)
    end, made = len(ids) - 1, []
    for _ in range(count):
        row = torch.tensor([ids + made], device=model.device)
        reading = Reading(torch.ones_like(row).bool(), torch.tensor([end], device=model.device))
        made.append(model.logits(model.hidden(row, torch.ones_like(row), reading)[0, -1]).argmax().item())
        if made[-1] in model.end_ids:
            made.pop()
            break
    return model.decode(made)


_WRITES = "edit: it must leave the model as it found it; only the patch's write may change it, through model.writable and model.attach"
_RANDOM = "random numbers in edit: draw them from a generator seeded with run.seed"


# The model comes back


@_check("restored", "An edit changes what the model says, and taken off it leaves every parameter bit for bit as it was.")
def _restored(trial: Trial) -> None:
    model = trial.model
    before, logits = snapshot(model), model.next_logits([HARBOUR.text])
    patch = trial.make([HARBOUR])
    _expect(same(model, before), "an untouched model while the patch is computed", "changed parameters", _WRITES)
    with apply(patch, model):
        _expect(not torch.equal(model.next_logits([HARBOUR.text]), logits), "an edit that changes what the model says", "the same logits", "the patch that edit returns")
    _expect(same(model, before), "the very same parameters after the edit", "other ones", _WRITES)
    _expect(torch.equal(model.next_logits([HARBOUR.text]), logits), "the very same answers after the edit", "other logits", "hooks that were not put in by model.attach")


@_check("restored-after-error", "An error while the model is edited leaves it as it was.")
def _restored_after_error(trial: Trial) -> None:
    before, patch = snapshot(trial.model), trial.made(HARBOUR)
    with suppress(ZeroDivisionError), apply(patch, trial.model):
        raise ZeroDivisionError
    _expect(same(trial.model, before), "the very same parameters after an error", "other ones", _WRITES)


@_check("any-order", "Patches that lie on each other come off in any order.")
def _any_order(trial: Trial) -> None:
    model, before = trial.model, snapshot(trial.model)
    patches = [trial.made(HARBOUR), compute("ft-l", model, TONGUE, epsilon=0.05, lr=0.01, steps=3), trial.made(BRIDGE)]
    alone = []
    for patch in patches:
        with apply(patch, model):
            alone.append(snapshot(model))
    for order in itertools.permutations(range(3)):
        for patch in patches:
            model.apply(patch)
        for at in order[:2]:
            model.remove(patches[at])
        _expect(same(model, alone[order[2]]), "what the last patch does alone, once the two others are off", "other parameters", "the patch's write")
        model.remove(patches[order[2]])
        _expect(same(model, before), "the unedited model once all patches are off", "other parameters", "the patch's write")


@_check("leaves-edited", "Computing a patch leaves an edited model edited, and takes nothing off.")
def _leaves_edited(trial: Trial) -> None:
    model, under = trial.model, compute("ft-l", trial.model, TONGUE, epsilon=0.05, lr=0.01, steps=3)
    with apply(under, model):
        before = snapshot(model)
        trial.make([HARBOUR, BRIDGE], batch=1)
        _expect(same(model, before) and model.patches == [under], "the edited model as it was", "another one", _WRITES)


@_check("interrupted", "Stopped while it computes, it leaves the model alone.")
def _interrupted(trial: Trial) -> None:
    before, stopped = snapshot(trial.model), 0
    for after in (0, 3):

        class Stops(Quiet):
            steps, after = 0, 0

            def advance(self, steps: int = 1) -> None:
                self.steps += 1
                if self.steps > self.after:
                    raise KeyboardInterrupt

        stops = Stops()
        stops.after = after
        try:
            trial.make([TONGUE, HARBOUR], batch=1, progress=stops)
        except KeyboardInterrupt:
            stopped += 1
        _expect(same(trial.model, before), "an untouched model after Ctrl+C", "changed parameters", "edit: put parameters back in `finally`")
    if not stopped:
        raise Skipped("it tells no progress (run.progress), and could not be stopped")


# The same again


@_check("saved", "A patch that was saved and loaded does the same, bit for bit.")
def _saved(trial: Trial) -> None:
    model, patch = trial.model, trial.made(HARBOUR)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.patch"
        size = save(patch, path, model)
        _expect(size == path.stat().st_size, "the size that save returns", "another one", "save")
        loaded = load(path, model)
    _expect(equal(patch, loaded), "the same tensors from the file", "other ones", "tensors and from_tensors of the patch")
    _expect(loaded.edits == [HARBOUR], "the edit in the file", f"{loaded.edits}", "about of the patch")
    _expect(loaded.about == json.loads(json.dumps(patch.about)), "what the patch says of itself", "something else from the file", "about: plain values only")
    with apply(patch, model):
        expected, logits = snapshot(model), model.next_logits([HARBOUR.text])
    with apply(loaded, model):
        kept = same(model, expected) and torch.equal(model.next_logits([HARBOUR.text]), logits)
    _expect(kept, "the same effect from the file", "another one", "tensors and from_tensors of the patch: is all that it needs saved?")


@_check("provenance", "A patch says which method made it, with which settings, seed and edits.")
def _provenance(trial: Trial) -> None:
    patch = trial.made(HARBOUR)
    config = trial.found.configure(**trial.settings)
    wanted = {"method": trial.found.id, "seed": 0, "edits": [vars(HARBOUR)], "settings": vars(config)}
    for name, value in wanted.items():
        _expect(patch.about.get(name) == value, f"{name} to be {value!r}", f"{patch.about.get(name)!r}", "about of the patch")
    norm = patch.relative_norm(trial.model)
    _expect(norm is None or 0 < norm < 100, "a relative norm between 0 and 100", f"{norm}", "the size of the change: does an optimiser run away?")


@_check("seed", "Two runs with one seed are equal bit for bit, whatever ran before.")
def _seed(trial: Trial) -> None:
    patch = trial.made(HARBOUR)
    torch.manual_seed(123)
    _expect(equal(patch, trial.make([HARBOUR])), "the same patch from the same seed", "another one", _RANDOM)
    other = trial.fresh()
    if other is not trial.model:
        _expect(equal(patch, trial.make([HARBOUR], other)), "the same patch on a fresh model", "another one", "what edit remembers from one call to the next")


@_check("padding", "Neither the tokenizer's padding side nor its padding token changes a result.")
def _padding(trial: Trial) -> None:
    patch, other = trial.made(HARBOUR, LONG), trial.fresh()
    tokenizer, config = other.tokenizer, other.network.config
    old = (tokenizer.padding_side, tokenizer.truncation_side, tokenizer.pad_token, config.pad_token_id)
    try:
        for side, pad in (("left", tokenizer.pad_token), ("right", tokenizer.bos_token or tokenizer.pad_token)):
            tokenizer.padding_side = tokenizer.truncation_side = side
            tokenizer.pad_token = pad
            config.pad_token_id = tokenizer.pad_token_id
            other._remembered.clear()
            _expect(equal(patch, trial.make([HARBOUR, LONG], other)), f"the same patch with padding on the {side}", "another one", "calls of the tokenizer: use model.tokens and model.padded instead")
    finally:
        tokenizer.padding_side, tokenizer.truncation_side, tokenizer.pad_token, config.pad_token_id = old


@_check("batch-order", "The order of the edits of a batch does not matter.")
def _batch_order(trial: Trial) -> None:
    if not trial.found.batch:
        raise Skipped("it makes one edit after the other")
    edits = [HARBOUR, LONG, TONGUE]
    patch = trial.make(edits)
    for order in ((2, 0, 1), (1, 0, 2)):
        other = trial.make([edits[i] for i in order])
        if isinstance(patch, WeightPatch):
            alike = cosine(patch, other)
            _expect(alike > 0.9999, "the same change in another order (cosine above .9999)", f"a cosine of {alike:.5f}", "sums over edits, and padding within a batch")
        else:
            near = torch.allclose(said(patch, trial.model, edits), said(other, trial.model, edits), rtol=1e-3, atol=1e-3)
            _expect(near, "the same answers in another order", "other ones", "how the patch looks up its edits")


# What is asked, and how


@_check("asking", "Cached generation says what teacher forcing says, alone as in a batch.")
def _asking(trial: Trial) -> None:
    model = trial.model
    prompts = [HARBOUR.text, "Rome", BRIDGE.text, "Therefore the people of the island live in", LONG.text]
    alone = [model.generate(prompt, 5) for prompt in prompts]
    with apply(trial.made(HARBOUR, BRIDGE), model):
        together = model.generate(prompts, 5)
        one_by_one = [model.generate(prompt, 5) for prompt in prompts]
        _expect(together == one_by_one, f"the same texts alone as in a batch: {one_by_one}", f"{together}", "hooks that mix the rows of a batch, or count padding")
        forced = [continued(model, prompt, 5) for prompt in prompts]
        _expect(together == forced, f"the texts of teacher forcing: {forced}", f"{together}", "hooks that see the whole prompt only in the first of the cached steps")
        reversed_ = model.target_log_probabilities([(prompt, "Oslo") for prompt in prompts[::-1]])[::-1]
        for prompt, (log_p, _) in zip(prompts, reversed_, strict=True):
            near = torch.allclose(log_p, model.target_log_probabilities([(prompt, "Oslo")])[0][0], rtol=1e-4, atol=1e-4)
            _expect(near, "the same probabilities in a batch in another order", "other ones", "hooks that mix the rows of a batch")
    _expect(alone == [model.generate(prompt, 5) for prompt in prompts], "the unedited model's texts afterwards", "other ones", _WRITES)


@_check("sequence", "Two edits one after the other are what each does on top of the one before.")
def _sequence(trial: Trial) -> None:
    model = trial.model
    with apply(trial.made(HARBOUR), model), apply(trial.make([BRIDGE]), model):
        expected, logits = snapshot(model), model.next_logits([HARBOUR.text, BRIDGE.text])
    both = trial.make([HARBOUR, BRIDGE], batch=1)
    _expect(both.edits == [HARBOUR, BRIDGE], "both edits in the patch", f"{both.edits}", "how two patches are added (+)")
    with apply(both, model):
        now, answers = snapshot(model), model.next_logits([HARBOUR.text, BRIDGE.text])
    near = torch.allclose(answers, logits, rtol=1e-3, atol=1e-3) and all(torch.allclose(now[n], expected[n], rtol=1e-4, atol=1e-5) for n in now)
    _expect(near, "the sum of both patches to do what both do", "something else", "how two patches are added (+)")


@_check("listed", "A patch lists the edits that it holds.")
def _listed(trial: Trial) -> None:
    listed = [item["edit"] for item in trial.made(HARBOUR, BRIDGE).listed()]
    _expect(listed == [HARBOUR, BRIDGE], "both edits, in their order", f"{listed}", "listed of the patch")


@_check("weights", "Only the parameters that a patch names change; a patch of another kind changes none.")
def _weights(trial: Trial) -> None:
    patch, before = trial.made(HARBOUR), snapshot(trial.model)
    with apply(patch, trial.model):
        changed = {name for name, value in snapshot(trial.model).items() if not torch.equal(value, before[name])}
    named = set(patch.changes) if isinstance(patch, WeightPatch) else set()
    _expect(changed <= named, f"changes of {', '.join(sorted(named)) or 'no parameter'} only", f"changes of {', '.join(sorted(changed))}", "the patch's write: it may say model.writable only of what it names")


@_check("places", "Subjects of one and of many tokens are edited at the start, in the middle and at the end of a prompt.")
def _places(trial: Trial) -> None:
    for place, edit in PLACES.items():
        logits = said(trial.make([edit]), trial.model, [edit])
        _expect(bool(torch.isfinite(logits).all()), f"numbers for a subject of {place}", "NaN or infinity", "how edit finds the subject: model.subject_index")
        _expect(not torch.equal(logits, trial.model.next_logits([edit.text])), f"an effect for a subject of {place}", "none", "how edit finds the subject: model.subject_index")


@_check("long-targets", "A target of many tokens is edited.")
def _long_targets(trial: Trial) -> None:
    logits = said(trial.make([LONG]), trial.model, [LONG])
    _expect(bool(torch.isfinite(logits).all()), "numbers for a target of many tokens", "NaN or infinity", "how edit reads the target: model.joined")
    _expect(not torch.equal(logits, trial.model.next_logits([LONG.text])), "an effect for a target of many tokens", "none", "how edit reads the target: model.joined")


# Errors


@_check("errors", "Wrong requests get a clear message: an absent subject, an empty target, no edit, an unknown setting.")
def _errors(trial: Trial) -> None:
    model, id = trial.model, trial.found.id
    requests: dict[str, Callable[[], Any]] = {
        "subject": lambda: trial.make([Edit("The harbour is in", "Bramblewick", "Oslo")]),
        "target": lambda: trial.make([Edit("The harbour of {} is in", "Bramblewick", " ")]),
        "no edit": lambda: compute(trial.method, model, []),
        "an Edit is needed": lambda: compute(trial.method, model, ["Rome"]),
        "batch holds at least one": lambda: compute(trial.method, model, HARBOUR, batch=0),
        f"{id} has no setting 'frobnication'": lambda: compute(trial.method, model, HARBOUR, frobnication=1),
        f"{id} has no preset 'bert'": lambda: compute(trial.method, model, HARBOUR, preset="bert"),
    }  # fmt: skip
    for word, request in requests.items():
        try:
            request()
        except EditError as error:
            _expect(word in str(error), f"a message with the words {word!r}", str(error), "the method's configuration")
        else:
            raise Broken(f"a message with the words {word!r}", "no error", "the method's configuration")


@_check("untrained", "A method that must learn first says so instead of editing without it.")
def _untrained(trial: Trial) -> None:
    if trial.found.train is None:
        raise Skipped("it has nothing to learn")
    model = trial.fresh()
    if model is trial.model:
        raise Skipped("this model may have been trained for")
    learnt, model._remembered = dict(model._remembered), {}
    try:
        with _own_cache():
            compute(trial.method, model, HARBOUR, **trial.settings)
    except UntrainedError as error:
        _expect("survey train" in str(error), "a message that names `survey train`", str(error), "learned(...) in edit")
    else:
        raise Broken("a message that it must be trained first", "a patch", "edit: ask survey.editing.learning.learned for the net")
    finally:
        model._remembered = learnt
