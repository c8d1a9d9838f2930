"""From the outside world to an entry: what a person found becomes a file below `papers/`.

`source` reads what was typed, `client` asks the services politely, one module for each service says
what a paper's record is there, `lookup` follows a preprint to its publication, `entry` writes the
record as an entry, `suggest` proposes tags, `duplicates` recognises what we have, and `add` puts it
together. `links` and `drift` look at what changed outside, and `audit` tells it; `issue_form` reads
a filled form, and `github` does what the workflows need, with files of `handover` from job to job
and texts of `markdown`.
"""

from survey.intake.errors import IntakeError

__all__ = ["IntakeError"]
