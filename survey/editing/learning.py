"""Training for methods that must learn before they can edit: once for each model, and kept.

A method names a class that derives from `Training` in its decorator, `@method(..., train=...)`. `train` runs it and
keeps the best state that was seen; `learned` gives the method its net. What was trained lies in the cache folder
under `trained`, by the model's fingerprint, the facts it learnt from and the settings that matter; a checkpoint
beside it lets a training that was killed go on, with the very result it would have had.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import shlex
import tempfile
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import nn

from survey.editing import facts
from survey.editing.edit import EditError
from survey.editing.language_model import LanguageModel
from survey.editing.method import Config, Method, Quiet, find, settings
from survey.editing.patch import _digest
from survey.files.cache import cache_folder

FORMAT = "editing-training/1"
# Steps between two checkpoints.
_CHECKPOINT = 25


class TrainingError(EditError):
    """A training that cannot go on, or came to nothing."""


class UntrainedError(EditError):
    """A method is used that was not trained for this model."""


class Training:
    """What a method learns. A subclass sets `net` and `optimizer` in its constructor, and may use what the
    configuration says; the configuration has `steps`, and may have `check` (steps between two validations, 50
    without it) and `patience` (validations without progress after which training ends, otherwise all steps are made).

    A step may depend on its number, on `net` and on `optimizer`, and on nothing else: so a training that was killed
    goes on as if nothing had happened. Numbers beside parameters belong into buffers of the net.
    """

    minutes: ClassVar[float] = 5
    """What it takes about for the default model on two cores."""
    editing: ClassVar[frozenset[str]] = frozenset()
    """Settings that matter for editing only."""
    version: ClassVar[int] = 1
    """Rises when the program learns something else from the same settings: what was trained before is then void."""

    net: nn.Module
    optimizer: torch.optim.Optimizer

    def __init__(
        self, model: LanguageModel, config: Any, seed: int, without: Collection[str], progress: Quiet
    ) -> None:
        raise NotImplementedError

    @classmethod
    def build(cls, model: LanguageModel, config: Any, seed: int = 0) -> nn.Module:
        """The net before training."""
        raise NotImplementedError

    def step(self, number: int) -> float:
        """Make one step and return its loss."""
        raise NotImplementedError

    def validate(self) -> dict[str, float]:
        """How good the net is on facts that it does not learn from; `loss` decides, and less is better."""
        raise NotImplementedError


@dataclass(frozen=True)
class Report:
    """What a training reached. `scores` are those of the step that was kept, `best`; `seconds` are all it took,
    earlier starts included; `path` is None where caches are switched off, and then it lasts as long as the model;
    `trained` tells whether anything was done now."""

    method: str
    model: str
    steps: int
    best: int
    seconds: float
    scores: dict[str, float]
    path: Path | None
    trained: bool
    resumed: int = 0


def train(
    method_id: str,
    model: LanguageModel,
    *,
    seed: int = 0,
    preset: str | None = None,
    progress: Quiet | None = None,
    log: Callable[[str], None] | None = None,
    fresh: bool = False,
    without: Collection[str] = (),
    **options: Any,
) -> Report:
    """Train a method for a model, without its patches, and keep what it learnt.

    What was trained with the same seed and without the same subjects is not trained again, and what was begun goes
    on. `fresh` forgets both before anything else: should it be killed, the same call without `fresh` goes on.
    `without` names subjects that must not be learnt from, `log` is told about the validation now and then. Raises
    `EditError`: for a method that learns nothing, for numbers that are none, for a training that came to nothing, and
    where what was learnt cannot be kept.
    """
    method = trainable(method_id)
    config = method.configure(preset, **options)
    progress, log = progress or Quiet(), log or (lambda line: None)
    place = _Place(method, model, config)
    who = {"seed": seed, "without": sorted({subject.casefold() for subject in without})}
    if fresh:
        place.forget()
    elif report := _before(place, who, log):
        return report
    with model.pristine():
        started = time.monotonic()
        training = place.kind(model, config, seed, without, progress)
        run = _Run(training, config, method.id)
        run.seconds = _resume(run, place, who, log)
        resumed = run.step
        progress.start(f"Training {method.id}", config.steps)
        progress.advance(run.step)
        elapsed = lambda: run.seconds + time.monotonic() - started  # noqa: E731
        told = False
        if not run.step:
            run.validate(log)
        while not run.finished:
            run.advance(log)
            progress.advance()
            if place.checkpoint is not None and run.step % _CHECKPOINT == 0 and not run.finished:
                try:
                    _write(place.checkpoint, run.tensors(), {**place.header, **who, **run.state, "seconds": elapsed()})
                except TrainingError as error:
                    if not told:
                        log(f"{error}; the training goes on without it")
                    told = True
    run.check()
    header = {**who, **run.state, "seconds": round(elapsed(), 1)}
    net = place.kind.build(model, config)
    net.load_state_dict(run.best)
    if place.path is not None:
        try:
            _write(place.path, run.best, {**place.header, **header})
        except TrainingError as error:  # The checkpoint stays.
            raise TrainingError(f"{error}; when that is mended, the same command finishes the training") from None
        _delete(place.checkpoint)
    model._remembered[place.key] = (_frozen(net), header)
    return _report(place, header, place.path, True, resumed)


def trainable(method_id: str) -> Method:
    """The method of this id. Raises `EditError` where there is none, or where it learns nothing."""
    method = find(method_id)
    if method.train is None:
        raise EditError(f"{method.id} has nothing to learn: `survey edit {method.id} ...` works at once")
    return method


def learned(method_id: str, model: LanguageModel, config: Config) -> nn.Module:
    """What a method was trained for a model with these settings. Raises `UntrainedError`."""
    return _learned(method_id, model, config)[0]


def provenance(method_id: str, model: LanguageModel, config: Config) -> dict[str, Any]:
    """What a patch should say of the training: seed, step and scores."""
    header = _learned(method_id, model, config)[1]
    return {name: header[name] for name in ("seed", "kept", "scores")}


def _learned(method_id: str, model: LanguageModel, config: Config) -> tuple[nn.Module, dict[str, Any]]:
    place = _Place(trainable(method_id), model, config)
    if place.key not in model._remembered:
        try:
            found = _read(place.path)
        except TrainingError as error:
            raise UntrainedError(f"{error}; train it again: {place.command} ({_duration(place.kind)})") from None
        if found is None:
            raise UntrainedError(place.missing())
        tensors, header = found
        net = place.kind.build(model, config)
        try:
            net.load_state_dict(tensors)
        except RuntimeError:
            raise UntrainedError(f"{place.path}: this is another net; train it again: {place.command}") from None
        model._remembered[place.key] = (_frozen(net), header)
    return model._remembered[place.key]


def _frozen(net: nn.Module) -> nn.Module:
    return net.eval().requires_grad_(False)


def _duration(kind: type[Training]) -> str:
    minutes = max(1, round(kind.minutes))
    return f"about {minutes} minute{'s' if minutes > 1 else ''} on two cores"


class _Place:
    """Where a training of a method for a model is kept, and how it is called."""

    def __init__(self, method: Method, model: LanguageModel, config: Config) -> None:
        self.method, self.model = method, model
        self.kind: type[Training] = method.train
        values = {name: value for name, value in settings(config).items() if name not in self.kind.editing}
        if "layers" in values:  # Counted from the first or from the last, they are the same.
            values["layers"] = model.sorted_layers(values["layers"])
        what = {"facts": facts.digest(), "settings": values, "version": self.kind.version}
        digest = hashlib.blake2b(json.dumps(what, sort_keys=True).encode(), digest_size=8).hexdigest()
        self.header = {
            "format": FORMAT, "method": method.id, "model": model.name, "fingerprint": model.fingerprint, **what,
        }  # fmt: skip
        self.key = ("learned", method.id, digest)
        folder = cache_folder()
        folder = folder / "trained" / model.fingerprint if folder else None
        self.path = folder / f"{method.id}-{digest}.safetensors" if folder else None
        self.checkpoint = folder / f"{method.id}-{digest}.checkpoint" if folder else None
        self.changed = {
            name: value for name, value in settings(config).items()
            if name not in self.kind.editing and value != settings(method.config())[name]
        }  # fmt: skip

    @property
    def command(self) -> str:
        from survey.editing.foreign import spelled
        from survey.editing.models.known import KNOWN

        default = any(known.default and known.name == self.model.name for known in KNOWN.values())
        words = ["survey train", shlex.quote(spelled(self.method.id)), *([] if default else ["--model", shlex.quote(self.model.name)])]
        words += [f"--set {shlex.quote(f'{name}={value}')}" for name, value in self.changed.items()]
        return f"`{' '.join(words)}`"

    def forget(self) -> None:
        """Delete what was trained and what was begun."""
        self.model._remembered.pop(self.key, None)
        for path in (self.path, self.checkpoint):
            if path is not None:
                _delete(path)

    def missing(self) -> str:
        these = " with these settings" if self.changed else ""
        return f"{self.method.id} must be trained first for {self.model.name}{these}: run {self.command} ({_duration(self.kind)})"


class _Run:
    """A training under way: everything that a checkpoint must hold."""

    def __init__(self, training: Training, config: Config, method: str) -> None:
        self.training, self.method = training, method
        self.steps = config.steps
        self.every = min(getattr(config, "check", 50), config.steps)
        self.patience = getattr(config, "patience", None)
        self.step = 0
        self.seconds = 0.0
        self.best: dict[str, torch.Tensor] = {}
        self.state: dict[str, Any] = {"step": 0, "kept": 0, "scores": {}, "first": None, "waited": 0}

    @property
    def finished(self) -> bool:
        return self.step >= self.steps or (self.patience is not None and self.state["waited"] >= self.patience)

    def advance(self, log: Callable[[str], None]) -> None:
        loss = self.training.step(self.step)
        self.step = self.state["step"] = self.step + 1
        if not math.isfinite(loss):
            raise TrainingError(
                f"the training of {self.method} broke down at step {self.step}: its loss is {loss}; a smaller learning "
                "rate helps (lr)"
            )
        if self.step % self.every == 0 or self.step == self.steps:
            self.validate(log)

    def validate(self, log: Callable[[str], None]) -> None:
        scores = self.training.validate()
        if not all(map(math.isfinite, scores.values())):
            raise TrainingError(
                f"the training of {self.method} broke down before step {self.step}: it validates as {scores}"
            )
        if self.state["first"] is None:
            self.state["first"] = scores["loss"]
        if not self.best or scores["loss"] < self.state["scores"]["loss"]:
            self.best = {name: t.detach().cpu().clone() for name, t in self.training.net.state_dict().items()}
            self.state |= {"kept": self.step, "scores": scores, "waited": 0}
        else:
            self.state["waited"] += 1
        log(f"step {self.step}: " + ", ".join(f"{name} {value:.3g}" for name, value in scores.items()))

    def check(self) -> None:
        """Raise `TrainingError` where nothing was learnt."""
        if not self.state["scores"]["loss"] < self.state["first"]:
            raise TrainingError(
                f"the training of {self.method} came to nothing: after {self.step} steps the loss on facts that it "
                f"did not see is no smaller than before ({self.state['first']:.3g}); another learning rate or more "
                "steps may help"
            )

    def tensors(self) -> dict[str, torch.Tensor]:
        """Net, best net and the optimiser's memory."""
        found = {f"net|{name}": tensor for name, tensor in self.training.net.state_dict().items()}
        found |= {f"best|{name}": tensor for name, tensor in self.best.items()}
        for i, memory in self.training.optimizer.state_dict()["state"].items():
            found |= {f"optimizer|{i}|{name}": tensor for name, tensor in memory.items()}
        return found

    def restore(self, tensors: dict[str, torch.Tensor], state: dict[str, Any]) -> None:
        part = lambda kind: {  # noqa: E731
            name.removeprefix(f"{kind}|"): tensor for name, tensor in tensors.items() if name.startswith(f"{kind}|")
        }
        memory: dict[int, dict[str, torch.Tensor]] = {}
        for name, tensor in part("optimizer").items():
            number, _, name = name.partition("|")
            memory.setdefault(int(number), {})[name] = tensor
        self.training.net.load_state_dict(part("net"))
        groups = self.training.optimizer.state_dict()["param_groups"]
        self.training.optimizer.load_state_dict({"state": memory, "param_groups": groups})
        self.best = part("best")
        self.state = {name: state[name] for name in self.state}
        self.step = self.state["step"]


def _before(place: _Place, who: dict[str, Any], log: Callable[[str], None]) -> Report | None:
    """What an earlier training reached, if it was the same."""
    try:
        found = _read(place.path)
    except TrainingError as error:
        log(f"{error}; it is trained again")
        return None
    if found is None:
        if place.path is not None or place.key not in place.model._remembered:
            return None
        header = place.model._remembered[place.key][1]
    else:
        header = found[1]
    return _report(place, header, place.path, False) if all(header.get(k) == who[k] for k in who) else None


def _resume(run: _Run, place: _Place, who: dict[str, Any], log: Callable[[str], None]) -> float:
    """Go on from a checkpoint if there is one, and return the seconds that it took so far."""
    try:
        found = _read(place.checkpoint)
        if found is None or any(found[1].get(k) != who[k] for k in who):
            return 0.0
        run.restore(*found)
    except TrainingError as error:
        log(f"{error}; the training begins again")
        return 0.0
    except (RuntimeError, KeyError, ValueError):
        raise TrainingError(
            f"{place.checkpoint}: the checkpoint does not fit; delete it, or train with --fresh"
        ) from None
    log(f"going on from step {run.step}")
    return found[1]["seconds"]


def _report(place: _Place, header: dict[str, Any], path: Path | None, trained: bool, resumed: int = 0) -> Report:
    return Report(
        place.method.id, place.model.name, header["step"], header["kept"], header["seconds"], header["scores"], path,
        trained, resumed,
    )  # fmt: skip


def _delete(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise TrainingError(f"{path}: what was trained cannot be deleted: {error.strerror}") from None


def _write(path: Path, tensors: dict[str, torch.Tensor], header: dict[str, Any]) -> None:
    """Write tensors and a header, whole or not at all. Raises `TrainingError` where that cannot be."""
    from safetensors.torch import save

    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    data = save(tensors, {"header": json.dumps(header, ensure_ascii=False), "digest": _digest(tensors)})
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise TrainingError(f"{path}: what was trained cannot be written: {error.strerror}") from None
        raise


def _read(path: Path | None) -> tuple[dict[str, torch.Tensor], dict[str, Any]] | None:
    """Tensors and header of a file, or None where there is none. Raises `TrainingError` for a damaged one."""
    from safetensors import SafetensorError, safe_open

    try:
        if path is None or not path.exists():
            return None
        with safe_open(path, "pt") as file:
            about = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        header = json.loads(about["header"])
        damaged = about["digest"] != _digest(tensors)
    except (OSError, SafetensorError, KeyError, ValueError, TypeError) as error:
        raise TrainingError(f"{path}: what was trained cannot be read ({type(error).__name__})") from None
    if damaged:
        raise TrainingError(f"{path}: what was trained is damaged: its numbers are not those that were saved")
    return tensors, header
