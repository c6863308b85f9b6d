"""The gates of qjit: one record each, in the order of the native gate library."""

import copyreg
from collections.abc import Mapping

from . import controlled, excitation, single_qubit, two_qubit, variadic
from .record import GateRecord, Kernel, Step

FAMILIES = (
    single_qubit,
    controlled,
    two_qubit,
    variadic,
    excitation,
)

GATES: Mapping[str, GateRecord] = {
    record.name: record
    for family in FAMILIES
    for record in vars(family).values()
    if isinstance(record, GateRecord)
}

GATE_INDEX: Mapping[str, int] = {name: index for index, name in enumerate(GATES)}

ALIASES: Mapping[str, str] = {
    alias: record.name for record in GATES.values() for alias in record.aliases
}


def _of_name(name: str) -> GateRecord:
    """The record of the table that a copied or pickled one stands for."""
    return GATES[name]


copyreg.pickle(GateRecord, lambda record: (_of_name, (record.name,)))


def find_gate(name: str) -> GateRecord | None:
    """The gate of this name or alias."""
    return GATES.get(ALIASES.get(name, name))


__all__ = [
    "ALIASES",
    "FAMILIES",
    "GATES",
    "GATE_INDEX",
    "GateRecord",
    "Kernel",
    "Step",
    "find_gate",
]
