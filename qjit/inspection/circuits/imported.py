"""Programs that are traced, imported and rewritten, but not compiled."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jax

from qjit.devices.device import Device
from qjit.devices.other_devices import on_other_devices
from qjit.dialects.targets import ALL_PAIRS
from qjit.errors import (
    ParameterError,
    ParameterTypeError,
    PipelineError,
    UnsupportedError,
)
from qjit.jit.arguments import Bound, Parts, in_parts
from qjit.jit.function import QJIT, qjit
from qjit.jit.pause_gc import waiting_collector
from qjit.lowering.jax_internals.tracing import user_line
from qjit.lowering.passes.pipeline import OwnPass, PassError, Step

from .tree import Circuit

if TYPE_CHECKING:
    from jax.extend.core import ClosedJaxpr

QUANTUM = "quantum"  # the level before all passes, as in `stages`


@dataclass(frozen=True)
class Imported:
    """A program that was traced, and its arguments' leaves, with their names."""

    closed: ClosedJaxpr
    names: tuple[str, ...]
    steps: tuple[Step | OwnPass, ...]
    leaves: tuple[Any, ...]

    @waiting_collector()
    def circuits(
        self, level: str | None, *, rerolled: bool, whole: bool
    ) -> tuple[str, list[Circuit]]:
        """Return the circuits at a level, and the level.

        Args:
            level: "quantum", before all passes, or after which pass. Where it is left
                out, it is after the passes of single quantum functions and, if the
                whole pipeline is asked for, after all others on gates.
            rerolled: whether repetitions become loops.
            whole: whether the whole pipeline is asked for.
        """
        from qjit.lowering.driver.pass_effects import Rewriting
        from qjit.lowering.passes.circuits.pauli_measurements import (
            expand_pauli_measurements,
        )

        from .read_circuits import read_circuits

        closed = self.closed
        for step in self.steps:
            if step.level == "jaxpr" and (rerolled or step.name != "reroll-loops"):
                closed = step.found(closed)
        passes = [step for step in self.steps if step.level == QUANTUM]
        rewriting = Rewriting(closed, "program", passes)
        names = [QUANTUM, *(step.name for step in rewriting.passes)]
        if level is None:
            level = names[-1 if whole else rewriting.own]
        count = _last(names, level)
        try:
            module = rewriting.after(count)
            expand_pauli_measurements(module)
            found = read_circuits(module, self.names)
        except PassError as error:
            raise UnsupportedError(str(error)) from error
        if not found:
            raise ParameterError(
                f"{user_line()}: there is nothing to look at, because the function "
                "calls no quantum function that is compiled. Pass one that does; "
                "circuits of device 'reference' are not compiled."
            )
        return level, found


def _last(names: Sequence[str], level: str) -> int:
    """Return where a level comes last."""
    if level not in names:
        raise PipelineError(
            f"{user_line()}: there is no level {level!r} to look at. "
            f"The levels are {QUANTUM!r}, before all passes, and after each pass: "
            f"{', '.join(map(repr, names[1:]))}. Other passes are added by "
            "qjit(pipeline=...)."
        )
    return len(names) - 1 - names[::-1].index(level)


class _Inspected(QJIT):
    """A compiled function whose calls return what it is, and run nothing."""

    names: list[tuple[Any, str]]

    def of_arrays(self, function: Callable[..., Any]) -> _Inspected:
        """Return the same of arrays only."""
        whole = {"static_argnums": None, "static_argnames": None}
        found = _Inspected(function, {**self.made_from()[1], **whole})
        found.names = self.names
        return found

    def unrolled(self) -> _Inspected:
        """Return the same that leaves repetitions as they were written."""
        steps = [step for step in self._steps if step.name != "reroll-loops"]
        function, options = self.made_from()
        return _Inspected(function, {**options, "pipeline": lambda _: steps})

    def call_arrays(self, args: Any, kwargs: Any, key: Any = None) -> Imported:
        """Trace the function for these arguments."""
        if args and isinstance(args[0], Parts):
            return self._call_apart(args, kwargs, key, self._level)
        signature = self._signature_of(args, kwargs)
        closed, _ = self._trace(signature)
        leaves = jax.tree.leaves((args, kwargs))
        rest = list(self.names)
        found: list[str] = []
        for position in signature.arrays:
            # NOTE: leaves are in order, and those that are static have been left out.
            while rest and rest[0][0] is not leaves[position]:
                rest.pop(0)
            found.append(rest.pop(0)[1] if rest else f"x{position}")
        values = tuple(leaves[position] for position in signature.arrays)
        return Imported(closed, tuple(found), self._steps, values)


def imported_here(
    function: Any, args: Any, kwargs: Any, *, rerolled: bool = True
) -> Imported:
    """Trace a function like `imported`, with the circuits of other runtimes in it."""
    with on_other_devices(_here):
        return imported(function, args, kwargs, rerolled=rerolled)


def _here(device: Device) -> Device:
    """Return the simulator with the gates and the edges of a runtime of others."""
    target = device.target
    if target.state != "remote":
        return device
    gates = None if target.modifiers else (target.gates or set()) - {"GlobalPhase"}
    coupling = None if target.coupling == ALL_PAIRS else target.coupling
    return Device(
        wires=device.wires,
        shots=device.shots,
        seed=device.seed,
        dtype=device.dtype,
        gates=gates,
        coupling=coupling,
        pipeline=target.pipeline,
    )


@waiting_collector()
def imported(
    function: Any, args: Any, kwargs: Any, *, rerolled: bool = True
) -> Imported:
    """Trace a quantum function, a compiled function, or one that calls some."""
    if isinstance(function, Bound):
        args = (in_parts(function.instance), *args)
        function = function.method
    if isinstance(function, QJIT):
        plain, options = function.made_from()
    else:
        parameters = inspect.signature(qjit).parameters.values()
        plain = function
        options = {each.name: each.default for each in parameters}
        del options["fn"], options["verbose"]
    inspected = _Inspected(plain, options)
    if not rerolled:
        inspected = inspected.unrolled()
    inspected.names = _leaf_names(inspected.function, args, kwargs)
    return inspected.dispatch(args, kwargs)


def checked_function(function: Any, name: str) -> Any:
    """Return what can be looked at; refuse what cannot be called."""
    if callable(function) and not isinstance(function, type):
        return function
    raise ParameterTypeError(
        f"{user_line()}: {name} takes a quantum function, or a function that calls "
        f"some, but got an object of type {type(function).__name__}. Pass the function "
        f"itself, and its arguments to the result: {name}(f)(*args)."
    )


def _leaf_names(function: Any, args: Any, kwargs: Any) -> list[tuple[Any, str]]:
    """Return the leaves of arguments, each with the name that the function knows."""
    names = _argument_names(function, len(args))
    leaves, _ = jax.tree_util.tree_flatten_with_path((args, kwargs))
    found: list[tuple[Any, str]] = []
    for (outer, inner, *rest), leaf in leaves:
        key: Any = inner
        name = str(key.key if outer.idx else names[key.idx])
        found.append((leaf, name + jax.tree_util.keystr(tuple(rest))))
    return found


def _argument_names(function: Any, count: int) -> Sequence[str]:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return [f"x{number}" for number in range(count)]
    found: list[str] = []
    for each in parameters:
        if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD):
            found.append(each.name)
        elif each.kind == each.VAR_POSITIONAL:
            found += [f"{each.name}[{number}]" for number in range(count - len(found))]
    return found + [f"x{number}" for number in range(len(found), count)]
