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
    serve.add_argument("--no-build", action="store_true", help="serve what is there already")
    serve.set_defaults(action="serve")


def run(args: argparse.Namespace) -> int:
    from survey.files import find_root
    from survey.site import build, serve

    out = Path(args.output)
    if args.action == "build" or not args.no_build:
        report = build(find_root(args.root), out)
        told = f"{report.pages:,} pages of {report.papers:,} papers in {out} ({report.seconds:.1f} s)"
        print(told, file=sys.stderr)
    elif not (out / "index.html").exists():
        print(f"survey: there is no site in {out} yet: leave out --no-build", file=sys.stderr)
        return 1
    if args.action == "serve":
        serve(out, args.port)
    return 0
