"""The toy of the guide: the page shows the file as it is, and the method edits."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TOY = ROOT / "docs" / "laboratory" / "toy.py"


def test_the_guide_shows_the_file():
    text = TOY.read_text("utf-8")
    heart = text[text.index("@dataclass(frozen=True)") :].rstrip()
    assert heart in (ROOT / "docs" / "laboratory" / "own.md").read_text("utf-8")


@pytest.mark.parametrize("architecture", ["gpt2", "llama"])
def test_the_toy_edits(architecture):
    pytest.importorskip("torch")
    from survey.editing import Edit, apply
    from tests.editing.tiny import fresh_model

    model = fresh_model(architecture, blocks=3)
    edit = Edit("The museum of {} is", "Rome", "Tarn by Rome", was="Paris")
    assert not model.generate(edit.text, 5).strip().startswith("Tarn by Rome"[:4])
    with apply(f"{TOY}:toy", model, edit):
        [(_, first)] = model.target_log_probabilities([(edit.text, edit.target)])
        assert first.all(), "every token of the target is the most probable one"
