"""All rules by which gates of a kind are replaced."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

from qjit.dialects.gates import CONTROLLED as NAMES
from qjit.dialects.gates import GATES, GateRecord, Step
from qjit.dialects.gates.fourier import Angle, parameters
from qjit.runtime.recent import MOST

from .gate_kinds import (
    UNIT,
    GateKind,
    KindStep,
    Rule,
    controlled,
    inverse,
    kind_step,
    substituted,
    turns_of,
)
from .gate_rules import ADJOINT, CONTROLLED, SINGLE_QUBIT, TWO_QUBIT
from .multi_controlled_rules import ROTATIONS, flip_rules

Written = Mapping[GateKind, Sequence[Rule]]


def rules_of(kind: GateKind, written: Written) -> Iterator[Rule]:
    """Yield the rules for a kind, and how those of users for its gate derive it.

    Steps may use all wires of the gate and its spare wires that they do not act on.
    """
    plain = replace(kind, spare=0, turns=None)
    for rule in (*_of_users(plain, written), *_built_in(kind)):
        yield _at(kind, rule)


def _of_users(kind: GateKind, written: Written) -> Iterator[Rule]:
    yield from written.get(kind, ())
    if kind.adjoint:
        for rule in written.get(replace(kind, adjoint=False), ()):
            yield inverse(rule)
    if kind.num_controls:
        bare = replace(kind, num_controls=0)
        for rule in _of_users(bare, written):
            yield controlled(rule, kind.num_controls)


def _at(kind: GateKind, rule: Rule) -> Rule:
    """Return a rule for a kind with its spare wires, and its angles if it has them."""
    everything = kind.num_wires + kind.spare
    if kind.turns is not None:
        angles = tuple(UNIT * number for number in kind.turns)
        return tuple(_fixed(step, angles, everything) for step in rule)
    kinds: dict[tuple[GateKind, int], GateKind] = {}
    found: list[KindStep] = []
    for step in rule:
        place = step.kind, len(step.wires)
        own = kinds.get(place)
        if own is None:
            own = kinds[place] = step.kind.with_spare(everything - place[1])
        found.append(KindStep(own, step.params, step.wires))
    return tuple(found)


@lru_cache(MOST)
def _fixed(step: KindStep, angles: tuple[float, ...], everything: int) -> KindStep:
    """Return a step where the angles of its gate are known."""
    params = tuple(float(substituted(param, angles)) for param in step.params)
    kind = replace(step.kind, turns=turns_of(params))
    return KindStep(kind.with_spare(everything - len(step.wires)), params, step.wires)


@lru_cache(MOST)
def _built_in(kind: GateKind) -> tuple[Rule, ...]:
    """Return the rules for a kind that are the same in all programs."""
    if kind.adjoint:
        return tuple(_adjoint(kind))
    rules = [*_table(kind), *_special(kind)]
    if kind.num_controls:
        bare = replace(kind, num_controls=0, spare=0, turns=None)
        rules += [controlled(steps, kind.num_controls) for steps in _built_in(bare)]
    if kind.turns is not None:
        rules += _at_turns(kind)
    return tuple(rules)


def _adjoint(kind: GateKind) -> Iterator[Rule]:
    forward = replace(kind, adjoint=False)
    for rule in _built_in(replace(forward, turns=None)):
        yield inverse(rule)
    if not kind.num_controls:
        for steps in ADJOINT.get(kind.base, ()):
            yield _read(steps())


def _table(kind: GateKind) -> Iterator[Rule]:
    """Yield what records say, and the tables of further rules."""
    angles = parameters(kind.record.num_params)
    for record in _records(kind):
        steps = record.decompose(*angles, **kind.all_static)
        if steps is not None:
            yield _read(steps)
    tables = (SINGLE_QUBIT, TWO_QUBIT), (CONTROLLED,)
    if kind.num_controls < len(tables):
        for table in tables[kind.num_controls]:
            for rule in table.get(kind.base, ()):
                yield _read(rule(*angles))


def _records(kind: GateKind) -> list[GateRecord]:
    if not kind.num_controls:
        return [kind.record]
    name = NAMES.get((kind.base, kind.num_controls))
    return [] if name is None else [GATES[name]]


def _special(kind: GateKind) -> Iterator[Rule]:
    """Yield the rules that are there for any number of wires."""
    angles, count = parameters(kind.record.num_params), kind.num_controls
    if kind.base in ROTATIONS and count:
        for steps in ROTATIONS[kind.base](*angles, count):
            yield _read(steps)
    if kind.base == "X":
        for steps in flip_rules(count, kind.spare):
            yield _read(steps)
    if kind.base == "GlobalPhase" and count:
        (phi,) = angles
        under = GateKind("PhaseShift", count - 1)
        yield (KindStep(under, (-phi,), tuple(range(count))),)
    if kind.base == "DoubleExcitation" and not count:
        yield _double_excitation(angles[0])
    if kind.base in ("MultiRZ", "PauliRot") and not count:
        yield from map(_read, _word_rotations(kind, angles[0]))


def _double_excitation(angle: Angle) -> Rule:
    """Return a rotation of one wire, where the others tell the two states."""
    flip = GATES["X"] @ 1
    select = _read([*(GATES["CNOT"] @ (0, wire) for wire in (1, 2, 3)), flip])
    rotation = KindStep(GateKind("RY", 3), (angle,), (1, 2, 3, 0))
    return (*select, rotation, *reversed(select))


def _word_rotations(kind: GateKind, angle: Angle) -> Iterator[list[Step]]:
    """Yield rotations about words of Paulis by those about one or two."""
    size, word = kind.num_targets, dict(kind.static).get("pauli_word")
    pairs = {"X": "IsingXX", "Y": "IsingYY", "Z": "IsingZZ"}
    if word is not None:
        if set(word) == {"Z"}:
            yield [GATES["MultiRZ"](angle) @ tuple(range(size))]
        elif len(word) == 1 and word != "I":
            yield [GATES[f"R{word}"](angle) @ 0]
        elif len(word) == 2 and len(set(word)) == 1 and word[0] in pairs:
            yield [GATES[pairs[word[0]]](angle) @ (0, 1)]
    elif size == 1:
        yield [GATES["RZ"](angle) @ 0]
    else:
        pair = GATES["IsingZZ"](angle) @ (0, size - 1)
        ladder = [GATES["CNOT"] @ (k + 1, 0) for k in range(size - 2)]
        yield [*ladder, pair, *reversed(ladder)]


def _at_turns(kind: GateKind) -> Iterator[Rule]:
    """Yield the rules for a phase by a multiple of pi/4, under any controls."""
    if kind.base != "PhaseShift" or kind.turns is None:
        return
    turns = kind.turns[0] % 8
    wires = tuple(range(kind.num_wires))

    def step(base: str, adjoint: bool = False) -> KindStep:
        return KindStep(GateKind(base, kind.num_controls, 1, adjoint), (), wires)

    bits = [("Z", 4), ("S", 2), ("T", 1)]
    yield tuple(step(base) for base, bit in bits if turns & bit)
    back = [("S", 6), ("T", 7)]
    yield from ((step(base, True),) for base, bit in back if turns == bit)
    if turns == 5:
        yield step("Z"), step("T")


def _read(steps: Sequence[Step]) -> Rule:
    return tuple(map(kind_step, steps))
