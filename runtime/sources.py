"""The sources of qjit: where they are, and what tells one version from another."""

import hashlib
import os
from collections.abc import Iterable, Iterator

# NOTE: without resolving links: by these paths the modules are imported.
PACKAGE = os.path.dirname(os.path.dirname(__file__))


def sources(*places: str) -> Iterator[str]:
    """Yield the Python files at places in the package, with those of all subfolders.

    Args:
        places: files and folders, such as "runtime" and "lowering/native/link.py".
    """
    for place in places:
        path = os.path.join(PACKAGE, place)
        if place.endswith(".py"):
            yield path
        else:
            yield from _walk(path)


def _walk(folder: str) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if entry.name.endswith(".py"):
                yield entry.path
            elif entry.name != "__pycache__" and entry.is_dir():
                yield from _walk(entry.path)


def digest(paths: Iterable[str], *more: str) -> str:
    """Return a hash of files, by content and place in the package, and of texts."""
    found = hashlib.sha256()
    for path in paths:
        with open(path, "rb") as file:
            place = path.removeprefix(PACKAGE).encode(errors="surrogateescape")
            found.update(place + b"\0" + file.read())
    for text in more:
        found.update(b"\0" + text.encode())
    return found.hexdigest()
