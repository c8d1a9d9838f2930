"""Tiny random models, which the package itself has for the contract of methods."""

from __future__ import annotations

from survey.editing.tiny import *  # noqa: F403
