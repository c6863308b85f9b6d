"""Which gates can be done before which others, as routing sees them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Interaction:
    """A gate on qubits, and in which Pauli basis it is diagonal on each of them.

    Gates commute if they have a basis in common on each qubit that both act on: they
    are in the product of the algebras that these Paulis make.
    """

    qubits: tuple[int, ...]
    bases: tuple[str | None, ...]


@dataclass(frozen=True)
class Dependencies:
    """Gates on two qubits each, and for each qubit the groups that follow one another.

    The gates of a group commute on that qubit. `ranks` has the number of the group of
    each gate of the sequence, by qubit, those on one qubit included.
    """

    num_qubits: int
    pairs: tuple[tuple[int, int], ...]
    numbers: tuple[int, ...]  # the place of each pair in the sequence
    groups: tuple[tuple[tuple[int, ...], ...], ...]
    ranks: tuple[tuple[int, ...], ...]

    @cached_property
    def in_order(self) -> tuple[tuple[tuple[int, ...], ...], ...]:
        """The groups if no gates are taken to commute: one gate each."""
        return tuple(
            tuple((g,) for group in each for g in group) for each in self.groups
        )

    def reversed(self) -> Dependencies:
        """Return the same gates from the last to the first."""
        groups = tuple(
            tuple(tuple(reversed(group)) for group in reversed(each))
            for each in self.groups
        )
        return Dependencies(
            self.num_qubits, self.pairs, self.numbers, groups, self.ranks
        )


def dependencies(sequence: Sequence[Interaction], num_qubits: int) -> Dependencies:
    """Return which gates of a sequence depend on which others."""
    basis: list[str | None] = [None] * num_qubits
    rank = [-1] * num_qubits
    groups: list[list[list[int]]] = [[] for _ in range(num_qubits)]
    pairs: list[tuple[int, int]] = []
    numbers: list[int] = []
    ranks: list[tuple[int, ...]] = []
    for number, gate in enumerate(sequence):
        pair = len(gate.qubits) == 2
        for qubit, kind in zip(gate.qubits, gate.bases, strict=True):
            if kind is None or kind != basis[qubit]:
                rank[qubit] += 1
                basis[qubit] = kind
                groups[qubit].append([])
            if pair:
                groups[qubit][-1].append(len(pairs))
        ranks.append(tuple(rank[qubit] for qubit in gate.qubits))
        if pair:
            a, b = gate.qubits
            pairs.append((a, b))
            numbers.append(number)
    return Dependencies(
        num_qubits,
        tuple(pairs),
        tuple(numbers),
        tuple(tuple(tuple(g) for g in each if g) for each in groups),
        tuple(ranks),
    )
