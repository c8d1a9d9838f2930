"""Errors that are told to the person: one message, no traceback."""


class UserError(Exception):
    """An error that the person can do something about; its text says what, where and how."""
