from __future__ import annotations

import socket
import ssl
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey.intake import public
from survey.intake.public import HOPS, Refused, Web, is_public

PRIVATE = [
    "127.0.0.1", "127.8.8.8", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "0.1.2.3",
    "192.0.2.1", "198.18.0.1", "198.51.100.7", "203.0.113.9", "224.0.0.1", "240.0.0.1", "255.255.255.255", "192.0.0.1",
    "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12:3456::1", "ff02::1", "2001:db8::1", "100::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "::10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1",
    "2002:7f00:1::1", "2002:a00:1::1", "2002:c0a8:101::1", "2001:0:7f00:1::f5ff:fffe", "2001:0:808:808::f5ff:fffe", "", "x", "1.2.3", "localhost",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_known_in_every_wrapping(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "140.82.112.3", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"])
def test_public_addresses_are_public(address):
    assert is_public(address)


def ask(web, url: str, method: str = "GET"):
    return web.ask(method, url, "test")


def kind(web, url: str) -> str:
    with pytest.raises(Refused) as caught:
        ask(web, url)
    return caught.value.kind


# What is asked


def test_an_answer_comes_back_with_status_and_headers(internet):
    internet.pages["a.example/x?y=1"] = (200, {"X-Test": "1"})
    reply = ask(internet.web(), internet.url("a.example/x?y=1#part"))
    assert (reply.status, reply.headers["x-test"], reply.hops) == (200, "1", ())


def test_the_connection_goes_to_the_address_that_was_looked_at(internet):
    """A name that means another address a moment later (DNS rebinding) changes nothing."""
    answers = [["127.0.0.1"], ["10.0.0.1"]]
    internet.pages["a.example/"] = 200
    web = internet.web(names=lambda host, port: answers.pop(0))
    assert ask(web, internet.url("a.example/")).status == 200 and len(answers) == 1
    assert kind(web, internet.url("a.example/")) == "private" and len(internet.visits) == 1


@pytest.mark.parametrize("addresses", [["10.0.0.1"], ["8.8.8.8", "10.0.0.1"], ["::ffff:10.0.0.1"], ["169.254.169.254"], []])
def test_one_private_address_of_a_host_is_enough_to_refuse_it(internet, addresses):
    internet.addresses["a.example"] = addresses or ["not an address"]
    assert kind(internet.web(), internet.url("a.example/")) == "private" and internet.visits == []


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "0x7f.1", "2130706433", "017700000001", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0", "0.0.0.0", "127。0。0。1", "①②⑦.⓪.⓪.①"])
def test_this_machine_is_not_asked_under_any_of_its_names(host):
    assert kind(Web(timeout=1), f"http://{host}/") in ("private", "malformed", "dead")


def test_this_machine_is_private_by_its_usual_names():
    assert [kind(Web(timeout=1), f"http://{host}/") for host in ("127.0.0.1", "localhost", "[::1]", "2130706433")] == ["private"] * 4


@pytest.mark.parametrize("url", [
    "ftp://a.example/", "file:///etc/passwd", "gopher://a.example/", "javascript:alert(1)", "//a.example/", "a.example", "", "http://", "http:///x",
    "http://eve@a.example/", "http://a:b@a.example/", "http://a.example:22/", "http://a.example:99999/", "http://a.example:x/", "http://[::1/", "http://a b.example/",
    "http://a.example/a b", "http://a.example/\r\nX: 1", "http://a.example/\x00", "http://a..example/", "http://" + "a" * 70 + ".example/", "http://a.example\\@b.example/",
    "http://\ud800/",
])  # fmt: skip
def test_malformed_addresses_are_not_asked(internet, url):
    assert kind(internet.web(), url) == "malformed" and internet.visits == [] and internet.looked_up == []


def test_only_the_ports_of_the_web_are_asked():
    web = Web(names=lambda host, port: ["10.0.0.1"])
    assert [kind(web, f"http://a.example:{port}/") for port in (80, 443, 22, 8080)] == ["private", "private", "malformed", "malformed"]


def test_letters_of_all_scripts_become_what_the_network_knows(internet):
    internet.pages["xn--bcher-kva.example/%C3%BC?q=%C3%A4"] = 200
    assert ask(internet.web(), internet.url("bücher.example/ü?q=ä")).status == 200


pieces = st.lists(st.one_of(st.sampled_from(["http://", "https://", "a.example", "127.0.0.1", "[::1]", ":80", ":", "/", "?", "#", "@", "%", "%00", "\\", "\r\n", "xn--", "..", "ß", "。"]), st.text(max_size=5)), max_size=8).map("".join)


@settings(deadline=None)
@given(pieces)
def test_no_address_breaks_the_visit_or_gets_around_the_look_at_its_host(text):
    asked = []
    web = Web(names=lambda host, port: asked.append(host) or ["10.0.0.1"])
    with pytest.raises(Refused):
        ask(web, text)
    assert all(host.isascii() for host in asked)


@settings(deadline=None)
@given(pieces)
def test_no_redirect_breaks_the_visit(text):
    web = Web(names=lambda host, port: ["10.0.0.1"])
    once = web._once
    answers = [(302, {"location": text.encode("utf-8", "replace").decode("latin-1")})]
    web._once = lambda *words: answers.pop() if answers else once(*words)
    try:
        assert ask(web, "http://a.example/").status == 302 and not text
    except Refused as refused:
        assert refused.kind in ("private", "malformed")


# Redirects


def test_redirects_are_followed_and_told(internet):
    internet.pages |= {"a.example/": (301, {"Location": internet.url("b.example/x")}), "b.example/x": (302, {"Location": "/y"}), "b.example/y": 200}
    reply = ask(internet.web(), internet.url("a.example/"))
    assert reply.url == internet.url("b.example/y") and [status for status, _ in reply.hops] == [301, 302]


@pytest.mark.parametrize("target", ["http://10.0.0.1/", "http://127.0.0.1:22/", "//10.0.0.1/", "file:///etc/passwd", "http://inner.example/", "http://[::1]/", "http://eve@b.example/"])
def test_no_redirect_leads_inside(internet, target):
    internet.pages["a.example/"] = (302, {"Location": target})
    internet.addresses["inner.example"] = ["192.168.0.1"]
    internet.addresses["10.0.0.1"] = ["10.0.0.1"]
    internet.addresses["::1"] = ["::1"]
    with pytest.raises(Refused, match="it leads to") as caught:
        ask(internet.web(), internet.url("a.example/"))
    assert caught.value.kind in ("private", "malformed") and len(internet.visits) == 1


def test_a_circle_of_redirects_ends(internet):
    internet.pages["a.example/"] = (302, {"Location": "/"})
    assert kind(internet.web(), internet.url("a.example/")) == "failing" and len(internet.visits) == HOPS + 1


def test_a_redirect_without_an_address_is_an_answer(internet):
    internet.pages["a.example/"] = 302
    assert ask(internet.web(), internet.url("a.example/")).status == 302


# What fails


def test_a_host_that_does_not_exist_is_dead(monkeypatch):
    def none(*_, **__):
        raise socket.gaierror(socket.EAI_NONAME, "no")

    monkeypatch.setattr(socket, "getaddrinfo", none)
    assert kind(Web(), "http://nobody.example/") == "dead"
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: (_ for _ in ()).throw(socket.gaierror(socket.EAI_AGAIN, "later")))
    assert kind(Web(), "http://nobody.example/") == "failing"


def test_a_server_that_breaks_off_or_hangs_is_failing(internet):
    def breaks(handler):
        handler.wfile.write(b"")

    def hangs(handler):
        time.sleep(0.6)

    internet.pages |= {"a.example/": breaks, "b.example/": hangs}
    assert kind(internet.web(), internet.url("a.example/")) == "failing"
    start = time.monotonic()
    assert kind(internet.web(timeout=0.2), internet.url("b.example/")) == "failing" and time.monotonic() - start < 0.6


def test_an_answer_that_drips_without_end_is_ended(internet):
    def drips(handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        for n in range(40):
            time.sleep(0.05)
            try:
                handler.wfile.write(b"X-%d: 1\r\n" % n)
                handler.wfile.flush()
            except OSError:
                return

    internet.pages["a.example/"] = drips
    start = time.monotonic()
    with pytest.raises(Refused, match="in time"):
        ask(internet.web(total=0.4), internet.url("a.example/"))
    assert time.monotonic() - start < 1.5


def test_a_large_answer_is_not_read(internet):
    def large(handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n" + b"x" * 100_000)

    internet.pages["a.example/"] = large
    assert ask(internet.web(), internet.url("a.example/")).status == 200


def test_another_address_of_a_host_is_tried(internet):
    internet.pages["a.example/"] = 200
    internet.addresses["a.example"] = ["127.0.0.9", "127.0.0.1"]
    # The server listens on the second only.
    assert ask(internet.web(trusted={"127.0.0.1", "127.0.0.9"}), internet.url("a.example/")).status == 200


def test_proxies_of_the_environment_are_not_used(internet, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    internet.pages["a.example/"] = 200
    assert ask(internet.web(), internet.url("a.example/")).status == 200


def test_a_secure_connection_is_made_for_the_name_and_not_for_the_address(internet, monkeypatch):
    asked = []

    class Context:
        def wrap_socket(self, sock, server_hostname):
            asked.append((sock.getpeername()[0], server_hostname))
            error = ssl.SSLCertVerificationError()
            error.verify_message = "it is for somebody else"
            sock.close()
            raise error

    monkeypatch.setattr(public, "_tls", lambda: Context())
    internet.addresses["a.example"] = ["127.0.0.1"]
    with pytest.raises(Refused, match=r"certificate of a\.example is not good: it is for somebody else"):
        ask(internet.web(), internet.url("a.example/", "https"))
    assert asked == [("127.0.0.1", "a.example")]


def test_certificates_are_verified():
    context = public._tls()
    assert context.verify_mode is ssl.CERT_REQUIRED and context.check_hostname
