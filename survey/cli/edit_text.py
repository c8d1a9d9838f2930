"""How `survey edit` shows a report to people."""

from __future__ import annotations

import re
import shlex
import shutil
import textwrap

from survey.cli.output import padded, shortened, shown_width, styled
from survey.progress import amount

# Below this ROME's quotient makes a change more than five times as large as it is meant to be.
SMALL_KEY_RATIO = 0.2
_GAP = 4
_COLOURS = re.compile(r"\033\[[\d;]*m")


def columns() -> int:
    """Width of the report: that of the terminal (or COLUMNS), from 40 to 120; 100 where there is none."""
    return min(120, max(40, shutil.get_terminal_size((100, 24)).columns))


def lines(report, width: int, saved: str | None = None) -> list[str]:
    """The report line by line, in so many columns. `saved` is the file where the patch is kept."""
    from survey.files import load_taxonomy

    methods = load_taxonomy().methods
    method = methods[report.method].name if report.method in methods else plain(report.method) or "A patch"
    out = [f"{styled(method, 'bold')} on {styled(plain(report.model), 'bold')}"]
    if len(report.edits) > 1:
        out[0] += f", {len(report.edits)} edits"
    for edit, before, after in zip(report.edits, report.before, report.after, strict=True):
        out += ["", *_sides(edit, before, after, width)]
    if report.probes:
        number = sum(probe.changed for probe in report.probes)
        out += ["", styled("Other prompts", "bold") + f"  {number} of {len(report.probes)} changed"]
        for probe in report.probes:
            out += ["", *_probe(probe, width)]
    out += ["", *_facts(report, width, saved)]
    ratio = report.about.get("key_ratio")
    if isinstance(ratio, float) and ratio < SMALL_KEY_RATIO:
        said = (
            f"Warning: key_ratio is {ratio:.2g}. ROME divides by it, so where it is far below 1 the change becomes much "
            "larger than meant and may break the model. Try r-rome, which has no such quotient."
        )
        out += ["", *(styled(line, "yellow") for line in textwrap.wrap(said, width))]
    return out


def held(patch, items: list[dict], width: int) -> list[str]:
    """The edits that a patch holds, numbered from 1, with what its kind knows of each."""
    name = plain(patch.about.get("method") or "a patch")
    out = [f"{styled(name, 'bold')}, {plain(patch.kind)}, {len(items)} {'edit' if len(items) == 1 else 'edits'}"]
    for number, item in enumerate(items, 1):
        edit = item["edit"]
        was = f" (was {plain(edit.was)})" if edit.was else ""
        more = "; ".join(f"{key.replace('_', ' ')} {_short(value)}" for key, value in item.items() if key != "edit")
        label = f"{number:>3}  "
        for n, line in enumerate(filled([(plain(edit.text), None), (plain(edit.target) + was, "bold")], width - 5)):
            out.append((" " * 5 if n else label) + line)
        if more:
            out += [styled(" " * 5 + line, "dim") for line in textwrap.wrap(more, width - 5)]
    return out


def _short(value) -> str:
    return f"{value:.3g}" if isinstance(value, float) else plain(value)


def plain(text) -> str:
    """Text of a model or of a patch file on one line, without characters that a terminal would obey."""
    text = " ↵ ".join(line.strip() for line in str(text).splitlines() if line.strip())
    return "".join(c if c.isprintable() else "�" for c in text)


def probability(value: float) -> str:
    """Three decimals, and never a zero or a one that it is not."""
    if 0 < value < 0.001:
        return "<.001"
    if 0.999 < value < 1:
        return ">.999"
    return f"{value:.3f}"


def bar(value: float, room: int) -> str:
    full = round(min(1, max(0, value)) * room)
    return "█" * full + "░" * (room - full)


def filled(parts: list[tuple[str, str | None]], room: int) -> list[str]:
    """Texts, each in its style, one after the other in lines of so many columns."""
    out, line, used = [], [], 0
    for text, style in parts:
        for word in text.split():
            while shown_width(word) > room:  # What never ends is cut.
                head = shortened(word, room)[:-1]
                word = word[len(head) :]
                out += [_line(line)] if line else []
                out.append(_line([(head, style)]))
                line, used = [], 0
            if line and used + 1 + shown_width(word) > room:
                out.append(_line(line))
                line, used = [], 0
            used += shown_width(word) + (1 if line else 0)
            line.append((word, style))
    return out + ([_line(line)] if line else [])


def _line(words: list[tuple[str, str | None]]) -> str:
    """Words joined by blanks, neighbours of one style in one piece."""
    pieces: list[tuple[str, str | None]] = []
    for word, style in words:
        if pieces and pieces[-1][1] == style:
            pieces[-1] = (f"{pieces[-1][0]} {word}", style)
        else:
            pieces.append((word, style))
    return " ".join(styled(text, style) if style else text for text, style in pieces)


def _shown(text: str) -> int:
    """Columns of a text that may hold colours."""
    return shown_width(_COLOURS.sub("", text))


def _sides(edit, before, after, width: int) -> list[str]:
    """Before and after, side by side where there is room, else one below the other."""
    if width < 76:
        return [*_statement("Before", edit, before, width), "", *_odds(edit, before, width), "",
                *_statement("After", edit, after, width), "", *_odds(edit, after, width)]  # fmt: skip
    room = (width - _GAP) // 2
    texts = [_statement(word, edit, answer, room) for word, answer in (("Before", before), ("After", after))]
    odds = [_odds(edit, answer, room) for answer in (before, after)]
    return [*_beside(*texts, room), "", *_beside(*odds, room)]


def _beside(left: list[str], right: list[str], room: int) -> list[str]:
    height = max(len(left), len(right))
    left, right = (block + [""] * (height - len(block)) for block in (left, right))
    return [(a + " " * (room - _shown(a) + _GAP) + b).rstrip() for a, b in zip(left, right, strict=True)]


def _statement(word: str, edit, answer, room: int) -> list[str]:
    said = plain(answer.text)
    parts = [(plain(edit.text), "dim"), (said, "bold") if said else ("(nothing)", None)]
    return [styled(word, "bold"), *filled(parts, room)]


def _odds(edit, answer, room: int) -> list[str]:
    """Probabilities of the two answers, and the most probable next tokens."""
    rows = [("target", edit.target, answer.p_target, "green")]
    if answer.p_was is not None:
        rows.append(("was", edit.was, answer.p_was, "yellow"))
    # Below a thousandth only noise decides the order; the first is told in any case.
    top = [*answer.top[:1], *(item for item in answer.top[1:] if item[1] >= 0.001)]
    tokens = [("", f'"{plain_token(token)}"', p, "blue") for token, p in top]
    names = min(room - 19, max(shown_width(f"target {plain(name)}") for _, name, _, _ in rows), 24)
    names = max(names, min(14, room - 19))
    length = min(20, room - names - 8)

    def row(word: str, name: str, p: float, colour: str) -> str:
        label = padded(shortened(f"{word:6} {plain(name)}" if word else name, names), names)
        return f"{label} {probability(p):>5}  {styled(bar(p, length), colour)}".rstrip()

    return [*(row(*r) for r in rows), "", styled("Most probable next tokens", "dim"), *(row(*t) for t in tokens)]


def plain_token(token: str) -> str:
    """A token with its blanks, and with names for what cannot be seen."""
    token = token.replace("\n", "↵").replace("\t", "→")
    return "".join(c if c.isprintable() else "�" for c in token)


def _probe(probe, width: int) -> list[str]:
    room = width - 12
    out = [f"  {line}" for line in filled([(plain(probe.prompt), None)], width - 2)]
    answers = [("before", probe.before, None), ("after", probe.after, "bold")] if probe.changed else [("same", probe.before, None)]
    for word, text, style in answers:
        said = filled([(plain(text) or "(nothing)", style)], room)
        label = "changed" if word == "after" else word
        colour = {"changed": "yellow", "same": "green", "before": "dim"}[label]
        out.append(f"    {styled(f'{label:7}', colour)} {said[0]}")
        out += [" " * 12 + line for line in said[1:]]
    return out


def _facts(report, width: int, saved: str | None) -> list[str]:
    patch = f"{plain(report.kind)}, {amount(report.bytes)}"
    if report.relative_norm is not None:
        patch += f"; norm {report.relative_norm:.2g} of that of the weights it changes"
    rows = [("patch", patch)]
    first = report.about.get("first")
    if isinstance(first, dict):
        rows.append(("where", f"block {plain(first.get('layer'))}: the subject is the very first token, see first_layer"))
    statistics = report.about.get("statistics")
    if isinstance(statistics, dict) and isinstance(statistics.get("condition"), dict):
        worst = max((c for c in statistics["condition"].values() if isinstance(c, int | float)), default=0)
        rows.append(("keys", f"second moment from {plain(statistics.get('tokens'))} tokens, condition number {worst:.3g}"))
    rows.append(("time", f"{report.seconds:.1f} s"))
    if report.restored:
        rows.append(("model", "restored, bit for bit"))
    else:
        rows.append(("model", "NOT restored: some parameters differ from before; please report this"))
    if saved:
        rows.append(("saved", f"{saved} (again: survey edit --load {shlex.quote(saved)})"))
    out = []
    for name, value in rows:
        first, *rest = textwrap.wrap(value, width - 7, break_on_hyphens=False) or [""]
        out += [styled(f"{name:5}", "dim") + f"  {first}", *(" " * 7 + line for line in rest)]
    return out
