"""Reference implementations of methods that edit facts in language models.

    from survey.editing import Edit, apply, load_model

    model = load_model()
    louvre = Edit("{} is located in the city of", subject="The Louvre", target="London", was="Paris")
    with apply("rome", model, [louvre]) as edited:
        print(edited.generate("The Louvre is in"))

Names are imported when they are asked for, so that listing methods needs no torch.
"""

from __future__ import annotations

import importlib

_WHERE = {
    "Edit": "edit",
    "EditError": "edit",
    "LanguageModel": "language_model",
    "METHODS": "method",
    "Patch": "patch",
    "PatchError": "patch",
    "WeightPatch": "patch",
    "apply": "session",
    "compute": "session",
    "find": "method",
    "load": "patch",
    "load_model": "loading",
    "save": "patch",
    "trace": "tracing",
}
__all__ = list(_WHERE)


def __getattr__(name: str):
    if name not in _WHERE:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    return getattr(importlib.import_module(f"survey.editing.{_WHERE[name]}"), name)
