"""The device "reference": circuits as host programs, by the definition of the IR."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import jax
import numpy as np
from jax.extend.core import ClosedJaxpr

from qjit.dialects.interpreter.quantum import run_module
from qjit.gradients.qnode_primitives import Circuit, qnode_p
from qjit.lowering.importer.program import import_program


def evaluator(circuit: Circuit, avals: Sequence[Any]) -> Callable[..., list[Any]]:
    """Return a function of arrays that runs a circuit by the numpy definition.

    The circuit is imported as for the simulator, and the operations of its module are
    carried out one by one.
    """

    @cache
    def program() -> tuple[Any, ClosedJaxpr]:
        own = replace(circuit, device="statevector", diff_method=None)

        def call(*args: Any) -> Any:
            return qnode_p.bind(*args, circuit=own, batch=None)

        closed = jax.make_jaxpr(call)(*avals)
        return import_program(closed, name="main").module, closed

    def evaluate(*args: Any) -> list[Any]:
        module, closed = program()
        outs = [np.zeros(aval.shape, aval.dtype) for aval in closed.out_avals]
        run_module(module, [*map(np.asarray, args), *outs])
        return outs

    return evaluate
