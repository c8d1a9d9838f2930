"""SERAC: the classifier's mathematics and training, and who answers."""

from __future__ import annotations

import math

import pytest
import torch

from survey.editing import Edit, EditError, PatchError, apply, compute, load, save
from survey.editing.learning import UntrainedError, learned, train
from survey.editing.method import find
from survey.editing.scope import Classifier
from tests.editing.methods.common import BRIDGE, HARBOUR
from tests.editing.tiny import fresh_model, same, snapshot

QUICK = {"examples": 24, "at_once": 8, "hidden": 8, "steps": 30, "check": 10}
INSIDE, OUTSIDE = HARBOUR.text, "The museum of Vienna is"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SURVEY_CACHE", str(tmp_path_factory.mktemp("trained")))
        model = fresh_model("llama")
        report = train("serac", model, **QUICK)
        assert report.trained
        assert report.scores["loss"] < math.inf
        yield model
    assert model.patches == []


def test_similarity_is_as_written():
    torch.manual_seed(0)
    net = Classifier(6, 4)
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    x, z = torch.nn.functional.normalize(torch.randn(3, 6), dim=1), torch.nn.functional.normalize(torch.randn(2, 6), dim=1)

    def h(v):
        hidden = torch.relu(net.first.weight @ (v * math.sqrt(6)) + net.first.bias)
        return v + (net.second.weight @ hidden + net.second.bias) / math.sqrt(6)

    found = net.similarity(x, z)
    for i in range(3):
        for j in range(2):
            expected = math.exp(-net.log_scale.exp().item() * (h(x[i]) - h(z[j])).square().sum().item())
            assert found[i, j].item() == pytest.approx(expected, rel=1e-4)


def test_before_training_h_is_the_identity():
    net = Classifier(6, 4)
    x = torch.randn(3, 6)
    assert torch.equal(net(x), x)
    assert net.similarity(x, x).diagonal().tolist() == [1, 1, 1]


def test_training_learns_and_can_be_repeated(model):
    net = learned("serac", model, find("serac").configure(**QUICK))
    other = fresh_model("llama")
    report = train("serac", other, fresh=True, **QUICK)
    again = learned("serac", other, find("serac").configure(**QUICK))
    assert report.best > 0
    assert all(torch.equal(a, b) for a, b in zip(net.state_dict().values(), again.state_dict().values(), strict=True))
    # Settings that matter for editing only need no other training.
    assert learned("serac", model, find("serac").configure(**QUICK, threshold=0.9, scope="subject")) is net


def test_who_answers(model):
    before = snapshot(model)
    plain = model.next_logits([INSIDE, OUTSIDE])
    patch = compute("serac", model, HARBOUR, **QUICK)
    similar = Classifier.of(patch.net).similarity(patch.embedder(model).encode([INSIDE, OUTSIDE]), patch.embeddings)[:, 0]
    assert similar[0] > 0.99 > similar[1]
    between = (similar[0] + similar[1]).item() / 2
    with apply("serac", model, HARBOUR, **QUICK, threshold=between):
        found = model.next_logits([INSIDE, OUTSIDE])
        assert same(model, before)
        assert model.asked([OUTSIDE]) == [OUTSIDE]
        assert "New Fact: The harbour of Bramblewick is in Oslo" in model.asked([INSIDE])[0]
    torch.testing.assert_close(found[1], plain[1], rtol=1e-4, atol=1e-4)
    assert not torch.allclose(found[0], plain[0], atol=1e-2)
    # Nothing is above 1, and everything is above 0.
    with apply("serac", model, HARBOUR, **QUICK, threshold=1.0):
        assert model.asked([INSIDE, OUTSIDE]) == [INSIDE, OUTSIDE]
    with apply("serac", model, HARBOUR, **QUICK, threshold=0.0):
        assert all("New Fact" in text for text in model.asked([INSIDE, OUTSIDE]))


def test_of_many_edits_the_most_similar_one_is_read(model):
    later = Edit(HARBOUR.prompt, HARBOUR.subject, "Vienna")
    with apply("serac", model, [HARBOUR, BRIDGE, later], **QUICK):
        assert "Prompt: The bridge of Tarn is London" in model.asked([BRIDGE.text])[0]
        assert "is in Vienna" in model.asked([INSIDE])[0]


def test_a_saved_patch_has_its_own_classifier(model, tmp_path, monkeypatch):
    patch = compute("serac", model, [HARBOUR, BRIDGE], **QUICK)
    save(patch, tmp_path / "a", model)
    monkeypatch.setenv("SURVEY_CACHE", str(tmp_path / "empty"))
    other = fresh_model("llama")
    loaded = load(tmp_path / "a", other)
    assert loaded.net.keys() == patch.net.keys()
    texts = [INSIDE, OUTSIDE, BRIDGE.text]
    with apply(patch, model), apply(loaded, other):
        assert model.asked(texts) == other.asked(texts)
    part = loaded.without([0])
    with apply(part, other):
        assert "London" in other.asked([BRIDGE.text])[0]


def test_a_classifier_that_does_not_fit(model):
    patch = compute("serac", model, HARBOUR, **QUICK)
    kind, tensors = type(patch), patch.tensors()
    kind.from_tensors(tensors, patch.about).check(model)
    wrong = {f"net|{name}": tensor for name, tensor in Classifier(16, 4).state_dict().items()}
    with pytest.raises(PatchError, match="do not fit each other"):
        kind.from_tensors({"embeddings": patch.embeddings, **wrong}, patch.about)
    with pytest.raises(PatchError, match="none, or only a part"):
        kind.from_tensors({"embeddings": patch.embeddings, "net|first.weight": torch.zeros(8, 32)}, patch.about)
    with pytest.raises(PatchError, match="has no scope classifier"):
        kind.from_tensors({"embeddings": patch.embeddings}, patch.about)


def test_naming_the_subject_needs_no_training(monkeypatch, tmp_path):
    monkeypatch.setenv("SURVEY_CACHE", str(tmp_path))
    model = fresh_model("gpt2")
    with pytest.raises(UntrainedError, match="survey train serac"):
        compute("serac", model, HARBOUR)
    with apply("serac", model, [HARBOUR, BRIDGE], scope="subject"):
        assert model.asked([OUTSIDE]) == [OUTSIDE]
        assert "is in Oslo" in model.asked(["Bramblewick lies near"])[0]


def test_another_embedding_is_another_training(model):
    with pytest.raises(UntrainedError):
        compute("serac", model, HARBOUR, **QUICK, embedding="states:2")


def test_wrong_settings(model):
    with pytest.raises(EditError, match="threshold lies between 0 and 1"):
        compute("serac", model, HARBOUR, threshold=1.5)
    with pytest.raises(EditError, match="at_once must be at least 2"):
        train("serac", model, at_once=1)
    with pytest.raises(EditError, match="hidden must be at least 1"):
        train("serac", model, hidden=0)
    with pytest.raises(EditError, match="outside must be above 0"):
        train("serac", model, outside=0.0)
