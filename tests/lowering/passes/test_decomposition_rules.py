"""Rules of decomposition, and the cheapest ways from all gates to gate sets."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
from xdsl.dialects import test as dialect
from xdsl.dialects.builtin import f64
from xdsl.ir import SSAValue

from qjit.dialects.gates import GATES
from qjit.dialects.gates.fourier import ComplexMatrix
from qjit.lowering.passes.circuits.gates import Gate, controlled_gate
from qjit.lowering.passes.quantum.decomposition.decompose_gates import gate_set
from qjit.lowering.passes.quantum.decomposition.expansion import expanded
from qjit.lowering.passes.quantum.decomposition.gate_kinds import GateKind
from qjit.lowering.passes.quantum.decomposition.rule_checks import as_gate
from qjit.lowering.passes.quantum.decomposition.rules import rules_of

SETS = [
    ("RZ", "SX", "X", "CZ"),
    ("RZ", "SX", "X", "CNOT"),
    ("RX", "RY", "RZ", "CNOT"),
    ("IsingXX", "GPI", "GPI2"),
    ("PRX", "CZ"),
]
CLIFFORD_T = ("H", "S", "T", "CNOT")
SPARE = 1
VALUES: Sequence[SSAValue] = dialect.TestOp(result_types=[f64] * 3).results
NUMBERS: Mapping[SSAValue, float] = dict(zip(VALUES, (0.7, -1.3, 2.1), strict=True))
each_set = pytest.mark.parametrize("names", SETS, ids=",".join)


def every_gate(params: Sequence[Any] = VALUES) -> Iterator[Gate]:
    """Yield all gates under up to three more controls, on 0 and 1, and adjoints."""
    for record in GATES.values():
        if record.definition is None or {"unitary", "entries"} & {*record.static}:
            continue
        words = {k: v for k, v in record.example.items() if k != "num_targets"}
        targets = record.num_targets
        if targets is None:
            word = words.get("pauli_word")
            targets = record.example["num_targets"] if word is None else len(word)
        for number in range(4):
            count = number + (record.num_controls or 0)
            wires = range(count + targets)
            yield controlled_gate(
                record.base or record.name,
                wires[:count],
                wires[count:],
                *params[: record.num_params],
                control_values=[number < 2] * count,
                adjoint=number % 2 == 1,
                static=words,
            )


@lru_cache(1000)
def matrix(gate: Gate) -> ComplexMatrix:
    """Return the matrix of a gate at numbers."""
    return gate.matrix({})


def applied(
    gates: Sequence[Gate], state: ComplexMatrix, numbers: Mapping[SSAValue, float]
) -> ComplexMatrix:
    """Return a state, with one axis per wire, after gates."""
    for gate in gates:
        count, wires = len(gate.all_wires), gate.all_wires
        plain = gate.at(*(param.at(numbers) for param in gate.params))
        places = dict(zip(wires, range(count), strict=True))
        found = matrix(plain.on(places)) if not gate.static else plain.matrix({})
        if not count:
            state = state * found.item()
            continue
        tensor = found.reshape((2,) * (2 * count))
        axes = list(range(count, 2 * count)), list(wires)
        state = np.moveaxis(np.tensordot(tensor, state, axes), range(count), wires)
    return state


def decomposed(gate: Gate, names: Sequence[str], spare: int = SPARE) -> list[Gate]:
    """Return what a gate becomes, which has to mean the same and be of the set."""
    count = len(gate.all_wires)
    new = expanded(gate, gate_set(names), range(count, count + spare))
    assert new is not None
    gates, phase = new
    for each in gates:
        name = f"adjoint({each.name})" if each.adjoint else each.name
        assert name in {*names, "GlobalPhase"} and not each.controls
    made = [*gates, Gate("GlobalPhase", (), phase)]
    generator = np.random.default_rng(1)
    shape = (2,) * (count + spare)
    start = generator.normal(size=shape) + 1j * generator.normal(size=shape)
    expected, found = (applied(g, start, NUMBERS) for g in ([gate], made))
    np.testing.assert_allclose(found, expected, atol=1e-10, err_msg=gate.text(TEXTS))
    return gates


TEXTS: Mapping[SSAValue, str] = {
    value: f"angle{number}" for number, value in enumerate(VALUES)
}


@each_set
def test_every_gate_reaches_the_set(names: Sequence[str]) -> None:
    for gate in every_gate():
        decomposed(gate, names)


def test_rules_are_right() -> None:
    """Every rule of every gate, with the spare wires that it may use."""
    for gate in every_gate():
        controls, wires = len(gate.all_controls), len(gate.all_wires)
        if wires > 5:
            continue
        static = tuple(sorted(gate.static.items()))
        for adjoint in {False, gate.inverse().adjoint}:
            kind = GateKind(gate.base, controls, wires - controls, adjoint, static)
            kind = kind.with_spare(2)
            shape = (2,) * (wires + kind.spare)
            start = np.random.default_rng(2).normal(size=shape).astype(complex)
            angles = list(NUMBERS.values())[: len(gate.params)]
            for rule in rules_of(kind, {}):
                plain = controlled_gate(
                    gate.base,
                    range(controls),
                    range(controls, wires),
                    *angles,
                    adjoint=adjoint,
                    static=gate.static,
                )
                steps = [as_gate(step, angles) for step in rule]
                found, expected = (applied(g, start, {}) for g in (steps, [plain]))
                np.testing.assert_allclose(found, expected, atol=1e-12)


def test_multiples_of_eighths_reach_clifford_and_t() -> None:
    refused = set[str]()
    for gate in every_gate([np.pi / 2, np.pi, 5 * np.pi / 2]):
        if len(gate.all_controls) > 3 or len(gate.all_wires) > 4:
            continue
        if expanded(gate, gate_set(CLIFFORD_T), [8, 9]) is None:
            refused.add(gate.name)
        else:
            decomposed(gate, CLIFFORD_T, spare=2)
    assert not refused & {"H", "X", "Toffoli", "CZ", "SWAP", "ISWAP", "RZ", "IsingXX"}
    assert expanded(Gate("RZ", 0, 0.3), gate_set(CLIFFORD_T), []) is None
    assert expanded(Gate("RZ", 0, VALUES[0]), gate_set(CLIFFORD_T), []) is None


@pytest.mark.parametrize(
    ("gate", "spare", "names", "two_qubit", "most"),
    [
        (Gate("H", 0), 0, SETS[0], "CZ", (0, 3)),
        (Gate("CNOT", [0, 1]), 0, SETS[0], "CZ", (1, 7)),
        (Gate("CNOT", [0, 1]), 0, SETS[3], "IsingXX", (1, 12)),
        (Gate("SWAP", [0, 1]), 0, SETS[1], "CNOT", (3, 3)),
        (Gate("Rot", 0, 0.1, 0.2, 0.3), 0, SETS[0], "CZ", (0, 5)),
        (Gate("CRZ", [0, 1], 0.3), 0, SETS[3], "IsingXX", (1, 11)),
        (Gate("IsingXY", [0, 1], 0.3), 0, SETS[2], "CNOT", (2, 10)),
        (Gate("Toffoli", [0, 1, 2]), 0, SETS[1], "CNOT", (6, 20)),
        # Barenco et al., quant-ph/9503016: 2^n - 2; Iten et al., 1501.06911: 8n - 6.
        (Gate("MultiControlledX", range(4)), 0, SETS[1], "CNOT", (14, 40)),
        (Gate("MultiControlledX", range(7)), 4, SETS[1], "CNOT", (42, 200)),
        # Khattar and Gidney, 2407.17966: 4n - 8 Toffolis, of which two are whole.
        (Gate("MultiControlledX", range(11)), 1, SETS[1], "CNOT", (102, 500)),
        # Vale et al., 2302.06377.
        (Gate("RZ", 2, 0.3, controls=[0, 1]), 0, SETS[2], "CNOT", (4, 8)),
        (Gate("DoubleExcitation", range(4), 0.3), 0, SETS[2], "CNOT", (14, 40)),
    ],
)
def test_counts(
    gate: Gate,
    spare: int,
    names: Sequence[str],
    two_qubit: str,
    most: tuple[int, int],
) -> None:
    counts = Counter(each.name for each in decomposed(gate, names, spare))
    del counts["GlobalPhase"]
    assert counts[two_qubit] <= most[0]
    assert counts.total() <= most[1]


def test_weights_choose_the_way() -> None:
    names = ("RZ", "SX", "CZ", "IsingXX")
    for weights, expected in ((("CZ=1",), "CZ"), (("IsingXX=1",), "IsingXX")):
        new = expanded(Gate("CNOT", [0, 1]), gate_set(names, weights), [])
        assert new is not None
        assert {g.name for g in new[0]} & {"CZ", "IsingXX"} == {expected}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((("Q",),), "'Q' is no gate"),
        ((("RZ",), ("CNOT",)), "'CNOT' is no weight, such as 'CNOT=5'"),
        ((("RZ",), ("CNOT=-1",)), "is no weight"),
        ((("RZ",), (), ("CNOT",)), "is no rule"),
        ((("RZ",), (), ("CNOT = H on 1",)), "differs from that of CNOT"),
        ((("RZ",), (), ("S = RZ(1.5707963267948966) on 0",)), "phase differs"),
        ((("RZ",), (), ("CNOT = H on 3",)), "the wires 0 to 1"),
        ((("RZ",), (), ("RX(a) = RX(b) on 0",)), "'b' is no angle"),
        ((("RZ",), (), ("RX = RX(0.1) on 0",)), "RX has 1 angles"),
        ((("RZ",), (), ("MultiRZ(a) = RZ(a) on 0",)), "any number of wires"),
    ],
)
def test_what_cannot_be_is_refused(options: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        gate_set(*options)
