"""Real answers of arXiv and Crossref, read in place: SURVEY_SERVICES names their folder."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from survey.collection import Name
from survey.intake import IntakeError, arxiv, crossref
from survey.intake.add import Options, Wanted, propose
from survey.intake.client import Answer
from survey.intake.errors import NotFound
from survey.intake.source import Source
from tests.intake.services import Said

FOLDER = os.environ.get("SURVEY_SERVICES")
pytestmark = pytest.mark.skipif(not FOLDER, reason="SURVEY_SERVICES names no folder with real answers")


def arxiv_answer(start: str) -> Answer:
    (path,) = (Path(FOLDER) / "arxiv").glob(f"{start}*.json")
    kept = json.loads(path.read_text("utf-8"))
    # The bodies were kept as Latin-1, as a header without a charset made them.
    return Answer(kept["status_code"], "application/atom+xml", kept["body"].encode("latin-1", "xmlcharrefreplace"))


def test_arxiv_finds_one_of_two():
    found = arxiv.read(arxiv_answer("id_0808.05394"))
    assert list(found) == ["1707.08567"]
    names = found["1707.08567"].authors
    assert Name("Peter H. N.", "de", "With") in names and Name("Joost", "van der", "Putten") in names
    assert "Dirk Wübben" in [n.printed for n in names] and found["1707.08567"].year == 2017


def test_arxiv_knows_old_and_versioned_ids():
    assert arxiv.read(arxiv_answer("id_quant-ph"))["quant-ph/0201082"].year == 2002
    assert arxiv.read(arxiv_answer("id_2104"))["2104.12255"].title == "0"


def test_arxiv_has_no_such_paper():
    assert arxiv.read(arxiv_answer("id_0000")) == {}
    with pytest.raises(NotFound, match="incorrect id format for abc"):
        arxiv.read(arxiv_answer("id_abc"))


def test_a_page_of_results_is_read():
    found = arxiv.read(arxiv_answer("q_testing"))
    assert len(found) == 10 and all(r.title and r.authors and r.abstract for r in found.values())
    assert found["2202.12139"].published_as == "10.1109/icstw55395.2022.00035" and "ICSTW" in found["2202.12139"].place.printed


def crossref_answer(name: str) -> dict:
    return json.loads((Path(FOLDER) / "crossref" / f"{name}.json").read_text("utf-8"))


def test_crossref_tells_of_an_article():
    found = crossref.read(crossref_answer("1_multiple_authors"))
    assert [n.printed for n in found.authors] == ["C. M. Herdman", "P.-N. Roy", "R. G. Melko", "A. Del Maestro"]
    assert (found.volume, found.pages, found.year, found.place.printed) == ("89", "140501", 2014, "Physical Review B")


def test_crossref_abstracts_lose_their_markup():
    found = crossref.read(crossref_answer("2_abstract"))
    assert found.abstract.startswith("In the international community") and "<" not in found.abstract


def test_crossref_tells_of_a_conference(taxonomy):
    from survey.intake.venues import locate

    found = crossref.read(crossref_answer("3_conference"))
    assert found.title == "DL-Learner Structured Machine Learning on Semantic Web Data"
    assert locate(found.place.printed, taxonomy).year == 2018


def test_real_answers_break_nothing_when_they_are_cut():
    body = arxiv_answer("q_testing").body
    for end in range(0, len(body), len(body) // 40):
        try:
            arxiv.read(Answer(200, "application/atom+xml", body[:end]))
        except IntakeError as error:
            assert "\n" not in str(error)


# Through the whole intake


def test_real_answers_go_all_the_way(services, client, collection):
    conference = crossref_answer("3_conference")
    services.answers["crossref 10.1145/3184558.3186235"] = Said(body=json.dumps(conference).encode())
    wanted = Wanted("doi", Source("doi", "10.1145/3184558.3186235"))
    # The companion of a conference is not the conference.
    with pytest.raises(IntakeError, match="Companion of the The Web Conference 2018"):
        propose(wanted, collection, client)
    proposal = propose(wanted, collection, client, Options(venue="www"))
    assert (proposal.record["venue"], proposal.record["year"], proposal.key) == ("www", 2018, "buhmann2018dllearner")
    assert proposal.record["authors"][0] == "Lorenz Bühmann" and proposal.record["ids"] == {"doi": "10.1145/3184558.3186235"}
    answer = arxiv_answer("id_2104")
    services.answers["arxiv 2104.12255"] = Said(type=answer.type, body=answer.body)
    assert propose(Wanted("arxiv", Source("arxiv", "2104.12255")), collection, client).key == "nguyen20210"
    services.answers["crossref 10.1103/physrevb.89.140501"] = Said(body=json.dumps(crossref_answer("1_multiple_authors")).encode())
    with pytest.raises(IntakeError, match="Physical Review B"):
        propose(Wanted("doi", Source("doi", "10.1103/physrevb.89.140501")), collection, client)
