"""Kernels mixing pairs of amplitudes: 1-target and two-level gates, Pauli rotations.

Amplitude j of block A mixes with amplitude j ^ exchange of block B = A ^ flip:
new A = d_A * A + sign * o_A * exchanged B, and the same for B. Where flip is 0 the pair
lies inside one block. Every coefficient is a register, so lane targets and lane
controls are no special cases: lanes that take no part have d = 1 and o = 0.
"""

from __future__ import annotations

from collections.abc import Callable

from qjit.runtime.codegen.builder import F64, I64, PTR, VOID, Body, Module, Value
from qjit.runtime.codegen.simd_blocks import Blocks, Complex, choose
from qjit.runtime.target.cpu import Precision

# Words of a plan; the four coefficient register pairs follow at COEFFICIENTS bytes.
FIXED, BASE, FLIP, COUNT, EXCHANGE, SIGNS = range(6)
LANE_FIXED, LANE_A, LANE_B, LANE_SIGNS, VARIANT = range(6, 11)
COEFFICIENTS = 128
D_A, O_A, D_B, O_B = range(4)

REAL, CROSS, GENERAL = range(3)


def plan_buffer(blocks: Blocks) -> Value:
    """Stack memory for a plan, aligned for registers."""
    words = COEFFICIENTS // (blocks.lanes * blocks.precision.real_bytes)
    return blocks.body.stack(blocks.vector, words + 8)


def module(precision: Precision) -> str:
    """IR of the plans, coefficients and forward kernels."""
    result = Module(f"qrt.pair.{precision.suffix}")
    _plan(result, precision)
    _matrix(result, precision)
    _pauli(result, precision)
    for variant in (REAL, CROSS, GENERAL):
        _pair(result, precision, variant)
        for bit in range(precision.lane_bits):
            _single(result, precision, variant, bit)
    _pair_general(result, precision)
    _single_general(result, precision)
    _single_diagonal(result, precision)
    _dispatch(result, precision)
    return result.text()


def word(body: Body, plan: Value, number: int) -> Value:
    """A word of a plan."""
    return body.load(I64, plan, number)


def coefficients(blocks: Blocks, plan: Value) -> list[Complex]:
    """The four coefficient registers of a plan."""
    table = blocks.body.at(plan, COEFFICIENTS)
    return [blocks.get(table, number) for number in range(4)]


def block_sign(blocks: Blocks, block: Value, signs: Value) -> Value:
    """±1 in every lane: the parity of the block's bits in `signs`."""
    body = blocks.body
    odd = (body.count_ones(block & signs) & 1).ne(0)
    return blocks.splat(body.select(odd, -1.0, 1.0, F64))


def _plan(module: Module, precision: Precision) -> None:
    """Plan for mixing basis states a and b, the bits of `fixed` being theirs."""
    arguments = (PTR, I64, I64, I64, I64, I64)
    body = module.function(f"__qrt__pair_plan_{precision.suffix}", VOID, *arguments)
    plan, blocks, fixed, a, b, signs = body.args
    shift, lanes = precision.lane_bits, precision.lanes - 1
    block_fixed = fixed >> shift
    words = {
        FIXED: block_fixed,
        BASE: a >> shift,
        FLIP: (a ^ b) >> shift,
        COUNT: blocks >> body.count_ones(block_fixed),
        EXCHANGE: (a ^ b) & lanes,
        SIGNS: signs >> shift,
        LANE_FIXED: fixed & lanes,
        LANE_A: a & lanes,
        LANE_B: b & lanes,
        LANE_SIGNS: signs & lanes,
    }
    for number, value in words.items():
        body.store(value, plan, number)
    body.finish()


def _matrix(module: Module, precision: Precision) -> None:
    """Coefficients of a 2x2 matrix, or of its adjoint."""
    name = f"__qrt__pair_matrix_{precision.suffix}"
    body = module.function(name, VOID, PTR, PTR, I64)
    plan, matrix, adjoint = body.args
    blocks = Blocks(body, precision)
    u = [body.load(F64, matrix, number) for number in range(8)]
    back = adjoint.ne(0)
    turned = [u[0], -u[1], u[4], -u[5], u[2], -u[3], u[6], -u[7]]
    u = [body.select(back, there, here) for here, there in zip(u, turned, strict=True)]
    fixed = word(body, plan, LANE_FIXED)
    in_a = blocks.match(fixed, word(body, plan, LANE_A))
    in_b = blocks.match(fixed, word(body, plan, LANE_B))
    entry = [Complex(blocks.splat(u[i]), blocks.splat(u[i + 1])) for i in (0, 2, 4, 6)]
    table = body.at(plan, COEFFICIENTS)
    idle, none = blocks.one(), blocks.zero()
    in_pair = word(body, plan, FLIP).ne(0)
    with body.when(in_pair):
        blocks.put(choose(in_a, entry[0], idle), table, D_A)
        blocks.put(choose(in_a, entry[1], none), table, O_A)
        blocks.put(choose(in_b, entry[3], idle), table, D_B)
        blocks.put(choose(in_b, entry[2], none), table, O_B)
    with body.when(~in_pair):
        blocks.put(choose(in_a, entry[0], choose(in_b, entry[3], idle)), table, D_A)
        blocks.put(choose(in_a, entry[1], choose(in_b, entry[2], none)), table, O_A)
    body.store(_variant(body, u), plan, VARIANT)
    body.finish()


def _variant(body: Body, u: list[Value]) -> Value:
    """Which parts of the matrix are zero throughout."""
    no_diagonal_im = u[1].eq(0.0) & u[7].eq(0.0)
    real = no_diagonal_im & u[3].eq(0.0) & u[5].eq(0.0)
    cross = no_diagonal_im & u[2].eq(0.0) & u[4].eq(0.0)
    return body.select(real, REAL, body.select(cross, CROSS, GENERAL))


def _pauli(module: Module, precision: Precision) -> None:
    """Coefficients d = c, o = -i s P on the controlled lanes; d = rest elsewhere.

    `ys` is the number of Y in P, and `rest` is 1 for a rotation, 0 for its derivative.
    """
    arguments = (PTR, I64, F64, F64, F64)
    body = module.function(f"__qrt__pair_pauli_{precision.suffix}", VOID, *arguments)
    plan, ys, c, s, rest = body.args
    blocks = Blocks(body, precision)
    phase = (ys + 3) & 3
    odd = (phase & 1).ne(0)
    size = s * body.select(phase.eq(1) | phase.eq(0), 1.0, -1.0, F64)
    none = body.real(0.0)
    re, im = body.select(odd, none, size), body.select(odd, size, none)
    zero = body.coerce(0.0, blocks.vector)
    active = blocks.match(word(body, plan, LANE_FIXED), word(body, plan, LANE_A))
    signs = word(body, plan, LANE_SIGNS)
    lane_sign = blocks.parity_sign(signs)
    diagonal = body.select(active, blocks.splat(c), blocks.splat(rest))
    crossings = body.count_ones(signs & word(body, plan, EXCHANGE))
    table = body.at(plan, COEFFICIENTS)
    for d, o, parity in ((D_A, O_A, ys), (D_B, O_B, crossings)):
        flipped = body.select((parity & 1).ne(0), -1.0, 1.0, F64)
        mixed = Complex(blocks.splat(re * flipped), blocks.splat(im * flipped))
        mixed = mixed.scaled(lane_sign).map(
            lambda part: body.select(active, part, zero)
        )
        blocks.put(Complex(diagonal, zero), table, d)
        blocks.put(mixed, table, o)
    body.store(body.int(GENERAL), plan, VARIANT)
    body.finish()


def mixed(variant: int, d: Complex, o: Complex, x: Complex, y: Complex) -> Complex:
    """d*x + o*y, leaving out the parts that the variant says are zero."""
    fma = x.re.body.fma
    if variant == REAL:
        return Complex(fma(o.re, y.re, d.re * x.re), fma(o.re, y.im, d.re * x.im))
    if variant == CROSS:
        return Complex(fma(-o.im, y.im, d.re * x.re), fma(o.im, y.re, d.re * x.im))
    return (d * x).plus_product(o, y)


def _loop(module: Module, precision: Precision, name: str) -> tuple[Body, Blocks]:
    """Begin a private kernel on (data, plan)."""
    body = module.function(name, VOID, PTR, PTR, private=True)
    return body, Blocks(body, precision)


def _pair(module: Module, precision: Precision, variant: int) -> None:
    body, blocks = _loop(module, precision, f"pair_{variant}")
    data, plan = body.args
    d_a, o_a, d_b, o_b = coefficients(blocks, plan)
    flip = word(body, plan, FLIP)
    bounds = [word(body, plan, number) for number in (FIXED, BASE, COUNT)]
    with blocks.each(*bounds) as a:
        b = a ^ flip
        x, y = blocks.load(data, a), blocks.load(data, b)
        blocks.store(mixed(variant, d_a, o_a, x, y), data, a)
        blocks.store(mixed(variant, d_b, o_b, y, x), data, b)
    body.finish()


def _pair_general(module: Module, precision: Precision) -> None:
    body, blocks = _loop(module, precision, "pair_general")
    data, plan = body.args
    d_a, o_a, d_b, o_b = coefficients(blocks, plan)
    flip, signs = word(body, plan, FLIP), word(body, plan, SIGNS)
    lanes = word(body, plan, EXCHANGE)
    bounds = [word(body, plan, number) for number in (FIXED, BASE, COUNT)]
    with blocks.each(*bounds) as a:
        b = a ^ flip
        sign = block_sign(blocks, a, signs)
        x, y = blocks.load(data, a), blocks.load(data, b)
        x_there = blocks.exchange_dynamic(x, lanes).scaled(sign)
        y_there = blocks.exchange_dynamic(y, lanes).scaled(sign)
        blocks.store(mixed(GENERAL, d_a, o_a, x, y_there), data, a)
        blocks.store(mixed(GENERAL, d_b, o_b, y, x_there), data, b)
    body.finish()


def _single(module: Module, precision: Precision, variant: int, bit: int) -> None:
    body, blocks = _loop(module, precision, f"single_{variant}_{bit}")
    data, plan = body.args
    d, o = coefficients(blocks, plan)[:2]
    bounds = [word(body, plan, number) for number in (FIXED, BASE, COUNT)]
    with blocks.each(*bounds) as a:
        x = blocks.load(data, a)
        blocks.store(mixed(variant, d, o, x, blocks.exchange(x, 1 << bit)), data, a)
    body.finish()


def _single_general(module: Module, precision: Precision) -> None:
    body, blocks = _loop(module, precision, "single_general")
    data, plan = body.args
    d, o = coefficients(blocks, plan)[:2]
    signs, lanes = word(body, plan, SIGNS), word(body, plan, EXCHANGE)
    bounds = [word(body, plan, number) for number in (FIXED, BASE, COUNT)]
    with blocks.each(*bounds) as a:
        x = blocks.load(data, a)
        y = blocks.exchange_dynamic(x, lanes).scaled(block_sign(blocks, a, signs))
        blocks.store(mixed(GENERAL, d, o, x, y), data, a)
    body.finish()


def _single_diagonal(module: Module, precision: Precision) -> None:
    """A rotation about a word of Z: one factor for either parity of the block."""
    body, blocks = _loop(module, precision, "single_diagonal")
    data, plan = body.args
    d, o = coefficients(blocks, plan)[:2]
    signs = word(body, plan, SIGNS)
    even, odd = d + o, d + o.map(lambda part: -part)
    bounds = [word(body, plan, number) for number in (FIXED, BASE, COUNT)]
    with blocks.each(*bounds) as a:
        flipped = (body.count_ones(a & signs) & 1).ne(0)
        factor = Complex(
            body.select(flipped, odd.re, even.re), body.select(flipped, odd.im, even.im)
        )
        blocks.store(factor * blocks.load(data, a), data, a)
    body.finish()


def _dispatch(module: Module, precision: Precision) -> None:
    """Run the kernel that fits a plan."""
    body = module.function(f"__qrt__pair_{precision.suffix}", VOID, PTR, PTR)
    data, plan = body.args
    exchange, flip = word(body, plan, EXCHANGE), word(body, plan, FLIP)
    signs, variant = word(body, plan, SIGNS), word(body, plan, VARIANT)
    names = [f"pair_{variant}" for variant in (REAL, CROSS, GENERAL)]
    general_pair = len(names)
    names += ["pair_general", "single_general", "single_diagonal"]
    first_single = len(names)
    names += [f"single_{v}_{b}" for b in range(precision.lane_bits) for v in range(3)]
    one_bit = body.count_ones(exchange).eq(1) & signs.eq(0)
    bit = body.count_ones(exchange - 1)
    single = body.select(one_bit, bit * 3 + variant + first_single, general_pair + 1)
    single = body.select(exchange.eq(0), general_pair + 2, single)
    pair = body.select((exchange | signs).eq(0), variant, general_pair)
    chosen = body.select(flip.ne(0), pair, single)

    def case(name: str) -> Callable[[], None]:
        return lambda: void(body.call(name, VOID, data, plan))

    body.switch(chosen, [case(name) for name in names])
    body.finish()


def void(_: Value) -> None:
    """Drop a value."""
