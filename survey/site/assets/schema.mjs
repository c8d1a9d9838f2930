/**
 * What the model refuses, told in the words of survey/checks/schema.py: S101 to S105, I201, L801.
 *
 * `validate` interprets the JSON Schema that the model itself generates, and reports errors as
 * pydantic does; `explain` turns them into findings. No DOM in here.
 */

import { isRecord } from "./house.mjs";
import { nearest, normalId, spelling } from "./query.mjs";
import { length, repr, slice, str } from "./text.mjs";

/** Errors of a record, each `{ type, loc, input, message, expected }`, in the model's order. */
export function validate(record, schema) {
  return new Validator(schema).check(record, schema, []);
}

class Validator {
  constructor(schema) {
    this.definitions = schema.$defs ?? {};
    this.patterns = new Map();
  }

  pattern(source) {
    if (!this.patterns.has(source)) this.patterns.set(source, new RegExp(source, "u"));
    return this.patterns.get(source);
  }

  check(value, schema, loc) {
    if (schema.$ref) return this.check(value, this.definitions[schema.$ref.split("/").at(-1)], loc);
    if (schema.anyOf) return this.anyOf(value, schema.anyOf, loc);
    if (schema.enum || schema.const !== undefined) return this.word(value, schema, loc);
    return this[schema.type](value, schema, loc);
  }

  /** One of several kinds: a value that may be left out, or an author, a name or a mapping. */
  anyOf(value, branches, loc) {
    const kinds = branches.filter((branch) => branch.type !== "null");
    if (kinds.length === 1) return this.check(value, kinds[0], loc);
    const tried = kinds.map((kind) => {
      const branch = kind.$ref?.split("/").at(-1) ?? "constrained-str";
      return this.check(value, kind, [...loc, { branch }]);
    });
    return tried.some((errors) => !errors.length) ? [] : tried.flat();
  }

  word(value, schema, loc) {
    const known = schema.enum ?? [schema.const];
    if (typeof value === "string" && known.includes(value)) return [];
    return [{ type: "literal_error", loc, input: value, expected: listed(known) }];
  }

  string(value, schema, loc) {
    if (schema.format === "date") return date(value, loc);
    const wrong = (type, message) => [{ type, loc, input: value, message }];
    if (typeof value !== "string") return wrong("string_type");
    const size = length(value);
    if (size < schema.minLength) {
      return wrong("string_too_short", `String should have at least ${count(schema.minLength, "character")}`);
    }
    if (size > schema.maxLength) {
      return wrong("string_too_long", `String should have at most ${count(schema.maxLength, "character")}`);
    }
    if (schema.pattern && !this.pattern(schema.pattern).test(value)) {
      return wrong("string_pattern_mismatch", `String should match pattern '${schema.shown}'`);
    }
    return [];
  }

  integer(value, schema, loc) {
    const wrong = (type, message) => [{ type, loc, input: value, message }];
    if (!Number.isInteger(value)) return wrong("int_type");
    if (value < schema.minimum) {
      return wrong("greater_than_equal", `Input should be greater than or equal to ${schema.minimum}`);
    }
    if (value > schema.maximum) {
      return wrong("less_than_equal", `Input should be less than or equal to ${schema.maximum}`);
    }
    return [];
  }

  array(value, schema, loc) {
    if (!Array.isArray(value)) return [{ type: "tuple_type", loc, input: value }];
    const items = value.map((item, i) => this.check(item, schema.items, [...loc, i]));
    const good = items.filter((errors) => !errors.length).length;
    const found = items.flat();
    if (good < (schema.minItems ?? 0)) {
      const least = count(schema.minItems, "item");
      const message = `Tuple should have at least ${least} after validation, not ${good}`;
      found.push({ type: "too_short", loc, input: value, message });
    }
    return found;
  }

  object(value, schema, loc) {
    if (!isRecord(value)) return [{ type: "model_type", loc, input: value }];
    const found = [];
    for (const [name, inner] of Object.entries(schema.properties)) {
      if (Object.hasOwn(value, name)) found.push(...this.check(value[name], inner, [...loc, name]));
      else if (schema.required?.includes(name)) {
        found.push({ type: "missing", loc: [...loc, name], input: value });
      }
    }
    for (const name of Object.keys(value)) {
      if (Object.hasOwn(schema.properties, name)) continue;
      const known = Object.keys(schema.properties);
      found.push({ type: "extra_forbidden", loc: [...loc, name], input: value[name], known });
    }
    return found;
  }
}

function count(number, noun) {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

/** Words as pydantic lists them: a, b or c. */
function listed(words) {
  return words.length > 1 ? `${words.slice(0, -1).join(", ")} or ${words.at(-1)}` : words[0];
}

const DAY = /^(\d{4})-(\d{2})-(\d{2})(?:[Tt _](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d+))?)?(?:[Zz]|[-+]\d{2}:?\d{2})?)?$/;
const WATERSHED = 2e10; // Larger numbers are milliseconds.

/** A date, or a time that is the beginning of one, as the model takes it. */
function date(value, loc) {
  const wrong = (type, message) => [{ type, loc, input: value, message }];
  const inexact = () =>
    wrong("date_from_datetime_inexact", "Datetimes provided to dates should have zero time - e.g. be exact dates");
  if (typeof value !== "string" && typeof value !== "number") return wrong("date_type");
  if (typeof value === "number" || /^[-+]?\d+(\.\d+)?$/.test(value)) {
    const number = Number(value);
    const seconds = Math.abs(number) > WATERSHED ? number / 1000 : number;
    return seconds % 86400 ? inexact() : [];
  }
  const [, year, month, day, ...time] = DAY.exec(value) ?? [];
  // The calendar repeats itself every 400 years.
  const days = new Date(Date.UTC(2000 + (Number(year) % 400), Number(month), 0)).getUTCDate();
  const good =
    year > "0000" && month >= "01" && month <= "12" && day >= "01" && Number(day) <= days &&
    !(time[0] > "23" || time[1] > "59" || time[2] > "59");
  if (!good) return wrong("date_from_datetime_parsing");
  return time.some((part) => Number(part ?? 0)) ? inexact() : [];
}

/** The errors of `validate` as findings `{ code, message, where, hint, fix }`, for a `Checker`. */
export function explain(errors, checker) {
  const found = new Map();
  const key = (loc) => JSON.stringify(loc);
  const inside = new Set(errors.map(({ loc }) => key(loc.slice(0, -1))));
  for (const error of errors) {
    // Wrong items are not counted, but they are told.
    if (error.type === "too_short" && inside.has(key(error.loc))) continue;
    const where = error.loc.filter((part) => !part.branch);
    const spared = isRecord(error.input) ? "string_type" : "model_type";
    // An author is a text or a mapping: only the branch that was meant is told.
    if (where.length !== error.loc.length && error.type === spared) continue;
    const finding = unknownId(error, where, checker) ?? told(error, where, checker);
    const place = key([finding.code, where]);
    if (!found.has(place)) found.set(place, finding);
  }
  return [...found.values()];
}

function unknownId({ type, input }, where, { data, terms, printedNames }) {
  if (type !== "string_pattern_mismatch") return null;
  const finding = (code, unknown) => ({ code, fix: null, ...unknown });
  if (where.length === 1 && where[0] === "venue") return finding("V701", noVenue(input, printedNames));
  const section = sectionAt(where, data);
  return section ? finding("T301", noTag(input, where, section, terms)) : null;
}

function told(error, where, { data: rules, patterns }) {
  const { type, input } = error;
  const name = where.findLast((part) => typeof part === "string") ?? "entry";
  const finding = (code, message, hint = "", fix = null) => ({ code, message, where, hint, fix });
  if (type === "extra_forbidden") {
    const hint = similar(name, error.known) || `the fields are ${error.known.join(", ")}`;
    return finding("S101", `unknown field '${name}'`, hint);
  }
  if (type === "missing") return finding("S102", `'${name}' is missing`);
  if (type === "literal_error") {
    return finding("S104", `${name}: '${str(input)}' is not one of ${error.expected}`);
  }
  if (Object.hasOwn(rules.kindOfValue, type)) {
    const kind = rules.kindOfValue[type];
    return finding("S103", `${name}: expected ${kind}, found ${shown(input)}`, inItsKind(kind, input, patterns));
  }
  if (where[0] === "ids") return idForm(finding, name, input, rules);
  if (where[0] === "links") {
    const hint = length(input) <= 200 && begins(patterns.bareAddress, input) ? `write https://${input}` : "";
    return finding("L801", `${name}: ${shown(input)} is no http(s) address`, hint);
  }
  const message = error.message[0].toLowerCase() + error.message.slice(1);
  return finding("S105", `${name}: ${shown(input)}: ${message}`);
}

/** How the value is written as another kind, or "". */
function inItsKind(kind, value, patterns) {
  if (kind === "text" && ["number", "boolean"].includes(typeof value)) return `write "${str(value)}"`;
  const text = typeof value === "string";
  if (kind === "a whole number" && text && begins(patterns.plainNumber, value)) return `write ${value}, without quotes`;
  if (kind === "a list") return text && begins(patterns.listable, value) ? `write [${value}]` : "write a list: [one, two]";
  return "";
}

/** Whether the pattern matches from the beginning, as Python's `match` does. */
function begins(pattern, text) {
  return text.search(pattern) === 0;
}

/** An address or a version around a good id can be taken off; case matters, so only the ends go. */
function idForm(finding, name, value, rules) {
  const text = str(value);
  const lower = text.toLowerCase();
  const bare = normalId(text);
  const from = lower.indexOf(bare);
  const kept = from < 0 ? bare : text.slice(from, from + bare.length);
  const good = !validate({ [name]: kept }, { ...rules.schema.$defs.Ids, $defs: {} }).length;
  const hint = good ? `write "${kept}"` : "see `survey check --explain I201`";
  const message = `${shown(value)} has not the form of the ${name} id`;
  return finding("I201", message, hint, good ? kept : null);
}

/** A hint that names what somebody probably meant, or "". */
export function similar(word, known) {
  const guess = nearest(word, [...known]);
  return guess ? `did you mean ${guess}?` : "";
}

/** The same for a term of the taxonomy, which may be spelled in several ways, and with a year. */
function similarTerm(word, spellings) {
  const bare = spelling(word).split(" ").filter((part) => !/^(?:19|20)[0-9]{2}$/.test(part)).join(" ");
  const guess = spellings.has(bare) ? bare : nearest(word, [...spellings.keys()]);
  return guess ? `did you mean ${spellings.get(guess)}?` : "";
}

/** A word that is no id of a venue, told with the id that was probably meant. */
export function noVenue(word, names) {
  const hint = similarTerm(word, names) || "write an id of taxonomy/venues.yaml, such as neurips";
  return { message: `unknown venue ${shown(word)}`, where: ["venue"], hint };
}

/** A word that is no id of that section of the taxonomy. */
export function noTag(word, where, section, terms) {
  const hint = similarTerm(word, terms[section].spellings) || `see taxonomy/${section}.yaml`;
  return { message: `${section}.yaml has no ${shown(word)}`, where, hint };
}

/** The section of the taxonomy that a tag at this place is of, or undefined. */
function sectionAt(where, data) {
  if (where.length !== 3) return undefined;
  if (where[0] === "pitfalls" && where[2] === "id") return "pitfalls";
  return data.tags.find(([part, field]) => where[0] === part && where[1] === field)?.[2];
}

function shown(value) {
  const text = typeof value === "string" ? `'${value}'` : repr(value);
  return length(text) <= 60 ? text : `${slice(text, 0, 57)}...`;
}
