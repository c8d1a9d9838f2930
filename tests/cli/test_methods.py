"""`survey methods`: the table, one method, JSON; all without torch."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from survey.editing.method import METHODS
from survey.files import load_taxonomy, measured
from survey.files.measured import Comparison


@pytest.fixture
def made_up(monkeypatch):
    """A comparison in which only some things were measured."""
    share = {"value": 0.875, "low": 0.7, "high": 0.95}
    metrics = ("efficacy-score", "reliability.forced", "paraphrase-score", "locality.next-token")
    comparison = Comparison.model_validate({
        "model": "tiny",
        "unedited": {"records": 8, "shares": {metric: {"value": 0.25, "low": 0.1, "high": 0.5} for metric in metrics}},
        "methods": {
            "rome": {"changes": "weights", "seconds": 3.21, "memory": 1_234_000_000, "restored": True,
                     "single": {"records": 8, "shares": dict.fromkeys(metrics, share)}},
            "mend": {"training": 134, "restored": False},
        },
    })  # fmt: skip
    monkeypatch.setattr(measured, "measured", lambda: comparison)


def rows(out: str) -> dict[str, str]:
    lines = (line for line in out.splitlines() if line and not line[0].isupper())
    return {line.split()[0]: line for line in lines}


def test_the_table_has_every_method(survey, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    code, out, err = survey("methods")
    assert (code, err) == (0, "")
    assert set(METHODS) <= set(rows(out))
    assert "\n\nLocate and edit\n" in out and "\n\nMeta-learning\n" in out


def test_the_table_shows_what_was_measured_and_a_dash_for_the_rest(survey, monkeypatch, made_up):
    monkeypatch.setenv("COLUMNS", "120")
    out = survey("methods")[1]
    found = rows(out)
    assert found["rome"].split() == [
        "rome", "weights", "no", "one", "3.2", "s", "1.23", "GB", "0.88", "0.88", "0.88", "0.88", "yes",
    ]  # fmt: skip
    assert found["mend"].split() == ["mend", "-", "2", "min", "14", "s", "many", *6 * "-", "NO"]
    assert found["malmen"].split()[:3] == ["malmen", "-", "yes"]
    assert found["memit"].split() == ["memit", "-", "no", "many", *6 * "-", "-"]
    told = " ".join(out.split())
    assert "Measured on tiny, one edit of CounterFact at a time over 8 records." in told
    assert "Without any edit, efficacy is 0.25 and paraphrase 0.25." in told


@pytest.mark.parametrize("width", [40, 60, 80])
def test_the_table_fits_the_terminal(survey, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    _, out, _ = survey("methods")
    assert max(map(len, out.splitlines())) <= width
    assert out.split()[0] == "METHOD" and "AT ONCE" in out
    assert set(METHODS) <= set(rows(out))


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
        assert row["must_be_trained"] == (method.train is not None)
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
