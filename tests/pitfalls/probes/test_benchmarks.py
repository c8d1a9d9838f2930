"""The benchmarks' own records, read by the loaders and asked by the probes; no model takes part."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from survey.pitfalls.asking import steady, wanted
from survey.pitfalls.probes import PROBES

FOLDER = os.environ.get("SURVEY_BENCHMARKS")
pytestmark = pytest.mark.skipif(not FOLDER or not Path(FOLDER).is_dir(), reason="SURVEY_BENCHMARKS names no folder of benchmarks")

EDIT = {"generalization", "general-abilities.forgetting"}
# What each file can show, besides whether the edit itself holds.
SHOWS = {
    "counterfact": {"generalization.paraphrase", "locality.neighbourhood", "locality.distraction"},
    "zsre": {"generalization.paraphrase", "locality"},
    "conflictedit-reverse": {"generalization.conflict"},
    "conflictedit-composite": {"generalization.conflict"},
    "conflictedit-coverage": {"generalization.conflict"},
    "roundedit-easy": {"locality.distortion"},
    "roundedit-hard": {"locality.distortion"},
}


@pytest.mark.parametrize("name", SHOWS)
def test_every_record_can_be_asked(name):
    from survey.pitfalls.benchmarks import read

    cases = read(name).cases[:100]
    assert len(cases) > 10
    shown = set()
    for case in cases:
        for probe in PROBES.values():
            if probe.usable(case):
                shown.add(probe.pitfall)
                assert steady(probe.score, case, states=probe.states)
                assert all(wanted(probe.score, case, states=probe.states)[-1:])
    assert shown == SHOWS[name] | EDIT
