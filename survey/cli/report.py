"""Make one edit of your own, and write a page about everything that it changed. The model is given back as it was.

    survey report --method rome --subject "The Eiffel Tower" --prompt "{} is located in the city of" --target Rome --was Paris
    survey report ... --paraphrase "Whoever wants to see {} travels to" --neighbour "The Louvre is in" -o eiffel.html
    survey report --load eiffel.safetensors --tasks

The page is one file that needs nothing else. It tells whether the edit took, what became of other wordings, of neighbours
and of facts that have nothing to do with it, whether texts about the new answer begin to speak of the subject, and how the
model is as a whole. --paraphrase, --neighbour and --probe may hold {} for the subject.
"""

from __future__ import annotations

import argparse
import datetime
import shlex
from pathlib import Path

from survey.cli.edit import Shown, _home, _need_extra, _number, _setting, _text, _threads

PAGE = "report.html"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    edit = parser.add_argument_group("the edit")
    edit.add_argument("--method", metavar="METHOD", help="`survey methods` lists them")
    edit.add_argument("--prompt", metavar="TEXT", help="what the model shall continue, with {} for the subject")
    edit.add_argument("--subject", metavar="TEXT", help="what the fact is about")
    edit.add_argument("--target", metavar="TEXT", help="the new answer")
    edit.add_argument("--was", metavar="TEXT", help="the old answer, if known")
    edit.add_argument("--load", metavar="PATCH", help="put in a patch that `survey edit --save` wrote, instead of computing one")
    edit.add_argument("--from", dest="made_by", metavar="FILE.py:NAME", help="with --load: the method that made the patch, where it is not ours")
    ask = parser.add_argument_group("what to ask besides")
    for name, line in (
        ("probe", "a prompt to ask before and after"), ("paraphrase", "the same fact in other words"),
        ("neighbour", "a prompt about something else, which should stay"),
    ):  # fmt: skip
        ask.add_argument(f"--{name}", metavar="TEXT", action="append", default=[], help=f"{line}; may be repeated")
    ask.add_argument("--tasks", action="store_true", help="ask four small downstream tasks, too, which takes a few minutes")
    how = parser.add_argument_group("how")
    how.add_argument("--model", metavar="M", help="a name from `survey models`, a folder, or a name on the hub")
    how.add_argument("--seed", type=_number, default=None, metavar="N", help="default: 0")
    how.add_argument("--preset", metavar="NAME", help="published settings for another model")
    how.add_argument(
        "--set", dest="settings", type=_setting, action="append", default=[], metavar="NAME=VALUE",
        help="change a setting; `survey methods METHOD` lists them",
    )  # fmt: skip
    how.add_argument("--stats-text", metavar="FILE", help="text for statistics of keys, instead of sampled text")
    how.add_argument("--threads", type=_threads, metavar="N", help="processor threads to use")
    how.add_argument("--accept-licence", action="store_true", help="accept the licence of the model to fetch")
    out = parser.add_argument_group("the page")
    out.add_argument("-o", "--out", metavar="FILE.html", help=f"where to write the page (default: {PAGE}; with --format json: nowhere)")
    out.add_argument("--force", action="store_true", help="write over a file that is no report")
    out.add_argument("--format", choices=("text", "json"), default="text", help="what to print: a few lines, or all data")
    parser.set_defaults(wrong=parser.error)


def run(args: argparse.Namespace) -> int:
    _usage(args)
    _need_extra()
    from survey.editing.edit import Edit
    from survey.editing.method import find
    from survey.editing.patch import header
    from survey.pitfalls.report.questions import Named

    # What can be wrong without a model is told before one is loaded.
    if args.made_by:
        find(args.made_by)
    if args.load:
        edits, name = [], args.model or _home(header(args.load))
    else:
        edits, name = [Edit(args.prompt, args.subject, args.target, args.was)], args.model
        find(args.method)
    yours = Named(tuple(args.probe), tuple(args.paraphrase), tuple(args.neighbour))
    text = _text(args.stats_text)
    out = Path(args.out or PAGE) if args.out or args.format == "text" else None
    if out:
        _writable(out, args.force)

    import torch

    from survey.editing import patch as patches
    from survey.editing.loading import DEFAULT, load_model
    from survey.editing.report import configured
    from survey.pitfalls.report import gather

    if args.threads:
        torch.set_num_threads(args.threads)
    name, settings = name or DEFAULT, dict(args.settings)
    if args.method:
        find(args.method).configure(args.preset, **configured(args.method, settings))
    with Shown() as progress:
        progress.loading(name)
        model = load_model(name, accept_licence=args.accept_licence)
        report = gather(
            model, edits, method=args.method, patch=patches.load(args.load, model) if args.load else None, yours=yours,
            seed=args.seed or 0, preset=args.preset, settings=settings, text=text, tasks=args.tasks, command=command(args),
            made_on=datetime.date.today().isoformat(), progress=progress,
        )  # fmt: skip
    if out:
        _write(report, out, args.force)
    if args.format == "json":
        from survey.cli.output import as_json

        print(as_json(report.record()))
    else:
        print("\n".join(_lines(report, out)))
    return 0


def _usage(args: argparse.Namespace) -> None:
    """End with exit code 2 where the words of the command do not fit each other."""
    if args.made_by and not args.load:
        args.wrong("--from needs --load PATCH: it names the method of a patch that was saved")
    if args.load:
        own = ("method", "prompt", "subject", "target", "was", "preset", "settings", "seed", "stats_text")
        given = [
            "--set" if name == "settings" else f"--{name.replace('_', '-')}" for name in own if getattr(args, name) not in (None, [])
        ]
        if given:
            args.wrong(f"a patch that is loaded brings its own edit: leave out {', '.join(given)}")
        return
    missing = [f"--{name}" for name in ("method", "prompt", "subject", "target") if getattr(args, name) is None]
    if missing:
        args.wrong(f"the following are needed: {', '.join(missing)} (or --load PATCH)")


def command(args: argparse.Namespace) -> str:
    """The command that makes the page again."""
    words = ["survey", "report"]
    for name in ("method", "subject", "prompt", "target", "was", "load", "made_by", "model", "seed", "preset", "stats_text", "threads"):
        if getattr(args, name) is not None:
            words += ["--from" if name == "made_by" else f"--{name.replace('_', '-')}", str(getattr(args, name))]
    words += [word for name, value in args.settings for word in ("--set", f"{name}={value}")]
    words += [word for name in ("probe", "paraphrase", "neighbour") for text in getattr(args, name) for word in (f"--{name}", text)]
    words += ["--tasks"] if args.tasks else []
    words += ["-o", args.out] if args.out else []
    # A text that begins with a dash would be taken for an option.
    return " ".join(_word(word) for word in _joined(words))


def _joined(words: list[str]) -> list[str]:
    found: list[str] = []
    for word in words:
        if found and word.startswith("-") and found[-1].startswith("--") and found[-1] != "--tasks" and "=" not in found[-1] and word not in ("-o", "--tasks"):
            found[-1] += f"={word}"
        else:
            found.append(word)
    return found


def _word(word: str) -> str:
    """A word as a person would type it: in double quotes where that does."""
    quoted = shlex.quote(word)
    return quoted if quoted == word or set(word) & set('"$`\\!') else f'"{word}"'


def _writable(path: Path, force: bool) -> None:
    """Tell now, and not after the work, that the page cannot be written there."""
    from survey.errors import UserError

    if path.is_dir():
        raise UserError(f"{path}: this is a folder: name a file in it for the page")
    if not path.absolute().parent.is_dir():
        raise UserError(f"{path}: there is no folder {path.parent}")
    if path.exists() and not force and not _ours(path):
        raise UserError(f"{path}: this file is no report of ours, and stays as it is: name another, or write over it with --force")


def _ours(path: Path) -> bool:
    """Whether a file is empty or an earlier report."""
    from survey.pitfalls.report.page import MARK

    with path.open("rb") as file:
        head = file.read(2000)
    return not head or MARK.encode() in head


def _write(report, path: Path, force: bool) -> None:
    from survey.files.storage import write_file
    from survey.pitfalls.report.page import html

    _writable(path, force)  # Once more: measuring takes a while.
    write_file(path, html(report))


def _lines(report, out: Path) -> list[str]:
    """The report in a few lines."""
    from survey.cli.edit_text import plain, probability
    from survey.cli.output import styled

    told = report.edits[0]
    took = "took" if told.exact and told.says else "took in part" if told.exact or told.says else "did not take"
    rows = [("edit", f"{took}: p({plain(told.edit.target)}) {probability(told.before.p_target)} before, {probability(told.after.p_target)} after")]
    for group, word in (("paraphrase", "wordings"), ("neighbour", "neighbours"), ("relation", "of subject")):
        if found := told.kept_or_new(group):
            rows.append((word, f"right for {found[1]} of {found[2]} (before: {found[0]})"))
    was, now = report.facts_right
    rows.append(("facts", f"{report.facts_changed} of {len(report.facts)} others changed; right for {now} (before: {was})"))
    before, after, texts = told.of_target
    rows.append(("texts", f"{after} of {texts} about {plain(told.edit.target)} name the subject (before: {before})"))
    rows.append(("perplexity", f"{report.language.after:.1f} (before: {report.language.before:.1f})"))
    rows += [(task.id, f"{task.after.value:.3f} (before: {task.before.value:.3f})") for task in report.tasks]
    rows.append(("model", "restored, bit for bit" if report.restored else "NOT restored: please report this"))
    width = max(len(name) for name, _ in rows)
    head = f"{styled(plain(report.method_name), 'bold')} on {styled(plain(report.model), 'bold')}"
    return [head, *(f"{styled(f'{name:{width}}', 'dim')}  {value}" for name, value in rows), f"\nThe page: {out}"]
