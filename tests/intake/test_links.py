from __future__ import annotations

import signal
import threading

import pytest

from survey.errors import UserError
from survey.intake import links
from survey.intake.links import addresses, agent, audit, verdict
from tests.entries import make_paper


def paper(key: str = "a2020b", **given: str):
    return make_paper(key, links=given)


def judged(internet, place: str, page, first: bool = True) -> tuple[str, str]:
    internet.pages[place] = page
    found = verdict(internet.url(place), internet.web(), first)
    return found.kind, found.found.replace(f":{internet.port}", "")


@pytest.mark.parametrize(("page", "kind"), [
    (200, "ok"), (204, "ok"), (404, "dead"), (410, "dead"), (401, "blocked"), (403, "blocked"), (405, "blocked"), (429, "blocked"), (451, "blocked"), (999, "blocked"),
    (500, "failing"), (502, "failing"), (400, "failing"), ((503, {"cf-mitigated": "challenge"}), "blocked"), ((202, {"x-amzn-waf-action": "challenge"}), "blocked"),
    ([404, 200], "ok"), ([405, 200], "ok"), ([501, 200], "ok"), ([403, 404], "dead"), ([500, 200], "ok"),
])  # fmt: skip
def test_each_answer_has_its_kind(internet, page, kind):
    assert judged(internet, "a.example/x", page)[0] == kind


def test_the_head_is_enough_where_it_is_answered(internet):
    judged(internet, "a.example/x", 200)
    judged(internet, "b.example/x", 404)
    judged(internet, "c.example/x", 200, first=False)
    assert [internet.methods(f"{host}.example/x") for host in "abc"] == [["HEAD"], ["HEAD", "GET"], ["GET"]]


def test_a_lasting_redirect_is_a_new_address(internet):
    internet.pages["b.example/y"] = 200
    moved = internet.url("b.example/y")
    assert judged(internet, "a.example/x", (301, {"Location": moved})) == ("moved", "http://b.example/y")
    assert judged(internet, "a.example/x", (308, {"Location": moved}))[0] == "moved"
    assert judged(internet, "a.example/x", (302, {"Location": moved})) == ("ok", "")


def test_of_several_redirects_only_the_lasting_ones_count(internet):
    internet.pages |= {"b.example/y": (302, {"Location": "/login"}), "b.example/login": 200}
    assert judged(internet, "a.example/x", (301, {"Location": internet.url("b.example/y")})) == ("moved", "http://b.example/y")


def test_a_slash_at_the_end_is_no_move(internet):
    internet.pages["a.example/x/"] = 200
    assert judged(internet, "a.example/x", (301, {"Location": "/x/"}))[0] == "ok"


def test_a_redirect_to_nothing_is_dead_and_one_inside_is_private(internet):
    assert judged(internet, "a.example/x", (301, {"Location": "/gone"})) == ("dead", "answers 404 at http://a.example/gone")
    internet.addresses["inner.example"] = ["10.0.0.1"]
    kind, told = judged(internet, "a.example/x", (302, {"Location": internet.url("inner.example/")}))
    assert kind == "private" and told.startswith("it leads to http://inner.example/")


def test_no_host_is_dead_and_no_address_is_malformed(internet):
    assert verdict("http://nobody.example:80/", internet.web()).kind == "dead"
    assert verdict("ftp://a.example/", internet.web()).kind == "malformed"
    assert verdict("http://a.example:22/", internet.web()).kind == "malformed"


def test_we_say_who_asks(internet):
    judged(internet, "a.example/x", 200)
    assert internet.visits[0][3] == agent() and agent().startswith("Mozilla/5.0 (compatible; editing-pitfalls/") and "https://" in agent()


# The whole collection


def visit(internet, *papers, **more):
    waits = []
    report = audit(papers, internet.web(), wait=waits.append, **more)
    return report, waits


def test_what_fails_at_first_is_asked_again_later(internet):
    internet.pages |= {"a.example/x": [500, 500, 200], "b.example/x": 404, "c.example/x": 200, "d.example/x": 301}
    report, waits = visit(internet, *(paper(f"{h}2020b", code=internet.url(f"{h}.example/x")) for h in "abcd"), later=77)
    assert [(row.key, row.kind) for row in report.rows] == [("b2020b", "dead")]
    assert waits == [77] and len(internet.methods("a.example/x")) == 3 and internet.methods("c.example/x") == ["HEAD"]


def test_nothing_is_asked_again_where_nothing_failed(internet):
    internet.pages["a.example/x"] = 200
    report, waits = visit(internet, paper(code=internet.url("a.example/x")))
    assert report.rows == () and report.checked == 1 and waits == []


def test_one_address_of_two_entries_is_asked_once_and_told_twice(internet):
    url = internet.url("a.example/x")
    internet.pages["a.example/x"] = 404
    report, _ = visit(internet, paper("a2020b", code=url), paper("c2020d", project=url))
    assert [(row.key, row.field) for row in report.rows] == [("a2020b", "links.code"), ("c2020d", "links.project")]
    assert len(internet.methods("a.example/x")) == 3 and report.checked == 1


def test_one_host_is_asked_in_turn_and_hosts_side_by_side(internet):
    running, most, lock = {"a.example": 0, "b.example": 0}, [], threading.Lock()
    meet = threading.Barrier(2, timeout=5)

    def page(handler):
        host = handler.headers["Host"].partition(":")[0]
        with lock:
            running[host] += 1
            most.append(running[host])
        if handler.path == "/0":
            meet.wait()  # Both hosts are asked at the same time, or this breaks.
        with lock:
            running[host] -= 1
        return 200

    for host in running:
        internet.pages |= {f"{host}/{n}": page for n in range(4)}
    papers = [paper(f"{host[0]}2020b{n}", code=internet.url(f"{host}/{n}")) for host in running for n in range(4)]
    report, waits = visit(internet, *papers, rest=5)
    assert report.rows == () and max(most) == 1 and waits == [5] * 6


def test_hosts_that_do_not_exist_are_given_no_rest(internet):
    internet.pages["a.example/x"] = 200
    report, waits = visit(internet, paper(code=internet.url("a.example/x")), *(paper(f"c2020d{n}", code=f"http://nobody.example/{n}") for n in range(9)), rest=5, later=77)
    assert len(report.rows) == 9 and waits == [77]


def test_every_step_is_told(internet):
    internet.pages |= {"a.example/x": 200, "a.example/y": 404}
    steps = []
    visit(internet, paper(code=internet.url("a.example/x"), project=internet.url("a.example/y")), step=steps.append)
    assert sum(steps) == 2


def test_whoever_breaks_off_need_not_wait_for_the_rest(internet):
    """Ctrl-C arrives in the main thread, while the others are in the middle of their hosts."""
    internet.pages |= {f"{host}.example/{n}": 200 for host in "ab" for n in range(100)}
    papers = [paper(f"a2020b{n}", code=internet.url(f"a.example/{n}"), data=internet.url(f"b.example/{n}")) for n in range(100)]
    steps = []

    def step(number):
        steps.append(number)
        if len(steps) == 5:
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        audit(papers, internet.web(), step=step, rest=0.02)
    for thread in threading.enumerate():
        if thread.name.startswith("ThreadPoolExecutor"):
            thread.join(5)
    assert 5 <= len(internet.visits) < 50


def test_a_machine_without_a_network_blames_no_link(internet):
    with pytest.raises(UserError, match="none of 2 hosts can be reached: is this machine online"):
        visit(internet, paper(code="http://x.example/", project="http://y.example/"))


def test_addresses_are_those_of_the_links():
    found = addresses([paper(code="https://a.example/x", data="https://a.example/y"), paper("c2020d", project="https://a.example/x")])
    assert [(a.url, a.places) for a in found] == [
        ("https://a.example/x", (("a2020b", "links.code"), ("c2020d", "links.project"))), ("https://a.example/y", (("a2020b", "links.data"),)),
    ]  # fmt: skip


def test_links_is_what_the_report_knows():
    from survey.intake.audit import LINKS

    assert {k for k in LINKS if not LINKS[k].problem} == {"blocked"} and links.REST >= 1
