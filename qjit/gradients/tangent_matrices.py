"""Matrices of the gates of a circuit over dual numbers.

Gates on equally many targets are computed by the same code, whichever they are, because
each is a Fourier series in its angles; so are the iterations of the loops around them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from qjit.dialects.circuit_tree import Branch, Loop, Node, Slot, Step
from qjit.dialects.gates import GATES
from qjit.errors import DifferentiationError
from qjit.lowering.jax_internals.tracing import user_line
from qjit.lowering.jaxpr.dimensions import Size, count, is_static

from .hybrid_split import CircuitProgram

WIDEST = 6
# Series of at most this many frequencies are computed together.
FEW_FREQUENCIES = 4


@dataclass(frozen=True)
class Member:
    """An active gate or matrix, and how often the loops around it run."""

    step: Step
    lengths: tuple[Size, ...]
    targets: int

    @property
    def is_gate(self) -> bool:
        """Whether it is a gate of the table."""
        return self.step.primitive == "quantum_gate"

    @property
    def kind(self) -> Any:
        """What members have in common whose matrices are computed alike."""
        if self.is_gate:
            frequencies = max(len(self.series[0]), FEW_FREQUENCIES)
            return self.targets, (frequencies - 1).bit_length()
        params = self.step.params
        names = ("adjoint", "diagonal", "invertible")
        return self.targets, *(bool(params.get(name)) for name in names)

    @property
    def series(self) -> tuple[Any, Any]:
        """The frequencies of a gate's matrix, (series, angles), and their matrices."""
        params = self.step.params
        table = GATES[params["gate"]].harmonics(**static_of(params, self.targets))
        frequencies, matrices = np.array(list(table), float), [*table.values()]
        frequencies = frequencies.reshape(len(table), -1)
        if params["adjoint"]:
            return -frequencies, np.array([m.conj().T for m in matrices])
        return frequencies, np.array(matrices)

    @property
    def key(self) -> Any:
        """What gates have in common whose series are equal."""
        names = ("gate", "word", "dim", "adjoint")
        return tuple(self.step.params[name] for name in names)

    @property
    def rows(self) -> Size:
        """How often it is applied."""
        return count(self.lengths)

    def strides(self, size: int) -> tuple[Size, ...]:
        """Return how far apart matrices of a size are, for each loop."""
        lengths = self.lengths
        return tuple(size * count(lengths[n + 1 :]) for n in range(len(lengths)))

    @property
    def slots(self) -> list[Slot]:
        """Where the numbers stand that its matrix is made from."""
        if self.is_gate:
            return list(self.step.slots)
        params, side = self.step.params, 2**self.targets
        numbers = 2 * (side if params["diagonal"] else side * side)
        numbers *= 2 if params.get("invertible") else 1
        (first,) = self.step.slots
        return [Slot(first.base + n, first.strides) for n in range(numbers)]


def families(
    program: CircuitProgram, nodes: Sequence[Node], lengths: tuple[Size, ...]
) -> dict[Any, list[Member]]:
    """Return the active gates and matrices, by kind."""
    found: dict[Any, list[Member]] = {}

    def add(members: list[Member]) -> None:
        for member in members:
            found.setdefault(member.kind, []).append(member)

    for node in nodes:
        match node:
            case Step() if node.slots and node.primitive != "quantum_state_prep":
                add([Member(node, lengths, target_count(program, node))])
            case Loop():
                inner = families(program, node.body, (*lengths, node.length))
                add([member for each in inner.values() for member in each])
            case Branch():
                for branch in node.branches:
                    inner = families(program, branch, lengths)
                    add([member for each in inner.values() for member in each])
            case _:
                pass
    return found


def target_count(program: CircuitProgram, step: Step) -> int:
    """Return the number of targets of a gate or matrix."""
    params = step.params
    if step.primitive == "quantum_gate" and GATES[params["gate"]].num_targets == 0:
        return 0  # a global phase on no wire is written on any
    targets = len(params["wires"]) - params["num_controls"]
    # The dual wire of an invertible matrix is its first target.
    if targets > WIDEST:
        name = params.get("gate", "a matrix")
        raise DifferentiationError(
            f"{user_line(getattr(step.source, 'source_info', None))}: derivatives of "
            f"'{program.name}' of second order or forward mode take gates on at most "
            f"{WIDEST} targets, but {name} has {targets}. Decompose it into smaller "
            "gates."
        )
    return targets


def dual_matrices(members: Sequence[Member]) -> Callable[[Any, Any], Any]:
    """Return what computes the dual matrices of a family, and their inverses.

    It takes the flat angles and their tangents, and returns one row for each time that
    a member is applied.
    """
    xp: Any = np if is_static(_sizes(members)) else jnp

    # NOTE: all arrays are made here: those of open size belong to one trace.
    def make(flat: Any, tangent: Any) -> Any:
        matrix, inverse = _matrix_functions(xp, members)
        table = _table(xp, members)
        numbers, along = flat[table], tangent[table]
        value, change = jax.jvp(matrix, (numbers,), (along,))
        back = jax.lax.stop_gradient(inverse(numbers, value))
        lower = -back @ jax.lax.stop_gradient(change) @ back
        both = [_block(value, change), _block(back, lower)]
        return to_parts(jnp.stack(both, axis=-3))

    return make


def _sizes(members: Sequence[Member]) -> tuple[Size, ...]:
    return tuple(
        size
        for member in members
        for slot in member.step.slots
        for size in (slot.base, *slot.strides, *member.lengths)
    )


def _block(value: Any, change: Any) -> Any:
    """Return [[value, 0], [change, value]]."""
    zero = jnp.zeros_like(value)
    upper = jnp.concatenate([value, zero], axis=-1)
    return jnp.concatenate([upper, jnp.concatenate([change, value], axis=-1)], axis=-2)


def _table(xp: Any, members: Sequence[Member]) -> Any:
    """Return where the numbers of matrices are: one row for each application."""
    width = max(len(member.slots) for member in members)
    rows: list[Any] = []
    for member in members:
        # Gates of fewer angles do not depend on the others.
        slots = member.slots + member.slots[:1] * (width - len(member.slots))
        columns = [_places(xp, slot, member.lengths).reshape(-1) for slot in slots]
        rows.append(xp.stack(columns, axis=-1))
    return xp.concatenate(rows)


def _places(xp: Any, slot: Slot, lengths: Sequence[Size]) -> Any:
    places = xp.asarray(slot.base)
    for stride, length in zip(slot.strides, lengths, strict=True):
        places = places[..., None] + xp.asarray(stride) * xp.arange(length)
    return places


def _matrix_functions(
    xp: Any, members: Sequence[Member]
) -> tuple[Callable[[Any], Any], Callable[[Any, Any], Any]]:
    """Return matrices as a function of their numbers, and their inverses."""
    params, side = members[0].step.params, 2 ** members[0].targets
    if members[0].is_gate:
        return _gate_matrices(xp, members), lambda _, value: _dagger(value)
    if params.get("invertible"):

        def pair(numbers: Any) -> Any:
            return from_parts(numbers).reshape(*numbers.shape[:-1], 2, side, side)

        return lambda x: pair(x)[..., 0, :, :], lambda x, _: pair(x)[..., 1, :, :]
    if params["diagonal"]:
        made = lambda x: from_parts(x)[..., :, None] * jnp.eye(side)  # noqa: E731
    else:
        made = lambda x: from_parts(x).reshape(*x.shape[:-1], side, side)  # noqa: E731
    if params["adjoint"]:
        return lambda x: _dagger(made(x)), lambda _, value: _dagger(value)
    return made, lambda _, value: _dagger(value)


def _gate_matrices(xp: Any, members: Sequence[Member]) -> Callable[[Any], Any]:
    """Return the matrices of gates of the table as a function of their angles."""
    numbers = {key: n for n, key in enumerate(dict.fromkeys(m.key for m in members))}
    series = list({member.key: member.series for member in members}.values())
    frequencies = _padded([each for each, _ in series])
    matrices = _padded([each for _, each in series])
    which = xp.concatenate([xp.full((m.rows,), numbers[m.key]) for m in members])

    def matrix(angles: Any) -> Any:
        mine = frequencies.astype(angles.dtype)
        if len(series) == 1:
            waves = _waves(angles @ mine[0].T)
            return jnp.tensordot(waves, matrices[0].astype(waves.dtype), axes=1)
        waves = _waves(jnp.einsum("rp,rfp->rf", angles, jnp.asarray(mine)[which]))
        table = jnp.asarray(matrices, waves.dtype)
        return jnp.einsum("rf,rfab->rab", waves, table[which])

    return matrix


def _padded(arrays: Sequence[Any]) -> Any:
    """Return arrays as one, with zeros where some are smaller."""
    shape = np.max([each.shape for each in arrays], axis=0)
    found = np.zeros((len(arrays), *shape), arrays[0].dtype)
    for number, each in enumerate(arrays):
        found[number, *map(slice, each.shape)] = each
    return found


def _waves(angles: Any) -> Any:
    return jax.lax.complex(jnp.cos(angles), jnp.sin(angles))


def static_of(params: Any, targets: int) -> dict[str, Any]:
    """Return what a gate's matrix takes besides its angles."""
    known = {"num_targets": targets, "pauli_word": params["word"], "dim": params["dim"]}
    return {name: known[name] for name in GATES[params["gate"]].static}


def to_parts(numbers: Any) -> Any:
    """Return the real and imaginary parts of complex numbers, in turn."""
    return jnp.stack([jnp.real(numbers), jnp.imag(numbers)], axis=-1).ravel()


def from_parts(parts: Any) -> Any:
    """Return the complex numbers whose parts stand in turn."""
    return jax.lax.complex(parts[..., 0::2], parts[..., 1::2])


def _dagger(matrix: Any) -> Any:
    return jnp.conj(jnp.swapaxes(matrix, -1, -2))
