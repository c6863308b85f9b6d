"""Every gate, however it is applied, against matrices and against PennyLane."""

import importlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

import qjit as qj
from qjit.dialects.gates import GATE_INDEX, GATES, GateRecord
from tests.support.oracle import apply, controlled, random_state, random_unitary

qml: Any = importlib.import_module("pennylane")

UNITARY = [record for record in GATES.values() if record.definition is not None]
STATIC: dict[str, dict[str, Any]] = {
    "I": {"num_targets": 2},
    "MultiRZ": {"num_targets": 3},
    "PauliRot": {"pauli_word": "XIYZ"},
    "PCPhase": {"dim": 5, "num_targets": 3},
    "QubitUnitary": {"unitary": random_unitary(2, seed=1)},
    "ControlledQubitUnitary": {"unitary": random_unitary(1, seed=2)},
    "DiagonalQubitUnitary": {"entries": np.exp(1j * np.arange(4.0))},
}
TOLERANCE = {"complex64": 1e-5, "complex128": 1e-12}
MODIFIERS = ("plain", "adjoint", "controlled")

each_gate = pytest.mark.parametrize("record", UNITARY, ids=lambda r: r.name)
each_dtype = pytest.mark.parametrize("dtype", TOLERANCE)


def typical(record: GateRecord) -> tuple[list[float], Any]:
    """Parameters that are not special, and the matrix on controls and targets."""
    random = np.random.default_rng(GATE_INDEX[record.name])
    params = random.uniform(-4, 4, record.num_params).tolist()
    controls = {"num_controls": 2} if record.num_controls is None else {}
    static = STATIC.get(record.name, {})
    return params, record.full_matrix(params, **static, **controls)


def spell(module: Any, record: GateRecord, params: Any, wires: Any) -> Any:
    """Apply the gate as a user of qjit or of PennyLane writes it."""
    function, static = getattr(module, record.name), STATIC.get(record.name, {})
    match record.name:
        case "GlobalPhase":
            return function(*params)
        case "PauliRot":
            return function(*params, static["pauli_word"], wires=wires)
        case "PCPhase":
            return function(*params, dim=static["dim"], wires=wires)
        case "QubitUnitary" | "ControlledQubitUnitary":
            return function(static["unitary"], wires=wires)
        case "DiagonalQubitUnitary":
            return function(static["entries"], wires=wires)
        case _:
            return function(*params, wires=wires)


def modified(module: Any, modifier: str, gate: Callable[[], Any], control: Any) -> None:
    """Apply a gate plainly, inverted, or where a control wire is 0."""
    if modifier == "adjoint":
        module.adjoint(gate())
    elif modifier == "controlled":
        module.ctrl(gate(), control=control, control_values=[False])
    else:
        gate()


def expected(matrix: Any, modifier: str, state: Any, wires: Sequence[int]) -> Any:
    """The state after the modified matrix; the control is the last wire."""
    *on, control = wires
    num_wires = len(state).bit_length() - 1
    if modifier == "adjoint":
        matrix = matrix.conj().T
    elif modifier == "controlled":
        matrix, on = controlled(matrix, [0]), [control, *on]
    return apply(state.reshape((2,) * num_wires), matrix, on).reshape(-1)


def placements(num_wires: int, count: int) -> Iterator[list[int]]:
    """Some orders of wires, the first of them and the last the plain ones."""
    random = np.random.default_rng(7)
    yield list(range(num_wires))
    for _ in range(count - 2):
        yield random.permutation(num_wires).tolist()
    yield list(range(num_wires))[::-1]


@each_gate
@each_dtype
def test_static_wires(record: GateRecord, dtype: str) -> None:
    params, matrix = typical(record)
    count = len(matrix).bit_length() - 1
    num_wires = count + 2
    start = random_state(num_wires, seed=count)
    places: dict[str, list[int]] = dict(
        zip(MODIFIERS, placements(num_wires, 3), strict=True)
    )

    def case(modifier: str) -> Any:
        wires = places[modifier]

        @qj.qnode(wires=num_wires, dtype=dtype)
        def circuit(amplitudes: Any, params: Any) -> Any:
            qj.StatePrep(amplitudes, wires=range(num_wires))
            angles = [params[k] for k in range(record.num_params)]
            gate = lambda: spell(qj, record, angles, wires[:count])  # noqa: E731
            modified(qj, modifier, gate, wires[count])
            return qj.state()

        return circuit

    circuits = {modifier: case(modifier) for modifier in MODIFIERS}

    @qj.qjit
    def program(amplitudes: Any, params: Any) -> Any:
        return {name: each(amplitudes, params) for name, each in circuits.items()}

    found = program(jnp.asarray(start), jnp.asarray(params, float))
    for modifier, state in found.items():
        assert state.dtype == dtype
        wanted = expected(matrix, modifier, start, places[modifier][: count + 1])
        np.testing.assert_allclose(state, wanted, atol=TOLERANCE[dtype])


@each_gate
@each_dtype
def test_dynamic_wires(record: GateRecord, dtype: str) -> None:
    params, matrix = typical(record)
    count = len(matrix).bit_length() - 1
    num_wires = count + 2
    start = random_state(num_wires, seed=count)

    def case(modifier: str) -> Any:
        @qj.qnode(wires=num_wires, dtype=dtype)
        def circuit(amplitudes: Any, params: Any, wires: Any) -> Any:
            qj.StatePrep(amplitudes, wires=range(num_wires))
            angles = [params[k] for k in range(record.num_params)]
            gate = lambda: spell(qj, record, angles, wires[:count])  # noqa: E731
            modified(qj, modifier, gate, wires[count])
            return qj.state()

        return circuit

    circuits = {modifier: case(modifier) for modifier in MODIFIERS}

    @qj.qjit
    def program(*args: Any) -> Any:
        return {name: each(*args) for name, each in circuits.items()}

    for wires in placements(num_wires, 5):
        found = program(
            jnp.asarray(start), jnp.asarray(params, float), jnp.asarray(wires)
        )
        for modifier, state in found.items():
            wanted = expected(matrix, modifier, start, wires[: count + 1])
            np.testing.assert_allclose(state, wanted, atol=TOLERANCE[dtype])


@each_gate
def test_pennylane_agrees(record: GateRecord) -> None:
    if not hasattr(qml, record.name):
        pytest.skip("PennyLane does not have it; its matrix is compared above")
    params, matrix = typical(record)
    count = len(matrix).bit_length() - 1
    num_wires = count + 2
    start = random_state(num_wires, seed=count)
    device = qml.device("default.qubit", wires=num_wires)
    for modifier, wires in zip(MODIFIERS, placements(num_wires, 3), strict=True):

        def circuit(module: Any, modifier: str = modifier, on: Any = wires) -> Any:
            module.StatePrep(start, wires=range(num_wires))
            gate = lambda: spell(module, record, params, on[:count])  # noqa: E731
            modified(module, modifier, gate, on[count])
            return module.state()

        ours = qj.qnode(wires=num_wires)(lambda: circuit(qj))()
        theirs = qml.QNode(lambda: circuit(qml), device)()
        np.testing.assert_allclose(ours, theirs, atol=1e-12)


@each_dtype
@pytest.mark.parametrize("wires", [[0, 1, 2, 3], [3, 1], [2], [1, 0, 2]])
def test_preparations(dtype: str, wires: list[int]) -> None:
    amplitudes = random_state(len(wires), seed=5)
    spare = [wire for wire in range(6) if wire not in wires][:2]
    bits = np.array([1, 0]) if len(wires) % 2 else np.array([1, 1])

    def circuit(module: Any, bits: Any, amplitudes: Any) -> Any:
        module.BasisState(bits, wires=spare)
        module.StatePrep(amplitudes, wires=wires)
        return module.state()

    ours = qj.qnode(wires=6, dtype=dtype)(lambda b, a: circuit(qj, b, a))
    device = qml.device("default.qubit", wires=6)
    theirs = qml.QNode(lambda: circuit(qml, bits, amplitudes), device)()
    for found in (ours(bits, amplitudes), qj.qjit(ours)(bits, amplitudes)):
        np.testing.assert_allclose(found, theirs, atol=TOLERANCE[dtype])


def test_preparation_after_gates_elsewhere() -> None:
    @qj.qnode(wires=3)
    def circuit() -> Any:
        qj.RY(0.4, wires=1)
        qj.StatePrep(random_state(2, seed=3), wires=[2, 0])
        return qj.state()

    one = np.array([np.cos(0.2), np.sin(0.2)])
    pair = random_state(2, seed=3).reshape(2, 2)
    wanted = np.einsum("ca,b->abc", pair, one).reshape(-1)
    np.testing.assert_allclose(circuit(), wanted, atol=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_long_random_circuits(seed: int) -> None:
    random = np.random.default_rng(seed)
    names = [r for r in UNITARY if r.num_wires and r.in_library]
    chosen = [names[k] for k in random.integers(0, len(names), 60)]
    params = [random.uniform(-4, 4, r.num_params).tolist() for r in chosen]
    wires = [random.permutation(7)[: r.num_wires].tolist() for r in chosen]

    @qj.qnode(wires=7)
    def circuit() -> Any:
        for record, angles, on in zip(chosen, params, wires, strict=True):
            spell(qj, record, angles, on)
        return qj.state()

    state = np.zeros((2,) * 7, complex)
    state[(0,) * 7] = 1
    for record, angles, on in zip(chosen, params, wires, strict=True):
        state = apply(state, record.full_matrix(angles), on)
    np.testing.assert_allclose(circuit(), state.reshape(-1), atol=1e-12)


def test_settings_beside_the_function() -> None:
    def circuit() -> Any:
        qj.H(0)
        return qj.expval(qj.Z(0))

    drawn = qj.qnode(circuit, wires=1, shots=7, seed=2)()
    np.testing.assert_allclose(drawn, qj.qnode(wires=1, shots=7, seed=2)(circuit)())
    assert abs(drawn) > 0.1  # of seven, an odd number is left
    assert qj.qnode(circuit, dtype="complex64")().dtype == np.float32
