"""The command `survey`. One module a command; each imports what it needs only when it runs."""

from __future__ import annotations

import argparse
import importlib
import os
import sys

# In the order of the help: name, and the line that describes it.
COMMANDS = {
    "check": "validate entries: all problems at once, with file, line and a hint",
    "add": "add a paper from an id, an address or a BibTeX file",
    "fmt": "put entries into the house format, comments kept",
    "search": "find papers with the query language",
    "show": "show one paper",
    "stats": "count papers by year, venue, strategy, method and pitfall",
    "export": "write BibTeX, biblatex, RIS, CSL-JSON, CSV or JSON lines",
    "audit": "visit the links of entries, compare entries with their sources",
    "site": "build or serve the site",
    "edit": "edit a fact in a language model, and see what it says before and after",
    "report": "make an edit of your own, and write a page about everything that it changed",
    "train": "train what a method must learn before it can edit",
    "measure": "measure what edits break: methods x pitfalls x numbers of edits",
    "trace": "find the states of a language model that carry a fact",
    "methods": "compare the methods that can run here, or tell about one",
    "models": "list the language models that can be edited here",
    "github": "what the workflows do: forms into pull requests, previews, the living issue",
}

OK, PROBLEMS, USAGE = 0, 1, 2


def main(argv: list[str] | None = None) -> int:
    """Run the command line. Returns 0 where all is well, 1 for problems, 2 for wrong usage."""
    argv = sys.argv[1:] if argv is None else argv
    try:
        if hasattr(sys.stdout, "reconfigure"):
            sys.stdout.reconfigure(errors="replace")  # A terminal may lack a letter.
        args = _parser(argv).parse_args(_prepared(argv))
        code = args.run(args)
        sys.stdout.flush()  # Now, since at exit nobody is left to deal with a broken pipe.
        return code
    except BrokenPipeError:
        # The reader has gone (`survey search ... | head`): no message, and no second try at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        from survey.cli.output import told

        if (message := told(error)) is None:
            raise
        print(f"survey: {message}", file=sys.stderr)
        return PROBLEMS


def _prepared(argv: list[str]) -> list[str]:
    """The words, as the command that is asked for wants them."""
    name = next((word for word in argv if word in COMMANDS), None)
    prepared = getattr(importlib.import_module(f"survey.cli.{name}"), "prepared", None) if name else None
    return prepared(argv) if prepared else argv


def _parser(argv: list[str]) -> argparse.ArgumentParser:
    from survey import __version__

    parser = argparse.ArgumentParser(
        prog="survey",
        description="A living survey of knowledge editing in language models.",
        epilog="`survey COMMAND --help` tells more about each command.",
    )
    parser.add_argument("--version", action="version", version=f"survey {__version__}")
    parser.add_argument("--root", metavar="DIR", help="the clone to work in (default: found from here)")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, line in COMMANDS.items():
        # Only the command that is asked for is imported, so that the help stays fast.
        if name in argv:
            module = importlib.import_module(f"survey.cli.{name}")
            command = commands.add_parser(
                name, help=line, description=module.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
            )
            module.add_arguments(command)
            command.set_defaults(run=module.run)
        else:
            commands.add_parser(name, help=line)
    return parser
