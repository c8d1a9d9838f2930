from __future__ import annotations

import json
import os

import pytest

from tests.entries import PATH, write_entry

OTHER = "papers/2022/bau2022editing.yaml"
WILD = """\
# as printed
title: "Locating and Editing Factual Associations in GPT"  # checked
year: 2022
authors:
  - Kevin Meng
  - David Bau
venue: neurips
ids: {arxiv: "2202.05262"}
kinds: [method]  # "we propose"
annotated: {on: 2026-11-22, basis: abstract}
sources: [arXiv]
"""
HOUSE = """\
# as printed
title: Locating and Editing Factual Associations in GPT  # checked
authors: [Kevin Meng, David Bau]
year: 2022
venue: neurips
ids: {arxiv: "2202.05262"}
kinds: [method]  # "we propose"
annotated: {basis: abstract, on: 2026-11-22}
sources: [arXiv]
"""


@pytest.fixture
def wild(root):
    write_entry(root, PATH, WILD)
    return root


def test_entries_in_house_format_stay_as_they_are(survey, root):
    before = (root / PATH).stat().st_mtime_ns
    assert survey("fmt") == (0, "2 files: 2 in house format\n", "")
    assert survey("fmt", "--check") == (0, "2 files: 2 in house format\n", "")
    assert (root / PATH).stat().st_mtime_ns == before


def test_progress_counts_files(survey, root, monkeypatch):
    import survey.progress as progress

    lines = []
    draw = progress.Progress._draw
    monkeypatch.setattr(progress.Progress, "_draw", lambda self, **more: (lines.append(self.line(80)), draw(self, **more)))
    assert survey("fmt")[0] == 0
    assert "0 files of 2 files" in lines[0] and "2 files of 2 files" in lines[-1]


def test_check_shows_what_would_change_and_writes_nothing(survey, wild):
    code, out, err = survey("fmt", "--check")
    assert code == 1 and err == ""
    lines = out.splitlines()
    assert lines[:2] == [f"--- {PATH}", f"+++ {PATH} in house format"]
    assert "-  - Kevin Meng" in lines and "+authors: [Kevin Meng, David Bau]" in lines
    assert " # as printed" in lines, "a comment that stays is no change"
    assert lines[-1] == "2 files: 1 in house format, 1 would change (`survey fmt` writes them)"
    assert (wild / PATH).read_text() == WILD


def test_entries_are_put_right_with_their_comments(survey, wild):
    code, out, _ = survey("fmt")
    assert code == 0
    assert out == f"put into the house format: {PATH}\n2 files: 1 in house format, 1 put right\n"
    assert (wild / PATH).read_text() == HOUSE
    assert survey("fmt", "--check")[0] == 0


def test_a_file_that_cannot_be_read_is_left_alone_and_told(survey, wild):
    write_entry(wild, OTHER, "title: [\n")
    code, out, _ = survey("fmt")
    assert code == 1
    assert out.startswith(f"{OTHER}:2:1: Y101 ")
    assert "1 put right, 1 cannot be read" in out
    assert (wild / OTHER).read_text() == "title: [\n"


def test_unknown_fields_are_kept(survey, root):
    write_entry(root, PATH, f"mine: [1, true]\n{HOUSE}")
    assert survey("fmt")[0] == 0
    assert (root / PATH).read_text() == f"{HOUSE}mine: [1, true]\n"


def test_line_ends_are_put_right(survey, root):
    write_entry(root, PATH, "\ufeff" + HOUSE.replace("\n", "\r\n"))
    code, out, _ = survey("fmt", "--check")
    assert code == 1 and "line ends or a byte order mark would change" in out
    assert survey("fmt")[0] == 0
    assert (root / PATH).read_bytes() == HOUSE.encode()


def test_paths_choose(survey, wild):
    write_entry(wild, OTHER, WILD)
    assert survey("fmt", "--check", OTHER)[1].endswith("1 file: 0 in house format, 1 would change (`survey fmt` writes them)\n")
    assert survey("fmt", "--check", "papers/2022", PATH)[1].splitlines()[-1].startswith("2 files: ")
    assert survey("fmt", OTHER)[0] == 0
    assert ((wild / PATH).read_text(), (wild / OTHER).read_text()) == (WILD, HOUSE)


@pytest.mark.parametrize("path", ["CITATION.cff", "../draft.yaml", "survey/venues.yaml", "papers/../CITATION.cff"])
def test_what_the_check_refuses_is_refused_in_its_words(survey, root, path):
    file = root / path
    file.parent.mkdir(exist_ok=True)
    file.write_text(WILD)
    code, out, err = survey("fmt", path)
    assert (code, out) == (2, "") and err == f"survey: nothing is checked in {path}: entries are below {root / 'papers'}\n"
    if not path.startswith("survey/"):  # The check may be asked about the taxonomy.
        assert survey("check", path) == (code, out, err)
    assert survey("fmt", "--check", path)[0] == 2
    assert file.read_text() == WILD


@pytest.mark.parametrize("path", ["papers/notes.yaml", "papers/2022/README.md"])
def test_what_is_no_entry_is_never_rewritten(survey, root, path):
    (root / path).write_text(WILD)
    code, out, _ = survey("fmt", path)
    assert code == 1 and out.startswith(f"{path}:1:1: K901 this is no papers/<year>/<key>.yaml\n")
    assert (root / path).read_text() == WILD


def test_outside_of_any_clone_nothing_is_done(survey, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("survey.files.load.PACKAGE", tmp_path / "nowhere")
    (tmp_path / "draft.yaml").write_text(WILD)
    for words in (["fmt", "draft.yaml"], ["fmt"], ["check", "draft.yaml"]):
        code, _, err = survey(*words)
        assert code == 1 and "there is no folder papers/" in err
    assert (tmp_path / "draft.yaml").read_text() == WILD


def test_an_entry_is_found_through_a_link_to_the_clone(survey, wild, tmp_path):
    (tmp_path / "link").symlink_to(wild)
    assert survey("fmt", str(tmp_path / "link" / PATH))[0] == 0
    assert (wild / PATH).read_text() == HOUSE


@pytest.mark.parametrize("words", [["nowhere.yaml"], ["papers/2023"]])
def test_wrong_paths_are_wrong_usage(survey, root, words):
    (root / "papers/2023").mkdir()
    code, out, err = survey("fmt", *words)
    assert (code, out) == (2, "") and err.startswith("survey: there ")


def test_as_json(survey, wild):
    write_entry(wild, OTHER, "- a\n")
    code, out, _ = survey("fmt", "--check", "--format", "json")
    told = json.loads(out)
    assert code == 1 and told["files"] == 2
    one, two = sorted(told["results"], key=lambda row: row["path"])
    assert {**one, "message": ""} == {"path": OTHER, "status": "unreadable", "code": "S103", "line": 1, "column": 1, "message": ""}
    assert two["status"] == "would-change" and two["diff"].startswith(f"--- {PATH}")


def test_a_link_is_never_written_through(survey, wild, tmp_path):
    target = tmp_path / "outside.yaml"
    target.write_text(WILD)
    (wild / PATH).unlink()
    (wild / PATH).symlink_to(target)
    code, out, _ = survey("fmt")
    assert code == 1 and f"{PATH}:1:1: K901 this is a symbolic link" in out
    assert target.read_text() == WILD and (wild / PATH).is_symlink()


def test_a_diff_steers_no_terminal(survey, root):
    write_entry(root, PATH, HOUSE.replace("checked", "\u202echecked").replace("[Kevin", "[ Kevin"))
    _, out, _ = survey("fmt", "--check")
    assert "\\u202echecked" in out and "\u202e" not in out


def test_the_lock_is_held_while_files_are_written(survey, wild, monkeypatch):
    import survey.files.storage as storage

    seen = []
    real = storage.write_file

    def watched(path, text):
        with pytest.raises(storage.UserError), storage.locked(wild, timeout=0):
            pass
        seen.append(path)
        real(path, text)

    monkeypatch.setattr(storage, "write_file", watched)
    assert survey("fmt")[0] == 0 and len(seen) == 1
    assert os.listdir(wild / "papers") == ["2022"]
