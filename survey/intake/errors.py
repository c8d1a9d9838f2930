"""What can go wrong between a source and an entry, each in one line for the person."""

from __future__ import annotations

from survey.errors import UserError


class IntakeError(UserError):
    """No entry could be made; the text says why and what to do."""


class NotFound(IntakeError):
    """The service has no such paper."""


class Unavailable(IntakeError):
    """The service cannot be asked now: offline, too slow, too busy, or broken."""


class BadAnswer(IntakeError):
    """The service answered, but not with what was asked for."""


class Withdrawn(IntakeError):
    """The paper was withdrawn by its authors or by the service."""
