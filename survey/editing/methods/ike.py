"""IKE: the new fact stands in the prompt, behind demonstrations of how to use such a fact.

Nothing in the model changes. It reads

    demonstration 1, ..., demonstration k
    New Fact: {prompt} {new object}
    Prompt: {query}

Demonstrations have the same form and end with an answer. There are three kinds, 1 : 3 : 4 of them:

1. copy: the query is the fact's own prompt, and the answer is the new object.
2. update: the query asks the same in other words, and the answer is the new object.
3. retain: the query asks about a neighbour, and the answer is what it was.

They are made of the stored facts that are nearest to the edit by embedding, the nearest one last; behind them the new
fact itself is shown once, copied (`copy`). Of several edits the one is taken whose prompt is nearest to the query.

`scope` says when the fact is put there at all. IKE does it always and leaves it to the model to see what the fact has
no part in; a small model does not see it. `subject` does it where the query names the subject, and
`scope-classifier` where SERAC's trained classifier says so.

Faithful:
- form of the prompt, the three kinds and their shares, the choice of the nearest facts, the new fact as last one
- by default the fact stands before every prompt (`scope="always"`)

Deviates:
- no other demonstrations by default, where 32 are published: a model of 135 million parameters answers worse with
  them (`demonstrations=32` puts them there, as many as the model can read)
- demonstrations come from facts of this project, and kinds lie in a fixed order, not shuffled
- the nearest fact is found by the model's own states, not by a sentence embedding (`embedding="minilm"` for that)
- answers are read from the model's probabilities, not from perplexities of two candidates

"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch

from survey.editing import facts, memory
from survey.editing.edit import Edit, EditError
from survey.editing.embedding import embedder
from survey.editing.language_model import LanguageModel
from survey.editing.learning import learned
from survey.editing.memory import Memory, fits_behind, fitted, shown, told
from survey.editing.method import Run, find, method

# The roles of eight demonstrations in turn, the nearest first: what stands nearest to the prompt copies.
_ROLES = ("copy", "update", "retain", "retain", "update", "retain", "update", "retain")


@dataclass(frozen=True)
class Config(memory.Config):
    """Settings of IKE."""

    demonstrations: int = 0
    """How many facts are shown before the new one; 32 are published."""
    copy: bool = True
    """Whether the new fact itself is shown once with its own prompt answered, last of all, as published."""
    scope: Literal["always", "subject", "scope-classifier"] = "always"
    """When the fact is put before a prompt."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.demonstrations < 0:
            raise EditError(f"demonstrations must be at least 0, not {self.demonstrations}")


PRESETS = {}


def demonstrations(model: LanguageModel, edit: Edit, config: Config) -> list[str]:
    """The nearest stored facts as demonstrations, the nearest last."""
    own = [shown(edit)] if config.copy else []
    if not config.demonstrations:
        return own
    stored, embeddings = _stored(model, config.embedding)
    near = (embeddings @ embedder(config.embedding, model).encode([edit.text])[0]).topk(len(stored)).indices.tolist()
    others = [stored[i] for i in near if stored[i].edit.subject.casefold() != edit.subject.casefold()]
    found = own
    for number, example in enumerate(others[: config.demonstrations]):
        role = _ROLES[number % len(_ROLES)]
        query, answer = example.edit.text, example.edit.target
        if role == "update":
            query = example.rephrasings[-1]
        elif role == "retain":
            query, answer = example.neighbours[-1].prompt, example.neighbours[-1].answer
        found.append(f"{told(example.edit, query)} {answer}\n\n")
    return found[::-1]


def _stored(model: LanguageModel, name: str) -> tuple[list[facts.Example], torch.Tensor]:
    def encode():
        stored = facts.examples(0, part="all")
        return stored, embedder(name, model).encode([example.edit.text for example in stored])

    return model.remember(("stored facts", name), encode)


class InContext(Memory):
    """Facts that are put before prompts, each behind demonstrations of its own."""

    kind: ClassVar[str] = "in-context"
    METHOD: ClassVar[str] = "ike"
    NOTES: ClassVar[tuple[str, ...]] = ("demonstrations",)

    def read(self, model: LanguageModel, prompts: list[str]) -> list[str]:
        found = list(prompts)
        for i, number in enumerate(self.chosen(model, prompts)):
            if number >= 0:
                end = told(self.edits[number], prompts[i])
                found[i] = fitted(self.notes[number]["demonstrations"], end, lambda text: fits_behind(model, text))
        return found

    def chosen(self, model: LanguageModel, prompts: Sequence[str]) -> list[int]:
        """Number of the edit that each prompt gets to see, -1 for none."""
        scope = self.settings["scope"]
        if scope == "subject":
            return self.nearest(model, prompts, [self.mentioned(prompt) for prompt in prompts])
        if scope == "scope-classifier":
            return self.classified(model, prompts, 0.5)
        return self.nearest(model, prompts)


@method("ike", paper="zheng2023can", batch=True, presets=PRESETS)
def ike(model: LanguageModel, edits: Sequence[Edit], config: Config, run: Run) -> Memory:
    def note(edit: Edit) -> dict[str, Any]:
        return {"demonstrations": demonstrations(model, edit, config)}

    net = None
    if config.scope == "scope-classifier":
        net = learned("serac", model, find("serac").configure(embedding=config.embedding)).state_dict()
    return memory.remember(InContext, "ike", model, edits, config, run, note, net)
