"""The pass `unroll-loops`: each iteration of a loop is written out."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from xdsl.context import Context
from xdsl.dialects import scf
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from qjit.dialects.quantum.gates import Controllable

from .forward_qubits import forward_qubits
from .written_turns import iterations_of, write_out


@dataclass(frozen=True)
class UnrollLoopsPass(ModulePass):
    """Write out the iterations of loops of gates whose number is known, up to `most`.

    Other passes see gates of several iterations together then, and wires that were
    computed from the number of the iteration are known.
    """

    most: int = 1000

    name = "unroll-loops"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Unroll outer loops first, since inner ones may depend on them."""
        for loop in loops_with(op, lambda each: isinstance(each, Controllable)):
            turns = iterations_of(loop) or ()
            if len(turns) <= self.most:
                write_out(op, loop, len(turns))
        forward_qubits(op)


def loops_with(module: ModuleOp, found: Any) -> Iterator[scf.ForOp]:
    """Yield loops of known length with operations of a kind, until none is left.

    A loop that is still there when the next one is asked for is not yielded again.
    """
    seen: set[scf.ForOp] = set()
    while True:
        loop = next(
            (
                each
                for each in module.walk()
                if isinstance(each, scf.ForOp)
                and each not in seen
                and iterations_of(each) is not None
                and any(map(found, each.walk()))
            ),
            None,
        )
        if loop is None:
            return
        seen.add(loop)
        yield loop
