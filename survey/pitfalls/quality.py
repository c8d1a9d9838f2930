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

from survey.errors import UserError
from survey.pitfalls.counterfact import METRICS, compare, described, observe, read_records
from survey.pitfalls.metrics.intervals import share


def run(model, records, method: str, options: dict, together: bool, out: Path, head: dict, log=print) -> None:
    """Edit and score, each record alone or all at once, and write one line a record."""
    from survey.editing import apply, compute, find
    from survey.editing.method import settings

    variant = ",".join(f"{name}={value}" for name, value in options.items())
    name = re.sub(r"[^\w.,=+-]", "_", f"{method}.{variant}" if variant else method)
    path = out / f"{name}.{'together' if together else 'single'}.jsonl"
    config = find(method).configure(**options)
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


def _done(path: Path, head: dict) -> set[int]:
    """Cases of an earlier run with the same settings; another run's file is not touched."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except FileNotFoundError:
        return set()
    if not lines:
        return set()
    old = json.loads(lines[0])
    decisive = ("method", "settings", "trained", "records", "file", "sha256", "seed", "fingerprint")
    if any(old.get(k) != json.loads(json.dumps(head.get(k))) for k in decisive):
        raise UserError(f"{path} holds a run with other settings; move it away or name another folder")
    whole = [line for line in lines[1:] if line.endswith("}")]
    if len(whole) < len(lines) - 1:  # Cut off while a line was written.
        path.write_text("\n".join([lines[0], *whole]) + "\n", "utf-8")
    return {json.loads(line)["case"] for line in whole}


def table(out: Path) -> list[dict]:
    """Shares with intervals for every run of a folder."""
    rows = []
    for path in sorted(out.glob("*.jsonl")):
        lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        head, cases = lines[0], lines[1:]
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
        old = json.loads(path.read_text("utf-8").partition("\n")[0])
        same = all(old.get(k) == head[k] for k in ("file", "sha256", "fingerprint"))
        if same and set(head["records"]) <= set(old["records"]):
            return
        if not same or not set(old["records"]) <= set(head["records"]):
            raise UserError(f"{path} holds other records; move it away or name another folder")
    before = observe(model, records)
    lines = [{**head, "method": "unedited", "together": False, "settings": {}}]
    lines += [
        {"case": r.case, **compare(o, o), "relative_norm": 0.0}
        for r, o in zip(records, before, strict=True)
    ]
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), "utf-8")


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m survey.pitfalls.quality", description=__doc__.partition("\n")[0])
    parser.add_argument("file", nargs="?", help="records in the extended CounterFact format")
    parser.add_argument("--methods", default="all", help="ids, separated by commas")
    parser.add_argument("--records", default="0:100", help="which usable records, FIRST:END (default 0:100)")
    parser.add_argument("--together", action="store_true", help="all records in one batch")
    parser.add_argument("--model", default=None)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a setting of the methods")
    parser.add_argument("-o", "--out", default="quality", help="folder for results")
    parser.add_argument("--table", metavar="DIR", help="only print the results of a folder")
    args = parser.parse_args(argv)
    if args.table:
        print_table(table(Path(args.table)))
        return 0
    if not args.file:
        parser.error("a file of records is needed")
    from survey.editing import METHODS, load_model, values

    records, problems = read_records(args.file)
    for problem in problems:
        print(problem, file=sys.stderr)
    first, _, end = args.records.partition(":")
    chosen = records[int(first or 0) : int(end) if end else None]
    model = load_model(args.model) if args.model else load_model()
    out = Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    head = described(model, args.file, chosen)
    unedited(model, chosen, out, head)
    options = dict(item.split("=", 1) for item in args.set)
    failed = False
    with values.sharing():
        for method in METHODS if args.methods == "all" else args.methods.split(","):
            try:
                run(model, chosen, method, options, args.together, out, head)
            except UserError as error:
                # The other methods may still be measured; what was written stays, and the run can go on.
                print(f"{method}: {error}", file=sys.stderr, flush=True)
                failed = True
    print_table(table(out))
    return int(failed)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except UserError as error:
        print(f"survey: {error}", file=sys.stderr)
        sys.exit(1)
