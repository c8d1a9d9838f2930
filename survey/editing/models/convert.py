"""From a GGUF file to a folder with float32 weights that `from_pretrained` reads.

The conversion runs as a process of its own (`python -m survey.editing.models.convert`): its
memory is free again afterwards, its chatter stays out of the way, and it never asks a hub.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from survey.editing.models.known import Check, KnownModel, ModelError
from survey.progress import amount

RECIPE = 1
"""Raised when folders that were made before must be made anew."""


def converted(known: KnownModel, gguf: Path, folder: Path, progress) -> None:
    """Fill the empty `folder`, load it again and check it. Raises `ModelError`.

    `progress.advance(0)` is called now and then.
    """
    package = str(Path(__file__).parents[3])
    path = os.pathsep.join(filter(None, [package, os.environ.get("PYTHONPATH")]))
    environment = os.environ | {
        "PYTHONPATH": path,
        "PYTHONIOENCODING": "utf-8",
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "TRANSFORMERS_VERBOSITY": "error",
        "TQDM_DISABLE": "1",
    }
    check = known.check
    command = [sys.executable, "-P", "-m", __name__, str(gguf), str(folder), check.prompt, check.continuation]
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", errors="replace",
    ) as process:  # fmt: skip
        try:
            while True:
                try:
                    out, said = process.communicate(timeout=0.5)
                    break
                except subprocess.TimeoutExpired:
                    progress.advance(0)
        except BaseException:
            process.kill()
            raise
    if process.returncode:
        raise ModelError(f"{known.title} cannot be converted: {_why(known, process.returncode, said)}")
    try:
        found = float(json.loads(out.splitlines()[-1])["probability"])
    except (ValueError, KeyError, IndexError, TypeError):
        raise ModelError(f"{known.title} cannot be converted: the conversion gave no answer") from None
    if not abs(found - check.probability) <= check.tolerance:
        raise ModelError(
            f"{known.title} was converted, but is not right: it gives {check.continuation!r} after "
            f"{check.prompt!r} the probability {found:.4f} in place of {check.probability:.4f}. "
            "Nothing was kept; a newer or older `transformers` may convert it well"
        )


def _why(known: KnownModel, code: int, said: str) -> str:
    if code < 0:
        # Weights are there twice while they are saved and loaded: 1.4 and 2.8 GB were measured.
        need = amount(2.6 * known.disk_bytes)
        more = f" (perhaps for want of memory: it takes about {need})" if code == -9 else ""
        return f"the process was ended by signal {-code}{more}"
    if "No space left" in said or "os error 28" in said:
        return "the disk is full"
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return lines[-1] if lines else f"exit code {code}"


def convert(gguf: Path, folder: Path) -> None:
    """Convert in this process. Needs transformers, gguf and torch."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    where, options = str(gguf.parent), {"gguf_file": gguf.name}
    model = AutoModelForCausalLM.from_pretrained(where, dtype=torch.float32, **options)
    # The weights are plain now. What remembers the quantisation would be saved with them, and
    # reading the folder would then need the GGUF library.
    model.config.__dict__.pop("quantization_config", None)
    for name in ("hf_quantizer", "is_quantized", "quantization_method"):
        model.__dict__.pop(name, None)
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(where, **options).save_pretrained(folder)


def probability(folder: Path, check: Check | tuple[str, str]) -> float:
    """The probability of a continuation after a prompt, read from a converted folder."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    prompt, continuation = (check.prompt, check.continuation) if isinstance(check, Check) else check
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, local_files_only=True).eval()
    start = len(tokenizer(prompt).input_ids)
    ids = torch.tensor([tokenizer(prompt + continuation).input_ids])
    with torch.no_grad():
        logs = model(ids[:, :-1]).logits[0].log_softmax(-1)
    targets = ids[0, start:]
    return logs[start - 1 :].gather(1, targets[:, None]).sum().exp().item()


def main(arguments: list[str]) -> None:
    gguf, folder, prompt, continuation = arguments
    threading.Thread(target=_end_with_parent, daemon=True).start()
    started = time.monotonic()
    convert(Path(gguf), Path(folder))
    found = probability(Path(folder), (prompt, continuation))
    print(json.dumps({"probability": found, "seconds": time.monotonic() - started}))


def _end_with_parent() -> None:
    """Who waits for us may be killed; nobody would use the result then."""
    parent = os.getppid()
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
