"""Thirty-odd real papers, as each service would answer, become the entries of the collection.

`thirty.json` holds what lists, proceedings and preprint listings say of each paper, written in the
words of a service; what the collection's entry knows from elsewhere is named under `untold`.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from survey.collection import Collection
from survey.files.writer import dump
from survey.formats.jsonl import record
from survey.intake.add import Wanted, propose, wanted
from tests.intake.services import Said

CASES = json.loads((Path(__file__).parent / "thirty.json").read_text("utf-8"))
COMPARED = ("title", "authors", "year", "venue", "booktitle", "volume", "pages", "ids", "former_titles", "protect", "status", "unconfirmed")


def tell(services, answers: list) -> None:
    for service, id, paper in answers:
        if service == "busy":
            services.answers[id] = Said(503, "text/plain", b"busy")
        else:
            getattr(services, service)(id, **paper)


def asked(case: dict, folder: Path) -> Wanted:
    if "bib" not in case:
        return wanted(case["source"])[0]
    (folder / case["source"]).write_text(case["bib"], "utf-8")
    return wanted(str(folder / case["source"]))[0]


def told(entry: dict, untold: list[str]) -> dict:
    """The compared fields of an entry, without what the source does not tell."""
    found = {field: entry[field] for field in COMPARED if field in entry and field not in untold}
    if "ids" in found:
        found["ids"] = {scheme: id for scheme, id in found["ids"].items() if f"ids.{scheme}" not in untold}
    return found


def test_the_records_are_varied(collection):
    papers = [collection[case["key"]] for case in CASES]
    services = {answer[0] for case in CASES for answer in case["answers"]}
    assert len({p.key for p in papers}) >= 30 and len({p.venue for p in papers}) >= 18
    assert services >= {"arxiv", "datacite", "crossref", "acl", "openreview"} and any("bib" in case for case in CASES)


@pytest.mark.parametrize("case", CASES, ids=[case["key"] for case in CASES])
def test_a_record_becomes_the_entry(case, services, client, collection, tmp_path):
    tell(services, case["answers"])
    expected = record(collection[case["key"]])
    others = Collection([p for p in collection.values() if p.key != case["key"]], collection.taxonomy)
    proposal = propose(asked(case, tmp_path), others, client)
    found = {**proposal.record, "unconfirmed": [f for f in proposal.record["unconfirmed"] if f != "tags"]}
    found = {field: value for field, value in found.items() if value}
    assert told(found, case["untold"]) == told(expected, case["untold"])
    # What was seen besides must not contradict the entry.
    assert found.get("links", {}).items() <= expected.get("links", {}).items()
    assert found.get("acronym") in (None, expected.get("acronym"))
    key = proposal.key if "key" in case["untold"] else case["key"]
    assert (proposal.key, proposal.path) == (key, f"papers/{expected['year']}/{key}.yaml")
    assert [f for f in proposal.findings if f.code not in ("A356", "A354", "I205", "I206")] == []
    assert proposal.text.startswith(dump({"title": found["title"]}))


@pytest.mark.parametrize("case", CASES, ids=[case["key"] for case in CASES])
def test_the_same_record_is_recognised_in_the_collection(case, services, client, collection, tmp_path):
    tell(services, case["answers"])
    proposal = propose(asked(case, tmp_path), collection, client)
    assert proposal.match and proposal.match.key == case["key"]
    assert proposal.conflicts == ()
