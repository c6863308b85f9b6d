"""Sines and cosines of many angles at once, within a unit in the last place or two."""

from __future__ import annotations

from functools import reduce

from qjit.runtime.target.cpu import vector_bytes

from .builder import F64, I64, PTR, Body, Module, Value, vector

LARGEST = 1e6  # of an angle: up to there, its multiple of pi/2 is taken off exactly
# Numbers are added to this to round them: their last bits are then an integer's.
ROUNDER = 1.5 * 2**52
# pi/2 in three parts, of which the first two have 33 bits; and the coefficients of
# minimax polynomials in [-pi/4, pi/4]: both as in Sun's fdlibm, k_sin.c and k_cos.c.
HALF_PI = (
    1.57079632673412561417,
    6.07710050630396597660e-11,
    2.02226624879595063154e-21,
)
SINE = (
    -1.66666666666666324348e-01,
    8.33333333332248946124e-03,
    -1.98412698298579493134e-04,
    2.75573137070700676789e-06,
    -2.50507602534068634195e-08,
    1.58969099521155010221e-10,
)
COSINE = (
    4.16666666666666019037e-02,
    -1.38888888888741095749e-03,
    2.48015872894767294178e-05,
    -2.75573143513906633035e-07,
    2.08757232129817482790e-09,
    -1.13596475577881948265e-11,
)


def sincos_module() -> str:
    """IR of `__qrt__sincos`."""
    result = Module("qrt.sincos")
    body = result.function("__qrt__sincos", I64, PTR, I64, PTR)
    angles, count, out = body.args
    lanes = vector_bytes() // 8
    kind = vector(F64, lanes)
    accurate = body.var(1, vector(I64, lanes))
    sines = body.at(out, count, F64)
    with body.loop(count, step=lanes) as first:
        x = body.load(kind, body.at(angles, first, F64))
        size = body.intrinsic("fabs", x)
        small = body.convert(size <= LARGEST, vector(I64, lanes))
        accurate.set(accurate.get() & small)
        cosine, sine = sincos(body, x)
        body.store(cosine, body.at(out, first, F64))
        body.store(sine, body.at(sines, first, F64))
    total = reduce(
        lambda x, y: x & y,
        (body.lane(accurate.get(), lane) for lane in range(lanes)),
    )
    body.finish(total & 1)
    return result.text()


def sincos(body: Body, x: Value) -> tuple[Value, Value]:
    """The cosines and sines of a register of angles that are not large."""
    integers = vector(I64, x.type.count)

    def wide(number: float) -> Value:
        return body.coerce(number, x.type)

    moved = body.fma(x, wide(2 / 3.141592653589793), wide(ROUNDER))
    quarter = body.cast("bitcast", moved, integers)
    multiple = moved - ROUNDER
    rest = x
    for part in HALF_PI:
        rest = body.fma(multiple, wide(-part), rest)
    square = rest * rest

    def series(coefficients: tuple[float, ...]) -> Value:
        total = wide(coefficients[-1])
        for coefficient in coefficients[-2::-1]:
            total = body.fma(total, square, wide(coefficient))
        return total

    sine = body.fma(rest * square, series(SINE), rest)
    half = body.fma(square, wide(-0.5), wide(1.0))
    cosine = body.fma(square * square, series(COSINE), half)
    odd = (quarter & 1).ne(0)
    sines, cosines = body.select(odd, cosine, sine), body.select(odd, sine, cosine)
    back, down = (quarter + 1) & 2, quarter & 2
    cosines = body.select(back.ne(0), -cosines, cosines)
    return cosines, body.select(down.ne(0), -sines, sines)
