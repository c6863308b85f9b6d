"""Circuits over dual numbers: a derivative along a direction is a circuit again.

One more wire carries the tangent of the state: a matrix U that changes by dU becomes
[[U, 0], [dU, U]] on that wire and its own, and <X> of that wire with an observable is
the derivative of the observable's expectation value. Doing so again gives derivatives
of any order.
"""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import ShapedArray

from qjit.dialects.circuit_tree import Branch, Input, Loop, Node, Slot, Step, steps
from qjit.errors import DifferentiationError
from qjit.lowering.jax_internals.tracing import user_line
from qjit.lowering.passes.pipeline import find_step, no_tangents

from .hybrid_split import CircuitProgram, is_measurement
from .tangent_matrices import (
    Member,
    dual_matrices,
    families,
    from_parts,
    target_count,
    to_parts,
)

# From the flat angles and their tangents: more of the flat angles.
Maker = Callable[[Any, Any], Any]


@dataclass
class Dual:
    """A circuit over dual numbers under construction."""

    program: CircuitProgram
    num_slots: int
    makers: list[Maker] = field(default_factory=list[Maker])
    slots: dict[int, Slot] = field(default_factory=dict[int, Slot])  # by id of a step
    prepared: list[Step] = field(default_factory=list[Step])

    @property
    def wire(self) -> int:
        """The wire of the tangent."""
        return self.program.num_wires

    def reserve(self, maker: Maker, size: int) -> int:
        """Reserve flat angles for what a maker makes."""
        start = self.num_slots
        self.num_slots += size
        self.makers.append(maker)
        return start


def circuit_tangents(
    program: CircuitProgram, wrt: Sequence[int], bind: Callable[..., Any]
) -> Callable[..., list[Any]]:
    """Return the derivative of a circuit along tangents of the operands in `wrt`.

    The function takes the tangents, then the operands, and returns the tangents of the
    results. `bind` runs a circuit on its operands.
    """
    active = tuple(wrt)
    if 0 not in active:
        return _along_coefficients(program, active, bind)
    _check_passes(program)
    dual, circuit = _dual(program, active)

    def run(*args: Any) -> list[Any]:
        tangents, operands = args[: len(active)], args[len(active) :]
        coefficients = dict(zip(active, tangents, strict=True))
        flat, inputs = _inputs(dual, coefficients.pop(0), operands)
        extra = [
            _coefficients(step, operands, coefficients)
            for step in program.nodes
            if is_measurement(step) and step.primitive == "quantum_expval"
        ]
        results = bind(circuit, flat, *inputs, *extra)
        return [_tangent(result) for result in results]

    return run


def _check_passes(program: CircuitProgram) -> None:
    """Refuse circuits on which a pass does what circuits over dual numbers have not."""
    for each in program.passes:
        step = find_step(each) if isinstance(each, str) else each
        if not step.exact:
            first = next(steps(program.nodes))
            raise DifferentiationError(f"{_line(first)}: {no_tangents(step)}")


def _line(step: Step) -> str:
    return user_line(getattr(step.source, "source_info", None))


def _tangent(result: Any) -> Any:
    return result.reshape(-1, 2)[:, 1] if np.ndim(result) else result


def _along_coefficients(
    program: CircuitProgram, wrt: tuple[int, ...], bind: Callable[..., Any]
) -> Callable[..., list[Any]]:
    measured = [step for step in program.nodes if is_measurement(step)]

    def run(*args: Any) -> list[Any]:
        tangents, operands = dict(zip(wrt, args, strict=False)), list(args[len(wrt) :])
        for number, tangent in tangents.items():
            operands[number] = tangent
        results = bind(program, *operands)
        return [
            result
            if step.inputs and 1 + step.inputs[0].number in tangents
            else jnp.zeros_like(result)
            for step, result in zip(measured, results, strict=True)
        ]

    return run


@lru_cache(maxsize=1024)
def _dual(program: CircuitProgram, wrt: tuple[int, ...]) -> tuple[Dual, CircuitProgram]:
    """Return the circuit over dual numbers; its angles begin with the old ones."""
    dual = Dual(program, program.num_slots)
    for members in families(program, program.nodes, ()).values():
        _add_matrices(dual, members)
    body = _nodes(dual, program.nodes, ())
    measured: list[Step] = []
    coefficients: list[int] = []
    total = program.num_inputs
    for step in program.nodes:
        if not is_measurement(step):
            continue
        if step.primitive == "quantum_expval":
            moves = 1 + step.inputs[0].number in wrt
            measured.append(_expval(dual, step, moves, total))
            coefficients.append(total)
            total += 1
        else:
            params = {**step.params, "num_wires": dual.wire + 1}
            measured.append(Step(step.primitive, params))
    circuit = CircuitProgram(
        (*_prepared(dual), *body, *measured),
        dual.wire + 1,
        program.dtype,
        dual.num_slots,
        total,
        tuple(_doubled(result) for result in program.results),
        tuple(coefficients),
        program.name,
        dual=True,
    )
    return dual, circuit


def _doubled(result: ShapedArray) -> ShapedArray:
    return ShapedArray(tuple(2 * n for n in result.shape), result.dtype)


def _inputs(dual: Dual, tangent: Any, operands: Sequence[Any]) -> tuple[Any, list[Any]]:
    """Return the flat angles and the inputs of a dual circuit, but coefficients."""
    flat, *inputs = operands
    made = [maker(flat, tangent).astype(flat.dtype) for maker in dual.makers]
    # The dual circuit has coefficients of its own, and does not read the old ones.
    for number in dual.program.coefficients:
        inputs[number] = jax.lax.stop_gradient(inputs[number])
    return jnp.concatenate([flat, *made]), inputs


# Observables


def _expval(dual: Dual, step: Step, moves: bool, number: int) -> Step:
    """The derivative of an expectation value, with its own coefficients."""
    wire, terms = dual.wire, step.params["terms"]
    letters = "XIZ" if moves else "X"
    words = [
        ((*word, (wire, letter)) if letter != "I" else word, factors)
        for letter in letters
        for word, factors in terms
    ]
    inputs = (Input(number), *step.inputs[1:])
    return Step(step.primitive, {**step.params, "terms": tuple(words)}, (), inputs)


def _coefficients(step: Step, operands: Sequence[Any], tangents: dict[int, Any]) -> Any:
    number = 1 + step.inputs[0].number
    if number not in tangents:
        return operands[number]
    # Half of 1 and half of Z leave the state without its tangent.
    half = tangents[number] / 2
    return jnp.concatenate([operands[number], half, half])


# Gates


def _add_matrices(dual: Dual, members: Sequence[Member]) -> None:
    """Compute the dual matrices of a family, and their inverses, side by side."""
    size = 4 * (2 * 2 ** members[0].targets) ** 2  # numbers of a matrix and its inverse
    rows = [member.rows for member in members]
    start = dual.reserve(dual_matrices(members), size * sum(rows))
    for member, applied in zip(members, rows, strict=True):
        dual.slots[id(member.step)] = Slot(start, member.strides(size))
        start += size * applied


def _nodes(
    dual: Dual, nodes: Sequence[Node], lengths: tuple[int, ...]
) -> tuple[Node, ...]:
    found: list[Node] = []
    for node in nodes:
        match node:
            case Step() if is_measurement(node):
                pass
            case Step() if not node.slots:
                found.append(node)
            case Step(primitive="quantum_state_prep"):
                _check_first(dual, node)
                dual.prepared.append(node)
            case Step():
                found.append(_matrix_step(dual, node))
            case Loop():
                body = _nodes(dual, node.body, (*lengths, node.length))
                found.append(Loop(node.length, body))
            case Branch():
                branches = tuple(_nodes(dual, b, lengths) for b in node.branches)
                found.append(Branch(node.index, branches))
    return tuple(found)


def _matrix_step(dual: Dual, step: Step) -> Step:
    """One gate or matrix as a matrix on its targets and the tangent's wire."""
    params = step.params
    wires, controls = params["wires"], params["num_controls"]
    targets = wires[controls:] if target_count(dual.program, step) else ()
    arrays = len(step.inputs) - sum(wire is None for wire in wires)
    return Step(
        "quantum_unitary",
        {
            "wires": (*wires[:controls], dual.wire, *targets),
            "num_controls": controls,
            "control_values": params["control_values"],
            "adjoint": False,
            "diagonal": False,
            "invertible": True,
        },
        (dual.slots[id(step)],),
        step.inputs[arrays:],
        step.source,
    )


# State preparations


def _check_first(dual: Dual, step: Step) -> None:
    """Refuse what cannot be moved to the start of the circuit."""
    before = list(
        itertools.takewhile(lambda s: s is not step, steps(dual.program.nodes))
    )
    touched = {w for each in before for w in each.params.get("wires", ())}
    shares = touched & set(step.params["wires"]) or None in touched
    nested = all(node is not step for node in dual.program.nodes)
    if nested or shares:
        raise DifferentiationError(
            f"{_line(step)}: derivatives of '{dual.program.name}' of second order or "
            "forward mode by a prepared state take its preparation at the start of the "
            "circuit. Prepare it there."
        )


def _prepared(dual: Dual) -> list[Step]:
    """All prepared states, and their tangent, as one."""
    if not dual.prepared:
        return []
    wires = tuple(w for step in dual.prepared for w in step.params["wires"])
    found = [(step.slots[0], 2 ** len(step.params["wires"])) for step in dual.prepared]

    def make(flat: Any, tangent: Any) -> Any:
        def product(numbers: Any) -> Any:
            total = jnp.ones(1, jnp.result_type(flat, jnp.complex64))
            for slot, size in found:
                part = from_parts(numbers[slot.base : slot.base + 2 * size])
                total = jnp.kron(total, part)
            return total

        return to_parts(jnp.stack(jax.jvp(product, (flat,), (tangent,)), axis=-1))

    slot = Slot(dual.reserve(make, 2 * 2 ** (len(wires) + 1)))
    params = {"wires": (*wires, dual.wire), "unchecked": True}
    return [Step("quantum_state_prep", params, (slot,), (), dual.prepared[0].source)]
