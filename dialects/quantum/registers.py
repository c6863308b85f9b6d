"""Operations of the `quantum` dialect that make and change registers and qubits."""

from collections.abc import Sequence
from typing import ClassVar

from xdsl.dialects.builtin import (
    DenseArrayBase,
    IntegerAttr,
    MemRefType,
    StringAttr,
    TensorType,
    UnitAttr,
    i1,
    i32,
    i64,
)
from xdsl.ir import SSAValue
from xdsl.irdl import (
    AttrSizedOperandSegments,
    IntVarConstraint,
    IRDLOperation,
    RangeOf,
    VarConstraint,
    base,
    eq,
    irdl_op_definition,
    operand_def,
    opt_operand_def,
    opt_prop_def,
    prop_def,
    result_def,
    traits_def,
    var_operand_def,
    var_result_def,
)
from xdsl.irdl.constraints import AnyInt
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException

from .linearity import Linear, PutsBack, TakesOut
from .types import (
    RegisterType,
    Value,
    bit,
    check_wires,
    check_word,
    flag,
    integer,
    wire_array,
)


@irdl_op_definition
class AllocOp(IRDLOperation):
    """Make a register in the state |0...0>."""

    name = "quantum.alloc"
    register = result_def(RegisterType)
    traits = traits_def(Linear())
    assembly_format = "attr-dict `:` type($register)"

    def __init__(self, num_qubits: int):
        super().__init__(result_types=[RegisterType(num_qubits)])


@irdl_op_definition
class DeallocOp(IRDLOperation):
    """End the life of a register."""

    name = "quantum.dealloc"
    register = operand_def(RegisterType)
    assembly_format = "$register attr-dict `:` type($register)"

    def __init__(self, register: Value):
        super().__init__(operands=[register])


@irdl_op_definition
class ExtractOp(IRDLOperation):
    """Take the qubit at a wire out of a register, which is borrowed."""

    REGISTER: ClassVar = VarConstraint("REGISTER", base(RegisterType))

    name = "quantum.extract"
    register = operand_def(REGISTER)
    dynamic_index = opt_operand_def(i64)
    index = opt_prop_def(IntegerAttr.constr(i64))
    line = opt_prop_def(IntegerAttr.constr(i64))
    qubit = result_def(bit)
    traits = traits_def(Pure(), TakesOut())
    assembly_format = (
        "$register `[` ($dynamic_index^):($index)? `]` (`line` $line^)? "
        "attr-dict `:` type($register)"
    )

    def __init__(self, register: Value, index: int | Value, *, line: int | None = None):
        static = isinstance(index, int)
        super().__init__(
            operands=[register, [] if static else [index]],
            properties={
                "index": integer(index if static else None),
                "line": integer(line),
            },
            result_types=[bit],
        )

    @property
    def wire(self) -> int | SSAValue:
        """The wire: a number, or a value that is known when the program runs."""
        return _wire(self)

    def verify_(self) -> None:
        """Check the index."""
        _check_index(self)


@irdl_op_definition
class InsertOp(IRDLOperation):
    """Put a qubit back into a register, at a wire whose qubit was taken out."""

    REGISTER: ClassVar = VarConstraint("REGISTER", base(RegisterType))

    name = "quantum.insert"
    register = operand_def(REGISTER)
    dynamic_index = opt_operand_def(i64)
    qubit = operand_def(bit)
    index = opt_prop_def(IntegerAttr.constr(i64))
    line = opt_prop_def(IntegerAttr.constr(i64))
    out_register = result_def(REGISTER)
    traits = traits_def(Pure(), PutsBack())
    assembly_format = (
        "$qubit `into` $register `[` ($dynamic_index^):($index)? `]` "
        "(`line` $line^)? attr-dict `:` type($register)"
    )

    def __init__(
        self,
        register: Value,
        index: int | Value,
        qubit: Value,
        *,
        line: int | None = None,
    ):
        static = isinstance(index, int)
        super().__init__(
            operands=[register, [] if static else [index], qubit],
            properties={
                "index": integer(index if static else None),
                "line": integer(line),
            },
            result_types=[SSAValue.get(register).type],
        )

    @property
    def wire(self) -> int | SSAValue:
        """The wire: a number, or a value that is known when the program runs."""
        return _wire(self)

    def verify_(self) -> None:
        """Check the index."""
        _check_index(self)


def _wire(op: ExtractOp | InsertOp) -> int | SSAValue:
    if op.index is None and op.dynamic_index is not None:
        return op.dynamic_index
    if op.index is None or op.dynamic_index is not None:
        raise VerifyException(
            "Expected one index, but got "
            f"{'none' if op.index is None else 'both a number and a value'}. "
            "A wire is either a number or an i64 value."
        )
    return op.index.value.data


def _check_index(op: ExtractOp | InsertOp) -> None:
    wire = _wire(op)
    if isinstance(wire, int):
        check_wires(op.register, [wire])


@irdl_op_definition
class StatePrepOp(IRDLOperation):
    """Put wires that are in |0> into the state with the given amplitudes.

    An `unchecked` state need not be normalised. `slot` is where the gradient of the
    amplitudes goes: real and imaginary parts in turn.
    """

    REGISTER: ClassVar = VarConstraint("REGISTER", base(RegisterType))

    name = "quantum.state_prep"
    register = operand_def(REGISTER)
    dynamic_wires = var_operand_def(i64)
    amplitudes = operand_def()
    slot = opt_operand_def(i32)
    wires = opt_prop_def(DenseArrayBase.constr(eq(i64)))
    unchecked = opt_prop_def(UnitAttr)
    line = opt_prop_def(IntegerAttr.constr(i64))
    out_register = result_def(REGISTER)
    traits = traits_def(Linear())
    irdl_options = (AttrSizedOperandSegments(as_property=True),)
    assembly_format = (
        "$register ($wires^)? (`at` `(` $dynamic_wires^ `)`)? "
        "(`unchecked` $unchecked^)? `from` $amplitudes (`slot` $slot^)? "
        "(`line` $line^)? attr-dict `:` type($register) `,` type($amplitudes)"
    )

    def __init__(
        self,
        register: Value,
        amplitudes: Value,
        wires: Sequence[int | Value],
        *,
        unchecked: bool = False,
        slot: Value | None = None,
        line: int | None = None,
    ):
        static = [wire for wire in wires if isinstance(wire, int)]
        dynamic = [wire for wire in wires if not isinstance(wire, int)]
        super().__init__(
            operands=[register, dynamic, amplitudes, slot],
            properties={
                "wires": wire_array(static or None),
                "unchecked": UnitAttr() if unchecked else None,
                "line": integer(line),
            },
            result_types=[SSAValue.get(register).type],
        )

    def verify_(self) -> None:
        """Check the wires and the number of amplitudes."""
        if (self.wires is None) != bool(self.dynamic_wires):
            raise VerifyException(
                "Expected one list of wires, but got "
                f"{'none' if self.wires is None else 'two'}. "
                "The wires are either numbers or i64 values."
            )
        count = len(self.wires or self.dynamic_wires)
        if self.wires is not None:
            check_wires(self.register, self.wires.get_values())
        _check_size(self.amplitudes, 2**count, "amplitudes")


def _check_size(buffer: SSAValue, expected: int, what: str) -> None:
    if isinstance(buffer.type, MemRefType | TensorType):
        shape = buffer.type.get_shape()
        if shape != (expected,):
            raise VerifyException(
                f"Expected {expected} {what}, but got shape {shape}. "
                "Their number follows from the number of wires."
            )


@irdl_op_definition
class MeasureOp(IRDLOperation):
    """Measure a qubit in the computational basis, in the middle of a circuit."""

    name = "quantum.measure"
    qubit = operand_def(bit)
    postselect = opt_prop_def(IntegerAttr.constr(i64))
    reset = opt_prop_def(UnitAttr)
    line = opt_prop_def(IntegerAttr.constr(i64))
    outcome = result_def(i1)
    out_qubit = result_def(bit)
    assembly_format = (
        "$qubit (`postselect` $postselect^)? (`reset` $reset^)? "
        "(`line` $line^)? attr-dict"
    )

    def __init__(
        self,
        qubit: Value,
        *,
        postselect: int | None = None,
        reset: bool = False,
        line: int | None = None,
    ):
        super().__init__(
            operands=[qubit],
            properties={
                "postselect": integer(postselect),
                "reset": flag(reset),
                "line": integer(line),
            },
            result_types=[i1, bit],
        )

    def verify_(self) -> None:
        """Check that the outcome asked for is 0 or 1."""
        _check_outcome(self.postselect)


@irdl_op_definition
class PauliMeasureOp(IRDLOperation):
    """Measure a product of Paulis, one letter a qubit, in the middle of a circuit.

    The outcome 0 stands for the eigenvalue 1, or for -1 where the product is
    `negative`.
    """

    QUBITS: ClassVar = IntVarConstraint("QUBITS", AnyInt())

    name = "quantum.pauli_measure"
    word = prop_def(StringAttr)
    qubits = var_operand_def(RangeOf(eq(bit)).of_length(QUBITS))
    negative = opt_prop_def(UnitAttr)
    postselect = opt_prop_def(IntegerAttr.constr(i64))
    line = opt_prop_def(IntegerAttr.constr(i64))
    outcome = result_def(i1)
    out_qubits = var_result_def(RangeOf(eq(bit)).of_length(QUBITS))
    assembly_format = (
        "(`negative` $negative^)? $word `on` $qubits (`postselect` $postselect^)? "
        "(`line` $line^)? attr-dict"
    )

    def __init__(
        self,
        word: str,
        qubits: Sequence[Value],
        *,
        negative: bool = False,
        postselect: int | None = None,
        line: int | None = None,
    ):
        super().__init__(
            operands=[qubits],
            properties={
                "word": StringAttr(word),
                "negative": flag(negative),
                "postselect": integer(postselect),
                "line": integer(line),
            },
            result_types=[i1, [bit] * len(qubits)],
        )

    def verify_(self) -> None:
        """Check the letters, and that the outcome asked for is 0 or 1."""
        check_word(self.word.data, len(self.qubits))
        if not set(self.word.data) - {"I"}:
            raise VerifyException(
                f'Expected a letter other than I, but got "{self.word.data}". '
                "The identity has one outcome."
            )
        _check_outcome(self.postselect)


def _check_outcome(postselect: IntegerAttr | None) -> None:
    if postselect is not None and postselect.value.data not in (0, 1):
        raise VerifyException(
            f"Expected postselect 0 or 1, but got {postselect.value.data}. "
            "A measurement has two outcomes."
        )


@irdl_op_definition
class ResetOp(IRDLOperation):
    """Put a qubit into |0>, whatever its state."""

    name = "quantum.reset"
    qubit = operand_def(bit)
    line = opt_prop_def(IntegerAttr.constr(i64))
    out_qubit = result_def(bit)
    assembly_format = "$qubit (`line` $line^)? attr-dict"

    def __init__(self, qubit: Value, *, line: int | None = None):
        super().__init__(
            operands=[qubit],
            properties={"line": integer(line)},
            result_types=[bit],
        )
