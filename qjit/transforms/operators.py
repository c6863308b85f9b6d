"""Functions of operators: applying them, and their sums, products and matrices."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from qjit.diagnostics.keywords import keywords
from qjit.errors import ParameterTypeError, WireError
from qjit.jit.qnode import qnode
from qjit.lowering.jax_internals.tracing import user_line, wide_types
from qjit.measurements.measurements import state
from qjit.ops.algebra import arithmetic

# NOTE: it registers what `simplify` calls.
from qjit.ops.algebra import normal_form as normal_form
from qjit.ops.algebra.expressions import Prod, SProd, Sum
from qjit.ops.algebra.gates import identity_on
from qjit.ops.algebra.linear_form import check_width
from qjit.ops.algebra.operator import (
    Operator,
    check_operator,
    implements,
    is_number_like,
)
from qjit.ops.algebra.powers import Exp
from qjit.ops.algebra.recording import all_taken, applied, created, noticed, taken
from qjit.ops.observables import Hamiltonian
from qjit.ops.operations import batch_remedy
from qjit.ops.variadic_gates import prepare
from qjit.tracing.context import TraceContext, current, tracing
from qjit.tracing.wires import Wire, WireOrder, Wires, as_labels, is_traced


def apply(op: Operator) -> Operator:
    """Apply an operator in the quantum function under trace.

    Args:
        op: an operator that was made outside the quantum function, or given to it, or
            used in another operator; its matrix has to be unitary.

    Returns:
        The applied operator, for `adjoint`, `ctrl` and `pow`.

    Raises:
        OutsideQNodeError: outside a quantum function.
        MatrixError: if the operator is not unitary, when tracing or at run time.

    >>> import qjit as qj
    >>> flip = qj.X(0)
    >>> @qj.qnode(wires=1)
    ... def circuit():
    ...     qj.apply(flip)
    ...     return qj.expval(qj.Z(0))
    >>> print(circuit())
    -1.0
    """
    current("apply")
    operator = check_operator(op, "apply")
    noticed(operator)
    return applied(operator.value())


@keywords("pauli", "grouping_type", "method")
def dot(coeffs: Any, ops: Sequence[Operator]) -> Operator:
    """Return the sum of operators with coefficients.

    Args:
        coeffs: numbers, an array of shape (terms,); may be traced and differentiated.
        ops: as many operators.

    Raises:
        ParameterError: for another number of coefficients.

    >>> import qjit as qj
    >>> qj.dot([0.5, 2.0], [qj.Z(0), qj.X(0) @ qj.X(1)])
    0.5 * Z(0) + 2 * X(0) @ X(1)
    """
    return Hamiltonian(coeffs, ops)


@keywords("grouping_type", "method", "id")
def sum(*operators: Operator, lazy: bool = True) -> Operator:
    """Return the sum of operators.

    Args:
        operators: any number of operators; none is the zero operator.
        lazy: whether sums among them stay single terms, as `TrotterProduct` takes them.

    Raises:
        ParameterTypeError: for what is no operator.

    >>> import qjit as qj
    >>> qj.sum(qj.X(0), qj.Z(1))
    X(0) + Z(1)
    """
    found = _checked(operators, "sum")
    if lazy:
        return created(Sum(tuple(map(taken, found))))
    return arithmetic.total(found)


@keywords("id", "lazy")
def prod(*operators: Operator) -> Operator:
    """Return the product of operators, the last of which acts first.

    Args:
        operators: any number of operators; none is the identity.

    Raises:
        ParameterTypeError: for what is no operator.

    >>> import qjit as qj
    >>> qj.prod(qj.X(0), qj.Z(1))
    X(0) @ Z(1)
    """
    found = _checked(operators, "prod")
    if not found:
        return created(identity_on(()))
    return arithmetic.product(*found) if len(found) > 1 else found[0]


def _checked(operators: Sequence[Any], what: str) -> list[Operator]:
    return [check_operator(each, what) for each in operators]


@keywords("lazy", "id")
def s_prod(scalar: Any, operator: Operator) -> Operator:
    """Return a number times an operator.

    Args:
        scalar: a real or complex number; may be traced and differentiated.
        operator: the operator.

    Raises:
        ParameterTypeError: for what is no number or no operator.

    >>> import qjit as qj
    >>> qj.s_prod(0.5, qj.Z(0))
    0.5 * Z(0)
    """
    if not is_number_like(scalar) or np.ndim(scalar):
        raise ParameterTypeError(
            f"{user_line()}: s_prod takes a number, but got {scalar!r}."
        )
    return arithmetic.scaled(scalar, check_operator(operator, "s_prod"))


@keywords("id")
def exp(op: Operator, coeff: Any = 1) -> Operator:
    """Return the exponential of a number times an operator.

    Args:
        op: the operator.
        coeff: a number; with an imaginary one and a Hermitian operator, the
            exponential is unitary, and applied inside a quantum function.

    Raises:
        ParameterTypeError: for what is no number or no operator.

    >>> import numpy as np
    >>> import qjit as qj
    >>> rotation = qj.exp(qj.X(0), -0.15j)
    >>> print(np.allclose(rotation.matrix(), qj.RX(0.3, 0).matrix()))
    True
    """
    if not is_number_like(coeff) or np.ndim(coeff):
        raise ParameterTypeError(
            f"{user_line()}: exp takes a number, but got {coeff!r}."
            f"{batch_remedy(np.shape(coeff), ())}"
        )
    return created(Exp(taken(check_operator(op, "exp")), coeff))


@keywords("pauli")
def commutator(op1: Operator, op2: Operator) -> Operator:
    """Return the commutator of two operators, simplified.

    Args:
        op1: the first operator, A.
        op2: the second operator, B.

    Returns:
        A B - B A.

    >>> import qjit as qj
    >>> qj.commutator(qj.X(0), qj.Y(0))
    2j * Z(0)
    """
    left, right = all_taken([check_operator(op, "commutator") for op in (op1, op2)])
    forward, backward = Prod((left, right)), Prod((right, left))
    difference = Sum((forward, SProd(-1.0, backward)))
    return created(difference.simplify())


@implements("circuit_matrix")
def matrix(op: Operator | Callable[..., Any], wire_order: Wires = None) -> Any:
    """Return the matrix of an operator, or a function that computes that of a circuit.

    Args:
        op: an operator, or a function that applies gates.
        wire_order: the wires of the rows and columns, the first the most significant;
            the operator's own when left out, and those that a function uses.

    Returns:
        A complex array of shape (2**k, 2**k), or a function of the arguments that
        returns one, which can be differentiated.

    Raises:
        WireError: if a wire is not in `wire_order`.

    >>> import qjit as qj
    >>> print(qj.matrix(qj.CNOT([0, 1]), wire_order=[1, 0]).real.astype(int))
    [[1 0 0 0]
     [0 0 0 1]
     [0 0 1 0]
     [0 1 0 0]]
    >>> print(qj.matrix(lambda: qj.S(0))().round(3) + 0)
    [[1.+0.j 0.+0.j]
     [0.+0.j 0.+1.j]]
    """
    if isinstance(op, Operator):
        return op.matrix(wire_order)
    if not callable(op):
        raise ParameterTypeError(
            f"{user_line()}: matrix takes an operator or a function, but got "
            f"{type(op).__name__}."
        )
    return CircuitMatrix(op, None if wire_order is None else as_labels(wire_order))


class CircuitMatrix:
    """Computes the matrix of a function that applies gates, at its arguments.

    Column k is the state that basis state k becomes.
    """

    def __init__(self, function: Callable[..., Any], order: Sequence[Wire] | None):
        # NOTE: of a quantum function, only what it applies matters.
        self._function: Any = getattr(function, "function", function)
        declared = getattr(getattr(function, "device", None), "wires", None)
        wires = range(declared) if isinstance(declared, int) else declared
        self._order = wires if order is None else order
        self._nodes: dict[Any, Any] = {}
        functools.update_wrapper(self, self._function)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return the matrix: a complex array of shape (2**k, 2**k)."""
        order = self._order
        if order is None:
            order = _used_wires(self._function, args, kwargs)
        node = self._node(tuple(order))
        dtype = np.complex128 if wide_types() else np.complex64
        columns = jnp.eye(2 ** len(order), dtype=dtype)
        return jax.vmap(lambda column: node(column, *args, **kwargs))(columns).T

    def _node(self, order: tuple[Wire, ...]) -> Any:
        if not order or any(map(is_traced, order)):
            raise WireError(
                f"{user_line()}: a matrix needs wires that are known when tracing. "
                "Name them with wire_order=[...]."
            )
        check_width(len(order))
        if order not in self._nodes:

            @qnode(wires=order)
            def circuit(column: Any, *args: Any, **kwargs: Any) -> Any:
                prepare(column, True, order)
                self._function(*args, **kwargs)
                return state()

            self._nodes[order] = circuit
        return self._nodes[order]


def _used_wires(function: Callable[..., Any], args: Any, kwargs: Any) -> Sequence[Wire]:
    """Return the wires that a function acts on, in order of first use."""
    dtype = np.dtype(np.complex128 if wide_types() else np.complex64)
    order = WireOrder(getattr(function, "__name__", "circuit"), None)
    with tracing(TraceContext(order.name, order, dtype, None)):
        jax.make_jaxpr(lambda: function(*args, **kwargs))()
    return [label for _, label in order.places]


def simplify(input: Operator) -> Operator:
    """Return an equal operator of fewer parts.

    Args:
        input: the operator.

    Returns:
        Of sums and products of Pauli operators, the sum of words with like terms added
        and zeros dropped; of gates, one that is not inverted.

    >>> import qjit as qj
    >>> qj.simplify(qj.X(0) @ qj.Y(0) + 1j * qj.Z(0))
    2j * Z(0)
    """
    return check_operator(input, "simplify").simplify()


@keywords("k", "which")
def eigvals(op: Operator) -> Any:
    """Return the eigenvalues of an operator.

    Args:
        op: the operator, on k wires.

    Returns:
        An array of shape (2**k,), ascending where the eigenvalues are real.

    >>> import qjit as qj
    >>> print(qj.eigvals(qj.Z(0) @ qj.Z(1)))
    [-1. -1.  1.  1.]
    """
    return check_operator(op, "eigvals").eigvals()
