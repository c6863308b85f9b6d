"""Generated circuits that compute with outcomes, against all paths enumerated."""

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

import qjit as qj
from tests.support.outcome_programs import (
    JAX,
    PYTHON,
    WIRES,
    Generator,
    Program,
    programs,
    value,
)

ANGLE = 0.9
REFUSALS = (qj.errors.OutcomeTypeError, qj.errors.MeasurementError)
each = pytest.mark.parametrize


def exact(program: Program) -> Any:
    """The circuit of a program, with exact statistics."""

    @qj.qnode(wires=WIRES)
    def circuit(angle: Any) -> Any:
        outcomes = program.run(angle)
        numbers = [value(e, outcomes, JAX) for e in program.numbers]
        bits = [value(e, outcomes, JAX) for e in program.bits]
        return qj.expval(numbers), qj.var(op=numbers), qj.probs(op=bits)

    return circuit


def sampled(program: Program, shots: int) -> Any:
    """The circuit of a program, which returns what it computed in every shot."""

    @qj.qnode(wires=WIRES, shots=shots)
    def circuit(angle: Any) -> Any:
        outcomes = program.run(angle)
        numbers = [value(e, outcomes, JAX) for e in program.numbers]
        bits = [value(e, outcomes, JAX) for e in program.bits]
        names = [outcomes[name] for name in program.names]
        return qj.sample(names), jnp.stack(numbers), qj.sample(op=bits)

    return circuit


def check(program: Program) -> None:
    """Compare the statistics of a program with those of its paths."""
    found, wanted = exact(program)(ANGLE), program.statistics(ANGLE)
    for mine, theirs in zip(found, wanted, strict=True):
        np.testing.assert_allclose(np.array(mine), np.array(theirs), atol=1e-9)


def many(seed: int, count: int, **options: bool) -> Program:
    """A program with many expressions of its outcomes."""
    generator = Generator(np.random.default_rng(seed), **options)
    program = generator.program()
    program.numbers = [generator.number(program.names, 3) for _ in range(count)]
    return program


@each("functions", [False, True])
def test_many_expressions(functions: bool) -> None:
    check(many(1, 60, functions=functions))


def test_many_expressions_in_every_shot() -> None:
    program = many(2, 40)
    rows, numbers, bits = sampled(program, 30)(ANGLE)
    for shot in range(30):
        outcomes = dict(zip(program.names, map(int, rows[shot]), strict=True))
        for expressions, found in ((program.numbers, numbers), (program.bits, bits)):
            wanted = [int(value(e, outcomes, PYTHON)) for e in expressions]
            np.testing.assert_array_equal(found[shot], wanted)


@each("options", [{}, {"functions": True}, {"functions": True, "logic": True}])
def test_circuits_that_act_on_what_they_compute(options: dict[str, bool]) -> None:
    right = 0
    for program in programs(4, 3, **options):
        try:
            check(program)
        except REFUSALS:
            assert "logic" in options
        else:
            right += 1
    assert right
