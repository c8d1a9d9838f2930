from __future__ import annotations

import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from survey.files.writer import dump
from survey.intake.github import preview
from survey.intake.github.changed import Change, Changes
from survey.intake.github.preview import MARKER, Places, render
from survey.intake.handover import BadHandover
from survey.intake.markdown import LIMIT
from tests.checks.examples import OTHER
from tests.entries import PATH, make_entry, make_root
from tests.intake.github.inert import HOSTILE, alive
from tests.intake.github.server import PERSON
from tests.site import hostile

FILES = "https://github.com/someone/pitfalls/blob/main/"
PLACES = Places(FILES)
NEW = "papers/2024/night2024editing.yaml"
OURS = ("https://arxiv.org/abs/", "https://doi.org/", "https://aclanthology.org/", "https://openreview.net/forum?id=", FILES)


def new(**fields) -> dict:
    return make_entry(**{"title": "Editing by Moonlight", "authors": ["Eve Night", "Ann Bau"], "year": 2024, "venue": "arxiv", "ids": {"arxiv": "2405.00001"}, **fields})


def shown(root, *changes: tuple[str, dict | str | None], left_out: int = 0, places: Places = PLACES) -> str:
    made = (Change(path, dump(text) if isinstance(text, dict) else text) for path, text in changes)
    return render(Changes(tuple(made), left_out), root, places)


# What is shown


def test_a_new_entry_is_shown_as_a_card(root):
    text = shown(root, (NEW, new(links={"code": "https://github.com/eve/moon"}, summary="It edits.", studies={"methods": ["rome"]},
                                 pitfalls=[{"id": "locality", "stance": "shows", "basis": "abstract"}])))  # fmt: skip
    assert text.startswith("### Preview of 1 changed entry: no problems\n\n#### `night2024editing` (new)\n\n**Editing by Moonlight**  \nEve Night, Ann Bau  \n")
    assert "[arXiv 2405.00001](<https://arxiv.org/abs/2405.00001>) · code: `https://github.com/eve/moon`" in text
    assert "> It edits" in text and "- studies methods: ROME" in text and "- pitfall `locality`: shows, by abstract" in text
    assert "```bibtex\n@misc{night2024editing,\n  title = {Editing by Moonlight}," in text


def test_suggested_tags_are_marked(root):
    assert "**Tags**" in shown(root, (NEW, new()))
    assert "**Tags, suggested by words of title and abstract, not confirmed yet**" in shown(root, (NEW, new(unconfirmed=["tags"])))


def test_problems_are_told_by_line(root):
    text = shown(root, (NEW, new(authors=["EVE NIGHT", "Lu Na"])))
    assert text.startswith("### Preview of 1 changed entry: 1 error") and "- error in line 2: 'EVE NIGHT'" in text and "(N501" in text


def test_a_link_that_ends_in_many_brackets_is_soon_shown(root):
    start = time.process_time()
    assert "no problems" in shown(root, (NEW, new(links={"code": f"https://github.com/eve/moon{')' * 400}x"})))
    assert time.process_time() - start < 20


def test_an_entry_that_cannot_be_read_is_told(root):
    text = shown(root, (NEW, "title: ["))
    assert "- error in line" in text and "(Y101)" in text and "cannot be shown as a paper" in text and "BibTeX" not in text


def test_a_correction_is_shown_field_by_field(root):
    text = shown(root, (PATH, make_entry(year=2022, pages="1-9", authors=["Kevin Meng", "David Bau"])))
    assert "#### `meng2022locating` (changed)" in text
    assert "- authors: `[Kevin Meng, David Bau, Alex Andonian]` → `[Kevin Meng, David Bau]`\n" in text and "- pages: nothing → `1-9`" in text
    assert "the layout or a comment" in shown(root, (PATH, "# x\n" + dump(make_entry())))
    assert "nothing against the main branch" in shown(root, (PATH, make_entry()))


def test_an_entry_that_moves_is_one_change(root):
    text = shown(root, (PATH, None), ("papers/2023/meng2022locating.yaml", make_entry(year=2023)))
    assert text.startswith("### Preview of 1 changed entry: no problems") and "- year: `2022` → `2023`" in text


def test_what_is_taken_away_is_told(root):
    assert "#### `bau2022editing` (taken away)" in shown(root, (OTHER, None), left_out=2)
    assert "2 more files are changed" in shown(root, (OTHER, None), left_out=2)


def test_what_still_refers_to_an_entry_that_is_taken_away_is_told(root):
    lost = "No entry keeps the key: list `meng2022locating` in `former_keys` of what replaced it."
    text = shown(root, (PATH, None))
    assert lost in text and "- taxonomy/methods.yaml: founding paper of `rome`" in text, "the taxonomy is the package's"
    related = [{"key": "meng2022locating", "as": "extends", "basis": "title"}]
    text = shown(root, (PATH, None), (NEW, new(related=related)))
    assert f"{lost}\n\n**What still refers to it**\n- `night2024editing`: extends\n- taxonomy/" in text
    kept = shown(root, (PATH, None), (NEW, new(related=related, former_keys=["meng2022locating"])))
    assert "The key is kept by `night2024editing`.\n\n**What still refers to it**\n- taxonomy/" in kept and "`night2024editing`: extends" not in kept
    quiet = shown(root, (OTHER, None))
    assert "list `bau2022editing`" in quiet and "still refers" not in quiet


def test_similar_papers_are_linked_where_they_are(root):
    text = shown(root, (NEW, new()))
    assert f"**Similar papers**\n- [Editing Memories at Night](<{FILES}{OTHER}>) (2022): Ann Bau\n" in text
    site = shown(root, (NEW, new()), places=Places(FILES, "https://x.github.io/p/"))
    assert "(<https://x.github.io/p/papers/bau2022editing/>)" in site
    two = shown(root, (NEW, new()), ("papers/2024/night2024other.yaml", new(title="Other Edits", ids={"arxiv": "2405.00002"})))
    assert "- Other Edits (2024)" in two, "what comes with the same pull request has no address yet"


def test_duplicates_are_told(root):
    text = shown(root, (NEW, new(ids={"arxiv": "2202.05262"})))
    assert f"{PATH} has the same arxiv id" in text.replace("\u200b", "") and "(D401" in text


def test_a_comment_never_grows_beyond_what_github_takes(root):
    many = [(f"papers/2024/night2024editing{n}.yaml", new(title=f"Editing {n} {'word ' * 60}end", summary="<" * 1900, ids={"arxiv": f"2405.{n:05}"})) for n in range(50)]
    text = shown(root, *many, left_out=5)
    assert len(text) < LIMIT - len(MARKER) - 1 and "more entries do not fit" in text and alive(text, OURS) == []
    broken = shown(root, (NEW, "x: {" + "a: &b [\n" * 9000))
    assert len(broken) < LIMIT


def test_bibtex_without_end_is_told(root):
    authors = [f"Eve Night{'abcdefghijklmnopqrstuvwxyz'[n % 26]}{'abcdefghijklmnopqrstuvwxyz'[n // 26]} Long" for n in range(400)]
    text = shown(root, (NEW, new(authors=authors)))
    assert "The BibTeX has " in text and "and 370 more" in text and "```" not in text


# Nothing comes alive


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_of_a_hostile_entry_comes_alive(root, text):
    line = " ".join(text.replace("\x00", "").replace("\x1b", "").split())[:300].strip() or "x"
    entry = new(
        title=f"Editing {line}", acronym=line, summary=text.replace("\x00", "")[:1900] or "x", note=line, sources=[line], authors=["Eve Night", line[:80]],
        former_titles=[line], booktitle=line, volume=line, protect=[line], related=[{"key": "meng2022locating", "as": "extends", "basis": "title", "note": line}],
        links={"code": f"https://example.org/{''.join(c for c in line if (c.isascii() and c.isalnum()) or c in '()[]@*_!')[:100]}"},
    )  # fmt: skip
    for path, old in ((NEW, entry), (PATH, {**entry, "ids": {"arxiv": "2202.05262"}})):
        made = shown(root, (path, old))
        assert alive(f"{MARKER}\n{made}", OURS) == []
        assert not made.startswith(MARKER)
    assert alive(shown(root, (NEW, text)), OURS) == []


def test_the_hostile_entries_of_the_site_do_not_come_alive_here(root):
    for path, text in hostile.entries().items():
        assert alive(shown(root, (path, text)), OURS) == []


values = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=20), st.integers(), st.lists(st.sampled_from(HOSTILE), max_size=2), st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=2))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from([*new(), "summary", "pitfalls", "related", "proposes", "links", "unconfirmed", "status", "note"]), values, max_size=4))
def test_no_entry_breaks_the_preview_or_comes_alive(root, fields):
    import yaml

    text = yaml.safe_dump({**new(), **fields}, allow_unicode=True)
    made = shown(root, (NEW, text))
    assert alive(made, OURS) == [] and "#### `night2024editing` (new)" in made


def test_unknown_tags_and_venues_are_shown_and_told(root):
    text = shown(root, (NEW, new(venue="nowhere", studies={"methods": ["nomethod"]}, pitfalls=[{"id": "nopitfall", "stance": "shows", "basis": "title"}])))
    assert "nowhere" in text and "nomethod (unknown)" in text and "`nopitfall`" in text and "error" in text


def test_the_bibtex_stays_in_its_fence(root):
    made = shown(root, (NEW, new(title="Editing ```` and ``` @everyone", sources=["x"])))
    fences = [t for t in MarkdownIt("commonmark").parse(made) if t.type == "fence"]
    assert len(fences) == 1 and fences[0].content.startswith("@misc{") and fences[0].content.rstrip().endswith("}")


# Where it is posted

SHA = "a" * 40


def event(sha: str = SHA, branch: str = "topic", login: str = "ada", **run) -> dict:
    return {"workflow_run": {"event": "pull_request", "head_sha": sha, "head_branch": branch, "head_repository": {"owner": {"login": login}}, **run}}


CHANGES = Changes((Change(NEW, dump(new())),))


def post(github, root, event, changes=CHANGES) -> str:
    return preview.post(github, event, changes, root, PLACES)


def test_one_comment_is_made_and_changed_with_the_pull_request(hub, github, root):
    number = hub.pull("topic", sha=SHA, full_name="ada/pitfalls", login="ada")["number"]
    assert post(github, root, event()) == f"preview of pull request {number} written"
    assert post(github, root, event()) == f"preview of pull request {number} is as it was"
    post(github, root, event(), Changes((Change(NEW, dump(new(title="Editing by Daylight"))),)))
    (body,) = hub.bodies(number)
    assert body.startswith(f"{MARKER}\n### Preview") and "Daylight" in body
    post(github, root, event(), Changes(()))
    assert hub.bodies(number) == [f"{MARKER}\nNo entry is changed any more."]


def test_a_pull_request_without_entries_gets_no_comment(hub, github, root):
    hub.pull("topic", sha=SHA, full_name="ada/pitfalls", login="ada")
    post(github, root, event(), Changes(()))
    assert hub.written() == []


def test_a_stranger_cannot_take_the_place_of_our_comment(hub, github, root):
    number = hub.pull("topic", sha=SHA, full_name="ada/pitfalls", login="ada")["number"]
    hub.comment(number, f"{MARKER}\nforged", PERSON)
    post(github, root, event())
    assert len(hub.bodies(number)) == 2 and hub.bodies(number)[0] == f"{MARKER}\nforged"


@pytest.mark.parametrize("given", [event("b" * 40), event(branch="other"), event(login="eve"), event(head_repository=None)])
def test_only_the_pull_request_of_the_run_gets_it(hub, github, root, given):
    """An older run, another branch and another fork have nothing to say here."""
    hub.pull("topic", sha=SHA, full_name="ada/pitfalls", login="ada")
    assert "nothing to do" in post(github, root, given) and hub.written() == []


def test_closed_pull_requests_and_those_into_other_repositories_get_nothing(hub, github, root):
    hub.pull("topic", sha=SHA, login="ada", state="closed")
    hub.pull("topic", sha=SHA, login="ada")["base"]["repo"]["full_name"] = "eve/pitfalls"
    assert "nothing to do" in post(github, root, event()) and hub.written() == []


@pytest.mark.parametrize("given", [{}, {"workflow_run": None}, event(event="push"), event("main"), event(sha=None), {"workflow_run": {"event": "pull_request"}}])
def test_events_of_other_kinds_are_refused(hub, github, root, given):
    with pytest.raises(BadHandover):
        post(github, root, given)


def test_a_branch_of_any_name_is_only_a_name(hub, github, root):
    name = "a&state=all&head=x:$(touch x)/../%2e"
    number = hub.pull(name, sha=SHA, full_name="ada/pitfalls", login="ada")["number"]
    assert post(github, root, event(branch=name)) == f"preview of pull request {number} written"


def test_an_empty_collection_has_a_first_paper(tmp_path):
    assert "Preview of 1 changed entry" in shown(make_root(tmp_path, {}), (NEW, new()))
