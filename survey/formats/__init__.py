"""From papers to citation formats. One module a format, one interface for all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from survey.collection.paper import Paper
from survey.collection.taxonomy import Taxonomy
from survey.formats import biblatex, bibtex, csl_json, csv, jsonl, ris


@dataclass(frozen=True, slots=True)
class Format:
    """A citation format. A file is header, entries joined by the separator, footer."""

    name: str
    extension: str
    media_type: str
    entry: Callable[[Paper, Taxonomy], str]
    header: str = ""
    separator: str = "\n"
    footer: str = ""

    def write(self, papers: Iterable[Paper], taxonomy: Taxonomy) -> Iterator[str]:
        """Yield the file piece by piece."""
        yield self.header
        for number, paper in enumerate(papers):
            yield f"{self.separator}{self.entry(paper, taxonomy)}" if number else self.entry(paper, taxonomy)
        yield self.footer

    def text(self, papers: Iterable[Paper], taxonomy: Taxonomy) -> str:
        return "".join(self.write(papers, taxonomy))


FORMATS = {
    f.name: f
    for f in (
        Format("bibtex", "bib", "application/x-bibtex", bibtex.entry),
        Format("biblatex", "biblatex.bib", "application/x-bibtex", biblatex.entry),
        Format("ris", "ris", "application/x-research-info-systems", ris.entry),
        Format(
            "csl-json", "csl.json", "application/vnd.citationstyles.csl+json", csl_json.entry,
            "[\n", ",\n", "\n]\n",
        ),
        Format("csv", "csv", "text/csv", csv.entry, csv.HEADER, ""),
        Format("jsonl", "jsonl", "application/jsonl", jsonl.entry, "", "\n", "\n"),
    )
}  # fmt: skip
