"""Matrices and states of known numbers, which become gates."""

from collections.abc import Sequence

from xdsl.dialects.builtin import ModuleOp


def decompose_known_matrices(module: ModuleOp, gates: Sequence[str]) -> None:
    """Replace matrices, and preparations of states, whose numbers are known."""
