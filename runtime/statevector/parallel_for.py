"""Batches: a function is called for each of some numbers, spread over the threads.

Each worker has a workspace and a context of its own. The random numbers of an entry
depend on its number alone, and a batch fails as its lowest failing entry does.
"""

from __future__ import annotations

from qjit.runtime.abi.status import ALLOCATION_FAILED, INTERRUPTED
from qjit.runtime.codegen.builder import I64, PTR, VOID, Body, Module, Value
from qjit.runtime.system.thread_pool import MOST_THREADS, Shared

from .state import BASE, BATCH, COUNTER, ENTRY, EXECUTIONS, GOLDEN, PATH, SEED, mix_bits

# Words of a batch: what is called with what, the bytes of a workspace, the words that
# random numbers come from, the lowest entry that failed, and what asks for signals,
# after every how many entries.
RANDOM = (SEED, COUNTER, BASE, PATH, EXECUTIONS)  # words of a context
FUNCTION, ARGUMENTS, COUNT, SIZE, LOWEST, POLL, PERIOD, FIRST_RANDOM = range(8)
WORDS = FIRST_RANDOM + len(RANDOM)
# Words of a worker: its workspace and its context, and where and how it failed.
WORKSPACE, CONTEXT, FAILED, STATUS, WORKER_WORDS = range(5)
NEVER = 1 << 62


def parallel_for_module() -> str:
    """IR of the batches."""
    module = Module("qrt.batches")
    _begin(module)
    _stopped(module)
    _seed(module)
    _fail(module)
    _entries(module)
    _end(module)
    _for_each(module)
    return module.text()


def _worker(body: Body, batch: Value, number: Value) -> Value:
    """Where the words of a worker are: behind those of the batch."""
    return body.at(batch, number * WORKER_WORDS + WORDS, I64)


def _begin(module: Module) -> None:
    """Give a worker what it needs; 0 or a status."""
    body = module.function("begin", I64, PTR, PTR, private=True)
    batch, worker = body.args
    size = body.load(I64, batch, SIZE)
    with body.when((size > 0) & ~body.load(PTR, worker, WORKSPACE).ne_null()):
        memory = body.call("aligned_alloc", PTR, body.int(64), (size + 63) & -64)
        body.leave_if(~memory.ne_null(), ALLOCATION_FAILED)
        body.store(memory, worker, WORKSPACE)
    with body.when(~body.load(PTR, worker, CONTEXT).ne_null()):
        made = body.call("__qrt__context_new", PTR, body.int(0), body.int(1))
        body.store(batch, made, BATCH)
        body.store(made, worker, CONTEXT)
    body.finish(0)


def _stopped(module: Module) -> None:
    """Whether a worker's entry runs in vain, as one below failed: 0 or a status."""
    body = module.function("__qrt__stopped", I64, PTR)
    (context,) = body.args
    batch = body.load(PTR, context, BATCH)
    body.leave_if(~batch.ne_null(), 0)
    lowest = Shared(body, batch, LOWEST).get()
    vain = body.load(I64, context, ENTRY) > lowest
    body.finish(body.select(vain, INTERRUPTED, 0))


def _seed(module: Module) -> None:
    """Let a context be that of an entry, with random numbers of its own."""
    body = module.function("seed", VOID, PTR, PTR, I64, private=True)
    batch, context, number = body.args
    with body.when(body.load(PTR, context, BATCH).eq(batch)):
        body.store(number, context, ENTRY)
    base, path, executions = (_outer(body, batch, w) for w in (BASE, PATH, EXECUTIONS))
    place = mix_bits(path + (executions + 1) * GOLDEN) + (number + 1) * GOLDEN
    body.store(base, context, BASE)
    body.store(mix_bits(place), context, PATH)
    body.store(body.int(0), context, EXECUTIONS)
    body.store(mix_bits(base + place), context, SEED)
    body.store(body.int(0), context, COUNTER)
    body.finish()


def _outer(body: Body, batch: Value, word: int) -> Value:
    """A word of the context that the batch was begun with."""
    return body.load(I64, batch, FIRST_RANDOM + RANDOM.index(word))


def _fail(module: Module) -> None:
    """Take note of the lowest failure of a worker; an interrupt is lower than all."""
    body = module.function("fail", VOID, PTR, I64, I64, I64, private=True)
    batch, number, place, status = body.args
    worker = _worker(body, batch, number)
    interrupted = number.eq(0) & (status & 255).eq(INTERRUPTED)
    place = body.select(interrupted, -1, place)
    body.leave_if(place > Shared(body, batch, LOWEST).get())
    body.store(place, worker, FAILED)
    body.store(status, worker, STATUS)
    Shared(body, batch, LOWEST).lower(place)
    body.finish()


def _entries(module: Module) -> None:
    """Run some entries, up to one that fails or is above one that failed."""
    body = module.function("entries", VOID, PTR, I64, I64, I64, private=True)
    batch, first, last, number = body.args
    worker = _worker(body, batch, number)
    lowest = Shared(body, batch, LOWEST)
    body.leave_if(first > lowest.get())
    with body.when(number.ne(0)):
        missing = body.call("begin", I64, batch, worker)
        with body.when(missing.ne(0)):
            body.call("fail", VOID, batch, number, first, missing)
            body.exit()
    workspace = body.load(PTR, worker, WORKSPACE)
    context = body.load(PTR, worker, CONTEXT)
    arguments = body.load(PTR, batch, ARGUMENTS)
    function, poll = body.load(PTR, batch, FUNCTION), body.load(PTR, batch, POLL)
    until_poll = body.load(I64, batch, PERIOD) - 1
    polls = poll.ne_null() & number.eq(0)
    status = body.var(0)
    with body.loop(last, first) as place:
        body.leave_if(place > lowest.get())
        body.call("seed", VOID, batch, context, place)
        given = (arguments, place, workspace, context)
        status.set(body.call_pointer(function, I64, *given))
        due = polls & (place & until_poll).eq(until_poll)
        with body.when(status.get().eq(0) & due):
            found = body.call_pointer(poll, I64)
            stopped = body.call("__qrt__stopped", I64, context)
            status.set(found | stopped)
        with body.when(status.get().ne(0)):
            body.call("fail", VOID, batch, number, place, status.get())
            body.exit()
    body.finish()


def _end(module: Module) -> None:
    """Free what workers had; the status of the lowest entry that failed, or 0."""
    body = module.function("end", I64, PTR, I64, private=True)
    batch, workers = body.args
    lowest, status = body.var(NEVER), body.var(0)
    with body.loop(workers) as number:
        worker = _worker(body, batch, number)
        failed = body.load(I64, worker, FAILED)
        with body.when(failed < lowest.get()):
            lowest.set(failed)
            status.set(body.load(I64, worker, STATUS))
        context = body.load(PTR, worker, CONTEXT)
        with body.when(number.ne(0) & context.ne_null()):
            body.call("__qrt__context_free", VOID, context)
        with body.when(number.ne(0)):
            body.call("free", VOID, body.load(PTR, worker, WORKSPACE))
    body.finish(status.get())


def _for_each(module: Module) -> None:
    """Call a function for every number below a count."""
    types = (PTR, PTR, I64, I64, I64, I64, PTR, PTR, PTR, I64)
    body = module.function("__qrt__for_each", I64, *types)
    function, arguments, count, least, each, size, *rest = body.args
    workspace, context, poll, period = rest
    body.leave_if(count < 1, 0)
    batch = body.stack(I64, WORDS + MOST_THREADS * WORKER_WORDS)
    for word, value in ((FUNCTION, function), (ARGUMENTS, arguments), (POLL, poll)):
        body.store(value, batch, word)
    numbers = {COUNT: count, SIZE: size, PERIOD: period}
    numbers[LOWEST] = body.int(NEVER)
    for word, value in numbers.items():
        body.store(value, batch, word)
    workers = body.call("__qrt__workers", I64)
    alone = (count < least) | (count < each * workers)
    workers = body.select(alone, 1, workers)
    with body.loop(workers) as number:
        worker = _worker(body, batch, number)
        for word in (WORKSPACE, CONTEXT):
            body.store(body.null(), worker, word)
        body.store(body.int(NEVER), worker, FAILED)
    own = _worker(body, batch, body.int(0))
    body.store(workspace, own, WORKSPACE)
    body.store(context, own, CONTEXT)
    for place, word in enumerate(RANDOM, FIRST_RANDOM):
        body.store(body.load(I64, context, word), batch, place)
    with body.when(alone):
        body.call("entries", VOID, batch, body.int(0), count, body.int(0))
    with body.when(~alone):
        entries = body.address("entries")
        body.call("__qrt__parallel", VOID, entries, batch, count)
    status = body.call("end", I64, batch, workers)
    for word in RANDOM:
        body.store(_outer(body, batch, word), context, word)
    body.store(_outer(body, batch, EXECUTIONS) + 1, context, EXECUTIONS)
    body.finish(status)
