"""Compare passes with the optimisers of others: what is left of circuits, and when.

Each optimiser gets the same gates and the same set {RZ, SX, X, CNOT}; what it returns
is counted by one function, and checked against the circuit on a random state. Writes
optimisers.jsonl and RESULTS.md.
"""

import argparse
import json
import subprocess
import time
from collections.abc import Callable, Iterator
from math import pi
from pathlib import Path
from typing import Any

import jax
import numpy as np
from columns import ROOT
from optimised_circuits import FAMILIES, Gates
from report import report
from results import Results
from structured_programs import STRUCTURED
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp

import qjit as qj
from qjit.dialects.interpreter.quantum import run_module
from qjit.dialects.quantum import AllocOp, BarrierOp, ExtractOp, GateOp
from qjit.dialects.targets import ALL_PAIRS, STATEVECTOR
from qjit.lowering.importer.program import import_program
from qjit.lowering.passes.circuits.gates import Gate, read_gate
from qjit.lowering.passes.pipeline import find_step
from qjit.lowering.passes.presets import circuit_passes
from qjit.lowering.passes.quantum.routing.coupling import CouplingGraph, parse_coupling

HERE = Path(__file__).parent
RECORDS = HERE / "optimisers.jsonl"
PEERS = {
    "qiskit": ".venv-optimisers",
    "pytket": ".venv-optimisers",
    "catalyst": ".venv-catalyst",
}
ROUTING = ("qiskit", "pytket")
LARGEST_CHECKED = 10
TOLERANCE = 1e-8
COUPLINGS = ("line", "grid", "heavy-hex")
# Names in OpenQASM's standard library, and ours.
OURS: dict[str, Callable[..., Any]] = {
    **{"h": qj.H, "x": qj.X, "s": qj.S, "t": qj.T, "cx": qj.CNOT, "cz": qj.CZ},
    **{"rx": qj.RX, "ry": qj.RY, "rz": qj.RZ, "cp": qj.ControlledPhaseShift},
    **{"rxx": qj.IsingXX, "ryy": qj.IsingYY, "rzz": qj.IsingZZ},
    **{"swap": qj.SWAP, "ccx": qj.Toffoli, "mcx": qj.MultiControlledX},
    "tdg": lambda wires: qj.RZ(-pi / 4, wires=wires),
}


def preset(level: int, coupling: str = ALL_PAIRS) -> list[str]:
    """Return the passes of a level with this table's gates, and routing."""
    gates = "decompose-gates{gates=RZ,SX,X,CNOT}"
    device = STATEVECTOR.adapted(coupling=coupling, pipeline=f"hardware:{level}")
    names = circuit_passes(device)
    return [gates if name == "decompose-gates" else name for name in names]


def apply(module: ModuleOp, passes: list[str]) -> dict[str, float]:
    """Run passes, and return the seconds of each by name."""
    context = Context(allow_unregistered=True)
    seconds: dict[str, float] = {}
    for text in passes:
        step = find_step(text)
        start = time.perf_counter()
        step.found().apply(context, module)
        found = time.perf_counter() - start
        seconds[step.name] = seconds.get(step.name, 0.0) + found
    module.verify()
    return seconds


def program(gates: Gates, qubits: int, known: bool) -> Any:
    """Return a circuit on |0…0>, or on a product state that passes do not know."""

    @qj.qnode(wires=qubits)
    def circuit(angles: Any) -> Any:
        if not known:
            for wire in range(qubits):
                qj.RY(angles[wire], wires=wire)
            qj.Barrier(range(qubits))
        for name, params, wires in gates:
            OURS[name](*params, wires=wires)
        return qj.state()

    return circuit


def ours(gates: Gates, qubits: int, passes: list[str], known: bool) -> dict[str, Any]:
    """Return what passes leave of gates, checked by what the module means."""
    angles = np.random.default_rng(7).uniform(0, pi, qubits)
    closed = jax.make_jaxpr(program(gates, qubits, known))(angles)
    module = import_program(closed, name="main").module
    seconds = apply(module, passes)
    if qubits <= LARGEST_CHECKED:
        turns: Gates = [("ry", (angles[wire],), (wire,)) for wire in range(qubits)]
        found = np.zeros(2**qubits, np.complex128)
        run_module(module, [angles, found])
        before = [] if known else turns
        check([*before, *gates], np.eye(1, 2**qubits)[0], found, qubits)
    return {"gates": gates_of(module), "seconds": seconds}


def gates_of(module: ModuleOp) -> Gates:
    """Return the gates behind the barrier, or all, on wires of the register."""
    found: Gates = []
    wires: dict[Any, int] = {}
    vertices: list[int] = []
    for op in module.walk():
        if isinstance(op, AllocOp):
            placed = op.attributes.get("vertices")
            vertices = list(placed.get_values()) if placed else []
        if isinstance(op, ExtractOp):
            wire = int(op.wire)
            wires[op.results[0]] = vertices[wire] if vertices else wire
        if isinstance(op, BarrierOp):
            wires |= {
                after: wires[before]
                for before, after in zip(op.operands, op.results, strict=True)
            }
            found.clear()
        if isinstance(op, GateOp):
            each = read_gate(op, wires)
            qubits = zip(op.qubits, op.results, strict=True)
            wires |= {after: wires[before] for before, after in qubits}
            if each.name != "GlobalPhase":
                name = NAMES[each.record.name]
                angles = tuple(float(p.known or 0) for p in each.params)
                found.append((name, angles, each.wires))
    return found


NAMES = {"X": "x", "SX": "sx", "RZ": "rz", "CNOT": "cx"}


def matrix(name: str, angles: tuple[float, ...], size: int) -> Any:
    """Return the matrix of a gate, its first wire most significant."""
    record = {"tdg": "T", "mcx": "X", "cp": "PhaseShift"}.get(name)
    record = record or OURS.get(name, qj.SX).__name__
    base = {"CNOT": "X", "CZ": "Z", "Toffoli": "X"}.get(record, record)
    found = Gate(base, tuple(range(len(GATE_WIRES.get(base, "1")))), *angles).matrix({})
    if name == "tdg":
        found = found.conj().T
    full = np.eye(2**size, dtype=np.complex128)
    full[-len(found) :, -len(found) :] = found
    return full


GATE_WIRES = dict.fromkeys(("SWAP", "IsingXX", "IsingYY", "IsingZZ"), "12")


def run(gates: Gates, state: Any, qubits: int) -> Any:
    """Return the state after gates, as a tensor with an axis for each qubit."""
    state = state.reshape((2,) * qubits)
    for name, angles, wires in gates:
        size = len(wires)
        tensor = matrix(name, tuple(angles), size).reshape((2,) * (2 * size))
        state = np.tensordot(tensor, state, (range(size, 2 * size), wires))
        state = np.moveaxis(state, range(size), wires)
    return state


def check(gates: Gates, start: Any, found: Any, qubits: int) -> None:
    """Stop where a state is not that after gates, up to its phase."""
    expected = run(gates, start, qubits).ravel()
    overlap = abs(np.vdot(expected, found.ravel()))
    if abs(overlap - 1) > TOLERANCE:
        raise ValueError(f"A result is wrong: its overlap is {overlap}.")


def check_peer(request: dict[str, Any], answer: dict[str, Any]) -> None:
    """Stop where a peer's gates, from where it puts qubits to where it leaves them."""
    qubits = request["qubits"]
    first, last = answer["first"], answer["last"]
    used = {wire for _, _, wires in answer["gates"] for wire in wires}
    places = sorted(used | {*first, *last})
    number = {place: index for index, place in enumerate(places)}
    if len(places) > LARGEST_CHECKED + 4:
        return
    random = np.random.default_rng(3)
    state = random.normal(size=2**qubits) + 0j
    state /= np.linalg.norm(state)
    spare = len(places) - qubits
    whole = np.zeros((2,) * len(places), complex)
    rest = [place for place in places if place not in first]
    given = np.multiply.outer(state.reshape((2,) * qubits), np.eye(1, 2**spare)[0])
    axes = [number[place] for place in (*first, *rest)]
    whole = np.moveaxis(given.reshape((2,) * len(places)), range(len(places)), axes)
    inner = [(n, a, tuple(number[w] for w in wires)) for n, a, wires in answer["gates"]]
    after = run(inner, whole, len(places))
    rest = [place for place in places if place not in last]
    order = [number[place] for place in (*last, *rest)]
    found = after.transpose(order).reshape(2**qubits, -1)[:, 0]
    check(request["gates"], state, found, qubits)


def counts(gates: Gates) -> dict[str, int]:
    """Return the numbers of gates, two-qubit gates, layers, and RZ that need T."""
    depths: dict[int, int] = {}
    for _, _, wires in gates:
        layer = 1 + max(depths.get(wire, 0) for wire in wires)
        depths |= dict.fromkeys(wires, layer)
    turns = [angles[0] / (pi / 2) for name, angles, _ in gates if name == "rz"]
    return {
        "gates": len(gates),
        "two": sum(len(wires) == 2 for _, _, wires in gates),
        "depth": max(depths.values(), default=0),
        "t": sum(abs(turn - round(turn)) > 1e-9 for turn in turns),
    }


class Peers:
    """The processes of the peers, each in its environment, started when asked."""

    def __init__(self) -> None:
        self.processes: dict[str, subprocess.Popen[str]] = {}
        self.versions: dict[str, str] = {}

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return what a peer answers."""
        peer = request["optimiser"]
        process = self._process(peer)
        assert process.stdin
        print(json.dumps(request), file=process.stdin, flush=True)
        return self._answer(process)

    def _process(self, peer: str) -> "subprocess.Popen[str]":
        environment = PEERS[peer]
        if environment not in self.processes:
            python = ROOT / environment / "bin" / "python"
            process = subprocess.Popen(
                [python, HERE / "optimiser_peers.py"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            self.processes[environment] = process
            found = self._answer(process)
            self.versions |= {k: v for k, v in found.items() if PEERS[k] == environment}
        return self.processes[environment]

    def _answer(self, process: "subprocess.Popen[str]") -> dict[str, Any]:
        assert process.stdout
        line = process.stdout.readline()
        if not line:
            raise SystemExit("A peer's process ended; its error is above.")
        return json.loads(line)

    def close(self) -> None:
        """End them."""
        for process in self.processes.values():
            assert process.stdin
            process.stdin.close()
            process.wait()


def cases(names: list[str]) -> Iterator[tuple[str, int, str]]:
    """Yield families, sizes and couplings."""
    for name, (_, sizes, routed) in FAMILIES.items():
        if not names or name in names:
            yield from ((name, size, "") for size in sizes)
            yield from ((name, size, each) for size in routed for each in COUPLINGS)


def coupling_text(coupling: str, size: int) -> str:
    """Return the text of a graph with as many vertices as needed, or some more."""
    texts = {"grid": f"grid:2x{(size + 1) // 2}", "heavy-hex": "heavy-hex:3"}
    return texts.get(coupling, coupling)


def measure(
    name: str,
    size: int,
    coupling: str,
    peers: Peers,
    known: dict[str, Any],
) -> dict[str, Any]:
    """Return the record of a case: what each optimiser leaves that is not known."""
    gates = FAMILIES[name][0](size)
    text = coupling_text(coupling, size)
    graph = parse_coupling(text, size) if text else None
    edges = [list(edge) for edge in graph.edges] if graph else []
    found = {
        "input": ours(gates, size, preset(0), known=False),
        "ours": ours(gates, size, preset(3, text or ALL_PAIRS), known=False),
        "zeros": ours(gates, size, preset(3, text or ALL_PAIRS), known=True),
    }
    for peer in ROUTING if graph else PEERS:
        if peer in known:
            continue
        request = {"qubits": size, "gates": gates, "edges": edges, "optimiser": peer}
        found[peer] = peers.ask(request)
        if size <= LARGEST_CHECKED:
            check_peer(request, found[peer])
    record: dict[str, Any] = {"circuit": name, "qubits": size, "coupling": coupling}
    record |= {peer: known[peer] for peer in PEERS if peer in known}
    for key, each in found.items():
        if graph and key != "input":
            check_coupling(f"{name}, {key}", each["gates"], graph)
        record[key] = counts(each["gates"]) | {"seconds": each["seconds"]}
    return record


def check_coupling(what: str, gates: Gates, graph: CouplingGraph) -> None:
    """Stop where gates are on pairs of qubits that no edge connects."""
    allowed = {*graph.edges, *((b, a) for a, b in graph.edges)}
    pairs = {tuple(wires) for _, _, wires in gates if len(wires) == 2}
    if not pairs <= allowed:
        raise SystemExit(f"{what}: there are gates off the coupling graph.")


def measure_structured(name: str, trips: int) -> dict[str, Any]:
    """Return the gates in the IR of a program with control flow, before and after."""
    circuit = STRUCTURED[name](trips)
    module = import_program(jax.make_jaxpr(circuit)(0.3), name="main").module
    apply(module, preset(0))
    before = sum(isinstance(op, GateOp) for op in module.walk())
    seconds = apply(module, preset(3))
    after = sum(isinstance(op, GateOp) for op in module.walk())
    return {
        "program": name,
        "trips": trips,
        "before": before,
        "after": after,
        "seconds": seconds,
    }


def main() -> None:
    """Measure the families asked for, keep other records, and write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", metavar="FAMILY", default=[])
    parser.add_argument(
        "--ours", action="store_true", help="keep what was measured of the peers"
    )
    options = parser.parse_args()
    jax.config.update("jax_enable_x64", True)
    lines = RECORDS.read_text().splitlines() if RECORDS.exists() else []
    kept = [json.loads(line) for line in lines]
    records = [r for r in kept if options.only and r.get("circuit") not in options.only]
    records = [r for r in records if "circuit" in r]
    old = {
        (r["circuit"], r["qubits"], r["coupling"]): r
        for r in kept
        if "circuit" in r and options.ours
    }
    peers = Peers()
    if old:
        peers.versions |= kept[0]["versions"]
    for case in cases(options.only):
        start = time.perf_counter()
        records.append(measure(*case, peers, old.get(case, {})))
        two = {k: v["two"] for k, v in records[-1].items() if isinstance(v, dict)}
        print(*case, two, f"{time.perf_counter() - start:.1f} s", flush=True)
    peers.close()
    facts = {"versions": {each: peers.versions[each] for each in PEERS}}
    order = {case: index for index, case in enumerate(cases([]))}
    records.sort(key=lambda r: order[r["circuit"], r["qubits"], r["coupling"]])
    records += [measure_structured(n, t) for n in STRUCTURED for t in (10, 10_000)]
    text = "\n".join(json.dumps(each) for each in (facts, *records))
    RECORDS.write_text(text + "\n")
    (HERE / "RESULTS.md").write_text(report(Results(HERE / "results.jsonl")))


if __name__ == "__main__":
    main()
