"""Why does the survey's ROME collapse after ten edits? Three suspects, measured one by one.

    python -m survey.pitfalls.collapse -o docs/results/rome
    python -m survey.pitfalls.collapse --model gemma-3-270m --accept-licence --seeds 1 --methods rome --parts ordinary-text,ordinary-identity,first-usual-block -o docs/results/rome
    survey measure --show docs/results/rome/smollm2-135m-instruct/first-usual-block

statistics: `ordinary` facts of our suite in sequences of 40 edits, with the second moment of keys measured on text, and with
    the identity instead, which is what remains where statistics are switched off; and the same
    edits `added` up, each made on the unedited model.
subjects: facts whose subject is one token at the very beginning (`first`), each alone and in sequences of 10, edited in the
    usual block as published (first_layer=None), and in block 0 as is the default here. A model that puts a start token
    before every text has no such subjects: that token stands where they would, and block 0 is not needed.
texts: perplexity on texts that are in the statistics (`in-statistics`), on texts that the same model wrote in the same way
    and that are not (`beside-statistics`), and on our own (`language-modelling`). Were only the first kind measured, damage
    could hide.

ROME and r-ROME are measured side by side: r-ROME is ROME without the mismatch of keys.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from survey.editing.edit import Edit, EditError
from survey.editing.language_model import LanguageModel
from survey.errors import UserError
from survey.pitfalls.case import Case
from survey.pitfalls.runs import Material, Plan, measure
from survey.pitfalls.runs.material import material
from survey.pitfalls.runs.plan import COLLAPSE, FORGETTING
from survey.pitfalls.task import Item, Task

STOPS = (0, 10, 20, 30, 40)
FIRST_STOPS = (0, 1, 5, 10)
PARTS = ("ordinary-text", "ordinary-identity", "added-text", "added-identity", "first-usual-block", "first-block-0")
METHODS = ("rome", "r-rome")
_TEXTS, _TOKENS = 40, 60
# Statistics come from texts that were sampled with seed 0.
_BESIDE = 1


def text_sets(model: LanguageModel, own: Task) -> tuple[Task, ...]:
    """Our own texts, texts that made the statistics, and texts that were sampled like these but did not."""
    import torch

    from survey.editing.contexts import document_token
    from survey.editing.language_model import continue_tokens
    from survey.editing.statistics import sampled_rows

    def sample() -> torch.Tensor:
        generator = torch.Generator().manual_seed(_BESIDE)
        ids = torch.full((_TEXTS, 1), document_token(model), device=model.device)

        def choose(logits: torch.Tensor) -> torch.Tensor:
            return torch.multinomial(logits.softmax(-1).cpu(), 1, generator=generator)[:, 0].to(logits.device)

        return torch.cat([ids, continue_tokens(model, ids, torch.ones_like(ids), _TOKENS, choose)], 1).cpu()

    def task(id: str, name: str, rows: Sequence[Sequence[int]]) -> Task:
        texts = [model.decode(row[1 : _TOKENS + 1]).strip() for row in rows]
        return Task(id, name, "text", tuple(Item(f"{id}-{n}", "", (text,)) for n, text in enumerate(texts) if len(text) > 40))

    return (
        replace(own, items=own.items[:_TEXTS]),
        task("in-statistics", "Texts that made the statistics", sampled_rows(model).tolist()[:_TEXTS]),
        task("beside-statistics", "Texts written like these, not in the statistics", model.remember("beside statistics", sample).tolist()),
    )


def first(model: LanguageModel, cases: Sequence[Case]) -> Iterator[Case]:
    """Facts in a wording that begins with the subject, which is one token there, the first of the text's own; a subject only
    once."""
    seen = set()
    place = 0 if model.begins_without_mark() else 1
    for case in cases:
        edit = case.edit
        for wording in (edit.text, *(question.prompt for question in case["paraphrase"])):
            if edit.subject in seen or not wording.startswith(edit.subject) or wording.count(edit.subject) != 1:
                continue
            if model.tokens(wording).ends[place] == len(edit.subject):
                seen.add(edit.subject)
                try:
                    yield replace(case, edits=(Edit(wording.replace(edit.subject, "{}"), edit.subject, edit.target, edit.was),))
                except EditError:
                    continue


def conditions(model: LanguageModel, seeds: int, methods: Sequence[str] = METHODS) -> Iterator[tuple[str, Plan, Material]]:
    """Each part of the study: the name of its folder, what is measured, and on what."""
    settings = {
        "text": {}, "identity": {method: {"statistics": "identity"} for method in methods},
        "usual-block": {method: {"first_layer": "None"} for method in methods},
    }  # fmt: skip
    plan = Plan(tuple(methods), (COLLAPSE, FORGETTING), STOPS, tuple(range(seeds)), model=model.name)
    own = material(plan)
    sets = text_sets(model, own.tasks[0])
    everyday = replace(own, benchmark="suite, ordinary", cases=tuple(c for c in own.cases if not c.edit.prompt.startswith("{}")), pairs=(), tasks=sets)
    for statistics in ("text", "identity"):
        yield f"ordinary-{statistics}", replace(plan, settings=settings[statistics]), everyday
    for statistics in ("text", "identity") if "rome" in methods else ():
        alone = {"rome": settings[statistics]["rome"]} if settings[statistics] else {}
        yield f"added-{statistics}", replace(plan, methods=("rome",), settings=alone, added=True), everyday
    beginning = tuple(first(model, own.cases))
    if len(beginning) >= max(FIRST_STOPS):
        begun = replace(everyday, benchmark="suite, subject first", cases=beginning)
        for block in ("usual-block", "text") if model.begins_without_mark() else ("usual-block",):
            name = "first-block-0" if block == "text" else "first-usual-block"
            yield name, replace(plan, edits=FIRST_STOPS, cases=10, settings=settings[block]), begun


def run(
    model: LanguageModel, out: Path, seeds: int, workers: int | None = None, parts: Sequence[str] = (), methods: Sequence[str] = METHODS, say=print
) -> None:  # fmt: skip
    """Measure the parts, or all of them, with these methods, each into a folder of its own below DIR/MODEL, and go on with what
    is there. Raises `UserError` for a part that the model has not."""
    from survey.pitfalls.runs.summary import summarise, write

    every = {name: (plan, asked) for name, plan, asked in conditions(model, seeds, methods)}
    if missing := [name for name in parts if name not in every]:
        raise UserError(f"{model.name} has no part {missing[0]}: it puts a start token before every text, too few of its subjects are one token, or no method of it was named")
    for name, (plan, asked) in every.items():
        if parts and name not in parts:
            continue
        folder = out / model.name / name
        say(f"{model.name}: {name}", file=sys.stderr, flush=True)
        measure(plan, asked, folder, workers=workers)
        write(summarise(folder), folder)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m survey.pitfalls.collapse", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default=None)
    parser.add_argument("--accept-licence", action="store_true")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=None)
    parser.add_argument("--parts", type=lambda text: text.split(","), default=[], metavar="A,B", help=f"only these of {', '.join(PARTS)}")
    parser.add_argument("--methods", type=lambda text: text.split(","), default=METHODS, metavar="A,B", help=f"only these of {', '.join(METHODS)}")
    parser.add_argument("-o", "--out", default="rome", help="folder for results")
    args = parser.parse_args(argv)
    if unknown := sorted(set(args.parts) - set(PARTS)):
        parser.error(f"there is no part {unknown[0]}: there are {', '.join(PARTS)}")
    if unknown := sorted(set(args.methods) - set(METHODS)):
        parser.error(f"{unknown[0]} is not measured here, but {', '.join(METHODS)}")
    from survey.editing.loading import DEFAULT, load_model

    model = load_model(args.model or DEFAULT, accept_licence=args.accept_licence)
    run(model, Path(args.out), args.seeds, args.workers, args.parts, args.methods)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except UserError as error:
        print(f"survey: {error}", file=sys.stderr)
        sys.exit(1)
