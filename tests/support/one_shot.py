"""Texts of quantum functions, by the emitters."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from qjit.jit.importing.one_shot import ENTRY, ShotPlan
from qjit.lowering.emitters.emit import Emitted, emit
from qjit.lowering.emitters.emitter import Emitter
from qjit.lowering.emitters.openqasm import QasmDialect, QasmEmitter


def emitted(
    function: Callable[..., Any],
    *args: Any,
    dialect: QasmDialect | None = None,
    emitter: Callable[[], Emitter] | None = None,
) -> list[Emitted]:
    """Return the programs of one quantum function, one for each of its draws.

    They are in OpenQASM unless `emitter` makes emitters of another language.
    """
    make = emitter or (lambda: QasmEmitter(dialect or QasmDialect()))
    closed = jax.make_jaxpr(function)(*args)
    (eqn,) = [e for e in closed.jaxpr.eqns if e.primitive.name == "qnode"]
    given = {
        var: np.asarray(a) for var, a in zip(closed.jaxpr.invars, args, strict=True)
    }
    given |= dict(zip(closed.jaxpr.constvars, closed.consts, strict=True))
    # The key of its random numbers, which is computed, is not read in one shot.
    values = [
        np.asarray(given.get(var, np.zeros(var.aval.shape, var.aval.dtype)))
        for var in eqn.invars
    ]
    plan = ShotPlan(eqn.params["circuit"])
    return [emit(shot.module, ENTRY, values, make()) for shot in plan.shots(values)]
