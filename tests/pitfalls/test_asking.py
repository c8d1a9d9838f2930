"""What a model is asked, and that its answers are those of the model."""

from __future__ import annotations

import math

import pytest
import torch

from survey.pitfalls.asking import (
    Continuation,
    Next,
    Passage,
    Said,
    Text,
    Top,
    answer,
    steady,
    wanted,
)
from tests.editing.tiny import tiny_model

PROMPT = "The museum is located in the city of"
OTHER = "Rome is"
TEXT = "The river is in the city of Paris."


@pytest.fixture(scope="module")
def model():
    return tiny_model("llama")


def test_continuations_are_taken_token_by_token(model):
    [(log_p, said)] = model.target_log_probabilities([(PROMPT, "Bramblewick")])
    assert len(log_p) > 1
    found = answer(model, [ask := Continuation(PROMPT, "Bramblewick")])[ask]
    assert found.tokens == len(log_p)
    assert found.log_p == pytest.approx(log_p.mean().item()) and found.p == pytest.approx(math.exp(found.log_p))
    assert found.right == pytest.approx(said.float().mean().item()) and found.exact == bool(said.all())


def test_the_most_probable_token_is_that_of_the_distribution(model):
    found = answer(model, [Next(PROMPT), Top(PROMPT), Top(OTHER)])
    logits = model.next_logits([PROMPT, OTHER])
    assert found[Next(PROMPT)].top == found[Top(PROMPT)] == int(logits[0].argmax())
    assert found[Top(OTHER)] == int(logits[1].argmax())
    assert found[Next(PROMPT)].log_p.exp().sum().item() == pytest.approx(1, abs=1e-4)


def test_texts_are_said_greedily_each_with_its_own_length(model):
    found = answer(model, [Said(PROMPT, 2), Said(PROMPT, 7), Said(OTHER, 7)])
    assert found[Said(PROMPT, 7)] == Text(model.generate([PROMPT], 7)[0])
    assert found[Said(PROMPT, 2)] == Text(model.generate([PROMPT], 2)[0])
    assert found[Said(OTHER, 7)] == Text(model.generate([OTHER], 7)[0])


def test_a_passage_is_as_improbable_as_its_tokens(model):
    found = answer(model, [Passage(TEXT), Passage(OTHER)])
    ids = torch.tensor([model.tokens(TEXT).ids])
    log_p = model.logits(model.hidden(ids, torch.ones_like(ids)))[0].log_softmax(-1)
    expected = -sum(log_p[i - 1, ids[0, i]].item() for i in range(1, ids.shape[1]))
    assert found[Passage(TEXT)].nll == pytest.approx(expected, rel=1e-4)
    assert found[Passage(TEXT)].tokens == ids.shape[1] - 1


def test_more_prompts_than_fit_at_once_get_the_same_answers(model):
    prompts = [f"{PROMPT} {OTHER} " + "Oslo " * (n % 7) + str(n) for n in range(60)]
    found = answer(model, [Top(prompt) for prompt in prompts])
    assert [found[Top(prompt)] for prompt in prompts[::13]] == [answer(model, [Top(p)])[Top(p)] for p in prompts[::13]]


def test_a_collapsed_model_answers_nothing():
    broken = tiny_model("llama")
    saved = [parameter.data.clone() for parameter in broken.network.parameters()]
    try:
        for parameter in broken.network.parameters():
            parameter.data.fill_(math.nan)
        found = answer(broken, [Continuation(PROMPT, "Rome"), Next(PROMPT), Top(PROMPT), Said(PROMPT, 3), Passage(TEXT)])
    finally:
        for parameter, data in zip(broken.network.parameters(), saved, strict=True):
            parameter.data.copy_(data)
    likelihood = found[Continuation(PROMPT, "Rome")]
    assert math.isnan(likelihood.p) and not likelihood.exact and likelihood.right == 0
    assert found[Next(PROMPT)].top == found[Top(PROMPT)] == -1
    assert found[Said(PROMPT, 3)] == Text("", True)
    assert math.isnan(found[Passage(TEXT)].nll)


def test_what_a_function_wants_is_found_without_a_model():
    def score(prompt, states):
        before, after = states
        return before[Top(prompt)] == after[Top(prompt)], after[Said(prompt, 3)].text

    assert wanted(score, PROMPT, states=2) == ([Top(PROMPT)], [Top(PROMPT), Said(PROMPT, 3)])
    assert steady(score, PROMPT, states=2)


def test_a_function_that_asks_by_what_it_is_told_is_found_out():
    def score(states):
        return [] if states[0][Top(PROMPT)] < 0 else states[0][Top(OTHER)]

    assert not steady(score, states=1)
