/** The list of results: rows of papers, more of them on demand. */

import { h } from "./dom.mjs";
import { printed } from "./index.mjs";

const FIRST = 12; // Rows of a first screen, drawn at once; the others follow in the next frame.
const STEP = 50;
const BY_THEMSELVES = 200; // Beyond that many rows, more come only when asked for.
const AUTHORS = 6;
const TAGS = 8;
const KEPT = 600;

export class Results {
  /**
   * `index` holds the papers; `base` leads to the site's root; `selected` is the set of selected
   * rows; `onPick(row, picked)` hears of checkboxes, `onTag(field, value)` of tags.
   */
  constructor(root, { index, base, selected, onPick, onTag }) {
    this.list = root.querySelector(".explorer-list");
    this.more = root.querySelector(".explorer-more");
    Object.assign(this, { index, base, selected, onPick, onTag });
    this.rows = [];
    this.items = new Map();
    this.shown = 0;
    this.template = template();
    this.more.addEventListener("click", () => this.extend(true));
    this.list.addEventListener("change", (event) => this.changed(event));
    this.list.addEventListener("click", (event) => this.clicked(event));
    new IntersectionObserver(
      ([entry]) => entry.isIntersecting && this.shown < BY_THEMSELVES && this.extend(),
      { rootMargin: "600px" },
    ).observe(this.more);
  }

  /** Show other rows, from the beginning. */
  show(rows) {
    this.rows = rows;
    this.shown = Math.min(FIRST, rows.length);
    if (this.items.size > KEPT) this.items.clear();
    this.list.replaceChildren(...rows.slice(0, this.shown).map((row) => this.item(row)));
    this.more.hidden = true;
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.fill(STEP));
  }

  /** Draw rows until `count` are shown. */
  fill(count) {
    const rows = this.rows.slice(this.shown, count);
    this.list.append(...rows.map((row) => this.item(row)));
    this.shown += rows.length;
    const left = this.rows.length - this.shown;
    this.more.hidden = left === 0;
    this.more.textContent = `Show ${Math.min(STEP, left)} more of ${left.toLocaleString("en")}`;
  }

  extend(focus = false) {
    const from = this.shown;
    this.fill(this.shown + STEP);
    if (focus) this.focus(from);
  }

  /** Details have come: complete what is drawn already. */
  complete() {
    for (const [row, item] of this.items) this.addDetails(item, row);
  }

  /** The selection has changed elsewhere. */
  checkSelection() {
    for (const [row, item] of this.items) this.mark(item, row);
  }

  mark(item, row) {
    item.querySelector(".explorer-pick").checked = this.selected.has(row);
    item.classList.toggle("explorer-selected", this.selected.has(row));
  }

  /** The place in the list that has the focus, or -1. */
  get place() {
    return [...this.list.children].indexOf(document.activeElement?.closest(".explorer-row"));
  }

  /** Put the focus on the title at a place of the list. */
  focus(place) {
    if (place >= this.shown && this.shown < this.rows.length) this.extend();
    const item = this.list.children[Math.min(place, this.shown - 1)];
    item?.querySelector(".explorer-title a")?.focus();
    item?.scrollIntoView({ block: "nearest" });
  }

  /** Select the paper at a place, or give it up. */
  toggle(place) {
    this.list.children[place]?.querySelector(".explorer-pick").click();
  }

  changed(event) {
    const row = Number(event.target.closest(".explorer-row").dataset.row);
    this.onPick(row, event.target.checked);
    this.mark(event.target.closest(".explorer-row"), row);
  }

  clicked(event) {
    const tag = event.target.closest("a[data-field]");
    if (!tag || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    this.onTag(tag.dataset.field, tag.dataset.value);
  }

  item(row) {
    let item = this.items.get(row);
    if (!item) {
      item = this.draw(row);
      this.items.set(row, item);
    }
    return item;
  }

  draw(row) {
    const { index } = this;
    const item = this.template.cloneNode(true);
    const [pick, paper] = item.children;
    const [title, authors, where, tags] = paper.children;
    item.dataset.row = row;
    pick.setAttribute("aria-label", `Select ${index.titles[row]}`);
    title.firstChild.textContent = index.titles[row];
    title.firstChild.href = `${this.base}papers/${index.key(row)}/`;
    authors.textContent = shortened(index.authors[row].map(printed));
    where.textContent = `${this.venue(row)} ${index.years[row]}`;
    for (const status of this.warnings(row)) where.append(h("span.explorer-warning", {}, status));
    tags.append(...this.tags(row));
    if (index.details) this.addDetails(item, row);
    if (this.selected.has(row)) this.mark(item, row);
    return item;
  }

  venue(row) {
    return this.index.vocabulary.sections.venue.names[this.index.lists.venue.of(row)[0]] ?? "";
  }

  warnings(row) {
    const statuses = [...this.index.lists.status.of(row)].map((n) => this.index.values.status[n]);
    return statuses.filter((status) => ["withdrawn", "retracted"].includes(status));
  }

  tags(row) {
    const methods = [...this.index.lists.method.of(row)].map((n) => this.methodTag(n));
    const pitfalls = [...this.index.pairs.of(row)].map((n) => this.pitfallTag(n));
    const shown = [...methods.slice(0, TAGS), ...pitfalls];
    const left = methods.length - TAGS;
    if (left > 0) shown.splice(TAGS, 0, h("li.explorer-rest", {}, `and ${left} more methods`));
    return shown;
  }

  methodTag(number) {
    const { sections } = this.index.vocabulary;
    const family = sections.family.ids[this.index.data.families[number]];
    const tag = this.tag("method", number);
    tag.style.setProperty("--tag", `var(--survey-family-${family}, var(--explorer-quiet))`);
    tag.firstChild.title = `Method: ${sections.family.name(family)}`;
    return tag;
  }

  pitfallTag(pair) {
    const stances = this.index.values.stance;
    const pitfall = Math.floor(pair / stances.length);
    const id = this.index.values.pitfall[pitfall];
    const tag = this.tag("pitfall", pitfall, stances[pair % stances.length]);
    tag.classList.add("explorer-pitfall");
    tag.style.setProperty("--tag", pitfallColour(id));
    tag.firstChild.title = `Pitfall: the paper ${stances[pair % stances.length]} it`;
    return tag;
  }

  /** A tag that filters. The facets offer the same to the keyboard, with fewer stops. */
  tag(field, number, stance) {
    const value = this.index.values[field][number];
    const link = h(
      "a",
      { href: `?q=${field}:${value}`, tabindex: -1, "data-field": field, "data-value": value },
      this.index.vocabulary.sections[field].names[number],
    );
    if (stance) link.append(" ", h("span.explorer-stance", {}, stance));
    return h("li.explorer-tag", {}, link);
  }

  addDetails(item, row) {
    const { details } = this.index;
    const where = item.querySelector(".explorer-where");
    if (!details || where.dataset.complete) return;
    where.dataset.complete = "yes";
    for (const kind of ["code", "project"]) {
      const href = details[kind][row];
      if (/^https?:/.test(href)) where.append(" · ", h("a", { href, rel: "noopener" }, kind));
    }
    const summary = details.summary[row];
    if (summary) item.lastChild.append(h("p.explorer-summary", {}, summary));
  }
}

function template() {
  return h(
    "li.explorer-row",
    {},
    h("input.explorer-pick", { type: "checkbox" }),
    h(
      "div.explorer-paper",
      {},
      h("h3.explorer-title", {}, h("a")),
      h("p.explorer-authors"),
      h("p.explorer-where"),
      h("ul.explorer-tags", { "aria-label": "Tags" }),
    ),
  );
}

/** The colour variable of a pitfall: that of its root, or of the others. */
export function pitfallColour(id) {
  const root = id.split(".")[0];
  const known = ["generalization", "locality", "general-abilities"].includes(root);
  return `var(--survey-pitfall-${known ? root : "other"}, var(--explorer-quiet))`;
}

function shortened(names) {
  if (names.length <= AUTHORS) return names.join(", ");
  return `${names.slice(0, AUTHORS).join(", ")} and ${names.length - AUTHORS} more`;
}
