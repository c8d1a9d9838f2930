/**
 * The papers as data/index.json and data/details.json tell them: decoded, searched and counted.
 * A row is a paper's number in the collection's order. No DOM in here.
 */

import { fold, Vocabulary } from "./query.mjs";

/** Fields that the page offers as facets, in its order. */
export const FACETS = [
  "family", "method", "pitfall", "stance", "kind", "venue", "year", "benchmark", "has", "status",
];
const NAMED = ["venue", "method", "family", "pitfall", "benchmark"];
const ARTICLES = new Set(["a", "an", "the"]);
const CACHED = 48;

/** A short list of numbers for each row, packed. */
class Lists {
  constructor(rows) {
    this.starts = new Uint32Array(rows.length + 1);
    rows.forEach((row, i) => {
      this.starts[i + 1] = this.starts[i] + row.length;
    });
    this.values = new Uint16Array(this.starts[rows.length]);
    rows.forEach((row, i) => this.values.set(row, this.starts[i]));
  }

  of(row) {
    return this.values.subarray(this.starts[row], this.starts[row + 1]);
  }
}

function decode(column) {
  const known = new Map([["", []]]);
  return column.split("\n").map((line) => {
    if (!known.has(line)) known.set(line, line.split(",").map(Number));
    return known.get(line);
  });
}

const unique = (numbers) => [...new Set(numbers)];

export class Index {
  constructor(data) {
    const { columns } = data;
    this.data = data;
    this.vocabulary = new Vocabulary(data);
    this.years = data.years.flatMap(([year, count]) => Array(count).fill(year));
    this.size = this.years.length;
    this.titles = this.size ? columns.title.split("\n") : [];
    this.authors = this.readAuthors(columns);
    this.details = null;
    this.cache = new Map();
    this.orders = {};
    this.readTags(columns);
    this.foldTexts();
  }

  /** Names in print, as [given, rest] per author and row. */
  readAuthors({ given, family }) {
    const givens = given.split("\t");
    let at = 0;
    const rows = this.size ? family.split("\n") : [];
    return rows.map((row) => row.split("\t").map((rest) => [givens[at++], rest]));
  }

  readTags(columns) {
    const { data, vocabulary } = this;
    const rows = (name) => (this.size ? decode(columns[name]) : []);
    const stances = vocabulary.words.stance.length;
    const pitfalls = vocabulary.sections.pitfall;
    const ancestors = pitfalls.ids.map((id) => lineage(id).map((one) => pitfalls.at.get(one)));
    const pairs = rows("pitfall");
    const methods = rows("method");
    const benchmarks = rows("benchmark");
    const extra = rows("families");
    const founded = this.size ? Array.from({ length: this.size }, () => []) : [];
    for (const [metric, papers] of Object.entries(data.founders)) {
      for (const row of papers) founded[row].push(Number(metric));
    }
    const years = data.years.map(([year]) => year);
    this.pairs = new Lists(pairs);
    this.values = { ...vocabulary.words, year: years };
    for (const [field, section] of Object.entries(vocabulary.sections)) {
      this.values[field] = section.ids;
    }
    this.lists = {
      method: new Lists(methods),
      family: new Lists(
        methods.map((row, i) => unique([...extra[i], ...row.map((m) => data.families[m])])),
      ),
      pitfall: new Lists(
        pairs.map((row) => unique(row.flatMap((p) => ancestors[Math.floor(p / stances)]))),
      ),
      stance: new Lists(pairs.map((row) => unique(row.map((p) => p % stances)))),
      benchmark: new Lists(benchmarks),
      metric: new Lists(
        benchmarks.map((row, i) => unique([...founded[i], ...row.flatMap((b) => data.metrics[b])])),
      ),
      venue: new Lists(rows("venue")),
      kind: new Lists(rows("kind")),
      has: new Lists(rows("has")),
      status: new Lists(rows("status")),
      year: new Lists(this.years.map((year) => [years.indexOf(year)])),
    };
  }

  foldTexts() {
    const folded = new Map();
    const part = (text) => {
      if (!folded.has(text)) folded.set(text, fold(text));
      return folded.get(text);
    };
    this.authorText = this.authors.map((names) =>
      names.map(([given, rest]) => line(`${part(given)} ${part(rest)}`.trim())).join("\n"),
    );
    this.text = this.titles.map((title, row) => `${line(fold(title))}\n${this.authorText[row]}`);
    this.detailText = [];
  }

  /** Take in data/details.json; a generator, so that a page may pause between slices. */
  *addDetails(details, slice = 2000) {
    const texts = [];
    for (let row = 0; row < this.size; row += 1) {
      const items = [details.summary[row], details.acronym[row], ...(details.titles[row] ?? [])];
      texts.push(items.filter(Boolean).map((text) => line(fold(text))).join("\n"));
      if (row % slice === slice - 1) yield row;
    }
    this.detailText = texts;
    this.details = details;
    this.keyRows = null;
    this.cache.clear();
  }

  /** Whether the answer to these terms can still change when details arrive. */
  awaitsDetails(terms) {
    return !this.details && terms.some(({ field }) => ["", "id", "key"].includes(field));
  }

  /** The paper's key: written in the index, or made by the house rule. */
  key(row) {
    const written = this.data.keys[row];
    if (written) return written;
    const family = fold(this.authors[row][0][1]).replace(/[^a-z]/g, "");
    const words = this.titles[row]
      .split(" ")
      .map((word) => fold(word).replace(/[^a-z0-9]/g, ""))
      .filter(Boolean);
    while (words.length > 1 && ARTICLES.has(words[0])) words.shift();
    return `${family}${this.years[row]}${words[0] ?? ""}`;
  }

  /** One byte a row: 1 where any value of the term holds (negation left out). */
  matches(term) {
    const name = `${term.field}:${term.values.join("\n")}`;
    let mask = this.cache.get(name);
    this.cache.delete(name);
    mask ??= this.compute(term);
    this.cache.set(name, mask);
    if (this.cache.size > CACHED) this.cache.delete(this.cache.keys().next().value);
    return mask;
  }

  compute({ field, values }) {
    if (field === "") return this.withWords(values[0]);
    if (field === "author") {
      const starts = values.map((value) => ` ${value}`);
      return this.mask((row) => starts.some((start) => this.authorText[row].includes(start)));
    }
    if (field === "year") {
      const within = (year) =>
        values.some(([low, high]) => (low ?? -Infinity) <= year && year <= (high ?? Infinity));
      return this.mask((row) => within(this.years[row]));
    }
    if (field === "key") return this.withKeys(values);
    if (field === "id") {
      const ids = this.details?.ids ?? [];
      return this.mask((row) => values.some((value) => ids[row]?.split("\t").includes(value)));
    }
    const mask = new Uint8Array(this.size);
    this.mark(mask, field, (_, number) => values.includes(this.values[field][number]));
    return mask;
  }

  mask(holds) {
    return Uint8Array.from({ length: this.size }, (_, row) => (holds(row) ? 1 : 0));
  }

  /** Set to 1 the rows that have one of the wanted values of a field. */
  mark(mask, field, wanted) {
    const numbers = this.values[field].map(wanted);
    if (!numbers.includes(true)) return;
    const { starts, values } = this.lists[field];
    for (let row = 0; row < this.size; row += 1) {
      for (let i = starts[row]; i < starts[row + 1]; i += 1) {
        if (numbers[values[i]]) mask[row] = 1;
      }
    }
  }

  withWords(phrase) {
    const start = ` ${phrase}`;
    const { text, detailText } = this;
    const candidates = this.shorter(phrase);
    const mask = new Uint8Array(this.size);
    for (let row = 0; row < this.size; row += 1) {
      if (candidates && !candidates[row]) continue;
      if (text[row].includes(start) || detailText[row]?.includes(start)) mask[row] = 1;
    }
    for (const field of NAMED) {
      const { names } = this.vocabulary.sections[field];
      this.mark(mask, field, (_, number) => line(fold(names[number])).includes(start));
    }
    this.mark(mask, "kind", (kind) => line(kind).includes(start));
    return mask;
  }

  /** The rows of the longest beginning of the phrase that was asked before: no others can match. */
  shorter(phrase) {
    for (let end = phrase.length - 1; end > 0; end -= 1) {
      const known = this.cache.get(`:${phrase.slice(0, end)}`);
      if (known) return known;
    }
    return null;
  }

  withKeys(keys) {
    if (!this.keyRows) {
      this.keyRows = new Map();
      const add = (key, row) => this.keyRows.set(key, [...(this.keyRows.get(key) ?? []), row]);
      for (let row = 0; row < this.size; row += 1) add(this.key(row), row);
      for (const [row, former] of Object.entries(this.details?.keys ?? {})) {
        for (const key of former) add(key, Number(row));
      }
    }
    const mask = new Uint8Array(this.size);
    for (const key of keys) for (const row of this.keyRows.get(key) ?? []) mask[row] = 1;
    return mask;
  }

  /** For each facet, papers per value, counted as if no term of that facet's field were there. */
  counts(terms) {
    const failed = this.failures(terms);
    const counts = FACETS.map((field) => new Uint32Array(this.values[field].length));
    const tally = (row, facet) => {
      const { starts, values } = this.lists[FACETS[facet]];
      for (let i = starts[row]; i < starts[row + 1]; i += 1) counts[facet][values[i]] += 1;
    };
    for (let row = 0; row < this.size; row += 1) {
      if (failed[row] === 0) {
        for (let facet = 0; facet < FACETS.length; facet += 1) tally(row, facet);
      } else {
        const facet = 31 - Math.clz32(failed[row]);
        if (failed[row] === 1 << facet && facet < FACETS.length) tally(row, facet);
      }
    }
    return Object.fromEntries(FACETS.map((field, facet) => [field, counts[facet]]));
  }

  /** For each row, one bit for every facet that excludes it, and one for all other terms. */
  failures(terms) {
    const failed = new Uint16Array(this.size);
    for (const term of terms) {
      const mask = this.matches(term);
      const facet = FACETS.indexOf(term.field);
      const bit = 1 << (facet < 0 ? FACETS.length : facet);
      const bad = term.negated ? 1 : 0;
      for (let row = 0; row < this.size; row += 1) if (mask[row] === bad) failed[row] |= bit;
    }
    return failed;
  }

  /** Rows in the order that a sort names; the collection's own order is `newest`. */
  sorted(rows, sort) {
    if (sort === "oldest") return rows.toReversed();
    const ranks = this.ranks(sort);
    return ranks ? rows.toSorted((a, b) => ranks[a] - ranks[b]) : rows;
  }

  ranks(sort) {
    if (!["title", "author"].includes(sort)) return null;
    if (!this.orders[sort]) {
      const names = sort === "title" ? this.titles.map(fold) : this.authors.map(filedUnder);
      const order = Uint32Array.from(names.keys()).sort((a, b) =>
        names[a] < names[b] ? -1 : names[a] > names[b] ? 1 : a - b,
      );
      this.orders[sort] = new Uint32Array(this.size);
      order.forEach((row, rank) => {
        this.orders[sort][row] = rank;
      });
    }
    return this.orders[sort];
  }

  /** Up to `limit` printed names with a word that begins so, newest papers first. */
  authorsLike(start, limit) {
    const found = new Set();
    for (let row = 0; row < this.size && found.size < limit; row += 1) {
      if (!this.authorText[row].includes(` ${start}`)) continue;
      for (const name of this.authors[row].map(printed)) {
        if (line(fold(name)).includes(` ${start}`)) found.add(name);
      }
    }
    return [...found].slice(0, limit);
  }
}

/** A folded text behind a space, so that ` word` finds only beginnings. */
const line = (folded) => ` ${folded}`;

/** A pitfall's id and all that it implies. */
export function lineage(id) {
  const parts = id.split(".");
  return parts.map((_, i) => parts.slice(0, parts.length - i).join("."));
}

/** A name as on the paper. */
export const printed = ([given, rest]) => [given, rest].filter(Boolean).join(" ");

/** What the first author is filed under: the family name without lower-case particles. */
function filedUnder([[given, rest]]) {
  return fold(`${rest.replace(/^(\p{Ll}\S* )+/u, "")} ${given}`);
}
