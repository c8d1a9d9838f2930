"""Count papers: by year, venue, strategy, method, pitfall and kind.

    survey stats 'method:rome'
    survey stats --agreement docs/results/tagging-agreement.json
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path

from survey.cli.output import padded, plural, styled

FIELDS = {
    "year": None, "venue": "venues", "kind": None, "family": "families", "method": "methods",
    "benchmark": "benchmarks", "pitfall": "pitfalls", "stance": None, "status": None,
}  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("query", nargs="*", metavar="QUERY", help="default: every paper")
    parser.add_argument("--format", choices=("table", "json"), default="table")
    parser.add_argument("--agreement", metavar="FILE", help="agreement of two annotators instead")


def run(args: argparse.Namespace) -> int:
    if args.agreement:
        return _agreement(Path(args.agreement), args.format)
    from survey import load

    collection = load(args.root)
    papers = collection.search(" ".join(args.query))
    counts = count(collection, papers)
    if args.format == "json":
        print(json.dumps({"papers": len(papers), **counts}, indent=1))
        return 0
    print(plural(len(papers), "paper"))
    for field, values in counts.items():
        print(f"\n{styled(field, 'bold')}")
        longest = max(map(len, values), default=0)
        most = max(values.values(), default=1)
        for value, number in values.items():
            bar = "▇" * max(1, round(30 * number / most))
            print(f"  {padded(value, longest)} {number:5}  {styled(bar, 'blue')}")
    return 0


def count(collection, papers) -> dict[str, dict[str, int]]:
    """Papers by each facet, years in order and the rest by number."""
    counts = {}
    for field in FIELDS:
        if field == "year":
            tally = Counter(str(p.year) for p in papers)
            counts[field] = dict(sorted(tally.items(), reverse=True))
        else:
            tally = Counter(v for p in papers for v in getattr(collection.facets[p.key], field))
            counts[field] = dict(sorted(tally.items(), key=lambda item: (-item[1], item[0])))
    return counts


def _agreement(path: Path, wanted: str) -> int:
    from survey.collection.agreement import agreement
    from survey.files import CollectionError

    try:
        rounds = json.loads(path.read_text("utf-8"))["rounds"]
    except (ValueError, KeyError, TypeError) as error:
        raise CollectionError(f"{path} is no record of two annotators: {error}") from None
    results = [(r["name"], agreement(r["first"], r["second"])) for r in rounds]
    if wanted == "json":
        print(json.dumps([{"round": n, "facets": [a._asdict() for a in rows]} for n, rows in results], indent=1))
        return 0
    for name, rows in results:
        print(f"{styled(name, 'bold')}\n  {'facet':12} {'labels':>6} {'positive':>9} {'kappa':>6} {'same':>6}")
        for a in rows:
            print(f"  {a.facet:12} {a.labels:6} {a.positive:9.2f} {a.kappa:6.2f} {a.same:6.0%}")
    return 0
