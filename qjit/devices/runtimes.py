"""Runtimes of others behind devices: their options, and what machines they have."""

import json
from collections.abc import Mapping
from functools import lru_cache
from itertools import count
from typing import Any

from qjit.dialects.targets import Target
from qjit.dialects.targets.hardware import BACKEND, FORMATS
from qjit.errors import DeviceError, UnsupportedError
from qjit.lowering.jax_internals.tracing import user_line

from .backends import registry
from .backends.protocol import Properties
from .jobs.credentials import checked_options
from .jobs.runtime import Runtime

# Options that have no text, such as a backend of Qiskit: a program that names one is of
# this process.
_objects: dict[int, Any] = {}
_numbers = count()
OBJECT = "object of this process"


def written(options: Mapping[str, Any]) -> str:
    """Return options of a runtime as JSON; objects are kept, and named by numbers.

    Raises:
        CredentialError: for what looks like a credential.
    """
    plain: dict[str, Any] = {}
    for name, value in sorted(options.items()):
        if isinstance(value, str | int | float | bool | None | list | tuple | dict):
            plain[name] = value
        else:
            number = next(_numbers)
            _objects[number] = value
            plain[name] = {OBJECT: number}
    return json.dumps(checked_options(plain)) if plain else ""


def _read(text: str) -> tuple[dict[str, Any], bool]:
    """Return options, and whether some of them are objects."""
    found: dict[str, Any] = json.loads(text) if text else {}
    kept = {
        name: _objects[value[OBJECT]]
        for name, value in found.items()
        if isinstance(value, dict) and OBJECT in value
    }
    return {**found, **kept}, bool(kept)


def is_backend(value: Any) -> bool:
    """Tell whether a value is a backend: it takes batches of circuits as programs."""
    methods = ("submit", "status", "results", "cancel")
    return not isinstance(value, type) and all(
        callable(getattr(value, name, None)) for name in methods
    )


def name_of(backend: Any) -> str:
    """Return the name of the device that a backend is.

    Raises:
        DeviceError: if it takes no format that is known.
    """
    formats = getattr(backend, "formats", ())
    known = next((each for each in formats if each in FORMATS), None)
    if known is None:
        raise DeviceError(
            f"{user_line()}: {type(backend).__name__} takes programs in "
            f"{', '.join(map(repr, formats)) or 'no format'}. Its attribute 'formats' "
            f"has to list one of {', '.join(map(repr, FORMATS))}."
        )
    return f"{BACKEND}.{known}"


def runtime_of(target: Target) -> Runtime:
    """Return the runtime of a device.

    Raises:
        UnsupportedError: if nothing here runs what is written for it.
    """
    if target.runtime is None:
        raise UnsupportedError(
            f"{user_line()}: nothing here runs circuits for device '{target.name}'. "
            "Write them with qjit.to_qasm or qjit.to_qir, or choose a device that has "
            "a runtime: qjit.devices() lists them."
        )
    return _runtime(target.runtime, target.name, target.machine, target.options)


@lru_cache(maxsize=64)
def _runtime(name: str, device: str, machine: str | None, text: str) -> Runtime:
    options, has_objects = _read(text)
    if machine is not None and machine not in options:
        options[machine] = device.partition(".")[2]
    if name == BACKEND:
        made = options[BACKEND]
        return Runtime(type(made).__name__, {}, made)
    if has_objects:
        return Runtime(name, {}, registry.create(name, options))
    return Runtime(name, options)


def properties_of(target: Target) -> Properties:
    """Return what the runtime of a device tells of its machine."""
    if not target.is_described:
        return Properties()
    tell = getattr(runtime_of(target).backend, "properties", None)
    return Properties() if tell is None else tell()
