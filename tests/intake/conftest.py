"""The services on this machine, and a client that never sleeps."""

from __future__ import annotations

import pytest

from survey.intake.client import Client
from tests.intake.services import VARIABLES, running


@pytest.fixture
def services(monkeypatch):
    """All five services, at addresses of this machine."""
    with running() as found:
        for name in VARIABLES:
            monkeypatch.setenv(name, found.base)
        yield found


@pytest.fixture
def waits():
    """The seconds for which the client would have slept."""
    return []


@pytest.fixture
def client(waits):
    return Client(wait=waits.append)
