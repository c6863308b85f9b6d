"""Devices that others bring: where libraries are found, and what is asked of them."""

import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from qjit.dialects.gates import GATES
from qjit.dialects.gates.spelling import read_spelling
from qjit.dialects.targets.plugins import LIBRARY, PYTHON, Plugin
from qjit.errors import DeviceError, ParameterError
from qjit.lowering.jax_internals.tracing import user_line
from qjit.lowering.native.device_tables import kind_of, python_gates
from qjit.runtime.abi.device_api import ABI_VERSION
from qjit.runtime.devices.libraries import LibraryError, Table, load
from qjit.runtime.devices.python_devices import name_of, table_of

from .hardware import checked_gates
from .runtimes import is_backend

FOLDERS = "QJIT_DEVICE_PATH"
ENTRY_POINTS = "qjit.devices"
# What files of libraries are called.
PATTERN = re.compile(r"lib(?P<unix>.+)\.(?:so|dylib)|(?P<windows>.+)\.dll")
SUFFIXES = ".so", ".dylib", ".dll"


def names() -> tuple[str, ...]:
    """Return the names of devices of libraries and of other packages, sorted."""
    return tuple(sorted({*_libraries(), *_entry_points()}))


def _libraries() -> dict[str, str]:
    """Return the paths of libraries by name; earlier folders come first."""
    found: dict[str, str] = {}
    for folder in os.environ.get(FOLDERS, "").split(os.pathsep):
        for name in _files(folder):
            named = PATTERN.fullmatch(name)
            if named is not None:
                path = os.path.join(folder, name)
                found.setdefault(named["unix"] or named["windows"], path)
    return found


def _files(folder: str) -> list[str]:
    """Return the names of files in a folder, if there is one that can be read."""
    try:
        return sorted(os.listdir(folder)) if folder else []
    except OSError:
        return []


def _entry_points() -> dict[str, EntryPoint]:
    return {found.name: found for found in entry_points(group=ENTRY_POINTS)}


def find(name: object) -> Any:
    """Return the path of a library, a class, or a backend, that a user means.

    Raises:
        DeviceError: if a package that names one does not give it.
    """
    if isinstance(name, type) or is_backend(name):
        return name
    if not isinstance(name, str | os.PathLike):
        return None
    text = os.fspath(name)
    if os.sep in text or text.endswith(SUFFIXES) or not isinstance(name, str):
        return text
    text = text.removeprefix(f"{LIBRARY}.")
    found = _libraries().get(text)
    if found is not None:
        return found
    entry = _entry_points().get(text)
    return None if entry is None else _loaded(entry)


def _loaded(entry: EntryPoint) -> Any:
    try:
        found: Any = entry.load()
        if isinstance(found, Callable) and not isinstance(found, type):
            found = found()
    except Exception as error:
        raise DeviceError(
            f"{user_line()}: the entry point {entry.value!r} of device {entry.name!r} "
            f"raised {type(error).__name__}: {error}"
        ) from error
    if isinstance(found, str | os.PathLike):
        return os.fspath(found)
    if isinstance(found, type) or is_backend(found):
        return found
    raise DeviceError(
        f"{user_line()}: the entry point {entry.value!r} of device {entry.name!r} "
        f"gives {type(found).__name__}. It has to give the path of a library, a "
        "class, or a backend."
    )


@dataclass(frozen=True)
class Found:
    """A device of others: what it is called, which gates it has, and what it can do."""

    name: str
    gates: frozenset[str]
    options: str


def described(
    found: str | type, options: Mapping[str, Any], gates: Any = None
) -> Found:
    """Return what a library, or a class, says of itself.

    Args:
        found: the path of the library, or the class.
        options: what it is created with.
        gates: those of its gates that circuits may have; None for all.

    Raises:
        DeviceError: if it is no device.
        ParameterError: for gates that it does not have, and for options that are no
            JSON.
    """
    is_class = isinstance(found, type)
    try:
        table = _class_table(found) if is_class else load(found).table
        _check_gates(table)
        source = name_of(found) if is_class else os.path.realpath(found)
        digest = "" if is_class else load(found).digest
    except LibraryError as error:
        raise DeviceError(f"{user_line()}: {error}") from error
    family = PYTHON if is_class else LIBRARY
    name = f"{family}.{_plain_name(found.__name__ if is_class else found)}"
    own = frozenset(gate.name for gate in table.gates)
    plugin = Plugin(
        name=name,
        source=source,
        digest=digest,
        abi_version=ABI_VERSION,
        most_wires=table.most_wires,
        modifiers=table.modifiers and gates is None,
        measures=table.measures,
        amplitudes=table.amplitudes,
        kind=family,
        configuration=_configuration(options),
    )
    chosen = own if gates is None else _restricted(own, gates, name)
    return Found(name, chosen, plugin.text)


def _class_table(kind: type) -> Table:
    return table_of(kind, python_gates(kind))


def _plain_name(path: str) -> str:
    name = Path(path).name
    named = PATTERN.fullmatch(name)
    plain = name if named is None else named["unix"] or named["windows"]
    return re.sub(r"[^A-Za-z0-9_.-]", "_", plain)


def _check_gates(table: Table) -> None:
    """Refuse gates that are others here.

    Raises:
        LibraryError: for such gates.
    """
    listed = {gate.name for gate in table.gates}
    for gate in table.gates:
        known = kind_of(gate.name)
        if known != gate:
            raise LibraryError(
                f"the device {table.name} lists {gate.name} with "
                f"{gate.num_parameters} parameters on {gate.num_targets} qubits, but "
                f"it has {known.num_parameters} on {known.num_targets}, controls among "
                "them."
            )
        base = GATES[read_spelling(gate.name)[0]].base
        if table.modifiers and base is not None and base not in listed:
            raise LibraryError(
                f"the device {table.name} takes gates under controls, and lists "
                f"{gate.name}, but not {base}, which it is under further controls."
            )
    if table.modifiers and "GlobalPhase" not in listed:
        raise LibraryError(
            f"the device {table.name} takes gates under controls, but does not list "
            "GlobalPhase, which is a gate under them."
        )


def _restricted(own: frozenset[str], gates: Any, name: str) -> frozenset[str]:
    found = checked_gates(gates)
    if lacking := sorted(found - own - {"GlobalPhase"}):
        raise ParameterError(
            f"{user_line()}: device '{name}' has no gate {lacking[0]}. It has "
            f"{', '.join(sorted(own))}."
        )
    return found


def _configuration(options: Mapping[str, Any]) -> str:
    try:
        return json.dumps(dict(options), sort_keys=True)
    except (TypeError, ValueError) as error:
        raise ParameterError(
            f"{user_line()}: options of a device of others become JSON, but {error}. "
            "Give numbers, strings, lists and dictionaries."
        ) from error
