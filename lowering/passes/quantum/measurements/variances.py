"""Variances of observables that no one circuit measures, by means of two observables.

The variance of a sum of Pauli words is <A^2> - <A>^2, and A^2 is a sum of words again:
words that anticommute cancel.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from xdsl.dialects import arith
from xdsl.ir import SSAValue
from xdsl.rewriter import Rewriter

from qjit.dialects.quantum import ExpvalOp, VarOp
from qjit.dialects.quantum.types import TermAttr
from qjit.lowering.analysis.observable_groupings import QUBIT_WISE, SINGLE
from qjit.lowering.passes.pipeline import PassError

from .classical_code import Code
from .commuting_groups import conflicts
from .final_measurements import FinalMeasurements, factors_of

# The letter that a product of letters is, up to i or -i; those of the other order, -i.
TURNING = ("XYZ", "YZX", "ZXY")


def expand_variances(found: FinalMeasurements, grouping: str) -> None:
    """Replace variances of sums that have no common basis.

    Raises:
        PassError: for such sums with matrices.
    """
    for op in [reading.op for reading in found.readings]:
        if isinstance(op, VarOp) and _is_apart(op, grouping):
            if len(op.matrices):
                raise PassError(
                    f"{found.place(op)}: the variance of a sum whose terms are not "
                    "measured together is taken of Pauli words, but this one has "
                    "matrices. Measure the terms and their products."
                )
            _expand(op)


def _is_apart(op: VarOp, grouping: str) -> bool:
    products = [factors_of(term, op.matrices) for term in op.terms]
    acting = [each for each in products if each.on]
    if grouping == SINGLE:
        return len(acting) > 1
    return bool(conflicts(acting, qubit_wise=grouping == QUBIT_WISE).any())


def _expand(op: VarOp) -> None:
    code = Code(op)
    words = [term.word.data for term in op.terms]
    values = [code.load(op.coefficients, code.index(n)) for n in range(len(words))]
    parts: dict[str, list[SSAValue]] = {
        "I" * len(words[0]): [code.insert(arith.MulfOp(each, each)) for each in values]
    }
    for (one, left), (two, right) in combinations(enumerate(words), 2):
        sign, word = _product(left, right)
        if sign:
            both = code.insert(arith.MulfOp(values[one], values[two]))
            parts.setdefault(word, []).append(code.scaled(both, 2.0 * sign))
    square = sorted(parts, key=_flips)
    weights = code.stored([code.summed(parts[word]) for word in square])
    line = None if op.line is None else op.line.value.data

    def mean(weights: SSAValue, terms: Sequence[TermAttr]) -> SSAValue:
        return code.insert(ExpvalOp(op.register, weights, [], terms, line=line))

    of_square = mean(weights, [TermAttr(word) for word in square])
    of_sum = mean(op.coefficients, list(op.terms))
    spread = code.insert(
        arith.SubfOp(of_square, code.insert(arith.MulfOp(of_sum, of_sum)))
    )
    op.value.replace_all_uses_with(
        code.insert(arith.MaximumfOp(spread, code.number(0.0)))
    )
    Rewriter.erase_op(op)


def _flips(word: str) -> list[bool]:
    """Return what words of an observable are sorted by."""
    return [letter in "XY" for letter in word]


def _product(left: str, right: str) -> tuple[int, str]:
    """Return the product of words, as a sign and a word; 0 if they anticommute."""
    quarter, letters = 0, list[str]()
    for one, two in zip(left, right, strict=True):
        if "I" in (one, two):
            letters.append(one if two == "I" else two)
        elif one == two:
            letters.append("I")
        else:
            letters.append(next(each for each in "XYZ" if each not in (one, two)))
            quarter += 1 if (one + two + letters[-1]) in TURNING else -1
    return (0 if quarter % 2 else 1 - quarter % 4), "".join(letters)
