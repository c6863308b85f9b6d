"""Partition of a quantum function for differentiation: classical code, a circuit."""

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeGuard

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import ShapedArray
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn, jaxpr_as_fun

from qjit.diagnostics.translation import reraised
from qjit.dialects.circuit_tree import Input, Node, Step, steps
from qjit.errors import DifferentiationError, MeasurementError
from qjit.lowering.jax_internals.tracing import user_line, wide_types
from qjit.lowering.jaxpr.activity import Dependence
from qjit.lowering.jaxpr.dimensions import Size, count
from qjit.lowering.jaxpr.primitives import integer_dtype, real_dtype
from qjit.lowering.jaxpr.shot_statistics import is_countable
from qjit.lowering.jaxpr.structural_hash import hashed_by_fields
from qjit.lowering.jaxpr.traversal import (
    CALL_PRIMITIVES,
    Environment,
    bind,
    element_of,
    has_effects,
    inner_jaxpr,
    inner_jaxprs,
    measures_mid_circuit,
    needed_eqns,
    quantum_eqns,
)
from qjit.measurements.outcomes import Tallies
from qjit.measurements.state_functionals import functional, outcome
from qjit.tracing.extract_circuit import (
    TERMINAL,
    Hoisted,
    Path,
    hoist,
    lay_out,
    outcome_count,
    without_gates,
)

MOST_OUTCOMES = 16
SAMPLING = ("quantum_sample", "quantum_counts")


@hashed_by_fields
@dataclass(frozen=True, eq=False)
class CircuitProgram:
    """The circuit of a quantum function: operands are angles, then inputs.

    The last operand of one that samples is the key of its random numbers.
    """

    nodes: tuple[Node, ...]
    num_wires: int
    dtype: np.dtype[Any]
    num_slots: Size
    num_inputs: int
    results: tuple[ShapedArray, ...]
    coefficients: tuple[int, ...]  # inputs that hold observable coefficients
    name: str
    method: str | None = None  # how it is differentiated, for the report
    samples: bool = False
    device: str = "statevector"
    passes: tuple[Any, ...] = ()
    dual: bool = False  # whether it is over dual numbers, whose states are no states
    estimated: bool = False  # by a pass, from samples


@dataclass(frozen=True)
class Measured:
    """What a measurement reads off a result of the circuit, and its own result."""

    step: Step
    result: int
    function: Callable[..., Any] | None = None
    inputs: tuple[int, ...] = ()

    def reading(self, results: Sequence[Any], others: Sequence[Any]) -> Any:
        """Return what it reads: linear in the state's projector, but for the state."""
        if self.function is None:
            return results[self.result]
        return self.function(results[self.result], *(others[n] for n in self.inputs))


@dataclass(frozen=True)
class HybridPartition:
    """How a quantum function runs in three parts."""

    program: CircuitProgram
    prepare: ClosedJaxpr
    gathers: tuple[tuple[int, ...] | None, ...]
    measured: tuple[Measured, ...]
    post: Jaxpr
    post_consts: tuple[Any, ...]
    # Of a circuit that measures on the way: the outcomes of all paths, and whether the
    # last reading is the chance of what was postselected.
    paths: np.ndarray[Any, Any] | None
    normalises: bool

    def run(
        self, read: Callable[[list[Any], list[Any]], list[Any]], args: Sequence[Any]
    ) -> list[Any]:
        """Run the function.

        Args:
            read: returns the readings, given the circuit's operands (but for a key)
                and what else measurements take.
            args: the function's arguments.
        """

        def path(*outcomes: Any) -> list[Any]:
            operands, others = self._operands((*args, *outcomes))
            found = read(operands, others)
            return [others[-1] * each for each in found] if outcomes else found

        if self.paths is None:
            return self._finish(path(), args)
        found = jax.vmap(path)(jnp.asarray(self.paths))
        return self._finish([jnp.sum(each, axis=0) for each in found], args)

    def readings(self, results: Sequence[Any], others: Sequence[Any]) -> list[Any]:
        """Return what the measurements read off the circuit's results."""
        return [each.reading(results, others) for each in self.measured]

    def active_angles(self, active: Sequence[bool]) -> list[int]:
        """Return which of the flat angles depend on the active arguments."""
        jaxpr, place = self.prepare.jaxpr, 0
        outcomes = [False] * (len(jaxpr.invars) - len(active))
        marks = Dependence().walk(jaxpr, [*active, *outcomes])
        found: list[int] = []
        for var, indices, is_active in zip(
            jaxpr.outvars, self.gathers, marks, strict=False
        ):
            size = math.prod(var.aval.shape) if indices is None else len(indices)
            if is_active:
                found.extend(range(place, place + size))
            place += size
        return found

    @cached_property
    def _prepared(self) -> Callable[..., list[Any]]:
        """What there is to do before the circuit, compiled where it runs by itself.

        Equation by equation, JAX would compile the derivatives of a loop in every call.
        """
        return jax.jit(jaxpr_as_fun(self.prepare), inline=True)

    def _operands(self, args: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        with reraised():
            values = self._prepared(*args)
        last = len(self.gathers) + self.program.num_inputs
        inputs = values[len(self.gathers) : last]
        return [self._angles(values), *inputs], values[last:]

    def _finish(self, readings: Sequence[Any], args: Sequence[Any]) -> list[Any]:
        if self.normalises:
            *readings, total = readings
            readings = [each / total for each in readings]
        found = [
            outcome(each.step.primitive, value)
            for each, value in zip(self.measured, readings, strict=False)
        ]
        return evaluate_post(self.post, self.post_consts, args, iter(found))

    def _angles(self, values: Sequence[Any]) -> Any:
        """Return the flat angles."""
        parts = [
            _gathered(value, indices)
            for value, indices in zip(values, self.gathers, strict=False)
        ]
        angle_dtype = np.float64 if wide_types() else np.float32
        if not parts:
            return jnp.zeros(0, angle_dtype)
        return jnp.concatenate(parts) if len(parts) > 1 else parts[0]


def shaped(aval: Any) -> ShapedArray:
    """Return an abstract value as one of an array."""
    return ShapedArray(aval.shape, aval.dtype)


def _gathered(value: Any, indices: tuple[int, ...] | None) -> Any:
    flat = jnp.ravel(value)
    if indices is None or indices == tuple(range(flat.size)):
        return flat
    return flat[np.asarray(indices)]


def _hoisted(jaxpr: Jaxpr, outcomes: int | None) -> tuple[ClosedJaxpr, Hoisted]:
    """Return the code that computes a circuit's values, and the circuit.

    On a path through measurements, the last two are a one and the weight of the path.
    """
    captured: list[Hoisted] = []

    def values(*args: Any) -> tuple[Any, ...]:
        path = None if outcomes is None else Path(args[-1])
        given = args[: len(jaxpr.invars)]
        _, hoisted = hoist(jaxpr, (), given, "differentiation", path)
        if path is not None:
            hoisted = hoisted.with_values(jnp.ones(1), path.weight)
        captured.append(hoisted.traced())
        return hoisted.values

    avals = [shaped(variable.aval) for variable in jaxpr.invars]
    if outcomes is not None:
        avals.append(ShapedArray((outcomes,), np.dtype(bool)))
    traced = jax.make_jaxpr(values)(
        *(jax.ShapeDtypeStruct(aval.shape, aval.dtype) for aval in avals)
    )
    return traced, captured[-1]


def _all_paths(jaxpr: Jaxpr, name: str) -> np.ndarray[Any, Any]:
    """Return the outcomes of all paths through a circuit's measurements."""
    count = outcome_count(jaxpr)
    if count > MOST_OUTCOMES:
        raise DifferentiationError(
            f"{user_line()}: '{name}' measures {count} times on the way. Its exact "
            f"derivative runs over all outcomes, of at most {MOST_OUTCOMES} "
            "measurements. Use diff_method='spsa' or 'finite-diff'."
        )
    return (np.arange(2**count)[:, None] >> np.arange(count) & 1).astype(bool)


def partition(
    jaxpr: Jaxpr, num_wires: int, dtype: np.dtype[Any], name: str, method: str
) -> HybridPartition:
    """Partition a closed-over jaxpr (no constants) of a quantum function."""
    paths = _all_paths(jaxpr, name) if measures_mid_circuit(jaxpr) else None
    traced, hoisted = _hoisted(jaxpr, None if paths is None else paths.shape[1])
    eqns = [eqn for eqn, _ in quantum_eqns(jaxpr)]
    normalises = any(eqn.params.get("postselect") is not None for eqn in eqns)
    nodes, measured = _measured_natively(hoisted, num_wires, dtype, normalises)
    others = [n for each in measured for n in each.inputs]
    if paths is not None:
        others.append(len(hoisted.values) - 1)
    angles = [n for n, angle in enumerate(hoisted.angles) if angle]
    rest = [
        n for n, angle in enumerate(hoisted.angles) if not angle and n not in others
    ]
    roots, loose = _roots(traced.jaxpr, angles)
    order = [number for _, members in roots for number, _ in members] + loose
    layout = lay_out(hoisted, order, rest)
    nodes = tuple(map(layout.place, nodes))
    outvars = [traced.jaxpr.outvars[number] for number in (*loose, *rest, *others)]
    root_vars = [root for root, _ in roots]
    outvars = [*root_vars, *outvars]
    prepare = traced.jaxpr.replace(
        outvars=outvars, eqns=needed_eqns(traced.jaxpr.eqns, outvars)
    )
    gathers = (
        *(tuple(place for _, place in members) for _, members in roots),
        *(None for _ in loose),
    )
    program = CircuitProgram(
        nodes,
        num_wires,
        dtype,
        sum(count(np.shape(hoisted.values[n])) for n in angles),
        len(rest),
        tuple(result_of(step) for step in nodes if is_measurement(step)),
        tuple(
            step.inputs[0].number
            for step in steps(nodes)
            if step.primitive == "quantum_expval"
        ),
        name,
        method,
        any(is_measurement(n) and n.primitive in SAMPLING for n in nodes),
    )
    return HybridPartition(
        program,
        ClosedJaxpr(prepare, traced.consts),
        gathers,
        tuple(_renumbered(measured)),
        _without_gates(jaxpr),
        (),
        paths,
        normalises,
    )


def is_measurement(node: Node) -> TypeGuard[Step]:
    """Tell whether a node is a terminal measurement."""
    natives = (*TERMINAL, "quantum_counts")
    return isinstance(node, Step) and node.primitive in natives


def _measured_natively(
    hoisted: Hoisted, num_wires: int, dtype: np.dtype[Any], normalises: bool
) -> tuple[list[Node], list[Measured]]:
    """Let a circuit measure what it can, and what the other measurements are read off.

    It measures expectation values of fixed operators, samples, its state and, on a
    path through measurements, its norm: the chance of the path.
    """
    nodes = [node for node in hoisted.nodes if not is_measurement(node)]
    state = Step("quantum_state", {"num_wires": num_wires, "dtype": dtype})
    one = Input(len(hoisted.values) - 2)
    norm = Step("quantum_expval", {"terms": (((), ()),), "dtype": dtype}, (), (one,))
    chance = [norm] if normalises else []
    natives: list[Step] = []
    measured: list[Measured] = []
    for step in [*filter(is_measurement, hoisted.nodes), *chance]:
        numbers = tuple(item.number for item in step.inputs)
        fixed = not any(isinstance(hoisted.values[n], ShapedArray) for n in numbers[1:])
        function = None
        match step.primitive:
            case "quantum_sample":
                raise _no_derivative(step)
            case "quantum_estimate":
                native, function, numbers = _drawn(step, numbers)
            case "quantum_expval" if fixed:
                native, numbers = step, ()
            case "quantum_mean" | "quantum_variance" as name:
                native, function = norm, functional(name, step.params)
            case name:
                native, function = state, functional(name, step.params)
        place = next((n for n, one in enumerate(natives) if one is native), None)
        if place is None:
            place = len(natives)
            natives.append(native)
        measured.append(Measured(step, place, function, numbers))
    return [*nodes, *natives], measured


def _drawn(step: Step, numbers: tuple[int, ...]) -> Any:
    """Return a measurement of counts or samples, and the statistic that is wanted."""
    params, statistic = dict(step.params), step.params["statistic"]
    if isinstance(statistic, Tallies):
        raise _no_derivative(step)
    del params["statistic"]
    count = len(params["factors"])
    counted = is_countable(len(params["wires"]), params["shots"])
    name = "quantum_counts" if counted else "quantum_sample"
    native = Step(name, params, (), step.inputs[:count], step.source)
    function = statistic.of_counts(params) if counted else statistic
    return native, function, numbers[count:]


def _no_derivative(step: Any) -> DifferentiationError:
    return DifferentiationError(
        f"{user_line(step.source.source_info)}: samples and counts have no derivative. "
        "Differentiate expectation values, or keep them out of what is differentiated "
        "with jax.lax.stop_gradient."
    )


def _renumbered(measured: Sequence[Measured]) -> Iterator[Measured]:
    """Number the inputs of measurements in the order in which they are given."""
    places = itertools.count()
    for each in measured:
        yield replace(each, inputs=tuple(next(places) for _ in each.inputs))


def result_of(step: Step) -> ShapedArray:
    """Return the abstract result of a measurement."""
    if step.primitive == "quantum_state":
        return ShapedArray((2 ** step.params["num_wires"],), step.params["dtype"])
    if step.primitive == "quantum_counts":
        return ShapedArray((2 ** len(step.params["wires"]),), integer_dtype())
    if step.primitive == "quantum_sample":
        shape = step.params["shots"], len(step.params["wires"])
        return ShapedArray(shape, integer_dtype())
    return ShapedArray((), real_dtype(step.params["dtype"]))


def _without_gates(jaxpr: Jaxpr) -> Jaxpr:
    """Keep the equations that the outputs need, and every measurement."""

    def measures(eqn: JaxprEqn) -> bool:
        calls = has_effects(eqn) and eqn.primitive.name in CALL_PRIMITIVES
        return calls or eqn.primitive.name in TERMINAL

    eqns = needed_eqns(jaxpr.eqns, jaxpr.outvars, measures)
    return jaxpr.replace(eqns=eqns)


def _roots(
    jaxpr: Jaxpr, angles: Sequence[int]
) -> tuple[list[tuple[Any, list[tuple[int, int]]]], list[int]]:
    """Group the angles that are plain elements of one array.

    One gather then replaces many slices, and its transpose is one scatter.
    """
    makers = {var: eqn for eqn in jaxpr.eqns for var in eqn.outvars}
    groups: dict[Any, list[tuple[int, int]]] = {}
    loose: list[int] = []
    for number in angles:
        found = element_of(jaxpr.outvars[number], makers)
        if found is None:
            loose.append(number)
        else:
            groups.setdefault(found[0], []).append((number, found[1]))
    return list(groups.items()), loose


def evaluate_post(
    jaxpr: Jaxpr, consts: Sequence[Any], args: Sequence[Any], results: Any
) -> list[Any]:
    """Evaluate a jaxpr with its measurements replaced by given results.

    A result may be a function of the measurement's operands.
    """
    env = Environment(jaxpr, consts, args)
    for eqn in jaxpr.eqns:
        if eqn.primitive.name in TERMINAL:
            result = next(results)
            if callable(result):
                operands = env.read(eqn.invars)
                unknown = any(value is None for value in operands)
                result = None if unknown else result(*operands)
            env.write(eqn.outvars, [result])
            continue
        inputs = env.read(eqn.invars)
        if has_effects(eqn) and eqn.primitive.name in CALL_PRIMITIVES:
            inner = inner_jaxpr(eqn)
            outs = evaluate_post(inner.jaxpr, inner.consts, inputs, results)
        elif any(value is None for value in inputs):
            outs = [None] * len(eqn.outvars)
        elif not has_effects(eqn):
            outs = bind(eqn, inputs)
        elif _is_classical(eqn):
            outs = without_gates(eqn, inputs, "differentiation")
        else:
            outs = [None] * len(eqn.outvars)
        env.write(eqn.outvars, outs)
    return env.read(jaxpr.outvars)


def _is_classical(eqn: JaxprEqn) -> bool:
    """Tell whether a loop or branch has results that no measurement decides."""
    if not eqn.outvars or eqn.primitive.name not in ("scan", "cond", "while"):
        return False
    return not any(map(measures_mid_circuit, inner_jaxprs(eqn)))


def check_measurements(jaxpr: Jaxpr, name: str, line: str) -> None:
    """Refuse gates after a measurement, measurements in loops, and no results."""
    measures = _check(jaxpr, measured=False, top=True)
    if not measures and not jaxpr.outvars:
        raise MeasurementError(
            f"{line}: the quantum function '{name}' returns nothing. Return a "
            "measurement: expval, var, probs, state, sample, counts or density_matrix."
        )


def _check(jaxpr: Jaxpr, measured: bool, top: bool) -> bool:
    for eqn in jaxpr.eqns:
        if not has_effects(eqn):
            continue
        name = eqn.primitive.name
        if name in TERMINAL:
            if not top:
                raise MeasurementError(
                    f"{user_line(eqn.source_info)}: {name[8:]} stands inside a loop "
                    "or branch. Measure at the end of the quantum function."
                )
            measured = True
        elif name in CALL_PRIMITIVES:
            measured = _check(inner_jaxpr(eqn).jaxpr, measured, top)
        else:
            if measured:
                raise MeasurementError(
                    f"{user_line(eqn.source_info)}: an operation follows a "
                    "measurement. Measure at the end of the quantum function; "
                    "qjit.measure is the mid-circuit measurement."
                )
            for inner in inner_jaxprs(eqn):
                _check(inner, measured=False, top=False)
    return measured
