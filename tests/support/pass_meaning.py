"""What programs mean before and after passes, by the executable definition in numpy."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import strategies as st
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp

import qjit as qj
from qjit.dialects.interpreter.quantum import run_module
from qjit.dialects.quantum import GateOp
from qjit.jit.importing.reference import HostFunctions
from qjit.lowering.importer.program import import_program
from qjit.lowering.passes.pipeline import TABLE, find_step, own_pass
from tests.programs.test_programs import (
    WIRES,
    Gate,
    Program,
    blocks,
    differentiable,
    run,
)
from tests.support.oracle import Compiled

TOLERANCE = 1e-10
QUANTUM = [step for step in TABLE if step.level == "quantum"]
# What comes close to a program only, with an error for each gate.
APPROXIMATE = {
    step.name for step in QUANTUM if getattr(step.found, "approximates", False)
}
# What these leave is random: tests/lowering/passes/test_measurement_passes.py.
RANDOM = ("measurement-from-samples",)
EXACT = [s.name for s in QUANTUM if s.name not in (*APPROXIMATE, *RANDOM)]
# Few gates, few angles and few wires, so that passes find much to do.
NAMES = ("H", "X", "S", "T", "RZ", "RX", "RY", "CNOT", "CZ", "SWAP", "CRZ", "IsingXX")
ANGLES = (0.4, -0.4, np.pi / 2, np.pi / 4)
SLOPES = (0.0, 1.0, -1.0)


def _gates() -> st.SearchStrategy[Any]:
    angle = st.tuples(st.sampled_from(ANGLES), st.sampled_from(SLOPES))
    return st.builds(
        Gate,
        st.sampled_from(NAMES),
        st.tuples(angle, angle, angle),
        st.permutations(range(3)).map(tuple),
        st.sampled_from([False, False, False, True]),
    )


_statements = st.recursive(_gates(), blocks, max_leaves=12)
dense_programs: st.SearchStrategy[Program] = (
    st.lists(_statements, min_size=1, max_size=14).map(tuple).map(differentiable)
)


def _rotation(x: Any) -> Any:
    """A matrix that is computed in memory, when the program runs."""
    sine, cosine = jnp.sin(x), jnp.cos(x)
    return jnp.stack([jnp.stack([cosine, -sine]), jnp.stack([sine, cosine])])


def unitary_circuit(program: Program, *, matrices: bool = True) -> Any:
    """Return a circuit whose result is the state after a program.

    It has two matrices that are computed, unless told otherwise.
    """

    @qj.qnode(wires=WIRES)
    def circuit(x: Any, index: Any) -> Any:
        half = len(program) // 2
        run(Compiled(), program[:half], range(WIRES), x, index)
        if matrices:
            qj.QubitUnitary(_rotation(x), wires=0)
        run(Compiled(), program[half:], range(WIRES), x, index)
        if matrices:
            qj.QubitUnitary(_rotation(-0.3 * x), wires=2)
        return qj.state()

    return circuit


def measured_circuit(before: Program, then: Program, after: Program) -> Any:
    """Return a circuit that measures, feeds forward and resets between programs."""

    @qj.qnode(wires=WIRES)
    def circuit(x: Any, index: Any) -> Any:
        m = Compiled()
        run(m, before, range(WIRES), x, index)
        outcome = qj.measure(0)

        def branch() -> None:
            run(m, then, range(WIRES), x, index)

        qj.cond(outcome, branch)()
        run(m, after, range(WIRES), x, index)
        qj.reset(1)
        run(m, then, range(WIRES), x, index)
        return qj.probs(), qj.expval(outcome)

    return circuit


class Imported:
    """A circuit as a module, which is run by its definition on given arguments."""

    def __init__(self, circuit: Callable[..., Any], *args: Any) -> None:
        closed = jax.make_jaxpr(circuit)(*args)
        self.module = import_program(closed, name="main").module
        self._avals, self._args = closed.out_avals, args

    def results(self, module: ModuleOp | None = None, **options: Any) -> list[Any]:
        """Return the results of the module, or of another one with its arguments."""
        outs = [np.zeros(aval.shape, aval.dtype) for aval in self._avals]
        inputs = [*map(np.asarray, self._args), *outs]
        functions = [HostFunctions()]
        run_module(module or self.module, inputs, functions=functions, **options)
        return outs

    def after(self, passes: Sequence[Any]) -> ModuleOp:
        """Return what passes make of the module, which is verified after each."""
        module = self.module.clone()
        for each in passes:
            step = find_step(each) if isinstance(each, str) else own_pass(each)
            step.found().apply(Context(allow_unregistered=True), module)
            if not module.is_structurally_equivalent(self.module):
                module.verify()
        return module


def gate_names(module: ModuleOp) -> list[str]:
    """Return the names of the gates of a module in order."""
    return [op.gate.data for op in module.walk() if isinstance(op, GateOp)]


def assert_meaning_is_kept(
    circuit: Callable[..., Any],
    args: Sequence[Any],
    pipelines: Iterable[Sequence[Any]],
    tolerance: float = TOLERANCE,
) -> None:
    """Check that pipelines leave programs that are valid and have the same results."""
    imported = Imported(circuit, *args)
    expected = imported.results()
    for passes in pipelines:
        module = imported.after(passes)
        if module.is_structurally_equivalent(imported.module):
            continue
        found = imported.results(module)
        for result, other in zip(found, expected, strict=True):
            np.testing.assert_allclose(
                result, other, atol=tolerance, err_msg=f"after {passes}"
            )
