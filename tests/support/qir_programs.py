"""Programs that emitters write by hand, and the distributions of what they record."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from math import cos, sin
from typing import Any

import numpy as np
from xdsl.dialects import arith
from xdsl.dialects.builtin import f64, i1, i64
from xdsl.dialects.test import TestOp as AnyOp
from xdsl.ir import Attribute, Operation

from qjit.dialects.gates import GATES
from qjit.dialects.gates.spelling import read_spelling
from qjit.dialects.targets.qir import QirDialect
from qjit.lowering.emitters.emitter import AppliedGate
from qjit.lowering.emitters.qir import QirEmitter
from qjit.lowering.emitters.values import Expression

Distribution = Mapping[str, float]
GATES_OF_ONE = ("X", "Y", "Z", "H", "S", "adjoint(S)", "T", "adjoint(T)")
OF_TWO = ("CNOT", "CZ")
ANGLES = {"RX": 0.4, "RY": 0.7, "RZ": 1.3}


def emitter(num_qubits: int, dialect: QirDialect | None = None) -> QirEmitter:
    """Return an emitter of so many qubits."""
    made = QirEmitter(dialect or QirDialect())
    made.allocate(num_qubits)
    return made


def gate(spelling: str, *wires: int, params: tuple[Any, ...] = ()) -> AppliedGate:
    """Return a gate, its controls first."""
    name, adjoint = read_spelling(spelling)
    count = GATES[name].num_controls or 0
    pattern = (1,) * count
    return AppliedGate(name, params, wires[count:], wires[:count], pattern, adjoint)


def computed(
    to: QirEmitter,
    kind: Callable[..., Operation],
    given: Mapping[Any, Attribute] | list[tuple[Any, Attribute]],
    *rest: Any,
) -> Expression:
    """Write a classical operation of values, each with its type."""
    pairs = list(given.items()) if isinstance(given, Mapping) else given
    types = [each for _, each in pairs]
    operands = AnyOp(result_types=types).results
    return to.operation(kind(*operands, *rest), [value for value, _ in pairs])


def bell(dialect: QirDialect) -> str | bytes:
    """Two qubits that agree."""
    to = emitter(2, dialect)
    to.gate(gate("H", 0))
    to.gate(gate("CNOT", 0, 1))
    return to.finish([to.measure(0), to.measure(1)])


def many_gates(dialect: QirDialect) -> str | bytes:
    """Each of the portable gates, most of them more than once."""
    to = emitter(3, dialect)
    for each in MANY:
        to.gate(each)
    return to.finish([to.measure(wire) for wire in range(3)])


def _many() -> list[AppliedGate]:
    found: list[AppliedGate] = []
    for wire in range(3):
        found += [gate(name, wire, params=(a,)) for name, a in ANGLES.items()]
        found += [gate(name, (wire + 1) % 3) for name in GATES_OF_ONE]
        found += [gate(name, wire, (wire + 1) % 3) for name in OF_TWO]
        found += [gate("Toffoli", wire, (wire + 1) % 3, (wire + 2) % 3)]
    return found


MANY = _many()


def probabilities(gates: list[AppliedGate], num_qubits: int) -> Distribution:
    """Return the distribution of all qubits after gates, by their matrices."""
    state = np.zeros((2,) * num_qubits, complex)
    state.flat[0] = 1
    for each in gates:
        wires: list[Any] = [*each.controls, *each.targets]
        matrix = GATES[each.name].full_matrix(each.params)
        matrix = matrix.conj().T if each.adjoint else matrix
        tensor = matrix.reshape((2,) * (2 * len(wires)))
        axes = range(len(wires), 2 * len(wires))
        state = np.moveaxis(
            np.tensordot(tensor, state, (list(axes), wires)),
            [*range(len(wires))],
            wires,
        )
    found = np.abs(state.reshape(-1)) ** 2
    return {f"{n:0{num_qubits}b}": float(p) for n, p in enumerate(found)}


def feed_forward(dialect: QirDialect) -> str | bytes:
    """Teleportation of RY(0.8)|0> by outcomes that decide on X and Z."""
    to = emitter(3, dialect)
    to.gate(gate("RY", 0, params=(0.8,)))
    for each in (gate("H", 1), gate("CNOT", 1, 2), gate("CNOT", 0, 1), gate("H", 0)):
        to.gate(each)
    z, x = to.measure(0), to.measure(1)
    to.branch(x, lambda: to.gate(gate("X", 2)), lambda: None, list)
    to.branch(z, lambda: to.gate(gate("Z", 2)), lambda: None, list)
    return to.finish([to.measure(2)])


def integers(dialect: QirDialect) -> str | bytes:
    """The number of ones decides an angle, which is rounded, compared and recorded."""
    to = emitter(3, dialect)
    to.gate(gate("H", 0))
    to.gate(gate("H", 1))
    bits = [to.measure(0), to.measure(1)]
    ones = [computed(to, arith.ExtUIOp, [(bit, i1)], i64) for bit in bits]
    count = computed(to, arith.AddiOp, [(each, i64) for each in ones])
    number = computed(to, arith.SIToFPOp, [(count, i64)], f64)
    angle = computed(to, arith.MulfOp, [(number, f64), (np.pi / 2, f64)])
    to.gate(gate("RY", 2, params=(angle,)))
    last = to.measure(2)
    whole = computed(to, arith.FPToSIOp, [(angle, f64)], i64)
    large = computed(to, arith.CmpiOp, [(whole, i64), (1, i64)], "sgt")
    differs = computed(to, arith.CmpfOp, [(angle, f64), (0.0, f64)], "une")
    return to.finish([*bits, last, large, differs])


def until_one(dialect: QirDialect) -> str | bytes:
    """A loop until 1 is measured, whose rounds make an angle; then a phi node."""
    to = emitter(3, dialect)
    to.gate(gate("H", 0))

    def body(values: Any) -> tuple[Expression, list[Any]]:
        (angle,) = values
        to.gate(gate("X", 0))
        to.reset(0)
        to.gate(gate("H", 0))
        outcome = to.measure(0)
        more = computed(to, arith.AddfOp, [(angle, f64), (0.25, f64)])
        turn = lambda: to.gate(gate("RX", 1, params=(more,)))  # noqa: E731
        to.branch(outcome, turn, lambda: None, list)
        return to.select(outcome, 0, 1, i1), [more]

    first = to.select(to.measure(0), 0, 1, i1)
    (angle,) = to.loop(first, [0.5], [f64], body)
    side = to.measure(1)
    large = computed(to, arith.CmpfOp, [(angle, f64), (1.0, f64)], "ogt")
    flip = lambda: to.gate(gate("X", 2))  # noqa: E731
    (last,) = to.branch(side, flip, lambda: None, lambda: [(1.5, angle, f64)])
    to.gate(gate("RY", 2, params=(last,)))
    return to.finish([side, to.measure(2), large])


def _until_one() -> Distribution:
    found: dict[str, float] = {}
    for rounds in range(60):
        angle = 0.5 + 0.25 * rounds
        one = sin(angle / 2) ** 2 if rounds else 0.0
        for side, chance in ((1, one), (0, 1 - one)):
            last = 1.5 if side else angle
            stays = cos(last / 2) ** 2
            for bit in (0, 1):
                key = f"{side}{bit}{int(angle > 1)}"
                weight = stays if bit == side else 1 - stays
                found[key] = found.get(key, 0) + chance * weight / 2 ** (rounds + 1)
    return found


def _integers() -> Distribution:
    found: dict[str, float] = {}
    for a in (0, 1):
        for b in (0, 1):
            one = sin((a + b) * np.pi / 4) ** 2
            for last, chance in ((1, one), (0, 1 - one)):
                key = f"{a}{b}{last}{int(a + b == 2)}{int(a + b > 0)}"
                found[key] = chance / 4
    return found


@dataclass(frozen=True)
class Case:
    """A program, what it needs, and the distribution of what it records."""

    write: Callable[[QirDialect], str | bytes]
    distribution: Distribution
    profile: str = "adaptive"

    def text(self) -> str:
        """Return the program in the portable dialect of its profile."""
        found = self.write(QirDialect(self.profile))
        assert isinstance(found, str)
        return found


CASES: Mapping[str, Case] = {
    "bell": Case(bell, {"00": 0.5, "11": 0.5}, "base"),
    "bell_adaptive": Case(bell, {"00": 0.5, "11": 0.5}),
    "many_gates": Case(many_gates, probabilities(MANY, 3), "base"),
    "feed_forward": Case(feed_forward, {"0": cos(0.4) ** 2, "1": sin(0.4) ** 2}),
    "integers": Case(integers, _integers()),
    "until_one": Case(until_one, _until_one()),
}


def agrees(counts: Mapping[str, int], distribution: Distribution) -> bool:
    """Tell whether counts are of a distribution, by chi-square at 6 deviations."""
    if any(distribution.get(bits, 0) < 1e-9 for bits in counts):
        return False
    shots = sum(counts.values())
    terms = [
        (counts.get(bits, 0) - shots * p) ** 2 / (shots * p)
        for bits, p in distribution.items()
        if shots * p > 5
    ]
    freedom = max(len(terms) - 1, 1)
    return reduce(float.__add__, terms, 0.0) < freedom + 6 * (2 * freedom) ** 0.5
