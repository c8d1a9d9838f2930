/**
 * The rules that compare a new entry with the ones that are there, twins of those in
 * survey/checks. Of what they find, what is about the new entry. No DOM in here.
 */

import { sorted, splitAddress, host, printed } from "./rules.mjs";
import { fold, normalId } from "./query.mjs";
import { similar } from "./schema.mjs";
import { words } from "./text.mjs";

/** The entries of the collection as far as they are compared, from data/known.json. */
export class Known {
  constructor(rows, checker) {
    this.checker = checker;
    this.entries = rows.map(([path, title, authors, year, venue, more = {}]) =>
      prepared(
        checker.paper(path, keyOf(path), {
          title, year, venue, ...more, authors: typeof authors === "string" ? authors.split("\n") : authors,
        }),
        checker,
      ),
    );
    this.inOrder = this.entries.toSorted((a, b) => byPlace(a.path, b.path));
    this.keys = new Set(this.entries.flatMap(({ key, former_keys }) => [key, ...former_keys]));
    this.rows = new Map(this.entries.map(({ key }, row) => [key, row]));
  }

  /** The entry that has an id, or null. */
  withId(scheme, value) {
    const wanted = sameId(scheme, value);
    return this.entries.find(({ ids }) => Object.entries(ids).some((id) => sameId(...id) === wanted)) ?? null;
  }

  /** What is found about `paper` when it stands among the others, in place of the entry `instead`. */
  check(paper, written, instead = null) {
    const ours = prepared(paper, this.checker);
    const others = this.inOrder.filter(({ key }) => key !== instead);
    const at = others.findIndex(({ path }) => byPlace(path, ours.path) > 0);
    const entries = others.toSpliced(at < 0 ? others.length : at, 0, ours);
    const found = [];
    for (const [code, rule] of Object.entries(COLLECTION_RULES)) {
      for (const [path, finding] of rule(entries, ours, this.checker)) {
        if (path !== ours.path && finding.other !== ours.path) continue;
        found.push(this.placed({ code, ...finding }, path, path === ours.path ? written : null));
      }
    }
    return sorted(found);
  }

  /** A finding in our entry has its place there; what stands in another's file is told without. */
  placed(finding, path, written) {
    const complete = this.checker.complete(finding, path, written ?? { places: new Map() });
    return written ? complete : { ...complete, line: 0, column: 0 };
  }

  /** Codes of the rules that compare entries. */
  static get codes() {
    return Object.keys(COLLECTION_RULES);
  }
}

/** The order in which `survey check` reads entries: the last year first, then by name. */
function byPlace(one, other) {
  const [ours, theirs] = [one, other].map((path) => path.split("/"));
  const by = (a, b) => (a < b ? -1 : Number(a > b));
  return by(theirs[1], ours[1]) || by(ours[2], theirs[2]);
}

function keyOf(path) {
  return path.slice(path.lastIndexOf("/") + 1, -".yaml".length);
}

/** A paper with what is compared again and again. */
function prepared(paper, checker) {
  const folded = fold(paper.title);
  const rare = new Set(words(folded).filter((word) => !checker.data.common.includes(word)));
  return {
    ...paper,
    titles: new Set([folded, ...paper.former_titles.map(fold)].map((title) => title.replaceAll(" ", ""))),
    rare,
    people: new Set(paper.names.map((name) => fold(name.printed))),
    persons: [...persons(paper)],
  };
}

/** The people among the authors, each with the words under which other spellings are found. */
function* persons(paper) {
  for (const { where, name } of printed(paper)) {
    const parts = words(fold(name));
    if (parts.length > 1) yield { person: `${parts[0]} ${parts.at(-1)}`, name, where };
  }
}

function middle(name) {
  return words(fold(name)).slice(1, -1);
}

function sameId(scheme, value) {
  // OpenReview ids differ in case; the others do not.
  const id = scheme === "openreview" ? value : normalId(value);
  // The DOIs of the ACL hold the Anthology id.
  if (scheme === "doi" && id.startsWith("10.18653/v1/")) return `anthology ${id.slice(12)}`;
  return `${scheme} ${id}`;
}

const COLLECTION_RULES = {
  *D401(entries) {
    const seen = new Map();
    for (const entry of entries) {
      for (const [scheme, value] of Object.entries(entry.ids)) {
        const id = sameId(scheme, value);
        const first = seen.get(id);
        if (first && first !== entry) {
          const message = `${first.path} has the same ${scheme} id`;
          yield [entry.path, { message, where: ["ids", scheme], other: first.path }];
        }
        if (!first) seen.set(id, entry);
      }
    }
  },

  *D402(entries) {
    const seen = new Map();
    for (const entry of entries) {
      for (const title of entry.titles) {
        const first = seen.get(title);
        if (!first) seen.set(title, entry);
        else if (first !== entry) {
          yield [entry.path, { message: `${first.path} has the same title`, where: ["title"], other: first.path }];
        }
      }
    }
  },

  *D403(entries, ours, checker) {
    const frequency = new Map();
    for (const { rare } of entries) {
      for (const word of rare) frequency.set(word, (frequency.get(word) ?? 0) + 1);
    }
    // The three rarest words: similar titles share at least one of them.
    const rarest = ({ rare }) =>
      [...rare]
        .sort((a, b) => frequency.get(a) - frequency.get(b) || (a < b ? -1 : 1))
        .slice(0, 3)
        .filter((word) => frequency.get(word) <= 50);
    const wanted = rarest(ours);
    const place = entries.indexOf(ours);
    for (const [i, other] of entries.entries()) {
      if (other === ours || !akin(other.rare, ours.rare)) continue;
      if (!rarest(other).some((word) => wanted.includes(word))) continue;
      const [one, two] = i < place ? [other, ours] : [ours, other];
      const common = commonAuthors(one, two);
      // The same authors may have changed more of the title on publication.
      const same = common >= 0.8 || (common >= 0.5 && alike(one.rare, two.rare));
      if (same && mayBeOne(one, two, checker.data.venues)) {
        const message = `similar to '${one.title}' (${one.path})`;
        yield [two.path, { message, where: ["title"], other: one.path }];
      }
    }
  },

  *K905(entries) {
    const holders = new Map();
    for (const entry of entries) {
      for (const key of [entry.key, ...entry.former_keys]) {
        const first = holders.get(key);
        if (first) yield [entry.path, { message: `the key ${key} belongs to ${first}`, other: first }];
        else holders.set(key, entry.path);
      }
    }
  },

  *L805(entries) {
    const holders = new Map();
    for (const entry of entries) {
      for (const [kind, url] of Object.entries(entry.links)) {
        const { hostname, path, query } = splitAddress(url.toLowerCase().replace(/\/+$/, ""));
        const place = JSON.stringify([host(url), path, query]);
        if (hostname) holders.set(place, [...(holders.get(place) ?? []), [entry, kind]]);
      }
    }
    for (const found of holders.values()) {
      // What three papers share is a toolkit.
      if (found.length !== 2 || related(found[0][0], found[1][0])) continue;
      const [[first], [entry, kind]] = found;
      yield [entry.path, { message: `${first.key} has the same ${kind} link`, where: ["links", kind] }];
    }
  },

  *N508(entries, ours) {
    const spellings = new Map(ours.persons.map(({ person }) => [person, new Map()]));
    for (const entry of entries) {
      for (const { person, name, where } of entry.persons) {
        const names = spellings.get(person);
        if (names && !names.has(name)) names.set(name, { entry, where });
      }
    }
    for (const names of spellings.values()) {
      const [first, ...others] = names.keys();
      for (const other of others) {
        // Two different middle names are two people.
        if (middle(first).length && middle(other).length && fold(first) !== fold(other)) continue;
        const { entry, where } = names.get(other);
        yield [entry.path, { message: `'${other}' is '${first}' in ${names.get(first).entry.key}`, where }];
      }
    }
  },

  *R951(entries, ours) {
    const keys = new Set(entries.flatMap(({ key, former_keys }) => [key, ...former_keys]));
    for (const [i, item] of ours.related.entries()) {
      const where = ["related", i, "key"];
      if (item.key === ours.key) yield [ours.path, { message: "the entry is related to itself", where }];
      else if (!keys.has(item.key)) {
        yield [ours.path, { message: `there is no entry ${item.key}`, where, hint: similar(item.key, keys) }];
      }
    }
  },

  *R952(entries) {
    const stated = new Set(
      entries.flatMap((entry) => entry.related.map((item) => `${entry.key} ${item.key} ${item.as}`)),
    );
    for (const entry of entries) {
      for (const [i, item] of entry.related.entries()) {
        if (stated.has(`${item.key} ${entry.key} ${item.as}`) && entry.key > item.key) {
          yield [entry.path, { message: `${item.key} says so, too`, where: ["related", i], hint: "keep one side" }];
        }
      }
    }
  },
};

function common(one, other) {
  return [...one].filter((item) => other.has(item)).length;
}

function akin(one, other) {
  const shared = common(one, other);
  return shared >= 2 && shared * 2 >= Math.min(one.size, other.size);
}

function alike(one, other) {
  const shared = common(one, other);
  return shared >= 0.6 * Math.min(one.size, other.size) && shared * 2 >= one.size + other.size - shared;
}

/** Share of the shorter author list that stands in the other one, too. */
function commonAuthors(one, other) {
  return common(one.people, other.people) / Math.min(one.people.size, other.people.size);
}

function mayBeOne(one, other, venues) {
  if (related(one, other)) return false;
  // Two ids of the same kind are two papers, as far as anyone can tell.
  if (["arxiv", "doi", "anthology"].some((scheme) => one.ids[scheme] && other.ids[scheme])) return false;
  // What stands in two proceedings is two papers; preprints and workshop papers come again.
  return [one, other].some(({ venue }) => ["preprint", "workshop"].includes(venues[venue]?.type));
}

function related(one, other) {
  return one.related.some(({ key }) => key === other.key) || other.related.some(({ key }) => key === one.key);
}
