"""How `survey trace` shows a trace to people: what was seen, and a heat table for each part."""

from __future__ import annotations

import textwrap

from survey.cli.edit_text import plain, plain_token, probability
from survey.cli.output import padded, plural, shortened, shown_width, styled

NAMES = {"block": "Hidden states", "mlp": "Feed-forward outputs", "attention": "Attention outputs"}
# From these shares of a part's largest effect on.
_SHADES = ((0.75, "█"), (0.5, "▓"), (0.25, "▒"), (0.1, "░"))
_NOTHING, _LOWERS = "·", "-"
_MOST_LABEL = 16


def name(trace, part: str) -> str:
    """A part with what is restored at once: "Attention outputs, 10 layers at once"."""
    together = "" if part == "block" or trace.window == 1 else f", {trace.window} layers at once"
    return NAMES[part] + together


def lines(trace, width: int, seconds: float, plot: str | None = None) -> list[str]:
    """The trace line by line, in so many columns. `plot` is the file where it is drawn."""
    target = plain(trace.target)
    out = [f"{styled('Causal trace', 'bold')} of {styled(plain(trace.model), 'bold')}"]
    out += ["", *textwrap.wrap(f"{plain(trace.prompt)} → {target}", width)]
    said = (
        f"p({target}) is {probability(trace.clean)}. With noise on the subject ({plural(len(trace.corrupted), 'draw')}) it is "
        f"{probability(trace.corrupted.mean().item())}: the total effect is {signed(trace.total_effect)}."
    )
    out += ["", *textwrap.wrap(said, width)]
    for part in trace.restored:
        out += ["", *_table(trace, part, width)]
    if trace.total_effect < 0.05:
        said = (
            "Warning: the noise takes little from the answer, so there is little to restore. Trace an answer that the "
            "model gives with confidence because of the subject, or raise --noise."
        )
        out += ["", *(styled(line, "yellow") for line in textwrap.wrap(said, width))]
    said = "* token of the subject. The numbers at the right are the largest effect of each row, and its layer (L)"
    several = trace.window > 1 and any(part != "block" for part in trace.restored)
    said += ", which is the middle one where several are restored at once." if several else "."
    out += ["", *textwrap.wrap(said, width)]
    out += [styled(f"{seconds:.1f} s, seed {trace.seed}" + (f", drawn in {plot}" if plot else ""), "dim")]
    return out


def signed(value: float) -> str:
    """Three decimals, never -0.000."""
    text = f"{value:.3f}"
    return "0.000" if text == "-0.000" else text


def largest(trace, part: str) -> str:
    """The largest effect, and that of the subject where it is another: one sentence."""
    value, token, layer = trace.largest(part)
    said = f'largest indirect effect {signed(value)} at "{plain_token(trace.tokens[token])}", layer {layer}'
    if token not in trace.subject_tokens:
        rows = trace.effect(part)[trace.subject_tokens.start : trace.subject_tokens.stop]
        at = int(rows.argmax())
        token, layer = trace.subject_tokens.start + at // rows.shape[1], at % rows.shape[1]
        said += f'; in the subject {signed(rows.max().item())} at "{plain_token(trace.tokens[token])}", layer {layer}'
    return said


def _table(trace, part: str, width: int) -> list[str]:
    effect = trace.effect(part)
    layers, most = effect.shape[1], effect.max().item()
    labels = [plain_token(text).strip() or plain_token(text) for text in trace.tokens]
    names = min(_MOST_LABEL, max(map(shown_width, labels)))
    # A star, a blank, the label, two blanks, the cells, two blanks, a number, a blank and a layer.
    room = width - names - 16
    wide = 2 if 2 * layers <= room else 1
    # A model with more layers than columns shows the largest of each few.
    step = -(-layers * wide // room)
    columns = [range(first, min(first + step, layers)) for first in range(0, layers, step)]
    out = textwrap.wrap(f"{name(trace, part)}: {largest(trace, part)}", width)
    out[0] = out[0].replace(name(trace, part), styled(name(trace, part), "bold"), 1)
    out += [" " * (names + 4) + styled(_ruler(columns, wide), "dim")]
    for n, row in enumerate(effect.tolist()):
        cells = "".join(_shade(_strongest(row[c.start : c.stop]), most) * wide for c in columns)
        best = max(range(layers), key=lambda layer, row=row: row[layer])
        number = f"{signed(row[best]):>6} L{best}" if most > 0 and row[best] >= _SHADES[-1][0] * most else ""
        if number and row[best] == most:
            number = styled(number, "bold")
        star = "*" if n in trace.subject_tokens else " "
        out.append(f"{star} {padded(shortened(labels[n], names), names)}  {styled(cells, 'blue')}  {number}".rstrip())
    if most > 0:
        legend = "  ".join(f"{shade} from {signed(share * most)}" for share, shade in reversed(_SHADES))
        legend = f"{_NOTHING} less  {legend}  {_LOWERS} lowers p"
        legend += f"  (each column the strongest of {step} layers)" if step > 1 else ""
        out += [styled(line, "dim") for line in textwrap.wrap(legend, width, initial_indent="  ", subsequent_indent="  ")]
    return out


def _strongest(values: list[float]) -> float:
    return max(values, key=abs)


def _shade(value: float, most: float) -> str:
    if most <= 0:
        return _NOTHING
    for share, shade in _SHADES:
        if value >= share * most:
            return shade
    return _LOWERS if value <= -_SHADES[-1][0] * most else _NOTHING


def _ruler(columns: list[range], wide: int) -> str:
    """Numbers of layers above their columns, every fifth."""
    line = ""
    for n in range(0, len(columns), 5):
        line = line.ljust(n * wide) + str(columns[n].start)
    return line
