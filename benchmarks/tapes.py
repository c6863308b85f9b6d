"""A tape of PennyLane's operations, for frameworks that have their own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

SAMPLES = "samples"  # what a circuit returns whose result are its samples


class Word(dict[int, str]):
    """A product of Pauli matrices, by wire."""

    def __matmul__(self, other: "Word") -> "Word":
        """Multiply words on different wires."""
        return Word(self | other)


@dataclass
class Tape:
    """The operations that a circuit applied, with what stands for its parameters."""

    steps: list[tuple[str, Any, list[int]]] = field(default_factory=list)

    def __getattr__(self, name: str) -> Callable[..., None]:
        """Return a function that records an operation, its parameter first."""

        def record(*params: Any, wires: Any) -> None:
            on = [wires] if isinstance(wires, int) else [int(wire) for wire in wires]
            self.steps.append((name, params[0] if params else None, on))

        return record

    def X(self, wire: int) -> Word:
        """Return a Pauli matrix."""
        return Word({wire: "X"})

    def Y(self, wire: int) -> Word:
        """Return a Pauli matrix."""
        return Word({wire: "Y"})

    def Z(self, wire: int) -> Word:
        """Return a Pauli matrix."""
        return Word({wire: "Z"})

    def I(self, _: int) -> Word:  # noqa: E743
        """Return the identity."""
        return Word()

    def Hamiltonian(self, coefficients: Sequence[float], words: Sequence[Word]) -> Any:
        """Return weighted words."""
        return list(zip(coefficients, words, strict=True))

    def expval(self, terms: Any) -> Any:
        """Return the observable itself, as weighted words."""
        return [(1.0, terms)] if isinstance(terms, Word) else terms

    def sample(self, wires: Any) -> Any:
        """Return that samples are asked for."""
        return SAMPLES


@dataclass(frozen=True)
class Parameter:
    """A place among the parameters, times a number."""

    place: int
    factor: float = 1.0

    def __mul__(self, factor: float) -> "Parameter":
        """Multiply by a number."""
        return Parameter(self.place, self.factor * factor)

    __rmul__ = __mul__


def number(parameter: Any, numbers: Sequence[float]) -> Any:
    """Return the number that a step is given."""
    if isinstance(parameter, Parameter):
        return numbers[parameter.place] * parameter.factor
    return parameter


@dataclass(frozen=True)
class Recorded:
    """A circuit as steps, whose parameters are places among the angles."""

    result: Any  # weighted words, or SAMPLES
    steps: list[tuple[str, Any, list[int]]]


def record(function: Callable[..., Any], theta: Any, ops: Tape) -> Recorded:
    """Record what a circuit does with angles of this shape."""
    shape = np.shape(theta)
    places = [Parameter(n) for n in range(int(np.prod(shape)))]
    ops.steps.clear()
    given = np.array(places, object).reshape(shape) if shape else places[0]
    result = function(given)
    return Recorded(result, list(ops.steps))


class Built:
    """A quantum function that is built in its first call, and then run."""

    def __init__(
        self,
        function: Callable[..., Any],
        ops: Tape,
        build: Callable[[Recorded], Any],
    ) -> None:
        """Remember how to build it."""
        self.function, self.ops, self.build = function, ops, build
        self.circuit: Any = None

    def _circuit(self, theta: Any) -> Any:
        if self.circuit is None:
            self.circuit = self.build(record(self.function, theta, self.ops))
        return self.circuit

    def __call__(self, theta: Any) -> Any:
        """Run it."""
        return self._circuit(theta).run(np.ravel(theta))

    def gradient(self, theta: Any) -> Any:
        """Differentiate it by all angles."""
        slopes = self._circuit(theta).gradient(np.ravel(theta))
        return slopes.reshape(np.shape(theta))


class Arrayed(np.ndarray):
    """An array whose users may wait for it, as for those of JAX."""

    def block_until_ready(self) -> "Arrayed":
        """Return at once."""
        return self


def arrayed(found: Any) -> Arrayed:
    """Return what may be waited for."""
    return np.asarray(found).view(Arrayed)


@dataclass(frozen=True)
class Shots:
    """Samples as a framework returns them; converted to bits only if they are read."""

    found: Any
    bits: Callable[[Any], np.ndarray]  # by shot and wire

    def block_until_ready(self) -> "Shots":
        """Return at once."""
        return self

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        """Return the bits."""
        return np.asarray(self.bits(self.found), dtype)


class PythonPrograms:
    """What Python itself does for frameworks that compile nothing."""

    def jit(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function of arrays, with a result that may be waited for."""

        def call(theta: Any) -> Any:
            found = function(theta)
            return found if isinstance(found, Shots) else arrayed(found)

        return call

    def vmap(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function of a batch, one call after another."""
        return lambda thetas: np.array([function(theta) for theta in thetas])

    def loop(self, steps: int, body: Callable[[Any], Any], initial: Any) -> Any:
        """Run a Python loop."""
        carry = initial
        for _ in range(steps):
            carry = body(carry)
        return carry
