"""Copies by table: what a schedule reads is data, not code."""

from __future__ import annotations

from typing import Any

from qjit.runtime.codegen.builder import F32, F64, I32, I64, PTR, VOID, Module


def gather_module() -> str:
    """IR of the functions that fill parameter and slot arrays."""
    module = Module("qrt.tables")
    _gather(module, "f64", F64)
    _gather(module, "f32", F32)
    _shift(module)
    return module.text()


def _gather(module: Module, suffix: str, element: Any) -> None:
    """Copy `count` elements: the table holds pairs of from where and to where."""
    name = f"__qrt__gather_{suffix}"
    body = module.function(name, VOID, PTR, PTR, PTR, I64)
    target, source, table, count = body.args
    with body.loop(count) as number:
        origin = body.convert(body.load(I32, table, number * 2), I64)
        place = body.convert(body.load(I32, table, number * 2 + 1), I64)
        found = body.load(element, source, origin)
        body.store(body.convert(found, F64), target, place)
    body.finish()


def _shift(module: Module) -> None:
    """Add a number to the slots at `count` places."""
    body = module.function("__qrt__shift", VOID, PTR, PTR, I64, I32)
    slots, places, count, shift = body.args
    with body.loop(count) as number:
        place = body.convert(body.load(I32, places, number), I64)
        body.store(body.load(I32, slots, place) + shift, slots, place)
    body.finish()
