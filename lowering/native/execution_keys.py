"""The call by which programs of XLA get the keys of circuit executions."""

from functools import cache

from llvmlite import ir

from qjit.runtime.library import generated_object

from .link import Code, load
from .xla_handler import (
    Cursor,
    api_function,
    api_version,
    begin_handler,
    buffers,
    half,
    pointer,
    word,
)

HANDLER = "qjit_execution_key"
# Words of the operand: a seed, whether there is one, and the place in the program.
SEED, HAS_SEED, SITE = range(3)
ARGUMENTS = {"size": word, "extension": pointer, "context": pointer, "run": word}


@cache
def run_key_target() -> str:
    """Return the target of XLA that takes three words, and returns a key of one.

    It has side effects: each execution has another key.
    """
    made_by = "lowering/native/execution_keys.py", "lowering/native/xla_handler.py"
    version = "-".join(map(str, api_version().values()))
    name = f"run-keys-{version}"
    image = generated_object(name, made_by, lambda: str(_module()))
    return load(Code((image,), HANDLER, HANDLER, ()), str)


def _module() -> ir.Module:
    module = ir.Module(HANDLER)
    cursor, frame = begin_handler(module, HANDLER)
    builder = cursor.builder
    (given,) = buffers(cursor, frame, "args", 1)
    (found,) = buffers(cursor, frame, "rets", 1)
    seed, has_seed, site = (
        builder.load(
            builder.gep(given, [ir.Constant(word, number)], source_etype=word),
            typ=word,
        )
        for number in (SEED, HAS_SEED, SITE)
    )
    run = _run_of(cursor, frame)
    counted = _function(module, "__qrt__run_key", 3)
    random = _function(module, "__qrt__entropy", 0)
    seeded = builder.icmp_unsigned("!=", has_seed, ir.Constant(word, 0))
    with builder.if_else(seeded) as (yes, no):
        with yes:
            builder.store(builder.call(counted, [run, site, seed]), found)
        with no:
            builder.store(builder.call(random, []), found)
    builder.ret(ir.Constant(pointer, None))
    return module


def _function(module: ir.Module, name: str, arguments: int) -> ir.Function:
    kind = ir.FunctionType(word, [word] * arguments)
    return ir.Function(module, kind, name)


def _run_of(cursor: Cursor, frame: ir.Value) -> ir.Value:
    """Return the number of the run of an XLA program that a call belongs to."""
    builder = cursor.builder
    kind = ir.LiteralStructType(list(ARGUMENTS.values()))
    arguments = builder.alloca(kind)
    context = cursor.load(frame, pointer, "Frame", "context")
    size = ir.Constant(word, 8 * len(ARGUMENTS))
    values = size, ir.Constant(pointer, None), context, ir.Constant(word, 0)
    places = [
        builder.gep(arguments, [ir.Constant(half, 0), ir.Constant(half, n)])
        for n in range(len(values))
    ]
    for value, place in zip(values, places, strict=True):
        builder.store(value, place)
    api = cursor.load(frame, pointer, "Frame", "api")
    first = cursor.address(api, "Api", "error_create")
    place = builder.gep(
        first, [ir.Constant(word, api_function("RunId_Get"))], source_etype=pointer
    )
    call = ir.FunctionType(pointer, [pointer])
    builder.call(builder.load(place, typ=call.as_pointer()), [arguments])
    return builder.load(places[-1], typ=word)
