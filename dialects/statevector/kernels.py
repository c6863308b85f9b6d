"""Kernels: native code that is made for the gates of one schedule."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from xdsl.dialects.builtin import DenseArrayBase, StringAttr, UnitAttr, i1, i32
from xdsl.ir import Data, SSAValue
from xdsl.irdl import (
    IRDLOperation,
    irdl_attr_definition,
    irdl_op_definition,
    opt_prop_def,
    prop_def,
)
from xdsl.parser import AttrParser, Parser
from xdsl.printer import Printer

from qjit.dialects.quantum.types import RegisterType, flag

from .schedule import Entry, GradientSlot, Tables, word_array
from .schedule_text import parse_schedule, print_schedule


@dataclass(frozen=True)
class Kernel:
    """What the code of a kernel does, in words, and its plan where that is made."""

    lines: tuple[str, ...]
    plan: object = field(default=None, compare=False, repr=False)


@irdl_attr_definition
class KernelAttr(Data[Kernel]):
    """A kernel: the passes over the amplitudes that it makes, each in words."""

    name = "statevector.kernel"

    @classmethod
    def parse_parameter(cls, parser: AttrParser) -> Kernel:
        """Parse `["RX on 10", "move amplitudes"]`."""
        lines = parser.parse_comma_separated_list(
            parser.Delimiter.SQUARE, parser.parse_str_literal
        )
        return Kernel(tuple(lines))

    def print_parameter(self, printer: Printer) -> None:
        """Print `["RX on 10", "move amplitudes"]`."""
        with printer.in_square_brackets():
            printer.print_list(self.data.lines, printer.print_string_literal)


def print_kernel(printer: Printer, kernel: KernelAttr | None) -> None:
    """Print ` kernel [...]`, if there is one."""
    if kernel is not None:
        printer.print_string(" kernel ")
        kernel.print_parameter(printer)


def parse_kernel(parser: Parser) -> KernelAttr | None:
    """Parse `kernel [...]`, if it is there."""
    if parser.parse_optional_keyword("kernel") is None:
        return None
    return KernelAttr(KernelAttr.parse_parameter(parser))


@irdl_op_definition
class KernelOp(IRDLOperation):
    """The code of a kernel, which functions of the program call by its symbol.

    `wanted` has a flag for each parameter of recorded gates, whether it has a gradient.
    A `batched` kernel works on several states at a time, one in each lane.
    """

    name = "statevector.kernel"
    symbol = prop_def(StringAttr)
    register_type = prop_def(RegisterType)
    entries = prop_def(DenseArrayBase.constr(i32))
    wires = prop_def(DenseArrayBase.constr(i32))
    wanted = opt_prop_def(DenseArrayBase.constr(i1))
    single = opt_prop_def(UnitAttr)
    batched = opt_prop_def(UnitAttr)
    kernel = prop_def(KernelAttr)

    def __init__(
        self,
        symbol: str,
        register_type: RegisterType,
        entries: DenseArrayBase,
        wires: DenseArrayBase,
        wanted: Sequence[bool] | None,
        kernel: KernelAttr,
        *,
        single: bool,
        batched: bool,
    ) -> None:
        flags = None if wanted is None else DenseArrayBase.from_list(i1, wanted)
        super().__init__(
            properties={
                "symbol": StringAttr(symbol),
                "register_type": register_type,
                "entries": entries,
                "wires": wires,
                "wanted": flags,
                "single": flag(single),
                "batched": flag(batched),
                "kernel": kernel,
            }
        )

    @property
    def schedule(self) -> list[Entry]:
        """The entries."""
        return Entry.table(self.entries.get_values())

    @property
    def tables(self) -> Tables:
        """The schedule, whose parameters are not known."""
        entries = self.schedule
        count = max((e.param_offset + e.num_params for e in entries), default=0)
        gradient_slots = None
        if self.wanted is not None:
            gradient_slots = [
                GradientSlot(0) if each else GradientSlot()
                for each in self.wanted.get_values()
            ]
        matrices: list[SSAValue | None] = [None for e in entries if e.is_given]
        wires = self.wires.get_values()
        return Tables(entries, wires, [None] * count, matrices, [], gradient_slots)

    def print(self, printer: Printer) -> None:
        """Print the gates, each in a line of its own."""
        printer.print_string(" ")
        printer.print_symbol_name(self.symbol)
        printer.print_string(" : ")
        printer.print_attribute(self.register_type)
        for word in ("single", "batched"):
            if word in self.properties:
                printer.print_string(f" {word}")
        printer.print_string(" " if self.wanted is None else " recorded ")
        print_schedule(printer, self.tables.gates())
        print_kernel(printer, self.kernel)

    @classmethod
    def parse(cls, parser: Parser) -> "KernelOp":
        """Parse the gates."""
        symbol = parser.parse_symbol_name()
        parser.parse_punctuation(":")
        register_type = parser.parse_type()
        single = parser.parse_optional_keyword("single") is not None
        batched = parser.parse_optional_keyword("batched") is not None
        recorded = parser.parse_optional_keyword("recorded") is not None
        schedule = parse_schedule(parser, known=False)
        kernel = parse_kernel(parser)
        if not isinstance(register_type, RegisterType) or kernel is None:
            parser.raise_error("expected a register, and what the kernel does")
        slots = [*schedule.gradient_slots, *schedule.matrix_slots]
        wanted = [slot != GradientSlot() for slot in slots] if recorded else None
        return cls(
            symbol.data,
            register_type,
            schedule.table(),
            word_array(schedule.wires),
            wanted,
            kernel,
            single=single,
            batched=batched,
        )
