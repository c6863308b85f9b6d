"""Run-time checks: the import rule, and the conversion of the assertions it makes."""

from typing import Any

from xdsl.dialects import cf, llvm
from xdsl.dialects.builtin import IntegerAttr, i64

from .arrays import Value
from .convert_to_llvm import Converter, llvm_rule
from .importer import Importer, rule

STATUS = "qjit.status"


@rule("check")
def _check(importer: Importer, eqn: Any, value: Value, holds: Value) -> list[Value]:
    add_check(importer, eqn, holds)
    return [value]


def add_check(importer: Importer, eqn: Any, holds: Value) -> None:
    """Assert what an equation says, with its message."""
    message = eqn.params["message"]
    status = eqn.params["code"] | importer.location(eqn, message) << 8
    op = importer.insert(cf.AssertOp(importer.scalar(holds), message))
    op.attributes[STATUS] = IntegerAttr(status, i64)


@rule("debug_assert")
def _debug_assert(importer: Importer, eqn: Any, holds: Value) -> list[Value]:
    add_check(importer, eqn, holds)
    return []


@llvm_rule(cf.AssertOp)
def _assert(converter: Converter, op: cf.AssertOp) -> None:
    status = op.attributes[STATUS]
    assert isinstance(status, IntegerAttr)
    holds = converter.value(op.arg)
    failed = converter.int(status.value.data)
    converter.check(converter.emit(llvm.SelectOp(holds, converter.int(0), failed)))
