"""Find the states that carry a fact from its subject to the answer: causal tracing, after ROME.

    survey trace --prompt "{} is located in the city of" --subject "The Eiffel Tower"
    survey trace ... --target Paris --plot eiffel.svg

Noise on the subject's embeddings makes the model forget the answer. Then the state of one token at one layer
is set to what it was without noise; the probability that this brings back is the state's indirect effect.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

from survey.cli.edit import Shown, _need_extra, _number, _threads

PARTS = ("block", "mlp", "attention")


def _deviations(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no number above 0")
    return value


def _positive(text: str) -> int:
    if not _number(text):
        raise argparse.ArgumentTypeError("at least 1 is needed")
    return int(text)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    fact = parser.add_argument_group("the fact")
    fact.add_argument("--prompt", metavar="TEXT", required=True, help="what the model continues, with {} for the subject")
    fact.add_argument("--subject", metavar="TEXT", required=True, help="what the fact is about")
    fact.add_argument("--target", metavar="TEXT", help="the answer to trace (default: the model's most probable token)")
    how = parser.add_argument_group("how")
    how.add_argument(
        "--part", choices=(*PARTS, "all"),
        help="states to restore: hidden states (block), feed-forward outputs (mlp), attention outputs, or all three, "
        "which take four times as long (default: block, and all with --plot)",
    )  # fmt: skip
    how.add_argument(
        "--noise", type=_deviations, default=3.0, metavar="X",
        help="standard deviation of the noise, in those of the model's embeddings (default: 3)",
    )  # fmt: skip
    how.add_argument("--draws", type=_positive, default=10, metavar="N", help="draws of the noise (default: 10)")
    how.add_argument(
        "--window", type=_positive, default=10, metavar="N",
        help="layers restored together, for mlp and attention (default: 10)",
    )  # fmt: skip
    how.add_argument("--seed", type=_number, default=0, metavar="N", help="default: 0")
    how.add_argument("--model", metavar="M", help="a name from `survey models`, a folder, or a name on the hub")
    how.add_argument("--threads", type=_threads, metavar="N", help="processor threads to use")
    how.add_argument("--accept-licence", action="store_true", help="accept the licence of the model to fetch")
    parser.add_argument("--plot", metavar="FILE.svg", help="draw the effects, one panel for each part")
    parser.add_argument("--format", choices=("text", "json"), default="text")


def run(args: argparse.Namespace) -> int:
    _need_extra()
    from survey.editing.edit import Edit

    # What can be wrong without a model is told before one is loaded.
    Edit(args.prompt, args.subject, "?" if args.target is None else args.target)
    if args.plot:
        _svg(Path(args.plot))
    part = args.part or ("all" if args.plot else "block")

    import torch

    from survey.editing.loading import DEFAULT, load_model
    from survey.editing.tracing import trace

    if args.threads:
        torch.set_num_threads(args.threads)
    name = args.model or DEFAULT
    with Shown() as progress:
        progress.loading(name)
        model = load_model(name, accept_licence=args.accept_licence)
        start = time.perf_counter()
        found = trace(
            model, args.prompt, args.subject, args.target, noise=args.noise, draws=args.draws, window=args.window,
            seed=args.seed, parts=PARTS if part == "all" else (part,), progress=progress,
        )  # fmt: skip
        seconds = time.perf_counter() - start
    if args.plot:
        from survey.cli.trace_plot import svg

        Path(args.plot).write_text(svg(found), encoding="utf-8")
    if args.format == "json":
        print(json.dumps(record(found, seconds), ensure_ascii=False, indent=1))
    else:
        from survey.cli.edit_text import columns
        from survey.cli.trace_text import lines

        print("\n".join(lines(found, columns(), seconds, args.plot)))
    return 0


def _svg(path: Path) -> None:
    from survey.errors import UserError

    if path.suffix.lower() != ".svg":
        raise UserError(f"{path}: the plot is an SVG file: give it a name that ends in .svg")
    if path.is_dir():
        raise UserError(f"{path}: this is a folder: name a file in it for the plot")
    if not path.absolute().parent.is_dir():
        raise UserError(f"{path}: there is no folder {path.parent}")


def record(trace, seconds: float) -> dict:
    """A trace as plain values. Effects are lists by token of lists by layer; six digits, since more would differ
    from one machine to the next."""

    def short(value: float) -> float:
        return float(f"{value:.6g}")

    def largest(part: str) -> dict:
        value, token, layer = trace.largest(part)
        return {"effect": short(value), "token": token, "layer": layer}

    return {
        "model": trace.model, "seed": trace.seed, "prompt": trace.prompt, "subject": trace.subject,
        "target": trace.target, "noise": trace.noise, "sigma": short(trace.sigma), "draws": len(trace.corrupted),
        "window": trace.window,
        "tokens": [{"text": text, "subject": n in trace.subject_tokens} for n, text in enumerate(trace.tokens)],
        "p_clean": short(trace.clean), "p_corrupted": short(trace.corrupted.mean().item()),
        "total_effect": short(trace.total_effect), "seconds": round(seconds, 3),
        "parts": {
            part: {
                "largest": largest(part),
                "effects": [[short(value) for value in row] for row in trace.effect(part).tolist()],
            }
            for part in trace.restored
        },
    }  # fmt: skip
