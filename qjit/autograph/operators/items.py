"""Reading and writing items of arrays: `x[i]`, `x[i] = v`, `x[i] += v`."""

import operator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from qjit.errors import ArrayIndexError, ParameterTypeError
from qjit.lowering.jax_internals.tracing import user_line

from .staging import is_staged

_IN_PLACE = {
    "Add": operator.iadd,
    "Sub": operator.isub,
    "Mult": operator.imul,
    "Div": operator.itruediv,
    "FloorDiv": operator.ifloordiv,
    "Mod": operator.imod,
    "Pow": operator.ipow,
    "MatMult": operator.imatmul,
    "LShift": operator.ilshift,
    "RShift": operator.irshift,
    "BitAnd": operator.iand,
    "BitOr": operator.ior,
    "BitXor": operator.ixor,
}
_NEW = {
    "Add": operator.add,
    "Sub": operator.sub,
    "Mult": operator.mul,
    "Div": operator.truediv,
    "FloorDiv": operator.floordiv,
    "Mod": operator.mod,
    "Pow": operator.pow,
    "MatMult": operator.matmul,
    "LShift": operator.lshift,
    "RShift": operator.rshift,
    "BitAnd": operator.and_,
    "BitOr": operator.or_,
    "BitXor": operator.xor,
}


def _has_traced(*values: Any) -> bool:
    return any(isinstance(leaf, Tracer) for leaf in jax.tree.leaves(values))


def _parts(index: Any) -> list[Any]:
    items = index if isinstance(index, tuple) else (index,)
    return [
        part
        for each in items
        for part in ((each.start, each.stop) if isinstance(each, slice) else (each,))
    ]


def item(array: Any, index: Any) -> Any:
    """Return an item; one of a NumPy array by a traced index as well."""
    if isinstance(array, np.ndarray) and _has_traced(_parts(index)):
        return jnp.asarray(array)[index]
    return array[index]


def augment(value: Any, change: Any, op: str) -> Any:
    """Return what `value += change` leaves in the variable."""
    if isinstance(value, np.ndarray) and (is_staged() or _has_traced(change)):
        return _NEW[op](jnp.asarray(value), change).astype(value.dtype)
    return _IN_PLACE[op](value, change)


def store(base: Any, keys: tuple[Any, ...], value: Any, op: str) -> Any:
    """Return a container or array whose item has a new value."""
    key, *rest = keys
    if rest:
        value = store(item(base, key), tuple(rest), value, op)
    elif op:
        value = augment(item(base, key), value, op)
    if isinstance(base, np.ndarray) and (
        is_staged() or _has_traced(_parts(key), value)
    ):
        base = jnp.asarray(base)
    if isinstance(base, jax.Array):
        return _with_item(base, key, value)
    if not rest or base[key] is not value:
        base[key] = value
    return base


def _with_item(array: Any, index: Any, value: Any) -> Any:
    _check_range(array, index)
    value = jnp.asarray(value)
    if jnp.iscomplexobj(value) and not jnp.iscomplexobj(array):
        raise ParameterTypeError(
            f"{user_line()}: a complex value does not fit into an array of "
            f"{array.dtype.name}. Make the array complex, or take jnp.real of it."
        )
    return array.at[index].set(value.astype(array.dtype))


def _check_range(array: Any, index: Any) -> None:
    # NOTE: JAX drops what is stored outside of an array; Python refuses it.
    keys = index if isinstance(index, tuple) else (index,)
    if not all(type(key) in (int, slice) for key in keys):
        return
    for axis, key in enumerate(keys):
        if type(key) is int and not -array.shape[axis] <= key < array.shape[axis]:
            raise ArrayIndexError(
                f"{user_line()}: index {key} is out of range: axis {axis} of the array "
                f"has {array.shape[axis]} items, counted from 0."
            )


def store_attribute(owner: Any, name: str, keys: Any, value: Any, op: str) -> None:
    """Store an item of an array that is an object's attribute."""
    old = getattr(owner, name)
    new = store(old, keys, value, op)
    if new is not old:
        setattr(owner, name, new)
