"""Circuits that runtimes of others run: their statistics are made in the program.

A program calls out where a circuit runs. All entries of a batch, and all bases in which
something is measured, go out as one job.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Any

import jax
import numpy as np
from jax.core import ShapedArray
from jax.extend.core import ClosedJaxpr, JaxprEqn

from qjit.devices.backends.protocol import Payload
from qjit.devices.jobs.batch import Batch
from qjit.devices.jobs.job import Job
from qjit.devices.jobs.runtime import Runtime
from qjit.devices.runtimes import runtime_of
from qjit.dialects.targets import Target, find_target
from qjit.errors import UnsupportedError
from qjit.gradients.hybrid_split import evaluate_post
from qjit.gradients.qnode_primitives import Circuit
from qjit.lowering.emitters.emit import Emitted
from qjit.lowering.importer.host_calls import call_out
from qjit.lowering.importer.importer import Importer
from qjit.lowering.importer.values import Value
from qjit.lowering.jax_internals.tracing import user_line, without_dead_code
from qjit.lowering.jaxpr.primitives import integer_dtype
from qjit.lowering.jaxpr.traversal import quantum_eqns

from .one_shot import Shot, ShotPlan
from .outcome_paths import statistic_of
from .written_circuits import payload, written

Programs = Sequence[Sequence[tuple[Shot, Emitted]]]
BatchAxes = tuple[int, Sequence[bool]] | None


def import_remote(
    importer: Importer,
    eqn: JaxprEqn,
    calls: Sequence[tuple[Circuit, BatchAxes, int]],
    inputs: Sequence[Value],
) -> list[Value]:
    """Import runs of quantum functions as one call out of the program.

    Args:
        importer: the program.
        eqn: the equation that is imported.
        calls: the circuits, each with its batch and the number of its operands.
        inputs: the operands, one circuit after another.
    """
    remotes: list[RemoteCircuit] = []
    for circuit, batch, _ in calls:
        _check(circuit)
        remotes.append(RemoteCircuit(circuit, batch))
        runtime_of(remotes[-1].target)
    counts = [count for *_, count in calls]
    results = [_Result(aval) for remote in remotes for aval in remote.avals]

    def execute(*args: Any) -> list[np.ndarray]:
        return executed(list(zip(remotes, divided(args, counts), strict=True)))

    rows = call_out(importer, _Call(eqn, results), inputs, lambda **_: execute)
    outs: list[Value] = []
    each = divided(rows, [len(remote.avals) for remote in remotes])
    for remote, own, args in zip(remotes, each, divided(inputs, counts), strict=True):
        outs += _finished(importer, remote, own, args)
    return outs


def divided(values: Sequence[Any], counts: Sequence[int]) -> list[Sequence[Any]]:
    """Return parts of a sequence with these lengths."""
    ends = list(accumulate(counts))
    return [values[e - n : e] for n, e in zip(counts, ends, strict=True)]


def _finished(
    importer: Importer,
    remote: "RemoteCircuit",
    rows: Sequence[Value],
    inputs: Sequence[Value],
) -> list[Value]:
    """Import what a quantum function makes of its shots."""
    values = [*rows, *inputs]
    shapes = [jax.ShapeDtypeStruct(value.shape, value.dtype) for value in values]
    count = len(rows)
    post = jax.make_jaxpr(lambda *a: remote.finish(a[:count], a[count:]))(*shapes)
    live = without_dead_code(post.jaxpr)
    return importer.inline(ClosedJaxpr(live, post.consts), values)


def _check(circuit: Circuit) -> None:
    for eqn, _ in quantum_eqns(circuit.jaxpr):
        if eqn.params.get("postselect") is not None:
            raise UnsupportedError(
                f"{user_line(eqn.source_info)}: '{circuit.name}' postselects, which "
                f"device '{find_target(circuit.device).name}' does not: it gives all "
                "shots. Return the outcome too, and choose among the samples."
            )


@dataclass(frozen=True)
class _Result:
    aval: ShapedArray


class _Call:
    """An equation that calls out, with other results than the quantum function."""

    def __init__(self, eqn: JaxprEqn, outvars: Sequence[Any]) -> None:
        self.primitive = eqn.primitive
        self.invars = eqn.invars
        self.outvars = outvars
        self.source_info = eqn.source_info
        self.params = eqn.params


@dataclass(frozen=True, eq=False)
class RemoteCircuit:
    """A circuit for a runtime of others, of one set of arguments or of a batch."""

    circuit: Circuit
    batch: BatchAxes

    @cached_property
    def plan(self) -> ShotPlan:
        """The shots that answer all its measurements."""
        return ShotPlan(self.circuit)

    @property
    def target(self) -> Target:
        """The device."""
        return find_target(self.circuit.device)

    @cached_property
    def runtime(self) -> Runtime:
        """What runs it."""
        return runtime_of(self.target)

    @cached_property
    def avals(self) -> list[ShapedArray]:
        """The shots of each terminal measurement, as arrays."""
        return [self._aval(eqn) for eqn in self.plan.terminals]

    def _aval(self, eqn: JaxprEqn) -> ShapedArray:
        if eqn.primitive.name == "quantum_record":
            value: Any = eqn.invars[0].aval
            shape, dtype = value.shape, value.dtype
        else:
            shape = (len(eqn.params["wires"]),)
            dtype = integer_dtype()
            if eqn.primitive.name == "quantum_sample":
                result: Any = eqn.outvars[0].aval
                dtype = result.dtype
        size = () if self.batch is None else self.batch[:1]
        return ShapedArray((*size, self.shots, *shape), np.dtype(dtype))

    def finish(self, rows: Sequence[Any], args: Sequence[Any]) -> list[Any]:
        """Return the results, of the shots of all terminal measurements."""

        def of_one(rows: Sequence[Any], args: Sequence[Any]) -> list[Any]:
            given = map(statistic_of, self.plan.terminals, rows)
            return evaluate_post(self.circuit.jaxpr, (), args, iter(list(given)))

        if self.batch is None:
            return of_one(rows, args)
        axes = [0 if mapped else None for mapped in self.batch[1]]
        return jax.vmap(of_one, in_axes=(0, axes))(list(rows), list(args))

    def programs(self, args: Sequence[Any]) -> Programs:
        """Return the programs of each entry of the batch, one for each draw."""
        arrays = [np.asarray(arg) for arg in args]
        return [self._written(entry) for entry in self._entries(arrays)]

    def shots_of(
        self, programs: Programs, bits: Iterator[np.ndarray]
    ) -> list[np.ndarray]:
        """Return the shots of each terminal measurement, of the bits of programs."""
        none = np.zeros((self.shots, 0), np.uint8)
        rows = [
            [
                (shot, found.read(next(bits) if found.num_bits else none))
                for shot, found in entry
            ]
            for entry in programs
        ]
        return [self._rows(number, rows) for number in range(len(self.avals))]

    @property
    def shots(self) -> int:
        """Their number."""
        assert self.circuit.shots is not None
        return self.circuit.shots

    def _entries(self, arrays: Sequence[np.ndarray]) -> list[list[np.ndarray]]:
        """Return the arguments of each circuit."""
        if self.batch is None:
            return [list(arrays)]
        size, mapped = self.batch
        return [
            [a[k] if on else a for a, on in zip(arrays, mapped, strict=True)]
            for k in range(size)
        ]

    def _written(self, args: Sequence[np.ndarray]) -> list[tuple[Shot, Emitted]]:
        return [
            (shot, written(shot, args, self.target, self.circuit.name))
            for shot in self.plan.shots(args)
        ]

    def _rows(
        self, number: int, entries: Sequence[Sequence[tuple[Shot, Any]]]
    ) -> np.ndarray:
        """Return the shots of a terminal measurement."""
        aval = self.avals[number]
        place = next(
            k for k, (shot, _) in enumerate(entries[0]) if number in shot.columns
        )
        found: list[np.ndarray] = []
        for shot, rows in (entry[place] for entry in entries):
            columns = [rows[column] for column in shot.columns[number]]
            none = np.zeros((self.shots, 0))
            each = np.stack(columns, axis=-1) if columns else none
            found.append(each.reshape(self.shots, *shot.shapes[number]))
        return np.asarray(found if self.batch else found[0]).astype(aval.dtype)


Calls = Sequence[tuple[RemoteCircuit, Sequence[Any]]]


def executed(calls: Calls) -> list[np.ndarray]:
    """Run circuits as one job, and return the shots of all terminal measurements.

    Args:
        calls: the circuits with their arguments.
    """
    programs = programs_of(calls)
    batches = batches_of(calls, programs)
    bits = Job(batches).submit().bits() if batches else []
    return shots_of(calls, programs, bits)


def programs_of(calls: Calls) -> list[Programs]:
    """Return the programs of circuits."""
    return [remote.programs(args) for remote, args in calls]


def batches_of(calls: Calls, programs: Sequence[Programs]) -> list[Batch]:
    """Return the programs of calls: those for one runtime, and as many shots, together.

    What returns only numbers that are known needs not run.
    """
    seed = _seed(calls)
    found: dict[tuple[Runtime, int], list[Payload]] = {}
    most: dict[Runtime, int | None] = {}
    for (remote, _), entries in zip(calls, programs, strict=True):
        sent = [each for entry in entries for _, each in entry if each.num_bits]
        if sent:
            batch = found.setdefault((remote.runtime, remote.shots), [])
            batch += [payload(each, remote.target) for each in sent]
            most[remote.runtime] = remote.target.most_shots
    return [
        Batch(runtime, payloads, shots, seed, most_shots=most[runtime])
        for (runtime, shots), payloads in found.items()
    ]


def shots_of(
    calls: Calls, programs: Sequence[Programs], bits: Sequence[Sequence[np.ndarray]]
) -> list[np.ndarray]:
    """Return the shots of all terminal measurements, of the bits of `batches_of`."""
    rest, places = iter(bits), dict[tuple[Runtime, int], Iterator[np.ndarray]]()
    found: list[np.ndarray] = []
    for (remote, _), entries in zip(calls, programs, strict=True):
        place = remote.runtime, remote.shots
        runs = any(each.num_bits for entry in entries for _, each in entry)
        if runs and place not in places:
            places[place] = iter(next(rest))
        found += remote.shots_of(entries, places.get(place, iter(())))
    return found


def _seed(calls: Calls) -> int | None:
    """Return a seed for runtimes, of the keys of circuits."""
    keys = [args[-1] for remote, args in calls if remote.circuit.draws]
    if not keys:
        return None
    text = b"".join(np.ascontiguousarray(key).tobytes() for key in keys)
    return int.from_bytes(hashlib.sha256(text).digest()[:4], "little") >> 1
