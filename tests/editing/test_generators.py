"""Who writes: the model itself, and a server that does not always behave."""

from __future__ import annotations

import json
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from survey.editing import apply
from survey.editing.generators import KEY, Endpoint, GeneratorError, Local, cut, generator
from survey.editing.language_model import LanguageModel
from tests.editing.methods.common import HARBOUR
from tests.editing.tiny import tiny_folder, tiny_model


def test_texts_are_cut_at_the_first_stop():
    assert cut("a b\nc.", [".", "\n"]) == "a b"
    assert cut("a b", ["."]) == "a b"
    assert cut("a b", []) == "a b"


@pytest.mark.parametrize("architecture", ["gpt2", "llama"])
def test_a_model_here_writes_what_it_generates(architecture):
    model = tiny_model(architecture)
    text = model.generate(HARBOUR.text, 12)
    writer = generator("", model)
    assert writer.generate(HARBOUR.text, [], 12) == text
    assert writer.generate(HARBOUR.text, [], 3) == model.generate(HARBOUR.text, 3)
    stop = text[3:5]
    assert writer.generate(HARBOUR.text, [stop], 12) == text[: text.index(stop)]
    with apply("ft-l", model, HARBOUR, layer=0, epsilon=0.2, lr=0.1, steps=5):
        assert writer.generate(HARBOUR.text, [], 12) == model.generate(HARBOUR.text, 12) != text


def test_writing_ends_with_the_stop(monkeypatch):
    """No token is computed behind it."""
    model = tiny_model("llama")
    text = model.generate(HARBOUR.text, 12)
    passes = []
    hidden = LanguageModel.hidden
    monkeypatch.setattr(LanguageModel, "hidden", lambda self, *a, **k: passes.append(1) or hidden(self, *a, **k))
    Local(model).generate(HARBOUR.text, [text[:1]], 12)
    assert len(passes) == 1


def test_what_can_be_read():
    model = tiny_model("gpt2")
    length = len(model.tokens(HARBOUR.text))
    assert Local(model).fits(HARBOUR.text, 256 - length)
    assert not Local(model).fits(HARBOUR.text, 257 - length)


def test_another_model_by_folder(tmp_path):
    folder = tiny_folder(tmp_path / "net", "gpt2")
    writer = generator(str(folder), tiny_model("llama"))
    assert writer.generate(HARBOUR.text, [], 8) == tiny_model("gpt2").generate(HARBOUR.text, 8)
    assert generator(str(folder), tiny_model("llama")).model is writer.model


class Server:
    """Answers as it was told, one item for each request, and keeps what it was asked."""

    def __init__(self, *answers) -> None:
        self.asked: list[dict] = []
        self.headers: list[dict] = []
        self.paths: list[str] = []
        left = list(answers)
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.asked.append(json.loads(body))
                outer.headers.append(dict(self.headers))
                outer.paths.append(self.path)
                answer = left.pop(0) if left else (500, {}, "nothing left")
                status, headers, text = answer if isinstance(answer, tuple) else (200, {}, answer)
                if status == "late":
                    time.sleep(1.5)
                    return
                data = (text if isinstance(text, str) else json.dumps(text)).encode()
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.waits: list[float] = []
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def endpoint(self, path: str = "/v1", **more) -> Endpoint:
        address = f"http://127.0.0.1:{self.server.server_address[1]}{path}#some-model"
        return Endpoint.at(address, sleep=self.waits.append, **more)


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv(KEY, raising=False)


def text(words: str) -> dict:
    return {"choices": [{"text": words}]}


def test_what_an_endpoint_is_asked(monkeypatch):
    monkeypatch.setenv(KEY, "secret-1")
    with Server(text(" London.\nThe next")) as server:
        assert server.endpoint().generate("The city is", ["\n", "v", "w", "x", "y"], 7) == " London."
    assert server.paths == ["/v1/completions"]
    assert server.asked == [{
        "model": "some-model", "prompt": "The city is", "max_tokens": 7, "temperature": 0, "stop": ["\n", "v", "w", "x"],
    }]  # fmt: skip
    assert server.headers[0]["Authorization"] == "Bearer secret-1"


def test_an_endpoint_for_chats():
    with Server({"choices": [{"message": {"content": " London"}}]}) as server:
        assert server.endpoint("/v1/chat/completions").generate("The city is", [], 7) == " London"
    assert server.paths == ["/v1/chat/completions"]
    assert [message["role"] for message in server.asked[0]["messages"]] == ["system", "user"]
    assert server.asked[0]["messages"][1]["content"] == "The city is"
    assert "stop" not in server.asked[0]
    assert "Authorization" not in server.headers[0]


def test_errors_that_pass_are_tried_again():
    with Server((429, {"Retry-After": "7"}, "slow down"), (503, {}, ""), (500, {"Retry-After": "Mon"}, ""), text("x")) as server:
        assert server.endpoint().generate("a", [], 1) == "x"
    assert server.waits == [7, 2, 4]
    with Server((429, {"Retry-After": "9999"}, ""), text("x")) as server:
        server.endpoint().generate("a", [], 1)
    assert server.waits == [60]


def test_trying_comes_to_an_end():
    told = pytest.raises(GeneratorError, match=r"failed 4 times; the last time: 500 .*: out of memory$")
    with Server(*[(500, {}, {"error": {"message": "out of\nmemory"}})] * 9) as server, told:
        server.endpoint().generate("a", [], 1)
    assert len(server.asked) == 4
    assert server.waits == [1, 2, 4]


@pytest.mark.parametrize("status, answer, message", [
    (401, {"error": {"message": "bad key"}}, "refused: 401 .*: bad key .the key is read from SURVEY_GENERATOR_KEY"),
    (404, {"error": "no such path"}, "refused: 404 .*no such path .some endpoints know only .*chat/completions"),
    (400, "x" * 5000, "refused: 400 .*xxx…$"),
    (302, "", "refused: 302"),
    (200, "no json at all", "no JSON: no json at all"),
    (200, {"choices": []}, "without a text"),
    (200, {"choices": [{"text": None}]}, "without a text"),
    (200, [1, 2], "without a text"),
    (200, "[" * 100_000, "no JSON"),
    (200, "x" * 1_100_000, "more than 1,000,000 bytes"),
])  # fmt: skip
def test_errors_that_stay_are_told_at_once(status, answer, message):
    told = pytest.raises(GeneratorError, match=message)
    with Server((status, {"Location": "http://127.0.0.1:1/"}, answer)) as server, told as caught:
        server.endpoint().generate("a", [], 1)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500
    assert len(server.asked) == 1
    assert server.waits == []


def test_a_server_that_is_late():
    with Server(("late", {}, ""), text("x")) as server:
        assert server.endpoint(timeout=(5.0, 0.3)).generate("a", [], 1) == "x"
    assert server.waits == [1]
    told = pytest.raises(GeneratorError, match="no answer in time")
    with Server(*[("late", {}, "")] * 4) as server, told:
        server.endpoint(timeout=(5.0, 0.2)).generate("a", [], 1)


def test_a_server_that_is_not_there():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    waits = []
    with pytest.raises(GeneratorError, match=r"failed 4 times; the last time: cannot be reached .ConnectionError"):
        Endpoint.at(f"http://127.0.0.1:{port}/v1#m", sleep=waits.append).generate("a", [], 1)
    assert waits == [1, 2, 4]


@pytest.mark.parametrize("address, message", [
    ("ftp://host/v1#m", "only http"),
    ("file:///etc/passwd#m", "only http"),
    ("http://#m", "only http"),
    ("http://[::1#m", "only http"),
    ("http://host/v1", "name the model"),
    ("http://me:secret@host/v1#m", "give the key in SURVEY_GENERATOR_KEY"),
    ("http://host/v1?key=secret#m", "give the key in SURVEY_GENERATOR_KEY"),
])  # fmt: skip
def test_addresses(address, message):
    with pytest.raises(GeneratorError, match=message) as caught:
        generator(address, tiny_model("llama"))
    assert "secret" not in str(caught.value)
