"""Methods by name, and their settings."""

from __future__ import annotations

import dataclasses
import subprocess
import sys

import pytest

from survey.editing.edit import EditError
from survey.editing.method import METHODS, find


def test_every_method_is_found():
    assert {"rome", "memit", "fine-tuning", "ft-l"} <= set(METHODS)
    assert list(METHODS) == sorted(METHODS)
    for id in METHODS:
        method = find(id)
        assert method.id == id
        assert method.module == "survey.editing.methods." + id.replace("-", "_")
        assert method.config.__module__ == method.module
        assert dataclasses.is_dataclass(method.configure())


@pytest.mark.parametrize("method", METHODS)
def test_presets_and_defaults_are_settings(method):
    """What a preset says, a person could have set."""
    found = find(method)
    for preset, changed in found.presets.items():
        config = found.configure(preset)
        assert config == found.configure(**changed)
        assert {name: getattr(config, name) for name in changed} == changed
    for name, value in vars(found.configure()).items():
        assert getattr(found.configure(**{name: str(value)}), name) == value


@pytest.mark.parametrize("name", ["ROME", "rome", "Ft_L", "R-ROME"])
def test_names_are_found_however_they_are_written(name):
    assert find(name).id == name.lower().replace("_", "-")


@pytest.mark.parametrize("name, message", [
    ("roem", "there is no method 'roem' .did you mean rome"),
    ("memmit", "did you mean memit"),
    ("zzzzzzzz", "`survey methods` lists them"),
    ("", "there is no method ''"),
    ("../method", "there is no method"),
])  # fmt: skip
def test_unknown_methods(name, message):
    with pytest.raises(EditError, match=message):
        find(name)


@pytest.mark.parametrize("method, name, given, expected", [
    ("rome", "layer", "5", 5),
    ("rome", "layer", 7, 7),
    ("rome", "layer", "-1", -1),
    ("rome", "lr", "0.1", 0.1),
    ("rome", "lr", "1e-3", 0.001),
    ("rome", "lr", 1, 1.0),
    ("rome", "lr", "2", 2.0),
    ("rome", "contexts", "((5, 10), (2, 3))", ((5, 10), (2, 3))),
    ("rome", "contexts", [[5, 10]], ((5, 10),)),
    ("rome", "contexts", "()", ()),
    ("memit", "layers", "3,4", (3, 4)),
    ("memit", "layers", "(3,4)", (3, 4)),
    ("memit", "layers", "[3, 4]", (3, 4)),
    ("memit", "layers", "3", (3,)),
    ("memit", "layers", 3, (3,)),
    ("memit", "layers", [3, 4], (3, 4)),
    ("kn", "erase", "true", True),
    ("kn", "erase", "True", True),
    ("kn", "erase", "FALSE", False),
    ("kn", "erase", True, True),
    ("rect", "base", "rome", "rome"),
    ("rect", "base", "5", "5"),
    ("alphaedit", "threshold", "0.02", 0.02),
    ("alphaedit", "threshold", "none", None),
    ("alphaedit", "threshold", None, None),
])  # fmt: skip
def test_texts_become_what_a_setting_holds(method, name, given, expected):
    value = getattr(find(method).configure(**{name: given}), name)
    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize("method, name, given, message", [
    ("rome", "layer", "five", "layer of rome must be int, not 'five'"),
    ("rome", "layer", "5.5", "must be int"),
    ("rome", "layer", 5.0, "must be int"),
    ("rome", "layer", True, "must be int"),
    ("rome", "layer", None, "must be int"),
    ("rome", "layer", "", "must be int"),
    ("rome", "lr", "fast", "lr of rome must be float"),
    ("rome", "lr", True, "must be float"),
    ("rome", "lr", "{[]: 1}", "must be float"),
    ("rome", "lr", "(" * 500, "must be float"),
    ("rome", "lr", "1" + "0" * 400, "lr of rome is too large"),
    ("rome", "contexts", "5,10", "contexts of rome must be"),
    ("rome", "contexts", "((5,),)", "contexts of rome must be"),
    ("rome", "contexts", "((5, 'x'),)", "contexts of rome must be"),
    ("memit", "layers", "3;4", "layers of memit must be"),
    ("memit", "layers", "3,four", "layers of memit must be"),
    ("memit", "layers", (3, 4.5), "layers of memit must be"),
    ("kn", "erase", "yes", "erase of kn must be bool, not 'yes'"),
    ("kn", "erase", 1, "must be bool"),
    ("rect", "base", 5, "base of rect must be str, not 5"),
    ("alphaedit", "threshold", "low", "threshold of alphaedit must be"),
    ("rome", "layers", "5", "rome has no setting 'layers' .did you mean layer"),
    ("rome", "qqqqqq", "5", "rome has no setting 'qqqqqq' .it has .*layer"),
])  # fmt: skip
def test_settings_that_are_none(method, name, given, message):
    with pytest.raises(EditError, match=message):
        find(method).configure(**{name: given})


def test_settings_come_after_the_preset():
    config = find("rome").configure("gpt2-medium", clamp=1)
    assert (config.layer, config.clamp) == (8, 1.0)
    with pytest.raises(EditError, match=r"rome has no preset 'gpt5' \(there are: gpt2-medium, "):
        find("rome").configure("gpt5")
    with pytest.raises(EditError, match=r"rect has no preset 'x' \(there are: none\)"):
        find("rect").configure("x")


def test_methods_are_listed_without_torch():
    program = (
        "import sys, survey.editing as e; e.METHODS; e.Edit('{} is', 'a', 'b');"
        "assert 'torch' not in sys.modules and 'transformers' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_the_package_gives_what_it_promises():
    import survey.editing

    for name in survey.editing.__all__:
        assert getattr(survey.editing, name) is not None
    with pytest.raises(AttributeError, match="no attribute nothing"):
        survey.editing.nothing  # noqa: B018
