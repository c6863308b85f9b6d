"""The circuit whose operations are being converted, on its device."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from xdsl.dialects import llvm
from xdsl.dialects.builtin import i64
from xdsl.ir import SSAValue

from qjit.dialects.targets import STATEVECTOR, Target
from qjit.lowering.native.memory_limits import LARGE
from qjit.runtime.abi.status import NO_MEMORY, Status, state_place
from qjit.runtime.target.cpu import Precision

from .converter import Converter, pointer_type

# What is beside a state while amplitudes of a device are read: as they came, and as
# they are arranged.
READING_BYTES = 32


@dataclass
class Simulation:
    """The circuit whose operations are being converted."""

    precision: Precision
    num_wires: int
    target: Target = STATEVECTOR
    tape: SSAValue | None = None
    path_tree: SSAValue | None = None
    refusal: int = NO_MEMORY  # the status where a state does not fit


@dataclass(frozen=True)
class PathTree:
    """The tree of outcome paths that the circuits to come belong to."""

    address: SSAValue


def simulation_of(converter: Converter) -> Simulation:
    """Return the circuit being converted."""
    assert isinstance(converter.circuit_state, Simulation)
    return converter.circuit_state


def symbol(converter: Converter, verb: str) -> str:
    """Return the symbol of a verb in the circuit's device and precision."""
    simulation = simulation_of(converter)
    return f"{simulation.target.prefix}{verb}_{simulation.precision.suffix}"


def readout_symbol(converter: Converter, verb: str) -> str:
    """Return the symbol of what is done with amplitudes, whatever device made them."""
    suffix = simulation_of(converter).precision.suffix
    return f"{STATEVECTOR.prefix}{verb}_{suffix}"


def state_of(converter: Converter, op: Any) -> SSAValue:
    """Return the state of an operation's register."""
    return converter.value(op.register)


def amplitudes_of(converter: Converter, op: Any) -> SSAValue:
    """Return the state of an operation's register as one of the simulator's."""
    simulation, state = simulation_of(converter), state_of(converter, op)
    if simulation.target.state != "device":
        return state
    wires, each = simulation.num_wires, 2 * simulation.precision.real_bytes
    each += READING_BYTES
    place = state_place(wires, each)
    if each << wires >= LARGE:
        refuse_large(converter, place)
    out = converter.stack(8)
    args = [state, out]
    converter.check(converter.result(symbol(converter, "read"), i64, args))
    return converter.load(out, pointer_type)


def refuse_large(converter: Converter, place: int) -> None:
    """Leave the program where there is too little memory for a state."""
    short = converter.result("__qjit__memory_short", i64, [converter.int(place)])
    refusal = converter.int(Status(NO_MEMORY, place).word)
    converter.check(converter.emit(llvm.MulOp(short, refusal)))


def wire_list(converter: Converter, wires: Sequence[int]) -> SSAValue:
    """Return the address of a constant list of wires."""
    return converter.global_data(np.asarray(wires, np.int32))
