"""The taxonomy and the methods that run here name each other, and the methods tell what they do."""

from __future__ import annotations

import pytest

from survey.checks.run import check, check_taxonomy
from survey.collection.taxonomy import Method, Terms
from survey.files import cache, load
from survey.files import implementations as module
from survey.files.implementations import Implementations
from tests.entries import PATH, make_entry, make_root
from tests.files.packages import BASE, ROME, make_package, rome

METHODS_YAML = "survey/collection/taxonomy/methods.yaml"
ROME_PY = "survey/editing/methods/rome.py"


@pytest.fixture
def found(tmp_path, taxonomy):
    """`found({file: text}, {method: module})` returns what is told of such a package."""

    def found(files: dict[str, str], named: dict[str, str]):
        terms = [
            Method(id=id, name=id, family="locate-and-edit", papers=taxonomy.methods[id].papers,
                   implementation=f"survey.editing.methods.{name}" if name else None)
            for id, name in named.items()
        ]  # fmt: skip
        made_up = taxonomy.model_copy(update={"methods": Terms(terms)})
        return check_taxonomy(made_up, Implementations(make_package(tmp_path, files)))

    return found


def one(findings):
    (finding,) = findings
    assert finding.message and "\n" not in finding.message
    return finding.code, finding.path, finding.line or finding.where


def test_a_method_that_is_as_it_should_be(found):
    assert found({"methods/rome.py": ROME}, {"ke": "", "rome": "rome"}) == []


def test_a_file_that_is_not_there(found):
    findings = found({"methods/rome.py": ROME}, {"rome": "rome", "r-rome": "r_rome"})
    assert one(findings) == ("M971", METHODS_YAML, (1, "implementation"))
    assert findings[0].message == "r-rome: there is no file survey/editing/methods/r_rome.py"
    assert findings[0].hint == "did you mean rome?"


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (("def rome(", "def rome(]"), "def rome(]"),
        (('@method("rome"', "@method(NAME"), "@method("),
        (("Config(Base)", "Config(Nowhere)"), "class Config"),
    ],
)
def test_a_file_that_cannot_be_read(found, change, place):
    text = rome(change)
    line = next(i for i, written in enumerate(text.splitlines(), 1) if place in written)
    assert one(found({"methods/rome.py": text}, {"rome": "rome"})) == ("M971", ROME_PY, line)


def test_a_file_of_another_method(found):
    findings = found({"methods/rome.py": rome(('@method("rome"', '@method("memit"'))}, {"rome": "rome"})
    assert one(findings) == ("M972", METHODS_YAML, (0, "implementation"))
    assert "'memit'" in findings[0].message


def test_two_methods_cannot_share_a_file(found):
    findings = found({"methods/rome.py": ROME}, {"rome": "rome", "r-rome": "rome"})
    assert one(findings) == ("M972", METHODS_YAML, (1, "implementation"))


def test_a_file_that_no_method_names(found):
    findings = found({"methods/rome.py": ROME, "methods/_shared.py": "", "methods/__init__.py": ""}, {"rome": ""})
    assert one(findings) == ("M973", ROME_PY, 1)
    assert findings[0].hint == "write implementation: survey.editing.methods.rome for rome in methods.yaml"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (('paper="meng2022locating"', 'paper="meng2023massediting"'), "'meng2023massediting' is no founding paper of rome"),
        (('paper="meng2022locating", ', ""), "no paper= is given"),
    ],
)
def test_a_paper_that_the_method_was_not_founded_by(found, change, message):
    text = rome(change)
    findings = found({"methods/rome.py": text}, {"rome": "rome"})
    line = text.splitlines().index("def rome(model, edits, config, run):") + 1
    assert one(findings) == ("M974", ROME_PY, line)
    assert (findings[0].message, findings[0].hint) == (message, "methods.yaml has meng2022locating")


def test_a_method_without_founding_paper_names_none(found):
    text = rome(('"rome", paper="meng2022locating"', '"lora"'))
    assert found({"methods/lora.py": text}, {"lora": "lora"}) == []
    assert one(found({"methods/lora.py": rome(('"rome"', '"lora"'))}, {"lora": "lora"}))[0] == "M974"


def test_a_setting_without_meaning(found):
    text = rome(('    """Block that is edited, counted from 0."""\n', ""))
    line = text.splitlines().index("    layer: int = 5") + 1
    assert one(found({"methods/rome.py": text}, {"rome": "rome"})) == ("M975", ROME_PY, line)


def test_an_inherited_setting_without_meaning_is_told_once_where_it_stands(found):
    base = BASE.replace('    """Seed of all that\n    is random."""\n', "")
    files = {"method.py": base, "methods/rome.py": ROME, "methods/r_rome.py": rome(('"rome", paper="meng2022locating"', '"r-rome", paper="gupta2024rebuilding"'))}
    finding = next(iter(found(files, {"rome": "rome", "r-rome": "r_rome"})))
    assert one([finding]) == ("M975", "survey/editing/method.py", base.splitlines().index("    seed: int = 0") + 1)
    assert [f.code for f in found(files, {"rome": "rome", "r-rome": "r_rome"})].count("M975") == 1


def test_a_file_without_docstring(found):
    text = ROME[ROME.index("from dataclasses") :]
    assert one(found({"methods/rome.py": text}, {"rome": "rome"})) == ("M975", ROME_PY, 1)


@pytest.mark.parametrize("heading", ["Faithful:", "Deviates:"])
def test_a_docstring_that_does_not_tell_how_faithful_it_is(found, heading):
    findings = found({"methods/rome.py": rome((heading, "More:"))}, {"rome": "rome"})
    assert one(findings) == ("M976", ROME_PY, 1)
    assert findings[0].message == f"the docstring has no list {heading}"


def test_all_of_it_is_told_at_once(found):
    broken = rome(('paper="meng2022locating"', 'paper="x"'), ("Faithful:", "More:"), ('    """Block that is edited, counted from 0."""\n', ""))
    findings = found({"methods/rome.py": broken, "methods/kn.py": "("}, {"rome": "rome", "memit": "memit"})
    assert sorted(f.code for f in findings) == ["M971", "M973", "M974", "M975", "M976"]


# As a part of `survey check`


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A made-up package in the place of ours; the taxonomy stays."""
    folder = make_package(tmp_path / "package", {"methods/rome.py": rome(('paper="meng2022locating"', 'paper="x"'))})
    monkeypatch.setattr(module, "PACKAGE", folder)
    return folder


@pytest.fixture
def clone(tmp_path):
    """A collection in something like a clone: the taxonomy is there."""
    root = make_root(tmp_path / "clone", {PATH: make_entry()})
    (root / METHODS_YAML).parent.mkdir(parents=True)
    (root / METHODS_YAML).write_bytes((load.TAXONOMY / "methods.yaml").read_bytes())
    return root


def told(root, only=None):
    return [f for f in check(root, only).findings if f.code.startswith("M")]


def test_the_place_is_the_line_that_names_the_implementation(package, clone):
    finding = next(f for f in told(clone) if "r-rome" in f.message)
    text = (clone / METHODS_YAML).read_text().splitlines()
    assert (finding.path, text[finding.line - 1]) == (METHODS_YAML, "  implementation: survey.editing.methods.r_rome")
    assert text[finding.line - 1][finding.column - 1 :] == "survey.editing.methods.r_rome"


def test_only_what_was_asked_for_is_told(package, clone):
    file = clone / ROME_PY
    file.parent.mkdir(parents=True)
    file.write_text(ROME)
    assert {f.code for f in told(clone)} == {"M971", "M974"}
    assert [f.code for f in told(clone, [file])] == ["M974"]
    assert told(clone, [clone / "papers"]) == []


def test_outside_of_a_clone_the_methods_are_not_looked_at(package, tmp_path, monkeypatch):
    monkeypatch.setattr(module.ast, "parse", None)
    assert told(make_root(tmp_path / "else", {PATH: make_entry()})) == []


def test_nothing_is_parsed_again_until_a_method_changes(package, clone, monkeypatch):
    monkeypatch.setenv("SURVEY_CACHE", str(clone.parent / "cache"))
    monkeypatch.setattr(cache, "_SETTLED_NS", -1)
    parsed = []
    real = module.ast.parse
    monkeypatch.setattr(module.ast, "parse", lambda text: parsed.append(text) or real(text))
    first = told(clone)
    assert "M974" in {f.code for f in first} and len(parsed) == 2
    parsed.clear()
    assert told(clone) == first and parsed == []
    # What is inherited counts, too.
    (package / "editing" / "method.py").write_text(BASE.replace('    """Seed of all that\n    is random."""\n', ""))
    assert {f.code for f in told(clone)} == {"M971", "M974", "M975"} and parsed
    (package / "editing" / "methods" / "rome.py").write_text(ROME)
    assert {f.code for f in told(clone)} == {"M971", "M975"}


def test_every_method_of_the_survey_runs_here(tmp_path, taxonomy):
    terms = [
        Method(id="rome", name="ROME", family="locate-and-edit", papers=("meng2022locating",), survey=True,
               implementation="survey.editing.methods.rome"),
        Method(id="mend", name="MEND", family="meta-learning", survey=True),
        Method(id="newer", name="Newer", family="meta-learning"),
    ]  # fmt: skip
    made_up = taxonomy.model_copy(update={"methods": Terms(terms)})
    findings = check_taxonomy(made_up, Implementations(make_package(tmp_path, {"methods/rome.py": ROME})))
    assert one(findings) == ("M977", METHODS_YAML, (1, "survey"))
    assert findings[0].message == "mend is a method of the survey and has no implementation"
    assert findings[0].hint == "write survey/editing/methods/mend.py and name it here"
