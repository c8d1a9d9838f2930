"""Lets plain `mkdocs build` and `mkdocs serve` give the whole site."""

import os
from pathlib import Path


def on_post_build(config) -> None:
    """Pour our pages into what mkdocs has built, unless `survey site build` does it itself."""
    if os.environ.get("SURVEY_POUR") != "later":
        from survey.site import pour

        pour(Path(config.config_file_path).parent, Path(config.site_dir))
