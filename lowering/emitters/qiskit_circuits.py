"""Circuits of Qiskit, with its control flow and its expressions of classical values."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from xdsl.dialects import arith
from xdsl.dialects.builtin import IndexType, f64, i1
from xdsl.ir import Attribute, Operation

from .block_emitter import BlockEmitter
from .emitter import AppliedGate, EmissionError, Wire, WithoutSubroutines
from .qiskit_arithmetic import (
    computed,
    is_parameter,
    literal,
    signed_as_float,
    type_of,
)
from .qiskit_gates import Application, applications, qiskit
from .values import Expression, is_known

# What is applied to a circuit, in order, once all of it is known.
Steps = list[Application]


@dataclass
class QiskitEmitter(WithoutSubroutines, BlockEmitter[Application]):
    """A circuit of Qiskit, as it is written.

    The register `c` has the results, in order, and `m` all other outcomes.
    """

    has_branches: bool = True
    has_loops: bool = True
    has_counters: bool = True
    bits: list[Any] = field(default_factory=list[Any])
    variables: list[Any] = field(default_factory=list[Any])
    num_bits: int = 0
    """Bits of the register of results, once the circuit is finished."""
    used: set[Any] = field(default_factory=set[Any])
    """The parameters of gates."""
    num_wires: int = 0
    num_loops: int = 0

    def parameter(self, name: str) -> Expression:
        """Return a number that is given when the program runs, as a parameter."""
        return Expression(qiskit("circuit").Parameter(name), f64)

    def constant(self, bit: bool) -> Expression:
        """Return a bit that is always the same."""
        return Expression(qiskit("circuit.classical.expr").lift(bit), i1)

    # Gates

    def allocate(self, num_qubits: int) -> None:
        """Take more qubits."""
        self.num_wires += num_qubits

    def gate(self, gate: AppliedGate) -> None:
        """Write a gate."""
        params = tuple(map(self._angle, gate.params))
        controls, targets = map(self._wires, (gate.controls, gate.targets))
        made = replace(gate, params=params, controls=controls, targets=targets)
        self.statements += applications(made)

    def _angle(self, value: Any) -> Any:
        if isinstance(value, Expression):
            if not is_parameter(value.code):
                raise EmissionError("an angle that the device computes")
            self.used |= set(value.code.parameters)
            return value.code
        number = float(value)
        if not math.isfinite(number):
            raise EmissionError(f"the angle {number}")
        return number

    def _wires(self, wires: Sequence[Wire]) -> tuple[int, ...]:
        return tuple(map(self._wire, wires))

    def _wire(self, wire: Wire) -> int:
        if isinstance(wire, Expression):
            raise EmissionError("a wire that the device computes")
        return int(wire)

    def measure(self, wire: Wire) -> Expression:
        """Write a measurement, and return its outcome."""
        bit, on = qiskit("circuit").Clbit(), self._wire(wire)
        self.bits.append(bit)
        self.statements.append(lambda circuit: circuit.measure(on, bit))
        return Expression(qiskit("circuit.classical.expr").lift(bit), i1)

    def reset(self, wire: Wire) -> None:
        """Write a reset to |0>."""
        on = self._wire(wire)
        self.statements.append(lambda circuit: circuit.reset(on))

    def barrier(self, wires: Sequence[Wire]) -> None:
        """Write a barrier."""
        on = self._wires(wires)
        self.statements.append(lambda circuit: circuit.barrier(*on))

    def delay(self, seconds: float, wires: Sequence[Wire]) -> None:
        """Write a delay."""
        on = self._wires(wires)
        self.statements.append(
            lambda circuit: circuit.delay(seconds, list(on), unit="s")
        )

    # Numbers

    def operation(self, op: Operation, operands: Sequence[Any]) -> Expression:
        """Return a classical operation of numbers and expressions."""
        kind = op.results[0].type
        if isinstance(op, arith.SelectOp):
            condition, one, zero = operands
            if is_known(condition):
                chosen = one if condition else zero
                if isinstance(chosen, Expression):
                    return chosen
                return Expression(literal(chosen, kind), kind)
            if not isinstance(condition, Expression) or is_parameter(condition.code):
                raise EmissionError("a choice by a parameter", op)
            return self.selected(condition, one, zero, kind)
        value = operands[0]
        is_signed = isinstance(op, arith.SIToFPOp) and op.operands[0].type != i1
        if is_signed and not is_parameter(value.code):
            test, one, zero = signed_as_float(value.code, op.operands[0].type)
            return self.selected(
                Expression(test, i1),
                Expression(one, kind),
                Expression(zero, kind),
                kind,
            )
        code = computed(op, operands)
        if code is None:
            raise EmissionError(f"'{op.name}' of what outcomes decide", op)
        return Expression(code, kind)

    def variable(self, kind: Attribute) -> Expression:
        """Declare a variable."""
        name = f"v{len(self.variables)}"
        made = qiskit("circuit.classical.expr").Var.new(name, type_of(kind))
        self.variables.append(made)
        return Expression(made, kind)

    def assign(self, variable: Expression, value: Any) -> None:
        """Write an assignment."""
        target, code = variable.code, literal(value, variable.kind)
        self.statements.append(lambda circuit: circuit.store(target, code))

    def negated(self, condition: Expression) -> Expression:
        """Return a condition that holds where another does not."""
        code = qiskit("circuit.classical.expr").logic_not(condition.code)
        return Expression(code, i1)

    # Control flow

    def write_if(self, condition: Expression, then: Steps, otherwise: Steps) -> None:
        """Write a branch."""
        test = _test(condition.code)

        def write(circuit: Any) -> None:
            with circuit.if_test(test) as rest:
                _write(circuit, then)
            if otherwise:
                with rest:
                    _write(circuit, otherwise)

        self.statements.append(write)

    def write_while(self, condition: Expression, body: Steps) -> None:
        """Write a loop."""
        test = condition.code

        def write(circuit: Any) -> None:
            with circuit.while_loop(test):
                _write(circuit, body)

        self.statements.append(write)

    def count(
        self, start: int, stop: int, step: int, body: Callable[[Expression], None]
    ) -> None:
        """Write a for loop."""
        number = qiskit("circuit").Parameter(f"_i{self.num_loops}")
        self.num_loops += 1
        steps = self.block(lambda: body(Expression(number, IndexType())))

        given = number if number in self.used else None

        def write(circuit: Any) -> None:
            with circuit.for_loop(range(start, stop, step), given):
                _write(circuit, steps)

        self.statements.append(write)

    def mark(self) -> Any:
        """Return where the program is, for `undo`."""
        return len(self.statements), len(self.bits), len(self.variables)

    def undo(self, mark: Any) -> None:
        """Take back all that was written since."""
        steps, bits, variables = mark
        del self.statements[steps:], self.bits[bits:], self.variables[variables:]

    def finish(self, outcomes: Sequence[Expression]) -> Any:
        """Return the circuit, whose results are the register `c` of these bits."""
        module = qiskit("circuit")
        others = dict.fromkeys(self.bits)
        results: list[Any] = []
        for outcome in outcomes:
            bit = getattr(outcome.code, "var", None)
            if bit in others:
                del others[bit]
            else:
                bit = module.Clbit()
                self._copy(bit, outcome)
            results.append(bit)
        self.num_bits = len(results)
        circuit = module.QuantumCircuit()
        if self.num_wires:
            circuit.add_register(module.QuantumRegister(self.num_wires, "q"))
        for name, bits in (("c", results), ("m", list(others))):
            if bits:
                circuit.add_register(module.ClassicalRegister(name=name, bits=bits))
        for variable in self.variables:
            circuit.add_uninitialized_var(variable)
        _write(circuit, self.statements)
        return circuit

    def _copy(self, bit: Any, outcome: Expression) -> None:
        code = outcome.code
        self.statements.append(lambda circuit: circuit.store(bit, code))


def _write(circuit: Any, steps: Steps) -> None:
    for step in steps:
        step(circuit)


def _test(code: Any) -> Any:
    """Return a condition; one of a bit in the form that more runtimes take."""
    clbit = qiskit("circuit").Clbit
    return (code.var, True) if isinstance(getattr(code, "var", None), clbit) else code
