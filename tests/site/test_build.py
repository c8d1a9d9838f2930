"""Building and serving: the same bytes each time, and nothing lost when it fails."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request

import pytest

from survey.files import CollectionError
from survey.files.load import PACKAGE
from survey.site import build
from tests.entries import make_entry, make_root, write_entry
from tests.site.built import files_of, small_root


def different(one: dict[str, bytes], other: dict[str, bytes]) -> list[str]:
    return sorted(p for p in one.keys() | other.keys() if one.get(p) != other.get(p))


def run(*words: str, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-m", *words], cwd=PACKAGE.parent, env={**os.environ, **environment}, capture_output=True, text=True)


def test_two_builds_give_the_same_bytes(site, tmp_path):
    done = run("survey", "site", "build", "-o", str(tmp_path / "again"), PYTHONHASHSEED="7", TZ="Pacific/Auckland", LC_ALL="C")
    assert done.returncode == 0, done.stderr
    assert "pages of" in done.stderr and done.stdout == ""
    assert different(files_of(site), files_of(tmp_path / "again")) == []


def test_plain_mkdocs_gives_the_same_site(site, tmp_path):
    done = run("mkdocs", "build", "-q", "--strict", "-d", str(tmp_path / "plain"), SOURCE_DATE_EPOCH="1767225600")
    assert done.returncode == 0, done.stderr
    assert different(files_of(site), files_of(tmp_path / "plain")) == []


def test_no_file_names_this_machine(site):
    here = [str(PACKAGE.parent).encode(), str(site).encode(), os.path.expanduser("~").encode() + b"/"]
    found = [path for path, data in files_of(site).items() if any(name in data for name in here)]
    assert found == []


@pytest.fixture
def root(tmp_path):
    return make_root(small_root(tmp_path / "clone"), {"papers/2022/meng2022locating.yaml": make_entry()})


@pytest.fixture
def small(root, tmp_path):
    """A built small site."""
    out = tmp_path / "out"
    report = build(root, out)
    assert report.papers == 1 and report.pages == len(list(out.rglob("index.html")))
    return out


def test_a_failing_build_leaves_the_old_site(root, small):
    before = files_of(small)
    breaks = {
        "docs/years/index.md": ("# Years\n\n[@nobody2020nothing]\n", r"years/index\.html: there is no entry nobody2020nothing"),
        "docs/venues/index.md": ("# Venues\n\n[[method:romee]]\n", r"venues/index\.html: there is no method 'romee'"),
        "docs/authors/index.md": ('# A\n\n<div data-survey="nonsense"></div>\n', r"authors/index\.html: .*placeholder 'nonsense'"),
        "docs/index.md": ("# Home\n\n[dead](nowhere.md)\n", r"mkdocs failed:\n(.|\n)*nowhere\.md"),
        "papers/2023/eve2023x.yaml": ("title: [\n", r"papers/2023/eve2023x\.yaml"),
    }
    for path, (text, told) in breaks.items():
        kept = (root / path).read_text("utf-8") if (root / path).exists() else None
        write_entry(root, path, text)
        with pytest.raises(CollectionError, match=told):
            build(root, small)
        assert different(before, files_of(small)) == [], path
        assert [p.name for p in small.parent.iterdir() if p.name.startswith(".")] == []
        (root / path).unlink() if kept is None else write_entry(root, path, kept)


def test_building_again_replaces_the_old_site(root, small):
    (small / "left.html").write_text("old")
    write_entry(root, "papers/2023/bau2023more.yaml", make_entry(title="More", authors=["David Bau"], year=2023, ids={}))
    build(root, small)
    assert not (small / "left.html").exists()
    assert (small / "papers" / "bau2023more" / "index.html").exists()


def test_a_folder_with_something_else_is_refused(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("years of work")
    with pytest.raises(CollectionError, match="holds something that is no site: name another folder"):
        build(PACKAGE.parent, tmp_path / "mine")
    assert [p.name for p in (tmp_path / "mine").iterdir()] == ["thesis.tex"]


def test_the_command_says_it_in_one_line(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    done = run("survey", "site", "build", "-o", str(tmp_path))
    assert done.returncode in (1, 2) and "holds something that is no site" in done.stderr and "Traceback" not in done.stderr


@pytest.fixture
def server(small):
    """`survey site serve` on a free port; yields its address."""
    words = [sys.executable, "-m", "survey", "site", "serve", "-o", str(small), "--no-build", "--port", "0"]
    with subprocess.Popen(words, cwd=PACKAGE.parent, stdout=subprocess.PIPE, text=True) as process:
        line = process.stdout.readline()
        yield line.split()[0]
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0


def test_serve_answers_with_the_right_media_types(server):
    kinds = {"": "text/html", "papers/": "text/html", "assets/survey/explorer.mjs": "text/javascript",
             "assets/survey/survey.css": "text/css", "data/index.json": "application/json"}  # fmt: skip
    for path, kind in kinds.items():
        with urllib.request.urlopen(server + path, timeout=10) as answer:
            assert answer.status == 200 and answer.headers.get_content_type() == kind, path
            assert answer.read()


def test_serve_answers_on_this_machine_only(server):
    assert server.startswith("http://127.0.0.1:")
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(f"{server}nowhere/", timeout=10)


def test_a_taken_port_is_told(server, small):
    port = server.rstrip("/").rpartition(":")[2]
    done = run("survey", "site", "serve", "-o", str(small), "--no-build", "--port", port)
    assert done.returncode in (1, 2) and f"cannot serve on port {port}" in done.stderr and "--port" in done.stderr


def test_without_a_site_there_is_nothing_to_serve(tmp_path):
    done = run("survey", "site", "serve", "-o", str(tmp_path / "none"), "--no-build", "--port", "0")
    assert done.returncode == 1 and "there is no site" in done.stderr
