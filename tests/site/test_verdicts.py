"""Verdicts follow from numbers: the same statement holds, fails or stays open as the summary says."""

from __future__ import annotations

import pytest

from survey.files import CollectionError, load_taxonomy
from survey.files.measured import Summary, summary
from survey.site.verdicts import (
    FAILS,
    HOLDS,
    UNMEASURED,
    UNTESTABLE,
    Claim,
    Scores,
    Statement,
    judge,
    judged,
    statements,
)
from tests.measurements import cell, sequence, write

CHANCES = {"reasoning": 0.0, "sentiment-analysis": 0.0}
TASKS = statements().scores


def said(id: str, cells: list[dict], tmp_path, run: str = "survey", chances=CHANCES):
    """The verdict of one statement of the file on made-up cells."""
    write(tmp_path, run, cells)
    statement = next(s for s in statements().statements if s.id == id)
    return judge(statement, TASKS, summary(tmp_path, run), chances)


@pytest.mark.parametrize(
    ("id", "method", "left", "verdict"),
    [
        ("rome-ten", "rome", [1, 0.3, 0, 0, 0], HOLDS),
        ("rome-ten", "rome", [1, 0.97, 0.9, 0.8, 0.7], FAILS),
        ("memit-stable", "memit", [1, 1, 1, 0.95, 0.93], HOLDS),
        ("memit-stable", "memit", [1, 1, 1, 0.95, 0.8], FAILS),
        ("mend-twenty", "mend", [1, 0.9, 0.4, 0.1, 0], HOLDS),
        ("mend-twenty", "mend", [1, 1, 0.9, 0.1, 0], FAILS),
    ],
)
def test_a_bound_decides(id, method, left, verdict, tmp_path):
    found = said(id, sequence(method, left), tmp_path)
    assert found.verdict == verdict
    at = {"rome-ten": 1, "memit-stable": 4, "mend-twenty": 2}[id]
    assert found.compared[0].found == pytest.approx(left[at], abs=0.001)
    assert {e.cell.edits for e in found.evidence} == {at * 10} and len(found.evidence) == 4


def test_where_every_number_is_asked_one_is_enough_to_fail(tmp_path):
    level = sequence("grace", [1] * 5) + sequence("serac", [1] * 5)
    assert said("level-lines", level, tmp_path).verdict == HOLDS
    level[7]["value"] *= 0.9
    found = said("level-lines", level, tmp_path)
    assert found.verdict == FAILS and [c.true for c in found.compared].count(False) == 1


def test_text_and_charts_get_a_verdict_each(tmp_path):
    as_charts = [*sequence("rome", [1, 0.3, 0, 0, 0]), *sequence("kn", [1, 0, 0, 0, 0]), *sequence("mend", [1, 0.9, 0.4, 0, 0]), *sequence("memit", [1, 1, 1, 1, 1])]
    assert said("strategies-in-charts", as_charts, tmp_path).verdict == HOLDS
    assert said("strategies-in-text", as_charts, tmp_path).verdict == FAILS
    as_text = [*sequence("rome", [1] * 5), *sequence("kn", [1] * 5), *sequence("mend", [1, 0.9, 0.4, 0, 0]), *sequence("memit", [1] * 5)]
    assert said("strategies-in-charts", as_text, tmp_path).verdict == FAILS
    assert said("strategies-in-text", as_text, tmp_path).verdict == HOLDS


def test_what_is_kept_is_counted_above_chance(tmp_path):
    half = sequence("rome", [1, 0.75, 0, 0, 0])
    chance = {task: one["unedited"] / 2 for one in half for task in [one["task"]]}
    found = said("rome-ten", half, tmp_path, chances=chance)
    assert found.compared[0].found == pytest.approx(0.5, abs=0.001)
    below = said("kn-ten", sequence("kn", [1, 0, 0, 0, 0]), tmp_path, chances=chance)
    assert below.compared[0].found == 0, "nothing is left, and no less than nothing"


def test_a_score_with_nothing_to_lose_is_not_testable(tmp_path):
    found = said("rome-ten", sequence("rome", [1, 0.3, 0, 0, 0]), tmp_path, chances={"reasoning": 0.45})
    assert found.verdict == UNTESTABLE and "nothing to lose" in found.reason and found.evidence == ()


def test_what_is_missing_is_named(tmp_path):
    cells = [c for c in sequence("rome", [1, 0.3, 0, 0, 0]) if (c["task"], c["edits"]) != ("summarisation", 10)]
    found = said("rome-ten", cells, tmp_path)
    assert found.verdict == UNMEASURED and "rome" in found.reason and "summarisation" in found.reason
    assert judge(found.statement, TASKS, Summary(), CHANCES).reason == "no results have been published yet"


def test_other_settings_do_not_speak_for_a_method(tmp_path):
    cells = [c | {"variant": "statistics=none"} for c in sequence("rome", [1, 0, 0, 0, 0])]
    assert said("rome-ten", cells, tmp_path).verdict == UNMEASURED


def test_a_collapsed_model_has_kept_nothing_and_distorts_most(tmp_path):
    lost = [c | {"value": None} for c in sequence("rome", [1, 1, 1, 1, 1])]
    assert said("rome-ten", lost, tmp_path).compared[0].found == 0
    pair = dict(kind="pair", edits=2, pitfall="locality.distortion")
    cells = [cell(m, "distortion", 0.01, **pair) for m in ("ke", "mend", "kn", "rome", "memit")]
    assert said("serac-distortion", [*cells, cell("serac", "distortion", None, **pair)], tmp_path, "pitfalls").verdict == FAILS
    assert said("serac-distortion", [*cells, cell("serac", "distortion", 0.001, **pair)], tmp_path, "pitfalls").verdict == HOLDS


def test_the_last_stop_of_a_sequence_is_taken_where_the_statement_says_many(tmp_path):
    many = dict(kind="sequence", pitfall="general-abilities.forgetting")
    cells = [cell("serac", "reliability.forced", v, edits=n, **many) for n, v in ((10, 0.9), (20, 0.2))]
    found = said("serac-success", cells, tmp_path, "pitfalls")
    assert found.verdict == HOLDS and found.compared[0].edits == (20,)


def test_ike_must_reach_every_other_method(tmp_path):
    asked = [(a.pitfall, a.metric) for a in TASKS["inference"].of]
    others = ("ke", "mend", "kn", "rome", "memit", "serac", "grace", "fine-tuning")
    cells = [cell(m, metric, 0.4, pitfall=p) for m in others for p, metric in asked]
    ike = [cell("ike", metric, 0.5, pitfall=p) for p, metric in asked]
    assert said("ike-single", cells + ike, tmp_path, "pitfalls").verdict == HOLDS
    better = [c | {"value": 0.9} if c["method"] == "kn" else c for c in cells]
    found = said("ike-single", better + ike, tmp_path, "pitfalls")
    assert found.verdict == FAILS and [c.against for c in found.compared if not c.true] == [("kn",)]


def spread(cells: list[dict], by: float) -> list[dict]:
    """Cells with intervals that reach so far on both sides."""
    return [c | {"low": round(c["value"] - by * c["unedited"], 4), "high": round(c["value"] + by * c["unedited"], 4)} for c in cells]


@pytest.mark.parametrize(
    ("left", "by", "verdict", "narrow"),
    [(0.3, 0.1, HOLDS, False), (0.45, 0.1, HOLDS, True), (0.55, 0.1, FAILS, True), (0.8, 0.1, FAILS, False), (0.8, 0.4, FAILS, True)],
)
def test_a_verdict_is_narrow_where_the_interval_holds_the_bound(left, by, verdict, narrow, tmp_path):
    found = said("rome-ten", spread(sequence("rome", [1, left, 0, 0, 0]), by), tmp_path)
    assert (found.verdict, found.narrow) == (verdict, narrow)
    assert found.compared[0].span == pytest.approx((left - by, left + by), abs=0.001) and found.compared[0].close == narrow
    assert found.evidence[0].span == pytest.approx((left - by, left + by), abs=0.001), "read as the number is read"


def test_the_interval_of_a_change_pairs_the_answers_to_the_same_items(tmp_path):
    cells = spread(sequence("memit", [1, 1, 1, 1, 1]), 0.5)
    assert said("memit-stable", cells, tmp_path).narrow
    paired = [c | {"metric": "downstream-score", "value": 100.0, "low": 98.0, "high": 102.0, "unedited": 100.0} for c in cells]
    found = said("memit-stable", cells + paired, tmp_path, chances={"sentiment-analysis": 0.45})
    assert not found.narrow and found.compared[0].span == pytest.approx(((3 * 0.98 + 0.96) / 4, (3 * 1.02 + 1.04) / 4))
    other = [c | {"value": 50.0} for c in paired]
    assert said("memit-stable", cells + other, tmp_path).narrow, "the interval of some other score is none of this one"


def test_a_collapsed_model_has_no_interval(tmp_path):
    lost = [c | {"value": None} for c in sequence("rome", [1, 1, 1, 1, 1])]
    found = said("rome-ten", lost, tmp_path)
    assert found.verdict == HOLDS and found.compared[0].span is None and not found.narrow
    some = spread(sequence("rome", [1, 0.8, 0, 0, 0]), 0.8)
    mixed = [c | {"value": None} if c["task"] != "reasoning" else c for c in some]
    assert said("rome-ten", mixed, tmp_path).compared[0].span == pytest.approx((0, 0.4), abs=0.001), "the others count as they are"


def test_two_methods_are_close_where_their_intervals_overlap(tmp_path):
    def charts(rome: float, by: float):
        return said("strategies-in-charts", spread([*sequence("rome", [1, rome] + [0] * 3), *sequence("kn", [1, 0.1] + [0] * 3), *sequence("mend", [1, 0.7] + [0] * 3)], by), tmp_path)

    assert [(v.verdict, v.narrow) for v in (charts(0.5, 0.05), charts(0.5, 0.15), charts(0.9, 0.05), charts(0.9, 0.15))] == [
        (HOLDS, False), (HOLDS, True), (FAILS, False), (FAILS, True),
    ]  # fmt: skip
    assert charts(0.5, 0.15).compared[0].bound_span == pytest.approx((0.55, 0.85), abs=0.001)


def test_one_clear_exception_settles_that_a_statement_does_not_hold(tmp_path):
    def level(*grace: float):
        cells = spread(sequence("grace", [1, *grace]) + sequence("serac", [1] * 5), 0.02)
        return said("level-lines", cells, tmp_path)

    assert (level(1, 1, 1, 0.5).verdict, level(1, 1, 1, 0.5).narrow) == (FAILS, False)
    assert level(0.94, 1, 1, 0.5).compared[0].close and not level(0.94, 1, 1, 0.5).narrow
    assert (level(1, 1, 1, 0.94).verdict, level(1, 1, 1, 0.94).narrow) == (FAILS, True)
    assert (level(1, 1, 1, 0.96).verdict, level(1, 1, 1, 0.96).narrow) == (HOLDS, True), "one close number among many is enough"


def test_the_page_says_what_is_close(tmp_path, taxonomy):
    from survey.collection import Collection
    from survey.site.pages import Pages
    from tests.entries import make_paper

    write(tmp_path, "survey", spread([*sequence("rome", [1, 0.6, 0, 0, 0]), *sequence("kn", [1, 0, 0, 0, 0])], 0.1))
    html = Pages(Collection([make_paper()], taxonomy), tmp_path, {"url": "", "name": "Site", "source": ""}).places["verdicts"]("survey", "../")
    rome, kn = (html.partition(f'id="says-{id}"')[2].partition("</tr>\n<tr id=")[0] for id in ("rome-ten", "kn-ten"))
    assert "holds here, <em>narrowly</em>" in rome and "<em>Close</em>: the interval holds the bound." in rome and "0.500–0.700" in rome
    assert ">holds here</strong>" in kn and "Close" not in kn and "narrowly" not in kn
    assert "Means decide" in html
    level = spread(sequence("grace", [1] * 5) + sequence("serac", [1] * 5), 0)
    for cells, told in ((level, "Not one of them is close."), (level[:-1] + spread(level[-1:], 0.1), "1 of them is close."), (spread(level, 0.1), "32 of them are close.")):
        write(tmp_path, "survey", cells)
        assert told in Pages(Collection([make_paper()], taxonomy), tmp_path, {"url": "", "name": "Site", "source": ""}).places["verdicts"]("survey", "../")


def test_statements_name_what_exists_and_every_one_is_judged():
    taxonomy, file = load_taxonomy(), statements()
    for scores in file.scores.values():
        for asked in scores.of:
            assert asked.pitfall in taxonomy.pitfalls and asked.metric.partition(".")[0] in taxonomy.metrics
            assert not asked.task or asked.task in taxonomy.tasks
    for statement in file.statements:
        for claim in statement.claims:
            assert {*claim.methods, *claim.than} <= set(taxonomy.methods)
        assert bool(statement.why) == bool(statement.claims)
    found = judged(file, {"survey": Summary(), "pitfalls": Summary()}, {})
    assert [v.statement.id for v in found] == [s.id for s in file.statements]
    assert {v.verdict for v in found} == {UNMEASURED, UNTESTABLE}


def test_metrics_of_statements_are_ones_that_probes_and_tasks_give():
    from survey.pitfalls.probes import BY_TASKS, PROBES

    for scores in statements().scores.values():
        for asked in scores.of:
            known = PROBES[asked.pitfall].metrics if asked.pitfall in PROBES else BY_TASKS[asked.pitfall]
            assert asked.metric in known
            assert asked.pitfall not in PROBES or (PROBES[asked.pitfall].states == 3) == (scores.kind == "pair")


@pytest.mark.parametrize(
    "claim", [{"scores": "x", "methods": ["rome"], "edits": [1], "is": "below"}, {"scores": "x", "methods": ["rome"], "edits": [1], "is": "below", "bound": 1, "than": ["kn"]}]
)
def test_a_claim_has_one_thing_to_be_compared_with(claim):
    with pytest.raises(ValueError, match="either a bound or other methods"):
        Claim.model_validate(claim)


def test_a_broken_file_is_told(tmp_path):
    path = tmp_path / "statements.yaml"
    path.write_text("scores: {}\nstatements:\n  - {id: a, says: b, where: c, run: survey, why: d}\n", "utf-8")
    with pytest.raises(CollectionError, match=r"statements\.yaml: statements\.0"):
        statements(path)


def test_one_that_is_left_does_not_speak_for_those_that_collapsed(tmp_path):
    pair = dict(kind="pair", edits=2, pitfall="locality.distortion", cases=60)
    cells = [cell(m, "distortion", 0.01, **pair) for m in ("ke", "mend", "kn", "rome", "memit")]
    one = cell("serac", "distortion", 0.001, **pair, low=0.0, high=0.06)
    assert said("serac-distortion", [*cells, one], tmp_path, "pitfalls").verdict == HOLDS
    found = said("serac-distortion", [*cells, one | {"collapsed": 59}], tmp_path, "pitfalls")
    [read] = [e for e in found.evidence if e.cell.method == "serac"]
    assert found.verdict == FAILS and read.reading == pytest.approx((0.001 + 59 * 0.6931) / 60)
    assert read.span == pytest.approx((59 * 0.6931 / 60, (0.06 + 59 * 0.6931) / 60))


def test_of_tasks_models_are_counted_and_a_collapsed_one_has_kept_nothing(tmp_path):
    some = [c | {"models": 3, "collapsed": 1} for c in spread(sequence("rome", [1, 0.6, 0, 0, 0]), 0.15)]
    found = said("rome-ten", some, tmp_path)
    assert found.compared[0].found == pytest.approx(0.4, abs=0.001)
    assert found.compared[0].span == pytest.approx((0.3, 0.5), abs=0.001)


@pytest.mark.parametrize(("models", "lost", "low"), [(3, 1, 1.8), (60, 59, None)])
def test_a_mean_of_multiples_with_a_collapsed_model_knows_no_bound(models, lost, low, tmp_path):
    scores = {"p": Scores(kind="sequence", reading="times", of=({"pitfall": "general-abilities.collapse", "task": "language-modelling", "metric": "perplexity"},))}
    statement = Statement(id="x", says="x", where="x", run="survey", why="x", claims=({"scores": "p", "methods": ["kn"], "edits": [10], "is": "above", "bound": 2},))
    more = dict(kind="sequence", edits=10, pitfall="general-abilities.collapse", task="language-modelling", unedited=50.0, low=90.0, high=98.0)
    write(tmp_path, "survey", [cell("kn", "perplexity", 95.0, **more, models=models, collapsed=lost)])
    found = judge(statement, scores, summary(tmp_path, "survey"), {})
    assert found.verdict == HOLDS and found.narrow == (low is not None)
    assert found.compared[0].span == (low and (low, float("inf")))


def test_times_of_a_collapsed_model_know_no_bound(tmp_path):
    scores = {"p": Scores(kind="sequence", reading="times", of=({"pitfall": "general-abilities.collapse", "task": "language-modelling", "metric": "perplexity"},))}
    statement = Statement(id="x", says="x", where="x", run="survey", why="x", claims=({"scores": "p", "methods": ["kn"], "edits": [10], "is": "above", "bound": 2},))
    more = dict(kind="sequence", edits=10, pitfall="general-abilities.collapse", task="language-modelling", unedited=50.0)
    for value, verdict in ((None, HOLDS), (99.0, FAILS), (101.0, HOLDS)):
        write(tmp_path, "survey", [cell("kn", "perplexity", value, **more)])
        assert judge(statement, scores, summary(tmp_path, "survey"), {}).verdict == verdict
