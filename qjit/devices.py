"""Devices: where a quantum function runs, and with how many wires and shots."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

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
        object.__setattr__(self, "wires", declared_wires(self.wires))
        if self.shots is not None and not _is_count(self.shots, 2**31 - 1):
            raise ParameterError(
                f"{user_line()}: shots takes a positive integer, but got "
                f"{self.shots!r}."
            )
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


def _is_count(value: Any, largest: int) -> bool:
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    return whole and 1 <= int(value) <= largest


def _is_complex(dtype: Any) -> bool:
    try:
        return np.dtype(dtype).name in ("complex64", "complex128")
    except TypeError:
        return False


def device(
    name: str = "statevector",
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
        shots: number of samples.
        seed: seed of the random numbers.
        dtype: complex64 or complex128; follows `jax_enable_x64` when left out.

    Raises:
        UnsupportedError: for an unknown name.
        WireError, ParameterError: for settings out of range.

    >>> import qjit as qj
    >>> qj.device("statevector", wires=3).wires
    3
    """
    return Device(name, wires, shots, seed, dtype)
