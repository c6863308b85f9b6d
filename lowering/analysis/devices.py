"""On which device circuits of the IR run."""

from xdsl.dialects.builtin import StringAttr
from xdsl.ir import Operation

from qjit.dialects.targets import STATEVECTOR, Target, find_target


def target_of(op: Operation) -> Target:
    """Return the device of the states that an operation makes, or a function has."""
    text = op.attributes.get("target")
    return find_target(text.data) if isinstance(text, StringAttr) else STATEVECTOR
