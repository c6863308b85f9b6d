"""Classical values of OpenQASM texts, known when tracing and traced."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import qjit as qj
from qjit.errors import ArgumentError, QasmError
from qjit.lowering.jax_internals.equations import enable_x64

pytest.importorskip("openqasm3.parser")


def outputs(text: str, *args: Any) -> dict[str, Any]:
    """Return what the outputs hold; arguments that are arrays are traced."""
    circuit: Any = qj.from_qasm(f"OPENQASM 3.0; qubit helper; {text}")

    @qj.qnode(wires=1)
    def run(*given: Any) -> Any:
        return circuit(*(given or args))

    traced = all(isinstance(each, jax.Array) for each in args)
    found = run(*args) if traced else run()
    return {name: np.asarray(value).tolist() for name, value in found.items()}


# An expression of x, y and its value where they are 13 and -5.
INTEGERS = {
    "x + y": 8,
    "x - y * 2": 23,
    "x / y": -2,
    "y / 2": -2,
    "x % y": 3,
    "y % 3": -2,
    "x ** 2": 169,
    "(x & 6) | (x ^ 1)": 12,
    "~x": -14,
    "-y >> 1": 2,
    "y >> 1": -3,
    "x << 2": 52,
    "int(x > y) + int(x == 13 && !(y != -5)) * 2": 3,
    "int(x <= y || x < y)": 0,
    "int(5.9) + int(-5.9)": 0,
    "mod(x, 4) + int(popcount(uint[8](x)))": 4,
    "int[4](x)": -3,
    "int(uint[4](y))": 11,
    "int(bit[4](x)) + int(rotl(bit[4](x), 1))": 24,
    "int(x[2] ^ x[1])": 1,
    "int(int[4](7) + int[4](1))": -8,
    "int(uint[3](5) * uint[3](3))": 7,
}


@pytest.mark.parametrize("expression", INTEGERS)
def test_integers_known_and_traced(expression: str) -> None:
    text = f"input int x; input int y; output int z; z = {expression};"
    assert outputs(text, 13, -5) == {"z": INTEGERS[expression]}
    traced = outputs(text, jnp.asarray(13), jnp.asarray(-5))
    assert traced == {"z": INTEGERS[expression]}


REALS = {
    "x * 2 + 1": 2.5,
    "sin(x) ** 2 + cos(x) ** 2": 1.0,
    "sqrt(x + 0.25) - exp(0) + log(1)": 0.0,
    "ceiling(x) + floor(-x)": 0.0,
    "arctan(tan(x)) / 3 + arcsin(0) + arccos(1.0)": 0.25,
    "real((x + 2im) * (1 - 1im)) + imag(3im)": 5.75,
    "pow(x, 2) + 7 / 2": 3.5625,
    "τ - 2 * pi + ℇ - euler": 0.0,
    "mod(x, 0.5)": 0.25,
}


@pytest.mark.parametrize("expression", REALS)
def test_reals_known_and_traced(expression: str) -> None:
    text = f"input float x; output float z; z = {expression};"
    for given in (0.75, jnp.asarray(0.75)):
        assert outputs(text, given)["z"] == pytest.approx(REALS[expression], abs=1e-6)


def test_widths_overflow() -> None:
    text = """
    input uint[8] x; output uint[8] a; output int[8] b; output uint[8] c;
    output bool wide;
    a = x; a += 200;
    b = int[8](x); b *= 3;
    c = x; c <<= 1; c -= 250;
    wide = x + 200 == 300;
    """
    wanted = {"a": 44, "b": 44, "c": 206, "wide": True}
    assert outputs(text, 100) == outputs(text, jnp.asarray(100)) == wanted


def test_angles_are_on_a_circle_of_their_size() -> None:
    text = """
    input float x; output bit[4] a; output bit[4] b; output bit[4] c;
    output float[32] d;
    angle[4] t = x; angle[4] s = t + pi;
    a = bit[4](t); b = bit[4](s); c = bit[4](3 * t / 2);
    angle free = -x;
    d = sin(free);
    """
    found = outputs(text, np.pi / 2 + 0.1)
    traced = outputs(text, jnp.asarray(np.pi / 2 + 0.1))
    assert traced.pop("d") == pytest.approx(found["d"], abs=1e-6)
    assert traced.items() <= found.items()
    assert found["a"] == [False, False, True, False]
    assert found["b"] == [False, False, True, True]
    assert found["c"] == [False, True, True, False]
    assert found["d"] == pytest.approx(-np.sin(np.pi / 2 + 0.1))


def test_registers_have_bit_0_lowest() -> None:
    text = """
    input int[8] x;
    output bit[4] c; output uint[4] n; output bit[4] e; output bit first;
    c = "0110"; n = c; e = bit[4](x); e[3] = 1; e[0:1] = "10"; first = c[{1, 3}][0];
    """
    wanted = {
        "c": [False, True, True, False],
        "n": 6,
        "e": [False, True, True, True],
        "first": True,
    }
    assert outputs(text, 5) == outputs(text, jnp.asarray(5)) == wanted


def test_arrays_and_subroutines() -> None:
    text = """
    input int x;
    const int size = 3;
    array[int[16], size, 2] table = {{1, 2}, {3, 4}, {5, 6}};
    array[float, 2] floats = {0.5, 1};
    def fill(mutable array[int[16], #dim = 2] a, int by) -> int {
        for int k in [0:sizeof(a) - 1] { a[k, 1] += by; }
        if (by > 3) { return 1; }
        return a[0, 1];
    }
    def twice(int[16] a) -> int { return 2 * a; }
    output int found; output int z; output float f; output array[int[16], 2] row;
    found = fill(table, x);
    z = twice(table[x, 1]) + int(sizeof(table, 1));
    row = table[-1];
    floats[x - 1] = 2.5;
    f = floats[0] + floats[1];
    """
    wanted = {"found": 4, "z": 18, "f": 3.0, "row": [5, 8]}
    assert outputs(text, 2) == outputs(text, jnp.asarray(2)) == wanted


LOOPS = """
    input int n;
    output int total; output int odd; output int steps; output int chosen;
    output int first;
    total = 0; odd = 0; steps = 0; chosen = 0; first = -1;
    for int i in [0:n] { total += i; if (i % 2 == 0) continue; odd += i; }
    for uint i in [10:-3:1] { chosen += int(i); }
    for int i in {3, n, 7} { if (i == 7) break; chosen *= i; }
    int m = n;
    while (m != 1) {
        steps += 1;
        if (m % 2 == 0) { m = m / 2; } else { m = 3 * m + 1; }
        if (steps > 50) break;
    }
    for int i in [1:100] { if (i * i > n) { first = i; break; } }
    switch (n) {
        case 1, 2 { chosen += 1000; }
        case 6 { chosen += 2000; }
        default { chosen += 3000; }
    }
"""


def test_loops_and_branches() -> None:
    wanted = {"total": 21, "odd": 9, "steps": 8, "chosen": 2000 + 22 * 18, "first": 3}
    assert outputs(LOOPS, 6) == outputs(LOOPS, jnp.asarray(6)) == wanted
    wanted = {"total": 1, "odd": 1, "steps": 0, "chosen": 1000 + 22 * 3, "first": 2}
    assert outputs(LOOPS, jnp.asarray(1)) == wanted


def test_returns_within_loops_and_the_end() -> None:
    text = """
    input int n; output int a; output int b;
    def search(int limit) -> int {
        for int i in [0:limit] {
            for int j in [0:limit] { if (i * j == 12) { return 10 * i + j; } }
        }
        return -1;
    }
    a = search(n);
    b = 1;
    if (a < 0) { b = 2; end; }
    bit unused = 0;
    b = 3;
    """
    assert outputs(text, 6) == outputs(text, jnp.asarray(6)) == {"a": 26, "b": 3}
    assert outputs(text, 2) == outputs(text, jnp.asarray(2)) == {"a": -1, "b": 2}


def test_inputs_by_position_and_name() -> None:
    circuit: Any = qj.from_qasm(
        'OPENQASM 3; include "stdgates.inc"; input float a; input bit[2] s; qubit q;'
        "rx(a) q; if (s == 2) x q;"
    )
    assert circuit.inputs == ("a", "s")

    @qj.qnode(wires=1)
    def energy(angle: Any, bits: Any) -> Any:
        circuit(angle, s=bits)
        return qj.expval(qj.Z(0))

    assert energy(0.3, np.array([False, True])) == pytest.approx(-np.cos(0.3))
    assert energy(0.3, np.array([True, False])) == pytest.approx(np.cos(0.3))
    with pytest.raises(ArgumentError, match="takes a, s"):
        circuit(0.3)
    with pytest.raises(ArgumentError, match="takes the text"):
        qj.from_qasm(3)  # type: ignore[arg-type]


def test_division_of_traced_integers_by_zero_is_refused() -> None:
    text = "input int x; output int z; z = 7 / x;"
    assert outputs(text, jnp.asarray(2)) == {"z": 3}
    with pytest.raises(Exception, match="divides an integer by zero"):
        outputs(text, jnp.asarray(0))
    with pytest.raises(QasmError, match="divides by zero"):
        outputs(text, 0)


def test_indices_out_of_range_are_refused() -> None:
    text = "input int x; output bit z; bit[3] c; c[x] = 1; z = c[2];"
    assert outputs(text, jnp.asarray(-1)) == {"z": True}
    with pytest.raises(Exception, match="element out of the 3"):
        outputs(text, jnp.asarray(3))
    with pytest.raises(QasmError, match="3 is no index of 3"):
        outputs(text, 3)


def test_wide_registers_are_compared_and_wide_integers_refused() -> None:
    text = "input bit[40] x; output bool z; output bool w; z = x == 3; w = x != 3;"
    given = np.arange(40) < 2
    assert outputs(text, jnp.asarray(given)) == {"z": True, "w": False}
    if not jax.config.read("jax_enable_x64"):
        with pytest.raises(QasmError, match="more than 32 bits"):
            outputs("input int[40] x; output int[40] z; z = x + 1;", jnp.asarray(1))
    text = "output int[64] z; z = 0; for int[64] i in [5000000000:5000000002] z = i;"
    text += " output bool right; right = z == 5000000002; z = 0;"
    if jax.config.read("jax_enable_x64"):
        assert outputs(text)["right"] is True


def test_what_the_end_leaves_out_is_zero() -> None:
    found = outputs("output int[8] a; a = 3; if (a == 3) { end; } output bit[2] b;")
    assert found == {"a": 3, "b": [False, False]}


def test_ranges_with_traced_ends() -> None:
    text = """
    input int a; input uint[8] b; input int step; output int sum; output int last;
    sum = 0; last = 0;
    for int i in [a:step:b] { sum += i; last = i; if (sum > 100) { break; } }
    """
    given = [jnp.asarray(each) for each in (2, 9, 3)]
    assert outputs(text, *given) == {"sum": 15, "last": 8}
    assert outputs(text, jnp.asarray(9), jnp.asarray(2), jnp.asarray(-4)) == {
        "sum": 14,
        "last": 5,
    }
    with pytest.raises(Exception, match="step of zero"):
        outputs(text, *given[:2], jnp.asarray(0))


def test_arrays_as_inputs_have_the_width_of_the_program() -> None:
    text = "input array[int[8], 2] x; output int a; output int b; a = x[0]; b = x[-1];"
    assert outputs(text, jnp.asarray([3, 200])) == {"a": 3, "b": -56}


def test_ranges_of_more_iterations_than_32_bits_count() -> None:
    head = "output uint n; n = 0; for uint[64] i in"
    long = f"{head} [0:3000000000] {{ n += 1; if (i == 2) {{ break; }} }}"
    far = f"{head} [3000000000:3000010001] {{ n = uint(i - 3000000000); }}"
    with enable_x64(False), pytest.raises(QasmError, match="more than 32 bits"):
        qj.from_qasm(f"OPENQASM 3; {long}")
    with enable_x64(True):
        assert outputs(long) == {"n": 3}
        assert outputs(far) == {"n": 10_001}
        for start, step, end in ((0, 1, 2**64 - 1), (2**63, 1, 2**63 + 20_000)):
            with pytest.raises(QasmError, match="too large numbers"):
                qj.from_qasm(f"OPENQASM 3; {head} [{start}:{step}:{end}] {{ n += 1; }}")
