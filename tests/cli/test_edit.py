"""`survey edit`: what it shows and tells, on a tiny model with random weights."""

from __future__ import annotations

import dataclasses
import importlib.util
import io
import json
import re
import sys

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from survey.cli import edit, edit_text  # noqa: E402
from survey.editing import loading, patch, report  # noqa: E402
from survey.editing.edit import Edit  # noqa: E402
from survey.editing.session import compute  # noqa: E402
from tests.editing.tiny import tiny_folder  # noqa: E402

PROMPT, SUBJECT, TARGET, WAS = "{} is located in the city of", "The old museum", "Oslo", "Rome"
WORDS = ("--prompt", PROMPT, "--subject", SUBJECT, "--target", TARGET)
TRAIN = ("fine-tuning", *WORDS, "--set", "layers=()", "--set", "lr=.02")
PROBES = ("--probe", "The old museum is in", "--probe", "I live in")
KEYS = ("method", "model", "seed", "edit", "before", "after", "probes", "seconds", "patch", "restored")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return str(tiny_folder(tmp_path_factory.mktemp("llama")))


@pytest.fixture
def model(folder):
    return loading.load_model(folder)


def made(model, probes=("I live in",), **more):
    """A report of fine-tuning."""
    return report.run(
        model, [Edit(PROMPT, SUBJECT, TARGET, WAS)], method="fine-tuning", probes=probes,
        settings={"layers": "()", "lr": "0.02"}, **more,
    )  # fmt: skip


def test_json_says_what_the_model_says(survey, folder, model):
    code, out, err = survey("edit", *TRAIN, "--was", WAS, *PROBES, "--model", folder, "--seed", "3", "--format", "json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert tuple(found)[: len(KEYS)] == KEYS
    assert (found["method"], found["model"], found["seed"]) == ("fine-tuning", folder, 3)
    assert found["edit"] == {"prompt": PROMPT, "subject": SUBJECT, "target": TARGET, "was": WAS}
    text = f"{SUBJECT} is located in the city of"
    assert found["before"]["p_target"] == pytest.approx(model.probability(text, TARGET), rel=1e-3)
    assert found["before"]["p_was"] == pytest.approx(model.probability(text, WAS), rel=1e-3)
    assert found["before"]["text"] == model.generate(text, 20)
    assert found["before"]["top"][0][0] == model.most_probable(text, 1)[0][0]
    assert [len(found[when]["top"]) for when in ("before", "after")] == [5, 5]
    assert found["after"]["p_target"] > 0.9 > found["before"]["p_target"]
    assert found["after"]["text"].startswith(f" {TARGET}")
    assert [p["prompt"] for p in found["probes"]] == ["The old museum is in", "I live in"]
    assert [p["before"] for p in found["probes"]] == [model.generate(p["prompt"], 20) for p in found["probes"]]
    made_patch = compute("fine-tuning", model, [Edit(PROMPT, SUBJECT, TARGET, WAS)], seed=3, layers=(), lr=0.02)
    assert found["patch"]["kind"] == "weights" and found["patch"]["bytes"] == made_patch.bytes
    assert found["patch"]["relative_norm"] == pytest.approx(made_patch.relative_norm(model), rel=1e-3)
    with_patch = found["probes"][0]["after"]
    model.apply(made_patch)
    assert with_patch == model.generate("The old museum is in", 20)
    assert found["restored"] is True and found["seconds"] > 0
    assert found["settings"]["layers"] == [] and found["preset"] is None


def test_without_an_old_answer_there_is_no_probability(survey, folder):
    _, out, _ = survey("edit", *TRAIN, "--model", folder, "--format", "json")
    found = json.loads(out)
    assert found["edit"]["was"] is found["before"]["p_was"] is found["after"]["p_was"] is None
    assert [p["prompt"] for p in found["probes"]] == report.probes_for([Edit(PROMPT, SUBJECT, TARGET)])


def test_own_probes_ask_about_the_subject_and_the_old_answer():
    assert report.probes_for([Edit("{} is in", "the Louvre", "London", "Paris")]) == [
        "The Louvre is", "When people hear of the Louvre, they think of", "Paris is",
    ]  # fmt: skip
    assert report.probes_for([Edit("{} is in", "the Louvre", "London")])[-1] == "London is"
    assert report.probes_for([]) == []


@pytest.mark.parametrize("width", [40, 60, 76, 100, 120])
def test_text_fits_the_terminal(survey, folder, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    code, out, err = survey("edit", *TRAIN, "--was", WAS, *PROBES, "--model", folder)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert max(map(len, lines[1:])) <= width  # The first has the model's name, here a long path.
    assert lines[0] == f"FT on {folder}"
    beside = any(line.startswith("Before ") and line.endswith(" After") for line in lines)
    assert beside == (width >= 76)
    words = " ".join(out.split())
    assert f"{SUBJECT} is located in the city of" in words and f"target {TARGET}" in words and f"was {WAS}" in words
    assert "model restored, bit for bit" in words
    assert "\033" not in out


def test_text_marks_what_changed(model):
    found = made(model)
    probes = (report.Probe("I live in", " Oslo", " Oslo"), report.Probe("The museum", " is\nhere", " was"))
    lines = edit_text.lines(dataclasses.replace(found, probes=probes), 100)
    at = lines.index("Other prompts  1 of 2 changed")
    assert lines[at + 1 : at + 8] == [
        "", "  I live in", "    same    Oslo", "", "  The museum", "    before  is ↵ here", "    changed was",
    ]  # fmt: skip


def test_numbers_stand_beside_bars(model):
    answer = report.Answer(0.5, 0.0004, " Oslo", ((" Oslo", 0.5), ("\n", 0.25), (" x", 0.0002)))
    odds = edit_text._odds(Edit(PROMPT, SUBJECT, TARGET, WAS), answer, 48)
    assert odds[0].split() == ["target", "Oslo", "0.500", "█" * 10 + "░" * 10]
    assert odds[1].split() == ["was", "Rome", "<.001", "░" * 20]
    assert [line.split()[:-2] for line in odds[4:]] == [['"', 'Oslo"'], ['"↵"']]
    assert [edit_text.probability(p) for p in (0, 1, 0.9999, 0.1234)] == ["0.000", "1.000", ">.999", "0.123"]


def test_colours_change_nothing_but_the_colours(model, monkeypatch):
    found = made(model)
    bare = edit_text.lines(found, 100)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    coloured = edit_text.lines(found, 100)
    assert any("\033[1m" in line for line in coloured) and any("\033[2m" in line for line in coloured)
    assert [re.sub(r"\033\[[\d;]*m", "", line).rstrip() for line in coloured] == bare
    monkeypatch.setenv("NO_COLOR", "1")
    assert edit_text.lines(found, 100) == bare


def test_a_small_quotient_of_rome_is_warned_of(model):
    found = made(model)
    for ratio, warned in ((0.016, True), (0.3, False)):
        text = " ".join(edit_text.lines(dataclasses.replace(found, about={"key_ratio": ratio}), 100))
        assert ("key_ratio is 0.016" in text and "Try r-rome" in text) == warned


def test_what_is_not_restored_is_told(model, monkeypatch):
    monkeypatch.setattr(model, "remove", lambda patch: None)
    found = made(model)
    assert found.restored is False
    assert any("NOT restored" in line for line in edit_text.lines(found, 200))


def test_the_model_is_given_back_where_asking_fails(model, monkeypatch):
    before = report.bits(model)
    calls = []

    def fail(prompts, tokens=20):
        calls.append(1)
        if len(calls) == 2:
            raise RuntimeError("in the middle")
        return [""] * len(prompts)

    monkeypatch.setattr(model, "generate", fail)
    with pytest.raises(RuntimeError):
        made(model)
    assert report.bits(model) == before and not model.patches


def test_bits_see_the_last_bit(model):
    before = report.bits(model)
    parameter = next(model.network.parameters()).data.view(-1)
    parameter[7] = torch.nextafter(parameter[7], torch.tensor(9.0))
    assert report.bits(model) != before
    parameter[7] = 0.0
    zero = report.bits(model)
    parameter[7] = -0.0
    assert report.bits(model) != zero


def test_save_and_load(survey, folder, tmp_path, monkeypatch):
    file = tmp_path / "a patch.safetensors"
    saved = json.loads(survey("edit", *TRAIN, "--was", WAS, *PROBES, "--model", folder, "--save", str(file), "--format", "json")[1])
    code, out, err = survey("edit", "--load", str(file), *PROBES, "--model", folder, "--format", "json")
    assert (code, err) == (0, "")
    loaded = json.loads(out)
    for key in ("method", "model", "seed", "edit", "before", "after", "probes", "patch", "restored", "settings"):
        assert loaded[key] == saved[key], key
    assert saved["after"]["p_target"] > 0.9
    _, out, _ = survey("edit", *TRAIN, "--model", folder, "--save", str(file))
    assert f"again: survey edit --load '{file}'" in " ".join(out.split())


def test_a_patch_of_several_edits(survey, folder, model, tmp_path):
    edits = [Edit(PROMPT, SUBJECT, TARGET), Edit(PROMPT, "The bridge", "Vienna", "Paris")]
    file = tmp_path / "two.safetensors"
    patch.save(compute("fine-tuning", model, edits, layers=(), lr=0.02), file, model)
    _, out, _ = survey("edit", "--load", str(file), "--model", folder, "--format", "json")
    found = json.loads(out)
    assert [item["edit"]["subject"] for item in found["edits"]] == [SUBJECT, "The bridge"]
    assert {key: found[key] for key in ("edit", "before", "after")} == found["edits"][0]
    assert found["edits"][1]["before"]["p_was"] is not None and found["edits"][1]["after"]["p_target"] > 0.5
    _, out, _ = survey("edit", "--load", str(file), "--model", folder)
    assert ", 2 edits" in out.splitlines()[0] and out.count("target Oslo") == 2 and out.count("target Vienna") == 2


class Notes(patch.Patch):
    """A patch that holds a number for each edit, and can lose single ones."""

    kind = "notes of a test"

    def __init__(self, about, numbers):
        super().__init__(about)
        self.numbers = numbers

    def tensors(self):
        return {"numbers": self.numbers}

    @classmethod
    def from_tensors(cls, tensors, about):
        return cls(about, tensors["numbers"])

    def listed(self):
        return [{"edit": edit, "number": n} for edit, n in zip(self.edits, self.numbers.tolist(), strict=True)]

    def without(self, numbers):
        stay = [i for i in range(len(self.numbers)) if i not in set(numbers)]
        return Notes({**self.about, "edits": [self.about["edits"][i] for i in stay]}, self.numbers[stay])


@pytest.fixture
def notes(model, tmp_path):
    edits = [Edit("{} is in", "Rome", "Oslo", "Paris"), Edit("{} is near", "Tarn", "Vienna"), Edit("{} is by", "Oslo", "Rome")]
    file = tmp_path / "notes.patch"
    patch.save(Notes({"method": "notes", "edits": [dataclasses.asdict(e) for e in edits]}, torch.tensor([0.25, 0.5, 4.0])), file, model)
    return file


def test_edits_of_a_patch_are_listed_and_forgotten_without_a_model(survey, notes, tmp_path, model, monkeypatch):
    monkeypatch.setattr(loading, "load_model", None)
    code, out, err = survey("edit", "--load", str(notes), "--list")
    assert (code, err) == (0, "")
    assert [line.strip() for line in out.splitlines()] == [
        "notes, notes of a test, 3 edits", "1  Rome is in Oslo (was Paris)", "number 0.25", "2  Tarn is near Vienna",
        "number 0.5", "3  Oslo is by Rome", "number 4",
    ]  # fmt: skip
    found = json.loads(survey("edit", "--load", str(notes), "--list", "--format", "json")[1])
    assert [(row["edit"]["subject"], row["number"]) for row in found] == [("Rome", 0.25), ("Tarn", 0.5), ("Oslo", 4.0)]
    before, less = notes.read_bytes(), tmp_path / "less.patch"
    assert survey("edit", "--load", str(notes), "--forget", "1,3", "--save", str(less)) == (0, f"{less}: 1 of 3 edits kept\n", "")
    assert notes.read_bytes() == before
    rest = patch.load(less, model)
    assert rest.numbers.tolist() == [0.5] and [edit.subject for edit in rest.edits] == ["Tarn"]


def test_what_cannot_be_forgotten_is_told(survey, folder, notes, tmp_path):
    less = str(tmp_path / "less.patch")
    code, out, err = survey("edit", "--load", str(notes), "--forget", "4", "--save", less)
    assert (code, out, err) == (1, "", f"survey: {notes}: there is no edit 4: it holds 3 (--list shows them)\n")
    file = str(tmp_path / "weights.patch")
    survey("edit", *TRAIN, "--model", folder, "--save", file)
    assert "1  The old museum is located in the city of Oslo" in survey("edit", "--load", file, "--list")[1]
    code, _, err = survey("edit", "--load", file, "--forget", "1", "--save", less)
    assert code == 1 and "fine-tuning writes all its edits into the same numbers" in err
    assert not (tmp_path / "less.patch").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("rome", "--list"), "--list needs --load FILE"),
        (("rome", "--forget", "1"), "--forget needs --load FILE"),
        (("--load", "x", "--forget", "1"), "--forget needs --save FILE"),
        (("--load", "x", "--forget", "1", "--list", "--save", "y"), "either --list or --forget"),
        (("--load", "x", "--forget", "0", "--save", "y"), "no list of numbers from 1 on"),
        (("--load", "x", "--generator", "y"), "leave out --generator"),
    ],
)
def test_wrong_usage_of_saved_patches(survey, words, said):
    code, out, err = survey("edit", *words)
    assert (code, out) == (2, "") and said in err


def test_a_patch_cannot_write_to_the_terminal(survey, folder, model, tmp_path):
    file = tmp_path / "hostile.safetensors"
    found = compute("fine-tuning", model, [Edit(PROMPT, SUBJECT, TARGET)], layers=(), steps=1)
    found.about |= {"method": "x\033[2Jy", "edits": [{"prompt": "{} is\033]0;owned\a", "subject": "The\rmuseum", "target": "Os\033[31mlo"}]}
    patch.save(found, file, model)
    code, out, _ = survey("edit", "--load", str(file), "--model", folder)
    assert code == 0 and "�" in out
    assert all(c == "\n" or c.isprintable() for c in out)


def test_a_known_model_of_a_patch_is_loaded_by_itself(survey, folder, model, tmp_path, monkeypatch):
    file = tmp_path / "patch.safetensors"
    asked = []

    def load(name, **_):
        asked.append(name)
        return loading.read_model(folder, name, local=True)

    monkeypatch.setattr(loading, "load_model", load)
    for name in ("gemma-3-270m", "somebody/some-model"):
        model.name = name
        patch.save(compute("fine-tuning", model, [Edit(PROMPT, SUBJECT, TARGET)], layers=(), steps=1), file, model)
        assert survey("edit", "--load", str(file))[0] == 0
    # What a file names, and we do not know, is never fetched on its word.
    assert asked == ["gemma-3-270m", loading.DEFAULT]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "METHOD, --prompt, --subject, --target"),
        (["rome", "--prompt", "x {}"], "--subject, --target"),
        (["--load", "f", "rome", "--target", "x"], "leave out METHOD, --target"),
        (["--load", "f", "--set", "a=1", "--save", "g", "--seed", "0"], "leave out --set, --seed, --save"),
        (["rome", *WORDS, "--set", "layer"], "'layer' is no NAME=VALUE"),
        (["rome", *WORDS, "--threads", "0"], "at least one thread"),
        (["rome", *WORDS, "--seed", "-1"], "--seed"),
        (["rome", *WORDS, "--format", "xml"], "--format"),
    ],
)
def test_wrong_usage(survey, words, said):
    code, out, err = survey("edit", *words)
    assert (code, out) == (2, "") and err.startswith("usage: survey edit")
    assert said.replace("is no NAME", "is not NAME") in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["romee", *WORDS], "there is no method 'romee' (did you mean rome?)"),
        (["rome", "--prompt", "Here is", "--subject", "Oslo", "--target", "x"], "the subject 'Oslo' does not occur in the prompt"),
        (["rome", "--prompt", "{} is", "--subject", "Oslo", "--target", " "], "the target is empty"),
        (["rome", *WORDS, "--set", "layr=3"], "rome has no setting 'layr' (did you mean layer?)"),
        (["rome", *WORDS, "--set", "preset=3"], "rome has no setting 'preset'"),
        (["rome", *WORDS, "--set", "seed=3"], "rome has no setting 'seed'"),
        (["rome", *WORDS, "--set", "layer=five"], "layer of rome must be int, not 'five'"),
        (["rome", *WORDS, "--preset", "gpt-9"], "rome has no preset 'gpt-9'"),
        (["rome", *WORDS, "--save", "nowhere/x"], "nowhere/x: there is no folder nowhere"),
        (["rome", *WORDS, "--save", "."], ".: this is a folder"),
        (["rome", *WORDS, "--stats-text", "absent.txt"], "absent.txt: No such file"),
        (["rome", *WORDS, "--stats-text", "latin.txt"], "latin.txt: this is no text in UTF-8"),
        (["--load", "absent"], "absent: No such file"),
        (["--load", "latin.txt"], "latin.txt: this is no patch file"),
    ],
)
def test_what_is_wrong_is_told_before_a_model_is_loaded(survey, tmp_path, monkeypatch, words, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "latin.txt").write_bytes("caf\xe9".encode("latin-1") * 5)
    monkeypatch.setattr(loading, "load_model", lambda *_, **__: pytest.fail("loaded"))
    code, out, err = survey("edit", *words)
    assert (code, out) == (1, "") and err.startswith(f"survey: {said}") and err.count("\n") == 1


def test_other_errors_are_told(survey, folder, model, tmp_path):
    code, _, err = survey("edit", *TRAIN, "--model", "./nowhere")
    assert (code, err) == (1, "survey: there is no folder ./nowhere\n")
    code, _, err = survey("edit", "fine-tuning", *WORDS, "--set", "layers=9", "--model", folder)
    assert code == 1 and "there is no layer 9" in err
    code, _, err = survey("edit", *TRAIN, "--probe", " ", "--model", folder)
    assert (code, err) == (1, "survey: a probe is empty\n")
    file = tmp_path / "patch.safetensors"
    patch.save(compute("fine-tuning", model, [Edit(PROMPT, SUBJECT, TARGET)], layers=(), steps=1), file, model)
    other = str(tiny_folder(tmp_path / "other", "gpt2"))
    code, _, err = survey("edit", "--load", str(file), "--model", other)
    assert code == 1 and f"was made for {folder}" in err


def test_without_the_extra_it_says_what_to_install(survey, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *a: None if name == "torch" else find(name, *a))
    code, out, err = survey("edit", "rome", *WORDS)
    assert (code, out) == (1, "")
    assert err == 'survey: editing needs more packages (torch): pip install "editing-pitfalls[edit]"\n'


def test_threads(survey, folder, monkeypatch):
    asked = []
    monkeypatch.setattr(torch, "set_num_threads", asked.append)
    assert survey("edit", *TRAIN, "--model", folder, "--threads", "2")[0] == 0
    assert asked == [2]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_shown_on_a_terminal_and_wiped_away(monkeypatch):
    monkeypatch.setenv("SURVEY_CACHE", "off")
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    with edit.Shown() as shown:
        shown.start("Sampling text for statistics", 2)
        shown.advance()
        shown.start("Optimising values", 20)
    text = stream.getvalue()
    assert "Statistics of keys are sampled once" in text and "not kept (SURVEY_CACHE is off)" in text
    assert "Optimising values" in text and text.endswith("\r\033[K")


def test_statistics_come_from_the_text_that_is_given(survey, folder, tmp_path):
    text = tmp_path / "text.txt"
    text.write_text("The museum is in the city. " * 3, "utf-8")
    code, _, err = survey("edit", "rome", *WORDS, "--set", "layer=1", "--stats-text", str(text), "--model", folder)
    assert code == 1 and "the text for statistics has" in err


@pytest.mark.model
def test_rome_moves_the_eiffel_tower(survey):
    words = ["--prompt", PROMPT, "--subject", "The Eiffel Tower", "--target", "Rome", "--was", "Paris"]
    code, out, err = survey("edit", "rome", *words, "--probe", "The Louvre is located in the city of", "--format", "json")
    found = json.loads(out)
    assert (code, err) == (0, "")
    assert found["before"]["p_was"] == pytest.approx(0.7015, abs=0.002) and found["before"]["text"].startswith(" Paris")
    assert found["after"]["p_target"] > 0.9 > 0.05 > found["after"]["p_was"]
    assert found["after"]["text"].startswith(" Rome") and found["probes"][0]["after"].startswith(" Paris")
    assert found["restored"] is True
