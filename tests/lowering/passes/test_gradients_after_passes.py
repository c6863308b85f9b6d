"""Every pass on gates leaves derivatives as they are, whatever differentiates."""

import os
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import qjit as qj
from qjit.lowering.passes.pipeline import OF_CIRCUITS, PassError
from qjit.lowering.passes.presets import PRESETS
from tests.programs.test_programs import (
    OBSERVABLE,
    WIRES,
    Program,
    differentiable,
    run,
)
from tests.support.oracle import Compiled
from tests.support.pass_meaning import EXACT, Imported, dense_programs
from tests.support.tangent_states import TangentFunctions

EXAMPLES = int(os.environ.get("QJIT_EXAMPLES", "3"))
TOLERANCE = 1e-9
OPTIONS = (
    'route-qubits{coupling="line"}',
    "consolidate-blocks{basis=CZ exchange=false}",
    "decompose-gates{gates=RZ,SX,X,CZ,QubitUnitary}",
)
NAMES = [name for name in EXACT if name not in OF_CIRCUITS]
LEVELS = [names for name, names in PRESETS.items() if name.startswith("hardware")]
EACH: list[Sequence[str]] = [*((name,) for name in (*NAMES, *OPTIONS)), *LEVELS]
few = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize="QJIT_EXAMPLES" not in os.environ,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
programs = dense_programs.map(lambda program: differentiable(program, True))
pipelines = st.lists(st.sampled_from(EACH), min_size=4, max_size=4, unique=True)
numbers = st.floats(-2, 2), st.integers(0, 3)


def energy(program: Program, method: str) -> Any:
    """Return a quantum function that is differentiated by a method."""

    @qj.qnode(wires=WIRES, diff_method=method)
    def circuit(x: Any, index: Any) -> Any:
        run(Compiled(), program, range(WIRES), x, index)
        return Compiled().expval(*OBSERVABLE)

    return circuit


def assert_derivatives_stay(
    function: Callable[..., Any], args: Sequence[Any], each: Sequence[Sequence[str]]
) -> None:
    """Compare a function before and after passes, some of which may refuse it."""
    imported = Imported(function, *args)
    expected = imported.results(definition=TangentFunctions)
    for passes in each:
        try:
            module = imported.after(passes)
        except PassError:
            continue
        if module.is_structurally_equivalent(imported.module):
            continue
        found = imported.results(module, definition=TangentFunctions)
        for result, other in zip(found, expected, strict=True):
            np.testing.assert_allclose(
                result, other, atol=TOLERANCE, err_msg=f"after {passes}"
            )


@few
@given(programs, *numbers, pipelines)
def test_gradients(
    program: Program, x: float, index: int, each: Sequence[Sequence[str]]
) -> None:
    for method in ("adjoint", "parameter-shift"):
        gradient = jax.value_and_grad(energy(program, method))
        assert_derivatives_stay(gradient, (x, index), each)


@settings(few, max_examples=max(1, EXAMPLES // 2))
@given(programs, *numbers, pipelines)
def test_forward_and_second_derivatives(
    program: Program, x: float, index: int, each: Sequence[Sequence[str]]
) -> None:
    for transform in (jax.jacfwd, jax.hessian):
        derivative = transform(energy(program, "adjoint"))
        assert_derivatives_stay(derivative, (x, index), each)


def test_definition_and_native_code_agree() -> None:
    def circuit(x: Any) -> Any:
        qj.RX(x, 0)
        qj.CRX(2 * x, [0, 1])
        qj.adjoint(qj.Rot)(x, 0.3, x * x, wires=1)
        qj.for_loop(0, 3, 1)(lambda _: (qj.RY(0.3 * x, 2), qj.CNOT([1, 2])))()
        return qj.expval(qj.Z(2) @ qj.X(1) + 0.3 * qj.Y(0))

    passes = "hardware:3"
    wanted = jax.value_and_grad(qj.qnode(wires=3)(circuit))(0.4)
    for method in ("adjoint", "parameter-shift"):
        node = qj.qnode(wires=3, diff_method=method, passes=passes)(circuit)
        gradient = jax.value_and_grad(node)
        np.testing.assert_allclose(qj.qjit(gradient)(0.4), wanted, atol=TOLERANCE)
        found = Imported(gradient, 0.4).results(definition=TangentFunctions)
        np.testing.assert_allclose(found, wanted, atol=TOLERANCE)
