"""What JAX itself makes of a primitive: a jaxpr of simpler primitives, on scalars.

Special functions have no instructions: JAX lowers them to polynomials, continued
fractions and loops of StableHLO. Replaying these operations with `jax.lax` gives a
jaxpr that computes what `jax.jit` computes, rounding included.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import jax
import numpy as np
from jax import lax
from jax.extend.core import ClosedJaxpr
from jax.extend.mlir import ir, passmanager
from jax.extend.mlir.dialects import stablehlo

from qjit.lowering.jax_internals.equations import enable_x64
from qjit.runtime.recent import MOST

PIPELINE = "builtin.module(func.func({}))".format(
    ",".join(("chlo-legalize-to-stablehlo", "stablehlo-complex-math-expander"))
)

TYPES: dict[str, Any] = {
    "i1": np.bool_,
    "bf16": jax.numpy.bfloat16,
    **{f"f{width}": np.dtype(f"float{width}") for width in (16, 32, 64)},
    **{f"i{width}": np.dtype(f"int{width}") for width in (8, 16, 32, 64)},
    **{f"ui{width}": np.dtype(f"uint{width}") for width in (8, 16, 32, 64)},
    "complex<f32>": np.complex64,
    "complex<f64>": np.complex128,
}

OPERATIONS: dict[str, Callable[..., Any]] = {
    "abs": lax.abs,
    "add": lax.add,
    "and": lax.bitwise_and,
    "atan2": lax.atan2,
    "cbrt": lax.cbrt,
    "ceil": lax.ceil,
    "clamp": lax.clamp,
    "complex": lax.complex,
    "cosine": lax.cos,
    "count_leading_zeros": lax.clz,
    "divide": lax.div,
    "exponential": lax.exp,
    "exponential_minus_one": lax.expm1,
    "floor": lax.floor,
    "imag": lax.imag,
    "is_finite": lax.is_finite,
    "log": lax.log,
    "log_plus_one": lax.log1p,
    "logistic": lax.logistic,
    "maximum": lax.max,
    "minimum": lax.min,
    "multiply": lax.mul,
    "negate": lax.neg,
    "not": lax.bitwise_not,
    "or": lax.bitwise_or,
    "power": lax.pow,
    "real": lax.real,
    "remainder": lax.rem,
    "round_nearest_even": lambda x: lax.round(x, lax.RoundingMethod.TO_NEAREST_EVEN),
    "rsqrt": lax.rsqrt,
    "select": lax.select,
    "shift_left": lax.shift_left,
    "shift_right_arithmetic": lax.shift_right_arithmetic,
    "shift_right_logical": lax.shift_right_logical,
    "sign": lax.sign,
    "sine": lax.sin,
    "sqrt": lax.sqrt,
    "subtract": lax.sub,
    "tan": lax.tan,
    "tanh": lax.tanh,
    "xor": lax.bitwise_xor,
    # Changes of shape, which scalars do not have.
    "broadcast_in_dim": lambda x: x,
    "reshape": lambda x: x,
}
COMPARISONS: dict[str, Callable[..., Any]] = {
    name: getattr(lax, name.lower()) for name in ("EQ", "NE", "LT", "LE", "GT", "GE")
}

Environment = dict[Any, Any]


@lru_cache(MOST)
def decomposition(
    primitive: Any, params: tuple[tuple[str, Any], ...], dtypes: tuple[Any, ...]
) -> ClosedJaxpr:
    """Return a jaxpr of scalars for an elementwise primitive on these dtypes."""
    avals = [jax.ShapeDtypeStruct((), dtype) for dtype in dtypes]
    with enable_x64(True):
        traced = jax.jit(lambda *xs: primitive.bind(*xs, **dict(params))).trace(*avals)
        lowered = traced.lower(lowering_platforms=("cpu",))
        module: Any = lowered.compiler_ir("stablehlo")
        with module.context:
            stablehlo.register_stablehlo_passes()
            passmanager.PassManager.parse(PIPELINE).run(module.operation)
            return jax.make_jaxpr(_replayed(module))(*avals)


def _replayed(module: Any) -> Callable[..., Any]:
    """Return a function that evaluates a module's main function with JAX."""
    functions = {ir.StringAttr(f.attributes["sym_name"]).value: f for f in module.body}

    def call(name: str, args: Sequence[Any]) -> list[Any]:
        return _run(functions[name].regions[0].blocks[0], args, {}, call)

    return lambda *args: call("main", args)


def _run(block: Any, args: Sequence[Any], outer: Environment, call: Any) -> list[Any]:
    """Evaluate a block's operations and return what its last one passes on."""
    env = outer | dict(zip(block.arguments, args, strict=True))
    *body, last = block.operations
    for op in body:
        inputs = [env[operand] for operand in op.operands]
        env |= zip(op.results, _evaluate(op.operation, inputs, env, call), strict=True)
    return [env[operand] for operand in last.operands]


def _evaluate(op: Any, inputs: list[Any], env: Environment, call: Any) -> list[Any]:
    name = op.name.removeprefix("stablehlo.")
    regions = [region.blocks[0] for region in op.regions]
    if name in OPERATIONS:
        return [OPERATIONS[name](*inputs)]
    if name == "compare":
        return [COMPARISONS[_keyword(op, "comparison_direction")](*inputs)]
    if name == "constant":
        return [_constant(op)]
    if name == "convert":
        return [lax.convert_element_type(inputs[0], _dtype(op.results[0]))]
    if name == "bitcast_convert":
        return [lax.bitcast_convert_type(inputs[0], _dtype(op.results[0]))]
    if name == "gather":  # of one entry of a table
        table, place = inputs
        return [lax.squeeze(lax.dynamic_slice(table, [place], [1]), [0])]
    if name == "func.call":
        return call(ir.FlatSymbolRefAttr(op.attributes["callee"]).value, inputs)
    if name == "reduce":  # of scalars: each operand joins its initial value
        half = len(inputs) // 2
        return _run(regions[0], [*inputs[half:], *inputs[:half]], env, call)
    if name == "while":
        proceed, step = regions
        found = lax.while_loop(
            lambda state: _run(proceed, state, env, call)[0],
            lambda state: tuple(_run(step, state, env, call)),
            tuple(inputs),
        )
        return list(found)
    raise NotImplementedError(f"No replay of {op.name}.")


def _keyword(op: Any, attribute: str) -> str:
    """Return the word of an enumeration, such as LT."""
    return str(op.attributes[attribute]).split()[-1].rstrip(">")


def _dtype(value: Any) -> Any:
    return np.dtype(TYPES[str(ir.RankedTensorType(value.type).element_type)])


def _constant(op: Any) -> Any:
    dtype = _dtype(op.results[0])
    elements: Any = ir.DenseElementsAttr(op.attributes["value"])
    if not elements.is_splat:
        return np.array(elements, dtype)
    value = elements.get_splat_value().value
    if dtype.kind in "iu":
        unsigned = np.dtype(f"u{dtype.itemsize}")
        return np.asarray(value % 2 ** (8 * dtype.itemsize), unsigned).view(dtype)
    return np.asarray(value, dtype)
