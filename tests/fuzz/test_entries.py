"""Entries of people who mean us harm: refused with a finding, or harmless in every form."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings, target
from hypothesis import strategies as st

from survey.checks import RULES, Severity, check
from survey.checks.run import check_text
from survey.cli import main
from survey.collection.paper import paper_from
from survey.errors import UserError
from survey.files import CollectionError, load_collection
from survey.files.house import house_format
from survey.files.load import load_taxonomy, read_text
from survey.files.reader import YamlProblem, read_yaml
from survey.files.writer import dump
from tests.entries import PATH, make_entry, make_root
from tests.fuzz.sound import sound

CORPUS = sorted((Path(__file__).parent / "corpus").glob("*.yaml"))
SECONDS = 5.0  # A tenth of a second is usual; what is quadratic takes minutes.


def read(path: Path) -> tuple[str, list[str]]:
    """The text of a case, and the codes that it must have; none where it is valid."""
    text = read_text(path)
    tries, expected = text.splitlines()[:2]
    assert tries.startswith("# Tries: ") and len(tries) > 20
    codes = expected.removeprefix("# Expect: ").split()
    return text, [] if codes == ["valid"] else codes


def errors(findings) -> set[str]:
    return {f.code for f in findings if f.severity is Severity.ERROR}


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_a_hostile_entry_is_refused_or_harmless(path):
    text, codes = read(path)
    start = time.process_time()
    entry, findings = check_text(PATH, text, load_taxonomy())
    assert time.process_time() - start < SECONDS
    if codes:
        assert set(codes) <= errors(findings)
        assert all(f.line and f.column and f.message for f in findings if f.severity is Severity.ERROR)
    else:
        assert errors(findings) == set()
        sound(entry.paper)


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_the_house_format_changes_nothing_that_it_says(path):
    text, _ = read(path)
    start = time.process_time()
    try:
        house = house_format(text)
    except YamlProblem as problem:
        assert problem in read_yaml(text)[1] or problem.code == "S103"
    except UserError as error:
        assert "cannot be written" in str(error)
    else:
        assert house_format(house) == house
        assert check_text(PATH, house, load_taxonomy())[0].paper == check_text(PATH, text, load_taxonomy())[0].paper
    assert time.process_time() - start < SECONDS


@pytest.fixture(scope="module")
def hostile_root(tmp_path_factory):
    """A collection of all of them."""
    root = tmp_path_factory.mktemp("hostile")
    make_root(root, {PATH: make_entry()})
    for path in CORPUS:
        (root / "papers" / "2022" / f"{re.sub('[^a-z]', '', path.stem)}2022x.yaml").write_bytes(path.read_bytes())
    return root


def test_all_of_them_together_are_told_without_a_traceback(hostile_root, capsys):
    report = check(hostile_root)
    assert report.files == len(CORPUS) + 1 and report.failed
    for form in ("text", "github", "json", "sarif"):
        assert main(["--root", str(hostile_root), "check", "--format", form]) == 1
        out, err = capsys.readouterr()
        assert err == ""
        if form in ("json", "sarif"):
            json.loads(out)
        else:
            unseen = set(out) & set(map(chr, [*range(10), *range(11, 32), *range(127, 160), 0x202E, 0x202D, 0x2067, 0x200B, 0x2028, 0xE0069]))
            assert unseen == set()
        if form == "github":
            assert all(re.match(r"::(error|warning|notice) file=papers/", line) for line in out.splitlines())


def test_nor_do_they_stop_the_other_commands(hostile_root, capsys):
    assert main(["--root", str(hostile_root), "fmt", "--check"]) == 1
    assert "Traceback" not in "".join(capsys.readouterr())
    for words in (["stats"], ["search", "editing"], ["export", "bibtex"], ["show", "meng2022locating"]):
        assert main(["--root", str(hostile_root), *words]) == 1
        out, err = capsys.readouterr()
        assert out == "" and err.startswith("survey: ") and "`survey check` explains each" in err
    with pytest.raises(CollectionError):
        load_collection(hostile_root)


def test_the_corpus_is_what_it_says():
    assert len(CORPUS) > 100
    every = {code for path in CORPUS for code in read(path)[1]}
    assert every <= set(RULES)
    assert {"Y101", "Y102", "Y103", "Y104", "Y105", "S101", "S105", "S106", "I201", "L801", "L804", "N507"} <= every


# Texts made of what has done harm elsewhere

FRAGMENTS = [
    "<script>alert(1)</script>", "</script>", "<!--", "-->", "]]>", "<![CDATA[", "&lt;", "&#60;", "&amp;amp;", "<img src=x onerror=alert(1)>", "\" onload=\"x", "' onload='x", "`",
    "javascript:alert(1)", "data:text/html,x", "\\input{/etc/passwd}", "\\write18{touch hit}", "\\", "{", "}", "}}", "{{", "$", "$$", "%", "#", "&", "_", "^", "~", "\\end{document}", "@misc{x,",
    ", author = {Eve}", "}, title = {x", "=1+1", "+1", "-1", "@SUM(1)", ";=1", ",", ";", "\"", "\"\"", "'", "''", "``", "ER  - ", "TY  - JOUR", ": ", " #", "- ", "? ", "| ", "> ", "[x](y)", "![x](y)",
    "[[method:rome]]", "[@meng2022locating]", "{{ 7*7 }}", "{% raw %}", "${{ github.token }}", "$(id)", "`id`", "; id", "| id", "&& id", "::error::x", "%0A", "%s", "%n", "../../etc/passwd", "..\\..\\x",
    "C:\\x", "file:///etc/passwd", "null", "None", "undefined", "NaN", "true", "__proto__", "constructor", "1e309", "é", "e\u0301", "ß", "ﬁ", "“", "”", "–", "—", "…", "漢字", "עברית", "العربية", "😀", "𝒳", "ı", "İ",
    "word", "GPT-4", "ROME", "a", "A", "1", " ", "  ", "\u00a0", "\u3000", "/", "//", "<", ">", "(", ")", "[", "]", "*", "**", "***bold***", "\\n", "\\u0000", "and", "others", "{\\\"u}", "\\'e", "\\\\",
]  # fmt: skip
texts = st.lists(st.sampled_from(FRAGMENTS) | st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"]), max_size=6), min_size=1, max_size=8).map("".join).map(str.strip).filter(bool)
names = st.sampled_from(["Ann Bau", "Maarten de Rijke", "Ludwig van der Maaten, Jr.", "Ô Nguyễn", "OpenAI", "and Others", "d'Arc Jeanne", "Mc-Name O'Neil", "王 小明", "'t Hooft Gerard"]) | texts
QUICK = settings(
    max_examples=120, deadline=None, suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.target],
)  # fmt: skip


@st.composite
def hostile_records(draw):
    title = draw(texts)
    record = make_entry(
        title=title, authors=draw(st.lists(names, min_size=1, max_size=3)), official_typo=[title], sources=draw(st.lists(texts, min_size=1, max_size=2)),
        ids={"doi": "10.1000/x"} if draw(st.booleans()) else {"openreview": "-h6WAS6eE4"},
    )  # fmt: skip
    for name in ("acronym", "booktitle", "volume", "summary", "note"):
        if draw(st.booleans()):
            record[name] = draw(texts)
    if draw(st.booleans()):
        record["links"] = {"code": f"https://a.org/{draw(texts)}"}
    if draw(st.booleans()):
        record["former_titles"] = [draw(texts)]
        record["protect"] = [draw(st.sampled_from([title, *title.split()]))]
        record["pitfalls"] = [{"id": "locality", "stance": "shows", "basis": "abstract", "note": draw(texts)}]
    return record


@QUICK
@given(hostile_records())
def test_whatever_a_text_says_it_stays_text(record):
    text = dump(record)
    entry, findings = check_text(PATH, text, load_taxonomy())
    assert all(RULES[f.code] and f.line for f in findings)
    # The key would have to be another one for every title.
    wrong = errors(findings) - {"K903", "K904"}
    target(-float(len(wrong)))
    if not wrong:
        sound(entry.paper)


@QUICK
@given(texts, texts)
def test_a_valid_entry_with_a_hostile_title_is_sound(title, more):
    record = make_entry(title=title, official_typo=[title], booktitle=more, volume=more, summary=more, note=more, former_titles=[more])
    sound(paper_from(record, "meng2022locating"))


@QUICK
@given(st.lists(st.sampled_from([*FRAGMENTS, "\n", "\n  ", "\n- ", ":", "title: ", "authors:", "[", "]", "&a", "*a", "!!x", "---\n", "\t", "\x00", "\u2028", "\u202e"]), max_size=40).map("".join))
def test_no_text_at_all_makes_the_check_fail(text):
    for whole in (text, f"title: {text}", dump(make_entry()) + text, f'title: "{text}"\n{dump(make_entry(title=None))}'):
        entry, findings = check_text(PATH, whole, load_taxonomy())
        assert findings or entry.paper
        try:
            house = house_format(whole)
        except (YamlProblem, UserError):
            continue
        assert house_format(house) == house
