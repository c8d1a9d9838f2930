/** Comments of an entry that follow what they belong to, the twin of survey/files/comments.py, and
 * the words that led to suggested tags. No DOM in here. */

import { isRecord } from "./house.mjs";
import { words } from "./text.mjs";

/** The comments of data/entries, for an entry that now says `after`. */
export function moved(comments, before, after) {
  const inside = comments.inside.flatMap((comment) => {
    const where = place(comment.where, before, after);
    return where ? [{ ...comment, where }] : [];
  });
  return { ...comments, inside };
}

/** Where that is now; the place of what holds it, if that is no collection any more. */
function place(where, before, after) {
  const found = [];
  for (const step of where) {
    let next;
    if (isRecord(before) && isRecord(after)) next = Object.hasOwn(after, step) ? step : undefined;
    else if (Array.isArray(before) && Array.isArray(after)) next = pairs(before, after).get(step);
    else break;
    if (next === undefined) return null;
    found.push(next);
    [before, after] = [before[step], after[next]];
  }
  return found;
}

/** Which item of the one list is which of the other: the same value, else the same id or key. */
function pairs(before, after) {
  const found = new Map();
  const free = new Set(after.keys());
  const identity = (item) => (isRecord(item) ? item.id || item.key : null) ?? null;
  const equal = [
    (a, b) => canonical(a) === canonical(b),
    (a, b) => identity(a) !== null && identity(a) === identity(b),
  ];
  for (const same of equal) {
    before.forEach((item, i) => {
      if (found.has(i)) return;
      const match = [...free].find((j) => same(item, after[j]));
      if (match === undefined) return;
      found.set(i, match);
      free.delete(match);
    });
  }
  return found;
}

function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (!isRecord(value)) return JSON.stringify(value);
  const fields = Object.keys(value).sort();
  return `{${fields.map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join()}}`;
}

/** The lines of an entry with the words that led to each suggestion in a comment behind it. */
export function withWords(lines, suggestions) {
  return lines.map((line) => {
    const [, part] = /^(kinds|proposes|studies):/.exec(line) ?? [];
    const [, id, stance] = /^ {2}- \{id: ([a-z.-]+), stance: (\w+)/.exec(line) ?? [];
    if (!part && !id) return line;
    const meant = suggestions.filter((one) =>
      part ? one.field.split(".")[0] === part : one.value === id && one.stance === stance,
    );
    const told = [...new Set(meant.map((one) => one.words))].filter(Boolean);
    return `${line}  # ${told.map((found) => `"${few(found)}"`).join(", ") || "no word decides this"}`;
  });
}

/** At most seven words of an abstract, which is not ours to store. */
function few(text) {
  const parts = words(text);
  if (parts.length <= 7) return parts.join(" ");
  return `${parts.slice(0, 3).join(" ")} … ${parts.slice(-3).join(" ")}`;
}
