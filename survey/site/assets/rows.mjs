/** Lists in the form: tags of the taxonomy as chips, and pitfalls and relations as rows. */

import { h } from "./dom.mjs";
import { spelling } from "./query.mjs";
import { strip } from "./text.mjs";

/** Tags of one kind. What is typed may be an id, a name or an alias; the entry has the id. */
export class Picker {
  constructor(holder, terms, { where, onChange }) {
    Object.assign(this, { terms, where, onChange, ids: [] });
    this.input = holder.querySelector("input");
    this.list = holder.querySelector(".submit-chips");
    holder.querySelector("button").addEventListener("click", () => this.add());
    this.input.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      this.add();
    });
    // A choice from the list needs no second confirmation.
    this.input.addEventListener("input", (event) => {
      const chosen = !event.inputType || event.inputType === "insertReplacementText";
      if (chosen && terms.at.has(this.input.value)) this.add();
    });
    this.input.addEventListener("change", () => this.add());
  }

  add() {
    const typed = strip(this.input.value);
    if (!typed) return;
    const id = this.terms.spellings.get(spelling(typed)) ?? typed.toLowerCase();
    this.input.value = "";
    if (this.ids.includes(id)) return;
    this.fill([...this.ids, id]);
    this.onChange();
  }

  remove(id) {
    this.fill(this.ids.filter((one) => one !== id));
    this.input.focus();
    this.onChange();
  }

  fill(ids) {
    this.ids = [...ids];
    this.list.replaceChildren(
      ...this.ids.map((id) =>
        h(
          "li",
          {},
          h(
            "button.submit-chip",
            { type: "button", "aria-label": `Remove ${this.terms.name(id)}`, onclick: () => this.remove(id) },
            h("span", {}, this.terms.name(id)),
            h("span", { "aria-hidden": "true" }, "×"),
          ),
        ),
      ),
    );
  }
}

const LABELS = { id: "Pitfall", key: "Key of the entry", as: "This paper", stance: "What it says", basis: "Read in", note: "Note" };

let rowNumber = 0; // Makes ids of controls that no other control has.

/** Records of one kind, one a row. Fields with a list of words are choices; `fresh()` begins a row. */
export class Rows {
  constructor(holder, { fields, schema, terms, meanings, noun, fresh, onChange }) {
    Object.assign(this, { fields, schema, terms, meanings, noun, onChange });
    this.list = holder.querySelector("ol");
    this.button = holder.querySelector("button");
    this.button.addEventListener("click", () => {
      this.list.append(this.row(fresh()));
      this.list.lastElementChild.querySelector("select, input").focus();
      this.onChange();
    });
    this.rest = new WeakMap(); // What a row's record holds besides.
  }

  read() {
    return [...this.list.children].map((row) => {
      const found = this.fields.map((name) => [name, strip(this.control(row, name).value)]);
      return { ...Object.fromEntries(found.filter(([, value]) => value)), ...this.rest.get(row) };
    });
  }

  fill(records) {
    this.list.replaceChildren(...records.map((record) => this.row(record)));
  }

  /** The control of a field of a row, or the first of that row, or what adds one. */
  at([index, field]) {
    const row = this.list.children[index];
    return (row && (this.control(row, field) ?? this.control(row, this.fields[0]))) || this.button;
  }

  control(row, name) {
    return row.querySelector(`[data-field="${name}"]`);
  }

  row(record) {
    const meaning = h("p.submit-hint");
    const row = h("li.submit-item");
    const tell = () => {
      const first = this.control(row, this.fields[0]).value;
      const stance = this.fields.includes("stance") ? this.control(row, "stance").value : "";
      const told = [this.meanings.pitfalls?.[first], this.meanings.stances?.[stance]];
      meaning.textContent = told.filter(Boolean).join("; ");
    };
    for (const name of this.fields) {
      const control = this.make(name, record[name]);
      control.dataset.field = name;
      control.addEventListener("input", () => {
        tell();
        this.onChange();
      });
      control.id = `entry-${this.noun}-${name}-${(rowNumber += 1)}`;
      row.append(h("div.submit-cell", {}, h("label", { for: control.id }, LABELS[name]), control));
    }
    const remove = () => {
      row.remove();
      this.button.focus();
      this.onChange();
    };
    row.append(h("button.submit-button", { type: "button", "aria-label": `Remove this ${this.noun}`, onclick: remove }, "Remove"), meaning);
    const besides = Object.entries(record).filter(([name]) => !this.fields.includes(name));
    this.rest.set(row, Object.fromEntries(besides));
    tell();
    return row;
  }

  make(name, value = "") {
    const words = name === "id" ? this.terms.ids : this.schema.properties[name].enum;
    if (!words) return h("input", { type: "text", value, autocapitalize: "none" });
    const label = (word) => (name === "id" ? this.terms.name(word) : word);
    // A word that is on no list stands there all the same, so that the check can tell it.
    const known = value && !words.includes(value) ? [...words, value] : words;
    const made = known.map((word) => h("option", { value: word, selected: word === value }, indented(word, label(word))));
    return h("select", {}, h("option", { value: "" }, "choose…"), ...made);
  }
}

/** The finer points of a pitfall stand below it, farther to the right. */
function indented(id, name) {
  return id.includes(".") ? `\u2003${name}` : name;
}
