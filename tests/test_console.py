"""Pages whose commands are run, and the runs that are recorded for the pages of methods."""

from __future__ import annotations

from pathlib import Path

import pytest

from survey.site.recorded import Recorded
from tests.console import PROBES, ROOT, _quoted, difference, record, run, steps, written

PAGE = """# A page

```console
$ echo one \\
    two
one two
$ true
$ echo $COLUMNS $NO_COLOR >&2
88 1
```

Words.

```python
x = 20
print(x + 1)
```

```text
21
```

```text
This belongs to nothing.
```

```console
$ survey --version
survey 0
```
"""


def test_steps():
    found = steps(PAGE)
    assert [(s.kind, s.expected) for s in found] == [
        ("console", "one two\n"), ("console", ""), ("console", "88 1\n"), ("python", "21\n"), ("console", "survey 0\n"),
    ]  # fmt: skip
    assert found[0].source == "echo one \\\n    two\n"
    assert all(PAGE[s.place] == s.expected for s in found)
    with pytest.raises(ValueError, match="begins with output"):
        steps("```console\nwhat\n```\n")


def test_run_and_write():
    from survey import __version__

    found = run(PAGE)
    assert [s.got for s in found] == ["one two\n", "", "88 1\n", "21\n", f"survey {__version__}\n"]
    assert written(PAGE, found) == PAGE.replace("survey 0\n", f"survey {__version__}\n")
    assert written(PAGE.replace("21\n", "22\n").replace("$ true\n", "$ true\nmore\n"), run(PAGE.replace("21\n", "22\n").replace("$ true\n", "$ true\nmore\n"))) == written(PAGE, found)


def test_folders_are_shared_by_a_page_and_by_nobody_else():
    first, second = run("```console\n$ echo here > file\n```\n```python\nprint(open('file').read())\n```\n")
    assert (first.got, second.got) == ("", "here\n\n")
    assert not Path("file").exists()


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        ("a\n", "a", True),
        ("time  3.2 s", "time   12.9 s", True),
        ("0.701 ███░", "0.715 ████", True),
        ("0.701", "0.725", False),
        ("<.001", "0.004", True),
        (">.999", "0.95", False),
        ("8.45 kB", "8.55 kB", False),
        ("Rome", "Paris", False),
        ("a\nb", "a", False),
        ("a", "a\nb", False),
        ("layer 5", "layer 6", False),
        ("0.1 x", "x", False),
    ],
)
def test_difference(a, b, same):
    assert (difference(a, b) is None) == same


def test_words_are_quoted_as_people_do():
    assert [_quoted(w) for w in ("--was", "The Louvre", "{} is", "Tom's $")] == [
        "--was", '"The Louvre"', '"{} is"', "'Tom'\"'\"'s $'",
    ]  # fmt: skip


@pytest.mark.model
@pytest.mark.parametrize("path", sorted((ROOT / "docs" / "laboratory").glob("*.md")), ids=lambda path: path.stem)
def test_a_page_shows_what_the_commands_print(path, monkeypatch):
    monkeypatch.delenv("SURVEY_CACHE")
    for step in run(path.read_text("utf-8")):
        assert difference(step.expected, step.got) is None, step.source


@pytest.mark.model
def test_a_recorded_run_is_what_the_site_reads(tmp_path, monkeypatch):
    monkeypatch.delenv("SURVEY_CACHE")
    record("fine-tuning", tmp_path)
    found = Recorded.model_validate_json((tmp_path / "fine-tuning.json").read_bytes())
    assert found.restored and [probe.prompt for probe in found.probes] == PROBES
    assert found.command.startswith('survey edit fine-tuning --prompt "{} is located in the city of" --subject "The Eiffel')


def test_every_recorded_run_is_readable():
    files = sorted((ROOT / "docs" / "results" / "edits").glob("*.json"))
    for file in files:
        found = Recorded.model_validate_json(file.read_bytes())
        assert found.method == file.stem and found.restored
