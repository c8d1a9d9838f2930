/**
 * The house format of an entry, the twin of survey/files/writer.py: fixed order, short collections
 * on one line, 88 columns. Byte for byte the same, and every value knows its line and column, so
 * that a problem can name its place. No DOM in here.
 */

import { length, SPACE } from "./text.mjs";

const BLANK = new RegExp(`^[${SPACE}]*$`, "u");

/** Writes entries by `house` of data/rules.json: order of the fields, width, what needs quotes. */
export class House {
  constructor(house) {
    Object.assign(this, house);
    const patterns = Object.entries(house.patterns);
    this.patterns = Object.fromEntries(patterns.map(([k, v]) => [k, new RegExp(v, "u")]));
    this.words = new Set(house.words);
  }

  /** A value as YAML, in quotes only where another reader would misread it. */
  scalar(value, flow = false) {
    if (typeof value === "number") return String(value);
    const { needsQuotes, flowSpecial, numberLike } = this.patterns;
    const plain =
      !needsQuotes.test(value) &&
      !(flow && flowSpecial.test(value)) &&
      !numberLike.test(value) &&
      !this.misread(value);
    return plain ? value : JSON.stringify(value);
  }

  /** Whether a YAML reader would take this bare text for something else, or refuse it. */
  misread(value) {
    const { number, time, end, refused } = this.patterns;
    return (
      this.words.has(value) ||
      number.test(value) ||
      time.test(value) ||
      end.test(value) ||
      refused.test(value) ||
      length(value) > this.limit
    );
  }

  /** An entry in the house format: `{ text, lines, places }`. Empty fields are left out. */
  write(record) {
    const sheet = new Sheet();
    for (const name of this.order) {
      if (!isEmpty(record[name])) this.field(sheet, name, record[name], [name], "");
    }
    return { text: `${sheet.lines.join("\n")}\n`, lines: sheet.lines, places: sheet.places };
  }

  field(sheet, name, value, path, indent) {
    const line = sheet.line();
    const note = (column, inside) => sheet.note(path, line, inside ?? line, column, indent);
    const start = `${name}: `;
    if (typeof value === "string") {
      const lines = this.folded.includes(name) ? wrap(value, this.width - 2) : [];
      if (this.folded.includes(name)) {
        if (lines.length > 1 || length(value) > this.width - length(name) - 2) {
          note(length(start));
          sheet.add(`${indent}${name}: >-`, ...lines.map((text) => `${indent}  ${text}`));
          return;
        }
      }
      note(length(start));
      sheet.add(indent + start + this.scalar(value));
      return;
    }
    if (typeof value === "number") {
      note(length(start));
      sheet.add(`${indent}${start}${value}`);
      return;
    }
    // `on` is a date: plain, as every YAML reader knows it.
    const plain = name === "annotated" && !Array.isArray(value);
    const places = [];
    const flow = start + this.flow(value, path, length(start), places, plain);
    const records = Array.isArray(value) && value.some(isRecord);
    const block = records && this.blocks.includes(name);
    if (plain || (length(flow) <= this.width && !block)) {
      for (const [inside, column] of places) sheet.note(inside, line, line, column, indent);
      sheet.add(indent + flow);
      return;
    }
    note(indent.length ? 2 : 2, line + 1);
    sheet.add(`${indent}${name}:`);
    if (Array.isArray(value)) {
      value.forEach((item, i) => {
        const at = sheet.line();
        const inner = [];
        const text =
          typeof item === "string" ? this.scalar(item) : this.flow(item, [...path, i], 4, inner);
        if (typeof item === "string") inner.push([[...path, i], 4]);
        for (const [inside, column] of inner) sheet.note(inside, at, at, column, indent);
        sheet.add(`${indent}  - ${text}`);
      });
    } else {
      for (const [key, item] of Object.entries(value)) {
        this.field(sheet, key, item, [...path, key], `${indent}  `);
      }
    }
  }

  /** A value on one line, its places told as [path, column] with the column it begins at. */
  flow(value, path, column, places, plain = false) {
    places.push([path, column]);
    if (!isRecord(value) && !Array.isArray(value)) {
      return plain ? String(value) : this.scalar(value, true);
    }
    const list = Array.isArray(value);
    let text = list ? "[" : "{";
    const items = list ? value.map((item, i) => [i, item]) : Object.entries(value);
    items.forEach(([key, item], i) => {
      if (i) text += ", ";
      if (!list) text += `${key}: `;
      text += this.flow(item, [...path, key], column + length(text), places, plain);
    });
    return text + (list ? "]" : "}");
  }
}

/** Lines that are being written, and where each value stands in them. */
class Sheet {
  constructor() {
    this.lines = [];
    this.places = new Map();
  }

  line() {
    return this.lines.length + 1;
  }

  add(...lines) {
    this.lines.push(...lines);
  }

  note(path, keyLine, line, column, indent) {
    this.places.set(JSON.stringify(path), {
      value: [line, indent.length + column + 1],
      key: [keyLine, indent.length + 1],
    });
  }
}

/** Line and column, from 1, of the value at `where`, or of what holds it. */
export function locate(places, where) {
  let at = [1, 1];
  const last = where.at(-1);
  for (let depth = 1; depth <= where.length; depth += 1) {
    const place = places.get(JSON.stringify(where.slice(0, depth)));
    if (!place) return at;
    const named = typeof where[depth - 1] === "string";
    // A field whose value begins below its name is shown at its name.
    const atName = named && where[depth - 1] === last && place.value[0] !== place.key[0];
    at = atName ? place.key : place.value;
  }
  return at;
}

/** The lines of a folded text, as Python's `textwrap` breaks it between words. */
export function wrap(text, width) {
  const chunks = expandTabs(text)
    .replace(/[\t\n\v\f\r ]/g, " ")
    .split(/( +)/)
    .filter(Boolean);
  const lines = [];
  let at = 0;
  while (at < chunks.length) {
    if (lines.length && BLANK.test(chunks[at])) at += 1;
    const line = [];
    let size = 0;
    while (at < chunks.length && size + length(chunks[at]) <= width) {
      size += length(chunks[at]);
      line.push(chunks[at]);
      at += 1;
    }
    if (at < chunks.length && !line.length && length(chunks[at]) > width) {
      line.push(chunks[at]);
      at += 1;
    }
    if (line.length && BLANK.test(line.at(-1))) line.pop();
    if (line.length) lines.push(line.join(""));
  }
  return lines;
}

function expandTabs(text) {
  let column = 0;
  let expanded = "";
  for (const letter of text) {
    if (letter === "\t") {
      const spaces = 8 - (column % 8);
      expanded += " ".repeat(spaces);
      column += spaces;
    } else {
      expanded += letter;
      column = letter === "\n" || letter === "\r" ? 0 : column + 1;
    }
  }
  return expanded;
}

export function isRecord(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether the house format leaves a field out. */
export function isEmpty(value) {
  return (
    value === undefined || value === null || value === "" ||
    (Array.isArray(value) ? !value.length : isRecord(value) && !Object.keys(value).length)
  );
}
