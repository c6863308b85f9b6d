"""The `statevector` dialect: gate schedules that a simulator runs in place.

A schedule is data: a table of entries that passes rewrite, and a single call at run
time.
"""

from collections.abc import Sequence
from dataclasses import replace

from xdsl.dialects.builtin import (
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
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from qjit.dialects.gates import GATES
from qjit.dialects.quantum.gates import check_counts
from qjit.dialects.quantum.linearity import Borrows
from qjit.dialects.quantum.types import RegisterType, check_wires
from qjit.runtime.abi.layout import ENTRY_WORDS

from .branching import PATH_OPERATIONS
from .kernels import KernelAttr, KernelOp, parse_kernel, print_kernel
from .schedule import (
    COMPUTED,
    CONSTANT,
    DYNAMIC,
    NO_SLOT,
    Element,
    Entry,
    GradientSlot,
    Parameter,
    Schedule,
    ScheduledGate,
    Tables,
    word_array,
)
from .schedule_text import parse_schedule, print_schedule


@irdl_op_definition
class ScheduleOp(IRDLOperation):
    """Run a gate schedule on the state of a register.

    The parameter array holds the scalars first and then the matrices. `origins` has two
    words per scalar: a source and an index into it, or into the `computed` operands or
    the `constants`. `wires` has one number per wire, `DYNAMIC` where it is the next of
    the dynamic operands. `slots`, if any, has two words per scalar, a slot and a shift,
    and asks that the run be recorded for the adjoint method. A `kernel` is code for it.
    """

    name = "statevector.schedule"
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
    kernel = opt_prop_def(KernelAttr)
    traits = traits_def(Borrows())
    irdl_options = (AttrSizedOperandSegments(as_property=True),)

    def __init__(
        self, register: SSAValue, schedule: Schedule, *, recorded: bool = False
    ) -> None:
        computed: dict[SSAValue, int] = {}
        sources: dict[SSAValue, int] = {}
        shifts: dict[SSAValue, int] = {}
        constants: list[float] = []
        origins: list[int] = []
        slots: list[int] = []
        for param in schedule.params:
            match param:
                case Element():
                    source = sources.setdefault(param.buffer, len(sources))
                    origins += [source, param.index]
                case SSAValue():
                    index = computed.setdefault(param, len(computed))
                    origins += [COMPUTED, index]
                case _:
                    origins += [CONSTANT, len(constants)]
                    assert param is not None
                    constants.append(param)
        if recorded:
            for each in (*schedule.gradient_slots, *schedule.matrix_slots):
                shift = NO_SLOT
                if each.shift is not None:
                    shift = shifts.setdefault(each.shift, len(shifts))
                slots += [each.slot, shift]
        super().__init__(
            operands=[
                register,
                list(computed),
                list(sources),
                [matrix for _, matrix, _ in schedule.matrices if matrix is not None],
                schedule.dynamic_wires,
                list(shifts),
            ],
            properties={
                "entries": schedule.table(),
                "wires": word_array(schedule.wires),
                "origins": word_array(origins),
                "constants": DenseArrayBase.from_list(Float64Type(), constants),
                "slots": word_array(slots) if recorded else None,
            },
        )

    @property
    def schedule(self) -> list[Entry]:
        """The entries."""
        return Entry.table(self.entries.get_values())

    @property
    def tables(self) -> Tables:
        """The schedule with the values that it takes."""
        return Tables(
            self.schedule,
            self.wires.get_values(),
            self._params(),
            list(self.matrices),
            list(self.dynamic_wires),
            None if self.slots is None else self._gradient_slots(self.slots),
        )

    def _params(self) -> list[Parameter]:
        words, constants = self.origins.get_values(), self.constants.get_values()
        params: list[Parameter] = []
        for origin, index in zip(words[::2], words[1::2], strict=True):
            if origin == COMPUTED:
                params.append(self.computed[index])
            elif origin == CONSTANT:
                params.append(constants[index])
            else:
                params.append(Element(self.sources[origin], index))
        return params

    def _gradient_slots(self, slots: DenseArrayBase[IntegerType]) -> list[GradientSlot]:
        words = slots.get_values()
        return [
            GradientSlot(slot, None if shift == NO_SLOT else self.shifts[shift])
            for slot, shift in zip(words[::2], words[1::2], strict=True)
        ]

    def of(self, register: SSAValue, entries: Sequence[Entry]) -> "ScheduleOp":
        """Return a run of its gates on a register: in another order, or some."""
        schedule = Schedule()
        for gate in replace(self.tables, entries=entries).gates():
            schedule.add(gate)
        return ScheduleOp(register, schedule, recorded=self.slots is not None)

    def print(self, printer: Printer) -> None:
        """Print the gates, each in a line of its own."""
        printer.print_string(" ")
        printer.print_operand(self.register)
        printer.print_string(" : ")
        printer.print_attribute(self.register.type)
        printer.print_string(" " if self.slots is None else " recorded ")
        print_schedule(printer, self.tables.gates())
        print_kernel(printer, self.kernel)
        if self.attributes:
            printer.print_op_attributes(self.attributes)

    @classmethod
    def parse(cls, parser: Parser) -> "ScheduleOp":
        """Parse the gates."""
        operand = parser.parse_unresolved_operand()
        parser.parse_punctuation(":")
        register = parser.resolve_operand(operand, parser.parse_type())
        recorded = parser.parse_optional_keyword("recorded") is not None
        run = cls(register, parse_schedule(parser, known=True), recorded=recorded)
        run.kernel = parse_kernel(parser)
        run.attributes |= parser.parse_optional_attr_dict()
        return run

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
        for gate in self.tables.gates():
            wires = (*gate.controls, *gate.targets)
            check_wires(self.register, [w for w in wires if isinstance(w, int)])
            if isinstance(gate, ScheduledGate):
                record = GATES[gate.name]
                check_counts(record, gate.params, gate.targets, gate.controls)


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


Statevector = Dialect(
    "statevector",
    [ScheduleOp, KernelOp, MeasureOp, ExecutionKeyOp, SeedOp, *PATH_OPERATIONS],
    [KernelAttr],
)

__all__ = [
    "ExecutionKeyOp",
    "KernelAttr",
    "KernelOp",
    "MeasureOp",
    "ScheduleOp",
    "SeedOp",
    "Statevector",
]
