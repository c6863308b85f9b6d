"""A simulator in a few lines of JAX, spelled as qjit, to compare programs with."""

from collections.abc import Callable, Sequence
from functools import cache, reduce
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

import qjit as qj
from qjit.dialects.gates import find_gate
from qjit.dialects.gates.record import pauli_matrix
from qjit.ops.algebra.operator import Operator


def _numpy(*values: Any) -> Any:
    return jnp if any(isinstance(value, jax.Array) for value in values) else np


def apply(state: Any, matrix: Any, wires: Sequence[Any]) -> Any:
    """The state tensor after a matrix on these wires, further axes untouched."""
    xp = _numpy(matrix, state)
    k, on = len(wires), [int(wire) for wire in wires]
    tensor = xp.reshape(matrix, (2,) * (2 * k))
    moved = xp.tensordot(tensor, state, axes=(list(range(k, 2 * k)), on))
    return xp.moveaxis(moved, list(range(k)), on)


def controlled(matrix: Any, values: Sequence[Any]) -> Any:
    """The matrix under controls, which come first and must have these values."""
    if len(values) == 0:
        return matrix
    xp = _numpy(matrix)
    fires = np.zeros(2 ** len(values))
    fires[int("".join(str(int(value)) for value in values), 2)] = 1.0
    inside = np.diag(fires)[:, None, :, None] * matrix[None, :, None, :]
    outside = np.kron(np.diag(1 - fires), np.eye(len(matrix)))
    return xp.reshape(inside, outside.shape) + outside


def embed(matrix: Any, wires: Sequence[Any], num_wires: int) -> Any:
    """The matrix on all wires of one that acts on some."""
    size = 2**num_wires
    identity = np.eye(size, dtype=complex).reshape((2,) * num_wires + (size,))
    return apply(identity, matrix, wires).reshape(size, size)


def word_matrix(word: str) -> Any:
    """The matrix of a Pauli word, wire 0 first."""
    return pauli_matrix(word)


def reduced(state: Any, wires: Sequence[int], num_wires: int) -> Any:
    """The density matrix of some wires."""
    tensor = np.moveaxis(
        np.reshape(state, (2,) * num_wires), list(wires), list(range(len(wires)))
    )
    rows = tensor.reshape(2 ** len(wires), -1)
    return rows @ rows.conj().T


def random_state(num_wires: int, seed: int) -> Any:
    """A normalised random state vector."""
    random = np.random.default_rng(seed)
    state = random.normal(size=2**num_wires) + 1j * random.normal(size=2**num_wires)
    return state / np.linalg.norm(state)


@cache
def random_unitary(num_wires: int, seed: int) -> Any:
    """A random unitary matrix."""
    random = np.random.default_rng(seed)
    real, imaginary = random.normal(size=(2, 2**num_wires, 2**num_wires))
    return np.linalg.qr(real + 1j * imaginary)[0]


# Differences of tenth order: steps to both sides, and their weights.
STEP = 0.01
DIFFERENCES = {1: 5 / 6, 2: -5 / 21, 3: 5 / 84, 4: -5 / 504, 5: 1 / 1260}


def derivative(function: Callable[[Any], Any], x: Any, direction: Any = 1.0) -> Any:
    """The derivative along a direction, by differences that are right to 1e-12.

    Taken twice, to 1e-11.
    """
    return sum(
        weight * (function(x + h * direction) - function(x - h * direction)) / STEP
        for h, weight in ((n * STEP, weight) for n, weight in DIFFERENCES.items())
    )


def jacobian(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """All derivatives of a function of an array, whose axes come last."""

    def run(x: Any) -> Any:
        units = np.eye(x.size).reshape(x.size, *x.shape)
        slopes = np.stack([derivative(function, x, unit) for unit in units], -1)
        return slopes.reshape(*slopes.shape[:-1], *x.shape)

    return run


def differentiable(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of numpy as one of JAX, whose derivatives are differences."""

    def slope(n: int) -> Callable[..., Any]:
        return lambda *args: jacobian(lambda x: function(*args[:n], x, *args[n + 1 :]))(
            args[n]
        )

    def of_numpy(*args: Any) -> Any:
        return np.asarray(function(*map(np.asarray, args)))

    @jax.custom_jvp
    def call(*args: Any) -> Any:
        ones = [np.ones(np.shape(arg)) for arg in args]
        result = jax.ShapeDtypeStruct(of_numpy(*ones).shape, float)
        return jax.pure_callback(of_numpy, result, *args, vmap_method="sequential")

    @call.defjvp
    def _(primals: Any, tangents: Any) -> Any:
        moved = sum(
            jnp.tensordot(differentiable(slope(n))(*primals), tangent, np.ndim(tangent))
            for n, tangent in enumerate(tangents)
        )
        return call(*primals), moved

    return call


class Reference:
    """Collects gates, spelled as qjit's functions, as matrices on wires."""

    def __init__(self, numpy: Any = jnp) -> None:
        self.numpy = numpy
        self.steps: list[tuple[Any, tuple[Any, ...]]] = []

    def __getattr__(self, name: str) -> Callable[..., None]:
        record = find_gate(name)
        if record is None:
            raise AttributeError(name)

        def gate(*params: Any, wires: Any = ()) -> None:
            xp = _numpy(*params)
            terms = [
                xp.exp(1j * sum(w * p for w, p in zip(frequency, params, strict=True)))
                * coefficient
                for frequency, coefficient in record.harmonics().items()
            ]
            target = reduce(xp.add, terms) if params else record.matrix()
            on = tuple(wires) if np.ndim(wires) else (wires,)
            self.steps.append(
                (controlled(target, [1] * (record.num_controls or 0)), on)
            )

        return gate

    def PauliRot(self, theta: Any, word: str, wires: Sequence[Any]) -> None:
        """exp(-i theta/2 P)."""
        matrix = pauli_matrix(word)
        xp = _numpy(theta)
        cosine, sine = xp.cos(theta / 2), xp.sin(theta / 2)
        self.steps.append(
            (cosine * np.eye(len(matrix)) - 1j * sine * matrix, tuple(wires))
        )

    def QubitUnitary(self, matrix: Any, wires: Sequence[Any]) -> None:
        """Any matrix."""
        self.steps.append((matrix, tuple(wires)))

    def DiagonalQubitUnitary(self, diagonal: Any, wires: Sequence[Any]) -> None:
        """The matrix of a diagonal."""
        self.steps.append((self.numpy.diag(diagonal), tuple(wires)))

    def StatePrep(self, amplitudes: Any, wires: Sequence[Any]) -> None:
        """A state on wires in |0>, where it is the first column."""
        first = self.numpy.outer(amplitudes, np.eye(len(amplitudes))[0])
        self.steps.append((first, tuple(wires)))

    def loop(self, length: int, body: Callable[..., Any], carry: Any) -> Any:
        """`fori_loop` from zero, unrolled."""
        for index in range(length):
            carry = body(index, carry)
        return carry

    def scan(self, body: Callable[..., Any], carry: Any, xs: Any) -> Any:
        """The carry of `scan`, unrolled."""
        for x in xs:
            carry = body(carry, x)
        return carry

    def branch(self, predicate: Any, *branches: Callable[..., Any]) -> Any:
        """`cond`, in Python; under `jax.jit`, what is not taken is the identity."""
        if not isinstance(predicate, Tracer):
            return branches[0 if predicate else 1]()
        for taken, branch in zip((predicate, ~predicate), branches, strict=True):
            for matrix, wires in self._apart(branch)[1]:
                chosen = jnp.where(taken, matrix, jnp.eye(len(matrix)))
                self.steps.append((chosen, wires))
        return None

    def adjoint(self, function: Callable[[], Any]) -> Any:
        """The inverse of what a function applies."""
        result, steps = self._apart(function)
        for matrix, wires in reversed(steps):
            self.steps.append((matrix.conj().T, wires))
        return result

    def ctrl(self, function: Callable[[], Any], control: Any, values: Any) -> Any:
        """What a function applies, under controls."""
        result, steps = self._apart(function)
        for matrix, wires in steps:
            self.steps.append((controlled(matrix, values), (*control, *wires)))
        return result

    def power(self, function: Callable[[], Any], exponent: int) -> None:
        """What a function applies, repeated."""
        for _ in range(abs(exponent)):
            self.adjoint(function) if exponent < 0 else function()

    def _apart(self, function: Callable[[], Any]) -> tuple[Any, list[Any]]:
        before, self.steps = self.steps, []
        result = function()
        steps, self.steps = self.steps, before
        return result, steps

    def state(self, num_wires: int) -> Any:
        """The state vector that |0...0> is brought to."""
        state: Any = np.zeros((2,) * num_wires, complex)
        state[(0,) * num_wires] = 1.0
        for matrix, wires in self.steps:
            state = apply(state, matrix, wires)
        return state.reshape(-1)

    def expval(self, coefficients: Any, words: Sequence[str]) -> Any:
        """The expectation value of a weighted sum of Pauli words."""
        state = self.state(len(words[0]))
        xp = _numpy(state)
        values = [xp.vdot(state, word_matrix(word) @ state).real for word in words]
        return sum(c * v for c, v in zip(coefficients, values, strict=True))

    def unitary(self, num_wires: int) -> Any:
        """The matrix of all gates together."""
        matrices = [np.asarray(embed(m, w, num_wires)) for m, w in self.steps]
        return reduce(lambda total, m: m @ total, matrices, np.eye(2**num_wires))


class Compiled:
    """qjit under the spelling of `Reference`."""

    numpy = jnp

    def __getattr__(self, name: str) -> Any:
        return getattr(qj, name)

    def loop(self, length: Any, body: Callable[..., Any], carry: Any) -> Any:
        """`fori_loop` from zero."""
        return jax.lax.fori_loop(0, length, body, carry)

    def scan(self, body: Callable[..., Any], carry: Any, xs: Any) -> Any:
        """The carry of `scan`."""
        return jax.lax.scan(lambda c, x: (body(c, x), None), carry, xs)[0]

    def branch(self, predicate: Any, *branches: Callable[..., Any]) -> Any:
        """`cond`."""
        return jax.lax.cond(predicate, *(_quiet(branch) for branch in branches))

    def adjoint(self, function: Callable[[], Any]) -> Any:
        """The inverse of what a function applies."""
        return qj.adjoint(function)()

    def ctrl(self, function: Callable[[], Any], control: Any, values: Any) -> Any:
        """What a function applies, under controls."""
        return qj.ctrl(function, control=control, control_values=values)()

    def power(self, function: Callable[[], Any], exponent: int) -> None:
        """What a function applies, repeated."""
        qj.pow(function, exponent)()

    def expval(self, coefficients: Any, words: Sequence[str]) -> Any:
        """The expectation value of a weighted sum of Pauli words."""
        return qj.expval(qj.pauli_sum(coefficients, words))


def _quiet(branch: Callable[[], Any]) -> Callable[[], Any]:
    """The branch without the handle that a gate returns."""

    def run() -> Any:
        result = branch()
        return None if isinstance(result, Operator) else result

    return run
