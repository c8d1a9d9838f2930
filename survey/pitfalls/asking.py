"""What a model is asked, and what it answers: the only place where the pitfalls meet a language model.

A probe is a pure function of what a model answers in several states (unedited first, edited last). It looks answers up
by what it wants to know:

    state[Continuation("The Louvre is in", "London")].p
    state[Said("The Louvre is in", tokens=20)].text

`wanted` finds out what a function looks up, by running it on answers that mean nothing; so what it asks must not
depend on what it is told. `answer` then asks the model everything at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    import torch

    from survey.editing.language_model import LanguageModel

# Prompts in one batch of generation; more take memory and are hardly faster.
_AT_ONCE = 48


@dataclass(frozen=True)
class Likelihood:
    """How probable a continuation is.

    log_p: mean log-probability of its tokens in nats, under teacher forcing; NaN where the model has collapsed.
    exact: every one of its tokens is the most probable one, so that greedy decoding says it.
    right: share of its tokens that are the most probable ones, 0 to 1.
    tokens: how many there are.
    """

    log_p: float
    exact: bool
    right: float
    tokens: int

    @property
    def p(self) -> float:
        """The geometric mean of the tokens' probabilities: length-normalised, as CounterFact's evaluation has it."""
        return math.exp(self.log_p)


@dataclass(frozen=True, eq=False)
class Distribution:
    """Log-probabilities of the next token in nats, [vocabulary], and the most probable one (-1: the model has collapsed)."""

    log_p: torch.Tensor
    top: int


@dataclass(frozen=True)
class Text:
    """What the model said, greedily, without the prompt. `collapsed`: its numbers were no numbers."""

    text: str
    collapsed: bool = False


@dataclass(frozen=True)
class Loss:
    """Negative log-likelihood of a text in nats, summed over `tokens`: all but the first, which nothing predicts."""

    nll: float
    tokens: int


@dataclass(frozen=True)
class Continuation:
    """How probable is `text` behind `prompt`, joined by a blank?"""

    prompt: str
    text: str
    meaningless: ClassVar[tuple[Any, ...]] = (Likelihood(-1.0, False, 0.0, 1), Likelihood(-0.1, True, 1.0, 1))


@dataclass(frozen=True)
class Next:
    """What comes next behind `prompt`, over the whole vocabulary?"""

    prompt: str

    @property
    def meaningless(self) -> tuple[Any, ...]:
        import torch

        return Distribution(torch.tensor([-0.6931, -0.6931]), 0), Distribution(torch.tensor([-0.1054, -2.3026]), 1)


@dataclass(frozen=True)
class Top:
    """Which token is the most probable one behind `prompt`? Its number; -1 where the model has collapsed.

    Takes no memory, where `Next` keeps the whole distribution.
    """

    prompt: str
    meaningless: ClassVar[tuple[Any, ...]] = (0, -1)


@dataclass(frozen=True)
class Said:
    """What does the model say behind `prompt`, greedily, in at most so many tokens?"""

    prompt: str
    tokens: int = 20
    meaningless: ClassVar[tuple[Any, ...]] = (Text(""), Text("Some words, and some more of them."))


@dataclass(frozen=True)
class Passage:
    """How probable is a whole text?"""

    text: str
    meaningless: ClassVar[tuple[Any, ...]] = (Loss(1.0, 1), Loss(9.0, 3))


Ask = Continuation | Next | Top | Said | Passage
State = Mapping[Ask, Any]


class _Recording(dict):
    """A state that knows no model: it remembers what is looked up, and says something meaningless."""

    def __init__(self, which: int) -> None:
        super().__init__()
        self.which = which

    def __missing__(self, ask: Ask) -> Any:
        self[ask] = ask.meaningless[self.which]
        return self[ask]


def wanted(function: Callable[..., Any], *things: Any, states: int) -> tuple[list[Ask], ...]:
    """What `function(*things, states)` looks up in each of so many states."""
    recorded = tuple(_Recording(0) for _ in range(states))
    function(*things, recorded)
    return tuple(list(state) for state in recorded)


def steady(function: Callable[..., Any], *things: Any, states: int) -> bool:
    """Whether a function asks the same, whatever it is told. Every probe must."""
    told = []
    for which in (0, 1):
        recorded = tuple(_Recording(which) for _ in range(states))
        function(*things, recorded)
        told.append([set(state) for state in recorded])
    return told[0] == told[1]


def answer(model: LanguageModel, asks: Iterable[Ask]) -> dict[Ask, Any]:
    """The model's answers, as it is now. Each thing is asked once."""
    asks = list(dict.fromkeys(asks))
    of = lambda kind: [ask for ask in asks if isinstance(ask, kind)]  # noqa: E731
    tops = _tops(model, [ask.prompt for ask in of(Top)])
    return {
        **_continuations(model, of(Continuation)),
        **_next(model, of(Next)),
        **{ask: tops[ask.prompt] for ask in of(Top)},
        **_said(model, of(Said)),
        **_passages(model, of(Passage)),
    }


def _continuations(model: LanguageModel, asks: Sequence[Continuation]) -> dict[Ask, Likelihood]:
    if not asks:
        return {}
    found = model.target_log_probabilities([(ask.prompt, ask.text) for ask in asks])
    return {ask: _likelihood(log_p, said) for ask, (log_p, said) in zip(asks, found, strict=True)}


def _likelihood(log_p: torch.Tensor, said: torch.Tensor) -> Likelihood:
    mean = log_p.mean().item()
    whole = math.isfinite(mean) or mean == -math.inf  # The most probable of no numbers is no answer.
    return Likelihood(mean, whole and bool(said.all()), said.float().mean().item() if whole else 0.0, len(said))


def _next(model: LanguageModel, asks: Sequence[Next]) -> dict[Ask, Distribution]:
    if not asks:
        return {}
    log_p = model.next_logits([ask.prompt for ask in asks]).log_softmax(-1)
    return {
        ask: Distribution(row, -1 if row.isnan().any() else int(row.argmax()))
        for ask, row in zip(asks, log_p, strict=True)
    }


def _tops(model: LanguageModel, prompts: Iterable[str]) -> dict[str, int]:
    """The most probable next token of each prompt, or -1; no more distributions at once than fit well into memory."""
    prompts = sorted(set(prompts), key=len)
    found: dict[str, int] = {}
    for start in range(0, len(prompts), _AT_ONCE):
        some = prompts[start : start + _AT_ONCE]
        logits = model.next_logits(some)
        best = logits.argmax(-1).masked_fill(logits.isnan().any(-1), -1)
        found |= dict(zip(some, best.tolist(), strict=True))
    return found


def _said(model: LanguageModel, asks: Sequence[Said]) -> dict[Ask, Text]:
    found: dict[Ask, Text] = {}
    for tokens in sorted({ask.tokens for ask in asks}):
        # Of like length together: short prompts would only carry filling.
        these = sorted((ask for ask in asks if ask.tokens == tokens), key=lambda ask: len(ask.prompt))
        for start in range(0, len(these), _AT_ONCE):
            some = these[start : start + _AT_ONCE]
            said = model.continued([ask.prompt for ask in some], tokens)
            found |= {ask: Text(text) if sound else Text("", True) for ask, (text, sound) in zip(some, said, strict=True)}
    return found


def _passages(model: LanguageModel, asks: Sequence[Passage]) -> dict[Ask, Loss]:
    import torch

    if not asks:
        return {}
    # What a patch puts before a text is read, but is not part of it.
    texts = [ask.text for ask in asks]
    read = model.asked(texts)
    tokens = [model.tokens(text) for text in read]
    starts = [
        max(1, t.token_at(len(r) - len(text) + 1)) if r.endswith(text) else 1
        for t, r, text in zip(tokens, read, texts, strict=True)
    ]
    rows = [t.ids for t in tokens]
    found: dict[Ask, Loss] = {}
    with torch.no_grad():
        for batch in model.batches(rows):
            ids, mask = model.padded([rows[i] for i in batch])
            hidden = model.hidden(ids, mask)
            for n, i in enumerate(batch):
                start, length = starts[i], len(rows[i])
                log_p = model.logits(hidden[n, start - 1 : length - 1]).float().log_softmax(-1)
                nll = -log_p.gather(1, ids[n, start:length, None]).double().sum().item()
                found[asks[i]] = Loss(nll, length - start)
    return found
