"""The matrix, the table and the examples show what was measured, and say where nothing was."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from markupsafe import escape

from survey.collection import Collection
from survey.files import CollectionError, load_taxonomy
from survey.files.measured import FOLDERS, published, summary
from survey.site.measurements import (
    change,
    commands,
    example,
    headlines,
    matrix,
    planned,
    table,
    unfiled,
)
from survey.site.pages import Pages
from tests.entries import make_paper
from tests.measurements import cell, sequence, submit, write
from tests.site.walk import see

BY = {h.pitfall: h for h in headlines()}
EXAMPLE = {
    "pitfall": "locality.neighbourhood", "method": "rome", "chosen": "the first case", "tried": 3, "model": "tiny", "seed": 0,
    "edits": [{"prompt": "{} is in", "subject": "The Louvre", "target": "Rome", "was": "Paris"}],
    "said": [{"prompt": "The Orsay is in", "right": ["Paris"], "wants": "stay", "before": " Paris.", "after": " Rome <b>", "shows": True}],
    "command": "python -m survey.pitfalls.examples --write locality.neighbourhood", "recorded": "2026-01-01",
}  # fmt: skip


@pytest.fixture
def pages(tmp_path, taxonomy):
    """`pages()` returns the pages of a clone that holds what was written below tmp_path."""
    return lambda: Pages(Collection([make_paper()], taxonomy), tmp_path, {"url": "", "name": "Site", "source": ""})


def forced(method: str, value: float | None, **more):
    return cell(method, "reliability.forced", value, **more)


# Headlines


def test_every_pitfall_that_can_be_measured_has_one_headline():
    from survey.pitfalls.runs.plan import MEASURED

    assert sorted(BY) == sorted(MEASURED) and len(headlines()) == len(BY)


def test_headlines_name_metrics_that_are_measured_and_their_direction():
    from survey.pitfalls.metrics.names import direction
    from survey.pitfalls.probes import BY_TASKS, PROBES

    taxonomy = load_taxonomy()
    for one in headlines():
        # What a run tells besides: costs, and what is left of the edits that held.
        told = {"generalization": ("overall-score",), "cost": ("seconds-per-edit", "bytes-per-edit", "peak-memory", "passes-per-edit"), "general-abilities.forgetting": ("reliability.retained",)}.get(one.pitfall, ())
        known = {*(PROBES[one.pitfall].metrics if one.pitfall in PROBES else BY_TASKS.get(one.pitfall, ())), *told}
        assert {one.metric, *one.beside} <= known, one.pitfall
        assert one.better == direction(one.metric, taxonomy.metrics[one.metric.partition(".")[0]].direction)
        if one.pitfall in PROBES:
            assert ("pair" in one.kinds) == (PROBES[one.pitfall].states == 3)


# The matrix


def test_the_page_of_all_numbers_explains_what_names_end_in():
    page = (Path(__file__).parents[2] / "docs" / "laboratory" / "numbers.md").read_text("utf-8")
    explained = set(re.findall(r"`([\w-]+)`", "".join(re.findall(r"(?m)^\| `.*?\|", page))))
    shown = {metric.partition(".")[2] for h in headlines() for metric in (h.metric, *h.beside)} - {""}
    for ending in shown | {"tokens", "retained", "counted", "alone"}:
        assert {ending} <= explained or set(ending.split("-")) <= explained, ending


def test_change_follows_the_direction_of_the_metric():
    def of(pitfall: str, value, unedited):
        one = summary_cell(cell("rome", BY[pitfall].metric, value, pitfall=pitfall, unedited=unedited))
        return change(BY[pitfall], one)

    assert of("generalization", 0.8, 0.1) == pytest.approx(0.7)
    assert of("locality.neighbourhood", 0.6, 1.0) == pytest.approx(-0.4)
    assert of("locality.distortion", 0.3, 0.0) == pytest.approx(-0.3)
    assert of("general-abilities.collapse", 100, 50) == pytest.approx(-0.5)
    assert of("general-abilities.collapse", 1e9, 50) == -1
    assert of("general-abilities.collapse", None, 50) == -1
    assert of("cost", 3.0, 0.0) is None


def summary_cell(values):
    from survey.files.measured import Cell

    return Cell.model_validate(values)


def test_a_cell_without_a_number_has_a_reason(tmp_path):
    write(tmp_path, "pitfalls", [forced("rome", 0.9), forced("kn", None), cell("rome", "generalization.forced", 0.5, pitfall="generalization.paraphrase")])
    found = matrix([summary(tmp_path, "pitfalls")], ["rome", "kn", "memit"])
    assert [h.pitfall for h in found.columns] == ["generalization", "generalization.paraphrase"]
    assert len(found.empty) == len(headlines()) - 2
    assert [s.reason for s in found.rows["kn"]] == ["", "this was not measured of the method"]
    assert [s.reason for s in found.rows["memit"]] == ["the method was not measured yet"] * 2
    assert found.column("generalization")["rome"].direction == "better"
    assert found.column("locality") == {}


def test_the_end_of_a_sequence_stands_for_it_and_the_first_summary_wins(tmp_path):
    remembered = dict(kind="sequence", pitfall="general-abilities.forgetting")
    write(tmp_path, "pitfalls", [forced("rome", v, edits=n, **remembered) for n, v in ((5, 0.9), (10, 0.7))])
    write(tmp_path, "survey", [forced(m, 0.1, edits=40, **remembered) for m in ("rome", "kn")])
    column = matrix([summary(tmp_path, "pitfalls"), summary(tmp_path, "survey")], []).column("general-abilities.forgetting")
    assert {m: (s.cell.value, s.cell.edits) for m, s in column.items()} == {"rome": (0.7, 10), "kn": (0.1, 40)}


def test_sentiment_analysis_stands_for_another_task_where_it_is_a_downstream_one(tmp_path):
    write(tmp_path, "survey", sequence("rome", [1, 1, 1, 1, 0.5]))
    shown = matrix([summary(tmp_path, "survey")], []).column("locality.other-task")["rome"]
    assert (shown.cell.task, shown.cell.value, shown.direction) == ("sentiment-analysis", 0.45, "worse")


def test_the_table_holds_headlines_and_what_is_beside_them(tmp_path):
    cells = [forced("rome", 0.9), cell("rome", "efficacy-score", 1.0), cell("rome", "token-accuracy", 1.0), forced("rome", 0.5, kind="sequence", edits=10)]
    write(tmp_path, "pitfalls", cells)
    assert [(r.cell.metric, r.cell.kind, r.source) for r in table([summary(tmp_path, "pitfalls")])] == [
        ("reliability.forced", "single", "pitfalls"), ("efficacy-score", "single", "pitfalls"),
    ]  # fmt: skip


def test_runs_are_put_together_by_their_command(tmp_path):
    write(tmp_path, "survey", [forced("rome", 0.9), forced("kn", 0.2)])
    [made] = commands(summary(tmp_path, "survey"))
    assert made.command == "survey measure --methods all -o results" and [run.method for run in made.runs] == ["rome", "kn"]
    assert made.seconds == 2 * 42.5


# Pages


def test_pages_say_plainly_that_nothing_was_measured(pages):
    made = pages()
    assert "Nothing has been measured yet" in made.places["measured"]("matrix", "../../")
    assert "Nothing has been measured yet" in made.places["measured"]("table", "../../")
    assert "nothing to download yet" in made.places["measured"]("downloads", "../../")
    assert "No example has been recorded yet" in made.places["measured"]("examples", "../../")
    assert made.places["measured"]("runs", "../../").count("Not measured yet") == 1
    assert "has not been measured yet" in made.places["curve"]("reasoning", "../../")
    assert 'id="measured"' not in made.term("methods", "rome").content + made.term("pitfalls", "locality").content


def test_the_matrix_tells_change_without_colour(pages, tmp_path):
    write(tmp_path, "pitfalls", [forced("rome", 0.9), cell("rome", "locality.next-token", 0.25, pitfall="locality.neighbourhood", unedited=1.0)])
    html = pages().places["measured"]("matrix", "../../")
    assert '<td class="measured--better" style="--n:0.46" tabindex="-1" data-hint="ROME, The edit itself: 0.900; 95 % interval 0.900 to 0.900; over 10 cases; better than the unedited model&#39;s 0.000; one alone"><span class="measured__value">0.900</span>' in html
    assert "▲</span> 0.000" in html and "▼</span> 1.00" in html and 'aria-label="worse than"' in html
    assert 'href="../../pitfalls/locality.neighbourhood/"' in html
    assert "the method was not measured yet" in html


def test_few_cases_are_told_in_the_cell_and_make_its_colour_pale(pages, tmp_path):
    write(tmp_path, "pitfalls", [forced("rome", 0.9, cases=1), forced("kn", 0.9, cases=5), forced("mend", 0.9, cases=6), cell("mend", "fluency.greedy", 3, pitfall="general-abilities.fluency", unedited=2.0)])
    wide, narrow = pages().places["measured"]("matrix", "../../").split('<div class="measured-narrow">')
    told = dict(re.findall(r'style="--n:([\d.]+)" tabindex="-1" data-hint="[^"]*"><span class="measured__value">0.900</span>.*?</span> 0.000</span>(?:<span class="measured__few">(.*?)</span>)?</td>', wide))
    assert told == {"0.14": "1 case", "0.46": ""} and re.findall(r'<span class="measured__few">(.*?)<', wide) == ["5 cases", "1 case"]
    assert float("0.14") < 0.5 * 0.46, "clearly paler"
    assert "fewer than 6 cases" in wide
    # One method over six cases, and the column is no longer one of few.
    assert '<summary>The edit itself <span class="number">one alone</span>' in narrow
    assert '<summary>Fluency <span class="number">one alone</span>' in narrow
    write(tmp_path, "pitfalls", [forced("rome", 0.9, cases=1), forced("kn", 0.9, cases=5)])
    narrow = pages().places["measured"]("matrix", "../../").split('<div class="measured-narrow">')[1]
    assert '<summary>The edit itself <span class="number">one alone, 1 or 5 cases</span>' in narrow


def test_the_hint_of_every_number_tells_its_interval_and_its_cases_and_on_a_phone_they_are_in_sight(pages, tmp_path):
    asked = dict(kind="sequence", edits=40, pitfall="general-abilities.collapse", task="language-modelling", cases=40, unedited=50.0)
    write(tmp_path, "pitfalls", [
        forced("rome", 0.9, low=0.8, high=0.95, cases=60, collapsed=3), forced("kn", None, low=None, high=None, cases=1, unedited=None),
        cell("rome", "perplexity", 60, **asked, seeds=3), cell("kn", "perplexity", 50, **asked, low=None, high=None),
    ])  # fmt: skip
    wide, narrow = pages().places["measured"]("matrix", "../../").split('<div class="measured-narrow">')
    hints = {str(escape(one)) for one in (
        "ROME, The edit itself: 0.900; 3 of 60 collapsed; 95 % interval 0.800 to 0.950; over 60 cases; better than the unedited model's 0.000; one alone",
        "KN, The edit itself: collapsed; over 1 case; one alone",
        "ROME, Perplexity of texts: 60.0; 95 % interval 60.0 to 60.0; over 40 items, 3 sequences; worse than the unedited model's 50.0; 40 in a row",
        "KN, Perplexity of texts: 50.0; over 40 items, 1 sequence; the same as the unedited model's 50.0; 40 in a row",
    )}  # fmt: skip
    assert set(re.findall(r'<td[^>]* data-hint="([^"]*)"', wide)) == hints
    assert '<td>0.800–0.950 <span class="number">60 cases</span></td>' in narrow and '<td><span class="number">1 case</span></td>' in narrow


def test_the_style_sheet_shows_the_hints_of_the_matrix_to_pointers_and_to_fingers():
    styles = (Path(__file__).parents[2] / "survey" / "site" / "assets" / "survey.css").read_text("utf-8")
    [rule] = re.findall(r"td\[data-hint\]:is\(:hover, :focus\)::after \{(.*?)\}", styles, re.S)
    assert "content: attr(data-hint)" in rule and "position: fixed" in rule, "in sight wherever the table was scrolled to"


def test_the_key_stands_above_the_table_at_every_width(pages, tmp_path):
    write(tmp_path, "pitfalls", [forced("rome", 0.9)])
    html = pages().places["measured"]("matrix", "../../")
    legend = re.search(r'<p class="why measured-legend">.*?</p>', html, re.S)
    assert legend.end() < html.index("measured-wide") < html.index("measured-narrow")
    assert all(part in legend[0] for part in ("▲ better", "▼ worse", "= the same, not up and down", "the stronger the colour"))


def test_a_closed_box_of_the_phone_names_the_best_and_the_worst(pages, tmp_path):
    whole = dict(kind="sequence", edits=10, pitfall="general-abilities.collapse", task="language-modelling")
    write(tmp_path, "pitfalls", [
        *(forced(m, v) for m, v in (("rome", 0.9), ("kn", 0.2), ("mend", 0.9001), ("memit", 0.9), ("ike", None))),
        *(cell(m, "generalization.forced", 0.5, pitfall="generalization.paraphrase") for m in ("rome", "kn")),
        *(cell(m, "perplexity", v, **whole, unedited=50.0) for m, v in (("rome", 60), ("kn", 50), ("mend", 70), ("memit", 50))),
    ])  # fmt: skip
    narrow = pages().places["measured"]("matrix", "../../").split('<div class="measured-narrow">')[1]
    assert re.findall(r'<summary>(?:The|Para|Perp).*?<span class="measured__ends">(.*?)</span></summary>', narrow) == [
        "best 0.900: 3 methods · worst collapsed: IKE", "all 0.500", "best 50.0: KN, MEMIT · worst 70.0: MEND",
    ]  # fmt: skip


def test_a_method_that_others_brought_stands_apart(pages, tmp_path):
    write(tmp_path, "pitfalls", [forced("rome", 0.9), forced("toy", 0.3)])
    html = pages().places["measured"]("matrix", "../../")
    assert "Methods that others have brought" in html and '<tr><th scope="row">toy</th>' in html


def test_downloads_and_runs_lead_to_the_files(pages, tmp_path):
    write(tmp_path, "survey", sequence("rome", [1] * 5))
    made = pages()
    links = see(made.places["measured"]("downloads", "../../") + made.places["measured"]("runs", "../../")).links
    assert [a for a in links if "results" in a] == ["../../results/survey/summary.csv", "../../results/survey/summary.json", "../../results/survey/rome.jsonl"]
    html = made.places["measured"]("runs", "../../")
    assert ">survey measure --methods all -o results</pre>" in html and "torch 2.0" in html and "f" * 32 in html


def told_of(**head) -> str:
    return planned({"cases": 3, "seeds": [0], "edits": [1], "pitfalls": ["generalization"]} | head)


def test_what_a_run_did_for_each_seed_is_told_of_its_own_plan():
    pairs = ["generalization.conflict", "locality.distortion"]
    assert told_of(cases=20) == "20 facts, each edited alone" and told_of(cases=1) == "1 fact, edited alone"
    assert told_of(pitfalls=pairs) == "up to 3 pairs of edits about Conflict and Distortion"
    assert told_of(edits=[0, 10], pitfalls=["general-abilities.collapse", "general-abilities.forgetting"]) == "a sequence of 10 edits, asked after 0 and 10"
    assert told_of(edits=[1, 10, 40], pitfalls=["generalization", *pairs[:1]]) == "3 facts, each edited alone; a sequence of 40 edits, asked after 10 and 40; up to 3 pairs of edits about Conflict"
    assert told_of(edits=[0], pitfalls=["general-abilities.collapse"]) == "the unedited model"
    assert told_of(edits=[10], pitfalls=["general-abilities.collapse"]) == "a sequence of 10 edits, asked after 0 and 10"
    assert planned({"seeds": [0], "cases": 20, "edits": [1]}) == ""


def test_what_is_told_of_a_plan_is_what_the_plan_means():
    from itertools import combinations

    from survey.editing.edit import Edit
    from survey.pitfalls.case import ROLES, Case, Question
    from survey.pitfalls.runs.plan import MEASURED, Material, Plan, chains

    def case(n: int, *more: Edit) -> Case:
        asked = (Question("Where?", ("Rome", "Oslo"), "Paris"),)
        return Case(str(n), (Edit("{} is in", f"The museum {n}", "Rome", "Paris"), *more), dict.fromkeys(ROLES if n > 6 else roles, asked), "place")

    # Of few facts everything is asked.
    roles = [role for role in ROLES if role not in ("alias", "relation")]
    back = Edit("{} is in", "The museum", "Paris", "Rome")
    material = Material("tiny", "0" * 64, tuple(map(case, range(9))), tuple(case(n, back) for n in (20, 21)), ())
    some = [id for id in MEASURED if id in ("generalization", "generalization.conflict", "locality.other-task") or id.startswith(("general-abilities.", "cost"))]
    for pitfalls in [(id,) for id in MEASURED] + [chosen for n in (2, 3) for chosen in combinations(some, n)]:
        for edits in ((0,), (1,), (0, 1), (0, 4), (1, 4), (0, 1, 4)):
            plan = Plan(("rome",), pitfalls, edits, cases=2)
            made = chains(plan, material, "rome")
            told = planned({"pitfalls": plan.pitfalls, "edits": edits, "cases": 2, "seeds": [0]})
            kinds = {chain.kind for chain in made}
            assert ("edited alone" in told, "pairs" in told) == ("single" in kinds, "pair" in kinds), (pitfalls, edits)
            several, alone = "until each pitfall is asked about in 2," in told, sum(chain.kind == "single" for chain in made)
            assert alone >= 2 if several else alone == 2 * ("2 facts, each edited alone" in told), (pitfalls, told)
            stops = [chain.stops for chain in made if chain.kind == "sequence"]
            after = [tuple(map(int, re.findall(r"\d+", one))) for one in re.findall(r"asked after ([\d, and]+)", told)]
            assert (after or [(0,)] * ("unedited" in told)) == stops, (pitfalls, edits, told)


def test_methods_that_a_command_names_and_that_have_no_file_are_named(pages, tmp_path):
    path = write(tmp_path, "pitfalls", [forced("rome", 0.9), forced("kn", 0.2)])
    file = json.loads(path.read_text())

    def missing(command: str) -> tuple[str, ...]:
        for run in file["runs"]:
            run["head"] |= {"command": command, "pitfalls": ["generalization"], "edits": [1]}
        path.write_text(json.dumps(file))
        read = summary(tmp_path, "pitfalls")
        return unfiled(commands(read)[0], read)

    assert missing("survey measure --methods all -o results") == missing("survey measure --methods rome,kn -o results") == ()
    assert missing("survey measure --methods=rome,mello,kn") == ("mello",) and missing("survey measure --methods 'rome") == ()
    assert missing("survey measure --methods mine.py:Toy,kn") == ()
    assert "holds no file" not in pages().places["measured"]("runs", "../../")
    assert missing("survey measure --methods mello,rome,deepedit,kn -o results") == ("mello", "deepedit")
    html = pages().places["measured"]("runs", "../../")
    assert "The folder holds no file of mello and deepedit, which the command names." in html
    assert "<dd>0, 1, 2; for each 20 facts, each edited alone</dd>" in html and "asked after" not in html


def test_runs_tell_by_a_hash_which_facts_they_asked_about(pages, tmp_path):
    new = write(tmp_path, "pitfalls", [forced("rome", 0.9)])
    write(tmp_path, "survey", sequence("rome", [1] * 5))
    html = pages().places["measured"]("runs", "../../")
    assert html.count(">00000000</code>") == 2 and "different hashes" not in html and "Where the facts have changed since" in html
    file = json.loads(new.read_text())
    file["runs"][0]["head"] |= {"date": "2026-01-02", "benchmark": {"id": "suite", "sha256": "1" * 64, "cases": 871}}
    new.write_text(json.dumps(file))
    html = pages().places["measured"]("runs", "../../")
    assert "different hashes (<code>00000000</code>, <code>11111111</code>) asked slightly different questions" in html
    other = {"id": "zsre", "sha256": "2" * 64, "cases": 9}
    file["runs"].append(file["runs"][0] | {"head": file["runs"][0]["head"] | {"benchmark": other}})
    new.write_text(json.dumps(file))
    html = pages().places["measured"]("runs", "../../")
    assert "<code>22222222</code>" not in html and "run these 2 commands" in html


def test_tables_tell_how_many_have_collapsed(pages, tmp_path):
    write(tmp_path, "pitfalls", [forced("rome", 0.9, collapsed=3, cases=60)])
    made = pages().places["measured"]
    assert all('<span class="number">3 of 60 collapsed</span>' in made(part, "../../") for part in ("matrix", "table"))


def test_folders_are_read_in_their_order_and_what_is_not_there_is_left_out(pages, tmp_path):
    conflict = dict(kind="pair", edits=2, pitfall="generalization.conflict")
    write(tmp_path, "survey", [forced("rome", 0.1), *sequence("rome", [1] * 5)])
    write(tmp_path, "pairs", [cell("rome", "conflict-score.explicit-exact", 0.625, **conflict), forced("rome", 0.2)])
    write(tmp_path, "pitfalls", [forced("rome", 0.875)])
    assert list(published(tmp_path)) == ["pitfalls", "pairs", "survey"]
    made = pages()
    row = {s.headline.pitfall: s.cell and s.cell.value for s in made._matrix_measured.rows["rome"]}
    assert row["generalization"] == 0.875 and row["generalization.conflict"] == 0.625 and row["locality.other-task"] == 0.9
    html = made.places["measured"]("runs", "../../")
    assert [f.name for f in FOLDERS if f'id="runs-{f.name}"' in html] == ["pitfalls", "pairs", "survey"]
    assert "Not measured yet" not in html and html.count("survey measure --methods all -o results</pre>") == 3
    assert "survey measure --show docs/results/pairs" in html and "run this command" in html
    table = made.places["measured"]("table", "../../")
    assert table.count('<a href="#runs-pairs">pairs</a>') == 2 and "#runs-sequences" not in table
    downloads = see(made.places["measured"]("downloads", "../../")).links
    assert "../../results/pairs/summary.csv" in downloads and not any("sequences" in a for a in downloads)


def test_statements_are_tested_by_all_folders_that_answer_them(pages, tmp_path):
    many = dict(kind="sequence", pitfall="general-abilities.forgetting")
    write(tmp_path, "sequences", [forced("serac", 0.2, edits=10, **many)])
    write(tmp_path, "survey", [forced("ike", 0.2, edits=40, **many)])
    html = pages().places["verdicts"]("pitfalls", "../../")
    serac, ike = (re.search(rf'id="says-{id}".*?</tr>', html, re.S)[0] for id in ("serac-success", "ike-many"))
    assert 'data-verdict="holds-here' in serac and 'data-verdict="not-measured-yet"' in ike


def test_submitted_results_have_rows_of_their_own_and_say_so_in_words(pages, tmp_path):
    write(tmp_path, "pitfalls", [forced("rome", 0.9)])
    submit(tmp_path, "toy", [forced("toy", 0.3), forced("toy", 0.7, variant="a=1"), forced("rome", 0.111, pitfall="generalization")])
    submit(tmp_path, "tuned", [forced("rome", 0.45, variant="lr=2"), cell("rome", "locality.next-token", 0.5, pitfall="locality", variant="lr=2")], "Tuned", "rome")
    made = pages()
    html = made.places["measured"]("matrix", "../../")
    wide, narrow = html.split('<div class="measured-narrow">')
    link = '<a href="../../laboratory/own/#submission-toy">Toy &lt;b&gt;</a> <span class="number">submitted</span>'
    assert "Submitted by others, not measured by us" in wide and link in wide and link in narrow
    assert wide.count(">submitted<") == 2 and "0.111" not in html and "0.700" not in html
    assert [h.pitfall for h in made._matrix_measured.columns] == ["generalization", "locality"], "a column that only they have"
    assert made._matrix_measured.rows["rome"][0].cell.value == 0.9, "ours stays ours, whatever theirs is called"
    table = made.places["measured"]("table", "../../")
    assert link in table and table.count("<td>submitted</td>") == 3
    assert "../../results/submitted/toy/summary.csv" in see(made.places["measured"]("downloads", "../../")).links
    assert link in made.term("pitfalls", "generalization").content
    assert 'id="submission-toy"' in made.places["submitted"]("", "../../"), "where the links lead"


def test_every_number_tells_its_unit_and_which_way_is_better(pages, tmp_path):
    write(tmp_path, "survey", sequence("rome", [1] * 5))
    html = pages().places["measured"]("matrix", "../../")
    for pitfall in ("locality.other-task", "general-abilities.downstream"):
        assert f'title="{escape(BY[pitfall].told)}"' in html
        assert "Unit: share, 0 to 1. Higher is better." in BY[pitfall].told
    assert BY["locality.other-task"].label.startswith("Other task") and "Unit: processor seconds. Lower" in BY["cost"].told
    ranges = load_taxonomy().metrics
    for one in headlines():
        shown = ranges[one.metric.partition(".")[0]].range
        assert (one.unit == "share, 0 to 1") == (shown == "0 to 1"), one.pitfall


def test_the_page_of_a_method_shows_its_row_and_that_of_a_pitfall_its_column(pages, tmp_path):
    write(tmp_path, "pitfalls", [forced("rome", 0.9, low=0.8, high=0.95), forced("kn", 0.25)])
    made = pages()
    method, pitfall = made.term("methods", "rome").content, made.term("pitfalls", "generalization").content
    assert 'id="measured"' in method and "95 %: 0.800–0.950" in method and 'href="#measured"' in method
    assert 'id="measured"' in pitfall and "0.250" in pitfall and "Without a number:" in pitfall
    assert 'id="measured"' not in made.term("pitfalls", "locality").content


def test_a_broken_summary_stops_the_build_with_its_file(pages, tmp_path):
    write(tmp_path, "pitfalls", []).write_text("[]", "utf-8")
    with pytest.raises(CollectionError, match=r"docs/results/pitfalls/summary\.json"):
        pages()


# Examples


def put(tmp_path, values, name="locality.neighbourhood"):
    path = tmp_path / "docs" / "results" / "examples" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(values), "utf-8")


def test_an_example_is_shown_in_the_models_own_words(pages, tmp_path):
    put(tmp_path, EXAMPLE)
    made = pages()
    for html in (made.places["measured"]("examples", "../../"), made.term("pitfalls", "locality.neighbourhood").content):
        assert "Rome &lt;b&gt;" in html and "<b>" not in html
        assert "<q>The Louvre is in</q> with <q>Rome</q>" in html and "should stay: Paris" in html
        assert "the first case (number 3)" in html and EXAMPLE["command"] in html
        assert 'href="../../results/examples/locality.neighbourhood.json"' in html
    without = made.places["measured"]("examples", "../../").partition("Without an example:")[2]
    assert "Neighbourhood" not in without and "Collapse" in without


def test_a_broken_example_is_told_with_its_file(tmp_path):
    put(tmp_path, EXAMPLE | {"said": [{}]})
    with pytest.raises(CollectionError, match=r"examples/locality\.neighbourhood\.json: said\.0"):
        example(tmp_path, "locality.neighbourhood")
    put(tmp_path, EXAMPLE, "locality")
    with pytest.raises(CollectionError, match=r"locality\.json is an example of locality\.neighbourhood"):
        example(tmp_path, "locality")
