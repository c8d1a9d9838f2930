from __future__ import annotations

import json

import pytest

from survey.intake import links, public
from tests.entries import PATH, make_entry, write_entry
from tests.intake.services import running as running_services
from tests.intake.web import running as running_web


@pytest.fixture
def internet(monkeypatch):
    """A web on this machine, which the command takes for the real one."""
    with running_web() as found:
        monkeypatch.setattr(links, "Web", found.web)
        monkeypatch.setattr(links, "REST", 0)
        yield found


@pytest.fixture
def services(monkeypatch):
    with running_services() as found:
        for name, value in found.environment.items():
            monkeypatch.setenv(name, value)
        yield found


def with_links(root, internet, *places: str) -> None:
    kinds = ("code", "project", "data")
    write_entry(root, PATH, make_entry(links={kind: internet.url(place) for kind, place in zip(kinds, places, strict=False)}))


def test_links_that_lead_somewhere(survey, root, internet):
    internet.pages["a.example/x"] = 200
    with_links(root, internet, "a.example/x")
    assert survey("audit", "links") == (0, "1 address visited: nothing to do\n", "")


def test_links_that_do_not_are_told_by_kind(survey, root, internet):
    internet.pages |= {"a.example/x": 404, "b.example/x": (301, {"Location": "/y"}), "b.example/y": 200, "c.example/x": 403}
    with_links(root, internet, "a.example/x", "b.example/x", "c.example/x")
    code, out, err = survey("audit", "links", "--pause", "0")
    lines = out.splitlines()
    assert code == 1 and err == "" and lines[-1] == "3 addresses visited: 2 to look at"
    assert f"  meng2022locating links.code: {internet.url('a.example/x')} -> answers 404" in lines
    assert f"  meng2022locating links.project: {internet.url('b.example/x')} -> {internet.url('b.example/y')}" in lines
    assert [line.partition(" (")[0] for line in lines if line[:1].isalpha() and "(" in line] == ["Dead links", "Moved links", "Links that only people may follow"]
    assert survey("audit", "links", "--pause", "0", "--exit-zero")[0] == 0


def test_only_the_papers_of_a_query_are_visited(survey, root, internet):
    internet.pages["a.example/x"] = 404
    with_links(root, internet, "a.example/x")
    assert survey("audit", "links", "year:2022 key:bau2022editing") == (0, "0 addresses visited: nothing to do\n", "")
    assert internet.visits == []


@pytest.mark.parametrize("audit", ["links", "drift"])
@pytest.mark.parametrize(
    ("query", "hint"),
    [
        ("year:1999", ""), ("meng2022locating", " (did you mean key:meng2022locating?)"),
        ("meng2022lcating", " (did you mean key:meng2022locating?)"), ("key:bau2022edit", " (did you mean key:bau2022editing?)"),
        ("zzz1999qq", ""),
    ],
)  # fmt: skip
def test_a_query_that_no_paper_matches_is_told(survey, root, audit, query, hint, tmp_path):
    out = tmp_path / "report.json"
    assert survey("audit", audit, query, "-o", str(out)) == (1, "", f"survey: no paper matches {query}{hint}\n")
    assert not out.exists()


def test_json_is_what_the_issue_is_made_of(survey, root, internet, tmp_path):
    from survey.intake import audit

    internet.pages["a.example/x"] = 404
    with_links(root, internet, "a.example/x")
    code, out, err = survey("audit", "links", "--pause", "0", "--format", "json", "-o", str(tmp_path / "deep" / "links.json"))
    assert (code, out, err) == (1, "", "1 address visited: 1 to look at\n")
    assert [row.kind for row in audit.read(tmp_path / "deep" / "links.json").rows] == ["dead"]
    code, out, _ = survey("audit", "links", "--pause", "0", "--format", "json")
    assert json.loads(out)["rows"][0]["found"] == "answers 404"


def test_private_addresses_are_not_asked(survey, root, internet):
    internet.addresses["inner.example"] = ["10.0.0.1"]
    with_links(root, internet, "inner.example/")
    assert "Links into private networks (1)" in survey("audit", "links", "--pause", "0")[1] and internet.visits == []


def test_drift_compares_with_what_the_services_say(survey, root, services):
    from tests.intake.services import Said, atom_entry, feed

    entry = make_entry()
    body = feed([atom_entry("2202.05262", "Remembering Facts in GPT", entry["authors"]), atom_entry("2203.00001", "Editing Memories at Night", ["Ann Bau", "Cy Dee"])])
    services.set("arxiv 2202.05262,2203.00001", Said(type="application/atom+xml", body=body))
    services.set("arxiv 2203.00001,2202.05262", Said(type="application/atom+xml", body=body))
    code, out, err = survey("audit", "drift")
    assert code == 1 and err == "" and out.splitlines()[-1] == "2 records compared: 1 to look at"
    assert f"  meng2022locating title: {entry['title']} -> Remembering Facts in GPT\n    survey show meng2022locating\n" in out
    code, out, _ = survey("audit", "drift", "--format", "markdown")
    assert code == 1 and out.startswith("## Drift against the sources\n") and "`survey show meng2022locating`" in out


def test_a_service_that_fails_is_told_and_is_no_finding(survey, root, services, monkeypatch):
    from survey.intake import client
    from tests.intake.services import Said

    monkeypatch.setattr(client.Client.__init__, "__defaults__", (lambda line: None, lambda s: None, client.time.time))
    for ids in ("2202.05262,2203.00001", "2203.00001,2202.05262"):
        services.set(f"arxiv {ids}", Said(503))
    code, out, err = survey("audit", "drift")
    assert code == 0 and "arXiv is too busy" in out and "2 preprints" in out and "Traceback" not in err


def test_wrong_usage(survey, root):
    for words in ((), ("nothing",), ("links", "--pause", "-1"), ("links", "--pause", "x"), ("drift", "--pause", "1"), ("links", "--format", "xml")):
        assert survey("audit", *words)[0] == 2, words
    code, _, err = survey("audit", "links", "nofield:x")
    assert code == 1 and "nofield" in err and public.HOPS == 5
