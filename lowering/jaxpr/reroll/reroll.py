"""Rolling unrolled repetitions back into loops: compile time follows structure.

A Python loop leaves its body in the jaxpr once for every iteration. Where iterations
are equal up to their data, they become one `scan`. What differs between them are
numbers, which become tables, and elements of arrays, which the loop slices.
Gates keep their wires, so that the circuit in the loop stays a table too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from jax.extend.core import ClosedJaxpr, JaxprEqn, Var

from .build_scan import Body, Loop, Place, Source, traced
from .equivalence import Program, StructuralKeys, is_plain
from .outline import Replacement, outlined
from .tandem_repeats import FEWEST, Repetition, numbered, repetitions

# A body has at least this many equations, or else several repetitions: an iteration
# of a loop costs time, and it ends a schedule of gates.
SMALLEST_BODY = 64
# Loops must replace at least this many equations.
LEAST_SAVED = 96
# How often to look for a better beginning of a repetition.
ATTEMPTS = 3


def reroll(closed: ClosedJaxpr, *, loops: bool = True) -> ClosedJaxpr:
    """Return a jaxpr that does the same with its repetitions as calls and loops."""
    jaxpr = closed.jaxpr
    known = dict(zip(jaxpr.constvars, closed.consts, strict=True))
    eqns, consts = _rolled(jaxpr.eqns, jaxpr.outvars, known, loops=loops)
    constvars = [*jaxpr.constvars, *consts]
    return ClosedJaxpr(
        jaxpr.replace(eqns=eqns, constvars=constvars),
        [*closed.consts, *consts.values()],
    )


def _rolled(
    eqns: Sequence[JaxprEqn],
    outvars: Sequence[Any],
    known: Mapping[Var, Any],
    *,
    loops: bool = True,
) -> tuple[list[JaxprEqn], dict[Var, Any]]:
    """Return equations with calls and loops, and the constants that these need."""
    keys, consts = StructuralKeys(), dict[Var, Any]()
    eqns, runs = list(eqns), list[Run]()
    while True:
        ids = numbered(map(keys, eqns))
        if len(ids) == len(set(ids.tolist())):
            return eqns, consts
        program = Program(eqns, outvars, {**known, **consts})
        runs = _runs(program, ids) if loops else []
        periods = [(run.start, run.end, run.period) for run in runs]
        replacements, more = outlined(
            program, ids, periods, partial(_rolled, loops=loops)
        )
        if not replacements:
            break
        eqns = _spliced(eqns, replacements)
        consts.update(more)
    found: list[Replacement] = []
    for run in runs:
        loop, more = _loop(program, run)
        found.append(Replacement(run.start, run.end, loop))
        consts.update(more)
    return _spliced(eqns, found), consts


def _runs(program: Program, ids: np.ndarray) -> list["Run"]:
    """Return where equations are loops."""
    found = (_best_run(program, each) for each in repetitions(ids))
    return [run for run in found if run is not None]


def _spliced(
    eqns: Sequence[JaxprEqn], replacements: Sequence[Replacement]
) -> list[JaxprEqn]:
    """Return equations with parts of them replaced."""
    result: list[JaxprEqn] = []
    position = 0
    for each in replacements:
        result += [*eqns[position : each.start], *each.eqns]
        position = each.end
    return [*result, *eqns[position:]]


@dataclass(frozen=True)
class Run:
    """Equations from `start` on: `count` iterations of `period` equations."""

    start: int
    period: int
    count: int

    @property
    def end(self) -> int:
        """Return where the equations after the run begin."""
        return self.start + self.period * self.count

    def position(self, iteration: int, place: int) -> int:
        """Return where an equation of the body stands in an iteration."""
        return self.start + iteration * self.period + place


class Mismatch(Exception):
    """An iteration differs from those before it in more than data."""

    def __init__(self, iteration: int) -> None:
        super().__init__(iteration)
        self.iteration = iteration


def _best_run(program: Program, found: Repetition) -> "Run | None":
    """Return where a repetition is a loop, if anywhere."""
    start = _begin(program, found)
    for _ in range(ATTEMPTS):
        each = program.weight(start, start + found.period)
        period = -(-SMALLEST_BODY // each) * found.period
        run = Run(start, period, (found.end - start) // period)
        if not _worthwhile(program, run):
            return None
        try:
            _sources(program, run)
        except Mismatch as mismatch:
            shorter = Run(start, period, mismatch.iteration)
            if _worthwhile(program, shorter) and _matches(program, shorter):
                return shorter
            start = run.position(max(mismatch.iteration - 1, 1), 0)
        else:
            return run
    return None


def _worthwhile(program: Program, run: Run) -> bool:
    if run.count < FEWEST:
        return False
    return program.weight(run.position(1, 0), run.end) >= LEAST_SAVED


def _matches(program: Program, run: Run) -> bool:
    try:
        _sources(program, run)
    except Mismatch:
        return False
    return True


def _begin(program: Program, found: Repetition) -> int:
    """Return where iterations begin so that they pass least on to one another."""
    period = found.period
    crossings = np.zeros(found.end - found.start + 1, np.int64)
    seen: dict[Var, int] = {}
    for position in range(found.start, min(found.end, found.start + 3 * period)):
        for atom in program.eqns[position].invars:
            made = program.maker(atom, found.start)
            if made is not None:
                seen[program.eqns[made[0]].outvars[made[1]]] = position
    for var, last in seen.items():
        first = program.made[var][0] - found.start
        crossings[first + 1] += 1
        crossings[last + 1 - found.start] -= 1
    passed = np.cumsum(crossings)[period : 2 * period]
    return found.start + int(np.argmin(passed))


def _sources(program: Program, run: Run) -> dict[tuple[int, int], Source]:
    """Return where the operands of the body come from that it does not make itself."""
    found: dict[tuple[int, int], Source] = {}
    for place in range(run.period):
        eqn = program.eqns[run.position(1, place)]
        for number in range(len(eqn.invars)):
            source = _source(program, run, place, number)
            if source is not None:
                found[place, number] = source
    return found


def _source(program: Program, run: Run, place: int, number: int) -> Source | None:
    positions = [run.position(k, place) for k in range(run.count)]
    atoms = [program.eqns[position].invars[number] for position in positions]
    makers = [program.maker(atom, run.start) for atom in atoms]
    steps = [
        None if made is None else (position - made[0], made[1])
        for position, made in zip(positions, makers, strict=True)
    ]
    for iteration in range(2, run.count):
        if steps[iteration] != steps[1]:
            raise Mismatch(iteration)
    if steps[1] is None:
        if steps[0] is not None:
            raise Mismatch(1)
        return _outer(program, run, place, atoms)
    starts = [program.eqns[p].params.get("start_indices") for p in positions]
    _require_equal(starts)
    back, result = steps[1]
    if back <= place:
        if steps[0] != steps[1]:
            raise Mismatch(1)
        return None
    first: Any = atoms[0].aval
    made: Any = atoms[1].aval
    same = (first.shape, first.dtype) == (made.shape, made.dtype)
    if back > place + run.period or steps[0] is not None or not same:
        raise Mismatch(2)
    return Source("carry", [atoms[0]], (place - back + run.period, result))


def _outer(program: Program, run: Run, place: int, atoms: Sequence[Any]) -> Source:
    """Return where an operand comes from that is made before the loop."""
    eqns = [program.eqns[run.position(k, place)] for k in range(run.count)]
    if eqns[0].primitive.name == "slice":
        starts = [eqn.params["start_indices"] for eqn in eqns]
        if any(each != starts[0] for each in starts):
            _require_equal(atoms)
            return Source("window", [atoms[0]], tuple(starts))
    numbers = [program.number(atom) for atom in atoms]
    if all(each is not None for each in numbers):
        table = np.stack([np.asarray(each) for each in numbers])
        if table.tobytes() == table[:1].tobytes() * len(table):
            return Source("constant", [atoms[0]])
        return Source("table", [], table)
    if atoms[0].aval.shape or not is_plain(atoms[0]):
        _require_equal(atoms)
    if all(atom is atoms[0] for atom in atoms):
        return Source("constant", [atoms[0]])
    return Source("stack", list(atoms))


def _require_equal(items: Sequence[Any]) -> None:
    for iteration, item in enumerate(items):
        if item is not items[0] and item != items[0]:
            raise Mismatch(iteration)


def _results(program: Program, run: Run) -> dict[Var, tuple[int, Place]]:
    """Return what is used after the loop: iteration, place and result of each."""
    found: dict[Var, tuple[int, Place]] = {}
    for iteration in range(run.count):
        for place in range(run.period):
            eqn = program.eqns[run.position(iteration, place)]
            for number, var in enumerate(eqn.outvars):
                if program.last_use.get(var, -1) >= run.end:
                    found[var] = iteration, (place, number)
    return found


def _loop(program: Program, run: Run) -> tuple[list[JaxprEqn], dict[Var, Any]]:
    """Return the equations of the loop that replaces a run, and its constants."""
    eqns = program.eqns[run.position(1, 0) : run.position(2, 0)]
    sources: list[dict[int, Source]] = [{} for _ in eqns]
    for (place, number), source in _sources(program, run).items():
        sources[place][number] = source
    body = Body(run.count)
    for eqn, found in zip(eqns, sources, strict=True):
        body.take(eqn, found)
    loop = Loop(body, _results(program, run), eqns)
    rolled, consts = _rolled(body.eqns, loop.outputs, program.known)
    return traced(loop, rolled, consts)
