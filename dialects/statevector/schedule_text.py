"""The text of gate schedules: a gate in each line, with its operands and wires.

A line is `RX(%angle) on 0 ctrl 1, 2 values [1, 0] line 7`. A parameter is a value, an
element of a buffer such as `%angles[3]`, or a number; `-> 5` behind it is the slot of
its gradient, `-> %shift + 5` one that is moved when the program runs, and `_` stands
for a parameter of a kernel. A matrix is given by `unitary`, `diagonal` or `invertible`.
"""

import math
from collections.abc import Iterable, Sequence

from xdsl.dialects.builtin import MemRefType, f64, i32, i64
from xdsl.ir import Attribute, SSAValue
from xdsl.parser import Parser, UnresolvedOperand
from xdsl.printer import Printer

from qjit.dialects.gates import GATES, GateRecord
from qjit.dialects.quantum.types import check_word

from .schedule import (
    NO_SLOT,
    Element,
    GradientSlot,
    Parameter,
    Schedule,
    ScheduledGate,
    ScheduledMatrix,
    WireValue,
)

GIVEN = ("unitary", "diagonal", "invertible")
# The types of operands.
KINDS: dict[str, type[Attribute] | Attribute] = {
    "parameter": f64,
    "buffer": MemRefType,
    "matrix": MemRefType,
    "wire": i64,
    "shift": i32,
}


def print_schedule(
    printer: Printer, gates: Iterable[ScheduledGate | ScheduledMatrix]
) -> None:
    """Print gates between braces, each in a line of its own."""
    with printer.in_braces():
        with printer.indented():
            for gate in gates:
                printer.print_string("\n")
                _Writer(printer).gate(gate)
        printer.print_string("\n")


class _Writer:
    """Prints the parts of a gate."""

    def __init__(self, printer: Printer) -> None:
        self.printer = printer
        self.text = printer.print_string

    def gate(self, gate: ScheduledGate | ScheduledMatrix) -> None:
        """Print a gate."""
        if gate.adjoint:
            self.text("adjoint ")
        if isinstance(gate, ScheduledMatrix):
            self._matrix(gate)
        else:
            self._of_table(gate)
        self._wires("on", gate.targets)
        self._wires("ctrl", gate.controls)
        values = [gate.control_values >> k & 1 for k in range(len(gate.controls))]
        if not all(values):
            self.text(f" values {values}")
        if gate.location:
            self.text(f" line {gate.location}")

    def _matrix(self, gate: ScheduledMatrix) -> None:
        kinds = (("diagonal", gate.diagonal), ("invertible", gate.invertible))
        self.text(" ".join([name for name, holds in kinds if holds] or ["unitary"]))
        with self.printer.in_parens():
            self._parameter(gate.matrix, gate.gradient_slot)

    def _of_table(self, gate: ScheduledGate) -> None:
        self.text(gate.name)
        if gate.word is not None:
            self.text(f' "{gate.word}"')
        if gate.params:
            slots = gate.gradient_slots or [GradientSlot()] * len(gate.params)
            with self.printer.in_parens():
                pairs = list(zip(gate.params, slots, strict=True))
                self.printer.print_list(pairs, lambda pair: self._parameter(*pair))
        if gate.dim is not None:
            self.text(f" dim {gate.dim}")

    def _wires(self, word: str, wires: Sequence[WireValue]) -> None:
        if wires:
            self.text(f" {word} ")
            self.printer.print_list(wires, self._wire)

    def _wire(self, wire: WireValue) -> None:
        if wire is None:
            self.text("_")
        elif isinstance(wire, int):
            self.text(str(wire))
        else:
            self.printer.print_operand(wire)

    def _parameter(self, param: Parameter, slot: GradientSlot) -> None:
        match param:
            case None:
                self.text("_")
            case Element():
                self.printer.print_operand(param.buffer)
                self.text(f"[{param.index}]")
            case SSAValue():
                self.printer.print_operand(param)
            case _:
                self.text(_number(param))
        if slot.slot != NO_SLOT:
            self.text(" -> ")
            if slot.shift is not None:
                self.printer.print_operand(slot.shift)
                self.text(" + ")
            self.text(str(slot.slot))


def _number(value: float) -> str:
    """Return the shortest text of a number that is read as the same one."""
    if not math.isfinite(value):
        return f'"{value}"'
    mantissa, mark, exponent = repr(value).partition("e")
    return mantissa + ("" if "." in mantissa else ".0") + mark + exponent


def parse_schedule(parser: Parser, *, known: bool) -> Schedule:
    """Parse gates between braces, whose operands are defined before.

    Those of a kernel are not known.
    """
    schedule = Schedule()
    reader = _Reader(parser, known)
    parser.parse_punctuation("{")
    while parser.parse_optional_punctuation("}") is None:
        schedule.add(reader.gate())
    return schedule


class _Reader:
    """Parses the parts of a gate."""

    def __init__(self, parser: Parser, known: bool) -> None:
        self.parser = parser
        self.known = known

    def resolve(self, operand: UnresolvedOperand, kind: str) -> SSAValue:
        """Return the value that an operand names, which has a known type."""
        values = self.parser.ssa_values.get(operand.operand_name, ())
        if operand.index >= len(values):
            self.parser.raise_error(
                f"%{operand.operand_name} is not defined before", operand.span
            )
        value, wanted = values[operand.index], KINDS[kind]
        if not (value.type == wanted or type(value.type) is wanted):
            self.parser.raise_error(
                f"%{operand.operand_name} is a {value.type}, which is no {kind}",
                operand.span,
            )
        return value

    def gate(self) -> ScheduledGate | ScheduledMatrix:
        """Parse a gate."""
        start = self.parser.pos
        adjoint = self.parser.parse_optional_keyword("adjoint") is not None
        kinds: list[str] = []
        while (kind := self.parser.parse_optional_keyword_in(GIVEN)) is not None:
            kinds.append(kind)
        if kinds:
            return self._matrix(kinds, adjoint)
        name = self.parser.parse_identifier()
        if name not in GATES:
            self.parser.raise_error(f"there is no gate {name}", start)
        word = self.parser.parse_optional_str_literal()
        params, slots = self._parameters()
        dim = None
        if self.parser.parse_optional_keyword("dim") is not None:
            dim = self.parser.parse_integer()
        self._check_dim(GATES[name], dim)
        targets, controls, values = self._wires()
        if word is not None:
            check_word(word, len(targets))
        return ScheduledGate(
            name,
            params,
            slots,
            targets,
            controls,
            values,
            adjoint,
            word,
            dim,
            self._line(),
        )

    def _check_dim(self, record: GateRecord, dim: int | None) -> None:
        takes = "dim" in record.words
        if takes != (dim is not None) and (self.known or not takes):
            self.parser.raise_error(f"{record.name} takes {'a' if takes else 'no'} dim")

    def _matrix(self, kinds: Sequence[str], adjoint: bool) -> ScheduledMatrix:
        with self.parser.in_parens():
            matrix = self._given("matrix")
            slot = self._gradient_slot()
        targets, controls, values = self._wires()
        return ScheduledMatrix(
            matrix,
            slot,
            targets,
            controls,
            values,
            adjoint,
            "diagonal" in kinds,
            "invertible" in kinds,
            self._line(),
        )

    def _is_open(self) -> bool:
        """Parse what stands for an operand that is not known, if it is there."""
        if self.parser.parse_optional_keyword("_") is None:
            return False
        if self.known:
            self.parser.raise_error("only gates of a kernel have operands _")
        return True

    def _given(self, kind: str) -> SSAValue | None:
        if self._is_open():
            return None
        return self.resolve(self.parser.parse_unresolved_operand(), kind)

    def _parameters(self) -> tuple[list[Parameter], list[GradientSlot]]:
        found: list[tuple[Parameter, GradientSlot]] = []
        if self.parser.parse_optional_punctuation("(") is not None:
            found = self.parser.parse_comma_separated_list(
                self.parser.Delimiter.NONE,
                lambda: (self._parameter(), self._gradient_slot()),
            )
            self.parser.parse_punctuation(")")
        return [param for param, _ in found], [slot for _, slot in found]

    def _parameter(self) -> Parameter:
        text = self.parser.parse_optional_str_literal()
        if text is not None:
            return float(text)
        number = self.parser.parse_optional_number()
        if number is not None:
            return float(number)
        if self._is_open():
            return None
        operand = self.parser.parse_unresolved_operand()
        if self.parser.parse_optional_punctuation("[") is None:
            return self.resolve(operand, "parameter")
        index = self.parser.parse_integer(allow_negative=False)
        self.parser.parse_punctuation("]")
        return Element(self.resolve(operand, "buffer"), index)

    def _gradient_slot(self) -> GradientSlot:
        if self.parser.parse_optional_punctuation("->") is None:
            return GradientSlot()
        shift = self.parser.parse_optional_unresolved_operand()
        if shift is None:
            return GradientSlot(self.parser.parse_integer(allow_negative=False))
        self.parser.parse_punctuation("+")
        slot = self.parser.parse_integer(allow_negative=False)
        return GradientSlot(slot, self.resolve(shift, "shift"))

    def _wires(self) -> tuple[list[WireValue], list[WireValue], int]:
        targets, controls = self._list("on"), self._list("ctrl")
        values = [1] * len(controls)
        if self.parser.parse_optional_keyword("values") is not None:
            values = self.parser.parse_comma_separated_list(
                self.parser.Delimiter.SQUARE, self.parser.parse_integer
            )
        return targets, controls, sum(v << bit for bit, v in enumerate(values))

    def _list(self, word: str) -> list[WireValue]:
        if self.parser.parse_optional_keyword(word) is None:
            return []
        delimiter = self.parser.Delimiter.NONE
        return self.parser.parse_comma_separated_list(delimiter, self._wire)

    def _wire(self) -> WireValue:
        if self._is_open():
            return None
        operand = self.parser.parse_optional_unresolved_operand()
        if operand is None:
            return self.parser.parse_integer(allow_negative=False)
        return self.resolve(operand, "wire")

    def _line(self) -> int:
        if self.parser.parse_optional_keyword("line") is None:
            return 0
        return self.parser.parse_integer(allow_negative=False)
