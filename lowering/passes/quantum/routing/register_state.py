"""Where the qubits of a register are while a program is routed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from xdsl.ir import Operation, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter

from qjit.dialects.quantum import ExtractOp, GateOp, InsertOp, UnitaryOp

from .coupling import CouplingGraph, Edge
from .dependencies import Interaction
from .sabre import Start


@dataclass
class RegisterState:
    """A register whose wires are physical places.

    `vertices` are the vertices of the device at the wires, and `graph` is what is
    between these; there may be more than the program has wires. `at` is the wire of
    each qubit, and `contents` the qubit that the program has at each of its own wires.
    Qubits that are out are values in `out`, by wire. `pending` are gates that are not
    put in order yet, and `like` is the search that was best for the whole program.
    """

    register: SSAValue
    vertices: tuple[int, ...]
    graph: CouplingGraph
    at: list[int]
    contents: list[int]
    like: Start
    top: bool = False
    finished: bool = False
    out: dict[int, SSAValue] = field(default_factory=dict[int, SSAValue])
    pending: list[tuple[GateOp | UnitaryOp, Interaction, tuple[int, ...]]] = field(
        default_factory=list[tuple[GateOp | UnitaryOp, Interaction, tuple[int, ...]]]
    )

    @property
    def layout(self) -> list[int]:
        """The wire at which each wire of the program is."""
        return [self.at[qubit] for qubit in self.contents]

    def entering(self, register: SSAValue, layout: Sequence[int]) -> RegisterState:
        """Return the state of the same register where a region or result has it."""
        wires = list(range(len(layout)))
        return replace(
            self,
            register=register,
            at=list(layout),
            contents=wires,
            out={},
            pending=[],
            top=False,
        )

    def value(self, qubit: int, before: Operation) -> SSAValue:
        """Return the value of a qubit, which is taken out if it is not."""
        return self.value_at(self.at[qubit], before)

    def value_at(self, wire: int, before: Operation) -> SSAValue:
        """Return the value of the qubit at a wire."""
        if wire not in self.out:
            taken = ExtractOp(self.register, wire)
            Rewriter.insert_op(taken, InsertPoint.before(before))
            self.out[wire] = taken.qubit
        return self.out[wire]

    def swap(self, edge: Edge, before: Operation, line: int | None = None) -> None:
        """Insert a SWAP of what is at the ends of an edge."""
        values = [self.value_at(wire, before) for wire in edge]
        gate = GateOp("SWAP", values, line=line)
        Rewriter.insert_op(gate, InsertPoint.before(before))
        self.out |= zip(edge, gate.results, strict=True)
        a, b = edge
        moved = {a: b, b: a}
        self.at = [moved.get(wire, wire) for wire in self.at]

    def close(self, before: Operation) -> SSAValue:
        """Put all qubits back where they are, and return the register."""
        self._insert(sorted(self.out.items()), before)
        return self.register

    def finish(self, before: Operation) -> SSAValue:
        """Put all qubits back at the wires that the program has for them."""
        if self.finished:
            return self.register
        layout = self._whole_layout()
        moved = [wire for wire, place in enumerate(layout) if wire != place]
        for wire in moved:
            self.value_at(layout[wire], before)
        values = {
            wire: self.out[place]
            for wire, place in enumerate(layout)
            if place in self.out
        }
        self._insert(sorted(values.items()), before)
        self.finished = True
        return self.register

    def _whole_layout(self) -> list[int]:
        """Return the layout, and then where further wires of the register are."""
        layout = self.layout
        size = len(self.vertices)
        spare = set(range(size)).difference(layout)
        wires = range(len(layout), size)
        rest = sorted(spare.difference(wires))
        return layout + [wire if wire in spare else rest.pop() for wire in wires]

    def _insert(
        self, values: Sequence[tuple[int, SSAValue]], before: Operation
    ) -> None:
        for wire, value in values:
            back = InsertOp(self.register, wire, value)
            Rewriter.insert_op(back, InsertPoint.before(before))
            self.register = back.out_register
        self.out.clear()
