"""One report of a tiny model, whose texts are as hostile as a person or a model can make them."""

from __future__ import annotations

import pytest
import torch

from survey.editing.edit import Edit
from survey.pitfalls.report import EditReport, gather
from survey.pitfalls.report.questions import Named
from tests.editing.tiny import tiny_model

EDIT = Edit("{} is located in the city of", "The old museum", "Oslo", "Rome")
HOW = {"method": "fine-tuning", "settings": {"layers": "()", "lr": "0.02"}, "seed": 3}
YOURS = Named(("I live in", "{} speaks <b>of</b> \u202etxet"), ("Whoever wants to see {} goes to",), ('The "river" & the bridge are in',))


@pytest.fixture(autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def model():
    return tiny_model("llama")


@pytest.fixture(scope="session")
def report(model) -> EditReport:
    return gather(model, [EDIT], yours=YOURS, facts=20, command="survey report --method fine-tuning", made_on="2026-11-25", **HOW)
