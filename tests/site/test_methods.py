"""The page of a method that runs here: how to run it, what it did once, and what it says of itself."""

from __future__ import annotations

import json

import pytest

from survey.collection import Collection
from survey.files import CollectionError, implementations
from survey.files.measured import Comparison
from survey.site import pages as site_pages
from survey.site.pages import Pages
from survey.site.recorded import Patch, continued, probability
from tests.entries import make_paper
from tests.files.packages import ROME, make_package, rome
from tests.site.walk import Seen, see

RUN = {
    "method": "rome", "model": "tiny", "seed": 3, "seconds": 3.46, "restored": True, "recorded": "2026-11-22",
    "edit": {"prompt": "{} is in", "subject": "The Louvre", "target": "Rome", "was": "Paris"},
    "before": {"p_target": 0.0004, "p_was": 0.7015, "text": " Paris.\n\n\nIt is"},
    "after": {"p_target": 0.9531, "p_was": 0.0123, "text": "The Louvre is in Rome"},
    "probes": [
        {"prompt": "The Prado is in", "before": " Madrid", "after": " Madrid"},
        {"prompt": "To the Louvre", "before": " via Paris", "after": " via Rome"},
    ],
    "patch": {"kind": "weights", "bytes": 8452, "relative_norm": 0.0213},
    "command": 'survey edit rome --prompt "{} is in" --subject "The Louvre" --target Rome',
    "versions": {"torch": "2.13.0"},
}  # fmt: skip


@pytest.fixture
def package(tmp_path, monkeypatch):
    """`package(text)` puts a package in the place of ours that has no method but rome."""

    def put(text: str = ROME):
        monkeypatch.setattr(implementations, "PACKAGE", make_package(tmp_path / "package", {"methods/rome.py": text}))

    put()
    return put


@pytest.fixture
def pages(package, tmp_path, taxonomy):
    """`pages(run, source)` returns the pages of a clone that holds this recorded run."""

    def pages(run: dict | str | None = None, source: str = "https://example.org/repo") -> Pages:
        file = tmp_path / "docs" / "results" / "edits" / "rome.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        if run is not None:
            file.write_text(run if isinstance(run, str) else json.dumps(run), "utf-8")
        collection = Collection([make_paper(proposes={"methods": ["rome"]})], taxonomy)
        return Pages(collection, tmp_path, {"url": "", "name": "Site", "source": source})

    return pages


def page(pages: Pages, id: str = "rome") -> tuple[Seen, str]:
    html = pages.term("methods", id).content
    return see(html), html


SECTIONS = ["run", "configuration", "presets", "fidelity", "faithful", "deviates", "source"]
RECORDED = ["recorded", "probes"]


def test_a_method_that_runs_here_shows_how(pages):
    one, html = page(pages())
    assert [i for i in one.ids if i in SECTIONS + RECORDED] == SECTIONS
    command = 'survey edit rome --prompt "{} is located in the city of" --subject "The Eiffel Tower" --target Rome --was Paris'
    assert f'data-copy aria-label="Command">{command.replace(chr(34), "&#34;")}</pre>' in html
    assert '<code>pip install "editing-pitfalls[edit]"</code>' in html
    assert set(one.links) >= {"#run", "#configuration", "#fidelity", "#source", "#group-1"} and "#recorded" not in one.links
    assert one.ids.index("update") < one.ids.index("run") < one.ids.index("group-1")


def test_the_tutorial_is_linked_once_it_is_written(pages, tmp_path):
    assert "../../laboratory/" not in page(pages())[0].links
    (tmp_path / "docs" / "laboratory").mkdir(parents=True)
    (tmp_path / "docs" / "laboratory" / "index.md").write_text("# Tutorial\n")
    assert "../../laboratory/" in page(pages())[0].links


def test_the_configuration_with_what_it_inherits(pages):
    html = page(pages())[1]
    rows = html.partition('<h2 id="configuration">')[2].partition("</table>")[0].split("<tr>")[2:]
    assert len(rows) == 3
    assert "<code>seed</code>" in rows[0] and "<code>0</code>" in rows[0] and "Seed of all that is random." in rows[0]
    assert "with <code>code</code> &amp; &lt;b&gt;." in rows[2]
    presets = html.partition('<h3 id="presets">')[2].partition("</dl>")[0]
    assert "<dt><code>gpt2-xl</code></dt><dd><span><code>layer</code> 17, </span><span><code>clamp</code> 5e-1</span></dd>" in presets
    assert "<dt><code>gpt-j</code></dt><dd>as above</dd>" in presets


def test_a_setting_without_default_and_a_method_without_presets(pages, package):
    package(rome(("layer: int = 5", "layer: int"), ("presets=PRESETS", "presets={}")))
    one, html = page(pages())
    assert "to be given" in html and "presets" not in one.ids


def test_what_is_faithful_and_what_deviates(pages):
    html = page(pages())[1]
    assert "<p>A second paragraph.</p>" in html
    assert '<h3 id="faithful">Faithful</h3><ul><li>The <code>key</code> is averaged over prefixes, which are sampled.</li><li>Weight decay.</li></ul>' in html
    assert '<h3 id="deviates">Deviates</h3><ul><li>Only the blocks above are computed.</li></ul>' in html


def test_the_source_is_linked_with_its_lines(pages):
    lines = ROME.splitlines()
    start = lines.index("def rome(model, edits, config, run):") + 1
    one, html = page(pages())
    assert f"https://example.org/repo/blob/main/survey/editing/methods/rome.py#L{start}-L{start + 2}" in one.links
    assert "../../papers/meng2022locating/" in html.partition('id="source"')[2].partition("</p>")[0]
    without = page(pages(source=""))[0]
    assert not [a for a in without.links if "rome.py" in a] and "lines" in without.text


def test_a_recorded_run_is_shown_from_both_sides(pages):
    one, html = page(pages(RUN))
    assert [i for i in one.ids if i in RECORDED] == RECORDED and "#recorded" in one.links
    before, after = html.partition('<div class="run">')[2].partition("</div>")[0].split("</section>")[:2]
    assert "<h3>Before</h3>" in before and '<span class="run__prompt">The Louvre is in</span> Paris.\nIt is</p>' in before
    assert "<h3>After</h3>" in after and '<span class="run__prompt">The Louvre is in</span> Rome</p>' in after
    # Each bar has its word, its answer and its number.
    for side, target, was in ((before, ("0.000", "&lt; 0.001"), ("0.701", "0.702")), (after, ("0.953", "0.953"), ("0.012", "0.012"))):
        for word, answer, (width, number) in (("target", "Rome", target), ("was", "Paris", was)):
            assert f'<span class="run__word">{word}</span> {answer}</dt><dd><span class="run__bar run__bar--{word}" style="--p: {width[:4]}' in side
            assert f'<span class="run__p">{number}</span>' in side
    for told in ("tiny, seed 3", "3.5 s", "weights, 8.45 kB; its norm is 0.021 of that", "yes, every parameter bit for bit", "2026-11-22, torch 2.13.0"):
        assert told in html
    assert 'aria-label="Command of this run">survey edit rome' in html
    assert "../../results/edits/rome.json" in one.links


def test_a_changed_probe_is_marked_in_words(pages):
    html = page(pages(RUN))[1]
    assert "1 of 2 changed" in html
    same, changed = html.partition('<table class="terms probes">')[2].partition("</table>")[0].split("<tr")[2:]
    assert "unchanged" in same and same.count("Madrid") == 1
    assert 'class="probe--changed"' in changed and '<strong class="changed">changed</strong> via Rome' in changed and "via Paris" in changed


def test_a_run_without_former_answer_probes_or_norm(pages):
    run = {**RUN, "probes": [], "restored": False, "versions": {}, "patch": {"kind": "prompt", "bytes": 12, "relative_norm": None}}
    run["edit"] = {**RUN["edit"], "was": None}
    run["before"], run["after"] = ({**RUN[when], "p_was": None} for when in ("before", "after"))
    one, html = page(pages(run))
    assert "probes" not in one.ids and 'run__bar--was' not in html and "instead of" not in html
    assert "prompt, 12 bytes</dd>" in html and "no, some parameters differ afterwards" in html


def test_a_run_may_hold_no_markup_of_its_own(pages):
    bad = '<script>x</script>" onclick="x'
    run = json.loads(json.dumps(RUN).replace("Rome", bad.replace('"', '\\"')).replace("2026-11-22", "<img>").replace("tiny", "<b>"))
    one, html = page(pages(run))
    assert one.scripts == 0 and one.handlers == []
    assert "<img" not in html and "<b>" not in html


@pytest.mark.parametrize(
    ("run", "message"),
    [
        ("{", r"docs/results/edits/rome\.json: the file: Invalid JSON"),
        ({**RUN, "method": "memit"}, r"docs/results/edits/rome\.json is a run of memit"),
        ({k: v for k, v in RUN.items() if k != "restored"}, r"rome\.json: restored: Field required"),
        ({**RUN, "before": {**RUN["before"], "p_target": 7}}, r"rome\.json: before\.p_target: .*less than or equal to 1"),
    ],
)
def test_a_file_that_is_no_run_is_told(pages, run, message):
    made = pages(run)
    with pytest.raises(CollectionError, match=message):
        made.term("methods", "rome")


@pytest.mark.parametrize("text", ["(", rome(('@method("rome"', '@other("rome"'))])
def test_a_method_that_cannot_be_read_has_the_page_of_any_other(pages, package, text):
    package(text)
    made = pages(RUN)
    for id in ("rome", "memit", "mend"):
        one, _ = page(made, id)
        assert not set(SECTIONS + RECORDED) & set(one.ids), id
    assert "runs here" not in made.places["index"]("methods", "../")


def test_the_list_of_methods_says_what_runs_here(pages):
    one = see(pages().places["index"]("methods", "../"))
    assert [a for a in one.links if a.endswith("#run")] == ["../methods/rome/#run"]
    assert one.text.count("runs here") == 2  # the legend, and rome
    assert "#run" not in pages().places["index"]("pitfalls", "../")


def test_the_comparison_has_what_was_measured(pages, monkeypatch):
    share = {"value": 0.875, "low": 0.701, "high": 0.952}
    scores = {"records": 8, "shares": {"efficacy-score": share, "locality.next-token": share}}
    found = Comparison.model_validate({
        "model": "tiny", "unedited": {"records": 9, "shares": {"efficacy-score": {**share, "value": 0.25}}},
        "methods": {"rome": {"changes": "weights", "seconds": 3.21, "memory": 1_234_000_000, "restored": True, "single": scores}},
    })  # fmt: skip
    monkeypatch.setattr(site_pages, "measured", lambda: found)
    place = pages().places["comparison"]
    overview = see(place("overview", "../"))
    assert overview.links == ["../methods/rome/"]
    assert "ROME †weightsnoone3.2 s1.23 GB0.88––0.88yes" in overview.text
    assert overview.text.strip().endswith("no edit0.25–––")
    single = " ".join(see(place("single", "../")).text.split())
    assert "80.88 0.70–0.95–––––0.88 0.70–0.95" in single and "no edit90.25 0.70–0.95" in single
    assert "0.88" not in place("together", "../")


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0, "0.000"), (0.0009, "< 0.001"), (0.001, "0.001"), (0.70152, "0.702"), (0.9994, "> 0.999"), (1, "1.000")],
)
def test_a_probability_is_never_rounded_to_certainty(value, shown):
    assert probability(value) == shown


@pytest.mark.parametrize(
    ("number", "shown"),
    [(0, "0 bytes"), (999, "999 bytes"), (1000, "1 kB"), (8452, "8.45 kB"), (123_456, "123 kB"), (1_234_567, "1.23 MB"), (1_234_567_890, "1,235 MB")],
)
def test_sizes(number, shown):
    assert Patch(kind="weights", bytes=number).size == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [(" Paris", "Paris"), ("A is in Paris", "Paris"), (" Paris.\n\n \nIt", "Paris.\nIt"), ("", "")],
)
def test_a_continuation_without_its_prompt(text, shown):
    assert continued(text, "A is in") == shown
