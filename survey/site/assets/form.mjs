/** The form of an entry: what a person sees of a record, and the record that the form says. */

import { h } from "./dom.mjs";
import { isEmpty, isRecord } from "./house.mjs";
import { spelling } from "./query.mjs";
import { Picker, Rows } from "./rows.mjs";
import { strip } from "./text.mjs";

const LINES = ["sources", "protect", "official_typo", "former_titles", "former_keys"];
const TEXTS = ["acronym", "booktitle", "volume", "pages", "published", "status", "summary", "note"];

/** The form below `root`; `onChange()` hears of every change that a person makes. */
export class Form {
  constructor(root, checker, { guide, onChange }) {
    this.form = root.querySelector(".submit-form");
    this.checker = checker;
    this.onChange = onChange;
    this.odd = new Map(); // Authors that the form cannot say, by the line that stands for them.
    this.rest = {}; // Fields that the form does not have.
    const { terms } = checker;
    this.pickers = [...this.form.querySelectorAll(".submit-picker")].map((holder) => {
      const { part, field } = holder.dataset;
      return new Picker(holder, terms[field], { where: [part, field], onChange });
    });
    for (const field of ["methods", "families", "benchmarks"]) {
      root.append(options(`submit-${field}`, terms[field]));
    }
    root.querySelector("#submit-venues").replaceWith(options("submit-venues", terms.venues));
    // What was read of the paper is what its tags rest on, as a rule.
    const fresh = () => ({ basis: this.control("annotated.basis").value });
    this.pitfalls = new Rows(this.form.querySelector("#submit-pitfalls"), {
      fields: ["id", "stance", "basis", "note"], schema: checker.data.schema.$defs.PitfallTag,
      terms: terms.pitfalls, meanings: guide, noun: "pitfall", fresh, onChange,
    });
    this.related = new Rows(this.form.querySelector("#submit-related"), {
      fields: ["key", "as", "basis", "note"], schema: checker.data.schema.$defs.Related,
      meanings: {}, noun: "relation", fresh, onChange,
    });
    this.ticks = { kinds: [], unconfirmed: [] };
    this.listen();
  }

  control(name) {
    return this.form.querySelector(`[name="${name}"]`);
  }

  listen() {
    this.form.addEventListener("submit", (event) => event.preventDefault());
    this.form.addEventListener("input", (event) => {
      if (event.target.name in this.ticks) this.tick(event.target);
      if (event.target.name === "venue") this.nameVenue();
      if (event.target.name) this.onChange();
    });
    // A venue may be typed by its name; the entry has its id.
    this.control("venue").addEventListener("change", (event) => {
      const id = this.checker.terms.venues.spellings.get(spelling(event.target.value));
      if (id) event.target.value = id;
      this.nameVenue();
      this.onChange();
    });
  }

  /** Boxes keep the order in which they were ticked, as a list in the entry has an order. */
  tick(box) {
    const others = this.ticks[box.name].filter((value) => value !== box.value);
    this.ticks[box.name] = box.checked ? [...others, box.value] : others;
  }

  nameVenue() {
    const venue = this.checker.data.venues[this.control("venue").value];
    document.getElementById("submit-venue-name").textContent = venue?.full ?? "";
  }

  /** The record that the form says; empty fields are left out. */
  read() {
    const text = (name) => strip(this.control(name).value);
    const lines = (name) => this.control(name).value.split("\n").map(strip).filter(Boolean);
    const year = text("year");
    const record = {
      ...this.rest,
      title: text("title").replace(/\s*\n\s*/g, " "),
      authors: lines("authors").map((line) => this.odd.get(line) ?? readAuthor(line)),
      year: /^[0-9]{1,9}$/.test(year) ? Number(year) : year,
      venue: text("venue"),
      ids: this.part("ids", this.checker.data.idSchemes),
      links: this.part("links", this.checker.data.linkKinds),
      kinds: this.ticks.kinds,
      proposes: {},
      studies: {},
      pitfalls: this.pitfalls.read(),
      related: this.related.read(),
      unconfirmed: this.ticks.unconfirmed,
      annotated: this.part("annotated", ["basis", "on"]),
    };
    for (const { where, ids } of this.pickers) if (ids.length) record[where[0]][where[1]] = ids;
    for (const name of TEXTS) record[name] = text(name);
    for (const name of LINES) record[name] = lines(name);
    return Object.fromEntries(Object.entries(record).filter(([, value]) => !isEmpty(value)));
  }

  part(name, fields) {
    const found = fields.map((field) => [field, strip(this.control(`${name}.${field}`).value)]);
    return Object.fromEntries(found.filter(([, value]) => value));
  }

  /** Show a record. */
  fill(record) {
    const put = (name, value) => {
      this.control(name).value = value ?? "";
    };
    const known = new Set([
      "title", "authors", "year", "venue", "ids", "links", "kinds", "proposes", "studies", "pitfalls",
      "related", "unconfirmed", "annotated", ...TEXTS, ...LINES,
    ]);
    this.rest = Object.fromEntries(Object.entries(record).filter(([name]) => !known.has(name)));
    for (const name of ["title", "year", "venue", ...TEXTS]) put(name, record[name]);
    for (const name of LINES) put(name, (record[name] ?? []).join("\n"));
    put("authors", (record.authors ?? []).map((author) => this.authorLine(author)).join("\n"));
    const { idSchemes, linkKinds } = this.checker.data;
    for (const scheme of idSchemes) put(`ids.${scheme}`, record.ids?.[scheme]);
    for (const kind of linkKinds) put(`links.${kind}`, record.links?.[kind]);
    for (const field of ["basis", "on"]) put(`annotated.${field}`, record.annotated?.[field]);
    for (const name of Object.keys(this.ticks)) {
      this.ticks[name] = [...(record[name] ?? [])].filter((value) => value !== "tags");
      for (const box of this.form.querySelectorAll(`[name="${name}"]`)) {
        box.checked = this.ticks[name].includes(box.value);
      }
    }
    for (const picker of this.pickers) picker.fill(record[picker.where[0]]?.[picker.where[1]] ?? []);
    this.pitfalls.fill(record.pitfalls ?? []);
    this.related.fill(record.related ?? []);
    this.nameVenue();
    const more = ["pages", "volume", "booktitle", "published", "status", "protect", "related", "unconfirmed"];
    const shown = more.some((name) => !isEmpty(record[name])) && !(record.unconfirmed?.join() === "tags");
    this.form.querySelector(".submit-more").open = shown;
  }

  /** An author as a line of the form, which is read as that author again. */
  authorLine(author) {
    const line = strip(writeAuthor(author));
    if (JSON.stringify(readAuthor(line)) !== JSON.stringify(author)) this.odd.set(line, author);
    return line;
  }

  /** The control for a place in the entry, or null. */
  at(where) {
    const [field, inner] = where;
    if (field === "pitfalls") return this.pitfalls.at(where.slice(1));
    if (field === "related") return this.related.at(where.slice(1));
    const picker = this.pickers.find((one) => one.where[0] === field && (!inner || one.where[1] === inner));
    if (picker) return picker.input;
    if (["ids", "links", "annotated"].includes(field)) {
      return this.control(`${field}.${inner}`) ?? this.form.querySelector(`[name^="${field}."]`);
    }
    return field ? this.control(field) : null;
  }

  /** Mark the controls that have errors, and no others. */
  mark(controls) {
    for (const control of this.form.querySelectorAll("[aria-invalid]")) {
      if (!controls.has(control)) control.removeAttribute("aria-invalid");
    }
    for (const control of controls) control.setAttribute("aria-invalid", "true");
  }
}

/** A line as an author: `{Name}` is a collaboration, `Given | Family | ORCID` a name in parts. */
export function readAuthor(line) {
  const [, literal] = /^\{([^{}]*)\}$/.exec(line) ?? [];
  if (literal) return { literal: strip(literal) };
  if (!line.includes("|")) return line;
  const [given, family, orcid] = line.split("|").map(strip);
  const parts = Object.entries({ given, family, orcid }).filter(([, value]) => value);
  return parts.length ? Object.fromEntries(parts) : line;
}

function writeAuthor(author) {
  if (!isRecord(author)) return String(author);
  if (author.literal) return `{${author.literal}}`;
  const parts = [author.given ?? "", author.family ?? ""];
  return [...parts, ...(author.orcid ? [author.orcid] : [])].join(" | ");
}

/** A list of terms to choose from while typing. */
function options(id, { ids, names }) {
  const items = ids.map((one, i) => h("option", { value: one, label: names[i] }));
  return h("datalist", { id }, ...items);
}
