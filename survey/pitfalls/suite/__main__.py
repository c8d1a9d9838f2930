"""`python -m survey.pitfalls.suite`: what the suite holds, and `--prove`: which of it a model knows."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from pathlib import Path

from survey.errors import UserError
from survey.pitfalls.suite.facts import FOLDER, relations
from survey.pitfalls.suite.making import cases, known
from survey.pitfalls.suite.pairs import conflicts, round_trips


def main(arguments: list[str] | None = None) -> int:
    """0 where all is well, 1 where a proof shows a task that the model cannot do, 2 for wrong usage."""
    parser = argparse.ArgumentParser("python -m survey.pitfalls.suite", description=__doc__)
    parser.add_argument("--prove", action="store_true", help="ask the model and write known.json (about six minutes on one core)")
    parser.add_argument("--changed", action="store_true", help="with --prove: ask only what is asked otherwise than known.json was told")
    parser.add_argument("--model", default=None, help="another model than the default one")
    parser.add_argument("-o", "--output", type=Path, default=FOLDER / "known.json", help="where --prove writes to")
    parser.add_argument("--table", action="store_true", help="print the tables of the data card")
    options = parser.parse_args(arguments)
    if options.changed and not options.prove:
        parser.error("--changed goes with --prove")
    try:
        if options.prove:
            return _prove(options.model, options.output, options.changed)
        if options.table:
            tables = table(known()), questions_table(), pairs_table(), tasks_table(known())
            print("\n\n".join("\n".join(lines) for lines in tables))
            return 0
        _show(known())
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    except BrokenPipeError:  # The reader has gone, as `head` does.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        print(f"{error.filename}: {error.strerror}", file=sys.stderr)
        return 2
    return 0


def _prove(name: str | None, output: Path, changed: bool) -> int:
    from survey.editing import load_model
    from survey.pitfalls.suite.prove import prove

    model = load_model(name) if name else load_model()
    if changed and model.fingerprint != known()["fingerprint"]:
        raise UserError(f"known.json tells what {known()['model']} knows: without --changed, {model.name} is asked everything")
    found = prove(model, known() if changed else None)
    output.write_text(written(found), "utf-8")
    return _show(found)


def written(found: dict) -> str:
    """What is known as JSON, a fact in each line."""
    text = json.dumps(found, ensure_ascii=False, indent=1)
    # Lists and facts are opened no further: a fact is a line, so that a change of one is seen as one.
    text = re.sub(r"\n {4,}([^ \n])", r" \1", text)
    return re.sub(r"\n {3}([}\]])", r" \1", text) + "\n"


def table(found: dict) -> list[str]:
    """Lines of Markdown: each relation with its counts, and all together."""
    lines, sums = ["| relation | known | candidates | objects | known in other words |", "|---|---:|---:|---:|---:|"], [0, 0]
    for name, relation in relations().items():
        facts = found["facts"].get(name, {}).values()
        objects = len({fact["object"] for fact in facts})
        lines.append(f"| {name} | {len(facts)} | {len(relation.right)} | {objects} | {_wordings(facts):.0%} |")
        sums = [sums[0] + len(facts), sums[1] + len(relation.right)]
    every = [fact for facts in found["facts"].values() for fact in facts.values()]
    return [*lines, f"| **together** | {sums[0]} | {sums[1]} | | {_wordings(every):.0%} |"]


def questions_table() -> list[str]:
    """Lines of Markdown: of each role, how many cases have it, and how many questions there are."""
    lines, every = ["| role | cases | questions |", "|---|---:|---:|"], cases()
    for role in dict.fromkeys(role for case in every for role in case.questions):
        asked = [len(case[role]) for case in every if case[role]]
        lines.append(f"| {role} | {len(asked)} | {sum(asked)} |")
    return [*lines, f"| **together** | {len(every)} | {sum(len(q) for case in every for q in case.questions.values())} |"]


def pairs_table() -> list[str]:
    """Lines of Markdown: of each sort of pairs, how many there are, and of how many relations."""
    lines = ["| pairs of edits | part | pairs | relations |", "|---|---|---:|---:|"]
    for name, made in (("conflicts", conflicts()), ("round trips", round_trips())):
        for part in sorted({case.part for case in made}):
            relations = [case.relation for case in made if case.part == part]
            lines.append(f"| {name} | {part} | {len(relations)} | {len(set(relations))} |")
    return lines


def tasks_table(found: dict) -> list[str]:
    """Lines of Markdown: each task set with its score."""
    head = ["| task set | metric | value | interval of 95 % | chance | items |", "|---|---|---:|---:|---:|---:|"]
    return head + [
        f"| {id} | {s['metric']} | {s['value']:.4g} | {s['low']:.4g} to {s['high']:.4g} | {s['chance']:.4g} | {s['items']} |"
        for id, s in found["tasks"].items()
    ]


def _wordings(facts) -> float:
    """The share of paraphrases that are answered with the right object as well."""
    said = [right for fact in facts for right in fact["paraphrases"]]
    return sum(said) / len(said) if said else 0.0


def _show(found: dict) -> int:
    """Prints what is known; 1 where a task is not above chance."""
    print(f"{found['model']}, fingerprint {found['fingerprint']}\n")
    print(f"{'relation':20} known  of  objects  in other words")
    for name, relation in relations().items():
        facts = found["facts"].get(name, {}).values()
        print(f"{name:20} {len(facts):5} {len(relation.right):3} {len({f['object'] for f in facts}):8} {_wordings(facts):15.2f}")
    print(f"{'together':20} {sum(map(len, found['facts'].values())):5} {sum(len(r.right) for r in relations().values()):3}\n")
    failed = 0
    for id, score in found["tasks"].items():
        below = score["metric"] == "perplexity"
        good = score["high"] < score["chance"] if below else score["low"] > score["chance"]
        failed += not good
        print(
            f"{id:20} {score['metric']} {score['value']} [{score['low']}, {score['high']}], {score['items']} items, "
            f"chance {score['chance']}{'' if good else ': NOT BETTER THAN CHANCE'}"
        )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
