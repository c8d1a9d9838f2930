/**
 * The submission page: a form and the entry that it says are views of one record, which is checked
 * as it changes. Nothing is sent anywhere; the last step opens GitHub with the entry in the address.
 */

import { leadingWords, moved } from "./comments.mjs";
import { diff } from "./diff.mjs";
import { h } from "./dom.mjs";
import { download, fetchJson } from "./export.mjs";
import { Form } from "./form.mjs";
import { House, isEmpty } from "./house.mjs";
import { localDay, Lookup } from "./lookup.mjs";
import { authorName, freeKey } from "./names.mjs";
import { Checker, sorted } from "./rules.mjs";
import { Known } from "./together.mjs";

const LONGEST = 7000; // An address that every browser and GitHub take.
const SETTLE = 150; // How long typing rests before the entries are compared, in milliseconds.

class Submission {
  constructor(root) {
    this.root = root;
    const { base, source } = root.dataset;
    Object.assign(this, { base, source: source.replace(/\/$/, "") });
    this.asked = new URLSearchParams(location.search);
    this.suggested = { suggestions: [], confirmed: false };
    if (this.asked.has("key")) this.find("lead").textContent = "Loading the entry…";
    this.load();
  }

  find(name) {
    return this.root.querySelector(`.submit-${name}`);
  }

  // Data

  async load() {
    try {
      const [rules, known] = await Promise.all(
        ["rules", "known"].map((name) => fetchJson(`${this.base}data/${name}.json`)),
      );
      this.checker = new Checker(rules);
      this.known = new Known(known.rows, this.checker);
      this.shard = known.shard;
      await this.loadEntry();
      this.start(rules);
    } catch (error) {
      this.fail(error);
    }
  }

  /** For a correction, the entry that the address names. */
  async loadEntry() {
    const key = this.asked.get("key");
    if (!key) return;
    const row = this.known.rows.get(key);
    if (row === undefined) {
      this.missing = key;
      this.root.dataset.mode = "submit";
      return;
    }
    const shard = await fetchJson(`${this.base}data/entries/${Math.floor(row / this.shard)}.json`);
    const { record, comments } = shard[row % this.shard];
    const { path } = this.known.entries[row];
    this.old = { key, path, record, comments: comments ?? { head: [], inside: [], foot: [] } };
  }

  fail(error) {
    this.root.dataset.state = "failed";
    this.find("lead").replaceChildren();
    const retry = () => {
      this.root.dataset.state = "loading";
      this.load();
    };
    this.find("yaml").replaceChildren(
      h("p.submit-empty", {}, `The rules could not be loaded (${error.message}). The network may be down.`),
      h("p.submit-empty", {}, button("Try again", retry)),
    );
  }

  start(rules) {
    this.form = new Form(this.root, this.checker, { guide: rules.guide, onChange: () => this.changed() });
    this.house = new House(rules.house);
    this.lookup = new Lookup(this.root, {
      checker: this.checker, known: this.known, base: this.base,
      onFound: (found) => this.take(found),
    });
    document.getElementById("submit-confirmed").addEventListener("change", (event) => {
      this.suggested.confirmed = event.target.checked;
      this.changed();
    });
    this.greet();
    this.form.fill(this.old?.record ?? { annotated: { basis: "abstract", on: localDay(new Date()) } });
    this.restore();
    this.drawSuggested();
    this.root.dataset.state = "ready";
    this.find("form").inert = false; // What was typed earlier would have been overwritten.
    this.render();
    if (this.asked.get("id") && !this.old) this.lookup.ask(this.asked.get("id"));
  }

  /** Say what this page is for. */
  greet() {
    const lead = this.find("lead");
    lead.replaceChildren();
    if (this.old) {
      const title = document.querySelector("h1");
      const told = title.firstChild.textContent;
      title.firstChild.textContent = "Correct an entry";
      document.title = document.title.replace(told, "Correct an entry");
      const paper = h("a", { href: `${this.base}papers/${this.old.key}/` }, this.old.record.title);
      lead.append("Mend what is wrong in the entry of ", paper, ", and hand in the change on GitHub.");
      return;
    }
    if (this.missing) {
      lead.append(h("strong", {}, `There is no entry ${this.missing}. `));
    }
    lead.append(
      "Look a paper up or fill in the form; the entry and what is wrong with it show as you type. " +
        "Only the id that you look up leaves this page, until you open GitHub, which makes a pull request of the entry.",
    );
  }

  // The draft, kept until the window is closed

  get drawer() {
    return `survey-draft:${this.old?.key ?? "new"}`;
  }

  restore() {
    try {
      const draft = JSON.parse(sessionStorage.getItem(this.drawer));
      if (!draft) return;
      this.form.fill(draft.record);
      this.suggested = draft.suggested;
      this.touched = true;
    } catch {
      // Without storage, or with a draft of an older page, the form begins anew.
    }
  }

  keep() {
    try {
      sessionStorage.setItem(this.drawer, JSON.stringify({ record: this.form.read(), suggested: this.suggested }));
    } catch {
      // The draft is lost on reload, as without this.
    }
  }

  discard() {
    try {
      sessionStorage.removeItem(this.drawer);
    } catch {
      // There was none.
    }
    this.touched = false;
    this.suggested = { suggestions: [], confirmed: false };
    this.form.fill(this.old?.record ?? { annotated: { basis: "abstract", on: localDay(new Date()) } });
    this.lookup.forget();
    this.drawSuggested();
    this.render();
  }

  // Changes

  changed() {
    this.touched = true;
    this.keep();
    this.render();
  }

  /** Take over what a service says; what was typed stays. */
  take({ record, suggestions }) {
    const typed = this.form.read();
    const merged = { ...typed };
    const before = this.lookup.filled;
    const free = (now, then) => isEmpty(now) || JSON.stringify(now) === JSON.stringify(then);
    for (const [name, value] of Object.entries(record)) {
      if (["ids", "links", "proposes", "studies"].includes(name)) {
        merged[name] = { ...typed[name] };
        for (const [inner, one] of Object.entries(value)) {
          if (free(typed[name]?.[inner], before[name]?.[inner])) merged[name][inner] = one;
        }
      } else if (free(typed[name], before[name]) || name === "annotated") merged[name] = value;
    }
    this.lookup.filled = record;
    this.form.fill(merged);
    this.suggested = { suggestions, confirmed: false };
    this.drawSuggested();
    this.changed();
  }

  get unconfirmedTags() {
    return this.suggested.suggestions.length > 0 && !this.suggested.confirmed;
  }

  /** The record of the form, with the mark of tags that nobody has confirmed. */
  read() {
    const record = this.form.read();
    const tagged = this.old?.record.unconfirmed?.includes("tags") && !this.suggested.confirmed;
    if (this.unconfirmedTags || tagged) record.unconfirmed = [...(record.unconfirmed ?? []), "tags"];
    return record;
  }

  /** The comments of the file that is corrected, or the words that led to tags nobody confirmed. */
  comments(record) {
    if (this.old) return moved(this.old.comments, this.old.record, record);
    return leadingWords(record, this.unconfirmedTags ? this.suggested.suggestions : []);
  }

  /** The entry's key and path: fixed for a correction, by the house rule and free for a new one. */
  place(record) {
    const four = Number.isInteger(record.year) && /^[0-9]{4}$/.test(record.year);
    const year = four ? record.year : this.old?.record.year;
    let key = this.old?.key;
    if (!key && record.authors?.length && record.title && year) {
      const made = freeKey(authorName(record.authors[0], this.checker.data), year, record.title, this.known.keys);
      if (this.checker.key.test(made)) key = made;
    }
    return { key, path: key && year ? `papers/${year}/${key}.yaml` : null };
  }

  // Drawing

  render() {
    const record = this.read();
    const place = this.place(record);
    const path = place.path ?? "papers/0000/unnamed0000unnamed.yaml";
    const { findings, paper } = this.checker.check(path, record);
    const written = this.house.write(record, this.comments(record));
    this.entry = { ...place, record, written, lines: written.lines, text: written.text };
    const mine = place.path ? findings : findings.filter(({ code }) => !/^K/.test(code));
    this.entry.findings = mine.map((f) => this.checker.complete(f, f.path, written));
    this.draw();
    clearTimeout(this.comparing);
    if (paper && place.path) this.comparing = setTimeout(() => this.compare(paper, written), SETTLE);
  }

  compare(paper, written) {
    const more = this.known.check(paper, written, this.old?.key);
    if (!more.length) return;
    this.entry.findings = sorted([...this.entry.findings, ...more]);
    this.draw();
  }

  draw() {
    const blank = !this.touched && !this.old;
    this.drawPath();
    this.drawEntry(blank);
    this.drawProblems(blank);
    this.drawChanges();
    this.drawActions(blank);
  }

  drawPath() {
    const { path } = this.entry;
    const parts = [path ? h("code", {}, path) : "The key is made of author, year and title."];
    if (this.old && path !== this.old.path) {
      parts.push(h("span", {}, ` The year has changed, so the file moves there from ${this.old.path}: on GitHub, change the folder in the field of the file's name.`));
    }
    this.find("path").replaceChildren(...parts);
  }

  drawEntry(blank) {
    if (blank) {
      const told = ["The entry appears here as you fill in the form, and with it what ", h("code", {}, "survey check"), " says."];
      this.find("yaml").replaceChildren(h("p.submit-empty", {}, ...told));
      return;
    }
    const wrong = new Map(this.entry.findings.map(({ line, severity }) => [line, severity]));
    const lines = this.entry.lines.map((text, i) =>
      h("li", { "data-severity": wrong.get(i + 1) ?? null }, h("code", {}, text || " ")),
    );
    this.find("yaml").replaceChildren(h("ol", {}, ...lines));
  }

  drawProblems(blank) {
    const { findings } = this.entry;
    const count = (severity) => findings.filter((f) => f.severity === severity).length;
    const told = [["error", "errors"], ["warning", "warnings"], ["info", "notes"]]
      .map(([severity, many]) => [count(severity), severity === "info" ? "note" : severity, many])
      .filter(([number]) => number)
      .map(([number, one, many]) => `${number} ${number === 1 ? one : many}`);
    const text = blank ? "Nothing to check yet." : told.join(", ") || "No problems found.";
    if (this.find("count").textContent !== text) this.find("count").textContent = text;
    const items = blank ? [] : findings.map((finding) => this.problem(finding));
    this.find("problems").replaceChildren(...items);
    const marked = blank ? [] : findings.filter(({ severity }) => severity === "error");
    this.form.mark(new Set(marked.map(({ where }) => this.form.at(where)).filter(Boolean)));
  }

  problem({ code, severity, message, hint, where, fix, line, column, path, other }) {
    const control = code === "A356" ? document.getElementById("submit-confirmed") : this.form.at(where);
    const { name, summary } = this.checker.data.rules[code];
    const place = line ? `${line}:${column}` : path;
    const text = [h("span.submit-place", {}, place), " ", message];
    const go = () => {
      control.closest("details")?.setAttribute("open", "");
      control.focus();
    };
    return h(
      "li",
      { "data-severity": severity },
      h("span.submit-severity", {}, severity),
      " ",
      h("a", { href: `${this.base}contributing/checks/#${code.toLowerCase()}`, title: `${name}: ${summary}` }, code),
      " ",
      control ? h("button.submit-link", { type: "button", onclick: go }, ...text) : h("span", {}, ...text),
      hint ? h("span.submit-hint", {}, ` ${hint}`) : null,
      other ? h("span", {}, " ", this.linkTo(other === this.entry.path ? path : other)) : null,
      fix === null ? null : h("span", {}, " ", button("Mend it", () => this.mend(where, fix), "submit-link")),
    );
  }

  /** A link to the page of the entry that lies there. */
  linkTo(path) {
    const key = path.split("/").at(-1).replace(/\.yaml$/, "");
    return h("a", { href: `${this.base}papers/${key}/` }, "see it");
  }

  /** Put the safe correction of a problem in its place, as `survey check --fix` does. */
  mend(where, fix) {
    const record = this.form.read();
    const holder = where.slice(0, -1).reduce((inner, step) => inner[step], record);
    holder[where.at(-1)] = fix;
    this.form.fill(record);
    this.form.at(where)?.focus();
    this.changed();
  }

  drawChanges() {
    if (!this.old) return;
    const before = this.house.write(this.old.record, this.old.comments).lines;
    const changes = diff(before, this.entry.lines);
    this.entry.changed = changes.some(({ kind }) => ["added", "removed"].includes(kind));
    const rows = changes.map(({ kind, text }) => {
      if (kind === "gap") return h("p.submit-gap", {}, "…");
      const [mark, Tag] = { same: [" ", "p"], added: ["+", "ins"], removed: ["−", "del"] }[kind];
      return h(`${Tag}.submit-change`, {}, h("span", { "aria-hidden": "true" }, `${mark} `), h("code", {}, text || " "));
    });
    this.find("diff").replaceChildren(...(this.entry.changed ? rows : [h("p.submit-empty", {}, "Nothing yet.")]));
  }

  // Handing in

  drawActions(blank) {
    const actions = this.find("actions");
    const { path } = this.entry;
    const ready = !blank && path && (!this.old || this.entry.changed);
    const errors = this.entry.findings.filter(({ severity }) => severity === "error").length;
    const made = ready ? this.waysIn() : [h("p.submit-hint", {}, this.waiting())];
    if (ready && errors) {
      made.unshift(h("p.submit-hint", {}, `The check of the pull request will refuse it until ${errors === 1 ? "the error is" : "the errors are"} mended.`));
    }
    if (this.touched) made.push(button("Start over", () => this.discard(), "submit-link"));
    // A button that has the focus stays the same element.
    const signature = made.map((one) => `${one.textContent} ${one.href ?? ""}`).join("|");
    if (this.signature === signature && actions.childElementCount) return;
    this.signature = signature;
    actions.replaceChildren(...made);
  }

  waiting() {
    if (this.old) return "Change something, and it can be handed in.";
    const { title, authors, year } = this.entry.record;
    if ([title, authors, year].some(isEmpty)) {
      return "With title, authors and year the entry has its file name and can be handed in.";
    }
    return "The file name is made of the first author's family name, the year and a word of the title, in Latin letters. These give none: mend them, and the entry can be handed in.";
  }

  waysIn() {
    // A site without a repository can only show the entry.
    if (!this.source) return [this.copyButton(true), this.downloadButton()];
    return this.old ? this.correction() : this.creation();
  }

  creation() {
    const { path, text } = this.entry;
    const fresh = `${this.source}/new/main?filename=${encodeURIComponent(path)}`;
    const whole = `${fresh}&value=${encodeURIComponent(text)}`;
    const rest = [this.copyButton(), this.downloadButton()];
    if (whole.length <= LONGEST) {
      return [
        link("Open on GitHub", whole, true),
        ...rest,
        h("p.submit-hint", {}, "GitHub opens with the file filled in. Choose “Propose new file”: without the right to write, GitHub makes a fork for you, and a pull request of it."),
      ];
    }
    return [
      h("p.submit-hint", {}, "The entry is too long for an address. Copy it, open GitHub's page for a new file, and paste it there."),
      this.copyButton(true),
      link("Open the new file on GitHub", fresh),
      this.downloadButton(),
    ];
  }

  correction() {
    const { text } = this.entry;
    const edit = `${this.source}/edit/main/${this.old.path}`;
    const asked = { key: this.old.key, what: `Changed: ${this.changedFields().join(", ")}`, entry: text };
    const fields = Object.entries(asked).map(([name, value]) => `&${name}=${encodeURIComponent(value)}`);
    const issue = `${this.source}/issues/new?template=${this.root.dataset.form}${fields.join("")}`;
    const open = () => {
      // The window must open at once, while the click is fresh.
      window.open(edit, "_blank", "noopener");
      this.copy();
    };
    return [
      button("Copy, and edit on GitHub", open, "submit-button submit-main"),
      issue.length <= LONGEST ? link("Hand in by an issue form", issue) : null,
      this.copyButton(),
      this.downloadButton(),
      h("p.submit-hint", {}, "GitHub opens the file as it is: select all of it, paste, and choose “Propose changes”. The issue form takes the same text, and a program makes the pull request."),
    ].filter(Boolean);
  }

  changedFields() {
    const [before, after] = [this.old.record, this.entry.record];
    const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
    return names.filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]));
  }

  copyButton(main = false) {
    return button("Copy the entry", () => this.copy(), main ? "submit-button submit-main" : "submit-button");
  }

  downloadButton() {
    const name = () => `${this.entry.key}.yaml`;
    const save = () => {
      download(this.entry.text, name(), "application/yaml");
      this.say(`Downloaded ${name()}.`);
    };
    return button("Download", save);
  }

  async copy() {
    try {
      await navigator.clipboard.writeText(this.entry.text);
      this.say("Copied the entry.");
    } catch {
      // Without the right to the clipboard the text is at least selected.
      getSelection().selectAllChildren(this.find("yaml"));
      this.say("The entry is selected: press Ctrl-C to copy it.");
    }
  }

  say(text) {
    this.find("done").textContent = text;
  }

  /** Suggestions with the words that led to them, until a person has confirmed them. */
  drawSuggested() {
    const { suggestions, confirmed } = this.suggested;
    const marked = this.old?.record.unconfirmed?.includes("tags");
    const box = this.find("suggested");
    box.hidden = !suggestions.length && !marked;
    document.getElementById("submit-confirmed").checked = confirmed;
    const terms = this.checker.terms;
    const named = ({ field, value, stance }) => {
      const section = field.split(".").at(-1);
      return `${terms[section]?.name(value) ?? value}${stance ? `, ${stance}` : ""}`;
    };
    this.find("suggestions").replaceChildren(
      ...suggestions.map((one) =>
        h("li", {}, h("strong", {}, named(one)), ` (${one.field.replace(".", " ")}): `, one.words ? h("q", {}, one.words) : "no word decides this"),
      ),
    );
  }
}

function button(text, onclick, classes = "submit-button") {
  return h(`button.${classes.replaceAll(" ", ".")}`, { type: "button", onclick }, text);
}

function link(text, href, main = false) {
  return h(`a.submit-button${main ? ".submit-main" : ""}`, { href, target: "_blank", rel: "noopener" }, text);
}

const root = document.getElementById("submit-root");
if (root) new Submission(root);
