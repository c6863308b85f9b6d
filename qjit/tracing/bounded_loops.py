"""While loops as loops of a known number of iterations, most of which may do nothing.

Such loops have derivatives in both modes, and inverses, because what their iterations
compute is kept. A loop that goes on for longer is refused when the program runs.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jax.extend.core import ClosedJaxpr, JaxprEqn, jaxpr_as_fun

from qjit.errors import DifferentiationError, ParameterError
from qjit.lowering.jax_internals.tracing import user_line
from qjit.lowering.jaxpr.traversal import has_effects, inner_jaxprs

from .checks import checked

# The iterations that are kept of a loop whose length is not known when tracing.
MOST_TURNS = 1024
# How much fewer of a loop with another one inside, of which each iteration keeps all.
FEWER_OUTSIDE = 8
PASSED = "its max_iterations. Pass a larger bound."


def bounded_while(
    goes_on: Callable[[Any], Any],
    iteration: Callable[[Any], Any],
    state: Any,
    most: int,
    why: str,
    line: str = "",
) -> Any:
    """Run `iteration` on a state while `goes_on` holds, but at most `most` times.

    One more iteration checks that no further one is needed.
    """

    def step(state: Any, number: jax.Array) -> tuple[Any, None]:
        wanted = goes_on(state)
        ends = (number < most) | ~wanted
        runs = checked(wanted, ends, DifferentiationError, _too_long(most, why), line)
        return jax.lax.cond(runs, iteration, lambda same: same, state), None

    return jax.lax.scan(step, state, jnp.arange(most + 1))[0]


def fori_loop(
    trips: Any, iteration: Callable[[Any, Any], Any], state: Any, most: int | None
) -> Any:
    """Run `iteration(k, state)` for k from zero, `trips` times, at most `most`."""
    if most is None or not isinstance(trips, Tracer):
        if most is not None and trips > _checked_bound(most):
            raise DifferentiationError(f"{user_line()}: {_too_long(most, PASSED)}")
        return jax.lax.fori_loop(0, trips, iteration, state)
    return while_loop_of_at_most(
        lambda carry: carry[0] < trips,
        lambda carry: (carry[0] + 1, iteration(*carry)),
        (jnp.zeros_like(trips), state),
        most,
    )[1]


def while_loop_of_at_most(
    goes_on: Callable[[Any], Any],
    iteration: Callable[[Any], Any],
    state: Any,
    most: int | None,
) -> Any:
    """Run `iteration` on a state while `goes_on` holds for it."""
    if most is None:
        return jax.lax.while_loop(goes_on, iteration, state)
    return bounded_while(goes_on, iteration, state, _checked_bound(most), PASSED)


def _checked_bound(most: Any) -> int:
    """Return a number of iterations, or refuse what is none."""
    if isinstance(most, bool) or not isinstance(most, (int, np.integer)) or most < 0:
        raise ParameterError(
            f"{user_line()}: max_iterations takes an integer that is known when "
            f"tracing and not negative, but got {most!r}."
        )
    return int(most)


def _too_long(most: int, why: str) -> str:
    return f"a loop takes more than {most} iterations, {why}"


def bounded(eqn: JaxprEqn, inputs: Sequence[Any], purpose: str) -> ClosedJaxpr:
    """Return a while loop as one of so many iterations, a function of its inputs."""
    params, most = eqn.params, _kept_iterations(eqn)
    first = params["cond_nconsts"]
    second = first + params["body_nconsts"]
    condition = jaxpr_as_fun(params["cond_jaxpr"])
    body = jaxpr_as_fun(params["body_jaxpr"])
    why = (
        f"as many as {purpose} keeps where their number is not known when tracing. "
        "Give qjit.for_loop or qjit.while_loop max_iterations."
    )

    def run(*values: Any) -> Any:
        return bounded_while(
            lambda state: condition(*values[:first], *state)[0],
            lambda state: body(*values[first:second], *state),
            list(values[second:]),
            most,
            why,
            user_line(eqn.source_info),
        )

    return jax.make_jaxpr(run)(*inputs)


def _kept_iterations(eqn: JaxprEqn) -> int:
    return max(MOST_TURNS // FEWER_OUTSIDE ** (_depth(eqn) - 1), 2)


def _depth(eqn: JaxprEqn) -> int:
    """Return how many while loops around gates are inside of one another."""
    inner = [e for jaxpr in inner_jaxprs(eqn) for e in jaxpr.eqns if has_effects(e)]
    deepest = max(map(_depth, inner), default=0)
    return deepest + (eqn.primitive.name == "while")
