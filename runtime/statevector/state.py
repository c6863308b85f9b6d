"""Contexts, states and tapes, and the memory that they have."""

from __future__ import annotations

import sys

from qjit.runtime.codegen.builder import (
    F64,
    I32,
    I64,
    PTR,
    VOID,
    Body,
    Module,
    Value,
    array,
)
from qjit.runtime.codegen.simd_blocks import Blocks
from qjit.runtime.target.cpu import Precision

# A context holds its stream of random numbers (seed and counter), the lists of what it
# owns, of which batch it runs which entry, if it is a worker's, small states that are
# free again, what `execution_keys` makes the keys of circuit executions from, and the
# list of devices, each of which begins with the words below.
SEED, COUNTER, STATES, TAPE, PATH_TREES, BATCH, ENTRY, SPARE = range(8)
BASE, PATH, EXECUTIONS, DEVICES, CONTEXT_WORDS = range(8, 13)
LATER, EARLIER, DESTROY, DEVICE = range(4)
# A state is a header, in words, and then its blocks. While it is SKIPPED, operations
# on it do nothing: it is already as a later one left it.
QUBITS, BLOCKS, PREVIOUS, NEXT, BYTES, SKIPPED = range(6)
HEADER_BYTES = 128
POOL_SLOTS = 4
POOL_FROM, POOL_TO = 1 << 16, (1 << 28) + HEADER_BYTES  # states up to 256 MiB
HUGE_PAGE = 1 << 21
MADV_HUGEPAGE = 14
GOLDEN = -0x61C8864680B583EB  # 2^64 / golden ratio, as a signed word


def qubits(body: Body, state: Value) -> Value:
    """A state's number of qubits."""
    return body.load(I64, state, QUBITS)


def block_count(body: Body, state: Value) -> Value:
    """A state's number of blocks."""
    return body.load(I64, state, BLOCKS)


def data(body: Body, state: Value) -> Value:
    """A state's first block."""
    return body.at(state, HEADER_BYTES)


def is_skipped(body: Body, state: Value) -> Value:
    """Whether operations on a state are to do nothing."""
    return body.load(I64, state, SKIPPED).ne(0)


def allocate(body: Body, size: Value) -> Value:
    """Uninitialised memory, aligned for registers."""
    rounded = (size + 127) & -128
    return body.call("aligned_alloc", PTR, body.int(128), rounded)


def allocate_zeroed(body: Body, size: Value) -> Value:
    """Zeroed memory, aligned for registers."""
    memory = allocate(body, size)
    body.call("memset", PTR, memory, body.coerce(0, I32), size)
    return memory


def release(body: Body, memory: Value) -> None:
    """Give memory back."""
    body.call("free", VOID, memory)


def use_huge_pages(body: Body, memory: Value, size: Value) -> None:
    """Ask for huge pages where memory has whole ones."""
    if sys.platform != "linux":
        return
    address = body.to_word(memory)
    first = (address + (HUGE_PAGE - 1)) & -HUGE_PAGE
    whole = ((address + size) & -HUGE_PAGE) - first
    with body.when(whole > 0):
        place = body.to_pointer(first)
        body.call("madvise", I32, place, whole, body.coerce(MADV_HUGEPAGE, I32))


def context_module() -> str:
    """IR of everything that does not depend on the precision."""
    module = Module("qrt.context")
    _entropy(module)
    _context_new(module)
    _tape_clear(module)
    _context_free(module)
    _context_seed(module)
    _random(module)
    _pool(module)
    _tape_new(module)
    return module.text()


def mix_bits(x: Value) -> Value:
    """The output function of splitmix64."""
    x = (x ^ (x >> 30)) * -0x40A7B892E31B1A47
    x = (x ^ (x >> 27)) * -0x6B2FB644ECCEEE15
    return x ^ (x >> 31)


def _entropy(module: Module) -> None:
    base = module.variable("entropy_base", I64, 0)
    counter = module.variable("entropy_counter", I64, 0)
    body = module.function("__qrt__entropy", I64)
    place = body.address(base)
    with body.when(body.load(I64, place).eq(0)):
        fresh = body.stack(I64)
        body.call("getentropy", I32, fresh, body.int(8))
        body.store(body.load(I64, fresh) | 1, place)
    count = body.address(counter)
    number = body.atomic("add", count, body.int(1), "monotonic")
    body.finish(mix_bits(body.load(I64, place) + number * GOLDEN))


def _context_new(module: Module) -> None:
    body = module.function("__qrt__context_new", PTR, I64, I64)
    seed, has_seed = body.args
    chosen = body.var(seed)
    with body.when(has_seed.eq(0)):
        chosen.set(body.call("__qrt__entropy", I64))
    context = body.call("malloc", PTR, body.int(8 * CONTEXT_WORDS))
    base = mix_bits(chosen.get() + GOLDEN)
    for word in (SEED, BASE):
        body.store(base, context, word)
    for word in (COUNTER, PATH, EXECUTIONS):
        body.store(body.int(0), context, word)
    for word in (STATES, TAPE, PATH_TREES, BATCH, SPARE, DEVICES):
        body.store(body.null(), context, word)
    body.finish(context)


def _context_seed(module: Module) -> None:
    """Begin the stream of random numbers of a key."""
    body = module.function("__qrt__context_seed", VOID, PTR, I64)
    context, key = body.args
    body.store(mix_bits(key + GOLDEN), context, SEED)
    body.store(body.int(0), context, COUNTER)
    body.finish()


def _context_free(module: Module) -> None:
    body = module.function("__qrt__context_free", VOID, PTR)
    (context,) = body.args
    for word in (STATES, SPARE):
        state = body.var(body.load(PTR, context, word))
        with body.repeat_while(lambda state=state: state.get().ne_null()):
            following = body.load(PTR, state.get(), NEXT)
            body.call("__qrt__memory_free", VOID, state.get())
            state.set(following)
    tape = body.load(PTR, context, TAPE)
    with body.when(tape.ne_null()):
        body.call("__qrt__tape_clear", VOID, tape)
        release(body, tape)
    tree = body.var(body.load(PTR, context, PATH_TREES))
    with body.repeat_while(lambda: tree.get().ne_null()):
        following = body.load(PTR, tree.get())
        release(body, body.load(PTR, tree.get(), 1))
        release(body, tree.get())
        tree.set(following)
    device = body.var(body.load(PTR, context, DEVICES))
    with body.repeat_while(lambda: device.get().ne_null()):
        following = body.load(PTR, device.get(), LATER)
        destroy = body.load(PTR, device.get(), DESTROY)
        body.call_pointer(destroy, I64, device.get())
        release(body, device.get())
        device.set(following)
    release(body, context)
    body.finish()


def _random(module: Module) -> None:
    """A uniform double in [0, 1): a hash of seed and counter."""
    body = module.function("__qrt__random", F64, PTR)
    (context,) = body.args
    count = body.load(I64, context, COUNTER) + 1
    body.store(count, context, COUNTER)
    bits = mix_bits(body.load(I64, context, SEED) + count * GOLDEN)
    body.finish(body.convert(bits >> 11, F64) * 2.0**-53)


def _tape_clear(module: Module) -> None:
    """Forget the records of a tape, which are a list, the newest first."""
    body = module.function("__qrt__tape_clear", VOID, PTR)
    (tape,) = body.args
    record = body.var(body.load(PTR, tape))
    with body.repeat_while(lambda: record.get().ne_null()):
        earlier = body.load(PTR, record.get())
        release(body, record.get())
        record.set(earlier)
    body.store(body.null(), tape)
    body.finish()


def _tape_new(module: Module) -> None:
    """The context's tape, empty: no two circuits are recorded at once."""
    body = module.function("__qrt__tape_new", PTR, PTR)
    (context,) = body.args
    known = body.load(PTR, context, TAPE)
    with body.when(known.ne_null()):
        body.call("__qrt__tape_clear", VOID, known)
        body.exit(known)
    tape = body.call("malloc", PTR, body.int(8))
    body.store(body.null(), tape)
    body.store(tape, context, TAPE)
    body.finish(tape)


def _pool(module: Module) -> None:
    """State memory; a few big blocks are kept, so that their pages stay mapped."""
    slots = module.variable("pool", array(I64, POOL_SLOTS), [0] * POOL_SLOTS)

    def slot(body: Body, number: Value) -> Value:
        return body.at(body.address(slots), number, I64)

    def exchange(body: Body, place: Value, word: Value) -> Value:
        return body.atomic("xchg", place, word, "acq_rel")

    body = module.function("__qrt__memory_free", VOID, PTR)
    (memory,) = body.args
    size = body.load(I64, memory, BYTES)
    leaving = body.var(body.to_word(memory))
    pooled = (size >= POOL_FROM) & (size <= POOL_TO)
    with (
        body.when(pooled),
        body.loop(POOL_SLOTS) as i,
        body.when(leaving.get().ne(0)),
    ):
        leaving.set(exchange(body, slot(body, i), leaving.get()))
    release(body, body.to_pointer(leaving.get()))
    body.finish()

    body = module.function("__qrt__memory_new", PTR, I64)
    (size,) = body.args
    with body.when((size >= POOL_FROM) & (size <= POOL_TO)), body.loop(POOL_SLOTS) as i:
        found = exchange(body, slot(body, i), body.int(0))
        memory = body.to_pointer(found)
        with body.when(found.ne(0)):
            body.leave_if(body.load(I64, memory, BYTES).eq(size), memory)
            release(body, memory)
    huge = size >= HUGE_PAGE
    align = body.select(huge, HUGE_PAGE, 128)
    rounded = (size + align - 1) & -align
    memory = body.call("aligned_alloc", PTR, align, rounded)
    body.leave_if(~memory.ne_null(), body.null())
    use_huge_pages(body, memory, rounded)
    body.store(size, memory, BYTES)
    body.finish(memory)


def module(precision: Precision) -> str:
    """IR of the allocation of states for one precision."""
    result = Module(f"qrt.state.{precision.suffix}")
    _state_raw(result, precision)
    _state_new(result, precision)
    _state_free(result, precision)
    return result.text()


def _state_raw(module: Module, precision: Precision) -> None:
    """A state of n qubits with unset amplitudes, listed in its context."""
    body = module.function(f"__qrt__state_raw_{precision.suffix}", PTR, PTR, I64)
    context, n = body.args
    body.leave_if(n > 48, body.null())
    spare = n - precision.lane_bits
    blocks = body.int(1) << body.select(spare > 0, spare, 0)
    size = (blocks << precision.block_shift) + HEADER_BYTES
    kept = body.load(PTR, context, SPARE)
    state = body.var(kept)
    with body.when(kept.ne_null()):
        body.store(body.load(PTR, kept, NEXT), context, SPARE)
        with body.when(body.load(I64, kept, BYTES).ne(size)):
            body.call("__qrt__memory_free", VOID, kept)
            state.set(body.null())
    with body.when(~state.get().ne_null()):
        state.set(body.call("__qrt__memory_new", PTR, size))
    state = state.get()
    body.leave_if(~state.ne_null(), body.null())
    following = body.load(PTR, context, STATES)
    body.store(n, state, QUBITS)
    body.store(blocks, state, BLOCKS)
    body.store(body.int(0), state, SKIPPED)
    body.store(body.null(), state, PREVIOUS)
    body.store(following, state, NEXT)
    with body.when(following.ne_null()):
        body.store(state, following, PREVIOUS)
    body.store(state, context, STATES)
    body.finish(state)


def _state_new(module: Module, precision: Precision) -> None:
    suffix = precision.suffix
    body = module.function(f"__qrt__state_new_{suffix}", PTR, PTR, I64)
    state = body.call(f"__qrt__state_raw_{suffix}", PTR, *body.args)
    body.leave_if(~state.ne_null(), body.null())
    body.call(f"__qrt__state_zero_{suffix}", VOID, state)
    body.store(body.coerce(1.0, Blocks(body, precision).element), data(body, state))
    body.finish(state)


def _state_free(module: Module, precision: Precision) -> None:
    body = module.function(f"__qrt__state_free_{precision.suffix}", VOID, PTR, PTR)
    context, state = body.args
    previous, following = body.load(PTR, state, PREVIOUS), body.load(PTR, state, NEXT)
    with body.when(previous.ne_null()):
        body.store(following, previous, NEXT)
    with body.when(~previous.ne_null()):
        body.store(following, context, STATES)
    with body.when(following.ne_null()):
        body.store(previous, following, PREVIOUS)
    with body.when(body.load(I64, state, BYTES) < POOL_FROM):
        body.store(body.load(PTR, context, SPARE), state, NEXT)
        body.store(state, context, SPARE)
        body.exit()
    body.call("__qrt__memory_free", VOID, state)
    body.finish()
