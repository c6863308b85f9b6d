"""Keys of circuit executions: which stream of random numbers each of them draws from.

A key is a hash of a seed, of a place in the program (its path: which entries of which
batches) and of how many executions there were at that place. So executions of one call
draw independently, and the same call again gives the same, on any number of threads.

XLA tells its custom calls which run of a program they belong to, but not which
iteration of a loop. Executions are counted there, for each run and place in the
program.
"""

from __future__ import annotations

from qjit.runtime.codegen.builder import I64, PTR, Body, Module, Value, array
from qjit.runtime.system.thread_pool import Shared

from .state import BASE, EXECUTIONS, GOLDEN, PATH, mix_bits

# A table of counters: some for each hash, of which the one not used for longest gives
# way. Words of a counter: of which run and site, how many, and when it was last used.
SETS, WAYS = 256, 8
RUN, SITE, COUNT, USED, COUNTER_WORDS = range(5)


def execution_keys_module() -> str:
    """IR of the keys."""
    module = Module("qrt.execution_keys")
    _execution_key(module)
    _run_key(module)
    return module.text()


def _key(base: Value, path: Value, number: Value) -> Value:
    return mix_bits(mix_bits(base + path) + (number + 1) * GOLDEN)


def _execution_key(module: Module) -> None:
    body = module.function("__qrt__execution_key", I64, PTR, I64, I64)
    context, seed, has_seed = body.args
    own = body.load(I64, context, BASE)
    base = body.select(has_seed.ne(0), mix_bits(seed + GOLDEN), own)
    number = body.load(I64, context, EXECUTIONS)
    body.store(number + 1, context, EXECUTIONS)
    body.finish(_key(base, body.load(I64, context, PATH), number))


def _run_key(module: Module) -> None:
    """Under a lock, because programs run side by side."""
    size = SETS * WAYS * COUNTER_WORDS
    table = module.variable("counters", array(I64, size), [0] * size)
    clock = module.variable("clock", I64, 0)
    lock = module.variable("lock", I64, 0)
    body = module.function("__qrt__run_key", I64, I64, I64, I64)
    run, site, seed = body.args
    held = Shared(body, body.address(lock), 0)
    with body.repeat_while(lambda: ~held.claim()):
        pass
    number = _counted(body, body.address(table), body.address(clock), run, site)
    held.set(0)
    base = mix_bits(seed + GOLDEN)
    body.finish(_key(base, site * GOLDEN, number))


def _counted(body: Body, table: Value, clock: Value, run: Value, site: Value) -> Value:
    """How often this was asked before for a run and a site."""
    now = body.load(I64, clock) + 1
    body.store(now, clock)
    chosen = mix_bits(run * GOLDEN + site) & (SETS - 1)
    first = body.at(table, chosen * (WAYS * COUNTER_WORDS), I64)
    place, oldest = body.var(0), body.var(now)
    with body.loop(body.int(WAYS)) as way:
        counter = body.at(first, way * COUNTER_WORDS, I64)
        used = body.load(I64, counter, USED)
        known = body.load(I64, counter, RUN).eq(run)
        known = known & body.load(I64, counter, SITE).eq(site) & (used > 0)
        age = body.select(known, -1, used)
        with body.when(age < oldest.get()):
            oldest.set(age)
            place.set(way)
    counter = body.at(first, place.get() * COUNTER_WORDS, I64)
    fresh = oldest.get() >= 0
    number = body.select(fresh, 0, body.load(I64, counter, COUNT))
    for word, value in ((RUN, run), (SITE, site), (COUNT, number + 1), (USED, now)):
        body.store(value, counter, word)
    return number
