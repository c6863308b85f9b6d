"""Devices: where a quantum function runs, and with how many wires and shots."""

from dataclasses import dataclass, replace
from typing import Any

import jax
import numpy as np

from .errors import ParameterError, UnsupportedError, WireError


@dataclass(frozen=True)
class Device:
    """A description of where quantum functions run."""

    name: str = "statevector"
    wires: int | None = None
    shots: int | None = None
    seed: int | None = None
    dtype: Any = None

    def __post_init__(self) -> None:
        if self.name != "statevector":
            raise UnsupportedError(
                f"unknown device {self.name!r}. Available: 'statevector'."
            )
        if self.wires is not None and not 1 <= self.wires <= 62:
            raise WireError(f"expected 1 to 62 wires, but got {self.wires}.")
        if self.shots is not None and self.shots < 1:
            raise ParameterError(f"shots must be at least 1, but got {self.shots}.")
        if self.dtype is not None and np.dtype(self.dtype) not in (
            np.dtype(np.complex64),
            np.dtype(np.complex128),
        ):
            raise ParameterError(
                f"dtype takes complex64 or complex128, but got {self.dtype}."
            )

    @property
    def complex_dtype(self) -> np.dtype[Any]:
        """The dtype of amplitudes under JAX's present settings."""
        if self.dtype is None:
            wide = jax.config.jax_enable_x64
            return np.dtype(np.complex128 if wide else np.complex64)
        if np.dtype(self.dtype) == np.complex128 and not jax.config.jax_enable_x64:
            raise ParameterError(
                "complex128 needs 64-bit JAX arrays. Call "
                "jax.config.update('jax_enable_x64', True) first."
            )
        return np.dtype(self.dtype)

    def override(self, **settings: Any) -> "Device":
        """Return the device with the given settings changed."""
        return replace(self, **{k: v for k, v in settings.items() if v is not None})


def device(
    name: str = "statevector",
    *,
    wires: int | None = None,
    shots: int | None = None,
    seed: int | None = None,
    dtype: Any = None,
) -> Device:
    """Return a device by name; see `qnode` for the settings.

    >>> import qjit as qj
    >>> qj.device("statevector", wires=3).wires
    3
    """
    return Device(name, wires, shots, seed, dtype)
