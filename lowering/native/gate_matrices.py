"""The native gate library: LLVM IR of every gate's matrix and gradient, by index."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache, partial

import numpy as np

from qjit.dialects.gates import GATES, GateRecord
from qjit.dialects.gates.fourier import ComplexMatrix, Frequency, Harmonics
from qjit.runtime.codegen.builder import (
    F64,
    I1,
    I8,
    I32,
    I64,
    PTR,
    VOID,
    Body,
    Module,
    Value,
)


@dataclass(frozen=True)
class Wave:
    """The terms of frequencies w and -w: even cos(w.theta) + i odd sin(w.theta)."""

    frequency: Frequency
    even: ComplexMatrix
    odd: ComplexMatrix


def waves(table: Harmonics) -> list[Wave]:
    """A gate's harmonics, opposite frequencies taken together."""
    found: dict[Frequency, Wave] = {}
    for frequency, here in table.items():
        opposite = tuple(-w for w in frequency)
        if opposite in found:
            continue
        zero = np.zeros_like(here)
        there = table.get(opposite, zero) if any(frequency) else zero
        found[frequency] = Wave(frequency, here + there, here - there)
    return list(found.values())


@cache
def gate_library_ir() -> str:
    """LLVM IR that defines __qjit__gate_matrix and __qjit__gate_gradient."""
    module = Module("qjit_gate_library")
    _define(module, "matrix", 2, _matrix)
    _define(module, "gradient", 3, _gradient)
    return module.text()


def _define(
    module: Module, what: str, arity: int, emit: Callable[[Body, GateRecord], None]
) -> None:
    """One function for each distinct target matrix, and a switch over the gates."""
    for record in GATES.values():
        if record.in_library and record.base is None:
            name = f"{what}.{record.name}"
            body = module.function(name, VOID, *[PTR] * arity, private=True)
            emit(body, record)
            body.finish()
    body = module.function(f"__qjit__gate_{what}", VOID, I32, *[PTR] * arity)
    index, *pointers = body.args

    def case(record: GateRecord) -> Callable[[], object]:
        name = f"{what}.{record.base or record.name}"
        return (
            partial(body.call, name, VOID, *pointers) if record.in_library else object
        )

    body.switch(index, [case(record) for record in GATES.values()])
    body.finish()


def _compact_waves(record: GateRecord) -> list[Wave]:
    return waves({w: record.compact(c) for w, c in record.harmonics().items()})


def _matrix(body: Body, record: GateRecord) -> None:
    params, out = body.args
    if record.words:
        return _first_states_matrix(body, params, out)
    terms = _compact_waves(record)
    sincos = [_wave_sincos(body, wave.frequency, params) for wave in terms]
    size = terms[0].even.size
    _clear(body, out, 2 * size)
    for entry in range(size):
        real: list[tuple[float, Value | float]] = []
        imag: list[tuple[float, Value | float]] = []
        for wave, (c, s) in zip(terms, sincos, strict=True):
            even, odd = wave.even.flat[entry], wave.odd.flat[entry]
            real += [(even.real, c), (-odd.imag, s)]
            imag += [(even.imag, c), (odd.real, s)]
        _write(body, _combine(real), out, 2 * entry)
        _write(body, _combine(imag), out, 2 * entry + 1)


def _gradient(body: Body, record: GateRecord) -> None:
    params, weights, out = body.args
    if record.words:
        return _first_states_gradient(body, params, weights, out)
    terms = [wave for wave in _compact_waves(record) if any(wave.frequency)]
    derivatives = [_derivative(body, wave, params, weights) for wave in terms]
    _clear(body, out, record.num_params)
    for j in range(record.num_params):
        factors = [-2.0 * wave.frequency[j] for wave in terms]
        _write(body, _combine(zip(factors, derivatives, strict=True)), out, j)


def _derivative(body: Body, wave: Wave, params: Value, weights: Value) -> Value:
    """cos(w.theta) Im sum(odd R) + sin(w.theta) Re sum(even R)."""
    by_cos: list[tuple[float, Value]] = []
    by_sin: list[tuple[float, Value]] = []
    for entry in np.flatnonzero(np.abs(wave.even) + np.abs(wave.odd)).tolist():
        even, odd = wave.even.flat[entry], wave.odd.flat[entry]
        real = body.load(F64, weights, 2 * entry)
        imag = body.load(F64, weights, 2 * entry + 1)
        by_cos += [(odd.real, imag), (odd.imag, real)]
        by_sin += [(even.real, real), (-even.imag, imag)]
    c, s = _sincos(body, wave.frequency, params)
    return c * _combine(by_cos) + s * _combine(by_sin)


def _wave_sincos(
    body: Body, frequency: Frequency, params: Value
) -> tuple[Value, Value] | tuple[float, float]:
    return _sincos(body, frequency, params) if any(frequency) else (1.0, 0.0)


def _sincos(body: Body, frequency: Frequency, params: Value) -> tuple[Value, Value]:
    terms = [(w, body.load(F64, params, j)) for j, w in enumerate(frequency) if w]
    angle = body.coerce(_combine(terms), F64)
    return body.intrinsic("cos", angle), body.intrinsic("sin", angle)


def _combine(parts: Iterable[tuple[float, Value | float]]) -> Value | float:
    """The sum of factor * value, without code for what is constant."""
    constant = 0.0
    total: Value | None = None
    for factor, value in parts:
        if not isinstance(value, Value):
            constant += factor * value
        elif factor:
            part = value if abs(factor) == 1 else value * abs(float(factor))
            if total is None:
                total = part if factor > 0 else -part
            else:
                total = total + part if factor > 0 else total - part
    if total is None:
        return constant
    return total + constant if constant else total


def _write(body: Body, value: Value | float, out: Value, index: int) -> None:
    """Store what is not the zero that `_clear` has left."""
    if value != 0.0:
        body.store(body.coerce(value, F64), out, index)


def _clear(body: Body, out: Value, count: int) -> None:
    zero, size, volatile = body.coerce(0, I8), body.int(8 * count), body.coerce(0, I1)
    body.call("llvm.memset.p0.i64", VOID, out, zero, size, volatile)


def _first_states_matrix(body: Body, params: Value, out: Value) -> None:
    """exp(+-i phi) along a diagonal: + on the first `dim` states, - on the rest."""
    c, s = _sincos(body, (1.0,), params)
    dim, size = _dim_and_size(body, params)
    with body.loop(size) as state:
        body.store(c, out, state * 2)
        body.store(body.select(state < dim, s, -s), out, state * 2 + 1)


def _first_states_gradient(
    body: Body, params: Value, weights: Value, out: Value
) -> None:
    c, s = _sincos(body, (1.0,), params)
    dim, size = _dim_and_size(body, params)
    derivative = body.var(0.0, F64)
    with body.loop(size) as state:
        real = body.load(F64, weights, state * 2)
        imag = body.load(F64, weights, state * 2 + 1)
        rotated = c * imag
        derivative.add(s * real + body.select(state < dim, rotated, -rotated))
    _clear(body, out, 3)
    body.store(derivative.get() * -2.0, out, 0)


def _dim_and_size(body: Body, params: Value) -> tuple[Value, Value]:
    dim = body.convert(body.load(F64, params, 1), I64)
    targets = body.convert(body.load(F64, params, 2), I64)
    return dim, body.int(1) << targets
