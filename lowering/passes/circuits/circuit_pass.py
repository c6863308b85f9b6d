"""Passes that rewrite circuits without control flow, one by one."""

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from .blocks import rewrite_circuits
from .circuit import Circuit


class CircuitPass(ModulePass):
    """A pass that rewrites the circuits between measurements, loops and branches.

    Those in the bodies of loops and in branches are rewritten as others are.
    """

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Rewrite each circuit of a module."""
        rewrite_circuits(op, self.rewrite)

    def rewrite(self, circuit: Circuit) -> Circuit:
        """Return the circuit itself, or what takes its place.

        Whatever is returned has the same wires, and all opaque operations once.
        """
        raise NotImplementedError
