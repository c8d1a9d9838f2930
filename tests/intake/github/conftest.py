from __future__ import annotations

import pytest

from survey.intake.github.api import GitHub
from tests.checks.examples import two
from tests.entries import make_root
from tests.intake.github.server import REPOSITORY, TOKEN, running


@pytest.fixture
def hub():
    """A GitHub on this machine."""
    with running() as (found, base):
        found.base = base
        yield found


@pytest.fixture
def waits():
    return []


@pytest.fixture
def github(hub, waits):
    """Our side of it, which never sleeps."""
    return GitHub(REPOSITORY, TOKEN, hub.base, waits.append)


@pytest.fixture
def root(tmp_path):
    """The main branch: two entries."""
    return make_root(tmp_path / "clone", two(), git=True)
