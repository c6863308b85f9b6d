"""The quantum function of a program in QIR, applied block by block."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import jax.numpy as jnp
import numpy as np

from qjit.measurements.measurements import measure, reset
from qjit.ops.control_flow import cond, while_loop
from qjit.ops.modifiers import adjoint
from qjit.ops.operations import FIXED_ARITY_GATES
from qjit.ops.variadic_gates import barrier
from qjit.tracing.context import current
from qjit.tracing.measured_values import Kind, kind_of, measured

from .arithmetic import compute, typed
from .reading import (
    MEASURING,
    Instruction,
    Local,
    Number,
    Operand,
    Phi,
    Pointer,
    read,
    refused,
)
from .structure import Structure

# Branches and loops within one another.
DEEPEST = 16
# How often what is written once may be repeated, as ways share blocks.
MOST_REPETITIONS = 10

Values = dict[int, Any]


def circuit_of(text: str) -> Callable[..., list[Any]]:
    """Return the quantum function of a program."""
    if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise refused(
            f"from_qir takes a text, but got {type(text).__name__}. Disassemble "
            "bitcode."
        )
    structure = Structure(read(text))

    def program(wires: Sequence[Any] | None = None) -> list[Any]:
        count = structure.program.num_qubits
        given = list(range(count)) if wires is None else list(wires)
        if len(given) != count:
            raise refused(f"it has {count} qubits, but got {len(given)} wires.")
        return _Run(structure, given).outputs()

    program.__doc__ = "Apply a program that was written in QIR."
    return program


@dataclass
class _Run:
    """One application of a program."""

    structure: Structure
    wires: list[Any]
    results: Values = field(default_factory=dict[int, Any])
    recorded: list[Any] = field(default_factory=list[Any])
    depth: int = 0
    steps: int = 0

    def outputs(self) -> list[Any]:
        """Apply the whole program, and return what it records."""
        self.region(0, -1, None, {})
        return self.recorded

    def region(
        self, block: int, origin: int, end: int | None, values: Values
    ) -> list[Any]:
        """Apply blocks until one that is not: return the values of its phi nodes."""
        arrived: list[Any] | None = None
        blocks = self.structure.blocks
        while block != end:
            phis = blocks[block].phis
            if arrived is None:
                arrived = self.arrive(phis, origin, values)
            loop = self.structure.loops.get(block)
            if loop is not None:
                arrived = self.loop(block, arrived, values)
            values.update(
                (phi.result, value) for phi, value in zip(phis, arrived, strict=True)
            )
            arrived = None
            if loop is not None:
                block, origin = loop.exit, block
                continue
            self.apply_all(block, values)
            targets, condition = blocks[block].targets, blocks[block].condition
            if not targets:
                return []
            if condition is None or targets[0] == targets[1]:
                block, origin = targets[0], block
            else:
                join = self.structure.joins[block]
                arrived = self.branch(block, join, condition, values)
                block, origin = join, -1
        if arrived is not None or end is None:
            return arrived or []
        return self.arrive(blocks[end].phis, origin, values)

    def arrive(self, phis: Sequence[Phi], origin: int, values: Values) -> list[Any]:
        """Return the values of phi nodes for the block that control comes from."""
        return [self.number(phi.arms[origin], phi.kind, values) for phi in phis]

    def branch(
        self, block: int, join: int, condition: Operand, values: Values
    ) -> list[Any]:
        """Apply one of two ways to where they meet."""
        targets = self.structure.blocks[block].targets
        written = self.structure.written(self.structure.between(targets, join))
        before = dict(self.results)

        def side(target: int) -> Callable[[], tuple[Any, ...]]:
            def apply() -> tuple[Any, ...]:
                self.results = dict(before)
                found = self.region(target, block, join, dict(values))
                return (*found, *map(self.result, written))

            return apply

        def chosen() -> tuple[Any, ...]:
            holds = self.number(condition, "i1", values)
            found = cond(holds, side(targets[0]), side(targets[1]))()
            return found if isinstance(found, tuple) else ()

        found = self.within(chosen)
        return self.resume(found, written, before)

    def loop(self, header: int, first: list[Any], values: Values) -> list[Any]:
        """Apply a loop from the values of its phi nodes; return the last ones."""
        loop, block = self.structure.loops[header], self.structure.blocks[header]
        written = self.structure.written(loop.blocks)
        before = dict(self.results)
        size = len(first)
        assert block.condition is not None
        test = block.condition

        def bound(state: Sequence[Any]) -> Values:
            self.results = before | dict(zip(written, state[size:], strict=True))
            pairs = zip(block.phis, state[:size], strict=True)
            return values | {phi.result: value for phi, value in pairs}

        def goes_on(*state: Any) -> Any:
            holds = self.number(test, "i1", bound(state))
            return ~holds if loop.negated else holds

        def body(*state: Any) -> Any:
            found = self.region(loop.inside, header, header, bound(state))
            every = (*found, *map(self.result, written))
            return every if len(every) != 1 else every[0]

        def looped() -> tuple[Any, ...]:
            state = (*first, *map(self.result, written))
            if not state:
                raise refused("a loop never ends, or never begins.")
            found = while_loop(goes_on)(body)(*state)
            return found if isinstance(found, tuple) else (found,)

        return self.resume(self.within(looped), written, before)

    def within(self, apply: Callable[[], tuple[Any, ...]]) -> tuple[Any, ...]:
        """Apply what is in a branch or in a loop."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise refused(
                f"more than {DEEPEST} branches and loops are within one another."
            )
        found = apply()
        self.depth -= 1
        return found

    def resume(
        self, found: Sequence[Any], written: Sequence[int], before: Values
    ) -> list[Any]:
        """Go on after a branch or a loop, with the results that it wrote."""
        size = len(found) - len(written)
        self.results = before | dict(zip(written, found[size:], strict=True))
        return list(found[:size])

    def result(self, number: int) -> Any:
        """Return a result; one that nothing was written to is false."""
        return typed(self.results.get(number, False), "i1")

    def number(self, operand: Operand, kind: str, values: Values) -> Any:
        """Return a value as an array."""
        assert not isinstance(operand, Pointer)
        known = isinstance(operand, Number)
        return typed(operand.value if known else values[operand.number], kind)

    def apply_all(self, block: int, values: Values) -> None:
        """Apply the instructions of a block."""
        for op in self.structure.blocks[block].body:
            self.steps += 1
            if self.steps > self.most_steps:
                raise refused("its branches share too many blocks.")
            self.apply(op, values)

    @cached_property
    def most_steps(self) -> int:
        """How many instructions may be applied, by how many the program has."""
        size = sum(len(block.body) for block in self.structure.blocks)
        return MOST_REPETITIONS * (len(self.structure.order) + size)

    def apply(self, op: Instruction, values: Values) -> None:
        """Apply an instruction."""
        match op.opcode:
            case "gate":
                self.gate(op, values)
            case "barrier":
                barrier(self.qubits(op))
            case "record":
                if self.depth:
                    raise refused("a record is in a branch or a loop.", op.text)
                self.recorded.append(self.output(op.operands[0], values))
            case "read":
                (pointer,) = op.operands
                assert isinstance(pointer, Pointer) and op.result is not None
                values[op.result] = self.results.get(pointer.number, False)
            case "reset":
                reset(self.qubit(op))
            case _ if op.opcode in MEASURING:
                _, pointer = op.operands
                assert isinstance(pointer, Pointer)
                outcome = measure(self.qubit(op), reset=op.opcode == "mresetz")
                self.results[pointer.number] = outcome
            case _:
                assert op.result is not None
                values[op.result] = self.computed(op, values)

    def gate(self, op: Instruction, values: Values) -> None:
        """Apply a gate."""
        angles = [
            self.angle(each, values)
            for each in op.operands
            if not isinstance(each, Pointer)
        ]
        gate = FIXED_ARITY_GATES[op.detail]
        (adjoint(gate) if op.adjoint else gate)(*angles, wires=self.qubits(op))

    def qubits(self, op: Instruction) -> list[Any]:
        """Return the wires of a gate or a barrier."""
        pointers = [each for each in op.operands if isinstance(each, Pointer)]
        return [self.wires[each.number] for each in pointers]

    def qubit(self, op: Instruction) -> Any:
        """Return the wire that is measured or reset."""
        qubit = op.operands[0]
        assert isinstance(qubit, Pointer)
        return self.wires[qubit.number]

    def angle(self, operand: Operand, values: Values) -> Any:
        """Return an angle; constants are known when tracing."""
        if isinstance(operand, Number):
            return float(operand.value)
        assert isinstance(operand, Local)
        return values[operand.number]

    def output(self, operand: Operand, values: Values) -> Any:
        """Return what is recorded: an outcome as it was measured, or a number."""
        match operand:
            case Pointer(number):
                found = self.results.get(number, False)
            case Number(value):
                found = value
            case Local(number):
                found = values[number]
        is_bit = getattr(found, "dtype", type(found)) in (np.bool_, bool)
        kind = Kind(logical=is_bit, integer=current("from_qir").integers)
        return found if kind_of(found) else measured(jnp.asarray(found), kind)

    def computed(self, op: Instruction, values: Values) -> Any:
        """Return the value of a classical instruction."""
        kinds = [op.source] * len(op.operands)
        if op.opcode == "select":
            kinds[0] = "i1"
        operands = [
            self.number(each, kind, values)
            for each, kind in zip(op.operands, kinds, strict=True)
        ]
        return compute(op.opcode, op.detail, op.kind, operands)
