"""Kinds of gates, which rules replace whatever their angles are, and steps of rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import pi
from typing import Any

from qjit.dialects.gates import GATES, GateRecord
from qjit.dialects.gates.fourier import Angle
from qjit.dialects.gates.record import Step
from qjit.lowering.passes.circuits.angles import eighths_of

# The angles that are part of kinds where a gate set has no rotations, and how many of
# them there are in the period of all gates.
UNIT, PERIOD = pi / 4, 16


@dataclass(frozen=True)
class GateKind:
    """What a gate is besides its angles: its name without controls, and their number.

    `static` is what its record has to be told. `spare` is how many other wires there
    are, whose states are unknown and have to stay. `turns` are the angles in units of
    pi/4 where the kind is of these only.
    """

    base: str
    num_controls: int = 0
    num_targets: int = 1
    adjoint: bool = False
    static: tuple[tuple[str, Any], ...] = ()
    spare: int = 0
    turns: tuple[int, ...] | None = None

    @cached_property
    def record(self) -> GateRecord:
        """The record of the gate without controls."""
        return GATES[self.base]

    @cached_property
    def num_wires(self) -> int:
        """Controls and targets together."""
        return self.num_controls + self.num_targets

    @property
    def all_static(self) -> dict[str, Any]:
        """What decompositions of the record are told."""
        own = dict(self.static)
        if self.record.num_targets is None and "pauli_word" not in own:
            own["num_targets"] = self.num_targets
        return own

    def under(self, num_controls: int, spare: int) -> GateKind:
        """Return the kind of such gates under more controls."""
        return replace(self, num_controls=self.num_controls + num_controls).with_spare(
            spare
        )

    def with_spare(self, count: int) -> GateKind:
        """Return the kind with as many of some spare wires as can help."""
        found = min(count, self._useful)
        return self if found == self.spare else replace(self, spare=found)

    @property
    def _useful(self) -> int:
        if self.base == "X":
            return max(self.num_controls - 2, 0)
        return self.num_wires if self.num_wires > 2 else 0

    @cached_property
    def _hash(self) -> int:
        return hash(
            (
                self.base,
                self.num_controls,
                self.num_targets,
                self.adjoint,
                self.static,
                self.spare,
                self.turns,
            )
        )

    def __hash__(self) -> int:
        return self._hash

    def __str__(self) -> str:
        under = f" under {self.num_controls} controls" if self.num_controls else ""
        return f"{'adjoint ' if self.adjoint else ''}{self.base}{under}"


Params = tuple[Angle | float, ...]


@dataclass(frozen=True)
class KindStep:
    """A gate of a rule: its kind, its angles, and its wires, controls first.

    Angles are functions of those of the gate that the rule replaces, and wires are
    counted from the first of that gate.
    """

    kind: GateKind
    params: Params
    wires: tuple[int, ...]

    def on(self, wires: Sequence[int]) -> KindStep:
        """Return the step where its wires are these, by number."""
        return KindStep(self.kind, self.params, tuple(wires[w] for w in self.wires))

    def inverse(self) -> KindStep:
        """Return the step that undoes it."""
        kind = self.kind
        if kind.adjoint:
            return replace(self, kind=replace(kind, adjoint=False))
        if kind.record.self_adjoint:
            return self
        params = kind.record.adjoint(self.params)
        if params is None:
            return replace(self, kind=replace(kind, adjoint=True))
        return replace(self, params=params)

    def undone_by(self, other: KindStep) -> bool:
        """Tell whether another step is the inverse."""
        inverse = self.inverse()
        return (inverse.kind, inverse.wires) == (other.kind, other.wires) and all(
            _same(a, b) for a, b in zip(inverse.params, other.params, strict=True)
        )


Rule = tuple[KindStep, ...]


def _same(first: Angle | float, second: Angle | float) -> bool:
    difference = first - second
    if isinstance(difference, Angle):
        terms = (*difference.coefficients, difference.offset)
    else:
        terms = (difference,)
    return all(abs(term) < 1e-14 for term in terms)


def kind_step(step: Step) -> KindStep:
    """Return the step of a record's decomposition, with the kind of its gate."""
    record = step.gate
    controls = record.num_controls or 0
    if record.num_controls is None:
        controls = len(step.wires) - (record.num_targets or 1)
    kind = GateKind(record.base or record.name, controls, len(step.wires) - controls)
    return KindStep(kind, tuple(step.params), tuple(step.wires))


def controlled(steps: Rule, num_controls: int) -> Rule:
    """Return steps under controls, which come first among the wires.

    Steps at the end that undo those at the beginning need no controls.
    """
    outer, middle, back = conjugation(steps)
    controls = tuple(range(num_controls))

    def moved(step: KindStep) -> tuple[int, ...]:
        return tuple(wire + num_controls for wire in step.wires)

    def free(some: Rule) -> Rule:
        return tuple(replace(step, wires=moved(step)) for step in some)

    under = tuple(
        KindStep(
            step.kind.under(num_controls, 0), step.params, (*controls, *moved(step))
        )
        for step in middle
    )
    return (*free(outer), *under, *free(back))


def conjugation(steps: Rule) -> tuple[Rule, Rule, Rule]:
    """Split steps into those at the beginning and at the end that undo one another."""
    count = 0
    while 2 * count + 1 < len(steps) and steps[count].undone_by(steps[-1 - count]):
        count += 1
    end = len(steps) - count
    return steps[:count], steps[count:end], steps[end:]


def inverse(steps: Rule) -> Rule:
    """Return steps that undo others."""
    return tuple(step.inverse() for step in reversed(steps))


def substituted(angle: Angle | float, params: Sequence[Any]) -> Any:
    """Return a function of a gate's angles where these are others."""
    if not isinstance(angle, Angle):
        return angle
    total: Any = angle.offset
    for coefficient, param in zip(angle.coefficients, params, strict=True):
        if coefficient == 1.0:
            total = param + total if total else param
        elif coefficient:
            total = coefficient * param + total if total else coefficient * param
    return total


def turns_of(params: Sequence[Any]) -> tuple[int, ...] | None:
    """Return angles in units of pi/4, if all are known and multiples of it."""
    found: list[int] = []
    for param in params:
        if isinstance(param, Angle):
            if any(param.coefficients):
                return None
            param = param.offset
        turns = eighths_of(param)
        if turns is None:
            return None
        found.append(turns % PERIOD)
    return tuple(found)
