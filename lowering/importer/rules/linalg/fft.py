"""Import rule of Fourier transforms of every length, in a number of steps ~ n log n.

Lengths of small prime factors go factor by factor, by Stockham's method, which sorts as
it goes. Other lengths become a convolution with a chirp, by Bluestein's method.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from xdsl.dialects import arith, complex
from xdsl.ir import SSAValue

from qjit.lowering.importer.importer import Importer, rule
from qjit.lowering.importer.rules.arrays.reductions import plus, times
from qjit.lowering.importer.rules.arrays.shapes import cheap
from qjit.lowering.importer.rules.scalars.conversions import convert
from qjit.lowering.importer.rules.scalars.elementwise import complex_type
from qjit.lowering.importer.values import Value
from qjit.lowering.jaxpr.dimensions import Size, count, is_static

from .column_major import Aval

# JAX's numbers of its kinds of transforms.
FFT, _IFFT, RFFT, IRFFT = range(4)
RADICES = (4, 2, 3, 5, 7, 11, 13, 17, 19, 23)


def factors(length: int) -> list[int] | None:
    """Return a length as a product of small factors, if it is one.

    >>> factors(24), factors(29)
    ([4, 2, 3], None)
    """
    found: list[int] = []
    for radix in RADICES:
        while length % radix == 0 and length > 1:
            found.append(radix)
            length //= radix
    return None if length > 1 else found


def roots(numerators: Any, length: int, sign: int) -> Any:
    """Return powers of a root of unity, exact to the last place of double precision."""
    turns = np.asarray(numerators, np.int64) % length
    # NOTE: the angle is small where an eighth of a turn is the largest.
    eighths, rest = np.divmod(8 * turns + length, 2 * length)
    angle = np.pi * (rest - length) / (4 * length)
    cosine, sine = np.cos(angle), np.sin(angle)
    quarter = eighths % 4
    real = np.choose(quarter, [cosine, -sine, -cosine, sine])
    imaginary = np.choose(quarter, [sine, cosine, -sine, -cosine])
    return real + 1j * sign * imaginary


class Transform:
    """Transforms along the middle axis of arrays (outer, length, inner)."""

    def __init__(self, importer: Importer, dtype: Any, sign: int) -> None:
        """Transform complex numbers of this dtype with this sign of the exponent."""
        self.importer = importer
        self.dtype = dtype
        self.sign = sign

    def table(self, numbers: Any) -> SSAValue:
        """Return constants in memory."""
        return self.importer.global_buffer(np.asarray(numbers, self.dtype))[0]

    def run(self, source: SSAValue, outer: Size, length: int, inner: Size) -> SSAValue:
        """Return a buffer with the transform; the source is overwritten or kept."""
        radices = factors(length)
        if radices is None:
            return self.bluestein(source, outer, length, inner)
        spare = self.importer.allocate((outer, length, inner), self.dtype)
        rest, before = length, 1
        for radix in radices:
            rest //= radix
            self.stage(source, spare, radix, (outer, rest, before * inner))
            source, spare = spare, source
            before *= radix
        return source

    def stage(
        self, source: SSAValue, target: SSAValue, radix: int, sizes: Sequence[Size]
    ) -> None:
        """Transform over one factor, and turn by the phases that remain."""
        importer, (outer, rest, inner) = self.importer, sizes
        given = importer.view(source, 0, (outer, radix, rest, inner))
        made = importer.view(target, 0, (outer, rest, radix, inner))
        length = int(rest) * radix
        phases = self.table(
            roots(np.outer(np.arange(rest), np.arange(radix)), length, self.sign)
        )
        places = [importer.index_constant(place) for place in range(radix)]

        def body(indices: list[SSAValue], _: Any) -> list[SSAValue]:
            a, p, b = indices
            inputs = [importer.load(given, (a, i, p, b), self.dtype) for i in places]
            for i, found in zip(places, self.butterfly(inputs), strict=True):
                if rest > 1 and i is not places[0]:
                    phase = importer.load(phases, (p, i), self.dtype)
                    found = times(importer, "c", found, phase)
                importer.store(found, made, (a, p, i, b), self.dtype)
            return []

        importer.loop((outer, rest, inner), body)

    def butterfly(self, inputs: list[SSAValue]) -> list[SSAValue]:
        """Transform a few scalars."""
        add, subtract = self._add, self._subtract
        if len(inputs) == 2:
            return [add(*inputs), subtract(*inputs)]
        if len(inputs) == 4:
            a, b, c, d = inputs
            even, odd, cross = add(a, c), add(b, d), subtract(a, c)
            turned = self._quarter(subtract(b, d))
            return [
                add(even, odd),
                add(cross, turned),
                subtract(even, odd),
                subtract(cross, turned),
            ]
        return self._prime(inputs)

    def _prime(self, inputs: list[SSAValue]) -> list[SSAValue]:
        """Use that a root and its inverse differ in the sign of one part."""
        radix, half = len(inputs), len(inputs) // 2
        pairs = [(inputs[i], inputs[radix - i]) for i in range(1, half + 1)]
        sums = [self._add(*pair) for pair in pairs]
        differences = [self._quarter(self._subtract(*pair)) for pair in pairs]
        total = inputs[0]
        for term in sums:
            total = self._add(total, term)
        first, second = [total], list[SSAValue]()
        for k in range(1, half + 1):
            turns = roots(k * np.arange(1, half + 1), radix, 1)
            same, other = inputs[0], None
            for turn, x, y in zip(turns, sums, differences, strict=True):
                same = self._add(same, self._scale(x, turn.real))
                term = self._scale(y, turn.imag)
                other = term if other is None else self._add(other, term)
            assert other is not None
            first.append(self._add(same, other))
            second.append(self._subtract(same, other))
        return [*first, *reversed(second)]

    def _add(self, x: SSAValue, y: SSAValue) -> SSAValue:
        return plus(self.importer, "c", x, y)

    def _subtract(self, x: SSAValue, y: SSAValue) -> SSAValue:
        return self.importer.emit(complex.SubOp(x, y))

    def _parts(self, x: SSAValue) -> tuple[SSAValue, SSAValue]:
        emit = self.importer.emit
        return emit(complex.ReOp(x)), emit(complex.ImOp(x))

    def _join(self, real: SSAValue, imaginary: SSAValue) -> SSAValue:
        kind = complex_type(self.dtype)
        return self.importer.emit(complex.CreateOp(real, imaginary, kind))

    def _quarter(self, x: SSAValue) -> SSAValue:
        """Turn by a quarter, in the direction of the transform."""
        real, imaginary = self._parts(x)
        if self.sign > 0:
            return self._join(self._negative(imaginary), real)
        return self._join(imaginary, self._negative(real))

    def _negative(self, x: SSAValue) -> SSAValue:
        return self.importer.emit(arith.NegfOp(x))

    def _scale(self, x: SSAValue, factor: float) -> SSAValue:
        part = np.zeros((), self.dtype).real.dtype
        by = self.importer.scalar_constant(factor, part)
        emit = self.importer.emit
        return self._join(*(emit(arith.MulfOp(v, by)) for v in self._parts(x)))

    def bluestein(
        self, source: SSAValue, outer: Size, length: int, inner: Size
    ) -> SSAValue:
        """Convolve with a chirp, by transforms of a length that is a power of two."""
        wide = 1 << (2 * length - 2).bit_length()
        square = np.arange(length, dtype=np.int64) ** 2
        chirp = roots(square, 2 * length, self.sign)
        kernel = np.zeros(wide, np.complex128)
        kernel[:length] = chirp.conj()
        kernel[wide - length + 1 :] = chirp[:0:-1].conj()
        filtered = (np.fft.fft if self.sign < 0 else _inverse)(kernel) / wide
        other = Transform(self.importer, self.dtype, -self.sign)
        padded = self._padded(source, (outer, length, inner), wide, chirp)
        first = self.run(padded, outer, wide, inner)
        self._multiply_along(first, (outer, wide, inner), first, filtered)
        second = other.run(first, outer, wide, inner)
        target = self.importer.allocate((outer, length, inner), self.dtype)
        self._multiply_along(second, (outer, length, inner), target, chirp)
        return target

    def _padded(
        self, source: SSAValue, shape: Sequence[Size], wide: int, chirp: Any
    ) -> SSAValue:
        outer, _, inner = shape
        importer = self.importer
        target = importer.allocate((outer, wide, inner), self.dtype)
        zero = importer.scalar_constant(0, self.dtype)

        def clear(indices: list[SSAValue], _: Any) -> list[SSAValue]:
            importer.store(zero, target, indices, self.dtype)
            return []

        importer.loop((outer, wide, inner), clear)
        self._multiply_along(source, shape, target, chirp)
        return target

    def _multiply_along(
        self,
        source: SSAValue,
        shape: Sequence[Size],
        target: SSAValue,
        factors: Any,
    ) -> None:
        """Multiply along the middle axis, into the start of another buffer."""
        importer, numbers = self.importer, self.table(factors)

        def body(indices: list[SSAValue], _: Any) -> list[SSAValue]:
            factor = importer.load(numbers, indices[1:2], self.dtype)
            found = importer.load(source, indices, self.dtype)
            product = times(importer, "c", found, factor)
            importer.store(product, target, indices, self.dtype)
            return []

        importer.loop(shape, body)


def _inverse(numbers: Any) -> Any:
    return np.fft.ifft(numbers) * len(numbers)


@rule("fft")
def _fft(importer: Importer, eqn: Any, x: Value) -> list[Value]:
    aval, kind = eqn.outvars[0].aval, int(eqn.params["fft_type"])
    lengths = tuple(eqn.params["fft_lengths"])
    if not is_static(lengths):
        return NotImplemented
    wide = aval.dtype if kind != IRFFT else x.dtype
    sign = -1 if kind in (FFT, RFFT) else 1
    transform = Transform(importer, wide, sign)
    lead = x.shape[: len(x.shape) - len(lengths)]
    if kind == IRFFT:
        whole = (*lead, *x.shape[len(lead) : -1], lengths[-1])
    else:
        whole = (*lead, *lengths)
    # NOTE: only the last axis of a real signal's spectrum is folded, so the others
    # are transformed first.
    axes = [len(lead) + axis for axis in range(len(lengths))]
    if kind == IRFFT:
        buffer = importer.allocate(x.shape, wide)
        importer.copy_into(x, buffer)
        for axis in axes[:-1]:
            buffer = _along(importer, transform, buffer, x.shape, axis)
        spectrum = importer.from_buffer(
            importer.view(buffer, 0, x.shape), Aval(x.shape, wide)
        )
        unfolded = _unfolded(importer, Aval(whole, wide), spectrum)
        buffer = importer.allocate(whole, wide)
        importer.copy_into(unfolded, buffer)
        axes = axes[-1:]
    else:
        buffer = importer.allocate(whole, wide)
        importer.copy_into(_as_complex(importer, Aval(whole, wide), x), buffer)
    for axis in axes:
        buffer = _along(importer, transform, buffer, whole, axis)
    return [_result(importer, aval, buffer, Aval(whole, wide), count(lengths), sign)]


def _along(
    importer: Importer,
    transform: Transform,
    buffer: SSAValue,
    shape: Sequence[Size],
    axis: int,
) -> SSAValue:
    """Transform along one axis of a buffer."""
    sizes = count(shape[:axis]), int(shape[axis]), count(shape[axis + 1 :])
    flat = importer.view(buffer, 0, sizes)
    return importer.view(transform.run(flat, *sizes), 0, shape)


def _as_complex(importer: Importer, aval: Any, x: Value) -> Value:
    return importer.map(aval, [x], lambda v: convert(importer, v, x.dtype, aval.dtype))


def _unfolded(importer: Importer, aval: Any, spectrum: Value) -> Value:
    """Return the spectrum of a real signal for its first half.

    The parts that a real signal cannot have are dropped: the imaginary parts of the
    mean, and of the highest frequency if there is one.
    """
    length = aval.shape[-1]
    kind = complex_type(aval.dtype)
    half = importer.index_constant(length // 2)
    last = importer.index_constant(length)
    zero, none = (
        importer.index_constant(0),
        importer.scalar_constant(0, np.zeros((), aval.dtype).real.dtype),
    )

    def element(indices: Sequence[SSAValue]) -> SSAValue:
        emit, place = importer.emit, indices[-1]
        folded = emit(arith.CmpiOp(place, half, "ugt"))
        mirror = emit(arith.SubiOp(last, place))
        source = emit(arith.SelectOp(folded, mirror, place))
        found = importer.element(spectrum, [*indices[:-1], source])
        real, imaginary = emit(complex.ReOp(found)), emit(complex.ImOp(found))
        opposite = emit(arith.NegfOp(imaginary))
        signed = emit(arith.SelectOp(folded, opposite, imaginary))
        alone = emit(arith.CmpiOp(place, mirror, "eq"))
        first = emit(arith.CmpiOp(place, zero, "eq"))
        dropped = emit(arith.OrIOp(alone, first))
        kept = emit(arith.SelectOp(dropped, none, signed))
        return emit(complex.CreateOp(real, kept, kind))

    return importer.lazy(aval, [cheap(importer, spectrum)], element)


def _result(
    importer: Importer, aval: Any, buffer: SSAValue, stored: Any, size: int, sign: int
) -> Value:
    """Return the part of a transform that is wanted, divided if it is an inverse."""
    found = importer.from_buffer(buffer, stored)
    part = np.zeros((), stored.dtype).real.dtype
    scale = importer.scalar_constant(1 / size if sign > 0 and size else 1, part)
    whole = np.dtype(aval.dtype).kind == "c"

    def element(indices: Sequence[SSAValue]) -> SSAValue:
        emit, number = importer.emit, importer.element(found, indices)
        if sign < 0:
            return number
        real = emit(arith.MulfOp(emit(complex.ReOp(number)), scale))
        if not whole:
            return real
        imaginary = emit(arith.MulfOp(emit(complex.ImOp(number)), scale))
        return emit(complex.CreateOp(real, imaginary, complex_type(aval.dtype)))

    return importer.lazy(aval, [found], element, cheap=True)
