"""The `statevector` dialect: gate schedules that a simulator runs in place.

A schedule is data: a table of entries that passes rewrite, and a single call at run
time. The layout of an entry is the runtime's (see `qjit.runtime.abi`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from xdsl.dialects.builtin import (
    BytesAttr,
    DenseArrayBase,
    Float64Type,
    IntegerAttr,
    IntegerType,
    MemRefType,
    UnitAttr,
    i1,
    i32,
    i64,
)
from xdsl.ir import Dialect, SSAValue
from xdsl.irdl import (
    AttrSizedOperandSegments,
    IRDLOperation,
    irdl_op_definition,
    operand_def,
    opt_operand_def,
    opt_prop_def,
    prop_def,
    result_def,
    traits_def,
    var_operand_def,
)
from xdsl.utils.exceptions import VerifyException

from .quantum_traits import Borrows
from .quantum_types import RegisterType
from .walk import WALK_OPERATIONS

ENTRY_WORDS = 12
DYNAMIC = -1
# Where a parameter comes from, if not from a buffer: an operand, or the constants.
COMPUTED, CONSTANT = -1, -2
NO_SLOT = -1


@dataclass(frozen=True)
class Entry:
    """One gate of a schedule."""

    kernel: int
    gate: int
    num_params: int
    num_targets: int
    num_controls: int
    wire_offset: int
    control_values: int
    param_offset: int
    adjoint: int
    first: int = 0
    second: int = 0
    location: int = 0

    def words(self) -> list[int]:
        """Return the entry as the runtime reads it."""
        return [*self.__dict__.values()]

    @classmethod
    def table(cls, words: Sequence[int]) -> list["Entry"]:
        """Return the entries of a schedule."""
        starts = range(0, len(words), ENTRY_WORDS)
        return [cls(*words[start : start + ENTRY_WORDS]) for start in starts]

    def moved(self, wires: int, params: int) -> "Entry":
        """Return the entry with its wires and parameters further along."""
        return replace(
            self,
            wire_offset=self.wire_offset + wires,
            param_offset=self.param_offset + params,
        )


@dataclass(frozen=True)
class Element:
    """An element of a buffer of floats, read when the schedule runs."""

    buffer: SSAValue
    index: int


Parameter = SSAValue | Element | float


@dataclass(frozen=True)
class Place:
    """Where a parameter's gradient goes: a slot, further along by a run-time shift."""

    slot: int = NO_SLOT
    shift: SSAValue | None = None

    def moved(self, offset: int) -> "Place":
        """Return the place of a later parameter; nowhere stays nowhere."""
        if self.slot == NO_SLOT:
            return self
        return Place(self.slot + offset, self.shift)


@irdl_op_definition
class RunOp(IRDLOperation):
    """Run a gate schedule on the state of a register.

    The parameter array holds the scalars first and then the matrices. `origins` has two
    words per scalar: a source and an index into it, or into the `computed` operands or
    the `constants`. `wires` has one number per wire, `DYNAMIC` where it is the next of
    the dynamic operands. `slots`, if any, has two words per scalar, a slot and a shift,
    and asks that the run be recorded for the adjoint method.
    """

    name = "statevector.run"
    register = operand_def(RegisterType)
    computed = var_operand_def(Float64Type())
    sources = var_operand_def(MemRefType)
    matrices = var_operand_def(MemRefType)
    dynamic_wires = var_operand_def(i64)
    shifts = var_operand_def(i32)
    entries = prop_def(DenseArrayBase.constr(i32))
    wires = prop_def(DenseArrayBase.constr(i32))
    origins = prop_def(DenseArrayBase.constr(i32))
    constants = prop_def(DenseArrayBase.constr(Float64Type()))
    slots = opt_prop_def(DenseArrayBase.constr(i32))
    traits = traits_def(Borrows())
    irdl_options = (AttrSizedOperandSegments(as_property=True),)

    def __init__(
        self,
        register: SSAValue,
        entries: Sequence[Entry],
        wires: Sequence[int],
        params: Sequence[Parameter],
        matrices: Sequence[SSAValue] = (),
        dynamic_wires: Sequence[SSAValue] = (),
        places: Sequence[Place] | None = None,
    ) -> None:
        words = [word for entry in entries for word in entry.words()]
        computed: dict[SSAValue, int] = {}
        sources: dict[SSAValue, int] = {}
        shifts: dict[SSAValue, int] = {}
        constants: list[float] = []
        origins: list[int] = []
        slots: list[int] = []
        for param in params:
            match param:
                case Element():
                    source = sources.setdefault(param.buffer, len(sources))
                    origins += [source, param.index]
                case SSAValue():
                    place = computed.setdefault(param, len(computed))
                    origins += [COMPUTED, place]
                case _:
                    origins += [CONSTANT, len(constants)]
                    constants.append(param)
        for each in places or ():
            shift = NO_SLOT
            if each.shift is not None:
                shift = shifts.setdefault(each.shift, len(shifts))
            slots += [each.slot, shift]
        super().__init__(
            operands=[
                register,
                list(computed),
                list(sources),
                matrices,
                dynamic_wires,
                list(shifts),
            ],
            properties={
                "entries": _table(words),
                "wires": _table(wires),
                "origins": _table(origins),
                "constants": DenseArrayBase.from_list(Float64Type(), constants),
                "slots": None if places is None else _table(slots),
            },
        )

    @property
    def schedule(self) -> list[Entry]:
        """The entries, which may be put into another order."""
        return Entry.table(self.entries.get_values())

    @schedule.setter
    def schedule(self, entries: Sequence[Entry]) -> None:
        words = [word for entry in entries for word in entry.words()]
        self.properties["entries"] = _table(words)

    def verify_(self) -> None:
        """Check that the table is whole and every dynamic wire is given."""
        if len(self.entries.get_values()) % ENTRY_WORDS:
            raise VerifyException(
                f"Expected a multiple of {ENTRY_WORDS} words. A schedule is a table."
            )
        missing = sum(wire == DYNAMIC for wire in self.wires.get_values())
        if missing != len(self.dynamic_wires):
            raise VerifyException(
                f"Expected {missing} dynamic wires, but got "
                f"{len(self.dynamic_wires)}. Each stands for one wire of the table."
            )


@irdl_op_definition
class MeasureOp(IRDLOperation):
    """Measure or reset one wire of the state of a register."""

    name = "statevector.measure"
    register = operand_def(RegisterType)
    dynamic_wire = opt_operand_def(i64)
    wire = opt_prop_def(IntegerAttr.constr(i64))
    postselect = opt_prop_def(IntegerAttr.constr(i64))
    reset = opt_prop_def(UnitAttr)
    line = opt_prop_def(IntegerAttr.constr(i64))
    outcome = result_def(i1)
    traits = traits_def(Borrows())

    def __init__(
        self,
        register: SSAValue,
        wire: int | SSAValue,
        postselect: IntegerAttr | None,
        reset: UnitAttr | None,
        line: IntegerAttr | None,
    ) -> None:
        static = isinstance(wire, int)
        super().__init__(
            operands=[register, [] if static else [wire]],
            properties={
                "wire": IntegerAttr(wire, i64) if static else None,
                "postselect": postselect,
                "reset": reset,
                "line": line,
            },
            result_types=[i1],
        )


@irdl_op_definition
class ExecutionKeyOp(IRDLOperation):
    """The key of the next execution of a circuit, of a seed or of the program's own."""

    name = "statevector.execution_key"
    seed = opt_prop_def(IntegerAttr.constr(i64))
    key = result_def(i64)

    def __init__(self, seed: int | None) -> None:
        given = None if seed is None else IntegerAttr(seed, i64)
        super().__init__(properties={"seed": given}, result_types=[i64])


@irdl_op_definition
class SeedOp(IRDLOperation):
    """Begin the stream of random numbers of a key."""

    name = "statevector.seed"
    key = operand_def(i64)

    def __init__(self, key: SSAValue) -> None:
        super().__init__(operands=[key])


def _table(words: Sequence[int]) -> DenseArrayBase[IntegerType]:
    data = np.asarray(words, np.int64).astype(np.int32).tobytes()
    return DenseArrayBase(i32, BytesAttr(data))


Statevector = Dialect(
    "statevector",
    [RunOp, MeasureOp, ExecutionKeyOp, SeedOp, *WALK_OPERATIONS],
    [],
)

__all__ = [
    "COMPUTED",
    "CONSTANT",
    "DYNAMIC",
    "ENTRY_WORDS",
    "NO_SLOT",
    "Element",
    "Entry",
    "ExecutionKeyOp",
    "MeasureOp",
    "Parameter",
    "Place",
    "RunOp",
    "SeedOp",
    "Statevector",
]
