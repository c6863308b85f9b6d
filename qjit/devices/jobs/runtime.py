"""A runtime as a job knows it: the name and the options that a backend is made of."""

from collections.abc import Mapping, Sequence
from typing import Any

from qjit.devices.backends import registry
from qjit.devices.backends.protocol import Backend, Payload
from qjit.errors import JobError, QJitError, UnsupportedError
from qjit.lowering.jax_internals.tracing import user_line

from .answers import text_of
from .credentials import checked_options


class Runtime:
    """A backend by name, made when it is first needed.

    Args:
        name: its name in the registry of backends.
        options: what it is made with; they are kept with jobs, so that none may be a
            credential.
        backend: what they make, if that is there already.
    """

    def __init__(
        self,
        name: str,
        options: Mapping[str, Any] | None = None,
        backend: Backend | None = None,
    ) -> None:
        self.name = name
        self.options = checked_options(options or {})
        self._backend = backend

    @property
    def backend(self) -> Backend:
        """The backend itself."""
        if self._backend is None:
            try:
                self._backend = registry.create(self.name, self.options)
            except QJitError:
                raise
            except Exception as error:
                raise JobError(
                    f"{user_line()}: backend {self.name!r} cannot be made: "
                    f"{text_of(error)}. Check its options, and that this process has "
                    "the vendor's credentials by the vendor's own mechanism."
                ) from error
        return self._backend

    def __repr__(self) -> str:
        return f"<Runtime {self.name!r}>"


def check_formats(runtime: Runtime, payloads: Sequence[Payload]) -> None:
    """Refuse circuits in a format that a runtime does not take."""
    for payload in payloads:
        if payload.format not in runtime.backend.formats:
            raise UnsupportedError(
                f"{user_line()}: backend {runtime.name!r} takes circuits in "
                f"{', '.join(runtime.backend.formats)}, but got {payload.format!r}."
            )
