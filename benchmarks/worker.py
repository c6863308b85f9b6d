"""One framework's side of the comparison: answers requests read from stdin.

A request names a case, an action and a round; the answer has the measured number, the
value of the program where it is compared, or the reason why there is none.
"""

import json
import os
import platform
import re
import sys
import time
from collections.abc import Callable
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

BATCH_SECONDS = 0.1
# An operation of the textual IR: its results, and its dialect and name.
OPERATION = re.compile(r'^\s*(?:%[^=]*= )?"?[a-z_]+\.[a-z_]+', re.MULTILINE)


def load(name: str) -> Any:
    """Import a framework, in double precision where it has it."""
    if name in ("qulacs", "direct"):
        import peers

        return peers.Qulacs() if name == "qulacs" else peers.Direct()
    if name in ("qsim", "qsim-angles", "aer"):
        import simulators

        if name == "aer":
            return simulators.Aer()
        return simulators.Qsim(rebuild=name == "qsim-angles")
    return load_on_jax(name)


def load_on_jax(name: str) -> Any:
    """Import a framework that is used with JAX."""
    import frameworks
    import jax

    jax.config.update("jax_enable_x64", True)
    if name == "jax":
        return frameworks.Jax()
    if name in ("qjit", "passes"):
        import qjit

        return (frameworks.QJit if name == "qjit" else frameworks.Passes)(qjit)
    if name == "tensorcircuit":
        from peers import TensorCircuit

        return TensorCircuit()
    import pennylane

    if name == "lightning":
        return frameworks.PennyLane(pennylane, "lightning.qubit", "adjoint")
    if name == "default":
        return frameworks.PennyLane(pennylane, "default.qubit", "backprop")
    import catalyst

    return frameworks.Catalyst(pennylane, catalyst)


def memory(peak: bool) -> int:
    """Return the bytes that the process has resident, or had at most."""
    field = "VmHWM:" if peak else "VmRSS:"
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith(field))


class Server:
    """The programs of a framework, and what may be asked of them."""

    def __init__(self, framework: Any) -> None:
        from cases import CASES

        self.cases, self.framework = CASES, framework
        self.before = memory(peak=False)
        try:
            import jax
            import jax.numpy as jnp
        except ModuleNotFoundError:
            self.ready: Callable[[Any], Any] = lambda value: value
            self.array: Callable[[Any], Any] = np.asarray
        else:
            jax.config.update("jax_enable_x64", True)
            self.ready, self.array = jax.block_until_ready, jnp.asarray
        self.build = cache(self._build)

    def _build(self, name: str, round_number: int) -> tuple[Any, tuple[Any, ...]]:
        function, arguments = self.cases[name].build(self.framework, round_number)
        return function, tuple(map(self.array, arguments))

    def answer(self, name: str, action: str, round_number: int) -> dict[str, Any]:
        """Do what is asked."""
        return getattr(self, action)(name, round_number)

    def _valued(self, name: str, number: float, value: Any) -> dict[str, Any]:
        found = self.cases[name].summary(np.asarray(value))
        return {"number": number, "value": np.ravel(found).tolist()}

    def compile(self, name: str, round_number: int) -> dict[str, Any]:
        """Time all from the Python function to the first result."""
        start = time.perf_counter()
        function, arguments = self.build(name, round_number)
        value = self.ready(function(*arguments))
        return self._valued(name, time.perf_counter() - start, value)

    def warm(self, name: str, _: int) -> dict[str, Any]:
        """Time as many warm calls as fill a batch."""
        function, arguments = self.build(name, 0)

        def run(count: int) -> float:
            start = time.perf_counter()
            for _ in range(count):
                function(*arguments).block_until_ready()
            return time.perf_counter() - start

        seconds = run(1)
        count = int(BATCH_SECONDS / seconds)
        return {"number": run(count) / count if count > 1 else seconds}

    def start(self, name: str, round_number: int) -> dict[str, Any]:
        """Time all from the traced function to the first result, in a second process.

        Tracing finds and links qjit's programs as well, of which it reports the time.
        """
        function, arguments = self.build(name, round_number)
        traced = function.trace(*arguments)
        start = time.perf_counter()
        value = self.ready(traced.lower().compile()(*arguments))
        seconds = time.perf_counter() - start
        if "qjit" in self.framework.packages:
            report = function.report(*arguments)
            if report["cache"] != "hit":
                raise RuntimeError(f"{name} was not kept: {report['cache']}")
            seconds += sum(report["seconds"].values())
        return self._valued(name, seconds, value)

    def memory(self, name: str, _: int) -> dict[str, Any]:
        """Return the bytes resident at most in a warm call, less those before all."""
        function, arguments = self.build(name, 0)
        if "jax" in self.framework.packages:  # it compiles in the first call
            self.ready(function(*arguments))
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
        value = self.ready(function(*arguments))
        return self._valued(name, memory(peak=True) - self.before, value)

    def describe(self, name: str, round_number: int) -> dict[str, Any]:
        """Count the operations and the characters of the program's text."""
        texts = self.framework.text(*self.build(name, round_number))
        return {
            stage: {"operations": len(OPERATION.findall(text)), "characters": len(text)}
            for stage, text in texts.items()
        }


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
    server = Server(framework)
    for line in sys.stdin:
        print(json.dumps(server.answer(*json.loads(line))), file=replies, flush=True)


if __name__ == "__main__":
    main()
