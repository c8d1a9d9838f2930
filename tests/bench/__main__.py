"""Print every budget beside what is measured: `make bench`.

python -m tests.bench [imports checks export pages explorer editing measuring]
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from tests.bench import library, site
from tests.bench.editing import editing
from tests.bench.measuring import measuring
from tests.bench.report import Figure


def explorer() -> Iterator[Figure]:
    from tests.bench.explorer import rows

    for name, measured, budget, _ in rows():
        if budget is not None:
            yield Figure(f"explorer: {name}", measured, budget, "", "")


GROUPS = {
    "imports": library.imports, "checks": library.checks, "export": library.export,
    "pages": site.pages, "explorer": explorer, "editing": editing,
    "measuring": measuring,
}  # fmt: skip


def main(names: list[str]) -> int:
    if unknown := [name for name in names if name not in GROUPS]:
        print(f"there is no benchmark {', '.join(unknown)}: choose from {', '.join(GROUPS)}")
        return 2
    print(f"{'what':58} {'measured':>14} {'budget':>14}  {'':6} against")
    kept = True
    for name in names or GROUPS:
        for figure in GROUPS[name]():
            print(figure, flush=True)
            kept &= figure.kept
    return 0 if kept else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
