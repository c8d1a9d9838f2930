from __future__ import annotations

import os
import subprocess

import pytest

from survey.checks import Severity, check, fix
from survey.checks import run as module
from survey.files import cache
from tests.checks.examples import OTHER, two
from tests.entries import PATH, make_entry, make_root, run_git, write_entry


def codes(root, only=None) -> list[str]:
    return [f.code for f in check(root, only).findings]


# On disk


def test_a_good_collection(tmp_path):
    report = check(make_root(tmp_path, {PATH: make_entry()}))
    assert (report.findings, report.files, report.failed) == ([], 1, False)


def test_all_files_are_looked_at_in_order(tmp_path):
    root = make_root(tmp_path, {
        PATH: make_entry(authors=["KEVIN MENG"], title="Locating  Facts"), "papers/stray.md": "x", OTHER: "title: [\n",
        "papers/2022/Bad Name.yaml": make_entry(),
    })  # fmt: skip
    report = check(root)
    assert [(f.path, f.code) for f in report.findings if f.code not in ("D401", "D402", "N508")] == [
        ("papers/2022/Bad Name.yaml", "K902"), (OTHER, "Y101"), (PATH, "P601"), (PATH, "N501"), ("papers/stray.md", "K901"),
    ]  # fmt: skip
    assert report.files == 4 and report.failed
    assert all(f.line and f.column for f in report.findings)


def test_only_some_are_reported_but_all_are_compared(tmp_path):
    root = make_root(tmp_path, {**two(ids={"arxiv": "2202.05262"}), "papers/2021/x.yaml": "a: [\n"})
    # A duplicate is told to whoever asks about either of the two.
    assert codes(root, [root / PATH]) == codes(root, [root / OTHER]) == ["D401"]
    assert codes(root, [root / "papers" / "2021"]) == ["K902", "Y101"]


def test_a_warning_does_not_fail(tmp_path):
    report = check(make_root(tmp_path, {PATH: make_entry(ids={})}))
    assert [f.severity for f in report.findings] == [Severity.WARNING] and not report.failed
    assert report.count(Severity.WARNING) == 1


@pytest.mark.parametrize(("end", "mark"), [("\n", ""), ("\r\n", ""), ("\n", "\ufeff")])
def test_line_and_column_are_right_whatever_the_file_is_like(tmp_path, end, mark):
    entry = "# ü😀\n\ntitle: Locating\nauthors:\n  - Kevin Meng\n  - {given: DAVÍD, family: BAU}\n"
    rest = "year: 2022\nvenue: neurips\nids: {arxiv: '2202.05262'}\nkinds: [method]\nannotated: {basis: title, on: 2026-11-22}\nsources: [x]\n"
    root = make_root(tmp_path, {PATH: mark + (entry + rest).replace("\n", end)})
    (finding,) = check(root).findings
    assert (finding.code, finding.line, finding.column) == ("N501", 6, 5)


def test_the_real_collection_has_no_error():
    from survey.files.load import PACKAGE

    errors = [f for f in check(PACKAGE.parent).findings if f.severity is Severity.ERROR]
    assert errors == []


# Mending


def test_what_is_safe_is_mended_and_nothing_else(tmp_path):
    text = (
        "# keep me\n"
        "title: Locating  “Facts”,   again .  # and me\n"
        "authors: [Kevin Meng1, 'David Bau†',   Bau Jo\u0308rg]\n"
        "year:   2022\n"
        "venue: neurips\n"
        'ids: {arxiv: "https://arxiv.org/abs/2202.05262v3"}\n'
        "links: {code: https://github.com/a/b.git}\n"
        "kinds: [method]\n"
        "annotated: {basis: title, on: 2026-11-22}\n"
        "sources: [x]\n"
    )
    root = make_root(tmp_path, {PATH: text})
    for _ in range(2):  # An id of the wrong form hides what only a valid entry can show.
        fix(root, check(root))
    assert (root / PATH).read_text() == (
        "# keep me\n"
        "title: Locating “Facts”, again  # and me\n"
        "authors: [Kevin Meng, David Bau,   Bau Jörg]\n"
        "year:   2022\n"
        "venue: neurips\n"
        'ids: {arxiv: "2202.05262"}\n'
        "links: {code: https://github.com/a/b}\n"
        "kinds: [method]\n"
        "annotated: {basis: title, on: 2026-11-22}\n"
        "sources: [x]\n"
    )
    assert codes(root) == []
    assert fix(root, check(root)) == []


def test_one_place_is_mended_once_a_run(tmp_path):
    root = make_root(tmp_path, {PATH: make_entry(authors=["Kevin Meng", "Jo\u0308rg Bau1"])})
    assert [f.code for f in fix(root, check(root))] == ["N502"]
    assert [f.code for f in fix(root, check(root))] == ["N507"]
    assert "Jörg Bau]" in (root / PATH).read_text()


def test_a_fix_that_would_break_the_file_is_left_out(tmp_path, monkeypatch):
    root = make_root(tmp_path, {PATH: make_entry(title="Locating  Facts")})
    before = (root / PATH).read_bytes()
    report = check(root)
    monkeypatch.setattr(module, "replace_scalar", lambda *_: "title: [")
    assert fix(root, report) == [] and (root / PATH).read_bytes() == before


# Against the main branch


@pytest.fixture
def clone(tmp_path):
    """A git repository with two entries on main, and a branch of our own checked out."""
    root = make_root(tmp_path, two(), git=True)
    run_git(root, "checkout", "-q", "-b", "ours")
    return root


def test_an_unchanged_branch_is_fine(clone):
    assert codes(clone) == []
    write_entry(clone, "papers/2022/new2022paper.yaml", make_entry(authors=["Ann New"], title="Paper", ids={"arxiv": "2204.00001"}))
    assert codes(clone) == []


@pytest.mark.parametrize("committed", [False, True])
def test_an_entry_of_the_main_branch_may_not_vanish(clone, committed):
    (clone / OTHER).unlink()
    if committed:
        run_git(clone, "commit", "-q", "-a", "-m", "Remove")
    (finding,) = check(clone).findings
    assert (finding.code, finding.path) == ("K907", "papers")
    assert "bau2022editing" in finding.message and "former_keys" in finding.hint


NEW = "papers/2022/aaa2022memories.yaml"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"ids": {"arxiv": "2203.00001"}, "title": "Memories"}, "D401"),
        ({"title": "Editing memories at night"}, "D402"),
        ({"title": "Editing Memories by Night", "venue": "arxiv", "ids": {"openreview": "aBcDeFgHiJ"}}, "D403"),
        ({"title": "Memories", "former_keys": ["bau2022editing"]}, "K905"),
    ],
)
@pytest.mark.parametrize("committed", [False, True])
def test_the_entry_that_main_does_not_have_is_blamed(clone, fields, code, committed):
    entry = {"authors": ["Aa Aaa", "Ann Bau", "Cy Dee"], "ids": {"arxiv": "2204.00001"}, **fields}
    write_entry(clone, NEW, make_entry(**entry))
    if committed:
        run_git(clone, "add", NEW)
        run_git(clone, "commit", "-q", "-m", "Add")
    (finding,) = [f for f in check(clone).findings if f.code == code]
    assert (finding.path, finding.other) == (NEW, OTHER)
    run_git(clone, "branch", "-q", "-D", "main")
    (finding,) = [f for f in check(clone).findings if f.code == code]
    assert (finding.path, finding.other) == (OTHER, NEW), "without a main branch the order of paths decides"


def test_a_renamed_entry_keeps_its_old_key(clone):
    entry = two()[OTHER]
    (clone / OTHER).unlink()
    new = "papers/2022/bau2022memories.yaml"
    write_entry(clone, new, entry)
    assert codes(clone) == ["K907"]
    write_entry(clone, new, {**entry, "former_keys": ["bau2022editing"]})
    assert codes(clone) == []


def test_a_key_may_not_change_its_meaning(clone):
    other = two(title="Editing Dreams", ids={"arxiv": "2204.00001"})[OTHER]
    write_entry(clone, OTHER, other)
    (finding,) = check(clone).findings
    assert (finding.code, finding.path, finding.line, finding.column) == ("K908", OTHER, 1, 8)
    assert "Editing Memories at Night" in finding.message


@pytest.mark.parametrize(
    "fields",
    [
        {"title": "Editing Dreams"},  # the same id
        {"ids": {"arxiv": "2204.00001"}},  # the same title
        {"title": "Editing Dreams", "former_titles": ["Editing Memories at Night"], "ids": {"arxiv": "2204.00001"}},
        {"authors": ["Ann Bau", "Cy Dee", "Ed Eff"], "ids": {"arxiv": "2203.00001", "openreview": "-h6WAS6eE4"}},
    ],
)
def test_a_correction_keeps_the_meaning(clone, fields):
    write_entry(clone, OTHER, two(**fields)[OTHER])
    assert codes(clone) == []


def test_a_merged_entry_may_keep_the_key_of_another_paper_only_by_name(clone):
    (clone / OTHER).unlink()
    write_entry(clone, PATH, make_entry(former_keys=["bau2022editing"]))
    assert codes(clone) == ["K908"], "the two are not one paper"


def test_an_entry_that_moved_to_another_year_is_the_same(clone):
    (clone / OTHER).unlink()
    write_entry(clone, "papers/2023/bau2022editing.yaml", two(year=2023)[OTHER])
    assert codes(clone) == []


def test_a_broken_entry_has_not_gone(clone):
    write_entry(clone, OTHER, "title: [\n")
    assert codes(clone) == ["Y101"]


def test_without_git_or_a_main_branch_nothing_is_compared(clone, monkeypatch):
    (clone / OTHER).unlink()
    run_git(clone, "branch", "-q", "-m", "main", "trunk")
    assert codes(clone) == []
    monkeypatch.setenv("PATH", "")
    assert codes(clone) == []


# The outcome of the whole run is kept


@pytest.fixture
def cached(monkeypatch, tmp_path):
    """A cache that trusts every file, and a count of the runs that looked at all entries."""
    monkeypatch.setenv("SURVEY_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(cache, "_SETTLED_NS", -1)
    runs = []
    real = module._check_all
    monkeypatch.setattr(module, "_check_all", lambda *args: runs.append(1) or real(*args))
    return runs


def test_nothing_new_nothing_done(cached, tmp_path):
    root = make_root(tmp_path / "clone", {PATH: make_entry(authors=["KEVIN MENG"]), OTHER: two()[OTHER]})
    first, again = check(root).findings, check(root).findings
    assert first == again and [f.code for f in again] == ["N501"]
    assert len(cached) == 1


def test_a_change_is_noticed_and_the_rest_is_remembered(cached, tmp_path, monkeypatch):
    root = make_root(tmp_path / "clone", two())
    check(root)
    texts = []
    real = module.check_text
    monkeypatch.setattr(module, "check_text", lambda path, *args: texts.append(path) or real(path, *args))
    write_entry(root, PATH, make_entry(ids={"arxiv": "2203.00001"}))
    assert sorted(codes(root)) == ["D401"]
    assert texts == [PATH] and len(cached) == 2


def test_a_new_main_branch_is_noticed(cached, tmp_path):
    root = make_root(tmp_path / "clone", two(), git=True)
    (root / OTHER).unlink()
    assert codes(root) == ["K907"]
    run_git(root, "commit", "-q", "-a", "-m", "Remove after all")
    assert codes(root) == []


def test_git_that_answers_nothing_is_no_error(clone, monkeypatch):
    def hangs(*_, **__):
        raise subprocess.TimeoutExpired("git", 60)

    monkeypatch.setattr(subprocess, "run", hangs)
    assert codes(clone) == []


# What a pull request could put there


def found(root, only=None) -> list[str]:
    return [f"{f.path}:{f.line}:{f.column}: {f.code} {f.message}" for f in check(root, only).findings]


def test_what_is_no_file_is_told_and_never_opened(tmp_path):
    root = make_root(tmp_path / "clone", {PATH: make_entry()})
    year = root / "papers" / "2022"
    secret = tmp_path / "secret.yaml"
    secret.write_text("title: secret\n")
    (year / "a2022link.yaml").symlink_to(secret)
    (year / "b2022nowhere.yaml").symlink_to("nowhere.yaml")
    (year / "c2022itself.yaml").symlink_to("c2022itself.yaml")
    (year / "d2022device.yaml").symlink_to("/dev/zero")
    os.mkfifo(year / "e2022pipe.yaml")
    (year / "f2022folder.yaml").mkdir()
    (year / "f2022folder.yaml" / "x.yaml").write_text("a")
    (root / "papers" / "2021").symlink_to(tmp_path)
    told = found(root)
    link = "K901 this is a symbolic link, and no entry"
    assert told == [
        f"papers/2021:1:1: {link}",
        f"papers/2022/a2022link.yaml:1:1: {link}", f"papers/2022/b2022nowhere.yaml:1:1: {link}",
        f"papers/2022/c2022itself.yaml:1:1: {link}", f"papers/2022/d2022device.yaml:1:1: {link}",
        "papers/2022/e2022pipe.yaml:1:1: K901 this is a pipe, and no entry",
        "papers/2022/f2022folder.yaml:1:1: K901 this is a folder, and no entry",
    ]  # fmt: skip
    assert all(f.hint for f in check(root).findings)
    assert found(root, [year]) == told[1:], "a link is told where it lies, not where it leads"
    assert found(root, [year / "a2022link.yaml"]) == told[1:2]


def test_a_file_of_any_length_is_read_to_a_limit(tmp_path):
    root = make_root(tmp_path, {})
    path = root / PATH
    path.parent.mkdir()
    with open(path, "wb") as file:
        file.truncate(2**40)  # A terabyte of nothing takes no room on disk.
    assert found(root) == [f"{PATH}:1:1: Y104 the file is longer than 64 KiB"]


def test_a_file_that_may_not_be_read(tmp_path, monkeypatch):
    root = make_root(tmp_path, {PATH: make_entry()})

    def refuses(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuses)
    assert found(root) == [f"{PATH}:1:1: K901 this cannot be read: Permission denied"]


@pytest.mark.parametrize("name", [
    "meng2022locating.YAML", "Meng2022locating.yaml", "meng2022\x1b[31mred.yaml", "meng2022\nlocating.yaml", "meng2022locating.yaml ", "mеng2022locating.yaml",
    "meng2022locating\u202e.yaml", "-rf2022x.yaml", "con.yaml", "a2022b\\c.yaml", "a" * 250 + ".yaml", b"meng\xff2022a.yaml", "$(id)2022a.yaml", "%2e%2e2022a.yaml",
])  # fmt: skip
def test_no_name_is_too_strange_to_be_told(tmp_path, name):
    root = make_root(tmp_path, {})
    folder = root / "papers" / "2022"
    folder.mkdir()
    name = os.fsdecode(name)
    (folder / name).write_text("title: x\n")
    (first, *_) = check(root).findings
    assert (first.path, first.code[:3]) == (f"papers/2022/{name}", "K90")


def test_strange_names_pass_through_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SURVEY_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(cache, "_SETTLED_NS", 0)
    root = make_root(tmp_path / "clone", {PATH: make_entry()})
    (root / "papers/2022" / os.fsdecode(b"\xff.yaml")).write_text("a")
    assert [f.code for f in check(root).findings] == [f.code for f in check(root).findings] == ["K902", "S103"]


def test_hidden_files_are_told_once_they_are_committed(tmp_path):
    root = make_root(tmp_path, {PATH: make_entry(), "papers/2022/.meng.yaml.swp": "x"}, git=False)
    make_root(root, {}, git=True)
    run_git(root, "rm", "-q", "--cached", "papers/2022/.meng.yaml.swp")
    assert found(root) == [], "an editor's own file is nobody's business"
    for path in ("papers/.gitattributes", "papers/2022/.hidden/x2022y.yaml"):
        write_entry(root, path, "* -diff linguist-generated\n")
    assert found(root) == []
    run_git(root, "add", "papers/.gitattributes", "papers/2022/.hidden")
    message = "K901 a hidden file has no place among the entries"
    assert found(root) == [f"papers/.gitattributes:1:1: {message}", f"papers/2022/.hidden/x2022y.yaml:1:1: {message}"]


def test_a_submodule_is_told(tmp_path):
    root = make_root(tmp_path, {PATH: make_entry()}, git=True)
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=root, capture_output=True, text=True).stdout.strip()
    run_git(root, "update-index", "--add", "--cacheinfo", f"160000,{commit},papers/2023")
    assert found(root) == ["papers/2023:1:1: K901 this is a submodule, and no entry"]


def test_papers_may_not_lead_elsewhere(tmp_path):
    from survey.files import CollectionError, load_collection

    other = make_root(tmp_path / "other", {PATH: make_entry()})
    (tmp_path / "clone").mkdir()
    (tmp_path / "clone" / "papers").symlink_to(other / "papers")
    for reader in (check, load_collection):
        with pytest.raises(CollectionError, match="is a symbolic link"):
            reader(tmp_path / "clone")
