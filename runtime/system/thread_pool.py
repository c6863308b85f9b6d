"""One pool of threads, over which the chunks of a region of code are spread.

A region is a function of a context, a range of chunks and the number of the worker that
runs them. Which worker runs which chunks is left to chance, so chunks do not depend
on it; what they sum up is summed per chunk, and then in the order of the chunks. A
region that finds the pool at work runs on the thread it was called from.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import NamedTuple

from qjit.runtime.codegen.builder import (
    I32,
    I64,
    PTR,
    VOID,
    Body,
    Module,
    Operand,
    Value,
    array,
)

# Words of the pool: whether a region is running, the number of threads wanted and of
# workers started, the number of regions so far, and of a region its function, context,
# chunks, next chunk, whether workers may still join it, and how many are in it.
BUSY, WANTED, STARTED, REGION, FUNCTION, CONTEXT, COUNT, NEXT, OPEN, INSIDE = range(10)
MUTEX, WAKE = 16, 48  # where the lock and the signal are, in words
POOL, POOL_WORDS = "pool", 80
SHARES = 4  # a worker takes so much of what each has left, or one chunk
SPINS = 20_000  # looks for a new region before a worker sleeps
PATIENCE = 200  # looks for the end of a region before the processor is offered
MOST_THREADS = 256
BLOCK_SIGNALS, SET_SIGNALS = (1, 3) if sys.platform == "darwin" else (0, 2)


@cache
def thread_count() -> int:
    """How many threads regions are spread over.

    The environment variable QJIT_NUM_THREADS, or else the processors that this process
    may use.
    """
    text = os.environ.get("QJIT_NUM_THREADS", "").strip()
    if text.isdecimal() and 1 <= int(text) <= MOST_THREADS:
        return int(text)
    there = _processors()
    if text:
        warnings.warn(
            f"QJIT_NUM_THREADS is {text!r}, which is no number of threads, so {there} "
            f"are used. Give a number from 1 to {MOST_THREADS}.",
            stacklevel=2,
        )
    return there


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return min(len(os.sched_getaffinity(0)), MOST_THREADS)
    return min(os.cpu_count() or 1, MOST_THREADS)


class Region(NamedTuple):
    """Inside of a region: its body, what it was given, its chunks and its worker."""

    body: Body
    given: list[Value]
    first: Value
    last: Value
    worker: Value


@contextmanager
def parallel(
    body: Body, module: Module, name: str, count: Operand, given: Sequence[Value]
) -> Generator[Region]:
    """Code that runs for all chunks below `count`, spread over the threads.

    It stands in a function of its own, to which the values given are brought along.
    """
    context = body.stack(I64, len(given))
    for place, value in enumerate(given):
        body.store(value, body.at(context, place, I64))
    inner = module.function(name, VOID, PTR, I64, I64, I64, private=True)
    there, first, last, worker = inner.args
    brought = [
        inner.load(value.type, inner.at(there, place, I64))
        for place, value in enumerate(given)
    ]
    yield Region(inner, brought, first, last, worker)
    inner.finish()
    function = body.address(inner.name)
    body.call("__qrt__parallel", VOID, function, context, body.coerce(count, I64))


def thread_pool_module() -> str:
    """IR of the pool."""
    module = Module("qrt.threads")
    module.variable(POOL, array(I64, POOL_WORDS), align=64)
    _set_threads(module)
    _workers(module)
    _take(module)
    _work(module)
    _start(module)
    _parallel(module)
    return module.text()


class Shared:
    """A word of the pool, or of other memory, as all threads see it."""

    def __init__(self, body: Body, pool: Value, word: int) -> None:
        self.body = body
        self.place = body.at(pool, word, I64)

    def get(self) -> Value:
        """What it is now."""
        return self.body.emit(
            I64, f"load atomic i64, ptr {self.place.text} seq_cst, align 8"
        )

    def set(self, value: Operand) -> None:
        """Let it be something else."""
        self._change("xchg", value)

    def add(self, value: Operand) -> Value:
        """Add to it; what it was."""
        return self._change("add", value)

    def lower(self, value: Value) -> None:
        """Let it be at most a value."""
        self._change("min", value)

    def claim(self) -> Value:
        """Make a 0 a 1; whether it was a 0."""
        return self._change("xchg", 1).eq(0)

    def _change(self, operation: str, value: Operand) -> Value:
        word = self.body.coerce(value, I64)
        return self.body.atomic(operation, self.place, word, "seq_cst")


def _word(body: Body, word: int) -> Shared:
    return Shared(body, body.address(POOL), word)


def _set_threads(module: Module) -> None:
    """Say how many threads there may be, of a process that has not started any."""
    body = module.function("__qrt__set_threads", VOID, I64)
    (count,) = body.args
    fresh = dict.fromkeys((BUSY, STARTED, OPEN, INSIDE), 0)
    for word, value in {**fresh, WANTED: count}.items():
        _word(body, word).set(value)
    body.finish()


def _workers(module: Module) -> None:
    """How many workers a region may have."""
    body = module.function("__qrt__workers", I64)
    wanted = _word(body, WANTED).get()
    body.finish(body.select(wanted < 1, 1, wanted))


def _take(module: Module) -> None:
    """Run chunks of the region until none is left."""
    body = module.function("take", VOID, I64, private=True)
    (worker,) = body.args
    function = _word(body, FUNCTION).get()
    context = _word(body, CONTEXT).get()
    count, following = _word(body, COUNT).get(), _word(body, NEXT)
    parts = _word(body, WANTED).get() * SHARES
    callee = body.to_pointer(function)
    place = body.to_pointer(context)
    first, share = body.var(0), body.var(0)

    def some() -> Value:
        # Others may take theirs in between: any share will do.
        left = (count - following.get()) / parts
        share.set(body.select(left < 1, 1, left))
        first.set(following.add(share.get()))
        return first.get() < count

    with body.repeat_while(some):
        last = first.get() + share.get()
        last = body.select(last < count, last, count)
        body.call_pointer(callee, VOID, place, first.get(), last, worker)
    body.finish()


def _work(module: Module) -> None:
    """What a worker does: wait for a region and run chunks of it, if some are left."""
    body = module.function("work", PTR, PTR, private=True)
    number = body.to_word(body.args[0])
    region, open_ = _word(body, REGION), _word(body, OPEN)
    inside = _word(body, INSIDE)
    lock, wake = (body.at(body.address(POOL), word, I64) for word in (MUTEX, WAKE))
    # Worker n begins with the region after the one in which it was started.
    seen, spins = body.var(region.get() - 1), body.var(0)
    with body.repeat_while(lambda: body.int(0).eq(0)):
        spins.set(0)

        def waits() -> Value:
            return region.get().eq(seen.get()) & (spins.get() < SPINS)

        with body.repeat_while(waits):
            spins.add(1)
        with body.when(region.get().eq(seen.get())):
            body.call("pthread_mutex_lock", I32, lock)
            with body.repeat_while(lambda: region.get().eq(seen.get())):
                body.call("pthread_cond_wait", I32, wake, lock)
            body.call("pthread_mutex_unlock", I32, lock)
        seen.set(region.get())
        # NOTE: in this order, either the worker sees that the region is over, or the
        # region sees that the worker is inside.
        inside.add(1)
        with body.when(open_.get().ne(0)):
            body.call("take", VOID, number)
        inside.add(-1)
    body.finish(body.null())


def _start(module: Module) -> None:
    """Start the workers that are missing."""
    body = module.function("start", VOID, private=True)
    lock, wake = (body.at(body.address(POOL), word, I64) for word in (MUTEX, WAKE))
    started, wanted = _word(body, STARTED), _word(body, WANTED)
    with body.when(started.get() >= wanted.get() - 1):
        body.exit()
    with body.when(started.get().eq(0)):
        body.call("pthread_mutex_init", I32, lock, body.null())
        body.call("pthread_cond_init", I32, wake, body.null())
    every, old, thread = body.stack(I64, 16), body.stack(I64, 16), body.stack(I64)
    body.call("sigfillset", I32, every)
    body.call("pthread_sigmask", I32, body.coerce(BLOCK_SIGNALS, I32), every, old)
    failed = body.var(0)
    entry = body.address("work")

    def missing() -> Value:
        return failed.get().eq(0) & (started.get() < wanted.get() - 1)

    with body.repeat_while(missing):
        number = started.get() + 1
        place = body.to_pointer(number)
        status = body.call("pthread_create", I32, thread, body.null(), entry, place)
        with body.when(status.eq(0)):
            body.call("pthread_detach", I32, body.load(I64, thread))
            started.add(1)
        with body.when(status.ne(0)):
            failed.set(1)
    set_mask = body.coerce(SET_SIGNALS, I32)
    body.call("pthread_sigmask", I32, set_mask, old, body.null())
    body.finish()


def _parallel(module: Module) -> None:
    """Run a region; it waits for the workers that joined, but not for sleeping ones."""
    body = module.function("__qrt__parallel", VOID, PTR, PTR, I64)
    function, context, count = body.args
    shared = [_word(body, word) for word in range(INSIDE + 1)]
    alone = (context, body.int(0), count, body.int(0))
    with body.when((count < 2) | (shared[WANTED].get() < 2)):
        body.call_pointer(function, VOID, *alone)
        body.exit()
    with body.when(~shared[BUSY].claim()):
        body.call_pointer(function, VOID, *alone)
        body.exit()
    for word, value in ((FUNCTION, function), (CONTEXT, context)):
        number = body.to_word(value)
        shared[word].set(number)
    for word, value in ((COUNT, count), (NEXT, body.int(0)), (OPEN, body.int(1))):
        shared[word].set(value)
    lock, wake = (body.at(body.address(POOL), word, I64) for word in (MUTEX, WAKE))
    with body.when(shared[STARTED].get().ne(0)):
        body.call("pthread_mutex_lock", I32, lock)
    shared[REGION].add(1)
    with body.when(shared[STARTED].get().ne(0)):
        body.call("pthread_cond_broadcast", I32, wake)
        body.call("pthread_mutex_unlock", I32, lock)
    body.call("start", VOID)
    body.call("take", VOID, body.int(0))
    shared[OPEN].set(0)
    looks = body.var(0)
    with body.repeat_while(lambda: shared[INSIDE].get().ne(0)):
        looks.add(1)
        with body.when(looks.get() > PATIENCE):
            body.call("sched_yield", I32)
    shared[BUSY].set(0)
    body.finish()
