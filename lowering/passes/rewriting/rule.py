"""Passes made of a rewrite rule: a Python function of gates that follow one another."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter

from qjit.dialects.gates.fourier import ComplexMatrix
from qjit.dialects.quantum import GateOp
from qjit.lowering.passes.circuits.circuit import product
from qjit.lowering.passes.circuits.gates import Gate, line_number, write_gate
from qjit.lowering.passes.pipeline import PassError
from qjit.lowering.passes.quantum.cancellation.gate_pairs import gates
from qjit.runtime.recent import Recent

from .matching import (
    Match,
    Spelling,
    check_connected,
    matches,
    spelling,
)

Rule = Callable[..., "Sequence[Gate] | None"]
TOLERANCE = 1e-9
# Rules that find their own results again and again are stopped here.
MOST_PER_GATE = 20


@dataclass(eq=False)
class RewriteRule:
    """A pass that replaces gates wherever they stand in a pattern.

    Whatever the function returns is compared with what it replaces, as matrices, at
    random numbers for parameters that are known when the program runs.
    """

    function: Rule
    pattern: tuple[Spelling, ...]
    level: str = "quantum"
    exact: bool = True
    _checked: Recent[tuple[str, ...], bool] = field(
        default_factory=Recent[tuple[str, ...], bool]
    )

    @property
    def name(self) -> str:
        """The name of the function, with hyphens."""
        return self.function.__name__.replace("_", "-")

    @property
    def meaning(self) -> str:
        """What it does, in one line."""
        return (self.function.__doc__ or "").partition("\n")[0]

    @property
    def place(self) -> str:
        """Where the function stands."""
        code = inspect.unwrap(self.function).__code__
        return f"{code.co_filename}:{code.co_firstlineno}"

    def __call__(self, *gates: Gate) -> Sequence[Gate] | None:
        """Call the function."""
        return self.function(*gates)

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Replace gates until the rule finds no more."""
        waiting = list(gates(op))[::-1]
        left = MOST_PER_GATE * (len(waiting) + 1)
        gone = set[Operation]()
        while waiting:
            first = waiting.pop()
            if first in gone:
                continue
            found = self._first_replacement(first)
            if found is None:
                continue
            match, new = found
            before = _reaching(match, len(self.pattern))
            waiting += replace(match, new)[::-1]
            waiting += before
            gone.update(match.ops)
            left -= 1
            if not left:
                raise PassError(
                    f"{self.place}: the rule '{self.name}' finds its own results again "
                    "and again. Return None where nothing gets simpler."
                )

    def _first_replacement(self, first: GateOp) -> tuple[Match, list[Gate]] | None:
        for match in matches(self.pattern, first):
            new = self(*match.gates)
            if new is not None:
                self._check(match, list(new))
                return match, list(new)
        return None

    def _check(self, match: Match, new: list[Gate]) -> None:
        """Refuse gates that do not mean what they replace."""
        wires = tuple(match.before)
        for gate in new:
            if not isinstance(gate, Gate):  # pyright: ignore[reportUnnecessaryIsInstance]
                raise self._error(f"returns {gate!r}. Return gates, or None")
            try:
                gate.check(wires)
            except ValueError as error:
                raise self._error(f"returns a gate that cannot be: {error}") from error
        every = [
            leaf
            for gate in (*match.gates, *new)
            for param in gate.params
            for leaf in param.leaves()
            if isinstance(leaf, SSAValue)
        ]
        values = list(dict.fromkeys(every))
        names = {value: f"angle{n}" for n, value in enumerate(values)}
        text = tuple(gate.text(names) for gate in (*match.gates, *new))
        if self._checked.get(text):
            return
        generator = np.random.default_rng(len(text))
        numbers = dict(zip(values, generator.uniform(-3, 3, len(values)), strict=True))
        old, other = (product(each, wires, numbers) for each in (match.gates, new))
        if np.abs(old - other).max() > TOLERANCE:
            raise self._error(_difference(text, len(match.gates), old, other))
        self._checked[text] = True

    def _error(self, text: str) -> PassError:
        return PassError(f"{self.place}: the rule '{self.name}' {text}.")


def rewrite_rule(pattern: Sequence[str]) -> Callable[[Rule], RewriteRule]:
    """Return what makes a pass of a function, for the texts of a pattern.

    Raises:
        ValueError: if a text is no gate, or gates are on wires of their own.
    """
    spelled = tuple(map(spelling, pattern))
    check_connected(spelled)
    return lambda function: RewriteRule(function, spelled)


def _difference(
    text: Sequence[str], split: int, old: ComplexMatrix, new: ComplexMatrix
) -> str:
    before, after = "; ".join(text[:split]), "; ".join(text[split:]) or "nothing"
    overlap = np.trace(new.conj().T @ old) / len(old)
    why = f"the matrices differ by up to {np.abs(old - new).max():.2g}"
    if np.isclose(abs(overlap), 1):
        why = (
            "the global phase differs: add Gate('GlobalPhase', wires, angle), which "
            f"is exp(-i angle), here with angle {-np.angle(overlap):.4g}"
        )
    return f"replaces {before} by {after}, which is not the same: {why}"


def _reaching(match: Match, depth: int) -> list[GateOp]:
    """Return the gates from which a pattern may reach what replaces a match."""
    found = dict[GateOp, None]()
    front = list(match.before.values())
    for _ in range(depth - 1):
        owners = [value.owner for value in front]
        new = [op for op in owners if isinstance(op, GateOp) and op not in found]
        found |= dict.fromkeys(new)
        front = [qubit for op in new for qubit in op.qubits]
    return list(found)


def replace(match: Match, new: Sequence[Gate]) -> list[GateOp]:
    """Put gates in the place of those of a match, and return them."""
    place, qubits, made = match.place, dict(match.before), list[GateOp]()
    assert place is not None
    line = line_number(match.ops)

    def insert(op: Operation) -> None:
        Rewriter.insert_op(op, InsertPoint.before(place))

    for gate in new:
        made.append(write_gate(gate, qubits, insert, line))
    for wire, qubit in match.after.items():
        qubit.replace_all_uses_with(qubits[wire])
    for op in reversed(match.ops):
        Rewriter.erase_op(op, safe_erase=False)
    return made
