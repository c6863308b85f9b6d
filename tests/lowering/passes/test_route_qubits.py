"""Routed programs have two-qubit gates on edges only, and mean what they meant."""

import random
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from xdsl.dialects import scf

import qjit as qj
from qjit.lowering.passes.circuits.gates import Gate as GateOnWires
from qjit.lowering.passes.pipeline import PassError, PipelineError, find_step
from qjit.lowering.passes.quantum.routing import route_program
from qjit.lowering.passes.quantum.routing.adjacency import distant_gates
from qjit.lowering.passes.quantum.routing.coupling import parse_coupling
from qjit.lowering.passes.quantum.routing.dependencies import Interaction, dependencies
from qjit.lowering.passes.quantum.routing.interactions import in_blocks
from qjit.lowering.passes.quantum.routing.sabre import (
    Heuristic,
    Start,
    Swap,
    route,
)
from qjit.lowering.passes.quantum.routing.token_swapping import swaps_between
from qjit.lowering.passes.quantum.routing.vertices import (
    Placement,
    connected_parts,
    place_qubits,
)
from tests.lowering.passes.test_pass_meaning import examples, numbers
from tests.programs.test_programs import Block, Gate, Program, blocks, run
from tests.support.oracle import Compiled
from tests.support.pass_meaning import (
    ANGLES,
    NAMES,
    SLOPES,
    TOLERANCE,
    Imported,
    gate_names,
)

ALLOC = "quantum.alloc"
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


def _outcomes(before: Program, then: Program, after: Program, wires: int) -> Any:
    """Return a circuit that measures and resets, and looks at some wires at the end."""

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

    return circuit


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
    _check(_outcomes(before, then, after, wires), (x, index), wires, coupling)


def _wide(gates: Any, graph: Any, *, most: int, **_: Any) -> Placement:
    """Place qubits on two vertices more, in reverse."""
    size = gates.num_qubits
    part = connected_parts(graph, min(size + 2, most))[0]
    return Placement(part, Start(tuple(reversed(range(size))), Heuristic(), 0))


@examples
@given(programs, programs, programs, *numbers, sizes)
def test_outcomes_stay_where_registers_grow(
    before: Program, then: Program, after: Program, x: float, index: int, wires: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(route_program, "place_qubits", _wide)
        circuit = _outcomes(before, then, after, wires)
        _check(circuit, (x, index), wires, "grid:3x3")


def _sizes(module: Any) -> list[int]:
    return [op.register.type.size.data for op in module.walk() if op.name == ALLOC]


def test_registers_grow_where_that_saves_swaps() -> None:
    generator = random.Random(0)
    pairs = [generator.sample(range(5), 2) for _ in range(20)]

    def circuit(last: Callable[[], Any]) -> Imported:
        @qj.qnode(wires=5)
        def made(x: Any) -> Any:
            for number, pair in enumerate(pairs):
                qj.RY(x * number, number % 5)
                qj.CRX(x + number, pair)
            return last()

        return Imported(made, 0.3)

    def after(imported: Imported) -> Any:
        return imported.after([_route("grid:3x3")])

    matrix = np.diag([1.0, 2.0, 3.0, 4.0])
    grown = circuit(
        lambda: (
            qj.probs(),
            qj.density_matrix([1, 0]),
            qj.var(qj.Hermitian(matrix, wires=[2, 1]) + qj.X(4)),
        )
    )
    module = after(grown)
    assert _sizes(module) == [6]
    for found, expected in zip(grown.results(module), grown.results(), strict=True):
        np.testing.assert_allclose(found, expected, atol=TOLERANCE)
    kept = after(circuit(qj.state))
    assert _sizes(kept) == [5]
    assert gate_names(module).count("SWAP") < gate_names(kept).count("SWAP")


def test_barriers_stay_between_gates() -> None:
    @qj.qnode(wires=4)
    def circuit(x: Any) -> Any:
        qj.H(0)
        qj.SWAP([0, 1])
        qj.CRX(x, [1, 3])
        qj.Barrier([3, 0, 1])
        qj.CRY(x, [3, 0])
        qj.Barrier()
        qj.CNOT([2, 0])
        return qj.state()

    _check(circuit, (0.3,), 4, "line")


def _fourier_transform(size: int) -> list[Interaction]:
    found: list[Interaction] = []
    for target in range(size):
        found.append(Interaction((target,), (None,)))
        for control in range(target + 1, size):
            found.append(Interaction((control, target), ("Z", "Z")))
    return found


def _num_swaps(gates: list[Interaction], coupling: str, size: int) -> int:
    known = dependencies(gates, size)
    graph = parse_coupling(coupling, size)
    placed = place_qubits(known, graph, trials=8, seed=0)
    (found,) = route(known, graph.within(placed.vertices), [placed.start])
    assert sum(not isinstance(move, Swap) for move in found.moves) == len(known.pairs)
    return found.num_swaps


@pytest.mark.parametrize("size", [5, 8, 12])
def test_the_fourier_transform_on_a_line(size: int) -> None:
    """The known best: each pair meets once, and all but n - 1 meetings need a SWAP."""
    pairs = size * (size - 1) // 2
    assert _num_swaps(_fourier_transform(size), "line", size) == pairs - (size - 1)


def test_neighbouring_gates_on_a_pair_are_one() -> None:
    flip = GateOnWires("CNOT", (0, 1)).matrix({})
    turn = GateOnWires("RZ", 0, 0.3).matrix({})
    pair = Interaction((0, 1), ("Z", "X"), flip, 1, 2)
    single = [Interaction((wire,), ("Z",), turn) for wire in (0, 1)]
    other = Interaction((1, 2), (None, None), flip)
    found, groups = in_blocks([pair, single[0], single[1], pair, single[1], other])
    assert groups == [[0, 1, 2, 3], [4], [5]]
    both = found[0]
    assert (both.bases, both.num_flips, both.num_exchanged) == (("Z", "Z"), 2, 3)


def test_swaps_meet_gates_on_a_line() -> None:
    """All ZZ on a line: a SWAP that meets a gate is one CNOT more, and not three."""
    size = 6

    @qj.qnode(wires=size)
    def circuit() -> Any:
        for a in range(size):
            for b in range(a + 1, size):
                qj.CNOT([a, b])
                qj.RZ(0.1 * (a + 2 * b), b)
                qj.CNOT([a, b])
        return qj.state()

    imported = Imported(circuit)
    module = imported.after([_route("line"), "consolidate-blocks{exchange=false}"])
    assert distant_gates(module, parse_coupling("line", size)) == []
    pairs = size * (size - 1) // 2
    least = 2 * pairs + pairs - (size - 1)
    assert gate_names(module).count("CNOT") <= least + 2
    assert "SWAP" not in gate_names(module)
    for result, other in zip(imported.results(module), imported.results(), strict=True):
        np.testing.assert_allclose(result, other, atol=TOLERANCE)


def test_parts_of_a_device_have_different_shapes() -> None:
    parts = connected_parts(parse_coupling("heavy-hex:3", 5), 5)
    degrees = [
        max(map(len, parse_coupling("heavy-hex:3", 5).within(part).neighbours))
        for part in parts
    ]
    assert degrees[0] == 3
    assert 2 in degrees


@pytest.mark.parametrize(
    ("coupling", "pairs"),
    [
        ("line", [(4, 1), (1, 5), (5, 0), (0, 2), (2, 3)]),
        ("ring", [(4, 1), (1, 5), (5, 0), (0, 2), (2, 3), (3, 4)]),
        ("star", [(3, 0), (3, 1), (3, 2), (3, 4), (3, 5)]),
        ("grid:4x4", [(4, 1), (1, 5), (5, 0), (0, 2), (2, 3), (3, 4), (1, 2)]),
        ("heavy-hex:3", [(4, 1), (1, 5), (1, 0), (0, 2), (2, 3)]),
    ],
)
def test_layouts_that_need_no_swaps(
    coupling: str, pairs: list[tuple[int, int]]
) -> None:
    gates = [Interaction(pair, (None, None)) for pair in pairs * 2]
    assert _num_swaps(gates, coupling, 6) == 0


def test_gates_that_commute_need_fewer_swaps() -> None:
    """On a line, ZZ on all pairs once: all but n - 1 meetings need a SWAP."""
    pairs = [(a, b) for a in range(8) for b in range(a)]
    random.Random(0).shuffle(pairs)
    commuting = [Interaction(pair, ("Z", "Z")) for pair in pairs]
    in_order = [Interaction(pair, (None, None)) for pair in pairs]
    assert _num_swaps(commuting, "line", 8) == 28 - 7
    assert _num_swaps(in_order, "line", 8) > 28 - 7


def test_edges_of_little_error_are_preferred() -> None:
    graph = parse_coupling("0-1:0.2,1-2:0.001,2-3:0.002,3-0:0.3", 2)
    gates = dependencies([Interaction((0, 1), (None, None))], 2)
    assert place_qubits(gates, graph, trials=1, seed=0).vertices == (1, 2)


@given(st.permutations(range(7)), st.sampled_from(["line", "ring", "star", "grid:3x3"]))
def test_tokens_are_swapped_home(end: list[int], coupling: str) -> None:
    graph = parse_coupling(coupling, 7)
    at = list(range(7))
    swaps = swaps_between(graph, at, end)
    for a, b in swaps:
        assert b in graph.neighbours[a]
        at = [b if place == a else a if place == b else place for place in at]
    assert at == list(end)
    if coupling == "line":
        pairs = ((i, j) for j in range(7) for i in range(j))
        assert len(swaps) == sum(end[i] > end[j] for i, j in pairs)


def test_heavy_hexagons() -> None:
    graph = parse_coupling("heavy-hex:3", 2)
    assert graph.num_vertices == 18
    assert max(map(len, graph.neighbours)) == 3
    assert graph.is_connected


@qj.qnode(wires=4)
def _structured(x: Any) -> Any:
    """A circuit with a switch, and with a function that is called twice."""

    def block(angle: Any) -> None:
        for _ in range(5):
            qj.CNOT([0, 2])
            qj.RX(angle, 3)
            qj.CRY(angle, [1, 3])
            qj.CNOT([2, 1])
            qj.RY(angle, 1)

    def first() -> None:
        qj.CNOT([0, 3])

    qj.Hadamard(0)
    jax.jit(block)(x)
    jax.lax.switch(jnp.int32(x * 3), [first, lambda: qj.X(0) and None, first])
    jax.jit(block)(2 * x)
    return qj.expval(qj.Z(0) @ qj.X(1)), qj.state()


@pytest.mark.parametrize("coupling", ["line", "star", "grid:3x3"])
def test_native_programs_mean_the_same(coupling: str) -> None:
    expected = qj.qjit(_structured)(0.4)
    found = qj.qjit(_structured, pipeline=(_route(coupling),))(0.4)
    for result, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(result, other, atol=1e-10)


def test_wires_that_are_computed_in_loops() -> None:
    @qj.qnode(wires=5)
    def circuit(x: Any) -> Any:
        def turn(i: Any, angle: Any) -> Any:
            qj.CRX(angle, [i, (i + 2) % 5])
            return angle / 2

        qj.Hadamard(0)
        jax.lax.fori_loop(0, 5, turn, x)
        return qj.state()

    _check(circuit, (0.3,), 5, "line")


TABLE = np.array([[0, 2], [3, 1], [4, 0]])
WIRES: list[Callable[[Any], tuple[Any, Any]]] = [
    lambda i: (jnp.asarray(TABLE)[i, 0], jnp.asarray(TABLE)[i, 1]),
    lambda i: tuple(jnp.asarray(TABLE)[i - 1]),
    lambda i: (i.astype(jnp.uint8) % jnp.uint8(3), jnp.int8(3) + (i > 1)),
    lambda i: (jnp.abs(i - 2), 4 - jax.lax.population_count(i)),
]


@pytest.mark.parametrize("wires", WIRES)
def test_arithmetic_and_arrays_that_wires_are_computed_from(wires: Any) -> None:
    @qj.qnode(wires=5)
    def circuit(x: Any) -> Any:
        qj.H(0)
        qj.H(3)
        qj.for_loop(0, 3)(lambda i: qj.CRX(x * (i + 1), list(wires(i))))()
        qj.X(jnp.asarray(TABLE)[1, 1])
        return qj.state()

    _check(circuit, (0.3,), 5, "line")


def test_only_loops_on_which_wires_depend_are_written_out() -> None:
    @qj.qnode(wires=3)
    def circuit(x: Any) -> Any:
        def body(_: Any) -> None:
            qj.for_loop(0, 2)(lambda i: qj.CRX(x, [i, 2]))()
            qj.for_loop(0, 3)(lambda i: qj.RX(x * i, 0))()

        qj.for_loop(0, 400_000)(body)()
        return qj.probs()

    def total(x: Any) -> Any:
        return jax.lax.fori_loop(0, 500_000, lambda _, s: s + circuit(x)[0], 0.0)

    module = Imported(total, 0.3).after([_route("line")])
    loops = [op for op in module.walk() if isinstance(op, scf.ForOp)]
    assert len(loops) == 3


def test_loops_of_too_many_turns_are_refused() -> None:
    @qj.qnode(wires=3)
    def circuit(x: Any) -> Any:
        qj.for_loop(0, 200_000)(lambda i: qj.CRX(x, [i % 2, 2]))()
        return qj.probs()

    text = _text(circuit, "line", 0.3)
    assert "more than 200000 operations when each turn is written out" in text


def _text(circuit: Any, coupling: str, *args: Any) -> str:
    with pytest.raises((PassError, PipelineError)) as caught:
        Imported(circuit, *args).after([_route(coupling)])
    return str(caught.value)


def test_refusals() -> None:
    @qj.qnode(wires=3)
    def wide() -> Any:
        qj.Toffoli([0, 1, 2])
        return qj.state()

    @qj.qnode(wires=3)
    def moving(wire: Any) -> Any:
        qj.CNOT([wire, 0])
        return qj.state()

    assert "decompose-gates" in _text(wide, "line")
    assert "wires=2" in _text(wide, "0-1")
    assert "not connected" in _text(wide, "0-1,2-3")
    assert "a wire is computed" in _text(moving, "line", 1)
    assert '"heavy-hex:3"' in _text(wide, "lines")
    assert "from 0 to below 1" in _text(wide, "0-1:2")
    with pytest.raises(PipelineError, match="at least 1 trial"):
        find_step(_route("line", trials=0))


def test_functions_are_routed() -> None:
    graph = SimpleNamespace(nodes=["a", "b", "c"], edges=[("a", "b"), ("b", "c")])
    for coupling in ("line", [(0, 1), (1, 2)], graph):

        @qj.route(coupling=coupling)
        @qj.qnode(wires=3)
        def circuit(x: Any) -> Any:
            qj.RX(x, 0)
            for pair in ([0, 1], [1, 2], [0, 2]):
                qj.CNOT(pair)
            return qj.expval(qj.Z(2))

        text = qj.qjit(circuit).stages(0.3)["qnode-passes"]
        assert text.count('"SWAP"') == 1
        value, slope = qj.qjit(jax.value_and_grad(circuit))(0.3)
        np.testing.assert_allclose((value, slope), (1, 0), atol=1e-10)


@pytest.mark.parametrize(
    ("options", "cause"),
    [
        ({"coupling": "lines"}, "names no coupling graph"),
        ({"coupling": 3}, "but got int"),
        ({"coupling": "line", "trials": 0}, "an integer from 1 as trials"),
        ({"coupling": [(0, 1)], "errors": {(1, 2): 0.1}}, "no edge"),
        ({"coupling": [(0, 0)]}, "two ends"),
    ],
)
def test_what_is_no_coupling(options: dict[str, Any], cause: str) -> None:
    with pytest.raises(qj.errors.ParameterError, match=cause):
        qj.route(_structured, **options)


def test_route_takes_quantum_functions() -> None:
    with pytest.raises(qj.errors.ArgumentError, match="takes a quantum function"):
        qj.route(lambda: None, coupling="line")
