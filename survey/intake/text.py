"""Texts of services as plain Unicode: LaTeX, HTML and XML taken off, capitals kept."""

from __future__ import annotations

import html
import re
import unicodedata

from survey.collection.names import Name, split_name
from survey.formats.common import protected_words

# What services really write; other angle brackets are the paper's own.
_TAG = re.compile(
    r"</?(?:a|b|bold|br|div|em|i|inline-formula|italic|li|ol|p|sc|scp|sec|small|span|strong|sub|sup|title|tt|u|ul"
    r"|(?:jats|mml|xhtml):[a-z-]+|math|mi|mo|mn|mrow|script|style)(?:\s+[a-z:-]+\s*=[^<>]{0,500})?\s*/?>", re.I
)
MOST = 20_000
"""Characters of one text that are looked at: more is no title, name or abstract."""
_BREAKING = re.compile(r"</?(?:p|br|div|li|title|sec|jats:(?:p|title|sec|list-item))\b[^<>]*>", re.I)
_LATEX = re.compile(r"\\|\$|[{}]|``|''|~|--")
_INVISIBLE = re.compile(r"[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
# Capital words before a family name that are part of it, almost whoever bears it.
CAPITAL_PARTICLES = frozenset("Dalla De Dei Del Della Des Dos Vande Vanden Vander".split())
_NO_PERSON = re.compile(r"^The\s|\b(?:Team|Workshop|Consortium|Collaboration|Initiative|Community|Working Group)\b")
_ACRONYMS = frozenset("AI BERT GPT LLM MLLM VLM PLM LM NLP NLI QA KG RAG LORA ROME MEMIT MEND SERAC GRACE IKE EMMET PMET FT MOE FFN MLP".split())
_SMALL = frozenset(
    "a an the and but or nor for of in on at to from by with via as into onto over under than vs per".split()
)


def plain(text: object, latex: bool = False) -> str:
    """One line of plain Unicode: markup taken off, entities resolved, spaces made one.

    With `latex`, commands of LaTeX are resolved and braces taken off, too. Anything but text is ''.
    """
    if not isinstance(text, str):
        return ""
    text = _CONTROL.sub("", text[:MOST])
    text = _TAG.sub("", _BREAKING.sub(" ", text))
    text = html.unescape(text)
    # An entity may have hidden a tag, or been packed twice.
    text = html.unescape(_TAG.sub("", text)) if "&" in text or "<" in text else text
    if latex and _LATEX.search(text):
        text = from_latex(text)
    text = _CONTROL.sub("", _INVISIBLE.sub("", text))
    return unicodedata.normalize("NFC", " ".join(text.split()))


def from_latex(text: str) -> str:
    """LaTeX as Unicode. What cannot be read stays as it is, without its braces."""
    import logging

    from pylatexenc.latex2text import LatexNodes2Text

    logging.getLogger("pylatexenc").setLevel(logging.CRITICAL)

    # A dollar that stands alone, or before an amount, is money and not mathematics.
    if text.count("$") % 2 or re.search(r"\$\d[\d.,]*(?=\s|$)", text):
        text = re.sub(r"(?<!\\)\$", r"\\$", text)
    # Commands that only choose a font, some of which the converter would drop with what they hold.
    text = re.sub(r"\\(?:texttt|textsf|mathtt|mathsf|mbox|hbox)(?![A-Za-z])\s*", "", text)
    if "$" not in text:
        text = re.sub(r"(?<!\\)_", r"\\_", text)
    meant = re.sub(r"(?<!\\)([%&#])", r"\\\1", text)
    try:
        found = LatexNodes2Text(math_mode="text", strict_latex_spaces=True, keep_comments=True).latex_to_text(meant)
    except Exception:  # the converter raises many kinds
        found = ""
    # Words that no command holds must come through; else the text is better left alone.
    words = re.findall(r"[^\W\d_]{3,}", re.sub(r"\\[A-Za-z]+|\\.|[{}$]", " ", text))
    if sum(word in found for word in words) < len(words) - 1 - len(words) // 4:
        found = re.sub(r"\\[A-Za-z]+\s?|\\(?=\W)", "", text)
    return re.sub(r"[{}]", "", found).replace("~", "\u00a0")


def title_of(text: object, latex: bool = True) -> str:
    """A title: plain, straight quotes and dashes as the house writes them, no full stop at the end."""
    title = plain(text, latex)
    title = title.replace("\u00a0", " ").replace("“", '"').replace("”", '"').replace("’", "'").replace("‘", "'")
    title = re.sub(r"\s+([,;:?!])(?=\s|$)", r"\1", title)
    title = re.sub(r"(?<![.!?])\.$", "", title.strip())
    letters = [c for c in title if c.isalpha()]
    if len(letters) > 12 and sum(c.isupper() for c in letters) > 0.8 * len(letters):
        title = _in_title_case(title)
    return " ".join(title.split())


def _in_title_case(title: str) -> str:
    """A title that was printed in capitals; known acronyms, and words with a digit, keep theirs."""
    words = title.split()
    for i, word in enumerate(words):
        small = word.lower()
        if re.search(r"\d", word) or re.sub(r"\W|S$", "", word) in _ACRONYMS:
            words[i] = re.sub(r"(?<=[A-Z]{2})S$", "s", word) if re.sub(r"\W", "", word) not in _ACRONYMS else word
            continue
        start = i == 0 or words[i - 1].endswith((":", "?", "!"))
        if not start and small in _SMALL:
            words[i] = small
        else:
            words[i] = "-".join(part[:1].upper() + part[1:].lower() for part in word.split("-"))
    return " ".join(words)


def kept_capitals(latex_title: str, title: str) -> tuple[str, ...]:
    """Words of the title whose capitals a BibTeX file protects, and which the exporter would not
    protect by itself.

    >>> kept_capitals("A {B}ayesian View of {GPT}", "A Bayesian View of GPT")
    ('Bayesian',)
    """
    if re.fullmatch(r"\s*\{.*\}\s*", latex_title, re.S):
        return ()  # The whole title in braces protects nothing in particular.
    found = []
    for word in latex_title[:2000].split():
        if not re.search(r"\{[^{}\\]*[A-Z]", word):
            continue
        bare = from_latex(word).strip(".,:;?!\"'()“”")
        if bare in title.split() or any(bare == w.strip(".,:;?!\"'()“”") for w in title.split()):
            found.append(bare)
    known = protected_words(title)
    return tuple(dict.fromkeys(word for word in found if word not in known and not word.isupper()))


def pages_of(value: object) -> str | None:
    """First and last page with one hyphen, or None where it has not that form."""
    text = re.sub(r"\s*[-–—]+\s*", "-", plain(value))
    text = re.sub(r"^pp?\.\s*", "", text)
    return text if re.fullmatch(r"[A-Za-z0-9.:]+(-[A-Za-z0-9.:]+)?", text) else None


def person(given: object, family: object) -> Name | None:
    """The name that a service gives in two parts; None where there is none."""
    given, family = plain(given, latex=True), plain(family, latex=True)
    if not family:
        return split_name(given) if given else None
    if not given:
        return Name(literal=family)
    # Particles and suffixes stand with either part, by the publisher's taste.
    name = split_name(f"{given} {family}")
    if name.given == given and f"{name.particle} {name.family}".strip() == family:
        return name
    if name.suffix and f"{name.family} {name.suffix}" == family and name.given == given:
        return name
    if f"{name.given} {name.particle}".strip() == given and name.family == family:
        return name
    return Name(given=given, family=family)


def printed(name: object) -> Name | None:
    """The name that a service gives in one part, given name first or family name first."""
    text = plain(name, latex=True)
    if not text:
        return None
    if text.count(",") == 1 and not text.endswith(","):
        family, given = (part.strip() for part in text.split(","))
        if re.fullmatch(r"(jr|sr|ii|iii|iv)\.?", given, re.I):
            return Name(literal=f"{family} {given}")
        return person(given, family)
    if _NO_PERSON.search(text):
        return Name(literal=text)
    words = text.split()
    start = len(words) - 1
    while start > 1 and words[start - 1] in CAPITAL_PARTICLES:
        start -= 1
    if 0 < start < len(words) - 1:
        # `Nicola De Cao`; a service that gives the parts itself is not guessed at.
        return Name(given=" ".join(words[:start]), family=" ".join(words[start:]))
    return split_name(text)
