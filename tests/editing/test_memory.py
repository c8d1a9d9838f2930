"""Memories of edits: finding, joining, taking out, saving, and what the model reads."""

from __future__ import annotations

import shlex

import pytest
import torch

from survey.editing import Edit, PatchError, apply, compute, embedding, load, memory, save
from survey.editing.edit import EditError
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
    with pytest.raises(PatchError, match="has no scope classifier"):
        check({**about, "settings": {**about["settings"], "scope": "scope-classifier"}}, **tensors)
    with pytest.raises(PatchError, match=r"made with states:9: there is no layer 9"):
        check({**about, "settings": {**about["settings"], "embedding": "states:9"}}, **tensors)


BROKEN = [
    ("ike", {"memory": None}, "not as many embeddings and notes"),
    ("ike", {"memory": [{}]}, "notes of edit 1 cannot be read: ike notes demonstrations"),
    ("ike", {"memory": ["x"]}, "notes of edit 1"),
    ("ike", {"memory": [{"demonstrations": "text"}]}, "notes of edit 1"),
    ("ike", {"memory": [{"demonstrations": [1]}]}, "notes of edit 1"),
    ("mello", {"memory": [{"edit": "another"}]}, "notes of edit 1 cannot be read: mello notes nothing"),
    ("mello", {"edits": None}, "edits"),
    ("mello", {"method": "ike"}, "is one of mello, and this one names 'ike'"),
    ("mello", {"method": None}, "is one of mello"),
    ("mello", {"settings": None}, "which settings it was made with"),
    ("mello", {"rounds": "x"}, "rounds of mello must be int"),
    ("mello", {"rounds": 0}, "rounds must be at least 1"),
    ("mello", {"rounds": None}, "rounds of mello must be int"),
    ("mello", {"generator": None}, "generator of mello must be str"),
    ("mello", {"embedding": 3}, "embedding of mello must be str"),
    ("deepedit", {"depth": [2]}, "depth of deepedit must be int"),
    ("deepedit", {"preset": "a"}, "a setting that deepedit does not have: 'preset'"),
    ("deepedit", {"self": "a"}, "a setting that deepedit does not have: 'self'"),
    ("ike", {"scope": "never"}, "scope of ike must be"),
]


@pytest.mark.parametrize("method, change, message", BROKEN)
def test_files_of_another_form_are_told_without_a_model(method, change, message, tmp_path):
    model = tiny_model("llama")
    patch = compute(method, model, [HARBOUR])
    about = dict(patch.about)
    for name, value in change.items():
        if name in ("memory", "edits", "method", "settings"):
            about[name] = value
        else:
            about["settings"] = {**about["settings"], name: value}
    save(type(patch)(about, patch.embeddings), tmp_path / "a", model)
    with pytest.raises(PatchError, match=message):
        load(tmp_path / "a").listed()


@pytest.mark.parametrize("name", ["memory", "edits", "settings", "method"])
def test_files_with_a_part_missing_are_told_without_a_model(name, tmp_path):
    model = tiny_model("llama")
    patch = compute("ike", model, [HARBOUR])
    del patch.about[name]
    save(patch, tmp_path / "a", model)
    with pytest.raises(PatchError):
        load(tmp_path / "a").listed()


def test_every_setting_must_be_named(tmp_path):
    model = tiny_model("llama")
    patch = compute("mello", model, [HARBOUR])
    del patch.about["settings"]["rounds"]
    save(patch, tmp_path / "a", model)
    with pytest.raises(PatchError, match="which rounds it was made with"):
        load(tmp_path / "a")


def test_settings_of_a_file_are_of_the_kinds_that_the_method_wants(tmp_path):
    model = tiny_model("llama")
    patch = compute("mello", model, [HARBOUR])
    settings = dict(patch.settings)
    patch.about["settings"] = {**settings, "rounds": "4"}
    save(patch, tmp_path / "a", model)
    assert load(tmp_path / "a").settings == settings


def _from_file(model, path, embedding, edits=(HARBOUR, BRIDGE)):
    patch = compute("ike", model, list(edits), copy=False)
    patch.about["settings"]["embedding"] = embedding
    save(patch, path, model)
    return load(path)


@pytest.mark.parametrize("name", ["somebody/model", "/some/folder", "states-foo/model", "states:x", "states:", "minilm2", "", "all"])
def test_a_file_does_not_decide_which_embedding_is_loaded(name, tmp_path, monkeypatch):
    model = tiny_model("llama")
    monkeypatch.delenv("SURVEY_EMBEDDING", raising=False)
    loaded = []
    monkeypatch.setattr(embedding, "_sentences", lambda name: loaded.append(name))
    patch = _from_file(model, tmp_path / "a", name)
    # What is made of it is from a file, too.
    for some in (patch, patch.without([1]), patch + patch, patch.without([0]).without([0])):
        with pytest.raises(PatchError, match="be loaded as its embedding: set SURVEY_EMBEDDING="), apply(some, model):
            pass
    with pytest.raises(PatchError, match="SURVEY_EMBEDDING"):
        load(tmp_path / "a", model)
    assert loaded == []
    monkeypatch.setenv("SURVEY_EMBEDDING", name)
    patch.check(model)
    monkeypatch.setenv("SURVEY_EMBEDDING", name + "/other")
    with pytest.raises(PatchError, match="SURVEY_EMBEDDING"):
        patch.check(model)


@pytest.mark.parametrize("name", ["states", "states:0", "states:-1", "minilm"])
def test_embeddings_that_a_file_may_name(name, tmp_path, monkeypatch):
    model = tiny_model("llama")
    monkeypatch.delenv("SURVEY_EMBEDDING", raising=False)
    _from_file(model, tmp_path / "a", name).check(model)


def test_an_embedding_of_states_is_one_by_its_whole_name(monkeypatch):
    """Others may have another size."""
    model = tiny_model("llama")
    patch = compute("ike", model, [HARBOUR])
    patch.about["settings"]["embedding"] = "states-foo/model"
    patch.embeddings = patch.embeddings[:, :7]
    patch.check(model)
    for name in ("states:--1", "states:\u0661"):
        with pytest.raises(EditError, match="names no layer"):
            embedding.embedder(name, model)
    patch.about["settings"]["embedding"] = "states"
    with pytest.raises(PatchError, match="have size 7"):
        patch.check(model)


def test_embeddings_of_another_size_than_those_of_a_query_are_told(monkeypatch):
    model = tiny_model("llama")
    patch = compute("ike", model, [HARBOUR, BRIDGE])
    patch.about["settings"]["embedding"] = "minilm"
    monkeypatch.setattr(memory, "embedder", lambda name, model: embedding.states(model))
    patch.embeddings = patch.embeddings[:, :7]
    with apply(patch, model), pytest.raises(PatchError, match="have size 7, and those of minilm 32"):
        model.asked([HARBOUR.text])


def test_a_name_in_a_line_to_paste_is_quoted(tmp_path, monkeypatch):
    model = tiny_model("llama")
    monkeypatch.delenv("SURVEY_EMBEDDING", raising=False)
    name = "a; rm -rf $HOME 'b'"
    with pytest.raises(PatchError) as told:
        _from_file(model, tmp_path / "a", name).check(model)
    command = str(told.value).partition("SURVEY_EMBEDDING=")[2].removesuffix(" if that is wanted")
    assert shlex.split(command) == [name]
    for hidden in ("a\nexport PATH=b", "a\x1b[2J", "a\u202eb"):
        with pytest.raises(PatchError, match="characters that cannot be seen") as told:
            _from_file(model, tmp_path / "a", hidden).check(model)
        assert str(told.value).isprintable() and "SURVEY_EMBEDDING" not in str(told.value)


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
