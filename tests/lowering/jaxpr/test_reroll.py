"""Repetitions become loops: the programs stay what they were, and get short."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import qjit as qj
from qjit.lowering.jaxpr.reroll.tandem_repeats import numbered, repetitions
from tests.support.oracle import Compiled, Reference

WIRES = 3
OBSERVABLE = ([0.7, -0.4, 0.3], ["ZII", "XYZ", "IXX"])
SOURCES = ("element", "row", "number", "power", "same", "carried", "mixed")


@dataclass(frozen=True)
class Gate:
    """One gate of a repeated block: where it is and where its angle comes from."""

    name: str
    wire: int
    source: str
    offset: int


gates = st.builds(
    Gate,
    st.sampled_from(["RX", "RY", "RZ", "H", "CNOT", "CRY"]),
    st.integers(0, WIRES - 1),
    st.sampled_from(SOURCES),
    st.integers(0, 3),
)


@dataclass(frozen=True)
class Repeated:
    """Blocks of gates, each repeated, with classical code around them."""

    blocks: tuple[tuple[tuple[Gate, ...], int], ...]
    stride: int

    def run(self, quantum: Any, theta: Any, rows: Any) -> Any:
        """Apply the blocks and return an expectation value."""
        x = theta[0]
        for block, count in self.blocks:
            for iteration in range(count):
                for gate in block:
                    angle = self._angle(gate, iteration, theta, rows, x)
                    self._apply(quantum, gate, angle)
                x = quantum.numpy.sin(x + theta[iteration % 5]) * 0.9
        quantum.RX(x, wires=0)
        return quantum.expval(*OBSERVABLE)

    def _angle(self, gate: Gate, iteration: int, theta: Any, rows: Any, x: Any) -> Any:
        place = gate.offset + self.stride * iteration
        match gate.source:
            case "element":
                return theta[place % len(theta)]
            case "row":
                return rows[iteration % len(rows)][gate.offset]
            case "number":
                return 0.1 * place
            case "power":
                return theta[gate.offset] ** 2
            case "carried":
                return x
            case "mixed":
                return theta[place % len(theta)] * (1.0 + iteration) + x
            case _:
                return theta[gate.offset]

    def _apply(self, quantum: Any, gate: Gate, angle: Any) -> None:
        other = (gate.wire + 1) % WIRES
        match gate.name:
            case "H":
                quantum.H(wires=gate.wire)
            case "CNOT":
                quantum.CNOT(wires=[gate.wire, other])
            case "CRY":
                quantum.CRY(angle, wires=[gate.wire, other])
            case _:
                getattr(quantum, gate.name)(angle, wires=gate.wire)


blocks = st.tuples(st.lists(gates, min_size=2, max_size=5), st.integers(1, 24)).map(
    lambda pair: (tuple(pair[0]), pair[1])
)
programs = st.builds(
    Repeated, st.lists(blocks, min_size=1, max_size=2).map(tuple), st.integers(0, 2)
)
THETA = np.random.default_rng(3).uniform(-1, 1, 90)
ROWS = np.random.default_rng(4).uniform(-1, 1, (40, 4))


def compiled(program: Repeated) -> Callable[..., Any]:
    @qj.qnode(wires=WIRES)
    def circuit(theta: Any, rows: Any) -> Any:
        return program.run(Compiled(), theta, rows)

    return circuit


@given(programs)
@settings(deadline=None, max_examples=6)
def test_loops_change_nothing(program: Repeated) -> None:
    rolled = qj.qjit(jax.value_and_grad(compiled(program), argnums=(0, 1)))
    flat = qj.qjit(jax.value_and_grad(compiled(program), argnums=(0, 1)), pipeline=())
    found, expected = rolled(THETA, ROWS), flat(THETA, ROWS)
    for one, other in zip(
        jax.tree.leaves(found), jax.tree.leaves(expected), strict=True
    ):
        np.testing.assert_allclose(one, other, atol=1e-10)
    reference = program.run(Reference(np), THETA, ROWS)
    np.testing.assert_allclose(found[0], reference, atol=1e-10)


def classical(steps: int, width: int) -> Callable[..., Any]:
    def program(x: Any, y: Any) -> Any:
        kept: list[Any] = []
        for iteration in range(steps):
            x = jnp.sin(x) * 0.3 + y[iteration % width] / (1 + iteration)
            y = y * 0.9 + jnp.tanh(x) * 0.1
            if iteration % 7 == 0:
                kept.append(x)
        return x, y, jnp.stack(kept), kept[1]

    return program


@pytest.mark.parametrize("shape", [(), (3,), (2, 2)])
@pytest.mark.parametrize("steps", [9, 60])
def test_classical_code(shape: tuple[int, ...], steps: int) -> None:
    x = np.random.default_rng(5).uniform(size=shape)
    y = np.random.default_rng(6).uniform(size=(9, *shape))
    program = classical(steps, 9)
    found, expected = qj.qjit(program)(x, y), program(x, y)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)


def test_a_value_of_the_first_iteration_stays() -> None:
    def program(x: Any) -> Any:
        first: Any = None
        for iteration in range(80):
            x = jnp.cos(x) + 0.01 * iteration
            first = x if iteration == 0 else first
            x = x * first + jnp.sin(first)
        return x, first

    np.testing.assert_allclose(qj.qjit(program)(0.4), jax.jit(program)(0.4), rtol=1e-12)


def test_arguments_in_a_list() -> None:
    def program(angles: Sequence[Any]) -> Any:
        total: Any = 0.0
        for angle in angles:
            total = total + jnp.sin(angle) * jnp.cos(angle) - angle**2
        return total

    angles = list(np.linspace(0.0, 1.0, 50))
    np.testing.assert_allclose(qj.qjit(program)(angles), jax.jit(program)(angles))


def layered(layers: int) -> Callable[..., Any]:
    @qj.qnode(wires=6)
    def circuit(theta: Any) -> Any:
        for layer in range(layers):
            for wire in range(6):
                qj.RY(theta[layer, wire, 0], wires=wire)
                qj.RZ(theta[layer, wire, 1] * 2.0, wires=wire)
            for wire in range(6):
                qj.CNOT(wires=[wire, (wire + 1) % 6])
        return qj.expval(qj.Z(0))

    return circuit


def size(function: Callable[..., Any], *args: Any, pipeline: Any = None) -> int:
    text = qj.qjit(function, pipeline=pipeline).stages(*args)["vectorize-batches"]
    return len(text.splitlines())


@pytest.mark.parametrize("differentiate", [False, True])
def test_size_follows_structure(differentiate: bool) -> None:
    def lines(layers: int, pipeline: Any = None) -> int:
        function = layered(layers)
        theta = np.zeros((layers, 6, 2))
        if differentiate:
            function = jax.grad(function)
        return size(function, theta, pipeline=pipeline)

    assert lines(40) == lines(20)
    assert lines(20, pipeline=()) > 2 * lines(20)


def test_each_compiled_function_has_its_own_form() -> None:
    """A quantum function is traced for the pipeline it is compiled with, each time."""
    circuit, theta = layered(20), np.zeros((20, 6, 2))

    def forms(wrap: Callable[..., Any]) -> list[bool]:
        functions = [
            qj.qjit(wrap(circuit)),
            qj.qjit(wrap(circuit), pipeline=("cancel-inverses",)),
        ]
        return ["scan" in str(f.jaxpr(theta)) for f in (*functions, *functions)]

    whole = [True, False, True, False]
    assert forms(lambda function: function) == whole
    assert forms(lambda function: jax.value_and_grad(function)) == whole
    assert forms(lambda function: lambda x: jax.vmap(function)(x[None])) == whole
    assert forms(lambda function: lambda x: qj.grad(function)(x)) == whole
    assert "scan" in str(jax.make_jaxpr(circuit)(theta))


def test_the_innermost_compiled_function_decides() -> None:
    circuit, theta = layered(20), np.zeros((20, 6, 2))
    flat = qj.qjit(lambda x: circuit(x), pipeline=())
    for function in (flat, qj.qjit(flat), jax.jit(flat)):
        assert "scan" not in str(jax.make_jaxpr(function)(theta))
    both = qj.qjit(lambda x: (flat(x), circuit(x))).jaxpr(theta)
    assert str(both).count("scan[") == 1
    rolled = qj.qjit(qj.qjit(lambda x: circuit(x)), pipeline=())
    assert "scan" in str(rolled.jaxpr(theta))

    @qj.qjit(pipeline=())
    def fails(x: Any) -> Any:
        raise KeyError(circuit(x).shape)

    with pytest.raises(KeyError):
        fails(theta)
    assert "scan" in str(jax.make_jaxpr(circuit)(theta))


def test_stages_ahead_of_time_follow_the_pipeline() -> None:
    circuit, theta = layered(20), np.zeros((20, 6, 2))
    (size,) = jax.export.symbolic_shape("n")
    shape = jax.ShapeDtypeStruct((size,), float)

    def function(x: Any) -> Any:
        return circuit(theta) + jax.numpy.sum(x)

    assert "scan" in str(qj.qjit(function).trace(shape).jaxpr)
    assert "scan" not in str(qj.qjit(function, pipeline=()).trace(shape).jaxpr)


def test_calls_of_a_quantum_function() -> None:
    circuit = layered(3)

    def program(theta: Any, count: int) -> Any:
        return sum(circuit(theta * iteration) for iteration in range(count))

    theta = np.random.default_rng(8).uniform(size=(3, 6, 2))
    sizes = [
        size(lambda theta, n=count: program(theta, n), theta) for count in (20, 40)
    ]
    assert sizes[0] == sizes[1]
    expected = sum(circuit(theta * iteration) for iteration in range(20))
    found = qj.qjit(lambda theta: program(theta, 20))(theta)
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_errors_name_the_line_of_their_gate() -> None:
    @qj.qnode(wires=2)
    def circuit(theta: Any) -> Any:
        for iteration in range(60):
            qj.RX(theta[iteration], wires=0)
            qj.RY(theta[iteration] / theta[iteration], wires=1)
        return qj.expval(qj.Z(0))

    with pytest.raises(qj.errors.ParameterError) as caught:
        circuit(np.linspace(-30.0, 29.0, 60))
    line = circuit.function.__code__.co_firstlineno + 4
    assert f"{__file__}:{line}" in str(caught.value)


@given(
    st.lists(st.integers(0, 2), max_size=6),
    st.lists(st.integers(0, 2), min_size=1, max_size=6),
    st.integers(4, 9),
)
def test_repetitions_are_found(before: list[int], word: list[int], count: int) -> None:
    sequence = [*before, 7, *word * count, 8]
    start, end = len(before) + 1, len(before) + 1 + len(word) * count
    found = [each for each in repetitions(numbered(sequence)) if each.start <= start]
    found = [each for each in found if each.end >= end]
    assert found and all(len(word) % each.period == 0 for each in found)
    for each in repetitions(numbered(sequence)):
        part = sequence[each.start : each.end]
        assert part[each.period :] == part[: -each.period]
