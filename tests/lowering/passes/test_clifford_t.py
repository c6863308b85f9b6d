"""Rotations become few Clifford gates and T, and the error is what was asked for."""

import math
from collections.abc import Callable, Sequence
from itertools import product
from random import Random
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import qjit as qj
from qjit.errors import HostCallError, ParameterError, PipelineError, UnsupportedError
from qjit.lowering.passes.circuits.circuit import product as matrix_of
from qjit.lowering.passes.circuits.gates import Gate
from qjit.lowering.passes.unitaries.clifford_t.gridsynth import approximate_rz
from qjit.lowering.passes.unitaries.clifford_t.norm_equations import (
    solve_norm_equation,
)
from qjit.lowering.passes.unitaries.clifford_t.normal_forms import (
    normal_form,
    product_of,
)
from qjit.lowering.passes.unitaries.clifford_t.rings import Cyclotomic, RootTwo
from tests.support.pass_meaning import Imported, gate_names

NAMES: list[str] = ["H", "S", "T", "X", "adjoint(T)", "SX"]


def gate(name: str) -> Gate:
    adjoint = name.startswith("adjoint(")
    return Gate(name[8:-1] if adjoint else name, 0, adjoint=adjoint)


def matrix(names: Sequence[str]) -> Any:
    return matrix_of(map(gate, names), [0], {})


def phase_between(first: Any, second: Any) -> float:
    """The phase by which the first matrix is to be multiplied."""
    return float(np.angle(np.vdot(first, second)))


@pytest.mark.parametrize("exponent", [1, 2, 4, 6, 8, 10])
def test_rotations(exponent: int) -> None:
    """About 3 log2(1 / epsilon) T gates: Ross and Selinger."""
    epsilon, generator = 10.0**-exponent, Random(exponent)
    angles = [generator.uniform(-7, 7) for _ in range(6)]
    counts: list[int] = []
    for angle in angles:
        found = approximate_rz(angle, epsilon)
        names = normal_form(found.bloch)
        made, expected = matrix(names), Gate("RZ", 0, angle).matrix({})
        phase = phase_between(made, found.matrix)
        assert abs(math.remainder(phase, math.pi / 8)) < 1e-8
        made = made * np.exp(1j * phase)
        np.testing.assert_allclose(made, found.matrix, atol=1e-12)
        assert np.linalg.norm(made - expected, 2) <= epsilon * (1 + 1e-4)
        assert names.count("T") == found.num_t
        counts.append(found.num_t)
    assert np.mean(counts) <= 3 * math.log2(1 / epsilon) + 2


def test_multiples_of_a_quarter_of_pi_are_exact() -> None:
    for turns in range(-8, 17):
        found = approximate_rz(turns * math.pi / 4, 1e-10)
        assert found.num_t == turns % 2
        expected = Gate("RZ", 0, turns * math.pi / 4).matrix({})
        np.testing.assert_allclose(found.matrix, expected, atol=1e-14)


def test_large_angles() -> None:
    for angle in (1e3, -1e6, 1e15):
        found = approximate_rz(angle, 1e-8)
        expected = Gate("RZ", 0, angle).matrix({})
        assert np.linalg.norm(found.matrix - expected, 2) <= 1.01e-8


@pytest.mark.parametrize(("angle", "epsilon"), [(0.39, 0.16), (0.5, 0.12)])
def test_no_fewer_t_gates_are_enough(angle: float, epsilon: float) -> None:
    """No product of fewer T gates is close, among all of the normal form."""
    target = Gate("RZ", 0, angle).matrix({})
    found = approximate_rz(angle, epsilon).num_t
    assert 2 < found < 9
    words = (w for size in range(7) for w in product("HS", repeat=size))
    cliffords = np.array([matrix(word) for word in words])
    syllables = [matrix("T"), matrix("TH"), matrix("THS")]
    front: list[Any] = [np.eye(2)]
    for _ in range(found):
        made = np.array(front)[:, None] @ cliffords
        overlaps = np.abs(np.trace(made.conj().mT @ target, axis1=-2, axis2=-1))
        # The distance d of U and V up to a phase: |tr(U* V)| = 2 - d^2.
        assert overlaps.max() < 2 - epsilon**2
        front = [left @ each for left in syllables for each in front]


def test_normal_forms() -> None:
    generator = Random(1)
    for size in range(12):
        names = generator.choices(NAMES, k=3 * size)
        found = normal_form(product_of(names))
        assert found.count("T") <= sum("T" in name for name in names)
        made, expected = matrix(found), matrix(names)
        phase = phase_between(made, expected)
        np.testing.assert_allclose(made * np.exp(1j * phase), expected, atol=1e-12)


def test_norm_equations() -> None:
    generator, solved = Random(2), 0
    for _ in range(40):
        numbers = [generator.randint(-30, 30) for _ in range(4)]
        xi = Cyclotomic(*numbers).square
        found = solve_norm_equation(xi)
        assert found is not None
        assert found.square == xi
    for a, b in product(range(1, 40), range(-20, 20)):
        xi = RootTwo(a, b)
        if not xi.is_negative and not xi.conjugate.is_negative:
            found = solve_norm_equation(xi)
            solved += found is not None
            assert found is None or found.square == xi
    assert solved > 100
    assert solve_norm_equation(RootTwo(7)) is None
    assert solve_norm_equation(RootTwo(3, 1)) is None  # of norm 7


def between(wires: int, gates: Callable[[], Any]) -> Any:
    """A circuit of gates on qubits whose states are not known."""

    @qj.qnode(wires=wires)
    def circuit() -> Any:
        for wire in range(wires):
            qj.H(wire)
        gates()
        for wire in range(wires):
            qj.H(wire)
        return qj.state()

    return circuit


def t_count(circuit: Any, *args: Any, options: str = "") -> int:
    names = gate_names(Imported(circuit, *args).after([f"clifford-t{options}"]))
    assert set(names) <= {*"HSTXYZ", "CNOT", "CZ", "SWAP", "GlobalPhase"}
    return names.count("T")


# The fewest that are known without other qubits: Amy et al., arXiv:1206.0758.
EXACT: dict[str, tuple[int, Callable[[], Any], int]] = {
    "Toffoli": (3, lambda: qj.Toffoli([0, 1, 2]), 7),
    "CSWAP": (3, lambda: qj.CSWAP([0, 1, 2]), 7),
    "CS": (2, lambda: qj.ctrl(qj.S(1), 0), 3),
    "CH": (2, lambda: qj.CH([0, 1]), 2),
    "CSX": (2, lambda: qj.ctrl(qj.SX(1), 0), 3),
    "C3X": (5, lambda: qj.MultiControlledX([0, 1, 2, 3]), 20),
    "clifford": (2, lambda: (qj.CRX(np.pi, [0, 1]), qj.ISWAP([0, 1])), 0),
    "axes": (1, lambda: (qj.T(0), qj.H(0), qj.H(0), qj.T(0)), 0),
}


@pytest.mark.parametrize("name", EXACT)
def test_t_counts_of_gates(name: str) -> None:
    wires, gates, count = EXACT[name]
    assert t_count(between(wires, gates)) == count


def test_rotations_are_merged_first() -> None:
    """Each rotation takes about 60 T gates at 1e-6."""

    def across() -> None:
        qj.RZ(0.1, 0)
        qj.CNOT([0, 1])
        qj.RZ(0.2, 0)

    def many() -> None:
        for angle in (0.1, 0.2, 0.3, 0.4):
            qj.RX(angle, 0)
            qj.RY(angle, 0)

    assert t_count(between(2, across)) < 66
    assert t_count(between(1, many)) < 3 * 68


def test_the_error_is_divided() -> None:
    def loop() -> None:
        qj.for_loop(0, 1000, 1)(lambda i: qj.RX(0.3, 0))()

    plain, looped = between(1, lambda: qj.RX(0.3, 0)), between(1, loop)
    assert 25 < t_count(looped) - t_count(plain) < 35
    options = "{each=1e-6}"
    assert t_count(looped, options=options) == t_count(plain, options=options)


def test_literals_are_known_in_single_precision() -> None:
    circuit = between(1, lambda: qj.RX(0.3, 0))
    count = t_count(circuit)
    with jax.enable_x64(False):
        assert abs(t_count(circuit) - count) < 6


@qj.qnode(wires=3)
def dynamic(x: Any, flag: Any) -> Any:
    qj.H(0)
    qj.CNOT([0, 1])
    qj.RX(x, wires=0)
    qj.SWAP([0, 2])

    def branch() -> None:
        qj.RY(2 * x, wires=1)
        qj.CRZ(x, wires=[0, 1])

    qj.cond(flag, branch, lambda: qj.RZ(x, wires=2))()
    qj.for_loop(0, 3, 1)(lambda i: qj.RX(x * i, wires=i))()
    return qj.state()


@pytest.mark.parametrize("flag", [True, False])
def test_angles_at_run_time(flag: bool) -> None:
    imported = Imported(dynamic, 0.37, flag)
    (expected,) = imported.results()
    module = imported.after(["undo-swaps", "clifford-t{epsilon=1e-5}"])
    (found,) = imported.results(module)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert not {"RX", "RY", "RZ", "CRZ"} & set(gate_names(module))


def test_angles_at_run_time_between_measurements() -> None:
    @qj.qnode(wires=2)
    def circuit(x: Any) -> Any:
        qj.RX(x, wires=0)
        qj.H(1)
        outcome = qj.measure(0)
        qj.RY(x, wires=1)
        qj.cond(outcome, lambda: qj.RX(x, wires=1))()
        qj.reset(0)
        qj.RY(2 * x, wires=0)
        return qj.probs(), qj.expval(outcome)

    imported = Imported(circuit, 0.7)
    found = imported.results(imported.after(["clifford-t{epsilon=1e-3}"]))
    for each, expected in zip(found, imported.results(), strict=True):
        np.testing.assert_allclose(each, expected, atol=2e-3)


def test_compiled_programs() -> None:
    @qj.clifford_t_decomposition(epsilon=1e-4)
    @qj.qnode(wires=1)
    def energy(x: Any) -> Any:
        qj.RX(x, wires=0)
        return qj.expval(qj.Z(0))

    @qj.qjit
    def total(x: Any) -> Any:
        return qj.for_loop(0, 2, 1)(lambda i, found: found + energy(x + i))(0.0)

    expected = np.cos(0.3) + np.cos(1.3)
    np.testing.assert_allclose(total(0.3), expected, atol=4e-4)
    assert total.report(0.3)["host"] == ["clifford-t"]
    with pytest.raises(HostCallError, match="for an angle of nan"):
        total(float("nan"))


def test_what_is_refused() -> None:
    @qj.qnode(wires=1)
    def until(x: Any) -> Any:
        @qj.while_loop(lambda n: n < x)
        def turn(n: Any) -> Any:
            qj.RX(0.3, wires=0)
            return n + 1

        turn(0)
        return qj.probs()

    @qj.qnode(wires=1)
    def computed(x: Any) -> Any:
        qj.QubitUnitary(x * np.eye(2), wires=0)
        return qj.probs()

    @qj.qnode(wires=1, diff_method="adjoint")
    def differentiated(x: Any) -> Any:
        qj.RX(x, wires=0)
        return qj.expval(qj.Z(0))

    @qj.qnode(wires=1, diff_method="adjoint")
    def by_matrix(x: Any) -> Any:
        turn = [[jnp.cos(x), -jnp.sin(x)], [jnp.sin(x), jnp.cos(x)]]
        qj.QubitUnitary(jnp.array(turn), wires=0)
        return qj.expval(qj.Z(0))

    @qj.qnode(wires=1, diff_method="adjoint")
    def by_state(x: Any) -> Any:
        qj.StatePrep(jnp.array([jnp.cos(x), jnp.sin(x)]), wires=0)
        return qj.expval(qj.Z(0))

    changed = qj.clifford_t_decomposition
    for each, what in (
        (differentiated, "gate"),
        (by_matrix, "matrix"),
        (by_state, "state"),
    ):
        match = rf"py:\d+: a {what} that .*parameter-shift"
        with pytest.raises(UnsupportedError, match=match):
            qj.qjit(qj.grad(changed(each)))(1.0)
    with pytest.raises(UnsupportedError, match=r"py:\d+: .* length .* each"):
        qj.qjit(changed(until))(3)
    found = Imported(until, 3).after(["clifford-t{each=1e-3}"])
    assert "RX" not in gate_names(found)
    with pytest.raises(UnsupportedError, match=r"py:\d+: a matrix whose numbers"):
        qj.qjit(changed(computed))(1.0)
    with pytest.raises(ParameterError, match="from 1e-13 to 1"):
        changed(until, epsilon=0.0)
    with pytest.raises(PipelineError, match="give one of them"):
        qj.qjit(until, pipeline=("clifford-t{epsilon=1e-3 each=1e-3}",))
    with pytest.raises(PipelineError, match="each is an error"):
        qj.qjit(until, pipeline=("clifford-t{each=2}",))
