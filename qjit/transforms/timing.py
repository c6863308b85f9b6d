"""Quantum functions whose gates start at times, and whose qubits do not just idle."""

from collections.abc import Mapping
from typing import Any

from qjit.diagnostics.numbers import checked_real
from qjit.errors import ParameterError
from qjit.jit.qnode import QNode
from qjit.lowering.jax_internals.tracing import user_line
from qjit.lowering.passes.quantum.timing.durations import (
    MODES,
    DurationError,
    Durations,
)

from .quantum_functions import quantum_function, with_pass

Times = Mapping[Any, float]  # seconds, by names and by numbers of wires


def schedule(
    function: Any = None, *, durations: Times | None = None, mode: str = "asap"
) -> Any:
    """Return a quantum function with delays, so that gates start at known times.

    All wires of a circuit, and of the body of a loop or branch, then take equally long.
    Passes that change gates come before.

    Args:
        function: the quantum function; without it, a decorator is returned.
        durations: how many seconds operations take: gates by name, as "CNOT" or
            "adjoint(S)", or by their number of wires, as 2; "measure" and "reset". They
            go before those of the device, if it has some.
        mode: "asap" for gates that start as soon as they can, "alap" for as late.

    Returns:
        A quantum function; the given one stays as it was.

    Raises:
        ArgumentError: for what is no quantum function.
        ParameterError: for durations or modes that do not exist.
        UnsupportedError: on the first call, for operations without a duration.

    >>> import qjit as qj
    >>> @qj.schedule(durations={1: 30e-9, "CNOT": 300e-9}, mode="alap")
    ... @qj.qnode(wires=3)
    ... def circuit():
    ...     qj.Hadamard(0)
    ...     qj.CNOT([0, 1])
    ...     qj.X(2)
    ...     return qj.probs()
    >>> print(qj.draw(circuit, width=80)())
    0: ───────┤H├────────●──┤ ╭probs
                         │    │
    1: ─┤Delay[30 ns]├──┤X├─┤ ├probs
                              │
    2: ─┤Delay[300 ns]├─┤X├─┤ ╰probs
    >>> print(qj.specs(circuit)().duration)
    3.3e-07
    """
    text = _text("schedule", durations)
    if mode not in MODES:
        raise ParameterError(
            f"{user_line()}: schedule takes the mode {' or '.join(map(repr, MODES))}, "
            f"but got {mode!r}."
        )

    def change(function: Any) -> QNode:
        checked = quantum_function("schedule", function)
        if not text and checked.device.target.durations is None:
            raise ParameterError(
                f"{user_line()}: schedule needs to know how long gates take, which "
                f"device '{checked.device.name}' does not say. Pass durations, such as "
                "{1: 30e-9, 2: 300e-9}."
            )
        return checked.with_passes(
            [f'schedule-gates{{mode={mode} durations="{text}"}}']
        )

    return change if function is None else change(function)


def dynamical_decoupling(
    function: Any = None,
    *,
    sequence: str = "XX",
    durations: Times | None = None,
    spacing: float | None = None,
) -> Any:
    """Return a quantum function with pulses in its delays, which undo slow noise.

    The pulses of a sequence are the identity together. They go into each delay that
    is long enough for them, but for those of qubits that are still in |0>.

    Args:
        function: the quantum function, such as `schedule` makes; without it, a
            decorator is returned.
        sequence: "XX", "YY", "XpXm" (turns by pi and -pi), "XY4", "XY8" or "XY16".
        durations: how many seconds gates take, as `schedule` takes them; those with
            which gates were scheduled are known.
        spacing: how many seconds pulses are apart at most, where that is possible: the
            sequence is repeated. It is there once when left out.

    Returns:
        A quantum function; the given one stays as it was.

    Raises:
        ArgumentError: for what is no quantum function.
        ParameterError: for a sequence, durations or a spacing that do not exist.
        UnsupportedError: on the first call, for pulses without a duration.

    >>> import qjit as qj
    >>> @qj.dynamical_decoupling(sequence="XX", durations={"X": 20e-9})
    ... @qj.qnode(wires=1)
    ... def circuit():
    ...     qj.Hadamard(0)
    ...     qj.delay(200e-9, wires=0)
    ...     qj.Hadamard(0)
    ...     return qj.expval(qj.Z(0))
    >>> print(qj.draw(circuit, width=90)())
    0: ─┤H├─┤Delay[40 ns]├─┤X├─┤Delay[80 ns]├─┤X├─┤Delay[40 ns]├─┤H├─┤  ⟨Z⟩
    """
    from qjit.lowering.passes.quantum.timing.pulse_sequences import SEQUENCES

    if sequence not in SEQUENCES:
        raise ParameterError(
            f"{user_line()}: dynamical_decoupling has the sequences "
            f"{', '.join(map(repr, SEQUENCES))}, but got {sequence!r}."
        )
    options = [f"sequence={sequence}"]
    if text := _text("dynamical_decoupling", durations):
        options.append(f'durations="{text}"')
    if spacing is not None:
        apart = checked_real("dynamical_decoupling", "spacing", spacing)
        if not apart > 0:
            raise ParameterError(
                f"{user_line()}: pulses are more than 0 seconds apart, but got spacing "
                f"{spacing!r}."
            )
        options.append(f'spacing="{apart!r}"')

    step = f"dynamical-decoupling{{{' '.join(options)}}}"
    return with_pass("dynamical_decoupling", function, step)


def _text(name: str, durations: Any) -> str:
    """Return durations as the passes take them."""
    if durations is None:
        return ""
    if not isinstance(durations, Mapping):
        raise ParameterError(
            f"{user_line()}: {name} takes durations as a dictionary, such as "
            f"{{1: 30e-9, 'CNOT': 300e-9}}, but got {type(durations).__name__}."
        )
    try:
        found = {
            str(key): checked_real(name, f"the duration of {key}", value)
            for key, value in durations.items()
        }
        return Durations.of(found).text
    except DurationError as error:
        raise ParameterError(f"{user_line()}: {error}") from error
