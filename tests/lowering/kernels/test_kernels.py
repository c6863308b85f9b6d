"""Code specialised to small circuits equals a simulator of one gate after another."""

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import qjit as qj
from qjit.dialects.gates import GATES
from qjit.lowering.kernels import selection
from tests.support.oracle import (
    Compiled,
    Reference,
    apply,
    derivative,
    jacobian,
    word_matrix,
)

# Fewer qubits than a register has lanes; a state that is one group; and many groups.
SIZES = [
    *[(1, "complex128"), (3, "complex64"), (4, "complex128"), (6, "complex128")],
    *[(7, "complex128"), (8, "complex64"), (9, "complex128"), (11, "complex128")],
]
OFTEN = ["RY", "RZ", "RX", "H", "X", "CNOT", "CZ", "SWAP", "IsingZZ", "CRY", "Rot"]
# Failures are small enough, and shrinking them takes minutes.
PHASES = [Phase.explicit, Phase.reuse, Phase.generate]
ANGLES = np.array([0.3, -0.8, 1.7])


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
    return st.lists(st.tuples(names, wires, ways), min_size=1, max_size=12)


def add(m: Any, name: str, angle: Any, number: int, wires: Sequence[int]) -> None:
    """Apply a gate to as many wires as it has."""
    if name == "PauliRot":
        word = ("YXZ"[number % 3 :] + "YXZ"[: number % 3])[: len(wires)]
        m.PauliRot(angle, word, wires=wires[: len(word)])
    else:
        record = GATES[name]
        params = [angle + n for n in range(record.num_params)]
        getattr(m, name)(*params, wires=wires[: record.num_wires])


def run(m: Any, steps: Any, angles: Any, num_wires: int) -> None:
    for wire in range(num_wires):
        m.RY(0.1 + 0.05 * wire, wires=wire)
        m.RZ(0.2 + 0.03 * wire, wires=wire)
    for number, (name, wires, how) in enumerate(steps):
        given = m, name, angles[number % len(angles)], number, wires
        used = 3 if name == "PauliRot" else GATES[name].num_wires or 0
        if how == "controlled" and used < num_wires:
            values = [number % 2, 1][: num_wires - used]
            m.ctrl(lambda given=given: add(*given), wires[used:][:2], values)
        elif how == "adjoint":
            m.adjoint(lambda given=given: add(*given))
        else:
            add(*given)


def twice(m: Any, steps: Any, angles: Any, num_wires: int) -> None:
    """Gates in a loop, the second time on the state that the first has left."""

    def body(_: Any, angles: Any) -> Any:
        run(m, steps, angles, num_wires)
        return angles

    m.loop(2, body, angles)


def check_state(steps: Any, num_wires: int, dtype: str) -> None:
    """Compare the state with that of the oracle."""

    @qj.qnode(wires=num_wires, dtype=dtype)
    def circuit(angles: Any) -> Any:
        twice(Compiled(), steps, angles, num_wires)
        return qj.state()

    m = Reference(np)
    twice(m, steps, ANGLES, num_wires)
    tolerance = 1e-12 if dtype == "complex128" else 2e-6
    found = np.asarray(circuit(ANGLES))
    np.testing.assert_allclose(found, m.state(num_wires), atol=tolerance)


def check_gradient(steps: Any, num_wires: int, dtype: str, weight: float) -> None:
    """Compare the adjoint method with differences of the oracle."""
    word = "XYZ"[len(steps) % 3]

    @qj.qnode(wires=num_wires, dtype=dtype)
    def circuit(angles: Any) -> Any:
        twice(Compiled(), steps, angles, num_wires)
        return qj.expval(weight * getattr(qj, word)(0) + qj.Z(num_wires - 1))

    def reference(angles: Any) -> Any:
        m = Reference(np)
        twice(m, steps, angles, num_wires)
        state = m.state(num_wires).reshape((2,) * num_wires)
        observed = weight * apply(state, word_matrix(word), [0])
        observed += apply(state, word_matrix("Z"), [num_wires - 1])
        return np.vdot(state, observed).real

    tolerance = 1e-11 if dtype == "complex128" else 2e-5
    found = qj.qjit(jax.grad(circuit))(ANGLES)
    np.testing.assert_allclose(found, jacobian(reference)(ANGLES), atol=tolerance)


@pytest.fixture(autouse=True)
def everything(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make code for every circuit, however long, and whether it pays or not."""
    for limit in ("MOST_ONCE", "MOST_OFTEN", "LEAST_PASSED"):
        monkeypatch.setattr(selection, limit, 1 << 30)


@pytest.mark.parametrize(("num_wires", "dtype"), SIZES)
@settings(max_examples=6, deadline=None, derandomize=True, phases=PHASES)
@given(data=st.data())
def test_generated_circuits(num_wires: int, dtype: str, data: Any) -> None:
    check_state(data.draw(steps_on(num_wires)), num_wires, dtype)


@pytest.mark.parametrize(("num_wires", "dtype"), SIZES[:6])
@settings(max_examples=3, deadline=None, derandomize=True, phases=PHASES)
@given(data=st.data())
def test_gradients_of_generated_circuits(num_wires: int, dtype: str, data: Any) -> None:
    check_gradient(data.draw(steps_on(num_wires)), num_wires, dtype, 1.3)


def layers(m: Any, angles: Any, num_wires: int) -> None:
    """An odd gate, and layers that are the same but for their angles."""
    m.H(wires=0)
    for layer in range(6):
        for wire in range(num_wires):
            m.RX(angles[layer, wire, 0], wires=wire)
            m.RZ(angles[layer, wire, 1], wires=wire)
        for wire in range(num_wires):
            m.CNOT(wires=[wire, (wire + 1) % num_wires])
    m.RY(angles[0, 0, 0], wires=1)


def check_slopes(slope: Any, simulated: Any, angles: Any, tolerance: float) -> None:
    """Compare along a few directions, in which all angles take part."""
    # Whole turns tell nothing, and steps from millions of them are not exact.
    angles = np.remainder(angles, 4 * np.pi)
    random = np.random.default_rng(7).normal(size=(4, *angles.shape))
    for direction in random / angles.size**0.5:
        wanted = derivative(simulated, angles, direction)
        np.testing.assert_allclose(np.vdot(direction, slope), wanted, atol=tolerance)


@pytest.mark.parametrize("num_wires", [4, 7])
@pytest.mark.parametrize("odd", [0.4, np.pi, 1e7], ids=["plain", "tiny", "large"])
def test_repeated_layers_and_angles_left_to_the_runtime(
    num_wires: int, odd: float
) -> None:
    """One angle of one layer has a half turn, or is too large for quick sines."""
    angles = np.random.default_rng(3).uniform(0, 6, (6, num_wires, 2))
    angles[3, 1, 0] = odd

    @qj.qnode(wires=num_wires)
    def circuit(angles: Any) -> Any:
        layers(qj, angles, num_wires)
        return qj.expval(qj.Y(0) @ qj.Z(1))

    def reference(angles: Any) -> Any:
        m = Reference(np)
        layers(m, angles, num_wires)
        return m.expval([1.0], ["YZ" + "I" * (num_wires - 2)])

    value, slope = qj.qjit(jax.value_and_grad(circuit))(angles)
    tolerance = 1e-8 if odd > 10 else 1e-13
    np.testing.assert_allclose(value, reference(angles), atol=tolerance)
    check_slopes(slope, reference, angles, max(tolerance, 1e-12))


def test_stages_tell_the_passes() -> None:
    @qj.qjit
    @qj.qnode(wires=4)
    def circuit(angles: Any) -> Any:
        layers(qj, angles, 4)
        return qj.expval(qj.Z(0))

    text = circuit.stages(np.ones((6, 4, 2)))["vectorize-batches"]
    assert '"H on 1000", "6 times", "RX on 1000; RX on 0100; ' in text
    assert '"move amplitudes", "RY on 0100"' in text
    assert "} kernel [" in text


@pytest.mark.parametrize("angle", [np.nan, np.inf])
def test_angles_that_are_no_numbers_are_refused(angle: float) -> None:
    @qj.qnode(wires=2)
    def circuit(angle: Any) -> Any:
        jax.lax.fori_loop(0, 2, lambda _, a: (qj.RX(a, wires=0), a)[1], angle)
        return qj.expval(qj.Z(0))

    with pytest.raises(ValueError, match="NaN or infinite"):
        circuit(angle)
