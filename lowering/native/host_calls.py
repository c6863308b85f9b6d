"""What native code calls back into JAX for, and how that is evaluated."""

import ctypes
import itertools
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from qjit.lowering.jax_internals.equations import enable_x64
from qjit.lowering.jaxpr.dimensions import Size, numbers
from qjit.runtime.abi.status import HOST_ERROR
from qjit.runtime.recent import Recent


@dataclass(frozen=True)
class HostRecord:
    """One call into JAX: which primitive, and how to evaluate it.

    In a program with symbolic dimensions, one more input holds their sizes.
    """

    name: str
    evaluator: Callable[..., Callable[..., Sequence[Any]]]  # takes the sizes
    inputs: tuple[tuple[tuple[Size, ...], np.dtype[Any]], ...]
    outputs: tuple[tuple[tuple[Size, ...], np.dtype[Any]], ...]
    wide: bool
    dimensions: tuple[str, ...]

    @property
    def num_inputs(self) -> int:
        """Count the buffers that a call is given."""
        return len(self.inputs) + bool(self.dimensions)

    def sizes(self, inputs: Sequence[int]) -> dict[str, int]:
        """Return the sizes of the dimensions in this call."""
        if not self.dimensions:
            return {}
        shape = (len(self.dimensions),)
        values = _array(inputs[len(self.inputs)], shape, np.dtype(np.int64))
        return dict(zip(self.dimensions, values.tolist(), strict=True))


@dataclass(frozen=True)
class Located:
    """A callback that says where it was called when it raises, also under `jax.jit`."""

    callback: Callable[..., Any]
    name: str
    line: str

    def __call__(self, *args: Any) -> Any:
        """Call it."""
        try:
            return self.callback(*args)
        except Exception as error:
            text = raised_text(self.name, error)
            raise RuntimeError(f"[QJIT:{HOST_ERROR}] {self.line}: {text}") from error


def raised_text(name: str, error: Exception) -> str:
    """Word what a call of this name raised."""
    return f"{name} raised {type(error).__name__}: {error}"


_keys = itertools.count(1)
# NOTE: for the life of the process, as the code that has the keys: see `link.py`.
_records: dict[int, HostRecord] = {}
_failures: Recent[int, str] = Recent()  # by thread of the system


def record(*fields: Any) -> int:
    """Note a call, given the fields of its record, and return its key."""
    key = next(_keys)
    _records[key] = HostRecord(*fields)
    return key


def is_known(key: int) -> bool:
    """Tell whether this process has noted a call by this key."""
    return key in _records


def host_error_text() -> str:
    """Return the message of the last exception that a host call raised."""
    return _failures.pop(threading.get_ident(), "a host call failed.")


def _array(address: int, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
    size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    if not size:
        return np.zeros(shape, dtype)
    memory: Any = (ctypes.c_char * size).from_address(address)
    return np.frombuffer(memory, dtype).reshape(shape)


def _run(record: HostRecord, inputs: Sequence[int], outputs: Sequence[int]) -> None:
    sizes = record.sizes(inputs)
    args = [
        _array(inputs[place], numbers(shape, sizes), dtype).copy()
        for place, (shape, dtype) in enumerate(record.inputs)
    ]
    with enable_x64(record.wide or bool(jax.config.read("jax_enable_x64"))):
        evaluate = record.evaluator(**sizes)
        results = [np.asarray(found) for found in evaluate(*args)]
    for place, (shape, dtype) in enumerate(record.outputs):
        _array(outputs[place], numbers(shape, sizes), dtype)[...] = results[place]


def evaluate_host_call(key: int, inputs: int, outputs: int) -> int:
    """Evaluate a record on two arrays of addresses; return a status."""
    found = _records[key]
    words = found.num_inputs, len(found.outputs)
    rows = [
        list((ctypes.c_size_t * count).from_address(address))
        for count, address in zip(words, (inputs, outputs), strict=True)
    ]
    try:
        _run(found, *rows)
    except Exception as error:
        _failures[threading.get_ident()] = raised_text(found.name, error)
        return HOST_ERROR
    return 0
