"""Import rules of run-time checks: they become assertions with a status."""

from typing import Any

from xdsl.dialects import cf
from xdsl.dialects.builtin import IntegerAttr, i64

from qjit.lowering.importer.importer import Importer, rule
from qjit.lowering.importer.values import Value
from qjit.lowering.program_attributes import STATUS
from qjit.runtime.abi.status import Status


@rule("checked")
def _check(importer: Importer, eqn: Any, value: Value, holds: Value) -> list[Value]:
    place = importer.place(eqn.params["line"], eqn.params["message"])
    add_check(importer, eqn, holds, place)
    return [value]


def add_check(importer: Importer, eqn: Any, holds: Value, place: int) -> None:
    """Assert what an equation says, with the message of a place."""
    op = importer.insert(cf.AssertOp(importer.scalar(holds), eqn.params["message"]))
    op.attributes[STATUS] = IntegerAttr(Status(eqn.params["code"], place).word, i64)


@rule("debug_assert")
def _debug_assert(importer: Importer, eqn: Any, holds: Value) -> list[Value]:
    place = importer.location(eqn, eqn.params["message"])
    add_check(importer, eqn, holds, place)
    return []
