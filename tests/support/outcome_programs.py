"""Random dynamic circuits that compute with outcomes, and what they mean.

An expression is a tuple: the name of an operation and its operands. It is evaluated by
qjit's circuits on traced outcomes, and by the reference on Python's integers, on each
path through the measurements.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import qjit as qj
from tests.support.oracle import apply, controlled

WIRES = 2
Expression = tuple[Any, ...]
Outcomes = dict[str, Any]

# How Python's integers compute, and how JAX's arrays do.
SHARED: dict[str, Callable[..., Any]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "//": lambda a, b: a // b,
    "%": lambda a, b: a % b,
    "neg": lambda a: -a,
    "abs": abs,
    "sign": lambda a: (-1) ** a,
    "sum": lambda *a: sum(a),
    "&": lambda a, b: a & b,
    "|": lambda a, b: a | b,
    "^": lambda a, b: a ^ b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    ">=": lambda a, b: a >= b,
}
PYTHON = SHARED | {
    "~": lambda a: 1 - a,
    "where": lambda c, a, b: a if c else b,
    "cond": lambda c, a, b: a if c else b,
    "logical_and": lambda a, b: int(bool(a) and bool(b)),
    "logical_or": lambda a, b: int(bool(a) or bool(b)),
    "logical_not": lambda a: int(not a),
    "total": lambda *a: sum(a),
    "element": lambda n, *a: a[n],
    "any": lambda *a: int(any(a)),
    "jit+": lambda a, b: a + b,
    "add": lambda a, b: a + b,
    "weighed": lambda *a: sum((n + 1) * x for n, x in enumerate(a)),
    "looped": lambda *a: sum(a),
}


def _looped(*values: Any) -> Any:
    stacked = jnp.stack([1 * value for value in values])
    return jax.lax.fori_loop(0, len(values), lambda n, x: x + stacked[n], 0)


JAX = SHARED | {
    "~": lambda a: ~a,
    "where": jnp.where,
    "cond": lambda c, a, b: jax.lax.cond(c, lambda: 1 * a, lambda: 1 * b),
    "logical_and": jnp.logical_and,
    "logical_or": jnp.logical_or,
    "logical_not": jnp.logical_not,
    "total": lambda *a: jnp.sum(jnp.stack(a)),
    "element": lambda n, *a: jnp.array(a)[n],
    "any": lambda *a: jnp.any(jnp.stack(a)),
    "jit+": jax.jit(lambda a, b: a + b),
    "add": jnp.add,
    "weighed": lambda *a: jnp.arange(1, len(a) + 1) @ jnp.stack(a),
    "looped": _looped,
}


def value(expression: Expression, outcomes: Outcomes, rules: Any) -> Any:
    """The value of an expression."""
    name, *operands = expression
    if name == "outcome":
        return outcomes[operands[0]]
    if name == "number":
        return operands[0]
    if name == "element":
        rest = [value(operand, outcomes, rules) for operand in operands[1:]]
        return rules[name](operands[0], *rest)
    return rules[name](*(value(operand, outcomes, rules) for operand in operands))


@dataclass
class Program:
    """A circuit that measures on the way, and statistics of what it measured."""

    steps: list[Any] = field(default_factory=list[Any])
    numbers: list[Expression] = field(default_factory=list[Expression])
    bits: list[Expression] = field(default_factory=list[Expression])

    @property
    def names(self) -> list[str]:
        """The outcomes, in the order in which they are measured."""
        return [step[1] for step in self.steps if step[0] == "measure"]

    def run(self, angle: Any) -> Outcomes:
        """Apply the circuit with qjit."""
        outcomes: Outcomes = {}
        for kind, *rest in self.steps:
            if kind == "measure":
                name, wire, reset = rest
                outcomes[name] = qj.measure(wire, reset=reset)
            elif kind == "turn":
                wire, expression = rest
                turn = value(expression, outcomes, JAX)
                qj.RY(angle + 0.4 * turn, wires=wire)
            elif kind == "if":
                wire, expression = rest
                qj.cond(value(expression, outcomes, JAX), qj.RX)(0.7, wires=wire)
            else:
                qj.CNOT(wires=rest[0])
        return outcomes

    def paths(self, angle: float) -> Iterator[tuple[float, Outcomes]]:
        """Yield the probability of each path, and its outcomes."""
        state = np.zeros((2,) * WIRES, complex)
        state[(0,) * WIRES] = 1
        yield from self._follow(0, state, {}, angle)

    def _follow(
        self, number: int, state: Any, outcomes: Outcomes, angle: float
    ) -> Iterator[tuple[float, Outcomes]]:
        if number == len(self.steps):
            yield float(np.sum(abs(state) ** 2)), outcomes
            return
        kind, *rest = self.steps[number]
        if kind != "measure":
            state = _after(kind, rest, state, outcomes, angle)
            yield from self._follow(number + 1, state, outcomes, angle)
            return
        name, wire, reset = rest
        for bit in (0, 1):
            kept = np.zeros((2, 2))
            kept[0 if reset else bit, bit] = 1
            projected = apply(state, kept, [wire])
            found = {**outcomes, name: bit}
            yield from self._follow(number + 1, projected, found, angle)

    def statistics(self, angle: float) -> tuple[list[float], list[float], Any]:
        """Means and variances of the numbers, and joint probabilities of the bits."""
        means = np.zeros((2, len(self.numbers)))
        joint = np.zeros(2 ** len(self.bits))
        for weight, outcomes in self.paths(angle):
            numbers = [float(value(e, outcomes, PYTHON)) for e in self.numbers]
            means += weight * np.array([numbers, np.square(numbers)])
            bits = [int(value(e, outcomes, PYTHON)) for e in self.bits]
            joint[int("".join(map(str, bits)), 2)] += weight
        return list(means[0]), list(means[1] - means[0] ** 2), joint


def _after(kind: str, rest: Any, state: Any, outcomes: Outcomes, angle: float) -> Any:
    if kind == "cnot":
        return apply(state, controlled(np.array([[0, 1], [1, 0]]), [1]), rest[0])
    wire, expression = rest
    found = value(expression, outcomes, PYTHON)
    if kind == "if" and not found:
        return state
    half = (0.7 if kind == "if" else angle + 0.4 * found) / 2
    across = -1j * np.sin(half) if kind == "if" else -np.sin(half)
    back = across if kind == "if" else -across
    matrix = np.array([[np.cos(half), across], [back, np.cos(half)]])
    return apply(state, matrix, [wire])


@dataclass
class Generator:
    """Draws programs."""

    random: np.random.Generator
    functions: bool = False  # whether functions of JAX take outcomes
    logic: bool = False  # whether those of logic do, whose sums are refused

    def program(self, measurements: int = 3) -> Program:
        """Draw a program with this many measurements."""
        program = Program()
        names: list[str] = []
        for number in range(measurements):
            wire = int(self.random.integers(WIRES))
            program.steps.append(("turn", wire, self.number(names, 2)))
            if names and self.random.random() < 0.5:
                program.steps.append(("if", 1 - wire, self.bit(names, 2)))
            program.steps.append(("cnot", [wire, 1 - wire]))
            reset = bool(self.random.random() < 0.3)
            program.steps.append(("measure", f"m{number}", wire, reset))
            names.append(f"m{number}")
        program.numbers = [self.number(names, 3) for _ in range(4)]
        program.bits = [self.bit(names, 3) for _ in range(2)]
        return program

    def _pick(self, choices: Sequence[Any]) -> Any:
        return choices[int(self.random.integers(len(choices)))]

    def bit(self, names: Sequence[str], depth: int) -> Expression:
        """Draw an expression that is 0 or 1."""
        if depth == 0 or self.random.random() < 0.2:
            return ("outcome", self._pick(names))
        kinds = ["~", "&", "|", "^", "==", "!=", "compare", "compare"]
        if self.logic:
            kinds += ["logical_and", "logical_or", "logical_not", "any"]
        kind = self._pick(kinds)
        if kind == "compare":
            name = self._pick(["==", "!=", "<", ">="])
            limit = ("number", int(self.random.integers(3)))
            return (name, self._computed(names, depth - 1), limit)
        if kind in ("~", "logical_not"):
            return (kind, self.bit(names, depth - 1))
        pair = self.bit(names, depth - 1), self.bit(names, depth - 1)
        return (kind, *pair)

    def _computed(self, names: Sequence[str], depth: int) -> Expression:
        """Draw a number of which JAX knows that it depends on outcomes."""
        return ("+", self.bit(names, depth), self.number(names, depth))

    def number(self, names: Sequence[str], depth: int) -> Expression:
        """Draw an expression that is an integer."""
        if not names:
            return ("number", int(self.random.integers(3)))
        if depth == 0 or self.random.random() < 0.1:
            return self.bit(names, depth)
        kinds = ["+", "+", "-", "*", "//", "%", "neg", "abs", "sign", "sum", "bits"]
        if self.functions:
            kinds += ["where", "cond", "total", "jit+", "add", "weighed", "looped"]
            kinds += ["element", "element"]
        kind = self._pick(kinds)
        one = self.number(names, depth - 1)
        if kind in ("//", "%"):
            return (kind, one, ("number", int(self.random.integers(2, 4))))
        if kind in ("neg", "abs"):
            return (kind, one)
        if kind == "sign":
            return (kind, ("abs", one))
        if kind in ("where", "cond"):
            return (
                kind,
                self.bit(names, depth - 1),
                one,
                self.number(names, depth - 1),
            )
        if kind == "element":
            pair = self.bit(names, depth - 1), self.bit(names, depth - 1)
            return (kind, int(self.random.integers(2)), *pair)
        if kind in ("sum", "total", "weighed", "looped"):
            return (kind, *(self.bit(names, depth - 1) for _ in range(3)))
        other = self.number(names, depth - 1)
        kind = {"bits": "+"}.get(kind, kind)
        return (kind, one, other)


def programs(seed: int, count: int, **options: bool) -> list[Program]:
    """Draw programs of two or three measurements."""
    generator = Generator(np.random.default_rng(seed), **options)
    sizes = itertools.cycle((2, 3))
    return [generator.program(next(sizes)) for _ in range(count)]
