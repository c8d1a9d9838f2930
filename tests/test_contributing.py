"""CONTRIBUTING.md shows what its commands print today."""

from __future__ import annotations

from tests.contributing import PAGE, differences, output


def test_the_page_shows_what_its_commands_print():
    done = output()
    assert len(done) >= 5 and differences(done) == [], "python -m tests.contributing --write"


def test_every_picture_of_the_page_is_there():
    import re

    names = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", PAGE.read_text("utf-8"))
    assert names and all((PAGE.parent / name).is_file() for name in names), names
