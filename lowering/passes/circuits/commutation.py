"""Which gates commute whatever their angles are, and which act alike on their wires."""

from collections.abc import Hashable, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from qjit.dialects.gates import GATES
from qjit.dialects.gates.fourier import ComplexMatrix
from qjit.dialects.gates.record import PAULIS
from qjit.runtime.abi.layout import Kernel
from qjit.runtime.recent import MOST

from .circuit import Instruction, Opaque
from .gates import Gate

# Gates that act on more wires together are compared only if both are diagonal.
MOST_WIRES = 5


class GateForm(NamedTuple):
    """What the matrices of a gate depend on besides its angles and wires."""

    base: str
    num_targets: int
    control_values: tuple[int, ...] = ()
    word: str | None = None
    dim: int | None = None

    @property
    def static(self) -> dict[str, Any]:
        """What the record of the base asks to be told at compile time."""
        known = {
            "num_targets": self.num_targets,
            "pauli_word": self.word,
            "dim": self.dim,
        }
        return {name: known[name] for name in GATES[self.base].static}


@lru_cache(MOST)
def is_diagonal(form: GateForm) -> bool:
    """Tell whether a gate is diagonal."""
    record = GATES[form.base]
    return record.num_targets == 0 or record.kernel is Kernel.DIAGONAL


@lru_cache(MOST)
def diagonal_bases(form: GateForm) -> tuple[int, ...]:
    """Return for each wire in which bases a gate is diagonal: bits for Z, X and Y.

    Gates commute if on each wire that they share both are diagonal in one basis.
    """
    controls, count = len(form.control_values), form.num_targets
    if is_diagonal(form) or not count or count > MOST_WIRES:
        return (1,) * controls + (int(is_diagonal(form)),) * count
    target = form._replace(control_values=())
    found = [1] * controls
    for axis in range(count):
        bits = 0
        for bit, letter in enumerate("ZXY"):
            pauli = _spread(PAULIS[letter], [axis], count)
            if all(
                np.allclose(each @ pauli, pauli @ each, atol=1e-13)
                for each in _coefficients(target)
            ):
                bits |= 1 << bit
        found.append(bits)
    return tuple(found)


def commute(
    first: GateForm,
    wires: Sequence[Hashable],
    second: GateForm,
    others: Sequence[Hashable],
) -> bool:
    """Tell whether two gates commute at all angles.

    Args:
        first: the form of one gate.
        wires: its controls, then its targets.
        second: the form of the other gate.
        others: its controls, then its targets.
    """
    places, size = list[int](), len(wires)
    for wire in others:
        if wire in wires:
            places.append(wires.index(wire))
        else:
            places.append(size)
            size += 1
    disjoint = size == len(wires) + len(others)
    return disjoint or _commute(first, second, tuple(places), size)


@lru_cache(MOST)
def _commute(
    first: GateForm, second: GateForm, places: tuple[int, ...], size: int
) -> bool:
    """Compare the coefficients of all frequencies, which are independent of another."""
    if is_diagonal(first) and is_diagonal(second):
        return True
    if size > MOST_WIRES:
        return False
    ones, twos = _coefficients(first), _coefficients(second)
    own = range(len(first.control_values) + first.num_targets)
    ones = [_spread(each, own, size) for each in ones]
    twos = [_spread(each, places, size) for each in twos]
    return all(np.allclose(a @ b, b @ a, atol=1e-13) for a in ones for b in twos)


def _coefficients(form: GateForm) -> list[ComplexMatrix]:
    """Return the coefficient of each frequency, on the controls, then the targets."""
    table = dict(GATES[form.base].harmonics(**form.static))
    side = len(next(iter(table.values())))
    size = side << len(form.control_values)
    place = sum(v << n for n, v in enumerate(reversed(form.control_values))) * side
    inner = slice(place, place + side)
    outside = np.eye(size, dtype=np.complex128)
    outside[inner, inner] = 0
    found: list[ComplexMatrix] = []
    for frequencies, matrix in table.items():
        whole = np.zeros((size, size), np.complex128)
        whole[inner, inner] = matrix
        if not any(frequencies):
            whole, outside = whole + outside, np.zeros_like(outside)
        found.append(whole)
    return [*found, outside] if outside.any() else found


def _spread(matrix: ComplexMatrix, axes: Sequence[int], size: int) -> ComplexMatrix:
    """Return a matrix on some of a number of qubits as one on all."""
    rest = [axis for axis in range(size) if axis not in axes]
    whole = np.kron(matrix, np.eye(1 << len(rest))).astype(np.complex128)
    tensor = whole.reshape((2,) * (2 * size))
    order = np.argsort([*axes, *rest]).tolist()
    return tensor.transpose([*order, *(size + axis for axis in order)]).reshape(
        1 << size, 1 << size
    )


def role(
    form: GateForm, controls: Sequence[Hashable], targets: Sequence[Hashable]
) -> Hashable:
    """Return what gates of one kind have in common that act alike on their wires.

    The order of controls does not matter; nor does that of targets which may be
    exchanged, nor which wire of a phase on |1...1> is the target.
    """
    base, word = form.base, form.word
    if not controls and len(targets) == 1:
        return base, targets[0], word, form.dim
    if all(form.control_values) and _is_phase_on_ones(base):
        return base, frozenset((*controls, *targets))
    pattern = frozenset(zip(controls, form.control_values, strict=True))
    if word is not None:
        return base, pattern, frozenset(zip(targets, word, strict=True))
    on = frozenset(targets) if _is_symmetric(base, len(targets)) else tuple(targets)
    return base, pattern, on, form.dim


@lru_cache(MOST)
def _is_symmetric(base: str, num_targets: int) -> bool:
    """Tell whether all targets may be exchanged."""
    form = GateForm(base, num_targets)
    if num_targets < 2 or set(GATES[base].static) - {"num_targets"}:
        return False
    if num_targets > MOST_WIRES:
        return False
    numbers = list(range(num_targets))
    for one, other in pairwise(numbers):
        order = [{one: other, other: one}.get(each, each) for each in numbers]
        for matrix in GATES[base].harmonics(**form.static).values():
            if not np.allclose(_spread(matrix, order, num_targets), matrix):
                return False
    return True


@lru_cache(MOST)
def _is_phase_on_ones(base: str) -> bool:
    """Tell whether a gate is a phase on |1>: its target is as good as a control."""
    record = GATES[base]
    if record.num_targets != 1:
        return False
    total = np.zeros((2, 2), np.complex128)
    for frequencies, matrix in record.harmonics().items():
        total += matrix
        others = np.abs(matrix - np.diag([0, matrix[1, 1]])).max()
        if any(frequencies) and others > 0:
            return False
    off_diagonal = abs(total[0, 1]) + abs(total[1, 0])
    return bool(off_diagonal == 0 and np.isclose(total[0, 0], 1))


def form_of(gate: Gate) -> GateForm:
    """Return the form of a gate."""
    return GateForm(
        gate.base,
        len(gate.targets),
        gate.all_control_values,
        gate.static.get("pauli_word"),
        gate.static.get("dim"),
    )


def instructions_commute(first: Instruction, second: Instruction) -> bool:
    """Tell whether two instructions commute, as far as is known."""
    if set(first.all_wires).isdisjoint(second.all_wires):
        # What has no wires is a global phase.
        return True
    if isinstance(first, Opaque) or isinstance(second, Opaque):
        return False
    return commute(form_of(first), first.all_wires, form_of(second), second.all_wires)
