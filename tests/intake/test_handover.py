from __future__ import annotations

import os

import pytest

from survey.intake import handover
from survey.intake.handover import BadHandover


@pytest.mark.parametrize("path", [
    "../papers/2024/a2024b.yaml", "/papers/2024/a2024b.yaml", "papers/2024/a2024b.yaml/x", "papers/2024/a2024b.yaml\n", "papers/2024/a2024b.yml", "papers/24/a2024b.yaml",
    "papers/2024/../a2024b.yaml", "papers//2024/a2024b.yaml", "papers/2024/.a2024b.yaml", "papers/2024/a2024b.yaml\x00", "x", "",
])  # fmt: skip
def test_only_the_path_of_an_entry_is_a_path(path):
    assert handover.entry_path({"path": "papers/2024/a2024b.yaml"}) == "papers/2024/a2024b.yaml"
    with pytest.raises(BadHandover):
        handover.entry_path({"path": path})


def test_a_file_that_is_too_large_is_not_read(tmp_path):
    (tmp_path / "x").write_text('{"a": "' + "x" * 200 + '"}')
    assert handover.read(tmp_path / "x", 1000)
    with pytest.raises(BadHandover, match="has more than"):
        handover.read(tmp_path / "x", 100)


def test_links_pipes_and_folders_are_no_files(tmp_path):
    (tmp_path / "real").write_text("{}")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    assert handover.read(tmp_path / "real") == {}
    for name in ("link", "pipe", "folder", "none"):
        with pytest.raises(BadHandover):
            handover.read(tmp_path / name)
