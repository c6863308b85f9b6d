"""The loops of a pass over the groups of blocks."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from qjit.lowering.kernels.schedule.gate_model import TwoLevel
from qjit.runtime.codegen.builder import Value

from .block_groups import Groups
from .register_ops import PairStep, Part, PhaseFactors, Step, phase_factors_of, steps_of

Visit = Callable[[Value, list[Step]], None]


def each_group(groups: Groups, visit: Visit) -> None:
    """Emit code for every group of a pass, given its first block's number."""
    factors = phase_factors_of(groups)
    groups.tabulate()
    if not groups.free:
        return visit(groups.body.int(0), steps_of(groups, factors))
    _prepare(groups, factors)
    half = len(groups.free) // 2
    low, high = groups.free[:half], groups.free[half:]
    with groups.each(low) as (number, _):
        for factor in factors:
            factor.tabulate(number, 1 << half)
    with groups.each(high) as (_, upper):
        for factor in factors:
            factor.multiply()
        with groups.each(low) as (number, lower):
            groups.first = upper | lower
            for factor in factors:
                factor.complete(number)
            visit(groups.first, steps_of(groups, factors))


def _prepare(groups: Groups, factors: Sequence[PhaseFactors]) -> None:
    """Spread over registers, before the loop, what is the same for all groups."""
    for gate in groups.kernel_pass.gates:
        if isinstance(gate, TwoLevel) and id(gate) not in groups.tables:
            for entry in PairStep(groups, gate).entries:
                for number in entry:
                    groups.widened(number)
    for factor in factors:
        for number in factor.known:
            groups.widened(number)


def connected(steps: Sequence[Step], size: int, *, moves: bool) -> list[list[Part]]:
    """The parts of a group in sets that only depend on one another.

    Where amplitudes move, all blocks do, but real parts stay such.
    """
    leader = {(block, part): (block, part) for part in (0, 1) for block in range(size)}

    def find(part: Part) -> Part:
        while leader[part] != part:
            part = leader[part]
        return part

    for to in leader:
        for step in steps:
            for source in step.sources(to):
                leader[find(source)] = find(to)
        if moves:
            leader[find((0, to[1]))] = find(to)
    found: dict[Part, list[Part]] = {}
    for part in leader:
        found.setdefault(find(part), []).append(part)
    return list(found.values())
