"""Branches and loops of a Qiskit circuit: what instructions write is carried through.

Instructions leave a status: it is known, or traced where it depends on a traced
condition; what follows a traced one is applied under a condition.
"""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from qjit.exchange.openqasm.arithmetic import either
from qjit.exchange.openqasm.classical_types import BOOL, Value
from qjit.tracing.bounded_loops import fori_loop, while_loop_of_at_most

from .expressions import Expressions, Frame, Place
from .positions import NotKnownError, kind_of

NEXT, CONTINUE, BREAK = range(3)
MOST_UNROLLED = 10_000
LOOPS = ("ForLoopOp", "WhileLoopOp")
Status = Any


def blocks_of(operation: Any) -> tuple[Any, ...]:
    """Return the blocks of an instruction of control flow, none for others."""
    return tuple(getattr(operation, "blocks", ()))


def jumps_in(block: Any) -> bool:
    """Return whether a block leaves the loop around it, or one of its iterations."""
    for instruction in block.data:
        operation = instruction.operation
        if kind_of(operation) in ("BreakLoopOp", "ContinueLoopOp"):
            return True
        inside = () if kind_of(operation) in LOOPS else blocks_of(operation)
        if any(map(jumps_in, inside)):
            return True
    return False


class ControlFlow(Expressions):
    """What runs blocks of instructions."""

    def __init__(self) -> None:
        super().__init__()
        self.parameters: dict[Any, Any] = {}

    @abstractmethod
    def instruction(self, instruction: Any) -> Status:
        """Apply one instruction, and return what it leaves."""

    @abstractmethod
    def begin(self, block: Any) -> None:
        """Apply what a block has before its instructions."""

    def block(self, block: Any, frame: Frame) -> Status:
        """Apply a block of instructions, and return what it leaves."""
        before, self.frame = self.frame, frame
        try:
            for variable in block.iter_declared_vars():
                type_ = self.type_of(variable.type)
                self.memory[variable] = Value(type_, 0 if type_ != BOOL else False)
            self.begin(block)
            return self._rest(list(block.data), 0)
        finally:
            self.frame = before

    def _rest(self, instructions: list[Any], first: int) -> Status:
        for place in range(first, len(instructions)):
            instruction = instructions[place]
            name = getattr(instruction.operation, "name", "no name")
            with self.at(f"instruction {place} ({name})"):
                left = self.instruction(instruction)
            if left is None or (isinstance(left, int) and left == NEXT):
                continue
            if isinstance(left, int):
                return left
            found, after = left, place + 1
            return self.branch(
                found == NEXT,
                lambda: self._rest(instructions, after),  # noqa: B023 (it is run now)
                lambda: found,  # noqa: B023
                self.written(instructions[after:], self.frame),
                True,
            )
        return NEXT

    def inside(self, block: Any, instruction: Any) -> Frame:
        """Return what the qubits and bits of an instruction's block are."""
        wires = [self.frame.wires[each] for each in instruction.qubits]
        bits = [self.bit(each) for each in instruction.clbits]
        return Frame(
            dict(zip(block.qubits, wires, strict=True)),
            dict(zip(block.clbits, bits, strict=True)),
        )

    # What is carried

    def written(self, instructions: Sequence[Any], frame: Frame) -> list[Place]:
        """Return the bits and variables that instructions may change."""
        before, self.frame = self.frame, frame
        found: dict[Place, None] = {}
        try:
            for instruction in instructions:
                found.update(dict.fromkeys(self._written_by(instruction)))
        finally:
            self.frame = before
        return [place for place in found if place in self.memory]

    def _written_by(self, instruction: Any) -> list[Place]:
        operation = instruction.operation
        if kind_of(operation) == "Store":
            return self.places(operation.lvalue)
        if not hasattr(operation, "blocks"):
            return [self.bit(each) for each in instruction.clbits]
        return [
            place
            for block in blocks_of(operation)
            for place in self.written(block.data, self.inside(block, instruction))
        ]

    def with_data(
        self, places: list[Place], data: Sequence[Any], body: Callable[[], Any]
    ) -> tuple[Any, tuple[Any, ...]]:
        """Do something while places hold other data; return what they hold then."""
        before = dict(self.memory)
        try:
            self.give(places, data)
            result = body()
            return result, self.arrays_of(places)
        finally:
            self.memory = before

    # Branches

    def branch(
        self,
        predicate: Any,
        chosen: Callable[[], Status],
        other: Callable[[], Status],
        places: list[Place],
        jumps: bool,
    ) -> Status:
        """Do one of two, and return its status."""
        if isinstance(predicate, bool):
            return chosen() if predicate else other()

        def function(body: Callable[[], Status]) -> Callable[..., Any]:
            def run(*data: Any) -> Any:
                status, after = self.with_data(places, data, body)
                return after, _as_status(status) if jumps else ()

            return run

        after, status = jax.lax.cond(
            predicate, function(chosen), function(other), *self.arrays_of(places)
        )
        self.give(places, after)
        return status if jumps else NEXT

    def run_if(self, instruction: Any) -> Status:
        """Apply an if statement."""
        operation = instruction.operation
        blocks = blocks_of(operation)
        return self.branch(
            self.condition(operation.condition),
            lambda: self._part(instruction, 0),
            lambda: self._part(instruction, 1) if len(blocks) > 1 else NEXT,
            self._written_by(instruction),
            any(map(jumps_in, blocks)),
        )

    def _part(self, instruction: Any, number: int) -> Status:
        """Apply a block of an instruction."""
        block = blocks_of(instruction.operation)[number]
        with self.at(f"block {number}"):
            return self.block(block, self.inside(block, instruction))

    def run_switch(self, instruction: Any) -> Status:
        """Apply a switch statement."""
        operation = instruction.operation
        target = operation.target
        is_name = not hasattr(target, "type")
        value = None if is_name else self.value(target)
        cases = [
            [
                not isinstance(label, int | np.integer)
                or (
                    self.holds(target, int(label))
                    if value is None
                    else self.equals(value, int(label))
                )
                for label in labels
            ]
            for labels, _ in operation.cases_specifier()
        ]
        return self._cases(instruction, cases, 0)

    def _cases(self, instruction: Any, cases: list[list[Any]], number: int) -> Status:
        """Apply the first block for which one of some conditions holds."""
        if number == len(cases):
            return NEXT
        holds: Any = False
        for equal in cases[number]:
            holds = True if holds is True or equal is True else either(holds, equal)
        blocks = blocks_of(instruction.operation)[number:]
        return self.branch(
            bool(holds) if isinstance(holds, np.bool_) else holds,
            lambda: self._part(instruction, number),
            lambda: self._cases(instruction, cases, number + 1),
            self._written_by(instruction),
            any(map(jumps_in, blocks)),
        )

    # Loops

    def run_while(self, instruction: Any) -> Status:
        """Apply a while loop."""
        condition = instruction.operation.condition
        first = self.condition(condition)
        if first is False:
            return NEXT
        places = self._written_by(instruction)
        jumps = jumps_in(blocks_of(instruction.operation)[0])

        def iteration(carry: Any) -> Any:
            def body() -> Any:
                status = _as_status(self._part(instruction, 0))
                going = jnp.asarray(self.condition(condition))
                return going & (status != BREAK) if jumps else going

            return self.with_data(places, carry[1], body)

        start = jnp.asarray(first), self.arrays_of(places)
        _, after = while_loop_of_at_most(lambda carry: carry[0], iteration, start, None)
        self.give(places, after)
        return NEXT

    def run_for(self, instruction: Any) -> Status:
        """Apply a for loop."""
        numbers, parameter, _ = instruction.operation.params
        numbers = range(*_bounds(numbers)) if isinstance(numbers, range) else numbers
        wide = any(not -(2**31) <= each < 2**31 for each in _ends(numbers))
        if len(numbers) <= 1 or wide:
            return self._unrolled(instruction, parameter, list(numbers))
        try:
            self._rolled(instruction, parameter, numbers)
        except NotKnownError:
            if len(numbers) > MOST_UNROLLED:
                raise
            return self._unrolled(instruction, parameter, list(numbers))
        return NEXT

    def _iteration(self, instruction: Any, parameter: Any, value: Any) -> Status:
        before = dict(self.parameters)
        if parameter is not None:
            self.parameters[parameter] = value
        try:
            return self._part(instruction, 0)
        finally:
            self.parameters = before

    def _rolled(self, instruction: Any, parameter: Any, numbers: Sequence[int]) -> None:
        """Apply a loop as a loop."""
        places = self._written_by(instruction)
        count = len(numbers)

        def iteration(k: Any, data: Sequence[Any]) -> Any:
            if isinstance(numbers, range):
                value = numbers.start + k * numbers.step
            else:
                value = jnp.asarray(numbers, jnp.int32)[k]
            value = value.astype(jnp.result_type(float))
            return self.with_data(
                places, data, lambda: self._iteration(instruction, parameter, value)
            )

        start = self.arrays_of(places)
        if not jumps_in(blocks_of(instruction.operation)[0]):
            zero = jnp.zeros((), jnp.int32)
            *after, _ = fori_loop(
                count,
                lambda k, carry: (*iteration(k, carry[:-1])[1], carry[-1]),
                (*start, zero),
                None,
            )
        else:

            def step(carry: Any) -> Any:
                k, _, data = carry
                left, after = iteration(k, data)
                return k + 1, _as_status(left), after

            *_, after = while_loop_of_at_most(
                lambda carry: (carry[0] < count) & (carry[1] != BREAK),
                step,
                (jnp.zeros((), jnp.int32), _as_status(NEXT), start),
                None,
            )
        self.give(places, after)

    def _unrolled(
        self, instruction: Any, parameter: Any, numbers: Sequence[int]
    ) -> Status:
        """Apply a loop as the sequence of its iterations."""
        for k, number in enumerate(numbers):
            left = self._iteration(instruction, parameter, int(number))
            if isinstance(left, int):
                if left == BREAK:
                    return NEXT
                continue
            rest = numbers[k + 1 :]
            self.branch(
                left != BREAK,
                lambda: self._unrolled(instruction, parameter, rest),  # noqa: B023
                lambda: NEXT,
                self._written_by(instruction),
                False,
            )
            return NEXT
        return NEXT


def _bounds(numbers: range) -> tuple[int, int, int]:
    return numbers.start, numbers.stop, numbers.step


def _ends(numbers: Sequence[int]) -> Sequence[int]:
    if isinstance(numbers, range):
        return (numbers.start, numbers.stop, numbers.step)
    return numbers


def _as_status(status: Status) -> jax.Array:
    return jnp.asarray(status, jnp.int32)
