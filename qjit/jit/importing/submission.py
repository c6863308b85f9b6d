"""Programs whose circuits are handed in and not waited for.

A program is cut where its circuits run. What comes before gives their arguments, and
what comes after takes their bits, in this process or in another one.
"""

import base64
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import Any

import jax
import numpy as np
from jax.extend.core import ClosedJaxpr, JaxprEqn, Literal, Var

from qjit.devices.jobs.job import Job
from qjit.errors import JobError, UnsupportedError
from qjit.lowering.jax_internals.equations import is_key
from qjit.lowering.jax_internals.tracing import user_line, without_dead_code
from qjit.lowering.jaxpr.gather_executions import Gathering
from qjit.lowering.jaxpr.nested import inner_jaxprs
from qjit.lowering.jaxpr.traversal import Environment, bind
from qjit.tracing.native_calls import native_call

from .remote import (
    Calls,
    RemoteCircuit,
    batches_of,
    divided,
    programs_of,
    shots_of,
)

Bits = list[list[np.ndarray]]


@dataclass(frozen=True, eq=False)
class Submission:
    """A call of a program whose circuits run on runtimes of others.

    Args:
        closed: the program, as it was traced.
        tree: the structure of its results.
        name: what it is called.
    """

    closed: ClosedJaxpr
    tree: Any
    name: str

    @cached_property
    def _gathering(self) -> Gathering:
        return Gathering()

    @cached_property
    def _jaxpr(self) -> Any:
        return self._gathering.closed(self.closed).jaxpr

    @property
    def _eqns(self) -> list[JaxprEqn]:
        return self._jaxpr.eqns

    @cached_property
    def _place(self) -> int:
        """Where the one equation is that runs circuits."""
        found = [
            place for place, eqn in enumerate(self._eqns) if self._runs_circuits(eqn)
        ]
        if len(found) == 1 and self._is_run(self._eqns[found[0]]):
            return found[0]
        why = "runs no circuit on a runtime of others"
        if found:
            why = "has circuits that wait for others, or that are in loops or branches"
        raise UnsupportedError(
            f"{user_line()}: '{self.name}' {why}, so that there is nothing to hand in "
            "at once. Call it, which waits for each of them; or submit what calls "
            "quantum functions of devices such as 'ibm.ibm_fez' in one place."
        )

    def _is_run(self, eqn: JaxprEqn) -> bool:
        return eqn.primitive.name == "qnodes" or self._gathering.concerns(eqn)

    def _runs_circuits(self, eqn: JaxprEqn) -> bool:
        inner = (each for jaxpr in inner_jaxprs(eqn) for each in jaxpr.eqns)
        return self._is_run(eqn) or any(map(self._runs_circuits, inner))

    @cached_property
    def _remotes(self) -> list[tuple[RemoteCircuit, int]]:
        """The circuits, each with the number of its operands."""
        eqn = self._eqns[self._place]
        params, count = eqn.params, len(eqn.invars)
        calls = params.get("calls") or [(params["circuit"], params["batch"], count)]
        return [
            (RemoteCircuit(circuit, batch), count) for circuit, batch, count in calls
        ]

    def _calls(self, operands: Sequence[Any]) -> Calls:
        remotes, counts = zip(*self._remotes, strict=True)
        return list(zip(remotes, divided(operands, counts), strict=True))

    @cached_property
    def _kept(self) -> list[Var]:
        """What the program computes before, and reads afterwards."""
        after = self._eqns[self._place + 1 :]
        read = [var for eqn in after for var in eqn.invars]
        read += [*self._eqns[self._place].invars, *self._jaxpr.outvars]
        later = {v for eqn in self._eqns[self._place :] for v in eqn.outvars}
        wanted = (v for v in read if not isinstance(v, Literal) and v not in later)
        return list(dict.fromkeys(wanted))

    def before(self, args: Sequence[Any]) -> list[np.ndarray]:
        """Return what the program computes before its circuits run."""
        jaxpr = self._jaxpr.replace(eqns=self._eqns[: self._place], outvars=self._kept)
        live = without_dead_code(jaxpr)

        def run(*args: Any) -> list[Any]:
            return _evaluated(live, self.closed.consts, args)

        return [np.asarray(each) for each in native_call(run, args, self.name)]

    def operands(self, kept: Sequence[Any]) -> list[Any]:
        """Return the arguments of the circuits."""
        known = dict(zip(self._kept, kept, strict=True))
        invars = self._eqns[self._place].invars
        return [v.val if isinstance(v, Literal) else known[v] for v in invars]

    def after(self, kept: Sequence[Any], bits: Bits) -> Any:
        """Return the results of the program, of the bits of its circuits."""
        calls = self._calls(self.operands(kept))
        rows = shots_of(calls, programs_of(calls), bits)
        counts = [len(remote.avals) for remote, _ in calls]
        eqn, rest = self._eqns[self._place], self._eqns[self._place + 1 :]

        def run(kept: Sequence[Any], rows: Sequence[Any]) -> list[Any]:
            unread = [None] * len(self._jaxpr.invars)  # but for what is kept
            env = Environment(self._jaxpr, self.closed.consts, unread)
            env.write(self._kept, kept)
            found = zip(
                self._calls(self.operands(kept)), divided(rows, counts), strict=True
            )
            outs = [
                out for (one, args), part in found for out in one.finish(part, args)
            ]
            env.write(eqn.outvars, outs)
            for each in rest:
                env.write(each.outvars, bind(each, env.read(each.invars)))
            return env.read(self._jaxpr.outvars)

        def flat(*values: Any) -> list[Any]:
            return run(values[: len(kept)], values[len(kept) :])

        found = native_call(flat, [*kept, *rows], self.name)
        return jax.tree.unflatten(self.tree, found)

    def job(self, args: Sequence[Any], call: Any) -> Job:
        """Hand in the circuits.

        Args:
            args: the arrays that the program takes.
            call: the function and its arguments, as JSON, for other processes.
        """
        kept = self.before(args)
        calls = self._calls(self.operands(kept))
        batches = batches_of(calls, programs_of(calls))
        program = {**call, "kept": [written_array(each) for each in kept]}
        made = Job(batches, lambda bits: self.after(kept, bits), program=program)
        return made.submit()


def _evaluated(jaxpr: Any, consts: Any, args: Any) -> list[Any]:
    env = Environment(jaxpr, consts, args)
    for eqn in jaxpr.eqns:
        env.write(eqn.outvars, bind(eqn, env.read(eqn.invars)))
    return env.read(jaxpr.outvars)


# Calls as JSON, for other processes


def written_call(function: Any, args: Any, kwargs: Any) -> dict[str, Any]:
    """Return how another process finds a function, and its arguments, as JSON.

    Arguments that have no JSON are left out; then the other process cannot finish.
    """
    name = f"{function.__module__}:{function.__qualname__}"
    try:
        return {"function": name, "args": _written([list(args), dict(kwargs)])}
    except TypeError:
        return {"function": name}


def _written(value: Any) -> Any:
    match value:
        case None | bool() | int() | float() | str():
            return value
        case list():
            return {"list": [_written(each) for each in value]}
        case tuple() if type(value) is tuple:
            return {"tuple": [_written(each) for each in value]}
        case dict() if all(isinstance(key, str) for key in value):
            return {"dict": {key: _written(each) for key, each in value.items()}}
        case np.ndarray() | np.generic() | jax.Array() if not is_key(value.dtype):
            return {"array": written_array(value)}
        case _:
            raise TypeError(type(value).__name__)


def _read(value: Any) -> Any:
    match value:
        case {"list": items}:
            return [_read(each) for each in items]
        case {"tuple": items}:
            return tuple(_read(each) for each in items)
        case {"dict": items}:
            return {key: _read(each) for key, each in items.items()}
        case {"array": text}:
            return read_array(text)
        case _:
            return value


def written_array(array: Any) -> str:
    """Return an array as text."""
    file = io.BytesIO()
    np.save(file, np.asarray(array), allow_pickle=False)
    return base64.b64encode(file.getvalue()).decode("ascii")


def read_array(text: str) -> np.ndarray:
    """Return the array that was written as text."""
    return np.load(io.BytesIO(base64.b64decode(text)), allow_pickle=False)


def finish_of(program: Any, function: Any = None) -> Callable[[Bits], Any]:
    """Return what a program makes of bits that another process asked for.

    Args:
        program: what `Submission.job` kept with the job.
        function: the program; the one of its name when left out.

    Raises:
        JobError: if there is no such function, or its circuits are others now.
    """
    if "args" not in program:
        raise JobError(
            f"{user_line()}: the arguments of this job are not kept with it, since "
            "they are no arrays, numbers, strings, or lists, tuples and dictionaries "
            "of these. Take job.bits(), or job.result() where it was submitted."
        )
    args, kwargs = _read(program["args"])
    found = _named(program["function"]) if function is None else function
    submit = getattr(found, "submission", None)
    if submit is None:
        raise _unknown(program["function"])
    submission: Submission = submit(*args, **kwargs)[0]
    kept = [read_array(text) for text in program["kept"]]
    return lambda bits: submission.after(kept, bits)


def _named(name: str) -> Any:
    module, _, path = name.partition(":")
    try:
        found: Any = import_module(module)
        for part in path.split("."):
            found = getattr(found, part)
        return found
    except (AttributeError, ImportError) as error:
        raise _unknown(name) from error


def _unknown(name: str) -> JobError:
    return JobError(
        f"{user_line()}: the job belongs to {name!r}, which this process cannot "
        "import, or which is no quantum function or compiled function. Pass it: "
        "qjit.jobs.load(text, function)."
    )
