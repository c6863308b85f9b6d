"""What is asked of operators: generators, Pauli words, commutation, groups."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from jax.core import Tracer

from qjit.diagnostics.keywords import check_keyword
from qjit.errors import (
    MatrixError,
    ParameterError,
    ParameterTypeError,
    UnsupportedError,
)
from qjit.lowering.analysis.observable_groupings import (
    ANTICOMMUTING,
    COMMUTING,
    QUBIT_WISE,
    WORDS,
    grouping_named,
    names_of,
)
from qjit.lowering.jax_internals.tracing import user_line
from qjit.lowering.passes.quantum.measurements.commuting_groups import coloured
from qjit.ops.algebra.dense import is_hermitian
from qjit.ops.algebra.expressions import Hamiltonian, PauliSum, SProd, Sum, pauli_word
from qjit.ops.algebra.gates import Gate, controlled_matrix
from qjit.ops.algebra.linear_form import Term, embedded, of_matrix, without_zeros
from qjit.ops.algebra.operator import Operator, check_operator, static_labels, union
from qjit.ops.algebra.pauli import Word, commute, commute_qubit_wise, decomposition
from qjit.ops.algebra.powers import Exp
from qjit.ops.algebra.recording import created, taken
from qjit.tracing.wires import Wires, as_labels

FORMATS = ("prefactor", "observable", "hamiltonian", "arrays")


def generator(op: Any, format: str = "prefactor") -> Any:
    """Return the generator G of a gate with one angle, which is exp(i angle G).

    Args:
        op: the gate as an operator, or its function; then the result is a function of
            the gate's arguments.
        format: "prefactor" for an operator and the number before it, "observable" or
            "hamiltonian" for one operator, "arrays" for the coefficients and Pauli
            operators.

    Returns:
        What the format says.

    Raises:
        UnsupportedError: if the gate is not of this kind.

    >>> import qjit as qj
    >>> qj.generator(qj.RX(0.3, wires=0))
    (X(0), -0.5)
    >>> qj.generator(qj.IsingZZ(0.3, wires=[0, 1]), format="observable")
    -0.5 * Z(0) @ Z(1)
    """
    if format not in FORMATS:
        raise ParameterError(
            f"{user_line()}: format takes {', '.join(map(repr, FORMATS))}, but got "
            f"{format!r}."
        )
    if not isinstance(op, Operator) and callable(op):
        build: Callable[..., Any] = getattr(op, "build", op)
        return lambda *args, **kwargs: generator(build(*args, **kwargs), format)
    gate = taken(check_operator(op, "generator"))
    if isinstance(gate, Exp) and gate.is_unitary:
        return _formatted([1.0], [gate.base], format)
    if not isinstance(gate, Gate) or not gate.record.additive:
        raise UnsupportedError(
            f"{user_line()}: {gate!r} is not the exponential of one angle times an "
            "operator, so it has no generator."
        )
    return _formatted(*_generator_form(gate), format)


def _formatted(
    coefficients: list[float], operators: list[Operator], format: str
) -> Any:
    """Return a sum of operators as the format says."""
    whole = [SProd(c, o) for c, o in zip(coefficients, operators, strict=True)]
    if format == "arrays":
        return np.asarray(coefficients), operators
    if format == "hamiltonian":
        return Hamiltonian(np.asarray(coefficients), tuple(operators))
    if format == "observable":
        return whole[0] if len(whole) == 1 else Sum(tuple(whole))
    if len(whole) == 1:
        return operators[0], coefficients[0]
    return Sum(tuple(whole)), 1.0


def _generator_form(gate: Gate) -> tuple[list[float], list[Operator]]:
    """Return the coefficients and Pauli words of a gate's generator."""
    harmonics = gate.record.harmonics(**gate.static)
    matrix: Any = sum(w[0] * c for w, c in harmonics.items())
    matrix = -matrix if gate.inverted else matrix
    # Where the controls have other values, a controlled gate generates nothing.
    idle = controlled_matrix(np.zeros((len(matrix),) * 2), gate.control_values)
    whole = controlled_matrix(matrix, gate.control_values) - (
        idle if gate.controls else 0
    )
    form = without_zeros(of_matrix(whole, static_labels(gate)))
    words = [pauli_word(term.word, gate.wires) for term in form.terms]
    return np.real(form.coefficients).tolist(), words


def pauli_decompose(
    H: Any,
    hide_identity: bool = False,
    wire_order: Wires = None,
    pauli: bool = False,
    check_hermitian: bool = True,
) -> Operator:
    """Return a matrix as a sum of Pauli words.

    Args:
        H: complex array of shape (2**k, 2**k); may be traced.
        hide_identity: accepted; identities in words are never written.
        wire_order: the k wires, 0 to k - 1 when left out.
        pauli: False, as the result is an operator in any case.
        check_hermitian: refuse a known matrix that is not Hermitian.

    Returns:
        The sum, without the words whose coefficients are known to be zero.

    Raises:
        MatrixError: if the shape is another, or the matrix is not Hermitian.

    >>> import numpy as np
    >>> import qjit as qj
    >>> qj.pauli_decompose(np.array([[1.0, 2.0], [2.0, -1.0]]))
    2 * X(0) + 1 * Z(0)
    """
    check_keyword("pauli_decompose", "pauli", pauli)
    shape = np.shape(H)
    width = max(int(shape[0]) - 1, 0).bit_length() if shape else -1
    wires = range(max(width, 0)) if wire_order is None else as_labels(wire_order)
    if shape != (2 ** len(wires),) * 2:
        raise MatrixError(
            f"{user_line()}: pauli_decompose takes a matrix of shape (2**k, 2**k) for "
            f"k wires, but got shape {shape} for {len(wires)} wire(s)."
        )
    matrix = H if isinstance(H, Tracer) else np.asarray(H)
    if check_hermitian and not isinstance(H, Tracer) and not is_hermitian(matrix):
        raise MatrixError(
            f"{user_line()}: the matrix given to pauli_decompose is not Hermitian. "
            "Pass check_hermitian=False for complex coefficients."
        )
    return created(of_matrix_as_words(matrix, wires))


def of_matrix_as_words(matrix: Any, wires: Sequence[Any]) -> Operator:
    """Return a matrix as a sum of words, whatever its size."""
    pairs = list(decomposition(matrix, tuple(wires)))
    numbers = [number for number, _ in pairs]
    if isinstance(matrix, Tracer):
        import jax.numpy as jnp

        coefficients: Any = jnp.stack(numbers)
    else:
        coefficients = np.asarray(numbers, complex)
        if not np.any(np.abs(coefficients.imag) > 1e-14 * np.max(np.abs(matrix))):
            coefficients = coefficients.real
    words = tuple(Term(word) for _, word in pairs)
    return PauliSum(coefficients, words, tuple(wires))


def is_commuting(operation1: Operator, operation2: Operator) -> bool:
    """Tell whether two operators commute.

    Args:
        operation1: the first operator, whose numbers are known.
        operation2: the second one.

    Raises:
        UnsupportedError: if their matrices depend on traced numbers.

    >>> import qjit as qj
    >>> qj.is_commuting(qj.X(0) @ qj.X(1), qj.Z(0) @ qj.Z(1))
    True
    """
    both = (operation1, operation2)
    left, right = (check_operator(op, "is_commuting").value() for op in both)
    if set(static_labels(left)).isdisjoint(static_labels(right)):
        return True
    words = [_single_word(op) for op in (left, right)]
    if words[0] is not None and words[1] is not None:
        return commute(words[0], words[1])
    order = union([left, right])
    pair = [embedded(op.own_matrix(), op.wires, order) for op in (left, right)]
    if any(isinstance(matrix, Tracer) for matrix in pair):
        raise UnsupportedError(
            f"{user_line()}: whether {left!r} and {right!r} commute depends on numbers "
            "that are known only when the program runs."
        )
    product, reverse = pair[0] @ pair[1], pair[1] @ pair[0]
    return bool(
        np.allclose(product, reverse, atol=1e-10 * max(1, np.max(abs(product))))
    )


def _single_word(operator: Operator) -> Word | None:
    """Return the word of a Pauli word with any coefficient, or None."""
    form = operator.linear_form()
    if len(form.terms) != 1 or form.matrices:
        return None
    return form.terms[0].word


FITTING: dict[str | None, Callable[[Word, Word], bool]] = {
    QUBIT_WISE: commute_qubit_wise,
    COMMUTING: commute,
    ANTICOMMUTING: lambda left, right: not commute(left, right),
}


def group_observables(
    observables: Sequence[Operator] | Operator,
    coefficients: Any = None,
    grouping_type: str = "qwc",
    method: str = "lf",
) -> Any:
    """Return Pauli words in groups that can be measured together.

    A word joins the first group that it fits, those that fit least first (the
    largest-first colouring of Welsh and Powell, 1967).

    Args:
        observables: Pauli words, or their sum.
        coefficients: a number for each, to be grouped as well.
        grouping_type: "qubit-wise" or "qwc" for words that agree wherever both act,
            "commuting" for words that commute, "anticommuting" for words that
            anticommute.
        method: "lf" for largest first, the only one.

    Returns:
        A list of lists of the observables; with coefficients, and one of lists of them.

    Raises:
        ParameterError: for another grouping, or observables that are no Pauli words.

    >>> import qjit as qj
    >>> qj.group_observables([qj.Z(0), qj.X(0), qj.Z(0) @ qj.Z(1)])
    [[X(0)], [Z(0), Z(0) @ Z(1)]]
    """
    fits = FITTING.get(grouping_named(grouping_type, WORDS))
    if fits is None:
        raise ParameterError(
            f"{user_line()}: grouping_type takes "
            f"{', '.join(map(repr, names_of(WORDS)))}, but got {grouping_type!r}."
        )
    if method != "lf":
        raise ParameterError(
            f"{user_line()}: group_observables colours largest first, which is method "
            f"'lf', but got {method!r}. Leave it out."
        )
    operators = _words_of(observables)
    words = [_word_or_refuse(op) for op in operators]
    if coefficients is not None and len(coefficients) != len(operators):
        raise ParameterError(
            f"{user_line()}: group_observables takes one coefficient for each "
            f"observable, but got {len(coefficients)} for {len(operators)}."
        )
    fitting = [[fits(left, right) for right in words] for left in words]
    conflict = ~np.array(fitting, np.bool_) & ~np.eye(len(words), dtype=np.bool_)
    groups = coloured(conflict)
    grouped = [[operators[n] for n in group] for group in groups]
    if coefficients is None:
        return grouped
    return grouped, [[coefficients[n] for n in group] for group in groups]


def _words_of(observables: Any) -> list[Operator]:
    if not isinstance(observables, Operator):
        return [
            check_operator(each, "group_observables").value() for each in observables
        ]
    form = observables.value().linear_form()
    if form.matrices:
        raise ParameterTypeError(
            f"{user_line()}: group_observables takes sums of Pauli words."
        )
    return [pauli_word(term.word, observables.wires) for term in form.terms]


def _word_or_refuse(operator: Operator) -> Word:
    word = _single_word(operator)
    if word is None:
        raise ParameterError(
            f"{user_line()}: group_observables takes Pauli words, but got {operator!r}."
        )
    return word
