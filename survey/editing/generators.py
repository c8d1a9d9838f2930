"""Who writes for a method that is a program around a language model (MeLLo, DeepEdit).

    generator("", model)                                  the edited model itself
    generator("gemma-3-270m-it", model)                   another model by name or folder
    generator("http://localhost:8000/v1#name", model)     an endpoint that speaks as OpenAI's does

All write greedily. The key of an endpoint is read from SURVEY_GENERATOR_KEY and stored nowhere.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Protocol
from urllib.parse import urlsplit

import torch

from survey.editing.edit import EditError
from survey.editing.language_model import LanguageModel, continue_tokens

KEY = "SURVEY_GENERATOR_KEY"
_TRIES = 4
_TIMEOUT = (10.0, 120.0)
"""Seconds to connect, and for an answer."""
_LONGEST_WAIT = 60.0
_MOST_BYTES = 1_000_000
_AGAIN = (408, 429, 500, 502, 503, 504)
_MOST_STOPS = 4  # More are refused by some endpoints; the text is cut here, too.


class GeneratorError(EditError):
    """A generator that is not there, or gives no answer."""


class Generator(Protocol):
    """What continues a text."""

    def generate(self, prompt: str, stop: Sequence[str], tokens: int) -> str:
        """A greedy continuation of at most so many tokens, up to the first of the `stop` texts, without it."""

    def fits(self, text: str, tokens: int) -> bool:
        """Whether the text, and so many tokens more, can be read at once."""


def generator(name: str, model: LanguageModel) -> Generator:
    """The generator of this name, see above. Raises `GeneratorError` for an address that is none, `EditError` where
    another model cannot be loaded."""
    if not name:
        return Local(model)
    if "://" in name:
        return Endpoint.at(name)
    return Local(_loaded(name))


@cache
def _loaded(name: str) -> LanguageModel:
    from survey.editing.loading import load_model

    return load_model(name)


def cut(text: str, stop: Sequence[str]) -> str:
    """The text up to the first of the stops."""
    return text[: min((at for s in stop if (at := text.find(s)) >= 0), default=len(text))]


class _Enough(Exception):
    """Ends a continuation early."""


@dataclass(frozen=True)
class Local:
    """A language model here, with the patches that lie on it."""

    model: LanguageModel

    def generate(self, prompt: str, stop: Sequence[str], tokens: int) -> str:
        model, made = self.model, []

        def choose(logits: torch.Tensor) -> torch.Tensor:
            id = logits.argmax(-1)
            if id.item() in model.end_ids:
                raise _Enough
            made.append(id.item())
            if any(s in model.decode(made) for s in stop):
                raise _Enough
            return id

        ids = torch.tensor([model.tokens(model.asked([prompt])[0]).ids], device=model.device)
        with suppress(_Enough):
            continue_tokens(model, ids, torch.ones_like(ids), tokens, choose)
        return cut(model.decode(made), stop)

    def fits(self, text: str, tokens: int) -> bool:
        limit = getattr(self.model.network.config.get_text_config(), "max_position_embeddings", None)
        return limit is None or len(self.model.tokens(text)) + tokens <= limit


@dataclass(frozen=True)
class Endpoint:
    """A server that speaks as OpenAI's: texts are continued where the address ends in /completions, and an
    instruction asks for it where it ends in /chat/completions."""

    url: str
    name: str
    timeout: tuple[float, float] = _TIMEOUT
    sleep: Callable[[float], None] = time.sleep

    @classmethod
    def at(cls, address: str, **more) -> Endpoint:
        """The endpoint of `http(s)://host/v1#model`. Raises `GeneratorError`."""
        url, _, name = address.partition("#")
        try:
            parts = urlsplit(url)
            host = parts.hostname
        except ValueError:
            host = None
        if not host or parts.scheme not in ("http", "https"):
            raise GeneratorError(f"{url} is no address of a generator: only http:// and https:// are asked")
        if parts.username or parts.password or parts.query:
            raise GeneratorError(f"the address of a generator at {host} holds more than a path: give the key in {KEY}")
        if not name:
            raise GeneratorError(f"name the model behind the address: {url}#MODEL")
        url = url.rstrip("/")
        return cls(url if url.endswith("/completions") else f"{url}/completions", name, **more)

    def generate(self, prompt: str, stop: Sequence[str], tokens: int) -> str:
        asked: dict = {"model": self.name, "max_tokens": tokens, "temperature": 0}
        if stop:
            asked["stop"] = list(stop)[:_MOST_STOPS]
        chat = self.url.endswith("/chat/completions")
        if chat:
            asked["messages"] = [
                {"role": "system", "content": "Continue the text exactly where it ends. Write nothing else."},
                {"role": "user", "content": prompt},
            ]
        else:
            asked["prompt"] = prompt
        answer = self._ask(asked)
        try:
            choice = answer["choices"][0]
            text = choice["message"]["content"] if chat else choice["text"]
        except (KeyError, IndexError, TypeError):
            text = None
        if not isinstance(text, str):
            raise GeneratorError(f"{self.url} answered without a text: {_short(json.dumps(answer))}")
        return cut(text, stop)

    def fits(self, text: str, tokens: int) -> bool:
        return True

    def _ask(self, asked: dict) -> object:
        """What the endpoint answers to an object. Raises `GeneratorError` when it has been asked often enough."""
        import requests

        headers = {"Authorization": f"Bearer {key}"} if (key := os.environ.get(KEY, "").strip()) else {}
        problem = ""
        with requests.Session() as session:
            for attempt in range(_TRIES):
                wait = 2.0**attempt
                try:
                    with session.post(
                        self.url, json=asked, headers=headers, timeout=self.timeout, stream=True, allow_redirects=False
                    ) as response:
                        body = self._body(response)
                        if response.status_code == 200:
                            return self._parsed(body)
                        problem = f"{response.status_code} {response.reason}: {_short(_message(body))}"
                        if response.status_code not in _AGAIN:
                            raise GeneratorError(f"{self.url} refused: {problem}{self._hint(response.status_code)}")
                        wait = _seconds(response.headers.get("Retry-After"), wait)
                except requests.exceptions.SSLError:
                    raise GeneratorError(f"{self.url}: its certificate cannot be verified") from None
                except requests.exceptions.Timeout:
                    problem = "no answer in time"
                except requests.exceptions.RequestException as error:
                    problem = f"cannot be reached ({type(error).__name__})"
                if attempt + 1 < _TRIES:
                    self.sleep(wait)
        raise GeneratorError(f"{self.url} failed {_TRIES} times; the last time: {problem}")

    def _parsed(self, body: bytes) -> object:
        try:
            return json.loads(body)
        except (ValueError, RecursionError):
            raise GeneratorError(f"{self.url} answered with something that is no JSON: {_short(_message(body))}") from None

    def _body(self, response) -> bytes:
        body = b""
        for piece in response.iter_content(65536):
            body += piece
            if len(body) > _MOST_BYTES:
                raise GeneratorError(f"{self.url} answered with more than {_MOST_BYTES:,} bytes")
        return body

    def _hint(self, status: int) -> str:
        if status in (401, 403):
            return f" (the key is read from {KEY})"
        if status == 404 and not self.url.endswith("/chat/completions"):
            return " (some endpoints know only addresses that end in /chat/completions)"
        return ""


def _seconds(header: str | None, otherwise: float) -> float:
    """How long to wait; a date is as good as nothing."""
    try:
        return min(max(float(header), 0.0), _LONGEST_WAIT) if header else otherwise
    except ValueError:
        return otherwise


def _message(body: bytes) -> str:
    """What an answer says went wrong."""
    text = body.decode("utf-8", "replace")
    try:
        found = json.loads(text)["error"]
        return str(found["message"] if isinstance(found, dict) else found)
    except (ValueError, KeyError, TypeError, RecursionError):
        return text


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 200 else text[:199] + "…"
