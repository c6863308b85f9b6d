"""Circuits as other compilers optimise them; runs in environments of their own.

Reads lines of JSON, each a circuit with a coupling graph and the name of a peer, and
answers each with the gates that are left, the seconds it took, and where qubits are.
"""

import json
import re
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from math import pi
from typing import Any

BASIS = ["rz", "sx", "x", "cx"]


def qiskit(request: dict[str, Any]) -> dict[str, Any]:
    """Qiskit's transpiler at its highest level."""
    from qiskit import QuantumCircuit, transpile

    circuit = QuantumCircuit(request["qubits"])
    for name, angles, wires in request["gates"]:
        if name == "mcx":
            circuit.mcx(list(wires[:-1]), wires[-1])
        else:
            getattr(circuit, name)(*angles, *wires)
    edges = request["edges"]
    both = [*edges, *([b, a] for a, b in edges)] if edges else None
    start = time.perf_counter()
    found = transpile(
        circuit,
        basis_gates=BASIS,
        coupling_map=both,
        optimization_level=3,
        seed_transpiler=1,
    )
    seconds = time.perf_counter() - start
    gates = [
        (
            each.operation.name,
            [float(angle) for angle in each.operation.params],
            [found.find_bit(qubit).index for qubit in each.qubits],
        )
        for each in found.data
    ]
    same = list(range(request["qubits"]))
    layout = found.layout
    return {
        "gates": gates,
        "seconds": seconds,
        "first": layout.initial_index_layout(True) if layout else same,
        "last": layout.final_index_layout(True) if layout else same,
    }


ANGLES = {
    **{"rx": "Rx", "ry": "Ry", "rz": "Rz", "cp": "CU1"},
    **{"rxx": "XXPhase", "ryy": "YYPhase", "rzz": "ZZPhase"},
}
PLAIN = {
    **{"h": "H", "x": "X", "s": "S", "t": "T", "tdg": "Tdg", "mcx": "CnX"},
    **{"cx": "CX", "cz": "CZ", "swap": "SWAP", "ccx": "CCX"},
}


def pytket(request: dict[str, Any]) -> dict[str, Any]:
    """Pytket's peephole optimisation, and its routing where there is a graph."""
    from pytket import Circuit, OpType
    from pytket.architecture import Architecture
    from pytket.passes import (
        AutoRebase,
        AutoSquash,
        CliffordSimp,
        CXMappingPass,
        FullPeepholeOptimise,
        KAKDecomposition,
        RemoveRedundancies,
        SequencePass,
        SynthesiseTket,
    )
    from pytket.placement import GraphPlacement
    from pytket.predicates import CompilationUnit

    circuit = Circuit(request["qubits"])
    for name, angles, wires in request["gates"]:
        if angles:
            turns = [angle / pi for angle in angles]
            circuit.add_gate(getattr(OpType, ANGLES[name]), turns, wires)
        else:
            circuit.add_gate(getattr(OpType, PLAIN[name]), wires)
    passes = [FullPeepholeOptimise()]
    if request["edges"]:
        graph = Architecture([tuple(edge) for edge in request["edges"]])
        passes.append(
            CXMappingPass(
                graph, GraphPlacement(graph), directed_cx=False, delay_measures=False
            )
        )
        passes += [KAKDecomposition(allow_swaps=False), CliffordSimp(False)]
        passes.append(SynthesiseTket())
    passes += [
        AutoRebase({OpType.CX, OpType.Rz, OpType.SX, OpType.X}),
        AutoSquash({OpType.Rz, OpType.SX, OpType.X}),
        RemoveRedundancies(),
    ]
    unit = CompilationUnit(circuit)
    start = time.perf_counter()
    SequencePass(passes).apply(unit)
    seconds = time.perf_counter() - start
    found = unit.circuit
    gates = [
        (
            each.op.type.name.lower(),
            [float(angle) * pi for angle in each.op.params],
            [qubit.index[0] for qubit in each.qubits],
        )
        for each in found.get_commands()
    ]
    # Routing adds registers of its own.
    maps = (
        {q.index[0]: place.index[0] for q, place in each.items() if q.reg_name == "q"}
        for each in (unit.initial_map, unit.final_map)
    )
    first, last = maps
    origin = {
        after.index[0]: before.index[0]
        for before, after in found.implicit_qubit_permutation().items()
    }
    wires = range(request["qubits"])
    return {
        "gates": gates,
        "seconds": seconds,
        "first": [first[wire] for wire in wires],
        "last": [origin[last[wire]] for wire in wires],
    }


OPERATORS = {
    **{"h": "Hadamard", "x": "PauliX", "s": "S", "t": "T", "cx": "CNOT", "cz": "CZ"},
    **{"rx": "RX", "ry": "RY", "rz": "RZ", "cp": "ControlledPhaseShift"},
    **{"rxx": "IsingXX", "ryy": "IsingYY", "rzz": "IsingZZ"},
    **{"swap": "SWAP", "ccx": "Toffoli", "mcx": "MultiControlledX"},
}
LEFT = {
    **{"RX": "rx", "RY": "ry", "RZ": "rz", "CNOT": "cx"},
    **{"Hadamard": "h", "PauliX": "x"},
}


def catalyst(request: dict[str, Any]) -> dict[str, Any]:
    """Catalyst's passes on what PennyLane decomposes, with parity_synth or without."""
    import pennylane as qml

    qml.decomposition.enable_graph()
    operations = []
    for name, angles, wires in request["gates"]:
        if name == "tdg":
            operations.append(qml.adjoint(qml.T(wires)))
        else:
            operations.append(getattr(qml, OPERATORS[name])(*angles, wires=wires))
    (tape,), _ = qml.transforms.decompose(
        qml.tape.QuantumScript(operations), gate_set={*LEFT, "GlobalPhase"}
    )
    start = time.perf_counter()
    found = [
        left_by_catalyst(tape.operations, request["qubits"], networks)
        for networks in (False, True)
    ]
    same = list(range(request["qubits"]))
    return {
        "gates": min(found, key=lambda gates: sum(g[0] == "cx" for g in gates)),
        "seconds": time.perf_counter() - start,
        "first": same,
        "last": same,
    }


def left_by_catalyst(operations: Any, qubits: int, networks: bool) -> list[Any]:
    """What Catalyst's passes leave of operations, from the LLVM dialect."""
    import pennylane as qml
    from catalyst import passes, qjit

    def circuit() -> Any:
        for each in operations:
            qml.apply(each)
        return qml.state()

    node = qml.QNode(circuit, qml.device("null.qubit", wires=qubits))
    node = passes.merge_rotations(passes.cancel_inverses(node))
    if networks:
        node = passes.parity_synth(node)
    node = passes.merge_rotations(passes.cancel_inverses(node))
    text = qjit(target="mlir")(node).mlir_opt
    values: dict[str, Any] = {}
    gates = []
    constant = r"(%\w+) = llvm.mlir.constant\(([-+.\w]+) : (?:f64|i64)\)"
    element = (
        r"(%\w+) = llvm.call @__catalyst__rt__array_get_element_ptr_1d\(%\w+, (%\w+)\)"
    )
    loaded = r"(%\w+) = llvm.load (%\w+)"
    called = r"llvm.call @__catalyst__qis__(\w+)\(([^)]*)\)"
    for line in text.splitlines():
        if (found := re.search(constant, line)) is not None:
            values[found[1]] = float(found[2])
        elif (found := re.search(f"{element}|{loaded}", line)) is not None:
            name, source = found[1] or found[3], found[2] or found[4]
            values[name] = values.get(source)
        elif (found := re.search(called, line)) is not None and found[1] in LEFT:
            # The last operand is what adjoints and controls are told by.
            operands = [values[each] for each in found[2].split(", ")[:-1]]
            count = len(operands) - found[1].startswith("R")
            angles, wires = operands[:-count], operands[-count:]
            gates.append((LEFT[found[1]], angles, [int(wire) for wire in wires]))
    return gates


def main() -> None:
    """Answer requests until there are none."""
    packages = {
        "qiskit": (qiskit, "qiskit"),
        "pytket": (pytket, "pytket"),
        "catalyst": (catalyst, "pennylane-catalyst"),
    }
    versions = {}
    for name, (_, package) in packages.items():
        try:
            versions[name] = version(package)
        except PackageNotFoundError:
            continue
    print(json.dumps(versions), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        run, _ = packages[request["optimiser"]]
        print(json.dumps(run(request)), flush=True)


if __name__ == "__main__":
    main()
