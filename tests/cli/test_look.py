"""search, show, stats and export."""

from __future__ import annotations

import csv
import io
import json
import sys

import pytest

from tests.entries import PATH, make_entry, write_entry

KEY = "meng2022locating"


def test_search_prints_a_table(survey, root):
    code, out, err = survey("search")
    first, second, last = out.splitlines()
    assert (code, err, last) == (0, "", "2 papers of 2")
    assert first.split("  ")[0] == "bau2022editing" and "2022 NeurIPS" in first and "Bau and Dee" in first
    assert "Meng et al." in second and second.endswith("Locating and Editing Factual Associations in GPT")


def test_search_finds_nothing(survey, root):
    assert survey("search", "nothing-like-this") == (0, "no papers of 2\n", "")
    assert survey("search", "nothing-like-this", "--format", "keys") == (0, "", "")
    assert survey("search", "nothing-like-this", "--format", "json")[1] == "[]\n"


def test_search_speaks_the_query_language(survey, root):
    assert survey("search", "method:rome", "year:2022", "--format", "keys")[1] == "bau2022editing\n"
    assert survey("search", "--format", "keys", "--", "-method:rome")[1] == "meng2022locating\n"
    (row,) = json.loads(survey("search", "author:bau method:rome", "--format", "json")[1])
    assert row["key"] == "bau2022editing" and row["studies"] == {"methods": ["rome"]}


@pytest.mark.parametrize(
    ("query", "message", "column"),
    [
        ("facts methud:rome", "there is no field 'methud:' (did you mean method:?)", 6),
        ("method:romee", "there is no method 'romee' (did you mean rome?)", 7),
        ('a "b c', "this quote is never closed", 2),
        ("year:20", "a year looks like 2023, 2022..2024, 2023.. or ..2021", 5),
    ],
)
@pytest.mark.parametrize("command", [["search"], ["stats"], ["export", "jsonl"]])
def test_a_bad_query_gets_a_caret(survey, root, command, query, message, column):
    code, out, err = survey(*command, query)
    assert (code, out) == (1, "")
    assert err == f"survey: {message}\n  {query}\n  {' ' * column}^\n"


@pytest.mark.parametrize(
    "name",
    ["meng2022locating", "2202.05262", "https://arxiv.org/abs/2202.05262v2", "arXiv:2202.05262", PATH, "old2022name"],
)
def test_show_takes_keys_ids_and_paths(survey, root, name):
    write_entry(root, PATH, make_entry(former_keys=["old2022name"]))
    code, out, err = survey("show", name)
    assert (code, err) == (0, "") and out.startswith("Locating and Editing Factual Associations in GPT\nKevin Meng, David Bau, Alex Andonian\n")


def test_show_tells_everything(survey, root):
    write_entry(root, PATH, make_entry(
        summary="Our summary.", proposes={"methods": ["rome"]}, links={"code": "https://github.com/a/b"}, note="A note.", unconfirmed=["venue"],
        pitfalls=[{"id": "locality", "stance": "shows", "basis": "abstract"}], related=[{"key": "bau2022editing", "as": "refutes", "basis": "readme"}],
        status="withdrawn",
    ))  # fmt: skip
    out = survey("show", "meng2022locating")[1]
    for part in ("2022 (withdrawn)", "Our summary.", "ROME", "locality (shows, by abstract)", "https://github.com/a/b", "A note.", "refutes",
                 "bau2022editing (readme)", "https://arxiv.org/abs/2202.05262", "not confirmed", "sources"):  # fmt: skip
        assert part in out, part
    assert "refuted-by" in survey("show", "bau2022editing")[1]


def test_show_for_programs(survey, root):
    assert json.loads(survey("show", "meng2022locating", "--format", "json")[1]) == {"key": "meng2022locating", **make_entry()}
    assert survey("show", "meng2022locating", "--format", "bibtex")[1].startswith("@inproceedings{meng2022locating,\n")


def test_an_unknown_key_gets_a_suggestion(survey, root):
    assert survey("show", "meng2022locatin") == (1, "", "survey: there is no entry meng2022locatin (did you mean meng2022locating?)\n")
    assert survey("show", "zzz") == (1, "", "survey: there is no entry zzz\n")


def test_stats(survey, root):
    code, out, _ = survey("stats")
    assert code == 0 and out.startswith("2 papers\n\nyear\n  2022     2  ▇")
    counts = json.loads(survey("stats", "--format", "json")[1])
    assert counts["papers"] == 2 and counts["year"] == {"2022": 2} and counts["method"] == {"rome": 1} and counts["family"] == {"locate-and-edit": 1}
    assert survey("stats", "nothing-like-this")[0] == 0


def test_stats_of_two_annotators(survey, root, tmp_path):
    file = tmp_path / "round.json"
    file.write_text(json.dumps({"rounds": [{"name": "first", "first": {"a": {"kinds": ["x"]}}, "second": {"a": {"kinds": ["x", "y"]}}}]}))
    code, out, _ = survey("stats", "--agreement", str(file))
    assert code == 0 and "  kinds             3      0.67   0.00     0%" in out
    (result,) = json.loads(survey("stats", "--agreement", str(file), "--format", "json")[1])
    assert result["round"] == "first" and result["facets"][0]["labels"] == 3
    file.write_text("{}")
    code, _, err = survey("stats", "--agreement", str(file))
    assert code == 1 and "no record of two annotators" in err
    assert survey("stats", "--agreement", str(tmp_path / "none"))[0] == 1


@pytest.mark.parametrize("name", ["bibtex", "biblatex", "ris", "csl-json", "csv", "jsonl"])
def test_export_writes_every_format(capfdbinary, root, name):
    from survey.cli import main

    assert main(["export", name]) == 0
    out, err = capfdbinary.readouterr()
    assert err == b"" and out.count(b"meng2022locating") >= 1 and b"Kevin" in out


def test_export_of_a_query_into_a_file(survey, root, tmp_path):
    file = tmp_path / "new" / "rome.csv"
    assert survey("export", "csv", "method:rome", "-o", str(file)) == (0, "", f"1 paper written to {file}\n")
    assert [row["key"] for row in csv.DictReader(io.StringIO(file.read_text("utf-8")))] == ["bau2022editing"]


def test_export_of_nothing_is_told(survey, root):
    code, _, err = survey("export", "jsonl", "nothing-like-this")
    assert code == 1 and err == "survey: no paper matches\n"


def test_export_where_nobody_can_write(survey, root, tmp_path):
    (tmp_path / "file").write_text("old")
    code, out, err = survey("export", "bibtex", "-o", str(tmp_path / "file" / "x.bib"))
    assert (code, out) == (1, "") and err.startswith("survey: ") and str(tmp_path) in err
    code, _, err = survey("export", "bibtex", "-o", str(tmp_path))
    assert code == 1 and err.startswith("survey: ")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["clone", "file"], "nothing is left behind"


STEERS = "\x1b[31m \x9b5m \u202e \U000e0041"
"""A colour, its one-byte form, a turn of the direction, an invisible letter."""


@pytest.mark.parametrize("terminal", [True, False])
@pytest.mark.parametrize(
    "words",
    [["search"], ["search", "--format", "json"], ["show", KEY], ["show", KEY, "--format", "json"], ["show", KEY, "--format", "bibtex"],
     *(["export", format] for format in ("bibtex", "biblatex", "ris", "csl-json", "csv", "jsonl"))],
    ids=" ".join,
)  # fmt: skip
def test_what_an_entry_says_steers_no_terminal(words, terminal, survey, root, monkeypatch):
    sources = [f"arXiv {STEERS}"]
    entry = make_entry(title=f"Editing {STEERS} Facts", authors=[f"Ann {STEERS} Bau"], summary=f"It {STEERS} edits.", note=f"A {STEERS} note.", sources=sources)
    write_entry(root, PATH, entry)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal, raising=False)
    monkeypatch.setenv("NO_COLOR", "1")
    code, out, err = survey(*words)
    assert code == 0 and err == "" and "Editing" in out
    if terminal or ("export" not in words and "bibtex" not in words):
        assert not any(c in out for c in STEERS if not c.isprintable())
    if "json" in words:
        found = json.loads(out)
        assert (found[-1] if isinstance(found, list) else found)["title"] == entry["title"]


def test_an_export_into_a_file_says_what_the_entry_says(survey, root, tmp_path):
    write_entry(root, PATH, make_entry(title=f"Editing {STEERS} Facts"))
    assert survey("export", "jsonl", "-o", str(tmp_path / "all.jsonl"))[0] == 0
    titles = [json.loads(line)["title"] for line in (tmp_path / "all.jsonl").read_text(encoding="utf-8").splitlines()]
    assert f"Editing {STEERS} Facts" in titles


@pytest.mark.parametrize("words", [["show", STEERS], ["search", f"method:{STEERS}"], ["--root", f"/nowhere{STEERS}", "search"]])
def test_no_message_steers_a_terminal(words, survey, root):
    code, out, err = survey(*words)
    assert (code, out) == (1, "") and "\\x1b[31m" in err
    assert all(c.isprintable() for c in err.replace("\n", ""))


def test_what_a_damaged_entry_says_steers_no_terminal(survey, root):
    write_entry(root, PATH, json.dumps(make_entry(kinds=[STEERS], **{STEERS: 1})))
    code, out, err = survey("search")
    assert code == 1 and err and all(c.isprintable() for c in (out + err).replace("\n", ""))
