"""Operations of the `quantum` dialect that look at a register and borrow it.

They are the measurements at the end of a program. Those that give arrays write them
into a buffer; the wires left out mean all wires.
"""

from collections.abc import Sequence

from xdsl.dialects.builtin import (
    ArrayAttr,
    DenseArrayBase,
    IntegerAttr,
    MemRefType,
    f64,
    i64,
)
from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    prop_def,
    result_def,
    traits_def,
    var_operand_def,
)
from xdsl.utils.exceptions import VerifyException

from .linearity import Borrows
from .types import (
    RegisterType,
    TermAttr,
    Value,
    check_wires,
    check_word,
    integer,
    register_size,
    wire_array,
)


class Statistic(IRDLOperation):
    """A number that summarises the measurement of a sum of products.

    Each term multiplies a Pauli word by matrices on wires where the word is I.
    """

    register = operand_def(RegisterType)
    coefficients = operand_def()
    matrices = var_operand_def()
    terms = prop_def(ArrayAttr[TermAttr])
    line = opt_prop_def(IntegerAttr.constr(i64))
    value = result_def(f64)
    traits = traits_def(Borrows())
    assembly_format = (
        "$register `of` $coefficients $terms (`with` $matrices^ `:` type($matrices))? "
        "(`line` $line^)? "
        "attr-dict `:` type($register) `,` type($coefficients)"
    )

    def __init__(
        self,
        register: Value,
        coefficients: Value,
        matrices: Sequence[Value],
        terms: Sequence[TermAttr],
        *,
        line: int | None = None,
    ):
        super().__init__(
            operands=[register, coefficients, matrices],
            properties={"terms": ArrayAttr(terms), "line": integer(line)},
            result_types=[f64],
        )

    def verify_(self) -> None:
        """Check the terms, their factors, and that each has a coefficient."""
        for term in self.terms:
            self._verify_term(term)
        _check_shape(self.coefficients, (len(self.terms),), "One coefficient per term.")

    def _verify_term(self, term: TermAttr) -> None:
        word = term.word.data
        check_word(word, register_size(self.register))
        used = [wire for wire, letter in enumerate(word) if letter != "I"]
        for factor in term.factors:
            if factor.matrix.data >= len(self.matrices):
                raise VerifyException(
                    f"Expected a matrix below {len(self.matrices)}, but got "
                    f"{factor.matrix.data}. A factor is one of the operands."
                )
            wires = factor.wires.get_values()
            size = 2 ** len(wires)
            used.extend(wires)
            _check_shape(
                self.matrices[factor.matrix.data],
                (size, size),
                f"The matrix acts on wires {list(wires)}.",
            )
        check_wires(self.register, used)


@irdl_op_definition
class ExpvalOp(Statistic):
    """The expectation value of a sum of products of Paulis and matrices."""

    name = "quantum.expval"


@irdl_op_definition
class VarOp(Statistic):
    """The variance of a sum of products of Paulis and matrices."""

    name = "quantum.var"


class Readout(IRDLOperation):
    """A measurement that writes an array into a buffer."""

    register = operand_def(RegisterType)
    destination = operand_def(MemRefType)
    wires = opt_prop_def(DenseArrayBase.constr(i64))
    line = opt_prop_def(IntegerAttr.constr(i64))
    traits = traits_def(Borrows())
    assembly_format = (
        "$register ($wires^)? `into` $destination (`line` $line^)? "
        "attr-dict `:` type($register) `,` type($destination)"
    )

    def __init__(
        self,
        register: Value,
        destination: Value,
        wires: Sequence[int] | None = None,
        *,
        line: int | None = None,
    ):
        super().__init__(
            operands=[register, destination],
            properties={"wires": wire_array(wires), "line": integer(line)},
        )

    @property
    def measured(self) -> tuple[int, ...]:
        """The wires that are looked at, in order."""
        if self.wires is None:
            return tuple(range(register_size(self.register)))
        return tuple(self.wires.get_values())

    def expected_shape(self) -> tuple[int, ...]:
        """The shape of the array."""
        return (2 ** len(self.measured),)

    def verify_(self) -> None:
        """Check the wires and the shape of the buffer."""
        check_wires(self.register, self.measured)
        _check_shape(
            self.destination,
            self.expected_shape(),
            f"The measurement is of {len(self.measured)} wires.",
        )


@irdl_op_definition
class ProbsOp(Readout):
    """The probability of each outcome, the first wire most significant."""

    name = "quantum.probs"


@irdl_op_definition
class StateOp(Readout):
    """The amplitudes of the state, of all wires in order."""

    name = "quantum.state"

    def verify_(self) -> None:
        """Check that no wires are named."""
        if self.wires is not None:
            raise VerifyException(
                f"Expected no wires, but got {list(self.measured)}. "
                "A state is that of the whole register."
            )
        super().verify_()


@irdl_op_definition
class DensityMatrixOp(Readout):
    """The reduced density matrix of the wires."""

    name = "quantum.density_matrix"

    def expected_shape(self) -> tuple[int, ...]:
        """Square."""
        size = 2 ** len(self.measured)
        return (size, size)


@irdl_op_definition
class ResourcesOp(Readout):
    """The numbers of gates, of layers of gates, and of qubits acted on."""

    name = "quantum.resources"

    def expected_shape(self) -> tuple[int, ...]:
        """Three numbers."""
        return (3,)


class ShotReadout(Readout):
    """A readout of the outcomes of repeated measurements."""

    shots = prop_def(IntegerAttr.constr(i64))
    assembly_format = (
        "$register ($wires^)? `shots` $shots `into` $destination "
        "(`line` $line^)? "
        "attr-dict `:` type($register) `,` type($destination)"
    )

    def __init__(
        self,
        register: Value,
        destination: Value,
        shots: int,
        wires: Sequence[int] | None = None,
        *,
        line: int | None = None,
    ):
        super().__init__(register, destination, wires, line=line)
        self.shots = IntegerAttr(shots, i64)


@irdl_op_definition
class SampleOp(ShotReadout):
    """The bits measured in each shot."""

    name = "quantum.sample"

    def expected_shape(self) -> tuple[int, ...]:
        """One row per shot."""
        return (self.shots.value.data, len(self.measured))


@irdl_op_definition
class CountsOp(ShotReadout):
    """How often each outcome is measured, the first wire most significant."""

    name = "quantum.counts"


def _check_shape(buffer: object, expected: tuple[int, ...], rule: str) -> None:
    buffer_type = getattr(buffer, "type", None)
    if isinstance(buffer_type, MemRefType) and buffer_type.get_shape() != expected:
        raise VerifyException(
            f"Expected shape {expected}, but got {buffer_type.get_shape()}. {rule}"
        )
