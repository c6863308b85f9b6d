"""Random programs on arrays of open size, run at the end of readable memory.

`python tests/support/open_sizes.py FIRST COUNT` compiles so many programs, calls each
with several sizes, and compares with plain JAX: equal results, or an error of qjit
wherever JAX has one. Arguments end where a page begins that cannot be read, so that a
program that reads past them ends the process.
"""

import ctypes
import mmap
import sys
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

import qjit as qj
from qjit.errors import QJitError

AXES = ({0: "n"}, {0: "n", 1: "m"}, {0: "m"})
SIZES = ((3, 2), (4, 4), (1, 5), (8, 3), (5, 1), (2, 8))
NUMBERS = (1, 2, 3, 4, 5, 6, 8)

Step = Callable[[Any, Any, int], Any]


@qj.qnode(wires=2)
def circuit(rows: Any) -> Any:
    """Gates along an axis of open length."""

    def step(_: Any, angle: Any) -> Any:
        qj.RX(angle, wires=0)
        qj.CNOT(wires=[0, 1])
        return None, None

    lax.scan(step, None, rows)
    return qj.expval(qj.Z(1))


@qj.qnode(wires=2)
def prepared(amplitudes: Any) -> Any:
    """A state that is prepared from an array."""
    qj.StatePrep(amplitudes, wires=[0, 1], normalize=True)
    return qj.probs()


def _size(x: Any, number: int) -> Any:
    """Return a size made of a number and of those of an array."""
    first = x.shape[0]
    choices = (number, first, first // 2, first + number, first * 2, first - 1)
    return choices[number % len(choices)]


def _reduced(x: Any) -> Any:
    """Return an array of one axis."""
    return x if x.ndim == 1 else x.sum(tuple(range(1, x.ndim)))


def _scan(x: Any, y: Any, k: int) -> Any:
    return lax.scan(lambda c, r: (c + r[0].sum(), r[1].sum() + c), 0.0, (x, y))[1]


def _inner(x: Any, y: Any, k: int) -> Any:
    return jax.vmap(lambda a, b: a.sum() * b.sum())(x, y)


def _window(x: Any, y: Any, k: int) -> Any:
    return lax.dynamic_slice(_reduced(x), (jnp.int32(y.sum()) % 3,), (k,))


def _gathered(x: Any, y: Any, k: int) -> Any:
    places = (jnp.abs(_reduced(y)) * 10).astype(int)
    return jnp.take(x, places, axis=0, mode=("clip", "fill", "wrap")[k % 3])


def _updated(x: Any, y: Any, k: int) -> Any:
    return x.at[: k // 2].add(1.5).at[k:].multiply(0.5)


def _loop(x: Any, y: Any, k: int) -> Any:
    row = _reduced(x)
    return lax.fori_loop(0, x.shape[0], lambda i, s: s + row[i] * k, row)


def _grad(x: Any, y: Any, k: int) -> Any:
    return jax.grad(lambda v: jnp.sum(jnp.sin(v) * _reduced(y)[0]))(x)


def _scattered(x: Any, y: Any, k: int) -> Any:
    places = (jnp.abs(_reduced(y)) * 7).astype(int)
    return jnp.zeros(_size(x, k)).at[places].add(1.0, mode=("drop", "clip")[k % 2])


STEPS: Sequence[Step] = (
    lambda x, y, k: x.reshape(_size(x, k)),
    lambda x, y, k: x.reshape(k, -1),
    lambda x, y, k: x.reshape(-1),
    lambda x, y, k: x.reshape(_size(x, k), k),
    lambda x, y, k: x.reshape(k),
    lambda x, y, k: lax.reshape(x, (k, _size(y, k))),
    lambda x, y, k: x + y,
    lambda x, y, k: x[: k % 4] if k % 2 else x[k:],
    lambda x, y, k: x[::-1][k % 3 :: 2],
    lambda x, y, k: jnp.concatenate([_reduced(x), _reduced(y), jnp.ones(k)]),
    lambda x, y, k: jnp.concatenate([x, y]),
    lambda x, y, k: x @ y,
    lambda x, y, k: jnp.outer(x, y),
    lambda x, y, k: x.T @ jnp.ones(k),
    lambda x, y, k: jnp.pad(_reduced(x), (k % 3, k)),
    lambda x, y, k: jnp.arange(_size(x, k)) * 0.1,
    lambda x, y, k: jnp.ones((_size(x, k), k % 3)),
    lambda x, y, k: jnp.broadcast_to(x, (k, *x.shape)),
    lambda x, y, k: jnp.stack([x, y]),
    lambda x, y, k: jnp.tile(x, k % 3 + 1),
    lambda x, y, k: jnp.repeat(_reduced(x), k),
    lambda x, y, k: jnp.roll(x, k),
    lambda x, y, k: jnp.cumsum(jnp.sort(_reduced(x))),
    lambda x, y, k: jnp.squeeze(x),
    lambda x, y, k: jnp.eye(_size(x, k))[0],
    lambda x, y, k: jnp.convolve(_reduced(x), jnp.ones(k), mode="full"),
    lambda x, y, k: lax.top_k(_reduced(x), k)[0],
    lambda x, y, k: jnp.split(x, 2)[0],
    lambda x, y, k: jnp.where(y > 0.5, x, 0.0),
    lambda x, y, k: jnp.fft.fft(_reduced(x)).real,
    lambda x, y, k: x.mean(0),
    lambda x, y, k: x[k % 4],
    lambda x, y, k: x[:, None],
    lambda x, y, k: circuit(_reduced(x)) * y,
    lambda x, y, k: jax.vmap(circuit)(x),
    lambda x, y, k: prepared(_reduced(x)),
    *(_scan, _inner, _window, _gathered, _updated, _loop, _grad, _scattered),
)


def program(seed: int) -> Callable[..., Any]:
    """Return a random function of arrays of shapes (n,), (n, m) and (m,)."""
    random = Random(seed)
    plan = [
        (random.choice(STEPS), random.randrange(9), random.randrange(9), number)
        for number in random.choices(NUMBERS, k=random.choice([1, 2, 2, 3]))
    ]

    def run(*arrays: Any) -> Any:
        known = list(arrays)
        for step, first, second, number in plan:
            # What came last is used soon: a mistake shall not stay unseen.
            x = known[-1 - first % min(2, len(known))]
            known.append(jnp.asarray(step(x, known[second % len(known)], number)))
        return known[3:]

    return run


class Guarded:
    """Memory that ends at a page which cannot be read."""

    def __init__(self, pages: int = 4) -> None:
        page = mmap.PAGESIZE
        self.memory = mmap.mmap(-1, (pages + 1) * page)
        self.base = ctypes.addressof(ctypes.c_char.from_buffer(self.memory))
        self.end = self.base + pages * page
        protect = ctypes.CDLL(None, use_errno=True).mprotect
        if protect(ctypes.c_void_p(self.end), ctypes.c_size_t(page), 0):
            raise OSError(ctypes.get_errno(), "mprotect")

    def array(self, values: Any) -> Any:
        """Return an array of JAX that lies there, and what follows it is NaN."""
        size = -(-values.nbytes // 64) * 64  # JAX takes arrays as they are if aligned
        ctypes.memset(self.end - size, 255, size)
        kind = ctypes.c_double * values.size
        flat = np.frombuffer(kind.from_address(self.end - size), values.dtype)
        placed = flat.reshape(values.shape)
        placed[...] = values
        made = jax.dlpack.from_dlpack(placed)
        assert made.unsafe_buffer_pointer() == self.end - size
        return made


def arguments(n: int, m: int) -> list[Any]:
    """Return arrays for one call."""
    random = np.random.default_rng(10 * n + m)
    shapes = ((n,), (n, m), (m,))
    return [random.uniform(0.1, 0.9, shape) for shape in shapes]


def misfit(seed: int, guards: Sequence[Guarded]) -> tuple[str, str]:
    """Return what a program does, and what is wrong with it; empty if nothing is."""
    function, outcomes = program(seed), ""
    compiled = qj.qjit(function, abstracted_axes=AXES)
    for n, m in SIZES:
        given = arguments(n, m)
        try:
            expected = function(*map(jnp.asarray, given))
        except Exception:
            expected = None
        try:
            placed = [g.array(v) for g, v in zip(guards, given, strict=True)]
            found = compiled(*placed)
        except QJitError as error:
            if ": " not in str(error) or ".py:" not in str(error).split(": ")[0]:
                return "", f"size {(n, m)}: no line: {error}"
            outcomes += "r" if expected is None else "R"
            continue
        except Exception as error:
            return "", f"size {(n, m)}: {type(error).__name__}: {error}"
        if expected is None:
            return "", f"size {(n, m)}: JAX refuses, but qjit returns {found}"
        outcomes += "."
        for one, other in zip(found, expected, strict=True):
            if one.shape != other.shape or one.dtype != other.dtype:
                return "", f"size {(n, m)}: {one.aval}, expected {other.aval}"
            if not np.allclose(one, other, rtol=1e-9, atol=1e-9, equal_nan=True):
                return "", f"size {(n, m)}: {one}, expected {other}"
    return outcomes, ""


def main(first: int, count: int) -> int:
    """Run programs; return how many are wrong."""
    jax.config.update("jax_enable_x64", True)
    guards = [Guarded() for _ in AXES]
    wrong, calls = 0, {".": 0, "r": 0, "R": 0}
    for seed in range(first, first + count):
        print(f"program {seed}", file=sys.stderr, flush=True)  # the one that crashes
        outcomes, what = misfit(seed, guards)
        for each in outcomes:
            calls[each] += 1
        if what:
            wrong += 1
            print(f"program {seed}: {what[:600]}", flush=True)
    agree, both, only = calls["."], calls["r"], calls["R"]
    print(f"{agree} calls agree, {both} are refused by both, {only} by qjit only")
    return wrong


if __name__ == "__main__":
    sys.exit(bool(main(int(sys.argv[1]), int(sys.argv[2]))))
