"""Import of samples and of counts of outcomes: those that can share their shots do."""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax.core import ShapedArray
from xdsl.dialects import arith
from xdsl.dialects.builtin import i32
from xdsl.ir import SSAValue

from qjit.dialects import quantum
from qjit.lowering.importer.importer import Importer, index
from qjit.lowering.importer.values import Value
from qjit.lowering.jaxpr.shot_statistics import is_countable, tallied

from .circuit_state import (
    Axis,
    BasisChange,
    Draw,
    add_gate,
    add_unitary,
    inlined,
    qubits_of,
)

# The gates, and whether they are inverted, that turn a Pauli matrix into Z.
ROTATIONS: dict[str, tuple[tuple[str, bool], ...]] = {
    "X": (("H", False),),
    "Y": (("S", True), ("H", False)),
    "Z": (),
}
DRAWN = ("quantum_sample", "quantum_estimate", "quantum_counts")


def axes_of(params: Mapping[str, Any], tokens: Sequence[Hashable]) -> dict[int, Axis]:
    """Return what a measurement measures its wires along."""
    axes: dict[int, Axis] = dict(zip(params["wires"], params["basis"], strict=True))
    for token, wires in zip(tokens, params["factors"], strict=False):
        matrix = token, tuple(wires)
        axes.update({wire: (matrix, place) for place, wire in enumerate(wires)})
    return axes


def shared_draws(
    measured: Iterable[tuple[str, Mapping[str, Any], Sequence[Hashable]]],
    *,
    listed: bool = False,
) -> list[Draw]:
    """Return the draws that answer all samples among some measurements.

    These are primitives, parameters, and what stands for their matrices. Outcomes are
    listed rather than counted where asked for.
    """
    draws: list[Draw] = []
    drawn = [each for each in measured if each[0] in DRAWN]
    # NOTE: rows first, because what is counted is to be of the same shots.
    for name, params, tokens in sorted(drawn, key=lambda each: each[0] != DRAWN[0]):
        wanted, shots = axes_of(params, tokens), params["shots"]
        counted = name != DRAWN[0] and is_countable(len(wanted), shots)
        found = next((draw for draw in draws if draw.takes(wanted)), None)
        if found is None:
            draws.append(Draw(wanted, shots, counted and not listed))
        else:
            found.axes.update(wanted)
    return draws


@dataclass(frozen=True)
class Readout:
    """A measurement from shots, with its unitary operands and what stands for them."""

    params: Mapping[str, Any]
    tokens: Sequence[Hashable]
    unitary: Callable[[Hashable], Value]  # also of those that share its shots


def add_sample(importer: Importer, readout: Readout, dtype: Any = np.int64) -> Value:
    """Append a sample of wires, or read it off shots that were drawn before."""
    draw = _draw_of(importer, readout)
    assert draw.found is not None and not draw.counted
    wires = readout.params["wires"]
    aval = ShapedArray((readout.params["shots"], len(wires)), np.dtype(dtype))
    order = list(draw.axes)
    columns = [order.index(wire) for wire in wires]
    return _columns(importer, draw.found, columns, aval)


def add_counts(importer: Importer, readout: Readout, dtype: Any = np.int64) -> Value:
    """Append counts of the outcomes of wires, the first most significant."""
    draw = _draw_of(importer, readout)
    assert draw.found is not None
    order, wires = list(draw.axes), readout.params["wires"]
    kept = [order.index(wire) for wire in wires]

    def counts(found: Any) -> Any:
        if not draw.counted:
            return tallied(found[:, np.asarray(kept)]).astype(dtype)
        cube = found.reshape((2,) * len(order))
        rest = [place for place in range(len(order)) if place not in kept]
        moved = jnp.transpose(cube, (*kept, *rest)).reshape(2 ** len(kept), -1)
        return jnp.sum(moved, axis=1).astype(dtype)

    return inlined(importer, counts, draw.found)


def is_counted(importer: Importer, readout: Readout) -> bool:
    """Tell whether the shots that answer for a measurement are counted."""
    return _find(importer, readout).counted


def _find(importer: Importer, readout: Readout) -> Draw:
    wanted = axes_of(readout.params, readout.tokens)
    draws = qubits_of(importer).draws
    return next(draw for draw in draws if draw.covers(wanted))


def _draw_of(importer: Importer, readout: Readout) -> Draw:
    draw = _find(importer, readout)
    if draw.found is None:
        draw.found = _drawn(importer, draw, readout.unitary)
    return draw


def _drawn(
    importer: Importer, draw: Draw, unitary: Callable[[Hashable], Value]
) -> Value:
    qubits, wires = qubits_of(importer), list(draw.axes)
    shape = (2 ** len(wires),) if draw.counted else (draw.shots, len(wires))
    aval = ShapedArray(shape, np.dtype(np.int64))
    target = importer.allocate(aval.shape, aval.dtype)
    change_basis(importer, draw.axes, unitary, inverse=False)
    qubits.write_back()
    make = quantum.CountsOp if draw.counted else quantum.SampleOp
    importer.insert(make(qubits.register, target, draw.shots, wires))
    change_basis(importer, draw.axes, unitary, inverse=True)
    qubits.write_back()
    return importer.from_buffer(target, aval)


def change_basis(
    importer: Importer,
    axes: Mapping[int, Axis],
    unitary: Callable[[Hashable], Value],
    *,
    inverse: bool,
) -> None:
    """Rotate what wires are measured along into the computational basis, or back."""
    changes: dict[BasisChange, None] = {}
    plain = {"num_controls": 0, "control_values": ()}
    for wire, axis in axes.items():
        if not isinstance(axis, str):
            changes[axis[0]] = None
            continue
        steps = ROTATIONS[axis][::-1] if inverse else ROTATIONS[axis]
        for gate, inverted in steps:
            params = {"gate": gate, "adjoint": inverted != inverse, **plain}
            add_gate(importer, {**params, "word": None, "dim": None}, [], [wire], 0)
    line = importer.location(importer.enclosing[-1]) if importer.enclosing else 0
    for token, wires in changes:
        params = {"adjoint": inverse, "diagonal": False, **plain}
        add_unitary(importer, params, unitary(token), [*wires], line)


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
