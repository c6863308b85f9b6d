"""What is emitted of calls: a function of the language, or what the function does."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from xdsl.dialects import func
from xdsl.dialects.builtin import AnyFloat

from qjit.dialects.quantum.types import RegisterType
from qjit.lowering.emitters.emitter import EmissionError
from qjit.lowering.emitters.values import Expression, is_known

from .walk import Rules, Values, Walk

RULES = Rules()


@RULES.of(func.CallOp)
def _call(walk: Walk, op: func.CallOp, operands: Values) -> Values:
    name = op.callee.string_value()
    kinds = [operand.type for operand in op.operands]
    qubits = [n for n, kind in enumerate(kinds) if isinstance(kind, RegisterType)]
    wires = tuple(range(walk.num_qubits))
    if walk.emitter.has_subroutines and [operands[n] for n in qubits] == [wires]:
        passed = [n for n, kind in enumerate(kinds) if isinstance(kind, AnyFloat)]
        known = {n: v for n, v in enumerate(operands) if n not in passed}
        subroutine = _subroutine(walk, op, name, known, passed)
        if subroutine is not None:
            given = [walk.whole(operands[n], kinds[n]) for n in passed]
            walk.emitter.call(subroutine, given)
            return [wires]
    return walk.call(name, operands)


def _subroutine(
    walk: Walk,
    op: func.CallOp,
    name: str,
    known: dict[int, Any],
    passed: Sequence[int],
) -> str | None:
    """Return what does as a function does for known operands; None if nothing can."""
    numbers = [np.asarray(value, object) for value in known.values()]
    if not all(is_known(each) for array in numbers for each in array.flat):
        return None
    key = name, tuple((array.shape, tuple(array.flat)) for array in numbers)
    if key in walk.subroutines:
        return walk.subroutines[key]

    def body(parameters: Sequence[Expression]) -> None:
        given = {**known, **dict(zip(passed, parameters, strict=True))}
        with walk.memory.scope(fixed=True):
            found = walk.call(name, [given[n] for n in range(len(given))])
        if list(found) != [tuple(range(walk.num_qubits))]:
            raise EmissionError("qubits that a subroutine moves")

    mark = walk.mark()
    try:
        kinds = [op.operands[n].type for n in passed]
        walk.subroutines[key] = walk.emitter.define(kinds, body)
    except EmissionError:
        walk.undo(mark)
        walk.subroutines[key] = None
    return walk.subroutines[key]
