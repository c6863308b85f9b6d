"""Operations of the `quantum` dialect that apply gates and matrices to qubits."""

from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from itertools import accumulate, pairwise
from typing import ClassVar

from xdsl.dialects.builtin import (
    DenseArrayBase,
    IntegerAttr,
    IntegerType,
    MemRefType,
    StringAttr,
    TensorType,
    UnitAttr,
    f64,
    i1,
    i32,
    i64,
)
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import (
    AttrSizedOperandSegments,
    AttrSizedResultSegments,
    IntVarConstraint,
    IRDLOperation,
    RangeOf,
    eq,
    irdl_op_definition,
    operand_def,
    opt_operand_def,
    opt_prop_def,
    prop_def,
    traits_def,
    var_operand_def,
    var_result_def,
)
from xdsl.irdl.constraints import AnyInt
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException
from xdsl.utils.hints import isa

from qjit.dialects.gates import GATES, GateRecord
from qjit.runtime.recent import MOST

from .types import (
    ControlValues,
    Value,
    bit,
    bit_array,
    check_control_values,
    check_word,
    control_pattern,
    flag,
    integer,
)


class Controllable(IRDLOperation):
    """An operation on target and control qubits, which it returns changed."""

    TARGETS: ClassVar = IntVarConstraint("TARGETS", AnyInt())
    CONTROLS: ClassVar = IntVarConstraint("CONTROLS", AnyInt())

    targets = var_operand_def(RangeOf(eq(bit)).of_length(TARGETS))
    controls = var_operand_def(RangeOf(eq(bit)).of_length(CONTROLS))
    control_values = opt_prop_def(DenseArrayBase.constr(eq(i1)))
    adjoint = opt_prop_def(UnitAttr)
    line = opt_prop_def(IntegerAttr.constr(i64))
    out_targets = var_result_def(RangeOf(eq(bit)).of_length(TARGETS))
    out_controls = var_result_def(RangeOf(eq(bit)).of_length(CONTROLS))

    def build_flat(
        self,
        operands: Sequence[Sequence[Value]],
        properties: Mapping[str, Attribute | None],
    ) -> None:
        """Initialise the operation, whose last operands are targets and controls.

        There are tens of thousands of gates in a program, and the constructor that
        xDSL derives from the definitions takes five times as long.
        """
        targets, controls = map(len, operands[-2:])
        Operation.__init__(
            self,
            operands=[SSAValue.get(value) for group in operands for value in group],
            result_types=(bit,) * (targets + controls),
            properties={
                "operandSegmentSizes": _segments(*map(len, operands)),
                "resultSegmentSizes": _segments(targets, controls),
                **{
                    key: found for key, found in properties.items() if found is not None
                },
            },
        )

    @property
    def control_pattern(self) -> tuple[int, ...]:
        """The value that each control qubit must have."""
        return control_pattern(self.control_values, len(self.controls))

    @property
    def qubits(self) -> Sequence[SSAValue]:
        """The qubits taken, in the order of the results."""
        return self.operands[len(self.operands) - len(self.results) :]

    @property
    def groups(self) -> list[Sequence[SSAValue]]:
        """The operands in the order of their definitions: targets and controls last.

        What xDSL derives from a definition decodes all sizes every time.
        """
        sizes = _sizes(self.properties["operandSegmentSizes"])
        return [self.operands[a:b] for a, b in pairwise(accumulate(sizes, initial=0))]

    def controls_first(self, num_controls: int) -> Sequence[SSAValue]:
        """The results in the order of wires, given how many controls there are."""
        split = len(self.results) - num_controls
        return [*self.results[split:], *self.results[:split]]


@lru_cache(MOST)
def _segments(*sizes: int) -> DenseArrayBase[IntegerType]:
    return DenseArrayBase.from_list(i32, sizes)


@lru_cache(MOST)
def _sizes(segments: Attribute) -> tuple[int, ...]:
    assert isa(segments, DenseArrayBase[IntegerType])
    return segments.get_values()


@cache
def _name(gate: str) -> StringAttr:
    return StringAttr(gate)


def check_counts(
    record: GateRecord,
    params: Sequence[object],
    targets: Sequence[object],
    controls: Sequence[object],
) -> None:
    """Raise unless a gate has as many of each as its record says."""
    name = record.name
    if len(params) != record.num_params:
        raise VerifyException(
            f"Expected {record.num_params} parameters, but got {len(params)}. "
            f"{name} takes {record.num_params}."
        )
    if record.num_targets and len(targets) != record.num_targets:
        raise VerifyException(
            f"Expected {record.num_targets} targets, but got {len(targets)}. "
            f"{name} acts on {record.num_targets}."
        )
    own = 1 if record.num_controls is None else record.num_controls
    if len(controls) < own:
        raise VerifyException(
            f"Expected at least {own} controls, but got {len(controls)}. "
            f"{name} has {own} of its own."
        )


@irdl_op_definition
class GateOp(Controllable):
    """Apply a gate of the table `GATES` to the targets, under the controls.

    The controls of the gate's own record, such as the one of CNOT, are among the
    controls. A gate without targets, which is GlobalPhase, may pass some through, and
    must where it has no controls. A slot is the place of a parameter's gradient.
    """

    name = "quantum.gate"
    gate = prop_def(StringAttr)
    params = var_operand_def(f64)
    slots = var_operand_def(i32)
    word = opt_prop_def(StringAttr)
    dim = opt_prop_def(IntegerAttr.constr(i64))

    irdl_options = (
        AttrSizedOperandSegments(as_property=True),
        AttrSizedResultSegments(as_property=True),
    )
    traits = traits_def(Pure())
    custom_directives = (ControlValues,)
    assembly_format = (
        "$gate (`(` $params^ `)`)? (`adjoint` $adjoint^)? (`word` $word^)? "
        "(`dim` $dim^)? (`on` $targets^)? (`ctrl` `(` $controls^ `)`)? "
        "custom<ControlValues>($control_values) (`slots` `(` $slots^ `)`)? "
        "(`line` $line^)? attr-dict"
    )

    def __init__(
        self,
        gate: str,
        targets: Sequence[Value],
        *,
        params: Sequence[Value] = (),
        controls: Sequence[Value] = (),
        control_values: Sequence[int | bool] | None = None,
        adjoint: bool = False,
        slots: Sequence[Value] = (),
        word: str | None = None,
        dim: int | None = None,
        line: int | None = None,
    ):
        self.build_flat(
            [params, slots, targets, controls],
            {
                "gate": _name(gate),
                "control_values": bit_array(control_values),
                "adjoint": flag(adjoint),
                "word": None if word is None else StringAttr(word),
                "dim": integer(dim),
                "line": integer(line),
            },
        )

    def verify_(self) -> None:
        """Check the numbers of parameters and qubits against the gate's record."""
        name = self.gate.data
        record = GATES.get(name)
        if record is None or not _is_static(record):
            raise VerifyException(
                f'Expected the name of a gate, but got "{name}". '
                "The gates are listed in dialects/gates/__init__.py."
            )
        check_counts(record, self.params, self.targets, self.controls)
        self._verify_qubits(record)
        check_control_values(self.control_values, len(self.controls))
        self._verify_properties(record)

    def _verify_qubits(self, record: GateRecord) -> None:
        if not self.targets and not self.controls:
            raise VerifyException(
                "Expected at least 1 qubit, but got 0. "
                f"A {record.name} without qubits has no place in the circuit."
            )
        if self.slots and len(self.slots) != len(self.params):
            raise VerifyException(
                f"Expected {len(self.params)} slots, but got {len(self.slots)}. "
                "Each parameter has one slot, or none has."
            )

    def _verify_properties(self, record: GateRecord) -> None:
        for name, what, got in (
            ("pauli_word", "word", self.word),
            ("dim", "dim", self.dim),
        ):
            if (name in record.static) != (got is not None):
                takes = "a" if name in record.static else "no"
                raise VerifyException(
                    f"Expected {takes} {what}, but got {_shown(got)}. "
                    f"{record.name} takes {takes} {what}."
                )
        if self.word is not None:
            check_word(self.word.data, len(self.targets))
        size = 2 ** len(self.targets)
        if self.dim is not None and not 0 <= self.dim.value.data <= size:
            raise VerifyException(
                f"Expected a dim from 0 to {size}, but got {self.dim.value.data}. "
                f"{record.name} changes a subspace of its targets."
            )

    @property
    def static(self) -> dict[str, int | str]:
        """What the gate's record asks to be told at compile time."""
        known: dict[str, int | str] = {"num_targets": len(self.targets)}
        if self.word is not None:
            known["pauli_word"] = self.word.data
        if self.dim is not None:
            known["dim"] = self.dim.value.data
        return {name: known[name] for name in GATES[self.gate.data].static}


def _shown(found: Attribute | None) -> str:
    return "none" if found is None else str(found)


def _is_static(record: GateRecord) -> bool:
    """Whether the properties and the number of targets give the gate its matrix."""
    given = {"num_targets", "pauli_word", "dim"}
    return record.definition is not None and given.issuperset(record.static)


@irdl_op_definition
class BarrierOp(IRDLOperation):
    """Pass qubits through; gates on them stay on their side."""

    name = "quantum.barrier"
    qubits = var_operand_def(RangeOf(eq(bit)).of_length(Controllable.TARGETS))
    line = opt_prop_def(IntegerAttr.constr(i64))
    out_qubits = var_result_def(RangeOf(eq(bit)).of_length(Controllable.TARGETS))
    traits = traits_def(Pure())
    assembly_format = "$qubits (`line` $line^)? attr-dict"

    def __init__(self, qubits: Sequence[Value], *, line: int | None = None):
        found = integer(line)
        Operation.__init__(  # as for gates, several times faster
            self,
            operands=[SSAValue.get(qubit) for qubit in qubits],
            result_types=(bit,) * len(qubits),
            properties={} if found is None else {"line": found},
        )


@irdl_op_definition
class UnitaryOp(Controllable):
    """Apply a matrix, or a diagonal of one, to the targets, under the controls.

    An `invertible` matrix need not be unitary, but comes with its inverse, as an array
    of two matrices. `slot` is where the gradient of the entries goes: real and
    imaginary parts in turn.
    """

    name = "quantum.unitary"
    matrix = operand_def()
    slot = opt_operand_def(i32)
    diagonal = opt_prop_def(UnitAttr)
    invertible = opt_prop_def(UnitAttr)

    irdl_options = (
        AttrSizedOperandSegments(as_property=True),
        AttrSizedResultSegments(as_property=True),
    )
    custom_directives = (ControlValues,)
    assembly_format = (
        "(`diagonal` $diagonal^)? (`invertible` $invertible^)? $matrix "
        "(`adjoint` $adjoint^)? (`on` $targets^)? (`ctrl` `(` $controls^ `)`)? "
        "custom<ControlValues>($control_values) (`slot` $slot^)? (`line` $line^)? "
        "attr-dict `:` type($matrix)"
    )

    def __init__(
        self,
        matrix: Value,
        targets: Sequence[Value],
        *,
        controls: Sequence[Value] = (),
        control_values: Sequence[int | bool] | None = None,
        diagonal: bool = False,
        invertible: bool = False,
        adjoint: bool = False,
        slot: Value | None = None,
        line: int | None = None,
    ):
        self.build_flat(
            [[matrix], [] if slot is None else [slot], targets, controls],
            {
                "control_values": bit_array(control_values),
                "diagonal": flag(diagonal),
                "invertible": flag(invertible),
                "adjoint": flag(adjoint),
                "line": integer(line),
            },
        )

    def verify_(self) -> None:
        """Check the shape of the matrix."""
        size = 2 ** len(self.targets)
        expected = (size,) if self.diagonal else (size, size)
        if self.invertible:
            expected = (2, *expected)
        matrix_type = self.matrix.type
        if isinstance(matrix_type, MemRefType | TensorType):
            shape = matrix_type.get_shape()
            if shape != expected:
                raise VerifyException(
                    f"Expected a matrix of shape {expected}, but got {shape}. "
                    f"It acts on {len(self.targets)} targets."
                )
        check_control_values(self.control_values, len(self.controls))
