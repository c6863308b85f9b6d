"""Circuits on states of many tiles equal a simulator that applies gate after gate."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import qjit as qj
from qjit.dialects.gates import GATES

from .oracle import Compiled, Reference, random_unitary

WIRES = {"complex128": 18, "complex64": 19}
NAMES = [
    record.name
    for record in GATES.values()
    if record.in_library and 1 <= (record.num_wires or 99) <= 4
]
STEPS = st.lists(
    st.tuples(
        st.sampled_from([*NAMES, "RY", "RZ", "H", "CNOT", "PauliRot", "QubitUnitary"]),
        st.lists(st.integers(0, 17), min_size=6, max_size=6, unique=True),
        st.booleans(),
        st.sampled_from(["plain", "controlled", "adjoint"]),
    ),
    min_size=5,
    max_size=40,
)


def run(m: Any, steps: Any, angles: Any, num_wires: int) -> None:
    for wire in range(num_wires):
        m.RY(0.1 + 0.05 * wire, wires=wire)
        m.RZ(0.2 + 0.03 * wire, wires=wire)
    for number, (name, wires, near, how) in enumerate(steps):
        # Neighbours share a tile, others do not.
        on = [wire // 3 if near else wire for wire in wires]
        on = list(dict.fromkeys(on)) if len(set(on)) >= 5 else wires
        angle = angles[number % len(angles)]

        def apply(on: Any = on, name: str = name, angle: Any = angle) -> None:
            if name == "PauliRot":
                m.PauliRot(angle, "XYZ", wires=on[:3])
            elif name == "QubitUnitary":
                m.QubitUnitary(random_unitary(2, 7), wires=on[:2])
            else:
                record = GATES[name]
                given = [angle + n for n in range(record.num_params)]
                getattr(m, name)(*given, wires=on[: record.num_wires])

        match how:
            case "controlled":
                m.ctrl(apply, [on[4]], [number % 2])
            case "adjoint":
                m.adjoint(apply)
            case _:
                apply()


@pytest.mark.parametrize("dtype", WIRES)
@settings(max_examples=12, deadline=None, derandomize=True)
@given(steps=STEPS)
def test_many_tiles(dtype: str, steps: Any) -> None:
    num_wires, angles = WIRES[dtype], np.array([0.3, -0.8, 1.7])

    @qj.qnode(wires=num_wires, dtype=dtype)
    def circuit(angles: Any) -> Any:
        run(Compiled(), steps, angles, num_wires)
        return qj.state()

    m = Reference(np)
    run(m, steps, angles, num_wires)
    tolerance = 1e-12 if dtype == "complex128" else 1e-6
    found = np.asarray(circuit(angles))
    np.testing.assert_allclose(found, m.state(num_wires), atol=tolerance)


@pytest.mark.parametrize("num_wires", [8, 17])
@settings(max_examples=12, deadline=None, derandomize=True)
@given(steps=STEPS)
def test_gradients(num_wires: int, steps: Any) -> None:
    """Against parameter shift, whose circuits are not recorded."""

    def slopes(method: str) -> Any:
        @qj.qnode(wires=num_wires, diff_method=method)
        def circuit(angles: Any) -> Any:
            low = [
                (name, [w % num_wires for w in wires], near, how)
                for name, wires, near, how in steps
                if len({w % num_wires for w in wires}) == len(wires)
            ]
            run(Compiled(), low, angles, num_wires)
            for wire in range(num_wires):
                qj.RX(angles[wire % 3], wires=wire)
                qj.PhaseShift(angles[(wire + 1) % 3], wires=wire)
                qj.adjoint(qj.RY)(angles[2], wires=wire)
            return qj.expval(qj.Z(0) @ qj.X(num_wires - 1) + qj.Y(3))

        return jax.grad(circuit)(jnp.array([0.3, -0.8, 1.7]))

    found, wanted = slopes("adjoint"), slopes("parameter-shift")
    np.testing.assert_allclose(found, wanted, atol=1e-11)


def test_wires_that_are_computed() -> None:
    def turn(m: Any, number: Any) -> Any:
        m.RX(0.3 * number, wires=(5 * number) % 18)
        m.CRY(0.7, wires=[(7 * number) % 18, (7 * number + 3) % 18])
        return number

    def program(m: Any) -> None:
        m.loop(18, lambda number, c: c + turn(m, number), 0)

    @qj.qnode(wires=18)
    def circuit() -> Any:
        program(Compiled())
        return qj.state()

    m = Reference(np)
    program(m)
    np.testing.assert_allclose(circuit(), m.state(18), atol=1e-12)


def test_mistakes_between_good_gates() -> None:
    @qj.qnode(wires=18)
    def circuit(angle: Any, wire: Any) -> Any:
        qj.RY(0.3, wires=0)
        qj.RX(angle, wires=1)
        qj.RY(0.4, wires=1)
        qj.CNOT(wires=[0, wire])
        return qj.expval(qj.Z(1))

    np.testing.assert_allclose(circuit(0.0, 1), np.cos(0.4) * np.cos(0.3), atol=1e-12)
    with pytest.raises(qj.errors.ParameterError, match=r"test_stages\.py:\d+"):
        circuit(np.nan, 1)
    with pytest.raises(qj.errors.WireError, match=r"test_stages\.py:\d+"):
        circuit(0.1, 18)
