"""Devices: where a quantum function runs, and with how many wires and shots."""

import operator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jax.core import Tracer

from .errors import ParameterError, UnsupportedError
from .jax_internals import user_line, wide_types
from .wires import Wires, declared_wires


@dataclass(frozen=True)
class Device:
    """A description of where quantum functions run."""

    name: str = "statevector"
    wires: Any = None  # their number, or a tuple of their labels
    shots: int | None = None
    seed: int | None = None
    dtype: Any = None

    def __post_init__(self) -> None:
        if self.name != "statevector":
            raise UnsupportedError(
                f"{user_line()}: unknown device {self.name!r}. "
                "Available: 'statevector'."
            )
        settled = {
            "wires": declared_wires(self.wires),
            "shots": None if self.shots is None else as_shots(self.shots),
            "seed": None if self.seed is None else as_seed(self.seed),
        }
        for name, value in settled.items():
            object.__setattr__(self, name, value)
        if self.dtype is not None and not _is_complex(self.dtype):
            raise ParameterError(
                f"{user_line()}: dtype takes complex64 or complex128, but got "
                f"{self.dtype!r}."
            )

    @property
    def complex_dtype(self) -> np.dtype[Any]:
        """The dtype of amplitudes under JAX's present settings."""
        if self.dtype is None:
            wide = wide_types()
            return np.dtype(np.complex128 if wide else np.complex64)
        if np.dtype(self.dtype) == np.complex128 and not wide_types():
            raise ParameterError(
                f"{user_line()}: complex128 needs 64-bit JAX arrays. Call "
                "jax.config.update('jax_enable_x64', True) first."
            )
        return np.dtype(self.dtype)

    def override(self, **settings: Any) -> "Device":
        """Return the device with the given settings changed."""
        return replace(self, **{k: v for k, v in settings.items() if v is not None})


def _integer(value: Any) -> int | None:
    """Return an integer of any type as Python's, or None for anything else."""
    if isinstance(value, bool | np.bool_ | Tracer) or getattr(value, "ndim", 0):
        return None
    try:
        return operator.index(value)
    except TypeError:
        return None


def as_shots(shots: Any) -> int:
    """Check a number of shots."""
    count = _integer(shots)
    if count is None or not 1 <= count < 2**31:
        raise ParameterError(
            f"{user_line()}: shots takes a positive integer below 2**31, but got "
            f"{shots!r}."
        )
    return count


def as_seed(seed: Any) -> int:
    """Check a seed and return it as a signed word."""
    number = _integer(seed)
    if number is None or not -(2**63) <= number < 2**64:
        raise ParameterError(
            f"{user_line()}: seed takes an integer of 64 bits that is known when "
            f"tracing, but got {_shown(seed)}."
        )
    return number - 2**64 if number >= 2**63 else number


def _shown(value: Any) -> str:
    text = f"an object of type {type(value).__name__}"
    return repr(value) if isinstance(value, int | float | str) else text


def _is_complex(dtype: Any) -> bool:
    try:
        return np.dtype(dtype).name in ("complex64", "complex128")
    except TypeError:
        return False


def device(
    name: str = "statevector",
    *,
    wires: Wires = None,
    shots: int | None = None,
    seed: int | None = None,
    dtype: Any = None,
) -> Device:
    """Return a device by name.

    Args:
        name: "statevector", the simulator on this machine's CPU.
        wires: number of wires, 0 to wires - 1, or a sequence of their labels; those
            that are used when left out.
        shots: number of samples, below 2**31.
        seed: seed of the random numbers, an integer of 64 bits.
        dtype: complex64 or complex128; follows `jax_enable_x64` when left out.

    Raises:
        UnsupportedError: for an unknown name.
        WireError, ParameterError: for settings out of range.

    >>> import qjit as qj
    >>> qj.device("statevector", wires=3).wires
    3
    """
    return Device(name, wires, shots, seed, dtype)
