/**
 * The rules that one entry must satisfy by itself, twins of those in survey/checks: same codes, same
 * words. Patterns, lists and severities come from data/rules.json; tests hold both sides to the same
 * findings. No DOM in here.
 */

import { House, isEmpty, isRecord, locate } from "./house.mjs";
import { authorName, makeKey } from "./names.mjs";
import { fold, Vocabulary } from "./query.mjs";
import { explain, noTag, noVenue, validate } from "./schema.mjs";
import { capitalize, findAll, isUpper, substitute, words } from "./text.mjs";

const PATH = /^papers\/[0-9]{4}\/([^/]+)\.yaml$/;

/** Checks entries by data/rules.json. */
export class Checker {
  constructor(data) {
    this.data = data;
    this.house = new House(data.house);
    this.key = new RegExp(data.key, "u");
    this.patterns = Object.fromEntries(
      Object.entries(data.patterns).map(([name, [source, flags]]) => [name, new RegExp(source, flags)]),
    );
    this.accidents = data.accidents.map(([source, flags, text]) => [new RegExp(source, flags), text]);
    this.printedNames = new Map(data.printedNames);
    const { methods, families, pitfalls, benchmarks, venues } = data.terms;
    const { sections } = new Vocabulary({
      words: {},
      terms: { method: methods, family: families, pitfall: pitfalls, benchmark: benchmarks, metric: [], venue: venues },
    });
    this.terms = {
      methods: sections.method, families: sections.family, pitfalls: sections.pitfall,
      benchmarks: sections.benchmark, venues: sections.venue,
    };
  }

  /** Codes of the rules that are applied to one entry. */
  static get codes() {
    return [...Object.keys(ENTRY_RULES), ...SCHEMA];
  }

  /**
   * Check a record as it would stand at `path`: `{ findings, paper, written }`. `paper` is null
   * where the model refuses the record; `written` is the record in the house format.
   */
  check(path, record) {
    const written = this.house.write(record);
    const kept = Object.fromEntries(Object.entries(record).filter(([, value]) => !isEmpty(value)));
    const name = PATH.exec(path)?.[1];
    if (!name) {
      const stray = { code: "K901", message: "this is no papers/<year>/<key>.yaml", hint: whereItBelongs(path) };
      return { findings: [this.complete(stray, path, written)], paper: null, written };
    }
    const found = [];
    if (!this.key.test(name)) {
      const hint = "family name, year, first word of the title, such as meng2022locating";
      found.push({ code: "K902", message: `'${name}' is no citation key`, hint });
    }
    const errors = validate(kept, this.data.schema);
    found.push(...explain(errors, this));
    const paper = errors.length ? null : this.paper(path, name, kept);
    if (paper) {
      for (const [code, rule] of Object.entries(ENTRY_RULES)) {
        for (const finding of rule(paper, this)) found.push({ code, ...finding });
      }
    }
    return { findings: sorted(found.map((f) => this.complete(f, path, written))), paper, written };
  }

  /** A valid record with what the model adds to it. */
  paper(path, key, record) {
    const lists = ["pitfalls", "related", "protect", "official_typo", "former_titles", "former_keys", "unconfirmed"];
    const paper = { ...Object.fromEntries(lists.map((name) => [name, []])), ...record, path, key };
    paper.proposes = { methods: [], families: [], benchmarks: [], ...record.proposes };
    paper.studies = { methods: [], benchmarks: [], ...record.studies };
    paper.ids = pairs(record.ids, this.data.idSchemes);
    paper.links = pairs(record.links, this.data.linkKinds);
    paper.names = record.authors.map((author) => authorName(author, this.data));
    paper.preprint = record.venue === "arxiv";
    return paper;
  }

  /** A finding with its severity and its place. */
  complete(finding, path, written) {
    const { code, message, where = [], hint = "", fix = null, other = "" } = finding;
    const [line, column] = where.length ? locate(written.places, where) : [1, 1];
    const { severity } = this.data.rules[code];
    return { code, severity, message, where, hint, fix, path, line, column, other };
  }
}

function whereItBelongs(path) {
  const [, name, ending] = /^(?:.*\/)?([^/]+)\.([^./]*)$/s.exec(path) ?? [];
  if (["yml", "yaml"].includes(ending?.toLowerCase()) && ending !== "yaml") return `rename it to ${name}.yaml`;
  return ending === "yaml" ? "an entry lies in the folder of its year" : "only entries lie below papers/";
}

function pairs(record, order) {
  return Object.fromEntries(order.filter((name) => record?.[name]).map((name) => [name, record[name]]));
}

/** Findings by place, as `survey check` lists them. */
export function sorted(findings) {
  const by = (a, b) => (a < b ? -1 : Number(a > b));
  return findings.sort(
    (a, b) => by(a.path, b.path) || a.line - b.line || a.column - b.column || by(a.code, b.code),
  );
}

const SCHEMA = ["S101", "S102", "S103", "S104", "S105", "I201", "L801", "K901", "K902"];

// Each rule yields findings without their code, in the order of the fields it looks at.
const ENTRY_RULES = {
  *I202(paper) {
    const arxiv = paper.ids.arxiv;
    if (!arxiv) return;
    const given = arxivYear(arxiv);
    const where = ["ids", "arxiv"];
    if (given > paper.year + 1) {
      yield { message: `arXiv ${arxiv} is of ${given}, the paper of ${paper.year}`, where };
    } else if (paper.preprint && given !== paper.year) {
      yield { message: `arXiv ${arxiv} is of ${given}, but the preprint's year is ${paper.year}`, where };
    }
  },

  *I206(paper) {
    const arxiv = paper.ids.arxiv;
    if (arxiv && !paper.preprint && arxivYear(arxiv) === paper.year + 1 && !paper.note) {
      const message = `arXiv ${arxiv} is newer than the publication of ${paper.year}`;
      yield { message, where: ["ids", "arxiv"] };
    }
  },

  *I203(paper) {
    const arxiv = paper.ids.arxiv;
    if (!arxiv) return;
    const month = digits(arxiv).slice(2, 4);
    if (!(month >= "01" && month <= "12")) {
      yield { message: `${arxiv} names no month`, where: ["ids", "arxiv"] };
    }
  },

  *I204(paper) {
    if (paper.ids.doi?.toLowerCase().startsWith("10.48550/")) {
      yield { message: "this DOI is arXiv's own", where: ["ids", "doi"], hint: "leave it out" };
    }
  },

  *I205(paper) {
    if (!Object.keys(paper.ids).length && !paper.links.paper) {
      yield { message: "no id and no link lead to the paper", where: ["ids"] };
    }
  },

  *S106(paper, { data, patterns }) {
    for (const field of data.house.order) {
      for (const { where, text } of texts(paper[field], [field])) {
        const prose = where.length === 1 && ["summary", "note"].includes(field);
        const found = text.match(prose ? patterns.unseenInProse : patterns.unseen);
        if (!found) continue;
        const number = found[0].codePointAt(0).toString(16).toUpperCase().padStart(4, "0");
        const message = `U+${number} cannot be seen, or changes what is shown beside it`;
        yield { message, where, hint: "take it out" };
      }
    }
  },

  *S107(paper, { patterns }) {
    const names = paper.names.map((name, i) => ({ where: ["authors", i], text: name.printed }));
    for (const { where, text } of [{ where: ["title"], text: paper.title }, ...names]) {
      const found = text.match(patterns.mixed);
      if (found) {
        yield { message: `'${found[0]}' mixes Latin and Cyrillic letters`, where, hint: "write it in one alphabet" };
      }
    }
  },

  *K903(paper) {
    const [, family, year, word] = /^([a-z]+)([0-9]{4})([a-z0-9]+)$/.exec(paper.key) ?? [];
    if (!family || paper.former_keys.includes(paper.key)) return;
    const hint = `the house key would be ${makeKey(paper.names[0], paper.year, paper.title)}`;
    for (const [where, message] of disagreements(paper, family, Number(year), word)) {
      yield { message, where, hint };
    }
  },

  *K904(paper) {
    const folder = paper.path.split("/").at(-2);
    if (folder !== String(paper.year)) {
      const message = `the entry of ${paper.year} lies in papers/${folder}`;
      yield { message, where: ["year"], hint: `move it to papers/${paper.year}/` };
    }
  },

  *L802(paper, { data }) {
    for (const [kind, url] of Object.entries(paper.links)) {
      const where = ["links", kind];
      const name = host(url);
      const leadsToPaper =
        data.paperHosts.some((known) => name === known || name.endsWith(`.${known}`)) ||
        url.toLowerCase().endsWith(".pdf") ||
        (["huggingface.co", "hf.co"].includes(name) && splitAddress(url).path.startsWith("/papers/"));
      if (kind !== "paper" && leadsToPaper) {
        yield { message: `the ${kind} link leads to a paper: ${url}`, where, hint: "put its id into ids" };
      }
      const known = ["arxiv.org", "aclanthology.org", "doi.org", ...data.forges];
      if (kind === "paper" && known.includes(name)) {
        yield { message: `the paper link should be an id or code: ${url}`, where };
      }
    }
  },

  *L803(paper, { patterns }) {
    for (const [kind, url] of Object.entries(paper.links)) {
      const right = substitute(patterns.tail, "", url);
      if (right !== url && !(url.endsWith(")") && url.includes("("))) {
        const message = `the address ends in '${url.slice(right.length)}'`;
        yield { message, where: ["links", kind], hint: `write ${right}`, fix: right };
      }
    }
  },

  *L804(paper, { data, patterns }) {
    for (const [kind, url] of Object.entries(paper.links)) {
      const where = ["links", kind];
      const { netloc, hostname, path } = splitAddress(url);
      if (hostname.search(patterns.privateHost) === 0) {
        yield { message: `${url} is no public address`, where };
      } else if (netloc.includes("@")) {
        const hint = "take out what stands before the @";
        yield { message: `${url} holds a user's name or password`, where, hint };
      } else if (data.forges.includes(hostname) && path.split("/").filter(Boolean).length < 2) {
        yield { message: `${url} names no repository`, where };
      }
    }
  },

  *N501(paper, { data, patterns }) {
    for (const { where, name } of printed(paper)) {
      if (/^[\x00-\x7f]*$/.test(name) && !patterns.twoCapitals.test(name)) continue;
      const shouted = findAll(patterns.capitals, name).filter(isUpper);
      const long = findAll(patterns.word, name).filter((w) => !data.suffixes.includes(w.toLowerCase()));
      if (shouted.length || (long.length > 1 && long.every(isUpper))) {
        let right = name;
        for (const word of long.filter(isUpper)) right = right.replaceAll(word, () => capitalize(word));
        yield { message: `'${name}' is in capitals`, where, hint: `write ${right}` };
      }
    }
  },

  *N502(paper, { patterns }) {
    for (const { where, name, plain } of printed(paper)) {
      if (!patterns.marks.test(name)) continue;
      const right = substitute(patterns.marks, "", name).replace(/^[ ,]+|[ ,]+$/g, "");
      const fix = plain && right ? right : null;
      yield { message: `'${name}' holds a footnote mark`, where, hint: `write ${right}`, fix };
    }
  },

  *N503(paper, { patterns }) {
    for (const [i, name] of paper.names.entries()) {
      if (patterns.etAl.test(name.printed)) {
        yield { message: `'${name.printed}' is no author`, where: ["authors", i], hint: "list every author" };
      }
    }
  },

  *N504(paper, { patterns }) {
    for (const { where, name, plain } of printed(paper)) {
      if (plain && patterns.several.test(substitute(patterns.suffix, "", name))) {
        const hint = "one item for each author, given name first";
        yield { message: `'${name}' is not one name`, where, hint };
      }
    }
  },

  *N505(paper, { data }) {
    for (const { where, name } of printed(paper)) {
      const parts = words(name.toLowerCase());
      if (parts.length === 2 && data.suffixes.includes(parts[1])) {
        yield { message: `'${name}' has a suffix but no family name`, where };
      }
    }
  },

  *N506(paper) {
    const seen = new Set();
    for (const { where, name } of printed(paper)) {
      if (seen.has(fold(name))) yield { message: `'${name}' stands in the list twice`, where };
      seen.add(fold(name));
    }
  },

  *N507(paper, { patterns }) {
    for (const { where, name, plain } of printed(paper)) {
      const composed = name.normalize("NFC");
      if (patterns.brokenName.test(name)) {
        yield { message: `'${name}' is not plain Unicode`, where, hint: "write the letters themselves" };
      } else if (composed !== name) {
        yield { message: `'${name}' has accents apart from their letters`, where, fix: plain ? composed : null };
      }
    }
  },

  *T301(paper, { data, terms }) {
    for (const { where, section, tag } of tags(paper, data)) {
      if (!terms[section].at.has(tag)) yield noTag(tag, where, section, terms);
    }
  },

  *T303(paper) {
    for (const field of ["methods", "benchmarks"]) {
      for (const [i, tag] of paper.studies[field].entries()) {
        if (paper.proposes[field].includes(tag)) {
          yield { message: `'${tag}' is proposed, so it is not also studied`, where: ["studies", field, i] };
        }
      }
    }
    const seen = new Set();
    for (const [i, { id, stance }] of paper.pitfalls.entries()) {
      const pair = `${id} ${stance}`;
      if (seen.has(pair)) yield { message: `${pair} stands here twice`, where: ["pitfalls", i] };
      seen.add(pair);
    }
  },

  *T304(paper) {
    for (const [i, item] of paper.pitfalls.entries()) {
      const finer = paper.pitfalls
        .filter(({ id, stance }) => stance === item.stance && id.startsWith(`${item.id}.`))
        .map(({ id }) => id)
        .sort();
      if (finer.length) {
        const message = `${item.id} is implied by ${finer[0]}`;
        yield { message, where: ["pitfalls", i, "id"], hint: "leave it out" };
      }
    }
  },

  *A351(paper) {
    if (paper.summary && paper.annotated.basis === "title") {
      yield { message: "a summary, but only the title was read", where: ["summary"] };
    }
  },

  *A352(paper, { data }) {
    const basis = paper.annotated.basis;
    for (const [i, item] of paper.pitfalls.entries()) {
      if (data.rank[item.basis] > data.rank[basis]) {
        const message = `rests on ${item.basis}, but the entry on ${basis}`;
        yield { message, where: ["pitfalls", i, "basis"] };
      }
    }
  },

  *A353(paper) {
    const count = words(paper.summary ?? "").length;
    if (count > 60) yield { message: `the summary has ${count} words`, where: ["summary"] };
  },

  *A354(paper) {
    const weak = paper.unconfirmed.filter((field) => field !== "tags");
    if (weak.length) yield { message: `not confirmed: ${weak.join(", ")}`, where: ["unconfirmed"] };
  },

  *A356(paper) {
    if (paper.unconfirmed.includes("tags")) {
      const message = "the tags are suggestions that nobody has confirmed";
      yield { message, where: ["unconfirmed"], hint: "mend them, then take tags off the list" };
    }
  },

  *A355(paper) {
    if (paper.status && !paper.note) {
      yield { message: `the paper is ${paper.status}, and no note says why`, where: ["status"] };
    }
  },

  *P601(paper, { data, accidents, patterns }) {
    const where = ["title"];
    let title = paper.title;
    for (const typo of paper.official_typo) title = title.replaceAll(typo, "x");
    let right = [...title].map((letter) => data.ligatures[letter] ?? letter).join("");
    for (const [accident, replacement] of accidents) right = substitute(accident, replacement, right);
    right = right.normalize("NFC");
    if (right !== title) {
      // With an official typo taken out, the rest is not the whole title.
      const fix = paper.official_typo.length ? null : right;
      const hint = fix ? `write ${right}` : "";
      yield { message: "the title has a typographic accident", where, hint, fix };
    }
    if (patterns.brokenLine.test(title) && !patterns.ellipsis.test(title)) {
      yield { message: "a hyphen of a line break is left in the title", where };
    }
    if (patterns.tightColon.test(title) && !patterns.ratio.test(title)) {
      yield { message: "a space is missing after a colon", where };
    }
    if (patterns.markup.test(title)) {
      yield { message: "LaTeX or HTML is left in the title", where, hint: "write Unicode" };
    }
  },

  *P602(paper, { patterns }) {
    const known = [...paper.protect, ...paper.official_typo, paper.acronym ?? ""].flatMap(words);
    const { source, flags } = patterns.glued;
    for (const [found, ...groups] of paper.title.matchAll(new RegExp(source, `${flags}g`))) {
      if (!known.includes(found)) {
        const hint = `write ${groups.filter(Boolean).join(" ")}`;
        yield { message: `'${found}' looks like two words`, where: ["title"], hint };
      }
    }
  },

  *P603(paper, { data }) {
    const official = paper.official_typo.flatMap((typo) => words(typo.toLowerCase()));
    for (const word of paper.title.match(/[A-Za-z]+/g) ?? []) {
      const lower = word.toLowerCase();
      if (Object.hasOwn(data.misspelled, lower) && !official.includes(lower)) {
        const hint = `write ${data.misspelled[lower]}, or list it in official_typo`;
        yield { message: `'${word}' looks misspelled`, where: ["title"], hint };
      }
    }
  },

  *P604(paper) {
    const letters = paper.title.match(/\p{L}/gu) ?? [];
    if (letters.length > 12 && letters.filter(isUpper).length > 0.8 * letters.length) {
      yield { message: "the title is in capitals", where: ["title"], hint: "write it in title case" };
    }
  },

  *P605(paper) {
    for (const field of ["official_typo", "protect"]) {
      for (const [i, word] of paper[field].entries()) {
        if (!paper.title.includes(word)) {
          yield { message: `'${word}' does not stand in the title`, where: [field, i] };
        }
      }
    }
  },

  *P606(paper) {
    const { acronym, title, annotated } = paper;
    if (acronym && annotated.basis === "title" && !title.includes(acronym)) {
      yield { message: `'${acronym}' does not stand in the title`, where: ["acronym"] };
    }
  },

  *V701(paper, { data, printedNames }) {
    if (!Object.hasOwn(data.venues, paper.venue)) yield noVenue(paper.venue, printedNames);
  },

  *V702(paper, { data, terms }) {
    const venue = venueOf(paper, data);
    if (venue?.years && !Object.hasOwn(venue.years, paper.year)) {
      const years = Object.keys(venue.years).sort().join(", ");
      const message = `${terms.venues.name(paper.venue)} has no ${paper.year} (known: ${years})`;
      yield { message, where: ["year"], hint: "add the year to taxonomy/venues.yaml if it took place" };
    }
  },

  *V703(paper, { data, patterns, terms }) {
    const { anthology, doi } = paper.ids;
    for (const [scheme, id] of [["anthology", anthology], ["doi", doi]]) {
      const value = id?.replace(/^10\.18653\/v1\//, "");
      const match = value?.match(patterns.anthology);
      if (!match || match.index) continue;
      if (scheme === "doi" && anthology && value.toLowerCase() !== anthology) {
        const message = `the DOI is of ${value}, the Anthology id is ${anthology}`;
        yield { message, where: ["ids", "doi"] };
        continue;
      }
      const [, year, volume] = match;
      const venue = venueOf(paper, data);
      if (Number(year) !== paper.year) {
        yield { message: `${value} is of ${Number(year)}, the entry of ${paper.year}`, where: ["ids", scheme] };
      } else if (venue && !(venue.anthology ?? []).includes(volume)) {
        const right = Object.keys(data.venues).find((v) => data.venues[v].anthology?.includes(volume));
        const hint = right
          ? `the id belongs to ${terms.venues.name(right)}`
          : "add the volume to taxonomy/venues.yaml";
        yield { message: `${value} is not of ${terms.venues.name(paper.venue)}`, where: ["venue"], hint };
      }
    }
  },

  *V704(paper) {
    if (!paper.preprint) return;
    const { pages, volume, booktitle } = paper;
    const published = [[["ids", "anthology"], paper.ids.anthology], [["pages"], pages], [["volume"], volume], [["booktitle"], booktitle]];
    for (const [where, value] of published) {
      if (value) yield { message: `a preprint with ${where.at(-1)} ${value}`, where, hint: "name the venue" };
    }
    if (!(paper.ids.arxiv || paper.ids.openreview || paper.links.paper)) {
      yield { message: "a preprint without an arXiv id", where: ["venue"] };
    }
  },

  *V705(paper, { data }) {
    const venue = venueOf(paper, data);
    if (!venue || !paper.booktitle) return;
    const rule = venue.years?.[paper.year] || venue.booktitle || venue.full;
    if (paper.booktitle === rule.replaceAll("{year}", paper.year)) {
      yield { message: "the booktitle is the venue's own", where: ["booktitle"], hint: "leave it out" };
    }
  },

  *V706(paper) {
    if (paper.published && !paper.published.startsWith(String(paper.year))) {
      const message = `published in ${paper.published}, but the year is ${paper.year}`;
      yield { message, where: ["published"] };
    }
  },
};

function digits(arxiv) {
  return arxiv.slice(arxiv.lastIndexOf("/") + 1);
}

/** The year in which an arXiv id was given: 2202.05262 -> 2022, hep-th/9901001 -> 1999. */
export function arxivYear(arxiv) {
  const two = digits(arxiv).slice(0, 2);
  return (two > "90" ? 1900 : 2000) + Number(two);
}

function venueOf(paper, data) {
  return Object.hasOwn(data.venues, paper.venue) ? data.venues[paper.venue] : null;
}

/** Each author who is a person: the place, the name, and whether it is written plainly. */
export function* printed(paper) {
  for (const [i, author] of paper.authors.entries()) {
    const where = ["authors", i];
    if (!isRecord(author)) yield { where, name: author, plain: true };
    else if (!author.literal) yield { where, name: paper.names[i].printed, plain: false };
  }
}

/** Every tag of a paper. */
function* tags(paper, data) {
  for (const [part, field, section] of data.tags) {
    for (const [i, tag] of paper[part][field].entries()) yield { where: [part, field, i], section, tag };
  }
  for (const [i, { id }] of paper.pitfalls.entries()) {
    yield { where: ["pitfalls", i, "id"], section: "pitfalls", tag: id };
  }
}

function* disagreements(paper, family, year, word) {
  const first = fold(paper.names[0].printed).split(" ").filter(Boolean);
  const runs = first.flatMap((_, i) => first.slice(i).map((_, j) => first.slice(i, i + j + 1).join("")));
  if (!runs.includes(family)) {
    yield [["authors", 0], `the key says '${family}', the first author is ${paper.names[0].printed}`];
  }
  if (year > paper.year || year < paper.year - 3) {
    yield [["year"], `the key says ${year}, the entry ${paper.year}`];
  }
  // A key may run on into the following words, where a shorter one was taken.
  for (const title of [paper.title, ...paper.former_titles]) {
    const found = words(title).map((one) => fold(one).replaceAll(" ", ""));
    if (found.some((_, i) => found.slice(i).join("").startsWith(word))) return;
  }
  yield [["title"], `the key says '${word}', the title does not`];
}

const NOWHERE = { netloc: "", hostname: "", path: "", query: "" };

/** The parts of an address as Python splits them; all empty where it cannot be read. */
export function splitAddress(url) {
  // Without a scheme all of it is a path.
  const [, netloc, rest] = /^[a-zA-Z][a-zA-Z0-9+.-]*:\/\/([^/?#]*)(.*)$/su.exec(url) ?? ["", "", url];
  if (/[[\]]/.test(netloc)) return NOWHERE;
  // Letters that compatibility would turn into separators hide another host.
  const bare = netloc.replace(/[@:#?]/g, "");
  if (bare.normalize("NFKC") !== bare && /[/?#@:]/.test(bare.normalize("NFKC"))) return NOWHERE;
  const [, path, query = ""] = /^([^?#]*)(?:\?([^#]*))?/su.exec(rest);
  const name = netloc.slice(netloc.lastIndexOf("@") + 1).split(":")[0];
  const hostname = name.replace(/^[^%]*/, (letters) => letters.toLowerCase());
  return { netloc, hostname, path, query };
}

/** The host of an address, lower case, without `www.`. */
export function host(url) {
  return splitAddress(url).hostname.replace(/^www\./, "");
}

/** Every text of a value with its place. */
function* texts(value, where) {
  if (typeof value === "string") {
    yield { where, text: value };
  } else if (value && typeof value === "object") {
    const list = Array.isArray(value);
    for (const [name, inner] of Object.entries(value)) yield* texts(inner, [...where, list ? Number(name) : name]);
  }
}
