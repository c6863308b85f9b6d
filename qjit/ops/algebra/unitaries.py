"""Matrices as gates."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np

from qjit.lowering.jax_internals.tracing import wide_types
from qjit.lowering.jaxpr.primitives import unitary_p
from qjit.tracing.context import current
from qjit.tracing.wires import Wire, check_distinct, positions

from .gates import controlled_matrix
from .operator import UNCHANGED, Modifiers, Operator, as_inexact
from .pauli import backend


@dataclass(frozen=True, eq=False, repr=False)
class Unitary(Operator):
    """A unitary matrix as a gate, perhaps inverted and with controls.

    `diagonal` says that only its diagonal is given, and `exponential` that it is the
    exponential of a Hamiltonian.
    """

    traced: ClassVar = ("given",)
    labelled: ClassVar = ("controls", "targets")

    kind: str
    given: Any
    controls: tuple[Wire, ...] = ()
    targets: tuple[Wire, ...] = ()
    control_values: tuple[bool, ...] = ()
    inverted: bool = False
    diagonal: bool = False
    exponential: bool = False

    @property
    def name(self) -> str:
        """The name of the gate."""
        name = self.kind
        if self.controls and name != "ControlledQubitUnitary":
            name = f"C({name})"
        return f"Adjoint({name})" if self.inverted else name

    @property
    def wires(self) -> tuple[Wire, ...]:
        """The controls, then the targets."""
        return (*self.controls, *self.targets)

    @property
    def is_unitary(self) -> bool:
        """Whether it can be applied: its matrix is checked."""
        return True

    def changed(self, change: Modifiers) -> "Unitary":
        """Return the gate inverted, or with more controls."""
        own = Modifiers(self.inverted, self.controls, self.control_values)
        adjoint, controls, values = own.then(change)
        check_distinct((*controls, *self.targets), "controls and targets")
        return replace(self, inverted=adjoint, controls=controls, control_values=values)

    def bind(self, change: Modifiers = UNCHANGED) -> None:
        """Put the gate into the circuit under trace."""
        gate = self if change is UNCHANGED else self.changed(change)
        context = current(self.kind)
        static, dynamic = positions(gate.wires, context)
        wide = np.complex128 if wide_types() else np.complex64
        unitary_p.bind(
            jnp.asarray(gate.given, wide),
            *dynamic,
            wires=static,
            num_controls=len(gate.controls),
            control_values=gate.control_values,
            adjoint=gate.inverted,
            diagonal=gate.diagonal,
            exponential=gate.exponential,
            single=context.dtype == np.complex64,
            sites=context.sites,
        )

    def own_matrix(self) -> Any:
        """Return the matrix on the controls, then the targets."""
        xp = backend(self.given)
        matrix = as_inexact(xp.asarray(self.given))
        matrix = xp.diag(matrix) if self.diagonal else matrix
        matrix = xp.conj(matrix).T if self.inverted else matrix
        return controlled_matrix(matrix, self.control_values)

    def text(self) -> str:
        """Return the gate with the shape of its matrix."""
        shape = "x".join(map(str, np.shape(self.given)))
        return f"{self.name}({shape} array, wires={list(self.wires)})"
