"""Object code that is kept on disk between processes.

A file is named by what decides its content, and holds a digest of both: what is cut
short, changed or renamed is not read. Files that were not used for longest go first.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
import warnings
from contextlib import suppress
from functools import cache
from pathlib import Path

SUFFIX, PART = ".qjit", ".qjit-part"
SIZE = "1GiB"
UNITS = {"": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
DIGEST = hashlib.sha256().digest_size

# How many bytes may be written before a folder is looked through again.
_free: dict[tuple[Path, int], int] = {}


def directory() -> Path:
    """Where object code is kept."""
    chosen = os.environ.get("QJIT_CACHE_DIR")
    return Path(chosen) if chosen else Path.home() / ".cache" / "qjit"


def bound() -> int:
    """How many bytes are kept at most."""
    return _bytes(os.environ.get("QJIT_CACHE_SIZE") or SIZE)


@cache
def _bytes(text: str) -> int:
    found = re.fullmatch(r"\s*(\d+)\s*([KMG]iB)?\s*", text)
    if found is not None:
        return int(found[1]) * UNITS[found[2] or ""]
    warnings.warn(
        f"QJIT_CACHE_SIZE is {text!r}, which is no size, so {SIZE} is used. Give a "
        "number of bytes, or one such as '500MiB'.",
        stacklevel=2,
    )
    return _bytes(SIZE)


def read(name: str) -> bytes | None:
    """What is kept under a name, or None where it is absent or damaged."""
    if not bound():
        return None
    try:
        path = directory() / f"{name}{SUFFIX}"
        kept = path.read_bytes()
    except (OSError, RuntimeError):  # RuntimeError: there is no home
        return None
    content = kept[DIGEST:]
    if _digest(name, content) != kept[:DIGEST]:
        return None
    with suppress(OSError):
        os.utime(path)
    return content


def write(name: str, content: bytes) -> bool:
    """Keep something under a name; tell whether that was possible."""
    try:
        folder = directory()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _reserve(folder, len(content) + DIGEST):
            return False
        handle, part = tempfile.mkstemp(dir=folder, suffix=PART)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(_digest(name, content))
                file.write(content)
            os.replace(part, folder / f"{name}{SUFFIX}")
        except BaseException:
            with suppress(OSError):
                os.unlink(part)
            raise
    except (OSError, RuntimeError):
        return False
    return True


def clear() -> None:
    """Delete all object code that is kept."""
    with suppress(OSError, RuntimeError):
        for _, _, path in _kept(directory()):
            _delete(path)
    _free.clear()


def _digest(name: str, content: bytes) -> bytes:
    digest = hashlib.sha256(f"{name}\n".encode())
    digest.update(content)
    return digest.digest()


def _delete(path: str) -> None:
    with suppress(OSError):
        os.unlink(path)


def _kept(folder: Path) -> list[tuple[float, int, str]]:
    """The files of a cache: when they were used, their sizes, and where they are."""
    found: list[tuple[float, int, str]] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith((SUFFIX, PART)):
                with suppress(OSError):  # another process has deleted it
                    status = entry.stat()
                    found.append((status.st_mtime, status.st_size, entry.path))
    return found


def _reserve(folder: Path, size: int) -> bool:
    """Reserve space for a file, deleting what was not used for longest."""
    most = bound()
    if size > most:
        return False
    place = folder, most
    if _free.get(place, 0) < size:
        _free[place] = _freed(folder, size, most)
    _free[place] -= size
    return True


def _freed(folder: Path, size: int, most: int) -> int:
    """Delete files until one of a size fits; return how much may be written.

    That is a part of what is free only, because other processes write as well.
    """
    kept = sorted(_kept(folder))
    total = sum(each for _, each, _ in kept)
    if total + size > most:
        for _, each, path in kept:
            if total + size <= most - most // 8:
                break
            _delete(path)
            total -= each
    return max(size, min(most - total, most // 16))
