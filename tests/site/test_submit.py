"""The submission page as it is built: its markup, its data, and what they cost."""

from __future__ import annotations

import gzip
import json
import re
import time
from typing import get_args

import pytest

from survey.checks import RULES
from survey.collection import Collection
from survey.collection.paper import ID_SCHEMES, LINK_KINDS, Kind, Paper
from survey.files.load import PACKAGE
from survey.files.writer import dump
from survey.intake.issue_form import CORRECT, SUBMIT
from survey.site.fill import FillError
from survey.site.guide import as_html, as_text, meanings
from survey.site.rules import ELSEWHERE
from survey.site.submission import write_submission
from survey.site.submit import SERVICES, submit_html
from tests.bench import synthetic
from tests.entries import make_entry, make_paper, make_root

ROOT = PACKAGE.parent


@pytest.fixture(scope="module")
def html(collection) -> str:
    return submit_html(collection, "../../", "https://example.org/repo", ROOT)


def test_every_field_of_an_entry_can_be_entered(html):
    named = {
        *(f"ids.{s}" for s in ID_SCHEMES), *(f"links.{k}" for k in LINK_KINDS), "annotated.basis", "annotated.on", "unconfirmed", "kinds",
    }  # fmt: skip
    in_rows = {"proposes", "studies", "pitfalls", "related"}
    parts = {"ids", "links", "annotated"}
    named |= {f.alias or n for n, f in Paper.model_fields.items()} - in_rows - parts
    assert [name for name in sorted(named) if f'name="{name}"' not in html] == []
    assert [kind for kind in get_args(Kind) if f'name="kinds" value="{kind}"' not in html] == []
    assert 'data-part="proposes" data-field="families"' in html and 'id="submit-pitfalls"' in html and 'id="submit-related"' in html


def test_kinds_are_explained_in_the_words_of_the_guide(html):
    guide = meanings((ROOT / "docs/contributing/tagging.md").read_text("utf-8"), "kinds")
    assert set(guide) == set(get_args(Kind))
    assert all(as_html(words) in html for words in guide.values())


def test_the_services_stand_in_the_page(html):
    assert all(f'data-{name}="{address}"' in html for name, address in SERVICES.items())
    assert all(address.startswith("https://") for address in SERVICES.values())


def test_addresses_are_escaped(collection):
    assert '<b>"' not in submit_html(collection, "../../", 'https://example.org/"<b>"', ROOT)


def test_the_issue_forms_are_those_that_are_read(html, collection):
    assert f'data-form="{CORRECT.file}"' in html and f"https://example.org/repo/issues/new?template={SUBMIT.file}" in html
    script = (PACKAGE / "site/assets/submit.mjs").read_text("utf-8")
    asked = re.search(r"const asked = \{ (.*) \};", script)[1]
    assert {part.split(":")[0].strip() for part in asked.split(",") if ":" in part} <= {field.id for field in CORRECT.fields}
    assert "issues/new" not in submit_html(collection, "../../", "", ROOT)


def test_without_a_guide_the_page_is_not_built(collection, tmp_path):
    with pytest.raises(FillError, match=r"tagging\.md has no table of kinds"):
        submit_html(collection, "../../", "", tmp_path)


def test_the_guides_tables_are_read_as_they_stand():
    guide = "# Guide\n\n## kinds\n\n| kind | when |\n|---|---|\n| `tool` | it *offers* `x<y` |\n\n## other\n\n| `survey` | no |\n"
    assert meanings(guide, "kinds") == {"tool": "it *offers* `x<y`"}
    assert as_html("it *offers* `x<y`") == "it <em>offers</em> <code>x&lt;y</code>" and as_text("it *offers* `x`") == "it offers x"
    with pytest.raises(KeyError):
        meanings(guide, "nothing")


def test_each_paper_leads_to_its_correction(site):
    html = (site / "papers/meng2022locating/index.html").read_text("utf-8")
    assert 'href="../../contributing/submit/?key=meng2022locating">Correct this entry</a>' in html
    assert "edit/main" not in html
    submit = (site / "contributing/submit/index.html").read_text("utf-8")
    assert 'data-source="https://github.com/editing-pitfalls/editing-pitfalls"' in submit and "survey add" in submit


def test_rules_are_told_with_name_severity_and_explanation(site):
    data = json.loads((site / "data/rules.json").read_text("utf-8"))
    assert set(data["rules"]) == set(RULES) - ELSEWHERE
    assert data["rules"]["P603"] == {
        "name": "title-misspelled", "severity": "error", "scope": "entry", "summary": "A common misspelling in the title.",
    }  # fmt: skip
    assert "rephrasings" in data["guide"]["pitfalls"]["generalization.paraphrase"] and set(data["guide"]["stances"]) == {"shows", "measures", "mitigates", "denies"}


def test_every_entry_stands_in_its_shard_as_its_file_says_it(site, collection):
    known = json.loads((site / "data/known.json").read_text("utf-8"))
    assert [row[0] for row in known["rows"]] == [f"papers/{p.year}/{p.key}.yaml" for p in collection.values()]
    for number in range(0, len(collection), known["shard"]):
        shard = json.loads((site / f"data/entries/{number // known['shard']}.json").read_text("utf-8"))
        for item, (path, *_) in zip(shard, known["rows"][number:], strict=False):
            assert item.get("comments") is not None or dump(item["record"]) == (ROOT / path).read_text("utf-8")


def test_comments_of_a_file_go_along(tmp_path, taxonomy):
    text = dump(make_entry()).replace("kinds: [method]\n", 'kinds: [method]  # "we propose"\n')
    root = make_root(tmp_path / "root", {"papers/2022/meng2022locating.yaml": "# on top\n\n" + text})
    write_submission(Collection([make_paper()], taxonomy), root, tmp_path / "site")
    [item] = json.loads((tmp_path / "site/data/entries/0.json").read_text("utf-8"))
    assert item["record"] == make_entry()
    assert item["comments"] == {"head": ["# on top"], "inside": [{"where": ["kinds"], "side": "beside", "text": '# "we propose"'}], "foot": []}


def test_a_former_key_and_relations_are_compared_too(tmp_path, taxonomy):
    papers = [make_paper(former_keys=["meng2021locating"], authors=[{"literal": "Team"}], related=[{"key": "bau2022editing", "as": "extends", "basis": "title"}])]
    write_submission(Collection(papers, taxonomy), tmp_path, tmp_path / "site")
    [row] = json.loads((tmp_path / "site/data/known.json").read_text("utf-8"))["rows"]
    assert row[2] == [{"literal": "Team"}]
    assert row[5]["former_keys"] == ["meng2021locating"] and row[5]["related"] == [{"key": "bau2022editing", "as": "extends"}]


def test_the_data_of_a_paper_costs_little(tmp_path):
    collection = synthetic.collection(1000)
    write_submission(collection, tmp_path, tmp_path / "warm")
    start = time.process_time()
    write_submission(collection, tmp_path, tmp_path / "site")
    assert (time.process_time() - start) / 1000 < 0.0005, "half of what a whole page may cost"
    assert len(list((tmp_path / "site/data/entries").iterdir())) == 5


def test_the_explorer_has_not_grown_by_it():
    """The explorer's modules import none of the submission page's."""
    assets = PACKAGE / "site" / "assets"
    explorer, waiting = set(), ["explorer.mjs"]
    while waiting:
        name = waiting.pop()
        explorer.add(name)
        text = (assets / name).read_text("utf-8")
        waiting += {part.split('"')[0] for part in text.split('from "./')[1:]} - explorer
    assert explorer & {"submit.mjs", "rules.mjs", "house.mjs", "text.mjs"} == set()
    assert len(gzip.compress(b"".join((assets / n).read_bytes() for n in sorted(explorer)))) < 25_000
