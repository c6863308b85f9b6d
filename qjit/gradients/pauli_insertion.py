"""Derivatives by Pauli words that are applied next to what is active.

The derivative of a gate, or of the exponential of a Hamiltonian, is a sum of Pauli
words that follow it.

A word under an auxiliary wire, which is measured in the X basis along with the rest,
gives the real part of <psi|O|psi'>, the Hadamard test: G. G. Guerreschi and
M. Smelyanskiy, "Practical optimization for hybrid quantum-classical algorithms",
arXiv:1701.01450 (2017). Without one, rotations by the word give it by parameter shift:
R. Wiersema, D. Lewis, D. Wierichs, J. Carrasquilla and N. Killoran, "Here comes the
SU(N): multivariate quantum gates and gradients", Quantum 8, 1275 (2024).
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

from qjit.dialects.circuit_tree import Branch, Loop, Node, Slot, Step, gate_step, steps
from qjit.dialects.gates import GATES
from qjit.dialects.gates.record import GateRecord, Kernel, pauli_matrix
from qjit.errors import DifferentiationError
from qjit.lowering.jax_internals.tracing import user_line
from qjit.lowering.jaxpr.dimensions import count

from .hybrid_split import CircuitProgram, Measured, is_measurement, result_of
from .shift_rules import shift_rule, slot_places
from .tangent_matrices import static_of

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
            difference = tuple(a - b for a, b in zip(w, v, strict=True))
            found[difference] = found.get(difference, 0) + w[parameter] * c @ d.conj().T
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
class Waves:
    """A word's coefficient in the derivative of a gate: a series in its angles."""

    moved: tuple[int, ...]  # the angle that the generator belongs to, in all iterations
    angles: tuple[tuple[int, ...], ...]  # of the gate
    series: Series


def _evaluated(waves: Sequence[Waves], x: jax.Array, tangent: jax.Array) -> jax.Array:
    """Return the coefficients of words, of one in all iterations and then the next."""
    rows = [(each, n) for each in waves for n in range(len(each.moved))]
    terms = [(each, n, w) for each, n in rows for w in each.series]
    shape = len(terms), max((len(w) for *_, w in terms), default=0)
    frequencies, slots = np.zeros(shape), np.zeros(shape, int)
    for number, (each, n, w) in enumerate(terms):
        frequencies[number, : len(w)] = w
        slots[number, : len(w)] = [angles[n] for angles in each.angles]
    factors = np.array([each.series[w] for each, _, w in terms], complex)
    angles = jnp.sum(x[slots] * frequencies.astype(x.dtype), axis=1)
    values = np.real(factors) * jnp.cos(angles) - np.imag(factors) * jnp.sin(angles)
    owners = np.repeat(np.arange(len(rows)), [len(each.series) for each, _ in rows])
    zeros: jax.Array = jnp.zeros(len(rows), tangent.dtype)
    total = zeros.at[owners].add(jnp.asarray(values, tangent.dtype))
    moved = np.array([each.moved[n] for each, n in rows], int)
    return total * tangent[moved]


@dataclass(frozen=True)
class Exponential:
    """The words' coefficients in the derivative of a matrix exp(i G)."""

    numbers: tuple[tuple[int, ...], ...]  # of the matrix, in all iterations
    words: tuple[str, ...]
    adjoint: bool

    def __call__(self, x: jax.Array, tangent: jax.Array) -> jax.Array:
        """Return the coefficients, of one word in all iterations and then the next."""
        value, change = self._matrix(x), self._matrix(tangent)
        if self.adjoint:
            value, change = (jnp.conj(jnp.swapaxes(m, -1, -2)) for m in (value, change))
        words = np.array([pauli_matrix(word) for word in self.words])
        moved = change @ jnp.conj(jnp.swapaxes(value, -1, -2))
        traces = jnp.einsum("wij,nji->wn", words.astype(moved.dtype), moved)
        return jnp.ravel(jnp.imag(traces)) / words.shape[1]

    def _matrix(self, x: jax.Array) -> jax.Array:
        parts = x[np.array(self.numbers)]
        side = 2 ** len(self.words[0])
        return jax.lax.complex(parts[0::2].T, parts[1::2].T).reshape(-1, side, side)


@dataclass(frozen=True)
class Run:
    """A rotation by a word, and what the circuit then counts for the derivative."""

    angle: int
    rotation: float  # by the word
    factor: float
    coefficient: int


@dataclass(frozen=True)
class Insertions:
    """The stencil of all words: the circuit runs with one of them at a time."""

    runs: tuple[Run, ...]
    added: int
    waves: tuple[Waves, ...]
    exponentials: tuple[Exponential, ...]

    def __call__(self, x: jax.Array, key: Any = None) -> Any:
        """Return the angles of all runs, and how much each counts along a tangent."""
        count = len(self.runs)
        columns = np.array([run.angle for run in self.runs], int) - x.shape[0]
        angles = jnp.asarray([run.rotation for run in self.runs], x.dtype)
        zeros = jnp.zeros((count, self.added), x.dtype)
        words = zeros.at[np.arange(count), columns].set(angles)
        wide = jnp.broadcast_to(x, (count, *x.shape))
        factors = np.array([run.factor for run in self.runs])
        chosen = np.array([run.coefficient for run in self.runs], int)

        def weights(tangent: jax.Array) -> jax.Array:
            found = [each(x, tangent) for each in self.exponentials]
            whole = jnp.concatenate([_evaluated(self.waves, x, tangent), *found])
            return jnp.asarray(factors, tangent.dtype) * whole[chosen]

        return jnp.concatenate([wide, words], axis=1), weights


# Angles of a word that runs need, and what they count: R' = sum of c R(s).
Rule = tuple[tuple[float, float], ...]


@dataclass
class Inserted:
    """A circuit with words under construction."""

    program: CircuitProgram
    active: frozenset[int]
    tests: bool  # under an auxiliary wire
    added: int = 0
    # Runs of gates and of matrices, with coefficients counted among their own.
    runs: tuple[list[Run], list[Run]] = field(default_factory=lambda: ([], []))
    coefficients: list[int] = field(default_factory=lambda: [0, 0])
    waves: list[Waves] = field(default_factory=list[Waves])
    exponentials: list[Exponential] = field(default_factory=list[Exponential])

    def stencil(self) -> Insertions:
        """Return the runs, the coefficients of matrices after those of gates."""
        of_gates, of_matrices = self.runs
        shift = self.coefficients[0]
        later = [replace(r, coefficient=r.coefficient + shift) for r in of_matrices]
        return Insertions(
            (*of_gates, *later), self.added, tuple(self.waves), tuple(self.exponentials)
        )

    def nodes(self, nodes: Sequence[Node], lengths: tuple[int, ...]) -> list[Node]:
        """Return the nodes with the words of all that is active next to it."""
        found: list[Node] = []
        for node in nodes:
            match node:
                case Step() if node.slots and is_gate(node):
                    words = list(self._words(node, lengths))
                    # The derivative of a gate is G U, and of its adjoint -U G.
                    before = node.primitive == "quantum_gate" and node.params["adjoint"]
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

    def _words(self, step: Step, lengths: tuple[int, ...]) -> Iterator[Step]:
        params, matrix = step.params, step.primitive == "quantum_unitary"
        controlled = params["num_controls"] > 0
        sign = -1.0 if params["adjoint"] and not matrix else 1.0
        kind = self._exponential if matrix else self._gate
        for word in kind(step, lengths):
            start = self.coefficients[matrix]
            self.coefficients[matrix] += count(lengths)
            if not controlled and not word.strip("I"):
                continue
            slot = self._reserve(lengths)
            self.runs[matrix].extend(
                Run(place, rotation, sign * factor, start + n)
                for n, place in enumerate(slot_places(slot, lengths))
                for rotation, factor in self._rule(word, controlled)
            )
            yield self._word(step, word, slot)

    def _rule(self, word: str, controlled: bool) -> Rule:
        """Return the runs whose sum is the derivative by the coefficient of a word.

        exp(i g P) is a rotation by -2 g. Under the auxiliary wire, a rotation by pi is
        -i P; where controls do not fire it is one, which another by -pi takes away.
        """
        unit = 1.0 if word else 0.5  # a global phase has twice the frequency
        if self.tests:
            both = (unit * math.pi, -1.0), (-unit * math.pi, 1.0)
            return both if controlled else ((unit * math.pi, -2.0),)
        record = GATES["PauliRot" if word else "GlobalPhase"]
        rule = shift_rule(record.frequencies(controlled=controlled))
        pairs = zip(rule.shifts, rule.coefficients, strict=True)
        return tuple((rotation, -2.0 * unit * factor) for rotation, factor in pairs)

    def _gate(self, gate: Step, lengths: tuple[int, ...]) -> Iterator[str]:
        params, record = gate.params, GATES[gate.params["gate"]]
        targets = len(params["wires"]) - params["num_controls"]
        static = static_of(params, targets)
        angles = tuple(tuple(slot_places(slot, lengths)) for slot in gate.slots)
        for parameter, moved in enumerate(angles):
            if self.active.isdisjoint(moved):
                continue
            if record.kernel is not Kernel.PAULI_ROT:
                _check_width(gate, record.name, targets)
            for word, series in generator(record, parameter, static).items():
                self.waves.append(Waves(moved, angles, series))
                yield word

    def _exponential(self, step: Step, lengths: tuple[int, ...]) -> Iterator[str]:
        params, (first,) = step.params, step.slots
        targets = len(params["wires"]) - params["num_controls"]
        if first.base not in self.active:
            return
        _check_width(step, "evolution", targets)
        numbers = tuple(
            tuple(slot_places(replace(first, base=first.base + n), lengths))
            for n in range(2 * 4**targets)
        )
        words = tuple(map("".join, itertools.product("IXYZ", repeat=targets)))
        self.exponentials.append(Exponential(numbers, words, params["adjoint"]))
        yield from words

    def _reserve(self, lengths: tuple[int, ...]) -> Slot:
        strides = tuple(count(lengths[n + 1 :]) for n in range(len(lengths)))
        slot = Slot(self.program.num_slots + self.added, strides)
        self.added += count(lengths)
        return slot

    def _word(self, step: Step, word: str, slot: Slot) -> Step:
        """Return the rotation of a word on a step's targets, under its controls."""
        params, more = step.params, int(self.tests)
        wires, values = params["wires"], params["control_values"]
        arrays = len(step.inputs) - sum(wire is None for wire in wires)
        return gate_step(
            "PauliRot" if word else "GlobalPhase",
            (*(self.program.num_wires,) * more, *wires),
            num_controls=params["num_controls"] + more,
            control_values=(*(True,) * more, *values) if values else (),
            word=word or None,
            slots=(slot,),
            inputs=step.inputs[arrays:],
            source=step.source,
        )


def is_gate(step: Step) -> bool:
    """Tell whether words stand for the derivative of a step."""
    if step.primitive == "quantum_unitary":
        return step.params.get("exponential", False)
    return step.primitive == "quantum_gate"


def _check_width(step: Step, name: str, targets: int) -> None:
    if targets > WIDEST:
        raise DifferentiationError(
            f"{user_line(getattr(step.source, 'source_info', None))}: derivatives by "
            f"Pauli words take at most {WIDEST} targets, but this {name} has "
            f"{targets}. Use diff_method='adjoint'."
        )


@lru_cache(maxsize=1024)
def inserted(
    program: CircuitProgram, active: frozenset[int], *, tests: bool
) -> tuple[CircuitProgram, Insertions]:
    """Return a circuit with the words of all that is active, and the runs it needs.

    With tests, its last wire is the auxiliary one.
    """
    made = Inserted(program, active, tests)
    nodes = made.nodes([n for n in program.nodes if not is_measurement(n)], ())
    measured = [n for n in program.nodes if is_measurement(n)]
    if tests:
        source = next(
            (each.source for each in steps(program.nodes) if each.source), None
        )
        nodes.insert(0, gate_step("H", (program.num_wires,), source=source))
        measured = [_measured(each, program.num_wires) for each in measured]
    circuit = replace(
        program,
        nodes=(*nodes, *measured),
        num_wires=program.num_wires + tests,
        num_slots=program.num_slots + made.added,
        results=tuple(map(result_of, measured)),
    )
    return circuit, made.stencil()


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


def read_by_test(program: CircuitProgram, measured: Measured) -> Measured:
    """Return what a measurement of a circuit reads when it is tested.

    Readings of a state are quadratic in it; those of samples are means over them.
    """
    function = measured.function
    if function is None or program.results[measured.result].ndim == 0:
        return measured

    def of_state(psi: Any, *inputs: Any) -> Any:
        halves = psi.reshape(-1, 2) / math.sqrt(2)
        plus, minus = halves[:, 0] + halves[:, 1], halves[:, 0] - halves[:, 1]
        return function(plus, *inputs) - function(minus, *inputs)

    def of_samples(rows: Any, *inputs: Any, counts: Any = 1) -> Any:
        signs = 1 - 2 * rows[:, -1]
        return function(rows[:, :-1], *inputs, counts=counts * signs)

    def of_counts(counts: Any, *inputs: Any) -> Any:
        pairs = counts.reshape(-1, 2)
        return function(pairs[:, 0] - pairs[:, 1], *inputs)

    if measured.step.primitive != "quantum_estimate":
        return replace(measured, function=of_state)
    counted = program.results[measured.result].ndim == 1
    return replace(measured, function=of_counts if counted else of_samples)
