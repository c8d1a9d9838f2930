"""What the workflows on GitHub do, one step a command.

    survey github submission EVENT.json -o DIR      what a filled issue form asks for (writes nothing else)
    survey github publish DIR                       a pull request for it, and an answer to the submitter
    survey github changed --base HEAD^1 -o DIR      the entries that a pull request changes
    survey github preview DIR [--dry-run]           one comment that shows them
    survey github issue --title T --label L FILE... the one living issue, from reports of `survey audit`

`submission` and `changed` read what strangers wrote and may write nothing to GitHub. The others take
what they left in DIR as data from a stranger, and read GITHUB_TOKEN, GITHUB_REPOSITORY, GITHUB_API_URL
and GITHUB_EVENT_PATH. This shows on your own machine what the comment on your branch will be:

    there=$(mktemp -d)
    git worktree add --quiet --detach "$there/main" origin/main
    survey github changed --base origin/main -o "$there/changed"
    survey --root "$there/main" github preview "$there/changed" --dry-run
    git worktree remove "$there/main" && rm -r "$there"
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    steps = parser.add_subparsers(metavar="STEP", required=True)

    step = steps.add_parser("submission", help="read a filled issue form")
    step.add_argument("event", type=Path, metavar="EVENT.json")
    step.add_argument("-o", "--output", type=Path, metavar="DIR", required=True)
    step.set_defaults(step=_submission)

    step = steps.add_parser("publish", help="open or update the pull request of a form")
    step.add_argument("folder", type=Path, metavar="DIR")
    step.set_defaults(step=_publish)

    step = steps.add_parser("changed", help="collect the entries that a branch changes")
    step.add_argument("--base", required=True, metavar="COMMIT", help="what the branch is compared with")
    step.add_argument("-o", "--output", type=Path, metavar="DIR", required=True)
    step.set_defaults(step=_changed)

    step = steps.add_parser("preview", help="show changed entries in one comment")
    step.add_argument("folder", type=Path, metavar="DIR")
    step.add_argument("--dry-run", action="store_true", help="print the comment, ask GitHub nothing")
    step.set_defaults(step=_preview)

    step = steps.add_parser("issue", help="show reports of audits in one living issue")
    step.add_argument("--title", required=True)
    step.add_argument("--label", required=True)
    step.add_argument("reports", nargs="+", type=Path, metavar="FILE", help="written by survey audit --format json")
    step.set_defaults(step=_issue)


def run(args: argparse.Namespace) -> int:
    return args.step(args)


def _submission(args: argparse.Namespace) -> int:
    from survey.files import find_root
    from survey.intake import handover
    from survey.intake.github import submission

    found = submission.of_event(handover.event(args.event), find_root(args.root))
    if found is None:
        print("the issue is no form that is answered by a program")
    else:
        handover.write(args.output / submission.FILE, found.record())
        what = found.problem or (f"an entry for {found.path}" if found.text else "a request for a person")
        print(f"issue {found.issue}: {what}")
    # Later jobs of the workflow ask whether there is anything to do.
    if output := os.environ.get("GITHUB_OUTPUT"):
        with open(output, "a", encoding="utf-8") as file:
            file.write(f"found={'true' if found else 'false'}\n")
    return 0


def _publish(args: argparse.Namespace) -> int:
    from survey.files import find_root
    from survey.intake.github import publish
    from survey.intake.github.api import GitHub

    github = GitHub.from_environment()
    print(publish.publish(github, _event(), args.folder, find_root(args.root), _places(github.repository), _server()))
    return 0


def _changed(args: argparse.Namespace) -> int:
    from survey.cli.output import plural
    from survey.files import find_root
    from survey.intake.github import changed

    root = find_root(args.root)
    found = changed.collect(root, args.base)
    changed.write(args.output, found)
    if changed.uncommitted(root):
        print("survey: only commits are looked at, and some entries have changes that are not committed", file=sys.stderr)
    more = f" ({plural(found.left_out, 'file')} more left out)" if found.left_out else ""
    print(f"{plural(len(found.entries), 'entry')} changed{more}")
    return 0


def _preview(args: argparse.Namespace) -> int:
    from survey.files import find_root
    from survey.intake.github import changed, preview
    from survey.intake.github.api import GitHub

    changes, root = changed.read(args.folder), find_root(args.root)
    if args.dry_run:
        print(preview.render(changes, root, _places(os.environ.get("GITHUB_REPOSITORY", ""))))
        return 0
    github = GitHub.from_environment()
    print(preview.post(github, _event(), changes, root, _places(github.repository)))
    return 0


def _issue(args: argparse.Namespace) -> int:
    from survey.intake import audit
    from survey.intake.github import living_issue
    from survey.intake.github.api import GitHub

    reports = [audit.read(path) for path in args.reports]
    print(living_issue.update(GitHub.from_environment(), args.title, args.label, reports))
    return 0


def _event() -> dict:
    from survey.intake import handover

    path = os.environ.get("GITHUB_EVENT_PATH")
    if not path:
        raise handover.BadHandover("GITHUB_EVENT_PATH names no event: this runs inside a workflow")
    return handover.event(Path(path))


def _server() -> str:
    return (os.environ.get("GITHUB_SERVER_URL") or "https://github.com").rstrip("/")


def _places(repository: str):
    """Where our pages are: the variables of the workflow say it, else the project's own."""
    from survey.intake.github.preview import Places
    from survey.intake.home import home

    address = f"{_server()}/{repository}" if repository else home()
    site = os.environ.get("SURVEY_SITE_URL", "")
    return Places(f"{address}/blob/main/", f"{site.rstrip('/')}/" if site else "")
