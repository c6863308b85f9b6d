"""Errors that name the instruction of a Qiskit circuit at which they are found."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, NoReturn

from qjit.errors import QiskitCircuitError
from qjit.lowering.jax_internals.tracing import user_line


class NotKnownError(QiskitCircuitError):
    """A place of a circuit needs a value that is known when tracing."""


class Located:
    """What reads instructions and refuses them with their positions."""

    def __init__(self) -> None:
        self._path: list[str] = []

    @contextmanager
    def at(self, place: str) -> Generator[None]:
        """Be at a place of the circuit, within those before."""
        self._path.append(place)
        try:
            yield
        finally:
            self._path.pop()

    def fail(
        self, message: str, kind: type[QiskitCircuitError] = QiskitCircuitError
    ) -> NoReturn:
        """Refuse what is at the place."""
        raise kind(f"{user_line()}: {self.where}: {message}")

    @property
    def where(self) -> str:
        """Where in the circuit it is."""
        return ", ".join([*self._path, "of the Qiskit circuit"]).replace(
            ", of the", " of the"
        )


def kind_of(thing: Any) -> str:
    """Return the name of the class of a thing of Qiskit, and "" for other classes.

    Of a gate that is there once, it is that of the gate.
    """
    found = getattr(thing, "base_class", type(thing))
    return found.__name__ if found.__module__.startswith("qiskit.") else ""
