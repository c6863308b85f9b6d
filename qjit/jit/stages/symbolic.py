"""Programs compiled ahead of time for arguments with symbolic dimensions."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jax
from jax.extend.core import ClosedJaxpr

from qjit.diagnostics.translation import call, check_result_size
from qjit.errors import ArgumentError
from qjit.lowering.driver.program import Program, lowered_text
from qjit.lowering.jax_internals.tracing import user_line

from .abstracted_axes import (
    Argument,
    check_constraints,
    check_sizes,
    concrete_avals,
    place_of,
    solve,
)
from .ahead_of_time import StaysInProcess
from .shape_checks import ShapeChecks


@dataclass(frozen=True)
class DynamicTraced(StaysInProcess):
    """A function traced for arguments with symbolic dimensions."""

    name: str
    traced: Any
    compile_jaxpr: Callable[..., Program]

    @property
    def _name(self) -> str:
        return self.name

    @property
    def jaxpr(self) -> ClosedJaxpr:
        """The jaxpr, with symbolic dimensions in its shapes."""
        return self.traced.jaxpr

    @property
    def out_info(self) -> Any:
        """The shapes and dtypes of the results."""
        return self.traced.out_info

    def as_text(self) -> str:
        """Return the jaxpr as text."""
        return str(self.jaxpr)

    def lower(self) -> "DynamicLowered":
        """Lower to LLVM."""
        program = self.compile_jaxpr(self.jaxpr, keep_stages=True)
        return DynamicLowered(self, program)


@dataclass(frozen=True)
class DynamicLowered(StaysInProcess):
    """A function lowered for arguments with symbolic dimensions."""

    traced: DynamicTraced
    program: Program

    @property
    def _name(self) -> str:
        return self.traced.name

    @property
    def out_info(self) -> Any:
        """The shapes and dtypes of the results."""
        return self.traced.out_info

    def as_text(self) -> str:
        """Return the program as it stands after the passes."""
        return lowered_text(self.program.stages)

    def compile(self) -> "DynamicCompiled":
        """Return the compiled function."""
        return DynamicCompiled(self.traced, self.program)


@dataclass(frozen=True)
class DynamicCompiled(StaysInProcess):
    """A compiled function for all sizes of its symbolic dimensions."""

    traced: DynamicTraced
    program: Program

    @property
    def _name(self) -> str:
        return self.traced.name

    @property
    def out_info(self) -> Any:
        """The shapes and dtypes of the results."""
        return self.traced.out_info

    def as_text(self) -> str:
        """Return the program in LLVM's language."""
        return self.program.stages["ir"]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the function on arrays of any sizes that fit its symbolic shapes."""
        return call(self._jitted, self._run, args, kwargs)

    @cached_property
    def _jitted(self) -> Any:
        return jax.jit(self._run)

    @cached_property
    def _arguments(self) -> list[Argument]:
        leaves = jax.tree_util.tree_leaves_with_path(self.traced.traced.args_info)
        return [Argument(place_of(path), tuple(leaf.shape)) for path, leaf in leaves]

    @cached_property
    def _checks(self) -> ShapeChecks:
        return ShapeChecks(self.traced.jaxpr, self.traced.name)

    def _run(self, *args: Any, **kwargs: Any) -> Any:
        name, avals = self.traced.name, self.traced.jaxpr.in_avals
        leaves, tree = jax.tree.flatten((args, kwargs))
        expected = jax.tree.structure(self.traced.traced.args_info)
        if tree != expected:
            raise ArgumentError(
                f"{user_line()}: '{name}' was compiled for arguments of structure "
                f"{expected}, but got {tree}. Compile it again for these."
            )
        for leaf, aval, argument in zip(leaves, avals, self._arguments, strict=True):
            if leaf.dtype != aval.dtype:
                raise ArgumentError(
                    f"{user_line()}: '{name}' was compiled for {argument.place} of "
                    f"dtype {aval.dtype}, but got {leaf.dtype}. Convert it, or compile "
                    "again."
                )
        sizes = solve(self._arguments, [leaf.shape for leaf in leaves], name)
        check_constraints(self._arguments, sizes, name)
        self._checks.check(sizes)
        check_sizes(self.program, sizes, name)
        check_result_size(concrete_avals(self.program.out_avals, sizes), name)
        results = self.program.call(*leaves, sizes=sizes)
        return jax.tree.unflatten(jax.tree.structure(self.out_info), results)
