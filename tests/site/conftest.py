from __future__ import annotations

from pathlib import Path

import pytest

from tests.site.built import real_site


@pytest.fixture(scope="session")
def site(tmp_path_factory) -> Path:
    """The folder of the built site."""
    return real_site(tmp_path_factory)
