"""What a program does to the qubits of a register, one gate after another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache, lru_cache
from random import Random

import numpy as np
from xdsl.dialects import func, scf
from xdsl.ir import Block, Operation, SSAValue

from qjit.dialects.gates import GATES
from qjit.dialects.gates.fourier import ComplexMatrix
from qjit.dialects.gates.record import PAULIS
from qjit.dialects.quantum import (
    ExtractOp,
    GateOp,
    InsertOp,
    MeasureOp,
    PassThrough,
    ResetOp,
    StatePrepOp,
    UnitaryOp,
)
from qjit.dialects.quantum.linearity import BRANCHES, line_of
from qjit.dialects.quantum.types import RegisterType
from qjit.lowering.passes.circuits.gates import read_gate
from qjit.lowering.passes.pipeline import PassError
from qjit.lowering.passes.unitaries.two_qubit_decomposition import (
    cartan_decomposition,
)
from qjit.lowering.passes.unitaries.two_qubit_synthesis import (
    SWAP,
    num_cnots,
    on_two_wires,
)
from qjit.runtime.recent import MOST

from .dependencies import Interaction, joined

CLOSE = 1e-12
# How many gates are read for each one on two qubits that is looked for.
FARTHEST = 32
# The qubits that a gate is on, and the basis in which it is diagonal on each.
Bases = tuple[str | None, ...]


def is_swap(op: Operation) -> bool:
    """Tell whether an operation is a SWAP, which only renames qubits."""
    return (
        isinstance(op, GateOp)
        and op.gate.data == "SWAP"
        and len(op.results) == 2
        and not op.slots
    )


class Examples(dict[SSAValue, float]):
    """An angle for each value that is not known, drawn when it is asked for.

    What gates have in common at angles that are independent, they have at all angles.
    """

    def __init__(self) -> None:
        super().__init__()
        self._random = Random(0)

    def __missing__(self, value: SSAValue) -> float:
        found = self[value] = self._random.uniform(0.5, 2.5)
        return found


def interaction(
    op: GateOp | UnitaryOp, qubits: Mapping[SSAValue, int], examples: Examples
) -> Interaction:
    """Return on which qubits a gate is, those that it only passes through left out."""
    if isinstance(op, UnitaryOp):
        bases: Bases = ("Z" if op.diagonal is not None else None,) * len(op.targets)
        targets = list(op.targets)
    elif GATES[op.gate.data].num_targets == 0:
        targets, bases = [], ()
    else:
        targets = list(op.targets)
        word = None if op.word is None else op.word.data
        dim = None if op.dim is None else op.dim.value.data
        bases = _bases(op.gate.data, len(targets), word, dim)
    controls = list(op.controls)
    on = tuple(qubits[qubit] for qubit in (*targets, *controls))
    if len(on) > 2:
        name = op.gate.data if isinstance(op, GateOp) else "a matrix"
        raise PassError(
            f"{line_of(op) or 'unknown line'}: {name} on {len(on)} wires cannot stand "
            "on an edge of a coupling graph. Put a pass before 'route-qubits' that "
            "makes gates on two wires of it, such as "
            "'decompose-gates{gates=RX,RY,RZ,CNOT,GlobalPhase}'."
        )
    matrix = None
    if isinstance(op, GateOp):
        matrix = _matrix(op, (*targets, *controls), examples)
    return _counted(Interaction(on, (*bases, *("Z" for _ in controls)), matrix))


def _matrix(
    op: GateOp, qubits: Sequence[SSAValue], examples: Examples
) -> ComplexMatrix | None:
    """Return the matrix of a gate on qubits, with examples of what is not known.

    There is none where an angle is no number.
    """
    if not qubits:
        return None
    gate = read_gate(op, {qubit: place for place, qubit in enumerate(qubits)})
    found = gate.matrix(examples)
    if not np.isfinite(found).all():
        return None
    if gate.all_wires == (1, 0):
        found = found.reshape(2, 2, 2, 2).transpose(1, 0, 3, 2).reshape(4, 4)
    return found


def _counted(found: Interaction) -> Interaction:
    """Return an interaction with the numbers of its CNOTs."""
    if len(found.qubits) != 2 or found.matrix is None:
        return found
    flips, exchanged = _num_flips(np.round(found.matrix, 12).tobytes())
    return replace(found, num_flips=flips, num_exchanged=exchanged)


@lru_cache(MOST)
def _num_flips(data: bytes) -> tuple[int, int]:
    """Return how many CNOTs a matrix is worth, and how many with a SWAP."""
    matrix = np.frombuffer(data, np.complex128).reshape(4, 4)
    both = (matrix, SWAP @ matrix)
    first, second = (num_cnots(cartan_decomposition(m).coordinates, 1e-9) for m in both)
    return first, second


def block(gates: Sequence[Interaction]) -> Interaction:
    """Return gates on one pair of qubits as one."""
    if len(gates) == 1:
        return gates[0]
    qubits = gates[0].qubits
    found = np.eye(4, dtype=np.complex128)
    for gate in gates:
        assert gate.matrix is not None
        own = gate.matrix
        if gate.qubits == qubits[::-1]:
            own = SWAP @ own @ SWAP
        elif len(gate.qubits) == 1:
            own = on_two_wires(own, [qubits.index(gate.qubits[0])])
        found = own @ found
    bases = tuple(_basis([found], place, 2) for place in range(2))
    return _counted(Interaction(qubits, bases, found))


def in_blocks(
    sequence: Sequence[Interaction],
) -> tuple[list[Interaction], list[list[int]]]:
    """Return gates with those on one pair together, and the numbers of each."""
    groups = joined(sequence)
    return [block([sequence[n] for n in group]) for group in groups], groups


@cache
def _bases(name: str, count: int, word: str | None, dim: int | None) -> Bases:
    """Return the Pauli with which a gate commutes on each target, at all angles."""
    record = GATES[name]
    known = {"num_targets": count, "pauli_word": word, "dim": dim}
    series = record.harmonics(**{key: known[key] for key in record.static})
    return tuple(_basis(list(series.values()), place, count) for place in range(count))


def _basis(matrices: list[ComplexMatrix], place: int, count: int) -> str | None:
    for letter in "ZXY":
        pauli = np.kron(
            np.kron(np.eye(2**place), PAULIS[letter]), np.eye(2 ** (count - place - 1))
        )
        if all(np.abs(pauli @ m - m @ pauli).max() < CLOSE for m in matrices):
            return letter
    return None


class InteractionReader:
    """Reads the gates of a program on one register, those of calls and bodies too.

    `wires` says which qubit is at each wire of the register. Bodies of loops are read
    once, and branches one after another. It stops after `most` gates on two qubits, or
    many times as many of all.
    `functions` are those that are called, as they were before anything was routed.
    """

    def __init__(
        self, functions: Mapping[str, func.FuncOp], most: int | None = None
    ) -> None:
        self.functions, self.most = functions, most
        self.examples = Examples()
        self.found: list[Interaction] = []
        self.num_pairs = 0
        self.qubits: dict[SSAValue, int] = {}
        self.registers: dict[SSAValue, list[int]] = {}

    def read(self, ops: Iterable[Operation], top: bool = False) -> None:
        """Read operations; those at the top may rename qubits by SWAPs."""
        for op in ops:
            if self.most is not None and self._enough(self.most):
                return
            self._visit(op, top)

    def _enough(self, most: int) -> bool:
        return self.num_pairs >= most or len(self.found) >= FARTHEST * most

    def _visit(self, op: Operation, top: bool) -> None:
        match op:
            case GateOp() | UnitaryOp():
                self._gate(op, top)
            case ExtractOp():
                if op.register in self.registers:
                    wire = known_wire(op)
                    self.qubits[op.qubit] = self.registers[op.register][wire]
            case InsertOp():
                if op.register in self.registers:
                    wires = self.registers[op.register]
                    wires[known_wire(op)] = self.qubits[op.qubit]
                    self.registers[op.out_register] = wires
            case MeasureOp() | ResetOp():
                if op.qubit in self.qubits:
                    qubit = self.qubits[op.qubit]
                    self.qubits[op.out_qubit] = qubit
                    self.found.append(Interaction((qubit,), (None,)))
            case PassThrough():
                if op.results and op.qubits[0] in self.qubits:
                    before = [self.qubits[qubit] for qubit in op.qubits]
                    self.qubits |= zip(op.results, before, strict=True)
            case StatePrepOp():
                if op.register in self.registers:
                    self.registers[op.out_register] = self.registers[op.register]
            case _ if op.regions or isinstance(op, func.CallOp):
                self._descend(op)
            case _:
                pass

    def _gate(self, op: GateOp | UnitaryOp, top: bool) -> None:
        if op.qubits[0] not in self.qubits:
            return
        before = [self.qubits[qubit] for qubit in op.qubits]
        if top and is_swap(op):
            before.reverse()
        else:
            found = interaction(op, self.qubits, self.examples)
            self.found.append(found)
            self.num_pairs += len(found.qubits) == 2
        self.qubits |= zip(op.results, before, strict=True)

    def _descend(self, op: Operation) -> None:
        """Read what an operation does with the registers that it is given."""
        given = [each for each in op.operands if each in self.registers]
        for values, block in self._bodies(op):
            if isinstance(op, BRANCHES):
                kept = {key: list(wires) for key, wires in self.registers.items()}
                self.read(block.ops)
                self.registers = kept
                continue
            for value, argument in values:
                if value in self.registers:
                    self.registers[argument] = list(self.registers[value])
            self.read(block.ops)
        if isinstance(op, BRANCHES):
            outer = [r for r in op.results if isinstance(r.type, RegisterType)]
            inner = {v for e in op.walk() for v in e.operands if v in self.registers}
            given = [value for value in self.registers if value in inner]
            for result, value in zip(outer, given[: len(outer)], strict=False):
                self.registers[result] = self.registers[value]
            return
        results = (r for r in op.results if isinstance(r.type, RegisterType))
        for result, value in zip(results, given, strict=False):
            self.registers[result] = list(self.registers[value])

    def _bodies(
        self, op: Operation
    ) -> Iterator[tuple[list[tuple[SSAValue, SSAValue]], Block]]:
        """Yield blocks, with which of their arguments stands for which operand."""
        if isinstance(op, func.CallOp):
            called = self.functions.get(op.callee.string_value())
            if called is not None and called.body.blocks:
                yield (
                    list(zip(op.operands, called.args, strict=True)),
                    called.body.block,
                )
            return
        for region in op.regions:
            for block in region.blocks:
                values = op.iter_args if isinstance(op, scf.ForOp) else op.operands
                yield (
                    list(zip(reversed(values), reversed(block.args), strict=False)),
                    block,
                )


def known_wire(op: ExtractOp | InsertOp) -> int:
    """Return the wire of an operation, which has to be a number."""
    wire = op.wire
    if isinstance(wire, int):
        return wire
    qubit = op.results[0] if isinstance(op, ExtractOp) else op.qubit
    users = (use.operation for use in qubit.uses)
    line = line_of(op) or next(filter(None, map(line_of, users)), "unknown line")
    raise PassError(
        f"{line}: a wire is computed when the program runs, so that 'route-qubits' "
        "cannot tell where a gate stands. Name wires by numbers, or compute them from "
        "the counter of a loop whose length is known when the program is compiled."
    )
