"""Rotations whose angles depend on other wires (Möttönen et al., quant-ph/0404089)."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qjit.lowering.passes.circuits.gates import Gate
from qjit.lowering.passes.circuits.phases import phase_gates

Angles = NDArray[np.float64]
NEGLIGIBLE = 1e-12


def multiplexed_rotation(
    name: str,
    angles: Sequence[float] | Angles,
    controls: Sequence[Any],
    target: Any,
    *,
    flip: str = "CNOT",
) -> list[Gate]:
    """Return rotations of a target, by an angle for each basis state of the controls.

    The controls are gone through in the order of a Gray code, so that there are as many
    CNOTs as rotations; `flip` is "CZ" for rotations about Y with CZ instead.
    """
    turned = _parity_angles(np.asarray(angles, np.float64))
    if not controls or np.abs(turned[1:]).max(initial=0.0) < NEGLIGIBLE:
        return _rotation(name, turned[0], target)
    made: list[Gate] = []
    for code, control in _gray_code(len(controls)):
        made += _rotation(name, turned[code], target)
        made.append(Gate(flip, (controls[len(controls) - 1 - control], target)))
    return made


def _rotation(name: str, angle: float, target: Any) -> list[Gate]:
    return [Gate(name, target, angle)] if abs(angle) > NEGLIGIBLE else []


def _gray_code(size: int) -> Iterator[tuple[int, int]]:
    """Yield the codes in order, each with the bit that changes after it."""
    for number in range(2**size):
        following = number + 1
        changed = (following & -following).bit_length() - 1
        yield number ^ (number >> 1), min(changed, size - 1)


def _parity_angles(angles: Angles) -> Angles:
    """Return the angles by parities of bits, of which each angle is a signed sum."""
    found, half = angles.copy(), 1
    while half < len(found):
        pairs = found.reshape(-1, 2, half)
        found = np.stack(
            [pairs[:, 0] + pairs[:, 1], pairs[:, 0] - pairs[:, 1]], axis=1
        ).reshape(-1)
        half *= 2
    return found / len(found)


def diagonal(phases: Angles, wires: Sequence[Any]) -> list[Gate]:
    """Return the gates of the phases exp(i phase) on basis states."""
    made: list[Gate] = []
    phases, left = np.asarray(phases, np.float64), list(wires)
    while left:
        target = left.pop()
        even, odd = phases[0::2], phases[1::2]
        made += multiplexed_rotation("RZ", odd - even, left, target)
        phases = (even + odd) / 2
    return [*made, *phase_gates(phases[0], NEGLIGIBLE)]
