"""Build the site, or serve it.

    survey site build -o site
    survey site serve --port 8000
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(metavar="build|serve", required=True)
    build = commands.add_parser("build", help="write the site into a folder")
    build.add_argument("-o", "--output", metavar="DIR", default="site")
    build.set_defaults(action="build")
    serve = commands.add_parser("serve", help="build, then serve on this machine")
    serve.add_argument("-o", "--output", metavar="DIR", default="site")
    serve.add_argument("--port", type=int, default=8000)
    serve.set_defaults(action="serve")


def run(args: argparse.Namespace) -> int:
    from survey.files import find_root
    from survey.site import build, serve

    root = find_root(args.root)
    out = Path(args.output)
    report = build(root, out)
    print(f"{report.pages:,} pages of {report.papers:,} papers in {out} ({report.seconds:.1f} s)", file=sys.stderr)
    if args.action == "serve":
        serve(out, args.port)
    return 0
