"""Every gate, in every place of a program, by every method, of every measurement.

A circuit applies one gate in each place, each time with angles of its own, so that the
entry of a Jacobian that is wrong tells the place. Reference: JAX on matrices.
"""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import qjit as qj
from qjit.dialects.gates import GATES

from .oracle import Compiled, Reference, word_matrix

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
        self.DiagonalQubitUnitary(jnp.exp(1j * phi * signs), wires)


def places(
    m: Any, record: Any, count: int, x: Any, shift: Any, chosen: Sequence[str]
) -> None:
    """Apply a gate in the chosen places; `shift` is zero, known at run time."""
    gate, options = getattr(m, record.name), OPTIONS.get(record.name, ())
    on = list(range(1, count + 1))

    def apply(place: str, factor: Any = 1.0, wires: Any = on) -> None:
        if place not in chosen:
            return
        angles = [factor * angle for angle in x[PLACES.index(place)]]
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
    m.loop(2, turn, 1.0)
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
            return jnp.vdot(psi, matrix @ psi).real
        weights = jnp.abs(psi.reshape(2, -1, 2 if count else 1)) ** 2
        probs = jnp.sum(weights, axis=1).ravel()
        flip = word_matrix("Y" + "I" * count)
        means = [jnp.vdot(psi, a @ psi).real for a in (matrix, flip)]
        return jnp.append(probs, jnp.stack([means[0], 1 - means[1] ** 2]))

    return compiled, simulated


def functions(record: Any, method: str, order: int) -> tuple[Any, Any, Any]:
    """The circuit and the simulation of a gate, and where they are compared.

    Second derivatives are by angles in three places, to save time: those of each gate
    begin with another one.
    """
    first = RECORDS.index(record) * 3
    chosen = PLACES if order == 1 else [PLACES[(first + k) % 7] for k in range(3)]
    count = 2 if record.name in OPTIONS else record.num_wires
    wires = max(count, 1) + 1
    compiled, simulated = measured(wires - 1, order)

    def prepared(m: Any) -> None:
        for wire in range(wires):
            m.RY(0.5 + 0.2 * wire, wires=wire)
            m.RX(0.5 - 0.1 * wire, wires=wire)
        for wire in range(wires - 1):
            m.CNOT(wires=[wire, wire + 1])

    @qj.qnode(wires=wires, diff_method=method)
    def circuit(x: Any, shift: Any) -> Any:
        prepared(Compiled())
        places(Compiled(), record, count, x, shift, chosen)
        prepared(Compiled())
        return compiled()

    def reference(x: Any) -> Any:
        m = Matrices()
        prepared(m)
        places(m, record, count, x, 0, chosen)
        prepared(m)
        return simulated(m.state(wires))

    shape = len(PLACES), record.num_params
    x = jnp.linspace(0.3, 1.4, shape[0] * shape[1]).reshape(shape)
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
    wanted = jax.jacfwd(reference)(x)
    found = qj.qjit(jax.jacrev(circuit))(x)
    np.testing.assert_allclose(found, wanted, atol=1e-10)


@pytest.mark.parametrize("record", RECORDS[::2], ids=lambda record: record.name)
def test_second_order(record: Any) -> None:
    """Of every other gate, along a direction in which all chosen places take part."""
    circuit, reference, x = functions(record, "adjoint", 2)
    along = jnp.cos(jnp.arange(x.size)).reshape(x.shape)

    def second(function: Any) -> Any:
        return lambda x: jax.jvp(jax.grad(function), (x,), (along,))[1]

    found = qj.qjit(second(circuit))(x)
    np.testing.assert_allclose(found, second(reference)(x), atol=1e-9)
