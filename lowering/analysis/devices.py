"""On which device circuits of the IR run."""

from xdsl.dialects.builtin import StringAttr
from xdsl.ir import Operation

from qjit.dialects.target import STATEVECTOR, TARGETS, Target


def target_of(op: Operation) -> Target:
    """Return the device of the states that an operation makes, or a function has."""
    name = op.attributes.get("target")
    return TARGETS[name.data] if isinstance(name, StringAttr) else STATEVECTOR
