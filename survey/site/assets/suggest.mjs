/** Suggestions under the search box: fields and their values, by pointer and by keyboard. */

import { afterPaint, h } from "./dom.mjs";
import { LABELS } from "./facets.mjs";
import { FIELDS, fold, SYNONYMS, TERM_FIELDS } from "./query.mjs";

const LIMIT = 8;

/** What the word before the caret can become: `{ from, options: [{ text, label, note }] }`. */
export function suggestions(text, caret, index) {
  const before = text.slice(0, caret);
  if ((before.match(/"/g) ?? []).length % 2) return { from: caret, options: [] };
  const word = /\S*$/.exec(before)[0];
  const [, field, values] = /^-?(?:(\w+):)?(.*)$/s.exec(word);
  const from = caret - values.length;
  if (!field) return { from, options: values ? begun(values, index) : [] };
  const name = SYNONYMS[field.toLowerCase()] ?? field.toLowerCase();
  const last = values.slice(values.lastIndexOf(",") + 1);
  return { from: caret - last.length, options: valuesOf(name, last, index) };
}

/** Fields, then terms of the taxonomy, that begin so. */
function begun(word, index) {
  const fields = [...FIELDS, ...Object.keys(SYNONYMS)]
    .filter((field) => field.startsWith(word.toLowerCase()))
    .map((field) => ({ text: `${field}:`, label: `${field}:`, note: "field" }));
  const start = fold(word);
  if (start.length < 2) return fields.slice(0, LIMIT);
  const terms = ["method", "pitfall", "benchmark", "family", "venue"].flatMap((field) =>
    termsOf(index.vocabulary.sections[field], (spelling) => spelling.startsWith(start)).map(
      (one) => ({ ...one, text: `${field}:${one.text}`, note: LABELS[field] }),
    ),
  );
  return [...fields, ...terms].slice(0, LIMIT);
}

function valuesOf(field, typed, index) {
  const start = fold(typed);
  if (field === "author") {
    const names = start.length < 2 ? [] : index.authorsLike(start, LIMIT);
    return names.map((name) => option(/\s/.test(name) ? `"${name}"` : name, name));
  }
  if (TERM_FIELDS.includes(field)) {
    const fits = (spelling) => ` ${spelling}`.includes(` ${start}`);
    return termsOf(index.vocabulary.sections[field], fits, start);
  }
  const words = (index.values[field] ?? []).map(String);
  return words.filter((word) => word.startsWith(start)).map((word) => option(word, word));
}

/** Terms one of whose folded spellings fits, the one whose id is `first` before the others. */
function termsOf({ ids, names, aliases }, fits, first) {
  return [...ids.keys()]
    .filter((n) => [ids[n], names[n], ...aliases[n]].some((spelling) => fits(fold(spelling))))
    .sort((a, b) => (ids[b] === first) - (ids[a] === first))
    .slice(0, LIMIT)
    .map((n) => option(ids[n], names[n]));
}

function option(text, name) {
  const plain = text.replace(/^"|"$/g, "");
  return { text, label: name, note: fold(plain) === fold(name) ? "" : plain };
}

/** The listbox of a combobox. `onAccept()` hears that the text has changed. */
export class Suggestions {
  constructor(input, list, index, onAccept) {
    Object.assign(this, { input, list, index, onAccept });
    this.options = [];
    this.active = -1;
    list.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      const item = event.target.closest("[role=option]");
      if (item) this.accept([...list.children].indexOf(item));
    });
    input.addEventListener("blur", () => this.close());
  }

  get open() {
    return !this.list.hidden;
  }

  /** Update after the next paint, and at once where a key wants the suggestions before it. */
  updateSoon() {
    this.due = true;
    afterPaint(() => this.due && this.update());
  }

  update() {
    this.due = false;
    const { input } = this;
    const found = suggestions(input.value, input.selectionStart, this.index);
    const typed = input.value.slice(found.from, input.selectionStart);
    this.from = found.from;
    this.options = found.options.filter((one) => one.text !== typed);
    this.list.replaceChildren(
      ...this.options.map((one, i) =>
        h(
          "li",
          { role: "option", id: `explorer-option-${i}`, "aria-selected": "false" },
          h("span", {}, one.label),
          one.note ? h("span.explorer-note", {}, one.note) : null,
        ),
      ),
    );
    this.activate(-1);
    this.show(this.options.length > 0 && document.activeElement === input);
  }

  show(open) {
    this.list.hidden = !open;
    this.input.setAttribute("aria-expanded", open);
  }

  close() {
    this.due = false;
    this.show(false);
    this.activate(-1);
  }

  activate(place) {
    this.list.children[this.active]?.setAttribute("aria-selected", "false");
    this.active = place;
    const item = this.list.children[place];
    item?.setAttribute("aria-selected", "true");
    item?.scrollIntoView({ block: "nearest" });
    if (item) this.input.setAttribute("aria-activedescendant", item.id);
    else this.input.removeAttribute("aria-activedescendant");
  }

  /** Deal with a key; true where it meant the suggestions. */
  key(event) {
    if (this.due && ["ArrowDown", "ArrowUp", "Enter"].includes(event.key)) this.update();
    if (!this.open) return false;
    const count = this.options.length;
    if (event.key === "ArrowDown") this.activate(this.active + 1 < count ? this.active + 1 : -1);
    else if (event.key === "ArrowUp") this.activate(this.active < 0 ? count - 1 : this.active - 1);
    else if (event.key === "Escape") this.close();
    else if (event.key === "Enter" && this.active >= 0) this.accept(this.active);
    else return false;
    return true;
  }

  accept(place) {
    const { input, from } = this;
    const { text } = this.options[place];
    const space = text.endsWith(":") ? "" : " ";
    const end = input.selectionStart;
    input.setRangeText(text + space, from, end, "end");
    this.close();
    this.onAccept();
  }
}
