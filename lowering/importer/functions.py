"""Calls: what a program does several times becomes one function of its own."""

from collections.abc import Sequence
from typing import Any

from jax.extend.core import Jaxpr
from xdsl.dialects import func
from xdsl.dialects.builtin import StringAttr
from xdsl.ir import Attribute, SSAValue

from qjit.lowering.jaxpr.dimensions import is_static
from qjit.lowering.jaxpr.nested import hashable, inner_jaxprs, weight

from .half_precision import is_small
from .importer import Importer
from .values import Buffer, Value, element_type, is_native, memref_type

# Equations that hold fewer than this are written out wherever they stand.
SMALLEST = 24
# Operations with an effect that a function may have, and what calls others.
GATES = ("quantum_gate", "quantum_unitary", "quantum_barrier", "quantum_delay")
CALLS = ("jit", "pjit", "closed_call", "core_call", "scan", "while", "cond")


def signature(eqn: Any) -> Any:
    """Return what equations that one function can stand for have in common."""
    params = [(name, hashable(value)) for name, value in eqn.params.items()]
    avals = [var.aval for var in (*eqn.invars, *eqn.outvars)]
    kinds = [(tuple(aval.shape), str(aval.dtype)) for aval in avals]
    return eqn.primitive.name, tuple(params), tuple(kinds)


def _is_callable(eqn: Any) -> bool:
    # Derivatives of circuits along directions become many equations, however small.
    if weight(eqn) < SMALLEST and not eqn.params.get("directions"):
        return False
    avals: list[Any] = [var.aval for var in (*eqn.invars, *eqn.outvars)]
    plain = all(
        hasattr(aval, "dtype")
        and is_native(aval.dtype)
        and not is_small(aval.dtype)
        and is_static(aval.shape)
        for aval in avals
    )
    return plain and _only_gates(eqn)


def _only_gates(eqn: Any) -> bool:
    """Tell whether an equation has no effects but that of gates."""
    if not eqn.effects or eqn.primitive.name in GATES:
        return True
    called = eqn.primitive.name in CALLS
    inner = [each for jaxpr in inner_jaxprs(eqn) for each in jaxpr.eqns]
    return bool(inner) and called and all(map(_only_gates, inner))


class OutlinedFunctions:
    """Which equations of a program are calls, and the functions made so far."""

    def __init__(self) -> None:
        self.counts: dict[Any, int] = {}
        self.names: dict[Any, str] = {}

    def count(self, jaxpr: Jaxpr) -> None:
        """Look for equations that are the same."""
        for eqn in jaxpr.eqns:
            known = False
            if _is_callable(eqn):
                key = signature(eqn)
                known = key in self.counts
                self.counts[key] = self.counts.get(key, 0) + 1
            for each in () if known else inner_jaxprs(eqn):
                self.count(each)

    def is_call(self, importer: Importer, eqn: Any) -> bool:
        """Tell whether an equation is one of several calls of the same."""
        repeated = any(count > 1 for count in self.counts.values())
        if not repeated or not _is_callable(eqn):
            return False
        state = importer.circuit_state
        if eqn.effects and (state is None or state.signature is None):
            return False
        return self.counts.get(signature(eqn), 0) > 1

    def call(
        self, importer: Importer, eqn: Any, inputs: Sequence[Value]
    ) -> list[Value]:
        """Call the function of an equation, which may have to be made."""
        state = importer.circuit_state if eqn.effects else None
        key = signature(eqn), state and state.signature
        if key not in self.names:
            name = f"{importer.name}_{len(self.names)}_{eqn.primitive.name}"
            self.names[key] = name
            define(importer, name, eqn)
        outs: list[Any] = [var.aval for var in eqn.outvars]
        args = [_argument(importer, value) for value in inputs]
        targets = [importer.allocate(aval.shape, aval.dtype) for aval in outs]
        if eqn.effects:
            importer.write_back()
        registers = importer.live_registers if eqn.effects else []
        types = [register.type for register in registers]
        op = func.CallOp(self.names[key], [*args, *targets, *registers], types)
        registers[:] = importer.insert(op).results
        importer.invalidate()
        pairs = zip(targets, outs, strict=True)
        return [importer.from_buffer(target, aval) for target, aval in pairs]


def _argument(importer: Importer, value: Value) -> SSAValue:
    """Return a scalar, or a buffer of the plain layout that functions take."""
    if not value.shape:
        return importer.scalar(value)
    buffer = importer.buffer(value)
    if buffer.type == memref_type(value.shape, value.dtype):
        return buffer
    target = importer.allocate(value.shape, value.dtype)
    importer.copy_into(value, target)
    return target


def define(importer: Importer, name: str, eqn: Any) -> None:
    """Make the function that does what an equation does."""
    avals: list[Any] = [var.aval for var in eqn.invars]
    outs: list[Any] = [var.aval for var in eqn.outvars]
    types: list[Attribute] = [
        memref_type(aval.shape, aval.dtype) if aval.shape else element_type(aval.dtype)
        for aval in avals
    ]
    types += [memref_type(aval.shape, aval.dtype) for aval in outs]
    passed = (
        [register.type for register in importer.live_registers] if eqn.effects else []
    )
    with importer.function(name, [*types, *passed], passed) as function:
        arguments: Sequence[SSAValue] = function.body.block.args
        inputs = [
            importer.from_buffer(argument, aval, Buffer(writable=False))
            if aval.shape
            else importer.from_scalar(argument, aval)
            for argument, aval in zip(arguments, avals, strict=False)
        ]
        with importer.entering(arguments[len(types) :]):
            outputs = importer.apply(eqn, inputs)
            targets = arguments[len(avals) : len(types)]
            for value, target in zip(outputs, targets, strict=True):
                importer.copy_into(value, target)
            importer.write_back()
            importer.insert(func.ReturnOp(*importer.live_registers))
    function.properties["sym_visibility"] = StringAttr("private")
    if passed and importer.circuit_state is not None:
        function.attributes.update(importer.circuit_state.attributes)
