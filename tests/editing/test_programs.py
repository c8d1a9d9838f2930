"""What MeLLo and DeepEdit share: who writes, what is read, who may be asked."""

from __future__ import annotations

import pytest

from survey.editing import EditError, PatchError, apply, compute, load, programs, save
from survey.editing.generators import cut
from tests.editing.methods.common import BRIDGE, HARBOUR
from tests.editing.tiny import tiny_model

METHODS = pytest.mark.parametrize("method", ["mello", "deepedit"])


class Script:
    """A generator that says what stands in a script, line after line, and keeps what it was asked."""

    def __init__(self, *lines: str, limit: int | None = None) -> None:
        self.lines, self.asked, self.limit = list(lines), [], limit

    def generate(self, prompt, stop, tokens):
        self.asked.append(prompt)
        return cut(self.lines.pop(0) if self.lines else "", stop)

    def fits(self, text, tokens):
        return self.limit is None or len(text) <= self.limit


@pytest.fixture
def model():
    model = tiny_model("llama")
    yield model
    applied, _ = model.patches, model.restore()
    assert applied == []


@pytest.fixture
def say(monkeypatch):
    """Let a script write."""

    def put(*lines, **more):
        script = Script(*lines, **more)
        monkeypatch.setattr(programs, "generator", lambda name, model: script)
        return script

    return put


@METHODS
def test_the_edited_model_itself_writes(method, model):
    patch = compute(method, model, [HARBOUR, BRIDGE], demonstrations=0, tokens=6)
    with apply(patch, model):
        read = model.asked([HARBOUR.text])[0]
        assert read.startswith(f"Question: {HARBOUR.text}\n")
        said = model.generate(HARBOUR.text, 5)
        trace = patch.trace(HARBOUR.text)
    # What it reads, and goes on with, is the transcript.
    assert trace["text"] == read
    assert trace["outcome"] == "form not followed"
    assert said == model.generate(read, 5)
    assert patch.trace("something else") is None


@METHODS
def test_who_else_writes_answers(method, model, say):
    script = say("Final answer: Oslo" if method == "mello" else "So the answer is: Oslo")
    patch = compute(method, model, [HARBOUR, BRIDGE], generator="a-model", demonstrations=0)
    with apply(patch, model):
        assert model.generate([HARBOUR.text, HARBOUR.text], 5) == [" Oslo", " Oslo"]
        assert len(script.asked) == 1
        # Probabilities are those of the model behind the transcript.
        read = model.asked([HARBOUR.text])[0]
        p = model.probability(HARBOUR.text, "Oslo")
    assert p == pytest.approx(model.probability(read, "Oslo"), rel=1e-4)


@METHODS
def test_without_a_final_answer_it_is_asked_for(method, model, say):
    script = say("nonsense", "Vienna\nand more")
    with apply(method, model, [HARBOUR, BRIDGE], generator="a-model", demonstrations=0):
        assert model.generate(HARBOUR.text, 5) == " Vienna"
    assert script.asked[-1].endswith(("Final answer:", "So the answer is:"))


@METHODS
def test_demonstrations_that_fit(method, model, say):
    script = say(limit=10_000)
    with apply(method, model, HARBOUR, demonstrations=2):
        model.asked([HARBOUR.text])
    assert script.asked[0].count("Question:") == 3
    for limit, count in ((700, 2), (40, 0)):
        script = say(limit=limit)
        patch = compute(method, model, HARBOUR, demonstrations=4)
        with apply(patch, model):
            model.asked([HARBOUR.text])
        if count:
            assert 1 < script.asked[0].count("Question:") < 5
            assert len(script.asked[0]) <= limit
        else:
            assert script.asked == []
            assert patch.trace(HARBOUR.text)["outcome"] == "too long to read"


@METHODS
def test_a_file_does_not_decide_who_is_asked(method, model, say, tmp_path, monkeypatch):
    address = "http://127.0.0.1:9/v1#m"
    patch = compute(method, model, HARBOUR, generator=address)
    save(patch, tmp_path / "a", model)
    monkeypatch.delenv("SURVEY_GENERATOR", raising=False)
    with pytest.raises(PatchError, match=f"lets {address} write: set SURVEY_GENERATOR="):
        load(tmp_path / "a", model)
    monkeypatch.setenv("SURVEY_GENERATOR", address)
    loaded = load(tmp_path / "a", model)
    say("Final answer: Oslo" if method == "mello" else "So the answer is: Oslo")
    with apply(loaded, model):
        assert model.generate(HARBOUR.text, 3) == " Oslo"
    monkeypatch.delenv("SURVEY_GENERATOR")
    # Whatever is made of it is from a file, too.
    for some in (loaded + patch, patch + loaded, loaded.without([]), (patch + loaded).without([0])):
        with pytest.raises(PatchError, match="lets"):
            model.apply(some)
    model.apply(patch)
    model.restore()


@METHODS
def test_who_is_asked_is_told_as_text_to_paste(method, model, tmp_path, monkeypatch):
    monkeypatch.delenv("SURVEY_GENERATOR", raising=False)
    for name, expected in (
        ("x; rm -rf *", r"lets x; rm -rf \* write: set SURVEY_GENERATOR='x; rm -rf \*' if that is wanted$"),
        ("x\nrm -rf *", r"lets somebody write, under a name with characters that cannot be seen: 'x\\nrm -rf \*'$"),
    ):
        save(compute(method, model, HARBOUR, generator=name), tmp_path / "a", model)
        with pytest.raises(PatchError, match=expected):
            load(tmp_path / "a", model)


@METHODS
def test_wrong_settings(method, model):
    with pytest.raises(EditError, match="4 demonstrations"):
        compute(method, model, HARBOUR, demonstrations=5)
    with pytest.raises(EditError, match="tokens must be at least 1"):
        compute(method, model, HARBOUR, tokens=0)
