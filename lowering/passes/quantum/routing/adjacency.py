"""The check of a routed program: where each gate stands."""

from collections.abc import Collection

from xdsl.dialects.builtin import DenseArrayBase, ModuleOp
from xdsl.ir import Operation, SSAValue

from qjit.dialects.quantum import (
    AllocOp,
    ExtractOp,
    GateOp,
    InsertOp,
    MeasureOp,
    PassThrough,
    ResetOp,
    UnitaryOp,
)
from qjit.dialects.quantum.types import RegisterType

from .coupling import CouplingGraph
from .interactions import Examples, interaction


def distant_gates(module: ModuleOp, graph: CouplingGraph) -> list[Operation]:
    """Return what of a routed program does not stand where it should.

    These are gates on two wires that are no edge of the graph, and qubits that are put
    back elsewhere before the register is looked at for the last time. The place of a
    qubit is the wire at which it was taken out of its register: gates and measurements
    leave it there.
    """
    vertices = _vertices(module)
    places, examples = dict[SSAValue, int](), Examples()
    found: list[Operation] = []
    for op in module.walk():
        match op:
            case ExtractOp():
                assert isinstance(op.wire, int)
                places[op.qubit] = op.wire
            case GateOp() | UnitaryOp():
                on = interaction(op, places, examples).qubits
                if len(on) == 2 and not _is_edge(graph, vertices, on):
                    found.append(op)
                for before, after in zip(op.qubits, op.results, strict=True):
                    places[after] = places[before]
            case PassThrough():
                for before, after in zip(op.qubits, op.results, strict=True):
                    places[after] = places[before]
            case MeasureOp() | ResetOp():
                places[op.out_qubit] = places[op.qubit]
            case InsertOp():
                if places[op.qubit] != op.wire and not _is_last(op.out_register):
                    found.append(op)
            case _:
                pass
    return found


def _vertices(module: ModuleOp) -> Collection[tuple[int, ...]]:
    found: set[tuple[int, ...]] = set()
    for op in module.walk():
        if isinstance(op, AllocOp):
            vertices = op.attributes["vertices"]
            assert isinstance(vertices, DenseArrayBase)
            found.add(tuple(map(int, vertices.get_values())))
    return found


def _is_edge(
    graph: CouplingGraph,
    vertices: Collection[tuple[int, ...]],
    wires: tuple[int, ...],
) -> bool:
    """Tell whether wires are an edge on the vertices of each register."""
    a, b = wires
    return all(
        each[b] in graph.neighbours[each[a]]
        for each in vertices
        if max(wires) < len(each)
    )


def _is_last(register: SSAValue) -> bool:
    """Tell whether a register is only looked at."""
    for use in register.uses:
        op = use.operation
        if isinstance(op, ExtractOp):
            return False
        for result in op.results:
            if isinstance(result.type, RegisterType) and not _is_last(result):
                return False
    return True
