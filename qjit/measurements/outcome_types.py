"""Whether a sum of outcomes is one: JAX takes that of booleans for their disjunction.

A jaxpr does not tell the two apart. They are equally true, so that it matters only
where the result is used as a number. A function in which it does is traced with
integers for outcomes; where booleans are then still used so, it is refused.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeVar

import jax
import numpy as np
from jax.core import Tracer
from jax.extend.core import ClosedJaxpr, JaxprEqn, Var

from qjit.diagnostics.translation import line_of
from qjit.errors import (
    MeasuredValueError,
    MeasurementError,
    OutcomeTypeError,
    QJitError,
)
from qjit.lowering.jax_internals.tracing import user_line
from qjit.lowering.jaxpr.primitives import TERMINAL_PRIMITIVES, measure_p
from qjit.lowering.jaxpr.traversal import measures_mid_circuit
from qjit.tracing.context import TraceContext

from .bit_inversion import inverting_bits
from .outcome_flow import Flow

Rest = TypeVar("Rest")
Trace = Callable[[], tuple[ClosedJaxpr, Rest]]

TERMINAL = frozenset(primitive.name for primitive in TERMINAL_PRIMITIVES)

# What arranges the elements of arrays, or chooses among them.
STRUCTURAL = frozenset(
    [
        "broadcast_in_dim",
        "reshape",
        "squeeze",
        "expand_dims",
        "concatenate",
        "stack",
        "unstack",
        "split",
        "slice",
        "dynamic_slice",
        "dynamic_update_slice",
        "gather",
        "scatter",
        "transpose",
        "rev",
        "pad",
        "copy",
        "copy_p",
        "optimization_barrier",
        "select_n",
    ]
)
# What is as true of a positive number as of a boolean.
LOGICAL = frozenset(
    ["and", "or", "not", "max", "min", "reduce_and", "reduce_or", "reduce_max"]
)
# What adds or multiplies numbers, and takes booleans.
ADDING = frozenset(
    [
        "add",
        "add_any",
        "sub",
        "mul",
        "neg",
        "pow",
        "integer_pow",
        "dot_general",
        "conv_general_dilated",
        "scatter-add",
        "scatter_add",
        "scatter-mul",
        "scatter_mul",
        "reduce_sum",
        "reduce_prod",
        "reduce_window_sum",
        "cumsum",
        "cumprod",
    ]
)
# Functions of JAX that do something else for booleans.
DISTINGUISHING = frozenset({"diff", "_diff"})


def typed(trace: Trace[Rest], context: TraceContext) -> tuple[ClosedJaxpr, Rest]:
    """Trace a quantum function with the type of outcomes that gives their meaning."""
    try:
        traced = trace()
    except (TypeError, IndexError) as error:
        # NOTE: such as of a difference of booleans, or of one as an index.
        if not context.measures or isinstance(error, _CONCRETE):
            raise
        return _as_integers(trace, context, error)
    if not measures_mid_circuit(traced[0].jaxpr):
        return traced
    search = _search(traced[0])
    found = _ambiguity(search)
    if found is None:
        return traced
    return _as_integers(trace, context, found, compares=search.compares_with_zero())


def _as_integers(
    trace: Trace[Rest],
    context: TraceContext,
    error: Exception,
    *,
    compares: bool = True,
) -> tuple[ClosedJaxpr, Rest]:
    """Trace with integers for outcomes, or raise what is wrong with booleans."""
    context.trace_again(integers=True)
    try:
        closed, rest = trace()
    except (TypeError, IndexError, MeasurementError, Warning):
        raise _explained(error) from error
    search = _search(closed, compares=compares)
    found = _ambiguity(search)
    if found is not None:
        raise found from error
    return inverting_bits(closed, search.inversions()), rest


_CONCRETE = (
    MeasuredValueError,
    jax.errors.TracerBoolConversionError,
    jax.errors.TracerArrayConversionError,
)


def _search(closed: ClosedJaxpr, *, compares: bool = True) -> "_Search":
    flow = Flow.of(closed.jaxpr)
    outcomes = flow.reached(outcomes_in(flow), lambda eqn: not is_terminal(eqn))
    outputs = frozenset(_variables(closed.jaxpr.outvars))
    known = dict(zip(closed.jaxpr.constvars, closed.consts, strict=True))
    return _Search(flow, outcomes, outputs, known, compares)


def _ambiguity(search: "_Search") -> OutcomeTypeError | None:
    """Return an error if JAX may have taken a sum of outcomes for something else."""
    found = next(search.ambiguous(), None)
    if found is None:
        return None
    return OutcomeTypeError(
        f"{user_line(found.source_info)}: these measured outcomes come from arrays or "
        "from functions of JAX, which does not tell here whether they are booleans or "
        "numbers: it takes a sum of booleans for their disjunction. Convert them to "
        "integers for arithmetic, as in bits.astype(int); for a disjunction, write "
        "m0 | m1 with what qjit.measure returned."
    )


def _explained(error: Exception) -> Exception:
    """Return the error for something that JAX refuses to do with booleans."""
    said = str(error).splitlines()[0].rstrip(".")
    if isinstance(error, QJitError) or "bool" not in said:
        return error
    return OutcomeTypeError(
        f"{line_of(error)}: {said}. Measured outcomes in arrays and in results of "
        "JAX's functions are booleans. Convert them to integers, as in "
        "bits.astype(int)."
    )


def outcomes_in(flow: Flow) -> Iterator[Var]:
    """Yield the outcomes that a quantum function measures."""
    for eqn in flow.equations:
        if eqn.primitive is measure_p:
            yield from eqn.outvars


def is_terminal(eqn: JaxprEqn) -> bool:
    """Tell whether an equation measures at the end of a circuit."""
    return eqn.primitive.name in TERMINAL


def _variables(atoms: Iterable[Any]) -> list[Var]:
    return [atom for atom in atoms if isinstance(atom, Var)]


def _is_boolean(atom: Any) -> bool:
    return atom.aval.dtype == np.bool_


class Meaning(Enum):
    """What an integer stands for."""

    BIT = 0  # an outcome, or what logic makes of outcomes
    NUMBER = 1
    UNKNOWN = 2


@dataclass(frozen=True)
class _Search:
    """Searches for equations that mean one thing for booleans, another for integers."""

    flow: Flow
    outcomes: set[Var]
    outputs: frozenset[Var]
    known: dict[Var, Any]
    compares: bool  # whether the user compares outcomes with zero

    def ambiguous(self) -> Iterator[JaxprEqn]:
        """Yield the equations whose operands have lost their meaning."""
        for eqn, boolean in self._touched():
            name = eqn.primitive.name
            if (
                (name == "or" and boolean and self._may_add(eqn))
                or (name in ADDING and boolean)
                or (name == "not" and self._meanings(eqn) == {Meaning.UNKNOWN})
            ):
                yield eqn
        for eqn in self.flow.calls:
            given = self.outcomes.intersection(_variables(eqn.invars))
            if eqn.params.get("name") in DISTINGUISHING and any(
                map(_is_boolean, given)
            ):
                yield eqn

    def inversions(self) -> list[JaxprEqn]:
        """Return the equations that invert the bits of integers for outcomes."""
        return [
            eqn
            for eqn, boolean in self._touched()
            if eqn.primitive.name == "not"
            and not boolean
            and self._meanings(eqn) == {Meaning.BIT}
        ]

    def compares_with_zero(self) -> bool:
        """Tell whether what may be a sum is one of comparisons with zero."""
        return any(
            self._is_conversion(atom)
            for eqn, boolean in self._touched()
            if boolean and eqn.primitive.name == "or"
            for atom in eqn.invars
        )

    def _touched(self) -> Iterator[tuple[JaxprEqn, bool]]:
        """Yield the equations on outcomes, and whether these are booleans."""
        for eqn in self.flow.equations:
            given = self.outcomes.intersection(_variables(eqn.invars))
            if given:
                yield eqn, any(map(_is_boolean, eqn.invars))

    def _may_add(self, eqn: JaxprEqn) -> bool:
        # NOTE: of integers, only functions of logic make booleans by themselves.
        converts = not self.compares and any(map(self._is_conversion, eqn.invars))
        return not converts and self._is_counted(eqn.outvars[0])

    def _is_conversion(self, atom: Any) -> bool:
        """Tell whether a boolean is an integer that is compared with zero."""
        maker = self.flow.makers.get(atom) if isinstance(atom, Var) else None
        if maker is None or maker.primitive.name != "ne":
            return False
        return any(not isinstance(v, Var) and not np.any(v.val) for v in maker.invars)

    def _is_counted(self, var: Var) -> bool:
        """Tell whether a boolean is used as a number."""
        seen: set[Var] = set()
        waiting = [var]
        while waiting:
            var = waiting.pop()
            if var in seen:
                continue
            seen.add(var)
            if var in self.outputs:
                return True
            waiting += self.flow.names[var]
            for eqn in self.flow.readers[var]:
                if self._counts(eqn):
                    return True
                if eqn.primitive.name != "select_n" or var in eqn.invars[1:]:
                    waiting += eqn.outvars
        return False

    def _counts(self, eqn: JaxprEqn) -> bool:
        """Tell whether an equation takes a boolean for a number."""
        name = eqn.primitive.name
        if name != "convert_element_type":
            return name not in STRUCTURAL | LOGICAL
        (out,) = eqn.outvars
        # NOTE: a branch converts its predicate to the number of a case.
        decides = self.flow.decided[out] and not self.flow.readers[out]
        elsewhere = self.flow.names[out] or out in self.outputs
        return not _is_boolean(out) and (not decides or bool(elsewhere))

    def _meanings(self, eqn: JaxprEqn) -> set[Meaning]:
        """Return whether operands are bits, numbers, or one cannot tell."""
        found: set[Meaning] = set()
        seen: set[Var] = set()
        waiting = list(eqn.invars)
        while waiting:
            atom = waiting.pop()
            if not isinstance(atom, Var) or atom in self.known:
                value = self.known[atom] if isinstance(atom, Var) else atom.val
                found.add(_meaning_of(value))
                continue
            if atom in seen or _is_boolean(atom):
                continue
            seen.add(atom)
            sources, maker = self.flow.sources[atom], self.flow.makers.get(atom)
            waiting += sources
            if maker is None:
                found |= set() if sources else {Meaning.UNKNOWN}
            elif maker.primitive.name in STRUCTURAL | LOGICAL | _LIKE_LOGIC:
                waiting += _data(maker)
            else:
                found.add(Meaning.NUMBER)
        if Meaning.NUMBER in found:
            return {Meaning.NUMBER}
        return {Meaning.UNKNOWN} if Meaning.UNKNOWN in found else {Meaning.BIT}


def _meaning_of(value: Any) -> Meaning:
    if isinstance(value, Tracer):
        return Meaning.UNKNOWN
    array = np.asarray(value)
    return Meaning.BIT if np.all((array == 0) | (array == 1)) else Meaning.NUMBER


def _data(eqn: JaxprEqn) -> list[Any]:
    """Return the operands that an equation arranges, not those that say how."""
    name, operands = eqn.primitive.name, eqn.invars
    if name in ("dynamic_slice", "gather"):
        return operands[:1]
    if name in ("dynamic_update_slice", "scatter"):
        return [operands[0], operands[2 if name == "scatter" else 1]]
    return operands[1:] if name == "select_n" else operands


# NOTE: a product of two outcomes is their conjunction.
_LIKE_LOGIC = {"xor", "mul", "convert_element_type"}
