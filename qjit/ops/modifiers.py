"""`adjoint`, `ctrl` and `pow` of gates and of whole quantum functions."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import jaxpr_as_fun

from qjit.diagnostics.keywords import keywords
from qjit.dialects.circuit_tree import Branch, Loop, Node, Slot, Step
from qjit.errors import ParameterError, ParameterTypeError, UnsupportedError, WireError
from qjit.lowering.jax_internals.tracing import scan_counts, user_line
from qjit.lowering.jaxpr import primitives
from qjit.lowering.jaxpr.traversal import Environment, bind, has_effects, inner_jaxpr
from qjit.ops.algebra.arithmetic import power
from qjit.ops.algebra.modified import changed
from qjit.ops.algebra.operator import UNCHANGED, Modifiers, Operator, implements
from qjit.ops.algebra.recording import resolved
from qjit.tracing.context import check_place, current
from qjit.tracing.extract_circuit import Hoisted, hoist
from qjit.tracing.wires import Wires, positions

from .operations import wires_of
from .preparations import EVERY, with_preparations
from .variadic_gates import as_control_values


@keywords("lazy")
def adjoint(fn: Callable[..., Any] | Operator) -> Any:
    """Return the inverse of a gate or of a quantum function.

    Args:
        fn: an operator, which is replaced by its adjoint where it is applied, or a
            function that applies gates; of loops whose length is traced, up to 1024
            iterations.

    Returns:
        The adjoint operator, or a function of the same arguments.

    Raises:
        UnsupportedError: if the function does what has no inverse, such as `measure`.

    >>> import qjit as qj
    >>> @qj.qnode(wires=1)
    ... def circuit():
    ...     qj.S(0)
    ...     qj.adjoint(qj.S)(0)
    ...     return qj.expval(qj.Z(0))
    >>> print(f"{circuit():.1f}")
    1.0
    >>> qj.adjoint(qj.S(0))
    Adjoint(S)(wires=[0])
    """
    return _modified(fn, "adjoint", lambda: Modifiers(adjoint=True))


@keywords("work_wires", "work_wire_type")
def ctrl(
    op: Callable[..., Any] | Operator,
    control: Wires,
    control_values: Any = None,
) -> Any:
    """Return a gate or quantum function controlled by more wires.

    Args:
        op: an operator, which is replaced where it is applied, or a function that
            applies gates, with any control flow.
        control: one wire or several, static or traced.
        control_values: the values that the controls must have, ones by default.

    Returns:
        The controlled operator, or a function of the same arguments.

    Raises:
        WireError: if a control is a wire of the operation, or out of range.
        ParameterError: for another number of control values.

    >>> import qjit as qj
    >>> @qj.qnode(wires=2)
    ... def circuit():
    ...     qj.ctrl(qj.RX, control=0, control_values=0)(0.3, wires=1)
    ...     return qj.expval(qj.Z(1))
    >>> print(f"{circuit():.4f}")  # cos(0.3)
    0.9553
    """

    def change() -> Modifiers:
        wires = wires_of(control, "ctrl")
        return Modifiers(False, wires, as_control_values(control_values, len(wires)))

    return _modified(op, "ctrl", change)


def _modified(operation: Any, what: str, change: Callable[[], Modifiers]) -> Any:
    """Return a changed operator, or a function that applies gates changed."""
    if isinstance(operation, Operator):
        return changed(operation, change())
    _check_callable(operation, what)
    build = getattr(operation, "build", None)

    def function(*args: Any, **kwargs: Any) -> Any:
        if build is not None:
            made = build(*args, **kwargs)
            check_place(made.name, bool(made.parameters))
            return changed(made, change())
        current(what)
        return replayed(lambda: operation(*args, **kwargs), change())

    functools.update_wrapper(function, operation)
    vars(function).pop("build", None)
    return function


@implements("replayed")
def replayed(function: Callable[[], Any], change: Modifiers) -> Any:
    """Run a function that applies gates, and apply them changed."""
    if change == UNCHANGED:
        return function()
    closed, shapes = jax.make_jaxpr(function, return_shape=True)()
    closed = with_preparations(resolved(closed, whole=False), EVERY)
    if change.adjoint:
        outs, circuit = hoist(closed.jaxpr, closed.consts, (), "adjoint")
        _replay_inverse(circuit.nodes, circuit, (), change)
    else:
        outs = _replay_controlled(closed.jaxpr, closed.consts, (), change)
    return jax.tree.unflatten(jax.tree.structure(shapes), outs)


@keywords("lazy", "id")
def pow(base: Callable[..., Any] | Operator, z: Any = 1) -> Any:
    """Return a power of an operator or of a quantum function.

    Args:
        base: an operator, which is replaced where it is applied, or a function that
            applies gates.
        z: an integer known when tracing; negative powers invert. Of an operator,
            any real number.

    Returns:
        The power as an operator, or a function of the same arguments.

    Raises:
        ParameterError: for a power of a function that is no integer.

    >>> import qjit as qj
    >>> @qj.qnode(wires=1)
    ... def circuit():
    ...     qj.pow(qj.RX(0.2, wires=0), 3)
    ...     qj.pow(qj.X(wires=0), 0.5)
    ...     return qj.expval(qj.Y(0))
    >>> print(f"{circuit():.4f}")  # -cos(0.6)
    -0.8253
    """
    if isinstance(base, Operator):
        return power(base, z)
    _check_callable(base, "pow")
    if (build := getattr(base, "build", None)) is not None:
        return lambda *args, **kwargs: power(build(*args, **kwargs), z)
    if not _is_integer(z):
        raise ParameterError(
            f"{user_line()}: pow of a function takes an integer, but got {z!r}."
        )

    def raised(*args: Any, **kwargs: Any) -> None:
        _repeat(lambda: base(*args, **kwargs), int(z))

    return raised


def _check_callable(operation: Any, what: str) -> None:
    if not callable(operation):
        raise ParameterTypeError(
            f"{user_line()}: {what} takes an operator or a function, but got "
            f"{type(operation).__name__}."
        )


def _is_integer(exponent: Any) -> bool:
    return isinstance(exponent, (int, np.integer)) or (
        isinstance(exponent, float) and exponent.is_integer()
    )


def _repeat(once: Callable[[], Any], exponent: int) -> None:
    body = adjoint(once) if exponent < 0 else once

    def step(_: Any, carry: None) -> None:
        body()
        return carry

    if exponent:
        jax.lax.fori_loop(0, abs(exponent), step, None)


# Controls


def _replay_controlled(
    jaxpr: Any, consts: Any, args: Sequence[Any], change: Modifiers
) -> list[Any]:
    env = Environment(jaxpr, consts, args)
    for eqn in jaxpr.eqns:
        inputs = env.read(eqn.invars)
        if not has_effects(eqn):
            outs = bind(eqn, inputs)
        else:
            outs = _controlled_equation(eqn, inputs, change)
        env.write(eqn.outvars, outs)
    return env.read(jaxpr.outvars)


def _controlled_equation(eqn: Any, inputs: list[Any], change: Modifiers) -> list[Any]:
    name, params = eqn.primitive.name, eqn.params

    def inner(closed: Any) -> Callable[..., Any]:
        return lambda *args: _replay_controlled(
            closed.jaxpr, closed.consts, args, change
        )

    if name in ("quantum_gate", "quantum_unitary"):
        bind_controlled(eqn.primitive, params, inputs, change)
        return []
    if eqn.primitive in primitives.PASSING_PRIMITIVES:
        _bind_passing(eqn.primitive, params, inputs)
        return []
    if name == "scan":
        return _replay_scan(params, inputs, inner(params["jaxpr"]))
    if name == "cond":
        branches = [inner(branch) for branch in params["branches"]]
        return jax.lax.switch(inputs[0], branches, *inputs[1:])
    if name == "while":
        return _replay_while(params, inputs, inner)
    if "jaxpr" in params:
        return inner(inner_jaxpr(eqn))(*inputs)
    raise UnsupportedError(
        f"{user_line(eqn.source_info)}: {name.removeprefix('quantum_')} cannot be "
        "controlled."
    )


def bind_controlled(
    primitive: Any, params: Any, inputs: Sequence[Any], change: Modifiers
) -> None:
    """Bind a traced gate again, with more controls and perhaps inverted."""
    wires = params["wires"]
    dynamic = sum(wire is None for wire in wires)
    split = len(inputs) - dynamic
    context = current("ctrl")
    static, new = positions(change.controls, context)
    known = [wire for wire in (*static, *wires) if wire is not None]
    if len(set(known)) != len(known):
        labels = tuple(context.order)
        raise WireError(
            f"{user_line()}: a control wire is also used by the controlled operation: "
            f"{[labels[wire] for wire in known]}."
        )
    primitive.bind(
        *inputs[:split],
        *new,
        *inputs[split:],
        **{
            **params,
            "wires": (*static, *wires),
            "num_controls": params["num_controls"] + len(static),
            "control_values": (*change.control_values, *params["control_values"]),
            "adjoint": params["adjoint"] != change.adjoint,
            "sites": context.sites,
        },
    )


def _bind_passing(primitive: Any, params: Any, inputs: Sequence[Any]) -> None:
    """Bind a traced barrier or delay again, which no control and no inverse changes."""
    sites = current("barrier").sites
    primitive.bind(*inputs, **{**params, "sites": sites})


def _replay_scan(params: Any, inputs: list[Any], body: Callable[..., Any]) -> list[Any]:
    first, count = scan_counts(params)
    consts, init, xs = (
        inputs[:first],
        inputs[first : first + count],
        inputs[first + count :],
    )

    def step(carry: list[Any], slices: list[Any]) -> tuple[list[Any], list[Any]]:
        outs = body(*consts, *carry, *slices)
        return outs[:count], outs[count:]

    carry, ys = jax.lax.scan(
        step, init, xs, length=params["length"], reverse=params["reverse"]
    )
    return [*carry, *ys]


def _replay_while(
    params: Any, inputs: list[Any], inner: Callable[..., Any]
) -> list[Any]:
    first, second = params["cond_nconsts"], params["body_nconsts"]
    conditions, bodies = inputs[:first], inputs[first : first + second]
    condition = jaxpr_as_fun(params["cond_jaxpr"])
    body = inner(params["body_jaxpr"])
    return jax.lax.while_loop(
        lambda carry: condition(*conditions, *carry)[0],
        lambda carry: body(*bodies, *carry),
        inputs[first + second :],
    )


# Inverses


def _replay_inverse(
    nodes: Sequence[Node], circuit: Hoisted, counters: Sequence[Any], change: Modifiers
) -> None:
    for node in reversed(nodes):
        match node:
            case Step():
                _inverse_step(node, circuit, counters, change)
            case Loop():
                _inverse_loop(node, circuit, counters, change)
            case Branch():
                jax.lax.switch(
                    _read(node.index.number, circuit, counters),
                    [
                        _inverse_branch(branch, circuit, counters, change)
                        for branch in node.branches
                    ],
                )


def _inverse_branch(
    nodes: Sequence[Node], circuit: Hoisted, counters: Sequence[Any], change: Modifiers
) -> Callable[[], None]:
    return lambda: _replay_inverse(nodes, circuit, counters, change)


def _inverse_loop(
    node: Loop, circuit: Hoisted, counters: Sequence[Any], change: Modifiers
) -> None:
    def step(iteration: Any, carry: None) -> None:
        counter = node.length - 1 - iteration
        _replay_inverse(node.body, circuit, (*counters, counter), change)
        return carry

    jax.lax.fori_loop(0, node.length, step, None)


def _read(number: int, circuit: Hoisted, counters: Sequence[Any]) -> Any:
    value = circuit.values[number]
    for counter in counters:
        value = jax.lax.dynamic_index_in_dim(
            jnp.asarray(value), counter, 0, keepdims=False
        )
    return value


def _angle(slot: Slot, circuit: Hoisted, counters: Sequence[Any]) -> Any:
    value = _read(slot.base, circuit, counters)
    return value if slot.element is None else value[slot.element]


def _inverse_step(
    step: Step, circuit: Hoisted, counters: Sequence[Any], change: Modifiers
) -> None:
    inputs = [
        *(_angle(slot, circuit, counters) for slot in step.slots),
        *(_read(item.number, circuit, counters) for item in step.inputs),
    ]
    passing = primitives.PASSING_PRIMITIVES
    known = {each.name: each for each in (*primitives.GATE_PRIMITIVES, *passing)}
    primitive = known[step.primitive]
    if primitive in passing:
        _bind_passing(primitive, step.params, inputs)
    else:
        bind_controlled(primitive, step.params, inputs, change)
