"""What hardware has: checks of the gates and the neighbours that users say of it."""

from collections.abc import Iterable, Mapping
from typing import Any

from qjit.dialects.gates import find_gate
from qjit.dialects.gates.spelling import read_spelling, spelled
from qjit.dialects.targets import ALL_PAIRS, SIMULATE
from qjit.errors import ParameterError
from qjit.lowering.jax_internals.tracing import user_line
from qjit.lowering.passes.presets import PRESETS
from qjit.lowering.passes.quantum.routing.coupling import (
    CouplingError,
    graph_of,
    parse_coupling,
)

Pair = tuple[int, int]


def coupling_text(coupling: Any, errors: Mapping[Pair, float] | None = None) -> str:
    """Return a coupling graph as the pass `route-qubits` takes it.

    Raises:
        ParameterError: for what is no coupling graph, or errors of what is no edge.
    """
    try:
        return _text(coupling, errors or {})
    except CouplingError as error:
        raise ParameterError(f"{user_line()}: {error}") from error


def _text(coupling: Any, errors: Mapping[Pair, float]) -> str:
    if isinstance(coupling, str) and not errors:
        parse_coupling(coupling, 2)
        return "".join(coupling.split())
    if isinstance(coupling, str):
        size = 1 + max(map(max, errors))
        pairs: list[Pair] = list(parse_coupling(coupling, size).edges)
    else:
        pairs = _pairs(coupling)
    graph = graph_of(pairs, errors=errors)
    if unknown := set(graph.errors) - set(graph.edges):
        a, b = min(unknown)
        raise CouplingError(f"there is an error for {a}-{b}, which is no edge.")
    each = (
        f"{a}-{b}:{graph.errors.get((a, b), 0.0)}" if errors else f"{a}-{b}"
        for a, b in graph.edges
    )
    text = ",".join(each)
    parse_coupling(text, graph.num_vertices)
    return text


def _pairs(coupling: Any) -> list[Pair]:
    """Return the edges of pairs or of a graph, whose nodes are numbered in order."""
    if hasattr(coupling, "edge_list"):
        found: Iterable[Any] = coupling.edge_list()
    elif hasattr(coupling, "edges") and hasattr(coupling, "nodes"):
        number = {node: index for index, node in enumerate(coupling.nodes)}
        found = [(number[a], number[b]) for a, b in coupling.edges]
    else:
        found = coupling
    try:
        return [(int(a), int(b)) for a, b in found]
    except (TypeError, ValueError) as error:
        raise CouplingError(
            "a coupling graph is a text, pairs of numbers, or a graph of networkx or "
            f"rustworkx, but got {type(coupling).__name__}."
        ) from error


def checked_gates(gates: Any) -> frozenset[str]:
    """Return names of gates as the table has them.

    Raises:
        ParameterError: for what is no gate, nor the adjoint of one.
    """
    given = list(gates) if isinstance(gates, Iterable) else [gates]
    if isinstance(gates, str):
        given = [gates]
    found: set[str] = set()
    for name in map(str, given):
        bare, adjoint = read_spelling(name)
        record = find_gate(bare)
        if record is None:
            raise ParameterError(
                f"{user_line()}: device takes gates by their names, such as 'RZ', but "
                f"got {name!r}."
            )
        found.add(spelled(record.name, adjoint))
    return frozenset(found)


def checked_pipeline(pipeline: Any, coupling: str) -> str:
    """Return the name of a pipeline.

    Raises:
        ParameterError: if there is none of this name, or if it does not route to a
            coupling graph.
    """
    if pipeline not in PRESETS:
        raise ParameterError(
            f"{user_line()}: device takes the name of a pipeline, one of "
            f"{', '.join(PRESETS)}, but got {pipeline!r}."
        )
    if pipeline == SIMULATE and coupling != ALL_PAIRS:
        raise ParameterError(
            f"{user_line()}: the pipeline '{SIMULATE}' does not route to the coupling "
            f"'{coupling}'. Choose one from 'hardware:0' to 'hardware:3'."
        )
    return pipeline
