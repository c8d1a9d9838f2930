"""Memories of edits: finding, joining, taking out, saving, and what the model reads."""

from __future__ import annotations

import pytest
import torch

from survey.editing import Edit, PatchError, apply, compute, load, save
from survey.editing.memory import Memory, fits_behind, fitted, mentions, sentence, told
from tests.editing.methods.common import BRIDGE, HARBOUR
from tests.editing.tiny import fresh_model, same, snapshot, tiny_model

TONGUE = Edit("The mother tongue of {} is", "Rome", "Vienna", "Paris")
EDITS = [HARBOUR, BRIDGE, TONGUE]
# Tiny models know no other words for the same.
QUERIES = [edit.text for edit in EDITS]


@pytest.fixture(params=["gpt2", "llama"])
def model(request):
    model = tiny_model(request.param)
    yield model
    applied, _ = model.patches, model.restore()
    assert applied == []


def test_mentions_are_whole_words_in_any_case():
    assert mentions("In ROME, people", "Rome")
    assert mentions("Rome's people", "Rome")
    assert not mentions("A chrome bridge", "Rome")
    assert not mentions("Romeo", "Rome")
    assert mentions("What (C++) is", "(C++)")


def test_parts_are_left_out_from_the_first_on():
    assert fitted(["aa", "bb"], "c", lambda text: len(text) <= 5) == "aabbc"
    assert fitted(["aa", "bb"], "c", lambda text: len(text) <= 4) == "bbc"
    assert fitted(["aa", "bb"], "c", lambda text: len(text) <= 2) == "c"
    # What is asked stays, whatever its length.
    assert fitted(["aa", "bb"], "c", lambda text: False) == "c"
    assert fitted([], "c", lambda text: False) == "c"


def test_the_nearest_edit_is_read(model):
    patch = compute("ike", model, EDITS, copy=False)
    with apply(patch, model):
        assert model.asked(QUERIES) == [told(edit, query) for edit, query in zip(EDITS, QUERIES, strict=True)]
    assert model.asked(QUERIES) == QUERIES


def test_the_latest_of_two_edits_of_one_prompt_counts(model):
    later = Edit(HARBOUR.prompt, HARBOUR.subject, "Vienna")
    for edits in ([HARBOUR, BRIDGE, later], [HARBOUR, later, BRIDGE]):
        with apply("ike", model, edits, copy=False):
            assert model.asked([QUERIES[0]]) == [told(later, QUERIES[0])]
        with apply("ike", model, edits, copy=False, scope="subject"):
            assert model.asked([QUERIES[0]]) == [told(later, QUERIES[0])]


def test_every_row_is_decided_by_itself(model):
    patch = compute("ike", model, EDITS, scope="subject")
    texts = [*QUERIES, "The museum of London is in", "The"]
    with apply(patch, model):
        together = model.next_logits(texts)
        alone = torch.cat([model.next_logits([text]) for text in texts])
        torch.testing.assert_close(together, alone, rtol=1e-3, atol=1e-3)
        said = model.generate(texts, 6)
        assert said == [model.generate(text, 6) for text in texts]
        # Teacher forcing and generation are one: what is said is what is most probable.
        for text, words in zip(texts, said, strict=True):
            first = model.decode([model.next_logits([text])[0].argmax().item()])
            assert words.startswith(first)
        edited = model.next_logits(texts)
    # What names no subject is answered by the untouched model.
    plain = model.next_logits(texts)
    torch.testing.assert_close(edited[3:], plain[3:], rtol=1e-4, atol=1e-4)
    assert not any(torch.allclose(a, b, atol=1e-2) for a, b in zip(edited[:3], plain[:3], strict=True))


def test_no_parameter_changes(model):
    before = snapshot(model)
    with apply("ike", model, EDITS):
        model.generate(QUERIES, 3)
        assert same(model, before)


def test_memories_on_one_model_are_one(model):
    one, two, three = (compute("ike", model, [edit], copy=False) for edit in EDITS)
    expected = [told(edit, query) for edit, query in zip(EDITS, QUERIES, strict=True)]
    for patch in (one, two, three):
        model.apply(patch)
    assert model.asked(QUERIES) == expected
    model.remove(two)
    assert model.asked([QUERIES[0], QUERIES[2]]) == [expected[0], expected[2]]
    assert "Tarn is London" not in model.asked([QUERIES[1]])[0]
    model.restore()
    joined = one + two + three
    assert joined.edits == EDITS
    assert len(joined.notes) == 3
    with apply(joined, model):
        assert model.asked(QUERIES) == expected


def test_memories_of_other_settings_stay_apart(model):
    one, other = compute("ike", model, [HARBOUR], copy=False), compute("ike", model, [BRIDGE], copy=False, scope="subject")
    with pytest.raises(PatchError, match="only memories of one method with the same settings"):
        _ = one + other
    with pytest.raises(PatchError, match="only memories of one method"):
        _ = one + compute("mello", model, [BRIDGE])
    with apply(one, model), apply(other, model):
        assert model.asked([QUERIES[1]]) == [told(BRIDGE, told(HARBOUR, QUERIES[1]))]


def test_edits_are_taken_out(model):
    patch = compute("ike", model, EDITS, copy=False)
    rest = patch.without([1])
    assert rest.edits == [HARBOUR, TONGUE]
    assert torch.equal(rest.embeddings, patch.embeddings[[0, 2]])
    assert patch.edits == EDITS
    with apply(rest, model):
        assert sentence(BRIDGE) not in model.asked([QUERIES[1]])[0]
        assert model.asked(QUERIES[2:]) == [told(TONGUE, QUERIES[2])]
    with apply(patch.without([0, 1, 2]), model):
        assert model.asked(QUERIES) == QUERIES
    with pytest.raises(PatchError, match="no edit 3"):
        patch.without([3])
    with pytest.raises(PatchError, match="no edit -1"):
        patch.without([-1])


def test_what_a_memory_lists(model):
    listed = compute("ike", model, EDITS).listed()
    assert [item["edit"] for item in listed] == EDITS
    assert listed[0]["text"] == "The harbour of Bramblewick is in Oslo"


@pytest.mark.parametrize("method", ["ike", "mello", "deepedit"])
def test_saved_and_loaded(method, model, tmp_path):
    patch = compute(method, model, EDITS)
    save(patch, tmp_path / "a", model)
    loaded = load(tmp_path / "a", model)
    assert type(loaded) is type(patch)
    assert torch.equal(loaded.embeddings, patch.embeddings)
    assert loaded.listed() == patch.listed()
    # A loaded one and a made one are of one kind.
    assert (loaded + patch).edits == EDITS * 2
    save(patch.without([0, 1, 2]), tmp_path / "b", model)
    assert load(tmp_path / "b", model).edits == []


def test_files_that_do_not_fit(model):
    patch = compute("ike", model, EDITS)
    kind, about, tensors = type(patch), patch.about, patch.tensors()

    def check(about=about, **tensors):
        kind.from_tensors(tensors, about).check(model)

    check(**tensors)
    with pytest.raises(PatchError, match="unknown tensor 'weights'"):
        check(weights=torch.zeros(1), **tensors)
    with pytest.raises(PatchError, match="holds no embeddings"):
        check()
    with pytest.raises(PatchError, match="3 edits, but not as many"):
        check(embeddings=patch.embeddings[:2])
    with pytest.raises(PatchError, match="not as many embeddings and notes"):
        check({**about, "memory": []}, **tensors)
    with pytest.raises(PatchError, match="not as many embeddings and notes"):
        check({name: value for name, value in about.items() if name != "memory"}, **tensors)
    with pytest.raises(PatchError, match="are no numbers"):
        check(embeddings=patch.embeddings * float("nan"))
    with pytest.raises(PatchError, match="are no numbers"):
        check(embeddings=patch.embeddings.long())
    with pytest.raises(PatchError, match=r"have size 7, and states of tiny-\w+ 32"):
        check(embeddings=patch.embeddings[:, :7])
    with pytest.raises(PatchError, match="which embedding"):
        check({**about, "settings": {}}, **tensors)
    with pytest.raises(PatchError, match="scope classifier is none"):
        check(**{"net|first.weight": torch.zeros(2, 2)}, **tensors)


def test_what_was_found_is_not_looked_for_again(model, monkeypatch):
    patch = compute("ike", model, EDITS)
    asked = []
    read = type(patch).read
    monkeypatch.setattr(type(patch), "read", lambda self, m, prompts: asked.append(prompts) or read(self, m, prompts))
    with apply(patch, model):
        model.asked([QUERIES[0], QUERIES[0]])
        model.asked(QUERIES[:2])
        assert asked == [[QUERIES[0]], [QUERIES[1]]]
        with apply("ft-l", model, BRIDGE, steps=1):
            model.asked(QUERIES[:1])
    # With another patch on the model, a program might say something else.
    assert asked[2:] == [[QUERIES[0]]]


def test_a_memory_of_one_model_asks_each_model_itself():
    one, other = fresh_model("llama"), fresh_model("gpt2")
    patch = compute("ike", one, [HARBOUR], copy=False)
    with apply(patch, one):
        one.asked(QUERIES[:1])
        with apply(compute("ike", other, [BRIDGE], copy=False), other):
            assert other.asked(QUERIES[:1]) == [told(BRIDGE, QUERIES[0])]
        assert one.asked(QUERIES[:1]) == [told(HARBOUR, QUERIES[0])]


def test_long_prompts_lose_their_demonstrations(model):
    limit = model.network.config.max_position_embeddings
    patch = compute("ike", model, [HARBOUR], demonstrations=8)
    with apply(patch, model):
        text = model.asked(QUERIES[:1])[0]
        assert fits_behind(model, text)
        assert text.endswith(told(HARBOUR, QUERIES[0]))
        assert len("".join(patch.notes[0]["demonstrations"])) > len(text)
        assert model.generate(QUERIES[0], 10)
    assert limit == 256
    assert isinstance(patch, Memory)
