"""Mitigation of errors: results without noise from results with more of it."""

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from qjit.devices.call_options import taken
from qjit.diagnostics.numbers import checked_integer, checked_real
from qjit.errors import ArgumentError, MeasurementError, ParameterError
from qjit.jit.qnode import QNode
from qjit.lowering.jax_internals.tracing import user_line
from qjit.lowering.passes.quantum.mitigation.fold_methods import METHODS
from qjit.tracing.random_keys import (
    is_one_key,
    key_words,
    one_program,
    split_key,
)

from .extrapolation import extrapolation
from .quantum_functions import quantum_function, with_pass

# Each run is compiled.
MOST_RUNS = 1000


def fold_gates(
    function: Any = None,
    factor: float = 3,
    *,
    method: str = "global",
    seed: int = 0,
) -> Any:
    """Return a quantum function with more gates, which does the same without noise.

    Gates G become G (G† G)^k, so that there are `factor` times as many as nearly as
    possible: T. Giurgola-Tiron et al., "Digital zero noise extrapolation for quantum
    error mitigation" (2020), arXiv:2005.10921. That is the pass "fold-gates".

    Args:
        function: the quantum function; without it, a decorator is returned.
        factor: a number from 1. Odd ones are met exactly, others to the nearest pair of
            gates of each circuit between measurements, loops and branches.
        method: "global" folds whole circuits, "local" each gate, and "random" the gates
            that are folded once more than others by chance.
        seed: the seed of "random".

    Returns:
        A quantum function; the given one stays as it was.

    Raises:
        ArgumentError: for what is no quantum function.
        ParameterError: for what is no number.
        PipelineError: for other factors and methods.

    >>> import qjit as qj
    >>> @qj.qnode(wires=2)
    ... def circuit(x):
    ...     qj.RX(x, wires=0)
    ...     qj.CNOT([0, 1])
    ...     return qj.expval(qj.Z(1))
    >>> folded = qj.fold_gates(circuit, 3)
    >>> stages = qj.qjit(folded).stages(0.3)
    >>> [line.split('"')[1] for line in stages["merge-rotations"].splitlines()
    ...  if "quantum.gate" in line]
    ['RX', 'CNOT', 'CNOT', 'RX', 'RX', 'CNOT']
    """
    times = checked_real("fold_gates", "factor", factor)
    first = checked_integer("fold_gates", "seed", seed, 0)
    step = f"fold-gates{{factor={times!r} method={method} seed={first}}}"
    return with_pass("fold_gates", function, step)


def mitigate_with_zne(
    function: Any = None,
    scale_factors: Sequence[float] = (1, 3, 5),
    folding: Any = "global",
    extrapolate: Any = "richardson",
    *,
    folding_kwargs: Mapping[str, Any] | None = None,
    extrapolate_kwargs: Mapping[str, Any] | None = None,
    reps_per_factor: int = 1,
) -> Any:
    """Return a function that extrapolates the results of a circuit to zero noise.

    It runs the circuit with its gates folded to several factors, and a curve through
    the results has the answer at zero: K. Temme, S. Bravyi and J. M. Gambetta, "Error
    mitigation for short-depth quantum circuits", PRL 119, 180509 (2017). All of it is
    traced, so that it is compiled, differentiated and mapped over as one program.

    Args:
        function: a quantum function that returns expectation values, variances,
            probabilities or density matrices; without it, a decorator is returned.
        scale_factors: at least two numbers from 1, as `fold_gates` takes them.
        folding: "global", "local" or "random"; or a function of the quantum function
            and a factor, whose result is called in the place of the quantum function.
        extrapolate: "richardson" (the polynomial through all results), "polynomial"
            (least squares), "exponential"; or a function that JAX traces, of the
            factors and of the results, stacked along a first axis.
        folding_kwargs: more arguments of the folding, such as `seed`.
        extrapolate_kwargs: more arguments of the extrapolation: for "polynomial" the
            `order`, 2 by default; for "exponential" the `asymptote`, 0 by default, and
            `eps`, the least distance from it.
        reps_per_factor: how many runs the result at each factor is the mean of, which
            draw shots of their own, and gates if the folding is "random".

    Returns:
        A function of the same arguments, with results of the same structure.

    Raises:
        ArgumentError: for what is no quantum function, and for other options.
        ParameterError: for factors, folding and extrapolation that cannot be.
        MeasurementError: when called, for results that are no statistics.

    >>> import qjit as qj
    >>> @qj.mitigate_with_zne(scale_factors=(1, 2, 3))
    ... @qj.qnode(wires=2)
    ... def circuit(x):
    ...     qj.RX(x, wires=0)
    ...     qj.CNOT([0, 1])
    ...     return qj.expval(qj.Z(1))
    >>> value, slope = qj.qjit(qj.value_and_grad(circuit))(0.3)
    >>> print(f"{value:.4f} {slope:.4f}")
    0.9553 -0.2955
    """
    factors = _factors(scale_factors)
    curve = extrapolation(extrapolate, factors, dict(extrapolate_kwargs or {}))
    repeats = checked_integer(
        "mitigate_with_zne", "reps_per_factor", reps_per_factor, 1, MOST_RUNS
    )

    def change(function: Any) -> Callable[..., Any]:
        options = dict(folding_kwargs or {})
        made = _folded(function, folding, factors, repeats, options)

        @functools.wraps(function, updated=())
        def mitigated(*args: Any, **kwargs: Any) -> Any:
            results = _results(function, made, args, kwargs)
            means = [
                jax.tree.map(_mean, *results[start : start + repeats])
                for start in range(0, len(made), repeats)
            ]
            return jax.tree.map(lambda *each: curve(jnp.stack(each)), *means)

        return mitigated

    return change if function is None else change(function)


def twirl(function: Any = None, samples: int = 8, *, seed: int = 0) -> Any:
    """Return a function that averages a circuit over random Pauli gates.

    Each Clifford gate on two wires stands between Pauli gates that leave the circuit as
    it is, and make errors of the gate that add up into ones that do not: J. J. Wallman
    and J. Emerson, "Noise tailoring for scalable quantum computation via randomized
    compiling", PRA 94, 052325 (2016). They are drawn when the program is compiled, by
    the pass "twirl-pauli"; so the turns of a loop have the same.

    Args:
        function: a quantum function that returns expectation values, probabilities or
            density matrices; without it, a decorator is returned.
        samples: how many circuits the mean is over, each of which is compiled.
        seed: the seed of the first circuit; the others have those that follow.

    Returns:
        A function of the same arguments, with results of the same structure.

    Raises:
        ArgumentError: for what is no quantum function.
        ParameterError: for other samples and seeds.
        MeasurementError: when called, for results that are no statistics.

    >>> import qjit as qj
    >>> @qj.twirl(samples=4)
    ... @qj.qnode(wires=2)
    ... def circuit(x):
    ...     qj.RX(x, wires=0)
    ...     qj.CNOT([0, 1])
    ...     return qj.expval(qj.Z(1))
    >>> print(f"{qj.qjit(circuit)(0.3):.4f}")
    0.9553
    """
    number = checked_integer("twirl", "samples", samples, 1, MOST_RUNS)
    first = checked_integer("twirl", "seed", seed, 0)
    names = [f"twirl-pauli{{seed={first + place}}}" for place in range(number)]

    def change(function: Any) -> Callable[..., Any]:
        made = [
            quantum_function("twirl", function).with_passes([name]) for name in names
        ]

        @functools.wraps(function, updated=())
        def twirled(*args: Any, **kwargs: Any) -> Any:
            return jax.tree.map(_mean, *_results(function, made, args, kwargs))

        return twirled

    return change if function is None else change(function)


def _factors(given: Sequence[float]) -> tuple[float, ...]:
    """Return factors of noise, which are from 1 and differ."""
    found = tuple(checked_real("mitigate_with_zne", "a factor", each) for each in given)
    if len(found) < 2 or len(set(found)) < len(found) or not all(f >= 1 for f in found):
        raise ParameterError(
            f"{user_line()}: scale_factors takes at least two different numbers from "
            f"1, such as (1, 3, 5), but got {given!r}."
        )
    return found


def _folded(
    function: Any,
    folding: Any,
    factors: Sequence[float],
    repeats: int,
    options: dict[str, Any],
) -> list[Callable[..., Any]]:
    """Return a function for each factor and repetition."""
    if callable(folding):
        fold: Callable[..., Any] = folding
        made = [fold(function, factor, **options) for factor in factors]
        return [each for each in made for _ in range(repeats)]
    if folding not in METHODS:
        raise ParameterError(
            f"{user_line()}: folding takes {', '.join(map(repr, METHODS))} or a "
            f"function of a quantum function and a factor, but got {folding!r}."
        )
    known = quantum_function("mitigate_with_zne", function)
    if options.keys() - {"seed"}:
        raise ArgumentError(
            f"{user_line()}: folding_kwargs of folding={folding!r} takes seed, but got "
            f"{', '.join(map(str, options))}."
        )
    seeds = [0] * repeats
    if folding == "random":
        first = checked_integer("mitigate_with_zne", "seed", options.get("seed", 0), 0)
        seeds = [first + place for place in range(repeats)]
    return [
        fold_gates(known, factor, method=folding, seed=seed)
        for factor in factors
        for seed in seeds
    ]


def _results(
    function: Any, made: Sequence[Callable[..., Any]], args: Any, kwargs: Any
) -> list[Any]:
    """Run circuits, each with random numbers of its own, and return what they return.

    Raises:
        MeasurementError: if a mean of the results means nothing.
    """
    key = _taken_key(function, kwargs)
    if key is None:
        with one_program():
            results = [run(*args, **kwargs) for run in made]
    else:
        keys = split_key(key_words(key), len(made))
        pairs = zip(made, keys, strict=True)
        results = [run(*args, key=own, **kwargs) for run, own in pairs]
    for each in jax.tree.leaves(results[0]):
        if not jnp.issubdtype(jnp.result_type(each), jnp.inexact):
            raise MeasurementError(
                f"{user_line()}: '{getattr(function, '__name__', 'circuit')}' returns "
                f"{jnp.result_type(each)}, whose mean is no result. Return expectation "
                "values or probabilities."
            )
    return results


def _taken_key(function: Any, kwargs: dict[str, Any]) -> Any:
    """Take the key of the random numbers out of keyword arguments, if one is there."""
    inner = inspect.unwrap(function, stop=lambda each: isinstance(each, QNode))
    if not isinstance(inner, QNode):
        return kwargs.pop("key") if is_one_key(kwargs.get("key")) else None
    options = taken(inner.function, kwargs)
    key = options.pop("key", None)
    kwargs |= options
    return key


def _mean(*each: Any) -> jax.Array:
    return jnp.mean(jnp.stack(each), axis=0)
