"""Gates, measurements and other instructions of a Qiskit circuit."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

from qjit.errors import QiskitCircuitError, QJitError
from qjit.exchange.openqasm.classical_types import BOOL, ConversionError, Value
from qjit.measurements.measurements import measure, reset
from qjit.ops.modifiers import adjoint, ctrl
from qjit.ops.modifiers import pow as power
from qjit.ops.operations import FIXED_ARITY_GATES
from qjit.ops.variadic_gates import GlobalPhase, QubitUnitary, barrier, delay

from .control_flow import BREAK, CONTINUE, ControlFlow, Frame, Status
from .gates import STANDARD, universal
from .parameters import NoValueError, number_of
from .positions import kind_of

SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9, "ps": 1e-12}
MOST_OF_MATRIX = 12
# Powers that are applied one by one, and not in a loop.
MOST_WRITTEN = 16


class Applying(ControlFlow):
    """What applies instructions."""

    def begin(self, block: Any) -> None:
        """Apply the global phase of a circuit."""
        phase = block.global_phase
        if hasattr(phase, "parameters") or phase:
            angle = self.number(phase)
            self._guarded(lambda: GlobalPhase(-angle))

    def instruction(self, instruction: Any) -> Status:
        """Apply one instruction, and return what it leaves."""
        operation = instruction.operation
        is_gate = not hasattr(operation, "blocks")
        if is_gate and getattr(operation, "_condition", None) is not None:
            self.fail("conditions on single gates are not supported. Use if_test.")
        match kind_of(operation):
            case "IfElseOp":
                return self.run_if(instruction)
            case "SwitchCaseOp":
                return self.run_switch(instruction)
            case "WhileLoopOp":
                return self.run_while(instruction)
            case "ForLoopOp":
                return self.run_for(instruction)
            case "BoxOp":
                return self._box(instruction)
            case "BreakLoopOp":
                return BREAK
            case "ContinueLoopOp":
                return CONTINUE
            case "Store":
                self._store(operation)
            case _:
                wires = [self.frame.wires[each] for each in instruction.qubits]
                bits = [self.bit(each) for each in instruction.clbits]
                self._guarded(lambda: self._apply(operation, wires, bits))
        return None

    def _guarded(self, apply: Callable[[], Any]) -> None:
        """Apply something; what qjit refuses is refused with its place."""
        try:
            apply()
        except QiskitCircuitError:
            raise
        except QJitError as error:
            _, separator, rest = str(error).partition(": ")
            self.fail(rest if separator else str(error))

    def number(self, value: Any) -> Any:
        """Return the number that a parameter of an instruction is."""
        try:
            return number_of(value, self.parameters)
        except NoValueError as error:
            self.fail(f"{error}.")

    def _box(self, instruction: Any) -> Status:
        (block,) = instruction.operation.blocks
        if instruction.operation.duration is not None:
            self.fail("a box with a duration is not supported. Leave it out.")
        frame = self.inside(block, instruction)
        barrier(list(frame.wires.values()))
        with self.at("block 0"):
            status = self.block(block, frame)
        barrier(list(frame.wires.values()))
        return status

    def _store(self, operation: Any) -> None:
        value = self.value(operation.rvalue)
        try:
            self.store(operation.lvalue, value)
        except ConversionError as error:
            self.fail(f"{error}.")

    def _apply(self, operation: Any, wires: list[Any], bits: list[int]) -> None:
        """Apply what is no control flow."""
        match kind_of(operation):
            case "Measure":
                outcome = measure(wires[0])
                held = outcome if outcome.dtype == bool else outcome != 0
                self.memory[bits[0]] = Value(BOOL, held)
            case "Reset":
                reset(wires[0])
            case "Barrier":
                barrier(wires)
            case "Delay":
                self._delay(operation, wires)
            case _ if bits:
                self._definition(operation, wires, bits)
            case _:
                self.gate(operation, wires)

    def _delay(self, operation: Any, wires: list[Any]) -> None:
        unit = operation.unit
        if unit not in SECONDS:
            self.fail(
                f"a delay in {unit} has no length here. Give it in seconds, as in "
                'delay(100, unit="ns").'
            )
        length = self.number(operation.params[0])
        if not isinstance(length, int | float | np.number):
            self.not_known("the length of a delay")
        delay(float(length) * SECONDS[unit], wires)

    # Gates

    def gate(self, operation: Any, wires: list[Any]) -> Any:
        """Apply a gate, and return it if it is one operator."""
        kind = kind_of(operation)
        if self.is_single(operation):
            return self._single(kind, operation, wires)
        if kind == "AnnotatedOperation":
            self._annotated(operation.base_op, list(operation.modifiers), wires)
        elif hasattr(operation, "base_gate") and _is_controlled(operation):
            self._controlled(operation, wires)
        elif kind == "PermutationGate":
            self._permuted(list(operation.params[0]), wires)
        else:
            self._definition(operation, wires, [])
        return None

    def is_single(self, operation: Any) -> bool:
        """Return whether a gate is one operator of qjit."""
        kind = kind_of(operation)
        return kind == "UnitaryGate" or (kind in STANDARD and _on_ones(operation))

    def _single(self, kind: str, operation: Any, wires: list[Any]) -> Any:
        if kind == "UnitaryGate":
            return _unitary(operation.to_matrix(), wires)
        angles = [self.number(each) for each in operation.params]
        return STANDARD[kind](angles, wires)

    def _controlled(self, operation: Any, wires: list[Any]) -> None:
        count, base = operation.num_ctrl_qubits, operation.base_gate
        controls, targets = wires[:count], wires[count:]
        values = _bits(operation.ctrl_state, count)
        if kind_of(base) == "UGate" and len(operation.params) == 4:
            angles = [self.number(each) for each in operation.params]
            body = lambda: universal(angles, targets)  # noqa: E731
            ctrl(body, control=controls, control_values=values)()
            return
        self._changed(_under(controls, values), lambda: self.gate(base, targets), base)

    def _changed(
        self, change: Callable[[Any], Any], apply: Callable[[], Any], base: Any = None
    ) -> None:
        """Apply something changed: one operator, or a function that applies several."""
        if base is not None and self.is_single(base):
            change(apply())
            return

        def function() -> None:
            apply()

        change(function)()

    def _annotated(self, base: Any, modifiers: list[Any], wires: list[Any]) -> None:
        if not modifiers:
            self.gate(base, wires)
            return
        *rest, last = modifiers
        match kind_of(last):
            case "InverseModifier":
                change: Callable[[Any], Any] = adjoint
            case "ControlModifier":
                count = last.num_ctrl_qubits
                change = _under(wires[:count], _bits(last.ctrl_state, count))
                wires = wires[count:]
            case "PowerModifier" if float(last.power).is_integer():
                change = _powered(int(last.power))
            case "PowerModifier":
                self._fractional(base, modifiers, wires)
                return
            case other:
                self.fail(f"the modifier {other} is not supported.")
        apply = lambda: self._annotated(base, rest, wires)  # noqa: E731
        self._changed(change, apply)

    def _fractional(self, base: Any, modifiers: list[Any], wires: list[Any]) -> None:
        """Apply a power that is no integer, which is Qiskit's where it is known."""
        annotated = import_module("qiskit.circuit").AnnotatedOperation
        try:
            matrix = annotated(base, modifiers).to_matrix()
        except Exception as error:
            self.fail(
                f"{base.name} has no matrix to take the power {modifiers[-1].power} "
                f"of ({error}). Assign its parameters first."
            )
        _unitary(np.asarray(getattr(matrix, "data", matrix)), wires)

    def _permuted(self, pattern: list[int], wires: list[Any]) -> None:
        """Apply a permutation, in which qubit pattern[k] goes to place k."""
        held = list(range(len(pattern)))
        for place, wanted in enumerate(map(int, pattern)):
            other = held.index(wanted)
            if other != place:
                FIXED_ARITY_GATES["SWAP"](wires=[wires[place], wires[other]])
                held[place], held[other] = held[other], held[place]

    def _definition(self, operation: Any, wires: list[Any], bits: list[int]) -> None:
        """Apply an instruction by its definition, or by its matrix."""
        block = getattr(operation, "definition", None)
        if block is None and hasattr(operation, "to_circuit"):
            block = operation.to_circuit()
        if block is None:
            self._matrix(operation, wires, bits)
            return
        frame = Frame(
            dict(zip(block.qubits, wires, strict=True)),
            dict(zip(block.clbits, bits, strict=True)),
        )
        with self.at("its definition"):
            self.block(block, frame)

    def _matrix(self, operation: Any, wires: list[Any], bits: list[int]) -> None:
        to_matrix = getattr(operation, "to_matrix", None)
        matrix = None
        if to_matrix is not None and not bits and len(wires) <= MOST_OF_MATRIX:
            try:
                matrix = np.asarray(to_matrix())
            except Exception:
                matrix = None
        if matrix is None:
            self.fail(
                f"{operation.name} has neither a definition nor a matrix, so that "
                "nothing tells what it does. Give it a definition."
            )
        _unitary(matrix, wires)


def _unitary(matrix: Any, wires: list[Any]) -> Any:
    """Apply a matrix of Qiskit, whose first qubit is the least significant."""
    return QubitUnitary(np.asarray(matrix), wires=wires[::-1])


def _under(controls: list[Any], values: list[bool]) -> Callable[[Any], Any]:
    return lambda inner: ctrl(inner, control=controls, control_values=values)


def _powered(exponent: int) -> Callable[[Any], Any]:
    """Return what raises a function to a power; a low one is written out."""
    if abs(exponent) > MOST_WRITTEN:
        return lambda inner: power(inner, exponent)

    def change(inner: Any) -> Callable[[], None]:
        once = adjoint(inner) if exponent < 0 else inner

        def repeated() -> None:
            for _ in range(abs(exponent)):
                once()

        return repeated

    return change


def _bits(state: int | None, count: int) -> list[bool]:
    if state is None:
        return [True] * count
    return [bool(state >> place & 1) for place in range(count)]


def _on_ones(operation: Any) -> bool:
    count = getattr(operation, "num_ctrl_qubits", 0)
    return all(_bits(getattr(operation, "ctrl_state", None), count))


def _is_controlled(operation: Any) -> bool:
    """Return whether a gate is its base gate under controls, and on no other qubits.

    Parameters that are assigned do not reach the definition of a base gate.
    """
    base = operation.base_gate
    own = operation.num_ctrl_qubits + base.num_qubits
    current = kind_of(base) in STANDARD or not operation.params
    return operation.num_qubits == own and (current or kind_of(base) == "UnitaryGate")
