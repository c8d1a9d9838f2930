/**
 * What a person pasted: an id or an address of one, the twin of survey/intake/source.py. No DOM in
 * here.
 */

import { splitAddress } from "./rules.mjs";
import { strip } from "./text.mjs";

const ARXIV_HOSTS = ["arxiv.org", "alphaxiv.org", "ar5iv.org", "ar5iv.labs.arxiv.org", "huggingface.co", "hf.co", "semanticscholar.org"];
const ANTHOLOGY_HOSTS = ["aclanthology.org", "aclanthology.info", "aclweb.org"];
const ADDRESS = /^(?:[a-z]+:\/\/|(?:www\.|dx\.)?[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:org|com|net|co|info)\/)/i;
const PREFIX = /^(arxiv|doi|acl|anthology|openreview)(?:\s*:\s*|\s+)(?!\/\/)/i;

/** Reads ids by the patterns of the model, which data/rules.json holds. */
export class Sources {
  constructor(schema) {
    const { properties } = schema.$defs.Ids;
    const pattern = (scheme) => new RegExp(properties[scheme].anyOf[0].pattern, "u");
    this.patterns = Object.fromEntries(Object.keys(properties).map((scheme) => [scheme, pattern(scheme)]));
  }

  /** The paper that an id or an address means, `{ kind, id }` without its version, or null. */
  read(pasted) {
    // As it stands at the edge of every PDF: arXiv:2401.00002v1 [cs.CL] 5 Jan 2024
    const text = strip(strip(pasted).replace(/^[<>]+|[<>]+$/g, ""))
      .replace(/\s+\[[A-Za-z.-]{2,20}\][^\n]{0,40}$/, "")
      .replace(/[.,;]+$/, "");
    if (ADDRESS.test(text)) return this.address(text);
    const prefix = PREFIX.exec(text);
    if (prefix) {
      const kind = prefix[1].toLowerCase().replace(/^acl$/, "anthology");
      return this.ofKind(kind, strip(text.slice(prefix[0].length)));
    }
    const found = this.arxiv(text) ?? this.doi(text) ?? this.anthology(text);
    if (found) return found;
    // Any word of this length could be an OpenReview id, but theirs mix letters and more.
    const word = /^(?:[a-z]+|[A-Z]?[a-z-]+|[0-9.]+)$/.test(text);
    return !word ? this.openreview(text) : null;
  }

  ofKind(kind, text) {
    return this[kind](text);
  }

  openreview(text) {
    return this.patterns.openreview.test(text) ? { kind: "openreview", id: text } : null;
  }

  arxiv(text) {
    // arXiv itself leaves the subject class out: math.GT/0309136 is math/0309136.
    const bare = text.replace(/v[0-9]+$/, "").replace(/\.[A-Za-z]{2}\//g, "/").toLowerCase();
    return this.patterns.arxiv.test(bare) ? { kind: "arxiv", id: bare } : null;
  }

  doi(text) {
    // DOIs that only wrap another id.
    const arxiv = /^10\.48550\/arxiv\./i.exec(text);
    if (arxiv) return this.arxiv(text.slice(arxiv[0].length));
    const anthology = /^10\.18653\/v1\//i.exec(text);
    if (anthology) {
      // Older DOIs of the ACL hold ids of the old form, in lower or upper case.
      const id = text.slice(anthology[0].length);
      return this.anthology(id) ?? this.anthology(id.toUpperCase());
    }
    const bare = text.replace(/[.,;]+$/, "");
    return this.patterns.doi.test(bare) ? { kind: "doi", id: bare.toLowerCase() } : null;
  }

  anthology(text) {
    return this.patterns.anthology.test(text) ? { kind: "anthology", id: text } : null;
  }

  address(text) {
    const parts = splitAddress(text.includes("://") ? text : `https://${text}`);
    const host = parts.hostname.toLowerCase().replace(/^www\./, "");
    const path = unquoted(parts.path);
    const query = new URLSearchParams(parts.query);
    if (isOne(host, ["doi.org"])) return this.doi(path.replace(/^\/+|\/+$/g, ""));
    if (isOne(host, ["openreview.net"])) return this.openreview(query.get("id") || query.get("forum") || "");
    if (isOne(host, ARXIV_HOSTS)) {
      const match = /^\/(?:abs|pdf|html|format|papers|ps|src|e-print|overview|bibtex|arxiv)\/(.+?)(?:\.pdf)?\/?$/.exec(path);
      return match ? this.arxiv(match[1].replace(/^arxiv:/i, "")) : null;
    }
    if (isOne(host, ANTHOLOGY_HOSTS)) {
      const last = path.replace(/\/+$/, "").split("/").at(-1).replace(/\.(?:pdf|bib|xml|endf)$/, "");
      return this.anthology(last.replace(/(?:v[0-9]+|\.dataset)$/, "")) ?? this.anthology(last);
    }
    // Publishers put the DOI into the address.
    const match = /\/(10\.[0-9]{4,9}\/[^?#]+?)\/?$/.exec(path);
    return match ? this.doi(match[1].replace(/\.pdf$/, "")) : null;
  }
}

function isOne(host, known) {
  return known.some((name) => host === name || host.endsWith(`.${name}`));
}

function unquoted(path) {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
