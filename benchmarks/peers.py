"""TensorCircuit, qulacs and Lightning's own state vectors play tapes."""

from collections.abc import Callable
from functools import partial
from itertools import product
from typing import Any

import numpy as np
from frameworks import JaxTransforms
from tapes import Built, Parameter, PythonPrograms, Recorded, Shots, Tape, number

PAULIS = {
    "I": np.eye(2),
    "X": np.array([[0, 1], [1, 0]]),
    "Y": np.array([[0, -1j], [1j, 0]]),
    "Z": np.diag([1, -1]),
}

# The gates that TensorCircuit knows by other names than PennyLane.
TENSORCIRCUIT = {"Hadamard": "h", "IsingZZ": "rzz", "ControlledPhaseShift": "cphase"}


class TensorCircuit(JaxTransforms):
    """TensorCircuit on JAX."""

    packages = ("tensorcircuit-ng", "jax", "jaxlib")

    def __init__(self) -> None:
        """Choose double precision."""
        import tensorcircuit

        tensorcircuit.set_backend("jax")
        tensorcircuit.set_dtype("complex128")
        self.tc, self.ops = tensorcircuit, Tape()

    def qnode(self, wires: int, shots: int | None = None) -> Callable[..., Any]:
        """Return the decorator of quantum functions."""

        def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
            def energy(theta: Any) -> Any:
                self.ops.steps.clear()
                terms = function(theta)
                circuit = self.tc.Circuit(wires)
                for name, angle, on in self.ops.steps:
                    given = {} if angle is None else {"theta": angle}
                    getattr(circuit, TENSORCIRCUIT.get(name, name.lower()))(
                        *on, **given
                    )
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


class Direct(PythonPrograms):
    """Lightning's state vectors, called without PennyLane in between."""

    packages = ("pennylane-lightning",)

    def __init__(self, bits: int = 128) -> None:
        """Record operations, to be run in complex128 or complex64."""
        from pennylane_lightning import lightning_qubit_ops

        self.ops, self.lightning, self.bits = Tape(), lightning_qubit_ops, bits

    def single(self) -> "Direct":
        """Return the same in complex64."""
        return Direct(64)

    def qnode(self, wires: int, shots: int | None = None) -> Callable[..., Any]:
        """Return the decorator of quantum functions."""
        build = partial(_DirectCircuit, self.lightning, self.bits, wires, shots)
        return lambda function: Built(function, self.ops, build)


class _DirectCircuit:
    """Calls of Lightning's methods, in order, on one state."""

    def __init__(
        self, lightning: Any, bits: int, wires: int, shots: Any, recorded: Recorded
    ) -> None:
        self.wires, self.shots = wires, shots
        self.state = getattr(lightning, f"StateVectorC{bits}")(wires)
        self.measured = getattr(lightning, f"MeasurementsC{bits}")(self.state)
        self.steps = [
            (getattr(self.state, name), parameter, on)
            for name, parameter, on in recorded.steps
        ]
        if shots is None:
            self.terms = [
                (float(weight), _observable(lightning.observables, bits, word))
                for weight, word in recorded.result
            ]

    def run(self, numbers: np.ndarray) -> Any:
        """Return the value or the samples."""
        angles = numbers.tolist()
        self.state.resetStateVector()
        for apply, parameter, on in self.steps:
            apply(on, False, [] if parameter is None else [number(parameter, angles)])
        if self.shots is None:
            expval = self.measured.expval
            return sum(weight * expval(*word) for weight, word in self.terms)
        return Shots(self.measured.generate_samples(self.wires, self.shots), np.asarray)


def _observable(kinds: Any, bits: int, word: dict[int, str]) -> tuple[Any, ...]:
    """Return a word in the form whose expectation value is fastest.

    Term by term is faster than Lightning's Hamiltonian, which copies the state.
    """
    letters = [(f"Pauli{letter}", [wire]) for wire, letter in word.items()]
    if len(letters) == 1:
        return letters[0]
    named = getattr(kinds, f"NamedObsC{bits}")
    product = getattr(kinds, f"TensorProdObsC{bits}")
    return (product([named(*letter) for letter in letters]),)


class Qulacs(PythonPrograms):
    """qulacs, by its own backpropagation."""

    packages = ("qulacs",)

    def __init__(self) -> None:
        """Record operations."""
        self.ops = Tape()

    def qnode(self, wires: int, shots: int | None = None) -> Callable[..., Any]:
        """Return the decorator of quantum functions."""
        build = partial(_QulacsCircuit, wires, shots)
        return lambda function: Built(function, self.ops, build)

    def grad(self, circuit: Built) -> Callable[..., Any]:
        """Return the gradient."""
        return circuit.gradient


class _QulacsCircuit:
    """A parametric circuit; each of its rotations is a factor times a parameter."""

    def __init__(self, wires: int, shots: int | None, recorded: Recorded) -> None:
        import qulacs

        self.wires, self.shots = wires, shots
        self.circuit = qulacs.ParametricQuantumCircuit(wires)
        self.observable = qulacs.Observable(wires)
        self.places: list[int] = []
        self.factors: list[float] = []
        if shots is None:
            for coefficient, word in recorded.result:
                text = " ".join(f"{letter} {wire}" for wire, letter in word.items())
                self.observable.add_operator(coefficient, text)
        for name, parameter, on in recorded.steps:
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

    def _set(self, numbers: np.ndarray) -> None:
        angles = numbers[self.places] * self.factor_array
        for place, angle in enumerate(angles):
            self.circuit.set_parameter(place, angle)

    def run(self, numbers: np.ndarray) -> Any:
        """Return the expectation value, or the samples."""
        import qulacs

        self._set(numbers)
        state = qulacs.QuantumState(self.wires)
        self.circuit.update_quantum_state(state)
        if self.shots is None:
            return self.observable.get_expectation_value(state)
        return Shots(state.sampling(self.shots), self._bits)

    def _bits(self, samples: list[int]) -> np.ndarray:
        return np.array(samples)[:, None] >> np.arange(self.wires) & 1

    def gradient(self, numbers: np.ndarray) -> Any:
        """Return the gradient by all parameters."""
        self._set(numbers)
        slopes = np.asarray(self.circuit.backprop(self.observable)) * self.factor_array
        return np.bincount(self.places, slopes, numbers.size)


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
