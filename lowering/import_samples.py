"""Import of samples: statistics that can share their shots do."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jax.core import ShapedArray
from xdsl.dialects import arith
from xdsl.dialects.builtin import i32
from xdsl.ir import SSAValue

from qjit.dialects import quantum

from .arrays import Value
from .importer import Importer, index

# The gates, and whether they are inverted, that turn a Pauli matrix into Z.
TURNS: dict[str, tuple[tuple[str, bool], ...]] = {
    "X": (("H", False),),
    "Y": (("S", True), ("H", False)),
    "Z": (),
}


@dataclass
class Draw:
    """Shots of some wires, each measured in the basis of a Pauli matrix."""

    letters: dict[int, str]
    rows: Value | None = None

    def covers(self, wanted: dict[int, str]) -> bool:
        """Tell whether these shots answer for some wires and bases."""
        return wanted.items() <= self.letters.items()

    def takes(self, wanted: dict[int, str]) -> bool:
        """Tell whether wires can be measured along with these."""
        shared = self.letters.keys() & wanted.keys()
        return all(self.letters[wire] == wanted[wire] for wire in shared)


def letters_of(params: Mapping[str, Any]) -> dict[int, str]:
    """Return the wires that a sample measures, and in which bases."""
    return dict(zip(params["wires"], params["basis"], strict=True))


def shared_draws(measured: Iterable[tuple[str, Mapping[str, Any]]]) -> list[Draw]:
    """Return the draws that answer all samples among some primitives and parameters."""
    draws: list[Draw] = []
    for name, params in measured:
        if name not in ("quantum_sample", "quantum_estimate"):
            continue
        wanted = letters_of(params)
        found = next((draw for draw in draws if draw.takes(wanted)), None)
        if found is None:
            draws.append(Draw(wanted))
        else:
            found.letters.update(wanted)
    return draws


def add_sample(
    importer: Importer, params: Mapping[str, Any], dtype: Any = np.int64
) -> Value:
    """Append a sample of wires, or read it off shots that were drawn before."""
    from .import_quantum import qubits_of

    shape = params["shots"], len(params["wires"])
    aval = ShapedArray(shape, np.dtype(dtype))
    wanted = letters_of(params)
    draws = qubits_of(importer).draws
    draw = next((draw for draw in draws if draw.covers(wanted)), None)
    if draw is None:
        draw = Draw(wanted)
    if draw.rows is None:
        draw.rows = _drawn(importer, draw.letters, params["shots"])
    order = list(draw.letters)
    columns = [order.index(wire) for wire in params["wires"]]
    return _columns(importer, draw.rows, columns, aval)


def _drawn(importer: Importer, letters: dict[int, str], shots: int) -> Value:
    from .import_quantum import qubits_of

    qubits = qubits_of(importer)
    aval = ShapedArray((shots, len(letters)), np.dtype(np.int64))
    target = importer.allocate(aval.shape, aval.dtype)
    _turn(importer, letters, inverse=False)
    qubits.flush()
    op = quantum.SampleOp(qubits.register, target, shots, list(letters))
    importer.insert(op)
    _turn(importer, letters, inverse=True)
    qubits.flush()
    return importer.from_buffer(target, aval)


def _turn(importer: Importer, letters: dict[int, str], *, inverse: bool) -> None:
    """Turn the bases of wires into the computational one, or back."""
    from .import_quantum import add_gate

    for wire, letter in letters.items():
        steps = TURNS[letter][::-1] if inverse else TURNS[letter]
        for gate, inverted in steps:
            params: dict[str, Any] = {
                "gate": gate,
                "num_controls": 0,
                "control_values": (),
                "adjoint": inverted != inverse,
                "word": None,
                "dim": None,
            }
            add_gate(importer, params, [], [wire], 0)


def _columns(
    importer: Importer, rows: Value, columns: Sequence[int], aval: Any
) -> Value:
    if columns == list(range(rows.shape[1])) and aval.dtype == rows.dtype:
        return rows
    table = importer.constant(np.asarray(columns, np.int64))
    importer.buffer(table)

    def element(indices: Sequence[SSAValue]) -> SSAValue:
        column = importer.element(table, [indices[1]])
        place = importer.emit(arith.IndexCastOp(column, index))
        bit = importer.element(rows, [indices[0], place])
        if aval.dtype == rows.dtype:
            return bit
        return importer.emit(arith.TruncIOp(bit, i32))

    return importer.lazy(aval, [rows], element)
