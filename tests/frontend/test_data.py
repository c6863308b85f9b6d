import importlib
from typing import Any

import numpy as np
import pytest

from qjit.data import MOLECULES, MoleculeError, excitations, molecule

qml: Any = importlib.import_module("pennylane")


@pytest.mark.parametrize("name", MOLECULES)
def test_a_molecule_is_consistent(name: str) -> None:
    record = molecule(name.upper())
    assert len(record.words) == len(record.coefficients)
    assert {len(word) for word in record.words} == {record.qubits}
    assert record.hf_state.sum() == record.electrons
    assert record.ground_energy < record.hf_energy


@pytest.mark.parametrize("name", MOLECULES)
def test_hartree_fock_energy(name: str) -> None:
    record = molecule(name)
    spins = 1 - 2 * record.hf_state
    energy = sum(
        coefficient * np.prod(spins[[letter == "Z" for letter in word]])
        for coefficient, word in zip(record.coefficients, record.words, strict=True)
        if set(word) <= {"I", "Z"}
    )
    assert energy == pytest.approx(record.hf_energy, abs=1e-10)


@pytest.mark.parametrize("name", ["h2", "h4"])
def test_ground_energy(name: str) -> None:
    record = molecule(name)
    matrix = sum(
        coefficient * qml.pauli.string_to_pauli_word(word).matrix(range(record.qubits))
        for coefficient, word in zip(record.coefficients, record.words, strict=True)
    )
    assert np.linalg.eigvalsh(matrix)[0] == pytest.approx(
        record.ground_energy, abs=1e-8
    )


@pytest.mark.parametrize("electrons, qubits", [(1, 4), (2, 4), (4, 8), (3, 8), (4, 12)])
def test_excitations_are_those_of_pennylane(electrons: int, qubits: int) -> None:
    expected = qml.qchem.excitations(electrons, qubits)
    assert excitations(electrons, qubits) == expected


def test_arrays_are_read_only() -> None:
    with pytest.raises(ValueError, match="read-only"):
        molecule("h2").coefficients[0] = 0.0


def test_unknown_molecule() -> None:
    with pytest.raises(MoleculeError, match="Choose one of h2, h4, lih, h2o"):
        molecule("caffeine")


@pytest.mark.parametrize("electrons, qubits", [(0, 4), (4, 4), (-1, 2)])
def test_impossible_electron_count(electrons: int, qubits: int) -> None:
    with pytest.raises(MoleculeError, match="0 < electrons < qubits"):
        excitations(electrons, qubits)
