"""Gates as rewrite rules see them: names, wires and parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from xdsl.ir import SSAValue

from qjit.dialects.gates import GateRecord, find_gate
from qjit.dialects.gates.fourier import ComplexMatrix

from .parameters import ParameterExpression, parameter


@dataclass(frozen=True, init=False)
class Gate:
    """A gate on named wires: its controls first, then its targets.

    `static` is what the gate has besides parameters: a Pauli word, a dimension.
    """

    name: str
    wires: tuple[str, ...]
    params: tuple[ParameterExpression, ...]
    adjoint: bool
    static: Mapping[str, Any] = field(hash=False)

    def __init__(
        self,
        name: str,
        wires: str | Sequence[str],
        *params: Any,
        adjoint: bool = False,
        static: Mapping[str, Any] | None = None,
    ) -> None:
        """Make a gate of a name, on one wire or several, at these parameters."""
        on = (wires,) if isinstance(wires, str) else tuple(wires)
        for attribute, value in (
            ("name", name),
            ("wires", on),
            ("params", tuple(map(parameter, params))),
            ("adjoint", adjoint),
            ("static", dict(static or {})),
        ):
            object.__setattr__(self, attribute, value)

    @cached_property
    def record(self) -> GateRecord:
        """The record of the gate's name."""
        found = find_gate(self.name)
        if found is None:
            raise ValueError(f"there is no gate '{self.name}'")
        return found

    @property
    def angle(self) -> ParameterExpression:
        """The only parameter."""
        (only,) = self.params
        return only

    @property
    def num_controls(self) -> int:
        """How many of the wires are controls."""
        record = self.record
        if record.num_controls is not None:
            return record.num_controls
        return len(self.wires) - (record.num_targets or 1)

    def at(self, *params: Any) -> Gate:
        """Return the same gate at other parameters."""
        return Gate(
            self.name, self.wires, *params, adjoint=self.adjoint, static=self.static
        )

    def matrix(self, numbers: Mapping[SSAValue, float]) -> ComplexMatrix:
        """Return the matrix on the wires, where values of the IR are these numbers."""
        angles = [param.at(numbers) for param in self.params]
        static = dict(self.static)
        if "num_targets" in self.record.static:
            static["num_targets"] = len(self.wires) - self.num_controls
        controls = (
            {} if self.record.num_controls else {"num_controls": self.num_controls}
        )
        found = self.record.full_matrix(angles, **controls, **static)
        return found.conj().T if self.adjoint else found

    def check(self, wires: Sequence[str]) -> None:
        """Raise a ValueError unless it is a gate that can stand on such wires."""
        record = self.record
        if record.definition is None:
            raise ValueError(f"{record.name} has no matrix of its own")
        if len(self.params) != record.num_params:
            raise ValueError(
                f"{record.name} takes {record.num_params} parameters, but got "
                f"{len(self.params)}"
            )
        if record.num_wires not in (None, 0, len(self.wires)):
            raise ValueError(
                f"{record.name} acts on {record.num_wires} wires, but got "
                f"{len(self.wires)}"
            )
        if len(set(self.wires)) != len(self.wires):
            raise ValueError(f"{record.name} has a wire twice")
        if unknown := set(self.wires) - set(wires):
            raise ValueError(
                f"{record.name} is on wires {', '.join(sorted(unknown))}, which the "
                "gates that it stands for do not have"
            )

    def text(self, names: Mapping[SSAValue, str]) -> str:
        """Return the gate as one writes it."""
        angles = ", ".join(param.text(names) for param in self.params)
        static = "".join(f" {value}" for value in self.static.values())
        mark = "adjoint " if self.adjoint else ""
        on = ", ".join(self.wires)
        return f"{mark}{self.record.name}({angles}){static} on {on}"
