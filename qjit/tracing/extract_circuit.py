"""Split a quantum function into classical code and a circuit without any.

The classical code computes every gate parameter of the circuit beforehand; JAX
differentiates it. The circuit is what the adjoint method differentiates.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jax.extend.core import Jaxpr, JaxprEqn, Literal, Var

from qjit.dialects.circuit_tree import Branch, Input, Loop, Node, Slot, Step
from qjit.errors import DifferentiationError, UnsupportedError
from qjit.lowering.jax_internals.tracing import scan_counts, user_line
from qjit.lowering.jaxpr.dimensions import Size, count
from qjit.lowering.jaxpr.primitives import PASSING_PRIMITIVES, TERMINAL_PRIMITIVES
from qjit.lowering.jaxpr.traversal import (
    CALL_PRIMITIVES,
    Environment,
    bind,
    element_of,
    has_effects,
    inner_jaxpr,
    inner_jaxprs,
    measures_mid_circuit,
    needed_eqns,
)

from .bounded_loops import bounded

PROJECTING = ("quantum_measure", "quantum_reset")
TERMINAL = frozenset(primitive.name for primitive in TERMINAL_PRIMITIVES)


@dataclass
class AngleArrays:
    """Arrays of angles: their values, and which variables are elements of them."""

    values: Sequence[Any]
    elements: dict[Var, tuple[int, int]]
    kept: dict[int, int] = field(default_factory=dict[int, int])

    def computed(self, eqn: JaxprEqn) -> list[Any]:
        """Return the operands of an equation that are not taken from arrays."""
        angles = _angle_count(eqn)
        first = [atom for atom in eqn.invars[:angles] if self.place(atom) is None]
        return [*first, *eqn.invars[angles:]]

    def place(self, atom: Any) -> tuple[int, int] | None:
        """Return of which array an atom is which element, if it is one."""
        return None if isinstance(atom, Literal) else self.elements.get(atom)


def _sliced_arrays(jaxpr: Jaxpr, values: Sequence[Any]) -> AngleArrays:
    """Find the elements that the body of a loop takes out of its slices."""
    invars = jaxpr.invars[len(jaxpr.invars) - len(values) :]
    numbers = {var: number for number, var in enumerate(invars)}
    makers = {var: eqn for eqn in jaxpr.eqns for var in eqn.outvars}
    elements: dict[Var, tuple[int, int]] = {}
    for var in makers:
        found = element_of(var, makers)
        if found is not None and found[0] in numbers:
            elements[var] = numbers[found[0]], found[1]
    return AngleArrays(values, elements)


def _whole_arrays(jaxpr: Jaxpr, values: Sequence[Any]) -> AngleArrays:
    """Find the arguments of which each element is the angle of one gate."""
    arrays = _sliced_arrays(jaxpr, values)
    uses = Counter(
        arrays.place(atom)
        for eqn in jaxpr.eqns
        for atom in eqn.invars[: _angle_count(eqn)]
    )
    once = Counter(place[0] for place, n in uses.items() if place and n == 1)
    whole = {number for number in once if once[number] == np.size(values[number])}
    elements = {
        var: place for var, place in arrays.elements.items() if place[0] in whole
    }
    return AngleArrays(values, elements)


def _angle_count(eqn: JaxprEqn) -> int:
    """Return how many operands of an equation are angles of a gate."""
    if eqn.primitive.name != "quantum_gate":
        return 0
    return len(eqn.invars) - sum(wire is None for wire in eqn.params["wires"])


@dataclass
class Path:
    """The outcomes of the measurements on the way, of one path through them."""

    outcomes: Any  # booleans
    # Branches of which all are computed, because outcomes choose between them.
    undecided: Callable[[JaxprEqn], bool] = lambda _: False
    position: int = 0
    weights: list[Any] = field(default_factory=list)  # zero for paths that none takes

    def inside(self, outcomes: Any) -> "Path":
        """Return the path inside a loop or branch, of some outcomes or of none."""
        none = jnp.zeros(0, bool)
        return Path(none if outcomes is None else outcomes, self.undecided)

    def take(self, count: int) -> Any:
        """Return the next outcomes."""
        start, self.position = self.position, self.position + count
        return self.outcomes[start : self.position]

    @property
    def weight(self) -> Any:
        """One, or zero if the path differs from another in what is not measured."""
        return math.prod(self.weights, start=jnp.ones(()))


@dataclass
class Recorder:
    """Collects the run-time values that a circuit needs, and which are angles."""

    purpose: str
    values: list[Any] = field(default_factory=list)
    angles: list[bool] = field(default_factory=list)
    arrays: AngleArrays | None = None
    path: Path | None = None

    def angle(self, atom: Any, value: Any) -> Slot:
        """Keep an angle; elements of one row of a loop stay together."""
        place = None if self.arrays is None else self.arrays.place(atom)
        if self.arrays is None or place is None:
            return Slot(self.add(value, angle=True).number)
        number, element = place
        if number not in self.arrays.kept:
            row = jnp.ravel(self.arrays.values[number])
            self.arrays.kept[number] = self.add(row, angle=True).number
        return Slot(self.arrays.kept[number], element=element)

    def moves(self, name: str, inputs: Sequence[Any]) -> bool:
        """Tell whether a matrix or state vector is to be differentiated."""
        return (
            self.purpose == "differentiation"
            and name in ("quantum_unitary", "quantum_state_prep")
            and isinstance(inputs[0], Tracer)
        )

    def add(self, value: Any, angle: bool = False) -> Input:
        """Keep a value and return the reference that a circuit uses for it."""
        self.values.append(value)
        self.angles.append(angle)
        return Input(len(self.values) - 1)


@dataclass(frozen=True)
class Hoisted:
    """A circuit and the values that it runs on, before slots are assigned."""

    nodes: tuple[Node, ...]
    values: tuple[Any, ...]
    angles: tuple[bool, ...]

    def traced(self) -> "Hoisted":
        """Return it with the shapes of traced values, which outlive their trace."""
        shapes = (jax.typeof(v) if isinstance(v, Tracer) else v for v in self.values)
        return replace(self, values=tuple(shapes))

    def with_values(self, *values: Any) -> "Hoisted":
        """Return it with more values, which are no angles."""
        angles = (*self.angles, *(False for _ in values))
        return replace(self, values=(*self.values, *values), angles=angles)


def hoist(
    jaxpr: Jaxpr,
    consts: Sequence[Any],
    args: Sequence[Any],
    purpose: str,
    path: Path | None = None,
) -> tuple[list[Any], Hoisted]:
    """Evaluate the classical part of a jaxpr and collect its circuit.

    Results of the measurements at the end are unknown here: equations that need them
    are skipped and give None. Those on the way have the outcomes of the path.
    """
    recorder = Recorder(purpose, arrays=_whole_arrays(jaxpr, args), path=path)
    outs, nodes = _walk(jaxpr, consts, args, recorder)
    return outs, Hoisted(nodes, tuple(recorder.values), tuple(recorder.angles))


def without_gates(eqn: JaxprEqn, inputs: Sequence[Any], purpose: str) -> list[Any]:
    """Evaluate a loop or branch without its gates."""
    return _quantum(eqn, list(inputs), Recorder(purpose))[0]


def _walk(
    jaxpr: Jaxpr, consts: Sequence[Any], args: Sequence[Any], recorder: Recorder
) -> tuple[list[Any], tuple[Node, ...]]:
    env = Environment(jaxpr, consts, args)
    nodes: list[Node] = []
    eqns: Iterable[JaxprEqn] = jaxpr.eqns
    if recorder.arrays is not None:
        env.write(recorder.arrays.elements, [None] * len(recorder.arrays.elements))
        acts, read = (lambda eqn: bool(eqn.effects)), recorder.arrays.computed
        eqns = needed_eqns(eqns, jaxpr.outvars, acts, read)
    for eqn in eqns:
        inputs = env.read(eqn.invars)
        if has_effects(eqn):
            outs, more = _quantum(eqn, inputs, recorder)
            nodes.extend(more)
        elif any(value is None for value in inputs):
            outs = [None] * len(eqn.outvars)
        else:
            outs = bind(eqn, inputs)
        env.write(eqn.outvars, outs)
    return env.read(jaxpr.outvars), tuple(nodes)


def _quantum(
    eqn: JaxprEqn, inputs: list[Any], recorder: Recorder
) -> tuple[list[Any], tuple[Node, ...]]:
    name = eqn.primitive.name
    if name in CALL_PRIMITIVES:
        inner = inner_jaxpr(eqn)
        return _walk(inner.jaxpr, inner.consts, inputs, recorder)
    rule = _RULES.get(name, _step if name.startswith("quantum_") else _refuse)
    return rule(eqn, inputs, recorder)


def _refuse(eqn: JaxprEqn, _: list[Any], recorder: Recorder) -> Any:
    raise UnsupportedError(
        f"{user_line(eqn.source_info)}: {recorder.purpose} cannot pass through "
        f"'{eqn.primitive.name}' around gates."
    )


def _measured(eqn: JaxprEqn, inputs: list[Any], recorder: Recorder) -> Any:
    """Project a wire on an outcome."""
    path, params = recorder.path, eqn.params
    if path is None:
        raise DifferentiationError(
            f"{user_line(eqn.source_info)}: {recorder.purpose} of a circuit with a "
            "mid-circuit measurement or reset is not supported. Move the measurement "
            "out of the part that is inverted."
        )
    wanted = params.get("postselect")
    bit = path.take(1)[0] if wanted is None else jnp.asarray(bool(wanted))
    before = jnp.stack([~bit, bit]).astype(complex)
    resets = params.get("reset", True)
    after = jnp.array([1, 0], before.dtype) if resets else before
    projector = jnp.outer(after, before)
    # NOTE: it has no inverse; a checkpoint stands for one.
    matrix = recorder.add(jnp.stack([projector, projector.T]))
    how = {"wires": params["wires"], "num_controls": 0, "control_values": ()}
    how |= {"adjoint": False, "diagonal": False, "invertible": True, "lossy": True}
    wires = [recorder.add(wire) for wire in inputs]
    step = Step("quantum_unitary", how, (), (matrix, *wires), eqn)
    return [bit] * len(eqn.outvars), (step,)


def outcome_count(jaxpr: Jaxpr) -> int:
    """Count the outcomes of a path through the measurements on the way."""
    return sum(map(_outcomes_of, filter(has_effects, jaxpr.eqns)))


def _outcomes_of(eqn: JaxprEqn) -> int:
    name = eqn.primitive.name
    if name in PROJECTING:
        return int(eqn.params.get("postselect") is None)
    inner = [outcome_count(each) for each in inner_jaxprs(eqn)]
    repeats = eqn.params["length"] if name == "scan" else 1
    return repeats * max(inner, default=0)


def _while(
    eqn: JaxprEqn, inputs: list[Any], recorder: Recorder
) -> tuple[list[Any], tuple[Node, ...]]:
    if any(map(measures_mid_circuit, inner_jaxprs(eqn))):
        raise DifferentiationError(
            f"{user_line(eqn.source_info)}: {recorder.purpose} needs loops that "
            "measure to have a trip count that is known when tracing, but this one "
            "goes on while a condition holds. Use jax.lax.scan, or fori_loop with "
            "concrete bounds."
        )
    closed = bounded(eqn, inputs, recorder.purpose)
    return _walk(closed.jaxpr, closed.consts, inputs, recorder)


def _step(
    eqn: JaxprEqn, inputs: list[Any], recorder: Recorder
) -> tuple[list[Any], tuple[Node, ...]]:
    name = eqn.primitive.name
    if eqn.primitive in PASSING_PRIMITIVES and recorder.purpose == "differentiation":
        return [], ()  # tangents have gates of their own
    count, slots = _angle_count(eqn), tuple[Slot, ...]()
    if count:
        pairs = zip(eqn.invars, inputs[:count], strict=False)
        slots = tuple(recorder.angle(atom, value) for atom, value in pairs)
    elif recorder.moves(name, inputs):
        parts = recorder.add(_real_parts(inputs[0]), angle=True)
        count, slots = 1, (Slot(parts.number, element=0),)
    others = [recorder.add(value) for value in inputs[count:]]
    step = Step(name, dict(eqn.params), slots, tuple(others), eqn)
    return [None] * len(eqn.outvars), (step,)


def _real_parts(value: Any) -> Any:
    """Return the real and imaginary parts of an array's elements, in turn."""
    flat = jnp.ravel(value)
    return jnp.stack([flat.real, flat.imag], axis=1).ravel()


def _scan(
    eqn: JaxprEqn, inputs: list[Any], recorder: Recorder
) -> tuple[list[Any], tuple[Node, ...]]:
    params = eqn.params
    closed, length = params["jaxpr"], params["length"]
    first, count = scan_counts(params)
    second = first + count
    consts, init, xs = inputs[:first], inputs[first:second], inputs[second:]
    captured: list[Hoisted] = []
    whole, outcomes = recorder.path, _outcomes_in_iteration(eqn, recorder)

    def body(carry: list[Any], slices: Any) -> tuple[list[Any], Any]:
        slices, mine = slices
        path = None if whole is None else whole.inside(mine)
        args = [*consts, *carry, *slices]
        inner = Recorder(
            recorder.purpose, arrays=_sliced_arrays(closed.jaxpr, slices), path=path
        )
        outs, nodes = _walk(closed.jaxpr, closed.consts, args, inner)
        hoisted = Hoisted(nodes, tuple(inner.values), tuple(inner.angles))
        captured.append(hoisted.traced())
        weights = path.weights if path else []
        return outs[:count], (outs[count:], inner.values, weights)

    # NOTE: JAX takes a length that is symbolic from arrays only.
    bounded = xs or outcomes is not None
    carry, (ys, values, weights) = jax.lax.scan(
        body,
        init,
        (xs, outcomes),
        length=None if bounded else length,
        reverse=params["reverse"],
    )
    if whole is not None:
        whole.weights.extend(map(jnp.prod, weights))
    hoisted = captured[-1]
    if not length:
        return [*carry, *ys], ()
    if params["reverse"]:
        values = [jnp.flip(value, axis=0) for value in values]
    nodes = _adopt(hoisted, values, recorder, depth=1)
    return [*carry, *ys], (Loop(length, nodes),)


def _outcomes_in_iteration(eqn: JaxprEqn, recorder: Recorder) -> Any:
    """Return one row of outcomes for each iteration of a loop, if it measures."""
    body, length = inner_jaxpr(eqn).jaxpr, eqn.params["length"]
    if recorder.path is None or not measures_mid_circuit(body):
        return None
    each = outcome_count(body)
    return recorder.path.take(length * each).reshape(length, each)


def _cond(
    eqn: JaxprEqn, inputs: list[Any], recorder: Recorder
) -> tuple[list[Any], tuple[Node, ...]]:
    index, operands = inputs[0], inputs[1:]
    branches = eqn.params["branches"]
    collected: list[Hoisted] = []
    shapes: list[Any] = []
    whole, count = recorder.path, _outcomes_of(eqn)
    outcomes = None if whole is None else whole.take(count)

    def run(branch: Any, args: Sequence[Any]) -> tuple[Any, list[Any]]:
        path = None if whole is None else whole.inside(outcomes)
        inner = Recorder(recorder.purpose, path=path)
        outs, nodes = _walk(branch.jaxpr, branch.consts, args, inner)
        hoisted = Hoisted(nodes, tuple(inner.values), tuple(inner.angles))
        collected.append(hoisted.traced())
        weight = jnp.ones(())
        if path is not None:  # of paths that differ further on, the first counts
            weight = path.weight * jnp.all(~path.outcomes[path.position :])
        return (outs, weight), inner.values

    for branch in branches:
        shapes.append(
            jax.eval_shape(lambda *args, branch=branch: run(branch, args)[1], *operands)
        )
    structures = tuple(collected)

    def padded(number: int) -> Callable[..., Any]:
        def function(*args: Any) -> Any:
            outs, mine = run(branches[number], args)
            zeros = [[jnp.zeros(s.shape, s.dtype) for s in group] for group in shapes]
            zeros[number] = [jnp.asarray(value) for value in mine]
            return outs, zeros

        return function

    (outs, weight), groups = jax.lax.switch(
        index, [padded(number) for number in range(len(branches))], *operands
    )
    if whole is not None and count:
        whole.weights.append(weight)
    if whole is not None and whole.undecided(eqn):
        groups = [run(branch, operands)[1] for branch in branches]
    bodies = tuple(
        _adopt(structure, values, recorder, depth=0)
        for structure, values in zip(structures, groups, strict=True)
    )
    return outs, (Branch(recorder.add(index), bodies),)


_RULES: dict[str, Callable[..., Any]] = {
    "scan": _scan,
    "cond": _cond,
    "while": _while,
    **{name: _measured for name in PROJECTING},
}


def _adopt(
    inner: Hoisted, values: Sequence[Any], recorder: Recorder, depth: int
) -> tuple[Node, ...]:
    """Take the values of an inner circuit over into the enclosing one."""
    shift = len(recorder.values)
    for value, angle in zip(values, inner.angles, strict=True):
        recorder.add(value, angle)
    return tuple(_shifted(node, shift, depth) for node in inner.nodes)


def _shifted(node: Node, shift: int, depth: int) -> Node:
    def move(item: Input) -> Input:
        return Input(item.number + shift, item.depth + depth)

    match node:
        case Step():
            slots = tuple(replace(slot, base=slot.base + shift) for slot in node.slots)
            return replace(node, slots=slots, inputs=tuple(map(move, node.inputs)))
        case Loop():
            body = tuple(_shifted(each, shift, depth) for each in node.body)
            return Loop(node.length, body)
        case Branch():
            branches = tuple(
                tuple(_shifted(each, shift, depth) for each in branch)
                for branch in node.branches
            )
            return Branch(move(node.index), branches)


@dataclass(frozen=True)
class Layout:
    """Where each value went: a range of the flat angles, or another input."""

    slots: dict[int, Slot]
    inputs: dict[int, int]

    def slot(self, slot: Slot) -> Slot:
        """Return where an angle went."""
        found = self.slots[slot.base]
        if slot.element is None:
            return found
        return Slot(found.base + slot.element, found.strides[:-1])

    def place(self, node: Node) -> Node:
        """Rewrite a node from value numbers to slots and input numbers."""

        def move(item: Input) -> Input:
            return Input(self.inputs[item.number], item.depth)

        match node:
            case Step():
                slots = tuple(map(self.slot, node.slots))
                return replace(node, slots=slots, inputs=tuple(map(move, node.inputs)))
            case Loop():
                return Loop(node.length, tuple(map(self.place, node.body)))
            case Branch():
                bodies = tuple(tuple(map(self.place, b)) for b in node.branches)
                return Branch(move(node.index), bodies)


def lay_out(hoisted: Hoisted, order: Sequence[int], rest: Sequence[int]) -> Layout:
    """Assign slots to the angles, in the given order, and numbers to the rest."""
    slots: dict[int, Slot] = {}
    base: Size = 0
    for number in order:
        shape = np.shape(hoisted.values[number])
        strides = tuple(count(shape[axis + 1 :]) for axis in range(len(shape)))
        slots[number] = Slot(base, strides)
        base += count(shape)
    return Layout(slots, {number: place for place, number in enumerate(rest)})
