"""Live examples: what the model itself says before and after edits that show a pitfall.

    python -m survey.pitfalls.examples                          tell which examples there are
    python -m survey.pitfalls.examples --write                  make all of them anew
    python -m survey.pitfalls.examples --write locality.ripple  make some anew

Nothing is chosen by taste: the cases of our own suite are taken in their order, and the first one on which the pitfall
shows is recorded, with the number of cases that were tried. Words are greedy continuations.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from survey.editing.edit import Edit, EditError
from survey.errors import UserError
from survey.pitfalls import suite
from survey.pitfalls.case import Case, Question
from survey.pitfalls.metrics.texts import mentioned
from survey.pitfalls.task import Item, Task
from survey.pitfalls.tasks import MAIN

FOLDER = Path(__file__).parents[2] / "docs" / "results" / "examples"
FORMAT = "pitfall-example/1"
TOKENS = 16
# How many cases are tried at most, and after how many edits of a sequence it is asked.
TRIED, STOPS = 12, (5, 10, 20, 30)


@dataclass(frozen=True)
class Said:
    """One prompt, what would be right after the edit, and what the model says before and after it.

    wants: whether the answer should `change` with the edit or `stay`.
    shows: whether what is said after the edit is what the pitfall is about.
    """

    prompt: str
    right: tuple[str, ...]
    wants: str
    before: str
    after: str
    shows: bool


@dataclass(frozen=True)
class Example:
    """A pitfall as it happened once. `tried`: cases, or edits of a sequence, that were looked at until it did."""

    pitfall: str
    method: str
    chosen: str
    tried: int
    edits: tuple[Edit, ...]
    said: tuple[Said, ...]

    def record(self, model: Any, command: str) -> dict[str, Any]:
        """As plain values, with what it was made with."""
        import torch
        import transformers

        from survey import __version__

        return {
            "format": FORMAT, **asdict(self), "model": model.name, "fingerprint": model.fingerprint, "seed": 0, "tokens": TOKENS,
            "command": command, "recorded": time.strftime("%Y-%m-%d"),
            "versions": {
                "editing-pitfalls": __version__, "torch": torch.__version__.partition("+")[0],
                "transformers": transformers.__version__, "python": platform.python_version(),
            },
        }  # fmt: skip


Asked = Callable[[Case], Sequence[Question]]


@cache
def _first() -> tuple[Case, ...]:
    """The first cases of the suite."""
    return suite.cases()[:60]


def _unrelated(case: Case) -> list[Question]:
    """Edited prompts of other relations, unedited: what the first cases of the suite ask about."""
    others = [other for other in _first() if other.relation != case.relation and other.edit.subject != case.edit.subject]
    return [Question(other.edit.text, (other.edit.was,)) for other in others[:12] if other.edit.was]


# For each pitfall that one edit can show: the method, which questions, and whether their answer should change.
# MEND was chosen for most of them: its edits take, reach other wordings, and spoil more of the rest than those of other
# methods (docs/laboratory/comparison.md). They reach other names, too; those of WISE reach fewer wordings.
ONE = {
    "generalization": ("mend", "change", lambda case: [*case["reverse"], *case["one-hop"], *case["multi-hop"]]),
    "generalization.paraphrase": ("mend", "change", lambda case: case["paraphrase"]),
    "generalization.aliasing": ("wise", "change", lambda case: case["alias"]),
    "generalization.reversal": ("mend", "change", lambda case: case["reverse"]),
    "generalization.one-hop": ("mend", "change", lambda case: case["one-hop"]),
    "generalization.multi-hop": ("mend", "change", lambda case: case["multi-hop"]),
    "locality": ("mend", "stay", _unrelated),
    "locality.neighbourhood": ("mend", "stay", lambda case: case["neighbour"]),
    "locality.relation": ("mend", "stay", lambda case: case["relation"]),
    "locality.distraction": ("mend", "stay", lambda case: case.distracted),
    "locality.ripple": ("mend", "stay", lambda case: case["relation"] if case["one-hop"] else ()),
}
PAIRS = {"generalization.conflict": "mend", "locality.distortion": "mend"}
# Pitfalls that many edits show. Those of MEND wear the model down; KN is the one of the survey's methods that breaks it.
SEQUENCES = {
    "general-abilities": "mend", "general-abilities.forgetting": "kn", "general-abilities.collapse": "kn",
    "general-abilities.downstream": "mend", "general-abilities.fluency": "mend", "locality.other-task": "kn",
}  # fmt: skip
ALL = (*ONE, *PAIRS, *SEQUENCES)


class Laboratory:
    """A model that is edited and asked. `edited` calls are counted in no way: nothing is kept but patches."""

    def __init__(self, model: Any, say: Callable[[str], None] = lambda line: None) -> None:
        self.model, self._say = model, say
        self._patches: dict[tuple[str, tuple[Edit, ...]], Any] = {}

    def words(self, prompts: Sequence[str], patch: Any = None, tokens: int = TOKENS) -> list[str]:
        """What the model says behind each prompt, edited or as it is; "" from a model that has collapsed."""
        if patch is not None:
            self.model.apply(patch)
        try:
            lost = self.model.next_logits(list(prompts)).isnan().any(-1).tolist()
            said = self.model.generate(list(prompts), tokens)
        finally:
            self.model.restore()
        return ["" if none else text for none, text in zip(lost, said, strict=True)]

    def patch(self, method: str, edits: Sequence[Edit]) -> Any:
        """The patch of edits made one after the other. Raises `EditError` where one cannot be made, `UserError` where the method
        can make none, since it must be trained first."""
        from survey.editing.learning import UntrainedError

        key = (method, tuple(edits))
        if key not in self._patches:
            try:
                self._patches[key] = self._made(method, edits)
            except UntrainedError as error:  # No case would be another.
                raise UserError(str(error)) from None
        return self._patches[key]

    def _made(self, method: str, edits: Sequence[Edit]) -> Any:
        from survey.editing.session import compute

        self._say(f"{method}: {', '.join(edit.subject for edit in edits[:3])}{' ...' if len(edits) > 3 else ''}")
        before = self._patches.get((method, tuple(edits[:-1])))
        if before is None:
            return compute(method, self.model, list(edits), seed=0, batch=1)
        self.model.apply(before)
        try:
            return before + compute(method, self.model, [edits[-1]], seed=0, batch=1)
        finally:
            self.model.restore()

    # Pitfalls that one edit shows

    def one(self, pitfall: str) -> Example:
        """The first case on which the pitfall shows, of those whose edit took. Raises `UserError` where none does."""
        method, wants, asked = ONE[pitfall]
        tried = 0
        for case in suite.cases():
            questions = asked(case)
            if not questions or tried == TRIED:
                continue
            tried += 1
            try:
                patch = self.patch(method, case.edits)
            except EditError:
                continue
            own = Question(case.edit.text, (case.edit.target,))
            said = list(self._said([own], "change", patch)) + list(self._said(questions, wants, patch))
            took, rest = not said[0].shows, said[1:]
            # What should stay must have been right before, what should change must be known to follow.
            if took and any(one.shows for one in rest):
                best = [one for one in rest if one.shows][:2] + [one for one in rest if not one.shows][:1]
                chosen = "the first case of the suite whose edit took and on which the pitfall shows"
                return Example(pitfall, method, chosen, tried, case.edits, (said[0], *best))
        raise UserError(f"{pitfall}: none of {tried} cases shows it with {method}")

    def _said(self, questions: Sequence[Question], wants: str, patch: Any) -> Iterator[Said]:
        """Questions with both answers. Those that need something are asked only if the unedited model knows it."""
        prompts = [q.prompt for q in questions]
        needs = [need for q in questions for need in q.needs]
        known = dict(zip([n.prompt for n in needs], self.words([n.prompt for n in needs]), strict=True)) if needs else {}
        before, after = self.words(prompts), self.words(prompts, patch)
        for question, was, now in zip(questions, before, after, strict=True):
            if not all(mentioned(need.answers, known[need.prompt]) for need in question.needs):
                continue
            right = mentioned(question.answers, now)
            shows = not right if wants == "change" else mentioned(question.answers, was) and not right
            yield Said(question.prompt, question.answers, wants, was, now, bool(shows))

    # Pitfalls that two edits show

    def pair(self, pitfall: str) -> Example:
        """The first pair of edits on which the pitfall shows. Raises `UserError` where none does."""
        method, tried = PAIRS[pitfall], 0
        conflict = pitfall == "generalization.conflict"
        for case in suite.conflicts() if conflict else suite.round_trips():
            asked = case["explicit-new"] if conflict else [q for q in case["objects"] if len(q.answers) > 1] or case["objects"]
            if not asked or tried == TRIED:
                continue
            tried += 1
            try:
                patch = self.patch(method, case.edits)
            except EditError:
                continue
            asked = [Question(w.prompt, q.answers) for q in asked for w in (q, *q.others)]
            said = list(self._said(asked, "change" if conflict else "stay", patch))
            if any(one.shows for one in said):
                chosen = f"the first {'conflict' if conflict else 'edit that is taken back'} of the suite on which the pitfall shows"
                return Example(pitfall, method, chosen, tried, case.edits, tuple(sorted(said, key=lambda one: not one.shows)[:3]))
        raise UserError(f"{pitfall}: none of {tried} pairs shows it with {method}")

    # Pitfalls that many edits show

    def many(self, pitfall: str) -> Example:
        """The shortest of the sequences of `STOPS` after which the pitfall shows. Raises `UserError` where none does."""
        method = SEQUENCES[pitfall]
        edits = [case.edit for case in suite.cases()[: STOPS[-1]]]
        made: list[Edit] = []
        for begin, end in pairwise((0, *STOPS)):
            for edit in edits[begin:end]:
                try:
                    self.patch(method, [*made, edit])
                except EditError:
                    continue
                made.append(edit)
            patch = self.patch(method, made)
            said = self._after_many(pitfall, method, made, patch)
            if any(one.shows for one in said):
                chosen = f"the shortest sequence of the suite's first facts, of {', '.join(map(str, STOPS))} edits, after which it shows"
                return Example(pitfall, method, chosen, len(made), tuple(made), tuple(said[:3]))
        raise UserError(f"{pitfall}: it does not show after {STOPS[-1]} edits with {method}")

    def _after_many(self, pitfall: str, method: str, made: Sequence[Edit], patch: Any) -> list[Said]:
        if pitfall == "general-abilities.forgetting":
            alone = self.patch(method, made[:1])
            own = made[0]
            first, last = self.words([own.text], alone)[0], self.words([own.text], patch)[0]
            took = mentioned((own.target,), first)
            return [Said(own.text, (own.target,), "stay", first, last, took and not mentioned((own.target,), last))]
        if pitfall == "general-abilities.fluency":
            prompts = [q.prompt for case in suite.cases()[:8] for q in case["describe"]][:4]
            before, after = self.words(prompts, tokens=40), self.words(prompts, patch, 40)
            found = [Said(p, (), "stay", b, a, _varied(a) < 0.6 * _varied(b)) for p, b, a in zip(prompts, before, after, strict=True)]
            return sorted(found, key=lambda one: not one.shows)
        if pitfall == "general-abilities.collapse":
            prompts = ["Once upon a time", "The best way to learn a language is"]
            before, after = self.words(prompts, tokens=30), self.words(prompts, patch, 30)
            return [Said(p, (), "stay", b, a, not a.strip() or _varied(a) < 0.3) for p, b, a in zip(prompts, before, after, strict=True)]
        task = suite.task({"general-abilities.downstream": "open-domain-qa", "locality.other-task": "sentiment-analysis"}.get(pitfall, "reasoning"))
        return self._items(task, patch)

    def _items(self, task: Task, patch: Any) -> list[Said]:
        """Items that the unedited model gets right, those first that are lost."""
        from survey.pitfalls import tasks
        from survey.pitfalls.asking import answer, wanted

        items = task.items[:30]
        asks = [ask for item in items for ask in wanted(tasks.score, task, item, states=1)[0]]
        before = answer(self.model, asks)
        self.model.apply(patch)
        try:
            after = answer(self.model, asks)
        finally:
            self.model.restore()
        right = lambda item, state: tasks.score(task, item, (state,))[MAIN[task.kind]]  # noqa: E731
        known = [item for item in items if right(item, before)]
        lost = [not right(item, after) for item in known]
        order = sorted(zip(known, lost, strict=True), key=lambda pair: not pair[1])[:3]
        was = self.words([item.prompt for item, _ in order], tokens=task.tokens)
        now = self.words([item.prompt for item, _ in order], patch, task.tokens)
        return [
            Said(_question(item), item.answers, "stay", _line(b), _line(a), bool(gone))
            for (item, gone), b, a in zip(order, was, now, strict=True)
        ]


def _question(item: Item) -> str:
    """The last question of a prompt, without its demonstrations."""
    return item.prompt.rsplit("\n\n", 1)[-1]


def _line(text: str) -> str:
    """The first line of an answer: then models go on with a question of their own."""
    return next(iter(text.strip().splitlines()), "")


def _varied(text: str) -> float:
    """The share of a text's words that are not a repetition."""
    words = text.casefold().split()
    return len(set(words)) / len(words) if words else 0.0


def make(laboratory: Laboratory, pitfall: str) -> Example:
    """The example of a pitfall. Raises `UserError` where nothing that was tried shows it, or where it is no such pitfall."""
    if pitfall in ONE:
        return laboratory.one(pitfall)
    if pitfall in PAIRS:
        return laboratory.pair(pitfall)
    if pitfall in SEQUENCES:
        return laboratory.many(pitfall)
    raise UserError(f"there is no example of {pitfall}: there are {', '.join(ALL)}")


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pitfalls", nargs="*", metavar="PITFALL", help="which (default: all)")
    parser.add_argument("--write", action="store_true", help="make examples and write them")
    args = parser.parse_args(argv)
    if unknown := sorted(set(args.pitfalls) - set(ALL)):
        print(f"there is no example of {unknown[0]}: there are {', '.join(ALL)}", file=sys.stderr)
        return 2
    chosen = args.pitfalls or list(ALL)
    if not args.write:
        for pitfall in chosen:
            print(f"{pitfall}: {'there' if (FOLDER / f'{pitfall}.json').exists() else 'none'}")
        return 0
    from survey.editing import load_model

    model = load_model()
    laboratory = Laboratory(model, lambda line: print(f"  {line}", file=sys.stderr))
    FOLDER.mkdir(parents=True, exist_ok=True)
    missing = 0
    for pitfall in chosen:
        try:
            example = make(laboratory, pitfall)
        except UserError as error:
            print(error, file=sys.stderr)
            missing += 1
            continue
        record = example.record(model, f"python -m survey.pitfalls.examples --write {pitfall}")
        (FOLDER / f"{pitfall}.json").write_text(json.dumps(record, ensure_ascii=False, indent=1) + "\n", "utf-8")
        print(f"{pitfall}: {example.method}, {example.edits[0].subject}")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
