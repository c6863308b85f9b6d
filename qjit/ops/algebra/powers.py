"""Powers and exponentials of operators."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from qjit.errors import ParameterError, UnsupportedError
from qjit.lowering.jax_internals.tracing import user_line
from qjit.ops.exponentials import exponential
from qjit.tracing.checks import checked
from qjit.tracing.wires import Wire

from . import linear_form as forms
from .expressions import EXPRESSIONS, bind_as_matrix, bracketed
from .linear_form import LinearForm
from .operator import UNCHANGED, Modifiers, Number, Operator, call, number_text
from .pauli import backend


@dataclass(frozen=True, eq=False, repr=False)
class Pow(Operator):
    """A power of an operator."""

    traced: ClassVar = ("base",)

    base: Operator
    exponent: float = 1

    @property
    def name(self) -> str:
        """The kind of expression."""
        return "Pow"

    @property
    def wires(self) -> tuple[Wire, ...]:
        """The wires of the operator."""
        return self.base.wires

    @property
    def is_unitary(self) -> bool:
        """Whether the operator is."""
        return self.base.is_unitary

    def operands(self) -> Iterator[Operator]:
        """Yield the operator."""
        yield self.base

    def bind(self, change: Modifiers = UNCHANGED) -> None:
        """Apply the operator as often, or a root of it as a matrix."""
        if isinstance(self.exponent, float):
            bind_as_matrix(self, change)
            return
        each = change.then(Modifiers(adjoint=self.exponent < 0))

        def step(_: Any, carry: None) -> None:
            self.base.bind(each)
            return carry

        if self.exponent:
            jax.lax.fori_loop(0, abs(self.exponent), step, None)

    def own_matrix(self) -> Any:
        """Return the power of the operator's matrix."""
        matrix = self.base.own_matrix()
        xp = backend(matrix)
        if not isinstance(self.exponent, float):
            return xp.linalg.matrix_power(matrix, self.exponent)
        return _root(matrix, self.exponent, self.base)

    def linear_form(self) -> LinearForm:
        """Return the power of the operator's form."""
        if isinstance(self.exponent, float) or self.exponent < 0:
            return super().linear_form()
        form = self.base.linear_form()
        return reduce(LinearForm.times, [form] * self.exponent, forms.identity())

    def text(self) -> str:
        """Return the operator with its exponent."""
        return f"{bracketed(self.base, *EXPRESSIONS, Pow)}**{self.exponent}"


def _root(matrix: Any, exponent: float, base: Operator) -> Any:
    """Return a real power of a known normal matrix: that of its eigenvalues."""
    if isinstance(matrix, Tracer):
        raise UnsupportedError(
            f"{user_line()}: the power {exponent} of {base!r} needs its numbers when "
            "tracing. Scale its angle instead."
        )
    import scipy.linalg

    # Schur's form of a normal matrix is diagonal, in an orthonormal basis.
    found: Any = scipy.linalg.schur(np.asarray(matrix, complex), output="complex")
    triangle, basis = found
    values = np.diag(triangle)
    if not np.allclose(triangle, np.diag(values), atol=1e-8):
        raise UnsupportedError(
            f"{user_line()}: the power {exponent} of {base!r} is not defined, because "
            "its matrix is not normal."
        )
    return (basis * values**exponent) @ basis.conj().T


def is_real(operator: Operator) -> bool:
    """Tell whether an operator is a sum of Pauli words with real coefficients."""
    coefficients = operator.linear_form().coefficients
    return not jnp.issubdtype(coefficients.dtype, jnp.complexfloating)


@dataclass(frozen=True, eq=False, repr=False)
class Exp(Operator):
    """The exponential of a number times an operator."""

    traced: ClassVar = ("base", "coefficient")

    base: Operator
    coefficient: Number = 1

    @property
    def name(self) -> str:
        """The kind of expression."""
        return "Exp"

    @property
    def wires(self) -> tuple[Wire, ...]:
        """The wires of the operator."""
        return self.base.wires

    @property
    def is_unitary(self) -> bool:
        """Whether the coefficient is imaginary, or may be when the program runs."""
        if isinstance(self.coefficient, Tracer):
            return bool(jnp.iscomplexobj(self.coefficient))
        return abs(np.real(self.coefficient)) <= 1e-12 * abs(self.coefficient)

    def operands(self) -> Iterator[Operator]:
        """Yield the operator."""
        yield self.base

    def bind(self, change: Modifiers = UNCHANGED) -> None:
        """Apply the evolution under the operator."""
        known = not isinstance(self.coefficient, Tracer)
        if not self.is_unitary or not (known or is_real(self.base)):
            bind_as_matrix(self, change)
            return
        time = -float(np.imag(self.coefficient)) if known else self._time()
        call("evolution", self.base, time).bind(change)

    def _time(self) -> Any:
        """Return the time of an evolution, for a traced coefficient."""
        message = "qjit.exp is applied with an imaginary coefficient, but got another."
        number: Any = jnp.asarray(self.coefficient)
        holds = jnp.abs(number.real) <= 1e-6 * jnp.abs(number.imag)
        # NOTE: what is not finite is an error of the time.
        holds |= ~jnp.isfinite(number)
        return -jnp.imag(checked(number, holds, ParameterError, message))

    def own_matrix(self) -> Any:
        """Return the exponential of the operator's matrix."""
        matrix = self.coefficient * self.base.own_matrix()
        if backend(matrix) is jnp:
            return exponential(jnp.asarray(matrix))
        import scipy.linalg

        return scipy.linalg.expm(matrix)

    def text(self) -> str:
        """Return the coefficient and the operator in brackets."""
        return f"exp({number_text(self.coefficient)} * ({self.base!r}))"
