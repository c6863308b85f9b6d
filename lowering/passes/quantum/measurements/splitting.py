"""Circuits that run once for each group of observables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.ir import Operation, SSAValue
from xdsl.rewriter import Rewriter

from qjit.dialects.quantum import ExpvalOp
from qjit.dialects.quantum.measurements import Statistic
from qjit.lowering.analysis.memory_accesses import AccessesOf

from .classical_code import Code
from .commuting_groups import Factors, groups_of
from .final_measurements import OF_BITS, FinalMeasurements, Measurement, Reading
from .final_section import RegisterEnd, discard, settle
from .repeated_circuits import check_unchanged, repeat, to_repeat

# Measurements of one run; of a sum, the numbers of the terms.
Group = dict[Measurement, list[int]]


@dataclass(frozen=True)
class Observable:
    """What is measured at once: terms of a sum, or bits of wires."""

    op: Measurement
    terms: tuple[int, ...]
    products: tuple[Factors, ...]


def split(found: FinalMeasurements, grouping: str, accesses: AccessesOf) -> None:
    """Let a circuit run once for each group of observables.

    Raises:
        PassError: if it cannot run more than once.
    """
    groups = _groups(found, grouping)
    if len(groups) < 2:
        return
    repeated = to_repeat(found, accesses)
    settle(found, accesses)
    end = RegisterEnd.of(found)
    values: dict[ExpvalOp, list[SSAValue]] = {}
    for reading in found.readings:
        if not isinstance(reading.op, (Statistic, *OF_BITS)):
            end.measure(reading.op)  # it is of the state
    for number, group in enumerate(groups):
        if number:
            end = RegisterEnd(repeat(repeated, found, end), end.place)
        _measure(found, group, end, values)
        end.close(found)
    for op, parts in values.items():
        op.value.replace_all_uses_with(end.summed(parts))
    if len(found.last) > 1:
        check_unchanged(found, repeated, end.place, accesses)
        _run_for_gradients(found, repeated)
    else:
        Rewriter.erase_op(found.last[0])
    discard(found)


def _run_for_gradients(found: FinalMeasurements, repeated: Sequence[Operation]) -> None:
    """Let gradients of the state have a run of their own."""
    first = found.last[0]
    register = repeat(repeated, found, Code(first))
    for op in found.last:
        op.operands[0] = register


def _groups(found: FinalMeasurements, grouping: str) -> list[Group]:
    observables = [each for r in found.readings for each in _observables(r)]
    groups: list[Group] = []
    for numbers in groups_of([each.products for each in observables], grouping):
        group: Group = {}
        for number in numbers:
            each = observables[number]
            group.setdefault(each.op, []).extend(each.terms)
        groups.append(group)
    for reading in found.readings if groups else ():
        _add_constants(reading.op, groups)
    return groups


def _observables(reading: Reading) -> list[Observable]:
    op, products = reading.op, reading.products()
    acting = [n for n, each in enumerate(products) if each.on]
    if isinstance(op, ExpvalOp):
        return [Observable(op, (n,), (products[n],)) for n in acting]
    every = tuple(acting) if isinstance(op, Statistic) else ()
    found = Observable(op, every, tuple(products[n] for n in acting))
    return [found] if acting else []


def _add_constants(op: Measurement, groups: list[Group]) -> None:
    """Measure terms that are the identity along with others."""
    if isinstance(op, Statistic):
        known = {n for group in groups for n in group.get(op, ())}
        rest = [n for n in range(len(op.terms)) if n not in known]
        place = next((group for group in groups if op in group), groups[0])
        if rest:
            place[op] = sorted([*place.get(op, ()), *rest])


def _measure(
    found: FinalMeasurements,
    group: Group,
    end: RegisterEnd,
    values: dict[ExpvalOp, list[SSAValue]],
) -> None:
    """Measure what is in a group, sums first, because bits take turns."""
    for op, terms in group.items():
        if isinstance(op, Statistic) and len(terms) == len(op.terms):
            end.measure(op)
        elif isinstance(op, ExpvalOp):
            values.setdefault(op, []).append(_partial(op, sorted(terms), end))
    end.apply([turn for part in found.all_turns(group) for turn in part])
    for op in group:
        if isinstance(op, OF_BITS):
            end.measure(op)


def _partial(op: ExpvalOp, numbers: list[int], end: RegisterEnd) -> SSAValue:
    """Measure some terms of a sum."""
    weights = end.weights(op, [(n, 1.0) for n in numbers])
    terms = [op.terms.data[n] for n in numbers]
    matrices = op.matrices if any(len(term.factors) for term in terms) else ()
    line = None if op.line is None else op.line.value.data
    return end.insert(ExpvalOp(end.register, weights, matrices, terms, line=line))
