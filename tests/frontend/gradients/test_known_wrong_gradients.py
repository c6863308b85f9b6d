"""Gradients that compilers of hybrid programs are known to get silently wrong.

Each program is differentiated by every method, and compared with differences of a
simulation in extended precision, and with PennyLane's simulator under JAX.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pennylane as qml
import pytest
from jax import core
from jax._src.core import is_concrete

import qjit as qj
from qjit.dialects.gates import GATES
from tests.support.oracle import apply, controlled, word_matrix

WIRES = 3
X = np.array([0.3, 0.8, 0.5])
TOLERANCE = {"adjoint": 1e-11, "parameter-shift": 1e-11, "finite-diff": 1e-8}


class Extended:
    """A state vector of numbers with 64 bits of mantissa."""

    def __init__(self) -> None:
        self.state = np.zeros((2,) * WIRES, np.clongdouble)
        self.state[0, 0, 0] = 1

    def gate(
        self, name: str, angles: Any, wires: Any, *values: int, **how: Any
    ) -> None:
        """Apply a gate of the table, under controls that have these values."""
        if how:
            how["num_targets"] = len(wires) - len(values)
        turns = GATES[name].harmonics(**how).items()
        angles = np.asarray(angles, np.longdouble)
        matrix: Any = sum(
            np.asarray(part, np.clongdouble) * np.exp(1j * np.dot(frequency, angles))
            for frequency, part in turns
        )
        self.matrix(controlled(matrix, values) if values else matrix, wires)

    def matrix(self, matrix: Any, wires: Any) -> None:
        """Apply a matrix."""
        self.state = apply(self.state, matrix, wires)

    def mean(self, *terms: tuple[Any, Any, Any]) -> Any:
        """Return the mean of weighted matrices on wires."""
        images = [w * apply(self.state, matrix, on) for w, matrix, on in terms]
        return np.sum(np.conj(self.state) * sum(images)).real


Z, ZX = (word_matrix(word).astype(np.clongdouble) for word in ("Z", "ZX"))


def opening(m: Any, x: Any) -> None:
    m.RY(x[0], wires=0)
    m.CNOT(wires=[0, 1])
    m.RX(x[1] * 2, wires=1)
    m.CRX(0.7, wires=[1, 2])


def opened(x: Any) -> Extended:
    e = Extended()
    e.gate("RY", x[:1], [0])
    e.gate("CNOT", [], [0, 1], 1)
    e.gate("RX", x[1:2] * 2, [1])
    e.gate("RX", [0.7], [1, 2], 1)
    return e


def zx(m: Any) -> Any:
    return m.Z(0) @ m.X(2)


def coefficients(m: Any, x: Any) -> Any:
    opening(m, x)
    return m.expval(m.Hamiltonian([x[0] * x[2], 2.0], [zx(m), m.Z(1)]))


def coefficients_extended(x: Any) -> Any:
    return opened(x).mean((x[0] * x[2], ZX, [0, 2]), (2, Z, [1]))


def hermitian(m: Any, x: Any) -> Any:
    opening(m, x)
    upper = [x[0] + 0j, x[1] - 1j * x[2]]
    lower = [x[1] + 1j * x[2], -x[0] + 0j]
    return m.expval(m.Hermitian(jnp.array([upper, lower]), wires=1))


def hermitian_extended(x: Any) -> Any:
    upper = [x[0] + 0j, x[1] - 1j * x[2]]
    lower = [x[1] + 1j * x[2], -x[0] + 0j]
    return opened(x).mean((1, np.array([upper, lower]), [1]))


def gate(name: str, on: list[int], *values: int, count: int = 1, **how: Any) -> Any:
    """A gate by all the arguments, then a measurement that sees it."""

    def program(m: Any, x: Any) -> Any:
        opening(m, x)
        m.RY(0.4, wires=2)
        getattr(m, name)(*(x[:count] * x[2]), wires=on, **how)
        m.CRY(0.9, wires=[1, 2])
        return m.expval(zx(m))

    def extended(x: Any) -> Any:
        e = opened(x)
        e.gate("RY", [0.4], [2])
        e.gate(name, x[:count] * x[2], on, *values, **how)
        e.gate("RY", [0.9], [1, 2], 1)
        return e.mean((1, ZX, [0, 2]))

    return program, extended


def under_controls(m: Any, x: Any) -> Any:
    opening(m, x)
    m.RY(0.4, wires=2)
    m.ctrl(m.Rot, control=[0, 1], control_values=[1, 0])(*(x * x[2]), wires=2)
    m.ctrl(m.RX, control=2)(x[1], wires=0)
    return m.expval(zx(m))


def under_controls_extended(x: Any) -> Any:
    e = opened(x)
    e.gate("RY", [0.4], [2])
    e.gate("Rot", x * x[2], [0, 1, 2], 1, 0)
    e.gate("RX", x[1:2], [2, 0], 1)
    return e.mean((1, ZX, [0, 2]))


def variance(m: Any, x: Any) -> Any:
    opening(m, x)
    return m.var(m.Hamiltonian([1.0, 0.7], [zx(m), m.Z(1)]))


def variance_extended(x: Any) -> Any:
    e = opened(x)
    image = apply(e.state, ZX, [0, 2]) + np.longdouble(7) / 10 * apply(e.state, Z, [1])
    mean = np.sum(np.conj(e.state) * image).real
    return np.sum(np.abs(image) ** 2) - mean**2


def prepared(xp: Any, x: Any) -> Any:
    vector = xp.stack([x[0] + 0j, 1j * x[1], x[2] ** 2 + 0j, x[0] * x[1] - 0.5j])
    return vector / xp.sqrt(xp.sum(xp.abs(vector) ** 2))


def preparation(m: Any, x: Any) -> Any:
    m.StatePrep(prepared(jnp, x), wires=[0, 2])
    m.CRY(x[0], wires=[0, 1])
    m.RX(0.4, wires=2)
    return m.expval(zx(m) + m.Z(1))


def preparation_extended(x: Any) -> Any:
    e = Extended()
    e.state = np.zeros((2,) * WIRES, np.clongdouble)
    e.state[:, 0, :] = prepared(np, x).reshape(2, 2)
    e.gate("RY", x[:1], [0, 1], 1)
    e.gate("RX", [0.4], [2])
    return e.mean((1, ZX, [0, 2]), (1, Z, [1]))


def turning(xp: Any, x: Any) -> Any:
    c, s = xp.cos(x[0] * x[2]), xp.sin(x[0] * x[2])
    phase = xp.exp(1j * x[1])
    rows = [xp.stack([c + 0j, -s * xp.conj(phase)]), xp.stack([s * phase, c + 0j])]
    return xp.stack(rows)


def unitary(m: Any, x: Any) -> Any:
    opening(m, x)
    m.QubitUnitary(turning(jnp, x), wires=2)
    m.DiagonalQubitUnitary(jnp.exp(1j * x[:2] * x[2]), wires=0)
    m.CRX(0.3, wires=[2, 0])
    return m.expval(zx(m) + m.Y(0))


def unitary_extended(x: Any) -> Any:
    e = opened(x)
    e.matrix(turning(np, x), [2])
    e.matrix(np.diag(np.exp(1j * x[:2] * x[2])), [0])
    e.gate("RX", [0.3], [2, 0], 1)
    return e.mean((1, ZX, [0, 2]), (1, word_matrix("Y"), [0]))


@dataclass(frozen=True)
class Case:
    name: str
    program: Callable[[Any, Any], Any]
    extended: Callable[[Any], Any]
    methods: tuple[str, ...] = ("adjoint", "parameter-shift", "finite-diff")


MATRICES = ("adjoint", "finite-diff")  # by them, parameter shift is refused
CASES = [
    Case("coefficients", coefficients, coefficients_extended),
    Case("Hermitian", hermitian, hermitian_extended),
    Case("CRY", *gate("CRY", [0, 2], 1)),
    Case("IsingXY", *gate("IsingXY", [1, 2])),
    Case("controlled gates", under_controls, under_controls_extended),
    Case("PCPhase", *gate("PCPhase", [2, 0], dim=3)),
    Case("variance", variance, variance_extended),
    Case("state preparation", preparation, preparation_extended, MATRICES),
    Case("unitaries", unitary, unitary_extended, MATRICES),
]


def extended_gradient(function: Callable[[Any], Any]) -> Any:
    """Central differences of eighth order."""
    weights = {1: 4 / 5, 2: -1 / 5, 3: 4 / 105, 4: -1 / 280}
    step, x = np.longdouble(1e-2), X.astype(np.longdouble)
    return np.array(
        [
            sum(
                np.longdouble(w)
                * (function(x + k * step * unit) - function(x - k * step * unit))
                for k, w in weights.items()
            )
            / step
            for unit in np.eye(3, dtype=np.longdouble)
        ],
        float,
    )


@pytest.mark.parametrize(
    ("case", "method"),
    [(case, method) for case in CASES for method in case.methods],
    ids=lambda each: each.name if isinstance(each, Case) else each,
)
def test_gradient(case: Case, method: str) -> None:
    circuit = qj.qnode(wires=WIRES, diff_method=method)(lambda x: case.program(qj, x))
    value, found = qj.qjit(jax.value_and_grad(circuit))(X)
    np.testing.assert_allclose(value, float(case.extended(X)), atol=1e-13)
    wanted = extended_gradient(case.extended)
    np.testing.assert_allclose(found, wanted, atol=TOLERANCE[method])


@pytest.mark.filterwarnings("ignore:jax.core:DeprecationWarning")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_pennylane_agrees(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that both references would have to be wrong."""
    if not hasattr(core, "is_concrete"):
        # NOTE: PennyLane 0.45 asks for it there, where JAX 0.12 has it no more.
        monkeypatch.setattr(core, "is_concrete", is_concrete, raising=False)
    device = qml.device("default.qubit", wires=WIRES)
    theirs = qml.qnode(device, diff_method="backprop")(lambda x: case.program(qml, x))
    found = jax.grad(theirs)(jnp.asarray(X))
    np.testing.assert_allclose(found, extended_gradient(case.extended), atol=1e-11)


def test_finite_shots() -> None:
    """From two shots each, the mean over many gradients is the gradient."""

    @qj.qnode(wires=WIRES, shots=2)
    def circuit(x: Any) -> Any:
        return coefficients(qj, x)

    repeats = 40_000
    each = qj.qjit(jax.vmap(jax.grad(circuit)), seed=5)(jnp.tile(X, (repeats, 1)))
    error = np.std(each, axis=0) / repeats**0.5
    wanted = extended_gradient(coefficients_extended)
    assert np.max(np.abs(np.mean(each, axis=0) - wanted) / error) < 4.5


@pytest.mark.parametrize("case", CASES[-2:], ids=lambda case: case.name)
def test_parameter_shift_refuses_matrices(case: Case) -> None:
    circuit = qj.qnode(wires=WIRES, diff_method="parameter-shift")(
        lambda x: case.program(qj, x)
    )
    with pytest.raises(qj.errors.DifferentiationError, match="parameters of gates"):
        jax.grad(circuit)(jnp.asarray(X))
