"""A clean end of the process while other threads compile or run programs.

When the interpreter shuts down, Python ends each daemon thread where it next takes the
interpreter's lock. Frames of JAX and of native code do not survive that. So threads in
native code stay there, and those that compile are asked to end before.
"""

import atexit
import ctypes
import os
import sys
import threading
import time
from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import llvmlite

from qjit.lowering.jax_internals.tracing import compiler
from qjit.lowering.native.python_callbacks import hold_threads, release_threads
from qjit.runtime.sources import PACKAGE

# How long to wait for a compiler, and for other code that is not Python's, in seconds.
COMPILING, BLOCKED = 10.0, 0.25
_SOURCES = PACKAGE + os.sep
_COMPILERS = (str(Path(llvmlite.__file__).parent), compiler.__file__)


@dataclass
class Watched:
    """A thread that is to end: whether it was asked, and since when it stands still."""

    place: tuple[int, int] = 0, 0
    since: float = 0.0
    asked: bool = False

    def is_blocked(self, frame: FrameType) -> bool:
        """Tell whether the thread is in code that does not end soon."""
        place, now = (id(frame), frame.f_lasti), time.monotonic()
        if place != self.place:
            self.place, self.since = place, now
        compiles = frame.f_code.co_filename.startswith(_COMPILERS)
        return now - self.since > (COMPILING if compiles else BLOCKED)


def leave() -> None:
    """Bring threads to where the interpreter may end."""
    hold_threads(0)
    threads: dict[int, Watched] = {}
    _say_nothing_of(threads)
    deadline = time.monotonic() + COMPILING
    while _ask(threads) and time.monotonic() < deadline:
        time.sleep(0.002)
    hold_threads(BLOCKED)


def _ask(threads: dict[int, Watched]) -> bool:
    """Ask threads that run our code to end; return whether some still may."""
    end = ctypes.pythonapi.PyThreadState_SetAsyncExc
    end.argtypes = [ctypes.c_ulong, ctypes.py_object]
    waits = False
    for thread, frame in _frames().items():
        if thread == threading.get_ident() or not _runs_ours(frame):
            continue
        watched = threads.setdefault(thread, Watched())
        if not watched.asked and not _starts_another(frame):
            end(thread, SystemExit)
            watched.asked = True
        waits |= not watched.is_blocked(frame)
    return waits


def _starts_another(frame: FrameType | None) -> bool:
    """Tell whether a thread waits for one that does not run yet.

    Until then Python knows both by the first one's number: the new one would end, and
    the first wait for good, with all locks that it has.
    """
    while frame is not None and frame.f_code.co_filename == threading.__file__:
        if frame.f_code is threading.Thread.start.__code__:
            return frame.f_locals["self"].ident is None
        frame = frame.f_back
    return False


def _frames() -> dict[int, FrameType]:
    """Return what each thread runs."""
    return sys._current_frames()  # pyright: ignore[reportPrivateUsage]


def _runs_ours(frame: FrameType | None) -> bool:
    """Tell whether a thread runs code of ours, or what that has called."""
    while frame is not None:
        if frame.f_code.co_filename.startswith(_SOURCES):
            return True
        frame = frame.f_back
    return False


def _say_nothing_of(threads: Container[int]) -> None:
    """Print no tracebacks of threads that were asked to end."""
    given = threading.excepthook

    def hook(args: Any) -> None:
        if args.thread is None or args.thread.ident not in threads:
            given(args)

    threading.excepthook = hook


atexit.register(leave)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=release_threads)
