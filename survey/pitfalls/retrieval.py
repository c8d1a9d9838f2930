"""Which embedding finds an edit again, and tells what is in its scope from what is not.

    python -m survey.pitfalls.retrieval counterfact.json --records 0:100 -o DIR
    python -m survey.pitfalls.retrieval --table DIR

Every record's edit goes into one memory. Each record's rephrasing should find its own edit, and be nearer to it than
the prompt about a neighbour is; `memory` compares what is nearest among all edits. Beside the embeddings stands a
baseline: whether the subject is named in the text.

Results are written record by record to DIR/EMBEDDING.jsonl, and with intervals to DIR/summary.json.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from survey.editing.edit import EditError
from survey.editing.embedding import embedder
from survey.editing.language_model import LanguageModel
from survey.editing.memory import mentions
from survey.errors import UserError
from survey.pitfalls.command import add_arguments, chosen, names, told
from survey.pitfalls.counterfact import Record, described
from survey.pitfalls.metrics.intervals import share

EMBEDDINGS = ("states", "minilm", "serac", "subject")
_SAMPLES = 1000
_THRESHOLD = 0.5


def similarities(name: str, model: LanguageModel, records: Sequence[Record]) -> tuple[torch.Tensor, torch.Tensor]:
    """Of each record's rephrasing, and of its neighbour's prompt, to each record's edit, both [records, records].

    `serac` is its trained classifier, `subject` whether the edit's subject is named; other names are those of
    embeddings. Raises `EditError` for one that is not here or was not trained.
    """
    rephrasings, neighbours = [r.rephrase for r in records], [r.neighbour for r in records]
    if name == "subject":
        named = [[[float(mentions(t, r.edit.subject)) for r in records] for t in texts] for texts in (rephrasings, neighbours)]
        return torch.tensor(named[0]), torch.tensor(named[1])
    encode = embedder("states" if name == "serac" else name, model).encode
    edits, ours, theirs = encode([r.edit.text for r in records]), encode(rephrasings), encode(neighbours)
    if name == "serac":
        from survey.editing.learning import learned
        from survey.editing.method import find

        net = learned("serac", model, find("serac").configure(embedding="states"))
        with torch.no_grad():
            return net.similarity(ours, edits), net.similarity(theirs, edits)
    return ours @ edits.T, theirs @ edits.T


def score(ours: torch.Tensor, theirs: torch.Tensor) -> list[dict]:
    """For each record: whether its edit alone is nearest to its rephrasing, and how near both texts are to it, and to
    whatever edit is nearest."""
    own = torch.eye(len(ours), dtype=torch.bool)
    others = ours.masked_fill(own, -torch.inf).max(1).values
    return [
        {"found": bool(a > o), "rephrasing": round(a.item(), 6), "neighbour": round(b.item(), 6),
         "rephrasing_memory": round(am.item(), 6), "neighbour_memory": round(bm.item(), 6)}
        for a, o, b, am, bm in zip(ours.diagonal(), others, theirs.diagonal(), ours.max(1).values, theirs.max(1).values, strict=True)
    ]  # fmt: skip


def auc(ours: torch.Tensor, theirs: torch.Tensor) -> float:
    """How probably one of `ours` is above one of `theirs`; a tie is half."""
    ordered = theirs.sort().values
    below = torch.searchsorted(ordered, ours, right=False) + torch.searchsorted(ordered, ours, right=True)
    return (below.double().mean() / 2 / len(theirs)).item()


def auc_interval(ours: Sequence[float], theirs: Sequence[float]) -> tuple[float, float, float]:
    """The area under the curve with a bootstrap interval of 95 %, over records.

    Drawn as when the published numbers were made, not by `survey.pitfalls.metrics.intervals`, so that they stay what they are.
    """
    a, b = torch.tensor(ours), torch.tensor(theirs)
    chance = torch.Generator().manual_seed(0)
    samples = [auc(a[rows], b[rows]) for rows in torch.randint(0, len(a), (_SAMPLES, len(a)), generator=chance)]
    low, high = torch.tensor(samples, dtype=torch.float64).quantile(torch.tensor([0.025, 0.975], dtype=torch.float64)).tolist()
    return auc(a, b), low, high


def summary(cases: Sequence[dict], classifier: bool) -> dict:
    """Shares and areas with intervals; for a classifier also what it lets in at its threshold."""
    column = lambda name: [case[name] for case in cases]  # noqa: E731
    found = {
        "found": share(column("found"))[:3],
        "auc-own": auc_interval(column("rephrasing"), column("neighbour")),
        "auc-memory": auc_interval(column("rephrasing_memory"), column("neighbour_memory")),
    }
    if classifier:
        for name in ("rephrasing", "neighbour", "rephrasing_memory", "neighbour_memory"):
            found[f"{name.replace('_', '-')}-in-scope"] = share([value > _THRESHOLD for value in column(name)])[:3]
    return {name: [round(v, 4) for v in values] for name, values in found.items()}


def run(model: LanguageModel, records: Sequence[Record], names: Sequence[str], out: Path, head: dict, log=print) -> dict:
    """Measure embeddings and write what was found; those that are not here are told to `log`, and left out."""
    found = {}
    for name in names:
        try:
            ours, theirs = similarities(name, model, records)
        except EditError as error:
            log(f"{name}: left out: {error}", file=sys.stderr)
            continue
        cases = [{"case": r.case, **values} for r, values in zip(records, score(ours, theirs), strict=True)]
        lines = [{**head, "embedding": name}, *cases]
        path = out / f"{name.replace('/', '_').replace(':', '-')}.jsonl"
        path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), "utf-8")
        found[name] = summary(cases, name in ("serac", "subject"))
    if found:
        (out / "summary.json").write_text(json.dumps({**head, "embeddings": found}, ensure_ascii=False, indent=1) + "\n", "utf-8")
    return found


def table(found: dict) -> str:
    """Lines for a terminal."""
    columns = ("found", "auc-own", "auc-memory")
    lines = [f"{'embedding':12}" + "".join(f"{name:^20}" for name in columns)]
    for name, values in found.items():
        lines.append(f"{name:12}" + "".join(f"{'{:.3f} [{:.3f},{:.3f}]'.format(*values[c]):^20}" for c in columns))
        for scope in [c for c in values if c.endswith("-in-scope")]:
            lines.append(f"{'':12}{scope.replace('-', ' ')}: {{:.2f}} [{{:.2f}}, {{:.2f}}]".format(*values[scope]))
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """0 where all is well, 1 for problems; wrong usage ends it with 2."""
    parser = argparse.ArgumentParser(prog="python -m survey.pitfalls.retrieval", description=__doc__.partition("\n")[0])
    add_arguments(parser, out="retrieval")
    parser.add_argument("--embeddings", type=names, default=list(EMBEDDINGS), metavar="A,B", help=f"names, separated by commas (default: {','.join(EMBEDDINGS)})")
    args = parser.parse_args(argv)
    if not args.table and not args.file:
        parser.error("a file of records is needed")
    return told(lambda: _show(args.table) if args.table else _measure(args))


def _show(folder: str) -> int:
    try:
        text = table(json.loads((Path(folder) / "summary.json").read_text("utf-8"))["embeddings"])
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise UserError(f"{folder}: there is no summary of a run ({error})") from None
    print(text)
    return 0


def _measure(args: argparse.Namespace) -> int:
    from survey.editing import load_model

    records = chosen(args, least=2)  # Nothing could be mistaken for one record.
    out = Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    model = load_model(args.model) if args.model else load_model()
    found = run(model, records, args.embeddings, out, described(model, args.file, records))
    print(table(found))
    return 0 if found else 1


if __name__ == "__main__":
    sys.exit(main())
