"""The ACL Anthology, which serves each paper's citation beside its page."""

from __future__ import annotations

from dataclasses import replace

from survey.intake import bibtex
from survey.intake.client import ACL, Answer, Client, not_readable
from survey.intake.errors import BadAnswer, IntakeError
from survey.intake.record import Record


def fetch(client: Client, id: str) -> Record:
    """The record of a paper. Raises `IntakeError`."""
    return client.ask(ACL, f"/{id}.bib", "application/x-bibtex, text/plain", f"paper {id}", lambda answer: read(answer, id))


def read(answer: Answer, id: str) -> Record:
    """The record of an answer for this id. Raises `BadAnswer`."""
    try:
        text = answer.body.decode("utf-8")
    except UnicodeDecodeError:
        raise BadAnswer(not_readable(ACL, answer, "BibTeX")) from None
    found = list(bibtex.entries(text)) if text.lstrip().startswith(("@", "%")) else []
    if len(found) != 1:
        raise BadAnswer(not_readable(ACL, answer, "BibTeX with one entry"))
    try:
        record = bibtex.record(found[0], ACL.name, trusted=True)
    except IntakeError as error:
        raise BadAnswer(f"the answer of {ACL.name} lacks something: {error}") from None
    told = record.ids.get("anthology")
    if told and told.lower() != id.lower():
        raise BadAnswer(f"{ACL.name} answers with another paper ({told}) when asked for {id}")
    return replace(record, source="ACL Anthology", ids={**record.ids, "anthology": id}, sources=("ACL Anthology",))
