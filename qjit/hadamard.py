"""Derivatives by the Hadamard test: generators applied under an auxiliary wire.

The derivative of a gate is the gate followed by a sum of Pauli words. A word under an
auxiliary wire, which is measured in the X basis along with the rest, gives the real
part of <psi|O|psi'>: G. G. Guerreschi and M. Smelyanskiy, "Practical optimization for
hybrid quantum-classical algorithms", arXiv:1701.01450 (2017).
"""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from qjit.dialects.circuit import Branch, Loop, Node, Slot, Step, steps
from qjit.dialects.gate_record import GateRecord, Kernel, pauli_matrix
from qjit.dialects.gates import GATES
from qjit.lowering.dimensions import count

from .errors import DifferentiationError
from .jax_internals import user_line
from .shift_rules import slot_places
from .split import Core, Measured, is_measurement, result_of

WIDEST = 6
NEGLIGIBLE = 1e-12
# Coefficients of exp(i w.theta), for each w.
Series = Mapping[tuple[float, ...], complex]


def generator(
    record: GateRecord, parameter: int, static: Mapping[str, Any]
) -> dict[str, Series]:
    """Return G of dU = i G U, along one parameter, as Pauli words on the targets."""
    if record.kernel is Kernel.PAULI_ROT and record.static:
        word = static.get("pauli_word") or "Z" * static["num_targets"]
        return {word: {(0.0,): -0.5}}
    table = record.harmonics(**static)
    found: dict[tuple[float, ...], np.ndarray[Any, Any]] = {}
    for (w, c), (v, d) in itertools.product(table.items(), repeat=2):
        if w[parameter]:
            turn = tuple(a - b for a, b in zip(w, v, strict=True))
            found[turn] = found.get(turn, 0) + w[parameter] * c @ d.conj().T
    size = len(next(iter(table.values())))
    words: dict[str, Series] = {}
    for letters in itertools.product("IXYZ", repeat=size.bit_length() - 1):
        word = pauli_matrix("".join(letters)).T
        parts = {w: complex(np.sum(word * g)) / size for w, g in found.items()}
        series = {w: c for w, c in parts.items() if abs(c) > NEGLIGIBLE}
        if series:
            words["".join(letters)] = series
    return words


@dataclass(frozen=True)
class Insertion:
    """A word applied next to a gate: where, in all iterations, and what it counts."""

    turn: float
    factor: float
    moved: tuple[int, ...]  # the angle that the generator belongs to
    angles: tuple[tuple[int, ...], ...]  # of the gate
    places: tuple[int, ...]  # the angle of the word
    series: Series


@dataclass(frozen=True)
class Insertions:
    """The stencil of all words: each is one test."""

    entries: tuple[Insertion, ...]
    added: int

    def __call__(self, x: jax.Array) -> Any:
        """Return the angles of all tests, and how much each counts along a tangent."""
        rows = [(each, n) for each in self.entries for n in range(len(each.places))]
        wide = jnp.broadcast_to(x, (len(rows), *x.shape))
        zeros = jnp.zeros((len(rows), self.added), x.dtype)
        places = np.array([each.places[n] for each, n in rows], int) - x.shape[0]
        turns = jnp.asarray([each.turn for each, _ in rows], x.dtype)
        tests = zeros.at[np.arange(len(rows)), places].set(turns)
        moved = np.array([each.moved[n] for each, n in rows], int)

        def weights(dot: jax.Array) -> jax.Array:
            return self._coefficients(rows, x).astype(dot.dtype) * dot[moved]

        return jnp.concatenate([wide, tests], axis=1), weights

    def _coefficients(
        self, rows: Sequence[tuple[Insertion, int]], x: jax.Array
    ) -> jax.Array:
        """Evaluate what the words' coefficients are at these angles."""
        waves = [(row, n, w) for row, n in rows for w in row.series]
        width = max((len(w) for *_, w in waves), default=0)
        shape = len(waves), width
        frequencies, slots = np.zeros(shape), np.zeros(shape, int)
        for number, (row, n, w) in enumerate(waves):
            frequencies[number, : len(w)] = w
            slots[number, : len(w)] = [angles[n] for angles in row.angles]
        found = [row.factor * row.series[w] for row, _, w in waves]
        factors = np.array(found, complex)
        turns = jnp.sum(x[slots] * frequencies, axis=-1)
        values = np.real(factors) * jnp.cos(turns) - np.imag(factors) * jnp.sin(turns)
        owners = np.repeat(np.arange(len(rows)), [len(row.series) for row, _ in rows])
        return jnp.zeros(len(rows), x.dtype).at[owners].add(values.astype(x.dtype))


@dataclass
class Tested:
    """A circuit with Hadamard tests under construction."""

    core: Core
    moving: frozenset[int]
    added: int = 0
    entries: list[Insertion] = field(default_factory=list[Insertion])

    def nodes(self, nodes: Sequence[Node], lengths: tuple[int, ...]) -> list[Node]:
        """Return the nodes with the words of every gate that moves next to it."""
        found: list[Node] = []
        for node in nodes:
            match node:
                case Step(primitive="quantum_gate") if node.slots:
                    words = list(self._words(node, lengths))
                    before = bool(node.params["adjoint"])
                    found += [*words, node] if before else [node, *words]
                case Step():
                    found.append(node)
                case Loop():
                    body = self.nodes(node.body, (*lengths, node.length))
                    found.append(Loop(node.length, tuple(body)))
                case Branch():
                    bodies = (tuple(self.nodes(b, lengths)) for b in node.branches)
                    found.append(Branch(node.index, tuple(bodies)))
        return found

    def _words(self, gate: Step, lengths: tuple[int, ...]) -> Iterator[Step]:
        params, record = gate.params, GATES[gate.params["gate"]]
        controls, wires = params["num_controls"], params["wires"]
        known = {"num_targets": len(wires) - controls, "pauli_word": params["word"]}
        known["dim"] = params["dim"]
        static = {name: known[name] for name in record.static}
        angles = tuple(tuple(slot_places(slot, lengths)) for slot in gate.slots)
        for parameter, moved in enumerate(angles):
            if self.moving.isdisjoint(moved):
                continue
            _check_width(gate, record, known["num_targets"])
            for word, series in generator(record, parameter, static).items():
                if not controls and not word.strip("I"):
                    continue
                slot = self._reserve(lengths)
                places = tuple(slot_places(slot, lengths))
                # exp(-i pi P / 2) = -i P, and -+ i P where all controls fire.
                sign = 1.0 if params["adjoint"] else -1.0
                half = math.pi if word else math.pi / 2
                both = [(half, sign), (-half, -sign)]
                self.entries += [
                    Insertion(turn, factor, moved, angles, places, series)
                    for turn, factor in (both if controls else [(half, 2 * sign)])
                ]
                yield self._word(gate, word, slot)

    def _reserve(self, lengths: tuple[int, ...]) -> Slot:
        strides = tuple(count(lengths[n + 1 :]) for n in range(len(lengths)))
        slot = Slot(self.core.num_slots + self.added, strides)
        self.added += count(lengths)
        return slot

    def _word(self, gate: Step, word: str, slot: Slot) -> Step:
        """Return the rotation of a word on a gate's targets, under its controls."""
        params = gate.params
        values = params["control_values"]
        made = {
            "gate": "PauliRot" if word else "GlobalPhase",
            "wires": (self.core.num_wires, *params["wires"]),
            "num_controls": params["num_controls"] + 1,
            "control_values": (True, *values) if values else (),
            "adjoint": False,
            "word": word or None,
            "dim": None,
        }
        return Step(
            "quantum_gate", {**params, **made}, (slot,), gate.inputs, gate.source
        )


def _check_width(gate: Step, record: GateRecord, targets: int) -> None:
    if targets > WIDEST and record.kernel is not Kernel.PAULI_ROT:
        raise DifferentiationError(
            f"{user_line(getattr(gate.source, 'source_info', None))}: the Hadamard "
            f"test takes gates on at most {WIDEST} targets, but this {record.name} has "
            f"{targets}. Use diff_method='parameter-shift'."
        )


@lru_cache(maxsize=1024)
def tested(core: Core, moving: frozenset[int]) -> tuple[Core, Insertions]:
    """Return a circuit with a test of every gate that moves, and the tests.

    Its last wire is the auxiliary one.
    """
    auxiliary = core.num_wires
    made = Tested(core, moving)
    nodes = made.nodes([n for n in core.nodes if not is_measurement(n)], ())
    measured = tuple(_measured(n, auxiliary) for n in core.nodes if is_measurement(n))
    enter = {"gate": "H", "wires": (auxiliary,), "num_controls": 0}
    enter |= {"control_values": (), "adjoint": False, "word": None, "dim": None}
    source = next((each.source for each in steps(core.nodes) if each.source), None)
    circuit = replace(
        core,
        nodes=(Step("quantum_gate", enter, source=source), *nodes, *measured),
        num_wires=auxiliary + 1,
        num_slots=core.num_slots + made.added,
        results=tuple(map(result_of, measured)),
    )
    return circuit, Insertions(tuple(made.entries), made.added)


def _measured(step: Step, auxiliary: int) -> Step:
    """Measure the auxiliary wire along, in the X basis."""
    params = step.params
    match step.primitive:
        case "quantum_expval":
            terms = tuple(((*w, (auxiliary, "X")), f) for w, f in params["terms"])
            return replace(step, params={**params, "terms": terms})
        case "quantum_state":
            return replace(step, params={**params, "num_wires": auxiliary + 1})
        case _:
            more = {"wires": (*params["wires"], auxiliary)}
            more["basis"] = params["basis"] + "X"
            return replace(step, params={**params, **more})


def read_by_test(core: Core, measured: Measured) -> Measured:
    """Return what a measurement of a circuit reads when it is tested.

    Readings of a state are quadratic in it; those of samples are means over them.
    """
    function = measured.function
    if function is None or core.results[measured.result].ndim == 0:
        return measured

    def of_state(psi: Any, *inputs: Any) -> Any:
        halves = psi.reshape(-1, 2) / math.sqrt(2)
        plus, minus = halves[:, 0] + halves[:, 1], halves[:, 0] - halves[:, 1]
        return function(plus, *inputs) - function(minus, *inputs)

    def of_samples(rows: Any, *inputs: Any, signs: Any = 1) -> Any:
        return function(rows[:, :-1], *inputs, signs=signs * (1 - 2 * rows[:, -1]))

    drawn = measured.step.primitive == "quantum_estimate"
    return replace(measured, function=of_samples if drawn else of_state)
