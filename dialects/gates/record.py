"""The gate record: all that qjit knows of a gate follows from its matrix function."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cache, cached_property
from itertools import product
from typing import Any, Protocol, TypeAlias, TypedDict, TypeVar, Unpack, cast

import numpy as np

from qjit.runtime.abi.layout import Kernel

from .fourier import (
    Angle,
    ComplexMatrix,
    Harmonics,
    Matrix,
    differentiate,
    evaluate,
    harmonics,
    parameters,
)


class Negatable(Protocol):
    """A number, a tracer, an angle."""

    def __neg__(self) -> Any: ...


Real = TypeVar("Real", bound=Negatable)
Definition: TypeAlias = Callable[..., Matrix]
Steps: TypeAlias = "list[Step]"
Decomposition: TypeAlias = (
    Callable[[], Steps]
    | Callable[[Any], Steps]
    | Callable[[Any, Any], Steps]
    | Callable[[Any, Any, Any], Steps]
)
Inverse: TypeAlias = (
    Callable[[Any], tuple[Any, ...]]
    | Callable[[Any, Any], tuple[Any, ...]]
    | Callable[[Any, Any, Any], tuple[Any, ...]]
)

PAULIS: Mapping[str, ComplexMatrix] = {
    "I": np.eye(2, dtype=np.complex128),
    "X": np.array([[0, 1], [1, 0]], np.complex128),
    "Y": np.array([[0, -1j], [1j, 0]], np.complex128),
    "Z": np.array([[1, 0], [0, -1]], np.complex128),
}


@dataclass(frozen=True)
class Step:
    """One gate of a decomposition, on wires counted from the gate's first wire."""

    gate: GateRecord
    params: tuple[Angle | float, ...] = ()
    wires: tuple[int, ...] = ()

    def __matmul__(self, wires: int | tuple[int, ...]) -> Step:
        return replace(self, wires=(wires,) if isinstance(wires, int) else wires)


@dataclass(frozen=True, eq=False)
class GateRecord:
    """One gate: its matrix on the targets, its controls, its names, its meaning.

    `definition` takes one angle per parameter and, by keyword, what is known at compile
    time (`static`: the number of targets, a Pauli word, a matrix). `num_targets` and
    `num_controls` are None where they vary; `example` is then a typical `static`, and
    `words` are the integers of it that the native library reads after the parameters.
    """

    name: str
    doc: str
    definition: Definition | None = None
    num_targets: int | None = None
    num_controls: int | None = 0
    aliases: tuple[str, ...] = ()
    base: str | None = None
    qasm: str | None = None
    qasm_adjoint: str | None = None
    qir: str | None = None
    inverse: Inverse | None = None
    decomposition: Decomposition | None = None
    fixed_kernel: Kernel | None = None
    words: tuple[str, ...] = ()
    example: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def __repr__(self) -> str:
        return f"GateRecord({self.name})"

    def __call__(self, *params: Angle | float) -> Step:
        """The gate at these parameters, on no wires yet."""
        return Step(self, params)

    def __matmul__(self, wires: int | tuple[int, ...]) -> Step:
        return Step(self) @ wires

    @cached_property
    def parameters(self) -> tuple[str, ...]:
        """The names of the parameters, in order."""
        return self._signature(inspect.Parameter.POSITIONAL_OR_KEYWORD)

    @cached_property
    def static(self) -> tuple[str, ...]:
        """The names of what must be known at compile time to have a matrix."""
        return self._signature(inspect.Parameter.KEYWORD_ONLY)

    def _signature(self, kind: Any) -> tuple[str, ...]:
        if self.definition is None:
            return ()
        found = inspect.signature(self.definition).parameters.values()
        return tuple(p.name for p in found if p.kind is kind)

    @property
    def num_params(self) -> int:
        """The number of parameters."""
        return len(self.parameters)

    @property
    def num_wires(self) -> int | None:
        """Controls and targets together, None where they vary."""
        if self.num_targets is None or self.num_controls is None:
            return None
        return self.num_controls + self.num_targets

    def harmonics(self, **static: Any) -> Harmonics:
        """The Fourier coefficients of the target matrix."""
        return _harmonics(self) if not static else _series(self, static)

    def matrix(self, params: Sequence[float] = (), **static: Any) -> ComplexMatrix:
        """The target matrix, first target most significant."""
        return evaluate(self.harmonics(**static), params)

    def full_matrix(
        self, params: Sequence[float] = (), *, num_controls: int = 0, **static: Any
    ) -> ComplexMatrix:
        """The matrix on controls then targets, every control firing on 1."""
        target = self.matrix(params, **static)
        size = len(target) << (self.num_controls or num_controls)
        full = np.eye(size, dtype=np.complex128)
        full[-len(target) :, -len(target) :] = target
        return full

    def derivatives(
        self, params: Sequence[float] = (), **static: Any
    ) -> list[ComplexMatrix]:
        """The derivative of the target matrix by each parameter."""
        table = self.harmonics(**static)
        zero = np.zeros_like(next(iter(table.values())))
        gradients = (differentiate(table, j) for j in range(self.num_params))
        return [evaluate(s, params) if s else zero for s in gradients]

    def adjoint(self, params: Sequence[Real]) -> tuple[Real, ...] | None:
        """Parameters that give the inverse gate, or None: it needs the adjoint flag."""
        if self.inverse is not None:
            return cast(Callable[..., tuple[Real, ...]], self.inverse)(*params)
        return tuple(-p for p in params) if self._negates else None

    @cached_property
    def adjoint_angles(self) -> tuple[Angle, ...] | None:
        """`adjoint` as affine functions of the parameters."""
        return self.adjoint(parameters(self.num_params))

    @cached_property
    def _negates(self) -> bool:
        table = self._typical
        return bool(table) and all(np.allclose(c, c.conj().T) for c in table.values())

    @property
    def self_adjoint(self) -> bool:
        """Whether the gate is its own inverse."""
        return self.num_params == 0 and self._negates

    @cached_property
    def additive(self) -> bool:
        """Whether U(a) U(b) = U(a + b): the gate is exp(i theta G)."""
        table = self._typical
        orthogonal = (
            np.allclose(c @ d, c if w == v else 0 * c)
            for (w, c), (v, d) in product(table.items(), repeat=2)
        )
        return self.num_params == 1 and all(orthogonal)

    @cached_property
    def period(self) -> float | None:
        """The smallest angle at which a gate of one parameter is the identity again."""
        if self.num_params != 1 or not self.additive:
            return None
        found = [Fraction(abs(w[0])).limit_denominator(64) for w in self._typical]
        moving = [each for each in found if each]
        if not moving or [float(each) for each in found] != [
            abs(w[0]) for w in self._typical
        ]:
            return None
        scale = math.lcm(*(each.denominator for each in moving))
        unit = Fraction(math.gcd(*(int(each * scale) for each in moving)), scale)
        return 2 * math.pi / float(unit)

    @cached_property
    def generator(self) -> ComplexMatrix | None:
        """G where the target matrix is exp(i theta G), for the typical arity."""
        if not self.additive:
            return None
        return np.sum([w[0] * c for w, c in self._typical.items()], axis=0)

    def frequencies(
        self, parameter: int = 0, *, controlled: bool = False
    ) -> tuple[float, ...]:
        """Positive frequencies of an expectation value in one parameter."""
        exponents = {w[parameter] for w in self._typical}
        if controlled or self.num_controls != 0:
            exponents.add(0.0)
        return tuple(sorted({a - b for a in exponents for b in exponents if a > b}))

    @cached_property
    def real(self) -> bool:
        """Whether every matrix entry is real whatever the parameters."""
        table = self._typical
        mirror = {w: table.get(tuple(-x for x in w)) for w in table}
        return bool(table) and all(
            m is not None and np.allclose(m, table[w].conj()) for w, m in mirror.items()
        )

    def decompose(self, *params: Angle | float, **static: Any) -> Steps | None:
        """Simpler gates that make this one, of its own angles unless given others."""
        if self.decomposition is None:
            return None
        angles = params or parameters(self.num_params)
        return cast(Callable[..., Steps], self.decomposition)(*angles, **static)

    @cached_property
    def _typical(self) -> Harmonics:
        return {} if self.definition is None else self.harmonics(**self.example)

    @cached_property
    def kernel(self) -> Kernel:
        """The simulator loop that fits the sparsity of the target matrix."""
        if self.fixed_kernel is not None:
            return self.fixed_kernel
        if self._diagonal:
            return Kernel.DIAGONAL
        if self.num_targets == 1:
            return Kernel.ONE
        if self.pauli_word is not None:
            return Kernel.PAULI_ROT
        return Kernel.TWO_LEVEL if len(self._moved) == 2 else Kernel.DENSE

    @property
    def two_level(self) -> tuple[int, int]:
        """The two basis states of the targets that a TWO_LEVEL gate mixes."""
        a, b = self._moved
        return a, b

    @cached_property
    def pauli_word(self) -> str | None:
        """P where the gate is exp(-i theta P / 2) with a fixed Pauli word."""
        if self.generator is None or self.num_targets is None:
            return None
        flips = int(np.argmax(np.abs(self.generator[:, 0])))  # where it takes |0...0>
        bits = reversed(range(self.num_targets))
        for letters in product(*("XY" if flips >> bit & 1 else "IZ" for bit in bits)):
            if np.allclose(self.generator, -0.5 * pauli_matrix("".join(letters))):
                return "".join(letters)
        return None

    @property
    def _pattern(self) -> ComplexMatrix:
        return np.sum([np.abs(c) for c in self._typical.values()], axis=0)

    @property
    def _diagonal(self) -> bool:
        return np.array_equal(self._pattern, np.diag(np.diag(self._pattern)))

    @cached_property
    def _moved(self) -> tuple[int, ...]:
        rest = {w: c for w, c in self._typical.items() if any(w)}
        constant = self._typical.get((0.0,) * self.num_params, 0 * self._pattern)
        moved = np.abs(constant - np.eye(len(constant)))
        moved += sum(map(np.abs, rest.values()))
        return tuple(np.flatnonzero((moved + moved.T).sum(axis=0)).tolist())

    def compact(self, matrix: ComplexMatrix) -> ComplexMatrix:
        """The part of a target matrix that the kernel reads, in its layout."""
        if self.kernel is Kernel.DIAGONAL:
            return np.diag(matrix)
        if self.kernel is Kernel.TWO_LEVEL:
            return matrix[np.ix_(self.two_level, self.two_level)]
        return matrix

    @cached_property
    def in_library(self) -> bool:
        """Whether the native library knows the matrix from the parameters alone."""
        return self.definition is not None and set(self.static) == set(self.words)

    def qir_symbol(self, *, adjoint: bool = False) -> str | None:
        """The QIR function of the gate, or of its adjoint."""
        suffix = "adj" if adjoint else "body"
        return self.qir and f"__quantum__qis__{self.qir}__{suffix}"


def pauli_matrix(word: str) -> ComplexMatrix:
    """The tensor product of the Paulis a word names."""
    matrix = np.ones((1, 1), np.complex128)
    for letter in word:  # as np.kron, which takes ten times as long
        pairs = matrix[:, None, :, None] * PAULIS[letter][:, None]
        matrix = pairs.reshape(2 * len(matrix), -1)
    return matrix


class Fields(TypedDict, total=False):
    """What a record may state beside its matrix."""

    aliases: tuple[str, ...]
    qasm: str
    qasm_adjoint: str
    qir: str
    inverse: Inverse
    decomposition: Decomposition
    fixed_kernel: Kernel
    words: tuple[str, ...]
    example: Mapping[str, Any]


class ControlledFields(TypedDict, total=False):
    """What a controlled record may state: the rest is its base's."""

    num_controls: int | None
    aliases: tuple[str, ...]
    qasm: str
    qir: str
    decomposition: Decomposition


def gate(
    num_targets: int | None = None, **fields: Unpack[Fields]
) -> Callable[[Definition], GateRecord]:
    """The record of the gate whose target matrix the decorated function defines."""

    def record(definition: Definition) -> GateRecord:
        doc = inspect.getdoc(definition) or ""
        return GateRecord(definition.__name__, doc, definition, num_targets, **fields)

    return record


def controlled(
    base: GateRecord, name: str, doc: str, **fields: Unpack[ControlledFields]
) -> GateRecord:
    """The record of `base` under controls, one unless stated, that fire on 1."""
    stated: ControlledFields = {"num_controls": 1, **fields}
    return GateRecord(
        name,
        doc,
        base.definition,
        base.num_targets,
        base=base.name,
        inverse=base.inverse,
        fixed_kernel=base.fixed_kernel,
        words=base.words,
        example=base.example,
        **stated,
    )


@cache
def _harmonics(record: GateRecord) -> Harmonics:
    return _series(record, {})


def _series(record: GateRecord, static: Mapping[str, Any]) -> Harmonics:
    if record.definition is None:
        raise TypeError(f"{record.name} prepares a state, so it has no matrix.")
    matrix = record.definition(*parameters(record.num_params), **static)
    return harmonics(matrix, record.num_params)
