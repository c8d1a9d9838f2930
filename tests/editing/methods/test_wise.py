"""WISE: distances, routing row by row, merging, and side memories beside each other."""

from __future__ import annotations

import pytest
import torch

from survey.editing import EditError, PatchError, apply, compute, load, save
from survey.editing.language_model import Reading
from survey.editing.methods.wise import SidePatch, mean_distance, routed_by, ties
from survey.editing.structure import matrix
from tests.editing.methods.common import BRIDGE, HARBOUR, make
from tests.editing.tiny import tiny_model

QUICK = {"layer": 1, "contexts": ((1, 3),), "lr": 0.02, "steps": 30}
ELSEWHERE = "People in Paris speak of the river"
architectures = pytest.mark.parametrize("architecture", ["gpt2", "llama", "opt"])


def test_the_router_counts_the_tokens_of_the_prompt_but_the_first():
    mask = torch.tensor([[0, 1, 1, 1, 1], [1, 1, 1, 0, 0], [1, 1, 0, 0, 0]]).bool()
    found = routed_by(mask, torch.tensor([3, 2, 0]))
    assert found.int().tolist() == [[0, 0, 1, 1, 0], [0, 1, 1, 0, 0], [1, 0, 0, 0, 0]]


def test_the_distance_is_the_mean_over_tokens():
    generator = torch.Generator().manual_seed(0)
    keys, change = torch.randn(2, 3, 5, generator=generator), torch.randn(4, 5, generator=generator)
    counts = torch.tensor([[True, True, False], [False, True, True]])
    found = mean_distance(keys, change, counts)
    for row, columns in ((0, (0, 1)), (1, (1, 2))):
        expected = sum((change @ keys[row, c]).norm() for c in columns) / 2
        torch.testing.assert_close(found[row], expected)


@pytest.mark.parametrize("changes, density, expected", [
    # Trimmed to the larger half of each; where signs differ, the weightier one counts.
    ([[4.0, -3, 1, 0], [2, 1, -5, 0]], 0.5, [3, -3, -5, 0]),
    ([[4.0, -3, 1, 0], [2, 1, -5, 0]], 1.0, [3, -3, -5, 0]),
    ([[4.0, 2, 0, 0], [2, -6, 0, 0], [-1, 3, 0, 0]], 0.5, [3, -6, 0, 0]),
    # Shards that write different entries do not weaken each other.
    ([[4.0, 0, 0, 0], [0, 0, -2, 0]], 0.25, [4, 0, -2, 0]),
])  # fmt: skip
def test_shards_are_merged_by_ties(changes, density, expected):
    found = ties(torch.tensor(changes).view(-1, 2, 2), density)
    assert found.shape == (2, 2)
    assert found.flatten().tolist() == expected


@pytest.mark.parametrize("architecture", ["gpt2", "llama"])
def test_rows_of_a_batch_are_routed_apart(architecture):
    model = tiny_model(architecture)
    before = model.next_logits([HARBOUR.text, ELSEWHERE])
    patch = make("wise", model, HARBOUR, **QUICK)
    with apply(patch, model):
        alone = model.next_logits([HARBOUR.text])
        both = model.next_logits([HARBOUR.text, ELSEWHERE])
    torch.testing.assert_close(both[1], before[1], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(both[0], alone[0], rtol=1e-3, atol=1e-3)
    assert (both[0] - before[0]).abs().max() > 0.1


@architectures
def test_a_routed_row_reads_the_side_memory_with_all_its_tokens(architecture):
    model = tiny_model(architecture)
    patch = make("wise", model, HARBOUR, **QUICK)
    with apply(patch, model):
        routed = model.next_logits([HARBOUR.text])
    # The same as the change written into the weights.
    parameter = model.writable(model.down_name(1))
    matrix(model.down(1)).data.add_(patch.changes[0])
    try:
        written = model.next_logits([HARBOUR.text])
    finally:
        model.restore()
    assert parameter is not None
    torch.testing.assert_close(routed, written, rtol=1e-3, atol=1e-3)


@architectures
def test_generation_is_teacher_forcing(architecture):
    model = tiny_model(architecture)
    prompts = [HARBOUR.text, "The river of Paris", ELSEWHERE, BRIDGE.text]
    before = model.generate(prompts, 6)
    with apply("wise", model, [HARBOUR, BRIDGE], batch=1, **QUICK):
        made = model.generate(prompts, 6)
        assert made == [model.generate(prompt, 6) for prompt in prompts]
        for prompt, text in zip(prompts, made, strict=True):
            ids, end = list(model.tokens(prompt).ids), len(model.tokens(prompt)) - 1
            for _ in range(6):
                row = torch.tensor([ids])
                mask = torch.ones_like(row)
                with torch.no_grad():
                    hidden = model.hidden(row, mask, Reading(mask.bool(), torch.tensor([end])))
                    ids.append(int(model.logits(hidden[0, -1]).argmax()))
            new = ids[end + 1 :]
            stop = next((n for n, id in enumerate(new) if id in model.end_ids), len(new))
            assert model.decode(new[:stop]) == text
    assert made != before


def test_only_entries_of_the_mask_are_trained_and_the_margins_hold():
    model = tiny_model("llama")
    patch = make("wise", model, HARBOUR, **QUICK, mask=0.3)
    share = (patch.changes[0] != 0).float().mean().item()
    assert 0.25 < share < 0.35
    ids = model.tokens(HARBOUR.text).ids
    seen = []
    with model.watching([("key", 1)], lambda point, keys: seen.append(keys), stop_after=1), torch.no_grad():
        model.hidden(torch.tensor([ids]), torch.ones(1, len(ids), dtype=torch.long))
    distance = (seen[0][0, 1:] @ patch.changes[0].T).norm(dim=1).mean().item()
    assert patch.thresholds[0].item() == pytest.approx(0.88 * distance, rel=1e-3)


def test_shards_are_trained_apart_and_merged():
    model = tiny_model("llama")
    one = make("wise", model, HARBOUR, **QUICK, mask=0.2)
    both = make("wise", model, [HARBOUR, BRIDGE], **QUICK, mask=0.2, edits_in_shard=1)
    assert both.counts.tolist() == [2]
    # The first shard has the same mask as alone; the second one adds entries of its own.
    mine = one.changes[0] != 0
    assert (both.changes[0][mine] != 0).float().mean() > 0.9
    assert (both.changes[0] != 0).float().mean() > 1.5 * mine.float().mean()
    p = [model.probability(e.text, e.target) for e in (HARBOUR, BRIDGE)]
    with apply(both, model):
        assert all(model.probability(e.text, e.target) > 2 * q for e, q in zip((HARBOUR, BRIDGE), p, strict=True))


def test_a_memory_goes_with_its_edit_and_a_shared_one_stays():
    model = tiny_model("llama")
    sequence = compute("wise", model, [HARBOUR, BRIDGE], batch=1, **QUICK)
    assert [item["memory"] for item in sequence.listed()] == [0, 1]
    before = model.next_logits([HARBOUR.text, BRIDGE.text])
    rest = sequence.without([0])
    assert rest.edits == [BRIDGE]
    alone = SidePatch({}, 1, sequence.changes[1:], sequence.thresholds[1:], sequence.counts[1:])
    with apply(rest, model):
        after = model.next_logits([HARBOUR.text, BRIDGE.text])
    with apply(alone, model):
        assert torch.equal(model.next_logits([HARBOUR.text, BRIDGE.text]), after)
    assert (after[1] - before[1]).abs().max() > 0.1
    together = compute("wise", model, [HARBOUR, BRIDGE], **QUICK)
    assert together.listed()[1] == {"edit": BRIDGE, "memory": 0, "shares_with": 1}
    with pytest.raises(PatchError, match="2 edits into one side memory"):
        together.without([1])
    assert together.without([0, 1]).edits == []
    assert len(together.without([0, 1]).changes) == 0


def test_memories_on_each_other_act_as_their_sum(tmp_path):
    model = tiny_model("gpt2")
    first, second = compute("wise", model, HARBOUR, **QUICK), compute("wise", model, BRIDGE, **QUICK)
    texts = [HARBOUR.text, BRIDGE.text, ELSEWHERE]
    with apply(first + second, model):
        expected = model.next_logits(texts)
    with apply(first, model), apply(second, model):
        torch.testing.assert_close(model.next_logits(texts), expected, rtol=1e-4, atol=1e-4)
    save(first + second, tmp_path / "a", model)
    found = load(tmp_path / "a", model)
    assert found.edits == [HARBOUR, BRIDGE]
    with apply(found, model):
        assert torch.equal(model.next_logits(texts), expected)


def test_tensors_that_do_not_fit_are_refused():
    patch = compute("wise", tiny_model("llama"), HARBOUR, **QUICK)
    tensors = patch.tensors()
    wrong = [
        {**tensors, "counts": torch.tensor([2])},
        {**tensors, "counts": torch.tensor([0])},
        {**tensors, "thresholds": torch.zeros(2)},
        {**tensors, "layer": torch.tensor(1)},
        {name: t for name, t in tensors.items() if name != "changes"},
    ]
    for given in wrong:
        with pytest.raises(PatchError):
            SidePatch.from_tensors(given, patch.about)
    patch.changes = patch.changes[:, :, :5]
    with pytest.raises(PatchError, match=r"the side memory is \[32, 5\]"):
        tiny_model("llama").apply(patch)


def test_the_models_own_text_may_be_all_that_is_irrelevant():
    model = tiny_model("llama")
    before = model.next_logits([HARBOUR.text])
    with apply("wise", model, HARBOUR, **QUICK, others=0):
        assert (model.next_logits([HARBOUR.text]) - before).abs().max() > 0.1


def test_wrong_settings():
    model = tiny_model("llama")
    for name, value in (("mask", 0), ("ratio", 1.5), ("density", -1), ("edits_in_shard", 0), ("others", -1), ("others", 13)):
        with pytest.raises(EditError, match=name):
            compute("wise", model, HARBOUR, **{name: value})
