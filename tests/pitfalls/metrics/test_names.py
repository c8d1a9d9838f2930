"""Every metric of the taxonomy has its function, and every function its place in the taxonomy."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from survey.files.load import load_taxonomy
from survey.pitfalls.metrics import COMPAT, METRICS, VARIANTS, direction, parts

# What no function of an answer can tell: cost is taken from a run, coherence needs a judge who reads.
ELSEWHERE = {"seconds-per-edit", "peak-memory", "bytes-per-edit", "passes-per-edit", "coherence"}


def test_every_metric_has_a_function():
    taxonomy = load_taxonomy()
    assert set(METRICS) | ELSEWHERE == set(taxonomy.metrics)
    assert not ELSEWHERE & set(METRICS)


def test_what_no_run_can_tell_is_said_to_be_not_measured():
    told = " ".join(load_taxonomy().metrics["coherence"].variants)
    assert "Not measured here" in told and "judge" in told


def test_every_metric_of_the_surveys_table_has_a_function():
    taxonomy = load_taxonomy()
    table = {m for b in taxonomy.benchmarks.values() if b.survey for m in b.metrics}
    assert len(table) > 15
    assert table <= set(METRICS)


@pytest.mark.parametrize("id", METRICS)
def test_a_docstring_names_the_metric_its_range_and_direction(id):
    text = METRICS[id].__doc__
    assert re.match(rf"`{re.escape(id)}`", text)
    metric = load_taxonomy().metrics[id]
    assert metric.direction is None or f"{metric.direction} is better" in text
    assert re.search(r"\d to (1|log 2)|-1 to 1|and above|at most 1|\bmean is 0 to 1", text), id


def test_what_published_code_does_is_a_variant_in_the_taxonomy():
    taxonomy = load_taxonomy()
    for id in COMPAT:
        assert taxonomy.metrics[id].variants, id


def test_names_have_a_known_variant_or_none():
    assert parts("reliability.forced") == ("reliability", "forced")
    assert parts("distortion") == ("distortion", None)
    with pytest.raises(ValueError, match="no variant 'forcd'"):
        parts("reliability.forcd")
    for variant, found in VARIANTS.items():
        assert re.fullmatch(r"[a-z0-9-]+", variant)
        assert len(found.meaning) > 15


def test_an_unchanged_answer_is_bad_where_it_should_change():
    assert direction("efficacy-score", "higher") == "higher"
    assert direction("efficacy-score.unchanged", "higher") == "lower"
    assert direction("locality.next-token", "higher") == "higher"
    assert direction("distortion.compat", "lower") == "lower"


def test_metrics_and_probes_do_without_torch():
    code = "import sys, survey.pitfalls.metrics.intervals, survey.pitfalls.probes, survey.pitfalls.tasks; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0
