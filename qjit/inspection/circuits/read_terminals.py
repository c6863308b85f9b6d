"""Measurements at the end of circuits, as trees have them."""

from __future__ import annotations

from collections.abc import Iterator

from xdsl.dialects import memref
from xdsl.ir import Operation, SSAValue

from qjit.dialects import quantum
from qjit.dialects.quantum.measurements import Readout, ShotReadout, Statistic
from qjit.dialects.quantum.types import TermAttr, register_size

from .expressions import Expression
from .read_values import Values
from .tree import Terminal

KINDS: dict[type[Operation], str] = {
    quantum.ProbsOp: "probs",
    quantum.StateOp: "state",
    quantum.DensityMatrixOp: "density_matrix",
    quantum.ResourcesOp: "resources",
    quantum.SampleOp: "sample",
    quantum.CountsOp: "counts",
}


def read_terminal(op: Operation, values: Values) -> Iterator[Terminal]:
    """Yield the measurement that an operation is, if it is one."""
    if isinstance(op, Statistic):
        yield _statistic(op, values)
    elif isinstance(op, Readout):
        shots = f" of {op.shots.value.data}" if isinstance(op, ShotReadout) else ""
        yield Terminal(KINDS[type(op)] + shots, op.measured)


def _statistic(op: Statistic, values: Values) -> Terminal:
    kind = "var" if isinstance(op, quantum.VarOp) else "expval"
    letters = [_letters(term) for term in op.terms]
    wires = tuple(sorted({wire for each in letters for wire in each}))
    weights = [_weight(op.coefficients, n, values) for n in range(len(letters))]
    if len(letters) == 1 and weights[0].number == 1:
        (only,) = letters
        return Terminal(kind, wires, tuple(only[wire] for wire in wires))
    if not wires:
        wires = tuple(range(register_size(op.register)))
    terms = [
        " ".join(
            (weight.text(), *(f"{letter}({wire})" for wire, letter in each.items()))
        )
        for weight, each in zip(weights, letters, strict=True)
    ]
    text = " + ".join(terms).replace("+ -", "- ")
    return Terminal(kind, wires, observable=text)


def _letters(term: TermAttr) -> dict[int, str]:
    found = {n: each for n, each in enumerate(term.word.data) if each != "I"}
    for factor in term.factors:
        found.update(dict.fromkeys(factor.wires.get_values(), "A"))
    return dict(sorted(found.items()))


def _weight(coefficients: SSAValue, number: int, values: Values) -> Expression:
    """Return one of the coefficients, which stand in a buffer."""
    owner = coefficients.owner
    if isinstance(owner, memref.GetGlobalOp):
        found = values.of_table(owner, [Expression(number)])
        if found is not None:
            return found
    name = values.names.of(coefficients, "holds the coefficients of an observable")
    return Expression(f"{name}[", (Expression(number),))
