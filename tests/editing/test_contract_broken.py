"""The contract finds methods that break it: each check has one that does, and says what came and where to look."""

from __future__ import annotations

import pytest
import torch

from survey.editing import contract, foreign
from survey.editing.contract import CHECKS, Trial
from survey.editing.patch import Patch
from tests.editing.tiny import fresh_model, same, snapshot

HEAD = """
from dataclasses import dataclass
import torch
from survey.editing import method as base
from survey.editing.method import method
from survey.editing.patch import Change, Patch, WeightPatch

calls = []

@dataclass(frozen=True)
class Config(base.Config):
    scale: float = 0.5

class Good:
    Config = Config
    batch = True
    def where(self, model):
        return model.down_name(0)
    def change(self, model, edits):
        shape = model.parameters[self.where(model)].shape
        seed = sum(sum(model.tokens(edit.text + edit.target).ids) for edit in edits)
        return torch.randn(shape, generator=torch.Generator().manual_seed(seed))
    def edit(self, model, edits, config, run):
        run.progress.start("Editing", 5)
        for _ in range(5):
            run.progress.advance()
        return WeightPatch(changes={self.where(model): Change(dense=config.scale * self.change(model, edits))})
"""
BAD = {
    "restored": "    def edit(self, model, edits, config, run):\n        model.parameters[self.where(model)].data.add_(1)\n        return super().edit(model, edits, config, run)",
    "leaves-edited": "    def edit(self, model, edits, config, run):\n        model.restore()\n        return super().edit(model, edits, config, run)",
    "interrupted": (
        "    def edit(self, model, edits, config, run):\n        weight = model.parameters[self.where(model)].data\n        old = weight.clone()\n"
        "        weight.add_(1)\n        patch = super().edit(model, edits, config, run)\n        weight.copy_(old)\n        return patch"
    ),
    "saved": (
        "    def edit(self, model, edits, config, run):\n        patch = super().edit(model, edits, config, run)\n        patch.tensors = lambda: {}\n        return patch"
    ),
    "provenance": "    def edit(self, model, edits, config, run):\n        return super().edit(model, edits, Config(scale=1e6), run)",
    "seed": "    def change(self, model, edits):\n        return torch.randn(model.parameters[self.where(model)].shape)",
    "padding": (
        "    def change(self, model, edits):\n        ids = model.tokenizer([e.text for e in edits], padding=True, return_tensors='pt').input_ids\n"
        "        return super().change(model, edits) * ids[:, 0].sum()"
    ),
    "batch-order": "    def change(self, model, edits):\n        return super().change(model, edits[:1])",
    "sequence": (
        "    batch = False\n    def edit(self, model, edits, config, run):\n        patch = super().edit(model, edits, config, run)\n"
        "        class Last(WeightPatch):\n            kind = ''\n            def __add__(self, other): return other\n"
        "        return Last({}, patch.changes)"
    ),
    "weights": (
        "    def edit(self, model, edits, config, run):\n        class More(WeightPatch):\n            kind = ''\n            def write(self, model):\n"
        "                super().write(model)\n                model.writable(model.down_name(1)).add_(1)\n"
        "        return More({}, super().edit(model, edits, config, run).changes)"
    ),
    "places": "    def change(self, model, edits):\n        return super().change(model, edits) * (0 if edits[0].prompt.startswith('{}') else 1)",
    "long-targets": "    def change(self, model, edits):\n        return super().change(model, edits) * (float('nan') if len(edits[0].target) > 8 else 1)",
    "asking": (
        "    def edit(self, model, edits, config, run):\n        class Hook(Patch):\n            kind = ''\n            def write(self, model):\n"
        "                def louder(module, inputs, output):\n                    return output * inputs[0].shape[0] * 1.5\n"
        "                model.attach(model.down(0), louder)\n"
        "        return Hook({})"
    ),
    "listed": (
        "    def edit(self, model, edits, config, run):\n        class None_(WeightPatch):\n            kind = ''\n            def listed(self): return []\n"
        "        return None_({}, super().edit(model, edits, config, run).changes)"
    ),
    "any-order": (
        "    def edit(self, model, edits, config, run):\n        class Raw(WeightPatch):\n            kind = ''\n            def write(self, model):\n"
        "                for name, change in self.changes.items():\n                    model.parameters[name].data.add_(change.full())\n"
        "        return Raw({}, super().edit(model, edits, config, run).changes)"
    ),
    "restored-after-error": (
        "    def edit(self, model, edits, config, run):\n        class Raw(WeightPatch):\n            kind = ''\n            def write(self, model):\n"
        "                for name, change in self.changes.items():\n                    model.parameters[name].data.add_(change.full())\n"
        "        return Raw({}, super().edit(model, edits, config, run).changes)"
    ),
    "errors": "    @dataclass(frozen=True)\n    class Config:\n        frobnication: int = 0\n        scale: float = 0.5",
    "untrained": (
        "    class Training(__import__('survey.editing.learning').editing.learning.Training):\n        pass"
    ),
}  # fmt: skip


@pytest.fixture
def trial(tmp_path, monkeypatch):
    for name in ("loaded", "_files", "_modules"):
        monkeypatch.setattr(foreign, name, {})
    monkeypatch.setattr(Patch, "KINDS", dict(Patch.KINDS))
    torch.manual_seed(0)
    fresh = lambda: fresh_model("llama", blocks=3)  # noqa: E731

    def make(body: str) -> Trial:
        (tmp_path / "own.py").write_text(f"{HEAD}\nclass Own(Good):\n{body}\n", "utf-8")
        return Trial(f"{tmp_path}/own.py:Own", fresh(), {}, fresh)

    return make


def test_every_check_has_a_method_that_breaks_it():
    assert set(BAD) == {check.name for check in CHECKS}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_a_check_fails_where_its_promise_is_broken(check, trial):
    broken = trial(BAD[check.name])
    before = snapshot(broken.model)
    outcome = check.run(broken)
    assert outcome.broken, f"{check.name} did not see it ({outcome.skipped})"
    record = outcome.record()
    assert record["result"] == "broken" and record["expected"] and record["came"] and record["look"]
    assert same(broken.model, before), "what one check finds broken, the next should not find"


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_a_good_method_keeps_every_promise(check, trial):
    outcome = check.run(trial("    pass"))
    assert outcome.broken is None, str(outcome.broken)
    assert (outcome.skipped is None) == (check.name != "untrained")


def test_the_contract_is_run_on_two_architectures_and_on_a_model_of_yours(trial, monkeypatch):
    own = trial("    pass")
    monkeypatch.setattr(contract, "CHECKS", [check for check in CHECKS if check.name in ("restored", "listed")])
    found = [(outcome.check.name, outcome.model, outcome.passed) for outcome in contract.run(own.method, model=own.model)]
    assert found == [(name, model, True) for model in ("tiny-gpt2", "tiny-llama", "tiny-llama") for name in ("restored", "listed")]
