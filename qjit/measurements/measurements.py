"""Measurements: what a quantum function returns, and mid-circuit measurement."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from qjit.errors import MeasurementError, ParameterError, UnsupportedError
from qjit.lowering.jax_internals.tracing import user_line
from qjit.lowering.jaxpr.primitives import (
    density_matrix_p,
    expval_p,
    measure_p,
    real_dtype,
    reset_p,
    state_p,
    var_p,
)
from qjit.ops.algebra.operator import Operator, is_operator
from qjit.ops.algebra.traced_wires import indices, marginal
from qjit.ops.observables import Observable, as_observable, real_coefficients
from qjit.tracing.context import TraceContext, current
from qjit.tracing.measured_values import Kind, measured
from qjit.tracing.wires import (
    Wires,
    as_bit,
    as_wires,
    is_traced,
    positions,
    static_positions,
    static_wires,
)

from . import outcomes
from .outcomes import Measured, measured_values
from .shot_estimators import (
    basis_of,
    computational,
    drawn,
    estimated_mean,
    estimated_variance,
    probabilities,
    tallies,
)


def _statistic(primitive: Any, observable: Any, name: str) -> Any:
    context = current(name)
    observable = as_observable(observable, name).located(context)
    dtype = real_dtype(context.dtype)
    coefficients = real_coefficients(observable.coefficients, name)
    if jnp.asarray(coefficients).dtype != dtype:
        coefficients = (
            jax.lax.convert_element_type(coefficients, dtype)
            if isinstance(coefficients, Tracer)
            else np.asarray(coefficients, dtype)
        )
    terms = tuple((term.word, term.factors) for term in observable.terms)
    matrices = [jnp.asarray(m, dtype=context.dtype) for m in observable.matrices]
    (result,) = primitive.bind(
        coefficients, *matrices, terms=terms, dtype=context.dtype
    )
    return result


def expval(op: Observable | Any) -> jax.Array:
    """Return the expectation value of an observable.

    Args:
        op: an observable, built from X, Y, Z, I, H, Hermitian, Projector, Hamiltonian
            and `@ + - *`; or a real expression of measured values, of any shape, or a
            list of such.

    Returns:
        A real array of the precision of the quantum function: a scalar for an
        observable, the shape of the expression otherwise. Without shots it is exact.

    >>> import qjit as qj
    >>> @qj.qnode(wires=1)
    ... def circuit(angle):
    ...     qj.RX(angle, wires=0)
    ...     return qj.expval(qj.Z(0))
    >>> print(f"{circuit(0.0):.1f}")
    1.0
    """
    if (found := measured_values(op, named=True)) is not None:
        return outcomes.mean(found.values)
    if current("expval").shots is not None:
        return estimated_mean(op)
    return _statistic(expval_p, op, "expval")


def var(op: Observable | Any) -> jax.Array:
    """Return the variance of an observable.

    Args:
        op: an observable, built from X, Y, Z, I, H, Hermitian, Projector, Hamiltonian
            and `@ + - *`; or a real expression of measured values, of any shape, or a
            list of such.

    Returns:
        A real array of the precision of the quantum function: a scalar for an
        observable, the shape of the expression otherwise. Without shots it is exact.

    >>> import qjit as qj
    >>> @qj.qnode(wires=1)
    ... def circuit():
    ...     qj.H(0)
    ...     return qj.var(qj.Z(0))
    >>> print(f"{circuit():.1f}")
    1.0
    """
    if (found := measured_values(op, named=True)) is not None:
        return outcomes.variance(found.values)
    if current("var").shots is not None:
        return estimated_variance(op)
    return _statistic(var_p, op, "var")


def _all_or(wires: Wires, context: TraceContext, what: str) -> tuple[int, ...]:
    if wires is None:
        return tuple(range(len(context.order.all())))
    return static_positions(static_wires(wires, context, what), context)


def _traced(wires: Wires, context: TraceContext) -> list[jax.Array]:
    """Return the positions of wires if some of them are traced."""
    labels = () if wires is None else as_wires(wires, context)
    return indices(labels, context) if any(map(is_traced, labels)) else []


def _subject(
    wires: Any, op: Any, what: str
) -> tuple[Wires, Operator | None, Measured | None]:
    """Return what is measured: wires, an observable, or values measured before."""
    if wires is not None and op is not None:
        raise MeasurementError(
            f"{user_line()}: {what} takes op or wires, but got both. An observable has "
            "its own wires, and measured values have none."
        )
    named = op is not None
    subject = op if named else wires
    if is_operator(subject):
        return None, subject, None
    values = measured_values(subject, named=named)
    return (subject, None, None) if values is None else (None, None, values)


def probs(wires: Wires | Any = None, op: Any = None) -> jax.Array:
    """Return the probabilities of the basis states of some wires.

    Args:
        wires: k wires, static or traced; all when left out. Or k measured outcomes or
            logical expressions of them, for their joint probabilities.
        op: an observable on k wires, instead of wires: the probabilities are those of
            its eigenvectors. Of a product, they are in the order of its factors: the
            eigenvalue 1 of X, Y, Z and H is before -1, those of a matrix ascend, and
            a projector has the basis states. Or measured outcomes.

    Returns:
        A real array of shape (2**k,); the first wire is the most significant.

    Raises:
        MeasurementError: for wires and an observable at once.

    >>> import qjit as qj
    >>> @qj.qnode(wires=2)
    ... def circuit():
    ...     qj.X(1)
    ...     return qj.probs()
    >>> print(circuit())
    [0. 1. 0. 0.]
    """
    context = current("probs")
    wires, op, values = _subject(wires, op, "probs")
    if op is not None:
        if any(map(is_traced, op.wires)):
            raise UnsupportedError(
                f"{user_line()}: probs of an observable needs wires that are known "
                "when tracing. Apply the gates that diagonalise it, such as qjit.H for "
                "X, and take qjit.probs of the wires."
            )
        return probabilities(basis_of(op, "probs", context).group, context)
    if values is not None:
        return outcomes.distribution(values.bits("probs"))
    places = _traced(wires, context)
    on = _all_or(None if places else wires, context, "probs")
    return probabilities(computational(on), context, places)


def state() -> jax.Array:
    """Return the state vector.

    Returns:
        A complex array of shape (2**wires,); wire 0 is the most significant.

    >>> import qjit as qj
    >>> @qj.qnode(wires=1)
    ... def circuit():
    ...     qj.X(0)
    ...     return qj.state()
    >>> print(circuit())
    [0.+0.j 1.+0.j]
    """
    context = current("state")
    count = len(context.order.all())
    return state_p.bind(num_wires=count, dtype=context.dtype)[0]


def density_matrix(wires: Wires = None) -> jax.Array:
    """Return the reduced density matrix of some wires.

    Args:
        wires: k wires, known when tracing; all when left out.

    Returns:
        A complex array of shape (2**k, 2**k); the first wire is the most significant.

    >>> import qjit as qj
    >>> @qj.qnode(wires=1)
    ... def circuit():
    ...     qj.X(0)
    ...     return qj.density_matrix()
    >>> print(circuit().real)
    [[0. 0.]
     [0. 1.]]
    """
    context = current("density_matrix")
    on = _all_or(wires, context, "density_matrix")
    return density_matrix_p.bind(wires=on, dtype=context.dtype)[0]


def purity(wires: Wires) -> jax.Array:
    """Return the purity tr(rho**2) of the reduced state of some wires.

    Args:
        wires: the wires, known when tracing.

    Returns:
        A real scalar, one for a pure state.

    >>> import qjit as qj
    >>> @qj.qnode(wires=2)
    ... def bell():
    ...     qj.H(0)
    ...     qj.CNOT(wires=[0, 1])
    ...     return qj.purity(0)
    >>> print(f"{bell():.2f}")
    0.50
    """
    rho = density_matrix(wires)
    return jnp.sum(jnp.real(rho * jnp.conj(rho)))


def vn_entropy(wires: Wires, log_base: float | None = None) -> jax.Array:
    """Return the von Neumann entropy of some wires.

    Args:
        wires: the wires, known when tracing.
        log_base: base of the logarithm; e when left out.

    Returns:
        A real scalar, zero for a pure state.

    >>> import qjit as qj
    >>> @qj.qnode(wires=2)
    ... def bell():
    ...     qj.H(0)
    ...     qj.CNOT(wires=[0, 1])
    ...     return qj.vn_entropy(0, log_base=2)
    >>> print(f"{bell():.2f}")
    1.00
    """
    _check_base(log_base)
    return _entropy(density_matrix(wires), log_base)


def mutual_info(
    wires0: Wires, wires1: Wires, log_base: float | None = None
) -> jax.Array:
    """Return the quantum mutual information between two groups of wires.

    Args:
        wires0: one group, known when tracing.
        wires1: the other one.
        log_base: base of the logarithm; e when left out.

    Returns:
        A real scalar, zero for a product state.

    >>> import qjit as qj
    >>> @qj.qnode(wires=2)
    ... def bell():
    ...     qj.H(0)
    ...     qj.CNOT(wires=[0, 1])
    ...     return qj.mutual_info(0, 1, log_base=2)
    >>> print(f"{bell():.2f}")
    2.00
    """
    context = current("mutual_info")
    first = static_wires(wires0, context, "mutual_info")
    second = static_wires(wires1, context, "mutual_info")
    parts = [vn_entropy(each, log_base) for each in (first, second)]
    return parts[0] + parts[1] - vn_entropy((*first, *second), log_base)


def _check_base(base: Any) -> None:
    """Refuse bases that no logarithm has."""
    if base is None or isinstance(base, Tracer):
        return
    number = np.asarray(base)
    if number.ndim or number.dtype.kind not in "iuf" or not 0 < number < np.inf:
        raise ParameterError(
            f"{user_line()}: log_base takes a positive number, but got {base!r}."
        )
    if number == 1:
        raise ParameterError(f"{user_line()}: there is no logarithm to the base 1.")


def _entropy(rho: jax.Array, log_base: float | None) -> jax.Array:
    eigenvalues = jnp.linalg.eigvalsh(rho)
    positive = jnp.where(eigenvalues <= 1e-12, 1.0, eigenvalues)  # NaN stays
    entropy = -jnp.sum(positive * jnp.log(positive))
    return entropy if log_base is None else entropy / float(np.log(log_base))


def sample(wires: Wires | Any = None, op: Any = None) -> jax.Array:
    """Return measured bits of some wires, one row for each shot.

    Row s of every result of a quantum function belongs to the same shot.

    Args:
        wires: k wires, static or traced; all when left out. Or an expression of
            measured values, of any shape, or a list of k of them.
        op: an observable, instead of wires. Or measured values.

    Returns:
        An integer array of shape (shots, k), (shots,) for one measured value that
        is not in a list. Expressions keep their dtype, but booleans are integers. Of an
        observable, a real array of shape (shots,): the eigenvalue that was found in
        each shot.

    Raises:
        MeasurementError: if the quantum function has no shots.

    >>> import qjit as qj
    >>> @qj.qnode(wires=2, shots=3)
    ... def circuit():
    ...     qj.X(1)
    ...     return qj.sample()
    >>> print(circuit())
    [[0 1]
     [0 1]
     [0 1]]
    """
    context = current("sample")
    if context.shots is None:
        raise MeasurementError(
            f"{user_line()}: sample needs shots. Give them to qnode(shots=...)."
        )
    wires, op, values = _subject(wires, op, "sample")
    if op is not None:
        basis = basis_of(op, "sample", context)
        rows = drawn(basis.group, context)
        found = basis.values(rows)
        if not context.masks_shots:
            return found
        return jnp.where(rows[:, 0] == outcomes.INVALID, jnp.nan, found)
    if values is not None:
        return outcomes.samples(values.values, context.shots)
    places = _traced(wires, context)
    on = _all_or(None if places else wires, context, "sample")
    rows = drawn(computational(on), context)
    return rows[:, jnp.stack(places)] if places else rows


def counts(
    wires: Wires | Any = None, op: Any = None, *, all_outcomes: bool = False
) -> tuple[jax.Array, jax.Array]:
    """Return how often each basis state of some wires was measured.

    Args:
        wires: k wires, static or traced; all when left out. Or k measured outcomes or
            logical expressions of them.
        op: an observable, instead of wires. Or measured outcomes.
        all_outcomes: as in PennyLane. Arrays have one size whatever is measured, so
            outcomes that do not occur are always listed, with count zero.

    Returns:
        Two integer arrays of shape (2**k,): the basis states and their counts. Of an
        observable, its eigenvalues and their counts: in ascending order, each once,
        or one for each outcome if they are only known when the program runs.

    Raises:
        MeasurementError: if the quantum function has no shots.

    >>> import qjit as qj
    >>> @qj.qnode(wires=2, shots=10)
    ... def circuit():
    ...     qj.X(1)
    ...     return qj.counts()
    >>> states, counts = circuit()
    >>> print(states, counts)
    [0 1 2 3] [ 0 10  0  0]
    """
    context = current("counts")
    if context.shots is None:
        raise MeasurementError(
            f"{user_line()}: counts needs shots. Give them to qnode(shots=...)."
        )
    wires, op, values = _subject(wires, op, "counts")
    if op is not None:
        return basis_of(op, "counts", context).counts(context)
    if values is not None:
        return outcomes.tally(values.bits("counts"), "counts")
    places = _traced(wires, context)
    on = _all_or(None if places else wires, context, "counts")
    found = tallies(computational(on), context)
    found = marginal(found, places) if places else found
    return jnp.arange(len(found), dtype=found.dtype), found


def measure(
    wires: Wires, reset: bool = False, postselect: int | None = None
) -> jax.Array:
    """Measure one wire in the middle of a circuit.

    Args:
        wires: one wire, static or traced.
        reset: bring the wire back to |0> afterwards.
        postselect: keep only this outcome, 0 or 1. Statistics are those of the runs
            that meet it; with shots, those that do not are drawn again, so that
            there are as many shots as were asked for.

    Returns:
        The outcome, for use in JAX expressions: a traced boolean, true or false in
        logic and conditions, and 1 or 0 in arithmetic, so that `m0 + m1` is at most 2.
        Among arrays and results of JAX's functions booleans can lose that meaning:
        where it matters, they are traced as integers, or refused.

    Raises:
        PostselectionError: at run time, if the wanted outcome has probability zero.

    >>> import qjit as qj
    >>> @qj.qnode(wires=2)
    ... def teleported_flip():
    ...     qj.H(0)
    ...     qj.cond(qj.measure(0), qj.X)(1)
    ...     return qj.expval(qj.Z(0) @ qj.Z(1))
    >>> print(f"{teleported_flip():.1f}")
    1.0
    """
    context = current("measure")
    if postselect is not None:
        postselect = as_bit(postselect, "postselect", MeasurementError)
    on, dynamic = _one_wire(wires, context, "measure")
    context.measures = True
    params = {"wires": on, "reset": reset, "postselect": postselect}
    (outcome,) = measure_p.bind(*dynamic, **params)
    return measured(outcome, Kind(logical=True, integer=context.integers))


def reset(wires: Wires) -> None:
    """Bring one wire to |0>, whatever it was.

    Args:
        wires: one wire, static or traced.

    >>> import qjit as qj
    >>> @qj.qnode(wires=1)
    ... def circuit():
    ...     qj.X(0)
    ...     qj.reset(0)
    ...     return qj.expval(qj.Z(0))
    >>> print(f"{circuit():.1f}")
    1.0
    """
    on, dynamic = _one_wire(wires, current("reset"), "reset")
    reset_p.bind(*dynamic, wires=on)


def _one_wire(
    wires: Wires, context: TraceContext, what: str
) -> tuple[tuple[int | None, ...], Sequence[Any]]:
    return positions(as_wires(wires, context, what, 1), context)
