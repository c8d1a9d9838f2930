"""The laboratory's tests: a cache of their own, no network, and one thread."""

from __future__ import annotations

import os

import pytest
import torch


@pytest.fixture(scope="package", autouse=True)
def _own_cache(_own_environment, tmp_path_factory):
    """Statistics are cached for the session, never where the person's are."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.getbasetemp()
        if "PYTEST_XDIST_WORKER" in os.environ:  # All workers share what one has computed.
            folder = folder.parent
        patch.setenv("SURVEY_CACHE", str(folder / "cache-of-the-laboratory"))
        patch.setenv("HF_HUB_OFFLINE", "1")
        yield
    torch.set_num_threads(threads)
