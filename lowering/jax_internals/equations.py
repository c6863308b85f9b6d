"""The one place of the lowering that reaches below JAX's public interface."""

import contextlib
import functools
import inspect
import os
import sys
import sysconfig
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax import export

# What JAX's own caches of compiled functions depend on besides the function.
from jax._src import config as _config
from jax._src import core as _core
from jax._src import mesh as _mesh

# Asking for 64-bit types for a while: the public name moved between versions.
from jax._src.config import enable_x64 as enable_x64

# Outputs that an equation drops, which need no value.
from jax._src.core import DropVar as DropVar

# Symbolic dimensions: `jax.export` makes them, but nothing public takes them apart.
from jax._src.core import (
    InconclusiveDimensionOperation as InconclusiveDimensionOperation,
)
from jax._src.core import is_symbolic_dim as is_symbolic_dim
from jax._src.core import max_dim as max_dim
from jax._src.core import min_dim as min_dim

# The array of integers that stands for an array of random keys.
from jax._src.core import physical_aval as _physical_aval

# Removing dead equations: public in spirit (jax.interpreters), not documented.
from jax._src.interpreters.partial_eval import dce_jaxpr

# Results that promote as Python numbers do: nothing public converts to weak types.
from jax._src.lax import lax

# Source lines of equations, to name the user's line in errors.
from jax._src.source_info_util import is_user_filename as is_user_filename
from jax._src.source_info_util import register_exclusion, user_frames

# Mutable arrays: `jax.jit` turns them into values by this before it lowers.
from jax._src.state import discharge
from jax._src.state.types import AbstractRef
from jax.core import ShapedArray

from qjit.runtime.sources import PACKAGE

# How generators make keys and bits: there is no public form without key arrays. The
# module moved between versions.
prng: Any = sys.modules[jax.random.PRNGKey.__module__].prng

register_exclusion(PACKAGE + os.sep)
_LIBRARIES = (sysconfig.get_path("purelib"), sysconfig.get_path("platlib"))
_PLUMBING = (contextlib.__file__, functools.__file__)


def without_dead_code(jaxpr: Any) -> Any:
    """Return an open jaxpr with the equations that its outputs and effects need."""
    live, _ = dce_jaxpr(jaxpr, [True] * len(jaxpr.outvars), instantiate=True)
    return live


def is_reference(aval: Any) -> bool:
    """Return whether an abstract value is that of a mutable array."""
    return isinstance(aval, AbstractRef)


def without_references(closed: Any) -> Any:
    """Return a closed jaxpr in which mutable arrays are values that are passed on."""
    if _core.internal_mutable_array_effect not in closed.effects:
        return closed
    # NOTE: until JAX 0.8 the function of this name took constants apart.
    older = getattr(discharge, "discharge_state2", None)
    return (older or discharge.discharge_state)(closed)


def scan_counts(params: dict[str, Any]) -> tuple[int, int]:
    """Return how many inputs of a scan are constants, and how many are carried."""
    # NOTE: since JAX 0.12 the inputs are grouped by a tree.
    if "ft_in" not in params:
        return params["num_consts"], params["num_carry"]
    inputs = params["ft_in"].update(range(len(params["jaxpr"].in_avals)))
    consts, carried, _ = map(list, inputs.unpack())
    return len(consts), len(carried)


def weakly_typed(array: Any) -> Any:
    """Return an array with a dtype that gives way to that of others."""
    convert = getattr(lax, "_convert_element_type")  # noqa: B009 (private in JAX)
    return convert(array, array.dtype, weak_type=True)


def physical_aval(aval: Any) -> Any:
    """Return an abstract array as it stands in memory."""
    if aval.dtype == jax.dtypes.float0:
        return ShapedArray(aval.shape, np.dtype(np.bool_))
    return _physical_aval(aval)


def dimension_terms(size: Any) -> list[tuple[int, list[tuple[Any, ...]]]]:
    """Return a symbolic dimension as a sum: coefficients and the factors they scale.

    A factor is a variable, or None and an operation with its operands, and a power.
    """
    return [
        (scale, [(f.var, f.operation, f.operands, power) for f, power in term._factors])
        for term, scale in size._sorted_terms
    ]


class ComparingScope(export.SymbolicScope):
    """A scope of symbolic dimensions that knows which of them users compared.

    JAX takes sizes to differ that may be equal, as in `x.shape[0] == 3`.
    """

    def __init__(self) -> None:
        self.compared: list[tuple[Any, Any]] = []
        super().__init__()

    # NOTE: JAX subtracts what it compares, and asks for these rules to do so.
    @property
    def _normalization_rules(self) -> Any:
        frame: Any = inspect.currentframe()
        for _ in range(_DEEPEST_COMPARISON):
            frame = frame and frame.f_back
            if frame is not None and frame.f_code is _EQUALITY:
                self._note(frame)
                break
        return self._rules

    @_normalization_rules.setter
    def _normalization_rules(  # pyright: ignore[reportIncompatibleVariableOverride]
        self, rules: Any
    ) -> None:
        self._rules = rules

    def _note(self, frame: Any) -> None:
        caller = frame.f_back
        if caller is not None and caller.f_code is _INEQUALITY:
            caller = caller.f_back
        if caller is not None and is_user_filename(caller.f_code.co_filename):
            pair = frame.f_locals["self"], frame.f_locals["other"]
            self.compared.append(pair)


def user_line(eqn: Any) -> str:
    """Return `file:line` of the user's code that an equation comes from."""
    return line_of_source(eqn.source_info)


def line_of_source(source_info: Any) -> str:
    """Return `file:line` of the user's code that JAX noted; empty if there is none."""
    return _line_of(source_info.traceback)


@functools.lru_cache(1024)
def _line_of(traceback: Any) -> str:
    for frame in user_frames(traceback):
        if not frame.file_name.startswith(_LIBRARIES):
            return f"{frame.file_name}:{frame.start_line}"
    return ""


def calling_line() -> str:
    """Return `file:line` of the user's code that is running; empty if there is none."""
    frame = inspect.currentframe()
    while frame is not None:
        name = frame.f_code.co_filename
        # NOTE: dataclasses make their __init__ from a string.
        made = name == "<string>" and frame.f_code.co_name == "__init__"
        if is_user_filename(name) and name not in _PLUMBING and not made:
            return f"{name}:{frame.f_lineno}"
        frame = frame.f_back
    return ""


def is_key(dtype: Any) -> bool:
    """Return whether a dtype is one of random keys."""
    return bool(jax.numpy.issubdtype(dtype, jax.dtypes.prng_key))


def key_implementation(dtype: Any) -> str:
    """Return the name of the generator that a dtype of random keys belongs to."""
    # NOTE: the dtype of keys has no public attribute for it.
    return dtype._impl.name


def key_generator(dtype: Any) -> Any:
    """Return the generator that a dtype of random keys belongs to."""
    return dtype._impl


# Types of what JAX's settings hold.
NO_MESHES = (_mesh.Mesh, _mesh.AbstractMesh)
AXES: type = _core.AxisEnv
SYMBOLIC: type = type(export.symbolic_shape("n")[0])
_EQUALITY = SYMBOLIC.__eq__.__code__
_INEQUALITY = SYMBOLIC.__ne__.__code__
# How many calls there are between a comparison and what it asks its scope.
_DEEPEST_COMPARISON = 8
# Generators whose names say what they are; users may add others.
KNOWN_GENERATORS = tuple(
    prng.prngs[name] for name in ("threefry2x32", "rbg", "unsafe_rbg")
)


def scope_constraints(scope: Any) -> list[str]:
    """Return what users said of the symbolic dimensions of a scope, as text."""
    # NOTE: scopes have no public attribute for their constraints.
    return [each.debug_str for each in scope._explicit_constraints]


def settings() -> tuple[Any, ...]:
    """Return JAX's settings, as its own caches take them, and the axes in scope."""
    return _config.trace_context()


def axes_in_scope(axes: Any) -> tuple[str, ...]:
    """Return the names of the mapped axes that JAX's settings keep."""
    return tuple(map(str, axes.axis_sizes))


# What a generator makes of each primitive of random keys, as a function of the arrays
# that stand for the keys, as JAX's own lowering rules call it.
RANDOM_FUNCTIONS: dict[str, Callable[[Any], Callable[..., Any]]] = {
    "random_seed": lambda eqn: (
        lambda seeds: prng.random_seed_impl_base(seeds, **eqn.params)
    ),
    "random_split": lambda eqn: (
        lambda keys: prng.random_split_impl_base(
            _generator(eqn), keys, eqn.invars[0].aval.ndim, **eqn.params
        )
    ),
    "random_fold_in": lambda eqn: (
        lambda keys, data: prng.random_fold_in_impl_base(
            _generator(eqn), keys, data, eqn.invars[0].aval.shape
        )
    ),
    "random_bits": lambda eqn: (
        lambda keys: prng.random_bits_impl_base(
            _generator(eqn), keys, eqn.invars[0].aval.ndim, **eqn.params
        )
    ),
    "random_gamma": lambda eqn: (
        lambda keys, a: eqn.primitive.impl(
            jax.random.wrap_key_data(
                keys, impl=key_implementation(eqn.invars[0].aval.dtype)
            ),
            a,
            **eqn.params,
        )
    ),
}


def _generator(eqn: Any) -> Any:
    return eqn.invars[0].aval.dtype._impl
