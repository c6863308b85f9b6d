"""What dialects of QIR call gates, and what they have besides gates."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from qjit.dialects.gates import GATES
from qjit.dialects.gates.spelling import read_spelling

BASE, ADAPTIVE = "base", "adaptive"
MEASURE, RESET, BARRIER = "measure", "reset", "barrier"
OTHERS = {
    MEASURE: "__quantum__qis__mz__body",
    RESET: "__quantum__qis__reset__body",
}
SYMBOL = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")


def symbols_of(gates: Iterable[str]) -> dict[str, str]:
    """Return the functions of gates, by how they are spelled, measurements among them.

    >>> symbols_of(["adjoint(S)"])["adjoint(S)"]
    '__quantum__qis__s__adj'
    """
    found = dict(OTHERS)
    for spelling in gates:
        name, adjoint = read_spelling(spelling)
        symbol = GATES[name].qir_symbol(adjoint=adjoint)
        if symbol is None:
            raise KeyError(f"{spelling} has no name in QIR")
        found[spelling] = symbol
    return found


_SINGLE = ("X", "Y", "Z", "H", "S", "adjoint(S)", "T", "adjoint(T)", "RX", "RY", "RZ")
# What all simulators and compilers of QIR know, under one name.
PORTABLE: Mapping[str, str] = symbols_of([*_SINGLE, "CZ", "CNOT", "Toffoli"])
# As Quantinuum's H-series checks it, and as Q# of old writes it.
CNOT_NAMED: Mapping[str, str] = {
    **symbols_of([*_SINGLE, "CZ"]),
    "CNOT": "__quantum__qis__cnot__body",
}
QUANTINUUM: Mapping[str, str] = {
    **symbols_of(["RZ", "IsingZZ"]),
    "PRX": "__quantum__qis__rxy__body",
}
IQM: Mapping[str, str] = {
    MEASURE: OTHERS[MEASURE],
    **{"PRX": "__quantum__qis__prx__body", "CZ": "__quantum__qis__cz__body"},
}


@dataclass(frozen=True)
class QirDialect:
    """A profile of QIR, with the functions that a device knows."""

    profile: str = ADAPTIVE
    symbols: Mapping[str, str] = field(default_factory=lambda: PORTABLE, hash=False)
    """Functions by the spelling of gates, and of "measure", "reset" and "barrier"."""
    has_branches: bool = True
    has_loops: bool = True
    has_integers: bool = True
    """Whether numbers are computed while a program runs, beside bits."""
    has_floats: bool = True
    bitcode: bool = False
    records_array: bool = True
    """Whether results are announced as one array of so many."""
    version: tuple[int, int] = (2, 1)

    def __post_init__(self) -> None:
        if self.profile not in (BASE, ADAPTIVE):
            raise ValueError(f"There is no profile {self.profile!r} of QIR.")
        wrong = [each for each in self.symbols.values() if not SYMBOL.fullmatch(each)]
        if wrong:
            raise ValueError(f"{wrong[0]!r} is no name of a function in QIR.")

    @property
    def is_base(self) -> bool:
        """Whether measurements come last, and decide nothing."""
        return self.profile == BASE


def gates(dialect: QirDialect) -> frozenset[str]:
    """Return the gates of a dialect, as they are spelled.

    >>> sorted(gates(QirDialect(symbols=IQM)))
    ['CZ', 'PRX']
    """
    return frozenset(dialect.symbols) - {MEASURE, RESET, BARRIER}
