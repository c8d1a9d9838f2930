"""The fact suite of this project: facts that the default model knows, the edits that change them, and small task sets.

    cases()        one edit each, with everything that may follow and everything that must stay
    conflicts()    two edits each, of which the second makes the first obsolete, or ties in with it
    round_trips()  two edits each, there and back
    task(id)       a task set

`python -m survey.pitfalls.suite --prove` asks the model anew which facts it knows. docs/laboratory/suite.md is the data card.
"""

from survey.pitfalls.suite.making import cases, known
from survey.pitfalls.suite.pairs import conflicts, round_trips
from survey.pitfalls.suite.sets import task, task_ids

__all__ = ["cases", "conflicts", "known", "round_trips", "task", "task_ids"]
