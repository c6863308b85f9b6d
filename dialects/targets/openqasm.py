"""What dialects of OpenQASM call gates, and what they have besides gates."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from qjit.dialects.gates import GATES
from qjit.dialects.gates.spelling import spelled


@dataclass(frozen=True)
class QasmDialect:
    """A version of OpenQASM, as a device takes it."""

    version: int = 3
    names: Mapping[str, str] | None = field(default=None, hash=False)
    """What gates are called, by their names here; None for those of the standard. One
    such as "ms(0, 0, {0})" says where the parameters go."""
    includes: tuple[str, ...] = ("stdgates.inc",)
    has_branches: bool = True
    has_loops: bool = True
    has_counters: bool = True
    has_modifiers: bool = True
    """Whether there are `ctrl @` and `inv @`."""
    has_numbers: bool = True
    """Whether there are variables and arithmetic besides bits."""
    has_subroutines: bool = False
    """Whether there is `def`."""
    one_register: bool = False
    """Whether all bits are in one register, results first."""
    physical: bool = False
    """Whether qubits are those of the device, `$0` and so on."""


def standard_names() -> dict[str, str]:
    """Return what gates are called in the standard library, by spelling."""
    found: dict[str, str] = {}
    for name, record in GATES.items():
        if record.qasm is not None:
            found[name] = record.qasm
        if record.qasm_adjoint is not None:
            found[spelled(name, adjoint=True)] = record.qasm_adjoint
    return found
