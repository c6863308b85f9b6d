"""Finding what an unrolled program does at several places, and making it a function.

Python leaves the body of a function in the jaxpr wherever it is called. Where such
bodies are equal up to the values that they take, they become calls of one function,
in the form that functions under `jax.jit` have.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from jax.core import ShapedArray
from jax.extend.core import ClosedJaxpr, JaxprEqn, Literal, Var, jaxpr_as_fun

from .equivalence import Program, content
from .operand_matching import OperandTable, Repeat
from .repeated_substrings import Recurrences
from .tandem_repeats import numbered

# A function has at least this many equations: a call costs time, and ends a schedule.
SMALLEST_FUNCTION = 32
# Calls must replace at least this many equations, less the values that they pass.
LEAST_SAVED = 96
# What only renames an element, and may be taken before a call with it.
RENAMINGS = ("squeeze", "reshape")

Rolled = tuple[list[JaxprEqn], dict[Var, Any]]
Roll = Callable[[Sequence[JaxprEqn], Sequence[Any], Mapping[Var, Any]], Rolled]


@dataclass(frozen=True)
class Replacement:
    """Equations that replace those from `start` to `end`."""

    start: int
    end: int
    eqns: list[JaxprEqn]


def outlined(
    program: Program, ids: np.ndarray, runs: Sequence[tuple[int, int, int]], roll: Roll
) -> tuple[list[Replacement], dict[Var, Any]]:
    """Return calls that replace equations which recur, and the constants they need.

    Runs from a start to an end, with a period, can be loops: no call takes a part of
    one. `roll` is applied to the equations of every function.
    """
    collapsed = Collapsed(ids, runs)
    weights = np.diff(program.own_weights[[*collapsed.begins, len(ids)]])
    recurrences = Recurrences(collapsed.ids, weights, SMALLEST_FUNCTION)
    replacements: list[Replacement] = []
    consts: dict[Var, Any] = {}
    operands: OperandTable | None = None
    for each in recurrences:
        operands = operands or OperandTable(program)
        word = Repeat(*collapsed.expanded(each.starts, each.length))
        function = Function(operands, operands.agreeing(word))
        if function.is_worthwhile():
            calls, more = function.calls(roll)
            replacements += calls
            consts.update(more)
            for call in calls:
                recurrences.take(*collapsed.place(call.start, call.end))
    return sorted(replacements, key=lambda each: each.start), consts


class Collapsed:
    """A sequence in which every run is one element."""

    def __init__(self, ids: np.ndarray, runs: Sequence[tuple[int, int, int]]) -> None:
        elements: list[Hashable] = []
        begins: list[int] = []
        position = 0
        for start, end, period in (*runs, (len(ids), len(ids), 0)):
            elements += ids[position:start].tolist()
            begins += range(position, start)
            if start < end:
                elements.append((ids[start : start + period].tobytes(), end - start))
                begins.append(start)
            position = end
        self.ids = numbered(elements)
        self.begins = np.asarray(begins, np.int64)
        self._ends = np.append(self.begins[1:], len(ids))

    def expanded(self, starts: Sequence[int], length: int) -> tuple[list[int], int]:
        """Return where words stand in the whole sequence, and how long they are."""
        begins = self.begins[list(starts)].tolist()
        return begins, int(self._ends[starts[0] + length - 1]) - begins[0]

    def place(self, start: int, end: int) -> tuple[int, int]:
        """Return the elements that stand for a part of the whole sequence."""
        first = int(np.searchsorted(self.begins, start, side="right")) - 1
        return first, int(np.searchsorted(self.begins, end, side="left"))


class Function:
    """A function that does what a word does, wherever it stands."""

    def __init__(self, operands: OperandTable, word: Repeat) -> None:
        self.program = operands.program
        self.word = word
        self.rows = operands.rows(word)
        self.parameters: dict[Hashable, tuple[Var, list[Any]]] = {}
        self.constants: dict[Var, Any] = {}
        self.before: list[int] = []
        self.eqns: list[JaxprEqn] = []
        self._outside: set[Var] = set()
        starts = operands.slice_columns(word)
        column = 0
        for place in range(word.length):
            eqn = self._eqn(0, place)
            count = len(eqn.invars)
            if self._stays_outside(eqn, column + count if place in starts else None):
                self.before.append(place)
                self._outside.update(eqn.outvars)
            else:
                columns = range(column, column + count)
                invars = [self._operand(place, n, c) for n, c in enumerate(columns)]
                self.eqns.append(eqn.replace(invars=invars))
            column += count + (place in starts)
        self.results = self._results()

    def _eqn(self, row: int, place: int) -> JaxprEqn:
        return self.program.eqns[self.word.starts[row] + place]

    def _stays_outside(self, eqn: JaxprEqn, start: int | None) -> bool:
        """Tell whether an equation takes a slice that each call takes elsewhere."""
        if start is not None:
            return bool((self.rows[:, start] != self.rows[0, start]).any())
        renames = eqn.primitive.name in RENAMINGS and len(eqn.invars) == 1
        return renames and self._is_outside(eqn.invars[0])

    def _is_outside(self, atom: Any) -> bool:
        """Tell whether an atom is a result of an equation before the calls."""
        # NOTE: literals have no hash.
        return isinstance(atom, Var) and atom in self._outside

    def _operand(self, place: int, number: int, column: int) -> Any:
        """Return what stands for an operand in the function."""
        first: Any = self._eqn(0, place).invars[number]
        if self.rows[0, column] >= 0 and not self._is_outside(first):
            return first
        atoms = [self._eqn(row, place).invars[number] for row in range(len(self.rows))]
        if self.rows[0, column] < -1:
            return self._constant(first)
        numbers = [self.program.number(atom) for atom in atoms]
        if all(each is not None for each in numbers):
            contents = {content(each, first.aval) for each in numbers}
            if len(contents) == 1:
                return first if isinstance(first, Literal) else self._constant(first)
        named = tuple(
            content(atom.val, atom.aval) if isinstance(atom, Literal) else atom
            for atom in atoms
        )
        if named not in self.parameters:
            self.parameters[named] = Var(first.aval), atoms
        return self.parameters[named][0]

    def _constant(self, var: Var) -> Var:
        self.constants[var] = self.program.known[var]
        return var

    def _results(self) -> list[tuple[int, int]]:
        """Return which results of which equations are used after any call."""
        found: list[tuple[int, int]] = []
        before = set(self.before)
        for place in range(self.word.length):
            for number, _ in enumerate(self._eqn(0, place).outvars):
                if place not in before and any(
                    self.program.last_use.get(self._eqn(row, place).outvars[number], -1)
                    >= start + self.word.length
                    for row, start in enumerate(self.word.starts)
                ):
                    found.append((place, number))
        return found

    def is_worthwhile(self) -> bool:
        """Tell whether calls of the function take much less than what they replace."""
        start, length = self.word.starts[0], self.word.length
        inside = int(np.diff(self.program.own_weights[[start, start + length]])[0])
        saved = inside - len(self.parameters) - len(self.results)
        vars_ = [var for var, _ in self.parameters.values()]
        vars_ += [self._eqn(0, p).outvars[n] for p, n in self.results]
        return (
            inside >= SMALLEST_FUNCTION
            and saved * (len(self.rows) - 1) >= LEAST_SAVED
            and all(_is_array(var.aval) for var in vars_)
        )

    def calls(self, roll: Roll) -> tuple[list[Replacement], dict[Var, Any]]:
        """Return the calls at all places, and the constants that they need."""
        outs: list[Any] = [self._eqn(0, place).outvars[n] for place, n in self.results]
        eqns, made = roll(self.eqns, outs, self.program.known)
        constants = {**self.constants, **made}
        parameters = [var for var, _ in self.parameters.values()]
        template = jax.make_jaxpr(lambda: ())().jaxpr
        closed = ClosedJaxpr(
            template.replace(
                constvars=[*constants], invars=parameters, outvars=outs, eqns=eqns
            ),
            [*constants.values()],
        )
        call = _call(closed)
        return ([], {}) if call is None else self._placed(*call)

    def _placed(
        self, call: JaxprEqn, invars: Sequence[Any], consts: dict[Var, Any]
    ) -> tuple[list[Replacement], dict[Var, Any]]:
        replacements: list[Replacement] = []
        for row, start in enumerate(self.word.starts):
            atoms = [atoms[row] for _, atoms in self.parameters.values()]
            named: dict[Any, Any] = dict(zip(invars, atoms, strict=True))
            here = call.replace(
                invars=[named.get(var, var) for var in call.invars],
                outvars=[self._eqn(row, p).outvars[n] for p, n in self.results],
                source_info=self._eqn(row, 0).source_info,
            )
            before = [self._eqn(row, place) for place in self.before]
            replacements.append(
                Replacement(start, start + self.word.length, [*before, here])
            )
        return replacements, consts


def _is_array(aval: Any) -> bool:
    return type(aval) is ShapedArray and aval.dtype != jax.dtypes.float0


def _call(
    closed: ClosedJaxpr,
) -> tuple[JaxprEqn, Sequence[Any], dict[Var, Any]] | None:
    """Return an equation that calls a function, its inputs, and its constants.

    There is none where JAX finds a result among the inputs.
    """

    def function(*values: Any) -> list[Any]:
        return jaxpr_as_fun(closed)(*values)

    avals: list[Any] = [var.aval for var in closed.jaxpr.invars]
    shapes = [
        jax.ShapeDtypeStruct(a.shape, a.dtype, weak_type=a.weak_type) for a in avals
    ]
    traced = jax.make_jaxpr(jax.jit(function))(*shapes)
    eqns = traced.jaxpr.eqns
    if len(eqns) != 1 or list(eqns[0].outvars) != list(traced.jaxpr.outvars):
        return None
    consts = dict(zip(traced.jaxpr.constvars, traced.consts, strict=True))
    return eqns[0], traced.jaxpr.invars, consts
