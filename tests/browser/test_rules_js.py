"""The browser's rules are Python's: the same findings in the same words at the same places."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from survey.checks import RULES
from survey.checks.run import check_text, check_together
from survey.collection.names import split_name
from survey.collection.paper import make_key
from survey.files.load import PACKAGE, entry_files, read_text
from survey.files.reader import read_yaml
from survey.files.writer import dump, scalar
from survey.formats.jsonl import record
from survey.intake.entry import free_key
from survey.site.rules import ELSEWHERE, rules
from survey.site.submission import path_of, row
from tests.browser.conftest import ASSETS
from tests.checks.examples import ELSEWHERE as SHOWN_ELSEWHERE
from tests.checks.examples import RULES as EXAMPLES
from tests.entries import PATH, make_entry

pytestmark = pytest.mark.browser
THOROUGH = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def page(browser, serve, taxonomy):
    page = browser.new_page()
    page.goto(serve(ASSETS) + "rules.mjs")
    page.evaluate(
        """async (data) => {
            const { Checker } = await import("./rules.mjs");
            const { Known } = await import("./together.mjs");
            const names = await import("./names.mjs");
            window.checker = new Checker(data);
            window.Known = Known;
            window.codes = [...Checker.codes, ...Known.codes];
            window.makeKey = (name, year, title) =>
                names.makeKey(names.splitName(name, data), year, title);
            window.freeKey = (author, year, title, taken) =>
                names.freeKey(names.authorName(author, data), year, title, new Set(taken));
            window.check = ({ path, record, others }) => {
                const { findings, paper, written } = checker.check(path, record);
                const together = paper && others ? new Known(others, checker).check(paper, written) : [];
                return { text: written.text, alone: findings, together };
            };
        }""",
        json.loads(json.dumps(rules(taxonomy))),
    )
    yield page
    page.close()


def asked(page, cases: list[dict]) -> list[dict]:
    return page.evaluate("(cases) => cases.map(check)", json.loads(json.dumps(cases)))


def told(finding, with_place: bool = True) -> dict:
    """A finding of Python as the browser tells it."""
    found = {
        "code": finding.code, "severity": finding.severity.value, "message": finding.message,
        "where": list(finding.where), "hint": finding.hint, "fix": finding.fix, "path": finding.path,
        "line": finding.line, "column": finding.column, "other": finding.other,
    }  # fmt: skip
    return found if with_place else without_place(found)


def without_place(found: dict) -> dict:
    return {k: v for k, v in found.items() if k not in ("line", "column")}


def ordered(findings) -> list:
    return sorted(findings, key=lambda f: (f.path, f.line, f.column, f.code))


def agree(page, paths_and_records: list[tuple[str, dict]], taxonomy) -> None:
    answers = asked(page, [{"path": path, "record": rec} for path, rec in paths_and_records])
    for (path, rec), answer in zip(paths_and_records, answers, strict=True):
        text = dump(rec)
        assert answer["text"] == text
        _, findings = check_text(path, text, taxonomy)
        assert answer["alone"] == [told(f) for f in ordered(findings)], text


# Every rule is somewhere


def test_every_rule_is_applied_here_or_needs_what_a_browser_has_not(page):
    here = set(page.evaluate("codes"))
    assert here | ELSEWHERE == set(RULES), "write the rule into rules.mjs or together.mjs, or list it in ELSEWHERE"
    assert not here & ELSEWHERE


def test_every_rule_here_has_an_example(page):
    assert set(page.evaluate("codes")) <= set(EXAMPLES) - set(SHOWN_ELSEWHERE)


@pytest.mark.parametrize("code", sorted(set(EXAMPLES) - ELSEWHERE))
def test_examples_are_judged_alike(page, taxonomy, code):
    bad, _, good = EXAMPLES[code]
    codes = []
    for files in (bad, good):
        parsed = {}
        for path, content in sorted(files.items()):
            rec = read_yaml(content)[0] if isinstance(content, str) else content
            text = content if isinstance(content, str) else dump(content)
            parsed[path] = (rec if isinstance(rec, dict) else {}, *check_text(path, text, taxonomy))
        entries = [entry for _, entry, _ in parsed.values() if entry.paper]
        for path, (rec, entry, alone) in parsed.items():
            rows = [row(e.path, e.paper) for e in entries if e is not entry]
            [answer] = asked(page, [{"path": path, "record": rec, "others": rows}])
            as_text = isinstance(files[path], str)
            # What stands in a text of its own cannot be at the places of the house format.
            mine = [without_place(f) if as_text else f for f in answer["alone"]]
            assert mine == [told(f, not as_text) for f in ordered(alone)]
            between = [f for f in check_together(entries, taxonomy) if entry.paper and path in (f.path, f.other) and f.code not in ELSEWHERE]
            assert sorted(map(repr, map(without_place, answer["together"]))) == sorted(repr(told(f, False)) for f in between)
            if files is bad:
                codes += [f["code"] for f in (*answer["alone"], *answer["together"])]
    assert code in codes


# The house format


def test_every_entry_is_written_and_judged_alike(page, collection, taxonomy):
    cases = []
    for paper in collection.values():
        rec = record(paper)
        del rec["key"]
        cases.append((f"papers/{paper.year}/{paper.key}.yaml", rec))
    agree(page, cases, taxonomy)


def test_entries_are_compared_alike(page, collection, taxonomy):
    root = PACKAGE.parent
    entries = [check_text(path, read_text(root / path), taxonomy)[0] for path, _ in entry_files(root)]
    # Rows stand in the collection's order, and are compared in that of the check.
    rows = [row(path_of(p), p) for p in collection.values()]
    assert [r[0] for r in rows] != [e.path for e in entries] and len(rows) == len(entries)
    found = [f for f in check_together(entries, taxonomy) if f.code not in ELSEWHERE]
    answers = page.evaluate(
        """([rows, cases]) => {
            const known = new Known(rows, checker);
            return cases.map(([path, record]) => {
                const { paper, written } = checker.check(path, record);
                return known.check(paper, written, paper.key);
            });
        }""",
        json.loads(json.dumps([rows, [[e.path, e.record] for e in entries]])),
    )
    told_of = {e.path: [] for e in entries}
    for f in found:
        for path in {f.path, f.other} - {""}:
            told_of[path].append(repr(told(f, False)))
    for entry, answer in zip(entries, answers, strict=True):
        assert sorted(repr(without_place(f)) for f in answer) == sorted(told_of[entry.path])
    assert found, "the collection has nothing to compare"


_WORDS = "memory facts neurons layers night editing of models rank update trace recall".split()
_PEOPLE = ["Ann Bau", "Cy Dee", "Eve Fox", "Gil Hay", "Ann J Bau", "Ida Joe"]


@st.composite
def neighbours(draw) -> dict[str, dict]:
    """Entries that have much in common, by path."""
    found = {}
    for number in range(draw(st.integers(2, 9))):
        words = draw(st.lists(st.sampled_from(_WORDS), min_size=1, max_size=6, unique=True))
        authors = draw(st.lists(st.sampled_from(_PEOPLE), min_size=1, max_size=4, unique=True))
        ids = draw(st.sampled_from([{"openreview": f"aBcDeFg{number:03}"}, {"arxiv": f"2202.0000{number}"}, {"doi": f"10.1000/{number}"}, {"openreview": "aBcDeFgHiJ"}]))
        link = draw(st.sampled_from([None, None, "https://github.com/a/b", "https://www.github.com/A/b/", "https://github.com/a/c"]))
        more = {"links": {"code": link}} if link else {}
        if draw(st.booleans()):
            more["related"] = [{"key": f"bau2022{draw(st.sampled_from('abc'))}", "as": "extends", "basis": "title"}]
        if draw(st.integers(0, 6)) == 0:
            more["former_keys"] = [f"bau2022{draw(st.sampled_from('abcxyz'))}"]
        venue = draw(st.sampled_from(["arxiv", "neurips", "acl"]))
        found[f"papers/2022/bau2022{'abcdefghi'[number]}.yaml"] = make_entry(title=" ".join(words), authors=authors, ids=ids, venue=venue, **more)
    return found


def test_neighbours_are_compared_alike(page, taxonomy):
    codes = set()

    @THOROUGH
    @given(st.lists(neighbours(), min_size=6, max_size=12))
    def same(collections):
        cases, expected = [], []
        for files in collections:
            entries = [check_text(path, dump(rec), taxonomy)[0] for path, rec in files.items()]
            assert all(entry.paper for entry in entries)
            found = [f for f in check_together(entries, taxonomy) if f.code not in ELSEWHERE]
            codes.update(f.code for f in found)
            for entry in entries:
                cases.append({"path": entry.path, "record": entry.record, "others": [row(e.path, e.paper) for e in entries if e is not entry]})
                expected.append(sorted(repr(told(f, False)) for f in found if entry.path in (f.path, f.other)))
        answers = [sorted(repr(without_place(f)) for f in answer["together"]) for answer in asked(page, cases)]
        assert answers == expected

    same()
    assert codes >= {"D401", "D402", "D403", "K905", "L805", "N508", "R951", "R952"}


def test_the_bounds_of_similarity_are_the_same(page, taxonomy):
    """Titles with so many words of their own and in common, authors likewise, all of them."""
    rare = [f"word{letter}" for letter in "abcdefghijkl"]
    people = [f"{name} Bau" for name in ("Ann", "Cy", "Eve", "Gil", "Ida", "Joe", "Kim", "Lea", "Mia")]
    files = {}
    for common in range(8):
        for mine in range(4):
            for theirs in (0, 2):
                for authors in range(6):
                    one = make_entry(title=" ".join(["Bau", *rare[: common + mine]]), authors=people[:5], ids={"openreview": "aBcDeFgHi1"}, venue="arxiv")
                    two = {**one, "title": " ".join(["Cat", *rare[:common], *rare[8 : 8 + theirs]]), "authors": [*people[:authors], *people[5 : 10 - authors]], "ids": {"openreview": "aBcDeFgHi2"}}
                    files[common, mine, theirs, authors] = one, two
    cases, expected = [], []
    for one, two in files.values():
        first, second = (check_text(f"papers/2022/bau2022{word}.yaml", dump(rec), taxonomy)[0] for word, rec in (("bau", one), ("cat", two)))
        cases.append({"path": second.path, "record": two, "others": [row(first.path, first.paper)]})
        found = check_together([first, second], taxonomy)
        expected.append([told(f, False) for f in found if f.code == "D403"])
    answers = [[without_place(f) for f in answer["together"] if f["code"] == "D403"] for answer in asked(page, cases)]
    assert answers == expected
    assert 20 < sum(map(bool, expected)) < len(expected) - 20, "no bounds are crossed"


STRINGS = [
    "", " ", "a", "A b", "no", "Yes", "null", "~", "~x", "true", "True", "1", "-1", "1.5", "2305.10", "0x1f", "1_000", "1e5", ".5", ".inf",
    "12:30", "2026-11-22", "2026-11", "2026-11-22T10:00", "2026 to 2027", "...", "... x", "...x", "---", "- x", "-x", "? x", "?x", "x?", ":x",
    "x:", "x: y", "x:y", "x #y", "x#y", "#x", "[x", "x]", "{x}", "x, y", "x,y", "&x", "*x", "!x", "|x", ">x", "'x'", '"x"', "x'y", 'x"y', "%x",
    "@x", "`x`", "=", "==", "<<", "<b>", "x\\y", "x\ty", "x\ny", "x\x07y", "x\x7fy", "x\x80y", "x\x85y", "x\xa0y", "x\xa0", "\u2028", "x\u2028y",
    "\ufeffx", "x\ufeffy", "x\ufffey", "Méng", "Me\u0301ng", "孟凡一", "😀", "x😀y", "-h6WAS6eE4", "0123", "00", "1.2.3", "+1", "+x", "y", "n",
    "=x", "x=y", "0b1", "0o7", "1:2:3", "10.18653/v1/2023.emnlp-main.1", "https://example.org/?a=1&b=2", "C++", "a" * 70000, "null ", "\u3000x",
]  # fmt: skip


def scalars(page, strings) -> list:
    return page.evaluate("(texts) => texts.map((t) => [checker.house.scalar(t), checker.house.scalar(t, true)])", strings)


def test_scalars_are_quoted_alike(page):
    for text, answer in zip(STRINGS, scalars(page, STRINGS), strict=True):
        assert answer == [scalar(text), scalar(text, flow=True)], repr(text[:80])


_LETTERS = st.sampled_from(list("aZ059 .-:#?!&*[]{},'\"\\|>%@`=<~_+eExXtTnNyY/\t\n\u00e9\u2028\ufeff\u3000\U0001f600"))


def test_any_scalar_is_quoted_alike(page):
    @THOROUGH
    @given(st.lists(st.text(_LETTERS, max_size=14), min_size=30, max_size=60))
    def same(texts):
        assert scalars(page, texts) == [[scalar(t), scalar(t, flow=True)] for t in texts]

    same()


def test_long_texts_are_folded_alike(page):
    words = st.text(st.sampled_from(list("ab-,.é😀\u00a0")), min_size=1, max_size=30)
    gaps = st.sampled_from([" ", " ", " ", "  ", "\t", "\n", "\u00a0", "\u2003"])

    @THOROUGH
    @given(st.lists(st.lists(st.tuples(words, gaps), max_size=40).map(lambda p: "".join(a + b for a, b in p)), min_size=5, max_size=10))
    def same(texts):
        records = [{"summary": text, "note": text[::-1]} for text in texts]
        answers = page.evaluate("(records) => records.map((r) => checker.house.write(r).text)", records)
        assert answers == [dump(r) for r in records]

    same()


def test_the_last_column_is_the_same(page):
    texts = ["x" * a + " " + "y" * b for a in (1, 5, 40, 75) for b in range(30, 90)] + ["x" * n for n in range(60, 95)]
    records = [{"summary": text, "authors": [text[:40], text[40:] or "z"], "ids": {"arxiv": text[:60]}, "acronym": text, "pitfalls": [{"id": text[:9]}]} for text in texts]
    answers = page.evaluate("(records) => records.map((r) => checker.house.write(r).text)", records)
    assert answers == [dump(r) for r in records]


# What nobody would write


HOSTILE = [
    {"title": "x" * 501}, {"title": " x"}, {"title": "x "}, {"title": "<script>alert(1)</script> & \"co\""}, {"title": 5}, {"title": ["x"]},
    {"title": {"a": "b"}}, {"title": "\\textbf{x} – ‘y’ “z” ``q''"}, {"title": "Eﬀects of  editing , and more ."}, {"title": "Multi- hop"},
    {"title": "Long- and short-term"}, {"title": "Editing:now"}, {"title": "A 3:1 ratio"}, {"title": "éinLanguage onGPT2 ofModels forLLMs"},
    {"title": "ÉDITION DES FAITS DANS LES MODÈLES"}, {"title": "Knowlege edting for langauge modles"}, {"title": "Me\u0301thode"},
    {"authors": []}, {"authors": "Kevin Meng"}, {"authors": [5, "Kevin Meng"]}, {"authors": [["a"]]}, {"authors": [{"given": " x", "foo": 1}]},
    {"authors": [{"given": "Kevin", "family": "Meng"}, {"literal": "Big Team, Inc"}, {}]}, {"authors": [{"family": "Meng", "orcid": "0000"}]},
    {"authors": ["KEVIN MENG", "Kevin MENG1", "Meng, Kevin", "K. Meng and D. Bau", "Robert Jr.", "et al.", "and others", "...", "Ann  Bau", "ann bau"]},
    {"authors": ["Nicola De Cao", "Laurens van der Maaten", "Robert L. Logan IV", "M\u00c3\u00a9ng", "Me\u0301ng X", "A_B C", "Dr Ü²", "ǅ X"]},
    {"authors": [" x", "x" * 501, ""]}, {"authors": ["12345"]}, {"authors": ["孟凡一"]},
    {"year": "2022"}, {"year": 1800}, {"year": 3000}, {"year": [2022]}, {"venue": "Neurips"}, {"venue": "nips"}, {"venue": "zzz"}, {"venue": 5},
    {"ids": "x"}, {"ids": ["x"]}, {"ids": {"foo": "x", "arxiv": "2202.5262"}}, {"ids": {"arxiv": 2202}}, {"ids": {"doi": "https://doi.org/10.1162/x"}},
    {"ids": {"arxiv": "https://arxiv.org/pdf/2202.05262v3.pdf", "doi": "doi:10.1162/TACL_a", "anthology": "https://aclanthology.org/2023.emnlp-main.1/", "openreview": "https://openreview.net/forum?id=-h6WAS6eE4"}},
    {"ids": {"arxiv": "hep-th/9901001"}}, {"ids": {"arxiv": "math.GT/0309136"}}, {"ids": {"anthology": "P19-1001"}}, {"ids": {"openreview": "x y"}},
    {"links": {"code": "javascript:alert(1)"}}, {"links": {"code": "http://[::1"}}, {"links": {"code": "http://[::1]/x"}}, {"links": {"code": "http://a℀b.com/x"}},
    {"links": {"code": "http://localhost/a", "project": "http://192.168.1.1/x", "data": "http://user@example.org/", "paper": "https://github.com/a/b"}},
    {"links": {"code": "https://github.com/a/b.git/", "project": "https://example.org/a).", "data": "https://example.org/(a)"}},
    {"links": {"code": "https://huggingface.co/papers/1", "project": "https://www.GitHub.com/a", "data": "https://example.org/x.PDF"}},
    {"links": {"code": "https://example.org/" + "x" * 500}}, {"links": {"code": "https://exa mple.org"}}, {"links": {"code": 5, "foo": "x"}},
    {"kinds": ["x", 3]}, {"kinds": "method"}, {"kinds": ["method", "Method"]}, {"proposes": {"methods": ["ROME", "rme"]}}, {"proposes": {"foo": ["x"]}},
    {"proposes": {"methods": "rome"}}, {"proposes": {"families": ["locate-and-edi"]}, "studies": {"benchmarks": ["zsr", "qqqqqq"]}},
    {"pitfalls": [{"id": "localty", "stance": "show", "basis": "abstract"}]}, {"pitfalls": [{"id": "locality"}]}, {"pitfalls": ["locality"]},
    {"pitfalls": [{"id": "locality", "stance": "shows", "basis": "abstract", "note": "x" * 501, "foo": "y"}]}, {"pitfalls": {"id": "x"}},
    {"summary": "x " * 100}, {"summary": "x" * 2001}, {"summary": 5}, {"summary": "Line one\nline two: yes"}, {"note": "# no comment"},
    {"related": [{"key": "x", "as": "y"}]}, {"related": [{"key": "meng2022locating", "as": "extends", "basis": "title", "note": "a, b"}]},
    {"venue": "NIPS"}, {"venue": "NeurIPS 2022"}, {"venue": "Zzq"}, {"venue": "x y " * 30}, {"venue": "Findings of the ACL"}, {"venue": ""}, {"venue": "2022"}, {"venue": "ICLR'24"},
    {"studies": {"methods": ["MEMIT", "In-Context Knowledge Editing", " "], "benchmarks": ["CounterFact+"]}}, {"pitfalls": [{"id": "Locality", "stance": "shows", "basis": "title"}]},
    {"year": "2022"}, {"year": "2022\n"}, {"year": "0x1"}, {"authors": "Meng, Bau."}, {"authors": "a" * 61}, {"kinds": ""}, {"kinds": 5}, {"ids": {"qqqqqq": "x"}}, {"qqqqqqqq": "x"},
    {"links": {"code": "www.example.org", "project": "example.org/ä", "paper": "example.org/<b>", "data": "Example.org?x"}}, {"links": {"code": "a.b", "data": "a." + "b" * 200, "project": "example.org\n"}},
    {"links": {"code": "https://me:x@example.org/a", "data": "http://me@localhost/"}}, {"venue": 5}, {"title": True},
    {"status": "gone"}, {"status": "retracted"}, {"published": "2022-13"}, {"published": "2021-12"}, {"pages": "1--2"}, {"volume": "12"}, {"volume": 12},
    {"venue": "arxiv", "volume": "3", "pages": "1-2", "booktitle": "X", "ids": {"anthology": "2022.emnlp-main.1"}},
    {"annotated": {"basis": "title", "on": "2026-11-31"}}, {"annotated": {"basis": "title", "on": "2024-02-29"}}, {"annotated": {"basis": "title", "on": "2023-02-29"}},
    {"annotated": {"basis": "guess", "on": "yesterday"}}, {"annotated": {"basis": "abstract", "on": "2026-11-22", "by": "me"}},
    {"unconfirmed": ["foo"]}, {"unconfirmed": ["tags", "venue", "year"]}, {"former_keys": ["Meng"]}, {"former_titles": ["x", " y"]},
    {"protect": ["zzz"], "official_typo": ["Facts", "GPT"]}, {"acronym": "x: y"}, {"acronym": "[ROME]"}, {"sources": []}, {"sources": "arXiv"},
    {"sources": ["a, b", "it's", "x: y", "http://x"]}, {"title": None, "authors": None, "year": None, "venue": None, "kinds": None, "annotated": None, "sources": None},
]  # fmt: skip


def test_hostile_records_are_judged_alike(page, taxonomy):
    cases = [(PATH, make_entry(**fields)) for fields in HOSTILE if not (fields.get("annotated") or {}).get("by")]
    agree(page, cases, taxonomy)


@pytest.mark.parametrize("path", ["papers/2022/Meng.yaml", "papers/2022/x.yml", "papers/x.YAML", "papers/.yml", "papers/a.b", "papers/a", "papers/x.yaml", "papers/2022/a/x.yaml", "papers/22/meng2022locating.yaml", "papers/2021/meng2022locating.yaml",
                                  "papers/2022/andonian2022editing.yaml", "papers/2022/meng2025locating.yaml", "papers/2022/meng2022locatingand.yaml"])  # fmt: skip
def test_paths_are_judged_alike(page, taxonomy, path):
    agree(page, [(path, make_entry())], taxonomy)


def test_keys_are_made_alike(page, collection):
    names = [p.names[0].printed for p in collection.values()] + ["Nicola De Cao", "Laurens van der Maaten", "Łukasz Æbelø", "孟凡一", "Big Team"]
    titles = [p.title for p in collection.values()] + ["The a An", "A", "“Quoted” Words", "GPT-3's Beliefs", "中文"]
    cases = [[name, 2024, titles[i % len(titles)]] for i, name in enumerate(names)]
    answers = page.evaluate("(cases) => cases.map((c) => makeKey(...c))", cases)
    assert answers == [make_key(split_name(n), y, t) for n, y, t in cases]


def test_a_key_that_is_taken_runs_on_alike(page, collection):
    cases = []
    for paper in list(collection.values())[::7]:
        author = record(paper)["authors"][0]
        taken = []
        for _ in range(3):
            cases.append([author, paper.year, paper.title, list(taken)])
            taken.append(free_key({"authors": [author], "year": paper.year, "title": paper.title}, taken))
    assert len(cases) > 100
    answers = page.evaluate("(cases) => cases.map((c) => freeKey(...c))", cases)
    assert answers == [free_key({"authors": [a], "year": y, "title": t}, taken) for a, y, t, taken in cases]
