"""Language models by name: fetched once, verified, converted to float32, cached.

`ready("smollm2-135m-instruct")` returns a folder that `from_pretrained` reads, and needs the
network only the first time. Nothing here imports torch: the conversion is a process of its own,
so that its memory is free again before anything is edited.
"""

from survey.editing.models.known import DEFAULT, KNOWN, Check, KnownModel, ModelError, Part
from survey.editing.models.store import Row, cached, forget, models, models_folder, ready

__all__ = [
    "DEFAULT",
    "KNOWN",
    "Check",
    "KnownModel",
    "ModelError",
    "Part",
    "Row",
    "cached",
    "forget",
    "models",
    "models_folder",
    "ready",
]
