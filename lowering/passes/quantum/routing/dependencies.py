"""Which gates can be done before which others, as routing sees them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from qjit.dialects.gates.fourier import ComplexMatrix


@dataclass(frozen=True)
class Interaction:
    """A gate on qubits, and in which Pauli basis it is diagonal on each of them.

    Gates commute if they have a basis in common on each qubit that both act on: they
    are in the product of the algebras that these Paulis make. Its matrix on these
    qubits is known, or an example at other angles, or None. It is worth `num_flips`
    CNOTs, and as many as `num_exchanged` with a SWAP behind it.
    """

    qubits: tuple[int, ...]
    bases: tuple[str | None, ...]
    matrix: ComplexMatrix | None = field(default=None, compare=False)
    num_flips: int = 3
    num_exchanged: int = 6


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
    extra: tuple[int, ...]  # the CNOTs of a SWAP beside each pair

    @cached_property
    def pair_ranks(self) -> tuple[tuple[int, ...], ...]:
        """The numbers of the groups of each pair's gate."""
        return tuple(self.ranks[number] for number in self.numbers)

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
            self.num_qubits, self.pairs, self.numbers, groups, self.ranks, self.extra
        )


def dependencies(sequence: Sequence[Interaction], num_qubits: int) -> Dependencies:
    """Return which gates of a sequence depend on which others."""
    basis: list[str | None] = [None] * num_qubits
    rank = [-1] * num_qubits
    groups: list[list[list[int]]] = [[] for _ in range(num_qubits)]
    pairs: list[tuple[int, int]] = []
    numbers: list[int] = []
    ranks: list[tuple[int, ...]] = []
    extra: list[int] = []
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
            extra.append(gate.num_exchanged - gate.num_flips)
    return Dependencies(
        num_qubits,
        tuple(pairs),
        tuple(numbers),
        tuple(tuple(tuple(g) for g in each if g) for each in groups),
        tuple(ranks),
        tuple(extra),
    )


def joined(sequence: Sequence[Interaction]) -> list[list[int]]:
    """Return which gates are on the same pair of qubits, and nothing is between them.

    All of these can be done where the first one is. Gates on one qubit are with them
    where they are between two of them.
    """
    groups: list[list[int]] = []
    current: dict[int, int] = {}  # the group that a gate on a qubit may join
    waiting: dict[int, list[int]] = {}  # gates on a qubit after its group

    def close(qubit: int) -> None:
        current.pop(qubit, None)
        groups.extend([number] for number in waiting.pop(qubit, ()))

    for number, gate in enumerate(sequence):
        if len(gate.qubits) == 1 and gate.matrix is not None:
            (qubit,) = gate.qubits
            if qubit in current:
                waiting.setdefault(qubit, []).append(number)
                continue
        own = {current.get(qubit) for qubit in gate.qubits}
        place = own.pop() if len(own) == 1 else None
        if len(gate.qubits) == 2 and place is not None and gate.matrix is not None:
            between = [n for qubit in gate.qubits for n in waiting.pop(qubit, ())]
            groups[place] += [*sorted(between), number]
            continue
        for qubit in gate.qubits:
            close(qubit)
        if len(gate.qubits) == 2 and gate.matrix is not None:
            current |= dict.fromkeys(gate.qubits, len(groups))
        groups.append([number])
    for qubit in list(waiting):
        close(qubit)
    return groups
