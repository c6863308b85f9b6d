"""The gates of qjit: one record each, in the order of the native gate library."""

import copyreg
from collections.abc import Iterable, Mapping

from . import controlled, excitation, single_qubit, two_qubit, variadic
from .record import GateRecord, Kernel, Step
from .spelling import read_spelling

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

# The gates that are others under controls that fire on 1, by base and number.
CONTROLLED: Mapping[tuple[str, int], str] = {
    (record.base, record.num_controls): record.name
    for record in GATES.values()
    if record.base is not None and record.num_controls is not None
}
# Those under any controls, for which there may be no such name, by base.
MULTI_CONTROLLED: Mapping[str, str] = {
    record.base: record.name
    for record in GATES.values()
    if record.base is not None and record.num_controls is None
}


def _of_name(name: str) -> GateRecord:
    """The record of the table that a copied or pickled one stands for."""
    return GATES[name]


copyreg.pickle(GateRecord, lambda record: (_of_name, (record.name,)))


def find_gate(name: str) -> GateRecord | None:
    """The gate of this name or alias."""
    return GATES.get(ALIASES.get(name, name))


def are_discrete(names: Iterable[str]) -> bool:
    """Tell whether gates, or adjoints of gates such as "adjoint(T)", have no angles."""
    found = (find_gate(read_spelling(name)[0]) for name in names)
    records = [record for record in found if record is not None]
    return not any(each.num_params for each in records if each.num_targets != 0)


__all__ = [
    "ALIASES",
    "CONTROLLED",
    "FAMILIES",
    "GATES",
    "GATE_INDEX",
    "MULTI_CONTROLLED",
    "GateRecord",
    "Kernel",
    "Step",
    "are_discrete",
    "find_gate",
]
