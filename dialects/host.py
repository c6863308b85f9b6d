"""The `host` dialect: calls out of a program, to Python, to C, and to LAPACK."""

from collections.abc import Sequence

from xdsl.dialects.builtin import IntegerAttr, StringAttr, UnitAttr, i64
from xdsl.ir import Attribute, Dialect, SSAValue
from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    opt_prop_def,
    prop_def,
    result_def,
    var_operand_def,
)
from xdsl.utils.exceptions import VerifyException

from qjit.dialects.quantum.types import flag

__all__ = ["CallOp", "FunctionOp", "Host", "RoutineOp"]


@irdl_op_definition
class CallOp(IRDLOperation):
    """Call a Python function with buffers: its inputs, and then its outputs.

    The function is the one that this process knows by the key; its name is for people.
    """

    name = "host.call"
    buffers = var_operand_def()
    callee = prop_def(StringAttr)
    key = prop_def(IntegerAttr.constr(i64))
    num_inputs = prop_def(IntegerAttr.constr(i64))
    line = opt_prop_def(IntegerAttr.constr(i64))
    assembly_format = (
        "$callee `key` $key `(` $buffers `)` `inputs` $num_inputs (`line` $line^)? "
        "attr-dict `:` `(` type($buffers) `)`"
    )

    def __init__(
        self,
        callee: str,
        key: int,
        inputs: Sequence[SSAValue],
        outputs: Sequence[SSAValue],
        line: int,
    ) -> None:
        super().__init__(
            operands=[[*inputs, *outputs]],
            properties={
                "callee": StringAttr(callee),
                "key": IntegerAttr(key, i64),
                "num_inputs": IntegerAttr(len(inputs), i64),
                "line": IntegerAttr(line, i64),
            },
        )

    def verify_(self) -> None:
        """Check that there are as many buffers as inputs, at least."""
        if not 0 <= self.num_inputs.value.data <= len(self.buffers):
            raise VerifyException(
                f"Expected at most {len(self.buffers)} inputs, but got "
                f"{self.num_inputs.value.data}. The buffers are inputs, then outputs."
            )


@irdl_op_definition
class FunctionOp(IRDLOperation):
    """Call a function of the C library or the runtime, which only returns a value."""

    name = "host.function"
    symbol = prop_def(StringAttr)
    arguments = var_operand_def()
    value = result_def()
    assembly_format = (
        "$symbol `(` $arguments `)` attr-dict "
        "`:` `(` type($arguments) `)` `->` type($value)"
    )

    def __init__(
        self, symbol: str, arguments: Sequence[SSAValue], result: Attribute
    ) -> None:
        super().__init__(
            operands=[arguments],
            properties={"symbol": StringAttr(symbol)},
            result_types=[result],
        )


@irdl_op_definition
class RoutineOp(IRDLOperation):
    """Call a routine with the addresses of buffers, any of which it may write.

    One that is `large` is worth threads.
    """

    name = "host.routine"
    buffers = var_operand_def()
    symbol = prop_def(StringAttr)
    large = opt_prop_def(UnitAttr)
    assembly_format = (
        "$symbol (`large` $large^)? `(` $buffers `)` attr-dict "
        "`:` `(` type($buffers) `)`"
    )

    def __init__(
        self, symbol: str, buffers: Sequence[SSAValue], *, large: bool = False
    ) -> None:
        super().__init__(
            operands=[buffers],
            properties={"symbol": StringAttr(symbol), "large": flag(large)},
        )


Host = Dialect("host", [CallOp, FunctionOp, RoutineOp], [])
