from __future__ import annotations

import json

import jsonschema
import pytest

from survey.checks import RULES
from tests.entries import PATH, make_entry, write_entry

KEY = "bau2022editing"
OTHER = f"papers/2022/{KEY}.yaml"
BAD = make_entry(title="50% of\u00a0Facts", authors=["Kevin Meng1"], summary="word " * 61, unconfirmed=["venue"])


@pytest.fixture
def bad(root):
    (root / "papers/2022/bau2022editing.yaml").unlink()
    write_entry(root, PATH, {**BAD, "ids": {}})
    return root


def test_no_problems(survey, root):
    assert survey("check") == (0, "2 files checked: no problems\n", "")


def test_problems_in_lines(survey, bad):
    code, out, err = survey("check")
    lines = out.splitlines()
    assert code == 1 and err == ""
    assert lines[0] == f"{PATH}:1:1: I205 warning: no id and no link lead to the paper"
    assert f"{PATH}:2:11: N502 'Kevin Meng1' holds a footnote mark (write Kevin Meng)" in lines
    assert any(line.endswith(":14: A354 info: not confirmed: venue") for line in lines)
    assert lines[-1] == "1 file checked: 5 errors, 1 warning, 1 note"


def test_only_errors(survey, bad):
    assert "warning:" not in survey("check", "-q")[1]


def test_warnings_alone_do_not_fail(survey, root):
    write_entry(root, PATH, make_entry(ids={}))
    assert survey("check")[0] == 0


def test_only_some_paths(survey, bad, monkeypatch):
    good = "papers/2022/bau2022editing.yaml"
    write_entry(bad, good, make_entry(authors=["Ann Bau"], title="Editing"))
    assert survey("check", good)[0] == 0
    assert survey("check", "papers/2022")[0] == 1
    monkeypatch.chdir(bad / "papers" / "2022")
    code, out, _ = survey("check", "meng2022locating.yaml")
    assert code == 1 and out.startswith("meng2022locating.yaml:1:1: ")
    assert survey("check", "nobody.yaml") == (2, "", "survey: there is no nobody.yaml\n")


def test_mending(survey, bad):
    code, out, err = survey("check", "--fix")
    assert code == 1 and "N502" not in out and "A353" in out
    assert f"mended {PATH}:2: N502" in err and f"mended {PATH}:1: P601" in err
    assert "title: 50% of Facts\nauthors: [Kevin Meng]\n" in (bad / PATH).read_text()


def test_json(survey, bad, root):
    code, out, _ = survey("check", "--format", "json")
    rows = json.loads(out)
    assert code == 1 and len(rows) == 7
    row = next(row for row in rows if row["code"] == "N502")
    assert row == {
        "path": PATH, "line": 2, "column": 11, "code": "N502", "severity": "error", "message": "'Kevin Meng1' holds a footnote mark",
        "hint": "write Kevin Meng", "where": ["authors", 0], "fix": "Kevin Meng",
    }  # fmt: skip
    write_entry(root, PATH, make_entry())
    assert survey("check", "--format", "json")[:2] == (0, "[]\n")


def test_github(survey, bad):
    path = "papers/2022/a,b:c%.yaml"
    write_entry(bad, path, "title: [")
    code, out, _ = survey("check", "--format", "github")
    lines = out.splitlines()
    assert code == 1 and all(line.startswith(("::error ", "::warning ", "::notice ")) for line in lines)
    assert f"::error file={PATH},line=2,col=11,title=N502::'Kevin Meng1' holds a footnote mark (write Kevin Meng)" in lines
    assert any(line.startswith("::error file=papers/2022/a%2Cb%3Ac%25.yaml,line=1,col=1,title=K902::'a,b:c%25' is no") for line in lines)
    assert any(line.startswith("::notice ") for line in lines)


# What the SARIF 2.1.0 schema requires of what we write.
def _thing(required, **properties):
    return {"type": "object", "required": required, "properties": properties}


_TEXT = _thing(["text"], text={"type": "string", "minLength": 1})
_COUNT = {"type": "integer", "minimum": 1}
SARIF = _thing(
    ["version", "runs", "$schema"],
    version={"const": "2.1.0"},
    runs={"type": "array", "minItems": 1, "items": _thing(
        ["tool", "results"],
        tool=_thing(["driver"], driver=_thing(
            ["name", "version", "rules"],
            rules={"type": "array", "uniqueItems": True, "items": _thing(["id", "shortDescription"], id={"type": "string"}, shortDescription=_TEXT)},
        )),
        results={"type": "array", "items": _thing(
            ["ruleId", "message", "level", "locations"],
            level={"enum": ["none", "note", "warning", "error"]}, message=_TEXT,
            locations={"type": "array", "items": _thing(["physicalLocation"], physicalLocation=_thing(
                ["artifactLocation", "region"],
                artifactLocation=_thing(["uri"], uri={"type": "string", "pattern": r"^[^\\ ]*$"}),
                region=_thing(["startLine"], startLine=_COUNT, startColumn=_COUNT),
            ))},
        )},
    )},
)  # fmt: skip


def test_sarif(survey, bad):
    write_entry(bad, "papers/2022/a b%.yaml", "title: [")
    code, out, _ = survey("check", "--format", "sarif")
    log = json.loads(out)
    jsonschema.validate(log, SARIF)
    (run,) = log["runs"]
    assert code == 1 and {r["level"] for r in run["results"]} == {"error", "warning", "note"}
    assert {rule["id"] for rule in run["tool"]["driver"]["rules"]} == set(RULES)
    assert "papers/2022/a%20b%25.yaml" in {r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for r in run["results"]}


def test_sarif_without_problems(survey, root):
    code, out, _ = survey("check", "--format", "sarif")
    jsonschema.validate(json.loads(out), SARIF)
    assert code == 0 and json.loads(out)["runs"][0]["results"] == []


def test_explain(survey):
    code, out, _ = survey("check", "--explain", "d403")
    assert code == 0 and out.startswith("D403 similar-title (warning)\n\nTwo entries with similar titles")
    code, out, _ = survey("check", "--explain", "all")
    assert code == 0 and [line[:4] for line in out.splitlines()] == sorted(RULES)
    assert survey("check", "--explain", "X999") == (2, "", "survey: there is no code X999 (--explain all lists them)\n")


@pytest.mark.parametrize("command", ["check", "fmt"])
@pytest.mark.parametrize(
    ("word", "hint"),
    [
        (KEY, f" (did you mean {OTHER}?)"), (f"{KEY}.yaml", f" (did you mean {OTHER}?)"),
        (f"papers/2021/{KEY}.yaml", f" (did you mean {OTHER}?)"), (KEY[:-2], f" (did you mean {OTHER}?)"), ("zzzz", ""),
    ],
)  # fmt: skip
def test_a_key_is_told_with_the_path_of_its_entry(survey, root, command, word, hint):
    assert survey(command, word) == (2, "", f"survey: there is no {word}{hint}\n")


@pytest.mark.parametrize("path", ["README.md", "..", "/etc/hostname"])
def test_what_lies_elsewhere_is_wrong_usage(survey, root, path):
    """Saying that it has no problems would be a lie."""
    (root / "README.md").write_text("x")
    code, out, err = survey("check", path)
    if path == "..":
        assert code == 0, "the entries are in there"
    else:
        assert (code, out) == (2, "") and err.startswith(f"survey: nothing is checked in {path}: entries are below ")


def test_no_entry_steers_the_terminal(survey, root):
    write_entry(root, PATH, {**make_entry(), "venue": "\x1b[2J\u202e\n::error::x", "pages": "\x9b31m"})
    write_entry(root, "papers/2022/\x1b[31m2022a.yaml", "a\n")
    for form in ("text", "github"):
        _, out, _ = survey("check", "--format", form)
        assert out and not any(c in out for c in "\x1b\x9b\u202e")
        assert "\n::error::x" not in out
    assert r"\x1b[31m2022a.yaml:1:1: K902" in survey("check")[1]


def test_a_name_that_is_no_unicode_is_told_in_every_form(survey, root):
    import os

    (root / "papers/2022" / os.fsdecode(b"\xff.yaml")).write_text("a: b\n")
    for form in ("text", "json", "github", "sarif"):
        code, out, err = survey("check", "--format", form)
        assert code == 1 and err == "" and "K902" in out
    assert "%FF.yaml" in survey("check", "--format", "sarif")[1]
