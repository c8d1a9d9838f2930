"""All methods beside each other: what was measured, gathered from the runs below docs/results.

    python -m survey.pitfalls.comparison            tell whether survey/editing/measured.json is as the runs say
    python -m survey.pitfalls.comparison --write    write it
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from survey.errors import UserError
from survey.files.measured import PATH, Comparison, Measured, Scores, Share
from survey.pitfalls.command import told
from survey.pitfalls.quality import table

ROOT = Path(__file__).parents[2]


def gathered(results: Path) -> Comparison:
    """What the folder `docs/results` holds: `counterfact`, `edits` and `training`. Raises `UserError` where a file is broken."""
    methods: dict[str, dict] = {}
    unedited = None
    rows = table(results / "counterfact")
    known = next((row["records"] for row in rows if row["method"] == "unedited"), set())
    for row in rows:
        if not row["records"] <= known:
            raise UserError(f"{row['method']} was measured on records that the unedited model was not asked")
        shares = {
            metric: Share(value=round(share.value, 4), low=round(share.low, 4), high=round(share.high, 4))
            for metric, share in row["metrics"].items() if share.n
        }  # fmt: skip
        scores = Scores(records=row["cases"], shares=shares)
        found = methods.setdefault(row["method"], {})
        if row["method"] == "unedited":
            unedited = scores
            del methods["unedited"]
        elif row["variant"]:
            where = "together" if row["together"] else "single"
            found.setdefault("variants", {}).setdefault(row["variant"], {})[where] = scores
        else:
            found["together" if row["together"] else "single"] = scores
    model = ""
    for path in sorted((results / "edits").glob("*.json")):
        with _telling(path):
            run = json.loads(path.read_text("utf-8"))
            model = run["model"]
            methods.setdefault(run["method"], {}).update(
                changes=run["patch"]["kind"], seconds=round(run["seconds"], 2), restored=run["restored"], memory=run.get("memory")
            )
    for path in sorted((results / "training").glob("*.json")):
        with _telling(path):
            run = json.loads(path.read_text("utf-8"))
            methods.setdefault(run["method"], {})["training"] = round(run["seconds"])
    found = {id: Measured(**values) for id, values in sorted(methods.items())}
    return Comparison(model=model, unedited=unedited, methods=found)


@contextmanager
def _telling(path: Path) -> Iterator[None]:
    """Raises `UserError` with the file's name where it is not what a run has written."""
    try:
        yield
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise UserError(f"{path}: this is not what a run has written ({type(error).__name__}: {error})") from None


def main(argv: Sequence[str] | None = None) -> int:
    """0 where the file is as the runs say, or was written; 1 otherwise."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write the file")
    args = parser.parse_args(argv)
    return told(lambda: _compare(args.write))


def _compare(write: bool) -> int:
    text = gathered(ROOT / "docs" / "results").model_dump_json(indent=1, exclude_none=True) + "\n"
    if write:
        PATH.write_text(text, "utf-8")
    elif not PATH.exists() or PATH.read_text("utf-8") != text:
        print(f"{PATH} is not what the runs say: write it with --write", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
