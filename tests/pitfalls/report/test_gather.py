"""A report tells what the model says: every number is looked up in the model itself."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
import torch

from survey.editing.edit import Edit, EditError
from survey.editing.language_model import LanguageModel
from survey.editing.patch import Change, WeightPatch
from survey.editing.report import bits
from survey.editing.session import apply, compute
from survey.pitfalls.metrics.texts import mentioned
from survey.pitfalls.report import gather
from survey.pitfalls.report.questions import lines
from survey.pitfalls.suite import task
from tests.editing.tiny import fresh_model, tiny_model
from tests.pitfalls.report.conftest import EDIT, HOW, YOURS


@pytest.fixture(scope="module")
def patch(model):
    return compute("fine-tuning", model, [EDIT], seed=3, layers=(), lr=0.02)


def rows(report):
    return [row for some in report.edits[0].groups.values() for row in some] + list(report.facts)


def test_every_reply_is_the_model_s(report, model, patch):
    def check(when: str, model: LanguageModel):
        for row in rows(report)[::3]:
            reply, line = getattr(row, when), row.line
            assert reply.next == model.most_probable(line.prompt, 1)[0][0]
            assert model.generate(line.prompt, 30).startswith(reply.text[:5])
            if line.right:
                assert reply.p == pytest.approx(model.probability(line.prompt, line.right), rel=1e-3)
                [(_, said)] = model.target_log_probabilities([(line.prompt, line.right)])
                assert reply.exact == bool(said.all())
            else:
                assert reply.p is None and reply.exact is None
            if line.right and line.against:
                assert reply.p_against == pytest.approx(model.probability(line.prompt, line.against), rel=1e-3)

    check("before", model)
    with apply(patch, model) as edited:
        check("after", edited)


def test_the_edit_s_own_prompt(report, model, patch):
    told = report.edits[0]
    assert told.before.p_target == pytest.approx(model.probability(EDIT.text, "Oslo"), rel=1e-3)
    assert told.after.p_target > 0.9 > told.before.p_target and told.exact and told.says
    assert told.next[0][0] == " Oslo" and told.next[0][2] == pytest.approx(told.after.p_target, rel=1e-3)
    for token, before, _ in told.next:
        assert 0 <= before <= 1 and isinstance(token, str)
    assert {token for token, *_ in told.next} >= {token for token, _ in model.most_probable(EDIT.text, 6)}


def test_what_is_asked_is_what_the_questions_say(report):
    found = lines(EDIT, YOURS)
    assert {group: tuple(row.line for row in some) for group, some in report.edits[0].groups.items()} == found
    assert len(report.facts) == 20


def test_divergence_and_order_of_the_other_facts(report, model, patch):
    kls = [row.kl for row in report.facts]
    assert kls == sorted(kls, reverse=True) and kls[-1] >= 0
    row = report.facts[0]
    before = model.next_logits([row.line.prompt])[0].double().log_softmax(-1)
    with apply(patch, model) as edited:
        after = edited.next_logits([row.line.prompt])[0].double().log_softmax(-1)
    assert row.kl == pytest.approx((after.exp() * (after - before)).sum().item(), rel=1e-3)
    assert row.same_next == (before.argmax() == after.argmax()).item()
    assert report.facts_changed == sum(not row.same_next for row in report.facts)


def test_counts(report):
    told = report.edits[0]
    before, after, count = told.kept_or_new("paraphrase")
    some = told.groups["paraphrase"]
    assert (before, after, count) == (sum(r.before.exact for r in some), sum(r.after.exact for r in some), len(some))
    assert told.kept_or_new("about") is None and told.kept_or_new("relation") is None
    assert told.of_target[2] == len(told.groups["target"])
    named = tuple(sum(mentioned(["old museum"], getattr(row, when).text) for row in told.groups["target"]) for when in ("before", "after"))
    assert told.of_target[:2] == named
    tells = [row for row in report.facts if row.line.against]
    assert report.target_told == (
        sum(mentioned(["Oslo"], r.before.text) for r in tells), sum(mentioned(["Oslo"], r.after.text) for r in tells), len(tells),
    )  # fmt: skip
    # Fine-tuned on one sentence, this model says nothing else any more.
    assert report.target_told[1] > report.target_told[0]


def test_perplexity_is_that_of_the_suite_s_texts(report, model):
    texts = [item.answers[0] for item in task("language-modelling").items]
    nll = tokens = 0.0
    for text in texts:
        ids = torch.tensor([model.tokens(text).ids])
        with torch.no_grad():
            log_p = model.network(ids).logits[0, :-1].log_softmax(-1)
        nll -= log_p.gather(1, ids[0, 1:, None]).sum().item()
        tokens += ids.shape[1] - 1
    language = report.language
    assert language.before == pytest.approx(math.exp(nll / tokens), rel=1e-3)
    assert language.ratio.value == pytest.approx(language.after / language.before, rel=1e-6)
    assert language.ratio.low <= language.ratio.value <= language.ratio.high
    assert language.texts == len(texts) and language.worst[0] in texts and 0 <= language.worse <= len(texts)


def test_what_was_done(report, model, patch):
    assert (report.method, report.method_name, report.seed) == ("fine-tuning", "FT", 3)
    assert [w.name for w in report.weights] == [name for name in model.parameters if name in patch.changes]
    for told in report.weights:
        change = patch.changes[told.name].full()
        assert told.relative_norm == pytest.approx((change.norm() / model.parameters[told.name].norm()).item(), rel=1e-4)
        assert told.shape == tuple(change.shape)
    layered = [w for w in report.weights if ".layers." in w.name]
    assert layered and all(f"layers.{w.layer}." in w.name for w in layered)
    assert report.relative_norm == pytest.approx(max(w.relative_norm for w in report.weights))
    assert report.fingerprint == model.fingerprint and report.restored and report.bytes == patch.bytes


def test_the_model_is_given_back(model):
    before = bits(model)
    report = gather(model, [EDIT], facts=2, **HOW)
    assert report.restored and bits(model) == before and not model.patches


def test_a_model_that_is_not_given_back_is_told_of(monkeypatch):
    model = fresh_model("gpt2")
    remove = LanguageModel.remove

    def careless(self, patch):
        remove(self, patch)
        next(iter(self.parameters.values())).data.view(-1)[0] += 1e-3

    monkeypatch.setattr(LanguageModel, "remove", careless)
    assert gather(model, [EDIT], facts=2, **HOW).restored is False


def test_a_patch_brings_its_own_edits(model, patch, report):
    found = gather(model, patch=patch, yours=YOURS, facts=20, command=report.command, made_on=report.made_on)
    assert replace(found, seconds=0) == replace(report, seconds=0)
    with pytest.raises(EditError, match="names no edit"):
        gather(model, patch=WeightPatch({}, {}))
    with pytest.raises(EditError, match="no edit to make"):
        gather(model, [], method="fine-tuning")


def test_of_many_edits_the_first_are_told_of(model):
    name = model.down_name(1)
    change = Change(dense=torch.zeros_like(model.parameters[name]))
    edits = [{"prompt": "{} is in", "subject": f"Museum {n}", "target": "Oslo", "was": None} for n in range(7)]
    report = gather(model, patch=WeightPatch({"method": "memit", "edits": edits}, {name: change}), facts=3)
    assert (len(report.edits), report.all_edits) == (5, 7)
    # A change of nothing changes nothing.
    assert all(row.same_next and row.same_text and row.kl == 0 for row in rows(report)) and report.facts_changed == 0
    assert report.language.worse == 0 and report.language.ratio.value == 1


def test_a_collapsed_model_is_a_result(model):
    name = model.down_name(1)
    change = Change(dense=torch.full_like(model.parameters[name], math.nan))
    edits = [{"prompt": EDIT.prompt, "subject": EDIT.subject, "target": "Oslo", "was": "Rome"}]
    report = gather(model, patch=WeightPatch({"method": "rome", "edits": edits}, {name: change}), facts=5)
    assert report.facts_changed == 5 and not any(row.same_text for row in report.facts)
    assert math.isnan(report.language.after) and not report.edits[0].exact and report.restored
    assert json.loads(json.dumps(report.record(), allow_nan=False))["language"]["after"] is None


def test_tasks_are_asked_on_demand(report, monkeypatch):
    assert report.tasks == ()
    from survey.pitfalls.suite import proving, sets

    monkeypatch.setattr(sets, "task", lambda id: replace(task(id), items=task(id).items[:4]))
    monkeypatch.setattr("survey.pitfalls.suite.task", sets.task)
    model = tiny_model("llama")
    found = gather(model, [EDIT], facts=2, tasks=True, **HOW).tasks
    assert [t.id for t in found] == ["sentiment-analysis", "reasoning", "open-domain-qa", "summarisation"]
    for told in found:
        asked = proving.prove_task(model, sets.task(told.id))
        assert told.before.value == asked["value"] and told.before.n == told.after.n == 4 and told.metric == asked["metric"]
        assert told.before.low <= told.before.value <= told.before.high


def test_record_is_plain_and_complete(report):
    found = report.record()
    assert json.loads(json.dumps(found, allow_nan=False)) == json.loads(json.dumps(found))
    assert found["edits"][0]["edit"] == {"prompt": EDIT.prompt, "subject": EDIT.subject, "target": "Oslo", "was": "Rome"}
    assert found["edits"][0]["right"]["paraphrase"] == list(report.edits[0].kept_or_new("paraphrase"))
    assert set(found["language"]["ratio"]) >= {"value", "low", "high"} and found["facts"][0]["line"]["prompt"]
    assert Edit(**found["edits"][0]["edit"]) == EDIT
