"""Frameworks that compile or run PennyLane's operations as they are."""

import os
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np


class JaxTransforms:
    """What JAX does for frameworks whose quantum functions are its own."""

    def grad(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the gradient."""
        import jax

        return jax.grad(function)

    def jacobian(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the derivatives of several results."""
        import jax

        return jax.jacobian(function)

    def vmap(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function of a batch."""
        import jax

        return jax.vmap(function)

    def loop(self, steps: int, body: Callable[[Any], Any], initial: Any) -> Any:
        """Run a JAX loop."""
        import jax

        return jax.lax.fori_loop(0, steps, lambda _, carry: body(carry), initial)


@dataclass(frozen=True)
class QJit(JaxTransforms):
    """qjit on its default simulator; JAX does the rest."""

    ops: Any
    dtype: str | None = None
    packages: tuple[str, ...] = ("qjit", "jax", "jaxlib", "xdsl", "llvmlite")

    def qnode(self, wires: int, shots: int | None = None) -> Callable[..., Any]:
        """Return the decorator of quantum functions."""
        return self.ops.qnode(wires=wires, shots=shots, dtype=self.dtype)

    def single(self) -> "QJit":
        """Return the same in complex64."""
        return replace(self, dtype="complex64")

    def jit(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Compile."""
        return self.ops.qjit(function)

    def measure(self, wire: int, *, reset: bool = False) -> Any:
        """Measure a wire."""
        return self.ops.measure(wire, reset=reset)

    def when(self, outcome: Any, apply: Callable[[], Any]) -> None:
        """Apply what an outcome asks for."""
        self.ops.cond(outcome, apply)()

    def text(self, function: Any, arguments: tuple[Any, ...]) -> dict[str, str]:
        """Return the program as it is imported, and after all passes."""
        stages = function.stages(*arguments)
        last = stages["vectorize-batches"]
        return {"imported": stages["quantum"], "after passes": last}


@dataclass(frozen=True)
class Passes(QJit):
    """What qjit's programs take of memory: as many passes over a state in place."""

    packages: tuple[str, ...] = ("numpy",)

    def jit(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return what goes over an array once for each stage of the program."""
        return _Passes(self.ops.qjit(function))


class _Passes:
    """Multiplies as many doubles as a state has, as often as there are stages.

    On each of the cores that the process may use, a part of them.
    """

    def __init__(self, program: Any) -> None:
        self.program = program
        self.parts: Any = None
        self.stages: Any = None

    def __call__(self, *arguments: Any) -> Any:
        if self.parts is None:
            import jax.numpy as jnp

            text = self.program.stages(*arguments)["vectorize-batches"]
            wires = max(map(int, re.findall(r"!quantum\.reg<(\d+)>", text)))
            self.stages = jnp.asarray(float(stages_of(text)))
            cores = len(os.sched_getaffinity(0))
            self.pool = ThreadPoolExecutor(cores)
            self.parts = np.split(np.ones(2 << wires), cores)
        for _ in range(int(self.stages)):
            list(self.pool.map(_multiply, self.parts))
        return self.stages


def _multiply(numbers: Any) -> None:
    np.multiply(numbers, 1.0, out=numbers)


def stages_of(text: str) -> int:
    """Return how many stages a program runs, those in loops as often as these turn."""
    from xdsl.parser import Parser

    from qjit.dialects.statevector import ScheduleOp
    from qjit.lowering.analysis.cost_model import trip_count
    from qjit.lowering.driver.opt import OptMain

    total = 0
    for op in Parser(OptMain(args=[]).ctx, text).parse_module().walk():
        count = str(op.properties.get("kernel")).count('"tiles of ')
        parent = op.parent_op() if isinstance(op, ScheduleOp) else None
        while parent is not None:
            count *= trip_count(parent) or 1
            parent = parent.parent_op()
        total += count
    return total


class Jax(JaxTransforms):
    """JAX alone, for cases without quantum functions."""

    packages = ("jax", "jaxlib", "optax")
    ops = None

    def jit(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Compile by XLA."""
        import jax

        return jax.jit(function)


@dataclass(frozen=True)
class PennyLane(JaxTransforms):
    """One of PennyLane's devices under jax.jit."""

    ops: Any
    device: str
    diff_method: str
    packages: tuple[str, ...] = ("pennylane", "pennylane-lightning", "jax", "jaxlib")

    def qnode(self, wires: int, shots: int | None = None) -> Callable[..., Any]:
        """Return the decorator of quantum functions."""
        device = self.ops.device(self.device, wires=wires)
        return self.ops.qnode(device, diff_method=self.diff_method, interface="jax")

    def jit(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Compile by XLA."""
        import jax

        return jax.jit(function)


@dataclass(frozen=True)
class Catalyst:
    """PennyLane Catalyst on Lightning, with the adjoint method."""

    ops: Any
    catalyst: Any
    packages: tuple[str, ...] = (
        "pennylane",
        "pennylane-catalyst",
        "pennylane-lightning",
        "jax",
        "jaxlib",
    )

    def qnode(self, wires: int, shots: int | None = None) -> Callable[..., Any]:
        """Return the decorator of quantum functions."""
        device = self.ops.device("lightning.qubit", wires=wires)
        if shots is None:
            return self.ops.qnode(device, diff_method="adjoint")
        return self.ops.qnode(device, diff_method=None, shots=shots)

    def jit(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Compile."""
        return self.catalyst.qjit(function)

    def grad(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the gradient."""
        return self.catalyst.grad(function)

    def jacobian(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the derivatives of several results."""
        return self.catalyst.jacobian(function)

    def vmap(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function of a batch."""
        return self.catalyst.vmap(function)

    def measure(self, wire: int, *, reset: bool = False) -> Any:
        """Measure a wire."""
        return self.catalyst.measure(wire, reset=reset)

    def when(self, outcome: Any, apply: Callable[[], Any]) -> None:
        """Apply what an outcome asks for."""

        def branch() -> None:  # which returns nothing, no gate
            apply()

        self.catalyst.cond(outcome)(branch)()

    def loop(self, steps: int, body: Callable[[Any], Any], initial: Any) -> Any:
        """Run a Catalyst loop."""
        loop = self.catalyst.for_loop(0, steps, 1)
        return loop(lambda _, carry: body(carry))(initial)

    def text(self, function: Any, arguments: tuple[Any, ...]) -> dict[str, str]:
        """Return the program as it is imported."""
        return {"imported": function.mlir}
