"""Import of a whole program into one function."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jax.core import ShapedArray
from jax.extend.core import ClosedJaxpr
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp

# NOTE: they register their rules when they are imported.
from . import import_checks as import_checks
from . import import_control as import_control
from . import import_conversions as import_conversions
from . import import_convolution as import_convolution
from . import import_elementwise as import_elementwise
from . import import_fft as import_fft
from . import import_indexing as import_indexing
from . import import_linalg as import_linalg
from . import import_math as import_math
from . import import_orthogonal as import_orthogonal
from . import import_products as import_products
from . import import_quantum as import_quantum
from . import import_random as import_random
from . import import_reductions as import_reductions
from . import import_shapes as import_shapes
from . import import_sorting as import_sorting
from . import import_special as import_special
from . import import_spectra as import_spectra
from . import import_windows as import_windows
from .arrays import memref_type
from .dimensions import Size, UnknownSizeError, names
from .importer import Importer
from .jax_internals import physical_aval, without_dead_code


@dataclass(frozen=True)
class Imported:
    """An imported program and what its callers must know about it."""

    module: ModuleOp
    locations: list[str]
    native: dict[str, int]
    host: list[str]
    notes: dict[str, dict[str, Any]]
    dimensions: tuple[str, ...]
    sizes: dict[Size, bool]


def import_program(
    closed: ClosedJaxpr,
    *,
    name: str = "program",
) -> Imported:
    """Import a closed jaxpr as one function that writes its results into buffers.

    Where shapes have symbolic dimensions, one more input, after the others, holds the
    dimensions of the call. A rule that cannot take those is replaced by a host call.
    """
    host_only: frozenset[str] = frozenset()
    while True:
        importer = Importer(name, host_only)
        try:
            return _import_into(importer, closed)
        except UnknownSizeError as error:
            if not error.hosted:
                raise
            host_only |= {error.primitive}


def _import_into(importer: Importer, closed: ClosedJaxpr) -> Imported:
    jaxpr = without_dead_code(closed.jaxpr)
    avals, outs = (
        [physical_aval(var.aval) for var in variables]
        for variables in (jaxpr.invars, jaxpr.outvars)
    )
    dimensions = names(aval.shape for aval in avals)
    if dimensions:  # known to the program's own function only
        avals.append(ShapedArray((len(dimensions),), np.dtype(np.int64)))
    else:
        importer.subroutines.count(jaxpr)
    types = [memref_type(aval.shape, aval.dtype) for aval in (*avals, *outs)]
    with importer.function(importer.name, types) as function:
        arguments = function.body.block.args
        if dimensions:
            importer.read_dimensions(dimensions, arguments[len(avals) - 1])
        inputs = [
            importer.argument(buffer, aval)
            for aval, buffer in zip(avals, arguments[: len(jaxpr.invars)], strict=False)
        ]
        outputs = importer.evaluate(jaxpr, closed.consts, inputs)
        for value, target in zip(outputs, arguments[len(avals) :], strict=True):
            importer.copy_into(value, importer.sized(target, value.shape))
        importer.insert(func.ReturnOp())
    return Imported(
        importer.module,
        importer.locations,
        importer.native_primitives,
        importer.host_names,
        importer.notes,
        dimensions,
        importer.sizes,
    )
