"""How well each method edits: single edits and batches on CounterFact, beside the unedited model.

    python -m survey.pitfalls.quality counterfact.json --methods rome,memit --records 0:100 -o DIR
    python -m survey.pitfalls.quality counterfact.json --methods memit --records 0:40 --together -o DIR
    python -m survey.pitfalls.quality --table DIR

Results are written case by case to DIR/METHOD.MODE.jsonl, with settings that were changed (--set) in the name; a run that was killed goes on where it ended.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from survey.errors import UserError
from survey.pitfalls.command import add_arguments, chosen, names, setting, told
from survey.pitfalls.counterfact import METRICS, compare, described, observe
from survey.pitfalls.metrics.intervals import share


def run(model, records, method: str, options: dict, together: bool, out: Path, head: dict, log=print) -> None:
    """Edit and score, each record alone or all at once, and write one line a record."""
    from survey.editing import apply, compute, find
    from survey.editing.method import settings
    from survey.editing.report import configured

    variant = ",".join(f"{name}={value}" for name, value in options.items())
    name = re.sub(r"[^\w.,=+-]", "_", f"{method}.{variant}" if variant else method)
    path = out / f"{name}.{'together' if together else 'single'}.jsonl"
    config = find(method).configure(**configured(method, options))
    head = {**head, "method": method, "variant": variant, "together": together, "settings": settings(config)}
    if find(method).train:
        head["trained"] = _trained(method, model, config)
    done = _done(path, head)
    if not done:
        path.write_text(json.dumps(head, ensure_ascii=False) + "\n", "utf-8")
    before = observe(model, records)
    groups = [list(range(len(records)))] if together else [[i] for i in range(len(records))]
    with path.open("a", encoding="utf-8") as file:
        for group in groups:
            if all(records[i].case in done for i in group):
                continue
            patch = compute(method, model, [records[i].edit for i in group], **options)
            with apply(patch, model):
                after = observe(model, [records[i] for i in group])
            norm = patch.relative_norm(model)
            lines = [
                json.dumps({"case": records[i].case, **compare(observation, before[i]), "relative_norm": norm})
                for i, observation in zip(group, after, strict=True)
            ]
            # Those of a batch that an earlier run has written stay; the same edits give the same scores.
            file.write("".join(f"{line}\n" for i, line in zip(group, lines, strict=True) if records[i].case not in done))
            file.flush()
            if not together and group[0] % 20 == 19:
                log(f"{method}: {group[0] + 1} of {len(records)}", file=sys.stderr, flush=True)


def _trained(method: str, model, config) -> dict | None:
    """What was trained; None where these settings do without."""
    from survey.editing.learning import UntrainedError, provenance

    try:
        return provenance(method, model, config)
    except UntrainedError:
        return None  # Where it is needed, the first edit says so.


def _done(path: Path, head: dict) -> set[int | str]:
    """Cases of an earlier run with the same settings; another run's file is not touched."""
    if not path.exists():
        return set()
    old, cases = _results(path)
    if old is None:
        return set()
    decisive = ("method", "settings", "trained", "records", "file", "sha256", "seed", "fingerprint")
    if any(old.get(k) != json.loads(json.dumps(head.get(k))) for k in decisive):
        raise UserError(f"{path} holds a run with other settings; move it away or name another folder")
    data = path.read_bytes()
    if not data.endswith(b"\n"):  # Cut off while a line was written.
        path.write_bytes(data[: data.rindex(b"\n") + 1])
    return {case["case"] for case in cases}


def _results(path: Path) -> tuple[dict | None, list[dict]]:
    """What a run says of itself, and its cases. A last line that was cut off is none; where it is the first, there is nothing.

    Raises `UserError` for a file that no run has written.
    """
    # Only line feeds end a line: other separators may stand within a JSON text.
    *lines, _ = path.read_bytes().split(b"\n")
    found = []
    for number, line in enumerate(lines, 1):
        try:
            one = json.loads(line)
        except (ValueError, RecursionError):
            one = None
        if not (_is_case(one) if found else _is_head(one)):
            what = "the result of a record" if found else "the head of a run"
            raise UserError(f"{path}: line {number} is not {what}: move the file away or name another folder")
        found.append(one)
    return (found[0], found[1:]) if found else (None, [])


def _is_head(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and isinstance(value.get("method"), str)
        and isinstance(value.get("variant", ""), str)
        and isinstance(value.get("together"), bool)
        and isinstance(value.get("records", []), list)
    )


def _is_case(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and isinstance(value.get("case"), int | str)
        and isinstance(value.get("relative_norm", ""), int | float | None)
        and all(isinstance(value.get(metric, ""), bool | None) for metric in METRICS)
    )


def table(out: Path) -> list[dict]:
    """Shares with intervals for every run of a folder. Raises `UserError` for a file that no run has written."""
    rows = []
    for path in sorted(out.glob("*.jsonl")):
        head, cases = _results(path)
        if head is None:
            continue
        metrics = {m: share([c[m] for c in cases]) for m in METRICS}
        rows.append({
            "method": head["method"], "variant": head.get("variant", ""), "together": head["together"],
            "cases": len(cases), "records": {c["case"] for c in cases}, "metrics": metrics,
            "relative_norm": max((c["relative_norm"] or 0 for c in cases), default=0),
        })  # fmt: skip
    return rows


def print_table(rows: list[dict]) -> None:
    short = ["ES", "EX", "PS", "PX", "NS", "kept", "same"]
    print(f"{'method':32}{'n':>4}  " + "  ".join(f"{s:^15}" for s in short) + "  max |dW|/|W|")
    for row in rows:
        name = " ".join(part for part in (row["method"], row["variant"], "(together)" if row["together"] else "") if part)
        cells = "  ".join(f"{s.value:4.2f} [{s.low:.2f},{s.high:.2f}]"[:16] for s in row["metrics"].values())
        print(f"{name:32}{row['cases']:>4}  {cells}  {row['relative_norm']:.3f}")


def unedited(model, records, out: Path, head: dict) -> None:
    """The same scores for the model as it is. A file that has more records than these stays."""
    path = out / "unedited.single.jsonl"
    if path.exists():
        old, cases = _results(path)
        same = old is None or all(old.get(k) == head[k] for k in ("file", "sha256", "fingerprint"))
        there = {case["case"] for case in cases}
        if same and set(head["records"]) <= there:
            return
        if not same or not there <= set(head["records"]):
            raise UserError(f"{path} holds other records; move it away or name another folder")
    before = observe(model, records)
    lines = [{**head, "method": "unedited", "together": False, "settings": {}}]
    lines += [
        {"case": r.case, **compare(o, o), "relative_norm": 0.0}
        for r, o in zip(records, before, strict=True)
    ]
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), "utf-8")


def main(argv: Sequence[str] | None = None) -> int:
    """0 where all is well, 1 for problems; wrong usage ends it with 2."""
    parser = argparse.ArgumentParser(prog="python -m survey.pitfalls.quality", description=__doc__.partition("\n")[0])
    add_arguments(parser, out="quality")
    parser.add_argument("--methods", type=names, default=["all"], metavar="A,B", help="ids, separated by commas (default: all)")
    parser.add_argument("--together", action="store_true", help="all records in one batch")
    parser.add_argument("--set", type=setting, action="append", default=[], metavar="NAME=VALUE", help="a setting of the methods")
    args = parser.parse_args(argv)
    if not args.table and not args.file:
        parser.error("a file of records is needed")
    return told(lambda: _show(Path(args.table)) if args.table else _measure(args))


def _show(folder: Path) -> int:
    rows = table(folder)
    if not rows:
        raise UserError(f"{folder}: there are no results of a run")
    print_table(rows)
    return 0


def _measure(args: argparse.Namespace) -> int:
    from survey.editing import METHODS, load_model, values
    from survey.editing.report import configured

    options = dict(args.set)
    every = args.methods == ["all"]
    for method in () if every else args.methods:  # What can be wrong is told before a model is loaded.
        configured(method, options)
    records = chosen(args, least=1)
    out = Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    model = load_model(args.model) if args.model else load_model()
    head = described(model, args.file, records)
    unedited(model, records, out, head)
    failed = False
    with values.sharing():
        for method in METHODS if every else args.methods:
            try:
                run(model, records, method, options, args.together, out, head)
            except UserError as error:
                # The other methods may still be measured; what was written stays, and the run can go on.
                print(f"{method}: {error}", file=sys.stderr, flush=True)
                failed = True
    print_table(table(out))
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
