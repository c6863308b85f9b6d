"""Compile a closed jaxpr to native code that JAX calls through the XLA FFI."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np
from jax.extend.core import ClosedJaxpr

from qjit.lowering.jax_internals.equations import weakly_typed
from qjit.lowering.jaxpr.dimensions import Size, numbers
from qjit.lowering.native.device_tables import device_error_text
from qjit.lowering.native.host_calls import host_error_text
from qjit.lowering.native.link import load
from qjit.lowering.native.memory_limits import memory_text
from qjit.lowering.native.python_callbacks import interrupted_text
from qjit.lowering.passes.pipeline import OwnPass, Step, names_of, resolve
from qjit.runtime.abi.status import (
    CHECKED,
    DEVICE_FAILED,
    HOST_ERROR,
    INTERRUPTED,
    MESSAGES,
    NO_MEMORY,
    Status,
)

from .program_cache import find, identify, keep


@dataclass(frozen=True)
class Program:
    """A compiled program, registered as an FFI target."""

    target_name: str
    out_avals: tuple[Any, ...]
    locations: list[str]
    report: dict[str, Any]
    stages: dict[str, str] = field(default_factory=dict[str, str])
    has_side_effect: bool = False
    dimensions: tuple[str, ...] = ()
    sizes: Mapping[Size, bool] = field(default_factory=dict[Size, bool])

    def call(self, *args: Any, sizes: Mapping[str, int] | None = None) -> Any:
        """Run the program on JAX arrays; usable under `jax.jit`.

        `sizes` gives every symbolic dimension of the program's shapes.
        """
        sizes = sizes or {}
        shapes = [
            jax.ShapeDtypeStruct(numbers(aval.shape, sizes), aval.dtype)
            for aval in self.out_avals
        ]
        if self.dimensions:
            given = np.asarray([sizes[name] for name in self.dimensions], np.int64)
            # NOTE: as words, because JAX may not keep 64-bit types.
            args = (*args, given.view(np.uint32))
        call = jax.ffi.ffi_call(
            self.target_name,
            shapes,
            has_side_effect=self.has_side_effect,
            vmap_method="sequential",
        )
        found = call(*args)
        return [
            weakly_typed(result) if aval.weak_type else result
            for result, aval in zip(found, self.out_avals, strict=True)
        ]


def lowered_text(stages: Mapping[str, str]) -> str:
    """Return the text of the last stage before the conversion to LLVM."""
    names = list(stages)
    return stages[names[names.index("llvm") - 1]]


@dataclass(frozen=True)
class StatusText:
    """Words for the statuses of a program whose places are these lines."""

    lines: tuple[str, ...]

    def __call__(self, status: int) -> str:
        """Word a nonzero status."""
        return _describe(self.lines, status)


def _describe(lines: Sequence[str], word: int) -> str:
    status = Status.of(word)
    if status.code == INTERRUPTED:
        return interrupted_text(status.place)
    line = lines[status.line] if 0 <= status.line < len(lines) else ""
    if CHECKED <= status.code < HOST_ERROR:
        return f"[QJIT:{status.code}] {line}"
    text = MESSAGES.get(status.code, "the program failed.")
    if status.code == HOST_ERROR:
        text = host_error_text()
    elif status.code == NO_MEMORY:
        text = memory_text(status)
    elif status.code == DEVICE_FAILED:
        text = device_error_text(status)
    elif status.iteration is not None:
        text += f" This is iteration {status.iteration} of the loop, counted from 0."
    return f"[QJIT:{status.code}] {line or 'unknown line'}: {text}"


def compile_program(
    closed: ClosedJaxpr,
    *,
    name: str = "program",
    seed: int | None = None,
    steps: Sequence[Step | OwnPass] | None = None,
    keep_stages: bool = False,
    has_side_effect: bool | None = None,
) -> Program:
    """Compile a closed jaxpr and register it as an FFI target.

    A program has side effects, and so runs even if nobody reads its results, if its
    jaxpr has, unless told otherwise. The steps are those of the default pipeline, if
    none are given. Object code is kept on disk if all steps are of the pipeline; then a
    later process has no more to do than to find it.
    """
    if has_side_effect is None:
        has_side_effect = bool(closed.effects)
    symbol = f"qjit_{''.join(c if c.isalnum() else '_' for c in name)}"
    stages: dict[str, str] = {}
    clock = time.perf_counter()
    steps = resolve(None) if steps is None else steps
    identity = identify(closed, symbol, None if keep_stages else names_of(steps), seed)
    compiled = find(identity)
    state = "hit"
    seconds = {"cache": time.perf_counter() - clock}
    if compiled is None:
        from .stages import compile_jaxpr  # the compiler and xDSL, if needed

        before = [step for step in steps if step.level == "jaxpr"]
        rewritten = closed
        for step in before:
            rewritten = step.found(rewritten)
        compiled = compile_jaxpr(
            rewritten,
            symbol,
            seed=seed,
            passes=steps[len(before) :],
            texts=stages if keep_stages else None,
            has_side_effects=has_side_effect,
        )
        state = keep(identity, compiled)
        seconds |= compiled.report["seconds"]
    clock = time.perf_counter()
    target = load(compiled.code, StatusText(compiled.locations))
    seconds["link"] = time.perf_counter() - clock
    return Program(
        target,
        tuple(closed.out_avals),
        list(compiled.locations),
        {**compiled.report, "seconds": seconds, "cache": state},
        stages,
        has_side_effect,
        compiled.dimensions,
        compiled.sizes,
    )
