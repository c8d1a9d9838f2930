"""`survey methods`: the table, one method, JSON; all without torch."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from survey.editing.method import METHODS
from survey.files import load_taxonomy


def test_the_table_has_every_method(survey, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    code, out, err = survey("methods")
    assert (code, err) == (0, "")
    rows = {line.split()[0]: line for line in out.splitlines()[1 : len(METHODS) + 1]}
    assert sorted(rows) == sorted(METHODS)
    assert [rows["memit"][out.index(word) :].split("  ")[0] for word in ("NAME", "STRATEGY", "AT ONCE", "PAPER")] == [
        "MEMIT", "Locate and edit", "many", "meng2023massediting",
    ]  # fmt: skip
    assert " one " in rows["rome"] and rows["rect"].split("many")[1].split()[:2] == ["as", "memit"]


@pytest.mark.parametrize("width", [40, 60, 80])
def test_the_table_fits_the_terminal(survey, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    _, out, _ = survey("methods")
    assert max(map(len, out.splitlines())) <= width
    head = out.splitlines()[0].split()
    assert head[0] == "METHOD" and "AT ONCE" in out
    assert all(f"\n{id} " in out for id in METHODS)


def test_json_is_what_the_methods_say(survey):
    pytest.importorskip("torch")
    from survey.editing.method import find

    found = {row["id"]: row for row in json.loads(survey("methods", "--format", "json")[1])}
    assert sorted(found) == sorted(METHODS)
    for id, row in found.items():
        method = find(id)
        config = method.configure()
        assert row["problems"] == []
        assert row["edits_at_once"] == ("many" if method.batch else "one")
        assert (row["paper"] or "") == method.paper
        assert {s["name"]: eval(s["default"]) for s in row["settings"]} == vars(config)
        assert row["presets"].keys() == method.presets.keys()
        assert row["command"].startswith(f"survey edit {id} --prompt")
        if isinstance(row["layers"], list):
            assert tuple(row["layers"]) == getattr(config, "layers", (getattr(config, "layer", None),))


def test_one_method(survey, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    code, out, _ = survey("methods", "rome")
    assert code == 0 and out.startswith("ROME (Rank-One Model Editing)\nLocate and edit, one edit after the other")
    assert "\nlayer = 5\n    Block whose down-projection is edited" in out
    assert "\ngpt2-xl: first_layer=None, layer=17" in out
    assert "\nFaithful\n- " in out and "\nDeviates\n- " in out
    assert out.rstrip().splitlines()[-1].startswith("survey edit rome --prompt")
    assert all(f"\n{n}. " in out for n in "123")
    assert survey("methods", "R_ROME")[1].startswith("r-ROME")
    assert json.loads(survey("methods", "rome", "--format", "json")[1])["id"] == "rome"


def test_what_cannot_run_is_told(survey):
    assert survey("methods", "romee") == (1, "", "survey: there is no method 'romee' (did you mean rome?)\n")
    missing = next(t for t in load_taxonomy().methods.values() if not t.implementation)
    code, _, err = survey("methods", missing.id)
    assert (code, err) == (1, f"survey: {missing.name} cannot run here yet (`survey methods` lists what can)\n")


def test_no_torch_is_needed():
    code = (
        "import sys\nsys.modules |= {'torch': None, 'transformers': None, 'survey.editing': None}\n"
        "from survey.cli import main\nsys.exit(main(['methods']) or main(['methods', 'memit']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
