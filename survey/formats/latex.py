"""Unicode to LaTeX that the 8-bit engines and BibTeX understand, and back.

Accents are taken apart by Unicode itself (NFD) and written as LaTeX commands, so that every letter
with accents works, Vietnamese ones included. Letters with a horn have no command outside the T5
encoding: `preamble` defines one from what every font has.
"""

from __future__ import annotations

import re
import unicodedata

from survey.formats.common import paired

_ACCENTS = {
    "\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0308": '"', "\u0304": "=",
    "\u0307": ".", "\u0306": "u", "\u030c": "v", "\u030b": "H", "\u030a": "r", "\u0327": "c",
    "\u0328": "k", "\u0323": "d", "\u0331": "b", "\u0309": "SurveyHook", "\u031b": "SurveyHorn",
    "\u0326": "SurveyComma",
}  # fmt: skip
_LETTERS = {
    "ß": "ss", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L",
    "ı": "i", "ȷ": "j", "å": "aa", "Å": "AA", "ẞ": "SS", "þ": "th", "Þ": "TH", "ð": "dh",
    "Ð": "DH", "ŋ": "ng", "Ŋ": "NG",
}  # fmt: skip
_SYMBOLS = {
    # Braces have names, since BibTeX counts those of `\{`, too.
    "\\": r"{\textbackslash}", "{": r"{\textbraceleft}", "}": r"{\textbraceright}", "&": r"\&",
    "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "~": r"{\textasciitilde}",
    "^": r"{\textasciicircum}", "<": r"{\textless}", ">": r"{\textgreater}", "|": r"{\textbar}",
    "–": "--", "—": "---", "‘": "`", "’": "'", "“": "``", "”": "''", "…": r"{\ldots}",
    "\u00a0": "~", "\u2011": "-", "\u2010": "-", "−": "$-$", "¿": "?`", "¡": "!`", "«": "``",
    "»": "''", "•": r"{\textbullet}", "™": r"{\texttrademark}", "®": r"{\textregistered}",
    "©": r"{\textcopyright}", "§": r"{\S}", "đ": r"{\SurveyStroke{d}}", "Đ": r"{\SurveyStroke{D}}",
    "ħ": r"{\SurveyStroke{h}}", "Ħ": r"{\SurveyStroke{H}}",
}  # fmt: skip
MATHS = {
    "×": r"\times", "→": r"\rightarrow", "←": r"\leftarrow", "↔": r"\leftrightarrow",
    "⇒": r"\Rightarrow", "°": r"^\circ", "≥": r"\geq", "≤": r"\leq", "≠": r"\neq", "≈": r"\approx",
    "±": r"\pm", "·": r"\cdot", "∞": r"\infty", "∇": r"\nabla", "∂": r"\partial", "∈": r"\in",
    **{c: f"^{n}" for n, c in zip("0123456789+-n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿ", strict=True)},
    **{c: f"_{n}" for n, c in enumerate("₀₁₂₃₄₅₆₇₈₉")},
}  # fmt: skip
_GREEK = dict(
    zip(
        "αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΥΦΨΩ",
        "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau "
        "upsilon phi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega".split(),
        strict=True,
    )
)
MATHS |= {letter: f"\\{name}" for letter, name in _GREEK.items()} | {"µ": r"\mu"}
_SYMBOLS |= {sign: f"{{${command}$}}" for sign, command in MATHS.items()}
_SYMBOLS['"'] = "''"

# Commands that plain LaTeX lacks in its default encoding, for files that need them.
_PREAMBLES = {
    r"\SurveyHorn": r"\providecommand{\SurveyHorn}[1]{\leavevmode{#1}\kern-.09em\raise.9ex\hbox{\tiny,}}",
    r"\SurveyHook": r"\providecommand{\SurveyHook}[1]{\leavevmode{#1}\kern-.32em\raise1.3ex\hbox{\tiny?}}",
    r"\SurveyStroke": (
        r"\providecommand{\SurveyStroke}[1]{\leavevmode\if d#1d\llap{\raise1.25ex\hbox{\vrule height.06ex width.3em}}"
        r"\else\rlap{\if D#1\raise.75ex\else\raise1.25ex\fi\hbox{\vrule height.06ex width.3em}}#1\fi}"
    ),
    r"\SurveyComma": r"\providecommand{\SurveyComma}[1]{\leavevmode{#1}\kern-.35em\lower.35ex\hbox{\tiny,}}",
    r"{\th}": r"\providecommand{\th}{th}",
    r"{\TH}": r"\providecommand{\TH}{Th}",
    r"{\dh}": r"\providecommand{\dh}{d}",
    r"{\DH}": r"\providecommand{\DH}{D}",
    r"{\ng}": r"\providecommand{\ng}{ng}",
    r"{\NG}": r"\providecommand{\NG}{Ng}",
}


def preamble(text: str) -> str:
    """The definitions that `text` needs, as a BibTeX @preamble, or ''."""
    if "\\" not in text:
        return ""
    needed = [line for command, line in _PREAMBLES.items() if command in text]
    return "@preamble{" + "\n  # ".join(f'"{line}"' for line in needed) + "}\n" if needed else ""


def encode(text: str) -> str:
    """Return `text` in ASCII LaTeX. What has no command, such as Chinese, stays as it is.

    >>> encode("Schütze & Nguyễn")
    'Sch{\\\\"u}tze \\\\& Nguy{\\\\~{\\\\^e}}n'
    """
    if text.isascii() and not _SPECIAL.search(text):
        return text
    out: list[str] = []
    for cluster in _clusters(paired(text)):
        code = _encode_cluster(cluster)
        if code[:1] == "`" and out and out[-1] in ("?", "!"):
            out.append("{}")  # The two together would be ¿ or ¡.
        out.append(code)
    return "".join(out)


_SPECIAL = re.compile(r'[\\{}&%$#_~^"<>|]')


def _clusters(text: str):
    """Letters with the accents that follow them, after decomposition."""
    cluster = ""
    for c in text:
        # Letters that have commands of their own stay whole.
        for part in c if c in _LETTERS or c in _SYMBOLS else unicodedata.normalize("NFD", c):
            if unicodedata.combining(part):
                cluster += part
            else:
                if cluster:
                    yield cluster
                cluster = part
    if cluster:
        yield cluster


def _encode_cluster(cluster: str) -> str:
    base, *marks = cluster
    if base in _LETTERS:
        encoded = f"\\{_LETTERS[base]}"
        if not marks:
            return f"{{{encoded}}}"
    elif base in _SYMBOLS:
        if not marks:
            return _SYMBOLS[base]
        return unicodedata.normalize("NFC", cluster)
    elif base.isascii():
        encoded = base
        if not marks:
            return encoded
    elif not marks and (plain := unicodedata.normalize("NFKC", base)).isascii():
        return encode(plain)  # Ligatures and wide letters.
    else:
        return unicodedata.normalize("NFC", cluster)
    if not all(mark in _ACCENTS for mark in marks):
        return unicodedata.normalize("NFC", cluster)
    # TeX places an accent over a single character only, so these stand innermost.
    for mark in sorted(marks, key=lambda m: m in _BOXED):
        command = _ACCENTS[mark]
        if encoded in ("i", "j") and mark not in _BELOW:
            encoded = f"\\{encoded}"
        braced = encoded if len(encoded) == 1 and not command.isalpha() else f"{{{encoded}}}"
        encoded = f"\\{command}{braced}"
    return f"{{{encoded}}}"


_BELOW = "\u0327\u0328\u0323\u0331\u0326\u031b"
_BOXED = f"{_BELOW}\u0309"
_MARK_OF = {command: mark for mark, command in _ACCENTS.items()}
_LETTER_OF = {command: letter for letter, command in _LETTERS.items()}
_TOKEN = re.compile(r"\\([a-zA-Z]+) ?|\\(.)|([{}])|(---?|``|''|[?!]`|\$[^$]*\$|~)|(.)", re.S)
_MATH = {f"${command}$": sign for sign, command in MATHS.items() if sign != "µ"} | {"$-$": "−"}
_PLAIN = {"--": "–", "---": "—", "``": "“", "''": "”", "~": "\u00a0", "?`": "¿", "!`": "¡"}
_WORDS = {code[2:-1]: sign for sign, code in _SYMBOLS.items() if re.fullmatch(r"{\\\w+}", code)}


def decode(text: str) -> str:
    """Return LaTeX as Unicode: accents, letters, symbols; braces dropped, unknown commands kept.

    >>> decode(r"{\\'E}cole {GPT}-3 \\& Nguy{\\~{\\^e}}n")
    'École GPT-3 & Nguyễn'
    """
    tokens = [m.groups() for m in _TOKEN.finditer(text)]
    result, _ = _decode(tokens, 0)
    return unicodedata.normalize("NFC", result)


def _decode(tokens: list, at: int) -> tuple[str, int]:
    """Decode up to the brace that closes the group begun before `at`."""
    out = []
    while at < len(tokens):
        if tokens[at][2] == "}":
            return "".join(out), at + 1
        piece, at = _decode_one(tokens, at)
        out.append(piece)
    return "".join(out), at


def _decode_one(tokens: list, at: int) -> tuple[str, int]:
    word, sign, brace, plain, char = tokens[at]
    at += 1
    if brace == "{":
        return _decode(tokens, at)
    command = word or sign
    if command in _MARK_OF:
        while at < len(tokens) and tokens[at][4] == " ":
            at += 1
        if at == len(tokens):
            return "", at
        base, at = _decode_one(tokens, at)
        base = {"ı": "i", "ȷ": "j"}.get(base[:1], base[:1]) + base[1:]
        # Behind the accents that the letter has already: the inner ones come first.
        end = 1
        while end < len(base) and unicodedata.combining(base[end]):
            end += 1
        return base[:end] + _MARK_OF[command] + base[end:], at
    if word == "SurveyStroke":
        base, at = _decode_one(tokens, at)
        return {"d": "đ", "D": "Đ", "h": "ħ", "H": "Ħ"}.get(base, base), at
    if word:
        return _LETTER_OF.get(word) or _WORDS.get(word) or f"\\{word}", at
    if sign:
        return sign, at
    if plain:
        return _MATH.get(plain) or _PLAIN.get(plain, plain), at
    return char or brace or "", at
