"""Patches that lie on each other and act as one: a later edit must know of the earlier ones."""

from __future__ import annotations

from survey.editing.language_model import LanguageModel
from survey.editing.patch import Patch


class Joint(Patch):
    """A patch whose edits compete with those of other patches of the same place: the topmost acts for all of them,
    just as their sum does alone."""

    def place(self) -> tuple:
        """What patches share that act as one."""
        raise NotImplementedError

    def whole(self, model: LanguageModel) -> Joint:
        """This patch, which is about to be applied, with those of its place that are."""
        joint = self
        for other in reversed(model.patches):
            if isinstance(other, Joint) and other.place() == self.place():
                joint = other + joint
        return joint

    def speaks(self, model: LanguageModel) -> bool:
        """Whether this patch is the topmost of its place."""
        mine = [p for p in model.patches if isinstance(p, Joint) and p.place() == self.place()]
        return bool(mine) and mine[-1] is self
