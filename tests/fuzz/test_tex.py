"""Real TeX sets hostile entries as text: it runs nothing, and opens and writes no other file."""

from __future__ import annotations

import os
import re
import shutil
import subprocess

import pytest

from survey.checks import Severity
from survey.checks.run import check_text
from survey.collection.paper import paper_from
from survey.files.reader import read_yaml
from survey.formats import FORMATS
from tests.entries import PATH, make_entry
from tests.fuzz.test_entries import CORPUS, FRAGMENTS, read

pytestmark = pytest.mark.tex

# Letters that pdfLaTeX has no fonts for are another matter (docs of the format: use biblatex).
FOREIGN = re.compile(r"[^\x00-\u024f\u2010-\u2026]|\u0301{2}")


def papers(taxonomy) -> list:
    """Every valid entry of the corpus, and one for each fragment, under keys of their own."""
    found = []
    for path in CORPUS:
        text, codes = read(path)
        if not codes:
            assert not any(f.severity is Severity.ERROR for f in check_text(PATH, text, taxonomy)[1])
            found.append(read_yaml(text)[0])
    for fragment in map(str.strip, FRAGMENTS):
        if fragment:
            text = f"Locating {fragment} Facts"
            found.append(make_entry(title=text, booktitle=text, volume=text, acronym=fragment, authors=["Kevin Meng", {"literal": text}], status="retracted", note=text))
    made = [paper_from(record, f"eve2022n{n}") for n, record in enumerate(found)]
    return [p for p in made if not FOREIGN.search(FORMATS["jsonl"].entry(p, taxonomy))]


@pytest.mark.parametrize("style", ["plain", "unsrt"])
def test_hostile_entries_compile_and_run_nothing(tmp_path, taxonomy, style):
    if not shutil.which("pdflatex") or not shutil.which("bibtex"):
        pytest.skip("no pdflatex, bibtex here")
    hostile = papers(taxonomy)
    assert len(hostile) > 100
    (tmp_path / "all.bib").write_text(FORMATS["bibtex"].text(hostile, taxonomy), "utf-8")
    (tmp_path / "a.tex").write_text(
        r"\documentclass{article}\usepackage[T1]{fontenc}\usepackage{lmodern,url}\begin{document}\nocite{*}"
        r"\bibliographystyle{STYLE}\bibliography{all}Done.\end{document}".replace("STYLE", style)
    )
    # Everything is allowed to them: were a command left, it would run.
    tex = ["pdflatex", "-interaction=nonstopmode", "-shell-escape", "-recorder", "a.tex"]
    for words in (tex, ["bibtex", "a"], tex, tex):
        done = subprocess.run(words, cwd=tmp_path, capture_output=True, timeout=150, env={**os.environ, "openout_any": "a"})
        if words[0] == "bibtex":
            told = done.stdout.decode("utf-8", "replace")
    assert not re.search(r"error|I couldn't|I was expecting|repeated", told), told
    log = (tmp_path / "a.log").read_text("utf-8", "replace")
    assert re.findall(r"(?m)^! .*$", log) == []
    assert "Output written on a.pdf" in log
    bbl = (tmp_path / "a.bbl").read_text("utf-8")
    assert bbl.count(r"\bibitem") == len(hostile)
    assert sorted(f.name for f in tmp_path.iterdir()) == sorted(["all.bib", *(f"a.{end}" for end in "tex aux bbl blg fls log pdf".split())])
    opened = {line.removeprefix("INPUT ") for line in (tmp_path / "a.fls").read_text("utf-8").splitlines() if line.startswith("INPUT ")}
    assert opened and not any(name.startswith("/etc/passwd") for name in opened)
