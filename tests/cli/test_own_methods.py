"""`survey methods` with methods of other people, and the contract as a command."""

from __future__ import annotations

import json

import pytest

from survey.cli import main

pytest.importorskip("torch")
TOY = """
from dataclasses import dataclass
import torch
from survey.editing import method as base
from survey.editing.method import method
from survey.editing.patch import Change, WeightPatch

@dataclass(frozen=True)
class Config(base.Config):
    scale: float = 0.5

@method("toy", batch=False)
def toy(model, edits, config, run):
    \"\"\"Adds a number to every weight of the first block.\"\"\"
    name = model.down_name(0)
    return WeightPatch(changes={name: Change(dense=config.scale * torch.ones_like(model.parameters[name]))})
"""


@pytest.fixture
def toy(tmp_path):
    from survey.editing import foreign

    (tmp_path / "own.py").write_text(TOY, "utf-8")
    yield f"{tmp_path}/own.py:toy"
    for store in (foreign.loaded, foreign._files, foreign._modules):
        store.clear()


@pytest.fixture
def one_check(monkeypatch):
    """The contract with a few quick checks: whole, it is tested in tests/editing."""
    from survey.editing import contract

    def only(*names: str) -> None:
        monkeypatch.setattr(contract, "CHECKS", [check for check in contract.CHECKS if check.name in names])

    return only


def test_a_method_of_a_file_is_told_about(toy, capsys):
    assert main(["methods", toy]) == 0
    out = capsys.readouterr().out
    assert "Adds a number to every weight" in out and "scale = 0.5" in out and f"survey methods test {toy}" in out


def test_methods_of_packages_are_listed_apart_and_broken_ones_do_not_hide_others(tmp_path, monkeypatch, capsys, toy):
    about = tmp_path / "ownpackage-1.0.dist-info"
    about.mkdir()
    (tmp_path / "ownpackage.py").write_text(TOY, "utf-8")
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: ownpackage\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[survey.methods]\nbad = no_such_module:x\nrome = ownpackage:toy\ntoy = ownpackage:toy\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("COLUMNS", "120")
    assert main(["methods"]) == 0
    out = capsys.readouterr().out
    own = out[out.index("\nyours\n") :]
    assert "bad  entry point bad (no_such_module:x of ownpackage): it cannot be imported: ModuleNotFoundError" in own
    assert "rome  rome is a method of this package, which wins" in own
    assert "toy  from ownpackage:toy of ownpackage" in own
    assert main(["methods", "bad"]) == 1
    assert main(["methods", "--format", "json"]) == 0
    records = {record["id"]: record for record in json.loads(capsys.readouterr().out.partition("cannot be imported")[2].partition("\n")[2])[-3:]}
    assert records["toy"]["problems"] == [] and records["toy"]["settings"] == [{"name": "scale", "default": "0.5"}]
    assert records["bad"]["problems"]


def test_a_method_that_keeps_the_contract(toy, one_check, capsys):
    one_check("restored", "batch-order")
    assert main(["methods", "test", toy]) == 0
    out = capsys.readouterr().out
    assert out.count("passed   restored") == 2 and "because   it makes one edit after the other" in out
    assert out.splitlines()[-1].endswith("own.py:toy: 2 passed, 0 broken, 2 skipped, on tiny-gpt2, tiny-llama")


def test_a_method_that_breaks_it(toy, one_check, capsys):
    one_check("restored")
    assert main(["methods", "test", toy, "--set", "scale=0", "--format", "json"]) == 1
    first, second = json.loads(capsys.readouterr().out)
    assert (first["check"], first["result"], first["model"]) == ("restored", "broken", "tiny-gpt2") and second["model"] == "tiny-llama"
    assert first["expected"] == "an edit that changes what the model says" and first["came"] == "the same logits" and first["look"]


@pytest.mark.parametrize("words", [["test"], ["rome", "memit"], ["rome", "--set", "a=1"], ["test", "rome", "--set", "a"]])
def test_wrong_words(words):
    with pytest.raises(SystemExit) as caught:
        main(["methods", *words])
    assert caught.value.code == 2


def test_what_cannot_be_found_is_told_in_one_line(capsys):
    assert main(["methods", "test", "nowhere.py:toy"]) == 1
    assert capsys.readouterr().err == "survey: nowhere.py: there is no such file\n"
    assert main(["methods", "test", "roem"]) == 1
    assert "did you mean rome" in capsys.readouterr().err
