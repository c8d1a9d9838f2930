from __future__ import annotations

import importlib
import re
from importlib.util import find_spec

import pytest


@pytest.mark.parametrize("package", ["survey.intake", "survey.intake.github"])
def test_every_module_that_the_docstring_of_a_package_names_is_there(package):
    names = re.findall(r"`([a-z_.]+)`", importlib.import_module(package).__doc__)
    assert len(names) > 4
    assert [name for name in names if not find_spec(name if name.startswith("survey.") else f"{package}.{name}")] == []
