"""Import of a whole program into one function."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jax.core import ShapedArray
from jax.extend.core import ClosedJaxpr
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp

from qjit.lowering.importer.rules.arrays import convolution as convolution
from qjit.lowering.importer.rules.arrays import indexing as indexing
from qjit.lowering.importer.rules.arrays import reductions as reductions
from qjit.lowering.importer.rules.arrays import shapes as shapes
from qjit.lowering.importer.rules.arrays import sorting as sorting
from qjit.lowering.importer.rules.arrays import windows as windows

# NOTE: they register their rules when they are imported.
from qjit.lowering.importer.rules.control import checks as checks
from qjit.lowering.importer.rules.control import control as control
from qjit.lowering.importer.rules.linalg import eigen as eigen
from qjit.lowering.importer.rules.linalg import fft as fft
from qjit.lowering.importer.rules.linalg import orthogonal as orthogonal
from qjit.lowering.importer.rules.linalg import products as products
from qjit.lowering.importer.rules.linalg import solvers as solvers
from qjit.lowering.importer.rules.quantum import operations as operations
from qjit.lowering.importer.rules.scalars import conversions as conversions
from qjit.lowering.importer.rules.scalars import elementwise as elementwise
from qjit.lowering.importer.rules.scalars import math as math
from qjit.lowering.importer.rules.scalars import random as random
from qjit.lowering.importer.rules.scalars import special as special
from qjit.lowering.jax_internals.equations import physical_aval, without_dead_code
from qjit.lowering.jaxpr.dimensions import Size, UnknownSizeError, names

from . import extensions
from . import host_calls as host_calls
from .functions import OutlinedFunctions
from .importer import Importer
from .values import memref_type


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
    circuit_passes: Mapping[str, Any]


def import_program(
    closed: ClosedJaxpr,
    *,
    name: str = "program",
) -> Imported:
    """Import a closed jaxpr as one function that writes its results into buffers.

    Where shapes have symbolic dimensions, one more input, after the others, holds the
    dimensions of the call. A rule that cannot take those is replaced by a host call.
    """
    extensions.load()
    host_only: frozenset[str] = frozenset()
    while True:
        outlined = OutlinedFunctions()
        importer = Importer(name, host_only, outlined)
        try:
            return _import_into(importer, outlined, closed)
        except UnknownSizeError as error:
            if not error.hosted:
                raise
            host_only |= {error.primitive}


def _import_into(
    importer: Importer, outlined: OutlinedFunctions, closed: ClosedJaxpr
) -> Imported:
    jaxpr = without_dead_code(closed.jaxpr)
    avals, outs = (
        [physical_aval(var.aval) for var in variables]
        for variables in (jaxpr.invars, jaxpr.outvars)
    )
    dimensions = names(aval.shape for aval in avals)
    if dimensions:  # known to the program's own function only
        avals.append(ShapedArray((len(dimensions),), np.dtype(np.int64)))
    else:
        outlined.count(jaxpr)
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
        importer.circuit_passes,
    )
