"""Circuits that runtimes of others run: their statistics are made in the program.

A program calls out where a circuit runs. All entries of a batch, and all bases in which
something is measured, go out as one job.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jax
import numpy as np
from jax.core import ShapedArray
from jax.extend.core import ClosedJaxpr, JaxprEqn

from qjit.devices.jobs.batch import Batch
from qjit.devices.jobs.runtime import Runtime
from qjit.devices.runtimes import runtime_of
from qjit.devices.submission import answers_of
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

from .one_shot import ShotPlan
from .outcome_paths import statistic_of
from .written_circuits import payload, written

BatchAxes = tuple[int, Sequence[bool]] | None


def import_remote(
    importer: Importer, eqn: JaxprEqn, inputs: Sequence[Value]
) -> list[Value]:
    """Import a quantum function, of one set of arguments or of a batch."""
    circuit, batch = eqn.params["circuit"], eqn.params["batch"]
    _check(circuit)
    remote = RemoteCircuit(circuit, batch)
    runtime_of(remote.target)
    rows = call_out(
        importer,
        _Call(eqn, [_Result(aval) for aval in remote.avals]),
        inputs,
        lambda **_: remote.execute,
    )
    terminals = remote.plan.terminals

    def finish(rows: Sequence[Any], args: Sequence[Any]) -> list[Any]:
        given = map(statistic_of, terminals, rows)
        return evaluate_post(circuit.jaxpr, (), args, iter(list(given)))

    if batch is not None:
        axes = [0 if mapped else None for mapped in batch[1]]
        finish = jax.vmap(finish, in_axes=(0, axes))
    values = [*rows, *inputs]
    shapes = [jax.ShapeDtypeStruct(value.shape, value.dtype) for value in values]
    count = len(rows)
    post = jax.make_jaxpr(lambda *all: finish(all[:count], list(all[count:])))(*shapes)
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
                dtype = eqn.outvars[0].aval.dtype
        size = () if self.batch is None else self.batch[:1]
        return ShapedArray((*size, self.circuit.shots, *shape), np.dtype(dtype))

    def execute(self, *args: Any) -> list[np.ndarray]:
        """Run the circuit, and return the shots of each terminal measurement."""
        arrays = [np.asarray(arg) for arg in args]
        entries = [self._written(entry) for entry in self._entries(arrays)]
        # What returns only numbers that are known needs not run.
        sent = [found for entry in entries for found in entry if found.num_bits]
        shots = self.circuit.shots
        assert shots is not None
        answers: Any = iter(())
        if sent:
            payloads = [payload(found, self.target) for found in sent]
            seed = self._seed(arrays)
            answers = iter(answers_of(Batch(self.runtime, payloads, shots, seed)))
        none = np.zeros((shots, 0), np.uint8)
        rows = [
            [found.read(next(answers) if found.num_bits else none) for found in entry]
            for entry in entries
        ]
        return [self._rows(number, rows) for number in range(len(self.avals))]

    def _entries(self, arrays: Sequence[np.ndarray]) -> list[list[np.ndarray]]:
        """Return the arguments of each circuit."""
        if self.batch is None:
            return [list(arrays)]
        size, mapped = self.batch
        return [
            [a[k] if on else a for a, on in zip(arrays, mapped, strict=True)]
            for k in range(size)
        ]

    def _written(self, args: Sequence[np.ndarray]) -> list[Emitted]:
        name = self.circuit.name
        return [written(shot, args, self.target, name) for shot in self.plan.shots]

    def _seed(self, arrays: Sequence[np.ndarray]) -> int | None:
        """Return a seed for the runtime, of the keys of the circuits."""
        if not self.circuit.draws:
            return None
        key = np.ascontiguousarray(arrays[-1]).tobytes()
        return int.from_bytes(hashlib.sha256(key).digest()[:4], "little") >> 1

    def _rows(self, number: int, entries: Sequence[Sequence[Any]]) -> np.ndarray:
        """Return the shots of a terminal measurement."""
        eqn, aval = self.plan.terminals[number], self.avals[number]
        place = self.plan.draws.index(self.plan.draw_of(eqn))
        shot = self.plan.shots[place]
        columns, shape = shot.columns[number], shot.shapes[number]
        found = [
            np.stack([rows[place][column] for column in columns], axis=-1)
            if columns
            else np.zeros((self.circuit.shots or 0, 0))
            for rows in entries
        ]
        each = [rows.reshape(len(rows), *shape) for rows in found]
        return np.asarray(each if self.batch else each[0]).astype(aval.dtype)
