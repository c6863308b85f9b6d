"""Routed programs have two-qubit gates on edges only, and mean what they meant."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import qjit as qj
from qjit.lowering.passes.quantum.routing.adjacency import distant_gates
from qjit.lowering.passes.quantum.routing.coupling import parse_coupling
from tests.lowering.passes.test_pass_meaning import examples, numbers
from tests.programs.test_programs import Block, Gate, Program, blocks, run
from tests.support.oracle import Compiled
from tests.support.pass_meaning import (
    ANGLES,
    NAMES,
    SLOPES,
    TOLERANCE,
    Imported,
)

GRAPHS = ("line", "ring", "star", "grid:2x3", "0-1:0.01,1-2:0.1,1-3:0.02,3-4:0.3,4-5:0")


def _gates() -> st.SearchStrategy[Any]:
    angle = st.tuples(st.sampled_from(ANGLES), st.sampled_from(SLOPES))
    return st.builds(
        Gate,
        st.sampled_from((*NAMES, "CNOT", "CNOT", "IsingXY")),
        st.tuples(angle, angle, angle),
        st.permutations(range(6)).map(tuple),
        st.just(False),
    )


def _routable(program: Program) -> Program:
    """The program with gates on two wires at most, and loops of known length."""
    kinds = {"ctrl": "cond"}
    return tuple(
        Block(
            kinds.get(each.kind, each.kind),
            each.number,
            _routable(each.body),
            _routable(each.other),
        )
        if isinstance(each, Block)
        else each
        for each in program
    )


def _unrolled(program: Program, inside: bool = False) -> Program:
    """The program without loops of unknown length in inverses."""
    found: list[Any] = []
    for each in program:
        if isinstance(each, Block):
            deeper = inside or each.kind == "adjoint"
            kind = "fori" if deeper and each.kind == "while" else each.kind
            body, other = (_unrolled(b, deeper) for b in (each.body, each.other))
            each = Block(kind, each.number, body, other)
        found.append(each)
    return tuple(found)


programs = (
    st.lists(st.recursive(_gates(), blocks, max_leaves=12), min_size=1, max_size=14)
    .map(tuple)
    .map(_routable)
    .map(_unrolled)
)
sizes = st.integers(4, 6)
graphs = st.sampled_from(GRAPHS)


def _route(coupling: str, **options: int) -> str:
    more = "".join(f" {name}={value}" for name, value in options.items())
    return f'route-qubits{{coupling="{coupling}"{more}}}'


def _check(circuit: Any, args: Sequence[Any], wires: int, coupling: str) -> None:
    imported = Imported(circuit, *args)
    expected = imported.results()
    module = imported.after([_route(coupling, trials=1)])
    assert distant_gates(module, parse_coupling(coupling, wires)) == []
    for result, other in zip(imported.results(module), expected, strict=True):
        np.testing.assert_allclose(result, other, atol=TOLERANCE)


@examples
@given(programs, *numbers, sizes, graphs)
def test_states_stay(
    program: Program, x: float, index: int, wires: int, coupling: str
) -> None:
    @qj.qnode(wires=wires)
    def circuit(x: Any, index: Any) -> Any:
        run(Compiled(), program, range(wires), x, index)
        return qj.state()

    _check(circuit, (x, index), wires, coupling)


@examples
@given(programs, programs, programs, *numbers, sizes, graphs)
def test_outcomes_stay(
    before: Program,
    then: Program,
    after: Program,
    x: float,
    index: int,
    wires: int,
    coupling: str,
) -> None:
    @qj.qnode(wires=wires)
    def circuit(x: Any, index: Any) -> Any:
        m = Compiled()
        run(m, before, range(wires), x, index)
        outcome = qj.measure(0)

        def branch() -> None:
            run(m, then, range(wires), x, index)

        qj.cond(outcome, branch)()
        run(m, after, range(wires), x, index)
        qj.reset(1)
        run(m, then, range(wires), x, index)
        return qj.probs(wires=[2, 0]), qj.expval(outcome), qj.expval(qj.Z(3))

    _check(circuit, (x, index), wires, coupling)
