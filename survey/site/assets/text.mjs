/**
 * Text as Python sees it: what is white space, how long a text is, how a value is shown.
 *
 * The rules of `survey check` are written in Python; their twins here count and compare in the same
 * way. No DOM in here.
 */

// What Python calls white space, which is not quite what JavaScript does.
export const SPACE = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const RUN_OF_SPACE = new RegExp(`[${SPACE}]+`, "u");
const ENDS_OF_SPACE = new RegExp(`^[${SPACE}]+|[${SPACE}]+$`, "gu");

/** The number of characters, not of UTF-16 units. */
export function length(text) {
  return [...text].length;
}

/** The characters from `start` to before `end`, as Python slices. */
export function slice(text, start, end) {
  return [...text].slice(start, end).join("");
}

export function strip(text) {
  return text.replace(ENDS_OF_SPACE, "");
}

/** The words of a text, as `str.split()` gives them. */
export function words(text) {
  return strip(text).split(RUN_OF_SPACE).filter(Boolean);
}

/** Whether a text has capitals and no small letters, as `str.isupper()`. */
export function isUpper(text) {
  return /\p{Uppercase}/u.test(text) && !/\p{Lowercase}|\p{Lt}/u.test(text);
}

/** One capital, then small letters, as `str.capitalize()`. */
export function capitalize(word) {
  const [first = "", ...rest] = word;
  return first.toUpperCase() + rest.join("").toLowerCase();
}

/** All runs of a pattern, as `re.findall` of a pattern without groups. */
export function findAll(pattern, text) {
  return text.match(new RegExp(pattern.source, `${pattern.flags.replace("g", "")}g`)) ?? [];
}

/** A text with all runs of a pattern replaced, as `re.sub`. */
export function substitute(pattern, replacement, text) {
  return text.replace(new RegExp(pattern.source, `${pattern.flags.replace("g", "")}g`), replacement);
}

const SHORT_ESCAPES = { "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t" };

function quoted(text) {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const letters = [...text].map((letter) => {
    if (letter === quote) return `\\${letter}`;
    if (SHORT_ESCAPES[letter]) return SHORT_ESCAPES[letter];
    if (letter === " " || !/[\p{C}\p{Z}]/u.test(letter)) return letter;
    const code = letter.codePointAt(0);
    if (code < 0x100) return `\\x${code.toString(16).padStart(2, "0")}`;
    if (code < 0x10000) return `\\u${code.toString(16).padStart(4, "0")}`;
    return `\\U${code.toString(16).padStart(8, "0")}`;
  });
  return quote + letters.join("") + quote;
}

/** A value as Python's `repr` writes it. */
export function repr(value) {
  if (value === null || value === undefined) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "string") return quoted(value);
  if (Array.isArray(value)) return `[${value.map(repr).join(", ")}]`;
  if (typeof value === "object") {
    return `{${Object.entries(value).map(([k, v]) => `${repr(k)}: ${repr(v)}`).join(", ")}}`;
  }
  return String(value);
}

/** A value as `str` gives it. */
export function str(value) {
  return typeof value === "string" ? value : repr(value);
}
