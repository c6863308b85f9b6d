"""Import rules of special functions: what JAX makes of them, scalar by scalar."""

from typing import Any

from xdsl.ir import SSAValue

from .arrays import Value
from .decompositions import decomposition
from .importer import Importer, elementwise


@elementwise("bessel_i0e", "bessel_i1e", "digamma", "erf_inv", "lgamma", "polygamma")
@elementwise("igamma", "igammac", "igamma_grad_a", "random_gamma_grad", "zeta")
@elementwise("regularized_incomplete_beta")
def decomposed(importer: Importer, eqn: Any, *scalars: SSAValue) -> SSAValue:
    """Import a primitive as the simpler ones that JAX lowers it to."""
    dtypes = tuple(var.aval.dtype for var in eqn.invars)
    closed = decomposition(eqn.primitive, tuple(eqn.params.items()), dtypes)
    values = [Value((), d, ssa=x) for d, x in zip(dtypes, scalars, strict=True)]
    counted = dict(importer.native_primitives)
    (found,) = importer.inline(closed, values)
    importer.native_primitives = counted
    return importer.scalar(found)
