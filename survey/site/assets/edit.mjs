/**
 * Changing a query as facets and chips do: only the terms concerned, the rest as it was typed.
 * `terms` are those that `parse` made of `text`. No DOM in here.
 */

import { lineage } from "./index.mjs";
import { spell } from "./query.mjs";

/** The query without one of its terms. */
export function without(text, term) {
  return tidy(text.slice(0, term.start) + text.slice(term.end));
}

/** What the query does to each value of a field: `included` and `excluded` sets. */
export function choices(terms, field, known) {
  const included = new Set();
  const excluded = new Set();
  for (const term of terms.filter((one) => one.field === field)) {
    const target = term.negated ? excluded : included;
    for (const value of listed(term, known)) target.add(value);
  }
  return { included, excluded };
}

/**
 * The query with a value of a field made `include`d, `exclude`d or `free`. `known` lists the
 * field's values, which is what a range of years is spelled out with.
 */
export function choose(text, terms, { field, value, how, known }) {
  const own = terms.filter((term) => term.field === field);
  const dropped = new Set(how === "include" ? kin(field, value, known) : [value]);
  const kept = own.map((term) => {
    const values = listed(term, known);
    const rest = values.filter((one) => !dropped.has(one));
    return rest.length < values.length ? rest.map((one) => asValue(field, one)) : term.values;
  });
  const negated = how === "exclude";
  const home = own.findLastIndex((term) => term.negated === negated);
  let added = "";
  if (how !== "free") {
    const fresh = asValue(field, value);
    if (home >= 0) kept[home] = [...kept[home], fresh];
    else added = ` ${spell({ field, values: [fresh], negated })}`;
  }
  return tidy(replaced(text, own, kept) + added);
}

function replaced(text, terms, values) {
  let result = text;
  for (let i = terms.length - 1; i >= 0; i -= 1) {
    const { start, end } = terms[i];
    if (values[i] === terms[i].values) continue;
    const spelled = values[i].length ? spell({ ...terms[i], values: values[i] }) : "";
    result = result.slice(0, start) + spelled + result.slice(end);
  }
  return result;
}

/** The values of a term as a facet lists them: ranges of years year by year. */
function listed({ field, values }, known) {
  if (field !== "year") return values;
  return values.flatMap(([low, high]) =>
    known.filter((year) => (low ?? -Infinity) <= year && year <= (high ?? Infinity)),
  );
}

const asValue = (field, value) => (field === "year" ? [value, value] : value);

/** A value and, for a pitfall, its ancestors and descendants: beside those it would say nothing. */
function kin(field, value, known) {
  if (field !== "pitfall") return [value];
  return known.filter((one) => lineage(one).includes(value) || lineage(value).includes(one));
}

const tidy = (text) => text.replace(/ {2,}/g, " ").trim();
