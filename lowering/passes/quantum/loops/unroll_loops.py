"""The pass `unroll-loops`: each iteration of a loop is written out."""

from collections.abc import Iterator
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects import scf
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from qjit.dialects.quantum.gates import Controllable
from qjit.dialects.quantum.types import BitType, RegisterType

from .forward_qubits import forward_qubits
from .written_turns import (
    MOST_OPERATIONS,
    iterations_of,
    num_written,
    write_out,
)


@dataclass(frozen=True)
class UnrollLoopsPass(ModulePass):
    """Write out the iterations of loops of gates whose number is known, up to `most`.

    Other passes see gates of several iterations together then, and wires that were
    computed from the number of the iteration are known.
    """

    most: int = 1000

    name = "unroll-loops"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Unroll outer loops first, since inner ones may depend on them.

        Loops stay that would take more than `MOST_OPERATIONS` in all.
        """
        written = 0
        for loop in gate_loops(op):
            turns = iterations_of(loop) or ()
            more = num_written(loop, len(turns))
            if len(turns) <= self.most and written + more <= MOST_OPERATIONS:
                written += more
                write_out(op, loop, len(turns))
        forward_qubits(op)


def gate_loops(module: ModuleOp) -> Iterator[scf.ForOp]:
    """Yield loops of gates whose length is known, until none is left.

    Loops around whole circuits are none: they carry no register.
    A loop that is still there when the next one is asked for is not yielded again.
    """
    seen: set[scf.ForOp] = set()
    while found := [
        op
        for op in module.walk()
        if isinstance(op, scf.ForOp)
        and op not in seen
        and iterations_of(op) is not None
        and _is_of_gates(op)
    ]:
        for loop in found:
            if loop.get_toplevel_object() is module:  # and in none that is erased
                seen.add(loop)
                yield loop


def _is_of_gates(loop: scf.ForOp) -> bool:
    carries = any(isinstance(v.type, RegisterType | BitType) for v in loop.iter_args)
    return carries and any(isinstance(each, Controllable) for each in loop.walk())
