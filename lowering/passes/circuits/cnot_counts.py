"""How many CNOTs gates are worth."""

from collections.abc import Iterable, Mapping

from .circuit import Instruction
from .gates import Gate

# Those that are not two for each wire after the first.
COUNTS: Mapping[str, int] = {
    **dict.fromkeys(("CNOT", "CZ", "CY", "ECR"), 1),
    "SWAP": 3,
}


def count_cnots(instructions: Iterable[Instruction]) -> int:
    """Return how many CNOTs the gates among instructions are worth together."""
    return sum(cnots_of(each) for each in instructions if isinstance(each, Gate))


def cnots_of(gate: Gate) -> int:
    """Return how many CNOTs a gate is worth, which is none on one wire."""
    others = len(gate.all_wires) - 1
    return COUNTS.get(gate.name, 2 * others) if others > 0 else 0
