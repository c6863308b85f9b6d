"""Circuits that run once more: what is repeated of a program, and what cannot be."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects import memref
from xdsl.dialects.func import CallOp
from xdsl.ir import Operation, SSAValue

from qjit.dialects.quantum import MeasureOp, ResetOp
from qjit.lowering.analysis.memory_accesses import (
    AccessesOf,
    ancestor_in,
    uses_of,
)
from qjit.lowering.passes.pipeline import PassError

from .classical_code import Code
from .final_measurements import MEASUREMENTS, FinalMeasurements, is_quantum

ONE_RUN = (
    "outcomes on the way belong to one run of a circuit, and observables that are "
    "measured in several runs would not share them. Measure what commutes, or in two "
    "quantum functions."
)


def to_repeat(found: FinalMeasurements, accesses: AccessesOf) -> list[Operation]:
    """Return the operations that make the state of a circuit once more.

    They are those on qubits, and those that write what these read, where it changes
    while the circuit runs.

    Raises:
        PassError: for circuits that measure on the way, and for arrays that come
            changed out of a circuit.
    """
    needed = [op for op in found.before if _makes_state(op)]
    for op in needed:
        check_unmeasured(found, op, accesses, ONE_RUN)
    while more := _writers(found, set(needed), accesses):
        more |= set(needed)
        needed = [op for op in found.before if op in more]
    for op in needed:
        own = accesses(op)
        if not own.known or not all(_is_own(found, each) for each in own.writes):
            raise PassError(
                f"{found.place(op)}: a circuit changes arrays, or calls Python, while "
                "it runs, so that it does not run a second time. Compute these before "
                "the quantum function."
            )
    return needed


def check_unchanged(
    found: FinalMeasurements,
    ops: Sequence[Operation],
    between: Operation | None,
    accesses: AccessesOf,
) -> None:
    """Refuse to repeat a circuit for gradients where its arrays are changed before.

    They may be by what stands between an operation and the gradients.

    Raises:
        PassError: if they are.
    """
    read = frozenset(buffer for op in ops for buffer in accesses(op).reads)
    while between is not None and between is not found.last[0]:
        if accesses(between).writes & read:
            raise PassError(
                f"{found.place(found.alloc)}: the adjoint method needs one more run, "
                "but arrays of the circuit are changed before it. Choose "
                'diff_method="parameter-shift".'
            )
        between = between.next_op


def _makes_state(op: Operation) -> bool:
    return is_quantum(op) and not isinstance(op, MEASUREMENTS)


def check_unmeasured(
    found: FinalMeasurements, op: Operation, accesses: AccessesOf, reason: str
) -> None:
    """Refuse measurements and resets in an operation, and in what it calls.

    Raises:
        PassError: for such, with a reason.
    """
    for each in with_called(op, accesses, set()):
        if isinstance(each, MeasureOp | ResetOp):
            raise PassError(f"{found.place(each)}: {reason}")


def with_called(
    op: Operation, accesses: AccessesOf, known: set[str]
) -> list[Operation]:
    """Return the operations within another one, and in functions that it calls."""
    ops = list(op.walk())
    for call in [each for each in ops if isinstance(each, CallOp)]:
        name = call.callee.string_value()
        function = accesses.function(name)
        if name not in known and function is not None:
            known.add(name)
            ops += with_called(function, accesses, known)
    return ops


def _writers(
    found: FinalMeasurements, needed: set[Operation], accesses: AccessesOf
) -> set[Operation]:
    """Return further operations that write what the needed ones read and change."""
    changed = frozenset(b for op in needed for b in accesses(op).writes)
    read: frozenset[SSAValue] = frozenset()
    more: set[Operation] = set()
    for op in found.before:
        own = accesses(op)
        if op in needed:
            read |= own.reads
        elif own.writes & (changed | read):
            more.add(op)
    return more


def _is_own(found: FinalMeasurements, buffer: SSAValue) -> bool:
    """Tell whether nothing before a circuit, or around it, uses a buffer."""
    if not isinstance(buffer.owner, memref.AllocOp):
        return False
    ways = (ancestor_in(found.block, op) for op in uses_of(buffer))
    return all(op is not None and not _is_before(op, found.alloc) for op in ways)


def _is_before(op: Operation, other: Operation) -> bool:
    while other.prev_op is not None:
        other = other.prev_op
        if op is other:
            return True
    return False


def repeat(ops: Sequence[Operation], found: FinalMeasurements, code: Code) -> SSAValue:
    """Insert copies of operations, and return the register that they end with."""
    copies: dict[SSAValue, SSAValue] = {}
    for op in ops:
        if op.parent is not None:
            code.insert(op.clone(copies))
    return copies[found.register]
