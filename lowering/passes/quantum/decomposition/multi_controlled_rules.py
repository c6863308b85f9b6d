"""Rules for gates under several controls, with and without spare wires.

A spare wire is any other wire, whose state is unknown and is the same afterwards.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import pi
from typing import Any

from qjit.dialects.gates import GATES, Step
from qjit.dialects.gates.fourier import Angle

H, X, T, CNOT, CZ = (GATES[name] for name in ("H", "X", "T", "CNOT", "CZ"))
RY, RZ, PhaseShift = (GATES[name] for name in ("RY", "RZ", "PhaseShift"))
SHIFT, FLIP = GATES["ControlledPhaseShift"], GATES["MultiControlledX"]
EIGHTH = pi / 4
# Phases on parities take twice as many gates for each wire more.
MOST_PARITY_WIRES = 6


def flip(controls: Sequence[int], target: int) -> Step:
    """X under controls."""
    return (CNOT if len(controls) == 1 else FLIP) @ (*controls, target)


def relative_phase_toffoli(first: int, second: int, target: int) -> list[Step]:
    """Toffoli up to phases of basis states, with three CNOTs (Maslov 2016)."""
    return [
        *_half(first, second, target),
        CNOT @ (first, target),
        *reversed_steps(_half(first, second, target)),
    ]


def _half(first: int, second: int, target: int) -> list[Step]:
    del first
    back = PhaseShift(-EIGHTH) @ target
    return [H @ target, T @ target, CNOT @ (second, target), back]


def reversed_steps(steps: Sequence[Step]) -> list[Step]:
    """Undo steps of H, X, CNOT, T and its inverse."""
    undone = {id(T): PhaseShift(-EIGHTH), id(PhaseShift): Step(T)}
    return [
        undone.get(id(step.gate), step) @ step.wires  # others undo themselves
        for step in reversed(steps)
    ]


def with_many_spare_wires(count: int) -> list[Step]:
    """X under controls, with two spare wires less (Iten et al., 1501.06911, lemma 8).

    The chain that computes all controls but the last is up to phases, because what it
    does is undone.
    """
    controls, target = range(count), count
    spare = [count + 1 + number for number in range(count - 2)]
    chain = list[Step]()
    for number in range(count - 3, 0, -1):
        control, on, to = controls[number + 1], spare[number - 1], spare[number]
        chain += [
            H @ to, T @ to, CNOT @ (control, to), PhaseShift(-EIGHTH) @ to,
            CNOT @ (on, to), H @ to,
        ]  # fmt: skip
    bottom = relative_phase_toffoli(controls[0], controls[1], spare[0])
    whole = [*chain, *bottom, *reversed_steps(chain)]
    last = flip([controls[-1], spare[-1]], target)
    return [last, *whole, last, *reversed_steps(whole)]


def with_one_spare_wire(count: int) -> list[Step]:
    """X under controls, with one spare wire (Khattar and Gidney, 2407.17966).

    A control that two others found to be on is known, and can hold their product.
    """
    first, inner = _first_product_and_rest(count)
    return [*first, *inner, *reversed_steps(first), *inner]


def with_one_clean_wire(count: int) -> list[Step]:
    """X under controls, with one wire in |0>, which is so again (2407.17966)."""
    first, inner = _first_product_and_rest(count)
    return [*first, *inner, *reversed_steps(first)]


def _first_product_and_rest(count: int) -> tuple[list[Step], list[Step]]:
    """Return what puts the product of two controls on another wire, and what flips."""
    controls, target, other = list(range(count)), count, count + 1
    ladder, final = _conditionally_clean_ladder(controls)
    first = relative_phase_toffoli(controls[0], controls[1], other)
    inner = [*ladder, flip([other, final], target), *reversed_steps(ladder)]
    return first, inner


def _conditionally_clean_ladder(controls: list[int]) -> tuple[list[Step], int]:
    """Return what computes the product of controls but the first two, and its wire.

    It does so where the first two are on, and is up to phases. A wire that holds the
    product of two others was on before, or what was computed before it is off.
    """
    count, steps = len(controls), list[Step]()

    def compute(first: int, second: int, target: int) -> None:
        on = controls[target]
        toffoli = relative_phase_toffoli(controls[first], controls[second], on)
        steps.extend([X @ on, *toffoli])

    products = range(1, count - 2, 2)
    for place in products:
        compute(place + 1, place + 2, place)
    waiting = list(products) if count % 2 == 0 else [*products, count - 1]
    found = waiting.pop()
    for place in reversed(waiting):
        compute(found, place, place - 1)
        found = place - 1
    return steps, controls[found]


def split_by_one_spare_wire(count: int) -> list[Step]:
    """X under controls by halves of them (Barenco et al., quant-ph/9503016, 7.3)."""
    controls, target, spare = list(range(count)), count, count + 1
    middle = (count + 1) // 2
    first = flip(controls[:middle], spare)
    second = flip([*controls[middle:], spare], target)
    return [first, second, first, second]


def alternating_rotation(gate: Any, angle: Any, count: int) -> list[Step]:
    """A rotation by flips under halves of its controls (Vale et al., 2302.06377).

    Flips change the sign of every other quarter of it.
    """
    middle = (count + 1) // 2
    plus, minus = gate(angle / 4) @ count, gate(angle / -4) @ count
    first = flip(range(middle), count)
    second = flip(range(middle, count), count)
    return [first, minus, second, plus, first, minus, second, plus]


def conjugated_rotation(gate: Any, angle: Any, count: int) -> list[Step]:
    """A rotation by X under all controls on both sides of its half."""
    all_controls = flip(range(count), count)
    plus, minus = gate(angle / 2) @ count, gate(angle / -2) @ count
    return [plus, all_controls, minus, all_controls]


def phase_by_parities(angle: Angle | float, count: int) -> list[Step]:
    """The phase of all wires on, as phases of parities in the order of a Gray code."""
    steps = [PhaseShift(angle / 2 ** (count - 1)) @ 0]
    for target in range(1, count):
        for number in range(2**target):
            code = number ^ (number >> 1)
            sign = -1 if code.bit_count() % 2 else 1
            steps.append(PhaseShift(sign * angle / 2 ** (count - 1)) @ target)
            following = number + 1
            changed = (following & -following).bit_length() - 1
            steps.append(CNOT @ (min(changed, target - 1), target))
    return steps


def rotation_rules(name: str, angle: Any, count: int) -> Iterator[list[Step]]:
    """Yield the rules for a rotation about Y or Z under controls."""
    yield conjugated_rotation(GATES[name], angle, count)
    if count > 1:
        yield alternating_rotation(GATES[name], angle, count)


def general_rotation(
    phi: Any, theta: Any, omega: Any, count: int
) -> Iterator[list[Step]]:
    """Yield the rule for any rotation under controls (Barenco et al., lemma 7.5)."""
    on, all_controls = count, flip(range(count), count)
    yield [
        RZ((phi - omega) / 2) @ on, all_controls, RZ((phi + omega) / -2) @ on,
        RY(theta / -2) @ on, all_controls, RY(theta / 2) @ on, RZ(omega) @ on,
    ]  # fmt: skip


def phase_rules(angle: Any, count: int) -> Iterator[list[Step]]:
    """Yield the rules for a phase under controls."""
    if 1 < count < MOST_PARITY_WIRES:
        yield phase_by_parities(angle, count + 1)


def flip_rules(count: int, spare: int) -> Iterator[list[Step]]:
    """Yield the rules for X under three controls or more."""
    if count < 3 or not spare:
        return
    if spare >= count - 2:
        yield with_many_spare_wires(count)
    yield with_one_spare_wire(count)
    yield split_by_one_spare_wire(count)


Rules = Callable[..., Iterator[list[Step]]]
ROTATIONS: Mapping[str, Rules] = {
    "RY": lambda angle, count: rotation_rules("RY", angle, count),
    "RZ": lambda angle, count: rotation_rules("RZ", angle, count),
    "Rot": general_rotation,
    "PhaseShift": phase_rules,
}
