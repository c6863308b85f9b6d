"""Rules of users as texts, which options of passes have."""
from __future__ import annotations
from dataclasses import dataclass
from collections.abc import Sequence
from .gate_kinds import GateKind, Rule

@dataclass(frozen=True)
class RuleText:
    @staticmethod
    def read(text: str) -> RuleText:
        raise ValueError

def rule_kinds(rules: Sequence[RuleText]) -> dict[GateKind, tuple[Rule, ...]]:
    return {}
