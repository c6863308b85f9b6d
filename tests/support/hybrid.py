"""Random hybrid programs, run by qjit and, path by path, by numpy."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import strategies as st

import qjit as qj
from qjit.dialects.gates import find_gate
from tests.support.oracle import apply, controlled

WIRES = 3
GATES = ("RX", "RY", "RZ", "CRY", "CNOT", "H")
Carry = tuple[Any, Any, Any, Any]  # a real, a place, an array, the last outcome
Body = list[Any]


@dataclass
class Path:
    """One path through the measurements: a numpy simulator told what to measure."""

    choices: list[int]
    least: float
    state: Any = None
    weight: float = 1.0
    taken: list[int] = field(default_factory=list[int])
    other: list[list[int]] = field(default_factory=list[list[int]])
    xp: Any = np

    def __post_init__(self) -> None:
        self.state = np.zeros((2,) * WIRES, complex)
        self.state[(0,) * WIRES] = 1.0

    def gate(self, name: str, angles: Sequence[Any], wires: Sequence[Any]) -> None:
        """Apply a gate."""
        record = find_gate(name)
        assert record is not None
        target = np.asarray(record.matrix([float(angle) for angle in angles]))
        matrix = controlled(target, [1] * (record.num_controls or 0))
        self.state = apply(self.state, matrix, wires)

    def measure(self, wire: Any, reset: bool, postselect: int | None = None) -> Any:
        """Measure a wire, as the path says, or else the likelier outcome."""
        parts = [self._projected(int(wire), bit) for bit in (0, 1)]
        chances = [float(np.vdot(part, part).real) for part in parts]
        place = len(self.taken)
        if postselect is not None:
            bit = postselect
        elif place < len(self.choices):
            bit = self.choices[place]
        else:
            bit = int(chances[1] > chances[0])
            if chances[1 - bit] * self.weight > self.least:
                self.other.append([*self.taken, 1 - bit])
        if postselect is None:
            self.taken.append(bit)
        self.weight *= chances[bit]
        self.state = parts[bit] / np.sqrt(max(chances[bit], 1e-300))
        if reset and bit:
            self.state = np.flip(self.state, int(wire))
        return np.bool_(bit)

    def _projected(self, wire: int, bit: int) -> Any:
        keep = np.zeros((2,) + (1,) * (WIRES - wire - 1))
        keep[bit] = 1.0
        return self.state * keep

    def cond(self, predicate: Any, *branches: Callable[[Carry], Carry]) -> Any:
        """`jax.lax.cond` of a carry."""
        return lambda carry: branches[0 if predicate else 1](carry)

    def scan(self, body: Any, carry: Carry, xs: Any) -> Carry:
        """`jax.lax.scan` without outputs."""
        for x in xs:
            carry = body(carry, x)
        return carry

    def loop(self, condition: Any, body: Any, carry: Any) -> Any:
        """`jax.lax.while_loop`."""
        while condition(carry):
            carry = body(carry)
        return carry

    def jit(self, body: Callable[[Carry], Carry]) -> Callable[[Carry], Carry]:
        """`jax.jit`."""
        return body

    def put(self, array: Any, place: Any, value: Any) -> Any:
        """An array with a value added at a place."""
        array = array.copy()
        array[place] += value
        return array


class Traced:
    """qjit under the same spelling."""

    xp = jnp

    def gate(self, name: str, angles: Sequence[Any], wires: Sequence[Any]) -> None:
        """Apply a gate."""
        getattr(qj, name)(*angles, wires=list(wires))

    def measure(self, wire: Any, reset: bool, postselect: int | None = None) -> Any:
        """Measure a wire."""
        return qj.measure(wire, reset=reset, postselect=postselect)

    def cond(self, predicate: Any, *branches: Callable[[Carry], Carry]) -> Any:
        """Branch."""
        return lambda carry: jax.lax.cond(predicate, *branches, carry)

    def scan(self, body: Any, carry: Carry, xs: Any) -> Carry:
        """Loop over an array."""
        return jax.lax.scan(lambda c, x: (body(c, x), None), carry, jnp.asarray(xs))[0]

    def loop(self, condition: Any, body: Any, carry: Any) -> Any:
        """Loop while a condition holds."""
        return jax.lax.while_loop(condition, body, carry)

    def jit(self, body: Callable[[Carry], Carry]) -> Callable[[Carry], Carry]:
        """Call a compiled function."""
        return jax.jit(body)

    def put(self, array: Any, place: Any, value: Any) -> Any:
        """An array with a value added at a place."""
        return array.at[place].add(value)


Machine = Path | Traced


def run(on: Machine, program: Body, carry: Carry) -> Carry:
    """Run a program on a machine."""
    for kind, *details in program:
        carry = STATEMENTS[kind](on, carry, *details)
    return carry


def _wire(carry: Carry, wire: tuple[bool, int]) -> Any:
    dynamic, number = wire
    return (carry[1] + number) % WIRES if dynamic else number


def _gate(on: Machine, carry: Carry, name: str, wire: Any, scales: Any) -> Carry:
    x, _, v, _ = carry
    record = find_gate(name)
    assert record is not None
    first = _wire(carry, wire)
    wires = [first, (first + 1) % WIRES][: record.num_wires]
    angle = scales[0] + scales[1] * x + scales[1] * v[1]
    on.gate(name, [angle] * record.num_params, wires)
    return carry


def _measure(on: Machine, carry: Carry, wire: Any, reset: bool) -> Carry:
    x, k, v, _ = carry
    m = on.measure(_wire(carry, wire), reset)
    grown = on.put(v, k % 3, on.xp.where(m, 0.4, -0.1))
    return x * 0.5 + on.xp.where(m, 0.7, -0.2), (k + m) % WIRES, grown, m


def _until(on: Machine, carry: Carry, wire: Any, angle: float) -> Carry:
    """Repeat until success."""
    at = _wire(carry, wire)

    def body(state: Any) -> Any:
        (x, k, v, _), _ = state
        on.gate("RY", [angle], [at])
        m = on.measure(at, True)
        return (x + 0.1, k, v, m), m

    found, _ = on.loop(lambda s: on.xp.logical_not(s[1]), body, (carry, False))
    return found


def _cond(on: Machine, carry: Carry, on_outcome: bool, yes: Body, no: Body) -> Carry:
    predicate = carry[3] if on_outcome else carry[0] > 0.3
    branches = [lambda c, b=body: run(on, b, c) for body in (yes, no)]
    return on.cond(predicate, *branches)(carry)


def _scan(on: Machine, carry: Carry, xs: Sequence[float], body: Body) -> Carry:
    def step(carry: Carry, value: Any) -> Carry:
        x, k, v, m = run(on, body, carry)
        return 0.8 * x + value, k, v, m

    return on.scan(step, carry, np.asarray(xs))


def _while(on: Machine, carry: Carry, limit: int, body: Body) -> Carry:
    """A loop whose trip count is only known at run time."""
    last = carry[1] % limit + 1

    def step(state: Any) -> Any:
        return state[0] + 1, run(on, body, state[1])

    start = (on.xp.zeros_like(carry[1]), carry)
    return on.loop(lambda state: state[0] < last, step, start)[1]


def _jit(on: Machine, carry: Carry, body: Body) -> Carry:
    return on.jit(lambda c: run(on, body, c))(carry)


STATEMENTS: dict[str, Callable[..., Carry]] = {
    "gate": _gate,
    "measure": _measure,
    "until": _until,
    "cond": _cond,
    "scan": _scan,
    "while": _while,
    "jit": _jit,
}


def paths(program: Body, carry: Carry, least: float = 1e-14) -> Iterator[Any]:
    """Run a program along its likely paths; yield each with what it ends with."""
    waiting: list[list[int]] = [[]]
    while waiting:
        path = Path(waiting.pop(), least)
        yield path, run(path, program, carry)
        waiting += path.other


def measurements(program: Body) -> int:
    """How many measurements a path of a program has at most."""
    total = 0
    for kind, *details in program:
        match kind:
            case "measure" | "until":
                total += 1 if kind == "measure" else 3
            case "cond":
                total += max(map(measurements, details[1:]))
            case "scan":
                total += len(details[0]) * measurements(details[1])
            case "while":
                total += details[0] * measurements(details[1])
            case "jit":
                total += measurements(details[0])
            case _:
                pass
    return total


wires = st.tuples(st.booleans(), st.integers(0, WIRES - 1))
angles = st.floats(-2, 2).map(lambda x: round(x, 2))
gates = st.tuples(
    st.just("gate"), st.sampled_from(GATES), wires, st.tuples(angles, angles)
)
measures = st.tuples(st.just("measure"), wires, st.booleans())
untils = st.tuples(st.just("until"), wires, st.just(1.9))


def bodies(depth: int, *leaves: Any) -> Any:
    """Lists of statements, nested to some depth."""
    choices = list(leaves)
    if depth:
        inner = bodies(depth - 1, *leaves)
        lengths = st.lists(angles, min_size=1, max_size=2)
        choices += [
            st.tuples(st.just("cond"), st.booleans(), inner, inner),
            st.tuples(st.just("scan"), lengths, inner),
            st.tuples(st.just("jit"), inner),
            st.tuples(st.just("while"), st.just(2), bodies(0, gates)),
        ]
    return st.lists(st.one_of(*choices), min_size=1, max_size=3)


def programs(*more: Any) -> Any:
    """Programs that measure, but on at most nine occasions."""
    body = bodies(2, gates, measures, *more)
    opening = [("gate", "RY", (False, 0), (1.1, 0.0)), ("measure", (False, 0), False)]
    whole = body.map(lambda statements: [*opening, *statements])
    return whole.filter(lambda program: measurements(program) <= 9)
