/**
 * The house format of an entry, the twin of survey/files/writer.py: fixed order, short collections
 * on one line, 88 columns. Byte for byte the same, and every value knows its line and column, so
 * that a problem can name its place. No DOM in here.
 */

import { length, SPACE, substitute } from "./text.mjs";

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
    if (typeof value !== "string") return JSON.stringify(value);
    const { needsQuotes, flowSpecial, numberLike, unprintable } = this.patterns;
    const plain =
      !needsQuotes.test(value) &&
      !(flow && flowSpecial.test(value)) &&
      !numberLike.test(value) &&
      !this.misread(value);
    if (plain) return value;
    // JSON's quotes are YAML's, but for characters that stand in no YAML file.
    const code = (letter) => `\\u${letter.codePointAt(0).toString(16).padStart(4, "0")}`;
    return substitute(unprintable, code, JSON.stringify(value));
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

  /**
   * An entry in the house format, with its comments: `{ text, lines, places }`. Empty fields are
   * left out, unless a comment stands by.
   */
  write(record, comments = NO_COMMENTS) {
    const sheet = new Sheet(comments);
    sheet.add(...comments.head);
    const others = Object.keys(record).filter((name) => !this.order.includes(name));
    for (const name of [...this.order, ...others]) {
      const value = record[name];
      if (value === undefined || value === null) continue;
      if (this.order.includes(name) && isEmpty(value) && !sheet.below([name]).length) continue;
      this.field(sheet, [name], value, "");
    }
    sheet.add(...comments.foot);
    return { text: `${sheet.lines.join("\n")}\n`, lines: sheet.lines, places: sheet.places };
  }

  field(sheet, where, value, indent) {
    const last = where.at(-1);
    const name = this.name(last);
    const start = `${name}: `;
    if (typeof value === "string") {
      const folded = this.folded.includes(last);
      const text = folded && where.length === 1 ? prose(value) : value;
      const lines = folded ? wrap(text, this.width - 2) : [];
      const long = lines.length > 1 || length(text) > this.width - length(name) - 2;
      const fold = folded && long && lines.join(" ") === text && !this.patterns.unfoldable.test(text);
      const line = sheet.noted(indent + start + (fold ? ">-" : this.scalar(text)), sheet.below(where), indent);
      sheet.place(where, line, line, indent, length(start));
      if (fold) sheet.add(...lines.map((one) => `${indent}  ${one}`));
      return line;
    }
    const places = [];
    const flow = start + this.flow(value, where, length(start), places);
    const put = (comments) => {
      const line = sheet.noted(indent + flow, comments, indent);
      for (const [inside, column] of places) sheet.place(inside, line, line, indent, column);
      return line;
    };
    if (isEmpty(value) || typeof value !== "object" || sameWhere(where, ["annotated"])) {
      return put(sheet.below(where));
    }
    const here = sheet.at(where);
    const below = here.filter(({ side }) => side === "below");
    const records = Array.isArray(value) && value.some(isRecord);
    const block = records && this.blocks.includes(name);
    const commented = below.length || here.length !== sheet.below(where).length;
    if (!commented && length(flow) <= this.width && !block) return put(here);
    const beside = here.filter(({ side }) => side !== "below");
    const line = sheet.noted(`${indent}${name}:`, beside, indent);
    const inner = `${indent}  `;
    const begins = Array.isArray(value)
      ? value.map((item, i) => this.item(sheet, [...where, i], item, inner))
      : Object.entries(value).map(([key, item]) => this.field(sheet, [...where, key], item, inner));
    sheet.place(where, line, begins[0], indent, 2);
    sheet.add(...below.map(({ text }) => inner + text));
    return line;
  }

  item(sheet, where, item, indent) {
    const places = [];
    const text =
      typeof item === "string" ? this.scalar(item) : this.flow(item, where, 2, places);
    if (typeof item === "string") places.push([where, 2]);
    const line = sheet.noted(`${indent}- ${text}`, sheet.below(where), indent);
    for (const [inside, column] of places) sheet.place(inside, line, line, indent, column);
    return line;
  }

  name(name) {
    return /^[a-z_]+$/.test(name) ? name : this.scalar(name, true);
  }

  /** A value on one line, its places told as [where, column] with the column it begins at. */
  flow(value, where, column, places) {
    places.push([where, column]);
    const list = Array.isArray(value);
    if (!list && !isRecord(value)) {
      // A date: plain, as every YAML reader knows it.
      const date = sameWhere(where, ["annotated", "on"]) && /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/.test(value);
      return date ? value : this.scalar(value, true);
    }
    let text = list ? "[" : "{";
    const items = list ? value.map((item, i) => [i, item]) : Object.entries(value);
    items.forEach(([key, item], i) => {
      if (i) text += ", ";
      if (!list) text += `${this.name(key)}: `;
      text += this.flow(item, [...where, key], column + length(text), places);
    });
    return text + (list ? "]" : "}");
  }
}

const NO_COMMENTS = { head: [], inside: [], foot: [] };

function sameWhere(one, other) {
  return one.length === other.length && one.every((step, i) => step === other[i]);
}

/** Running text with single spaces, since its lines are broken anew; a bare blank stays. */
function prose(value) {
  return value.replace(/[ \t\n\r\f\v]+/g, " ").replace(/^ +| +$/g, "") || value;
}

/** Lines that are being written, where each value stands in them, and comments for some. */
class Sheet {
  constructor(comments) {
    this.comments = comments.inside;
    this.lines = [];
    this.places = new Map();
  }

  add(...lines) {
    this.lines.push(...lines);
  }

  /** The comments that belong to this very place. */
  at(where) {
    return this.comments.filter((comment) => sameWhere(comment.where, where));
  }

  /** The comments that belong to what stands at this place, or to something within it. */
  below(where) {
    return this.comments.filter((comment) => sameWhere(comment.where.slice(0, where.length), where));
  }

  /** Add a line with its comments, there is room for one beside it; returns its number. */
  noted(line, comments, indent) {
    const end = comments.findLastIndex(({ side }) => side === "beside");
    this.add(...comments.filter((_, i) => i !== end).map(({ text }) => indent + text));
    this.add(end < 0 ? line : `${line}  ${comments[end].text}`);
    return this.lines.length;
  }

  place(where, keyLine, line, indent, column) {
    this.places.set(JSON.stringify(where), {
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
