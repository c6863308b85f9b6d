"""Molecular Hamiltonians that ship with qjit, and the excitations that solve them."""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from qjit.errors import QJitError

Scalar = TypeVar("Scalar", bound=np.generic)

MOLECULES = {"h2": "H2", "h4": "H4", "lih": "LiH", "h2o": "H2O"}


class MoleculeError(QJitError, ValueError):
    """The molecule is not in the data set, or has an impossible electron count."""


@dataclass(frozen=True, eq=False)
class Molecule:
    """A molecule in the STO-3G basis, mapped to qubits by Jordan-Wigner."""

    name: str
    symbols: tuple[str, ...]
    geometry: NDArray[np.float64]  # one row per atom, in angstrom
    qubits: int
    electrons: int
    hf_state: NDArray[np.int64]
    words: tuple[str, ...]
    coefficients: NDArray[np.float64]
    hf_energy: float  # energies in hartree
    ground_energy: float

    def hamiltonian(self) -> Any:
        """Return the electronic Hamiltonian as an observable."""
        from qjit.ops.observables import pauli_sum

        return pauli_sum(self.coefficients, self.words)


@cache
def molecule(name: str) -> Molecule:
    """Return the molecule called `name`: h2, h4, lih or h2o, in any case."""
    key = name.lower()
    if key not in MOLECULES:
        raise MoleculeError(
            f"No molecule is called {name!r}. Choose one of {', '.join(MOLECULES)}."
        )
    text = files(__name__).joinpath(f"{key}_sto3g.json").read_text("utf-8")
    record = json.loads(text)
    return Molecule(
        name=MOLECULES[key],
        symbols=tuple(record["symbols"]),
        geometry=_frozen(record["geometry_angstrom"], np.float64),
        qubits=record["qubits"],
        electrons=record["electrons"],
        hf_state=_frozen(record["hf_state"], np.int64),
        words=tuple(record["paulis"]),
        coefficients=_frozen(record["coefficients"], np.float64),
        hf_energy=record["hf_energy_hartree"],
        ground_energy=record["ground_energy_hartree"],
    )


def excitations(electrons: int, qubits: int) -> tuple[list[list[int]], list[list[int]]]:
    """Return the wires of the single and double excitations that keep the spin.

    Even wires are spin up and odd wires spin down; the first `electrons` wires are
    occupied. A single is `[occupied, virtual]`, a double is two occupied wires
    followed by two virtual ones.
    """
    if not 0 < electrons < qubits:
        raise MoleculeError(
            f"Expected 0 < electrons < qubits, but got {electrons} electrons on "
            f"{qubits} qubits. Excitations move electrons to empty spin orbitals."
        )
    occupied, virtual = range(electrons), range(electrons, qubits)
    singles = [[r, p] for r in occupied for p in virtual if r % 2 == p % 2]
    doubles = [
        [s, r, q, p]
        for s in occupied
        for r in range(s + 1, electrons)
        for q in virtual
        for p in range(q + 1, qubits)
        if r % 2 + s % 2 == p % 2 + q % 2
    ]
    return singles, doubles


def _frozen(values: object, dtype: type[Scalar]) -> NDArray[Scalar]:
    array = np.array(values, dtype)
    array.setflags(write=False)
    return array
