"""Import rules of quantum functions: how a program takes circuits in."""

from collections.abc import Sequence
from typing import Any

import jax
from jax.extend.core import ClosedJaxpr

from qjit.dialects.statevector import SeedOp
from qjit.lowering.arrays import Value
from qjit.lowering.import_circuit import import_adjoint, import_circuit
from qjit.lowering.import_quantum import begin, end
from qjit.lowering.import_samples import shared_draws
from qjit.lowering.importer import Importer, rule
from qjit.lowering.pipeline import resolve_pipeline
from qjit.lowering.program import Program, compile_program

from .circuit_derivatives import circuit_pull_p, circuit_push_p, pulled, pushed
from .circuit_primitives import circuit_p, mapped_over_batch, qnode_p
from .jaxprs import measures_midway, quantum_eqns
from .trajectories import import_trajectories

BATCHABLE = {p.name: p for p in (qnode_p, circuit_p, circuit_push_p, circuit_pull_p)}


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


@rule("qnode")
@_unbatched
def _qnode(
    importer: Importer, params: dict[str, Any], inputs: Sequence[Value]
) -> list[Value]:
    circuit = params["circuit"]
    if circuit.seed is not None:
        importer.insert(SeedOp(circuit.seed))
    if measures_midway(circuit.jaxpr):
        return import_trajectories(importer, circuit, inputs)
    importer.settle(inputs)
    draws = shared_draws(eqn for eqn, _ in quantum_eqns(circuit.jaxpr))
    begin(importer, circuit.num_wires, circuit.dtype, draws=draws)
    outs = importer.evaluate(circuit.jaxpr, (), inputs)
    end(importer)
    return outs


@rule("circuit")
@_unbatched
def _circuit(
    importer: Importer, params: dict[str, Any], inputs: Sequence[Value]
) -> list[Value]:
    return import_circuit(importer, params["core"], inputs)


@rule("circuit_push")
@_unbatched
def _circuit_push(
    importer: Importer, params: dict[str, Any], inputs: Sequence[Value]
) -> list[Value]:
    run = pushed(params["core"], params["directions"])
    return _inline(importer, run, inputs)


@rule("circuit_pull")
@_unbatched
def _circuit_pull(
    importer: Importer, params: dict[str, Any], inputs: Sequence[Value]
) -> list[Value]:
    core, directions, into = params["core"], params["directions"], params["into"]
    if directions:
        return _inline(importer, pulled(core, directions, into), inputs)
    count = len(core.results)
    return import_adjoint(importer, core, inputs[:count], inputs[count:], into)


def compile_jaxpr(
    closed: ClosedJaxpr,
    *,
    name: str,
    seed: int | None = None,
    pipeline: Any = None,
    keep_stages: bool = False,
) -> Program:
    """Compile a closed jaxpr that may call quantum functions."""
    return compile_program(
        closed,
        name=name,
        seed=seed,
        passes=resolve_pipeline(pipeline),
        keep_stages=keep_stages,
    )
