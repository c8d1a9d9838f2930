/**
 * The explorer: search box, facets, results, selection and address are views of one state, a query
 * and a sort. Every change goes through `Explorer.set`.
 */

import { afterPaint, h, papers } from "./dom.mjs";
import { choose, without } from "./edit.mjs";
import { citations, copy, download, fetchJson } from "./export.mjs";
import { Facets, LABELS } from "./facets.mjs";
import { Index } from "./index.mjs";
import { parse, QueryError, search, spell } from "./query.mjs";
import { Results } from "./results.mjs";
import { Suggestions } from "./suggest.mjs";

const PATIENCE = 700; // How long a mistake may stand while someone types, in milliseconds.
const SETTLE = 300; // How long typing rests before the address follows it.
const SORTS = ["newest", "oldest", "title", "author"];

class Explorer {
  constructor(root) {
    this.root = root;
    this.base = root.dataset.base;
    this.find = (name) => root.querySelector(`.explorer-${name}`);
    this.box = this.find("query");
    this.sortBox = this.find("select");
    this.selected = new Set();
    this.good = { text: "", terms: [], rows: [] };
    this.typing = false;
    this.readAddress(root.dataset.search);
    this.restoreAddress(root.dataset.search);
    this.listen();
    this.load();
  }

  // Data

  async load() {
    this.root.dataset.state = "loading";
    try {
      const data = await fetchJson(`${this.base}data/index.json`);
      this.start(new Index(data));
    } catch (error) {
      this.fail(error);
    }
  }

  start(index) {
    this.index = index;
    this.results = new Results(this.root, {
      index,
      base: this.base,
      selected: this.selected,
      onPick: (row, picked) => this.pick([row], picked),
      onTag: (field, value) => this.choose(field, value, "include"),
    });
    this.facets = new Facets(this.find("facets"), index, (...choice) => this.choose(...choice));
    this.suggestions = new Suggestions(this.box, this.find("suggestions"), index, () =>
      this.typed(),
    );
    this.buildExport();
    this.root.dataset.state = "ready";
    this.read(this.box.value, { patient: false });
    afterPaint(() => this.loadDetails());
  }

  fail(error) {
    this.root.dataset.state = "failed";
    this.find("count").textContent = "The list of papers could not be loaded.";
    const years = this.find("years").cloneNode(true);
    years.hidden = false;
    const retry = () => {
      this.find("empty").hidden = true;
      this.find("count").textContent = "Loading papers…";
      this.load();
    };
    this.find("list").replaceChildren();
    this.find("empty").hidden = false;
    this.find("empty").replaceChildren(
      h("p", {}, `The answer was: ${error.message}. The network may be down.`),
      h("p", {}, button("Try again", retry), " or go on without the explorer: "),
      years,
    );
  }

  /** Fetch summaries, ids and links, and take them in without holding up the page. */
  async loadDetails() {
    this.later("");
    try {
      const details = await fetchJson(`${this.base}data/details.json`);
      for (const _ of this.index.addDetails(details)) await new Promise((go) => setTimeout(go));
      this.root.dataset.details = "ready";
      this.results.complete();
      this.later("");
      if (this.good.terms.some(({ field }) => ["", "id", "key"].includes(field))) this.render();
    } catch (error) {
      this.failedDetails = true;
      this.later(
        `Summaries, ids and links could not be loaded (${error.message}). ` +
          "Words are looked up in titles, authors and tags only. ",
        button("Try again", () => this.loadDetails()),
      );
    }
  }

  later(...content) {
    this.find("later").hidden = !content[0];
    this.find("later").replaceChildren(...content);
  }

  // The state and its two other homes, the box and the address

  readAddress(search = location.search) {
    const state = new URLSearchParams(search);
    this.box.value = state.get("q") ?? "";
    this.sort = SORTS.includes(state.get("sort")) ? state.get("sort") : "newest";
    this.sortBox.value = this.sort;
  }

  /** Put back what the page has set aside, once the theme has started and cannot take it. */
  restoreAddress(search) {
    if (document.readyState !== "complete") {
      addEventListener("load", () => this.restoreAddress(search), { once: true });
    } else if (search && !location.search) {
      history.replaceState(history.state, "", location.pathname + search + location.hash);
    }
  }

  /** Write the address: a new entry of the history, or while someone types, the same one. */
  writeAddress(typing) {
    clearTimeout(this.settling);
    const state = new URLSearchParams(location.search);
    const put = (name, value) => (value ? state.set(name, value) : state.delete(name));
    put("q", this.good.text);
    put("sort", this.sort === "newest" ? "" : this.sort);
    const address = `${location.pathname}${state.size ? `?${state}` : ""}${location.hash}`;
    if (address === location.pathname + location.search + location.hash) return;
    // Typing starts a new entry once, so that Back leads to what was there before it.
    if (typing && this.typing) history.replaceState(null, "", address);
    else history.pushState(null, "", address);
    this.typing = typing;
  }

  /** Change the state deliberately, by anything but typing. */
  set({ text = this.good.text, sort = this.sort }) {
    this.sort = sort;
    this.sortBox.value = sort;
    this.box.value = text;
    if (!this.index) return;
    this.read(text, { patient: false });
    this.writeAddress(false);
  }

  /** The box has changed under someone's fingers. */
  typed() {
    if (!this.index) return;
    this.read(this.box.value, { patient: true });
    this.suggestions.updateSoon();
    clearTimeout(this.settling);
    this.settling = setTimeout(() => this.writeAddress(true), SETTLE);
  }

  /** Read a query and show its papers; on a mistake keep what is shown and say what is wrong. */
  read(text, { patient }) {
    clearTimeout(this.complaining);
    try {
      const terms = parse(text, this.index.vocabulary);
      this.good = { ...this.good, text: text.trim() && text, terms };
      this.complain(null);
    } catch (error) {
      if (!(error instanceof QueryError)) throw error;
      this.complaining = setTimeout(() => this.complain(error), patient ? PATIENCE : 0);
      if (this.good.drawn) return;
    }
    this.render();
  }

  complain(error) {
    this.box.setAttribute("aria-invalid", error !== null);
    const place = this.find("error");
    place.replaceChildren();
    if (!error) return;
    const { query, offset, message } = error;
    const end = offset + (/^("[^"]*"?|[^\s,]+)/.exec(query.slice(offset))?.[0].length ?? 0);
    place.append(
      h("span.explorer-message", {}, `${message[0].toUpperCase()}${message.slice(1)}.`),
      h(
        "code.explorer-place",
        {},
        query.slice(Math.max(0, offset - 24), offset),
        h("mark", {}, query.slice(offset, end) || "▁"),
        query.slice(end, end + 24),
      ),
      h("span", {}, "The list is that of the last query that could be read."),
    );
  }

  // Drawing

  render() {
    const { index, good } = this;
    good.rows = index.sorted(search(index, good.terms), this.sort);
    good.drawn = true;
    this.results.show(good.rows);
    this.tell();
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.renderRest());
  }

  /** What may come a frame after the list. */
  renderRest() {
    const { index, good } = this;
    this.facets.update(good.terms, index.counts(good.terms));
    this.drawChips();
    this.drawEmpty();
    this.drawExport();
    this.root.dataset.drawn = good.text;
  }

  tell() {
    const { good, index } = this;
    const waits = index.awaitsDetails(good.terms) && !this.failedDetails;
    const found = good.terms.length
      ? `${good.rows.length.toLocaleString("en")} of ${papers(index.size)}`
      : papers(index.size);
    this.find("count").textContent = waits ? `${found}, still reading summaries and ids…` : found;
  }

  drawChips() {
    const chips = this.find("chips");
    const { terms, text } = this.good;
    chips.hidden = terms.length === 0;
    chips.replaceChildren(
      ...terms.map((term, i) =>
        h(
          "li",
          {},
          h(
            "button.explorer-chip",
            { type: "button", "aria-label": `Remove ${this.named(term)}`, onclick: () => remove(i) },
            h("span", {}, this.named(term)),
            h("span", { "aria-hidden": "true" }, "×"),
          ),
        ),
      ),
    );
    if (terms.length > 1) {
      chips.append(h("li", {}, button("Clear all", () => this.clear(), "link")));
    }
    const remove = (i) => {
      this.set({ text: without(text, terms[i]) });
      this.box.focus();
    };
    const filters = terms.filter((term) => term.field).length;
    this.find("filters-button").textContent = filters ? `Filters (${filters})` : "Filters";
  }

  /** A term in words, as chips say it. */
  named(term) {
    const section = this.index.vocabulary.sections[term.field];
    const not = term.negated ? "not " : "";
    if (!term.field) return `${not}“${term.values[0]}”`;
    const values = section
      ? term.values.map((id) => section.name(id))
      : term.values.map((value) => spell({ ...term, values: [value] }).replace(/^[^:]*:|"/g, ""));
    return `${LABELS[term.field]}: ${not}${values.join(" or ")}`;
  }

  /** Where nothing is found: what could be dropped, and what that would give. */
  drawEmpty() {
    const { good, index } = this;
    const place = this.find("empty");
    place.hidden = good.rows.length > 0 || (index.awaitsDetails(good.terms) && !this.failedDetails);
    if (place.hidden) return;
    const { terms } = good;
    const count = (some) => search(index, some).length;
    const rest = terms.map((term, i) => ({ term, left: count(terms.toSpliced(i, 1)) }));
    const alone = terms.map((term) => ({ term, left: count([term]) }));
    const dropping = terms.length > 1 && rest.some(({ left }) => left);
    const offers = (dropping ? rest : alone).filter(({ left }) => dropping || left);
    const lead = dropping ? "Without one of them there would be:" : "Each of these alone finds some:";
    const several = terms.length > 1;
    place.replaceChildren(
      h("p", {}, h("strong", {}, `No paper meets ${several ? "all of these conditions" : "this"}.`)),
      ...(several && offers.length
        ? [h("p", {}, lead), h("ul", {}, ...offers.map((offer) => this.offer(offer, dropping)))]
        : []),
      h("p", {}, button("Clear the search", () => this.clear())),
      h("p", {}, "Words are found by their beginnings: “edit” finds “editing”, “diting” does not."),
    );
  }

  /** A way out of an empty result: to drop a term, or to keep it alone. */
  offer({ term, left }, dropping) {
    const text = dropping ? without(this.good.text, term) : spell(term);
    const label = `${dropping ? "Drop" : "Only"} ${this.named(term)}`;
    return h("li", {}, button(label, () => this.set({ text })), ` ${papers(left)}`);
  }

  // Changes

  choose(field, value, how) {
    const { text, terms } = this.good;
    this.set({ text: choose(text, terms, { field, value, how, known: this.index.values[field] }) });
  }

  clear() {
    this.set({ text: "" });
    this.box.focus();
  }

  // Selection and export

  buildExport() {
    const formats = Object.entries(this.index.data.formats);
    this.parts = {
      what: h("span.explorer-what", { role: "status" }),
      format: h(
        "select.explorer-format",
        { "aria-label": "Citation format" },
        ...formats.map(([name, { label }]) => h("option", { value: name }, label)),
      ),
      copy: button("Copy", () => this.export(false)),
      download: button("Download", () => this.export(true)),
      result: button("", () => this.pick(this.good.rows, true), "link"),
      all: button("", () => this.pick([...Array(this.index.size).keys()], true), "link"),
      none: button("Select none", () => this.pick([...this.selected], false), "link"),
    };
    this.find("export").replaceChildren(...Object.values(this.parts));
  }

  pick(rows, picked) {
    for (const row of rows) {
      if (picked) this.selected.add(row);
      else this.selected.delete(row);
    }
    this.results.checkSelection();
    this.drawExport();
  }

  drawExport() {
    const { parts, selected, good, index } = this;
    const result = good.rows.length;
    parts.what.textContent = selected.size
      ? `${selected.size.toLocaleString("en")} selected:`
      : `Cite ${result === index.size ? `all ${papers(result)}` : papers(result)}:`;
    parts.copy.disabled = parts.download.disabled = !selected.size && !result;
    parts.result.textContent = `Select all ${result.toLocaleString("en")} found`;
    parts.result.hidden = !result || result === index.size || good.rows.every((r) => selected.has(r));
    parts.all.textContent = `Select all ${papers(index.size)}`;
    parts.all.hidden = selected.size === index.size;
    parts.none.hidden = selected.size === 0;
  }

  /** Copy or download citations of the selection, or of the result where nothing is selected. */
  async export(asFile) {
    const { index, base, parts } = this;
    const rows = [...(this.selected.size ? this.selected : this.good.rows)].sort((a, b) => a - b);
    const { label, extension, type } = index.data.formats[parts.format.value];
    const say = (text) => {
      parts.what.textContent = text;
    };
    const onShard = (done, all) => all > 3 && say(`Fetching ${done} of ${all} parts…`);
    const text = citations(rows, parts.format.value, { base, data: index.data, onShard });
    try {
      if (asFile) download(await text, `papers-${rows.length}.${extension}`, type);
      else await copy(text);
      say(`${asFile ? "Downloaded" : "Copied"} ${papers(rows.length)} as ${label}.`);
    } catch (error) {
      await text.then((ready) => this.offerText(ready), () => say(`Not loaded: ${error.message}.`));
    }
  }

  /** Where the browser forbids copying: the text to be copied by hand. */
  offerText(text) {
    const area = h("textarea", { readonly: true, rows: 12, "aria-label": "Citations" });
    area.value = text;
    const dialog = h(
      "dialog.explorer-dialog",
      { "aria-label": "Copy by hand", onclose: () => dialog.remove() },
      h("p", {}, "The browser did not allow copying. The text is selected: copy it by hand."),
      area,
      h("form", { method: "dialog" }, h("button.explorer-button", {}, "Close")),
    );
    this.root.append(dialog);
    dialog.showModal();
    area.select();
  }

  // Events

  listen() {
    const filters = this.find("filters-button");
    this.box.addEventListener("input", () => this.typed());
    this.box.addEventListener("keydown", (event) => this.keyInBox(event));
    this.find("search").addEventListener("submit", (event) => {
      event.preventDefault();
      this.suggestions?.close();
      this.set({ text: this.box.value });
    });
    this.sortBox.addEventListener("change", () => this.set({ sort: this.sortBox.value }));
    this.find("help-button").addEventListener("click", () => this.find("help").showModal());
    filters.addEventListener("click", () => {
      const open = this.root.classList.toggle("explorer-filtering");
      filters.setAttribute("aria-expanded", open);
    });
    addEventListener("popstate", () => {
      this.typing = false;
      clearTimeout(this.settling);
      this.readAddress();
      if (this.index) this.read(this.box.value, { patient: false });
    });
    // Before the theme's own keys, which "/" is one of.
    document.addEventListener("keydown", (event) => this.key(event), { capture: true });
  }

  keyInBox(event) {
    if (event.isComposing || !this.index) return;
    if (this.suggestions.key(event)) event.preventDefault();
    else if (event.key === "ArrowDown") {
      event.preventDefault();
      this.results.focus(0);
    } else if (event.key === "Escape" && this.box.value) {
      event.preventDefault();
      this.clear();
    }
  }

  /** Keys of the whole page, unless a field or a dialog needs them. */
  key(event) {
    const { target } = event;
    if (event.ctrlKey || event.metaKey || event.altKey || !this.index) return;
    if (document.querySelector("dialog[open]")) return;
    if (target.matches("input:not([type=checkbox]), textarea, select, [contenteditable]")) return;
    const place = this.results.place;
    const onTitle = target.closest(".explorer-title") !== null;
    const actions = {
      "/": () => this.box.select(),
      "?": () => this.find("help").showModal(),
      j: () => this.results.focus(place + 1),
      k: () => this.results.focus(Math.max(0, place - 1)),
      ...(place >= 0 && {
        x: () => this.results.toggle(place),
        ArrowDown: () => this.results.focus(place + 1),
        ArrowUp: () => (place ? this.results.focus(place - 1) : this.box.focus()),
      }),
      ...(onTitle && { " ": () => this.results.toggle(place) }),
      ...(this.good.text && this.root.contains(target) && { Escape: () => this.clear() }),
    };
    if (!Object.hasOwn(actions, event.key)) return;
    event.preventDefault();
    event.stopPropagation();
    actions[event.key]();
  }
}

function button(text, onclick, look = "button") {
  return h(`button.explorer-${look}`, { type: "button", onclick }, text);
}

const root = document.querySelector("#explorer-root");
if (root) new Explorer(root);
