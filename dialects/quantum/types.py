"""Types, attributes and checks shared by the operations of the `quantum` dialect."""

from collections.abc import Sequence
from functools import lru_cache

from xdsl.dialects.builtin import (
    ArrayAttr,
    DenseArrayBase,
    IntAttr,
    IntegerAttr,
    IntegerType,
    StringAttr,
    UnitAttr,
    i1,
    i64,
)
from xdsl.ir import (
    Attribute,
    Operation,
    ParametrizedAttribute,
    SSAValue,
    TypeAttribute,
)
from xdsl.irdl import IRDLOperation, irdl_attr_definition
from xdsl.irdl.declarative_assembly_format import (
    AttributeVariable,
    CustomDirective,
    ParsingState,
    PrintingState,
    irdl_custom_directive,
)
from xdsl.parser import AttrParser, Parser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

Value = SSAValue | Operation
Wire = int | Value


@irdl_attr_definition
class BitType(ParametrizedAttribute, TypeAttribute):
    """One qubit."""

    name = "quantum.bit"


@irdl_attr_definition
class RegisterType(ParametrizedAttribute, TypeAttribute):
    """A register of a known number of qubits, `!quantum.reg<3>`."""

    name = "quantum.reg"
    size: IntAttr

    def __init__(self, size: int | IntAttr):
        super().__init__(IntAttr(size) if isinstance(size, int) else size)

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> Sequence[Attribute]:
        """Parse `<3>`."""
        with parser.in_angle_brackets():
            return [IntAttr(parser.parse_integer(allow_negative=False))]

    def print_parameters(self, printer: Printer) -> None:
        """Print `<3>`."""
        with printer.in_angle_brackets():
            printer.print_int(self.size.data)


bit = BitType()


@irdl_attr_definition
class FactorAttr(ParametrizedAttribute):
    """One matrix of a term: its index among the operands, and its wires."""

    name = "quantum.factor"
    matrix: IntAttr
    wires: DenseArrayBase[IntegerType]

    def __init__(
        self,
        matrix: int | IntAttr,
        wires: Sequence[int] | DenseArrayBase[IntegerType],
    ):
        if not isinstance(wires, DenseArrayBase):
            wires = DenseArrayBase.from_list(i64, wires)
        super().__init__(IntAttr(matrix) if isinstance(matrix, int) else matrix, wires)

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> Sequence[Attribute]:
        """Parse `<0 on [1, 2]>`."""
        with parser.in_angle_brackets():
            matrix = parser.parse_integer(allow_negative=False)
            parser.parse_keyword("on")
            wires = parser.parse_comma_separated_list(
                parser.Delimiter.SQUARE, parser.parse_integer
            )
        return [IntAttr(matrix), DenseArrayBase.from_list(i64, wires)]

    def print_parameters(self, printer: Printer) -> None:
        """Print `<0 on [1, 2]>`."""
        with printer.in_angle_brackets():
            wires = ", ".join(map(str, self.wires.get_values()))
            printer.print_string(f"{self.matrix.data} on [{wires}]")


@irdl_attr_definition
class TermAttr(ParametrizedAttribute):
    """A product of Paulis, one letter per wire, and matrices on other wires."""

    name = "quantum.term"
    word: StringAttr
    factors: ArrayAttr[FactorAttr]

    def __init__(self, word: str | StringAttr, factors: Sequence[FactorAttr] = ()):
        word = StringAttr(word) if isinstance(word, str) else word
        super().__init__(word, ArrayAttr(factors))


@lru_cache(1024)
def integer(value: int | None) -> IntegerAttr[IntegerType] | None:
    """Return an i64 property, or none."""
    return None if value is None else IntegerAttr(value, i64)


def wire_array(wires: Sequence[int] | None) -> DenseArrayBase[IntegerType] | None:
    """Return a property of static wires, or none."""
    return None if wires is None else DenseArrayBase.from_list(i64, wires)


def flag(value: bool) -> UnitAttr | None:
    """Return a property that is there or not."""
    return UnitAttr() if value else None


def bit_array(
    values: Sequence[int | bool] | None,
) -> DenseArrayBase[IntegerType] | None:
    """Return a property of control values, or none when all are one."""
    if values is None or all(values):
        return None
    return DenseArrayBase.from_list(i1, [int(value) for value in values])


def register_size(register: SSAValue) -> int:
    """Return the number of wires of a register."""
    assert isinstance(register.type, RegisterType)
    return register.type.size.data


def check_wires(register: SSAValue, wires: Sequence[int]) -> None:
    """Raise unless the wires are distinct and in the register."""
    size = register_size(register)
    for wire in wires:
        if not 0 <= wire < size:
            raise VerifyException(
                f"Expected a wire from 0 to {size - 1}, but got {wire}. "
                f"The register has {size} wires."
            )
    if len(set(wires)) != len(wires):
        raise VerifyException(
            f"Expected distinct wires, but got {list(wires)}. "
            "An operation acts on each wire once."
        )


def check_word(word: str, length: int) -> None:
    """Raise unless the word has one of I, X, Y, Z for each of `length` wires."""
    if len(word) != length or not set(word) <= set("IXYZ"):
        raise VerifyException(
            f'Expected {length} of the letters I, X, Y, Z, but got "{word}". '
            "A Pauli word has one letter per wire."
        )


def control_pattern(
    values: DenseArrayBase[IntegerType] | None, controls: int
) -> tuple[int, ...]:
    """Return the value that each control qubit must have."""
    if values is None:
        return (1,) * controls
    return tuple(int(bool(value)) for value in values.get_values())


def check_control_values(
    values: DenseArrayBase[IntegerType] | None, controls: int
) -> None:
    """Raise unless there are no values or one for each control qubit."""
    if values is not None and len(values) != controls:
        raise VerifyException(
            f"Expected {controls} control values, but got {len(values)}. "
            "Each control qubit has one value."
        )


@irdl_custom_directive
class ControlValues(CustomDirective):
    """The values of the control qubits, ` values [1, 0]`, when not all are one."""

    values: AttributeVariable

    def parse(self, parser: Parser, state: ParsingState) -> None:
        """Parse the list when it is there."""
        if parser.parse_optional_keyword("values") is not None:
            values = parser.parse_comma_separated_list(
                parser.Delimiter.SQUARE, parser.parse_integer
            )
            self.values.set(state, DenseArrayBase.from_list(i1, values))

    def print(self, printer: Printer, state: PrintingState, op: IRDLOperation) -> None:
        """Print the list when it is there."""
        values = self.values.get(op)
        if isinstance(values, DenseArrayBase):
            state.print_whitespace(printer)
            digits = ", ".join(str(int(bool(v))) for v in values.get_values())
            printer.print_string(f"values [{digits}]")
