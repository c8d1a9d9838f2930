"""Compare the methods that can run here, or tell about one.

    survey methods
    survey methods rome
    survey methods path/to/toy.py:toy
    survey methods test path/to/toy.py:toy

Methods of installed packages (entry points of the group survey.methods) are listed apart, as yours. `test` runs the
contract that every method must keep, on tiny models that know nothing; docs/laboratory/own.md leads through it.
"""

from __future__ import annotations

import argparse
import ast
import json
import re
import shutil
import textwrap

from survey.cli.edit import _setting
from survey.cli.output import padded, shown_width, styled

_TRIAL = (
    'survey edit {} --prompt "{{}} is located in the city of" --subject "The Eiffel Tower" --target Rome --was Paris'
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("method", nargs="?", metavar="METHOD", help="tell all about this one; or `test`")
    parser.add_argument("tested", nargs="?", metavar="ID|FILE.py:NAME", help="after `test`: the method to test")
    parser.add_argument("--model", metavar="M", help="with test: a model to test on besides, by name or folder")
    parser.add_argument(
        "--set", dest="settings", type=_setting, action="append", default=[], metavar="NAME=VALUE", help="with test: change a setting"
    )
    parser.add_argument("--format", choices=("text", "json"), default="text")
    parser.set_defaults(wrong=parser.error)


def run(args: argparse.Namespace) -> int:
    if args.method == "test":
        if not args.tested:
            args.wrong("say which method to test: survey methods test ID, or survey methods test FILE.py:NAME")
        return _test(args)
    if args.tested or args.model or args.settings:
        args.wrong("--model, --set and a second name belong to `survey methods test`")
    from survey.collection.text import nearest
    from survey.errors import UserError
    from survey.files import load_taxonomy
    from survey.files.implementations import Implementations
    from survey.files.measured import measured

    taxonomy, sources = load_taxonomy(), Implementations()
    here = {
        term.id: (term, sources[term.implementation]) for term in taxonomy.methods.values() if term.implementation
    }
    if args.method is None:
        records = [record(*pair, taxonomy) for family in taxonomy.families for pair in here.values() if pair[0].family == family]
        own = yours()
        if args.format == "json":
            print(json.dumps([*records, *own], ensure_ascii=False, indent=1))
        else:
            print("\n".join([_table(records, measured(), _width()), *_yours(own, _width())]))
        return 0
    if (own := _own(args.method, here)) is not None:
        print(json.dumps(own, ensure_ascii=False, indent=1) if args.format == "json" else _own_page(own, _width()))
        return 1 if own["problems"] else 0
    wanted = args.method.lower().replace("_", "-")
    if wanted not in here:
        if wanted in taxonomy.methods:
            raise UserError(f"{taxonomy.methods[wanted].name} cannot run here yet (`survey methods` lists what can)")
        guess = nearest(wanted, list(here))
        raise UserError(
            f"there is no method {args.method!r} " + (f"(did you mean {guess}?)" if guess else "(`survey methods` lists them)")
        )
    found = record(*here[wanted], taxonomy)
    print(json.dumps(found, ensure_ascii=False, indent=1) if args.format == "json" else _page(found, _width()))
    return 0


def record(term, source, taxonomy) -> dict:
    """A method as plain values. What was measured is in seconds, bytes and shares of records. Defaults and presets are the text of the source; `problems` says
    what of it cannot be read."""
    from survey.files.measured import measured

    return {
        "id": term.id, "name": term.name, "full_name": term.full_name,
        "strategy": taxonomy.families[term.family].name,
        "edits_at_once": "many" if source.options.get("batch") else "one",
        "must_be_trained": bool(source.options.get("train")),
        "paper": source.paper or None, "layers": _layers(source),
        "prose": list(source.prose),
        "settings": [{"name": s.name, "default": s.default, "meaning": s.meaning} for s in source.settings],
        "presets": {preset.name: preset.values for preset in source.presets},
        "faithful": list(source.faithful), "deviates": list(source.deviates),
        "command": _TRIAL.format(term.id), "source": source.path,
        "measured": measured()[term.id].model_dump(exclude_none=True),
        "problems": [f"{p.path}:{p.line}: {p.message}" if p.path else p.message for p in source.problems],
    }  # fmt: skip


def _test(args: argparse.Namespace) -> int:
    """Run the contract, and tell each check as it ends."""
    from survey.cli.edit import _need_extra

    _need_extra()
    import torch

    from survey.editing import contract
    from survey.editing.loading import load_model
    from survey.editing.report import configured

    settings = configured(args.tested, dict(args.settings))
    torch.set_num_threads(1)  # Tiny models are slower on several, and sums round otherwise.
    model = load_model(args.model) if args.model else None
    found = []
    for outcome in contract.run(args.tested, model=model, settings=settings):
        found.append(outcome)
        if args.format == "text":
            print(_told(outcome, _width()), flush=True)
    broken = [outcome for outcome in found if outcome.broken]
    if args.format == "json":
        print(json.dumps([outcome.record() for outcome in found], ensure_ascii=False, indent=1))
    else:
        skipped = sum(outcome.skipped is not None for outcome in found)
        passed = len(found) - len(broken) - skipped
        print(f"\n{args.tested}: {passed} passed, {len(broken)} broken, {skipped} skipped, on {', '.join(dict.fromkeys(o.model for o in found))}")
    return 1 if broken else 0


def _told(outcome, width: int) -> str:
    word = "BROKEN" if outcome.broken else "skipped" if outcome.skipped else "passed"
    out = [f"{styled(f'{word:7}', 'bold' if outcome.broken else 'dim')}  {outcome.check.name:20}  {outcome.model}"]
    for label, text in (
        ("promise", outcome.check.sentence if outcome.broken else ""), ("expected", outcome.broken.expected if outcome.broken else ""),
        ("came", outcome.broken.came if outcome.broken else ""), ("look at", outcome.broken.look if outcome.broken else ""),
        ("because", outcome.skipped or ""),
    ):  # fmt: skip
        if text:
            out += textwrap.wrap(f"{label:9} {text}", width, initial_indent=" " * 9, subsequent_indent=" " * 19)
    return "\n".join(out)


def yours() -> list[dict]:
    """Methods of installed packages, as plain values; what is wrong with one stands under `problems`. Nothing that is
    wrong with one hides the others. Where the laboratory is not installed, there are none."""
    try:
        from survey.editing import foreign
    except ImportError:
        return []
    return [_own_record(id, points) for id, points in foreign.entry_points().items()]


def _own_record(id: str, points: list) -> dict:
    from survey.editing import foreign
    from survey.editing.edit import EditError
    from survey.editing.method import METHODS

    found = {"id": id, "strategy": "yours", "source": ", ".join(f"{p.value} of {p.dist.name if p.dist else 'a package'}" for p in points), "problems": []}
    if id in METHODS:
        return {**found, "problems": [f"{id} is a method of this package, which wins: its author must give it another id"]}
    try:
        method = foreign.of_package(id)
    except EditError as error:
        return {**found, "problems": [str(error)]}
    return {**found, **_own_values(method, id)}


def _own_values(method, spelled: str) -> dict:
    """What a method that is not ours tells by itself."""
    import inspect

    from survey.editing.method import settings

    defaults = settings(method.config())
    about = (inspect.getdoc(method.function) or inspect.getdoc(inspect.getmodule(method.config)) or "").split("\n\n")
    return {
        "id": method.id, "paper": method.paper or None, "edits_at_once": "many" if method.batch else "one",
        "must_be_trained": method.train is not None, "prose": [" ".join(part.split()) for part in about if part.strip()],
        "settings": [{"name": name, "default": repr(value)} for name, value in defaults.items()],
        "presets": method.presets, "command": _TRIAL.format(spelled),
    }  # fmt: skip


def _own(text: str, here: dict) -> dict | None:
    """A method of a file or a package, or None where the text names one of ours, or none at all."""
    if text.lower().replace("_", "-") in here:
        return None
    try:
        from survey.editing import foreign
        from survey.editing.method import find
    except ImportError:
        return None
    if foreign.in_file(text):
        return {"id": "", "strategy": "yours", "source": text, "problems": [], **_own_values(find(text), text)}
    points = foreign.entry_points().get(text.lower().replace("_", "-"))
    return _own_record(text.lower().replace("_", "-"), points) if points else None


def _yours(records: list[dict], width: int) -> list[str]:
    """The part of the table that tells about methods of others."""
    out = ["", styled("yours", "dim")] if records else []
    for found in records:
        state = "; ".join(found["problems"]) or f"from {found['source']}"
        out += textwrap.wrap(f"{found['id']}  {state}", width, subsequent_indent="    ")
    return out


def _own_page(found: dict, width: int) -> str:
    out = [styled(found["id"], "bold"), f"yours, from {found['source']}"]
    for part in found.get("prose", []):
        out += ["", *textwrap.wrap(part, width)]
    if found.get("settings"):
        out += ["", styled("Settings (--set NAME=VALUE)", "bold"), *(f"{s['name']} = {s['default']}" for s in found["settings"])]
    if found["problems"]:
        out += ["", styled("Problems", "bold"), *found["problems"]]
    else:
        out += ["", styled("Try it", "bold"), found["command"], f"survey methods test {found['source'] if '.py:' in found['source'] else found['id']}"]
    return "\n".join(out)


def _layers(source) -> list[int] | str | None:
    """The blocks that it edits by default, the method whose blocks it takes, or None where it finds them itself."""
    defaults = {s.name: s.default for s in source.settings if s.default is not None}
    for name in ("layers", "layer", "base"):
        if name in defaults:
            value = ast.literal_eval(defaults[name])
            return [value] if isinstance(value, int) else list(value) if isinstance(value, tuple) else value
    return None


def _width() -> int:
    return min(120, max(40, shutil.get_terminal_size((120, 24)).columns))


_COLUMNS = (
    "METHOD", "CHANGES", "TRAINING", "AT ONCE", "TIME", "MEMORY", "EFFICACY", "EXACT", "PARAPHRASE", "LOCALITY", "RESTORED",
)  # fmt: skip
# What a narrow terminal has no room for is left out, the least telling first.
_LEAVE_OUT = ("RESTORED", "MEMORY", "EXACT", "TIME", "CHANGES", "TRAINING", "PARAPHRASE", "LOCALITY", "EFFICACY")


def _row(found: dict) -> list[str]:
    from survey.progress import amount, duration

    values = found["measured"]
    shares = values.get("single", {}).get("shares", {})

    def share(metric: str) -> str:
        return f"{shares[metric]['value']:.2f}" if metric in shares else "-"

    training = duration(values.get("training", 0))
    return [
        found["id"], values.get("changes", "-"),
        (training if "training" in values else "yes") if found["must_be_trained"] else "no", found["edits_at_once"],
        f"{values['seconds']:.1f} s" if "seconds" in values else "-", amount(values["memory"]) if "memory" in values else "-",
        share("efficacy-score"), share("reliability.forced"), share("paraphrase-score"), share("locality.next-token"),
        {True: "yes", False: "NO", None: "-"}[values.get("restored")],
    ]  # fmt: skip


def _table(records: list[dict], comparison, width: int) -> str:
    rows = [_row(r) for r in records]
    widths = [max(shown_width(row[i]) for row in [_COLUMNS, *rows]) for i in range(len(_COLUMNS))]
    shown = list(range(len(_COLUMNS)))
    for name in _LEAVE_OUT:
        if sum(widths[i] + 2 for i in shown) - 2 > width:
            shown.remove(_COLUMNS.index(name))
    out = [styled("  ".join(padded(_COLUMNS[i], widths[i]) for i in shown).rstrip(), "dim")]
    strategy = None
    for found, row in zip(records, rows, strict=True):
        if found["strategy"] != strategy:
            strategy = found["strategy"]
            out += ["", styled(strategy, "dim")]
        cells = [padded(row[i], widths[i]) for i in shown]
        cells[0] = styled(cells[0], "bold")
        out.append("  ".join(cells).rstrip())
    counts = sorted({r["measured"]["single"]["records"] for r in records if "single" in r["measured"]})
    over = f" over {counts[-1]} records" if len(counts) == 1 else f" over {counts[0]} to {counts[-1]} records" if counts else ""
    told = [
        f"Measured on {comparison.model}, one edit of CounterFact at a time{over}. EFFICACY: the new answer is more probable "
        "than the old one. EXACT: it is the most probable one. PARAPHRASE: as efficacy, in other words. LOCALITY: the answer "
        "about a neighbour stays. TIME and MEMORY: one edit. RESTORED: bit for bit.",
        "`survey methods METHOD` tells how a method works, what can be set, and how it differs from its paper.",
    ]
    if comparison.unedited:
        values = {name: share.value for name, share in comparison.unedited.shares.items()}
        told[0] += f" Without any edit, efficacy is {values['efficacy-score']:.2f} and paraphrase {values['paraphrase-score']:.2f}."
    return "\n".join([*out, *(line for part in told for line in ["", *textwrap.wrap(part, width)])])


def _page(found: dict, width: int) -> str:
    title = found["name"] + (f" ({found['full_name']})" if found["full_name"] else "")
    at_once = "many at once" if found["edits_at_once"] == "many" else "one edit after the other"
    out = [styled(title, "bold"), f"{found['strategy']}, {at_once}" + (f", {found['paper']}" if found["paper"] else "")]
    for part in found["prose"]:
        numbered = re.match(r"\d+\. ", part)
        if not numbered or not re.match(r"\d+\. ", out[-1]):
            out.append("")
        out += textwrap.wrap(part, width, subsequent_indent="   " if numbered else "")

    def section(heading: str, body: list[str]) -> None:
        if body:
            out.extend(["", styled(heading, "bold"), *body])

    def listed(items: list[str]) -> list[str]:
        return [line for item in items for line in textwrap.wrap(item, width, initial_indent="- ", subsequent_indent="  ")]

    settings = []
    for s in found["settings"]:
        default = "to be given" if s["default"] is None else s["default"]
        settings.append(f"{styled(s['name'], 'bold')} = {default}")
        settings += textwrap.wrap(s["meaning"], width, initial_indent="    ", subsequent_indent="    ")
    section("Settings (--set NAME=VALUE)", settings)
    presets = [
        line
        for name, values in found["presets"].items()
        for line in textwrap.wrap(
            f"{name}: " + (", ".join(f"{key}={value}" for key, value in values.items()) or "as above"),
            width, subsequent_indent="    ", break_on_hyphens=False,
        )
    ]  # fmt: skip
    section("Presets (--preset NAME): published values for other models", presets)
    section("Faithful", listed(found["faithful"]))
    section("Deviates", listed(found["deviates"]))
    section("Try it", [found["command"]])
    section("Problems", listed(found["problems"]))
    return "\n".join(out)
