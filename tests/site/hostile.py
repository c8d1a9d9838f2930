"""Entries of someone who would like to run a script in the reader's browser."""

from __future__ import annotations

from survey.files.writer import dump
from tests.entries import make_entry

SCRIPT = "</script></title></textarea><script>window.hit=1</script>"
ATTRIBUTE = "\" ' onmouseover=window.hit=1 autofocus onfocus=window.hit=1 x=\""
IMAGE = "<img src=x onerror=window.hit=1>"
OURS = '[@nobody2020nothing] [[method:none]] {{ 7*7 }} {% raw %} <div data-survey="none"></div> $$x$$'
TITLE = f"{IMAGE} & {SCRIPT} {ATTRIBUTE} {OURS} <!-- ]]> &amp; &lt;"
KEY = "eve2023img"
FORMER = "eve2022img"
PLAIN = "meng2022locating"


def entries() -> dict[str, str]:
    """Two entries, one of them hostile in every field that takes free text, by path."""
    hostile = make_entry(
        title=TITLE, authors=[f"Eve {SCRIPT}", f"{IMAGE} & {ATTRIBUTE}"], year=2023, venue="arxiv", ids={"arxiv": "2302.05262"},
        acronym=IMAGE, booktitle=SCRIPT, summary=f"{TITLE} {SCRIPT}", note=SCRIPT, status="withdrawn", sources=[SCRIPT, IMAGE],
        links={"code": "https://example.org/?a=1&b='onclick=window.hit=1"}, former_titles=[IMAGE], former_keys=[FORMER],
        pitfalls=[{"id": "locality", "stance": "shows", "basis": "abstract", "note": TITLE}],
        related=[{"key": PLAIN, "as": "extends", "basis": "abstract", "note": SCRIPT}],
    )  # fmt: skip
    return {f"papers/2022/{PLAIN}.yaml": dump(make_entry()), f"papers/2023/{KEY}.yaml": dump(hostile)}
