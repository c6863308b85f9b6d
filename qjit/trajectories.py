"""Circuits that measure on the way: exact averages over outcomes, or shot by shot."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np
from jax.core import ShapedArray
from jax.extend.core import Jaxpr, JaxprEqn
from xdsl.dialects import arith, scf
from xdsl.ir import SSAValue

from qjit.dialects.statevector import TreeBeginOp, TreeEndOp, TreeNextOp, TreeWeightOp
from qjit.lowering.arrays import Value
from qjit.lowering.import_quantum import begin, end, inlined
from qjit.lowering.importer import Importer

from .circuit_primitives import Circuit
from .errors import MeasurementError, UnsupportedError
from .hoist import TERMINAL
from .jax_internals import user_line
from .jaxprs import has_effects, inner_jaxprs, live_eqns
from .split import evaluate_post

BRANCHING = ("quantum_measure", "quantum_reset")
AVERAGED = ("quantum_expval", "quantum_probs", "quantum_density_matrix")

Run = Callable[[], list[Value]]


def measures_midway(jaxpr: Jaxpr) -> bool:
    """Tell whether a circuit has more than one possible course."""
    return any(
        eqn.primitive.name in BRANCHING
        or (has_effects(eqn) and any(map(measures_midway, inner_jaxprs(eqn))))
        for eqn in live_eqns(jaxpr)
    )


def import_trajectories(
    importer: Importer, circuit: Circuit, inputs: Sequence[Value]
) -> list[Value]:
    """Import a circuit that measures on the way."""
    found = _terminals(circuit)
    program = circuit.jaxpr.replace(outvars=[eqn.outvars[0] for eqn in found])
    shots = 1 if circuit.shots is not None else None

    def run() -> list[Value]:
        begin(importer, circuit.num_wires, circuit.dtype, shots=shots)
        outs = importer.evaluate(program, (), inputs)
        end(importer)
        return outs

    avals = [eqn.outvars[0].aval for eqn in found]
    importer.settle(inputs)
    with importer.holding(inputs):
        if circuit.shots is None:
            results = _averages(importer, run, avals)
        else:
            results = _samples(importer, run, avals, circuit.shots)

    def finish(*values: Any) -> list[Any]:
        results, args = values[: len(avals)], values[len(avals) :]
        outs = evaluate_post(circuit.jaxpr, (), args, iter(results))
        if any(out is None for out in outs):
            raise UnsupportedError(
                f"'{circuit.name}' returns a measured outcome itself, which is not "
                "supported yet. Return a statistic of wires or observables."
            )
        return outs

    values = [*results, *inputs]
    shapes = [jax.ShapeDtypeStruct(value.shape, value.dtype) for value in values]
    return importer.inline(jax.make_jaxpr(finish)(*shapes), values)


def _terminals(circuit: Circuit) -> list[JaxprEqn]:
    found = [e for e in live_eqns(circuit.jaxpr) if e.primitive.name in TERMINAL]
    wanted = AVERAGED if circuit.shots is None else ("quantum_sample",)
    for eqn in found:
        if eqn.primitive.name not in wanted:
            kind = eqn.primitive.name.removeprefix("quantum_")
            raise MeasurementError(
                f"{user_line(eqn.source_info)}: {kind} has no single value after a "
                "mid-circuit measurement. Use expval, probs or density_matrix, which "
                "are averaged over the outcomes, or sample with shots."
            )
    if not found:
        raise UnsupportedError(
            f"'{circuit.name}' measures only inside a nested function, after a "
            "mid-circuit measurement. Measure in the quantum function itself."
        )
    return found


def _averages(importer: Importer, run: Run, avals: Sequence[Any]) -> list[Value]:
    """Average over all outcomes: run once for each path through the measurements."""
    wide = [ShapedArray(aval.shape, _accumulator(aval.dtype)) for aval in avals]
    totals = [importer.allocate(aval.shape, aval.dtype) for aval in wide]
    scalar = ShapedArray((), np.dtype(np.float64))
    weights = importer.allocate((), scalar.dtype)
    for aval, target in zip((*wide, scalar), (*totals, weights), strict=True):
        zeros = importer.constant(np.zeros(aval.shape, aval.dtype))
        importer.copy_into(zeros, target)
    importer.insert(TreeBeginOp())
    with importer.region() as before:
        values = run()
        weight = importer.emit(TreeWeightOp())
        for value, aval, target in zip(values, wide, totals, strict=True):
            _add_weighted(importer, value, weight, aval, target)
        old = importer.load(weights, (), scalar.dtype)
        new = importer.emit(arith.AddfOp(old, weight))
        importer.store(new, weights, (), scalar.dtype)
        more = importer.emit(TreeNextOp())
        importer.insert(scf.ConditionOp(more))
    with importer.region() as after:
        importer.insert(scf.YieldOp())
    importer.insert(scf.WhileOp([], [], [before], [after]))
    total = importer.from_buffer(weights, scalar)
    importer.insert(TreeEndOp(importer.scalar(total)))
    return [
        inlined(
            importer,
            lambda x, w, dtype=aval.dtype: jax.lax.convert_element_type(x / w, dtype),
            importer.from_buffer(target, accumulated),
            total,
        )
        for target, accumulated, aval in zip(totals, wide, avals, strict=True)
    ]


def _accumulator(dtype: Any) -> np.dtype[Any]:
    return np.dtype(np.complex128 if np.dtype(dtype).kind == "c" else np.float64)


def _add_weighted(
    importer: Importer, value: Value, weight: SSAValue, aval: Any, target: SSAValue
) -> None:
    scale = importer.from_scalar(weight, ShapedArray((), np.dtype(np.float64)))
    scaled = inlined(
        importer,
        lambda x, w: jax.lax.convert_element_type(x, aval.dtype) * w,
        value,
        scale,
    )
    old = importer.from_buffer(target, aval)
    total = inlined(importer, lambda a, b: a + b, old, scaled)

    def body(indices: list[SSAValue], _: Sequence[SSAValue]) -> list[SSAValue]:
        element = importer.element(total, indices)
        importer.store(element, target, indices, aval.dtype)
        return []

    importer.loop(aval.shape, body)


def _samples(
    importer: Importer, run: Run, avals: Sequence[Any], shots: int
) -> list[Value]:
    """Sample by running the circuit once for each shot."""
    targets = [importer.allocate(aval.shape, aval.dtype) for aval in avals]

    def shot(indices: list[SSAValue], _: Sequence[SSAValue]) -> list[SSAValue]:
        values = run()
        for value, aval, target in zip(values, avals, targets, strict=True):
            _store_row(importer, value, indices[0], aval, target)
        return []

    importer.loop([shots], shot)
    return [
        importer.from_buffer(target, aval)
        for target, aval in zip(targets, avals, strict=True)
    ]


def _store_row(
    importer: Importer, value: Value, row: SSAValue, aval: Any, target: SSAValue
) -> None:
    zero = importer.index_constant(0)

    def body(indices: list[SSAValue], _: Sequence[SSAValue]) -> list[SSAValue]:
        element = importer.element(value, [zero, *indices])
        importer.store(element, target, [row, *indices], aval.dtype)
        return []

    importer.loop(aval.shape[1:], body)
