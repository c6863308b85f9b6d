"""Programs of the front end: compiled, or found where they are kept.

The compiler, with xDSL, is imported only when something is compiled.
"""

from collections.abc import Sequence

from jax.extend.core import ClosedJaxpr

from qjit.lowering.canonical import declare
from qjit.lowering.pipeline import OwnPass, Step, resolve
from qjit.lowering.program import Program, compile_program

from .circuit_primitives import Circuit
from .diff_methods import Differences
from .eigenbases import Moments
from .outcomes import Frequencies, Powers, Tallies
from .split import Core

declare(Circuit, Core, Differences)
declare(Moments, Powers, Tallies, Frequencies)


def compile_jaxpr(
    closed: ClosedJaxpr,
    *,
    name: str,
    seed: int | None = None,
    steps: Sequence[Step | OwnPass] | None = None,
    keep_stages: bool = False,
) -> Program:
    """Compile a closed jaxpr that may call quantum functions."""
    steps = resolve(None) if steps is None else steps
    return compile_program(
        closed,
        name=name,
        seed=seed,
        steps=steps,
        rules=_rules,
        keep_stages=keep_stages,
    )


def _rules() -> None:
    """Register how quantum functions are imported."""
    from . import import_rules as import_rules
