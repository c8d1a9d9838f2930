"""Second moments of keys: computed, cached, refused."""

from __future__ import annotations

import pytest
import torch

from survey.editing import EditError, compute, statistics
from survey.editing.edit import Edit
from survey.editing.method import Run
from survey.editing.patch import Change, WeightPatch
from survey.editing.statistics import (
    Moment,
    first_words,
    sampled_rows,
    second_moment,
    second_moments,
)
from tests.editing.tiny import INNER, SENTENCES, fresh_model, same, snapshot

TEXT = "\n\n".join(SENTENCES)


@pytest.fixture(autouse=True)
def few(monkeypatch, tmp_path):
    """Short texts, and a cache of its own for each test."""
    monkeypatch.setattr(statistics, "_TEXTS", 14)
    monkeypatch.setattr(statistics, "_LENGTH", 24)
    monkeypatch.setenv("SURVEY_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def directly(model, rows, layer, first=1):
    """E[k k^T] by whole passes of one row each, from position `first` on, and the number of keys."""
    keys = []

    def see(module, args):
        keys.append(args[0].reshape(-1, INNER)[first:].double())

    handle = model.down(layer).register_forward_pre_hook(see)
    with torch.no_grad():
        for row in rows:
            model.network(torch.tensor([row]))
    handle.remove()
    keys = torch.cat(keys)
    return keys.T @ keys / len(keys), len(keys)


@pytest.mark.parametrize("architecture", ["gpt2", "llama", "opt"])
def test_the_second_moment_is_that_of_sampled_text(architecture):
    model = fresh_model(architecture)
    rows = sampled_rows(model)
    assert rows.shape == (14, 24)
    moments = second_moments(model, [2, -4])
    assert set(moments) == {2, 0}
    for layer, moment in moments.items():
        expected, count = directly(model, rows.tolist(), layer)
        assert moment.tokens == count == 14 * 23
        assert moment.matrix.dtype == torch.float64
        torch.testing.assert_close(moment.matrix, expected, rtol=1e-4, atol=1e-5)
        assert moment.layer == layer
    assert second_moment(model, -2).matrix is moments[2].matrix


def test_sampled_text_is_as_surprising_as_it_should_be():
    """At temperature 1 a token's information is, on average, the entropy of its place."""
    model = fresh_model("llama")
    rows = sampled_rows(model)
    assert (rows[:, 0] == 0).all()
    assert torch.equal(rows, sampled_rows(fresh_model("llama")))
    assert len({tuple(row) for row in rows.tolist()}) == 14
    with torch.no_grad():
        log_p = model.network(rows).logits[:, :-1].log_softmax(-1)
    surprise = -log_p.gather(2, rows[:, 1:, None]).mean()
    entropy = -(log_p.exp() * log_p).sum(-1).mean()
    assert surprise.item() == pytest.approx(entropy.item(), abs=0.2)


def test_statistics_are_cached_on_disk(few, monkeypatch):
    model = fresh_model("gpt2")
    before = snapshot(model)
    moments = second_moments(model, [1, 2])
    assert same(model, before)
    files = sorted(path.name for path in (few / "statistics" / model.fingerprint).iterdir())
    assert files == ["sampled-14x24-0.ids.safetensors"] + [f"sampled-14x24-0.layer-{n}.safetensors" for n in (1, 2)]

    def never(*_, **__):
        raise AssertionError("this was cached")

    monkeypatch.setattr(statistics, "_measure", never)
    monkeypatch.setattr(statistics, "continue_tokens", never)
    other = fresh_model("gpt2")
    for layer, moment in second_moments(other, [2, 1]).items():
        # Bit for bit, so that a method gives the same with and without a cache.
        assert torch.equal(moment.matrix, moments[layer].matrix)
        assert (moment.tokens, moment.source) == (moments[layer].tokens, moments[layer].source)
    assert torch.equal(sampled_rows(other), sampled_rows(model))
    with pytest.raises(AssertionError, match="cached"):
        second_moments(other, [3])
    # Another model has none of it.
    with pytest.raises(AssertionError, match="cached"):
        second_moments(fresh_model("llama"), [1])


@pytest.mark.parametrize("damage", [b"", b"{}", b"\x08\0\0\0\0\0\0\0{}      "])
def test_a_broken_cache_is_made_anew(few, damage):
    expected = second_moment(fresh_model("gpt2"), 1).matrix
    for path in few.rglob("*.safetensors"):
        path.write_bytes(damage or path.read_bytes()[:60])
    assert torch.equal(second_moment(fresh_model("gpt2"), 1).matrix, expected)
    # And stays whole from then on.
    assert torch.equal(second_moment(fresh_model("gpt2"), 1).matrix, expected)


@pytest.mark.parametrize("setting", ["off", "file"])
def test_without_a_cache(few, monkeypatch, setting):
    expected = second_moment(fresh_model("gpt2"), 1).matrix
    (few.parent / "file").write_text("no folder")
    monkeypatch.setenv("SURVEY_CACHE", "off" if setting == "off" else str(few.parent / "file"))
    assert torch.equal(second_moment(fresh_model("gpt2"), 1).matrix, expected)


def test_an_edited_model_has_the_statistics_of_the_unedited_one():
    expected = second_moment(fresh_model("gpt2"), 2)
    model = fresh_model("gpt2")
    model.apply(WeightPatch(changes={model.down_name(0): Change(dense=torch.randn(INNER, 32))}))
    edited = snapshot(model)
    found = second_moment(model, 2, Run(text=TEXT * 2))
    assert same(model, edited)
    assert torch.equal(second_moment(model, 2).matrix, expected.matrix)
    assert torch.equal(found.matrix, second_moment(fresh_model("gpt2"), 2, Run(text=TEXT * 2)).matrix)


def test_a_text_can_be_given():
    model = fresh_model("gpt2")
    moment = second_moment(model, 1, Run(text=TEXT))
    ids = [i for line in SENTENCES for i in model.tokenizer(line + "\n").input_ids]
    rows = [[0, *ids[i : i + 23]] for i in range(0, len(ids), 23)]
    expected, count = directly(model, rows, 1)
    assert moment.tokens == count == len(ids)
    torch.testing.assert_close(moment.matrix, expected, rtol=1e-4, atol=1e-5)
    other = second_moment(model, 1, Run(text=TEXT + "\nRome."))
    assert other.source != moment.source
    assert not torch.equal(other.matrix, moment.matrix)


def test_a_long_text_is_read_in_part(monkeypatch):
    monkeypatch.setattr(statistics, "_MOST_TOKENS", 200)
    assert second_moment(fresh_model("gpt2"), 1, Run(text=TEXT * 9)).tokens == 200


@pytest.mark.parametrize("text", ["", "\n \n", "Rome is a city."])
def test_a_text_that_is_too_short(text):
    with pytest.raises(EditError, match=r"has \d+ tokens, and at least 128 are needed"):
        second_moment(fresh_model("gpt2"), 1, Run(text=text))


@pytest.mark.parametrize("method", ["rome", "r-rome", "emmet", "memit", "pmet"])
def test_a_text_that_says_the_same_all_the_time(method):
    model = fresh_model("gpt2", blocks=7)
    before = snapshot(model)
    edit = Edit("The harbour of {} is in", "Bramblewick", "Oslo")
    with pytest.raises(EditError, match=r"at layer \d is singular \(from .* tokens for 64 dimensions\).*--stats-text"):
        compute(method, model, edit, text="a\n" * 300, steps=2, contexts=((1, 2),))
    assert same(model, before)


def test_first_positions_count_where_edits_are_made_there():
    model = fresh_model("gpt2")
    vocabulary = model.tokenizer.get_vocab()
    # Byte-level vocabularies write a blank as a letter: "Ġthe" stands behind one, so it begins no text.
    words = sorted(i for t, i in vocabulary.items() if t.isascii() and t.isalpha() and t[0].isupper())
    assert any(t.startswith("Ġ") and t.isalpha() for t in vocabulary)
    assert sorted(first_words(model)) == words
    first, count = directly(model, [[i] for i in words], 1, first=0)
    assert count == len(words) > 20
    plain = second_moment(model, 1)
    moment = second_moment(model, 1, Run(first=True))
    torch.testing.assert_close(moment.matrix, plain.matrix + first, rtol=1e-4, atol=1e-5)
    assert second_moment(model, 1).matrix is plain.matrix


def moment_of(matrix):
    return Moment(matrix.double(), 1234, "here", 3)


def test_condition_and_solution():
    generator = torch.Generator().manual_seed(0)
    turn = torch.linalg.qr(torch.randn(6, 6, generator=generator, dtype=torch.float64)).Q
    moment = moment_of(turn @ torch.diag(torch.tensor([1.0, 2, 3, 4, 5, 1000]).double()) @ turn.T)
    assert moment.condition == pytest.approx(1000, rel=1e-9)
    values, vectors = moment.eigen
    torch.testing.assert_close(values, torch.tensor([1.0, 2, 3, 4, 5, 1000]).double())
    torch.testing.assert_close(vectors @ torch.diag(values) @ vectors.T, moment.matrix)
    keys = torch.randn(6, 2, generator=generator)
    torch.testing.assert_close(moment.solve(keys), torch.linalg.inv(moment.matrix) @ keys.double())


@pytest.mark.parametrize("values", [[1.0, 1, 0], [1.0, 1, -1], [1.0, 1, 1e-13], [0.0, 0, 0]])
def test_a_singular_matrix_is_refused(values):
    with pytest.raises(EditError, match=r"at layer 3 is singular \(from 1,234 tokens for 3 dimensions\)"):
        moment_of(torch.diag(torch.tensor(values))).solve(torch.ones(3, 1))


def test_a_matrix_that_is_merely_ill_conditioned_is_solved():
    moment = moment_of(torch.diag(torch.tensor([1.0, 1e-9])))
    assert moment.condition == pytest.approx(1e9, rel=1e-6)
    torch.testing.assert_close(moment.solve(torch.ones(2, 1))[:, 0], torch.tensor([1, 1e9]).double(), rtol=1e-6, atol=0)
