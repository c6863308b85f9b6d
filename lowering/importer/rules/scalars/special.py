"""Import rules of special functions: what JAX makes of them, scalar by scalar."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
from jax import lax
from jax.extend.core import ClosedJaxpr
from xdsl.ir import SSAValue

from qjit.lowering.importer.importer import Importer, elementwise
from qjit.lowering.importer.values import Value
from qjit.lowering.jax_internals.equations import enable_x64

from .scalar_decomposition import decomposition


@elementwise("bessel_i0e", "bessel_i1e", "digamma", "erf_inv", "lgamma", "polygamma")
@elementwise("igamma", "igammac", "igamma_grad_a", "random_gamma_grad", "zeta")
@elementwise("regularized_incomplete_beta", "mulhi")
def decomposed(importer: Importer, eqn: Any, *scalars: SSAValue) -> SSAValue:
    """Import a primitive as the simpler ones that JAX lowers it to."""
    dtypes = tuple(var.aval.dtype for var in eqn.invars)
    closed = decomposition(eqn.primitive, tuple(eqn.params.items()), dtypes)
    return _inline(importer, closed, scalars)


def _one_minus_square(x: Any) -> Any:
    one = lax.full_like(x, 1)
    return lax.mul(lax.add(one, x), lax.sub(one, x))


def _polynomial(x: Any, *coefficients: Any) -> Any:
    """Evaluate a polynomial by Horner's rule."""
    *lower, found = coefficients
    for coefficient in reversed(lower):
        found = lax.add(lax.mul(found, x), coefficient)
    return found


def _expanded(name: str, function: Callable[..., Any]) -> None:
    @elementwise(name)
    def _(importer: Importer, eqn: Any, *scalars: SSAValue) -> SSAValue:
        return expanded(importer, eqn, function, *scalars)


def expanded(
    importer: Importer, eqn: Any, function: Callable[..., Any], *scalars: SSAValue
) -> SSAValue:
    """Import an equation on scalars as what a function of JAX makes of them."""
    shapes = [jax.ShapeDtypeStruct((), var.aval.dtype) for var in eqn.invars]
    with enable_x64(True):
        closed = jax.make_jaxpr(function)(*shapes)
    return _inline(importer, closed, scalars)


_expanded("one_minus_square", _one_minus_square)
_expanded("polynomial", _polynomial)


def _inline(
    importer: Importer, closed: ClosedJaxpr, scalars: Sequence[SSAValue]
) -> SSAValue:
    """Import a jaxpr of scalars, whose equations count as those of one primitive."""
    avals: list[Any] = [var.aval for var in closed.jaxpr.invars]
    values = [Value((), a.dtype, ssa=x) for a, x in zip(avals, scalars, strict=True)]
    counted = dict(importer.native_primitives)
    (found,) = importer.inline(closed, values)
    importer.native_primitives = counted
    return importer.scalar(found)
