"""Every stage of a program is complete as text: it is read back, and gone on from."""

import io
import os
import re
import sys
import zlib
from collections.abc import Callable
from contextlib import redirect_stdout
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jax import lax

import qjit as qj
from qjit.lowering.driver.opt import OptMain
from qjit.lowering.driver.stage_text import parsed
from tests.programs.test_programs import (
    WIRES,
    Program,
    blocks,
    differentiable,
    leaves,
    run,
)
from tests.support.oracle import Compiled

X = jnp.asarray([0.3, -0.6, 0.9])
NOT_MODULES = ("jaxpr", "ir")


def modules(function: Any, *args: Any) -> dict[str, str]:
    """The texts of the stages that are modules, the first one first."""
    return modules_of(qj.qjit(function).stages(*args))


def modules_of(stages: Any) -> dict[str, str]:
    return {name: text for name, text in stages.items() if name not in NOT_MODULES}


def assert_texts_are_complete(
    function: Any, args: Any, *chosen: int, known: set[tuple[str, str]] | None = None
) -> None:
    """Check that stages are read as they are, and some give the same program.

    Those that are printed again are all, or if lines are known, all that have another.
    """
    compiled = qj.qjit(function, keep_stages=True)
    expected = jax.tree.leaves(compiled(*args))
    found = modules_of(compiled.stages(*args))
    contents = set[str]()
    for name, text in found.items():
        content = re.sub(r"qjit.passes = \[.*\]", "", text)
        lines = {(name, line) for line in forms_of_lines(content)}
        if content in contents or (known is not None and lines <= known):
            continue
        contents.add(content)
        assert f"{parsed(text)!s}\n" == text
        if known is not None:
            known |= lines
    for number in chosen:
        text = [*found.values()][number % len(found)]
        assert_same(qj.compile_stage(text)(*jax.tree.leaves(args)), expected)


def forms_of_lines(text: str) -> set[str]:
    """The lines of a text without numbers, tables, and the names of values."""
    return set(re.sub(r'"0x\w+"|\\[0-9A-F]{2}|%\w+|\d+', "_", text).splitlines())


def assert_same(results: Any, expected: Any) -> None:
    """Check that results are equal to the bit."""
    for result, other in zip(results, expected, strict=True):
        if jnp.issubdtype(result.dtype, jax.dtypes.prng_key):
            result, other = map(jax.random.key_data, (result, other))
        assert jax.typeof(result) == jax.typeof(other)
        np.testing.assert_array_equal(result, other)


@qj.qnode(wires=3)
def energy(x: Any) -> Any:
    for wire in range(3):
        qj.RX(x[wire], wires=wire)
    qj.CNOT(wires=[0, 1])
    qj.MultiRZ(x[1], wires=[0, 1, 2])
    qj.QubitUnitary(np.array([[0, 1], [1, 0]]), wires=1)
    return qj.expval(qj.Hamiltonian([0.5, x[0]], [qj.Z(0), qj.X(1) @ qj.Y(2)]))


@qj.qnode(wires=2)
def small_energy(x: Any) -> Any:
    qj.RX(x, wires=0)
    qj.QubitUnitary(np.array([[0, 1], [1, 0]]), wires=1)
    qj.MultiRZ(x * x, wires=[0, 1])
    return qj.expval(qj.Hamiltonian([0.5, x], [qj.Z(0), qj.X(1) @ qj.Y(0)]))


@qj.qnode(wires=2)
def fed_forward(x: Any) -> Any:
    qj.RX(x[0], wires=0)
    outcome = qj.measure(0, reset=True)
    qj.cond(outcome, lambda: qj.RY(x[1], wires=1))()
    return qj.expval(qj.X(1)), qj.expval(outcome)


@qj.qnode(wires=2, shots=50, seed=3)
def sampled(x: Any) -> Any:
    qj.RX(x[0], wires=0)
    outcome = qj.measure(0)
    qj.PCPhase(x[1], 2, wires=[0, 1])
    qj.cond(outcome, lambda: qj.RY(x[1], wires=1))()
    return qj.sample(), qj.counts(all_outcomes=True), qj.expval(outcome)


@qj.qnode(wires=3, dtype="complex64")
def dynamic(x: Any, last: Any) -> Any:
    qj.StatePrep(jnp.asarray([0.6, 0.8]), wires=0)

    @qj.for_loop(0, last)
    def body(wire: Any) -> None:
        qj.RY(x[0] * wire, wires=wire)
        qj.ctrl(qj.RX(x[1], wires=(wire + 1) % 3), wire, control_values=[0])

    body()
    return qj.state(), qj.density_matrix([1]), qj.var(qj.Z(0))


@qj.qnode(wires=14)
def wide(x: Any) -> Any:
    for wire in range(14):
        qj.RY(x[wire % 3], wires=wire)
        qj.CNOT(wires=[wire, (wire + 1) % 14])
    return qj.expval(qj.Z(0))


def trained(x: Any) -> Any:
    def step(x: Any, _: Any) -> Any:
        value, slope = jax.value_and_grad(energy)(x)
        return x - 0.1 * slope, value

    return lax.scan(step, x, None, length=10)


PROGRAMS: dict[str, tuple[Callable[..., Any], Any]] = {
    "value": (energy, (X,)),
    "gradient": (jax.grad(energy), (X,)),
    "hessian": (jax.hessian(small_energy), (0.3,)),
    "training": (trained, (X,)),
    "batch": (jax.vmap(jax.value_and_grad(energy)), (jnp.ones((7, 3)),)),
    "outcomes": (fed_forward, (X,)),
    "gradient of outcomes": (jax.grad(lambda x: fed_forward(x)[0]), (X,)),
    "shots": (sampled, (X,)),
    "dynamic wires": (dynamic, (X, 2)),
    "tiles": (jax.value_and_grad(wide), (X,)),
    "random": (lambda k: (jax.random.normal(k, (3,)), k), (jax.random.key(0),)),
    "linear algebra": (lambda a: jnp.linalg.eigh(a + a.T), (jnp.arange(9.0) ** 2,)),
    "functions of C": (lambda x: (jnp.fmod(x, 0.2), x % 3, jnp.sort(x)), (X,)),
}
PROGRAMS["linear algebra"] = (
    lambda a: (*jnp.linalg.eigh(a + a.T), jnp.linalg.cholesky(a @ a.T + jnp.eye(3))),
    (jnp.arange(9.0).reshape(3, 3),),
)


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_stage_goes_on(name: str) -> None:
    function, args = PROGRAMS[name]
    assert_texts_are_complete(function, args, 0, 4, 10)


def energy_of(program: Program, x: Any, index: Any) -> Any:
    @qj.qnode(wires=WIRES)
    def circuit(x: Any) -> Any:
        run(Compiled(), program, range(WIRES), x, index)
        return qj.expval(qj.Z(0) @ qj.X(1))

    return circuit(x)


def outcomes_of(program: Program, x: Any, index: Any) -> Any:
    @qj.qnode(wires=WIRES)
    def circuit(x: Any) -> Any:
        y = run(Compiled(), program, range(WIRES), x, index)
        outcome = qj.measure(1)
        qj.cond(outcome, lambda: qj.RX(x, wires=0))()
        return qj.probs(), qj.expval(outcome), y

    return circuit(x)


def shots_of(program: Program, x: Any, index: Any) -> Any:
    @qj.qnode(wires=WIRES, shots=20, seed=5)
    def circuit(x: Any) -> Any:
        run(Compiled(), program, range(WIRES), x, index)
        return qj.sample(), qj.expval(qj.Y(0))

    return circuit(x)


KINDS: dict[str, Callable[[Program], Callable[..., Any]]] = {
    "value": lambda p: lambda x, index: energy_of(p, x, index),
    "gradient": lambda p: jax.value_and_grad(
        lambda x, index: energy_of(differentiable(p, True), x, index)
    ),
    "batch": lambda p: jax.vmap(
        lambda x, index: energy_of(p, x, index), in_axes=(0, None)
    ),
    "outcomes": lambda p: lambda x, index: outcomes_of(p, x, index),
    "shots": lambda p: lambda x, index: shots_of(p, x, index),
}


# Many short programs rather than few that are long.
statements = st.recursive(leaves, blocks, max_leaves=4)
short = st.lists(statements, min_size=1, max_size=2).map(tuple)


READ: dict[str, set[tuple[str, str]]] = {kind: set() for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
@settings(
    max_examples=int(os.environ.get("QJIT_EXAMPLES", "60")),
    deadline=None,
    derandomize="QJIT_EXAMPLES" not in os.environ,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(program=short.map(differentiable), index=st.integers(0, 3))
def test_generated_programs_go_on(kind: str, program: Program, index: int) -> None:
    """Every stage with lines of a new form is read back, and two go on."""
    x = jnp.linspace(-1, 1, 5) if kind == "batch" else jnp.asarray(0.7)
    number = zlib.crc32(str(program).encode())
    function, args = KINDS[kind](program), (x, jnp.asarray(index))
    assert_texts_are_complete(
        function, args, number % 11, number % 11 + 5, known=READ[kind]
    )


def opted(text: str, arguments: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """What `qjit-opt` prints."""
    output, source = io.StringIO(), io.BytesIO(text.encode())
    with monkeypatch.context() as patch, redirect_stdout(output):
        patch.setattr(sys, "stdin", io.TextIOWrapper(source))
        OptMain(args=arguments.split()).run()
    return output.getvalue().rstrip("\n") + "\n"


@pytest.mark.parametrize("name", ["batch", "gradient of outcomes", "tiles"])
def test_the_command_goes_on(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    function, args = PROGRAMS[name]
    found = modules(function, *args)
    for stage in ("quantum", "select-kernels", "llvm"):
        assert opted(found[stage], "", monkeypatch) == found[stage], stage
    for stage in ("quantum", "select-kernels", "vectorize-batches"):
        assert opted(found[stage], "-p rest-of-pipeline", monkeypatch) == found["llvm"]


def test_gates_are_edited() -> None:
    text = modules(energy, X)["build-schedules"]
    flipped = re.sub(r"RX\((%\w+)\[0\]\) on 0", r"RX(\1[2]) on 0", text)
    assert flipped != text
    (value,) = qj.compile_stage(flipped)(X)

    @qj.qnode(wires=3)
    def other(x: Any) -> Any:
        for wire, angle in enumerate((x[2], x[1], x[2])):
            qj.RX(angle, wires=wire)
        qj.CNOT(wires=[0, 1])
        qj.MultiRZ(x[1], wires=[0, 1, 2])
        qj.QubitUnitary(np.array([[0, 1], [1, 0]]), wires=1)
        return qj.expval(qj.Hamiltonian([0.5, x[0]], [qj.Z(0), qj.X(1) @ qj.Y(2)]))

    np.testing.assert_allclose(value, other(X), atol=1e-14)


def test_sizes_that_are_open() -> None:
    function = qj.qjit(lambda x: jnp.cumsum(x) * x[-1], abstracted_axes=("n",))
    stages = function.stages(X)
    for stage in ("quantum", "vectorize-batches", "llvm"):
        program = qj.compile_stage(stages[stage])
        for size in (3, 6):
            x = jnp.arange(1.0, size + 1)
            np.testing.assert_array_equal(program(x)[0], function(x))
        with pytest.raises(qj.errors.DimensionError, match="argument 0"):
            program(jnp.ones((2, 2)))


def test_errors_name_the_lines_of_the_program() -> None:
    @qj.qnode(wires=1)
    def refused(x: Any) -> Any:
        qj.RX(x, wires=0)
        return qj.expval(qj.Z(0))

    program = qj.compile_stage(modules(refused, 0.3)["select-kernels"])
    with pytest.raises(qj.errors.ParameterError, match=r"test_stage_texts\.py:\d+"):
        program(np.nan)


def test_wrong_texts() -> None:
    found, planned = modules(energy, X), modules(wide, X)["select-kernels"]
    text, formed = found["quantum"], found["build-schedules"]
    wrong = {
        "takes 1": formed.replace("RX(%0[0])", "RX", 1),
        "wire from 0 to 2": formed.replace(" on 2 ", " on 7 ", 1),
        "distinct wires": formed.replace(" on 1 ctrl 0", " on 0 ctrl 0"),
        "1 of its own": formed.replace(" on 1 ctrl 0", " on 1"),
        "operands _": formed.replace("RX(%0[0])", "RX(_)", 1),
        "takes no dim": formed.replace("RX(%0[0])", "RX(%0[0]) dim 1"),
        "letters I, X, Y, Z": formed.replace("MultiRZ(", 'PauliRot "XQ"('),
        "there is no gate": formed.replace("RX(", "QX("),
        "used exactly once": re.sub(r"quantum.dealloc .*\n", "", text),
        "not defined before": formed.replace(" on 0", " on %w"),
        "no attribute qjit.entry": text.replace("qjit.entry", "other.entry"),
        "there is no pass 'fuse'": text.replace('"fuse-loops"', '"fuse"'),
        "kernel is left out": re.sub(r"RY(.*) on 2 ", r"RX\1 on 2 ", planned),
    }
    for cause, each in wrong.items():
        with pytest.raises(qj.errors.StageError, match=cause) as caught:
            qj.compile_stage(each)
        assert "test_stage_texts.py:" in str(caught.value)
    with pytest.raises(qj.errors.ArgumentError, match="takes 1 arrays, but got 2"):
        qj.compile_stage(text)(X, X)


def test_calls_of_python_belong_to_a_process() -> None:
    def function(x: Any) -> Any:
        return jax.pure_callback(np.sin, x, x)

    text = modules(function, X)["quantum"]
    assert 'host.call "pure_callback" key' in text
    np.testing.assert_array_equal(qj.compile_stage(text)(X)[0], np.sin(X))
    with pytest.raises(qj.errors.StageError, match="another process"):
        qj.compile_stage(re.sub(r"key \d+", "key 123456789", text))
