"""What a plain Python function does wherever it is called is compiled once."""

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
from qjit.lowering.jaxpr.reroll.repeated_substrings import Recurrences
from tests.support.oracle import Compiled, Reference

WIRES = 3


@dataclass(frozen=True)
class Planted:
    """A block that is applied again and again, with other gates in between."""

    kinds: tuple[int, ...]  # one for each gate of the block
    fillers: tuple[tuple[int, ...], ...]  # what stands before each call
    moved: bool  # each call on other wires

    def run(self, quantum: Any, theta: Any) -> Any:
        for call, filler in enumerate(self.fillers):
            for place, kind in enumerate(filler):
                self._apply(quantum, kind, theta[call, place] * 0.5, place % WIRES)
            self._block(quantum, theta[call], call % WIRES if self.moved else 0)
        return quantum.expval([1.0, 0.5], ["ZXI", "IIY"])

    def _block(self, quantum: Any, angles: Any, first: int) -> None:
        last = angles[0]
        for place, kind in enumerate(self.kinds):
            last = quantum.numpy.sin(angles[place % 7] + last)
            self._apply(quantum, kind, last, (first + place) % WIRES)

    def _apply(self, quantum: Any, kind: int, angle: Any, wire: int) -> None:
        match kind:
            case 0:
                quantum.RX(angle, wires=wire)
            case 1:
                quantum.CRY(angle, wires=[wire, (wire + 1) % WIRES])
            case 2:
                quantum.CNOT(wires=[wire, (wire + 1) % WIRES])
            case _:
                quantum.RZ(angle + 0.1, wires=wire)


kinds = st.lists(st.integers(0, 3), min_size=30, max_size=34).map(tuple)
fillers = st.lists(
    st.lists(st.integers(0, 3), max_size=4).map(tuple), min_size=4, max_size=5
)
programs = st.builds(Planted, kinds, fillers.map(tuple), st.booleans())
THETA = np.random.default_rng(1).uniform(-1, 1, (6, 7))


def circuit_of(program: Planted) -> Callable[..., Any]:
    return qj.qnode(wires=WIRES)(lambda theta: program.run(Compiled(), theta))


@given(programs)
@settings(deadline=None, max_examples=3)
def test_calls_change_nothing(program: Planted) -> None:
    both = jax.value_and_grad(circuit_of(program))
    value, slope = qj.qjit(both)(THETA)
    flat_value, flat_slope = qj.qjit(both, pipeline=())(THETA)
    np.testing.assert_allclose(value, flat_value, atol=1e-12)
    np.testing.assert_allclose(slope, flat_slope, atol=1e-10)
    forward = qj.qjit(circuit_of(program))(THETA)
    np.testing.assert_allclose(forward, program.run(Reference(np), THETA), atol=1e-12)


OPERATIONS: tuple[Callable[[Any, Any], Any], ...] = (
    lambda x, y: jnp.sin(x) * 0.5 + y * 0.3,
    lambda x, y: jnp.cos(x - y * 0.4),
    lambda x, y: jnp.tanh(x + y.sum() * 0.1),
    lambda x, y: jnp.where(y > 0.2, jnp.sin(x), x * 0.7),
    lambda x, y: jnp.tanh(x[::-1] + y if x.ndim else x + y),
    # Numbers that are known, and renamed in the program.
    lambda x, y: jnp.sin(x) + jnp.reshape(0.3, (1,))[0] * y,
    lambda x, y: x - jnp.squeeze(jnp.full((1, 1), 0.2)) * jnp.cos(y),
    lambda x, y: jnp.where(jnp.reshape(True, (1, 1))[0, 0], x * 0.6, y),
    lambda x, y: y * 0.5 + jnp.concatenate([jnp.reshape(0.1, (1,))] * 2).sum() + x,
)


@dataclass(frozen=True)
class Classical:
    """A plain helper that is called with other code in between."""

    body: tuple[int, ...]
    between: tuple[tuple[int, ...], ...]

    def __call__(self, x: Any, y: Any) -> Any:
        kept: list[Any] = []
        for call, filler in enumerate(self.between):
            for kind in filler:
                x = OPERATIONS[kind](x, y + call)
            x, y = self._helper(x, y, 0.1 * call)
            kept.append(x)
        return x, y, jnp.stack(kept)

    def _helper(self, x: Any, y: Any, shift: float) -> Any:
        table = jnp.asarray([0.1, 0.2, 0.3])
        for place, kind in enumerate(self.body):
            x, y = OPERATIONS[kind](x, y) + shift, x * 0.5 + 0.01 * place
        return x + table.sum(), y


LAST = len(OPERATIONS) - 1
bodies = st.lists(st.integers(0, LAST), min_size=12, max_size=24).map(tuple)
between = st.lists(
    st.lists(st.integers(0, LAST), max_size=3).map(tuple), min_size=3, max_size=6
)


@given(st.builds(Classical, bodies, between.map(tuple)), st.sampled_from([(), (4,)]))
@settings(deadline=None, max_examples=3)
def test_classical_calls_change_nothing(
    program: Classical, shape: tuple[int, ...]
) -> None:
    def total(x: Any, y: Any) -> Any:
        return sum(each.sum() for each in program(x, y))

    x, y = np.random.default_rng(2).uniform(size=(2, *shape))
    slopes = jax.grad(total, argnums=(0, 1))
    for function in (program, slopes):
        # NOTE: not by jax.jit: XLA takes minutes to compile some of these gradients.
        found, expected = qj.qjit(function)(x, y), function(x, y)
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-9)


MIXED = np.array([[0.4, 0.3 - 0.2j], [0.3 + 0.2j, -1.1]])


def test_derivatives_of_what_recurs() -> None:
    """Values and derivatives of circuits that hold known numbers, several times."""

    @qj.qnode(wires=2)
    def energy(t: Any) -> Any:
        qj.RY(0.5, wires=0)
        qj.RX(t[0], wires=1)
        mixed = t[1] * qj.Hermitian(np.kron(MIXED, MIXED), [0, 1])
        return qj.expval(mixed), qj.expval(2.0 * qj.Projector([1], 0))

    def three(t: Any) -> Any:
        return [jnp.stack(energy(t + 0.1 * n)) for n in range(3)]

    t = jnp.array([0.3, 0.4])
    found = qj.qjit(jax.jacfwd(three))(t)
    start = np.kron([np.cos(0.25), np.sin(0.25)], [1, 0])
    for n, slope in enumerate(found):
        angle = (0.3 + 0.1 * n) / 2
        turn = np.array(
            [[np.cos(angle), -1j * np.sin(angle)], [-1j * np.sin(angle), np.cos(angle)]]
        )
        psi = np.kron(np.eye(2), turn) @ start
        matrix = np.kron(MIXED, MIXED)
        np.testing.assert_allclose(slope[0, 1], np.vdot(psi, matrix @ psi).real)
        flip = np.kron(np.eye(2), [[0, -0.5j], [-0.5j, 0]])
        by_angle = 2 * np.vdot(psi, matrix @ flip @ psi).real * (0.4 + 0.1 * n)
        np.testing.assert_allclose(slope[0, 0], by_angle, atol=1e-12)
        np.testing.assert_allclose(slope[1], 0.0, atol=1e-12)


def text(function: Callable[..., Any], *args: Any, **options: Any) -> str:
    return qj.qjit(function, **options).stages(*args)["quantum"]


def ansatz(angles: Any, wires: Sequence[int]) -> None:
    for place in range(20):
        qj.RY(angles[place % 5] * (1.0 + place), wires=wires[place % 3])
        qj.CNOT(wires=[wires[place % 3], wires[(place + 1) % 3]])


def interleaved(calls: int) -> Callable[..., Any]:
    @qj.qnode(wires=3)
    def circuit(theta: Any) -> Any:
        for call in range(calls):
            ansatz(theta[call], (0, 1, 2))
            for wire in range(call % 4):
                qj.H(wire)
            qj.RZ(0.3 * call, wires=call % 3)
        return qj.expval(qj.Z(0))

    return circuit


def test_the_program_holds_one_copy() -> None:
    theta = np.zeros((12, 5))
    shorter, longer = text(interleaved(6), theta), text(interleaved(12), theta)
    assert shorter.count("func.func") == longer.count("func.func") == 2
    assert shorter.count('"CNOT"') == longer.count('"CNOT"') == 20
    flat = text(interleaved(6), theta, pipeline=("cancel-inverses",))
    assert flat.count("func.func") == 1 and flat.count('"CNOT"') == 120


def test_a_helper_with_a_loop_of_its_own() -> None:
    def helper(x: Any, count: float) -> Any:
        for _ in range(20):
            x = jnp.sin(x) * count + jnp.tanh(x) - x * 0.5
        return jax.lax.fori_loop(0, 3, lambda i, v: jnp.cos(v) + i, x)

    def program(x: Any) -> Any:
        x = jnp.exp(helper(x, 0.5))
        x = jnp.sqrt(jnp.abs(helper(x, 0.25)))
        return helper(x, 0.125) + helper(jnp.cos(x), 1.5)

    x = np.linspace(0.1, 1.0, 4)
    found = text(program, x)
    assert found.count("func.func") == 2
    assert 1 <= found.count("math.tanh") <= 20
    np.testing.assert_allclose(qj.qjit(program)(x), program(x), rtol=1e-12)


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
def test_functions_with_gates_under_jit(dtype: str) -> None:
    block = jax.jit(lambda angles: ansatz(angles, (0, 1, 2)))

    @qj.qnode(wires=3, dtype=dtype)
    def circuit(theta: Any) -> Any:
        block(theta)
        qj.CZ(wires=[0, 2])
        block(theta[::-1])
        return qj.expval(qj.Z(0)), qj.probs(wires=[1, 2])

    @qj.qnode(wires=3, dtype=dtype)
    def flat(theta: Any) -> Any:
        ansatz(theta, (0, 1, 2))
        qj.CZ(wires=[0, 2])
        ansatz(theta[::-1], (0, 1, 2))
        return qj.expval(qj.Z(0)), qj.probs(wires=[1, 2])

    theta = np.linspace(0.1, 1.1, 5)
    assert text(circuit, theta).count('"CNOT"') == 20
    for one, other in zip(circuit(theta), flat(theta), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_vmap_and_hessian() -> None:
    circuit = interleaved(4)
    theta = np.random.default_rng(3).uniform(size=(2, 4, 5))
    found = qj.qjit(jax.vmap(circuit))(theta)
    flat = qj.qjit(circuit, pipeline=())
    np.testing.assert_allclose(found, [flat(each) for each in theta], atol=1e-12)
    one = qj.qjit(lambda a: jax.hessian(lambda b: circuit(theta[0] * b))(a))(0.7)
    step = 1e-4
    values = [flat(theta[0] * (0.7 + k * step)) for k in (-1, 0, 1)]
    expected = (values[0] - 2 * values[1] + values[2]) / step**2
    np.testing.assert_allclose(one, expected, rtol=1e-4, atol=1e-5)


def test_functions_that_act_on_no_wires() -> None:
    def phase(angle: Any) -> None:
        qj.apply(qj.exp(0.5 * qj.Identity(), 1j * angle))

    @qj.qnode(wires=1)
    def circuit(angle: Any) -> Any:
        phase(angle)
        qj.X(0)
        phase(2 * angle)
        return qj.state()

    rows = np.asarray([0.1, 0.3])
    expected = np.exp(3j * rows)  # each operator is applied where made, and again
    found = qj.qjit(jax.vmap(circuit))(rows)
    np.testing.assert_allclose(found[:, 1], expected, atol=1e-6)
    slope = qj.qjit(jax.grad(lambda angle: jnp.real(circuit(angle)[1])))(0.3)
    np.testing.assert_allclose(slope, -3 * np.sin(0.9), atol=1e-5)


def test_errors_name_the_line_of_their_gate() -> None:
    circuit = interleaved(5)
    theta = np.zeros((5, 5))
    theta[3, 2] = np.nan
    with pytest.raises(qj.errors.ParameterError) as caught:
        circuit(theta)
    line = ansatz.__code__.co_firstlineno + 2
    assert f"{__file__}:{line}" in str(caught.value)


@given(
    st.lists(st.integers(0, 3), min_size=3, max_size=8),
    st.lists(st.lists(st.integers(0, 4), max_size=4), min_size=2, max_size=5),
)
def test_words_are_found(word: list[int], between: list[list[int]]) -> None:
    parts = [(10 + n, *filler, 9, *word) for n, filler in enumerate(between)]
    sequence = [each for part in parts for each in part]
    ids = np.asarray(sequence, np.int64)
    words = Recurrences(ids, np.ones(len(ids), np.int64), least=3)
    saved = 0
    for each in words:
        places = [slice(start, start + each.length) for start in each.starts]
        assert len({tuple(sequence[place]) for place in places}) == 1
        for place in places:
            assert not words.is_taken(place.start, place.stop)
            words.take(place.start, place.stop)
        saved += each.length * (len(places) - 1)
    assert saved >= (len(word) + 1) * (len(between) - 1)
