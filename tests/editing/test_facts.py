"""The facts that methods learn from: true to their form, apart from each other, always the same."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from survey.editing import facts


@pytest.fixture(scope="module")
def train():
    return facts.examples(0)


@pytest.fixture(scope="module")
def validation():
    return facts.examples(0, part="validation")


def _every_fact():
    return [(r, object, s) for r in facts.relations() for object, subjects in r.facts.items() for s in subjects]


def test_there_are_enough():
    assert len(facts.relations()) >= 20
    assert len(_every_fact()) >= 900
    assert len(facts.sentences()) >= 150
    for relation in facts.relations():
        assert len(relation.prompts) >= 5, relation.name
        assert len(relation.facts) >= 5, relation.name
        assert all(len(subjects) >= 3 for subjects in relation.facts.values()), relation.name


def test_everything_is_text_with_nothing_to_trim():
    for relation, object, subject in _every_fact():
        for text in (object, subject, *relation.prompts):
            assert isinstance(text, str), (relation.name, text)
            assert text and text == text.strip()
            assert "  " not in text
    assert all(isinstance(s, str) and s[-1] in ".!?" and "{" not in s for s in facts.sentences())


def test_every_prompt_has_one_place_for_the_subject():
    for relation in facts.relations():
        for prompt in relation.prompts:
            assert prompt.count("{}") == 1, prompt
            assert not prompt.endswith("{}"), prompt
        starts = [prompt.startswith("{}") for prompt in relation.prompts]
        assert any(starts) and not all(starts), relation.name


def test_nothing_occurs_twice():
    for relation in facts.relations():
        subjects = Counter(s.casefold() for subjects in relation.facts.values() for s in subjects)
        assert max(subjects.values()) == 1, (relation.name, subjects.most_common(1))
        assert len(set(relation.prompts)) == len(relation.prompts)
    assert len(set(facts.sentences())) == len(facts.sentences())


def _hash(subject: str) -> str:
    return hashlib.blake2b(subject.strip().casefold().encode(), digest_size=6).hexdigest()


def test_no_subject_is_one_that_benchmarks_edit(train, validation):
    lines = Path(__file__).with_name("benchmark_subjects.txt").read_text("utf-8").splitlines()
    hashes = [line for line in lines if not line.startswith("#")]
    assert len(hashes) == 1378
    # They are hashes of this form: three subjects that everybody knows of these benchmarks are among them.
    assert {_hash(subject) for subject in ("Danielle Darrieux", "UniFirst", "VINSON MASSIF")} <= set(hashes)
    found = {s for _, _, s in _every_fact()} | {n.subject for e in (*train, *validation) for n in e.neighbours}
    assert {s for s in found if _hash(s) in set(hashes)} == set()


def test_no_object_is_its_own_replacement(train):
    by_name = {relation.name: relation for relation in facts.relations()}
    for example in train:
        edit = example.edit
        assert edit.target != edit.was
        assert {edit.target, edit.was} <= set(by_name[example.relation].facts)
        assert any(s.casefold() == edit.subject.casefold() for s in by_name[example.relation].facts[edit.was])


def test_rephrasings_ask_the_same_in_other_words(train):
    for example in train:
        assert len(set(example.rephrasings)) == len(example.rephrasings) >= 3
        for text in example.rephrasings:
            assert example.edit.subject.casefold() in text.casefold()
            assert not text.endswith(example.edit.text)


def test_neighbours_are_about_others_with_the_same_object(train):
    facts_of = {r.name: {s.casefold(): o for o, subjects in r.facts.items() for s in subjects} for r in facts.relations()}
    for example in train:
        assert example.neighbours
        for neighbour in example.neighbours:
            assert neighbour.subject.casefold() != example.edit.subject.casefold()
            assert neighbour.subject in neighbour.prompt
            assert facts_of[example.relation][neighbour.subject.casefold()] == neighbour.answer == example.edit.was


def test_half_of_rephrasings_and_of_neighbours_follow_a_sentence(train):
    for texts in ([t for e in train for t in e.rephrasings], [n.prompt for e in train for n in e.neighbours]):
        behind = sum(text.startswith(facts.sentences()) for text in texts)
        assert behind == len(texts) / 2
    assert not any(e.edit.text.startswith(facts.sentences()) for e in train)


def test_a_prompt_begins_with_a_capital(train):
    assert all(text[0] == text[0].upper() for e in train for text in (e.edit.text, *e.rephrasings))


def _subjects(examples) -> set[str]:
    return {s.casefold() for e in examples for s in (e.edit.subject, *(n.subject for n in e.neighbours))}


def test_nothing_of_the_validation_part_is_trained_on(train, validation):
    assert 100 <= len(validation) < len(train) / 4
    assert not _subjects(train) & _subjects(validation)
    assert {facts.part_of(s) for s in _subjects(train)} == {"train"}
    # Another seed divides them in the same way.
    assert not _subjects(facts.examples(5)) & _subjects(validation)


def test_all_parts_together(train, validation):
    every = {e.edit.subject.casefold() for e in facts.examples(0, part="all")}
    assert every == {s.casefold() for _, _, s in _every_fact()}
    assert _subjects(train) | _subjects(validation) <= every


def test_the_same_seed_gives_the_same(train):
    assert facts.examples(0) == train
    other = facts.examples(1)
    assert other != train
    assert {(e.relation, e.edit.subject.casefold()) for e in other} == {(e.relation, e.edit.subject.casefold()) for e in train}


def test_subjects_are_left_out_wherever_they_would_occur(train):
    gone = {train[0].edit.subject.upper(), train[1].neighbours[0].subject}
    rest = facts.examples(0, without=gone)
    assert len(rest) < len(train)
    assert not _subjects(rest) & {s.casefold() for s in gone}


def test_the_digest_is_that_of_the_files(tmp_path, monkeypatch):
    import shutil

    shutil.copytree(facts._FOLDER, tmp_path / "facts")
    monkeypatch.setattr(facts, "_FOLDER", tmp_path / "facts")
    facts.digest.cache_clear()
    try:
        before = facts.digest()
        facts.digest.cache_clear()
        assert facts.digest() == before
        with open(tmp_path / "facts" / "sentences.yaml", "a") as file:
            file.write('- "One more."\n')
        facts.digest.cache_clear()
        assert facts.digest() != before
    finally:
        facts.digest.cache_clear()
    monkeypatch.undo()
    assert facts.digest() == before


def test_facts_are_read_without_torch():
    code = "import sys; from survey.editing import facts; facts.examples(0); print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
