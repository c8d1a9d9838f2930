"""A client that never sleeps."""

from __future__ import annotations

import pytest

from survey.intake.client import Client


@pytest.fixture
def waits():
    """The seconds for which the client would have slept."""
    return []


@pytest.fixture
def client(waits):
    return Client(wait=waits.append)


@pytest.fixture
def internet():
    """A web of many hosts on this machine."""
    from tests.intake.web import running as running_web

    with running_web() as found:
        yield found
