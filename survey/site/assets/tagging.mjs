/**
 * Tags suggested by words of title and abstract, the twin of survey/intake/suggest.py, by its rules.
 * A suggestion is where a person starts, never a fact. No DOM in here.
 */

import { isUpper, slice, words } from "./text.mjs";

/** Suggests tags by `suggestions` of data/rules.json. */
export class Tagger {
  constructor(data) {
    const compiled = (patterns) => patterns.map((source) => new RegExp(source, "giu"));
    const { kinds, families, stances, pitfalls, sentence, ambiguous, limit } = data.suggestions;
    this.kinds = kinds.map((rule) => ({ ...rule, title: compiled(rule.title), abstract: compiled(rule.abstract) }));
    const withWords = (rules) => rules.map((rule) => ({ ...rule, words: compiled(rule.words) }));
    [this.families, this.stances, this.pitfalls] = [families, stances, pitfalls].map(withWords);
    this.sentence = new RegExp(sentence, "u");
    this.ambiguous = ambiguous;
    this.limit = limit;
    this.terms = data.terms;
  }

  /** Suggestions `{ field, value, words, stance }` in the order of the entry's fields. */
  suggest(title, abstract, acronym = "") {
    [title, abstract] = [title, abstract].map((text) => slice(text, 0, this.limit));
    const found = this.kindsOf(title, abstract);
    const kinds = found.map(({ value }) => value);
    if (kinds.includes("method")) found.push(...this.familiesOf(title, abstract));
    found.push(...this.named(title, abstract, acronym));
    return [...found, ...this.pitfallsOf(title, abstract, kinds)];
  }

  kindsOf(title, abstract) {
    let found = [];
    for (const rule of this.kinds) {
      const led = first(rule.title, title) || (abstract ? first(rule.abstract, abstract) : "");
      if (!led) continue;
      found.push(suggestion("kinds", rule.kind, led));
      if (rule.alone) return found;
    }
    // The finding of a paper that offers something is usually about its own offer.
    if (found.some(({ value }) => ["method", "benchmark", "tool"].includes(value))) {
      const analysis = this.kinds.find(({ kind }) => kind === "analysis");
      found = found.filter(({ value }) => value !== "analysis" || first(analysis.title, title));
    }
    return found.length ? found : [suggestion("kinds", "analysis", "")];
  }

  /** The strategy that most words speak for; two are rarely a paper's own. */
  familiesOf(title, abstract) {
    const text = `${title}. ${abstract}`;
    let best = null;
    for (const rule of this.families) {
      const hits = rule.words.reduce((sum, pattern) => sum + [...text.matchAll(pattern)].length, 0);
      if (hits && (!best || hits > best.hits)) {
        best = { hits, found: suggestion("proposes.families", rule.family, first(rule.words, text)) };
      }
    }
    return best ? [best.found] : [];
  }

  /** Methods and benchmarks of the taxonomy that the text names, the paper's own left out. */
  named(title, abstract, acronym) {
    const text = `${title}. ${abstract}`;
    const found = [];
    for (const section of ["methods", "benchmarks"]) {
      for (const [id, ...names] of this.terms[section]) {
        for (const name of names) {
          if ([...name].length < 3 || name === acronym) continue;
          // Names in capitals are looked for as they are; whatever is an ordinary word, too.
          const ordinary = this.ambiguous.includes(name.toLowerCase()) && !isUpper(name);
          if (ordinary || isLower(name) || !stands(name, text)) continue;
          found.push(suggestion(`studies.${section}`, id, name));
          break;
        }
      }
    }
    return found;
  }

  /** Pitfalls whose words stand in a sentence with those of a stance; finer ones imply parents. */
  pitfallsOf(title, abstract, kinds) {
    const found = new Map();
    const sentences = [title, ...(abstract ? abstract.split(this.sentence) : [])];
    for (const [i, sentence] of sentences.entries()) {
      const stance = this.stance(sentence, kinds, i === 0);
      if (!stance) continue;
      for (const rule of this.pitfalls) {
        const led = first(rule.words, sentence);
        const pair = `${rule.id} ${stance}`;
        if (led && !found.has(pair)) found.set(pair, suggestion("pitfalls", rule.id, led, stance));
      }
    }
    const parent = (id) => id.slice(0, Math.max(0, id.lastIndexOf(".")));
    const finer = new Set([...found.values()].map(({ value, stance }) => `${parent(value)} ${stance}`));
    return [...found].filter(([pair]) => !finer.has(pair)).map(([, one]) => one);
  }

  stance(sentence, kinds, isTitle) {
    for (const rule of this.stances) {
      if (rule.kinds.some((kind) => kinds.includes(kind)) && first(rule.words, sentence)) return rule.stance;
    }
    // A title names its subject without a verb.
    if (!isTitle) return "";
    const stances = { benchmark: "measures", method: "mitigates", application: "mitigates", analysis: "shows" };
    return stances[kinds.find((kind) => Object.hasOwn(stances, kind))] ?? "";
  }
}

function suggestion(field, value, led, stance = "") {
  return { field, value, words: led, stance };
}

/** The words that the first fitting pattern finds, or "". */
function first(patterns, text) {
  for (const pattern of patterns) {
    const at = text.search(pattern);
    if (at < 0) continue;
    pattern.lastIndex = at;
    const [found] = pattern.exec(text);
    pattern.lastIndex = 0;
    return words(found).join(" ");
  }
  return "";
}

function isLower(text) {
  return /\p{Lowercase}/u.test(text) && !/\p{Uppercase}|\p{Lt}/u.test(text);
}

/** Whether a name stands in a text by itself, not as a part of another word. */
function stands(name, text) {
  for (let at = text.indexOf(name); at >= 0; at = text.indexOf(name, at + 1)) {
    const before = text.slice(0, at);
    const after = text.slice(at + name.length);
    if (!/[\p{L}\p{N}_-]$/u.test(before) && !/^(?:[\p{L}\p{N}_+]|-[a-z])/u.test(after)) return true;
  }
  return false;
}
