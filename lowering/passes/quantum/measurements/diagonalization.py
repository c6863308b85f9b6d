"""Measurements at the end of a circuit, brought to the computational basis."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product

import numpy as np
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.memref import GlobalOp
from xdsl.ir import SSAValue

from qjit.dialects.quantum.measurements import ResourcesOp, Statistic
from qjit.dialects.quantum.types import FactorAttr, TermAttr, register_size
from qjit.lowering.analysis.constants import KNOWN_WHERE
from qjit.lowering.analysis.memory_accesses import AccessesOf
from qjit.lowering.passes.circuits.gates import Gate
from qjit.lowering.passes.pipeline import PassError
from qjit.lowering.passes.quantum.decomposition.known_matrices import known_array
from qjit.lowering.passes.unitaries.shannon_decomposition import unitary

from .commuting_groups import conflicts
from .diagonalizing_gates import diagonalize_words
from .final_measurements import OF_BITS, FinalMeasurements
from .final_section import RegisterEnd, discard, settle

# Coefficients of words of Z in a matrix below this, relative to the largest, are none.
NEGLIGIBLE = 1e-15
# A word of Z as the wires it acts on, with its weight.
Spectrum = list[tuple[float, tuple[int, ...]]]


def diagonalize(
    found: FinalMeasurements, module: ModuleOp, accesses: AccessesOf
) -> None:
    """Write the end of a circuit anew: gates, then measurements of bits.

    Raises:
        PassError: for observables that do not commute, and for matrices that are known
            only when the program runs.
    """
    if _is_diagonal(found):
        return
    _check_commuting(found)
    arrays = {op.sym_name.data: op for op in module.ops if isinstance(op, GlobalOp)}
    basis = _Basis(found, arrays)
    settle(found, accesses)
    end = RegisterEnd.of(found)
    ops = [reading.op for reading in found.readings]
    for op in ops:
        if not isinstance(op, (Statistic, ResourcesOp, *OF_BITS)):
            end.measure(op)  # it is of the state
    end.apply([turn for part in found.all_turns() for turn in part] + basis.gates)
    for op in ops:
        if isinstance(op, Statistic):
            basis.rewrite(op, end)
        elif isinstance(op, (ResourcesOp, *OF_BITS)):
            end.measure(op)
    end.finish(found)
    discard(found)


def _is_diagonal(found: FinalMeasurements) -> bool:
    """Tell whether nothing but bits is measured, without gates between."""
    return not any(reading.turns for reading in found.readings) and all(
        factor == "Z"
        for reading in found.readings
        for product in reading.products()
        for factor in product.on.values()
    )


def _check_commuting(found: FinalMeasurements) -> None:
    pairs = [(r, each) for r in found.readings for each in r.products()]
    conflict = conflicts([each for _, each in pairs], qubit_wise=False)
    if not conflict.any():
        return
    first, second = np.argwhere(conflict)[0].tolist()
    other, _ = pairs[second]
    what = " and ".join(pairs[n][1].text(found.names) for n in (first, second))
    place = found.place(other.op)
    raise PassError(
        f"{place}: {what} are not measured together: they do not commute, or are "
        "matrices on the same wires. Put split-non-commuting before, or measure them "
        "in two quantum functions."
    )


@dataclass
class _Basis:
    """The gates that turn the basis, and what terms of observables are behind them."""

    found: FinalMeasurements
    arrays: dict[str, GlobalOp]
    gates: list[Gate] = field(default_factory=list[Gate])

    def __post_init__(self) -> None:
        """Find the gates of all words together, and of each matrix."""
        size = register_size(self.found.register)
        self.fixed = {
            wire
            for reading in self.found.readings
            if isinstance(reading.op, OF_BITS)
            for wire in reading.op.measured
        }
        self.spectra: dict[tuple[SSAValue, tuple[int, ...]], Spectrum] = {}
        words: dict[str, None] = {}
        for op, term in self._terms():
            words[self._free(term.word.data)] = None
            for factor in term.factors:
                self._add_matrix(op, factor)
        words.pop("I" * size, None)
        self.words: dict[str, tuple[int, str]] = {"I" * size: (1, "I" * size)}
        if words:
            found = diagonalize_words(list(words))
            self.gates += found.gates
            pairs = zip(found.signs, found.words, strict=True)
            self.words.update(zip(words, pairs, strict=True))

    def _terms(self) -> Iterator[tuple[Statistic, TermAttr]]:
        for reading in self.found.readings:
            if isinstance(reading.op, Statistic):
                for term in reading.op.terms:
                    yield reading.op, term

    def _free(self, word: str) -> str:
        """Return a word without the letters that other turns make Z."""
        return "".join("I" if n in self.fixed else each for n, each in enumerate(word))

    def _add_matrix(self, op: Statistic, factor: FactorAttr) -> None:
        """Turn the eigenvectors of a matrix into basis states."""
        value, wires = op.matrices[factor.matrix.data], factor.wires.get_values()
        if (value, wires) in self.spectra:
            return
        matrix = known_array(value, self.arrays)
        if matrix is None:
            raise PassError(
                f"{self.found.place(op)}: a matrix that is known only when the program "
                "runs is measured along no gates. Measure Pauli words, or a matrix of "
                f"numbers, {KNOWN_WHERE}."
            )
        values, vectors = np.linalg.eigh(matrix)
        gates = unitary(vectors.conj().T, wires)
        self.gates += [gate for gate in gates if gate.all_wires]
        for wire in reversed(range(len(wires))):
            cube = values.reshape(2**wire, 2, -1)
            both = cube[:, 0] + cube[:, 1], cube[:, 0] - cube[:, 1]
            values = np.stack(both, axis=1).reshape(-1) / 2
        size = np.abs(values).max()
        self.spectra[value, wires] = [
            (float(each), tuple(w for w, bit in zip(wires, bits, strict=True) if bit))
            for each, bits in zip(
                values, product((0, 1), repeat=len(wires)), strict=True
            )
            if abs(each) > NEGLIGIBLE * size
        ]

    def rewrite(self, op: Statistic, end: RegisterEnd) -> None:
        """Put a sum of words of Z in the place of an observable."""
        chosen: list[tuple[int, float]] = []
        terms: list[TermAttr] = []
        for number, term in enumerate(op.terms):
            word = term.word.data
            sign, turned = self.words[self._free(word)]
            own = {n for n, each in enumerate(word) if n in self.fixed and each != "I"}
            spectra = [
                self.spectra[op.matrices[f.matrix.data], f.wires.get_values()]
                for f in term.factors
            ]
            for parts in product(*spectra):
                on = own.union(*(wires for _, wires in parts))
                letters = ("Z" if n in on else z for n, z in enumerate(turned))
                scales = [scale for scale, _ in parts]
                chosen.append((number, float(np.prod([sign, *scales]))))
                terms.append(TermAttr("".join(letters)))
        line = None if op.line is None else op.line.value.data
        coefficients = end.weights(op, chosen)
        new = type(op)(end.register, coefficients, [], terms, line=line)
        end.insert(new)
        op.value.replace_all_uses_with(new.value)
