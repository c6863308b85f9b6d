"""Import rules of quantum functions: how a program takes circuits in."""

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from jax.core import ShapedArray

from qjit.dialects.statevector import ExecutionKeyOp, SeedOp
from qjit.dialects.targets import find_target
from qjit.gradients.circuit_rules import (
    circuit_jvp_p,
    circuit_vjp_p,
    jvp_by_circuits,
    vjp_by_circuits,
)
from qjit.gradients.qnode_primitives import circuit_p, mapped_over_batch, qnode_p
from qjit.lowering.importer.host_calls import call_out
from qjit.lowering.importer.importer import Importer, rule
from qjit.lowering.importer.rules.quantum.circuit import import_adjoint, import_circuit
from qjit.lowering.importer.rules.quantum.circuit_state import begin, end, inlined
from qjit.lowering.importer.rules.quantum.sampling import shared_draws
from qjit.lowering.importer.values import Value
from qjit.lowering.jaxpr.traversal import measures_mid_circuit, quantum_eqns

from .outcome_paths import import_outcome_paths

BATCHABLE = {p.name: p for p in (qnode_p, circuit_p, circuit_jvp_p, circuit_vjp_p)}


def _inline(importer: Importer, function: Any, values: Sequence[Value]) -> list[Value]:
    avals = [jax.ShapeDtypeStruct(value.shape, value.dtype) for value in values]
    return importer.inline(jax.make_jaxpr(function)(*avals), values)


def _unbatched(function: Any) -> Any:
    """Let a rule see single entries of a batch only."""

    def with_batch(importer: Importer, eqn: Any, *inputs: Value) -> list[Value]:
        params = {k: v for k, v in eqn.params.items() if k != "batch"}
        batch = eqn.params["batch"]
        if batch is None:
            return function(importer, params, inputs)
        primitive = BATCHABLE[eqn.primitive.name]
        return _inline(importer, mapped_over_batch(primitive, batch, params), inputs)

    return with_batch


def _note_method(importer: Importer, name: str, method: str | None) -> None:
    """Let the report tell how a quantum function is differentiated."""
    if method is not None:
        importer.notes.setdefault("diff_method", {})[name] = method


def seed(importer: Importer, key: Value) -> None:
    """Let what follows draw from the stream of a key."""

    def word(key: Any) -> Any:
        return jax.lax.bitcast_convert_type(key, np.int64)

    importer.insert(SeedOp(importer.scalar(inlined(importer, word, key))))


@rule("execution_key")
def _execution_key(importer: Importer, eqn: Any, *_: Value) -> list[Value]:
    op = ExecutionKeyOp(eqn.params["seed"])
    word = importer.from_scalar(importer.emit(op), ShapedArray((), np.dtype(np.int64)))

    def words(word: Any) -> Any:
        return jax.lax.bitcast_convert_type(word, np.uint32)

    return [inlined(importer, words, word)]


@rule("qnode")
def _qnode(importer: Importer, eqn: Any, *inputs: Value) -> list[Value]:
    circuit = eqn.params["circuit"]
    state = find_target(circuit.device).state
    if state == "remote":
        # With what writes circuits it takes longer to import than programs to compile.
        from .remote import import_remote

        call = (circuit, eqn.params["batch"], len(inputs))
        return import_remote(importer, eqn, [call], inputs)
    if state == "host" and eqn.params["batch"] is None:
        from .reference import evaluator

        avals = [jax.ShapeDtypeStruct(v.shape, v.dtype) for v in inputs]
        function = evaluator(circuit, avals)
        return call_out(importer, eqn, inputs, lambda **_: function)
    return _qnode_in_place(importer, eqn, *inputs)


@rule("qnodes")
def _qnodes(importer: Importer, eqn: Any, *inputs: Value) -> list[Value]:
    from .remote import import_remote

    return import_remote(importer, eqn, eqn.params["calls"], inputs)


@_unbatched
def _qnode_in_place(
    importer: Importer, params: dict[str, Any], inputs: Sequence[Value]
) -> list[Value]:
    circuit = params["circuit"]
    if circuit.diff_method is not None and find_target(circuit.device).derivatives:
        _note_method(importer, circuit.name, circuit.method)
    if circuit.draws:
        seed(importer, inputs[-1])
    if measures_mid_circuit(circuit.jaxpr):
        return import_outcome_paths(importer, circuit, inputs)
    importer.materialise(inputs)
    eqns = (eqn for eqn, _ in quantum_eqns(circuit.jaxpr))
    draws = shared_draws((eqn.primitive.name, eqn.params, eqn.invars) for eqn in eqns)
    begin(
        importer,
        circuit.num_wires,
        circuit.dtype,
        target=find_target(circuit.device),
        draws=draws,
        passes=circuit.passes,
        name=circuit.name,
        labels=circuit.labels,
        seeded=circuit.estimates is not None,
    )
    outs = importer.evaluate(circuit.jaxpr, (), inputs)
    end(importer)
    return outs


@rule("circuit")
def _circuit(importer: Importer, eqn: Any, *inputs: Value) -> list[Value]:
    program, batch = eqn.params["program"], eqn.params["batch"]
    _note_method(importer, program.name, program.method)
    if batch is not None:
        run = mapped_over_batch(circuit_p, batch, {"program": program})
        return _inline(importer, run, inputs)
    if program.samples:
        seed(importer, inputs[-1])
        inputs = inputs[:-1]
    return import_circuit(importer, program, inputs, eqn.params.get("run"))


@rule("circuit_jvp")
@_unbatched
def _circuit_jvp(
    importer: Importer, params: dict[str, Any], inputs: Sequence[Value]
) -> list[Value]:
    _note_method(importer, params["program"].name, params["program"].method)
    run = jvp_by_circuits(params["program"], params["directions"])
    return _inline(importer, run, inputs)


@rule("circuit_vjp")
@_unbatched
def _circuit_vjp(
    importer: Importer, params: dict[str, Any], inputs: Sequence[Value]
) -> list[Value]:
    program, directions, into = params["program"], params["directions"], params["into"]
    if directions:
        return _inline(importer, vjp_by_circuits(program, directions, into), inputs)
    _note_method(importer, program.name, program.method)
    count = len(program.results)
    run = params.get("run")
    return import_adjoint(importer, program, inputs[:count], inputs[count:], into, run)
