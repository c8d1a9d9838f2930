/** The panel of facets. Each shows what is there, and edits the query when it is used. */

import { h } from "./dom.mjs";
import { choices } from "./edit.mjs";
import { FACETS } from "./index.mjs";
import { pitfallColour } from "./results.mjs";

export const LABELS = {
  family: "Strategy", method: "Method", pitfall: "Pitfall", stance: "Stance", kind: "Kind",
  venue: "Venue", year: "Year", benchmark: "Benchmark", metric: "Metric", author: "Author",
  has: "Has", status: "Status", key: "Key", id: "Id",
};
const OPEN = ["family", "pitfall", "method", "year"];
const SHORT = 8;
const BY_COUNT = ["method", "venue", "benchmark"];

export class Facets {
  /** `onChoose(field, value, how)` hears what is to be included, excluded or free. */
  constructor(panel, index, onChoose) {
    this.index = index;
    this.facets = FACETS.map((field) => new Facet(field, index, onChoose));
    panel.append(...this.facets.map((facet) => facet.element));
  }

  update(terms, counts) {
    for (const facet of this.facets) facet.update(terms, counts[facet.field]);
  }
}

class Facet {
  constructor(field, index, onChoose) {
    Object.assign(this, { field, index, onChoose });
    this.values = index.values[field];
    this.items = new Map();
    this.all = false;
    this.unfolded = new Set();
    this.active = h("span.explorer-active");
    this.list = h("ul.explorer-values", { "aria-label": LABELS[field] });
    this.rest = h("button.explorer-link", { type: "button", onclick: () => this.showAll() });
    this.element = h(
      "details.explorer-facet",
      { open: OPEN.includes(field), "data-field": field },
      h("summary.explorer-summary-line", {}, LABELS[field], this.active),
      this.list,
      this.rest,
    );
    this.element.addEventListener("toggle", () => this.draw());
  }

  showAll() {
    this.all = !this.all;
    this.draw();
  }

  update(terms, counts) {
    this.terms = terms;
    this.counts = counts;
    this.draw();
  }

  /** A closed facet shows only how many of its values are in use. */
  draw() {
    if (!this.counts) return;
    this.chosen = choices(this.terms, this.field, this.values);
    const used = this.chosen.included.size + this.chosen.excluded.size;
    this.active.textContent = used ? `${used} chosen` : "";
    if (!this.element.open) return;
    const numbers = this.field === "pitfall" ? this.tree() : this.flat();
    const items = numbers.map((number) => this.item(number));
    const same = items.length === this.list.children.length;
    if (!same || items.some((item, i) => item !== this.list.children[i])) {
      keepingFocus(() => this.list.replaceChildren(...items));
    }
    for (const number of numbers) this.refresh(number);
  }

  used(number) {
    const value = this.values[number];
    return this.chosen.included.has(value) || this.chosen.excluded.has(value);
  }

  /** Values with papers or in use, the most frequent first where there are many. */
  flat() {
    const numbers = [...this.values.keys()].filter((n) => this.counts[n] > 0 || this.used(n));
    if (BY_COUNT.includes(this.field)) {
      numbers.sort((a, b) => this.used(b) - this.used(a) || this.counts[b] - this.counts[a] || a - b);
    }
    return this.cut(numbers);
  }

  cut(numbers) {
    const long = numbers.length > SHORT + 1;
    this.rest.hidden = !long;
    this.rest.textContent = this.all ? "Show fewer" : `Show all ${numbers.length}`;
    this.rest.setAttribute("aria-expanded", this.all);
    if (!long || this.all) return numbers;
    return numbers.filter((number, place) => place < SHORT || this.used(number));
  }

  /** Pitfalls in the order of the taxonomy, children only of what is unfolded. */
  tree() {
    this.rest.hidden = true;
    return [...this.values.keys()].filter((number) => {
      const [root, child] = this.values[number].split(".");
      return !child || this.used(number) || this.unfolded.has(root);
    });
  }

  item(number) {
    if (!this.items.has(number)) this.items.set(number, this.make(number));
    return this.items.get(number).element;
  }

  make(number) {
    const value = this.values[number];
    const name = this.index.vocabulary.sections[this.field]?.names[number] ?? String(value);
    const choose = (how) => this.onChoose(this.field, value, how);
    const box = h("input", {
      type: "checkbox",
      onchange: () => choose(box.checked ? "include" : "free"),
    });
    const count = h("span.explorer-number");
    const exclude = h(
      "button.explorer-exclude",
      {
        type: "button",
        "aria-label": `Exclude ${name}`,
        title: `Exclude ${name}`,
        onclick: () => choose(exclude.ariaPressed === "true" ? "free" : "exclude"),
      },
      "not",
    );
    const label = h("label.explorer-value", {}, box, this.swatch(value), h("span.explorer-name", {}, name), count);
    const element = h("li", {}, label, exclude);
    if (this.field === "pitfall") this.branch(element, value, name);
    return { element, box, count, exclude };
  }

  swatch(value) {
    if (this.field !== "family" && this.field !== "pitfall") return null;
    const colour =
      this.field === "pitfall"
        ? pitfallColour(value)
        : `var(--survey-family-${value}, var(--explorer-quiet))`;
    return h("span.explorer-swatch", { style: `--tag: ${colour}`, "aria-hidden": "true" });
  }

  /** Mark a pitfall as child or as parent, with a button that unfolds the children. */
  branch(element, value, name) {
    if (value.includes(".")) {
      element.classList.add("explorer-child");
    } else if (this.values.some((other) => other.startsWith(`${value}.`))) {
      const unfold = h(
        "button.explorer-unfold",
        {
          type: "button",
          "aria-expanded": "false",
          "aria-label": `Finer points of ${name}`,
          onclick: () => {
            const open = !this.unfolded.delete(value);
            if (open) this.unfolded.add(value);
            unfold.setAttribute("aria-expanded", open);
            this.draw();
          },
        },
        "›",
      );
      element.prepend(unfold);
    }
  }

  refresh(number) {
    const { element, box, count, exclude } = this.items.get(number);
    const value = this.values[number];
    const excluded = this.chosen.excluded.has(value);
    box.checked = this.chosen.included.has(value);
    count.textContent = this.counts[number].toLocaleString("en");
    exclude.setAttribute("aria-pressed", excluded);
    element.classList.toggle("explorer-excluded", excluded);
    element.classList.toggle("explorer-none", this.counts[number] === 0);
  }
}

/** Move elements about without losing the focus that one of them has. */
function keepingFocus(action) {
  const focused = document.activeElement;
  action();
  if (focused !== document.activeElement && focused?.isConnected) focused.focus();
}
