"""Products of large matrices, by several threads that each make some of the columns.

OpenBLAS has threads of its own, but those wait for one another by spinning, and where
other work keeps a core busy a product takes tens of milliseconds longer. Threads that
share nothing cost at most what the cores they do not get would have done.
"""

from qjit.runtime.codegen.builder import I8, I32, I64, PTR, VOID, Body, Module, Value

from .blas import PREFIX, SPLIT

MOST_PARTS = 64
# Of the arguments of gemm: how many there are, and where some of them stand.
ARGUMENTS = 13
TRANSPOSED, ROWS, COLUMNS, SUMMED, B, LDB, C, LDC = 1, 2, 3, 4, 8, 9, 11, 12
# Parts make at least so many multiplications, which take longer than to begin a thread.
FEWEST = 1 << 23
# Parts have a multiple of so many columns, as the kernels of BLAS do.
TOGETHER = 8


def split_product(routine: str, size: int) -> str:
    """Return a function that splits a product among threads, as LLVM assembly.

    Args:
        routine: the name of the routine, such as dgemm.
        size: the bytes of an element.
    """
    module = Module(f"split_{routine}")
    worker = module.function(f"{SPLIT}{routine}_part", PTR, PTR, private=True)
    _call(worker, routine, worker.args[0])
    worker.finish(worker.null())
    body = module.function(f"{SPLIT}{routine}", VOID, PTR, I32)
    arguments, threads = body.args
    columns = _number(body, arguments, COLUMNS)
    plain = body.load(I8, body.load(PTR, arguments, TRANSPOSED)).eq(ord("N"))
    step = body.select(plain, _number(body, arguments, LDB) * size, size)
    steps = {B: step, C: _number(body, arguments, LDC) * size}
    work = _number(body, arguments, ROWS) * _number(body, arguments, SUMMED) * columns
    parts = body.convert(threads, I64)
    for most in (body.int(MOST_PARTS), work / FEWEST + 1):
        parts = body.select(parts < most, parts, most)
    each = ((columns + parts - 1) / parts + (TOGETHER - 1)) & -TOGETHER
    calls = body.stack(I64, MOST_PARTS * (ARGUMENTS + 1))
    begun, made = body.stack(I64, MOST_PARTS), body.var(0)
    with body.loop(parts) as number:
        start = number * each
        with body.when(start < columns):
            part = body.at(calls, number * (ARGUMENTS + 1), I64)
            _fill(body, part, arguments, start, steps)
            rest = columns - start
            count = body.select(rest < each, rest, each)
            own = body.at(part, ARGUMENTS, I64)
            body.store(body.convert(count, I32), own)
            body.store(own, part, COLUMNS)
            failed = body.var(1, I32)
            with body.when(start + each < columns):
                thread = body.at(begun, made.get(), I64)
                address = body.address(worker.name)
                nothing = body.null()
                failed.set(
                    body.call("pthread_create", I32, thread, nothing, address, part)
                )
            with body.when(failed.get().ne(0)):
                _call(body, routine, part)
            with body.when(failed.get().eq(0)):
                made.add(1)
    with body.loop(made.get()) as number:
        thread = body.load(I64, begun, number)
        body.call("pthread_join", I32, thread, body.null())
    body.finish()
    return module.text()


def _call(body: Body, routine: str, arguments: Value) -> None:
    pointers = [body.load(PTR, arguments, place) for place in range(ARGUMENTS)]
    body.call(PREFIX + routine, VOID, *pointers)


def _number(body: Body, arguments: Value, place: int) -> Value:
    return body.convert(body.load(I32, body.load(PTR, arguments, place)), I64)


def _fill(
    body: Body, part: Value, arguments: Value, start: Value, steps: dict[int, Value]
) -> None:
    """Copy the arguments of a product for the columns from a start on."""
    for place in range(ARGUMENTS):
        pointer = body.load(PTR, arguments, place)
        if place in steps:
            pointer = body.at(pointer, start * steps[place])
        body.store(pointer, part, place)
