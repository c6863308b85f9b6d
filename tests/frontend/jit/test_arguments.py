"""Quantum and compiled functions take what functions take: strings, methods, ..."""

import dataclasses
import enum
import functools
from functools import partial
from typing import Any

import equinox
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import qjit as qj
from qjit.errors import (
    ArgumentError,
    MeasuredValueError,
    ParameterError,
    QJitError,
    StaticArgumentError,
)


class Axis(enum.Enum):
    X = 1
    Y = 2


def rotated(
    angle: Any, axis: Any, repeats: int = 2, *, flip: bool = False, more: Any = None
) -> Any:
    for _ in range(repeats):
        (qj.RX if axis in ("x", Axis.X, qj.RX) else qj.RZ)(angle, wires=0)
    if flip:
        qj.X(wires=0)
    if more is not None:
        more(0)
    return qj.expval(qj.Z(0))


circuit = qj.qnode(wires=1)(rotated)
ANGLE = 0.3


@pytest.mark.parametrize("transform", [lambda f: f, qj.qjit], ids=["qnode", "qjit"])
def test_what_is_hashable_is_static(transform: Any) -> None:
    function = transform(circuit)
    found = [
        function(ANGLE, "x"),
        function(ANGLE, "z", 3),
        function(ANGLE, Axis.X, 3, flip=True),
        function(ANGLE, axis=qj.RX, repeats=1),
        function(ANGLE, "x", more=qj.X),
    ]
    assert np.allclose(
        found, [np.cos(0.6), 1, -np.cos(0.9), np.cos(0.3), -np.cos(0.6)], atol=1e-6
    )


def test_static_arguments_under_transformations() -> None:
    assert np.allclose(jax.grad(circuit)(ANGLE, "x", 3), -3 * np.sin(0.9), atol=1e-5)
    rows = jax.vmap(circuit, in_axes=(0, None))(jnp.array([0.1, 0.2]), "x")
    assert np.allclose(rows, np.cos([0.2, 0.4]), atol=1e-6)
    compiled = qj.qjit(
        jax.grad(lambda x, axis, n: circuit(x, axis, n)), static_argnums=(1, 2)
    )
    assert np.allclose(compiled(ANGLE, "x", 3), -3 * np.sin(0.9), atol=1e-5)


def test_values_in_containers() -> None:
    @qj.qnode(wires=1)
    def chosen(options: Any) -> Any:
        getattr(qj, options["gate"])(options["angles"][0], wires=0)
        return qj.expval(qj.Z(0))

    options = {"gate": "RX", "angles": [ANGLE, None]}
    assert np.allclose(chosen(options), np.cos(0.3), atol=1e-6)
    slope = jax.grad(lambda x: chosen({**options, "angles": [x]}))(ANGLE)
    assert np.allclose(slope, -np.sin(0.3), atol=1e-6)


def test_static_argnums_and_names_reach_the_quantum_function() -> None:
    traced: list[Any] = []

    def bounded(angle: Any, bound: Any) -> Any:
        traced.append(bound)
        for _ in range(int(10 * bound)):
            qj.RX(angle, wires=0)
        return qj.expval(qj.Z(0))

    ways: list[dict[str, Any]] = [{"static_argnums": 1}, {"static_argnames": "bound"}]
    for how in ways:
        function = qj.qnode(wires=1, **how)(bounded)
        found = [
            function(ANGLE, 0.2),
            function(ANGLE, bound=0.3),
            qj.qjit(function)(ANGLE, 0.2),
            jax.grad(function)(ANGLE, 0.1),
        ]
        wanted = [np.cos(0.6), np.cos(0.9), np.cos(0.6), -np.sin(0.3)]
        assert np.allclose(found, wanted, atol=1e-6)
        with pytest.raises(ArgumentError, match="was traced by JAX"):
            jax.jit(function)(ANGLE, 0.2)
    assert all(isinstance(bound, float) for bound in traced)


def test_what_is_static_outside_is_static_inside() -> None:
    traced: list[Any] = []

    @qj.qnode(wires=1)
    def inner(angle: Any, bound: Any) -> Any:
        traced.append(bound)
        if bound > 0.5:
            qj.RX(angle, wires=0)
        return qj.expval(qj.Z(0))

    def around(angle: Any, bound: Any) -> Any:
        return 2 * inner(angle, bound)

    for jit in (qj.qjit, jax.jit):
        for function, wanted in (
            (inner, np.cos(0.3)),
            (around, 2 * np.cos(0.3)),
            (jax.grad(inner), -np.sin(0.3)),
        ):
            compiled = jit(function, static_argnums=(1,))
            assert np.allclose(compiled(ANGLE, 0.7), wanted, atol=1e-6)
    # Floats that are not needed are traced, and none is static where nothing traces.
    traced.clear()
    whole = qj.qjit(lambda x: sum(inner(x, jnp.asarray(2.0)) for _ in range(1)))
    with pytest.raises(MeasuredValueError, match=r"static_argnums=\.\.\. of qjit or q"):
        whole(ANGLE)
    with pytest.raises(MeasuredValueError, match=r"static_argnums=\.\.\. of qjit or q"):
        inner(ANGLE, 0.7)


def test_floats_of_a_trace_are_traced_unless_they_are_needed() -> None:
    traces: list[Any] = []

    @qj.qnode(wires=1)
    def repeated(angle: Any, times: Any) -> Any:
        traces.append(type(times))
        for _ in range(times):
            qj.RX(angle, wires=0)
        return qj.expval(qj.Z(0))

    total = qj.qjit(lambda: sum(repeated(x, 2) for x in (0.1, 0.2, 0.3)))
    assert np.allclose(total(), np.cos([0.2, 0.4, 0.6]).sum(), atol=1e-5)
    assert traces.count(int) == 1


@pytest.mark.parametrize("number", [2, np.int64(2), np.int8(2), True, np.bool_(True)])
@pytest.mark.parametrize("transform", [lambda f: f, qj.qjit])
def test_integers_of_every_kind_are_known_where_needed(
    number: Any, transform: Any
) -> None:
    @transform
    @qj.qnode(wires=1)
    def repeated(angle: Any, times: Any) -> Any:
        for _ in range(int(times) if times else 0):
            qj.RX(angle, wires=0)
        return qj.expval(qj.Z(0))

    assert np.allclose(repeated(ANGLE, number), np.cos(0.3 * int(number)), atol=1e-6)


def test_static_numbers_that_compare_equal_are_told_apart() -> None:
    @qj.qnode(wires=1, static_argnums=1)
    def circuit_of(angle: Any, flag: Any) -> Any:
        if isinstance(flag, bool) or np.signbit(flag):
            qj.RX(angle, wires=0)
        return qj.expval(qj.Z(0))

    found = [circuit_of(ANGLE, flag) for flag in (1, True, 1.0, 0.0, -0.0, np.bool_(1))]
    moved = np.cos(0.3)
    assert np.allclose(found, [1, moved, 1, 1, moved, 1], atol=1e-6)


@pytest.mark.parametrize(
    "options",
    [
        {"static_argnums": 5},
        {"static_argnums": -3},
        {"static_argnums": "angle"},
        {"static_argnums": 0.5},
        {"static_argnames": "other"},
        {"static_argnames": 1},
    ],
)
@pytest.mark.parametrize("decorator", [partial(qj.qnode, wires=1), qj.qjit])
def test_options_that_name_no_parameter_are_refused(
    decorator: Any, options: Any
) -> None:
    with pytest.raises(StaticArgumentError, match=r"test_arguments.py:\d+: "):
        decorator(**options)(lambda angle, bound: angle * bound)


def test_numbers_are_traced_unless_they_are_needed() -> None:
    traces: list[Any] = []

    @qj.qnode(wires=1)
    def scaled(angle: Any, factor: Any) -> Any:
        traces.append(factor)
        qj.RX(factor * angle, wires=0)
        return qj.expval(qj.Z(0))

    assert np.allclose([scaled(ANGLE, n) for n in range(4)], np.cos(0.3 * np.arange(4)))
    assert len(traces) == 1


@pytest.mark.parametrize("argument", [{1}, [{1}], bytearray(b"x")])
def test_what_has_no_hash_is_refused(argument: Any) -> None:
    with pytest.raises(ArgumentError, match=r"test_arguments.py:\d+.*has no hash"):
        circuit(ANGLE, argument)


class Plain:
    def __init__(self, weight: Any, repeats: int) -> None:
        self.weight, self.repeats, self.gate = weight, repeats, qj.RX

    @qj.qnode(wires=1)
    def energy(self, angle: Any) -> Any:
        for _ in range(self.repeats):
            self.gate(self.weight * angle, wires=0)
        return qj.expval(qj.Z(0))

    @qj.qjit
    def slope(self, angle: Any) -> Any:
        return jax.grad(self.energy)(angle)


class Numbers:
    """An object whose attributes are all arrays, or are traced as such."""

    def __init__(self, weight: Any) -> None:
        self.weight = weight
        self.shifts: dict[str, Any] = {"first": np.ones(2), "second": 0.5}

    @qj.qjit
    def scaled(self, angle: Any) -> Any:
        return self.weight * angle + self.shifts["first"].sum()


def test_methods_of_objects_that_hold_numbers() -> None:
    one, other = Numbers(2.0), Numbers(np.float64(3.0))
    assert np.allclose([one.scaled(ANGLE), other.scaled(ANGLE)], [2.6, 2.9])
    one.weight = 4
    assert np.allclose(one.scaled(ANGLE), 3.2)
    assert np.allclose(jax.grad(one.scaled)(ANGLE), 4.0)
    assert np.allclose(jax.vmap(one.scaled)(np.ones(2)), 6.0)
    one.shifts["first"] = np.zeros(3)
    assert np.allclose(one.scaled(ANGLE), 1.2)


@dataclasses.dataclass
class Data:
    weight: Any
    repeats: int

    energy = Plain.energy
    slope = Plain.slope
    gate = staticmethod(qj.RX)


class Module(equinox.Module):
    weight: Any
    repeats: int = equinox.field(static=True)

    energy = Plain.energy
    slope = Plain.slope
    gate = staticmethod(qj.RX)


@pytest.mark.parametrize("kind", [Plain, Data, Module])
def test_methods(kind: Any) -> None:
    model = kind(jnp.asarray(2.0), 2)
    assert np.allclose(model.energy(ANGLE), np.cos(1.2), atol=1e-6)
    assert np.allclose(model.slope(ANGLE), -4 * np.sin(1.2), atol=1e-5)
    assert np.allclose(jax.grad(model.energy)(ANGLE), -4 * np.sin(1.2), atol=1e-5)
    if kind is Module:
        by_weight = jax.grad(lambda model: model.energy(ANGLE))(model).weight
        assert np.allclose(by_weight, -0.6 * np.sin(1.2), atol=1e-5)
    else:
        model.weight, model.repeats = 3.0, 1
        assert np.allclose(model.energy(ANGLE), np.cos(0.9), atol=1e-6)
        assert np.allclose(kind.slope(model, ANGLE), -3 * np.sin(0.9), atol=1e-5)


@dataclasses.dataclass(frozen=True)
class Frozen:
    repeats: int

    @qj.qnode(wires=1)
    def energy(self, angle: Any) -> Any:
        return rotated(angle, "x", self.repeats)


def test_methods_of_hashable_objects_and_partial_functions() -> None:
    found = [Frozen(2).energy(ANGLE), Frozen(3).energy(ANGLE)]
    partial = functools.partial(rotated, axis="x", repeats=1)
    found += [qj.qnode(wires=1)(partial)(ANGLE)]
    found += [qj.qjit(functools.partial(circuit, axis="x"))(ANGLE)]
    assert np.allclose(found, np.cos([0.6, 0.9, 0.3, 0.6]), atol=1e-6)


def test_classical_results_beside_measurements() -> None:
    @qj.qnode(wires=1)
    def both(angle: Any) -> Any:
        qj.RX(angle, wires=0)
        table = jnp.arange(3)
        return {"value": qj.expval(qj.Z(0)), "rest": (2 * angle, 1.5, True, table)}

    for function in (both, jax.jit(both), qj.qjit(both)):
        found = function(ANGLE)
        twice, constant, flag, table = found["rest"]
        assert np.allclose([found["value"], twice], [np.cos(0.3), 0.6], atol=1e-6)
        assert constant == 1.5 and flag and list(table) == [0, 1, 2]
    slope = jax.grad(lambda x: both(x)["value"] + both(x)["rest"][0])(ANGLE)
    assert np.allclose(slope, 2 - np.sin(0.3), atol=1e-6)


def test_other_ways_to_ask() -> None:
    made = qj.QNode(rotated, qj.device("statevector", wires=1))
    assert np.allclose(made(ANGLE, "x"), np.cos(0.6), atol=1e-6)
    assert np.allclose(qj.qnode(wires=1, interface="jax")(rotated)(ANGLE, "z"), 1)
    device = qj.device("statevector", wires=1, shots=7)
    ways = [
        lambda: qj.QNode(rotated, device, interface="jax", shots=None),
        lambda: qj.QNode(rotated, device, "auto", "parameter-shift", shots=None),
        lambda: qj.QNode(rotated, static_argnames="axis", max_diff=2, cache=True),
        lambda: qj.qnode(device, shots=None, mcm_method="one-shot")(rotated),
    ]
    for way in ways:
        assert np.allclose(way()(ANGLE, "x"), np.cos(0.6), atol=1e-6)
    assert qj.qnode(device)(lambda: qj.sample())().shape == (7, 1)
    with pytest.raises(ParameterError, match="interface takes 'auto' or 'jax'"):
        qj.qnode(interface="torch")
    mistakes: list[Any] = [
        lambda: qj.QNode(rotated, device, "torch"),
        lambda: qj.QNode(rotated, device, diff_method="none"),
        lambda: qj.QNode(rotated, device, other=1),
        lambda: qj.QNode(3, device),  # pyright: ignore[reportArgumentType]
    ]
    for mistake in mistakes:
        with pytest.raises(QJitError, match=r"test_arguments.py:\d+: "):
            mistake()
    with pytest.raises(ParameterError, match="report"):
        qj.qjit(rotated, verbose=True)


def test_type_hints_compile_ahead_of_time() -> None:
    traces: list[str] = []
    shape = jax.ShapeDtypeStruct((3,), np.float32)

    @qj.qjit
    def hinted(angle: float, rows: shape) -> float:  # pyright: ignore[reportInvalidTypeForm]
        traces.append("hinted")
        return circuit(angle, "x") + rows.sum()

    @qj.qjit
    def without(angle: Any) -> Any:
        traces.append("without")
        return angle

    assert traces == ["hinted"]
    value = hinted(ANGLE, jnp.ones(3, np.float32))
    assert np.allclose(value, 3 + np.cos(0.6), atol=1e-6)
    assert traces == ["hinted"]
    without(ANGLE)
    assert traces == ["hinted", "without"]


def test_a_hint_waits_for_names_that_come_later() -> None:
    @qj.qjit
    def early(angle: float) -> float:
        return later(angle)

    def later(angle: Any) -> Any:
        return 2 * angle

    assert np.allclose(early(ANGLE), 0.6)
