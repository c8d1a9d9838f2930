"""Training: stopped and resumed as if nothing had happened, kept whole, and never mistaken for another."""

from __future__ import annotations

import dataclasses
import errno
import os
from dataclasses import dataclass

import pytest
import torch

from survey.editing import apply, compute, facts, learning
from survey.editing import method as base
from survey.editing.edit import EditError
from survey.editing.learning import TrainingError, UntrainedError, learned, train
from survey.editing.method import Method, Quiet
from tests.editing.methods.common import HARBOUR
from tests.editing.tiny import fresh_model, same, snapshot, tiny_model


@dataclass(frozen=True)
class Config(base.Config):
    """Settings of a pupil."""

    steps: int = 17
    check: int = 4
    patience: int = 50
    lr: float = 0.05
    mood: str = "good"
    layers: tuple[int, ...] = (-1,)


class Pupil(learning.Training):
    """Learns a matrix, from random vectors that depend on the step only."""

    minutes = 3
    editing = frozenset({"mood"})
    breaks_at = None
    worse_after = None

    def __init__(self, model, config, seed, without, progress):
        self.seed, self.without = seed, without
        self.net = self.build(model, config, seed)
        self.optimizer = torch.optim.Adam(self.net.parameters(), lr=config.lr)

    @classmethod
    def build(cls, model, config, seed=0):
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            net = torch.nn.Linear(4, 4)
        net.register_buffer("seen", torch.tensor(0))
        return net

    def step(self, number):
        vectors = torch.randn(8, 4, generator=torch.Generator().manual_seed(1000 * self.seed + number))
        loss = (self.net(vectors) - 3 * vectors).square().mean()
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.net.seen += 1
        return float("nan") if self.breaks_at == number else loss.item()

    def validate(self):
        loss = (self.net.weight - 3 * torch.eye(4)).square().mean().item()
        if self.worse_after is not None and self.net.seen > self.worse_after:
            loss += int(self.net.seen)
        return {"loss": loss}


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SURVEY_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def pupil(monkeypatch):
    """A method of the name "pupil" that learns quickly; its class of training, to be changed."""
    kind = type("Changed", (Pupil,), {})
    method = Method("pupil", "", True, False, Config, {}, lambda *_: None, __name__, kind)
    monkeypatch.setattr(learning, "find", lambda id: method if id == "pupil" else base.find(id))
    monkeypatch.setattr(learning, "_CHECKPOINT", 3)
    return kind


@pytest.fixture
def model():
    return fresh_model("llama", blocks=3)


class Stops(Quiet):
    """Kills a training after so many steps."""

    def __init__(self, after: int) -> None:
        self.left = after

    def advance(self, steps: int = 1) -> None:
        if steps:
            self.left -= 1
            if self.left == 0:
                raise KeyboardInterrupt


def files(tmp_path):
    return sorted(p.name for p in tmp_path.rglob("cache/trained/*/*"))


def state(model, **options):
    net = learned("pupil", model, Config(**options))
    return {name: t.clone() for name, t in net.state_dict().items()}


def equal(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_what_was_learnt_is_kept_and_not_learnt_again(pupil, model, tmp_path):
    report = train("pupil", model)
    assert report.trained and report.steps == 17 and report.best == 17
    assert report.path.exists() and files(tmp_path) == [report.path.name]
    assert set(report.scores) == {"loss"}
    again = train("pupil", model)
    assert not again.trained
    assert dataclasses.replace(again, trained=True) == report
    other = fresh_model("llama", blocks=3)
    assert equal(state(other), state(model))
    assert not any(p.requires_grad for p in learned("pupil", other, Config()).parameters())


@pytest.mark.parametrize("after", range(1, 18))
def test_a_kill_between_any_two_steps_loses_nothing(pupil, model, after, tmp_path):
    train("pupil", fresh_model("gpt2", blocks=3))
    expected = state(model) if train("pupil", model) else None
    model._remembered.clear()
    for path in tmp_path.rglob("*.safetensors"):
        path.unlink()
    with pytest.raises(KeyboardInterrupt):
        train("pupil", model, progress=Stops(after))
    lines = []
    report = train("pupil", model, log=lines.append)
    assert report.resumed == (after - 1) // 3 * 3
    assert (f"going on from step {report.resumed}" in lines) == (report.resumed > 0)
    assert equal(state(model), expected)
    assert [name for name in files(tmp_path) if name.endswith("checkpoint")] == []


def test_a_real_method_goes_on_bit_for_bit(monkeypatch, tmp_path):
    monkeypatch.setattr(learning, "_CHECKPOINT", 2)
    quick = {"steps": 5, "examples": 4, "rank": 2, "check": 2, "lr": 0.003, "facts": 4}
    whole, broken = fresh_model("llama", blocks=3), fresh_model("llama", blocks=3)
    train("mend", whole, **quick)
    expected = learned("mend", whole, base.find("mend").configure(**quick)).state_dict()
    for path in tmp_path.rglob("*.safetensors"):
        path.unlink()

    class Kills(Quiet):
        steps = None

        def start(self, label, total):
            self.steps = 0 if label == "Training mend" else None

        def advance(self, steps=1):
            if self.steps is not None:
                self.steps += steps
                if self.steps == 4:
                    raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train("mend", broken, progress=Kills(), **quick)
    assert train("mend", broken, **quick).resumed == 2
    found = learned("mend", broken, base.find("mend").configure(**quick)).state_dict()
    assert equal(found, expected)


@pytest.mark.parametrize("damage", ["cut", "flipped", "foreign"])
def test_a_damaged_checkpoint_is_told_and_training_begins_again(pupil, model, damage, tmp_path):
    expected = state(model) if train("pupil", model, fresh=True) else None
    for path in tmp_path.rglob("*.safetensors"):
        path.unlink()
    with pytest.raises(KeyboardInterrupt):
        train("pupil", model, progress=Stops(10))
    (path,) = tmp_path.rglob("*.checkpoint")
    _damage(path, damage)
    lines = []
    report = train("pupil", model, log=lines.append)
    assert report.resumed == 0 and report.trained
    assert any("begins again" in line and path.name in line for line in lines)
    assert equal(state(model), expected)


def _damage(path, damage: str) -> None:
    data = bytearray(path.read_bytes())
    if damage == "cut":
        data = data[: len(data) // 2]
    elif damage == "flipped":
        data[-3] ^= 64
    else:
        data = bytearray(b"no safetensors file at all")
    path.write_bytes(bytes(data))


@pytest.mark.parametrize("damage", ["cut", "flipped", "foreign"])
def test_a_damaged_training_is_told_and_trained_again(pupil, model, damage):
    report = train("pupil", model)
    expected = state(model)
    _damage(report.path, damage)
    other = fresh_model("llama", blocks=3)
    with pytest.raises(UntrainedError, match=r"pupil-.*safetensors.*train it again: `survey train pupil"):
        state(other)
    lines = []
    assert train("pupil", other, log=lines.append).trained
    assert any("trained again" in line for line in lines)
    assert equal(state(other), expected)


def test_a_checkpoint_of_another_seed_or_other_subjects_is_not_used(pupil, model):
    with pytest.raises(KeyboardInterrupt):
        train("pupil", model, progress=Stops(10))
    assert train("pupil", model, seed=1).resumed == 0
    with pytest.raises(KeyboardInterrupt):
        train("pupil", model, progress=Stops(10), fresh=True)
    assert train("pupil", model, without=["Rome"]).resumed == 0


def test_training_ends_when_nothing_gets_better_and_the_best_is_kept(pupil, model):
    pupil.worse_after = 8
    report = train("pupil", model, patience=2, steps=60, check=4)
    assert report.best == 8
    assert report.steps == 16
    found = state(model, patience=2, steps=60, check=4)
    assert found["seen"] == 8
    fresh = fresh_model("llama", blocks=3)
    assert train("pupil", fresh, steps=8, check=4).best == 8
    assert equal(state(fresh, steps=8, check=4), found)


def test_a_training_that_breaks_down_is_told_and_not_kept(pupil, model, tmp_path):
    pupil.breaks_at = 6
    with pytest.raises(TrainingError, match="broke down at step 7: its loss is nan"):
        train("pupil", model)
    assert not any(name.endswith("safetensors") for name in files(tmp_path))
    with pytest.raises(UntrainedError):
        state(model)


def test_a_validation_that_is_no_number_is_told(pupil, model, monkeypatch):
    monkeypatch.setattr(pupil, "validate", lambda self: {"loss": float("inf")})
    with pytest.raises(TrainingError, match="broke down"):
        train("pupil", model)


def test_a_training_that_gets_nowhere_is_told_and_not_kept(pupil, model, tmp_path):
    pupil.worse_after = 0
    with pytest.raises(TrainingError, match="came to nothing: after 17 steps"):
        train("pupil", model)
    assert not any(name.endswith("safetensors") for name in files(tmp_path))


def test_untrained_methods_say_what_to_do(pupil, model):
    model.name = "smollm2-135m-instruct"
    with pytest.raises(UntrainedError) as error:
        state(model)
    expected = "pupil must be trained first for smollm2-135m-instruct: run `survey train pupil` (about 3 minutes on two cores)"
    assert str(error.value) == expected
    model.name = "tiny-llama"
    with pytest.raises(UntrainedError, match=r"with these settings: run `survey train pupil --model tiny-llama --set lr=0\.1`"):
        state(model, lr=0.1)


def test_every_learned_method_says_so():
    model = fresh_model("llama", blocks=3)
    for id in base.METHODS:
        if base.find(id).train is not None:
            with pytest.raises(UntrainedError, match=f"^{id} must be trained first for tiny-llama: run `survey train {id}"):
                compute(id, model, HARBOUR)


def test_a_method_without_training(model):
    told = r"^ft-l has nothing to learn: `survey edit ft-l \.\.\.` works at once$"
    with pytest.raises(EditError, match=told):
        train("ft-l", model)
    with pytest.raises(EditError, match=told):
        learning.trainable("ft-l")
    with pytest.raises(EditError, match="there is no method"):
        learning.trainable("nothing")
    assert learning.trainable("mend") is base.find("mend")


def test_what_another_model_learnt_is_not_used(pupil, model):
    train("pupil", fresh_model("gpt2", blocks=3))
    with pytest.raises(UntrainedError):
        state(model)


def test_other_settings_are_another_training(pupil, model):
    train("pupil", model)
    with pytest.raises(UntrainedError):
        state(model, lr=0.01)
    # Neither what matters for editing only nor the way to count layers makes it another.
    assert equal(state(model, mood="bad"), state(model))
    assert equal(state(model, layers=(2,)), state(model))
    with pytest.raises(UntrainedError):
        state(model, layers=(1,))


def test_other_facts_are_another_training(pupil, model, monkeypatch):
    train("pupil", model)
    monkeypatch.setattr(facts, "digest", lambda: "0" * 16)
    with pytest.raises(UntrainedError):
        state(model)


def test_another_seed_replaces_what_was_learnt(pupil, model, tmp_path):
    train("pupil", model)
    before = state(model)
    report = train("pupil", model, seed=1)
    assert report.trained
    assert not equal(state(model), before)
    assert files(tmp_path) == [report.path.name]
    assert not train("pupil", model, seed=1).trained
    assert train("pupil", model, seed=1, fresh=True).trained
    assert train("pupil", model, seed=1, without=["Rome", "rome"]).trained
    assert not train("pupil", model, seed=1, without=["ROME"]).trained


def test_without_a_cache_it_lasts_as_long_as_the_model(pupil, model, monkeypatch):
    monkeypatch.setenv("SURVEY_CACHE", "off")
    report = train("pupil", model)
    assert report.trained and report.path is None
    assert state(model)
    assert not train("pupil", model).trained
    with pytest.raises(UntrainedError):
        state(fresh_model("llama", blocks=3))


def _no_room(monkeypatch, *endings):
    """Let the disk be full for files whose names end so; what was tried to write is in the list returned."""
    replace, tried = os.replace, []

    def full(source, target):
        if str(target).endswith(endings):
            tried.append(str(target))
            raise OSError(errno.ENOSPC, "No space left on device")
        return replace(source, target)

    monkeypatch.setattr(os, "replace", full)
    return tried


def test_what_cannot_be_kept_is_told_and_the_checkpoint_stays(pupil, model, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        _no_room(patch, ".safetensors")
        told = r"pupil-\w+\.safetensors: what was trained cannot be written: No space left on device; when that is mended"
        with pytest.raises(TrainingError, match=told):
            train("pupil", model)
    (left,) = files(tmp_path)
    assert left.endswith(".checkpoint")
    with pytest.raises(UntrainedError):
        state(model)
    report = train("pupil", model)
    assert report.resumed == 15 and files(tmp_path) == [report.path.name]


def test_a_checkpoint_that_cannot_be_written_is_told_once(pupil, model, tmp_path, monkeypatch):
    tried = _no_room(monkeypatch, ".checkpoint")
    lines = []
    report = train("pupil", model, log=lines.append)
    assert len(tried) == 5
    (line,) = [line for line in lines if "cannot be written" in line]
    assert ".checkpoint: what was trained cannot be written: No space left on device; the training goes on" in line
    assert report.steps == 17 and files(tmp_path) == [report.path.name]


def test_a_folder_that_cannot_be_made_is_told(pupil, model, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SURVEY_CACHE", str(tmp_path / "file"))
    with pytest.raises(TrainingError, match="cannot be written: "):
        train("pupil", model)


@pytest.mark.parametrize("after", [1, 5, 17])
def test_a_fresh_training_that_was_killed_goes_on(pupil, model, after, tmp_path):
    expected = state(model) if train("pupil", model) else None
    # An old checkpoint must not pass for one of the new training.
    (result,) = tmp_path.rglob("*.safetensors")
    kept = result.read_bytes()
    with pytest.raises(KeyboardInterrupt):
        train("pupil", model, fresh=True, progress=Stops(13))
    result.write_bytes(kept)
    with pytest.raises(KeyboardInterrupt):
        train("pupil", model, fresh=True, progress=Stops(after))
    assert not any(name.endswith("safetensors") for name in files(tmp_path))
    with pytest.raises(UntrainedError):
        state(model)
    report = train("pupil", model)
    assert report.trained and report.resumed == (after - 1) // 3 * 3
    assert equal(state(model), expected)


def test_a_kill_while_writing_leaves_nothing_half(pupil, model, tmp_path, monkeypatch):
    train("pupil", model)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.safetensors")}

    def dies(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", dies)
    with pytest.raises(KeyboardInterrupt):
        train("pupil", model, seed=1)
    monkeypatch.undo()
    assert {path: path.read_bytes() for path in tmp_path.rglob("cache/trained/*/.*")} == {}
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.safetensors")} == before


def test_the_model_is_trained_for_without_its_patches():
    quick = {"steps": 3, "examples": 4, "rank": 2, "check": 3, "lr": 0.003, "facts": 4}
    plain, edited = fresh_model("llama", blocks=3), fresh_model("llama", blocks=3)
    config = base.find("mend").configure(**quick)
    train("mend", plain, **quick)
    with apply("ft-l", edited, HARBOUR, epsilon=0.05, steps=3) as model:
        before, patches = snapshot(model), model.patches[:]
        train("mend", model, fresh=True, **quick)
        assert same(model, before) and model.patches == patches
        assert equal(learned("mend", model, config).state_dict(), learned("mend", plain, config).state_dict())


@pytest.mark.parametrize("after", [1, 4, 7])
def test_an_error_leaves_the_model_as_it_was(after):
    model = tiny_model("gpt2", blocks=3)
    before = snapshot(model)
    with pytest.raises(KeyboardInterrupt):
        train("mend", model, progress=Stops(after), steps=3, examples=4, rank=2, check=3, facts=2)
    assert same(model, before)
    assert not any(p.requires_grad for p in model.network.parameters())
    assert not any(m._forward_hooks or m._forward_pre_hooks or "forward" in vars(m) for m in model.network.modules())


def test_subjects_can_be_left_out():
    model = tiny_model("gpt2", blocks=3)
    every = [s for r in facts.relations() for subjects in r.facts.values() for s in subjects]
    with pytest.raises(EditError, match="no facts are left"):
        train("mend", model, without=every, steps=2, examples=4, rank=2)
