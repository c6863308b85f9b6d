"""qsim and Qiskit Aer play tapes."""

import os
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from tapes import Built, Parameter, PythonPrograms, Recorded, Shots, Tape, number

THREADS = int(os.environ.get("OMP_NUM_THREADS", "1"))
QSIM = {"CNOT": "kCX", "CZ": "kCZ", "SWAP": "kSWAP", "Hadamard": "kH"}
# The kind of each rotation, and its global phase in units of its exponent.
QSIM_TURNING = {
    "RX": ("kXPowGate", -0.5),
    "RY": ("kYPowGate", -0.5),
    "RZ": ("kZPowGate", -0.5),
    "IsingZZ": ("kZZPowGate", -0.5),
    "ControlledPhaseShift": ("kCZPowGate", 0.0),
}
QISKIT = {
    "RX": "rx",
    "RY": "ry",
    "RZ": "rz",
    "CNOT": "cx",
    "CZ": "cz",
    "SWAP": "swap",
    "Hadamard": "h",
    "PauliX": "x",
    "PauliZ": "z",
    "ControlledPhaseShift": "cp",
    "IsingZZ": "rzz",
    "reset": "reset",
}


class Qsim(PythonPrograms):
    """qsim's simulator, called without Cirq in between; it knows only complex64.

    Its circuits have numbers for angles. They are built once, or anew in every run,
    which is what a run at other angles takes.
    """

    packages = ("qsimcirq",)

    def __init__(self, *, rebuild: bool) -> None:
        """Record operations."""
        from qsimcirq import qsim

        self.ops, self.qsim, self.rebuild = Tape(), qsim, rebuild

    def single(self) -> "Qsim":
        """Return the same: there is no other precision."""
        return self

    def qnode(self, wires: int, shots: int | None = None) -> Callable[..., Any]:
        """Return the decorator of quantum functions."""
        build = partial(_QsimCircuit, self.qsim, self.rebuild, wires)
        return lambda function: Built(function, self.ops, build)


class _QsimCircuit:
    """A circuit of qsim, at the fusion setting that is fastest for it."""

    def __init__(
        self, qsim: Any, rebuild: bool, wires: int, recorded: Recorded
    ) -> None:
        self.qsim, self.rebuild, self.wires = qsim, rebuild, wires
        self.steps = list(self._timed(recorded.steps))
        self.terms = [self._term(*term) for term in recorded.result]
        self.circuit: Any = None
        self.fused: int | None = None

    def _timed(self, steps: Any) -> Any:
        """Give each gate its moment; qsim counts qubits from the other end."""
        moments = [0] * self.wires
        for name, parameter, on in steps:
            moment = max(moments[wire] for wire in on)
            for wire in on:
                moments[wire] = moment + 1
            qubits = [self.wires - 1 - wire for wire in on]
            if name in QSIM:
                kind = getattr(self.qsim, QSIM[name])
                yield kind, moment, qubits, None, 0.0
            else:
                name, shift = QSIM_TURNING[name]
                yield getattr(self.qsim, name), moment, qubits, parameter, shift

    def _term(self, weight: float, word: dict[int, str]) -> Any:
        """Return a term as a sum of its own, which qsim needs no second state for."""
        term = self.qsim.OpString()
        term.weight = weight
        for wire, letter in word.items():
            kind = getattr(self.qsim, f"k{letter}")
            self.qsim.add_gate_to_opstring(kind, [self.wires - 1 - wire], term)
        return [term], len(word)

    def _built(self, numbers: list[float]) -> Any:
        circuit = self.qsim.Circuit()
        circuit.num_qubits = self.wires
        for kind, moment, qubits, parameter, shift in self.steps:
            given = {}
            if parameter is not None:
                exponent = number(parameter, numbers) / np.pi
                given = {"exponent": exponent, "global_shift": shift}
            self.qsim.add_gate(kind, moment, qubits, given, circuit)
        return circuit

    def _run(self, fused: int) -> float:
        from qsimcirq import QSimOptions

        chosen = QSimOptions(max_fused_gate_size=fused, cpu_threads=THREADS)
        options = {**chosen.as_dict(), "c": self.circuit, "s": 1}
        values = self.qsim.qsim_simulate_expectation_values(options, self.terms, 0)
        return sum(values).real

    def _fastest(self) -> int:
        times: dict[int, float] = {}
        for fused in (2, 3, 4):
            start = time.perf_counter()
            self._run(fused)
            times[fused] = time.perf_counter() - start
        return min(times, key=lambda fused: times[fused])

    def run(self, numbers: np.ndarray) -> float:
        """Return the expectation value."""
        if self.circuit is None or self.rebuild:
            self.circuit = self._built(numbers.tolist())
        if self.fused is None:
            self.fused = self._fastest()
        return self._run(self.fused)


class Aer(PythonPrograms):
    """Qiskit Aer's state vectors, with fusion, given angles in every run."""

    packages = ("qiskit", "qiskit-aer")

    def __init__(self) -> None:
        """Record operations."""
        self.ops = Tape()

    def qnode(self, wires: int, shots: int | None = None) -> Callable[..., Any]:
        """Return the decorator of quantum functions."""
        build = partial(_AerCircuit, wires, shots)
        return lambda function: Built(function, self.ops, build)

    def measure(self, wire: int, *, reset: bool = False) -> int:
        """Record a measurement, and return its number."""
        steps = self.ops.steps
        outcome = sum(name == "measure" for name, *_ in steps)
        steps.append(("measure", outcome, [wire]))
        if reset:
            steps.append(("reset", None, [wire]))
        return outcome

    def when(self, outcome: int, apply: Callable[[], Any]) -> None:
        """Record what an outcome asks for."""
        steps = self.ops.steps
        before = len(steps)
        apply()
        steps[before:] = [("when", (outcome, steps[before:]), [])]


class _AerCircuit:
    """A circuit of Qiskit, compiled for Aer."""

    def __init__(self, wires: int, shots: int | None, recorded: Recorded) -> None:
        import qiskit
        from qiskit_aer import AerSimulator

        self.wires, self.shots = wires, shots
        self.simulator = AerSimulator(
            method="statevector", max_parallel_threads=THREADS, fusion_enable=True
        )
        steps = recorded.steps
        measurements = sum(name == "measure" for name, *_ in steps)
        self.circuit = qiskit.QuantumCircuit(wires, measurements)
        self.angles: dict[int, Any] = {}
        for step in steps:
            self._add(*step)
        self.dynamic = measurements > 0
        self._finish(recorded.result)
        self.circuit = qiskit.transpile(
            self.circuit, self.simulator, optimization_level=0
        )

    def _add(self, name: str, parameter: Any, on: list[int]) -> None:
        if name == "measure":
            self.circuit.measure(on[0], parameter)
        elif name == "when":
            outcome, steps = parameter
            with self.circuit.if_test((self.circuit.clbits[outcome], 1)):
                for step in steps:
                    self._add(*step)
        else:
            given = [] if parameter is None else [self._angle(parameter)]
            getattr(self.circuit, QISKIT[name])(*given, *on)

    def _angle(self, parameter: Any) -> Any:
        from qiskit.circuit import Parameter as Symbol

        if not isinstance(parameter, Parameter):
            return float(parameter)
        symbol = self.angles.setdefault(
            parameter.place, Symbol(f"angle{parameter.place}")
        )
        return symbol if parameter.factor == 1 else symbol * parameter.factor

    def _finish(self, terms: Any) -> None:
        """Ask for samples, an estimate of a Z, or an expectation value."""
        from qiskit.circuit import ClassicalRegister
        from qiskit.quantum_info import SparsePauliOp

        if self.dynamic:
            ((_, word),) = terms
            (wire,) = word
            self.circuit.add_register(ClassicalRegister(1, "result"))
            self.circuit.measure(wire, self.circuit.num_clbits - 1)
        elif self.shots is not None:
            self.circuit.measure_all()
        else:
            words = [
                ("".join(word.values()), list(word), weight) for weight, word in terms
            ]
            observable = SparsePauliOp.from_sparse_list(words, self.wires)
            self.circuit.save_expectation_value(observable, range(self.wires))

    def run(self, numbers: np.ndarray) -> Any:
        """Return the value, the estimate or the samples."""
        binds = {symbol: [numbers[place]] for place, symbol in self.angles.items()}
        samples = self.shots is not None and not self.dynamic
        result = self.simulator.run(
            self.circuit,
            shots=self.shots or 1,
            parameter_binds=[binds],
            memory=samples,
        ).result()
        (found,) = result.results
        if samples:
            return Shots(found.data.memory, self._bits)
        if self.dynamic:
            counts = found.data.counts
            last = self.circuit.num_clbits - 1
            ones = sum(n for key, n in counts.items() if int(key, 16) >> last & 1)
            return 1 - 2 * ones / self.shots
        return found.data.expectation_value

    def _bits(self, samples: list[str]) -> np.ndarray:
        found = np.array([int(text, 16) for text in samples])
        return found[:, None] >> np.arange(self.wires) & 1
