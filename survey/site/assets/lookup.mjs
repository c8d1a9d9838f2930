/** The line in which a paper is looked up, and what is said below it. */

import { h } from "./dom.mjs";
import { splitName } from "./names.mjs";
import { arxivYear } from "./rules.mjs";
import { ServiceError, Services } from "./services.mjs";
import { Sources } from "./sources.mjs";
import { Tagger } from "./tagging.mjs";
import { locateVenue, venueOfAnthology } from "./venues.mjs";

const NAMES = { arxiv: "arXiv", doi: "DOI", anthology: "ACL Anthology", openreview: "OpenReview" };

/** Reads what was pasted, asks for it, and hands over `onFound({ record, suggestions })`. */
export class Lookup {
  constructor(root, { checker, known, base, onFound }) {
    Object.assign(this, { data: checker.data, known, base, onFound });
    this.form = root.querySelector(".submit-lookup");
    this.input = this.form.querySelector("input");
    this.button = this.form.querySelector("button");
    this.status = root.querySelector(".submit-status");
    this.sources = new Sources(this.data.schema);
    this.tagger = new Tagger(this.data);
    const { datacite, crossref, openreview, openreview1, patience } = root.dataset;
    const options = { data: this.data, sources: this.sources, ...(patience ? { patience: Number(patience) } : {}) };
    this.services = new Services({ datacite, crossref, openreview, openreview1 }, options);
    this.filled = {}; // What the last lookup has put into the form.
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.ask(this.input.value);
    });
  }

  forget() {
    this.filled = {};
    this.input.value = "";
    this.say();
  }

  say(...content) {
    this.status.replaceChildren(...content);
  }

  complain(...content) {
    this.input.setAttribute("aria-invalid", "true");
    this.say(h("p.submit-wrong", {}, ...content));
  }

  async ask(pasted) {
    this.input.value = pasted;
    this.input.removeAttribute("aria-invalid");
    const source = this.sources.read(pasted);
    if (!source) {
      const shown = pasted.trim().length > 60 ? `${pasted.trim().slice(0, 57)}…` : pasted.trim();
      this.complain(shown ? `“${shown}” is no arXiv id, DOI, ACL Anthology id or OpenReview id, and no address of one.` : "Paste an id or an address first.");
      return;
    }
    const there = this.known.withId(source.kind, source.id);
    if (there) {
      this.tellKnown(there);
      return;
    }
    const asked = {};
    this.asked = asked;
    this.say(h("p.submit-waiting", {}, `Asking for ${NAMES[source.kind]} ${source.id}…`));
    this.button.disabled = true;
    try {
      const found = await this.services.lookUp(source);
      // A later question has been asked meanwhile.
      if (this.asked === asked) this.take(found);
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      if (this.asked === asked) this.complain(`${error.message} `, this.otherWays(source));
    } finally {
      if (this.asked === asked) this.button.disabled = false;
    }
  }

  otherWays({ id }) {
    // An id that begins with a minus is no option.
    const command = `survey add ${id.startsWith("-") ? "-- " : ""}${id}`;
    return h("span", {}, "What you have typed is still here: fill in the form by hand, or run ", h("code", {}, command), " in a clone.");
  }

  tellKnown({ key, title }) {
    this.say(
      h(
        "p",
        {},
        "This paper is here already: ",
        h("a", { href: `${this.base}papers/${key}/` }, title),
        ". ",
        h("a", { href: `?key=${key}` }, "Correct its entry"),
        ".",
      ),
    );
  }

  take(found) {
    const { record, notes, suggestions } = this.draft(found);
    const said = [h("p", {}, `Found at ${found.sources.join(" and ")}: “${found.title}”. Compare it with the paper.`)];
    if (notes.length) said.push(h("ul", {}, ...notes.map((note) => h("li", {}, note))));
    this.onFound({ record, suggestions });
    this.say(...said);
    const there = Object.entries(record.ids).map((id) => this.known.withId(...id)).find(Boolean);
    if (there) this.tellKnown(there);
  }

  /** A record of a service as an entry, with suggested tags. */
  draft(found) {
    const { data } = this;
    const notes = [...found.notes];
    if (found.withdrawn) notes.push(`The paper seems to be withdrawn (${found.withdrawn}). Withdrawn papers need a status and a note.`);
    const ids = this.ids(found.ids);
    let place = found.place ? locateVenue(found.place, data, found.year) : { venue: null, year: found.year };
    const byId = ids.anthology && venueOfAnthology(ids.anthology, data);
    if (byId) place = { venue: byId, year: Number(ids.anthology.slice(0, 4)) };
    if (found.place && !place.venue) notes.push(`“${found.place}” is no venue of the taxonomy: choose one, or add it there.`);
    const preprint = !place.venue && !found.place && Boolean(ids.arxiv || ids.openreview);
    const venue = place.venue ?? (preprint ? "arxiv" : "");
    // A preprint's year is that of its id.
    const year = venue === "arxiv" && ids.arxiv ? arxivYear(ids.arxiv) : (place.year ?? found.year);
    if (venue === "arxiv") notes.push("No venue is named there. If the paper was published, enter venue and year.");
    const head = found.title.split(":")[0];
    const acronym = found.title.includes(":") && !/\s/.test(head) && new RegExp(data.acronym, "u").test(head) ? head : "";
    const suggestions = this.tagger.suggest(found.title, found.abstract, acronym);
    const basis = found.abstract ? "abstract" : "title";
    const record = {
      title: found.title,
      authors: found.authors.map((name) => entryAuthor(name, data)),
      ...(year ? { year } : {}),
      ...(venue ? { venue } : {}),
      ...(acronym ? { acronym } : {}),
      ...(venue !== "arxiv" && found.pages ? { pages: found.pages } : {}),
      ...(venue !== "arxiv" && found.volume ? { volume: found.volume } : {}),
      ids,
      links: found.links,
      ...tagged(suggestions, basis),
      ...(found.formerTitles.length ? { former_titles: found.formerTitles } : {}),
      ...(found.weak?.length ? { unconfirmed: found.weak } : {}),
      annotated: { basis, on: localDay(new Date()) },
      sources: found.sources,
    };
    return { record, notes, suggestions };
  }

  /** Ids in the order of the model; the DOI that arXiv gives is left out. */
  ids(found) {
    const all = { ...found };
    if (all.doi?.startsWith("10.48550/")) delete all.doi;
    const wrapped = all.doi && this.sources.doi(all.doi);
    if (!all.anthology && wrapped?.kind === "anthology") all.anthology = wrapped.id;
    return Object.fromEntries(this.data.idSchemes.filter((scheme) => all[scheme]).map((scheme) => [scheme, all[scheme]]));
  }
}

/** A day where the reader is, as entries write it. */
export function localDay(date) {
  const two = (number) => String(number).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** A name as an entry has it: plain where spaces split it rightly. */
function entryAuthor(name, data) {
  const split = splitName(name.printed, data);
  const same = ["given", "particle", "family", "suffix", "literal"].every((part) => split[part] === name[part]);
  if (same) return name.printed;
  if (name.literal) return { literal: name.literal };
  return { given: name.given, family: [name.particle, name.family, name.suffix].filter(Boolean).join(" ") };
}

/** Suggestions as fields of an entry. */
function tagged(suggestions, basis) {
  const fields = { kinds: [], proposes: {}, studies: {}, pitfalls: [] };
  for (const { field, value, stance } of suggestions) {
    const [part, inner] = field.split(".");
    if (part === "kinds") fields.kinds.push(value);
    else if (part === "pitfalls") fields.pitfalls.push({ id: value, stance, basis });
    else fields[part][inner] = [...(fields[part][inner] ?? []), value];
  }
  return fields;
}
