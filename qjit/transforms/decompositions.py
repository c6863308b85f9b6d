"""Decomposition of quantum functions to gates of a set, and rules for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax

from qjit.diagnostics.numbers import checked_real
from qjit.diagnostics.translation import definition_line
from qjit.dialects.gates import GateRecord, find_gate
from qjit.errors import ArgumentError, ParameterError, QJitError
from qjit.jit.qnode import qnode
from qjit.lowering.jax_internals.equations import enable_x64
from qjit.lowering.jax_internals.tracing import user_line
from qjit.measurements.measurements import state

from .quantum_functions import with_pass


@dataclass(frozen=True)
class DecompositionRule:
    """A rule that replaces a gate, made by `decomposition`; call it to apply its gates.

    `text` is the rule as programs have it.
    """

    function: Callable[..., Any]
    gate: str
    text: str

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Apply the gates."""
        return self.function(*args, **kwargs)

    def __repr__(self) -> str:
        return f"DecompositionRule({self.text!r})"


def decomposition(
    gate: str,
) -> Callable[[Callable[..., Any]], DecompositionRule]:
    """Make a rule for `decompose` of a function that applies what a gate is made of.

    The function takes the angles of the gate, and then its wires, controls first. It is
    traced once, and compared with the gate's matrix. What it applies may not depend on
    the angles, and each of its angles is a sum of theirs, with factors, and a number.

    Args:
        gate: the name of a gate on a fixed number of wires, such as "CNOT".

    Returns:
        A decorator, which makes the rule.

    Raises:
        ParameterError: if there is no such gate, or the function is not the gate.

    >>> import qjit as qj
    >>> @qj.decomposition("CRX")
    ... def by_phases(phi, wires):
    ...     qj.H(wires[1])
    ...     qj.CRZ(phi, wires=wires)
    ...     qj.H(wires[1])
    >>> by_phases.text
    'CRX(a0) = H on 1; RZ(a0) on 1 ctrl 0; H on 1'
    """
    record = find_gate(gate) if isinstance(gate, str) else None  # pyright: ignore[reportUnnecessaryIsInstance]
    if record is None:
        raise ParameterError(
            f"{user_line()}: decomposition takes the name of a gate, such as 'CNOT', "
            f"but got {gate!r}."
        )

    def make(function: Callable[..., Any]) -> DecompositionRule:
        try:
            text = _traced(record, function)
        except QJitError:
            raise
        except ValueError as error:
            raise ParameterError(
                f"{definition_line(function)}: '{_name(function)}' is no decomposition "
                f"of {record.name}: {error}."
            ) from error
        return DecompositionRule(function, record.name, text)

    return make


def _name(function: Any) -> str:
    return getattr(function, "__name__", "rule")


def _traced(record: GateRecord, function: Callable[..., Any]) -> str:
    """Return the text of the rule that a function is."""
    from qjit.lowering.importer.program import import_program
    from qjit.lowering.passes.quantum.decomposition.rule_texts import check_replaceable
    from qjit.lowering.passes.quantum.decomposition.traced_rules import rule_of

    check_replaceable(record)
    wires = list(range(record.num_wires or 1))

    def circuit(angles: Sequence[float]) -> Any:
        def applied() -> Any:
            function(*angles, wires=wires)
            return state()

        applied.__name__ = _name(function)
        node = qnode(wires=len(wires))(applied)
        with enable_x64(True):
            return import_program(jax.make_jaxpr(node)(), name="main").module

    return rule_of(record, circuit).text


def decompose(
    function: Any = None,
    *,
    gates: Iterable[str],
    weights: Mapping[str, float] | None = None,
    rules: Iterable[DecompositionRule] = (),
) -> Any:
    """Return a quantum function whose circuit consists of the gates of a set.

    Each gate is made of those of the set by the cheapest rules: decompositions of
    gates, of their adjoints and of gates under controls, which use wires that the
    circuit has besides. Matrices and states whose numbers are known are decomposed too.
    GlobalPhase is always in the set.

    Args:
        function: the quantum function; without it, a decorator is returned.
        gates: names of gates, such as {"RZ", "SX", "X", "CZ"}. The adjoint of a gate is
            another one: "adjoint(S)".
        weights: what gates of the set cost; by default 1 on one wire and 10 on two.
        rules: rules of `decomposition`, among which the cheapest are found.

    Returns:
        A quantum function; the given one stays as it was.

    Raises:
        ArgumentError: for what is no quantum function, or no rule.
        ParameterError: for weights that are no numbers.
        PipelineError: for names of what is no gate, and weights of gates outside.
        UnsupportedError: on the first call, if a gate is not made of those of the set.

    >>> import qjit as qj
    >>> @qj.qnode(wires=2)
    ... def circuit(x):
    ...     qj.H(0)
    ...     qj.CRX(x, wires=[0, 1])
    ...     return qj.expval(qj.Z(1))
    >>> few = qj.decompose(circuit, gates={"RZ", "SX", "X", "CZ"})
    >>> stages = qj.qjit(few, pipeline=()).stages(0.3)
    >>> names = [line.split('"')[1] for line in stages["qnode-passes"].splitlines()
    ...          if "quantum.gate" in line]
    >>> print(sorted(set(names)), names.count("CZ"))
    ['CZ', 'GlobalPhase', 'RZ', 'SX'] 2
    """
    step = pass_text(gates, weights or {}, rules)
    return with_pass("decompose", function, step)


def pass_text(
    gates: Iterable[str],
    weights: Mapping[str, float],
    rules: Iterable[DecompositionRule],
) -> str:
    """Return the pass that decomposes, with its options."""
    if isinstance(gates, str):
        gates = [gates]
    chosen = list(rules)
    for rule in chosen:
        if not isinstance(rule, DecompositionRule):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ArgumentError(
                f"{user_line()}: decompose takes rules that qjit.decomposition made, "
                f"but got {rule!r}."
            )
    options = {
        "gates": sorted(map(str, gates)),
        "weights": [
            f"{name}={checked_real('decompose', f'the weight of {name}', cost)!r}"
            for name, cost in weights.items()
        ],
        "rules": [rule.text for rule in chosen],
    }
    texts = (
        name + "=" + ",".join(f'"{text}"' for text in found)
        for name, found in options.items()
        if found
    )
    return f"decompose-gates{{{' '.join(texts)}}}"
