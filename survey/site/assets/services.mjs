/**
 * What the services say of a paper: DataCite for arXiv (whose own interface answers no other site),
 * Crossref and DataCite for DOIs, Crossref for the ACL Anthology, OpenReview. No form in here.
 */

import { arxivYear, splitAddress } from "./rules.mjs";
import { splitName } from "./names.mjs";
import { fold } from "./query.mjs";
import { slice, words } from "./text.mjs";

const PATIENCE = 12_000; // How long a service may take, in milliseconds.
const ACCEPT = { DataCite: { accept: "application/vnd.api+json" } };
const LARGEST = 2_000_000; // Characters of an answer that are read.
const MOST = 20_000; // Characters of one text that are looked at, more than any abstract has.

/** One clear sentence on why there is no record. `missing`: the service does not have the paper. */
export class ServiceError extends Error {
  constructor(message, missing = false) {
    super(message);
    this.missing = missing;
  }
}

/** Asks the services at `addresses`. */
export class Services {
  constructor(addresses, { data, sources, patience = PATIENCE }) {
    Object.assign(this, { addresses, data, sources, patience });
  }

  /** The record of one paper, a preprint followed to what was published. Throws `ServiceError`. */
  async lookUp({ kind, id }) {
    const asked = { arxiv: "askArxiv", doi: "askDoi", anthology: "askAnthology", openreview: "askOpenReview" };
    return this.followed(await this[asked[kind]](id));
  }

  askArxiv(id) {
    return this.askDataCite(`10.48550/arXiv.${id}`, `arXiv ${id}`);
  }

  async askDoi(doi) {
    try {
      return await this.askCrossref(doi);
    } catch (error) {
      if (!error.missing) throw error;
    }
    try {
      return await this.askDataCite(doi);
    } catch (error) {
      if (!error.missing) throw error;
      throw new ServiceError(`Neither Crossref nor DataCite has the DOI ${doi}.`, true);
    }
  }

  async askAnthology(id) {
    const found = await this.askCrossref(`10.18653/v1/${id}`.toLowerCase(), `the Anthology's ${id}`);
    return { ...found, ids: { ...found.ids, anthology: id } };
  }

  async askDataCite(doi, what = `the DOI ${doi}`) {
    const answer = await this.get("DataCite", `${this.addresses.datacite}/dois/${path(doi)}`, what);
    const found = readDataCite(answer, this.data);
    const told = found.ids.arxiv ? `10.48550/arxiv.${found.ids.arxiv}` : found.ids.doi;
    return theSame(found, told, doi, "DataCite");
  }

  async askCrossref(doi, what = `the DOI ${doi}`) {
    const answer = await this.get("Crossref", `${this.addresses.crossref}/works/${path(doi)}`, what);
    const found = readCrossref(answer, this.data);
    return theSame(found, found.ids.doi, doi, "Crossref");
  }

  async askOpenReview(id) {
    const { openreview, openreview1 } = this.addresses;
    const notes = (address) => this.get("OpenReview", `${address}/notes?id=${encodeURIComponent(id)}`, id);
    for (const address of [openreview, openreview1]) {
      try {
        return readOpenReview(await notes(address), id, this.data);
      } catch (error) {
        if (!error.missing || address === openreview1) throw error;
      }
    }
    return null;
  }

  /** The JSON at an address of a service. */
  async get(service, address, what) {
    if (navigator.onLine === false) throw new ServiceError(`You are offline, so ${service} cannot be asked.`);
    const late = AbortSignal.timeout(this.patience);
    let response;
    let text;
    try {
      response = await fetch(address, { signal: late, credentials: "omit", referrerPolicy: "no-referrer", headers: ACCEPT[service] ?? {} });
      text = await response.text();
    } catch {
      if (late.aborted) {
        throw new ServiceError(`${service} has not answered for ${this.patience / 1000} seconds.`);
      }
      throw new ServiceError(`${service} cannot be reached: the network may be down, or it answers no other site's pages.`);
    }
    const { status } = response;
    if (status === 404 || (status === 400 && service === "OpenReview")) {
      throw new ServiceError(`${service} does not have ${what}.`, true);
    }
    if (status === 429) throw new ServiceError(`${service} is asked too often right now. Try again in a minute.`);
    if (status >= 500) throw new ServiceError(`${service} is out of order (it answers ${status}). Try again later.`);
    if (status === 401 || status === 403) throw new ServiceError(`${service} refuses to answer this page (${status}).`);
    if (!response.ok) throw new ServiceError(`${service} answers ${status} when asked for ${what}.`);
    if (text.length > LARGEST) throw new ServiceError(`${service} answers with more than a record.`);
    try {
      return JSON.parse(text);
    } catch {
      throw new ServiceError(`${service} answers with something else than a record, perhaps a notice of maintenance.`);
    }
  }

  /** The published version, where the source names it and the authors are the same people. */
  async followed(found) {
    if (!found.publishedAs) return found;
    const source = this.sources.read(found.publishedAs);
    if (!source || source.kind === "arxiv") return found;
    let published;
    try {
      published = await (source.kind === "anthology" ? this.askAnthology(source.id) : this.askDoi(source.id));
    } catch (error) {
      const note = `${found.source} names the published version ${found.publishedAs}, which could not be read: ${error.message}`;
      return noted(found, note);
    }
    const people = samePeople(found.authors, published.authors);
    if (people < 0.5 || (alikeTitles(found.title, published.title) < 0.3 && people < 0.9)) {
      const note = `${found.source} names ${found.publishedAs} as the published version, but that is “${published.title}” by ${published.authors[0].printed}: not followed.`;
      return noted(found, note);
    }
    return merged(published, found);
  }
}

function path(doi) {
  return encodeURIComponent(doi).replaceAll("%2F", "/");
}

function theSame(found, told, asked, service) {
  if (told.toLowerCase() === asked.toLowerCase()) return found;
  throw new ServiceError(`${service} answers with another paper (${told}) when asked for ${asked}.`);
}

function noted(found, note) {
  return { ...found, notes: [...found.notes, note] };
}

function unknownForm(service, what) {
  return new ServiceError(`${service} answers in a form that this page does not know: ${what} is missing.`);
}

function samePeople(one, other) {
  const names = (list) => new Set(list.map((name) => fold(`${name.particle} ${name.sorting}`)));
  const [ours, theirs] = [names(one), names(other)];
  const common = [...ours].filter((name) => theirs.has(name)).length;
  return ours.size && theirs.size ? common / Math.min(ours.size, theirs.size) : 0;
}

function alikeTitles(one, other) {
  const [ours, theirs] = [one, other].map((title) => new Set(words(fold(title))));
  const common = [...ours].filter((word) => theirs.has(word)).length;
  return ours.size && theirs.size ? common / (ours.size + theirs.size - common) : 0;
}

/** One record of both: the published version's facts, and what only the preprint tells. */
function merged(published, preprint) {
  const changed = fold(published.title) !== fold(preprint.title);
  const capitals = (title) => (title.match(/\p{Lu}/gu) ?? []).length;
  const better = !changed && /\p{Ll}/u.test(preprint.title) && capitals(preprint.title) > capitals(published.title);
  return {
    ...published,
    title: better ? preprint.title : published.title,
    ids: { ...preprint.ids, ...published.ids },
    links: { ...published.links, ...preprint.links },
    abstract: preprint.abstract || published.abstract,
    formerTitles: changed ? [preprint.title] : [],
    sources: [...new Set([...preprint.sources, ...published.sources])],
    notes: [...preprint.notes, ...published.notes],
  };
}

// Answers

const NOTHING = { year: null, place: "", ids: {}, links: {}, abstract: "", notes: [], withdrawn: "", formerTitles: [] };

/** The record of an answer of DataCite. Throws `ServiceError`. */
export function readDataCite(answer, data) {
  const fields = answer?.data?.attributes;
  if (!isObject(fields)) throw unknownForm("DataCite", "data.attributes");
  const title = objects(fields.titles).map((item) => titleOf(item.title)).find(Boolean);
  const authors = objects(fields.creators).map((item) => creator(item, data)).filter(Boolean);
  const doi = plain(fields.doi).toLowerCase();
  if (!title || !authors.length || !doi) throw unknownForm("DataCite", "title, creators or doi");
  const abstract = plain(objects(fields.descriptions).find((item) => item.descriptionType === "Abstract")?.description);
  const published = objects(fields.relatedIdentifiers).find(
    (item) => item.relationType === "IsVersionOf" && item.relatedIdentifierType === "DOI",
  );
  const found = {
    ...NOTHING, source: "DataCite", title, authors, abstract, links: linksIn(abstract), sources: ["DataCite"],
    publishedAs: plain(published?.relatedIdentifier).toLowerCase(),
  };
  if (!doi.startsWith("10.48550/arxiv.")) {
    const year = Number(fields.publicationYear) || null;
    return { ...found, year, ids: { doi }, place: plain(fields.container?.title) || plain(fields.publisher?.name ?? fields.publisher) };
  }
  const arxiv = doi.slice("10.48550/arxiv.".length);
  const notes = ["DataCite does not tell whether the paper was withdrawn."];
  return { ...found, year: arxivYear(arxiv), ids: { arxiv }, notes };
}

function creator(item, data) {
  if (item.nameType === "Organizational") return literal(plain(item.name));
  if (plain(item.familyName)) return person(item.givenName, item.familyName, data);
  return printedName(item.name, data);
}

/** The record of an answer of Crossref. Throws `ServiceError`. */
export function readCrossref(answer, data) {
  const work = answer?.message;
  if (!isObject(work)) throw unknownForm("Crossref", "message");
  const first = (value) => (Array.isArray(value) ? value.map(plain).find(Boolean) ?? "" : plain(value));
  const all = (value) => (Array.isArray(value) ? value.map(plain).filter(Boolean).join(", ") : plain(value));
  let title = titleOf(first(work.title));
  const subtitle = titleOf(first(work.subtitle));
  if (subtitle && !title.toLowerCase().includes(subtitle.toLowerCase())) {
    title = `${title}${/[?!:]$/.test(title) ? "" : ":"} ${subtitle}`;
  }
  const authors = objects(work.author)
    .map((item) => (item.name ? literal(plain(item.name)) : person(item.given, words(`${plain(item.family)} ${plain(item.suffix)}`).join(" "), data)))
    .filter(Boolean);
  const doi = plain(work.DOI).toLowerCase();
  if (!title || !doi) throw unknownForm("Crossref", "title or DOI");
  if (!authors.length) throw new ServiceError(`Crossref lists no authors for ${doi}: it is a whole volume, or an incomplete record.`);
  const abstract = plain(work.abstract).replace(/^Abstract:?\s+/, "");
  const preprint = objects(work.relation?.["has-preprint"])
    .map((item) => plain(item.id).toLowerCase().replace("https://doi.org/", ""))
    .find((id) => id.startsWith("10.48550/arxiv."));
  const event = isObject(work.event) ? work.event : {};
  const place = [all(work["container-title"]) || plain(event.name), plain(event.acronym)].filter(Boolean).join(" ");
  const years = ["published-print", "issued", "published", "published-online"].map((name) => work[name]?.["date-parts"]?.[0]?.[0]);
  const pages = plain(work.page || work["article-number"]).replace(/\s*[-–—]+\s*/g, "-").replace(/^pp?\.\s*/, "");
  return {
    ...NOTHING, source: "Crossref", title, authors, abstract, links: linksIn(abstract), sources: ["Crossref"],
    year: Number(years.find((year) => /^[0-9]+$/.test(String(year)))) || null,
    place: work.type === "posted-content" ? "" : place,
    ids: { ...(preprint ? { arxiv: preprint.slice("10.48550/arxiv.".length) } : {}), doi },
    pages: /^[A-Za-z0-9.:]+(-[A-Za-z0-9.:]+)?$/.test(pages) ? pages : "",
    // The volume of proceedings is the series', not the paper's.
    volume: work.type === "journal-article" ? plain(work.volume) : "",
    withdrawn: withdrawn(work, title),
  };
}

function withdrawn(work, title) {
  const kinds = ["retraction", "withdrawal", "removal"];
  const notice = objects(work["updated-by"]).find((item) => kinds.includes(plain(item.type).toLowerCase()));
  if (notice) return `Crossref names a notice of ${plain(notice.type).toLowerCase()}`;
  return /^(?:retracted|withdrawn)\b/i.test(title) ? "the publisher's title says so" : "";
}

/** The record of an answer of OpenReview for this id. Throws `ServiceError`. */
export function readOpenReview(answer, id, data) {
  if (!Array.isArray(answer?.notes)) throw unknownForm("OpenReview", "notes");
  const notes = objects(answer.notes);
  if (!notes.length) throw new ServiceError(`OpenReview does not have ${id}.`, true);
  const note = notes.find((one) => one.id === id);
  if (!note) throw new ServiceError(`OpenReview answers with another paper (${plain(notes[0].id)}) when asked for ${id}.`);
  const forum = plain(note.forum);
  if (forum && forum !== id) throw new ServiceError(`OpenReview's ${id} is a comment or a review: its paper is ${forum}.`);
  if (!isObject(note.content)) throw unknownForm("OpenReview", "content");
  // The newer interface wraps each value, the older one does not.
  const content = Object.fromEntries(
    Object.entries(note.content).map(([name, value]) => [name, isObject(value) ? value.value : value]),
  );
  const title = titleOf(content.title);
  if (!title) throw unknownForm("OpenReview", "title");
  const people = Array.isArray(content.authors) ? content.authors : [];
  const authors = people.map((one) => printedName(isObject(one) ? one.fullname || one.name : one, data)).filter(Boolean);
  if (!authors.length || authors.some((name) => name.printed.toLowerCase().startsWith("anonymous"))) {
    throw new ServiceError(`OpenReview does not name the authors of ${id} yet: add it when they are known.`);
  }
  const abstract = plain(content.abstract);
  return {
    ...NOTHING, source: "OpenReview", title, authors, abstract, links: codeOf(content, abstract), sources: ["OpenReview"],
    ids: { openreview: id }, ...decision(plain(content.venue), plain(content.venueid), note, content._bibtex),
  };
}

/** Code and project of the abstract, and of the fields that venues ask for. */
function codeOf(content, abstract) {
  const named = ["code", "code_url", "code_repository", "code_link"].map((name) => plain(content[name]));
  const addresses = named.filter((url) => /^https?:\/\//.test(url) && !splitAddress(url).hostname.endsWith("openreview.net"));
  return Object.assign(linksIn(abstract), ...addresses.map(linksIn));
}

/** What became of a submission: place, year, withdrawal and notes. */
function decision(venue, venueId, note, bibtex) {
  const stamp = [note.pdate, note.odate, note.cdate, note.tcdate].find((when) => when > 0 && when < 4e12);
  const dated = stamp ? new Date(stamp).getUTCFullYear() : null;
  const named = /\b(20[0-9]{2})\b/.exec(venue) ?? /\b(20[0-9]{2})\b/.exec(venueId);
  const year = named ? Number(named[1]) : dated;
  const told = venue || venueId;
  if (/withdrawn|retracted/i.test(venue) || /Withdrawn_Submission|Retracted/.test(venueId)) {
    return { year, withdrawn: `OpenReview says “${told}”` };
  }
  const rejected = /Rejected/.test(venueId) || /rejected/i.test(venue);
  if (rejected || /\b(?:submitted to|submission|under review)\b/i.test(venue)) {
    const fate = rejected ? "was not accepted" : "is not accepted yet";
    const notes = [`OpenReview says “${told}”: it ${fate} there, so it is entered as a preprint.`];
    return { year: dated ?? year, notes };
  }
  if (venueId.startsWith("OpenReview.net/Public_Article") || venueId.split("/").includes("Archive")) {
    return { year, place: venue, weak: venue ? ["venue"] : [], notes: ["OpenReview has the venue from the authors only."] };
  }
  if (!told) return { year, ...cited(slice(String(bibtex ?? ""), 0, MOST), year) };
  // The printed name of a workshop often leaves out what it is.
  const workshop = venueId.includes("/Workshop") && !/workshop/i.test(venue) ? " workshop" : "";
  const host = venueId.split("/")[0].replace(/\.cc$|web\.org$/, "");
  return { year, place: `${venue || host}${workshop}` };
}

/** Place and year from the citation that OpenReview offers, where nothing else tells them. */
function cited(bibtex, dated) {
  const [, title] = /(?:booktitle|journal)\s*=\s*[{"](.{1,1000}?)[}"],?\s*(?:\n|$)/u.exec(bibtex) ?? [];
  if (!title) return {};
  const [, year = ""] = /year\s*=\s*[{"]?([0-9]{4})/.exec(bibtex) ?? [];
  const place = `${plain(title.replace(/[{}]/g, ""))} ${year}`.trim();
  const named = /\b(20[0-9]{2})\b/.exec(place);
  return { place, year: named ? Number(named[1]) : dated };
}

// Texts and names

function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function objects(list) {
  return Array.isArray(list) ? list.filter(isObject) : [];
}

const TAG = /<\/?[A-Za-z][A-Za-z0-9:]*(?:\s[^<>]*)?\/?>/g;
const BREAKING = /<\/?(?:p|br|div|li|title|sec|jats:(?:p|title|sec|list-item))\b[^<>]*>/gi;
const UNSEEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\ufffe\uffff\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g;

/** One line of plain Unicode: markup taken off, entities resolved, spaces made one. */
function plain(value) {
  if (typeof value !== "string") return "";
  let text = resolved(slice(value, 0, MOST).replace(BREAKING, " ").replace(TAG, ""));
  // An entity may have hidden a tag, or been packed twice.
  if (/[&<]/.test(text)) text = resolved(text.replace(TAG, ""));
  return words(text.replace(UNSEEN, "")).join(" ").normalize("NFC");
}

/** Text with its entities resolved; a document of its own, in which nothing runs, knows their names. */
function resolved(text) {
  if (!text.includes("&")) return text;
  return new DOMParser().parseFromString(text.replaceAll("<", "&lt;"), "text/html").documentElement.textContent;
}

/** A title with straight quotes, and without a full stop at the end. */
function titleOf(value) {
  return plain(value)
    .replace(/[“”]/g, '"')
    .replace(/[‘’]/g, "'")
    .replace(/\s+([,;:?!])(?=\s|$)/g, "$1")
    .replace(/(?<![.!?])\.$/, "")
    .trim();
}

function literal(text) {
  return text ? { given: "", particle: "", family: "", suffix: "", literal: text, printed: text, sorting: text } : null;
}

/** The name that a service gives in two parts. */
function person(givenPart, familyPart, data) {
  const [given, family] = [plain(givenPart), plain(familyPart)];
  if (!family) return given ? splitName(given, data) : null;
  if (!given) return literal(family);
  const joined = (...parts) => parts.filter(Boolean).join(" ");
  // Particles and suffixes stand with either part, by the publisher's taste.
  const name = splitName(`${given} ${family}`, data);
  if (name.given === given && joined(name.particle, name.family) === family) return name;
  if (name.given === given && name.suffix && `${name.family} ${name.suffix}` === family) return name;
  if (joined(name.given, name.particle) === given && name.family === family) return name;
  return { given, particle: "", family, suffix: "", literal: "", printed: `${given} ${family}`, sorting: family };
}

// Capital words before a family name that are part of it, almost whoever bears it.
const CAPITAL_PARTICLES = "Dalla De Dei Del Della Des Di Dos Du El Van Vande Vanden Vander Von".split(" ");

/** The name that a service gives in one part, given name first or family name first. */
function printedName(value, data) {
  const text = plain(value);
  if (!text) return null;
  const halves = text.split(",");
  if (halves.length === 2 && halves[1]) {
    const [family, given] = halves.map((half) => half.trim());
    return /^(?:jr|sr|ii|iii|iv)\.?$/i.test(given) ? literal(`${family} ${given}`) : person(given, family, data);
  }
  const parts = words(text);
  let start = parts.length - 1;
  while (start > 1 && CAPITAL_PARTICLES.includes(parts[start - 1])) start -= 1;
  if (start > 0 && start < parts.length - 1) {
    return person(parts.slice(0, start).join(" "), parts.slice(start).join(" "), data);
  }
  return splitName(text, data);
}

/** `text` without these letters at its end. */
function withoutEnd(text, letters) {
  let end = text.length;
  while (end && letters.includes(text[end - 1])) end -= 1;
  return text.slice(0, end);
}

const FORGES = ["github.com", "gitlab.com", "bitbucket.org", "codeberg.org"];

/** Code and project, where a text names one repository or one page of its own. */
function linksIn(text) {
  const code = new Set();
  const project = new Set();
  for (const [found] of slice(text, 0, MOST).matchAll(/https?:\/\/[^\s<>"{}|\\^`]+/g)) {
    const url = withoutEnd(withoutEnd(found, ".,;:)]'’”").replace(/\.git$/, ""), "/");
    const parts = splitAddress(url);
    const host = parts.hostname.replace(/^www\./, "");
    if (parts.netloc.includes("@")) continue;
    if (FORGES.includes(host) && parts.path.split("/").filter(Boolean).length >= 2) code.add(url);
    else if (/\.git(?:hub|lab)\.io$/.test(host)) project.add(url);
  }
  // Two repositories may be anybody's, so none of them is taken.
  return {
    ...(code.size === 1 ? { code: [...code][0] } : {}),
    ...(project.size === 1 ? { project: [...project][0] } : {}),
  };
}
