"""`survey trace`: the table, JSON, the plot, and wrong usage."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from survey.cli.output import shown_width  # noqa: E402
from survey.cli.trace_plot import svg  # noqa: E402
from survey.cli.trace_text import lines  # noqa: E402
from survey.editing.tracing import Trace, trace  # noqa: E402
from tests.editing.tiny import tiny_folder, tiny_model  # noqa: E402

ROOT = Path(__file__).parents[2]
SVG = "{http://www.w3.org/2000/svg}"
FACT = ("--prompt", "{} is in the city of", "--subject", "The museum")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return str(tiny_folder(tmp_path_factory.mktemp("model"), "llama"))


@pytest.fixture
def traced(survey, folder):
    """`traced(*words)` traces the fact with the tiny model."""
    return lambda *words: survey("trace", *FACT, "--model", folder, "--draws", "2", *words)


def made(layers=30, effects=(), total=0.5, tokens=("The", " Eiffel", " Tower", " is", " in")) -> Trace:
    """A trace by hand: `effects` are (token, layer, effect) of the hidden states."""
    corrupted = torch.tensor([0.6 - total] * 2, dtype=torch.float64)
    restored = corrupted[:, None, None].repeat(1, len(tokens), layers)
    for token, layer, effect in effects:
        restored[:, token, layer] += effect
    return Trace(
        "tiny", "".join(tokens), "The Eiffel Tower", "Paris", tokens, range(3), 0.1, 3.0, 10, 0, 0.6, corrupted,
        {"block": restored, "mlp": restored.clone()},
    )  # fmt: skip


def test_json_is_the_trace(traced, folder):
    code, out, err = traced("--format", "json", "--target", "Rome", "--part", "all", "--window", "3", "--seed", "4")
    assert (code, err) == (0, "")
    said = json.loads(out)
    found = trace(tiny_model("llama"), FACT[1], FACT[3], "Rome", draws=2, window=3, seed=4)
    assert (said["model"], said["target"], said["window"], said["draws"], said["seed"]) == (folder, "Rome", 3, 2, 4)
    assert said["p_clean"] == pytest.approx(found.clean, rel=1e-4)
    assert said["total_effect"] == pytest.approx(found.total_effect, rel=1e-3, abs=1e-9)
    assert "".join(token["text"] for token in said["tokens"]) == "The museum is in the city of"
    assert "".join(token["text"] for token in said["tokens"] if token["subject"]) == "The museum"
    assert list(said["parts"]) == ["block", "mlp", "attention"]
    for part, values in said["parts"].items():
        torch.testing.assert_close(
            torch.tensor(values["effects"], dtype=torch.float64), found.effect(part), rtol=1e-3, atol=1e-8
        )
        at = values["largest"]
        assert at["effect"] == max(map(max, values["effects"])) == values["effects"][at["token"]][at["layer"]]


def test_the_table_and_the_plot(traced, tmp_path):
    plot = tmp_path / "fact.svg"
    code, out, err = traced("--plot", str(plot))
    assert (code, err) == (0, "")
    assert all(name in out for name in ("Hidden states", "Feed-forward outputs, 10 layers at once", "Attention outputs"))
    assert f"drawn in {plot}" in out
    assert ElementTree.parse(plot).getroot().tag == f"{SVG}svg"


def test_one_part_is_the_default(traced):
    code, out, _ = traced()
    assert code == 0
    assert "Hidden states" in out
    assert "outputs" not in out


@pytest.mark.parametrize("layers", [4, 12, 30, 48, 80])
@pytest.mark.parametrize("width", [60, 80, 100, 120])
def test_the_table_fits(layers, width):
    found = made(layers, [(2, layers - 1, 0.4)], tokens=("The", " Eiffel", " Towerissimo" * 5, " 东京", " in\n"))
    for line in lines(found, width, 1.0, "x.svg"):
        assert shown_width(line) <= width, line


def test_cells_and_numbers():
    found = made(30, [(2, 4, 0.4), (2, 5, 0.25), (1, 0, 0.12), (4, 29, 0.05), (3, 7, -0.3)])
    text = lines(found, 100, 1.0)
    rows = [line for line in text if line[2:8].strip() in ("The", "Eiffel", "Tower", "is", "in")][:5]
    cells = [row[10:70] for row in rows]
    assert cells[2] == "········██▓▓" + "·" * 48
    assert cells[1] == "▒▒" + "·" * 58
    assert cells[4] == "·" * 58 + "░░"
    assert cells[3] == "·" * 14 + "--" + "·" * 44
    assert [row[70:].split() for row in rows] == [[], ["0.120", "L0"], ["0.400", "L4"], [], ["0.050", "L29"]]
    assert [row[0] for row in rows] == ["*", "*", "*", " ", " "]
    joined = " ".join(text)
    assert "p(Paris) is 0.600" in joined
    assert "it is 0.100: the total effect is 0.500" in joined
    assert 'Hidden states: largest indirect effect 0.400 at " Tower", layer 4' in joined
    assert "Warning" not in joined


def test_a_late_site_does_not_hide_the_subject():
    text = " ".join(lines(made(30, [(4, 25, 0.45), (2, 4, 0.2)]), 200, 1.0))
    assert 'largest indirect effect 0.450 at " in", layer 25; in the subject 0.200 at " Tower", layer 4' in text


def test_more_layers_than_columns_show_the_strongest():
    text = lines(made(96, [(2, 95, 0.4), (1, 0, -0.4)]), 60, 1.0)
    tower = next(line for line in text if line.startswith("* Tower"))
    assert tower.split()[2].endswith("█")
    assert next(line for line in text if line.startswith("* Eiffel")).split()[2].startswith("-")
    assert any("strongest of 3 layers" in line for line in text)


def test_noise_without_effect_is_told():
    found = made(4, total=0.0)
    assert "the noise takes little from the answer" in " ".join(lines(found, 200, 1.0))
    ElementTree.fromstring(svg(found))


def test_the_plot_is_accessible_and_complete():
    found = made(30, [(2, 4, 0.4), (4, 29, 0.1)], tokens=("The", " <Eiffel>", " &Tower", " is", " in"))
    root = ElementTree.fromstring(svg(found))
    names = root.get("aria-labelledby").split()
    said = {child.get("id"): child.text for child in root if child.get("id")}
    assert root.get("role") == "img"
    assert said[names[0]] == "Causal trace: The <Eiffel> &Tower is in → Paris"
    assert "largest indirect effect 0.400" in said[names[1]]
    for part in ("block", "mlp"):
        cells = [r for r in root.iter(f"{SVG}rect") if r.get("class") == part and r.find(f"{SVG}title") is not None]
        titles = {r.find(f"{SVG}title").text: float(r.get("fill-opacity")) for r in cells}
        assert len(cells) == len(titles) == 5 * 30
        assert titles["&Tower, layer 4: 0.400"] == 1
        assert titles["in, layer 29: 0.100"] == 0.25
        assert titles["is, layer 3: 0.000"] == 0
    texts = [t.text for t in root.iter(f"{SVG}text")]
    assert {"Hidden states", "Feed-forward outputs, 10 layers", "<Eiffel>*", "is"} <= set(texts)
    # Nothing is drawn beyond the edge.
    width, height = map(float, root.get("viewBox").split()[2:])
    for r in root.iter(f"{SVG}rect"):
        if r.get("x"):
            assert float(r.get("x")) + float(r.get("width")) <= width
            assert float(r.get("y")) + float(r.get("height")) <= height


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--prompt", "nobody here", "--subject", "The museum"), "does not occur in"),
        ((*FACT, "--target", " "), "the target is empty"),
        ((*FACT, "--plot", "x.png"), "ends in .svg"),
        ((*FACT, "--plot", "no/such/x.svg"), "there is no folder"),
        ((*FACT, "--model", "./no-model"), "there is no folder ./no-model"),
    ],
)
def test_problems_are_told(survey, words, message):
    code, out, err = survey("trace", *words)
    assert (code, out) == (1, "")
    assert err.startswith("survey: ")
    assert message in err


@pytest.mark.parametrize(
    "words",
    [FACT[:2], FACT[2:], (*FACT, "--part", "head"), (*FACT, "--noise", "-1"), (*FACT, "--noise", "nan"),
     (*FACT, "--draws", "0"), (*FACT, "--window", "x"), (*FACT, "--threads", "0")],
)  # fmt: skip
def test_wrong_usage(survey, words):
    code, out, err = survey("trace", *words)
    assert (code, out) == (2, "")
    assert "usage: survey trace" in err


def test_without_the_extra():
    """The help works where torch is missing, and tracing says what to install."""
    code = """
import sys
for name in ("torch", "transformers", "safetensors"):
    sys.modules[name] = None
from survey.cli import main
try:
    main(["trace", "--help"])
except SystemExit as stop:
    assert stop.code == 0
sys.exit(main(["trace", "--prompt", "{} is in", "--subject", "Rome"]))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert "--plot FILE.svg" in done.stdout
    assert 'pip install "editing-pitfalls[edit]"' in done.stderr
    assert "Traceback" not in done.stderr
