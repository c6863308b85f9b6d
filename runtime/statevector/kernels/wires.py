"""The wires that an operation is given, as bits of basis indices."""

from __future__ import annotations

from qjit.runtime.abi.status import WIRE_RANGE, WIRE_REPEATED
from qjit.runtime.codegen.builder import I32, I64, PTR, Body, Module, Value
from qjit.runtime.target.cpu import Precision

MAX_WIRES = 64


def module(precision: Precision) -> str:
    """IR of what reads wires."""
    result = Module(f"qrt.wires.{precision.suffix}")
    _wire_bits(result, precision)
    return result.text()


def _wire_bits(module: Module, precision: Precision) -> None:
    """Basis-index bits of wires; 0 or an error code."""
    name = f"__qrt__wire_bits_{precision.suffix}"
    body = module.function(name, I64, I64, I64, PTR, PTR)
    n, count, wires, out = body.args
    taken = body.var(0)
    body.leave_if(count > n, WIRE_REPEATED)
    with body.loop(count) as number:
        wire = body.convert(body.load(I32, wires, number), I64)
        body.leave_if((wire < 0) | (wire >= n), WIRE_RANGE)
        bit = body.int(1) << wire
        body.leave_if((taken.get() & bit).ne(0), WIRE_REPEATED)
        taken.set(taken.get() | bit)
        body.store(n - 1 - wire, out, number)
    body.finish(0)


def find_bits(
    body: Body, precision: Precision, n: Value, k: Value, wires: Value
) -> Value:
    """Bits of wires, having left with an error code where a wire is not usable."""
    bits = body.stack(I64, MAX_WIRES)
    name = f"__qrt__wire_bits_{precision.suffix}"
    status = body.call(name, I64, n, k, wires, bits)
    body.leave_if(status.ne(0), status)
    return bits
