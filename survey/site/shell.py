"""The theme's page around our content.

mkdocs renders one page of each section; the pages that we make are that page with another article.
So the theme is used as it is, and paper pages cost no Markdown and no template of the theme.
"""

from __future__ import annotations

import json
import posixpath
import re
from functools import lru_cache
from html import escape

_ADDRESS = re.compile(r'\b(href|src|action)="([^"]*)"')
_ABSOLUTE = re.compile(r"[a-z][a-z0-9+.-]*:|//|#|\?")
_ARTICLE = re.compile(r'(<article class="md-content__inner md-typeset">)(.*?)(</article>)', re.S)
_SIDEBAR = re.compile(r'(data-md-type="toc".*?<div class="md-sidebar__inner">)(.*?)(</div>\s*</div>\s*</div>)', re.S)
# Marks no HTML can hold.
_BASE, _TITLE, _DESCRIPTION, _CANONICAL, _HEAD, _TOPIC, _CONTENT = (f"\0{i}\0" for i in range(7))


def depth_of(address: str) -> str:
    """The way from a page up to the root of the site: `papers/x/` -> `../../`."""
    return "../" * address.strip("/").count("/") + ("../" if address.strip("/") else "")


class Shell:
    """A page that mkdocs has built, cut open at title, description, head and article."""

    def __init__(self, html: str, address: str) -> None:
        """`html` is the page as it stands at `address`, such as `papers/`."""
        html = _squeezed(html)
        html = _ADDRESS.sub(lambda m: f'{m[1]}="{_rooted(m[2], address)}"', html)
        up = re.escape(depth_of(address).rstrip("/") or ".")
        html = re.sub(rf'new URL\("{up}",location\)', f'new URL("{_BASE}.",location)', html)
        html = re.sub(r'(<script id="__config"[^>]*>)(.*?)(</script>)', lambda m: m[1] + _config(m[2], address) + m[3], html, flags=re.S)
        html = re.sub(r"<title>.*?</title>", f"<title>{_TITLE}</title>", html, count=1, flags=re.S)
        html = re.sub(r'<meta name="description" content="[^"]*">', f'<meta name="description" content="{_DESCRIPTION}">', html, count=1)
        html = re.sub(r'<link rel="canonical" href="[^"]*">', f'<link rel="canonical" href="{_CANONICAL}">', html, count=1)
        html = re.sub(r'<link rel="(prev|next)"[^>]*>', "", html)
        html = html.replace("</head>", f"{_HEAD}</head>", 1)
        html = re.sub(r'(data-md-component="header-topic">.*?<span class="md-ellipsis">).*?(</span>)', rf"\1{_TOPIC}\2", html, count=1, flags=re.S)
        html = _SIDEBAR.sub(r"\1\3", html, count=1)
        html, articles = _ARTICLE.subn(rf"\1{_CONTENT}\3", html, count=1)
        if not articles or _TITLE not in html:
            raise ValueError(f"the page {address} of the theme has no article to put content into")
        # The table of contents of the section page, inside its navigation, is not ours.
        html = re.sub(r'<label class="md-nav__link md-nav__link--active" for="__toc">.*?</label>', "", html, flags=re.S)
        html = re.sub(r'<nav class="md-nav md-nav--secondary".*?</nav>', "", html, flags=re.S)
        html = re.sub(r'<a href="#[^"]*" class="md-skip">', '<a href="#content" class="md-skip">', html)
        self._html = html

    @lru_cache(maxsize=8)  # noqa: B019 - a handful of shells live as long as the build
    def _parts(self, base: str) -> list[str]:
        return re.split("(\0[0-6]\0)", self._html.replace(_BASE, base))

    def render(self, address: str, title: str, description: str, content: str, canonical: str, head: str = "") -> str:
        """The page at `address`; `content` and `head` are HTML, the others plain text."""
        values = {
            _TITLE: escape(title), _DESCRIPTION: escape(description), _CANONICAL: escape(canonical),
            _HEAD: head, _TOPIC: escape(title.partition(" - ")[0]), _CONTENT: content,
        }  # fmt: skip
        return "".join(values.get(part, part) for part in self._parts(depth_of(address)))


def _rooted(url: str, address: str) -> str:
    """A relative address, made to start at the root of the site."""
    if _ABSOLUTE.match(url) or (not url and address == ""):
        return url
    path = posixpath.normpath(posixpath.join("/", address, url)).lstrip("/")
    slash = "/" if path and (url.endswith("/") or url in ("", ".", "..") or url.endswith("/..")) else ""
    return f"{_BASE}{path}{slash}" or "."


def _config(text: str, address: str) -> str:
    config = json.loads(text)
    config["base"] = _BASE + "."
    config["search"] = _rooted(config["search"], address)
    return json.dumps(config).replace("\\u0000", "\0")


def _squeezed(html: str) -> str:
    """White space between tags, which the theme leaves in plenty, cut down to one character."""
    kept = re.split(r"(<(?:pre|script|textarea)\b.*?</(?:pre|script|textarea)>)", html, flags=re.S)
    return "".join(p if i % 2 else re.sub(r"\s*\n\s*", "\n", p) for i, p in enumerate(kept))
