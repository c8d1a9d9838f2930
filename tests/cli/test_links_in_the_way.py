"""A folder of a year that is a link leads `survey add` nowhere."""

from __future__ import annotations

import os


def test_nothing_is_added_through_a_link(survey, root, services, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (root / "papers" / "2026").symlink_to(outside)
    services.arxiv("2601.00001", title="NightEdit: Editing at Night", authors=["Ann Bau", "Cy Dee"])
    code, _, err = survey("add", "2601.00001")
    assert code == 1 and "papers/2026 is a link, not a folder" in err
    assert os.listdir(outside) == [] and (root / "papers" / "2026").is_symlink()
