"""What circuits need: counts of gates, depths, and measurements."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from qjit.errors import ParameterTypeError
from qjit.inspection.circuits.imported import checked_function, imported_here
from qjit.lowering.jax_internals.tracing import user_line
from qjit.lowering.passes.quantum.timing.durations import PER_SECOND, seconds_text

if TYPE_CHECKING:
    from qjit.inspection.circuits.tree import Circuit, Terminal

    from .polynomial import Polynomial
    from .tally import Counter, Tally

# A number, or what it is in terms of numbers that are known at run time.
Count = Any
FIELDS = (
    *("num_gates", "gates", "arities", "depth", "two_qubit_depth", "t_count"),
    *("num_wires", "num_used_wires", "num_parameters", "mid_circuit_measurements"),
    *("resets", "duration", "idle_time", "measurements", "notes"),
)


class Specs(Mapping[str, Any]):
    """What one circuit needs, as attributes and by name.

    Counts are integers, or polynomials in what is known at run time only, as loop
    bounds; `at` puts numbers in. A depth that is such a polynomial, and one after
    branches, is the largest that it can be.
    """

    num_gates: Count
    gates: dict[str, Count]
    arities: dict[int, Count]
    depth: Count
    two_qubit_depth: Count
    t_count: Count
    num_wires: int
    num_used_wires: int
    num_parameters: Count
    mid_circuit_measurements: Count
    resets: Count
    duration: Count | None
    idle_time: Count
    measurements: list[str]
    notes: list[str]

    def __init__(self, circuit: Circuit, level: str, values: Mapping[str, Any]) -> None:
        from .tally import Counter

        self.name, self.level = circuit.name, level
        self._circuit, self._values = circuit, values
        counter = Counter(circuit, {**circuit.tables, **values})
        tally = counter.tally(circuit.body)
        self._fill(counter, tally)

    def _fill(self, counter: Counter, tally: Tally) -> None:
        from .polynomial import constant

        def of(kind: str) -> dict[Any, Polynomial]:
            return {
                which: count
                for (each, which), count in tally.counts.items()
                if each == kind and count.number != 0
            }

        def total(found: Mapping[Any, Polynomial]) -> Count:
            return _count(sum(found.values(), constant(0)))

        gates, arities = of("gate"), of("arity")
        self.num_gates = total(of("gates"))
        self.gates = {name: _count(count) for name, count in gates.items()}
        self.arities = {each: _count(arities[each]) for each in sorted(arities)}
        self.depth, self.two_qubit_depth = (_count(tally.depth(n)) for n in range(2))
        t_gates = {each: gates[each] for each in gates if each in ("T", "Adjoint(T)")}
        self.t_count = total(t_gates)
        self.num_wires = self._circuit.num_wires
        used = len(counter.used)
        if tally.maps is not None:
            used = int((tally.maps[0].max(axis=1) > 0).sum())
        self.num_used_wires = used
        self.num_parameters = total(of("parameters"))
        self.mid_circuit_measurements = total(of("measurement"))
        self.resets = total(of("reset"))
        self.idle_time = _in_seconds(sum(of("idle").values(), constant(0)))
        timed = counter.num_depths == 3 and not counter.untimed
        self.duration = _in_seconds(tally.depth(2)) if timed else None
        self.measurements = [_terminal(each) for each in self._circuit.terminals]
        self.notes = [*counter.notes]
        if counter.at_most:
            self.notes.append("depths are the largest that are possible")
        if counter.untimed:
            self.notes.append(f"{', '.join(counter.untimed)}: no duration is known")

    def at(self, values: Mapping[str, Any] | None = None, /, **named: Any) -> Specs:
        """Return the same for numbers that are known at run time, by their names."""
        given: Any = values
        if given is not None and not isinstance(given, Mapping):
            raise ParameterTypeError(
                f"{user_line()}: at takes numbers by their names, as in at(n=5), or a "
                f"dictionary, but got {given!r}."
            )
        return Specs(
            self._circuit, self.level, {**self._values, **(values or {}), **named}
        )

    def __getitem__(self, name: str) -> Any:
        if name not in FIELDS:
            raise KeyError(name)
        return getattr(self, name)

    def __iter__(self) -> Iterator[str]:
        return iter(FIELDS)

    def __len__(self) -> int:
        return len(FIELDS)

    def __repr__(self) -> str:
        rows = {
            "gates": f"{self.num_gates}: {_listed(self.gates)}",
            "by number of wires": _listed(self.arities, ": "),
            "depth": self.depth,
            "two-qubit depth": self.two_qubit_depth,
            "T gates": self.t_count,
            "wires": f"{self.num_wires}, of which {self.num_used_wires} have gates",
            "parameters": self.num_parameters,
            "measured on the way": self.mid_circuit_measurements,
            "reset": self.resets,
            "measurements": ", ".join(self.measurements) or "none",
        }
        if self.duration is not None:
            rows["duration"] = _time_text(self.duration)
        if self.idle_time:
            rows["idle, all wires together"] = _time_text(self.idle_time)
        width = max(map(len, rows)) + 2
        lines = [f"{self.name}, level {self.level!r}"]
        lines += [f"{name:{width}}{value}" for name, value in rows.items()]
        return "\n".join([*lines, *(f"note: {note}" for note in self.notes)])


class SpecsByCircuit(dict[str, Specs]):
    """What each circuit of a program needs, by the name of the quantum function."""

    def at(
        self, values: Mapping[str, Any] | None = None, /, **named: Any
    ) -> SpecsByCircuit:
        """Return the same for numbers that are known at run time, by their names."""
        return SpecsByCircuit(
            {name: each.at(values, **named) for name, each in self.items()}
        )

    def __repr__(self) -> str:
        return "\n\n".join(map(repr, self.values()))


def specs(function: Any, *, level: str | None = None) -> Callable[..., Any]:
    """Return a function that tells what a circuit needs, without running it.

    Args:
        function: a quantum function, a compiled function, or one that calls quantum
            functions.
        level: "quantum" for the circuit as it was written, or the name of a pass for
            what that leaves; None for what all passes on gates leave.

    Returns:
        A function of the same arguments. It returns an object with the attributes
        `num_gates`, `gates` (by name), `arities` (by number of wires), `depth`,
        `two_qubit_depth`, `t_count`, `num_wires`, `num_used_wires`, `num_parameters`,
        `mid_circuit_measurements`, `resets`, `duration` and `idle_time` in seconds,
        `measurements` and `notes`, which are also found by name; for several circuits,
        a dictionary of such objects. Counts are polynomials in what is known at run
        time only; `at(n=5)` puts numbers in. Of branches, the larger one counts. The
        duration is None unless the circuit was scheduled, as by `qjit.schedule`; the
        idle time is that of all delays, on each of their wires.

    Raises:
        ParameterTypeError: for what is no function.
        PipelineError: for a level that is not one of the function's passes.

    >>> import qjit as qj
    >>> @qj.qnode(wires=2)
    ... def circuit(n):
    ...     qj.Hadamard(0)
    ...     @qj.for_loop(0, n)
    ...     def repeat(i):
    ...         qj.CNOT([0, 1])
    ...         qj.T(1)
    ...         qj.CNOT([0, 1])
    ...     repeat()
    ...     return qj.probs()
    >>> found = qj.specs(circuit)(3)
    >>> found.gates
    {'H': 1, 'CNOT': 2*n, 'T': n}
    >>> found.at(n=5).depth
    16
    """
    checked_function(function, "specs")
    if level is not None and not isinstance(level, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ParameterTypeError(
            f"{user_line()}: specs takes a level by its name, such as 'quantum', but "
            f"got {level!r}."
        )

    def look(*args: Any, **kwargs: Any) -> Any:
        program = imported_here(function, args, kwargs)
        shown, circuits = program.circuits(level, rerolled=True, whole=True)
        found = [Specs(circuit, shown, {}) for circuit in circuits]
        return found[0] if len(found) == 1 else _by_circuit(found)

    return look


def _by_circuit(found: Sequence[Specs]) -> SpecsByCircuit:
    named = SpecsByCircuit()
    for each in found:
        name, number = each.name, 2
        while name in named:
            name, number = f"{each.name} ({number})", number + 1
        named[name] = each
    return named


def _count(found: Polynomial) -> Count:
    return found if found.number is None else found.number


def _in_seconds(found: Polynomial) -> Count:
    """Return a time, given in attoseconds."""
    from .polynomial import constant

    if found.number is not None:
        return found.number / PER_SECOND
    return constant(Fraction(1, PER_SECOND)) * found


def _time_text(seconds: Count) -> str:
    from .polynomial import constant

    if isinstance(seconds, float):
        return seconds_text(seconds)
    return f"({constant(10**9) * seconds}) ns"


def _listed(counts: Mapping[Any, Count], sign: str = " ") -> str:
    if sign == " ":
        return ", ".join(f"{count} {name}" for name, count in counts.items()) or "none"
    return ", ".join(f"{name}{sign}{count}" for name, count in counts.items()) or "none"


def _terminal(found: Terminal) -> str:
    inner = found.observable or " ".join(
        f"{letter}({wire})"
        for letter, wire in zip(found.letters, found.wires, strict=False)
    )
    return f"{found.kind}({inner or ', '.join(map(str, found.wires))})"
