from __future__ import annotations

import pytest
import yaml
from hypothesis import HealthCheck, given, settings

from survey.collection.paper import paper_from
from survey.files.reader import read_yaml
from survey.files.writer import dump, scalar
from survey.formats.jsonl import record as record_of
from tests.entries import make_entry
from tests.files.records import lines, records


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(records)
def test_what_is_written_everyone_reads_again(record):
    text = dump(record)
    assert read_yaml(text) == (record, [])
    assert dump(read_yaml(text)[0]) == text
    # PyYAML: `on` is the one name that YAML 1.1 takes for a truth value, and its value the one date.
    theirs = yaml.safe_load(text)
    theirs["annotated"]["on"] = str(theirs["annotated"].pop(True))
    assert theirs == record
    # The model changes nothing on the way.
    assert record_of(paper_from(record, "key2022word")) == {"key": "key2022word", **record}


@given(lines)
def test_a_scalar_is_one_value_alone_and_in_a_list(value):
    assert read_yaml(scalar(value)) == (value, [])
    assert read_yaml(f"a: {scalar(value)}\n") == ({"a": value}, [])
    assert read_yaml(f"[{scalar(value, flow=True)}, b]") == ([value, "b"], [])


@pytest.mark.parametrize("value", ["Locating and Editing", "GPT-3's “beliefs”", "What? Why!", "a/b (c)", "Meng, K.", "2nd"])
def test_quotes_only_where_they_are_needed(value):
    assert scalar(value) == value


@pytest.mark.parametrize("value", ["2202.05262", "no", "12:30", "2026-11-22", "a: b", "a #b", "- a", "", "null", "'a'"])
def test_quotes_where_a_reader_would_err(value):
    assert scalar(value).startswith('"')


def test_house_format():
    entry = make_entry(
        pitfalls=[{"id": "locality", "stance": "shows", "basis": "abstract"}],
        summary="word " * 30 + "end",
        studies={},
        links={"code": "https://github.com/" + "a" * 40 + "/b", "project": "https://example.org/" + "c" * 30},
    )
    assert dump({k: entry[k] for k in reversed(entry)}) == (
        "title: Locating and Editing Factual Associations in GPT\n"
        "authors: [Kevin Meng, David Bau, Alex Andonian]\n"
        "year: 2022\n"
        "venue: neurips\n"
        'ids: {arxiv: "2202.05262"}\n'
        "links:\n"
        f"  code: https://github.com/{'a' * 40}/b\n"
        f"  project: https://example.org/{'c' * 30}\n"
        "kinds: [method]\n"
        "pitfalls:\n"
        "  - {id: locality, stance: shows, basis: abstract}\n"
        "summary: >-\n"
        f"  {('word ' * 17).strip()}\n"
        f"  {'word ' * 13}end\n"
        "annotated: {basis: abstract, on: 2026-11-22}\n"
        "sources: [arXiv]\n"
    )


def test_every_real_entry_survives(collection):
    for paper in collection.values():
        record = record_of(paper)
        del record["key"]
        text = dump(record)
        assert read_yaml(text) == (record, []), paper.key
