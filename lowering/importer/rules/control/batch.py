"""Import of loops whose steps are independent runs of circuits, for any threads.

A step becomes a function of the loop's arrays and of its number.
"""

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from jax.extend.core import Jaxpr
from xdsl.dialects import func
from xdsl.dialects.builtin import StringAttr
from xdsl.ir import Attribute, SSAValue

from qjit.dialects.batch import ForEachOp
from qjit.lowering.importer.importer import Importer, index
from qjit.lowering.importer.values import Value
from qjit.lowering.jax_internals.equations import physical_aval, scan_counts
from qjit.lowering.jaxpr.dimensions import is_static
from qjit.lowering.jaxpr.nested import CIRCUITS, inner_jaxprs

from .loop_slices import row, store_row

# What runs circuits, and depends on nothing but its operands.


def is_batch(importer: Importer, eqn: Any) -> bool:
    """Tell whether the steps of a scan are independent runs of circuits."""
    params = eqn.params
    body, (_, num_carry) = params["jaxpr"], scan_counts(params)
    if num_carry or params["reverse"] or body.effects:
        return False
    if importer.dimensions and not all(map(_has_sizes, _inside(body.jaxpr))):
        return False
    return any(map(_evaluates, _inside(body.jaxpr)))


def _inside(jaxpr: Jaxpr) -> Iterator[Any]:
    """Yield the equations of a jaxpr, those inside of others too."""
    for eqn in jaxpr.eqns:
        yield eqn
        for inner in inner_jaxprs(eqn):
            yield from _inside(inner)


def _evaluates(eqn: Any) -> bool:
    return eqn.primitive.name in CIRCUITS


def _has_sizes(eqn: Any) -> bool:
    """Tell whether an equation has no sizes that are known at run time only."""
    avals: list[Any] = [var.aval for var in (*eqn.invars, *eqn.outvars)]
    return all(is_static(getattr(aval, "shape", ())) for aval in avals)


def import_batch(importer: Importer, eqn: Any, inputs: Sequence[Value]) -> list[Value]:
    """Import a scan whose steps are independent as one operation."""
    params = eqn.params
    first, _ = scan_counts(params)
    importer.materialise(inputs)
    made = [physical_aval(var.aval) for var in eqn.outvars]
    targets = [importer.allocate(aval.shape, aval.dtype) for aval in made]
    given = [
        importer.buffer(value) if value.shape else importer.scalar(value)
        for value in inputs
        if value.constant is None
    ]
    given += importer.dimensions.values()
    name = f"{importer.name}_entry_{next(importer.entries)}"
    types = [argument.type for argument in (*given, *targets)]
    with _function(importer, name, types, len(given)) as (arguments, places, place):
        values = list(_values(importer, inputs, iter(arguments)))
        rows = [row(importer, value, place) for value in values[first:]]
        outputs = importer.inline(params["jaxpr"], [*values[:first], *rows])
        for value, target, aval in zip(outputs, places, made, strict=True):
            store_row(importer, value, importer.sized(target, aval.shape), place)
    count = importer.index_constant(params["length"])
    importer.insert(ForEachOp(name, [*given, *targets], count))
    importer.invalidate()
    pairs = zip(targets, made, strict=True)
    return [
        importer.from_buffer(importer.sized(target, aval.shape), aval)
        for target, aval in pairs
    ]


@contextmanager
def _function(
    importer: Importer, name: str, types: Sequence[Attribute], given: int
) -> Generator[tuple[Sequence[SSAValue], Sequence[SSAValue], SSAValue]]:
    """Be in the function of an entry; yield what it is given, targets, and number."""
    names = list(importer.dimensions)
    with importer.function(name, [*types, index]) as function, importer.entering(()):
        *arguments, place = function.body.block.args
        inputs, targets = arguments[:given], arguments[given:]
        sizes = inputs[given - len(names) :]
        importer.dimensions = dict(zip(names, sizes, strict=True))
        yield inputs, targets, place
        importer.insert(func.ReturnOp())
    function.properties["sym_visibility"] = StringAttr("private")


def _values(
    importer: Importer, inputs: Sequence[Value], arguments: Iterator[SSAValue]
) -> Iterator[Value]:
    """Yield the inputs of a loop as the function of its steps sees them."""
    for value in inputs:
        if value.constant is not None:
            yield importer.constant(value.constant)
        elif value.shape:
            yield importer.argument(next(arguments), value)
        else:
            yield importer.from_scalar(next(arguments), value)
