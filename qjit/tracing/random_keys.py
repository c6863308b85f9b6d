"""Keys of random numbers: which stream each execution of a circuit draws from.

A circuit with shots takes a key, two words, besides its arguments. It is the caller's,
or that of the next execution of the program: a function of the seed and of how many
executions there were.
"""

import hashlib
import os
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import count
from typing import Any
from weakref import WeakKeyDictionary

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import ShapedArray, Tracer
from jax.extend.core import Primitive, Var

from qjit.errors import ParameterError, UnsupportedError
from qjit.lowering.jax_internals.equations import is_key
from qjit.lowering.jax_internals.tracing import (
    ad,
    batching,
    forget_batched,
    is_axis_of_directions,
    is_hoisting,
    is_while_taken_whole,
    mlir,
    partial_eval,
    user_line,
    zero_tangent,
)
from qjit.lowering.native.execution_keys import run_key_target

WORDS = ShapedArray((2,), np.dtype(np.uint32))
GOLDEN = 0x9E3779B97F4A7C15  # 2^64 / golden ratio


def checked_seed(seed: Any) -> int | None:
    """Return a seed as a signed word: an integer of any size, or a JAX key."""
    if seed is None:
        return None
    whole = isinstance(seed, int | np.integer) and not isinstance(seed, bool)
    if not whole and _is_key(seed) and not isinstance(seed, Tracer):
        low, high = np.asarray(key_words(seed)).tolist()
        seed, whole = low | high << 32, True
    if not whole:
        raise ParameterError(
            f"{user_line()}: seed takes an integer or a key such as jax.random.key(0), "
            f"but got {_described(seed)}. A key that is computed in a program is given "
            "to the call: circuit(x, key=key)."
        )
    return _signed(_as_word(int(seed)))


def _as_word(number: int) -> int:
    """Return 64 bits of an integer, or of a hash of a longer one."""
    if -(2**63) <= number < 2**64:
        return number % 2**64
    size = number.bit_length() // 8 + 1
    found = hashlib.blake2b(number.to_bytes(size, "big", signed=True), digest_size=8)
    return int.from_bytes(found.digest(), "big")


def _signed(word: int) -> int:
    return word - 2**64 if word >= 2**63 else word


def _is_key(value: Any) -> bool:
    dtype = getattr(value, "dtype", None)
    if dtype is None:
        return False
    return is_key(dtype) or (dtype == np.uint32 and np.shape(value) in ((2,), (4,)))


def _described(value: Any) -> str:
    if hasattr(value, "dtype"):
        return f"{value.dtype}{list(np.shape(value))}"
    return repr(value)


def is_one_key(value: Any) -> bool:
    """Tell whether a value is one key, and not an array of keys."""
    return _is_key(value) and not (is_key(value.dtype) and np.shape(value))


def key_words(key: Any) -> jax.Array:
    """Return the two words of a key that was given to a call."""
    if not is_one_key(key):
        raise ParameterError(
            f"{user_line()}: key takes one key such as jax.random.key(0), but got "
            f"{_described(key)}. Give each execution its own of jax.random.split."
        )
    words = jax.random.key_data(key) if is_key(key.dtype) else jnp.asarray(key)
    return words if words.shape == (2,) else jax.random.bits(key, (2,), np.uint32)


@partial(jax.jit, static_argnums=1, inline=True)
def split_key(words: Any, number: int) -> jax.Array:
    """Return keys that draw independently of one another: (number, 2)."""
    place = jnp.arange(1, number + 1, dtype=np.uint32)
    first = _scrambled(words[0] ^ _scrambled(words[1] + place * np.uint32(0x9E3779B9)))
    second = _scrambled(words[1] ^ (first + place * np.uint32(0x85EBCA77)))
    return jnp.stack([first, second], axis=1)


def _scrambled(word: jax.Array) -> jax.Array:
    """The finaliser of MurmurHash3."""
    word = (word ^ word >> 16) * np.uint32(0x85EBCA6B)
    word = (word ^ word >> 13) * np.uint32(0xC2B2AE35)
    return word ^ word >> 16


def random_signs(words: Any, shape: tuple[int, ...]) -> jax.Array:
    """Return signs, each plus or minus one with equal chance."""
    key = jax.random.wrap_key_data(words, impl="threefry2x32")
    return jax.random.rademacher(key, shape, np.int32)


def key_of_execution(seed: int, number: int = 0) -> np.ndarray[Any, Any]:
    """Return the key of an execution of a program, before which there were others."""
    base = _mixed(_mixed(seed + GOLDEN))
    return np.array([_mixed(base + (number + 1) * GOLDEN)], np.uint64).view(np.uint32)


def _mixed(word: int) -> int:
    """The output function of splitmix64, as in the runtime."""
    word %= 2**64
    word = (word ^ word >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    word = (word ^ word >> 27) * 0x94D049BB133111EB % 2**64
    return word ^ word >> 31


def next_key(seed: int | None, arguments: Sequence[Any] = ()) -> jax.Array:
    """Return the key of the next execution of the program that is being traced."""
    # NOTE: what has no operand cannot be staged in a loop.
    return execution_key_p.bind(*(arguments or (np.uint32(0),)), seed=seed)


# Operands: what the execution depends on, of which the key is no function. JAX takes a
# primitive to be one, and its equations may be moved: the rules below are what keeps a
# key for each row of a batch and for each iteration of a loop, and one for the values
# that are computed again under `jax.checkpoint`.
execution_key_p = Primitive("execution_key")
execution_key_p.def_abstract_eval(lambda *_, **__: WORDS)


class _Executions(threading.local):
    count: int | None = None  # in what is evaluated as one program, if anything is


_executions = _Executions()


@contextmanager
def one_program() -> Generator[None]:
    """Let executions outside of programs be those of one: each draws by itself."""
    if _executions.count is not None:
        yield
        return
    _executions.count = 0
    try:
        yield
    finally:
        _executions.count = None


def is_one_program() -> bool:
    """Tell whether executions outside of programs are those of one."""
    return _executions.count is not None


@execution_key_p.def_impl
def _evaluated(*_: Any, seed: int | None) -> jax.Array:
    """Outside of programs, every execution is the first of its own."""
    number = _executions.count or 0
    if _executions.count is not None:
        _executions.count = number + 1
    if seed is None:
        return jnp.asarray(np.frombuffer(os.urandom(8), np.uint32))
    return jnp.asarray(key_of_execution(seed, number))


def _key_jvp(primals: Any, _: Any, *, seed: int | None) -> tuple[Any, Any]:
    key = next_key(seed, primals)
    return key, zero_tangent(key)


def _key_of_each_row(axis: Any, operands: Any, axes: Any, *, seed: int | None) -> Any:
    """Also of rows with equal operands, unless they are directions of a derivative."""
    key = next_key(seed, operands)
    if all(each is None for each in axes) and is_axis_of_directions(axis):
        # NOTE: JAX takes what it batched for other rows as well.
        forget_batched()
        return key, None
    return split_key(key, axis.size), 0


def _key_of_each_iteration(trace: Any, *operands: Any, seed: int | None) -> Any:
    """Also where JAX evaluates before a loop what is the same in all iterations."""
    if is_hoisting():
        _check_kept()
        operands = tuple(map(trace.instantiate_const, operands))
    return trace.default_process_primitive(execution_key_p, operands, {"seed": seed})


def _key_of_checkpoint(_: Any, unknown: Any, instantiated: Any, eqn: Any) -> Any:
    """Keep the key, so that the circuit draws the same when it is run again."""
    if not any(unknown):
        _check_kept()
        return eqn, None, [False], [False], []
    pairs = zip(eqn.invars, instantiated, strict=True)
    kept = [var for var, known in pairs if isinstance(var, Var) and not known]
    return None, eqn, [True], [True], kept


def _check_kept() -> None:
    """Refuse to draw in a loop whose keys JAX can neither hoist nor keep."""
    if is_while_taken_whole():
        raise UnsupportedError(
            f"{user_line()}: a while_loop draws shots, in a scan or under "
            "jax.checkpoint that is differentiated in reverse, which would evaluate "
            "the loop once for all iterations, or once more with other draws. Give the "
            "circuit keys, as in circuit(x, key=jax.random.fold_in(key, k)), or let "
            "fori_loop take the place of while_loop, with bounds that are known when "
            "tracing."
        )


ad.primitive_jvps[execution_key_p] = _key_jvp
batching.fancy_primitive_batchers[execution_key_p] = _key_of_each_row
partial_eval.custom_partial_eval_rules[execution_key_p] = _key_of_each_iteration
partial_eval.partial_eval_jaxpr_custom_rules[execution_key_p] = _key_of_checkpoint

# How many keys each program of XLA that is being made asks for.
_sites: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()


def _in_xla(context: Any, *_: Any, seed: int | None) -> Any:
    """Let XLA call for a key wherever one is asked for."""
    site = next(_sites.setdefault(context.module_context.context, count()))
    words = np.array([seed or 0, seed is not None, site], np.int64)
    lowered = mlir.lower_fun(partial(_called, words.view(np.uint32)), False)
    return lowered(context.replace(avals_in=[]))


def _called(words: Any) -> jax.Array:
    call = jax.ffi.ffi_call(
        run_key_target(),
        jax.ShapeDtypeStruct(WORDS.shape, WORDS.dtype),
        has_side_effect=True,
    )
    return call(words)


mlir.register_lowering(execution_key_p, _in_xla, cacheable=False)
