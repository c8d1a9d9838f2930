"""What of a piece of Markdown would come alive on GitHub: the judge of everything that we post.

CommonMark says what is a link, an image or HTML; GitHub itself looks for mentions, issues, addresses
and emoji in the text that is left, and not in code.
"""

from __future__ import annotations

import re

from markdown_it import MarkdownIt

OURS = {"<details><summary>BibTeX</summary>", "</details>", "<sub>", "</sub>"}
LIVE = {
    "mention": re.compile(r"(?<![\w`])@[A-Za-z0-9]"),
    "issue": re.compile(r"#\d|\bGH-\d", re.I),
    "address": re.compile(r"\b(?:https?|ftp|mailto|xmpp|javascript|data):(?=[^\s\u200b])|\bwww\.|[\w.+-]+@[\w-]+\.\w", re.I),
    "emoji": re.compile(r":[a-z0-9_+-]+:", re.I),
    "commit": re.compile(r"\b(?=[0-9a-f]*[a-f])[0-9a-f]{7,40}\b"),
    "direction": re.compile(r"[\u202a-\u202e\u2066-\u2069\x00-\x08\x0b-\x1f]"),
    "mathematics": re.compile(r"\$"),
}


def alive(markdown: str, links: tuple[str, ...] = (), issues: tuple[int, ...] = ()) -> list[str]:
    """Everything that comes alive but links that begin with one of `links`, and these issues."""
    found = []
    # Mathematics is looked for in what was written, not in what it means.
    text = re.sub(r"(?ms)^(`{3,}).*?^\1$|(?<!`)(`+)(?!`)[^\n]*?(?<!`)\2(?!`)", "", markdown)
    found += [f"mathematics {m[0]}" for m in re.finditer(r"\$[^$\n]+\$", text)]
    for token in MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(markdown):
        if token.type == "html_block":
            found += [f"html {piece}" for piece in _html(token.content)]
        if token.type in ("table_open", "hr"):
            found.append(token.type)
        for part in token.children or ():
            if part.type == "html_inline" and part.content not in OURS:
                found.append(f"html {part.content}")
            elif part.type == "image":
                found.append(f"image {part.attrs}")
            elif part.type == "link_open" and not str(part.attrs["href"]).startswith(links or ("no:",)):
                found.append(f"link {part.attrs['href']}")
        if token.type == "inline":
            shown = "".join(p.content if p.type == "text" else "\n" for p in token.children)
            for number in issues:
                shown = re.sub(rf"#{number}\b", "", shown)
            found += [f"{what} {m[0]!r} in {shown[max(0, m.start() - 20) : m.end() + 20]!r}" for what, sign in LIVE.items() if what != "mathematics" for m in sign.finditer(shown)]
    return found


def _html(block: str) -> list[str]:
    block = re.sub(r"^<!-- survey:[a-z]+ -->", "", block.strip())
    for piece in OURS:
        block = block.replace(piece, "")
    return [block.strip()] if re.search(r"<", block) else []


HOSTILE = [
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "![x](https://evil.example/x.png)", "[click](javascript:alert(1))",
    "[click](https://evil.example)", "](javascript:alert(1))", "@everyone please look at #1", "GH-1 and someone/pitfalls#7",
    "Closes #1", "fixes https://github.com/someone/pitfalls/issues/1", "www.evil.example and https://evil.example/x", "mail eve@evil.example",
    "<details open><summary>x</summary>", "</details></details>", "<!-- survey:preview -->", "-->", "<!--", "```\n@everyone\n```",
    "````\n</details>\n````", "~~~\nx\n~~~", "`x` ``y`` ```z```", "| a | b |\n|---|---|\n| c | d |", "# Heading\n## Heading", "> quote", "- list\n1. list",
    "\n\n---\n\n", "&lt;script&gt; &#60;b&#62; &amp;lt;", "$\\href{javascript:alert(1)}{x}$", "$$x$$", ":tada: :+1:", "a\x00b\x1b[31m", "\u202eevil\u202c",
    "/close", "[skip ci]", "Co-authored-by: Eve <eve@evil.example>", "${{ github.token }}", "$(touch /x)`touch /x`", "'; DROP TABLE papers; --",
    "::set-output name=x::y", "deadbeefcafe", "\\", "*bold* _it_ ~~no~~ **b**", "[^1]\n\n[^1]: note", "<https://evil.example>", "<a href=//evil.example>", "\r\nX-Header: 1",
    "1. one", "1) one", "+ plus", "=====", "- - -", "***", "\u2028line", "a" * 3000,
]  # fmt: skip
