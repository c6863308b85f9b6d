"""Circuits on states of many tiles equal a simulator that applies gate after gate."""

import json
import os
import subprocess
import sys
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import qjit as qj
from qjit.dialects.gates import GATES
from qjit.lowering.passes.schedule import select_kernels
from qjit.runtime.settings import STEPS as STEPS_OF_SCHEDULING
from tests.support.oracle import Compiled, Reference, random_unitary

# On 12 and 13 wires a state is one tile, on the others many.
WIRES = [(12, "complex128"), (13, "complex64"), (18, "complex128"), (19, "complex64")]
NAMES = [
    record.name
    for record in GATES.values()
    if record.in_library and 1 <= (record.num_wires or 99) <= 4
]
OFTEN = ["RY", "RZ", "H", "X", "CNOT", "CZ", "SWAP", "ControlledPhaseShift"]


def steps_on(num_wires: int) -> Any:
    wires = st.lists(st.integers(0, num_wires - 1), min_size=6, max_size=6, unique=True)
    names = st.sampled_from([*NAMES, *3 * OFTEN, "PauliRot", "QubitUnitary"])
    ways = st.sampled_from(["plain", "controlled", "adjoint"])
    step = st.tuples(names, wires, st.booleans(), ways)
    return st.lists(step, min_size=5, max_size=60)


STEPS = steps_on(18)


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


@pytest.fixture(autouse=True)
def no_code_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave circuits to the runtime, but those of other processes."""
    monkeypatch.setattr(select_kernels, "schedule_of", lambda *_: None)


@pytest.mark.parametrize(("num_wires", "dtype"), WIRES)
@settings(max_examples=20, deadline=None, derandomize=True)
@given(data=st.data())
def test_generated_circuits(num_wires: int, dtype: str, data: Any) -> None:
    steps, angles = data.draw(steps_on(num_wires)), np.array([0.3, -0.8, 1.7])

    @qj.qnode(wires=num_wires, dtype=dtype)
    def circuit(angles: Any) -> Any:
        run(Compiled(), steps, angles, num_wires)
        return qj.state()

    m = Reference(np)
    run(m, steps, angles, num_wires)
    tolerance = 1e-12 if dtype == "complex128" else 1e-6
    found = np.asarray(circuit(angles))
    np.testing.assert_allclose(found, m.state(num_wires), atol=tolerance)


@pytest.mark.parametrize("dtype", ["complex128", "complex64"])
def test_turns_whose_diagonal_vanishes(dtype: str) -> None:
    """Half turns, alone and after others, on each place of a number's bits."""
    num_wires = 14

    def program(m: Any) -> None:
        for wire in range(num_wires):
            m.RY(0.3 + 0.1 * wire, wires=wire)
            m.RY(np.pi, wires=wire)
            m.RZ(0.2 * wire, wires=wire)
        for wire in range(num_wires):
            m.CNOT(wires=[wire, (wire + 1) % num_wires])
            m.Y(wires=wire)
            m.RX(np.pi * (1 - 1e-9 * wire), wires=wire)

    @qj.qnode(wires=num_wires, dtype=dtype)
    def circuit() -> Any:
        program(Compiled())
        return qj.state()

    m = Reference(np)
    program(m)
    tolerance = 1e-12 if dtype == "complex128" else 1e-5
    np.testing.assert_allclose(circuit(), m.state(num_wires), atol=tolerance)


LAYERS = """
import jax, json
jax.config.update("jax_enable_x64", True)
import jax.numpy as jnp
import qjit as qj

def circuit(x):
    for layer in range(2):
        for wire in range(14):
            qj.RY(x[layer] + wire, wires=wire)
            qj.RZ(x[layer] - wire, wires=wire)
        for wire in range(14):
            qj.CNOT(wires=[wire, (wire + 1) % 14])
            qj.IsingZZ(x[layer] * wire, wires=[wire, (wire + 5) % 14])
    for wire in range(0, 14, 3):
        qj.Rot(x[0], x[1] + wire, x[0] * wire, wires=wire)
        qj.Toffoli(wires=[wire, (wire + 1) % 14, (wire + 2) % 14])
        qj.PauliRot(x[0], "XYZ", wires=[wire, (wire + 3) % 14, (wire + 7) % 14])
    qj.QFT(range(14))
    return [qj.expval(qj.X(wire)) for wire in range(14)]

def small(x):
    def layer(_, x):
        for wire in range(8):
            qj.RY(x[0] + wire, wires=wire)
            qj.RZ(x[1] * wire, wires=wire)
        for wire in range(8):
            qj.CNOT(wires=[wire, (wire + 1) % 8])
        qj.CRX(x[0], wires=[7, 1])
        qj.PauliRot(x[1], "XYZ", wires=[0, 3, 6])
        qj.Rot(x[0], x[1], 0.3, wires=2)
        qj.RX(x[1], wires=2)
        qj.DoubleExcitation(x[0], wires=[0, 1, 5, 6])
        return x
    jax.lax.fori_loop(0, 3, layer, x)
    return [qj.expval(qj.X(wire)) for wire in (0, 7)]

def tiny(x):
    for wire in range(4):
        qj.RY(x[0] + wire, wires=wire)
    for wire in range(4):
        qj.CNOT(wires=[wire, (wire + 1) % 4])
    qj.RX(x[1], wires=2)
    return qj.expval(qj.Z(0) @ qj.Y(2))

single = qj.qnode(wires=14, dtype="complex64")(circuit)
double = qj.qnode(wires=14)(circuit)
little = qj.qnode(wires=8)(small)
least = qj.qnode(wires=4)(tiny)
x = jnp.array([0.3, 0.7])
values = [*double(x), *little(x), least(x)]
values += [*jax.vmap(least)(x + jnp.linspace(0, 1, 9)[:, None])]
values += [*jax.grad(lambda x: sum(double(x)) + sum(little(x)))(x), *single(x)]
print(json.dumps([float(value) for value in values]))
"""


def layers(variable: str, value: str) -> Any:
    environment = os.environ | {variable: value}
    command = [sys.executable, "-W", "error", "-c", LAYERS]
    return subprocess.run(command, env=environment, capture_output=True, text=True)


@cache
def everything() -> Any:
    """What is found with no step left out, in registers of any width."""
    return np.array(json.loads(layers("QJIT_WITHOUT", "").stdout))


def assert_equal(text: str, name: str) -> None:
    """The last 14 are in single precision."""
    found, wanted = np.array(json.loads(text)), everything()
    np.testing.assert_allclose(found[:-14], wanted[:-14], atol=1e-11, err_msg=name)
    np.testing.assert_allclose(found[-14:], wanted[:14], atol=1e-5, err_msg=name)


def test_steps_left_out() -> None:
    """All, and those of the code of circuits, as the runtime is compiled for each."""
    codes = [step for step in STEPS_OF_SCHEDULING if step not in ("kernels", "tiles")]
    for group in (STEPS_OF_SCHEDULING, codes):
        steps = ",".join(group)
        assert_equal(layers("QJIT_WITHOUT", steps).stdout, steps)
    assert "tiles, retiming" in layers("QJIT_WITHOUT", "tyles").stderr


def test_narrower_registers() -> None:
    for bits in ("256", "128"):
        assert_equal(layers("QJIT_VECTOR_BITS", bits).stdout, bits)
    assert "128, 256 or 512" in layers("QJIT_VECTOR_BITS", "64").stderr


@pytest.mark.parametrize("num_wires", [8, 17])
@settings(max_examples=6, deadline=None, derandomize=True)
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
    with pytest.raises(qj.errors.ParameterError, match=r"test_tiles\.py:\d+"):
        circuit(np.nan, 1)
    with pytest.raises(qj.errors.WireError, match=r"test_tiles\.py:\d+"):
        circuit(0.1, 18)
