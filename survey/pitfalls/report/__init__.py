"""What one edit of a person's own changed, as data: whether it took, and everything else that was asked.

    report = gather(model, [edit], method="rome")
    page = html(report)          # survey.pitfalls.report.page

`gather` asks the unedited model, makes the edit, asks the edited one the same, and takes the edit off again. Nothing is
judged here that only the person can judge: a line without a right answer says what the model said, before and after.
"""

from __future__ import annotations

import math
import platform
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from survey.editing.edit import Edit, EditError
from survey.pitfalls.asking import Ask, Continuation, Next, Passage, Said, State, answer
from survey.pitfalls.metrics.distributions import neighbourhood_kl
from survey.pitfalls.metrics.intervals import Interval, bootstrap
from survey.pitfalls.metrics.losses import perplexity
from survey.pitfalls.metrics.texts import free_running_exact_match, mentioned
from survey.pitfalls.report.questions import (
    FACTS,
    FEW_WORDS,
    GROUPS,
    MORE_WORDS,
    WORDS,
    Line,
    Named,
    lines,
    names,
    other_facts,
)

if TYPE_CHECKING:
    from survey.editing.language_model import LanguageModel
    from survey.editing.method import Quiet
    from survey.editing.patch import Patch
    from survey.editing.report import Answer, Report

__all__ = ["EDITS", "GROUPS", "EditReport", "Reply", "Row", "Told", "gather"]

EDITS = 5
"""Of a patch with many edits, so many are told of."""
TASKS = ("sentiment-analysis", "reasoning", "open-domain-qa", "summarisation")
_TOP = 6


@dataclass(frozen=True)
class Reply:
    """What the model says behind a prompt.

    text: its own words, greedily. next: the most probable next token, None where the model has collapsed.
    p, p_against: length-normalised probabilities of the right answer and of the one it competes with, where there are such.
    exact: every token of the right answer is the most probable one.
    """

    text: str
    next: str | None
    p: float | None = None
    p_against: float | None = None
    exact: bool | None = None


@dataclass(frozen=True)
class Row:
    """A line with both replies. kl: divergence of the next token in nats, edited from unedited, as `neighbourhood-kl`.
    same_next: the most probable next token is what it was."""

    line: Line
    before: Reply
    after: Reply
    kl: float
    same_next: bool

    @property
    def same_text(self) -> bool:
        return self.after.next is not None and self.before.text == self.after.text


@dataclass(frozen=True)
class Told:
    """One edit: answers to its own prompt, the most probable next tokens as (token, before, after), and rows by group.

    exact: of the edited model, under teacher forcing. says: by itself it begins with the target.
    of_target, of_was: how many texts about an answer name the subject, as (before, after, texts).
    """

    edit: Edit
    before: Answer
    after: Answer
    exact: bool
    says: bool
    next: tuple[tuple[str, float, float], ...]
    groups: dict[str, tuple[Row, ...]]
    names: tuple[str, ...]
    of_target: tuple[int, int, int]
    of_was: tuple[int, int, int]

    def kept_or_new(self, group: str) -> tuple[int, int, int] | None:
        """Of the rows of a group that have a right answer, on how many it is the most probable one, token for token:
        before, after, and how many rows there are. None where there are none."""
        rows = [row for row in self.groups.get(group, ()) if row.line.right]
        if not rows:
            return None
        return sum(bool(r.before.exact) for r in rows), sum(bool(r.after.exact) for r in rows), len(rows)


@dataclass(frozen=True)
class Language:
    """Perplexity of texts that have nothing to do with any edit. ratio: after by before, with its interval over texts.
    worse: on how many texts it rose. worst: the text on which it rose most, and by what factor."""

    before: float
    after: float
    ratio: Interval
    worse: int
    texts: int
    worst: tuple[str, float]


@dataclass(frozen=True)
class TaskScore:
    """A small downstream task, with 95 % intervals over its items. chance: what guessing gives."""

    id: str
    name: str
    metric: str
    before: Interval
    after: Interval
    chance: float


@dataclass(frozen=True)
class Weights:
    """One parameter that the patch changes. relative_norm: ||dW|| / ||W||."""

    name: str
    shape: tuple[int, ...]
    layer: int | None
    relative_norm: float


@dataclass(frozen=True)
class EditReport:
    """A whole report. `all_edits` counts the edits of the patch, `edits` tells of the first ones of them. `facts` are other
    facts of the suite, those that changed most first. `seconds` is the time that the patch took."""

    method: str
    method_name: str
    model: str
    fingerprint: str
    edits: tuple[Told, ...]
    all_edits: int
    facts: tuple[Row, ...]
    language: Language
    tasks: tuple[TaskScore, ...]
    kind: str
    bytes: int
    relative_norm: float | None
    weights: tuple[Weights, ...]
    seconds: float
    restored: bool
    seed: int
    preset: str | None
    settings: dict[str, Any]
    about: dict[str, Any]
    command: str
    made_on: str
    suite: str
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def facts_changed(self) -> int:
        """How many other facts have another most probable next token."""
        return sum(not row.same_next for row in self.facts)

    @property
    def facts_right(self) -> tuple[int, int]:
        """On how many other facts the right answer is the most probable one, token for token: before and after."""
        return sum(bool(r.before.exact) for r in self.facts), sum(bool(r.after.exact) for r in self.facts)

    @property
    def target_told(self) -> tuple[int, int, int]:
        """How many answers about other facts name the first edit's target where it is wrong: before, after, and how many
        facts could."""
        target = self.edits[0].edit.target
        rows = [row for row in self.facts if row.line.against]
        told = [sum(mentioned([target], reply.text) for reply in some) for some in zip(*((r.before, r.after) for r in rows), strict=True)] or [0, 0]
        return told[0], told[1], len(rows)

    def record(self) -> dict[str, Any]:
        """The report as plain values, six digits; null stands for what is no number."""
        from survey.pitfalls.runs.worker import plain

        found = asdict(self)
        for told, edit in zip(found["edits"], self.edits, strict=True):
            told["right"] = {group: edit.kept_or_new(group) for group in edit.groups}
        found["facts_changed"], found["facts_right"], found["target_told"] = self.facts_changed, self.facts_right, self.target_told
        found["language"]["ratio"] = self.language.ratio._asdict()
        for score, task in zip(found["tasks"], self.tasks, strict=True):
            score["before"], score["after"] = task.before._asdict(), task.after._asdict()
        return plain(found)


def gather(
    model: LanguageModel,
    edits: Sequence[Edit] = (),
    *,
    method: str | None = None,
    patch: Patch | None = None,
    yours: Named | None = None,
    seed: int = 0,
    preset: str | None = None,
    settings: dict[str, Any] | None = None,
    text: str | None = None,
    tasks: bool = False,
    facts: int = FACTS,
    command: str = "",
    made_on: str = "",
    progress: Quiet | None = None,
) -> EditReport:
    """Make the edits with a method, or put in a patch, and report what changed; the model is given back as it was.

    `tasks` asks four downstream tasks, too. `facts` is how many other facts are asked. `command` and `made_on` are only
    told. The other arguments are those of `survey.editing.report.run`. Raises `EditError`.
    """
    from survey.editing.method import Quiet
    from survey.editing.report import bits, run

    progress = progress or Quiet()
    edits = tuple(edits if patch is None else patch.edits)
    if not edits:
        raise EditError("the patch names no edit, so that there is nothing to report of it" if patch else "there is no edit to make")
    unharmed = bits(model)
    made = run(
        model, edits, method=method, patch=patch, probes=(), seed=seed, preset=preset, settings=settings, text=text, progress=progress
    )
    few = edits[:EDITS]
    grouped = [lines(edit, yours or Named()) for edit in few]
    taken = {edit.text for edit in edits} | {line.prompt for groups in grouped for some in groups.values() for line in some}
    others = other_facts(edits, taken, facts)
    asks = [_asks_about(edit, groups) for edit, groups in zip(few, grouped, strict=True)]
    work = [*asks, [ask for line in others for ask in _asks(line, FEW_WORDS)], _passages()]
    before = _answered(model, work, tasks, "Asking the unedited model", progress)
    model.apply(made.patch)
    try:
        after = _answered(model, work, tasks, "Asking the edited model", progress)
    finally:
        model.remove(made.patch)
    told = tuple(
        _told(model, edit, (old, new), groups, (before.state, after.state))
        for edit, old, new, groups in zip(few, made.before, made.after, grouped, strict=False)
    )
    found = [_row(model, line, FEW_WORDS, before.state, after.state) for line in others]
    found.sort(key=lambda row: -math.inf if math.isnan(row.kl) else -row.kl)
    return EditReport(
        method=made.method, method_name=_method_name(made.method), model=model.name, fingerprint=model.fingerprint,
        edits=told, all_edits=len(edits), facts=tuple(found), language=_language(before.state, after.state),
        tasks=tuple(_scores(before.tasks, after.tasks)), kind=made.kind, bytes=made.bytes,
        relative_norm=made.relative_norm, weights=_weights(model, made.patch), seconds=made.seconds,
        restored=made.restored and bits(model) == unharmed, seed=made.seed, preset=made.preset,
        settings=made.settings, about=_about(made), command=command, made_on=made_on, suite=_suite(), versions=_versions(),
    )  # fmt: skip


@dataclass(frozen=True)
class _Answers:
    state: dict[Ask, Any]
    tasks: dict[str, dict[str, Any]]


def _answered(model: LanguageModel, work: Sequence[Sequence[Ask]], tasks: bool, label: str, progress: Quiet) -> _Answers:
    """Everything that a state of the model is asked."""
    progress.start(label, len(work) + (len(TASKS) if tasks else 0))
    state: dict[Ask, Any] = {}
    for asks in work:
        state |= answer(model, asks)
        progress.advance()
    scores = {}
    if tasks:
        from survey.pitfalls.suite import task
        from survey.pitfalls.suite.proving import prove_task

        for id in TASKS:
            scores[id] = prove_task(model, task(id))
            progress.advance()
    return _Answers(state, scores)


def _room(group: str) -> int:
    return MORE_WORDS if group in ("target", "was") else WORDS


def _asks(line: Line, tokens: int) -> list[Ask]:
    found: list[Ask] = [Next(line.prompt), Said(line.prompt, tokens)]
    return found + [Continuation(line.prompt, text) for text in (line.right, line.against) if text and line.right]


def _asks_about(edit: Edit, groups: dict[str, tuple[Line, ...]]) -> list[Ask]:
    own: list[Ask] = [Next(edit.text), Continuation(edit.text, edit.target)]
    return own + [ask for group, some in groups.items() for line in some for ask in _asks(line, _room(group))]


def _reply(model: LanguageModel, line: Line, tokens: int, state: State) -> Reply:
    top = state[Next(line.prompt)].top
    said = state[Said(line.prompt, tokens)].text
    token = model.decode([top]) if top >= 0 else None
    if not line.right:
        return Reply(said, token)
    likelihood = state[Continuation(line.prompt, line.right)]
    against = state[Continuation(line.prompt, line.against)].p if line.against else None
    return Reply(said, token, likelihood.p, against, likelihood.exact)


def _row(model: LanguageModel, line: Line, tokens: int, before: State, after: State) -> Row:
    old, new = before[Next(line.prompt)], after[Next(line.prompt)]
    return Row(
        line, _reply(model, line, tokens, before), _reply(model, line, tokens, after), neighbourhood_kl(old.log_p, new.log_p),
        new.top >= 0 and old.top == new.top,
    )  # fmt: skip


def _told(
    model: LanguageModel, edit: Edit, answers: tuple[Answer, Answer], groups: dict[str, tuple[Line, ...]], states: tuple[State, State]
) -> Told:
    rows = {group: tuple(_row(model, line, _room(group), *states) for line in some) for group, some in groups.items()}
    called = names(edit)
    return Told(
        edit, *answers, exact=states[1][Continuation(edit.text, edit.target)].exact,
        says=free_running_exact_match([edit.target], answers[1].text), next=_next(model, edit, states), groups=rows, names=called,
        of_target=_naming(rows.get("target", ()), called), of_was=_naming(rows.get("was", ()), called),
    )  # fmt: skip


def _next(model: LanguageModel, edit: Edit, states: tuple[State, State]) -> tuple[tuple[str, float, float], ...]:
    """The most probable next tokens of either model with both probabilities, the edited model's first."""
    before, after = (state[Next(edit.text)].log_p for state in states)
    each = [log_p.topk(min(_TOP, len(log_p))).indices.tolist() for log_p in (after, before) if not log_p.isnan().any()]
    best = dict.fromkeys(id for ids in each for id in ids)
    return tuple((model.decode([id]), before[id].exp().item(), after[id].exp().item()) for id in best)


def _naming(rows: Sequence[Row], called: Sequence[str]) -> tuple[int, int, int]:
    return (
        sum(mentioned(called, row.before.text) for row in rows), sum(mentioned(called, row.after.text) for row in rows), len(rows),
    )  # fmt: skip


def _passages() -> list[Ask]:
    from survey.pitfalls.suite import task

    return [Passage(item.answers[0]) for item in task("language-modelling").items]


def _language(before: State, after: State) -> Language:
    asks = _passages()
    pairs = [(before[ask], after[ask]) for ask in asks]
    # Every text has the same tokens before and after, unless a patch puts words before it, which do not count.
    each = [(old.nll, new.nll, new.tokens) for old, new in pairs]
    factor = [_ratio([pair]) for pair in each]
    worst = max(range(len(factor)), key=lambda n: math.inf if math.isnan(factor[n]) else factor[n])
    return Language(
        perplexity((old.nll, old.tokens) for old, _ in pairs), perplexity((new.nll, new.tokens) for _, new in pairs),
        bootstrap(each, _ratio), sum(not value <= 1 for value in factor), len(asks), (asks[worst].text, factor[worst]),
    )  # fmt: skip


def _ratio(losses: Sequence[tuple[float, float, float]]) -> float:
    """Perplexity after by perplexity before."""
    rate = sum(new - old for old, new, _ in losses) / sum(tokens for *_, tokens in losses)
    try:
        return math.exp(rate)
    except OverflowError:
        return math.inf


def _scores(before: dict[str, dict[str, Any]], after: dict[str, dict[str, Any]]) -> list[TaskScore]:
    from survey.pitfalls.suite import task

    def interval(told: dict[str, Any]) -> Interval:
        return Interval(told["value"], told["low"], told["high"], told["items"])

    return [
        TaskScore(id, task(id).name, told["metric"], interval(told), interval(after[id]), told["chance"])
        for id, told in before.items()
    ]


def _weights(model: LanguageModel, patch: Patch) -> tuple[Weights, ...]:
    """What a patch of weights changes, in the model's order; nothing for other kinds."""
    changes = getattr(patch, "changes", {})
    return tuple(
        Weights(
            name, tuple(changes[name].shape), _layer(name),
            changes[name].norm() / model.original(name).double().norm().clamp_min(1e-30).item(),
        )
        for name in model.parameters if name in changes
    )  # fmt: skip


def _layer(name: str) -> int | None:
    """The number of a parameter's block, which stands alone between dots."""
    found = re.search(r"(?:^|\.)(\d+)\.", name)
    return int(found[1]) if found else None


def _about(made: Report) -> dict[str, Any]:
    """What the method says of its patch, as far as it is short enough to be read."""
    short = (str, int, float, bool)
    found = {name: value for name, value in made.about.items() if isinstance(value, short) and len(str(value)) <= 200}
    first, statistics = made.about.get("first"), made.about.get("statistics")
    if isinstance(first, dict) and isinstance(first.get("layer"), int):
        found["block for subjects that are the very first token"] = first["layer"]
    if isinstance(statistics, dict) and isinstance(statistics.get("condition"), dict):
        found["tokens behind the statistics of keys"] = statistics.get("tokens")
        found["condition number of these statistics"] = max(
            (value for value in statistics["condition"].values() if isinstance(value, int | float)), default=math.nan
        )
    return found


def _method_name(id: str) -> str:
    from survey.files import load_taxonomy

    methods = load_taxonomy().methods
    return methods[id].name if id in methods else id or "a patch"


def _suite() -> str:
    from survey.pitfalls.suite.facts import digest

    return digest()


def _versions() -> dict[str, str]:
    from survey import __version__

    found = {name: version(name).split("+")[0] for name in ("torch", "transformers")}
    return {"editing-pitfalls": __version__, "python": platform.python_version(), **found}
