"""Circuits without control flow: instructions on wires that are numbered from 0."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np
from xdsl.dialects.builtin import UnitAttr
from xdsl.ir import Operation, SSAValue

from qjit.dialects.gates.fourier import ComplexMatrix
from qjit.dialects.quantum import BarrierOp

from .gates import Gate


@dataclass(frozen=True)
class Opaque:
    """An operation on qubits that stays as it is, such as a matrix.

    So do gates that the adjoint method differentiates. A pass may add operations.
    """

    op: Operation
    wires: tuple[int, ...]

    @property
    def all_wires(self) -> tuple[int, ...]:
        """The wires, in the order of the operation's qubits."""
        return self.wires

    def on(self, wires: Mapping[int, int]) -> Self:
        """Return the same, where each wire is another."""
        return replace(self, wires=tuple(wires[wire] for wire in self.wires))

    def copy(self) -> Opaque:
        """Return another operation that does the same, with the same slots."""
        return replace(self, op=self.op.clone())

    def inverse(self) -> Opaque:
        """Return another operation that undoes a unitary one, with the same slots."""
        found = self.copy()
        if found.op.properties.pop("adjoint", None) is None:
            found.op.properties["adjoint"] = UnitAttr()
        return found


@dataclass(frozen=True)
class Measurement(Opaque):
    """A measurement of a Pauli word, or of its negative, between gates.

    Its operation stays, or another one takes its place.
    """

    word: str = "Z"
    negative: bool = False


Instruction = Gate | Opaque


def has_known_matrix(each: Instruction) -> bool:
    """Return whether an instruction is a gate on a few wires with a known matrix."""
    return (
        isinstance(each, Gate)
        and len(each.all_wires) in (1, 2)
        and each.record.definition is not None
        and all(param.known is not None for param in each.params)
    )


@dataclass(frozen=True)
class Circuit:
    """Instructions in order, on wires from 0.

    `output` says which wire's qubit leaves in the place of each wire: the wires are
    permuted at the end, at no cost. `places` are the wires of the register from which
    qubits were taken, where these are known. `fresh` are the wires whose qubits come
    in |0>, because nothing happened to them since they were allocated or reset. `ops`
    are the operations that the instructions were read from.
    """

    num_wires: int
    instructions: tuple[Instruction, ...]
    output: tuple[int, ...] = ()
    places: tuple[int | None, ...] = field(default=(), compare=False)
    fresh: frozenset[int] = field(default=frozenset(), compare=False)
    ops: tuple[Operation, ...] = field(default=(), compare=False, repr=False)

    def __post_init__(self) -> None:
        if not self.output:
            object.__setattr__(self, "output", tuple(range(self.num_wires)))

    def __iter__(self) -> Iterator[Instruction]:
        return iter(self.instructions)

    def __len__(self) -> int:
        return len(self.instructions)

    def of(
        self,
        instructions: Iterable[Instruction],
        output: Sequence[int] | None = None,
    ) -> Circuit:
        """Return other instructions on the same wires, with this order at the end."""
        chosen = self.output if output is None else tuple(output)
        new = tuple(instructions)
        return replace(self, instructions=new, output=chosen, ops=())

    def matrix(self, numbers: Mapping[SSAValue, float] | None = None) -> ComplexMatrix:
        """Return the matrix of the gates, the first wire most significant.

        Args:
            numbers: what the values of the IR are, on which parameters depend.

        Raises:
            ValueError: if there are opaque operations.
        """
        wires = range(self.num_wires)
        found = product([_gate(each) for each in self], wires, numbers or {})
        shape = (2,) * self.num_wires + (-1,)
        order = (*self.output, self.num_wires)
        return found.reshape(shape).transpose(order).reshape(found.shape)


def _gate(instruction: Instruction) -> Gate:
    if isinstance(instruction, Opaque):
        raise ValueError(f"{instruction.op.name} has no matrix that is known.")
    return instruction


def barrier(circuit: Circuit, wires: Sequence[int]) -> Opaque:
    """Return a new barrier: no pass moves gates of its wires across."""
    qubit = circuit.ops[0].operands[-1]  # stands for those that are there then
    return Opaque(BarrierOp([qubit] * len(wires)), tuple(wires))


def product(
    each: Iterable[Gate], wires: Sequence[object], numbers: Mapping[SSAValue, float]
) -> ComplexMatrix:
    """Return the matrix of gates one after another, the first wire most significant."""
    count = len(wires)
    state = np.eye(2**count, dtype=np.complex128).reshape((2,) * count + (-1,))
    for gate in each:
        axes = [wires.index(wire) for wire in gate.all_wires]
        size = len(axes)
        matrix = gate.matrix(numbers)
        if matrix.size == 1:
            state = state * matrix.item()
            continue
        tensor = matrix.reshape((2,) * (2 * size))
        state = np.tensordot(tensor, state, (list(range(size, 2 * size)), axes))
        state = np.moveaxis(state, range(size), axes)
    return state.reshape(2**count, 2**count)
