"""The static markup of the explorer; `assets/explorer.mjs` brings it to life."""

from __future__ import annotations

from html import escape

from survey.collection import Collection

_KEYS = (
    ("/", "go to the search box"),
    ("↓ or j, ↑ or k", "next and previous result"),
    ("Enter", "open the result"),
    ("x or Space", "select the result"),
    ("Esc", "close what is open, or clear the search"),
    ("?", "show this list"),
)
_EXAMPLES = (
    ("ripple effects", "words in titles, authors, acronyms, summaries and tags, from their beginnings"),
    ('"mass editing"', "the words together"),
    ("method:rome,memit", "a field; the comma means “or”"),
    ("pitfall:locality stance:mitigates", "a space means “and”; a pitfall includes its finer points"),
    ("year:2023.. -venue:arxiv", "from 2023 on, and not on arXiv; the minus means “not”"),
    ("author:meng has:code", "accents and capitals make no difference"),
    ("id:2202.05262", "an arXiv number, DOI, ACL Anthology or OpenReview id"),
)  # fmt: skip
_FIELDS = (
    "method family pitfall stance benchmark metric venue year author kind has key id status".split()
)
_SORTS = (
    ("newest", "newest first"),
    ("oldest", "oldest first"),
    ("title", "by title"),
    ("author", "by first author"),
)


def explorer_html(collection: Collection, base: str) -> str:
    """The explorer of this collection, for a page whose way to the site's root is `base`."""
    count = len(collection)
    base = escape(base)
    years = sorted({paper.year for paper in collection.values()}, reverse=True)
    by_year = " ".join(f'<a href="{base}years/{year}/">{year}</a>' for year in years)
    sorts = "".join(f'<option value="{value}">{label}</option>' for value, label in _SORTS)
    return f"""\
<link rel="stylesheet" href="{base}assets/survey/explorer.css">
<link rel="preload" href="{base}data/index.json" as="fetch" type="application/json" crossorigin>
<noscript><p class="explorer-notice">The explorer needs JavaScript. Without it, the papers stand
by year: {by_year}.</p></noscript>
<div class="explorer" id="explorer-root" data-base="{base}" data-count="{count}" data-state="loading">
<script>{_ASIDE}</script>
<form class="explorer-search" role="search" aria-label="Papers" method="get">
<label class="explorer-label" for="explorer-query">Search the papers</label>
<div class="explorer-line">
<div class="explorer-combobox">
<input class="explorer-query" id="explorer-query" name="q" type="search" role="combobox"
 placeholder="words, or method:rome pitfall:locality year:2023.."
 autocomplete="off" autocapitalize="none" spellcheck="false" enterkeyhint="search"
 aria-autocomplete="list" aria-expanded="false" aria-controls="explorer-suggestions"
 aria-describedby="explorer-error">
<ul class="explorer-suggestions" id="explorer-suggestions" role="listbox" aria-label="Suggestions" hidden></ul>
</div>
<button class="explorer-button explorer-help-button" type="button" aria-haspopup="dialog">Help</button>
</div>
<div class="explorer-error" id="explorer-error" role="status"></div>
<ul class="explorer-chips" aria-label="Active conditions" hidden></ul>
</form>
<div class="explorer-body">
<button class="explorer-button explorer-filters-button" type="button" aria-expanded="false" aria-controls="explorer-facets">Filters</button>
<section class="explorer-facets" id="explorer-facets" aria-labelledby="explorer-facets-title">
<h2 class="explorer-heading" id="explorer-facets-title">Filters</h2>
</section>
<section class="explorer-main" aria-labelledby="explorer-results-title">
<h2 class="explorer-heading explorer-unseen" id="explorer-results-title">Results</h2>
<div class="explorer-bar">
<p class="explorer-count" role="status" aria-live="polite">Loading {count:,} papers…</p>
<label class="explorer-sort">Sort <select class="explorer-select" name="sort">{sorts}</select></label>
</div>
<div class="explorer-bar explorer-export" role="group" aria-label="Selection and export"></div>
<p class="explorer-notice explorer-later" role="status" hidden></p>
<div class="explorer-empty" hidden></div>
<p class="explorer-years" hidden>{by_year}</p>
<ol class="explorer-list" role="list" aria-labelledby="explorer-results-title">
{_SKELETON * 4}</ol>
<p class="explorer-end"><button class="explorer-button explorer-more" type="button" hidden>Show more</button></p>
</section>
</div>
{_help()}
</div>
<script type="module" src="{base}assets/survey/explorer.mjs"></script>
"""


# The theme's own search takes ?q= for itself when it starts. `explorer.mjs` puts the query back.
_ASIDE = """\
(({ pathname, search, hash }) => {
  document.getElementById("explorer-root").dataset.search = search;
  if (search) history.replaceState(history.state, "", pathname + hash);
})(location);"""

_SKELETON = '<li class="explorer-skeleton" aria-hidden="true"><span></span><span></span></li>\n'


def _help() -> str:
    keys = "".join(f"<dt>{_keyboard(key)}</dt><dd>{text}</dd>" for key, text in _KEYS)
    examples = "".join(
        f"<dt><code>{escape(query)}</code></dt><dd>{text}</dd>" for query, text in _EXAMPLES
    )
    fields = " ".join(f"<code>{field}:</code>" for field in _FIELDS)
    return f"""\
<dialog class="explorer-dialog explorer-help" aria-labelledby="explorer-help-title">
<h2 class="explorer-heading" id="explorer-help-title">How to search</h2>
<dl class="explorer-terms">{examples}</dl>
<p>Fields: {fields}</p>
<h3 class="explorer-heading">Keys</h3>
<dl class="explorer-terms">{keys}</dl>
<form method="dialog"><button class="explorer-button">Close</button></form>
</dialog>"""


def _keyboard(keys: str) -> str:
    words = [
        word if word == "or" else f"<kbd>{word}</kbd>" for word in keys.replace(",", "").split()
    ]
    return " ".join(words)
