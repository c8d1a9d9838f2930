"""Compare the methods that can run here, or tell about one.

    survey methods
    survey methods rome
"""

from __future__ import annotations

import argparse
import ast
import json
import re
import shutil
import textwrap

from survey.cli.output import padded, shown_width, styled

_TRIAL = (
    'survey edit {} --prompt "{{}} is located in the city of" --subject "The Eiffel Tower" --target Rome --was Paris'
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("method", nargs="?", metavar="METHOD", help="tell all about this one")
    parser.add_argument("--format", choices=("text", "json"), default="text")


def run(args: argparse.Namespace) -> int:
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
        print(json.dumps(records, ensure_ascii=False, indent=1) if args.format == "json" else _table(records, measured(), _width()))
        return 0
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
        share("efficacy-score"), share("efficacy-exact"), share("paraphrase-score"), share("neighbourhood-unchanged"),
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
