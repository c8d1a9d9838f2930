"""Real TeX reads what we write, without a word of complaint."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from survey.formats import FORMATS
from tests.formats.papers import made_up

pytestmark = pytest.mark.tex


def needs(*programs: str) -> None:
    if missing := [p for p in programs if not shutil.which(p)]:
        pytest.skip(f"no {', '.join(missing)} here")


def run(folder: Path, *words: str) -> str:
    done = subprocess.run(words, cwd=folder, capture_output=True, timeout=150)
    return done.stdout.decode("utf-8", "replace")


def complaints(log: str) -> list[str]:
    # TeX wraps its lines at 79 characters, so only the beginnings are sure.
    found = re.findall(r"(?m)^(?:! |.*Warning|Missing character|.*undefined).*$", log)
    return [line for line in found if "infwarerr" not in line and "rerunfilecheck" not in line.lower()]


@pytest.fixture(scope="session", params=["url", "hyperref"])
def bibtex_run(request, tmp_path_factory, collection, taxonomy):
    """Logs of BibTeX and pdfLaTeX (last run), and the text of the bibliography."""
    needs("pdflatex", "bibtex")
    folder = tmp_path_factory.mktemp("bibtex")
    (folder / "all.bib").write_text(FORMATS["bibtex"].text([*made_up(), *collection.values()], taxonomy), "utf-8")
    (folder / "a.tex").write_text(
        r"\documentclass{article}\usepackage[T1]{fontenc}\usepackage{lmodern,PACKAGE}"
        r"\sloppy\begin{document}\nocite{*}\bibliographystyle{plain}\bibliography{all}\end{document}".replace("PACKAGE", request.param)
    )
    tex = ("pdflatex", "-interaction=nonstopmode", "-no-shell-escape", "a.tex")
    run(folder, *tex)
    told = run(folder, "bibtex", "a")
    run(folder, *tex)
    run(folder, *tex)
    return told, (folder / "a.log").read_text("utf-8", "replace"), (folder / "a.bbl").read_text("utf-8")


def test_bibtex_has_no_warning(bibtex_run):
    told, _, _ = bibtex_run
    assert "Database file #1: all.bib" in told
    assert [line for line in told.splitlines() if re.search("warning|error|I couldn't|repeated", line, re.I)] == []


def test_pdflatex_has_no_warning_and_no_missing_character(bibtex_run):
    _, log, _ = bibtex_run
    assert "Output written on a.pdf" in log
    assert complaints(log) == []


def test_the_bibliography_says_what_the_entries_say(bibtex_run, collection):
    _, _, bbl = bibtex_run
    text = " ".join(bbl.split())
    assert text.count(r"\bibitem") == len(collection) + len(made_up())
    assert "Laurens van~der Maaten" in text
    assert "Juan de~la Cruz, III" in text
    assert r"Nguy{\~{\^e}}n Th{\d{i}}~H{\`{\^o}}ng Nhung" in text
    assert r"{A}{$^3$}{E}" in text or r"{A{$^3$}E}" in text
    assert "{GPT}" in text and "{gpt}" not in text


def test_biber_and_lualatex_have_no_warning_and_no_missing_character(tmp_path_factory, collection, taxonomy):
    needs("lualatex", "biber", "kpsewhich")
    if not run(Path.cwd(), "kpsewhich", "biblatex.sty").strip():
        pytest.skip("no biblatex.sty here")
    folder = tmp_path_factory.mktemp("biblatex")
    (folder / "all.bib").write_text(FORMATS["biblatex"].text([*made_up(), *collection.values()], taxonomy), "utf-8")
    (folder / "a.tex").write_text(
        r"\documentclass{article}\usepackage{fontspec}\usepackage[backend=biber,maxnames=99]{biblatex}"
        r"\addbibresource{all.bib}\sloppy\emergencystretch=9em\begin{document}\nocite{*}\printbibliography\end{document}"
    )
    tex = ("lualatex", "-interaction=nonstopmode", "-no-shell-escape", "a.tex")
    run(folder, *tex)
    told = run(folder, "biber", "a")
    run(folder, *tex)
    run(folder, *tex)
    assert "INFO - Output to a.bbl" in told
    assert [line for line in told.splitlines() if "WARN" in line or "ERROR" in line] == []
    log = (folder / "a.log").read_text("utf-8", "replace")
    assert "Output written on a.pdf" in log
    assert complaints(log) == []


def test_complaints_are_recognised():
    log = "fine\nLaTeX Warning: Citation undefined\n! Undefined control sequence.\nMissing character: There is no x\n"
    assert len(complaints(log)) == 3 and complaints("Overfull \\hbox\n") == []
