/** Names split into their parts, and the citation key: twins of survey/collection/names.py and
 * paper.py. No DOM in here. */

import { fold } from "./query.mjs";
import { strip, words } from "./text.mjs";

/** A name as printed, split: family name last, particles and suffix recognised. */
export function splitName(printed, { particles, suffixes }) {
  const parts = words(printed);
  if (parts.length < 2) return named({ literal: strip(printed) });
  let suffix = "";
  if (parts.length > 2 && suffixes.includes(parts.at(-1).toLowerCase())) suffix = parts.pop();
  let start = parts.length - 1;
  while (start > 1 && particles.includes(parts[start - 1])) start -= 1;
  return named({
    given: parts.slice(0, start).join(" ").replace(/,+$/, ""),
    particle: parts.slice(start, -1).join(" "),
    family: parts.at(-1).replace(/,+$/, ""),
    suffix,
  });
}

/** An author of an entry, which is a text or a mapping, as a name. */
export function authorName(author, rules) {
  if (typeof author === "string") return splitName(author, rules);
  const { given = "", family = "", literal = "" } = author;
  return literal || !family ? named({ literal: literal || given }) : named({ given, family });
}

function named({ given = "", particle = "", family = "", suffix = "", literal = "" }) {
  return {
    given, particle, family, suffix, literal,
    /** In reading order, as on the paper. */
    printed: literal || [given, particle, family, suffix].filter(Boolean).join(" "),
    /** Under which the name is filed. */
    sorting: literal || family,
  };
}

const ARTICLES = ["a", "an", "the"];

/** The words of a title that a key may be made of. */
function keyWords(title) {
  const found = words(title).map((word) => fold(word).replace(/[^a-z0-9]/g, "")).filter(Boolean);
  while (found.length > 1 && ARTICLES.includes(found[0])) found.shift();
  return found;
}

/** The key that the house rule gives: family name, year, first word of the title. */
export function makeKey(name, year, title) {
  const family = fold(`${name.particle} ${name.sorting}`).replaceAll(" ", "");
  return `${family.replace(/[^a-z]/g, "")}${year}${keyWords(title)[0] ?? ""}`;
}

/** That key, run on into the following words of the title where a shorter one is taken. */
export function freeKey(name, year, title, taken) {
  const start = makeKey(name, year, "");
  const found = keyWords(title);
  for (let n = 1; n <= found.length; n += 1) {
    const key = start + found.slice(0, n).join("");
    if (!taken.has(key)) return key;
  }
  // Every word is in use: the same paper again, which the check tells.
  return start + found.join("");
}
