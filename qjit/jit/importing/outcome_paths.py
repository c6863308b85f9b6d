"""Circuits that measure on the way: exact averages over outcomes, or shot by shot.

Such a circuit is imported as a loop whose body is the whole circuit: it runs once for
each path through its measurements, and the runtime skips what paths share.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import ShapedArray
from jax.extend.core import ClosedJaxpr, JaxprEqn
from xdsl.dialects import arith, scf
from xdsl.dialects.builtin import i64
from xdsl.ir import SSAValue

from qjit.dialects.statevector.branching import (
    NextPathOp,
    PathRowsOp,
    PathsBeginOp,
    PathsEndOp,
    PathWeightOp,
    RowOrderOp,
)
from qjit.dialects.targets import find_target
from qjit.errors import MeasurementError, UnsupportedError
from qjit.gradients.hybrid_split import evaluate_post
from qjit.gradients.qnode_primitives import Circuit
from qjit.lowering.importer.importer import Importer, index
from qjit.lowering.importer.rules.quantum.circuit_state import begin, end, inlined
from qjit.lowering.importer.rules.quantum.operations import (
    add_measurement,
    read_out,
    readout_of,
)
from qjit.lowering.importer.rules.quantum.sampling import add_sample, shared_draws
from qjit.lowering.importer.values import Value
from qjit.lowering.jax_internals.tracing import user_line, without_dead_code
from qjit.lowering.jaxpr.primitives import integer_dtype
from qjit.lowering.jaxpr.traversal import quantum_eqns
from qjit.measurements.outcomes import INVALID
from qjit.tracing.extract_circuit import TERMINAL

F64 = np.dtype(np.float64)
I64 = np.dtype(np.int64)
SCALAR = ShapedArray((), F64)

Inputs = Sequence[Value]


def import_outcome_paths(
    importer: Importer, circuit: Circuit, inputs: Sequence[Value]
) -> list[Value]:
    """Import a circuit that measures on the way."""
    kind = Averages if circuit.shots is None else Samples
    found = [
        eqn for eqn, _ in quantum_eqns(circuit.jaxpr) if eqn.primitive.name in TERMINAL
    ]
    _check(circuit, found, kind.measurements)
    importer.materialise(inputs)
    with importer.holding(inputs):
        results = kind(importer, circuit, found).run(inputs)

    def finish(*values: Any) -> list[Any]:
        results, rest = values[: len(found)], values[len(found) :]
        masks, args = (rest[:1], rest[1:]) if circuit.masks_rows else ((), rest)
        given = (
            statistic_of(eqn, result, *masks)
            for eqn, result in zip(found, results, strict=True)
        )
        outs = evaluate_post(circuit.jaxpr, (), args, given)
        if any(out is None for out in outs):
            raise UnsupportedError(
                f"{user_line()}: '{circuit.name}' returns a measured outcome, or what "
                "was computed from one, which differs from shot to shot. Return its "
                "qjit.expval, qjit.var or qjit.probs or, with shots, its qjit.sample "
                "or qjit.counts."
            )
        return outs

    values = [*results, *inputs]
    shapes = [jax.ShapeDtypeStruct(value.shape, value.dtype) for value in values]
    post = jax.make_jaxpr(finish)(*shapes)
    live = without_dead_code(post.jaxpr)
    return importer.inline(ClosedJaxpr(live, post.consts), values)


def statistic_of(eqn: JaxprEqn, result: Any, mask: Any = None) -> Any:
    """Return what a measurement makes of what was sampled, if it makes anything.

    A mask tells which shots count.
    """
    statistic, how = eqn.params.get("statistic"), {}
    if mask is not None:
        which = mask.reshape(-1, *(1 for _ in result.shape[1:]))
        result = jnp.where(which, result, invalid(result.dtype, statistic))
        how = {"counts": mask, "shots": jnp.sum(mask)}
    if statistic is None:
        return result
    if eqn.primitive.name == "quantum_estimate":
        first = len(eqn.params["factors"])
        return lambda *operands: statistic(result, *operands[first:], **how)
    return statistic(result, **how)


def invalid(dtype: Any, statistic: Any = None) -> Any:
    """Return what stands for a shot that does not count."""
    if statistic is not None:
        return np.zeros((), dtype)
    if jnp.issubdtype(dtype, jnp.inexact):
        return np.asarray(np.nan, dtype)
    return np.asarray(INVALID, dtype)


def _check(circuit: Circuit, found: Sequence[JaxprEqn], wanted: Sequence[str]) -> None:
    for eqn in found:
        if eqn.primitive.name not in wanted:
            kind = eqn.primitive.name.removeprefix("quantum_")
            raise MeasurementError(
                f"{user_line(eqn.source_info)}: {kind} has no single value after a "
                "mid-circuit measurement. Use expval, var, probs or density_matrix "
                "without shots, which are averaged over the outcomes, or sample and "
                "counts with shots."
            )
    for eqn, around in quantum_eqns(circuit.jaxpr):
        if circuit.shots is None and "while" in around and _branches(eqn):
            raise MeasurementError(
                f"{user_line(eqn.source_info)}: '{circuit.name}' measures inside a "
                "while loop, so there is no end to the outcomes that an exact average "
                "runs over. Give shots to qnode(shots=...), or bound the loop: "
                "jax.lax.fori_loop or scan with a length that is known when tracing."
            )


def _branches(eqn: JaxprEqn) -> bool:
    if eqn.primitive.name == "quantum_measure":
        return eqn.params["postselect"] is None
    return eqn.primitive.name == "quantum_reset"


@dataclass(frozen=True)
class OutcomePaths:
    """A circuit that runs once for each path through its measurements."""

    importer: Importer
    circuit: Circuit
    found: Sequence[JaxprEqn]  # its terminal measurements

    def emit_paths(
        self,
        inputs: Inputs,
        on_path: Callable[..., None],
        at_end: Callable[[], None] = lambda: None,
    ) -> None:
        """Emit the loop over paths; `on_path` takes what a terminal measures."""
        importer, circuit = self.importer, self.circuit
        program = without_dead_code(circuit.jaxpr.replace(outvars=[]))
        numbers = iter(range(len(self.found)))

        def terminal(_: Importer, eqn: Any, operands: Inputs) -> Value:
            on_path(next(numbers), eqn, operands)
            aval = eqn.outvars[0].aval
            return importer.constant(np.zeros(aval.shape, aval.dtype))

        importer.insert(PathsBeginOp(circuit.shots, once=circuit.masks_shots))
        with importer.region() as before:
            begin(
                importer,
                circuit.num_wires,
                circuit.dtype,
                terminal=terminal,
                target=find_target(circuit.device),
                draws=shared_draws(
                    ((e.primitive.name, e.params, e.invars) for e in self.found),
                    listed=True,
                ),
                passes=circuit.passes,
                name=circuit.name,
                labels=circuit.labels,
                has_calls=False,
            )
            importer.evaluate(program, (), inputs)
            end(importer)
            at_end()
            importer.insert(scf.ConditionOp(importer.emit(NextPathOp())))
        with importer.region() as after:
            importer.insert(scf.YieldOp())
        importer.insert(scf.WhileOp([], [], [before], [after]))


@dataclass(frozen=True)
class Average:
    """How a measurement is averaged: what each path adds, and what is made of it."""

    on_path: Callable[[Importer, Any, Inputs], list[Value]]
    combine: Callable[..., Any] = lambda mean: mean


def _itself(importer: Importer, eqn: Any, inputs: Inputs) -> list[Value]:
    return [read_out(importer, eqn, inputs)]


def _moments(importer: Importer, eqn: Any, inputs: Inputs) -> list[Value]:
    """The mean and the mean of the square of an observable."""
    mean, spread = (
        add_measurement(importer, f"quantum_{name}", eqn.params, inputs, SCALAR)
        for name in ("expval", "var")
    )
    return [mean, inlined(importer, lambda m, v: m * m + v, mean, spread)]


def _wide(importer: Importer, value: Value) -> Value:
    return inlined(importer, lambda x: jax.lax.convert_element_type(x, F64), value)


def _value(importer: Importer, _: Any, inputs: Inputs) -> list[Value]:
    return [_wide(importer, inputs[0])]


def _powers(importer: Importer, _: Any, inputs: Inputs) -> list[Value]:
    wide = _wide(importer, inputs[0])
    return [wide, inlined(importer, lambda x: x * x, wide)]


def _spread(mean: Any, square: Any) -> Any:
    return jnp.maximum(square - mean * mean, 0.0)


AVERAGES = {
    "quantum_expval": Average(_itself),
    "quantum_probs": Average(_itself),
    "quantum_density_matrix": Average(_itself),
    "quantum_var": Average(_moments, _spread),
    "quantum_mean": Average(_value),
    "quantum_variance": Average(_powers, _spread),
}


@dataclass(frozen=True)
class Averages(OutcomePaths):
    """Exact averages over all outcomes."""

    measurements = tuple(AVERAGES)

    def run(self, inputs: Inputs) -> list[Value]:
        """Return the averages of the terminal measurements."""
        importer = self.importer
        weights = self._zeros(SCALAR)
        totals = [list(self._totals(eqn)) for eqn in self.found]

        def weight() -> Value:
            return importer.from_scalar(importer.emit(PathWeightOp()), SCALAR)

        def on_path(number: int, eqn: Any, operands: Inputs) -> None:
            parts = AVERAGES[eqn.primitive.name].on_path(importer, eqn, operands)
            for part, (target, aval) in zip(parts, totals[number], strict=True):
                self._add(part, weight(), target, aval)

        def at_end() -> None:
            self._add(importer.constant(np.ones(())), weight(), weights, SCALAR)

        self.emit_paths(inputs, on_path, at_end)
        total = importer.from_buffer(weights, SCALAR)
        importer.insert(PathsEndOp(importer.scalar(total)))
        return [
            self._combined(eqn, parts, total)
            for eqn, parts in zip(self.found, totals, strict=True)
        ]

    def _totals(self, eqn: Any) -> Iterator[tuple[SSAValue, ShapedArray]]:
        aval = eqn.outvars[0].aval
        kind = np.complex128 if np.dtype(aval.dtype).kind == "c" else np.float64
        wide = ShapedArray(aval.shape, np.dtype(kind))
        count = 2 if AVERAGES[eqn.primitive.name].combine is _spread else 1
        for _ in range(count):
            yield self._zeros(wide), wide

    def _zeros(self, aval: ShapedArray) -> SSAValue:
        target = self.importer.allocate(aval.shape, aval.dtype)
        zeros = self.importer.constant(np.zeros(aval.shape, aval.dtype))
        self.importer.copy_into(zeros, target)
        return target

    def _add(
        self, value: Value, weight: Value, target: SSAValue, aval: ShapedArray
    ) -> None:
        importer = self.importer
        scaled = inlined(
            importer,
            lambda x, w: jax.lax.convert_element_type(x, aval.dtype) * w,
            value,
            weight,
        )
        old = importer.from_buffer(target, aval)
        total = inlined(importer, lambda a, b: a + b, old, scaled)

        def body(indices: list[SSAValue], _: Sequence[SSAValue]) -> list[SSAValue]:
            element = importer.element(total, indices)
            importer.store(element, target, indices, aval.dtype)
            return []

        importer.loop(aval.shape, body)

    def _combined(
        self, eqn: Any, parts: Sequence[tuple[SSAValue, ShapedArray]], total: Value
    ) -> Value:
        combine, dtype = AVERAGES[eqn.primitive.name].combine, eqn.outvars[0].aval.dtype

        def function(weight: Any, *sums: Any) -> Any:
            found = combine(*(each / weight for each in sums))
            return jax.lax.convert_element_type(found, dtype)

        sums = [self.importer.from_buffer(target, aval) for target, aval in parts]
        return inlined(self.importer, function, total, *sums)


@dataclass(frozen=True)
class Samples(OutcomePaths):
    """One row of each result for each shot."""

    measurements = ("quantum_sample", "quantum_estimate", "quantum_record")

    def run(self, inputs: Inputs) -> list[Value]:
        """Return the samples, in an order that does not tell the paths apart."""
        importer, shots = self.importer, self.circuit.shots
        rows: list[Value] = []

        def on_path(_: int, eqn: Any, operands: Inputs) -> None:
            if eqn.primitive.name == "quantum_sample":
                rows.append(read_out(importer, eqn, operands))
            elif eqn.primitive.name == "quantum_estimate":
                readout = readout_of(importer, eqn, operands)
                rows.append(add_sample(importer, readout, integer_dtype()))
            else:
                rows.append(self._recorded(operands[0]))

        self.emit_paths(inputs, on_path)
        aval = ShapedArray((shots,), I64)
        target = importer.allocate(aval.shape, I64)
        importer.insert(RowOrderOp(target))
        last = importer.insert(PathRowsOp()).first
        word = importer.emit(arith.IndexCastOp(last, i64))
        kept = importer.from_scalar(word, ShapedArray((), I64))
        zero = importer.scalar_constant(0.0, F64)
        importer.insert(PathsEndOp(zero))
        order = importer.from_buffer(target, aval)
        found = [self._ordered(each, order) for each in rows]
        if not self.circuit.masks_rows:
            return found
        importer.materialise(found)
        return [
            *found,
            inlined(importer, lambda order, kept: order < kept, order, kept),
        ]

    def _recorded(self, value: Value) -> Value:
        """Store a value into the rows of the shots that took the present path."""
        importer = self.importer
        aval = ShapedArray((self.circuit.shots, *value.shape), value.dtype)
        target = importer.allocate(aval.shape, aval.dtype)
        importer.materialise([value])
        rows = importer.insert(PathRowsOp())
        with importer.region([index]) as block:
            row = block.args[0]

            def body(indices: list[SSAValue], _: Any) -> list[SSAValue]:
                element = importer.element(value, indices)
                importer.store(element, target, [row, *indices], aval.dtype)
                return []

            importer.loop(aval.shape[1:], body)
            importer.insert(scf.YieldOp())
        one = importer.index_constant(1)
        importer.insert(scf.ForOp(rows.first, rows.end, one, [], block))
        return importer.from_buffer(target, aval)

    def _ordered(self, rows: Value, order: Value) -> Value:
        importer = self.importer

        def element(indices: Sequence[SSAValue]) -> SSAValue:
            chosen = importer.element(order, indices[:1])
            place = importer.emit(arith.IndexCastOp(chosen, index))
            return importer.element(rows, [place, *indices[1:]])

        aval = ShapedArray(rows.shape, rows.dtype)
        return importer.lazy(aval, [rows, order], element)
