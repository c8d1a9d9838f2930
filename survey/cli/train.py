"""Train what a method must learn before it can edit: once for a model, and kept.

    survey train mend
    survey train serac --model FOLDER

Press Ctrl+C at any time: the same command goes on where it was, to the same result. --fresh first deletes what was
trained and what was begun; stopped, it goes on without --fresh. The facts it learns from come with the package, and
none of their subjects is one that the benchmarks edit.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict

from survey.cli.edit import Shown, _need_extra, _number, _setting, _threads


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("method", metavar="METHOD", help="`survey methods` shows which must be trained")
    parser.add_argument("--model", metavar="M", help="a name from `survey models`, a folder, or a name on the hub")
    parser.add_argument("--seed", type=_number, default=0, metavar="N", help="default: 0")
    parser.add_argument("--preset", metavar="NAME", help="published settings for another model")
    parser.add_argument(
        "--set", dest="settings", type=_setting, action="append", default=[], metavar="NAME=VALUE",
        help="change a setting; `survey methods METHOD` lists them",
    )  # fmt: skip
    parser.add_argument("--fresh", action="store_true", help="delete what is kept, and train from the start")
    parser.add_argument("--threads", type=_threads, metavar="N", help="processor threads to use")
    parser.add_argument("--accept-licence", action="store_true", help="accept the licence of the model to fetch")
    parser.add_argument("--format", choices=("text", "json"), default="text")


def run(args: argparse.Namespace) -> int:
    _need_extra()
    from survey.editing.learning import train, trainable
    from survey.editing.report import configured

    # What can be wrong without a model is told before one is loaded.
    trainable(args.method).configure(args.preset, **configured(args.method, dict(args.settings)))

    import torch

    from survey.editing.loading import DEFAULT, load_model

    if args.threads:
        torch.set_num_threads(args.threads)
    name = args.model or DEFAULT
    with Shown() as progress:
        progress.loading(name)
        model = load_model(name, accept_licence=args.accept_licence)
        report = train(
            args.method, model, seed=args.seed, preset=args.preset, progress=progress, fresh=args.fresh,
            log=progress.say, **dict(args.settings),
        )  # fmt: skip
    if args.format == "json":
        found = asdict(report)
        found["path"] = str(report.path) if report.path else None
        print(json.dumps(found, ensure_ascii=False, indent=1))
    else:
        print("\n".join(_told(report)))
    return 0


def _told(report) -> list[str]:
    from survey.progress import duration

    scores = ", ".join(f"{name} {value:.3g}" for name, value in report.scores.items())
    how = f"{report.steps} steps in {duration(report.seconds)}"
    if report.resumed:
        how += f", gone on from step {report.resumed}"
    kept = f"kept in {report.path}" if report.path else "not kept: caches are switched off (SURVEY_CACHE)"
    return [
        f"{report.method} is trained for {report.model}" + ("" if report.trained else " already (--fresh trains it again)"),
        f"  {how}; on facts that it did not learn from: {scores} (step {report.best})",
        f"  {kept}",
    ]
