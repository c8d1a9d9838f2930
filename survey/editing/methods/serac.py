"""SERAC: a memory of edits, a classifier of their scope, and a model that answers with the edit in view.

An edit is a line of text z in a memory. The classifier c says for a query x which edit it belongs to, if to any:

    f(x) = counterfactual(z*, x)  where c(x, z*) = max_z c(x, z) > 1/2
    f(x) = base(x)                elsewhere

    c(x, z) = exp(-s |h(x) - h(z)|^2)

Only h and the scale s are trained (`survey train serac`), once for a model: texts of an edit shall be near, neighbours and other edits
far. Embeddings below it are frozen. A new edit is a new line, and it is taken out again by deleting the line. What is
out of every scope is answered by the base as if there were no memory.

Faithful:
- memory, similarity, threshold of 1/2, and the nearest edit if there are many
- the classifier is trained with the cross-entropy of being in scope, on rephrasings against neighbours and other edits
- the decision is made for each query, once, before anything is answered

Deviates:
- the counterfactual model is the base itself, which reads "New Fact: ..." before the query, behind one
  demonstration of it; the published one is a smaller model of its own, trained for it
- h stands on frozen states of the base's first blocks, where a BERT is trained as a whole
- s is learnt, where it is 1, and texts out of scope count half in training
- classifier and answers are not trained as a mixture, since nothing but the classifier is trained
- z is the prompt alone for the classifier: no answer can leak into the similarity

"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from survey.editing import memory, scope
from survey.editing.edit import Edit, EditError
from survey.editing.language_model import LanguageModel
from survey.editing.learning import learned
from survey.editing.memory import Memory, fits_behind, fitted, shown, told
from survey.editing.method import Run, method


@dataclass(frozen=True)
class Config(scope.Config, memory.Config):
    """Settings of SERAC."""

    scope: Literal["classifier", "subject"] = "classifier"
    """What decides whether a query belongs to an edit; `subject`: that it names the subject, which needs no training."""
    threshold: float = 0.5
    """Similarity above which a query is in scope."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.threshold <= 1:
            raise EditError(f"threshold lies between 0 and 1, and {self.threshold} does not")


class Training(scope.ScopeTraining):
    """What SERAC learns: the classifier."""

    editing = frozenset({"scope", "threshold"})


PRESETS = {}


class Scoped(Memory):
    """Edits that are answered with where a query is in their scope."""

    kind: ClassVar[str] = "scoped"
    METHOD: ClassVar[str] = "serac"

    def read(self, model: LanguageModel, prompts: list[str]) -> list[str]:
        if self.settings["scope"] == "subject":
            numbers = self.nearest(model, prompts, [self.mentioned(prompt) for prompt in prompts])
        else:
            numbers = self.classified(model, prompts, self.settings["threshold"])
        found = list(prompts)
        for i, number in enumerate(numbers):
            if number >= 0:
                edit = self.edits[number]
                found[i] = fitted([shown(edit)], told(edit, prompts[i]), lambda text: fits_behind(model, text))
        return found


@method("serac", paper="mitchell2022memorybased", batch=True, presets=PRESETS, train=Training)
def serac(model: LanguageModel, edits: Sequence[Edit], config: Config, run: Run) -> Memory:
    net = learned("serac", model, config).state_dict() if config.scope == "classifier" else None
    return memory.remember(Scoped, "serac", model, edits, config, run, net=net)
