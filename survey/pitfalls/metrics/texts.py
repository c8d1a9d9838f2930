"""What a model says, compared with what it should say: matches, numbers, ROUGE, F1, fluency and consistency."""

from __future__ import annotations

import math
import re
import string
from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal, InvalidOperation

from survey.pitfalls.metrics.shares import mean

_WORD = re.compile(r"\w+(?:['’]\w+)*|[^\w\s]")


def tokens(text: str) -> list[str]:
    """Words and signs, in small letters. Our own splitting, in place of the published code's nltk, which keeps capitals."""
    return [token.casefold() for token in _WORD.findall(text)]


def _words(text: str) -> list[str]:
    return [token for token in tokens(text) if token[0].isalnum() or token[0] == "_"]


def mentioned(answers: Iterable[str], text: str) -> bool:
    """Whether one of the answers stands in the text as whole words, whatever the case of letters and the blanks between.

    `text` is what the model said, without the prompt. This is our match for RippleEdits and generated answers.
    """
    return any(_place(answer, text) is not None for answer in answers)


def _place(answer: str, text: str) -> int | None:
    parts = [re.escape(part) for part in answer.split()]
    if not parts:
        return None
    found = re.search(r"(?<!\w)" + r"\s+".join(parts) + r"(?!\w)", text, re.IGNORECASE)
    return found.start() if found else None


def mentioned_compat(answers: Iterable[str], prompt: str, text: str) -> bool:
    """RippleEdits' published match: an answer is a substring of prompt and continuation together.

    So an answer that stands in the prompt counts as said, and "Iran" is found in "Irani". The published match is all that this
    gives again, not the published length: `max_length = len(prompt) + 30` counts the prompt's characters as tokens, so that the
    published code lets a model say far more, and finds more in it, than the text that is handed in here.
    """
    whole = f"{prompt} {text}"
    return any(answer in whole for answer in answers)


def free_running_exact_match(answers: Iterable[str], text: str) -> bool:
    """`free-running-exact-match`: 1[what the model generates by itself begins with the whole answer]; its mean is 0 to 1, higher is better.

    Like teacher forcing's "every token is the most probable one", but of the text as it is said, whatever its case and
    however it is cut into tokens.
    """
    said = text.lstrip(" \t\n\"'“‘(")
    return any(_place(answer, said) == 0 for answer in answers)


def normalise(text: str) -> str:
    """Small letters, no punctuation, no English articles, single blanks: as SQuAD's evaluation has it."""
    kept = "".join(" " if c in "-–—/" else c for c in text.casefold() if c not in _PUNCTUATION)
    return " ".join(word for word in kept.split() if word not in ("a", "an", "the"))


def _form(text: str) -> str:
    """As `normalise`, but an answer such as "A+", of which it leaves nothing, stays."""
    return normalise(text) or text.casefold().strip(" \n.")


_PUNCTUATION = set(string.punctuation + "“”‘’…") - set("-/")


def exact_match(text: str, answers: Iterable[str]) -> bool:
    """`exact-match` (EM): 1[the answer equals a reference, both normalised]; its mean is 0 to 1, higher is better.

    Source: Rajpurkar et al. 2016 (1606.05250) for the normalisation; Gu et al. 2024 (2401.04700) for edited models.
    An empty answer is wrong. In SQuAD's code "A+" is nothing, and equals any other nothing.
    """
    said = _form(text)
    return bool(said) and any(said == _form(answer) for answer in answers)


def _overlap(said: Counter, right: Counter) -> float:
    """F1 of two bags."""
    common = (said & right).total()
    return 2 * common / (said.total() + right.total()) if common else 0.0


def f1(text: str, answers: Iterable[str]) -> float:
    """`f1`: 2PR / (P + R) over normalised words, of the reference that fits best, 0 to 1, higher is better.

    P is the share of the words said that are in the reference, R the share of the reference that was said.
    Source: Rajpurkar et al. 2016; for named entities Gu et al. 2024 take it over entities, which no task here asks for.
    """
    said = Counter(_form(text).split())
    return max((_overlap(said, Counter(_form(answer).split())) for answer in answers), default=0.0)


def rouge_n(text: str, reference: str, n: int) -> float:
    """ROUGE-n as F1: overlap of n-grams of words, 0 to 1. Source: Lin 2004. No stemming."""
    return _overlap(_ngrams(_words(text), n), _ngrams(_words(reference), n))


def rouge_l(text: str, reference: str) -> float:
    """ROUGE-L as F1: 2 LCS / (words + words) with the longest common subsequence, over the whole text, 0 to 1. Source: Lin 2004."""
    a, b = _words(text), _words(reference)
    row = [0] * (len(b) + 1)
    for word in a:
        diagonal = 0
        for j, other in enumerate(b):
            above = row[j + 1]
            row[j + 1] = diagonal + 1 if word == other else max(above, row[j])
            diagonal = above
    return 2 * row[-1] / (len(a) + len(b)) if row[-1] else 0.0


def rouge(text: str, references: Iterable[str]) -> float:
    """`rouge`: (R_1 + R_2 + R_L) / 3, of the reference that fits best, 0 to 1, higher is better.

    Source: Gu et al. 2024 for the mean of the three. Published implementations differ in stemming and in whether they
    give recall or F1; this is F1 without stemming.
    """
    scores = [mean((rouge_n(text, r, 1), rouge_n(text, r, 2), rouge_l(text, r))) for r in references]
    return max(scores, default=0.0)


def _ngrams(words: Sequence[str], n: int) -> Counter:
    return Counter(tuple(words[i : i + n]) for i in range(len(words) - n + 1))


_NUMBER = re.compile(r"(?<![\w.])-?\d{1,3}(?:,\d{3})+(?:\.\d+)?(?!\d)|(?<![\w.])-?\d+(?:\.\d+)?(?!\d)|(?<!\w)-?\.\d+(?!\d)")
_MARK = re.compile(r"####|\bthe (?:final )?answer is\b", re.IGNORECASE)
# Where a model goes on to a further problem of its own, after the form of the demonstrations.
_NEXT_PROBLEM = re.compile(r"^\s*(?:Q|Question|Problem)\b[^\n]*:", re.IGNORECASE | re.MULTILINE)


def last_number(text: str) -> Decimal | None:
    """The number that a solution ends with; None where there is none.

    It is the first one behind a mark of the answer ("####", "the answer is"), or else the last of all. What follows the
    beginning of a further problem is not read. "1,000" and "$5." are read as one would.
    """
    beginning = _NEXT_PROBLEM.search(text)
    text = text[: beginning.start()] if beginning else text
    mark = _MARK.search(text)
    found = _NUMBER.findall(text[mark.end() :])[:1] if mark else []
    found = found or _NUMBER.findall(text)
    try:
        return Decimal(found[-1].replace(",", "")) if found else None
    except InvalidOperation:
        return None


def solved(text: str, answers: Iterable[str]) -> bool:
    """Whether the final number of a solution is that of an answer; `solve-rate` is the share."""
    said = last_number(text)
    return said is not None and any(said == last_number(answer) for answer in answers)


def ngram_entropy(words: Sequence[str], n: int) -> float:
    """Entropy in bits of a text's n-grams; 0 where it has none."""
    counts = _ngrams(words, n)
    total = counts.total()
    return -sum(c / total * math.log2(c / total) for c in counts.values()) + 0.0 if total else 0.0


def fluency(text: str) -> float:
    """`fluency` (GE): (2/3 H_2 + 4/3 H_3) / 2 in bits, H_n the entropy of word n-grams; 0 and above, higher is better.

    Source: Meng et al. 2022 (2202.05262), appendix, and its evaluation code. It grows with the length of the text and falls
    with repetition; random words score best of all. Published code samples (top-k 5, up to 100 tokens) and splits words by
    nltk; `.greedy` texts are said without sampling, so that they repeat more and score lower. Here all letters are small first:
    "The the" repeats a word, which in the published code are two.
    """
    words = tokens(text)
    return (2 / 3 * ngram_entropy(words, 2) + 4 / 3 * ngram_entropy(words, 3)) / 2


def consistency(text: str, references: Sequence[str]) -> float:
    """`consistency` (RS): cosine of tf-idf(text) and tf-idf(references joined), 0 to 1, higher is better.

    tf is the count, idf = log((1 + N) / (1 + df)) + 1 over the N references. Source: Meng et al. 2022, whose code takes
    the idf of a large collection of snippets and leaves out words that it does not hold; here a word in no reference has the
    highest idf, and only lowers the cosine.
    """
    sets = [set(_words(r)) for r in references]
    df = Counter(word for s in sets for word in s)
    weigh = lambda words: {w: c * (math.log((1 + len(sets)) / (1 + df[w])) + 1) for w, c in Counter(words).items()}  # noqa: E731
    a, b = weigh(_words(text)), weigh([w for r in references for w in _words(r)])
    norm = math.sqrt(sum(v * v for v in a.values()) * sum(v * v for v in b.values()))
    return min(1.0, sum(v * b.get(w, 0.0) for w, v in a.items()) / norm) if norm else 0.0
