"""Make one edit in a language model, show what the model says before and after, and take it back.

    survey edit rome --prompt "{} is located in the city of" --subject "The Eiffel Tower" --target Rome --was Paris
    survey edit memit ... --probe "The Louvre is in" --save rome.safetensors
    survey edit --load rome.safetensors --probe "To see the Eiffel Tower, travel to"
    survey edit --load grace.safetensors --list
    survey edit --load grace.safetensors --forget 2 --save less.safetensors

The default model is fetched at its first use, and needs the network only then. Some methods take statistics
of the model's keys; they are sampled once, which takes about half a minute, and kept.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path


def _number(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 0 on")
    return int(text)


def _threads(text: str) -> int:
    if not _number(text):
        raise argparse.ArgumentTypeError("at least one thread is needed")
    return int(text)


def _numbers(text: str) -> list[int]:
    try:
        numbers = [int(part) for part in text.split(",")]
    except ValueError:
        numbers = [0]
    if min(numbers) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no list of numbers from 1 on, such as 2 or 1,3")
    return numbers


def _setting(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not name.strip():
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name.strip(), value.strip()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("method", nargs="?", metavar="METHOD", help="`survey methods` lists them; or FILE.py:NAME, a method of your own")
    edit = parser.add_argument_group("the edit")
    edit.add_argument("--prompt", metavar="TEXT", help="what the model shall continue, with {} for the subject")
    edit.add_argument("--subject", metavar="TEXT", help="what the fact is about")
    edit.add_argument("--target", metavar="TEXT", help="the new answer")
    edit.add_argument("--was", metavar="TEXT", help="the old answer, if known")
    edit.add_argument(
        "--probe", metavar="TEXT", action="append",
        help="another prompt to ask before and after; may be repeated (default: three of our own)",
    )  # fmt: skip
    how = parser.add_argument_group("how")
    how.add_argument("--model", metavar="M", help="a name from `survey models`, a folder, or a name on the hub")
    how.add_argument("--seed", type=_number, default=None, metavar="N", help="default: 0")
    how.add_argument("--preset", metavar="NAME", help="published settings for another model")
    how.add_argument(
        "--set", dest="settings", type=_setting, action="append", default=[], metavar="NAME=VALUE",
        help="change a setting; `survey methods METHOD` lists them",
    )  # fmt: skip
    how.add_argument(
        "--generator", metavar="G",
        help="who writes for methods that reason in words: a model by name or folder, or an OpenAI-compatible "
        "endpoint as URL#MODEL (default: the model that is edited)",
    )  # fmt: skip
    how.add_argument("--stats-text", metavar="FILE", help="text for statistics of keys, instead of sampled text")
    how.add_argument("--threads", type=_threads, metavar="N", help="processor threads to use")
    how.add_argument("--accept-licence", action="store_true", help="accept the licence of the model to fetch")
    files = parser.add_argument_group("patches")
    files.add_argument("--save", metavar="FILE", help="keep the patch in a file")
    files.add_argument("--load", metavar="FILE", help="put in a patch from a file instead of computing one")
    files.add_argument("--from", dest="made_by", metavar="FILE.py:NAME", help="with --load: the method that made the patch, where it is not ours")
    files.add_argument("--list", action="store_true", help="with --load: list the edits that the patch holds")
    files.add_argument(
        "--forget", metavar="N", type=_numbers,
        help="with --load and --save: keep the patch without these edits (their numbers as --list shows them, 1,3)",
    )  # fmt: skip
    parser.add_argument("--format", choices=("text", "json"), default="text")
    parser.set_defaults(wrong=parser.error)


def run(args: argparse.Namespace) -> int:
    _usage(args)
    _need_extra()
    from survey.editing.edit import Edit
    from survey.editing.method import find
    from survey.editing.patch import header

    if args.made_by:
        find(args.made_by)
    if args.list or args.forget:
        return _kept(args)
    # What can be wrong without a model is told before one is loaded.
    if args.load:
        found = header(args.load)
        edits, name = [], args.model or _home(found)
    else:
        edits, name = [Edit(args.prompt, args.subject, args.target, args.was)], args.model
        find(args.method)
    text = _text(args.stats_text)
    if args.save:
        _writable(Path(args.save))

    import torch

    from survey.editing import patch as patches
    from survey.editing.loading import DEFAULT, load_model
    from survey.editing.report import configured
    from survey.editing.report import run as make

    if args.threads:
        torch.set_num_threads(args.threads)
    name, settings = name or DEFAULT, dict(args.settings)
    if args.generator:
        settings["generator"] = args.generator
    if args.method:
        find(args.method).configure(args.preset, **configured(args.method, settings))
    with Shown() as progress:
        progress.loading(name)
        model = load_model(name, accept_licence=args.accept_licence)
        if args.load:
            report = make(model, patch=patches.load(args.load, model), probes=args.probe)
        else:
            report = make(
                model, edits, method=args.method, probes=args.probe, seed=args.seed or 0, preset=args.preset,
                settings=settings, text=text, progress=progress,
            )  # fmt: skip
    if args.save:
        patches.save(report.patch, args.save, model)
    if args.format == "json":
        print(json.dumps(report.record(), ensure_ascii=False, indent=1))
    else:
        from survey.cli.edit_text import columns, lines

        print("\n".join(lines(report, columns(), args.save)))
    return 0


def _usage(args: argparse.Namespace) -> None:
    """End with exit code 2 where the words of the command do not fit each other."""
    if args.made_by and not args.load:
        args.wrong("--from needs --load FILE: it names the method that made the patch")
    for word in ("list", "forget"):
        if getattr(args, word) and not args.load:
            args.wrong(f"--{word} needs --load FILE: it looks into a patch that was saved")
    if args.list and args.forget:
        args.wrong("give either --list or --forget")
    if args.forget and not args.save:
        args.wrong("--forget needs --save FILE for the patch without these edits")
    if args.load:
        given = [
            "METHOD" if name == "method" else "--set" if name == "settings" else f"--{name.replace('_', '-')}"
            for name in (
                "method", "prompt", "subject", "target", "was", "preset", "settings", "generator", "seed", "save", "stats_text",
            )
            if getattr(args, name) not in (None, []) and not (name == "save" and args.forget)
        ]  # fmt: skip
        if given:
            args.wrong(f"a patch that is loaded brings its own edit: leave out {', '.join(given)}, and ask with --probe")
        return
    missing = [] if args.method else ["METHOD"]
    missing += [f"--{name}" for name in ("prompt", "subject", "target") if getattr(args, name) is None]
    if missing:
        args.wrong(f"the following are needed: {', '.join(missing)} (or --load FILE)")


def _kept(args: argparse.Namespace) -> int:
    """List the edits of a patch, or write it without some of them. No model is needed."""
    from survey.cli import edit_text
    from survey.editing import patch as patches
    from survey.errors import UserError

    patch = patches.load(args.load)
    items = patch.listed()
    if args.list:
        if args.format == "json":
            print(json.dumps([{**item, "edit": asdict(item["edit"])} for item in items], ensure_ascii=False, indent=1))
        else:
            print("\n".join(edit_text.held(patch, items, edit_text.columns())))
        return 0
    if unknown := [number for number in args.forget if number > len(items)]:
        raise UserError(f"{args.load}: there is no edit {unknown[0]}: it holds {len(items)} (--list shows them)")
    _writable(Path(args.save))
    rest = patch.without([number - 1 for number in args.forget])
    patches.save_for(rest, args.save, patches.header(args.load))
    print(f"{args.save}: {len(rest.listed())} of {len(items)} edits kept")
    return 0


def _need_extra() -> None:
    from importlib.util import find_spec

    from survey.errors import UserError

    if missing := [name for name in ("torch", "transformers", "safetensors") if find_spec(name) is None]:
        raise UserError(f'editing needs more packages ({", ".join(missing)}): pip install "editing-pitfalls[edit]"')


def _home(header: dict) -> str | None:
    """The model that a patch was made for, if it is one that we know. No other is loaded on a file's word."""
    from survey.editing.models import KNOWN

    return header.get("model") if header.get("model") in KNOWN else None


def _text(path: str | None) -> str | None:
    from survey.errors import UserError

    try:
        return Path(path).read_text("utf-8") if path else None
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: this is no text in UTF-8 (byte {error.start:,})") from None


def _writable(path: Path) -> None:
    """Tell now, and not after the work, that a patch cannot be saved there."""
    from survey.errors import UserError

    if path.is_dir():
        raise UserError(f"{path}: this is a folder: name a file in it for the patch")
    if not path.absolute().parent.is_dir():
        raise UserError(f"{path}: there is no folder {path.parent}")


class Shown:
    """Progress of a method on stderr, one line that is wiped away in the end; nothing where that is no terminal."""

    def __init__(self) -> None:
        self._line = None
        self._shown = sys.stderr.isatty()

    def __enter__(self) -> Shown:
        return self

    def __exit__(self, *_) -> None:
        self._line = None
        self._write("")

    def _write(self, text: str) -> None:
        if self._shown:
            print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)

    def loading(self, name: str) -> None:
        """A model is loaded; one that must be fetched first speaks for itself."""
        from survey.editing.models import KNOWN, cached

        if name not in KNOWN or cached(name):
            self._write(f"Loading {name} ...")

    def say(self, line: str) -> None:
        """A line that stays, above the one that moves."""
        if self._shown:
            self._write(f"{line}\n")

    def start(self, label: str, total: int) -> None:
        from survey.files.cache import cache_folder
        from survey.progress import Progress

        if label.startswith("Sampling text") and self._shown:
            self._write("")
            kept = f"kept in {cache_folder() / 'statistics'}" if cache_folder() else "not kept (SURVEY_CACHE is off)"
            print(f"Statistics of keys are sampled once for a model, about half a minute, and {kept}.", file=sys.stderr)
        self._line = Progress(total, label, "step").__enter__()

    def advance(self, steps: int = 1) -> None:
        if self._line is not None:
            self._line.advance(steps)
