"""The client is polite, patient to a degree, and says in one line what went wrong."""

from __future__ import annotations

import contextlib
import datetime
import os
import threading
import time
from email.utils import format_datetime
from itertools import pairwise

import pytest

from survey.intake import arxiv, crossref, datacite
from survey.intake import client as asking
from survey.intake.client import ARXIV, CROSSREF, Client
from survey.intake.errors import BadAnswer, NotFound, Unavailable
from tests.intake.services import Said, arxiv_error, feed, to_json

PAPER = {"title": "Editing at Night", "authors": ["Ann Bau", "Cy Dee"]}
HTML = b"<!DOCTYPE html><html><body>Please log in</body></html>"


def test_it_says_who_asks_and_accepts_the_format(services, client, monkeypatch):
    monkeypatch.setenv("SURVEY_CONTACT", "someone@example.org")
    services.arxiv("2601.00001", **PAPER)
    arxiv.fetch(client, "2601.00001")
    headers = services.asked[0][2]
    assert headers["User-Agent"].startswith("editing-pitfalls/") and "mailto:someone@example.org" in headers["User-Agent"]
    assert headers["Accept"] == "application/atom+xml"


def test_one_session_keeps_its_connection(services, client):
    for id in ("2601.00001", "2601.00002"):
        services.arxiv(id, **PAPER)
        arxiv.fetch(client, id)
    assert services.asked[0][2]["Connection"] == "keep-alive"


def test_arxiv_gets_three_seconds_of_rest(services, client, waits):
    for id in ("2601.00001", "2601.00002"):
        services.arxiv(id, **PAPER)
        arxiv.fetch(client, id)
    assert len(waits) == 1 and 2.5 < waits[0] <= 3.0


def test_processes_take_turns(services, waits, monkeypatch, tmp_path):
    monkeypatch.setenv("SURVEY_CACHE", str(tmp_path))
    for id in ("2601.00001", "2601.00002"):
        services.arxiv(id, **PAPER)
        arxiv.fetch(Client(wait=waits.append), id)  # A client of its own, as another process has.
    assert len(waits) == 1 and 2.5 < waits[0] <= 3.0


def test_only_one_request_at_a_time(services, monkeypatch, tmp_path):
    monkeypatch.setenv("SURVEY_CACHE", str(tmp_path))
    services.answers["arxiv 2601.00001"] = Said(type="application/atom+xml", body=feed([]), delay=0.3)

    def ask():
        with pytest.raises(NotFound):
            arxiv.fetch(Client(wait=lambda s: None), "2601.00001")

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    times = [when for when, _, _ in services.asked]
    assert all(later - before > 0.25 for before, later in pairwise(times))


def test_a_busy_service_is_asked_again_with_growing_pauses(services, client, waits):
    services.set("crossref 10.1/x", Said(503), Said(500), Said(body=to_json(crossref_answer())))
    assert crossref.fetch(client, "10.1/x").title == "Editing at Night"
    assert waits == [1.0, 3.0]


def crossref_answer() -> dict:
    from tests.intake.services import crossref as answer

    return answer("10.1/x", year=2026, container="ICLR", **PAPER)


def test_retry_after_is_heeded_as_seconds_and_as_a_date(services, client, waits):
    later = format_datetime(datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=30), usegmt=True)
    services.set("crossref 10.1/x", Said(429, headers={"Retry-After": "7"}), Said(503, headers={"Retry-After": later}), Said(body=to_json(crossref_answer())))
    crossref.fetch(client, "10.1/x")
    assert waits[0] == 7.0 and 25 < waits[1] <= 30


def test_a_long_wait_is_told_not_waited_for(services, client, waits):
    services.answers["crossref 10.1/x"] = Said(429, headers={"Retry-After": "3600"})
    with pytest.raises(Unavailable, match=r"Crossref asks to wait for 3600 s \(429\): try again then"):
        crossref.fetch(client, "10.1/x")
    assert waits == [] and len(services.asked) == 1


@pytest.mark.parametrize(
    ("said", "error", "message"),
    [
        (Said(404), NotFound, "Crossref has no DOI 10.1/x"),
        (Said(429), Unavailable, r"Crossref is too busy \(429, 3 tries\): try again later"),
        (Said(500), Unavailable, r"Crossref has a fault of its own \(500, 3 tries\): try again later"),
        (Said(403), BadAnswer, r"Crossref refuses to tell about DOI 10.1/x \(403\)"),
        (Said(type="text/html", body=HTML), BadAnswer, "Crossref answers with a web page instead of data: is there a login page"),
        (Said(body=b'{"message": {"title": ["Edi'), BadAnswer, "the answer of Crossref is no JSON: it is damaged"),
        (Said(body=b"[1, 2]"), BadAnswer, "the answer of Crossref has not the form that we know"),
        (Said(body=b'{"message": []}'), BadAnswer, r"has not the form that we know \(no message\)"),
        (Said(body=b'{"message": {"title": 7, "DOI": null}}'), BadAnswer, r"\(no title or DOI\)"),
        (Said(body=b"\xff\xfe\x00"), BadAnswer, "is no JSON"),
        (Said(body=b"[" * 200_000), BadAnswer, "is no JSON"),
        (Said(body=to_json(crossref_answer()), cut=True), Unavailable, "the answer of Crossref broke off: try again"),
        (Said(302, headers={"Location": "https://example.org/"}), BadAnswer, r"Crossref sends us to another address \(example.org\)"),
        (Said(302, headers={"Location": "/works/10.1/x"}), BadAnswer, "Crossref sends us round in circles"),
        (Said(302, headers={"Location": "file:///etc/passwd"}), BadAnswer, "sends us to another address"),
        (Said(302, headers={"Location": "http://[x"}), BadAnswer, "Crossref sends us to what is no address"),
        (Said(302, headers={"Location": "//["}), BadAnswer, "Crossref sends us to what is no address"),
        (Said(302, headers={"Location": "http://[::1]]:x/"}), BadAnswer, "Crossref sends us to"),
        (Said(302, headers={"Location": "/works/\xe9\xff"}), BadAnswer, "Crossref sends us to what is no address"),
        (Said(200, headers={"Content-Length": "3, 4"}), BadAnswer, "Crossref cannot be asked at http"),
        (Said(503, headers={"Retry-After": "Wed, 99 Oct 9999999 00:00:00 GMT"}), Unavailable, r"Crossref is too busy \(503, 3 tries\)"),
        (Said(503, headers={"Retry-After": "9" * 5000}), Unavailable, r"Crossref is too busy \(503, 3 tries\)"),
        (Said(body=b" " * (asking.LIMIT + 1)), BadAnswer, "answers with more than 4 MB"),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, str) else "",
)  # fmt: skip
def test_every_failure_has_its_message(said, error, message, services, client):
    services.answers["crossref 10.1/x"] = said
    with pytest.raises(error, match=message) as told:
        crossref.fetch(client, "10.1/x")
    assert "\n" not in str(told.value)


def test_a_secure_connection_is_not_left(client, monkeypatch):
    class Redirect(contextlib.AbstractContextManager):
        is_redirect, status_code = True, 302
        headers = {"Location": "http://api.crossref.org/works/10.1/x"}

        def __exit__(self, *_):
            pass

    class Session:
        def __init__(self):
            self.headers, self.urls = {}, []

        def get(self, url, **_):
            self.urls.append(url)
            return Redirect()

    session = Session()
    monkeypatch.delenv(CROSSREF.variable, raising=False)
    monkeypatch.setattr("requests.Session", lambda: session)
    with pytest.raises(BadAnswer, match=r"Crossref sends us to another address \(http://api.crossref.org/works/10.1/x\)"):
        crossref.fetch(client, "10.1/x")
    assert len(session.urls) == 1 and session.urls[0].startswith("https://")


def test_nobody_listening_is_told_as_being_offline(monkeypatch, client):
    monkeypatch.setenv("SURVEY_CROSSREF_URL", "http://127.0.0.1:9")
    with pytest.raises(Unavailable, match=r"Crossref cannot be reached \(127.0.0.1:9\): is this machine online\?"):
        crossref.fetch(client, "10.1/x")


def test_a_service_that_falls_silent_is_not_waited_for_for_ever(services, client, monkeypatch):
    monkeypatch.setattr(asking, "TIMEOUT", (1, 0.2))
    services.answers["crossref 10.1/x"] = Said(delay=2)
    with pytest.raises(Unavailable, match="Crossref does not answer in time"):
        crossref.fetch(client, "10.1/x")


@pytest.mark.parametrize("head", [False, True], ids=["body", "headers"])
def test_a_service_that_drips_is_not_waited_for_for_ever(head, services, client, monkeypatch):
    monkeypatch.setattr(asking, "TOTAL", 0.5)
    monkeypatch.setattr(asking, "TRIES", 1)
    # It takes minutes, and no two bytes of it are far apart.
    said = Said(body=to_json(crossref_answer()) + b" " * 1000, headers={"X-Long": "x" * 1000}, drip=0.1, head=head)
    services.answers["crossref 10.1/x"] = said
    before = time.monotonic()
    with pytest.raises(Unavailable, match="Crossref does not finish its answer in time"):
        crossref.fetch(client, "10.1/x")
    assert time.monotonic() - before < 30
    services.set("crossref 10.1/y", Said(body=to_json(crossref_answer()).replace(b"10.1/x", b"10.1/y")))
    assert crossref.fetch(client, "10.1/y").title == "Editing at Night"


@pytest.mark.parametrize("address", ["nonsense", "http://", "http://[::1", "gopher://x"])
def test_a_replaced_address_that_is_none_is_told(address, monkeypatch, client):
    monkeypatch.setenv("SURVEY_CROSSREF_URL", address)
    with pytest.raises((BadAnswer, Unavailable), match=r"Crossref|SURVEY_CROSSREF_URL"):
        crossref.fetch(client, "10.1/x")


def test_arxiv_failures_have_their_messages(services, client):
    for said, error, message in (
        (Said(type="application/atom+xml", body=feed([])), NotFound, "arXiv has no paper 2601.00001"),
        (Said(400, "application/atom+xml", arxiv_error("incorrect id format for abc")), NotFound, "arXiv says: incorrect id format for abc"),
        (Said(type="text/html", body=HTML), BadAnswer, "web page instead of data"),
        (Said(type="application/atom+xml", body=b"<feed><entry>"), BadAnswer, "is no Atom feed"),
        (Said(type="application/atom+xml", body=b"<rss/>"), BadAnswer, "has not the form that we know"),
        (Said(type="application/atom+xml", body=b'<!DOCTYPE x [<!ENTITY a "b">]><feed>&a;</feed>'), BadAnswer, "is no Atom feed"),
        (Said(type="application/atom+xml", body=feed([]).replace(b"</feed>", b"<entry><id>http://arxiv.org/abs/2601.00001v1</id></entry></feed>")), BadAnswer, "no id, title or authors"),
    ):  # fmt: skip
        services.answers["arxiv 2601.00001"] = said
        with pytest.raises(error, match=message):
            arxiv.fetch(client, "2601.00001")


def test_another_paper_than_asked_for_is_refused(services, client):
    services.arxiv("2601.00002", **PAPER)
    services.answers["arxiv 2601.00001"] = services.answers["arxiv 2601.00002"]
    with pytest.raises(BadAnswer, match=r"arXiv answers with another paper \(2601.00002\) when asked for 2601.00001"):
        arxiv.fetch(client, "2601.00001")
    services.crossref("10.1/y", year=2026, container="ICLR", **PAPER)
    services.answers["crossref 10.1/x"] = services.answers["crossref 10.1/y"]
    with pytest.raises(BadAnswer, match=r"Crossref answers with another paper \(10.1/y\)"):
        crossref.fetch(client, "10.1/x")
    services.datacite("10.1/y", year=2026, **PAPER)
    services.answers["datacite 10.1/x"] = services.answers["datacite 10.1/y"]
    with pytest.raises(BadAnswer, match="DataCite answers with another paper"):
        datacite.fetch(client, "10.1/x")


# The cache


def test_an_answer_is_kept_for_a_day(services, monkeypatch, tmp_path):
    monkeypatch.setenv("SURVEY_CACHE", str(tmp_path))
    services.crossref("10.1/x", year=2026, container="ICLR", **PAPER)
    for _ in range(3):
        crossref.fetch(Client(wait=lambda s: None), "10.1/x")
    assert len(services.asked) == 1
    (kept,) = (tmp_path / "answers").glob("*.answer")
    os.utime(kept, (1, 1))
    crossref.fetch(Client(wait=lambda s: None), "10.1/x")
    assert len(services.asked) == 2


def test_a_bad_answer_is_not_kept(services, monkeypatch, tmp_path):
    monkeypatch.setenv("SURVEY_CACHE", str(tmp_path))
    services.set("crossref 10.1/x", Said(type="text/html", body=HTML), Said(body=to_json(crossref_answer())))
    with pytest.raises(BadAnswer):
        crossref.fetch(Client(wait=lambda s: None), "10.1/x")
    assert crossref.fetch(Client(wait=lambda s: None), "10.1/x").title == "Editing at Night"


def test_a_damaged_cache_is_no_harm(services, monkeypatch, tmp_path):
    monkeypatch.setenv("SURVEY_CACHE", str(tmp_path))
    services.crossref("10.1/x", year=2026, container="ICLR", **PAPER)
    crossref.fetch(Client(wait=lambda s: None), "10.1/x")
    for kept in (tmp_path / "answers").iterdir():
        kept.write_bytes(b"\xff\n{")
    assert crossref.fetch(Client(wait=lambda s: None), "10.1/x").title == "Editing at Night"


def test_a_cache_that_cannot_be_written_is_no_harm(services, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SURVEY_CACHE", str(tmp_path / "file"))
    services.crossref("10.1/x", year=2026, container="ICLR", **PAPER)
    assert crossref.fetch(Client(wait=lambda s: None), "10.1/x").title == "Editing at Night"


@pytest.mark.parametrize("end", ["", "/", "/api/query", "/api/query/"])
def test_a_replaced_address_may_name_the_whole_interface(end, services, client, monkeypatch):
    monkeypatch.setenv("SURVEY_ARXIV_URL", f"{services.base}{end}")
    services.arxiv("2601.00001", **PAPER)
    assert arxiv.fetch(client, "2601.00001").title == "Editing at Night"
    assert services.paths()[0].startswith("/api/query?id_list=2601.00001")


def test_services_stand_at_their_own_addresses_without_variables(monkeypatch):
    for service in (ARXIV, CROSSREF):
        monkeypatch.delenv(service.variable, raising=False)
        assert service.base == f"{service.address}{service.way}" and service.base.startswith("https://")


def test_many_ids_are_asked_in_batches(services, client):
    ids = [f"2601.{n:05}" for n in range(60)]
    from tests.intake.services import atom_entry

    for batch in (ids[:50], ids[50:]):
        services.answers[f"arxiv {','.join(batch)}"] = Said(type="application/atom+xml", body=feed([atom_entry(id, **PAPER) for id in batch]))
    assert list(arxiv.fetch_many(client, ids)) == ids and len(services.asked) == 2
