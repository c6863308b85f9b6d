"""Programs of the front end: compiled, or found where they are kept.

The compiler, with xDSL, is imported only when something is compiled.
"""

from typing import Any

from jax.extend.core import ClosedJaxpr

from qjit.lowering.canonical import declare
from qjit.lowering.pipeline import chosen_passes, pipeline_names
from qjit.lowering.program import Program, compile_program

from .circuit_primitives import Circuit
from .diff_methods import Differences
from .eigenbases import Moments
from .outcomes import Frequencies, Powers, Tallies
from .reroll import is_rerolling, reroll
from .shared_runs import Sharing
from .split import Core

declare(Circuit, Core, Differences)
declare(Moments, Powers, Tallies, Frequencies)


def compile_jaxpr(
    closed: ClosedJaxpr,
    *,
    name: str,
    seed: int | None = None,
    pipeline: Any = None,
    keep_stages: bool = False,
) -> Program:
    """Compile a closed jaxpr that may call quantum functions."""
    names = pipeline_names(pipeline)

    def rewrite(closed: ClosedJaxpr) -> ClosedJaxpr:
        from . import import_rules as import_rules  # they register themselves

        return Sharing().closed(reroll(closed))

    def passes() -> Any:
        from qjit.lowering.passes import runners

        return runners(chosen_passes(pipeline))

    return compile_program(
        closed,
        name=name,
        seed=seed,
        rewrite=rewrite,
        passes=passes,
        known_as=None if names is None else (names, is_rerolling()),
        keep_stages=keep_stages,
    )
