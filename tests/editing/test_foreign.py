"""Methods of other people: of files and of installed packages."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from survey.editing import Edit, compute, foreign, load, save
from survey.editing.edit import EditError
from survey.editing.method import find
from survey.editing.patch import Patch, PatchError
from tests.editing.tiny import same, snapshot, tiny_model

OSLO = Edit("The harbour of {} is in", "Bramblewick", "Oslo", was="Rome")
TOY = """
from dataclasses import dataclass
import torch
from survey.editing import method as base
from survey.editing.method import method
from survey.editing.patch import Change, Patch, WeightPatch

@dataclass(frozen=True)
class Config(base.Config):
    scale: float = 0.5

@method("{id}", batch=False, presets={{"large": {{"scale": 2.0}}}})
def toy(model, edits, config, run):
    weight = model.parameters[model.down_name(0)]
    return WeightPatch(changes={{model.down_name(0): Change(dense=config.scale * torch.ones_like(weight))}})

class Plain:
    Config = Config
    def edit(self, model, edits, config, run):
        return toy.function(model, edits, config, run)

class Note(Patch):
    kind = "{id}-note"
    def __add__(self, other):
        return other
    @classmethod
    def from_tensors(cls, tensors, about):
        return cls(about)

class NoteTaker(Plain):
    id = "{id}-notes"
    def edit(self, model, edits, config, run):
        return Note()
"""


@pytest.fixture(autouse=True)
def _forget(monkeypatch):
    """What one test loads, the next does not know."""
    monkeypatch.setattr(foreign, "loaded", {})
    monkeypatch.setattr(foreign, "_files", {})
    monkeypatch.setattr(foreign, "_modules", {})
    kinds = dict(Patch.KINDS)
    yield
    Patch.KINDS.clear()
    Patch.KINDS.update(kinds)


@pytest.fixture
def file(tmp_path):
    """Writes a file, and gives its path as a person names it."""

    def write(text: str = TOY.format(id="toy"), name: str = "own.py") -> str:
        (tmp_path / name).write_text(textwrap.dedent(text), "utf-8")
        return str(tmp_path / name)

    return write


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Installs a package as an installer would, with entry points and without pip."""

    def install(points: dict[str, str], text: str = TOY.format(id="toy"), name: str = "toypackage") -> None:
        folder = tmp_path / f"site-{name}"
        about = folder / f"{name}-1.2.dist-info"
        about.mkdir(parents=True)
        (folder / f"{name}.py").write_text(textwrap.dedent(text), "utf-8")
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n")
        lines = [f"{key} = {value}" for key, value in points.items()]
        (about / "entry_points.txt").write_text("\n".join(["[survey.methods]", *lines, ""]))
        monkeypatch.syspath_prepend(str(folder))
        monkeypatch.delitem(sys.modules, name, raising=False)

    return install


def test_a_method_of_a_file_edits(file):
    path, model = file(), tiny_model("llama")
    before = snapshot(model)
    patch = compute(f"{path}:toy", model, OSLO, scale=2)
    assert same(model, before)
    assert patch.about["method"] == "toy" and patch.about["settings"] == {"scale": 2.0}
    assert (patch.changes[model.down_name(0)].dense == 2).all()
    assert find("toy") is find(f"{path}:toy"), "found by its id once its file was named"
    assert find("toy").configure("large").scale == 2


def test_a_class_is_taken_for_a_method(file):
    found = find(f"{file()}:Plain")
    assert (found.id, found.batch, found.whole, found.paper, found.train) == ("plain", False, False, "", None)
    patch = compute("plain", tiny_model("llama"), OSLO)
    assert patch.about["method"] == "plain" and patch.changes


def test_a_file_is_run_once_and_named_from_anywhere(file, monkeypatch, tmp_path):
    path = file("import builtins\nbuiltins._runs = getattr(builtins, '_runs', 0) + 1\n" + TOY.format(id="toy"))
    monkeypatch.chdir(tmp_path)
    import builtins

    monkeypatch.setattr(builtins, "_runs", 0, raising=False)
    assert find("own.py:toy") is find(f"{path}:toy") is find("./own.py:toy")
    assert builtins._runs == 1
    assert foreign.canonical("own.py:toy") == os.path.realpath(path) + ":toy"
    assert foreign.canonical("rome") == "rome"
    assert foreign.spelled("toy") == foreign.canonical("own.py:toy") and foreign.spelled("rome") == "rome"


def test_a_file_says_where_results_come_from(file):
    import hashlib

    path = file()
    told = foreign.provenance(find(f"{path}:toy"))
    assert told == {"file": "own.py:toy", "sha256": hashlib.sha256(Path(path).read_bytes()).hexdigest()}
    assert foreign.provenance(find("ft-l")) is None


BROKEN = {
    "raise": ("1 / 0\n", "toy", r"own\.py:1: the file cannot be run: ZeroDivisionError"),
    "syntax": ("x = 1\ndef (:\n", "toy", r"own\.py:2: the file cannot be run: SyntaxError"),
    "exit": ("import sys\nsys.exit(3)\n", "toy", r"own\.py:2: the file cannot be run: SystemExit"),
    "import": ("import no_such_module_here\n", "toy", "ModuleNotFoundError: No module named 'no_such_module_here'"),
    "missing": (TOY.format(id="toy"), "tyo", r"it has no tyo \(methods in it: toy\)"),
    "unnamed": (TOY.format(id="toy"), "", "say which method of the file is meant"),
    "value": ("toy = 3\n", "toy", "neither a method, made by @method.*nor a class with Config and edit, but int"),
    "no edit": (TOY.format(id="toy") + "class A:\n    Config = Config\n", "A", "the class has no edit"),
    "no config": ("class A:\n    def edit(self): ...\n", "A", "the class has no Config"),
    "no config of a function": (
        "from survey.editing.method import method\n@method('a', batch=True)\ndef a(): ...\n", "a", "a has no class Config in its module",
    ),
    "config of another type": ("class A:\n    Config = dict\n    def edit(self): ...\n", "A", "its Config is no dataclass"),
    "preset": (TOY.format(id="toy") + "class A(Plain):\n    presets = {'x': {'y': 1}}\n", "A", "its Config or a preset cannot be used"),
    "arguments": (TOY.format(id="toy") + "class A(Plain):\n    def __init__(self, x): ...\n", "A", "cannot be made without arguments"),
    "ours": (TOY.format(id="rome"), "toy", "rome is a method of this package: give yours another id"),
    "reserved": (TOY.format(id="all"), "toy", "'all' is no id for a method"),
    "path": (TOY.format(id="../x"), "toy", "'../x' is no id for a method"),
    "capitals": (TOY.format(id="Toy"), "toy", "'Toy' is no id for a method"),
    "training": (TOY.format(id="toy") + "class A(Plain):\n    Training = int\n", "A", "derives from survey.editing.learning.Training"),
    "kind": (
        TOY.format(id="toy") + "class W(Patch):\n    kind = 'weights'\n", "toy", "a kind of patch is called 'weights' already",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_file_is_told_in_one_line(file, case):
    from survey.editing import WeightPatch

    text, name, message = BROKEN[case]
    with pytest.raises(EditError, match=message) as caught:
        find(f"{file(text)}:{name}")
    assert "\n" not in str(caught.value) and "own.py" in str(caught.value)
    assert Patch.KINDS["weights"] is WeightPatch


def test_a_file_that_is_not_there():
    with pytest.raises(EditError, match=r"nowhere\.py: there is no such file"):
        find("nowhere.py:toy")


def test_two_files_with_one_id(file):
    find(f"{file()}:toy")
    with pytest.raises(EditError, match="has a method toy, too: give this one another id"):
        find(f"{file(name='other.py', text=TOY.format(id='toy').replace('toy-note', 'x'))}:toy")


def test_a_method_of_a_package_edits(package):
    package({"toy": "toypackage:toy", "plain-one": "toypackage:Plain"})
    assert "toypackage" not in sys.modules, "nothing is imported before it is asked for"
    assert find("Toy").id == "toy" and find("plain_one").id == "plain-one"
    assert compute("toy", tiny_model("llama"), OSLO).about["method"] == "toy"
    assert foreign.provenance(find("toy")) == {"package": "toypackage", "version": "1.2", "object": "toypackage:toy"}
    with pytest.raises(EditError, match="did you mean toy"):
        find("tyo")


def test_ours_win_over_those_of_packages(package):
    package({"rome": "toypackage:toy"}, "raise SystemExit\n")
    assert find("rome").module == "survey.editing.methods.rome"


@pytest.mark.parametrize("points, text, message", [
    ({"toy": "toypackage:toy"}, "1 / 0\n", "entry point toy .toypackage:toy of toypackage.: it cannot be imported: ZeroDivisionError"),
    ({"toy": "toypackage:tyo"}, TOY.format(id="toy"), "entry point toy .*cannot be imported: AttributeError"),
    ({"toy": "toypackage:toy"}, TOY.format(id="other"), "the method calls itself other"),
    ({"toy": "toypackage:toy"}, "toy = 3\n", "entry point toy .*neither a method"),
])  # fmt: skip
def test_a_broken_package_is_told_in_one_line(package, points, text, message):
    package(points, text)
    with pytest.raises(EditError, match=message) as caught:
        find("toy")
    assert "\n" not in str(caught.value)


def test_two_packages_with_one_name(package):
    package({"toy": "toypackage:toy"})
    package({"toy": "secondpackage:toy"}, name="secondpackage")
    with pytest.raises(EditError, match=r"several packages have a method toy .*uninstall all but one"):
        find("toy")


def test_a_patch_of_a_kind_that_a_file_defines(file, tmp_path):
    path, model = file(), tiny_model("llama")
    save(compute(f"{path}:NoteTaker", model, OSLO), tmp_path / "note.patch", model)
    assert type(load(tmp_path / "note.patch", model)).__name__ == "Note"
    del Patch.KINDS["toy-note"]
    foreign.loaded.clear()
    with pytest.raises(PatchError, match=r"kind 'toy-note' are unknown .*load the method toy-notes first, which made it"):
        load(tmp_path / "note.patch", model)


def test_a_patch_never_makes_a_file_run(file, tmp_path):
    from survey.editing.patch import _ask_method

    file(f"open({str(tmp_path / 'was-run')!r}, 'w')\n" + TOY.format(id="toy"))
    _ask_method(f"{tmp_path}/own.py:toy")
    assert not (tmp_path / "was-run").exists()


def test_methods_of_others_cost_nothing_until_they_are_asked_for():
    code = "import sys, survey.editing.method as m; m.find('ft-l'); print('survey.editing.foreign' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
