"""Calls of native functions have the types that the table of the ABI gives these."""

import re
from typing import Any

import jax
import numpy as np
import pytest
from xdsl.dialects import llvm
from xdsl.dialects.builtin import ModuleOp, f64, i32, i64

import qjit as qj
from qjit.lowering.conversion import converter as conversion
from qjit.lowering.conversion.converter import Converter, pointer_type
from qjit.lowering.native.declarations import SignatureError, declaration
from qjit.runtime.abi.symbols import PROCESS, SYMBOLS, find


def test_every_signature_has_types() -> None:
    for symbol in (*SYMBOLS, *PROCESS):
        assert isinstance(declaration(symbol), llvm.LLVMFunctionType)
    for suffix in ("c128", "c64"):
        assert find(f"__qrt__run_{suffix}") is SYMBOLS["__qrt__run_T"]
    assert declaration("memcpy") is None
    assert declaration("__qjit__poll") == llvm.LLVMFunctionType([], i64)
    seed = llvm.LLVMFunctionType([pointer_type, i64], None)
    assert declaration("__qrt__context_seed") == seed


@pytest.mark.parametrize(
    ("symbol", "result", "kinds"),
    [
        ("__qrt__axpy_c128", None, [pointer_type, f64, pointer_type]),
        ("__qrt__axpy_c64", i64, [f64, pointer_type, pointer_type]),
        ("__qrt__probs_c64", i64, [pointer_type, i32, pointer_type, pointer_type]),
        ("__qrt__tape_new", pointer_type, []),
        ("__qjit__poll", i32, []),
    ],
)
def test_a_wrong_call_does_not_compile(symbol: str, result: Any, kinds: Any) -> None:
    converter = Converter(ModuleOp([]))
    with pytest.raises(SignatureError, match=f"internal error.*'{symbol}'"):
        converter.declare(symbol, result, kinds)


def test_what_the_table_does_not_have() -> None:
    converter = Converter(ModuleOp([]))
    with pytest.raises(SignatureError, match="'__qrt__unknown', which is not in"):
        converter.declare("__qrt__unknown", None, [])
    converter.declare("hypot", f64, [f64, f64])
    converter.declare("hypot", f64, [f64, f64])
    with pytest.raises(SignatureError, match="'hypot' as"):
        converter.declare("hypot", f64, [f64])


def test_a_wrong_rule_is_an_error_of_the_compiler(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A table that says otherwise is what programs are compiled by."""

    @qj.qnode(wires=1)
    def circuit(x: Any) -> Any:
        qj.RX(x, 0)
        return qj.probs()

    def other(symbol: str) -> Any:
        known = declaration(symbol)
        return llvm.LLVMFunctionType([i32], i64) if "probs" in symbol else known

    monkeypatch.setattr(conversion, "declaration", other)
    with pytest.raises(SignatureError, match=r"internal error.*'__qrt__probs_c"):
        qj.qjit(circuit).stages(0.3)
    monkeypatch.undo()
    np.testing.assert_allclose(qj.qjit(circuit)(0.3).sum(), 1, atol=1e-6)


def test_declarations_of_programs_are_those_of_the_table() -> None:
    """Programs declare each symbol once, and as the table has it."""

    @qj.qnode(wires=3)
    def circuit(x: Any) -> Any:
        qj.RX(x, 0)
        qj.CNOT(wires=[0, 1])
        qj.cond(qj.measure(0), lambda: qj.RY(x, wires=1))()
        return qj.expval(qj.Z(0) @ qj.X(1)), qj.probs(wires=[1, 2])

    text = qj.qjit(jax.vmap(circuit)).stages(np.ones(64))["llvm"]
    symbols = re.findall(r"llvm.func @(__qrt__\w+)\(", text)
    assert len(symbols) == len(set(symbols)) > 5
    assert all(find(symbol) is not None for symbol in symbols)
