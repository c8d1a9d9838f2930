/**
 * From the name of a venue, as anybody prints it, to the taxonomy's id: the twin of
 * survey/intake/venues.py, by its phrases. No DOM in here.
 */

import { fold } from "./query.mjs";
import { words } from "./text.mjs";

// Words that, left beside the name of a venue, say that it is another one.
const OTHER =
  /(?<![\p{L}\p{N}_])(?:ethics|society|cybernetics|retrieval|icmla|iaai|applications of artificial intelligence|interactive digital entertainment)(?![\p{L}\p{N}_])/u;
const NOT_OUT = /(?<![\p{L}\p{N}_])(?:submitted|submission|under review|rejected|withdrawn|arr)(?![\p{L}\p{N}_])/u;
const LEFT_OUT = /(?<![\p{L}\p{N}_])(?:[0-9]+(?:st|nd|rd|th)|(?:19|20)[0-9]{2}|proceedings of(?: the)?)(?![\p{L}\p{N}_])/gu;

/** Where a paper came out, `{ printed, venue, year }`; `venue` is null where the taxonomy has none. */
export function locateVenue(printed, data, year = null) {
  const match =
    /(?<!\p{Nd})((?:19|20)\p{Nd}{2})(?!\p{Nd})/u.exec(printed) ??
    /(?<![\p{L}\p{N}_])[A-Z]{3,}\s?['’]([0-9]{2})(?![\p{L}\p{N}_])/u.exec(printed);
  let found = match ? Number(match[1]) : year;
  if (match && found < 100) found += 2000;
  // ICLR2024, ACL'24
  const spaced = printed.replace(/(?<=[A-Za-z])(?=(?:19|20)[0-9]{2})|['’][0-9]{2}(?![\p{L}\p{N}_])/gu, " ");
  const text = ` ${words(fold(spaced).replace(LEFT_OUT, " ")).join(" ")} `;
  if (NOT_OUT.test(text) && !text.includes("accepted")) return { printed, venue: null, year: found };
  const named = ([phrase]) => text.includes(` ${phrase} `) && !OTHER.test(text.replaceAll(phrase, ""));
  const venue = data.phrases.find(named)?.[1];
  return { printed, venue: venue ? partOf(venue, text, data) : null, year: found };
}

/** The venue itself, or the part of it that the text names; null for a part that is not listed. */
function partOf(venue, text, data) {
  for (const [word, form] of data.parts) {
    if (!text.includes(` ${word}`)) continue;
    const { full, type } = data.venues[venue];
    if (fold(`${venue} ${full}`).includes(word) || type === word) return venue;
    const part = form.replace("{}", venue);
    return Object.hasOwn(data.venues, part) ? part : null;
  }
  return venue;
}

/** The venue of an id of the ACL Anthology: 2024.findings-emnlp.550 -> findings-emnlp, or null. */
export function venueOfAnthology(id, data) {
  const [, volume] = /^[0-9]{4}\.([a-z0-9_]+-[a-z0-9_]+)\.[0-9]+$/.exec(id) ?? [];
  return Object.keys(data.venues).find((venue) => data.venues[venue].anthology?.includes(volume)) ?? null;
}
