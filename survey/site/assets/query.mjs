/**
 * The query language for the browser, the twin of survey/collection/query.py.
 *
 *   method:rome,memit pitfall:locality year:2023.. -venue:arxiv has:code author:"Meng" ripple
 *
 * The same string means the same papers in the same order, and a mistake gets the same message at
 * the same place. tests/query_cases.json holds both sides to it. No DOM in here.
 */

export const FIELDS = [
  "method", "family", "pitfall", "stance", "benchmark", "metric", "venue", "year", "author",
  "kind", "has", "key", "id", "status",
];
export const SYNONYMS = { strategy: "family" };

/** Fields whose values are terms of the taxonomy, each with ids, names and aliases. */
export const TERM_FIELDS = ["method", "family", "pitfall", "benchmark", "metric", "venue"];

// What Python calls white space, which is not quite what JavaScript does.
const SPACE = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const IS_SPACE = new RegExp(`[${SPACE}]`);
const ENDS_VALUE = new RegExp(`[${SPACE},"]`);
const NEEDS_QUOTES = new RegExp(`[${SPACE},:]`);
const AROUND = new RegExp(`^[${SPACE}]+|[${SPACE}]+$`, "g");
const YEAR = /^([0-9]{4})?(\.\.)?([0-9]{4})?$/;

// Letters that Unicode does not decompose, as people type them on a plain keyboard.
const PLAIN = {
  ß: "ss", æ: "ae", œ: "oe", ø: "o", đ: "d", ð: "d", ł: "l", þ: "th", ı: "i", μ: "mu",
};
const NOT_PLAIN = new RegExp(`[${Object.keys(PLAIN).join("")}]`, "g");

/** The words of `text`, lower case, unaccented, joined by single spaces. */
export function fold(text) {
  if (/^[\x00-\x7f]*$/.test(text)) {
    return text.toLowerCase().replace(/[^a-z0-9]+/g, " ").trim();
  }
  return text
    .normalize("NFKD")
    .replace(/\p{M}+/gu, "")
    .toLowerCase()
    .replace(NOT_PLAIN, (letter) => PLAIN[letter])
    .replace(/[^\p{L}\p{N}]+/gu, " ")
    .trim();
}

/** The name of a term, folded, a plus told in words: CounterFact+ is not CounterFact. */
export function spelling(name) {
  return fold(name.replaceAll("+", " plus "));
}

/** A query that cannot be read: `position` counts characters from 0, `offset` UTF-16 units. */
export class QueryError extends Error {
  constructor(message, query, offset) {
    super(message);
    this.query = query;
    this.offset = offset;
    this.position = [...query.slice(0, offset)].length;
  }
}

/** The words that queries may use, made from `vocabulary` of data/index.json. */
export class Vocabulary {
  constructor(data) {
    this.words = data.words;
    this.sections = {};
    for (const field of TERM_FIELDS) this.sections[field] = new Section(data.terms[field]);
  }
}

/** Terms of one field: rows of [id, name, ...aliases], in the order of their file. */
class Section {
  constructor(rows) {
    this.ids = rows.map((row) => row[0]);
    this.names = rows.map((row) => row[1] ?? row[0]);
    this.aliases = rows.map((row) => row.slice(2));
    this.at = new Map(this.ids.map((id, i) => [id, i]));
    this.spellings = new Map();
    this.aliases.forEach((aliases, i) => {
      for (const alias of aliases) {
        if (!this.spellings.has(spelling(alias))) this.spellings.set(spelling(alias), this.ids[i]);
      }
    });
    this.names.forEach((name, i) => this.spellings.set(spelling(name), this.ids[i]));
    this.ids.forEach((id) => this.spellings.set(spelling(id), id));
    this.spellings.delete("");
  }

  /** The name to show for an id. */
  name(id) {
    return this.names[this.at.get(id)] ?? id;
  }
}

/**
 * Read a query into its terms. A term holds `field` ("" for words), `values`, `negated`, and
 * `start` and `end` in the text. Throws `QueryError`.
 */
export function parse(text, vocabulary) {
  return new Parser(text, vocabulary).terms();
}

/** The canonical spelling of one term. */
export function spell(term) {
  const values = term.values.map((value) => {
    const text = term.field === "year" ? spellYears(value) : value;
    return NEEDS_QUOTES.test(text) ? `"${text}"` : text;
  });
  return `${term.negated ? "-" : ""}${term.field && `${term.field}:`}${values.join(",")}`;
}

function spellYears([low, high]) {
  return low === high ? `${low}` : `${low ?? ""}..${high ?? ""}`;
}

class Parser {
  constructor(text, vocabulary) {
    this.text = text;
    this.vocabulary = vocabulary;
    this.at = 0;
  }

  error(message, offset) {
    return new QueryError(message, this.text, offset);
  }

  terms() {
    const terms = [];
    for (;;) {
      this.skip((char) => IS_SPACE.test(char));
      if (this.at >= this.text.length) return terms;
      const start = this.at;
      const term = this.term();
      if (term) terms.push({ ...term, start, end: this.at });
    }
  }

  term() {
    const negated = this.text[this.at] === "-" && this.text[this.at + 1] > " ";
    if (negated) this.at += 1;
    const start = this.at;
    if (this.text[start] === '"') return words(this.quoted(), negated);
    this.skip((char) => !IS_SPACE.test(char) && char !== ":" && char !== '"');
    const word = this.text.slice(start, this.at);
    if (/^https?$/i.test(word) && this.text.startsWith("://", this.at)) {
      // A pasted address means the paper that stands there.
      this.skip((char) => !IS_SPACE.test(char));
      return { field: "id", values: [normalId(this.text.slice(start, this.at))], negated };
    }
    if (this.text[this.at] !== ":") return words(word, negated);
    this.at += 1;
    return this.fielded(word, start, negated);
  }

  skip(wanted) {
    while (this.at < this.text.length && wanted(this.text[this.at])) this.at += 1;
  }

  quoted() {
    const start = this.at;
    const end = this.text.indexOf('"', start + 1);
    if (end < 0) throw this.error("this quote is never closed", start);
    this.at = end + 1;
    return this.text.slice(start + 1, end);
  }

  fielded(word, start, negated) {
    const lower = word.toLowerCase();
    const field = Object.hasOwn(SYNONYMS, lower) ? SYNONYMS[lower] : lower;
    if (!FIELDS.includes(field)) {
      const guess = nearest(field, [...FIELDS, ...Object.keys(SYNONYMS)]);
      const hint = guess ? `did you mean ${guess}:?` : "put it in quotes to search for words";
      throw this.error(`there is no field '${word}:' (${hint})`, start);
    }
    const values = new Map();
    do {
      if (values.size) this.at += 1;
      const value = this.value(field);
      values.set(String(value), value);
    } while (this.text[this.at] === ",");
    return { field, values: [...values.values()], negated };
  }

  value(field) {
    const begin = this.at;
    if (this.text[begin] === '"') this.quoted();
    else this.skip((char) => !ENDS_VALUE.test(char));
    const raw = this.text.slice(begin, this.at);
    const value = (raw[0] === '"' ? raw.slice(1, -1) : raw).replace(AROUND, "");
    if (!value) throw this.error(`${field}: needs a value`, begin);
    if (TERM_FIELDS.includes(field)) return this.termId(field, value, begin);
    const words = this.vocabulary.words[field];
    if (words) {
      if (words.includes(value.toLowerCase())) return value.toLowerCase();
      throw this.error(`${field}: is one of ${words.join(", ")}`, begin);
    }
    if (field === "year") return this.years(value, begin);
    if (field === "author") return fold(value) || value.toLowerCase();
    if (field === "id") return normalId(value);
    return value.toLowerCase();
  }

  termId(field, value, begin) {
    const { spellings } = this.vocabulary.sections[field];
    const id = spellings.get(spelling(value));
    if (id) return id;
    const guess = nearest(spelling(value), [...spellings.keys()]);
    const hint = guess ? ` (did you mean ${spellings.get(guess)}?)` : "";
    throw this.error(`there is no ${field} '${value}'${hint}`, begin);
  }

  years(value, begin) {
    const [, first, dots, last] = YEAR.exec(value) ?? [];
    if (!(first || last) || (first && last && !dots)) {
      throw this.error("a year looks like 2023, 2022..2024, 2023.. or ..2021", begin);
    }
    const low = first ? Number(first) : null;
    return dots ? [low, last ? Number(last) : null] : [low, low];
  }
}

function words(text, negated) {
  const folded = fold(text);
  return folded ? { field: "", values: [folded], negated } : null;
}

const ID_ADDRESS = new RegExp(
  "^(https?://)?(www\\.|dx\\.)?(arxiv\\.org/(abs|pdf)/|doi\\.org/|aclanthology\\.org/" +
    "|openreview\\.net/(forum|pdf)\\?id=|arxiv:|doi:)",
);
const ARXIV = /^([0-9]{4}\.[0-9]{4,5}|[a-z-]+(\.[A-Z]{2})?\/[0-9]{7})$/;

/** Strip what people paste around an id: scheme, address, version; lower case. */
export function normalId(text) {
  const value = text
    .replace(AROUND, "")
    .toLowerCase()
    .replace(/\/+$/, "")
    .replace(ID_ADDRESS, "")
    .replace(/\.pdf$/, "");
  const bare = value.replace(/v[0-9]+$/, "");
  return ARXIV.test(bare) ? bare : value;
}

/** The known word that a person who typed `word` probably meant, or null (as Python's difflib). */
export function nearest(word, known) {
  const typed = [...word.toLowerCase()];
  let best = null;
  let bestRatio = 0.6;
  for (const candidate of known) {
    const letters = [...candidate];
    const length = letters.length + typed.length;
    // No ratio is above that of the shorter word found whole.
    if ((2 * Math.min(letters.length, typed.length)) / length < bestRatio) continue;
    const ratio = (2 * matching(letters, typed, 0, letters.length, 0, typed.length)) / length;
    if (ratio > bestRatio || (ratio === bestRatio && (best === null || candidate > best))) {
      best = candidate;
      bestRatio = ratio;
    }
  }
  return best;
}

/** How many letters the longest common runs cover, found one after the other. */
function matching(a, b, aLow, aHigh, bLow, bHigh) {
  let [aBest, bBest, size] = [aLow, bLow, 0];
  let before = new Map();
  for (let i = aLow; i < aHigh; i += 1) {
    const runs = new Map();
    for (let j = bLow; j < bHigh; j += 1) {
      if (a[i] !== b[j]) continue;
      const run = (before.get(j - 1) ?? 0) + 1;
      runs.set(j, run);
      if (run > size) [aBest, bBest, size] = [i - run + 1, j - run + 1, run];
    }
    before = runs;
  }
  if (!size) return 0;
  return (
    size +
    matching(a, b, aLow, aBest, bLow, bBest) +
    matching(a, b, aBest + size, aHigh, bBest + size, bHigh)
  );
}

/** Rows of the papers that satisfy all terms, in the collection's order. */
export function search(index, terms) {
  const masks = terms.map((term) => [index.matches(term), term.negated ? 0 : 1]);
  const rows = [];
  for (let row = 0; row < index.size; row += 1) {
    if (masks.every(([mask, wanted]) => mask[row] === wanted)) rows.push(row);
  }
  return rows;
}
