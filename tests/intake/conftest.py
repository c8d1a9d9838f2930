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
