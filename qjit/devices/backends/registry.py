"""The names of backends: ours by their files, those of other packages by entry points.

A package adds a backend with an entry point of the group `qjit.backends`. Its name is
the backend's, and what it refers to the factory, such as `my_package.my_file:backend`.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from qjit.errors import ArgumentError, MissingPackageError, UnsupportedError
from qjit.lowering.jax_internals.tracing import user_line

from .protocol import Backend, BackendError

ENTRY_POINTS = "qjit.backends"
# The modules of this folder, each with a factory `backend(**options)`.
MODULES = {
    "qir-runner": "qir_runner",
    "qdk": "qdk",
    "selene": "selene",
    "qdmi": "qdmi",
    "braket": "braket",
    "ibm": "ibm",
    "ionq": "ionq",
    "iqm": "iqm",
    "aqt": "aqt",
    "qiskit": "qiskit_backend",
}


def names() -> list[str]:
    """Return the names of all backends, those that are installed with others' too."""
    return [*MODULES, *(name for name in _others() if name not in MODULES)]


def create(name: str, options: Mapping[str, Any]) -> Backend:
    """Return a backend by its name.

    Args:
        name: one of `names()`.
        options: what its factory takes, by the vendor's own names.

    Raises:
        UnsupportedError: for a name that no backend has.
        MissingPackageError: if the vendor's package is not installed.
        ArgumentError: for options that it does not have.
    """
    make = _factory(name)
    try:
        return make(**options)
    except ImportError as error:
        raise _missing(name, error) from error
    except BackendError:
        raise
    except TypeError as error:
        raise ArgumentError(
            f"{user_line()}: backend {name!r} does not take the options "
            f"{', '.join(options) or '(none)'}: {error}. See docs/jobs.md."
        ) from error


def _factory(name: str) -> Callable[..., Backend]:
    try:
        if name in MODULES:
            return import_module(f".{MODULES[name]}", __package__).backend
        if name in (others := _others()):
            return others[name].load()
    except ImportError as error:
        raise _missing(name, error) from error
    raise UnsupportedError(
        f"{user_line()}: unknown backend {name!r}. "
        f"Available: {', '.join(map(repr, names()))}. Packages add others by entry "
        f"points of the group {ENTRY_POINTS!r}."
    )


def _others() -> dict[str, EntryPoint]:
    return {found.name: found for found in entry_points(group=ENTRY_POINTS)}


def _missing(name: str, error: ImportError) -> MissingPackageError:
    if isinstance(error, MissingPackageError):
        return error
    remedy = f"Use pip install 'qjit[{name}]'." if name in MODULES else "Install it."
    return MissingPackageError(
        f"{user_line()}: backend {name!r} needs a package that is not installed: "
        f"{error}. {remedy}"
    )
