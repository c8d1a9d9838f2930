"""What a person probably did where YAML cannot be read: the usual mistakes, each with what to do.

libyaml tells where it stopped, in the words of a parser. Most files that stop it have one of a few
mistakes, which can be told by the line, by what opens there, or by the last token before.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import yaml

IN_QUOTES = "put the value in quotes"
# The mark of a merge that was not finished; `=======` alone could be a line of text.
_CONFLICT = re.compile(r"(?:<{7}|>{7})(?: |$)")
_LINE_END = re.compile(r"\r\n|[\n\r\x85\u2028\u2029]")
_NO_SPACE = re.compile(r"[ -]*[a-z_]+:[^\s/]")
_QUOTE = {'"': r'write \" for a quote inside', "'": "write '' for a quote inside"}


class Mistake(NamedTuple):
    """What to tell instead; `line` and `column` count from 1."""

    message: str
    hint: str
    line: int
    column: int


def explain(text: str, error: yaml.MarkedYAMLError, parser: type) -> Mistake:
    """What stopped the reader, told for the one who wrote the file. `parser` reads tokens."""
    message = " ".join(part for part in (error.context, error.problem) if part)
    mark, opened = error.problem_mark or error.context_mark, error.context_mark
    if mark is None:
        return Mistake(message, "", 1, 1)
    lines = _LINE_END.split(text)
    for number, line in enumerate(lines, 1):
        if _CONFLICT.match(line):
            hint = "keep what is right and take out the lines with <<<<<<<, ======= and >>>>>>>"
            return Mistake("conflict markers of git are left", hint, number, 1)
    line = _line(lines, mark)
    indent = line[: len(line) - len(line.lstrip(" \t-"))]
    if "\t" in indent and mark.column <= len(indent):
        return Mistake("a tab in the indentation", "use spaces, not tabs", mark.line + 1, indent.index("\t") + 1)
    if opened and "quoted scalar" in message and ("end of stream" in message or "document indicator" in message):
        return _unclosed(lines, opened, "is not closed")
    last = _last_token(text, mark, parser)
    if isinstance(last, yaml.ScalarToken) and last.style in _QUOTE and last.end_mark.line == mark.line:
        if last.start_mark.line != mark.line:
            return _unclosed(lines, last.start_mark, f"is closed in line {mark.line + 1} only")
        hint = f"put the whole value in quotes, and {_QUOTE[last.style]}"
        return Mistake("the quote is closed before the value ends", hint, mark.line + 1, mark.column + 1)
    return Mistake(message, _hint(message, lines, mark, opened, last), mark.line + 1, mark.column + 1)


def _unclosed(lines: list[str], opened, how: str) -> Mistake:
    quote = _letter(lines, opened) or '"'
    return Mistake(f"the quote that opens here {how}", f"close it with {quote}", opened.line + 1, opened.column + 1)


def _hint(message: str, lines: list[str], mark, opened, last) -> str:
    before = _line(lines, mark)[: mark.column]
    if "cannot start any token" in message or "undefined alias" in message:
        return IN_QUOTES
    if "mapping values are not allowed" in message:
        above = max((n for n in range(mark.line) if lines[n].strip()), default=None)
        if ": " not in before and above is not None and _NO_SPACE.match(lines[above]):
            return f"write a space after the colon in line {above + 1}"
        return IN_QUOTES
    if "flow" in message and opened and opened.line != mark.line:
        return f"the {_letter(lines, opened)} of line {opened.line + 1} is not closed"
    if "flow" in message and _letter(lines, mark) == ":":
        return IN_QUOTES
    if isinstance(last, (yaml.FlowSequenceEndToken, yaml.FlowMappingEndToken)) and last.end_mark.line == mark.line:
        return IN_QUOTES
    if "could not find expected ':'" in message:
        where = f"line {opened.line + 1} has no `field:`" if opened else "a `field:` is missing"
        return f"{where}; a text that goes on in the next line is indented"
    if "expected key" in message and not before.strip():
        return "indent it as the lines around it"
    return ""


def _line(lines: list[str], mark) -> str:
    return lines[mark.line] if mark.line < len(lines) else ""


def _letter(lines: list[str], mark) -> str:
    return _line(lines, mark)[mark.column : mark.column + 1]


def _last_token(text: str, mark, parser: type):
    """The last token that ends before `mark`, or None."""
    reader, last = parser(text), None
    try:
        while reader.check_token():
            token = reader.get_token()
            if token.end_mark.index > mark.index:
                break
            if not isinstance(token, (yaml.BlockEndToken, yaml.StreamEndToken)):
                last = token
    except yaml.YAMLError:
        pass
    finally:
        reader.dispose()
    return last
