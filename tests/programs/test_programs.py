"""Random programs: compiled, compiled without passes, and simulated agree."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import qjit as qj
from qjit.dialects.gates import GATES
from qjit.dialects.interpreter.quantum import run_module
from qjit.lowering.importer.program import import_program
from tests.support.oracle import Compiled, Reference

WIRES = 4
NAMES = [
    "H",
    "X",
    "Y",
    "S",
    "T",
    "SX",
    "RX",
    "RY",
    "RZ",
    "PhaseShift",
    "Rot",
    "GlobalPhase",
    "CNOT",
    "CZ",
    "CRY",
    "SWAP",
    "ISWAP",
    "IsingXX",
    "IsingXY",
    "IsingZZ",
    "PSWAP",
    "SingleExcitation",
    "Toffoli",
]
SHIFTS = (0.3, -0.2, 0.7)
OBSERVABLE = ([0.7, -0.4, 0.3], ["ZIII", "XYIZ", "IXXI"])


@dataclass(frozen=True)
class Gate:
    """A gate at angles `constant + slope * x`; `moving` wires depend on the index."""

    name: str
    angles: tuple[tuple[float, float], ...]
    places: tuple[int, ...]
    moving: bool


@dataclass(frozen=True)
class Update:
    """The next value of x, the classical state."""

    offset: float


@dataclass(frozen=True)
class Block:
    """Statements in a loop, a branch, an inverse, or under control."""

    kind: str
    number: int
    body: tuple["Statement", ...]
    other: tuple["Statement", ...] = ()


Statement: TypeAlias = Gate | Update | Block
Program: TypeAlias = tuple[Statement, ...]

angles = st.tuples(
    st.sampled_from([0.0, 0.4, -1.3, np.pi / 2]), st.sampled_from([0.0, 1.0, -0.7])
)
gates = st.builds(
    Gate,
    st.sampled_from(NAMES),
    st.tuples(angles, angles, angles),
    st.permutations(range(WIRES)).map(tuple),
    st.booleans(),
)
leaves = st.one_of(gates, gates, gates, st.builds(Update, st.sampled_from([0.1, -1.1])))


def blocks(inner: st.SearchStrategy[Statement]) -> st.SearchStrategy[Statement]:
    """Statements that hold other statements."""
    kinds = st.sampled_from(["fori", "scan", "while", "cond", "adjoint", "ctrl"])
    bodies = st.lists(inner, min_size=1, max_size=4).map(tuple)
    return st.builds(Block, kinds, st.integers(0, 3), bodies, bodies)


statements = st.recursive(leaves, blocks, max_leaves=10)
programs = st.lists(statements, min_size=1, max_size=6).map(tuple)


def differentiable(program: Program, inside: bool = False) -> Program:
    """The program with loops of known length only, at least inside inverses."""
    found: list[Statement] = []
    for each in program:
        if isinstance(each, Block):
            bounded = inside or each.kind == "adjoint"
            kind = "fori" if inside and each.kind == "while" else each.kind
            body, other = (differentiable(b, bounded) for b in (each.body, each.other))
            found.append(Block(kind, each.number, body, other))
        else:
            found.append(each)
    return tuple(found)


def run(m: Any, program: Program, wires: Sequence[int], x: Any, index: Any) -> Any:
    """Run a program on some of the wires and return the classical state."""
    for each in program:
        match each:
            case Gate():
                apply_gate(m, each, wires, x, index)
            case Update(offset):
                x = m.numpy.sin(1.3 * x + 0.2 * index + offset)
            case Block():
                x = run_block(m, each, wires, x, index)
    return x


def apply_gate(m: Any, gate: Gate, wires: Sequence[int], x: Any, index: Any) -> None:
    record = GATES[gate.name]
    count = record.num_wires
    assert count is not None
    if count > len(wires):
        return
    places = [place for place in gate.places if place < len(wires)][:count]
    on: list[Any] = [wires[place] for place in places]
    if gate.moving:
        table = m.numpy.asarray(wires)
        on = [table[(place + index) % len(wires)] for place in places]
    params = [
        constant + slope * x if slope else constant
        for constant, slope in gate.angles[: record.num_params]
    ]
    if count:
        getattr(m, gate.name)(*params, wires=on)
    else:
        getattr(m, gate.name)(*params)


def run_block(m: Any, block: Block, wires: Sequence[int], x: Any, index: Any) -> Any:
    number, body = block.number, block.body
    match block.kind:
        case "fori":
            return m.loop(number, lambda i, x: run(m, body, wires, x, i), x)
        case "while":
            length = (number + index) % 4
            return m.loop(length, lambda i, x: run(m, body, wires, x, i), x)
        case "scan":
            shifts = m.numpy.asarray(SHIFTS[:number])
            return m.scan(lambda x, s: run(m, body, wires, x + s, index), x, shifts)
        case "cond":
            return m.branch(
                x > (0.1, 0.3, -0.3, 0.6)[number],
                lambda: run(m, body, wires, x, index) + 0.0,
                lambda: run(m, block.other, wires, x, index) + 0.0,
            )
        case "adjoint":
            return m.adjoint(lambda: run(m, body, wires, x, index) + 0.0)
        case _:
            if len(wires) < 2:
                return x
            control, *rest = [*wires[number % len(wires) :], *wires][: len(wires)]
            inner = lambda: run(m, body, rest, x, index) + 0.0  # noqa: E731
            return m.ctrl(inner, [control], [number % 2])


examples = settings(
    max_examples=int(os.environ.get("QJIT_EXAMPLES", "16")),
    deadline=None,
    derandomize="QJIT_EXAMPLES" not in os.environ,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def interpreted(circuit: Any, *args: Any) -> list[Any]:
    """Run the imported program by the executable definition of its dialects."""
    closed = jax.make_jaxpr(circuit)(*args)
    module = import_program(closed, name="main").module
    outs = [np.zeros(aval.shape, aval.dtype) for aval in closed.out_avals]
    run_module(module, [*map(np.asarray, args), *outs])
    return outs


@examples
@given(programs.map(differentiable), st.floats(-2, 2), st.integers(0, 3))
def test_compiled_is_simulated(program: Program, x: float, index: int) -> None:
    @qj.qnode(wires=WIRES)
    def circuit(x: Any, index: Any) -> Any:
        x = run(Compiled(), program, range(WIRES), x, index)
        return qj.state(), x

    reference = Reference(np)
    final = run(reference, program, range(WIRES), np.float64(x), index)
    state = reference.state(WIRES)
    runs = [qj.qjit(circuit, pipeline=pipeline)(x, index) for pipeline in (None, ())]
    for found, classical in (*runs, interpreted(circuit, x, index)):
        np.testing.assert_allclose(found, state, atol=1e-10)
        np.testing.assert_allclose(classical, final, atol=1e-10)


@examples
@given(
    programs.map(lambda program: differentiable(program, True)),
    st.floats(-2, 2),
    st.integers(0, 3),
)
def test_gradient_is_the_simulators(program: Program, x: float, index: int) -> None:
    def energy(m: Any, x: Any, index: Any) -> Any:
        run(m, program, range(WIRES), x, index)
        return m.expval(*OBSERVABLE)

    circuit = qj.qnode(wires=WIRES)(lambda x, index: energy(Compiled(), x, index))
    wanted = jax.value_and_grad(lambda x: energy(Reference(), x, index))(x)
    found = qj.qjit(jax.value_and_grad(circuit))(x, index)
    np.testing.assert_allclose(found, wanted, atol=1e-10)
    jitted = jax.jit(jax.value_and_grad(circuit))(x, jnp.asarray(index))
    np.testing.assert_allclose(jitted, wanted, atol=1e-10)
