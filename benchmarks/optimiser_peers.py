"""Circuits as Qiskit and pytket optimise them; runs in an environment of its own.

Reads lines of JSON, each a circuit with a coupling graph and the name of a peer, and
answers each with the gates that are left, the seconds it took, and where qubits are.
"""

import json
import sys
import time
from importlib.metadata import version
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


def main() -> None:
    """Answer requests until there are none."""
    peers = {"qiskit": qiskit, "pytket": pytket}
    print(json.dumps({name: version(name) for name in peers}), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        print(json.dumps(peers[request["optimiser"]](request)), flush=True)


if __name__ == "__main__":
    main()
