"""How far suggested tags agree with what annotators wrote.

    python -m tests.bench.suggestions ABSTRACTS.jsonl

The file holds abstracts, which are not ours and not in the repository: one object a line with `key`
(of an entry, or `arXiv:ID`) and `abstract`. Printed are precision (of what is suggested, how much the
annotators wrote) and recall (of what they wrote, how much is suggested), parents of pitfalls included.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path

from survey import load
from survey.intake.suggest import suggest


def labels(field: str, paper, suggestions, t) -> tuple[set, set]:
    """What the annotators wrote and what is suggested, for one field."""
    if field == "kinds":
        return set(paper.kinds), {s.value for s in suggestions if s.field == "kinds"}
    if field == "families":
        return set(paper.proposes.families), {s.value for s in suggestions if s.field == "proposes.families"} if paper.proposes.families else set()
    if field in ("methods", "benchmarks"):
        return set(getattr(paper.studies, field)), {s.value for s in suggestions if s.field == f"studies.{field}"}
    pairs = {(p, tag.stance) for tag in paper.pitfalls for p in t.with_parents(tag.id)}
    guessed = {(p, s.stance) for s in suggestions if s.field == "pitfalls" for p in t.with_parents(s.value)}
    if field == "pitfalls":
        return {p for p, _ in pairs}, {p for p, _ in guessed}
    return pairs, guessed


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__)
        return 2
    collection = load()
    by_arxiv = {p.ids.arxiv: p for p in collection.values() if p.ids.arxiv}
    rows: dict[str, Counter] = {}
    read = 0
    for line in Path(sys.argv[1]).read_text("utf-8").splitlines():
        item = json.loads(line)
        key = item["key"]
        paper = by_arxiv.get(key.partition(":")[2]) if key.startswith("arXiv:") else collection.get(key)
        if paper is None or paper.annotated.basis != "abstract":
            continue
        read += 1
        suggestions = suggest(paper.title, item["abstract"], collection.taxonomy, paper.acronym or "")
        for field in ("kinds", "families", "methods", "benchmarks", "pitfalls", "pitfalls with stance"):
            ours, theirs = labels(field, paper, suggestions, collection.taxonomy)
            rows.setdefault(field, Counter()).update(both=len(ours & theirs), ours=len(ours), theirs=len(theirs))
    print(f"{read} abstracts\n{'':22}precision  recall")
    for field, n in rows.items():
        print(f"{field:22}{n['both'] / max(1, n['theirs']):9.2f}{n['both'] / max(1, n['ours']):8.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
