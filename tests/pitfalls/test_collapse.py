"""The study of ROME's collapse: what each part edits, on which texts."""

from __future__ import annotations

from dataclasses import replace

import pytest

pytest.importorskip("torch")

from survey.editing.edit import Edit
from survey.errors import UserError
from survey.pitfalls import collapse
from survey.pitfalls.case import Case, Question
from survey.site.collapse import PARTS
from tests.editing.tiny import tiny_model


@pytest.fixture(scope="module")
def model():
    return tiny_model("llama")


def case(subject: str, *paraphrases: str) -> Case:
    edit = Edit("People speak of {} and of", subject, "Oslo", "Paris")
    return Case(subject, (edit,), {"paraphrase": tuple(Question(p, ("Oslo",), "Paris") for p in paraphrases)})


def test_a_subject_is_first_where_one_token_begins_the_text(model):
    assert [len(model.tokens(f"{word} is")) for word in ("Rome", "Bramblewick")] == [2, pytest.approx(8, abs=6)]
    cases = [
        case("Rome", "The city of Rome is in", "Rome is located in"), case("Bramblewick", "Bramblewick is located in"),
        case("Paris", "In Paris people speak of"), case("London", "London is a part of London and of"), case("Rome", "Rome is a city of"),
    ]  # fmt: skip
    found = list(collapse.first(model, cases))
    assert [c.edit.prompt for c in found] == ["{} is located in"]
    assert found[0].edit.subject == "Rome" and found[0].edit.target == "Oslo" and found[0]["paraphrase"] == cases[0]["paraphrase"]


def test_a_start_token_takes_the_place_of_a_first_subject(model, monkeypatch):
    """The same facts are found, and the second token is the subject; there is no need for block 0."""
    cases = [case(word, f"{word} is located in") for word in ("Rome", "Bramblewick")]
    bare = [c.edit for c in collapse.first(model, cases)]
    plain, mark = model.tokens, model.tokens("a").ids[0]
    monkeypatch.setattr(model, "tokens", lambda text: _marked(plain(text), mark))
    assert not model.begins_without_mark()
    assert [c.edit for c in collapse.first(model, cases)] == bare and len(bare) == 1


def _marked(tokens, mark: int):
    return replace(tokens, ids=(mark, *tokens.ids), ends=(0, *tokens.ends))


def test_a_part_that_is_not_there_is_refused(model, tmp_path, capsys, monkeypatch):
    with pytest.raises(SystemExit) as ended:
        collapse.main(["--parts", "last-block"])
    assert ended.value.code == 2 and "there is no part last-block: there are ordinary-text" in capsys.readouterr().err
    monkeypatch.setattr(collapse, "conditions", lambda model, seeds, methods: iter(()))
    with pytest.raises(UserError, match="has no part first-block-0"):
        collapse.run(model, tmp_path, 1, parts=["first-block-0"])


def test_parts_differ_in_what_they_are_about_and_in_nothing_else(model):
    assert set(PARTS) == set(collapse.PARTS)
    parts = {name: (plan, asked) for name, plan, asked in collapse.conditions(model, 2)}
    text, identity = parts["ordinary-text"], parts["ordinary-identity"]
    assert text[1] == identity[1]
    assert text[0].settings == {} and set(map(str, identity[0].settings.values())) == {"{'statistics': 'identity'}"}
    added = parts["added-identity"]
    assert added[1] == text[1] and (added[0].methods, added[0].added, text[0].added) == (("rome",), True, False)
    assert not any(c.edit.text.startswith(c.edit.subject) for c in text[1].cases)
    assert (text[0].edits, text[0].seeds, text[0].methods) == (collapse.STOPS, (0, 1), ("rome", "r-rome"))

    alone = {name: plan for name, plan, _ in collapse.conditions(model, 2, ("r-rome",))}
    assert set(alone) == {name for name in parts if not name.startswith("added")} and {plan.methods for plan in alone.values()} == {("r-rome",)}


def test_texts_beside_the_statistics_are_not_in_them(model):
    from survey.pitfalls.suite import task

    own, inside, beside = collapse.text_sets(model, task("language-modelling"))
    assert [t.id for t in (own, inside, beside)] == ["language-modelling", "in-statistics", "beside-statistics"]
    texts = [{item.answers[0] for item in t.items} for t in (own, inside, beside)]
    assert not texts[0] & texts[1] and not texts[1] & texts[2] and all(len(t) >= 30 for t in texts)
