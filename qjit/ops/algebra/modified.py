"""Adjoints of operators, and operators under controls."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from qjit.errors import ParameterTypeError
from qjit.lowering.jax_internals.tracing import user_line
from qjit.tracing.wires import Wire, check_distinct

from .expressions import Hamiltonian, PauliSum, Prod, SProd, Sum
from .gates import Gate, controlled_matrix
from .operator import UNCHANGED, Modifiers, Operator, implements
from .pauli import backend
from .powers import Pow
from .recording import created, taken
from .unitaries import Unitary


@dataclass(frozen=True, eq=False, repr=False)
class Modified(Operator):
    """The adjoint of an operator, or the operator under controls, or both."""

    traced: ClassVar = ("base",)
    labelled: ClassVar = ("controls",)

    base: Operator
    inverted: bool = False
    controls: tuple[Wire, ...] = ()
    control_values: tuple[bool, ...] = ()

    @property
    def name(self) -> str:
        """The operator's name in brackets."""
        name = f"C({self.base.name})" if self.controls else self.base.name
        return f"Adjoint({name})" if self.inverted else name

    @property
    def wires(self) -> tuple[Wire, ...]:
        """The controls, then the wires of the operator."""
        return (*self.controls, *self.base.wires)

    @property
    def is_unitary(self) -> bool:
        """Whether the operator is."""
        return self.base.is_unitary

    def operands(self) -> Iterator[Operator]:
        """Yield the operator."""
        yield self.base

    @property
    def modifiers(self) -> Modifiers:
        """How the operator is changed."""
        return Modifiers(self.inverted, self.controls, self.control_values)

    def changed(self, change: Modifiers) -> Operator:
        """Return the operator changed once more."""
        whole = self.modifiers.then(change)
        check_distinct((*whole.controls, *self.base.wires), "controls and targets")
        return self.base if whole == UNCHANGED else Modified(self.base, *whole)

    def bind(self, change: Modifiers = UNCHANGED) -> None:
        """Put the operator into the circuit under trace, changed."""
        self.base.bind(self.modifiers.then(change))

    def own_matrix(self) -> Any:
        """Return the matrix on the controls, then the wires of the operator."""
        matrix = self.base.own_matrix()
        if self.inverted:
            matrix = backend(matrix).conj(matrix).T
        return controlled_matrix(matrix, self.control_values)

    def text(self) -> str:
        """Return the operator in a call for each change."""
        text = repr(self.base)
        if self.controls:
            text = f"C({text}, control={list(self.controls)})"
        return f"Adjoint({text})" if self.inverted else text


def changed(operator: Operator, change: Modifiers) -> Operator:
    """Return an operator inverted, or with more controls."""
    base = taken(operator)
    if isinstance(base, Gate | Unitary | Modified):
        return created(base.changed(change))
    if not base.is_unitary and change.controls:
        raise ParameterTypeError(
            f"{user_line()}: ctrl takes operators that can be applied, but {base!r} is "
            "not unitary by its construction."
        )
    if change == Modifiers(adjoint=True) and (found := _adjoint(base)) is not None:
        return created(found)
    check_distinct((*change.controls, *base.wires), "controls and targets")
    return created(Modified(base, *change))


@implements("adjoint_of")
def adjoint_of(operator: Operator) -> Operator:
    """Return the adjoint of an operator."""
    return changed(operator, Modifiers(adjoint=True))


def _adjoint(base: Operator) -> Operator | None:
    """Return the adjoint of a sum or a product: that of its parts."""
    inverse = Modifiers(adjoint=True)

    def part(operator: Operator) -> Operator:
        if isinstance(operator, Gate | Unitary | Modified):
            return operator.changed(inverse)
        found = _adjoint(operator)
        return Modified(operator, True) if found is None else found

    match base:
        case Sum():
            return Sum(tuple(map(part, base.terms)))
        case Prod():
            return Prod(tuple(map(part, base.factors[::-1])))
        case SProd():
            return SProd(_conjugate(base.scalar), part(base.base))
        case Pow() if not isinstance(base.exponent, float):
            return Pow(part(base.base), base.exponent)
        case Hamiltonian():
            terms = tuple(map(part, base.terms))
            return Hamiltonian(_conjugate(base.coefficients), terms)
        case PauliSum():
            return PauliSum(_conjugate(base.coefficients), base.words)
        case _ if base.is_hermitian:
            return base
        case _:
            return None


def _conjugate(number: Any) -> Any:
    return backend(number).conj(number)
