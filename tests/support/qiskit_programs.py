"""Generated circuits of Qiskit, and what they do here and there."""

from importlib import import_module
from typing import Any

import numpy as np

import qjit as qj
from qjit.lowering.emitters.emit import Emitted
from qjit.lowering.emitters.qiskit_circuits import QiskitEmitter
from tests.support.one_shot import emitted

# The gates of Qiskit's standard library that are defined by a matrix of their own.
NO_GATES = ("delay", "reset", "measure")


def standard_gates() -> dict[str, Any]:
    """Return the standard gates by name, with angles."""
    library = import_module("qiskit.circuit.library")
    found = library.get_standard_gate_name_mapping()
    angles = (0.7, -1.3, 2.9, 0.4)
    return {
        name: gate.base_class(*angles[: len(gate.params)])
        for name, gate in found.items()
        if name not in NO_GATES
    }


def circuit_with(gate: Any, wires: Any = None) -> Any:
    """Return a circuit of one gate."""
    circuit = import_module("qiskit").QuantumCircuit(max(gate.num_qubits, 1))
    circuit.append(gate, list(range(gate.num_qubits)) if wires is None else wires)
    return circuit


def unitary(circuit: Any, *args: Any) -> np.ndarray:
    """Return the matrix of a circuit as qjit reads it, in Qiskit's order of bits."""
    function: Any = qj.from_qiskit(circuit)

    def applied() -> None:
        function(*args)

    order = range(circuit.num_qubits)[::-1]
    return np.asarray(qj.matrix(applied, wire_order=order)())


def operator(circuit: Any) -> np.ndarray:
    """Return the matrix of a circuit by Qiskit."""
    return import_module("qiskit.quantum_info").Operator(circuit).data


def again(circuit: Any, *args: Any, has_counters: bool = True) -> Emitted:
    """Return a circuit that qjit read and wrote; its results are all bits in order."""
    function: Any = qj.from_qiskit(circuit)
    names = list(function.bits)

    @qj.qnode(wires=max(function.num_qubits, 1), shots=10)
    def sampled() -> Any:
        found = function(*args)
        bits = [bit for name in names for bit in found[name]]
        return qj.sample(bits) if bits else qj.sample(wires=0)

    (found,) = emitted(
        sampled, emitter=lambda: QiskitEmitter(has_counters=has_counters)
    )
    return found


def random_gate(generator: np.random.Generator, gates: list[Any], wires: int) -> Any:
    """Return a standard gate at random angles, perhaps inverted or controlled."""
    gate = gates[generator.integers(len(gates))]
    gate = gate.base_class(*generator.uniform(-3, 3, len(gate.params)).tolist())
    change = generator.integers(5)
    if change == 0:
        gate = gate.inverse()
    elif change == 1 and gate.num_qubits < wires:
        state = int(generator.integers(2))
        gate = gate.control(1, ctrl_state=state, annotated=False)
    elif change == 2:
        annotated = import_module("qiskit.circuit")
        modifiers = [annotated.PowerModifier(2), annotated.InverseModifier()]
        gate = annotated.AnnotatedOperation(gate, modifiers)
    return gate


def append_random(
    generator: np.random.Generator, circuit: Any, gates: list[Any], count: int
) -> None:
    """Append random gates on random qubits to a circuit."""
    wires = circuit.num_qubits
    for _ in range(count):
        gate = random_gate(generator, gates, wires)
        on = generator.permutation(wires)[: gate.num_qubits]
        circuit.append(gate, on.tolist())


def static_program(seed: int) -> Any:
    """Return a circuit of gates, some of them in a gate of its own."""
    generator = np.random.default_rng(seed)
    wires = int(generator.integers(2, 5))
    gates = [each for each in standard_gates().values() if each.num_qubits <= wires]
    module = import_module("qiskit")
    phase = float(generator.uniform(-3, 3))
    circuit = module.QuantumCircuit(wires, global_phase=phase)
    append_random(generator, circuit, gates, int(generator.integers(2, 7)))
    if generator.integers(2):
        small = [each for each in gates if each.num_qubits <= 2]
        inner = module.QuantumCircuit(2, global_phase=0.3)
        append_random(generator, inner, small, 2)
        circuit.append(inner.to_gate(), generator.permutation(wires)[:2].tolist())
    circuit.barrier()
    append_random(generator, circuit, gates, 2)
    return circuit


def dynamic_program(seed: int) -> Any:
    """Return a circuit that measures, and goes on as its outcomes say."""
    generator = np.random.default_rng(seed)
    module = import_module("qiskit")
    wires = int(generator.integers(2, 4))
    gates = [each for each in standard_gates().values() if each.num_qubits <= wires]
    circuit = module.QuantumCircuit(
        module.QuantumRegister(wires, "q"), module.ClassicalRegister(3, "c")
    )
    append_random(generator, circuit, gates, 3)
    for bit in range(3):
        circuit.measure(int(generator.integers(wires)), bit)
        _append_conditional(generator, circuit, gates, bit)
        append_random(generator, circuit, gates, 2)
    circuit.measure(int(generator.integers(wires)), int(generator.integers(3)))
    return circuit


def _append_conditional(
    generator: np.random.Generator, circuit: Any, gates: list[Any], bit: int
) -> None:
    """Append what depends on a bit, or on all of them."""
    expr = import_module("qiskit.circuit.classical.expr")
    register = circuit.cregs[0]
    match int(generator.integers(6)):
        case 0:
            with circuit.if_test((register[bit], int(generator.integers(2)))):
                append_random(generator, circuit, gates, 2)
        case 1:
            with circuit.if_test((register, int(generator.integers(8)))) as other:
                append_random(generator, circuit, gates, 1)
            with other:
                append_random(generator, circuit, gates, 1)
                circuit.reset(0)
        case 2:
            with circuit.switch(register) as case:
                with case(0, 5):
                    append_random(generator, circuit, gates, 1)
                with case(1):
                    append_random(generator, circuit, gates, 1)
                with case(case.DEFAULT):
                    circuit.x(0)
        case 3:
            condition = expr.logic_and(
                expr.less(register, int(generator.integers(8))),
                expr.logic_not(register[bit]),
            )
            with circuit.if_test(condition):
                append_random(generator, circuit, gates, 1)
        case 4:
            with circuit.for_loop(range(3)) as index:
                circuit.ry(index * 0.4, 0)
                with circuit.if_test((register[bit], 1)):
                    circuit.x(1)
        case _:
            with circuit.if_test((register[bit], 1)):
                circuit.h(0)
                circuit.measure(0, (bit + 1) % 3)
                with circuit.if_test((register[(bit + 1) % 3], 0)):
                    append_random(generator, circuit, gates, 1)


def aer_bits(circuit: Any, shots: int, seed: int) -> np.ndarray:
    """Return the bits of a circuit in each shot by Aer, register c, c[0] first."""
    aer = import_module("qiskit_aer")
    qiskit = import_module("qiskit")
    simulator = aer.AerSimulator()
    ready = qiskit.transpile(circuit, simulator, optimization_level=0)
    result = simulator.run(ready, shots=shots, seed_simulator=seed, memory=True)
    rows = result.result().get_memory()
    size = next(each for each in ready.cregs if each.name == "c").size
    at = [each.name for each in ready.cregs].index("c")
    texts = [row.split()[::-1][at] for row in rows]
    assert all(len(text) == size for text in texts)
    return np.array([[int(bit) for bit in text[::-1]] for text in texts], np.uint8)
