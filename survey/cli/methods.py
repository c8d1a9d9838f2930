"""List the methods that can run here, or tell about one.

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

    taxonomy, sources = load_taxonomy(), Implementations()
    here = {
        term.id: (term, sources[term.implementation]) for term in taxonomy.methods.values() if term.implementation
    }
    if args.method is None:
        records = [record(*pair, taxonomy) for pair in here.values()]
        print(json.dumps(records, ensure_ascii=False, indent=1) if args.format == "json" else _table(records, _width()))
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
    """A method as plain values. Defaults and presets are the text of the source; `problems` says
    what of it cannot be read."""
    return {
        "id": term.id, "name": term.name, "full_name": term.full_name,
        "strategy": taxonomy.families[term.family].name,
        "edits_at_once": "many" if source.options.get("batch") else "one",
        "paper": source.paper or None, "layers": _layers(source),
        "prose": list(source.prose),
        "settings": [{"name": s.name, "default": s.default, "meaning": s.meaning} for s in source.settings],
        "presets": {preset.name: preset.values for preset in source.presets},
        "faithful": list(source.faithful), "deviates": list(source.deviates),
        "command": _TRIAL.format(term.id), "source": source.path,
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
    return min(100, max(40, shutil.get_terminal_size((100, 24)).columns))


def _told(layers: list[int] | str | None) -> str:
    if isinstance(layers, str):
        return f"as {layers}"
    if not layers:
        return "it finds them" if layers is None else "all"
    if len(layers) > 2 and layers == list(range(layers[0], layers[-1] + 1)):
        return f"{layers[0]} to {layers[-1]}"
    return ", ".join(map(str, layers))


def _table(records: list[dict], width: int) -> str:
    table = [("METHOD", "NAME", "STRATEGY", "AT ONCE", "LAYERS", "PAPER")]
    for r in records:
        table.append((r["id"], r["name"], r["strategy"], r["edits_at_once"], _told(r["layers"]), r["paper"] or "-"))
    widths = [max(shown_width(row[i]) for row in table) for i in range(6)]
    # What a narrow terminal has no room for is left out, the least telling first.
    shown = list(range(6))
    for column in (1, 4, 5, 2):
        if sum(widths[i] + 2 for i in shown) - 2 > width:
            shown.remove(column)
    out = []
    for n, row in enumerate(table):
        cells = [padded(row[i], widths[i]) for i in shown]
        if n == 0:
            cells = [styled(cell, "dim") for cell in cells]
        else:
            cells[0] = styled(cells[0], "bold")
        out.append("  ".join(cells).rstrip())
    said = "`survey methods METHOD` tells how a method works, what can be set, and how it differs from its paper."
    return "\n".join([*out, "", *textwrap.wrap(said, width)])


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
