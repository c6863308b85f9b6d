"""Every gate, in every place of a program, by every method, of every measurement.

A circuit applies one gate in each place, each time with angles of its own, so that the
entry of a Jacobian that is wrong tells the place. Reference: differences of matrices.
"""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import qjit as qj
from qjit.dialects.gates import GATES
from tests.support.oracle import (
    Compiled,
    Reference,
    derivative,
    jacobian,
    random_unitary,
    word_matrix,
)

PLACES = ("plain", "controlled", "adjoint", "both", "loop", "branch", "dynamic")
METHODS = ("adjoint", "parameter-shift", "hadamard")
# Gates on any number of wires: what they take besides angles.
OPTIONS: dict[str, Any] = {"PauliRot": ("XY",), "MultiRZ": (), "PCPhase": (3,)}
RECORDS = [
    record
    for record in GATES.values()
    if record.num_params and (record.in_library or record.name in OPTIONS)
]


class Matrices(Reference):
    """The reference, with the gates on any number of wires."""

    def MultiRZ(self, theta: Any, wires: Any) -> None:
        self.PauliRot(theta, "Z" * len(wires), wires)

    def PCPhase(self, phi: Any, dim: int, wires: Any) -> None:
        signs = np.where(np.arange(2 ** len(wires)) < dim, 1.0, -1.0)
        self.DiagonalQubitUnitary(np.exp(1j * phi * signs), wires)


def places(
    m: Any, record: Any, count: int, x: Any, shift: Any, chosen: Sequence[str]
) -> None:
    """Apply a gate in the chosen places; `shift` is zero, known at run time."""
    gate, options = getattr(m, record.name), OPTIONS.get(record.name, ())
    on = list(range(1, count + 1))

    def apply(place: str, factor: Any = 1.0, wires: Any = on) -> None:
        if place not in chosen:
            return
        angles = [factor * angle for angle in x[chosen.index(place)]]
        gate(*angles, *options, **({"wires": wires} if count else {}))

    def turn(index: Any, factor: Any) -> Any:
        apply("loop", factor)
        m.RY(0.3 * factor, wires=index)
        return 0.7 * factor

    apply("plain")
    m.RX(0.4, wires=0)
    m.ctrl(lambda: apply("controlled"), [0], [0])
    m.RX(0.3, wires=1)
    m.adjoint(lambda: apply("adjoint"))
    m.RY(0.2, wires=1)
    m.adjoint(lambda: m.ctrl(lambda: apply("both"), [0], [1]))
    if "loop" in chosen:
        m.loop(2, turn, 1.0)
    if "branch" in chosen:
        m.branch(x[0, 0] > 0, lambda: apply("branch"), lambda: m.RX(x[0, 0], wires=0))
    m.RX(0.6, wires=1)
    apply("dynamic", 1.0, [wire + shift for wire in on])


def measured(count: int, order: int) -> tuple[Any, Any]:
    """The measurements as functions of nothing, and of the state.

    Second derivatives are of one, to save time: of all, they are generated elsewhere.
    """
    wires = count + 1
    word = "".join("XYZ"[n % 3] for n in range(wires))
    matrix = 0.7 * word_matrix(word) + 0.4 * word_matrix("Z" + "I" * count)

    def observable() -> Any:
        return qj.pauli_sum(np.array([0.7, 0.4]), [word, "Z" + "I" * count])

    def compiled() -> Any:
        if order == 2:
            return qj.expval(observable())
        probs = qj.probs([0, count] if count else [0])
        return jnp.append(probs, jnp.stack([qj.expval(observable()), qj.var(qj.Y(0))]))

    def simulated(psi: Any) -> Any:
        if order == 2:
            return np.vdot(psi, matrix @ psi).real
        weights = np.abs(psi.reshape(2, -1, 2 if count else 1)) ** 2
        probs = np.sum(weights, axis=1).ravel()
        flip = word_matrix("Y" + "I" * count)
        means = [np.vdot(psi, a @ psi).real for a in (matrix, flip)]
        return np.append(probs, [means[0], 1 - means[1] ** 2])

    return compiled, simulated


def functions(record: Any, method: str, order: int) -> tuple[Any, Any, Any]:
    """The circuit and the simulation of a gate, and where they are compared.

    All but first ones by the adjoint method are by angles in three places, to save
    time: those of each gate begin with another one.
    """
    first, whole = RECORDS.index(record) * 3, order == 1 and method == "adjoint"
    chosen = PLACES if whole else [PLACES[(first + k) % 7] for k in range(3)]
    count = 2 if record.name in OPTIONS else record.num_wires
    wires = max(count, 1) + 1
    compiled, simulated = measured(wires - 1, order)

    def mixed(m: Any, seed: int) -> None:
        m.QubitUnitary(random_unitary(wires, seed), wires=range(wires))

    @qj.qnode(wires=wires, diff_method=method)
    def circuit(x: Any, shift: Any) -> Any:
        mixed(Compiled(), 1)
        places(Compiled(), record, count, x, shift, chosen)
        mixed(Compiled(), 2)
        return compiled()

    def reference(x: Any) -> Any:
        m = Matrices(np)
        mixed(m, 1)
        places(m, record, count, x, 0, chosen)
        mixed(m, 2)
        return simulated(m.state(wires))

    shape = len(chosen), record.num_params
    x = np.linspace(0.3, 1.4, shape[0] * shape[1]).reshape(shape)
    return lambda x: circuit(x, 0), reference, x


# The adjoint method for every gate, and one of the others in turn, to save time.
COMBINED = [
    pytest.param(record, method, id=f"{record.name}-{method}")
    for number, record in enumerate(RECORDS)
    for method in ("adjoint", METHODS[1 + number % 2])
]


@pytest.mark.parametrize(("record", "method"), COMBINED)
def test_first_order(record: Any, method: str) -> None:
    circuit, reference, x = functions(record, method, 1)
    found = qj.qjit(jax.jacrev(circuit))(x)
    np.testing.assert_allclose(found, jacobian(reference)(x), atol=1e-10)


@pytest.mark.parametrize("record", RECORDS[::2], ids=lambda record: record.name)
def test_second_order(record: Any) -> None:
    """Of every other gate, along a direction in which all chosen places take part."""
    circuit, reference, x = functions(record, "adjoint", 2)
    along = np.cos(np.arange(x.size)).reshape(x.shape)
    found = qj.qjit(lambda x: jax.jvp(jax.grad(circuit), (x,), (along,))[1])(x)
    wanted = jacobian(lambda x: derivative(reference, x, along))(x)
    np.testing.assert_allclose(found, wanted, atol=1e-9)
