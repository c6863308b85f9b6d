"""A clean end of the process while other threads compile or run programs.

When the interpreter shuts down, Python ends each daemon thread where it next takes the
interpreter's lock. Frames of JAX and of native code do not survive that. So threads in
native code stay there, and those that compile are asked to end before.
"""

import atexit
import ctypes
import math
import os
import sys
import threading
import time
from collections.abc import Container
from dataclasses import dataclass
from types import FrameType
from typing import Any

import jax
from llvmlite.binding import ffi

from qjit.lowering.jax_internals.tracing import compiler
from qjit.lowering.native.python_callbacks import hold_threads, release_threads
from qjit.runtime.sources import PACKAGE

# How long to wait, in seconds: for a compiler, which must not run while what it uses is
# taken down; for all else together; for a thread that stays at one place after it was
# asked; and until one is asked again that does not.
COMPILING, RUNNING, BLOCKED, AGAIN = 600.0, 10.0, 0.25, 0.5
# It may have been asked where exceptions are ignored, in a loop that is always seen at
# one place: only one that stays there once more is in code that is not Python's.
ENOUGH = 2
_SOURCES = (PACKAGE + os.sep, os.path.dirname(jax.__file__) + os.sep)
# Its objects are freed twice where an exception comes between freeing and noting that.
_LLVM = (os.path.dirname(ffi.__file__) + os.sep,)
_BEGINS = threading.Thread._bootstrap_inner.__code__  # pyright: ignore
_CALLS_LLVM = ffi.lib.LLVMPY_GetVersionInfo.__call__.__func__.__code__


@dataclass
class Watched:
    """A thread that is to end: where it is, and how often it was asked there."""

    place: tuple[int, int] = 0, 0
    asked: float = -math.inf
    times: int = 0

    def is_due(self, frame: FrameType) -> bool:
        """Tell whether it is time to ask the thread, perhaps again."""
        place = (id(frame), frame.f_lasti)
        if place != self.place:
            self.place, self.times = place, 0
        wait = BLOCKED if self.times else AGAIN
        return self.times < ENOUGH and time.monotonic() - self.asked >= wait

    def note(self) -> None:
        """Note that the thread was asked."""
        self.asked, self.times = time.monotonic(), self.times + 1

    @property
    def is_blocked(self) -> bool:
        """Whether the thread is in code that does not end soon."""
        return self.times >= ENOUGH and time.monotonic() - self.asked > BLOCKED


def leave() -> None:
    """Bring threads to where the interpreter may end."""
    hold_threads(0)
    threads: dict[int, Watched] = {}
    _say_nothing_of(threads)
    start = time.monotonic()
    while _ask(threads) and time.monotonic() < start + _patience():
        time.sleep(0.002)
    hold_threads(BLOCKED)


def _patience() -> float:
    """Return how long threads may take to end, in seconds."""
    return COMPILING if any(map(_compiles, _frames().values())) else RUNNING


def _compiles(frame: FrameType) -> bool:
    """Tell whether a thread is in native code of a compiler."""
    code = frame.f_code
    return code is _CALLS_LLVM or code.co_filename == compiler.__file__


def _ask(threads: dict[int, Watched]) -> bool:
    """Ask threads that run our code or JAX's to end; return whether some still may."""
    end = ctypes.pythonapi.PyThreadState_SetAsyncExc
    end.argtypes = [ctypes.c_ulong, ctypes.py_object]
    waits = False
    for thread, frame in _frames().items():
        if thread == threading.get_ident():
            continue
        if _is_in(frame, _SOURCES):
            watched = threads.setdefault(thread, Watched())
            unsafe = _starts_another(frame) or _is_in(frame, _LLVM)
            if watched.is_due(frame) and not unsafe:
                end(thread, SystemExit)
                watched.note()
            waits |= _compiles(frame) or not watched.is_blocked
        else:
            waits |= _compiles(frame) or _ends(frame)
    return waits


def _ends(frame: FrameType) -> bool:
    """Tell whether a thread has left its function, and drops what the frames held."""
    called: FrameType | None = None
    inner: FrameType | None = frame
    while inner is not None and inner.f_code is not _BEGINS:
        called, inner = inner, inner.f_back
    return inner is not None and (called is None or called.f_code.co_name != "run")


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


def _is_in(frame: FrameType | None, folders: tuple[str, ...]) -> bool:
    """Tell whether a thread runs code of some folders, or what that has called."""
    while frame is not None:
        if frame.f_code.co_filename.startswith(folders):
            return True
        frame = frame.f_back
    return False


def _say_nothing_of(threads: Container[int]) -> None:
    """Print no tracebacks of threads that were asked to end."""
    given, ignored = threading.excepthook, sys.unraisablehook

    def hook(args: Any) -> None:
        if args.thread is None or args.thread.ident not in threads:
            given(args)

    def ignoring(args: Any) -> None:
        asked = threading.get_ident() in threads
        if not (asked and issubclass(args.exc_type, SystemExit)):
            ignored(args)

    threading.excepthook, sys.unraisablehook = hook, ignoring


atexit.register(leave)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=release_threads)
