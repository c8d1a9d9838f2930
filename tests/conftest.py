"""Fixtures that every part of the tests shares."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

from tests import entries

# A machine that is busy is no fault of the code; what must be fast has a benchmark.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


@pytest.fixture(scope="session", autouse=True)
def _own_environment():
    """No cache, colours or collection of the person who runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        # The default language model is too large to be fetched for every run.
        home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
        models = os.environ.get("SURVEY_MODELS") or os.path.join(home, "editing-pitfalls", "models")
        patch.setenv("SURVEY_MODELS", models)
        patch.setenv("SURVEY_CACHE", "off")
        for name in ("SURVEY_ROOT", "NO_COLOR", "FORCE_COLOR"):
            patch.delenv(name, raising=False)
        for name in [n for n in os.environ if n.startswith("GIT_")]:
            patch.delenv(name)
        yield


@pytest.fixture
def make_entry():
    """`make_entry(**fields)` returns a valid record."""
    return entries.make_entry


@pytest.fixture
def make_root():
    """`make_root(tmp_path, {path: text or record}, git=False)` writes a small collection."""
    return entries.make_root


@pytest.fixture(scope="session")
def taxonomy():
    from survey.files import load_taxonomy

    return load_taxonomy()


@pytest.fixture(scope="session")
def collection():
    """The real collection of this repository."""
    from survey.files.load import PACKAGE, load_collection

    return load_collection(PACKAGE.parent)


@pytest.fixture
def services(monkeypatch):
    """All services of the intake, at an address of this machine."""
    from tests.intake.services import VARIABLES, running

    with running() as found:
        for name in VARIABLES:
            monkeypatch.setenv(name, found.base)
        yield found
