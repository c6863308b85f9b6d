"""Peers that are no compilers of their own, in the words of the cases.

TensorCircuit, qulacs and Lightning's own state vectors do not share PennyLane's
operations: a tape of those is played on their own circuits.
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
    """A place among the parameters, times a number."""

    place: int
    factor: float = 1.0

    def __mul__(self, factor: float) -> "Parameter":
        """Multiply by a number."""
        return Parameter(self.place, self.factor * factor)

    __rmul__ = __mul__

    def value(self, numbers: np.ndarray) -> float:
        """Return the number that is there."""
        return float(numbers[self.place]) * self.factor


class Arrayed(np.ndarray):
    """An array whose users may wait for it, as for those of JAX."""

    def block_until_ready(self) -> "Arrayed":
        """Return at once."""
        return self


class Direct:
    """Lightning's state vectors, called without PennyLane in between."""

    packages = ("pennylane-lightning",)

    def __init__(self) -> None:
        """Record operations."""
        from pennylane_lightning import lightning_qubit_ops

        self.ops, self.lightning = Tape(), lightning_qubit_ops

    def qnode(self, wires: int) -> Callable[..., Any]:
        """Return the decorator of quantum functions."""

        def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
            built: list[Any] = []

            def value(theta: Any) -> Any:
                numbers = np.asarray(theta).ravel()
                if not built:
                    built.append(record(function, theta, self.ops))
                terms, steps = built[0]
                state = self.lightning.StateVectorC128(wires)
                for name, place, on in steps:
                    given = _given(place, numbers)
                    getattr(state, name)(on, False, given)
                measured = self.lightning.MeasurementsC128(state)
                return np.asarray(measured.expval(self._observable(terms)))

            return lambda theta: value(theta).view(Arrayed)

        return decorate

    def _observable(self, terms: Any) -> Any:
        kinds = self.lightning.observables
        words = []
        for _, word in terms:
            letters = [
                kinds.NamedObsC128(f"Pauli{letter}", [wire])
                for wire, letter in word.items()
            ]
            words.append(
                kinds.TensorProdObsC128(letters) if len(letters) > 1 else letters[0]
            )
        return kinds.HamiltonianC128([float(weight) for weight, _ in terms], words)

    def jit(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Leave a function as it is."""
        return function


def _given(parameter: Any, numbers: np.ndarray) -> list[float]:
    if isinstance(parameter, Parameter):
        return [parameter.value(numbers)]
    return [] if parameter is None else [parameter]


def record(function: Callable[..., Any], theta: Any, ops: Tape) -> Any:
    """Return the observable of a circuit and its steps, by places of parameters."""
    shape = np.asarray(theta).shape
    places = [Parameter(n) for n in range(int(np.prod(shape)))]
    ops.steps.clear()
    terms = function(np.array(places, object).reshape(shape))
    terms = terms if isinstance(terms, list) else [(1.0, terms)]
    return terms, list(ops.steps)


class Qulacs:
    """qulacs, by its own backpropagation."""

    packages = ("qulacs",)

    def __init__(self) -> None:
        """Record operations."""
        self.ops = Tape()

    def qnode(self, wires: int) -> Callable[..., Any]:
        """Return the decorator of quantum functions."""

        def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
            built: list[Any] = []  # in the first call

            def circuit(theta: Any) -> Any:
                if not built:
                    terms, steps = record(function, theta, self.ops)
                    built.append(_Built(wires, steps, terms))
                return built[0]

            return circuit

        return decorate

    def jit(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return what runs a circuit, or leave a gradient as it is."""
        if getattr(function, "is_gradient", False):
            return function
        return lambda theta: function(theta).value(np.asarray(theta))

    def grad(self, circuit: Any) -> Callable[..., Any]:
        """Return the gradient."""

        def gradient(theta: Any) -> Any:
            return circuit(theta).gradient(np.asarray(theta))

        gradient.is_gradient = True  # type: ignore[attr-defined]
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
        import qulacs

        match name:
            case "CNOT" | "CZ" | "SWAP":
                getattr(self.circuit, f"add_{name}_gate")(*on)
            case "Hadamard":
                self.circuit.add_H_gate(*on)
            case "ControlledPhaseShift":
                phase = np.diag([1, np.exp(1j * parameter)])
                gate = qulacs.gate.DenseMatrix(on[1], phase)
                gate.add_control_qubit(on[0], 1)
                self.circuit.add_gate(gate)
            case "IsingZZ":
                self._turn(parameter, -1.0)
                self.circuit.add_parametric_multi_Pauli_rotation_gate(on, [3, 3], 0.0)
            case "BasisState":
                for wire, bit in zip(on, parameter, strict=True):
                    if bit:
                        self.circuit.add_X_gate(wire)
            case "RX" | "RY" | "RZ":
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
        self.factors.append(factor * parameter.factor)

    def value(self, theta: np.ndarray) -> Any:
        """Return the expectation value."""
        import qulacs

        self._set(theta)
        state = qulacs.QuantumState(self.circuit.get_qubit_count())
        self.circuit.update_quantum_state(state)
        value = self.observable.get_expectation_value(state)
        return np.asarray(value).view(Arrayed)

    def _set(self, theta: np.ndarray) -> None:
        angles = theta.ravel()[self.places] * self.factor_array
        for number, angle in enumerate(angles):
            self.circuit.set_parameter(number, angle)

    def gradient(self, theta: np.ndarray) -> Any:
        """Return the gradient by all parameters."""
        self._set(theta)
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
