"""One framework's side of the comparison: answers requests read from stdin.

A request names a case, a round, and what to do: `value` builds the case and
returns its result; `time` returns seconds per unit of work.
"""

import json
import os
import platform
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, TextIO

from peers import Direct, Lightning, Qulacs, TensorCircuit

BATCH_SECONDS = 0.1


@dataclass(frozen=True)
class QJit:
    """qjit on its default simulator; JAX does the rest."""

    ops: Any
    jit: Callable[..., Any]
    grad: Callable[..., Any]
    packages: tuple[str, ...] = ("qjit", "jax", "jaxlib", "xdsl", "llvmlite")

    def qnode(self, wires: int, shots: int | None = None) -> Callable[..., Any]:
        """Return the decorator of quantum functions."""
        return self.ops.qnode(wires=wires, shots=shots)

    def measure(self, wire: int, *, reset: bool = False) -> Any:
        """Measure a wire."""
        return self.ops.measure(wire, reset=reset)

    def when(self, outcome: Any, apply: Callable[[], Any]) -> None:
        """Apply what an outcome asks for."""
        self.ops.cond(outcome, apply)()

    def loop(self, steps: int, body: Callable[[Any], Any], initial: Any) -> Any:
        """Run a JAX loop."""
        import jax

        return jax.lax.fori_loop(0, steps, lambda _, carry: body(carry), initial)


@dataclass(frozen=True)
class Jax:
    """JAX alone, for cases without quantum functions."""

    jit: Callable[..., Any]
    grad: Callable[..., Any]
    ops: Any = None
    packages: tuple[str, ...] = ("jax", "jaxlib", "optax")

    def qnode(self, wires: int) -> Callable[..., Any]:
        """Refuse: there are no quantum functions."""
        raise NotImplementedError(f"JAX has no simulator of {wires} wires.")

    def loop(self, steps: int, body: Callable[[Any], Any], initial: Any) -> Any:
        """Run a JAX loop."""
        import jax

        return jax.lax.fori_loop(0, steps, lambda _, carry: body(carry), initial)


@dataclass(frozen=True)
class Catalyst:
    """PennyLane Catalyst on Lightning, with the adjoint method."""

    ops: Any
    jit: Callable[..., Any]
    grad: Callable[..., Any]
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

    def measure(self, wire: int, *, reset: bool = False) -> Any:
        """Measure a wire."""
        import catalyst

        return catalyst.measure(wire, reset=reset)

    def when(self, outcome: Any, apply: Callable[[], Any]) -> None:
        """Apply what an outcome asks for."""
        import catalyst

        catalyst.cond(outcome)(lambda: void(apply()))()

    def loop(self, steps: int, body: Callable[[Any], Any], initial: Any) -> Any:
        """Run a Catalyst loop."""
        import catalyst

        return catalyst.for_loop(0, steps, 1)(lambda _, carry: body(carry))(initial)


def void(_: Any) -> None:
    """Drop a gate: a branch returns nothing."""


def load(name: str) -> Any:
    """Import a framework, in double precision."""
    if name == "qulacs":
        return Qulacs()
    if name == "direct":
        return Direct()
    import jax

    jax.config.update("jax_enable_x64", True)
    if name == "qjit":
        import qjit

        return QJit(qjit, qjit.qjit, jax.grad)
    if name == "jax":
        return Jax(jax.jit, jax.grad)
    if name == "tensorcircuit":
        return TensorCircuit()
    import pennylane

    if name == "lightning":
        return Lightning(pennylane, jax.jit, jax.grad)
    import catalyst

    return Catalyst(pennylane, catalyst.qjit, catalyst.grad)


def seconds_per_call(function: Callable[..., Any], arguments: tuple[Any, ...]) -> float:
    """Time as many warm calls as fill a batch."""

    def run(count: int) -> float:
        start = time.perf_counter()
        for _ in range(count):
            function(*arguments).block_until_ready()
        return time.perf_counter() - start

    return run(count := max(1, int(BATCH_SECONDS / run(1)))) / count


def memory(peak: bool) -> int:
    """Return the bytes that the process has resident, or had at most."""
    field = "VmHWM:" if peak else "VmRSS:"
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith(field))


def serve(framework: Any, requests: TextIO, replies: TextIO) -> None:
    """Answer requests until stdin ends."""
    import numpy as np
    from cases import CASES

    try:
        import jax
        import jax.numpy as jnp

        jax.config.update("jax_enable_x64", True)
        ready, array = jax.block_until_ready, jnp.asarray
    except ModuleNotFoundError:
        ready, array = (lambda value: value), np.asarray
    before = memory(peak=False)

    @cache
    def build(name: str, round_number: int) -> tuple[Callable[..., Any], Any]:
        function, arguments = CASES[name].build(framework, round_number)
        return function, tuple(map(array, arguments))

    def compiled(name: str, round_number: int) -> tuple[float, Any]:
        start = time.perf_counter()
        function, arguments = build(name, round_number)
        value = ready(function(*arguments))
        return time.perf_counter() - start, value

    for line in requests:
        name, action, round_number = json.loads(line)
        case = CASES[name]
        if action == "value" or case.compiles:
            seconds, value = compiled(name, round_number)
            values = np.ravel(np.asarray(value)).tolist()
            answer: dict[str, Any] = {"seconds": seconds, "value": values}
        elif action == "memory":
            function, arguments = build(name, 0)
            Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
            ready(function(*arguments))
            answer = {"bytes": memory(peak=True) - before}
        else:
            seconds = seconds_per_call(*build(name, 0)) / case.calls_per_run
            answer = {"seconds": seconds}
        print(json.dumps(answer), file=replies, flush=True)


def main() -> None:
    """Pin the process to its cores, say what is installed, and serve."""
    name, cores = sys.argv[1:]
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, set(map(int, cores.split(","))))
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever the framework prints is no reply
    framework = load(name)
    versions = {package: version(package) for package in framework.packages}
    versions["python"] = platform.python_version()
    print(json.dumps(versions), file=replies, flush=True)
    serve(framework, sys.stdin, replies)


if __name__ == "__main__":
    main()
