"""Python's cyclic garbage collector waits while programs are traced and compiled.

They are made of very many objects, all of which live on: looking through them again
and again finds nothing, and takes a third of the time of a long program.
"""

import gc
import threading
from collections.abc import Generator
from contextlib import contextmanager

_lock = threading.Lock()
_compiling = 0  # how many programs are, in any thread
_was_enabled = False


@contextmanager
def waiting_collector() -> Generator[None]:
    """Let the collector wait, if it is on, until the last program is compiled."""
    global _compiling, _was_enabled
    with _lock:
        if not _compiling:
            _was_enabled = gc.isenabled()
            gc.disable()
        _compiling += 1
    try:
        yield
    finally:
        with _lock:
            _compiling -= 1
            if not _compiling and _was_enabled:
                gc.enable()
