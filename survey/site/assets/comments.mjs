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

/** Comments with the words that led to each suggested tag that is still in the entry. */
export function leadingWords(record, suggestions) {
  const told = new Map();
  for (const one of suggestions) {
    const where = placeOf(record, one);
    if (!where) continue;
    const key = JSON.stringify(where);
    if (!told.has(key)) told.set(key, { where, words: new Set() });
    told.get(key).words.add(one.words ? `"${few(one.words)}"` : "no word decides this");
  }
  const inside = [...told.values()].map((found) => ({
    where: found.where, side: "beside", text: `# ${words([...found.words].join(", ")).join(" ")}`,
  }));
  return { head: [], inside, foot: [] };
}

/** The line of the entry that a suggestion stands in, or null where nobody kept it. */
function placeOf(record, { field, value, stance }) {
  const [part, inner] = field.split(".");
  if (part === "pitfalls") {
    const at = (record.pitfalls ?? []).findIndex((tag) => tag.id === value && tag.stance === stance);
    return at < 0 ? null : [part, at];
  }
  const tags = inner ? record[part]?.[inner] : record[part];
  return tags?.includes(value) ? [part] : null;
}

/** At most seven words of an abstract, which is not ours to store. */
function few(text) {
  const parts = words(text);
  if (parts.length <= 7) return parts.join(" ");
  return `${parts.slice(0, 3).join(" ")} … ${parts.slice(-3).join(" ")}`;
}
