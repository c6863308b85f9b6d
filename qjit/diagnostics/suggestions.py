"""Names that were meant by ones that do not exist."""

import difflib
from collections.abc import Iterable

from qjit.dialects.gates import GATES
from qjit.errors import UnknownNameError
from qjit.lowering.jax_internals.tracing import user_line

MOST = 3


def unknown_name(name: str, known: Iterable[str]) -> UnknownNameError:
    """Return the error for a name that is not public, with the nearest that are."""
    near = nearest(name, known)
    if not near:
        hint = "dir(qjit) lists the public names."
    elif len(near) == 1:
        hint = f"Did you mean qjit.{near[0]}?"
    else:
        hint = f"Did you mean {', '.join(f'qjit.{each}' for each in near[:-1])} or "
        hint += f"qjit.{near[-1]}?"
    return UnknownNameError(
        f"{user_line()}: module 'qjit' has no attribute {name!r}. {hint}"
    )


def nearest(name: str, known: Iterable[str]) -> list[str]:
    """Return the public names that are spelled most like a name, at most three.

    The names of gates in OpenQASM and QIR stand for the gates.
    """
    spelled: dict[str, str] = {}
    for record in GATES.values():
        for other in (record.qasm, record.qir):
            spelled.setdefault((other or record.name).lower(), record.name)
    public = {each.lower(): each for each in known if not each.startswith("_")}
    spelled.update(public)
    close = difflib.get_close_matches(name.lower(), spelled, MOST)
    found = dict.fromkeys(spelled[each] for each in close)
    return [each for each in found if each.lower() in public]
