"""How long operations of the IR take."""

from collections.abc import Iterator

from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.dialects.func import FuncOp
from xdsl.ir import Operation

from qjit.dialects.gates import GATES
from qjit.dialects.quantum import (
    AllocOp,
    BitType,
    DelayOp,
    ExtractOp,
    GateOp,
    InsertOp,
    MeasureOp,
    PassThrough,
    RegisterType,
    ResetOp,
    UnitaryOp,
)
from qjit.dialects.quantum.linearity import line_of
from qjit.lowering.passes.pipeline import PassError
from qjit.lowering.program_attributes import DURATIONS

from .durations import MEASURE, RESET, Durations, Keys, attoseconds, gate_keys

# What takes its place in time among what is on the same qubits.
OnQubits = GateOp | UnitaryOp | PassThrough | MeasureOp | ResetOp


def duration_of(op: Operation, durations: Durations, needed_by: str) -> int:
    """Return how long an operation on qubits takes.

    Args:
        op: the operation.
        durations: those of its circuit.
        needed_by: the pass that asks.

    Raises:
        PassError: if that is not known; the text begins with the user's line.
    """
    if isinstance(op, DelayOp):
        return attoseconds(op.seconds)
    return sum(required(keys, durations, op, needed_by) for keys in parts(op))


def required(keys: Keys, durations: Durations, op: Operation, needed_by: str) -> int:
    """Return the duration of what an operation needs.

    Raises:
        PassError: if it is not known.
    """
    found = durations.first(keys)
    if found is None:
        what = f"a gate on {keys[0]} wires" if keys[0].isdecimal() else keys[0]
        raise PassError(
            f"{line_of(op) or 'unknown line'}: {what} has no duration, which "
            f"'{needed_by}' needs. Say how many seconds it takes, as in "
            f'durations="{keys[0]}:1e-7", or how many all gates on one and on two '
            'wires take, as in durations="1:3e-8,2:3e-7".'
        )
    return found


def parts(op: Operation) -> Iterator[Keys]:
    """Yield by what the durations of the parts of an operation are found."""
    match op:
        case MeasureOp():
            yield (MEASURE,)
            if op.reset is not None:
                yield (RESET,)
        case ResetOp():
            yield (RESET,)
        case GateOp():
            yield from _gate_keys(op)
        case UnitaryOp():
            name = "QubitUnitary" if op.diagonal is None else "DiagonalQubitUnitary"
            values, is_adjoint = op.control_pattern, op.adjoint is not None
            yield gate_keys(name, values, len(op.qubits), is_adjoint)
        case _:
            pass


def _gate_keys(op: GateOp) -> Iterator[Keys]:
    """Yield by what the duration of a gate is found, if it acts on wires."""
    name, values = op.gate.data, op.control_pattern
    size = len(values) + (0 if GATES[name].num_targets == 0 else len(op.targets))
    if size:
        yield gate_keys(name, values, size, op.adjoint is not None)


def wires_meet(op: Operation) -> bool:
    """Tell whether all wires of a register wait for one another at an operation.

    They do where a wire is computed, and at whatever takes a register and is neither
    there to take a qubit out nor to put it back: loops, branches and calls.
    """
    if isinstance(op, ExtractOp | InsertOp):
        return not isinstance(op.wire, int)
    if isinstance(op, OnQubits):
        return False
    return any(
        isinstance(value.type, RegisterType | BitType)
        for each in op.walk()
        for value in each.operands
    )


def durations_of(op: Operation) -> Durations | None:
    """Return the durations with which a circuit was scheduled, None if it was not.

    Args:
        op: what begins the circuit, or a function of gates.
    """
    found = op.attributes.get(DURATIONS)
    return Durations.read(found.data) if isinstance(found, StringAttr) else None


def with_durations(
    module: ModuleOp,
) -> Iterator[tuple[Operation, Durations | None]]:
    """Yield the operations of a module, with the durations of their circuits."""
    found: Durations | None = None
    for op in module.walk():
        if isinstance(op, AllocOp | FuncOp):
            found = durations_of(op)
        yield op, found
