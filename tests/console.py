"""Pages whose commands are run: what a page shows is what the commands print.

A page may hold blocks of three kinds:

    ```console       lines that begin with `$ ` are commands (a line that ends in \\ goes on in the next), and
                     what stands below each is its output, errors included
    ```python        run in one process after the other blocks of the page
    ```text          directly below such a block: what it printed

All run in one empty folder, in the order of the page, with this interpreter and 88 columns. `pip` is not run.

    python -m tests.console docs/laboratory/index.md            compare
    python -m tests.console docs/laboratory/index.md --write    write the output of today into the page
    python -m tests.console --record                            run every method for docs/results/edits
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import io
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parents[1]
TOLERANCE = 0.02
"""By how much a number between 0 and 1, or the norm of a patch, may differ between two machines."""

RECORDS = ROOT / "docs" / "results" / "edits"
EDIT = ["--prompt", "{} is located in the city of", "--subject", "The Eiffel Tower", "--target", "Rome", "--was", "Paris"]
PROBES = ["The Eiffel Tower is in", "The Louvre is located in the city of", "To see the Eiffel Tower, travel to"]

_FENCE = re.compile(r"^```(console|python|text)\n(.*?)^```$", re.M | re.S)
# What passes differs from run to run, and a bar only draws the number beside it.
_TIME = re.compile(r"\b(\d+ (h|min) )*\d+(\.\d+)? (s|ms|min)\b")
_BAR = re.compile(r"[█░]+")
_NUMBER = re.compile(r"(?<![\w.])[<>]?-?\d*\.\d+(?:e[-+]\d+)?(?![\w.])")


@dataclass
class Step:
    """One command or piece of Python, where its output stands in the page, and what it said."""

    source: str
    kind: str
    expected: str
    place: slice | None
    got: str = field(default="")


def steps(page: str) -> list[Step]:
    """The commands and pieces of Python of a page, in order."""
    found: list[Step] = []
    last, end = "", 0
    for block in _FENCE.finditer(page):
        kind, body, start = block[1], block[2], block.start(2)
        if kind == "console":
            found += _commands(body, start)
        elif kind == "python":
            found.append(Step(body, "python", "", None))
        elif last == "python" and not page[end : block.start()].strip():
            found[-1].expected, found[-1].place = body, slice(start, start + len(body))
        last, end = kind, block.end()
    return found


def _commands(body: str, start: int) -> Iterator[Step]:
    """The commands of a console block."""
    command: Step | None = None
    goes_on = False
    for line in body.splitlines(keepends=True):
        if goes_on:
            command.source += line
        elif line.startswith("$ "):
            if command:
                yield command
            command = Step(line[2:], "console", "", slice(0, 0))
        elif command is None:
            raise ValueError(f"a console block begins with output: {line!r}")
        else:
            command.expected += line
        start += len(line)
        in_command = goes_on or line.startswith("$ ")
        goes_on = in_command and line.endswith("\\\n")
        if in_command:
            command.place = slice(start, start)
        else:
            command.place = slice(command.place.start, start)
    if command:
        yield command


def run(
    page: str, say: Callable[[str], None] = lambda line: None, where: str | None = None, more: dict[str, str] | None = None
) -> list[Step]:
    """Run a page and return its steps with what they printed: in a folder of its own or `where`, in an
    environment that has `more` variables."""
    found = steps(page)
    with tempfile.TemporaryDirectory() as own, _environment() as env:
        folder, env = where or own, {**env, **(more or {})}
        names: dict = {"__name__": "page"}
        for step in found:
            say(step.source.splitlines()[0])
            if step.kind == "python":
                out = io.StringIO()
                with contextlib.redirect_stdout(out), contextlib.chdir(folder):
                    exec(compile(step.source, "the page", "exec"), names)
                step.got = out.getvalue()
            elif step.source.startswith("pip "):
                step.got = step.expected
            else:
                step.got = _shell(step.source, folder, env)
    return found


def _shell(command: str, folder: str, env: dict[str, str]) -> str:
    """What a command prints. One that takes longer than half an hour is ended, with all that it started."""
    process = subprocess.Popen(
        ["sh", "-c", command], cwd=folder, env=env, text=True, encoding="utf-8", stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip
    try:
        return process.communicate(timeout=1800)[0]
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@contextlib.contextmanager
def _environment() -> Iterator[dict[str, str]]:
    """An environment in which `survey` is this interpreter's, and looks the same everywhere."""
    with tempfile.TemporaryDirectory() as bin:
        script = Path(bin) / "survey"
        script.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m survey "$@"\n', "utf-8")
        script.chmod(0o755)
        env = {
            **os.environ, "PATH": f"{bin}{os.pathsep}{os.environ.get('PATH', '')}", "PYTHONPATH": str(ROOT),
            "COLUMNS": "88", "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8",
        }  # fmt: skip
        yield env


def difference(expected: str, got: str) -> str | None:
    """What differs between two outputs, apart from times, bars, and numbers within the tolerance; None for nothing."""
    mine, theirs = ([_plain(line) for line in text.rstrip().splitlines()] for text in (expected, got))
    for a, b in zip(mine, theirs, strict=False):
        if _NUMBER.sub("#", a) != _NUMBER.sub("#", b) or not all(
            _near(x, y) for x, y in zip(_NUMBER.findall(a), _NUMBER.findall(b), strict=True)
        ):
            return f"expected {a!r}\nbut got  {b!r}"
    if len(mine) != len(theirs):
        longer = mine if len(mine) > len(theirs) else theirs
        which = "is missing" if longer is mine else "is new"
        return f"this line {which}: {longer[min(len(mine), len(theirs))]!r}"
    return None


def _plain(line: str) -> str:
    line = _BAR.sub("", _TIME.sub("T", line))
    return " ".join(line.split())


def _near(a: str, b: str) -> bool:
    """Whether two numbers are the same within the tolerance; `<.001` counts as .001."""
    return abs(float(a.lstrip("<>")) - float(b.lstrip("<>"))) <= TOLERANCE


def written(page: str, found: list[Step]) -> str:
    """The page with the output of today. Output that differs in nothing that counts stays as it was."""
    for step in sorted((s for s in found if s.place), key=lambda s: -s.place.start):
        if difference(step.expected, step.got) is not None:
            got = step.got.rstrip() + "\n" if step.got.strip() else ""
            page = page[: step.place.start] + got + page[step.place.stop :]
    return page


def record(method: str, folder: Path = RECORDS) -> dict:
    """Run the edit of the Eiffel Tower with a method and write what it printed, for the page of the method.

    The command runs in a process of its own, whose time and memory are told beside. What belongs to a first run is
    done before: statistics of keys are sampled, and a method that must be trained is, which is recorded as well.
    """
    from survey.editing.method import find

    if find(method).train:
        trained = json.loads(_survey("train", method, "--format", "json")[0])
        del trained["path"]  # Of this machine.
        (folder.parent / "training").mkdir(parents=True, exist_ok=True)
        _write(folder.parent / "training" / f"{method}.json", trained)
    words = ["edit", method, *EDIT, *(word for probe in PROBES for word in ("--probe", probe))]
    if method in ("alphaedit", "emmet", "memit", "pmet", "prune", "r-rome", "rect", "rome"):
        _survey(*words)
    out, memory = _survey(*words, "--format", "json")
    found = {
        **json.loads(out),
        "memory": memory,
        "command": "survey " + " ".join(_quoted(word) for word in words),
        "recorded": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "versions": {name: version(name).split("+")[0] for name in ("editing-pitfalls", "torch", "transformers")},
    }
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / f"{method}.json", found)
    return found


def _write(path: Path, found: dict) -> None:
    path.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", "utf-8")


def _survey(*words: str) -> tuple[str, int]:
    """What the command prints, and the most bytes that its process held."""
    process = subprocess.Popen([sys.executable, "-m", "survey", *words], stdout=subprocess.PIPE, text=True, encoding="utf-8")
    with process.stdout:
        out = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"survey {' '.join(words)} ended with {process.returncode}")
    return out, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _quoted(word: str) -> str:
    """A word as a person would type it: in double quotes where it needs quotes."""
    return word if re.fullmatch(r"[\w.-]+", word) else f'"{word}"' if not set(word) & set('"$`\\!') else shlex.quote(word)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pages", nargs="*", type=Path, metavar="PAGE")
    parser.add_argument("--write", action="store_true", help="write the output of today into the pages")
    parser.add_argument("--record", nargs="*", metavar="METHOD", help="record these methods (default: all)")
    args = parser.parse_args()
    failed = False
    if args.record is not None:
        from survey.editing.method import METHODS

        for method in args.record or METHODS:
            found = record(method)
            told = f"p(target) {found['after']['p_target']:.3f}  {found['seconds']:.1f} s  {found['memory'] / 1e6:,.0f} MB"
            print(f"{method:12} {told}", flush=True)
            failed |= not found["restored"]
    for path in args.pages:
        page = path.read_text("utf-8")
        done = run(page, lambda line: print(f"$ {line}", file=sys.stderr, flush=True))
        for step in done:
            if (step.place is not None or step.got) and (found := difference(step.expected, step.got)):
                print(f"{path}: {step.source.splitlines()[0]}\n{found}")
                failed |= not args.write
        if args.write:
            path.write_text(written(page, done), "utf-8")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
