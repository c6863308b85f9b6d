"""Circuits of Qiskit, with its control flow and its expressions of classical values."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from xdsl.dialects import arith
from xdsl.dialects.builtin import IndexType, f64, i1
from xdsl.ir import Attribute, Operation

from .emitter import AppliedGate, EmissionError, Wire
from .qiskit_arithmetic import (
    computed,
    is_parameter,
    literal,
    signed_as_float,
    type_of,
)
from .qiskit_gates import Application, applications, qiskit
from .values import Expression, is_known, whole

# What is applied to a circuit, in order, once all of it is known.
Steps = list[Application]


@dataclass
class QiskitEmitter:
    """A circuit of Qiskit, as it is written.

    The register `c` has the results, in order, and `m` all other outcomes.
    """

    has_branches: bool = True
    has_loops: bool = True
    has_counters: bool = True
    steps: Steps = field(default_factory=list[Application])
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

    # Gates

    def allocate(self, num_qubits: int) -> None:
        """Take more qubits."""
        self.num_wires += num_qubits

    def gate(self, gate: AppliedGate) -> None:
        """Write a gate."""
        params = tuple(map(self._angle, gate.params))
        controls, targets = map(self._wires, (gate.controls, gate.targets))
        made = replace(gate, params=params, controls=controls, targets=targets)
        self.steps += applications(made)

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
        self.steps.append(lambda circuit: circuit.measure(on, bit))
        return Expression(qiskit("circuit.classical.expr").lift(bit), i1)

    def reset(self, wire: Wire) -> None:
        """Write a reset to |0>."""
        on = self._wire(wire)
        self.steps.append(lambda circuit: circuit.reset(on))

    def barrier(self, wires: Sequence[Wire]) -> None:
        """Write a barrier."""
        on = self._wires(wires)
        self.steps.append(lambda circuit: circuit.barrier(*on))

    def delay(self, seconds: float, wires: Sequence[Wire]) -> None:
        """Write a delay."""
        on = self._wires(wires)
        self.steps.append(lambda circuit: circuit.delay(seconds, list(on), unit="s"))

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
            return self._selected(condition, one, zero, kind)
        value = operands[0]
        is_signed = isinstance(op, arith.SIToFPOp) and op.operands[0].type != i1
        if is_signed and not is_parameter(value.code):
            test, one, zero = signed_as_float(value.code, op.operands[0].type)
            return self._selected(
                Expression(test, i1),
                Expression(one, kind),
                Expression(zero, kind),
                kind,
            )
        code = computed(op, operands)
        if code is None:
            raise EmissionError(f"'{op.name}' of what outcomes decide", op)
        return Expression(code, kind)

    def select(self, outcome: Expression, one: Any, zero: Any, kind: Attribute) -> Any:
        """Write a choice between two values."""
        if kind == i1 and is_known(one) and is_known(zero) and one != zero:
            return outcome if one else self._negated(outcome)
        return self._selected(outcome, one, zero, kind)

    def _negated(self, condition: Expression) -> Expression:
        code = qiskit("circuit.classical.expr").logic_not(condition.code)
        return Expression(code, i1)

    def _selected(
        self, condition: Expression, one: Any, zero: Any, kind: Attribute
    ) -> Expression:
        variable = self._variable(kind)
        self._store(variable, zero, kind)
        chosen, _ = self._block(lambda: self._store(variable, one, kind))
        self._if(condition, chosen, [])
        return variable

    def _variable(self, kind: Attribute) -> Expression:
        name = f"v{len(self.variables)}"
        made = qiskit("circuit.classical.expr").Var.new(name, type_of(kind))
        self.variables.append(made)
        return Expression(made, kind)

    def _store(self, variable: Expression, value: Any, kind: Attribute) -> None:
        given = whole(value, kind, self.select)
        target, code = variable.code, literal(given, kind)
        if code is not target:
            self.steps.append(lambda circuit: circuit.store(target, code))

    # Control flow

    def _block(self, function: Callable[[], Any]) -> tuple[Steps, Any]:
        """Return what a function writes."""
        kept, self.steps = self.steps, []
        try:
            found = function()
            return self.steps, found
        finally:
            self.steps = kept

    def _within(self, steps: Steps, function: Callable[[], Any]) -> Any:
        """Write more at the end of a block."""
        kept, self.steps = self.steps, steps
        try:
            return function()
        finally:
            self.steps = kept

    def _if(self, condition: Expression, then: Steps, otherwise: Steps) -> None:
        if not then and not otherwise:
            return
        if not then:
            condition, then, otherwise = self._negated(condition), otherwise, []
        test = _test(condition.code)

        def write(circuit: Any) -> None:
            with circuit.if_test(test) as rest:
                _write(circuit, then)
            if otherwise:
                with rest:
                    _write(circuit, otherwise)

        self.steps.append(write)

    def branch(
        self,
        condition: Expression,
        then: Callable[[], None],
        otherwise: Callable[[], None],
        results: Callable[[], Sequence[tuple[Any, Any, Attribute]]],
    ) -> list[Expression]:
        """Write a branch, and variables for its results."""
        one, _ = self._block(then)
        zero, _ = self._block(otherwise)
        found: list[Expression] = []
        for *values, kind in results():
            variable = self._variable(kind)
            for steps, value in zip((one, zero), values, strict=True):
                self._within(
                    steps, lambda v=variable, x=value, k=kind: self._store(v, x, k)
                )
            found.append(variable)
        self._if(condition, one, zero)
        return found

    def loop(
        self,
        condition: Expression,
        initial: Sequence[Any],
        kinds: Sequence[Attribute],
        body: Callable[[Sequence[Expression]], tuple[Expression, Sequence[Any]]],
    ) -> list[Expression]:
        """Write a while loop, with variables for its values."""
        every = (i1, *kinds)
        variables = [self._variable(kind) for kind in every]
        for variable, value in zip(variables, (condition, *initial), strict=True):
            self._store(variable, value, variable.kind)

        def write_body() -> None:
            again, values = body(variables[1:])
            new = list(zip(variables, (again, *values), strict=True))
            changed = [each for each in new if each[0] is not each[1]]
            if len(changed) > 1:  # one may be computed from another
                kept = [self._variable(variable.kind) for variable, _ in changed]
                for (variable, value), one in zip(changed, kept, strict=True):
                    self._store(one, value, variable.kind)
                changed = [(v, one) for (v, _), one in zip(changed, kept, strict=True)]
            for variable, value in changed:
                self._store(variable, value, variable.kind)

        steps, _ = self._block(write_body)
        test = variables[0].code

        def write(circuit: Any) -> None:
            with circuit.while_loop(test):
                _write(circuit, steps)

        self.steps.append(write)
        return variables[1:]

    def count(
        self, start: int, stop: int, step: int, body: Callable[[Expression], None]
    ) -> None:
        """Write a for loop."""
        number = qiskit("circuit").Parameter(f"_i{self.num_loops}")
        self.num_loops += 1
        steps, _ = self._block(lambda: body(Expression(number, IndexType())))

        given = number if number in self.used else None

        def write(circuit: Any) -> None:
            with circuit.for_loop(range(start, stop, step), given):
                _write(circuit, steps)

        self.steps.append(write)

    def mark(self) -> Any:
        """Return where the program is, for `undo`."""
        return len(self.steps), len(self.bits), len(self.variables)

    def undo(self, mark: Any) -> None:
        """Take back all that was written since."""
        steps, bits, variables = mark
        del self.steps[steps:], self.bits[bits:], self.variables[variables:]

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
        _write(circuit, self.steps)
        return circuit

    def _copy(self, bit: Any, outcome: Expression) -> None:
        code = outcome.code
        self.steps.append(lambda circuit: circuit.store(bit, code))


def _write(circuit: Any, steps: Steps) -> None:
    for step in steps:
        step(circuit)


def _test(code: Any) -> Any:
    """Return a condition; one of a bit in the form that more runtimes take."""
    clbit = qiskit("circuit").Clbit
    return (code.var, True) if isinstance(getattr(code, "var", None), clbit) else code
