"""The types of functions that programs call, in the llvm dialect."""

from typing import Any

from xdsl.dialects.builtin import f64, i32, i64
from xdsl.dialects.llvm import LLVMFunctionType, LLVMPointerType

from qjit.runtime.abi.symbols import find

TYPES: dict[str, Any] = {
    "void": None,
    "ptr": LLVMPointerType(),
    "i32": i32,
    "i64": i64,
    "double": f64,
}
# What the symbols of the runtime begin with, and no others.
RUNTIME = "__qrt__"


class SignatureError(TypeError):
    """A call does not have the types of the function that it calls."""


def declaration(symbol: str) -> LLVMFunctionType | None:
    """Return the type of a function of the ABI; None for others.

    Raises:
        SignatureError: for a function of the runtime that the ABI does not have.
    """
    found = find(symbol)
    if found is not None:
        result, arguments = found.types
        return LLVMFunctionType([TYPES[name] for name in arguments], TYPES[result])
    if symbol.startswith(RUNTIME):
        raise SignatureError(
            f"internal error: a program calls '{symbol}', which is not in the table of "
            "the ABI, runtime/abi/symbols.py."
        )
    return None


def check_call(
    symbol: str, called: LLVMFunctionType, declared: LLVMFunctionType
) -> None:
    """Refuse a call with other types than those that its function has."""
    if called != declared:
        raise SignatureError(
            f"internal error: a program calls '{symbol}' as {called}, which is "
            f"{declared}."
        )
