"""What CONTRIBUTING.md shows: real output of its commands, and pictures of the submission page.

    python -m tests.contributing              compare the page with what its commands print today
    python -m tests.contributing --write      write today's output into it
    python -m tests.contributing --pictures   take the pictures anew (needs Chromium and the site's packages)

The commands run in a small copy of the collection that lacks one paper. In the place of the services
stands a server on this machine that tells what lists and proceedings say of that paper; it has no
abstracts, since those are not ours.
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests import console
from tests.intake.services import running
from tests.intake.test_thirty import CASES, tell

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "CONTRIBUTING.md"
PICTURES = ROOT / "docs" / "assets" / "contributing"
KEY = "sun2025mitigating"


@contextlib.contextmanager
def clone() -> Iterator[tuple[Path, dict[str, str]]]:
    """Some entries without the paper, and the environment that asks the server of this machine."""
    (case,) = [case for case in CASES if case["key"] == KEY]
    with tempfile.TemporaryDirectory() as folder, running() as services:
        for other in CASES:  # Always as many, however the collection grows.
            (entry,) = (ROOT / "papers").rglob(f"{other['key']}.yaml")
            target = Path(folder) / entry.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            if other is not case:
                shutil.copy(entry, target)
        tell(services, case["answers"])
        yield Path(folder), {**services.environment, "SURVEY_CACHE": "off", "SURVEY_ROOT": folder, "SOURCE_DATE_EPOCH": "1795564800"}


def output() -> list[console.Step]:
    """The commands of the page with what they print now."""
    with clone() as (folder, environment):
        return console.run(PAGE.read_text("utf-8"), where=str(folder), more=environment)


def differences(done: list[console.Step]) -> list[str]:
    """What the page shows otherwise, command by command."""
    pairs = [(step.source.strip(), console.difference(step.expected, step.got)) for step in done]
    return [f"$ {source}\n{told}" for source, told in pairs if told]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--pictures", action="store_true")
    args = parser.parse_args()
    if args.pictures:
        take_pictures()
        return 0
    done = output()
    told = differences(done)
    if args.write:
        PAGE.write_text(console.written(PAGE.read_text("utf-8"), done), "utf-8")
        return 0
    print("\n".join(told) or "CONTRIBUTING.md shows what its commands print")
    return int(bool(told))


if __name__ == "__main__":
    sys.exit(main())
