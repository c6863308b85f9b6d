"""Rules of users as texts, as the options of `decompose-gates` have them.

A rule is a gate with names of its angles, and the gates that it is made of, on its
wires by their numbers: `"CRX(a) = H on 1; RZ(0.5*a + 0.1) on 1 ctrl 0; H on 1"`. A gate
may have `adjoint`, `word` or `dim` before its wires.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from qjit.dialects.gates import GateRecord, find_gate
from qjit.dialects.gates.fourier import Angle

from .gate_kinds import GateKind, KindStep, Rule

GATE = re.compile(
    r"(?P<name>\w+)(?:\((?P<angles>[^)]*)\))?(?P<adjoint> adjoint)?"
    r"(?: word (?P<word>\w+))?(?: dim (?P<dim>\d+))?"
    r"(?: on (?P<on>\d+(?: \d+)*))?(?: ctrl (?P<ctrl>\d+(?: \d+)*))?"
)


@dataclass(frozen=True)
class RuleText:
    """A rule: the gate that it replaces, and its steps."""

    gate: GateRecord
    steps: Rule

    @classmethod
    def read(cls, text: str) -> RuleText:
        """Read a rule.

        Raises:
            ValueError: if it is none.
        """
        left, sign, right = text.partition("=")
        found = GATE.fullmatch(left.strip())
        record = None if found is None else find_gate(found["name"])
        if not sign or found is None or record is None:
            raise ValueError(f"{text!r} is no rule, such as 'CNOT = H on 1; CZ on 0 1'")
        check_replaceable(record)
        names = _split(found["angles"], ",")
        if len(names) != record.num_params:
            raise ValueError(
                f"{record.name} has {record.num_params} angles, in {text!r}"
            )
        return cls(record, tuple(_step(each, names) for each in _split(right, ";")))

    @property
    def text(self) -> str:
        """The rule as it is read."""
        names = [f"a{number}" for number in range(self.gate.num_params)]
        angles = f"({', '.join(names)})" if names else ""
        steps = "; ".join(_text(step, names) for step in self.steps)
        return f"{self.gate.name}{angles} = {steps}"

    @property
    def kind(self) -> GateKind:
        """The kind of gates that it replaces."""
        record = self.gate
        assert record.num_targets is not None and record.num_controls is not None
        base = record.base or record.name
        return GateKind(base, record.num_controls, record.num_targets)


def check_replaceable(record: GateRecord) -> None:
    """Raise a ValueError for a gate whose wires or matrix vary."""
    if record.definition is None or record.num_wires is None or record.static:
        raise ValueError(
            f"{record.name} is on any number of wires, or given by a matrix: rules are "
            "for gates like RX, CNOT and IsingXX"
        )


def rule_kinds(rules: Iterable[RuleText]) -> dict[GateKind, tuple[Rule, ...]]:
    """Return the steps of rules by the kinds that they replace."""
    found: dict[GateKind, tuple[Rule, ...]] = {}
    for rule in rules:
        found[rule.kind] = (*found.get(rule.kind, ()), rule.steps)
    return found


def _split(text: str | None, sign: str) -> list[str]:
    parts = (part.strip() for part in (text or "").split(sign))
    return [part for part in parts if part]


def _step(text: str, names: Sequence[str]) -> KindStep:
    found = GATE.fullmatch(text)
    record = None if found is None else find_gate(found["name"])
    if found is None or record is None or record.definition is None:
        raise ValueError(f"{text!r} is no gate in a rule, such as 'RZ(0.5*a) on 1'")
    on, under = (tuple(map(int, (found[key] or "").split())) for key in ("on", "ctrl"))
    own = record.num_controls
    if own is None:
        own = len(on) - (record.num_targets or 1)
    static: dict[str, Any] = {}
    if found["word"]:
        static["pauli_word"] = found["word"]
    if found["dim"]:
        static["dim"] = int(found["dim"])
    kind = GateKind(
        record.base or record.name,
        own + len(under),
        len(on) - own,
        found["adjoint"] is not None,
        tuple(sorted(static.items())),
    )
    angles = tuple(_angle(each, names) for each in _split(found["angles"], ","))
    right = record.num_wires in (None, len(on)) and len(angles) == record.num_params
    if not right or len({*under, *on}) != kind.num_wires:
        raise ValueError(f"{text!r} has other angles or wires than {record.name}")
    return KindStep(kind, angles, (*under, *on))


def _angle(text: str, names: Sequence[str]) -> Angle | float:
    """Read a sum of numbers, and of names with factors."""
    coefficients, offset = [0.0] * len(names), 0.0
    for term in _split(text, " + "):
        factor, _, name = term.rpartition("*")
        if name in names:
            coefficients[names.index(name)] += float(factor or 1)
        elif name.removeprefix("-") in names and not factor:
            coefficients[names.index(name[1:])] -= 1
        else:
            offset += _number(term)
    return Angle(tuple(coefficients), offset) if any(coefficients) else offset


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise ValueError(
            f"{text!r} is no angle, such as 'a', '0.5*a + 1.5' or '1.5'"
        ) from error


def _text(step: KindStep, names: Sequence[str]) -> str:
    kind = step.kind
    angles = ", ".join(_angle_text(param, names) for param in step.params)
    on, under = step.wires[kind.num_controls :], step.wires[: kind.num_controls]
    words = {"pauli_word": "word", "dim": "dim"}
    return "".join(
        (
            kind.base,
            f"({angles})" if angles else "",
            " adjoint" if kind.adjoint else "",
            *(f" {words[key]} {value}" for key, value in kind.static if key in words),
            f" on {' '.join(map(str, on))}" if on else "",
            f" ctrl {' '.join(map(str, under))}" if under else "",
        )
    )


def _angle_text(angle: Angle | float, names: Sequence[str]) -> str:
    if not isinstance(angle, Angle):
        return repr(float(angle))
    pairs = zip(angle.coefficients, names, strict=True)
    terms = [f"{c!r}*{name}" if c != 1 else name for c, name in pairs if c]
    if angle.offset or not terms:
        terms.append(repr(angle.offset))
    return " + ".join(terms)
