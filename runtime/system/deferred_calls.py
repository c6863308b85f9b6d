"""Functions of the runtime that are compiled and linked when they are first called.

A kernel leaves its schedule to the executor only where numbers are not fine, and on
small states nothing is composed: few programs come to such a call. They all are linked
to a stub in its place, which asks the linker once.
"""

from __future__ import annotations

from typing import NamedTuple

from qjit.runtime.codegen.builder import I64, PTR, VOID, Module, Type
from qjit.runtime.target.cpu import PRECISIONS

from .thread_pool import Shared


class Deferred(NamedTuple):
    """What a function returns and takes, and by which functions it surely is called."""

    result: Type
    args: tuple[Type, ...]
    callers: frozenset[str]


SCHEDULE = (PTR, PTR, I64, PTR, PTR)
DEFERRED = {
    f"__qrt__{name}_{each.suffix}": Deferred(
        result, args, frozenset(f"__qrt__{caller}_{each.suffix}" for caller in callers)
    )
    for each in PRECISIONS
    for name, result, args, *callers in (
        ("run_stages", I64, SCHEDULE, "run"),
        ("run_composed", I64, SCHEDULE, "run_large"),
        ("adjoint_stages", VOID, (PTR,) * 4, "run", "run_large"),
    )
}


def deferred_module(symbol: str) -> str:
    """IR of the stub of a function, which `__qjit__link` finds by its number.

    Where that fails, it returns a status, negated.
    """
    function, number = DEFERRED[symbol], list(DEFERRED).index(symbol)
    module = Module(f"qrt.deferred.{symbol}")
    module.variable("address", I64)
    body = module.function(symbol, function.result, *function.args)
    known = Shared(body, body.address("address"), 0)
    with body.when(known.get().eq(0)):
        found = body.call("__qjit__link", I64, body.int(number))
        with body.when(found < 0):
            if function.result is VOID:
                body.call("abort", VOID)
            body.exit(None if function.result is VOID else body.int(0) - found)
        known.set(found)
    address = body.to_pointer(known.get())
    result = body.call_pointer(address, function.result, *body.args)
    body.finish(None if function.result is VOID else result)
    return module.text()
