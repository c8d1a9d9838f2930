"""One requested change of a fact, in words; nothing here knows of tokens or models."""

from __future__ import annotations

from dataclasses import dataclass

from survey.errors import UserError


class EditError(UserError, ValueError):
    """An edit that cannot be made as it was asked for."""


@dataclass(frozen=True)
class Edit:
    """Make `prompt` about `subject` continue with `target`.

    `prompt` holds `{}` where the subject stands; a prompt that holds the subject itself, once, is
    taken as well. `target` and `was` (what the model says now, if known) are given without the
    blank that joins them to the prompt. Raises `EditError` where a part is missing.
    """

    prompt: str
    subject: str
    target: str
    was: str | None = None

    def __post_init__(self) -> None:
        for field in ("prompt", "subject", "target"):
            value = getattr(self, field)
            if not isinstance(value, str):
                raise EditError(f"the {field} must be text, not {type(value).__name__}")
            object.__setattr__(self, field, value.rstrip() if field == "prompt" else value.strip())
            if not getattr(self, field):
                raise EditError(f"the {field} is empty")
        if self.was is not None:
            if not isinstance(self.was, str):
                raise EditError(f"`was` must be text, not {type(self.was).__name__}")
            object.__setattr__(self, "was", self.was.strip() or None)
        places = self.prompt.count("{}")
        if places > 1:
            raise EditError(f"the prompt has {places} places for the subject, and one is needed: {self.prompt!r}")
        if places == 0:
            times = self.prompt.count(self.subject)
            if times != 1:
                found = "does not occur in" if times == 0 else f"occurs {times} times in"
                raise EditError(
                    f"the subject {self.subject!r} {found} the prompt {self.prompt!r}: "
                    "write {} where the subject stands"
                )
            object.__setattr__(self, "prompt", self.prompt.replace(self.subject, "{}"))

    @property
    def text(self) -> str:
        """The prompt with the subject in its place."""
        return self.prompt.replace("{}", self.subject)

    @property
    def subject_end(self) -> int:
        """Where the subject ends in `text`, in characters."""
        return self.prompt.index("{}") + len(self.subject)
