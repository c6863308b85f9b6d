"""The sources of qjit: where they are, and what tells one version from another.

They are known by their contents, but those of files that are listed as they were before
are not read again: their digests are kept on disk.
"""

import hashlib
import json
import os
import time
from collections.abc import Iterable, Iterator
from functools import cache

from . import object_cache

# NOTE: without resolving links: by these paths the modules are imported.
PACKAGE = os.path.dirname(os.path.dirname(__file__))
# A file that changed so shortly ago may change again without being listed otherwise.
SETTLED_NS = 2_000_000_000

# A file by its place in the package, when its content and when anything of it changed,
# its size, and its number.
Listed = tuple[str, int, int, int, int]


def digest(places: Iterable[str], *more: str) -> str:
    """Return a hash of files, by content and place in the package, and of texts.

    Args:
        places: files and folders with all subfolders, such as "lowering/native/link.py"
            and "runtime"; "" has all.
        more: the texts.
    """
    found = hashlib.sha256()
    contents, _ = _contents()
    for place in places:
        prefix = place if place.endswith(".py") or not place else f"{place}/"
        for path, content in contents.items():
            if path.startswith(prefix):
                found.update(f"{path}\0{content}\0".encode(errors="surrogateescape"))
    for text in more:
        found.update(b"\0" + text.encode())
    return found.hexdigest()


def changed() -> int:
    """Return when a source changed last, in ns, as of when they were read."""
    return _contents()[1]


@cache
def _contents() -> tuple[dict[str, str], int]:
    """Return digests of all files by their places, and when one changed last."""
    listed = list(_walk(PACKAGE))
    text = repr((PACKAGE, listed)).encode(errors="surrogateescape")
    name = f"sources-{hashlib.sha256(text).hexdigest()}"
    kept = object_cache.read(name)
    if kept is None:
        contents = {place: _content(place) for place, *_ in listed}
        # NOTE: afterwards, so that what changes while it is read is noticed, too.
        again = list(_walk(PACKAGE))
        settled = time.time_ns() - SETTLED_NS
        if again == listed and all(touched < settled for _, _, touched, *_ in listed):
            object_cache.write(name, json.dumps(contents).encode())
        listed = again
    else:
        contents = json.loads(kept)
    return contents, max(changed for _, changed, *_ in listed)


def _content(place: str) -> str:
    with open(os.path.join(PACKAGE, place), "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def _walk(folder: str, within: str = "") -> Iterator[Listed]:
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            place = within + entry.name
            if entry.name.endswith(".py"):
                found = entry.stat()
                times = found.st_mtime_ns, found.st_ctime_ns
                yield place, *times, found.st_size, found.st_ino
            elif entry.name != "__pycache__" and entry.is_dir():
                yield from _walk(entry.path, f"{place}/")
