from __future__ import annotations

import pytest

from survey.cli import main
from tests.checks.examples import two
from tests.entries import make_root


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A small collection that we stand in."""
    root = make_root(tmp_path / "clone", two(studies={"methods": ["rome"]}, summary="How sleep changes memory."))
    monkeypatch.chdir(root)
    return root


@pytest.fixture
def survey(capsys):
    """`survey(*words)` runs the command and returns its exit code, output and errors."""

    def run(*words: str) -> tuple[int, str, str]:
        try:
            code = main(list(words))
        except SystemExit as stop:  # argparse
            code = stop.code
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return code, out, err

    return run
