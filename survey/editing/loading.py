"""From a name or a folder to a `LanguageModel`."""

from __future__ import annotations

from pathlib import Path

from survey.editing.edit import EditError
from survey.editing.language_model import LanguageModel

DEFAULT = "smollm2-135m-instruct"


def load_model(name: str = DEFAULT, *, accept_licence: bool = False, progress=None) -> LanguageModel:
    """Load a model: one of `survey models` by name (fetched on first use), a folder, or any causal
    language model by its name on the Hugging Face hub. Weights are float32.

    Raises `ModelError` where it cannot be fetched, `EditError` where it cannot be edited.
    """
    from survey.editing.models import KNOWN, ready

    if name in KNOWN:
        return read_model(ready(name, accept_licence=accept_licence, progress=progress), name, local=True)
    folder = Path(name).expanduser()
    if folder.is_dir():
        return read_model(folder, name, local=True)
    if name.startswith((".", "/", "~")):
        raise EditError(f"there is no folder {name}")
    return read_model(name, name, local=False)


def read_model(source: str | Path, name: str, *, local: bool) -> LanguageModel:
    """Read a model in Hugging Face's form from a folder, or from the hub where not `local`."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    bars = logging.is_progress_bar_enabled()
    if local:
        logging.disable_progress_bar()
    try:
        network = AutoModelForCausalLM.from_pretrained(source, dtype=torch.float32, local_files_only=local)
        tokenizer = AutoTokenizer.from_pretrained(source, local_files_only=local)
    except (OSError, ValueError, KeyError, ImportError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise EditError(f"{name} cannot be loaded as a causal language model: {reason}") from None
    finally:
        if local and bars:
            logging.enable_progress_bar()
    return LanguageModel(network, tokenizer, name)
