"""Method files are read without being run, and whatever is wrong with them is told, not raised."""

from __future__ import annotations

import pytest

from survey.files.implementations import Implementation, Implementations, Preset, split_docstring
from tests.files.packages import ROME, make_package, rome


@pytest.fixture
def read(tmp_path):
    """`read(text, files)` returns the method rome of a package with this source and these files."""

    def read(text: str | bytes = ROME, files: dict[str, str] | None = None) -> Implementation:
        package = make_package(tmp_path, {"methods/rome.py": text, **(files or {})})
        return Implementations(package)["survey.editing.methods.rome"]

    return read


def told(found: Implementation) -> list[tuple[str, int, str]]:
    return [(p.path, p.line, p.message) for p in found.problems]


def test_everything_that_a_file_says(read):
    found = read()
    assert found.problems == () and found.parsed
    assert (found.path, found.module) == ("survey/editing/methods/rome.py", "survey.editing.methods.rome")
    assert found.title == "ROME: rank-one model editing."
    assert found.prose == ("The key is read at the last token (equation 3), and one update writes the pair.", "A second paragraph.")
    assert found.faithful == ("The `key` is averaged over prefixes, which are sampled.", "Weight decay.")
    assert found.deviates == ("Only the blocks above are computed.",)
    assert (found.id, found.paper, found.options) == ("rome", "meng2022locating", {"batch": False})
    lines = ROME.splitlines()
    assert lines[found.line - 1].startswith("def rome") and "raise SystemExit" in lines[found.end - 1]
    assert found.presets == (Preset("gpt2-xl", {"layer": "17", "clamp": "5e-1"}), Preset("gpt-j", {}))


def test_settings_begin_with_what_is_inherited(read):
    settings = read().settings
    assert [(s.name, s.type, s.default) for s in settings] == [("seed", "int", "0"), ("layer", "int", "5"), ("clamp", "float", "4.0")]
    assert settings[0].meaning == "Seed of all that is random."
    assert settings[0].path == "survey/editing/method.py" and settings[1].path == "survey/editing/methods/rome.py"
    assert ROME.splitlines()[settings[1].line - 1].strip() == "layer: int = 5"


@pytest.mark.parametrize(
    ("imports", "base"),
    [
        ("from survey.editing import method as m", "m.Config"),
        ("from survey.editing.method import Config as Other", "Other"),
        ("import survey.editing.method", "survey.editing.method.Config"),
        ("import survey.editing.method as m", "m.Config"),
        ("from .. import method as m", "m.Config"),
        ("from ..method import Config as Other", "Other"),
        ("from . import kn", "kn.Config"),
        ("from survey.editing.methods.kn import Config as Other", "Other"),
        ("from survey.editing import Config as Other", "Other"),
    ],
)
def test_bases_are_found_however_they_are_imported(read, imports, base):
    text = rome(("from survey.editing.method import Config as Base", imports), ("Config(Base)", f"Config({base})"))
    passed_on = "from survey.editing.method import Config\n"
    found = read(text, {"methods/kn.py": passed_on, "methods/__init__.py": "", "__init__.py": passed_on})
    assert found.problems == ()
    assert [s.name for s in found.settings] == ["seed", "layer", "clamp"]


def test_a_field_given_anew_keeps_its_place_and_its_meaning(read):
    settings = read(rome(("    layer: int", "    seed: int = 7\n    layer: int"))).settings
    assert [s.name for s in settings] == ["seed", "layer", "clamp"]
    assert (settings[0].default, settings[0].meaning) == ("7", "Seed of all that is random.")


def test_several_bases_and_bases_of_bases(read):
    more = "class Middle(Base):\n    middle: int = 1\n\nclass Mixed:\n    mixed: int = 2\n\n"
    found = read(rome(
        ("class Config(Base):", f"{more}class Config(Middle, Mixed, Protocol):"),
        ("from dataclasses", "from typing import Protocol\nfrom dataclasses"),
    ))  # fmt: skip
    assert found.problems == ()
    assert [s.name for s in found.settings] == ["mixed", "seed", "middle", "layer", "clamp"]


@pytest.mark.parametrize(
    ("written", "default"),
    [
        ("x: float = 1e-05", "1e-05"), ("x: int = 15_000", "15_000"), ('x: str = "ü"', '"ü"'), ("x: int", None),
        ("x: int = (1 +\n        2)", "1 + 2"), ("x: tuple = field(default=(1, 2))", "(1, 2)"),
        ("x: list = field(default_factory=list)", "list()"), ("x: list = field(default_factory=lambda: [1])", "[1]"),
    ],
)  # fmt: skip
def test_defaults_stand_as_they_were_written(read, written, default):
    assert read(rome(("layer: int = 5", f"{written}\n    '''Some.'''\n    layer: int = 5"))).settings[1].default == default


def test_what_belongs_to_the_class_is_no_setting(read):
    found = read(rome(("layer: int = 5", "kind: ClassVar[str] = 'x'\n    layer: int = 5")))
    assert [s.name for s in found.settings] == ["seed", "layer", "clamp"]


def test_presets_of_another_method(read):
    text = rome(("presets=PRESETS", "presets=kn.PRESETS"), ("from dataclasses", "from survey.editing.methods import kn\nfrom dataclasses"))
    assert read(text, {"methods/kn.py": 'PRESETS = {"a": {"layer": 3}}\n'}).presets == (Preset("a", {"layer": "3"}),)


@pytest.mark.parametrize(
    ("old", "new", "place", "message"),
    [
        ("def rome(", "def rome(]", "def rome(]", "this is no Python"),
        ("def rome(", "\0def rome(", "", "this is no Python"),
        ('@method("rome"', '@other("rome"', "", 'no function has the decorator @method("...")'),
        ("def rome(", 'def one():\n    pass\n@method("rome")\ndef rome(', "", "more than one function has the decorator"),
        ('@method("rome"', "@method(NAME", "@method(", "the id must be a literal, not NAME"),
        ('@method("rome", ', "@method(", "@method(", "@method needs the id"),
        ('paper="meng2022locating"', "paper=f()", "@method(", "paper= must be a literal, not f()"),
        ("presets=PRESETS", "presets=make()", "@method(", "presets= must be a literal"),
        ("presets=PRESETS", "presets=NOTHING", "@method(", "presets= must be a literal"),
        ('"gpt-j": {}', '"gpt-j": dict(layer=1)', "dict(", "the preset gpt-j must be a literal"),
        ('"gpt-j": {}', "**OTHER", "**OTHER", "presets must be written out"),
        ('{"layer": 17', '{**OTHER', "**OTHER", "presets must be written out"),
        ('{"layer": 17', "{[1]: 17", "[1]", "presets must be written out"),
        ("class Config", "class Settings", "", "there is no class Config"),
        ("Config(Base)", "Config(method.Nothing)", "class Config", "method.Nothing, which Config inherits from, is not to be found"),
        ("Config(Base)", "Config(Nowhere)", "class Config", "Nowhere, which Config inherits from, is not to be found"),
        ("Config(Base)", "Config(Config)", "class Config", "the class Config inherits from itself"),
        ("@dataclass(frozen=True)\nclass Config(Base):", "Config = Config\nclass Other:", "", "Config leads in a circle"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(read, old, new, place, message):
    text = rome((old, new))
    ((path, line, found),) = told(read(text))
    assert path == "survey/editing/methods/rome.py" and message in found
    assert line == 1 if not place else place in text.splitlines()[line - 1]


def test_all_that_can_be_read_is_read_beside_a_problem(read):
    found = read(rome(('@method("rome"', '@other("rome"')))
    assert found.parsed and found.title and [s.name for s in found.settings] == ["seed", "layer", "clamp"]
    assert not read(b"\xff\xfe").parsed


def test_a_file_that_is_not_there(tmp_path):
    found = Implementations(make_package(tmp_path, {}))["survey.editing.methods.rome"]
    assert told(found) == [("", 1, "there is no file survey/editing/methods/rome.py")] and not found.parsed


def test_a_package_without_methods(tmp_path):
    sources = Implementations(tmp_path)
    assert sources.modules == () and list(sources.files()) == []


def test_modules_and_the_files_that_an_answer_depends_on(tmp_path):
    sources = Implementations(make_package(tmp_path, {"methods/__init__.py": "", "methods/rome.py": ROME, "methods/_shared.py": "", "methods/kn.py": "", "values.py": ""}))
    assert sources.modules == ("survey.editing.methods.kn", "survey.editing.methods.rome")
    assert {path for path, _ in sources.files()} >= {"survey/editing/values.py", "survey/editing/method.py", "survey/editing/methods/rome.py"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ("", (), (), ())),
        ("Title\nover two lines.", ("Title over two lines.", (), (), ())),
        ("T.\n\nDeviates:\n- a\n\nFaithful:\n\n- b\n\n- c\n\nMore.", ("T.", ("More.",), ("b", "c"), ("a",))),
        ("T.\n\nFaithful:\n- a\ngoes on\n  and on", ("T.", (), ("a goes on and on",), ())),
        ("T.\n\nFaithful: all of it.\n- x", ("T.", ("Faithful: all of it. - x",), (), ())),
        ("T.\n\nFaithful:\nno item", ("T.", ("no item",), (), ())),
    ],
)
def test_docstrings_are_split(text, expected):
    title, prose, sections = split_docstring(text)
    assert (title, prose, sections["faithful"], sections["deviates"]) == expected


def test_the_methods_of_this_package_can_be_read(taxonomy):
    """They need torch to run, and nothing to be read."""
    sources = Implementations()
    for term in taxonomy.methods.values():
        if term.implementation and term.implementation in sources.modules:
            found = sources[term.implementation]
            assert (found.problems, found.id) == ((), term.id)
            assert found.settings
