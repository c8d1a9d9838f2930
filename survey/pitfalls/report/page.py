"""A report as one HTML page that stands alone: no script, nothing fetched, the same bytes for the same report.

Prompts and what models say may hold anything; all of it goes through `clean`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from survey.pitfalls.metrics.losses import alarm
from survey.pitfalls.report import EditReport, Row, Told
from survey.pitfalls.report.drawing import Bar, Dot, bars, clean, dots
from survey.progress import amount

MARK = '<meta name="generator" content="editing-pitfalls: survey report">'
"""By this line a page of ours is known."""

# Below this ROME's quotient makes a change more than five times as large as it is meant to be.
SMALL_KEY_RATIO = 0.2
_SHOWN = 12


class Section(NamedTuple):
    """How a group of lines is told: its hue, heading, what its lines are, and what is counted."""

    hue: str
    title: str
    words: str
    counted: str = ""


SECTIONS = {
    "paraphrase": Section(
        "generalization", "In other words",
        "The same fact in wordings that you gave, in those of our fact suite, and in your own prompt behind other words. The model "
        "should now give the new answer to all of them. Where even the unedited model does not know a wording, an edit can "
        "hardly teach it.",
        "the new answer is the most probable one",
    ),
    "consequence": Section(
        "generalization", "What follows from it",
        "What holds if the new answer is true, as far as our fact suite knows it, and the way back from the new answer to the "
        "subject. No method promises this; people expect it.",
        "the answer that follows is the most probable one",
    ),
    "neighbour": Section(
        "locality", "Neighbours",
        "Other subjects, which the edit does not concern: yours, and those of our fact suite, asked in your edit's own words, in which the "
        "unedited model may not know them all. All should stay.",
        "the right answer is the most probable one",
    ),
    "distract": Section(
        "locality", "Neighbours behind the edited statement",
        "The same questions with the new statement before them. It distracts the unedited model, too: compare before and after.",
        "the right answer is the most probable one",
    ),
    "relation": Section(
        "locality", "Other facts about the subject", "Facts of our suite about the same subject in other relations. All should stay.",
        "the right answer is the most probable one",
    ),
    "about": Section(
        "other", "What the model says of the subject",
        "Your probes, and open beginnings. Nobody but you can say what should become of them.",
    ),
    "target": Section(
        "locality", "What the model says of the new answer",
        "Beginnings of texts about the new answer. An edit should not make the model see the subject everywhere.",
    ),
    "was": Section(
        "locality", "What the model says of the old answer",
        "The same about the old answer.",
    ),
}  # fmt: skip


def html(report: EditReport) -> str:
    """The page as text."""
    first = report.edits[0].edit
    title = f"{first.text} {first.target}"
    more = f" and {report.all_edits - 1} more" if report.all_edits > 1 else ""
    body = [
        f'<header><p class="kicker">Editing Pitfalls: what one edit changed</p><h1>{_dir(title)}{clean(more)}</h1>',
        f'<p class="quiet">{clean(report.method_name)} on {clean(report.model)}{_on(report)}</p>', _contents(report), "</header>", "<main>",
        *_findings(report),
    ]  # fmt: skip
    for number, told in enumerate(report.edits, 1):
        body += _edit(told, number, report)
    if report.all_edits > len(report.edits):
        body.append(f'<p class="warning">The patch holds {report.all_edits} edits; the first {len(report.edits)} of them are told of here.</p>')
    body += [*_facts(report), *_abilities(report), *_method(report), *_again(report), "</main>", _footer(report)]
    style = (Path(__file__).parent / "page.css").read_text("utf-8")
    head = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">\n"
        f'{MARK}\n<meta name="viewport" content="width=device-width, initial-scale=1">\n<link rel="icon" href="data:,">\n'
        f"<title>{clean(title)}: what the edit changed</title>\n<style>\n{style}</style>\n</head>\n<body>\n"
    )
    return head + "\n".join(body) + "\n</body>\n</html>\n"


def _dir(text: str) -> str:
    """A text of a person or a model, whose direction of writing is its own."""
    return f"<bdi>{clean(text)}</bdi>"


def _on(report: EditReport) -> str:
    return f", {clean(report.made_on)}" if report.made_on else ""


def _contents(report: EditReport) -> str:
    parts = [("findings", "In short"), ("edit-1", "Whether it took"), ("facts", "Other facts"), ("abilities", "The model as a whole"),
             ("method", "What was done"), ("again", "Make it again")]  # fmt: skip
    return '<nav aria-label="Contents">' + "".join(f'<a href="#{id}">{word}</a>' for id, word in parts) + "</nav>"


# In short


def _findings(report: EditReport) -> list[str]:
    told = report.edits[0]
    out = ['<h2 id="findings">In short</h2>', '<ul class="findings">', f'<li class="edit">{_took(told)}</li>']
    if after := told.kept_or_new("paraphrase"):
        out.append(f'<li class="generalization">In other words: the new answer is the most probable one in <b>{after[1]} of {after[2]}</b> wordings (before: {after[0]}).</li>')
    if kept := told.kept_or_new("neighbour"):
        out.append(f'<li class="locality">Neighbours: the right answer is the most probable one for <b>{kept[1]} of {kept[2]}</b> (before: {kept[0]}).</li>')
    if others := told.kept_or_new("relation"):
        out.append(f'<li class="locality">Other facts about the subject: the right answer is the most probable one for <b>{others[1]} of {others[2]}</b> (before: {others[0]}).</li>')
    if report.facts:
        was, now = report.facts_right
        out.append(
            f'<li class="locality">Other facts: the most probable next token changed for <b>{report.facts_changed} of {len(report.facts)}</b>; '
            f"the right answer is the most probable one for {now} (before: {was}).</li>"
        )
    before, after, texts = told.of_target
    out.append(
        f'<li class="locality">Texts about the new answer that name the subject: <b>{after} of {texts}</b> (before: {before}).</li>'
    )
    language = report.language
    out.append(
        f'<li class="abilities">Perplexity of {language.texts} unrelated texts: <b>{_hn(language.after)}</b> '
        f"(before: {_hn(language.before)}).</li>"
    )
    for task in report.tasks:
        out.append(f'<li class="abilities">{clean(task.name)}: <b>{_hn(task.after.value)}</b> (before: {_hn(task.before.value)}).</li>')
    out.append("</ul>")
    if report.all_edits > 1:
        out.append(f'<p class="quiet">What is said of wordings, neighbours and texts is about the first of {report.all_edits} edits; all of them are in the model.</p>')
    if alarm(language.before, language.after):
        out.append('<p class="warning">The model has collapsed: perplexity is more than ten times what it was, or no number at all.</p>')
    ratio = report.about.get("key_ratio")
    if isinstance(ratio, float) and abs(ratio) < SMALL_KEY_RATIO:
        out.append(
            f'<p class="warning">ROME divides by a quotient of two keys (key_ratio), which is {ratio:.2g} here. Where it is far below 1, the '
            "change becomes much larger than meant and may break the model. Try r-rome, which has no such quotient.</p>"
        )
    if not report.restored:
        out.append('<p class="warning">The model was NOT restored: some parameters differ from before. Please report this.</p>')
    return [*out, _overview(report)]


def _took(told: Told) -> str:
    """Whether an edit took, in a sentence."""
    target = _dir(told.edit.target)
    if told.exact and told.says:
        word = f"<b>The edit took.</b> The model now says {target} by itself"
    elif told.exact or told.says:
        word = f"<b>The edit took in part.</b> {target} is the most probable answer" if told.exact else f"<b>The edit took in part.</b> The model says {target} by itself, but not as the most probable answer token for token"
    else:
        word = f"<b>The edit did not take.</b> {target} is not what the model says"
    return f"{word}; its probability is {_hp(told.after.p_target)} (before: {_hp(told.before.p_target)})."


def _overview(report: EditReport) -> str:
    """The shares of all groups in one chart, before and after."""
    rows, said = [], []
    for group, section in SECTIONS.items():
        if found := report.edits[0].kept_or_new(group):
            before, after, count = found
            rows.append((section.title, (Bar(before / count, f"before {before}/{count}", "before"), Bar(after / count, f"after {after}/{count}", "after"))))
            said.append(f"{section.title}: before {before}, after {after} of {count}")
    if report.facts:
        before, after = report.facts_right
        count = len(report.facts)
        rows.append(("Other facts", (Bar(before / count, f"before {before}/{count}", "before"), Bar(after / count, f"after {after}/{count}", "after"))))
        said.append(f"Other facts: before {before}, after {after} of {count}")
    return _figure(
        bars(rows, "Prompts whose right answer is the most probable one. " + ". ".join(said)), "edit",
        "On how many prompts the right answer, the one that is right after the edit, is the most probable one. Hollow: before. Full: after.",
    )  # fmt: skip


# One edit


def _edit(told: Told, number: int, report: EditReport) -> list[str]:
    edit = told.edit
    heading = "Whether it took" if report.all_edits == 1 else f"Edit {number}: {_dir(edit.text)} {_dir(edit.target)}"
    out = [f'<section class="edit"><h2 id="edit-{number}">{heading}</h2>', _asked(told), '<div class="sides">']
    for word, reply in (("Before", told.before), ("After", told.after)):
        out.append(f'<div><h3>{word}</h3><p><span class="prompt">{_dir(edit.text)}</span> {_words(reply.text)}</p></div>')
    out.append("</div>")
    rows = [(f"new answer: {edit.target}", _pair(told.before.p_target, told.after.p_target))]
    said = f"New answer: before {_p(told.before.p_target)}, after {_p(told.after.p_target)}."
    if edit.was:
        rows.append((f"old answer: {edit.was}", _pair(told.before.p_was, told.after.p_was)))
        said += f" Old answer: before {_p(told.before.p_was)}, after {_p(told.after.p_was)}."
    out.append(_figure(
        bars(rows, said), "edit",
        "Probabilities of the answers behind the prompt: the geometric mean over an answer's tokens, so that long ones can be compared with short ones.",
    ))  # fmt: skip
    # Below a thousandth only noise decides the order; the first is told in any case.
    if top := [*told.next[:1], *(item for item in told.next[1:] if max(item[1:]) >= 0.001)]:
        rows = [(f"“{_token(token)}”", _pair(before, after)) for token, before, after in top]
        said = ". ".join(f"{_token(token)}: before {_p(before)}, after {_p(after)}" for token, before, after in top)
        out += ["<h3>The most probable next tokens</h3>", _figure(bars(rows, said), "edit", "Those of either model. A blank before a word belongs to its token.")]
    out.append("</section>")
    for group, rows in told.groups.items():
        out += _group(group, rows, told, number)
    return out


def _asked(told: Told) -> str:
    edit = told.edit
    was = f" instead of <b>{_dir(edit.was)}</b>" if edit.was else ""
    taught = "teacher-forced, every token of the new answer is the most probable one" if told.exact else "teacher-forced, the new answer is not the most probable one"
    alone = "and left to itself the model begins with it" if told.says else "and left to itself the model does not begin with it"
    return f"<p>Asked for: <b>{_dir(edit.target)}</b>{was} behind “{_dir(edit.prompt)}”, for the subject <b>{_dir(edit.subject)}</b>. After the edit, {taught}, {alone}.</p>"


def _group(group: str, rows: Sequence[Row], told: Told, number: int) -> list[str]:
    section = SECTIONS[group]
    out = [f'<section class="{section.hue}"><h2 id="{group}-{number}">{section.title}</h2>', f"<p>{section.words}</p>"]
    if found := told.kept_or_new(group):
        out.append(f"<p><b>{found[1]} of {found[2]}</b>: {section.counted} (before: {found[0]} of {found[2]}).</p>")
    if group in ("target", "was"):
        before, after, texts = told.of_target if group == "target" else told.of_was
        called = ", ".join(map(_dir, told.names))
        out.append(f"<p><b>{after} of {texts}</b> texts name the subject ({called}); before the edit: {before}.</p>")
    return [*out, *_rows(rows), "</section>"]


# Rows


def _rows(rows: Sequence[Row]) -> list[str]:
    """The first rows, and the others folded away."""
    out = ['<ul class="rows">', *map(_row, rows[:_SHOWN]), "</ul>"]
    if rest := rows[_SHOWN:]:
        out += [f"<details><summary>{len(rest)} more</summary>", '<ul class="rows">', *map(_row, rest), "</ul></details>"]
    return out


_WHOSE = {"yours": "yours", "suite": "fact suite", "made": ""}


def _row(row: Row) -> str:
    line = row.line
    tags = []
    if word := _WHOSE[line.source]:
        tags.append(f'<span class="tag">{word}</span>')
    changed = not row.same_next or not row.same_text
    tags.append(_verdict(row, changed))
    right = f' <span class="quiet">right: {_dir(line.right)}</span>' if line.right else ""
    out = [f'<li><p><span class="prompt">{_dir(line.prompt)}</span>{right} {" ".join(tags)}</p><dl class="said">']
    if changed:
        out.append(f'<dt>before</dt><dd class="old">{_words(row.before.text)}</dd><dt>after</dt><dd>{_words(row.after.text, row.after.next is None)}</dd>')
    else:
        out.append(f"<dt>as before</dt><dd>{_words(row.before.text)}</dd>")
    out.append("</dl>")
    numbers = []
    if line.right:
        said = f"Probability of the right answer: before {_p(row.before.p)}, after {_p(row.after.p)}"
        out.append(bars([("", _pair(row.before.p, row.after.p))], said))
        numbers.append("bars: probability of the right answer")
    if line.against and row.after.p_against is not None:
        numbers.append(f"that of {_dir(line.against)}: before {_hp(row.before.p_against)}, after {_hp(row.after.p_against)}")
    numbers.append(f"divergence of the next token: {_hn(row.kl)} nats")
    return "".join([*out, f'<p class="quiet">{"; ".join(numbers)}</p></li>'])


def _verdict(row: Row, changed: bool) -> str:
    """What became of a line, in two words."""
    was, now = row.before.exact, row.after.exact
    if row.after.next is None:
        word, marked = "collapsed", True
    elif row.line.right is None:
        word, marked = ("changed", True) if changed else ("same words", False)
    elif was and now:
        word, marked = "right before and after", False
    elif now:
        word, marked = "now right", True
    elif was:
        word, marked = "no longer right", True
    else:
        word, marked = ("not right, changed", True) if changed else ("not right, as before", False)
    return f'<span class="tag{" changed" if marked else ""}">{word}</span>'


# Other facts


_BINS = (("below 0.001", 0.001), ("0.001 to 0.01", 0.01), ("0.01 to 0.1", 0.1), ("0.1 to 1", 1.0), ("1 and more", math.inf))


def _facts(report: EditReport) -> list[str]:
    rows = report.facts
    if not rows:
        return []
    was, now = report.facts_right
    before, after, could = report.target_told
    out = [
        '<section class="locality"><h2 id="facts">Other facts</h2>',
        f"<p>A fixed sample of {len(rows)} facts about other subjects, from our fact suite: facts that the default model, unedited, knows. "
        f"The most probable next token changed for <b>{report.facts_changed}</b>. The right answer is the most probable one for {now}; "
        f"before the edit, for {was}.</p>",
        f"<p>Answers that name the new answer <b>{_dir(report.edits[0].edit.target)}</b> where it is wrong: {after} of {could}; before the edit: {before}.</p>",
        _histogram(rows),
        "<h3>Those that changed most</h3>",
    ]  # fmt: skip
    return [*out, *_rows(rows), "</section>"]


def _histogram(rows: Sequence[Row]) -> str:
    """How far the next-token distribution moved, for how many facts."""
    counts, lower = [], -math.inf
    for word, upper in _BINS:
        # What is no number is a model that has collapsed: nothing is further away.
        within = [row for row in rows if (lower <= row.kl < upper) or (upper == math.inf and not row.kl < lower)]
        counts.append((word, len(within)))
        lower = upper
    most = max(count for _, count in counts)
    drawn = bars([(f"{word} nats", (Bar(count / most, f"{count} facts" if count != 1 else "1 fact", "plain"),)) for word, count in counts], _said(counts))
    return _figure(drawn, "locality", "How far the distribution of the next token moved: Kullback-Leibler divergence, edited from unedited. 0 is no change.")


def _said(counts: Iterable[tuple[str, int]]) -> str:
    return "Divergence in nats. " + ". ".join(f"{word}: {count} facts" for word, count in counts)


# The model as a whole


def _abilities(report: EditReport) -> list[str]:
    language = report.language
    text, factor = language.worst
    ratio = language.ratio
    between = f" (95 % interval over texts: {_hn(ratio.low)} to {_hn(ratio.high)})" if not math.isnan(ratio.low) else ""
    # The longer bar is the whole width; a perplexity that is no number has none.
    most = max([v for v in (language.before, language.after) if math.isfinite(v)], default=1.0)
    pair = [Bar(v / most if math.isfinite(v) else math.nan, f"{word} {_number(v)}", word) for word, v in (("before", language.before), ("after", language.after))]
    out = [
        '<section class="abilities"><h2 id="abilities">The model as a whole</h2>',
        f"<p>Perplexity of {language.texts} texts of our own that have nothing to do with the edit: <b>{_hn(language.after)}</b>, before "
        f"{_hn(language.before)}, a factor of {_hn(ratio.value)}{between}. It rose on {language.worse} of the texts, most on "
        f"“{clean(text)}” (a factor of {_hn(factor)}).</p>",
        _figure(bars([("perplexity", pair)], f"Perplexity: before {_number(language.before)}, after {_number(language.after)}"), "abilities", "Lower is better."),
    ]  # fmt: skip
    if not report.tasks:
        return [*out, '<p class="quiet">The four small tasks were not asked; --tasks asks them.</p></section>']
    rows, said = [], []
    for task in report.tasks:
        both = [Dot(t.value, t.low, t.high, f"{word} {_number(t.value)}", word) for word, t in (("before", task.before), ("after", task.after))]
        rows.append((f"{task.name} ({task.metric.replace('-', ' ')}, {task.before.n} items)", both, task.chance))
        said.append(f"{task.name}: before {_number(task.before.value)}, after {_number(task.after.value)}, guessing {_number(task.chance)}")
    out.append(_figure(
        dots(rows, ". ".join(said)), "abilities",
        "Four small tasks, 0 to 1, with 95 % intervals over items; the upright line is what guessing gives. Their items are few: they tell collapse from health, and no fine differences.",
    ))  # fmt: skip
    return [*out, "</section>"]


# What was done, and how to do it again


def _method(report: EditReport) -> list[str]:
    rows = [("method", f"{report.method_name} ({report.method})"), ("made of", f"{report.kind}, {amount(report.bytes)}")]
    if report.relative_norm is not None:
        rows.append(("largest change", f"{report.relative_norm:.3g} of the norm of the weights it changes"))
    if layers := sorted({w.layer for w in report.weights if w.layer is not None}):
        rows.append(("blocks", ", ".join(map(str, layers)) + ", counted from 0"))
    rows.append(("time", f"{report.seconds:.1f} s"))
    rows.append(("model afterwards", "restored, bit for bit" if report.restored else "NOT restored"))
    rows += [(name.replace("_", " "), _figure_of(value)) for name, value in report.about.items()]
    out = ['<section class="other"><h2 id="method">What was done to the model</h2>', _list(rows)]
    if report.weights:
        most = max((w.relative_norm for w in report.weights if math.isfinite(w.relative_norm)), default=0) or 1
        shown = [(w.name, (Bar(w.relative_norm / most, f"{w.relative_norm:.3g}", "plain"),)) for w in report.weights[:40]]
        said = ". ".join(f"{w.name}, {' by '.join(map(str, w.shape))}: {w.relative_norm:.3g}" for w in report.weights[:40])
        out.append(_figure(bars(shown, said), "other", "How large the change of each parameter is, beside the parameter itself (norm by norm)."))
        if len(report.weights) > 40:
            out.append(f'<p class="quiet">{len(report.weights) - 40} parameters more were changed.</p>')
    else:
        out.append('<p>No weight was changed: the edit is an addition to the model, which goes with the patch.</p>')
    if report.settings:
        settings = [(name, _figure_of(value)) for name, value in report.settings.items()]
        out += [f"<details><summary>Settings{f' of the preset {clean(report.preset)}' if report.preset else ''}</summary>", _list(settings), "</details>"]
    return [*out, "</section>"]


def _again(report: EditReport) -> list[str]:
    versions = ", ".join(f"{name} {number}" for name, number in report.versions.items())
    rows = [
        ("model", report.model), ("fingerprint", report.fingerprint), ("seed", str(report.seed)), ("fact suite", report.suite),
        ("versions", versions), *([("made on", report.made_on)] if report.made_on else []),
    ]  # fmt: skip
    return [
        '<section class="other"><h2 id="again">Make this page again</h2>', f"<pre>{clean(report.command)}</pre>" if report.command else "",
        "<p>On the same machine the answers are the same; on another, the last digits may differ.</p>", _list(rows), "</section>",
    ]  # fmt: skip


def _footer(report: EditReport) -> str:
    return (
        "<footer><p>One edit is an anecdote: what holds for it need not hold for others. <i>survey measure</i> measures many. "
        f"Made by Editing Pitfalls {clean(report.versions.get('editing-pitfalls', ''))}, a living survey of knowledge editing.</p></footer>"
    )


def _list(rows: Iterable[tuple[str, str]]) -> str:
    return '<dl class="facts">' + "".join(f"<dt>{clean(name)}</dt><dd>{_dir(value)}</dd>" for name, value in rows) + "</dl>"


# Words and numbers


def _figure(drawn: str, hue: str, caption: str) -> str:
    return f'<figure class="{hue}">{drawn}<figcaption>{caption}</figcaption></figure>'


def _pair(before: float | None, after: float | None) -> tuple[Bar, Bar]:
    return Bar(_share(before), f"before {_p(before)}", "before"), Bar(_share(after), f"after {_p(after)}", "after")


def _share(value: float | None) -> float:
    return math.nan if value is None else value


def _words(text: str, collapsed: bool = False) -> str:
    if collapsed:
        return "<i>no words: its numbers are no numbers any more</i>"
    return _dir(re.sub(r"\s*\n\s*", "\n", text.strip())) if text.strip() else "<i>nothing</i>"


def _token(token: str) -> str:
    return token.replace("\n", "↵").replace("\t", "→")


def _p(value: float | None) -> str:
    """A probability for a chart: three decimals, and never a zero or a one that it is not."""
    if value is None or math.isnan(value):
        return "no number"
    if 0 < value < 0.001:
        return "<.001"
    if 0.999 < value < 1:
        return ">.999"
    return f"{value:.3f}"


def _number(value: float | None) -> str:
    if value is None or math.isnan(value):
        return "no number"
    if math.isinf(value):
        return "infinite"
    if value and abs(value) < 0.001:
        return "<.001"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}" if abs(value) >= 1 else f"{value:.3f}"


def _hp(value: float | None) -> str:
    """A probability for the page."""
    return clean(_p(value))


def _hn(value: float | None) -> str:
    """A number for the page."""
    return clean(_number(value))


def _figure_of(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
