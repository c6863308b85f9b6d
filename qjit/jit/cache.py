"""The folder in which compiled programs are kept between processes."""

from pathlib import Path

from qjit.runtime import object_cache


def directory() -> Path:
    """Return the folder in which object code is kept between processes.

    It is `~/.cache/qjit`, or what the environment variable `QJIT_CACHE_DIR` says. At
    most `QJIT_CACHE_SIZE` is kept there, 1 GiB when left out; 0 switches it off.

    Returns:
        The folder, which need not exist.

    >>> import os, pathlib, qjit as qj
    >>> chosen = os.environ.get("QJIT_CACHE_DIR") or pathlib.Path.home() / ".cache/qjit"
    >>> qj.cache.directory() == pathlib.Path(chosen)
    True
    """
    return object_cache.directory()


def clear() -> None:
    """Delete all object code that is kept between processes.

    Programs of this process stay as they are; later processes compile theirs again.

    >>> import qjit as qj
    >>> qj.cache.clear()  # doctest: +SKIP
    """
    object_cache.clear()
