"""Peers that take part in the gradients only, in the words of the cases.

TensorCircuit and qulacs do not share PennyLane's operations: a tape of those is played
on their own circuits.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np

PAULIS = {
    "I": np.eye(2),
    "X": np.array([[0, 1], [1, 0]]),
    "Y": np.array([[0, -1j], [1j, 0]]),
    "Z": np.diag([1, -1]),
}


@dataclass(frozen=True)
class Lightning:
    """PennyLane on Lightning with the adjoint method, under jax.jit."""

    ops: Any
    jit: Callable[..., Any]
    grad: Callable[..., Any]
    packages: tuple[str, ...] = ("pennylane", "pennylane-lightning", "jax", "jaxlib")

    def qnode(self, wires: int, shots: int | None = None) -> Callable[..., Any]:
        """Return the decorator of quantum functions."""
        device = self.ops.device("lightning.qubit", wires=wires)
        return self.ops.qnode(device, diff_method="adjoint", interface="jax")


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
        """Return the observable itself."""
        return terms


class TensorCircuit:
    """TensorCircuit on JAX."""

    packages = ("tensorcircuit-ng", "jax", "jaxlib")

    def __init__(self) -> None:
        """Choose double precision."""
        import tensorcircuit

        tensorcircuit.set_backend("jax")
        tensorcircuit.set_dtype("complex128")
        self.tc, self.ops = tensorcircuit, Tape()

    def qnode(self, wires: int) -> Callable[..., Any]:
        """Return the decorator of quantum functions."""

        def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
            def energy(theta: Any) -> Any:
                self.ops.steps.clear()
                terms = function(theta)
                circuit = self.tc.Circuit(wires)
                for name, angle, on in self.ops.steps:
                    given = {} if angle is None else {"theta": angle}
                    getattr(circuit, name.lower())(*on, **given)
                total = 0.0
                for coefficient, word in terms:
                    parts = {
                        letter.lower(): [
                            w for w, found in word.items() if found == letter
                        ]
                        for letter in set(word.values())
                    }
                    total += coefficient * circuit.expectation_ps(**parts)
                return self.tc.backend.real(total)

            return energy

        return decorate

    def jit(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Compile by XLA."""
        return self.tc.backend.jit(function)

    def grad(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the gradient by JAX."""
        return self.tc.backend.grad(function)


@dataclass(frozen=True)
class Parameter:
    """A place among the parameters."""

    place: int


class Arrayed(np.ndarray):
    """An array whose users may wait for it, as for those of JAX."""

    def block_until_ready(self) -> "Arrayed":
        """Return at once."""
        return self


class Qulacs:
    """qulacs, by its own backpropagation."""

    packages = ("qulacs",)

    def __init__(self) -> None:
        """Record operations."""
        self.ops = Tape()

    def qnode(self, wires: int) -> Callable[..., Any]:
        """Return the decorator of quantum functions."""
        return lambda function: (function, wires)

    def jit(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Leave a function as it is."""
        return function

    def grad(self, energy: Any) -> Callable[..., Any]:
        """Return the gradient; its circuit is built in the first call."""
        function, wires = energy
        built: list[Any] = []

        def gradient(theta: Any) -> Any:
            numbers = np.asarray(theta)
            if not built:
                places = [Parameter(n) for n in range(numbers.size)]
                symbols = np.array(places, object).reshape(numbers.shape)
                self.ops.steps.clear()
                terms = function(symbols)
                built.append(_Built(wires, self.ops.steps, terms))
            return built[0].gradient(numbers)

        return gradient


class _Built:
    """A parametric circuit; each of its rotations is a factor times a parameter."""

    def __init__(self, wires: int, steps: Any, terms: Any) -> None:
        import qulacs

        self.circuit = qulacs.ParametricQuantumCircuit(wires)
        self.observable = qulacs.Observable(wires)
        self.places: list[int] = []
        self.factors: list[float] = []
        for coefficient, word in terms:
            text = " ".join(f"{letter} {wire}" for wire, letter in word.items())
            self.observable.add_operator(coefficient, text)
        for name, parameter, on in steps:
            self._add(name, parameter, on)
        self.factor_array = np.array(self.factors)

    def _add(self, name: str, parameter: Any, on: list[int]) -> None:
        match name:
            case "CNOT":
                self.circuit.add_CNOT_gate(*on)
            case "BasisState":
                for wire, bit in zip(on, parameter, strict=True):
                    if bit:
                        self.circuit.add_X_gate(wire)
            case "RY" | "RZ":
                # qulacs turns by the opposite angle.
                self._turn(parameter, -1.0)
                getattr(self.circuit, f"add_parametric_{name}_gate")(on[0], 0.0)
            case _:
                for factor, letters in _excitation(len(on)):
                    self._turn(parameter, -factor)
                    kept = [n for n, letter in enumerate(letters) if letter]
                    self.circuit.add_parametric_multi_Pauli_rotation_gate(
                        [on[n] for n in kept], [letters[n] for n in kept], 0.0
                    )

    def _turn(self, parameter: Parameter, factor: float) -> None:
        self.places.append(parameter.place)
        self.factors.append(factor)

    def gradient(self, theta: np.ndarray) -> Any:
        """Return the gradient by all parameters."""
        angles = theta.ravel()[self.places] * self.factor_array
        for number, angle in enumerate(angles):
            self.circuit.set_parameter(number, angle)
        slopes = np.asarray(self.circuit.backprop(self.observable)) * self.factor_array
        total = np.bincount(self.places, slopes, theta.size)
        return total.reshape(theta.shape).view(Arrayed)


def _excitation(wires: int) -> list[tuple[float, list[int]]]:
    """Return the commuting Pauli rotations that an excitation consists of.

    It is exp(-i theta / 2 G), where G couples the states |0..01..1> and |1..10..0>.
    """
    half = wires // 2
    low, high = 2**half - 1, (2**half - 1) << half
    generator = np.zeros((2**wires, 2**wires), complex)
    generator[high, low], generator[low, high] = 1j, -1j
    found = []
    for letters in product("IXYZ", repeat=wires):
        word = np.ones((1, 1))
        for letter in letters:
            word = np.kron(word, PAULIS[letter])
        weight = float(np.real(np.trace(word @ generator))) / 2**wires
        if weight:
            found.append((weight, ["IXYZ".index(letter) for letter in letters]))
    return found
