"""Emission of a function whose results are bits, for arguments that are known."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from xdsl.dialects.builtin import ModuleOp, i1

from qjit.dialects.interpreter.classical import interpreter_of
from qjit.lowering.emitters.emitter import EmissionError, Emitter
from qjit.lowering.emitters.values import (
    MOST_OUTCOMES,
    Expression,
    Table,
    as_bit,
    is_bit,
    is_known,
    of_bit,
)
from qjit.lowering.emitters.walk import calls, circuit_rules, control_flow
from qjit.lowering.emitters.walk.walk import Walk

RULES = circuit_rules.RULES | control_flow.RULES | calls.RULES
_PLACES = 2 ** np.arange(MOST_OUTCOMES)


@dataclass(frozen=True)
class Emitted:
    """A program in a language, and how its results are read off the bits it returns."""

    program: Any
    """A text, bytes, or a circuit of another package."""
    num_qubits: int
    num_bits: int
    results: tuple[Any, ...]
    """Known numbers, and tables over bits, which are numbers of columns."""

    def read(self, bits: np.ndarray) -> list[np.ndarray]:
        """Return the results in all shots, from an array (shots, num_bits)."""
        return [self._column(result, bits) for result in self.results]

    def _column(self, result: Any, bits: np.ndarray) -> np.ndarray:
        if not isinstance(result, _Lookup):
            return np.full(len(bits), result)
        places = _PLACES[: len(result.columns)][::-1]
        return np.asarray(result.numbers)[bits[:, result.columns] @ places]


@dataclass(frozen=True)
class _Lookup:
    """A number that bits choose, the first of them most significant."""

    columns: list[int]
    numbers: tuple[Any, ...]


def emit(
    module: ModuleOp,
    entry: str,
    arguments: Sequence[Any],
    emitter: Emitter,
    *,
    in_order: bool = False,
) -> Emitted:
    """Emit a function of a module.

    Args:
        module: in the quantum dialect, before gates are gathered in schedules.
        entry: the name of the function, whose results are numbers.
        arguments: its arguments: arrays of numpy, whose elements may be expressions.
        emitter: an emitter that has nothing written yet.
        in_order: whether the bits of the program are the results in their order, if
            these are bits; else they are all outcomes that results depend on.

    Raises:
        EmissionError: if the language or its device lacks what is needed.
    """
    walk = Walk(module, emitter, interpreter_of(module), RULES)
    results = [_as_table(value) for value in walk.call(entry, arguments)]
    if in_order and all(is_bit(result, i1) for result in results):
        outcomes = [_bit(walk, result) for result in results]
        results = list(map(of_bit, outcomes))
    else:
        tables = [each for each in results if isinstance(each, Table)]
        outcomes = list(dict.fromkeys(o for each in tables for o in each.outcomes))
    program = emitter.finish(outcomes)
    column = {outcome: place for place, outcome in enumerate(outcomes)}
    lookups = [
        _Lookup([column[o] for o in r.outcomes], r.numbers)
        if isinstance(r, Table)
        else r
        for r in results
    ]
    return Emitted(program, walk.num_qubits, emitter.num_bits, tuple(lookups))


def _bit(walk: Walk, value: Any) -> Expression:
    found = walk.whole(as_bit(value), i1)
    return walk.emitter.constant(found) if is_known(found) else found


def _as_table(value: Any) -> Any:
    value = of_bit(value)
    if isinstance(value, Table) or is_known(value):
        return value
    raise EmissionError("a result that is a number which only the device can compute")
