"""Programs compiled ahead of time: JAX's stages, with texts and errors of qjit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, Self

import jax
from jax.extend.core import ClosedJaxpr

from qjit.diagnostics.notebook import folded, table
from qjit.diagnostics.translation import ready, reraised
from qjit.errors import ArgumentError, UnsupportedError
from qjit.lowering.driver.program import lowered_text
from qjit.lowering.jax_internals.tracing import user_line


class Compilable(Protocol):
    """What stages are of: a function that can be compiled."""

    function: Any

    def jaxpr(self, *args: Any, **kwargs: Any) -> ClosedJaxpr:
        """Return the jaxpr that these arguments are traced to."""
        ...

    def stages(self, *args: Any, **kwargs: Any) -> Mapping[str, str]:
        """Compile for these arguments and return the text of every stage."""
        ...

    def exportable(self, args: Any, kwargs: Any) -> Any:
        """Return what JAX traces for `jax.export`, which takes no native code."""
        ...


class StaysInProcess:
    """A stage, which no pickle takes to another process."""

    @property
    def _name(self) -> str:
        """The name of the function."""
        raise NotImplementedError

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _: Any) -> Self:
        return self

    def __reduce__(self) -> Any:
        raise UnsupportedError(
            f"{user_line()}: pickle cannot take a stage of '{self._name}', which was "
            "traced, lowered or compiled in this process and belongs to it. Pickle the "
            "function itself, and call its lower in the other process: there it "
            "compiles again, or is found in the cache on disk."
        )


@dataclass(frozen=True)
class Stage(StaysInProcess):
    """A stage of JAX's and all of its attributes, besides those given here."""

    program: Compilable
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    stage: Any

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.stage, name)

    @property
    def _name(self) -> str:
        return getattr(self.program.function, "__name__", "program")

    def _repr_html_(self) -> str:
        takes = [str(aval) for aval in jax.tree.leaves(self.stage.in_avals)]
        kind = type(self).__name__.lower()
        return table(self._name, {"stage": kind, "takes": ", ".join(takes)})

    def _next(self, kind: type[Any], stage: Any) -> Any:
        return kind(self.program, self.args, self.kwargs, stage)

    def _stages(self) -> Mapping[str, str]:
        return self.program.stages(*self.args, **self.kwargs)


class Traced(Stage):
    """A function traced for arguments of some shapes."""

    @property
    def jaxpr(self) -> ClosedJaxpr:
        """The jaxpr of the function."""
        return self.program.jaxpr(*self.args, **self.kwargs)

    def as_text(self) -> str:
        """Return the jaxpr as text."""
        return str(self.jaxpr)

    def _repr_html_(self) -> str:
        return super()._repr_html_() + folded({"jaxpr": self.as_text()})

    def lower(self, **options: Any) -> Lowered:
        """Lower to LLVM; options are those of JAX."""
        private = options.get("_private_parameters")
        if getattr(private, "for_export", False):
            return self.program.exportable(self.args, self.kwargs).lower(**options)
        return self._next(Lowered, self.stage.lower(**options))


class Lowered(Stage):
    """A function lowered for arguments of some shapes."""

    def as_text(self, dialect: str | None = None, **options: Any) -> str:
        """Return the program as it stands after the passes, or JAX's call of it."""
        if dialect is not None:
            return self.stage.as_text(dialect, **options)
        return lowered_text(self._stages())

    def compile(self, compiler_options: Any = None) -> Compiled:
        """Return the compiled function."""
        return self._next(Compiled, self.stage.compile(compiler_options))


class Compiled(Stage):
    """A function compiled for arguments of some shapes."""

    def as_text(self) -> str:
        """Return the program in LLVM's language."""
        return self._stages()["ir"]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the function on arrays of these shapes."""
        try:
            with reraised():
                return ready(self.stage(*args, **kwargs))
        except TypeError as error:
            _, differ, how = str(error).partition("mismatches are:")
            if not differ:
                raise
            raise ArgumentError(
                f"{user_line()}: '{self._name}' was compiled for other "
                f"arguments: {' '.join(how.split())}. Compile it again for these."
            ) from error
