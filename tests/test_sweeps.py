"""Code specialised to small circuits equals a simulator that applies gate after gate."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import qjit as qj
from qjit.dialects.gates import GATES

from .oracle import Compiled, Reference, apply, word_matrix

# Fewer qubits than a register has lanes; a state that is one group; and many groups.
SIZES = [(1, "complex128"), (3, "complex64"), (4, "complex128"), (6, "complex128")]
SIZES += [(7, "complex128"), (8, "complex64"), (9, "complex128"), (12, "complex128")]
OFTEN = ["RY", "RZ", "RX", "H", "X", "CNOT", "CZ", "SWAP", "IsingZZ", "CRY", "Rot"]


def names_for(num_wires: int) -> list[str]:
    """Gates that fit, those that are special more often."""
    fit = [
        record.name
        for record in GATES.values()
        if record.in_library and 1 <= (record.num_wires or 99) <= num_wires
    ]
    return [*fit, *3 * [name for name in OFTEN if name in fit], "PauliRot"]


def steps_on(num_wires: int) -> Any:
    wires = st.permutations(range(num_wires))
    ways = st.sampled_from(["plain", "plain", "controlled", "adjoint"])
    names = st.sampled_from(names_for(num_wires))
    return st.lists(st.tuples(names, wires, ways), min_size=1, max_size=40)


def run(m: Any, steps: Any, angles: Any, num_wires: int) -> None:
    for wire in range(num_wires):
        m.RY(0.1 + 0.05 * wire, wires=wire)
        m.RZ(0.2 + 0.03 * wire, wires=wire)
    for number, (name, wires, how) in enumerate(steps):
        angle = angles[number % len(angles)]
        record = GATES.get(name)
        size = min(3, num_wires) if name == "PauliRot" else record.num_wires  # type: ignore[union-attr]

        def apply() -> None:
            if name == "PauliRot":
                word = "YXZ"[number % 3 :] + "YXZ"[: number % 3]
                m.PauliRot(angle, word[:size], wires=wires[:size])
            else:
                params = [angle + n for n in range(record.num_params)]
                getattr(m, name)(*params, wires=wires[:size])

        if how == "controlled" and size < num_wires:
            m.ctrl(apply, wires[size : size + 2], [number % 2, 1][: num_wires - size])
        elif how == "adjoint":
            m.adjoint(apply)
        else:
            apply()


@pytest.mark.parametrize(("num_wires", "dtype"), SIZES)
@settings(max_examples=30, deadline=None, derandomize=True)
@given(data=st.data())
def test_generated_circuits(num_wires: int, dtype: str, data: Any) -> None:
    steps, angles = data.draw(steps_on(num_wires)), np.array([0.3, -0.8, 1.7])

    @qj.qnode(wires=num_wires, dtype=dtype)
    def circuit(angles: Any) -> Any:
        def body(number: Any, angles: Any) -> Any:
            # The second time, gates are applied to the state that the first has left.
            run(Compiled(), steps, angles, num_wires)
            return angles + number

        jax.lax.fori_loop(0, 2, body, angles)
        return qj.state()

    m = Reference(np)
    for _ in range(2):
        run(m, steps, angles, num_wires)
    tolerance = 1e-12 if dtype == "complex128" else 2e-6
    found = np.asarray(circuit(angles))
    np.testing.assert_allclose(found, m.state(num_wires), atol=tolerance)


@pytest.mark.parametrize(("num_wires", "dtype"), SIZES)
@settings(max_examples=30, deadline=None, derandomize=True)
@given(data=st.data())
def test_gradients_of_generated_circuits(
    num_wires: int, dtype: str, data: Any
) -> None:
    steps = data.draw(steps_on(num_wires))
    angles, weight = jnp.array([0.3, -0.8, 1.7]), 1.3
    word = "XYZ"[len(steps) % 3]

    @qj.qnode(wires=num_wires, dtype=dtype)
    def circuit(angles: Any) -> Any:
        def body(_: Any, angles: Any) -> Any:
            run(Compiled(), steps, angles, num_wires)
            return angles

        jax.lax.fori_loop(0, 2, body, angles)
        return qj.expval(weight * getattr(qj, word)(0) + qj.Z(num_wires - 1))

    def reference(angles: Any) -> Any:
        m = Reference(jnp)
        for _ in range(2):
            run(m, steps, angles, num_wires)
        state = m.state(num_wires).reshape((2,) * num_wires)
        observed = weight * apply(state, word_matrix(word), [0])
        observed += apply(state, word_matrix("Z"), [num_wires - 1])
        return jnp.real(jnp.vdot(state, observed))

    tolerance = 1e-11 if dtype == "complex128" else 2e-5
    expected = jax.grad(reference)(angles)
    np.testing.assert_allclose(jax.grad(circuit)(angles), expected, atol=tolerance)
