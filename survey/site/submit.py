"""The static markup of the submission page; `assets/submit.mjs` brings it to life."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import get_args

from survey.collection import Collection
from survey.collection.paper import ID_SCHEMES, LINK_KINDS, Basis, Kind, Status
from survey.intake.issue_form import CORRECT, SUBMIT
from survey.site.fill import FillError
from survey.site.guide import as_html, meanings

# The services that the page asks; a test, or a mirror, puts others into the page's data.
SERVICES = {
    "datacite": "https://api.datacite.org",
    "crossref": "https://api.crossref.org",
    "openreview": "https://api2.openreview.net",
    "openreview1": "https://api.openreview.net",
}

_ID_LABELS = {
    "arxiv": ("arXiv id", "2202.05262"), "doi": ("DOI", "10.18653/v1/2023.emnlp-main.296"),
    "anthology": ("ACL Anthology id", "2023.emnlp-main.296"), "openreview": ("OpenReview forum id", "-h6WAS6eE4"),
}  # fmt: skip
_LINK_LABELS = {
    "code": "Code", "project": "Project page", "data": "Data",
    "paper": "The paper itself, only where no id leads to it",
}  # fmt: skip
_BASES = {"title": "the title only", "abstract": "the abstract", "readme": "the readme", "full-text": "the full text"}
_PICKERS = (
    ("proposes", "methods", "Methods it proposes"),
    ("proposes", "families", "Strategy of its own method, where that has no id yet"),
    ("proposes", "benchmarks", "Benchmarks it proposes"),
    ("studies", "methods", "Methods it studies"),
    ("studies", "benchmarks", "Benchmarks it studies"),
)
_WEAK = ("authors", "title", "venue", "year", "ids")


def submit_html(collection: Collection, base: str, source: str, root: Path) -> str:
    """The submission page of this collection, for a page whose way to the site's root is `base`.

    Raises `FillError` where the tagging guide does not say what the kinds mean.
    """
    guide = root / "docs" / "contributing" / "tagging.md"
    try:
        kinds = meanings(guide.read_text("utf-8"), "kinds")
    except (OSError, KeyError):
        raise FillError("docs/contributing/tagging.md has no table of kinds") from None
    base = escape(base)
    source = escape(source)
    services = " ".join(f'data-{name}="{escape(address)}"' for name, address in SERVICES.items())
    form = f"{source}/issues/new?template={SUBMIT.file}"
    by_form = f'<li>an <a href="{form}">issue form</a> takes an id, and a program makes the pull request;</li>\n' if source else ""
    return f"""\
<link rel="stylesheet" href="{base}assets/survey/submit.css">
<noscript><div class="submit-notice"><p>This page needs JavaScript. Without it there are other ways:</p>
<ul><li><code>survey add 2202.05262</code> in a clone of the repository writes the entry, and
<code>survey check</code> looks it over;</li>
{by_form}<li>an entry is a short file that <a href="{base}contributing/">can be written by hand</a>.</li></ul></div></noscript>
<div class="submit" id="submit-root" data-base="{base}" data-source="{source}" data-form="{CORRECT.file}" data-state="loading" {services}>
<script>{_MODE}</script>
<p class="submit-lead"></p>
<form class="submit-lookup" id="submit-lookup">
<label for="submit-id">arXiv id, DOI, ACL Anthology or OpenReview id, or an address of one</label>
<div class="submit-line">
<input id="submit-id" name="id" autocomplete="off" autocapitalize="none" spellcheck="false" enterkeyhint="search"
 placeholder="2202.05262" aria-describedby="submit-status">
<button class="submit-button" type="submit">Look it up</button>
</div>
<div class="submit-status" id="submit-status" role="status"></div>
</form>
<div class="submit-body">
<form class="submit-form" id="submit-form" autocomplete="off" novalidate inert>
<fieldset><legend>The paper</legend>
{_area("title", "Title", "as printed", rows=2)}
{_area("authors", "Authors", "One a line, given name first. <code>Given | Family</code> where spaces cannot split a name, <code>{Name}</code> in braces for a collaboration.", rows=4)}
<div class="submit-row">
{_input("year", "Year", "of the published version", mode="numeric")}
{_input("venue", "Venue", "of the published version; <code>arxiv</code> for a preprint", list="submit-venues")}
</div>
<p class="submit-hint" id="submit-venue-name"></p>
{_input("acronym", "Acronym", "the name of its own method, benchmark or tool, as printed")}
</fieldset>
<fieldset><legend>Where it stands</legend>
<div class="submit-grid">
{"".join(_input(f"ids.{s}", _ID_LABELS[s][0], "", placeholder=_ID_LABELS[s][1]) for s in ID_SCHEMES)}
{"".join(_input(f"links.{k}", _LINK_LABELS[k], "", placeholder="https://", mode="url") for k in LINK_KINDS)}
</div>
</fieldset>
<fieldset><legend>What you read</legend>
<p class="submit-hint">Tag what you read, and only that: <a href="{base}contributing/tagging/">the guide to tags</a>.</p>
<div class="submit-row">
{_select("annotated.basis", "The annotation rests on", [(b, _BASES[b]) for b in get_args(Basis)])}
{_input("annotated.on", "Read on", "", type="date")}
</div>
</fieldset>
<fieldset class="submit-suggested" hidden><legend>Suggested tags</legend>
<p>A program chose these by words of title and abstract. Read the abstract, mend the tags below, then say so.</p>
<ul class="submit-suggestions"></ul>
<label class="submit-check"><input type="checkbox" id="submit-confirmed"> <span>I have read the abstract, and these tags are right</span></label>
</fieldset>
<fieldset id="submit-kinds"><legend>Kind</legend>
{"".join(_kind(kind, as_html(kinds.get(kind, ""))) for kind in get_args(Kind))}
</fieldset>
<fieldset><legend>What it proposes and studies</legend>
{"".join(_picker(part, field, label) for part, field, label in _PICKERS)}
</fieldset>
<fieldset class="submit-rows" id="submit-pitfalls"><legend>Pitfalls</legend>
<p class="submit-hint">The finest tag that the words support; it implies its parent.</p>
<ol></ol>
<button class="submit-button" type="button">Add a pitfall</button>
</fieldset>
<fieldset><legend>In words</legend>
{_area("summary", "Summary", "one or two sentences of your own, at most 45 words, written after closing the abstract", rows=4)}
{_area("note", "Note", "whatever a reader should know", rows=2)}
</fieldset>
<fieldset><legend>Sources</legend>
{_area("sources", "Where the facts were read", "one a line", rows=2)}
</fieldset>
<details class="submit-more"><summary>More fields</summary>
<div class="submit-grid">
{_input("pages", "Pages", "", placeholder="17359-17372")}
{_input("volume", "Volume", "")}
{_input("booktitle", "Book title", "only where it differs from the venue's")}
{_input("published", "Published", "", placeholder="2022-12")}
{_select("status", "Status", [("", "published or preprint"), *((s, s) for s in get_args(Status))])}
</div>
{_area("protect", "Words whose capitals BibTeX must keep", "one a line", rows=1)}
{_area("official_typo", "Misprints of the official title", "one a line", rows=1)}
{_area("former_titles", "Earlier titles", "one a line", rows=1)}
{_area("former_keys", "Former keys", "one a line", rows=1)}
<fieldset class="submit-rows" id="submit-related"><legend>Related entries</legend>
<p class="submit-hint">Only with a reason that you read; the program makes the inverse.</p>
<ol></ol>
<button class="submit-button" type="button">Add a relation</button>
</fieldset>
<fieldset id="submit-unconfirmed"><legend>Rests on a single weak source</legend>
{"".join(f'<label class="submit-check"><input type="checkbox" name="unconfirmed" value="{field}"> <span>{field}</span></label>' for field in _WEAK)}
</fieldset>
</details>
</form>
<section class="submit-result" aria-labelledby="submit-entry-title">
<h2 class="submit-heading" id="submit-entry-title">The entry</h2>
<p class="submit-path"></p>
<div class="submit-yaml" tabindex="0" role="group" aria-label="The entry as YAML"><p class="submit-empty">Loading the rules…</p></div>
<h2 class="submit-heading" id="submit-problems-title">Problems</h2>
<p class="submit-count" role="status"></p>
<ul class="submit-problems" aria-labelledby="submit-problems-title"></ul>
<div class="submit-changes"><h2 class="submit-heading">What changes</h2><div class="submit-diff" tabindex="0" role="group" aria-label="What changes"></div></div>
<div class="submit-actions"></div>
<p class="submit-done" role="status"></p>
</section>
</div>
<datalist id="submit-venues"></datalist>
</div>
<script type="module" src="{base}assets/survey/submit.mjs"></script>
"""


# A correction has no lookup; that is settled before anything is drawn, so that nothing jumps.
_MODE = """\
(({ search }) => {
  const correcting = new URLSearchParams(search).has("key");
  document.getElementById("submit-root").dataset.mode = correcting ? "correct" : "submit";
})(location);"""


def _field(name: str, label: str, hint: str, control: str) -> str:
    id = _id(name)
    told = f'<span class="submit-hint" id="{id}-hint">{hint}</span>' if hint else ""
    return f'<div class="submit-field"><label for="{id}">{label}</label>{told}{control}</div>\n'


def _id(name: str) -> str:
    return "entry-" + name.replace(".", "-").replace("_", "-")


def _attributes(name: str, hint: str) -> str:
    described = f' aria-describedby="{_id(name)}-hint"' if hint else ""
    return f'id="{_id(name)}" name="{name}"{described}'


def _input(name: str, label: str, hint: str, *, type: str = "text", mode: str = "", list: str = "", placeholder: str = "") -> str:
    more = "".join(f' {key}="{value}"' for key, value in (("inputmode", mode), ("list", list), ("placeholder", placeholder)) if value)
    return _field(name, label, hint, f'<input {_attributes(name, hint)} type="{type}" autocapitalize="none" spellcheck="false"{more}>')


def _area(name: str, label: str, hint: str, *, rows: int) -> str:
    return _field(name, label, hint, f'<textarea {_attributes(name, hint)} rows="{rows}"></textarea>')


def _select(name: str, label: str, options: list[tuple[str, str]]) -> str:
    made = "".join(f'<option value="{value}">{text}</option>' for value, text in options)
    return _field(name, label, "", f"<select {_attributes(name, '')}>{made}</select>")


def _kind(kind: str, meaning: str) -> str:
    told = f' <span class="submit-hint">{meaning}</span>' if meaning else ""
    return f'<label class="submit-check"><input type="checkbox" name="kinds" value="{kind}"> <span><strong>{kind}</strong>{told}</span></label>\n'


def _picker(part: str, field: str, label: str) -> str:
    id = _id(f"{part}.{field}")
    return f"""<div class="submit-field submit-picker" data-part="{part}" data-field="{field}">
<label for="{id}">{label}</label>
<ul class="submit-chips" aria-label="{label}, chosen"></ul>
<div class="submit-line"><input id="{id}" list="submit-{field}" autocapitalize="none" spellcheck="false" placeholder="a name or id">
<button class="submit-button" type="button" aria-label="Add to: {label}">Add</button></div>
</div>
"""
