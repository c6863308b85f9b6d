"""Loading libraries of devices, and what their tables say that they can do."""

import ctypes
import hashlib
import os
import threading
from dataclasses import dataclass
from typing import Any

from qjit.runtime.abi.device_api import (
    ABI_VERSION,
    ENTRY,
    MODIFIERS,
    REQUIRED,
    DeviceApi,
)


class LibraryError(Exception):
    """A library, or a class in Python, is no device that programs can call."""


@dataclass(frozen=True)
class Kind:
    """A gate that a device has, with its numbers of parameters and of targets."""

    name: str
    num_parameters: int
    num_targets: int


@dataclass(frozen=True)
class Table:
    """The functions of a device, and what it says of itself."""

    address: int
    """Where the functions are, or the number of a class in Python."""
    name: str
    gates: tuple[Kind, ...]
    most_wires: int
    modifiers: bool
    measures: bool
    amplitudes: bool
    is_python: bool = False


@dataclass(frozen=True)
class Library:
    """A library that this process has loaded."""

    handle: Any
    digest: str
    table: Table


_loaded: dict[str, Library] = {}
# NOTE: libraries are loaded once, also by several threads.
_loading = threading.RLock()


def load(path: str) -> Library:
    """Return the library of a path.

    Raises:
        LibraryError: if there is none, if it is no device, or if the file is another
            one than when it was loaded.
    """
    with _loading:
        path = os.path.realpath(path)
        digest = digest_of(path)
        if path not in _loaded:
            handle = _opened(path)
            _loaded[path] = Library(handle, digest, _table(handle, path))
        elif _loaded[path].digest != digest:
            raise LibraryError(
                f"the library {path} changed after it was loaded. Start Python anew, "
                "or give the new library another name."
            )
        return _loaded[path]


def digest_of(path: str) -> str:
    """Return the SHA-256 of a library.

    Raises:
        LibraryError: if it cannot be read.
    """
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise LibraryError(
            f"the library {path} cannot be read: {error.strerror}. Build it again, or "
            "correct the path."
        ) from error


def _opened(path: str) -> Any:
    try:
        return ctypes.CDLL(path)
    except OSError as error:
        raise LibraryError(
            f"the library {path} cannot be loaded: {error}. Build it as a shared "
            "library, with cc -shared -fPIC."
        ) from error


def _table(handle: Any, path: str) -> Table:
    entry = getattr(handle, ENTRY, None)
    if entry is None:
        raise LibraryError(
            f"the library {path} has no function {ENTRY}, which qjit_device.h says "
            "that a device exports."
        )
    entry.argtypes, entry.restype = [ctypes.c_uint32], ctypes.c_void_p
    address = entry(ABI_VERSION)
    if not address:
        raise LibraryError(
            f"the library {path} does not know version {ABI_VERSION} of the interface. "
            "Build it with the qjit_device.h of this version of qjit."
        )
    found = DeviceApi.from_address(address)
    if found.abi_version != ABI_VERSION:
        raise LibraryError(
            f"the library {path} has version {found.abi_version} of the interface, but "
            f"this version of qjit calls version {ABI_VERSION}. Build it with the "
            "qjit_device.h of this version."
        )
    return _read(found, address, f"the library {path}")


def _read(found: DeviceApi, address: int, whose: str) -> Table:
    """Return what a table says."""
    if found.struct_size < ctypes.sizeof(DeviceApi):
        raise LibraryError(
            f"{whose} has a table of {found.struct_size} bytes, but one has "
            f"{ctypes.sizeof(DeviceApi)}. Set struct_size to sizeof(qjit_device_api)."
        )
    if missing := [name for name in REQUIRED if not getattr(found, name)]:
        raise LibraryError(f"{whose} has no function {missing[0]}, which is required.")
    if bool(found.measure) != bool(found.reset):
        raise LibraryError(f"{whose} has one of measure and reset, but not the other.")
    if not found.name or not found.num_gates or not found.gates:
        raise LibraryError(f"{whose} names no gates, or has no name itself.")
    if not found.max_qubits:
        raise LibraryError(f"{whose} has no qubits: max_qubits is 0.")
    gates = tuple(
        Kind(
            (each.name or b"").decode(errors="replace"),
            each.num_parameters,
            each.num_targets,
        )
        for each in found.gates[: found.num_gates]
    )
    return Table(
        address,
        found.name.decode(errors="replace"),
        gates,
        min(found.max_qubits, 1 << 20),
        bool(found.flags & MODIFIERS),
        bool(found.measure),
        bool(found.amplitudes),
    )
