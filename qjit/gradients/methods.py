"""How quantum functions are differentiated: the choices of `diff_method`.

"adjoint" and "parameter-shift" differentiate the circuit, and JAX the classical code
around it; "finite-diff" and "spsa" evaluate the whole function at other arguments.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from qjit.dialects.circuit_tree import Step
from qjit.dialects.targets import find_target
from qjit.errors import DifferentiationError, ParameterError
from qjit.lowering.jax_internals.tracing import Zero, ad, is_differentiated, user_line
from qjit.lowering.jaxpr.dimensions import is_static
from qjit.lowering.jaxpr.primitives import real_dtype
from qjit.lowering.jaxpr.structural_hash import hashed_by_fields
from qjit.lowering.jaxpr.traversal import measures_mid_circuit

from .hybrid_split import CircuitProgram, HybridPartition, Measured, is_measurement
from .pauli_insertion import Insertions, inserted, is_gate, read_by_test
from .qnode_primitives import Circuit, along, circuit_p, qnode_p
from .sampled_parameter_shift import sampled
from .shift_rules import Use, difference_rule, shift_rule, slot_frequencies, slot_uses
from .stencils import Both, Shifts, Simultaneous, differentiated_by

METHODS = (
    "best",
    "adjoint",
    "parameter-shift",
    "hadamard",
    "finite-diff",
    "spsa",
    None,
)
STRATEGIES = ("forward", "backward", "center")


@hashed_by_fields
@dataclass(frozen=True)
class Differences:
    """How derivatives are approximated: PennyLane's `gradient_kwargs`."""

    h: float | None = None
    approx_order: int = 2
    strategy: str = "center"
    num_directions: int = 1
    # Whether the circuits that a derivative is made of draw from one stream.
    common_random_numbers: Any = False

    def step(self, circuit: Circuit) -> float:
        """Return the step: the given one, or where both errors are about equal.

        Halving the step halves `approx_order` digits of truncation, and doubles the
        noise: the rounding of exact results, or one over the root of the shots.
        """
        if self.h is not None:
            return self.h
        exact = float(np.finfo(real_dtype(circuit.dtype)).eps)
        shots = circuit.statistical_shots
        noise = exact if shots is None else shots**-0.5
        return noise ** (1 / (self.approx_order + 1))


COMMON = "common_random_numbers"
_OPTIONS = {
    "best": (COMMON,),
    "parameter-shift": (COMMON,),
    "hadamard": (COMMON,),
    "finite-diff": ("h", "approx_order", "strategy", COMMON),
    "spsa": ("h", "approx_order", "strategy", "num_directions", COMMON),
}


def differences(method: Any, given: Mapping[str, Any] | None) -> Differences:
    """Check the options of a method."""
    if method not in METHODS:
        names = ", ".join(map(repr, METHODS[:-1]))
        raise ParameterError(
            f"{user_line()}: diff_method takes {names} or None, but got {method!r}."
        )
    options, known = dict(given or {}), _OPTIONS.get(str(method), ())
    unknown = [name for name in options if name not in known]
    if unknown:
        takes = f"takes {', '.join(known)}" if known else "takes none"
        raise ParameterError(
            f"{user_line()}: gradient_kwargs of diff_method={method!r} {takes}, but "
            f"got {', '.join(unknown)}."
        )
    found = Differences(**options)
    _check(found)
    return found


def _check(found: Differences) -> None:
    if found.strategy not in STRATEGIES:
        raise ParameterError(
            f"{user_line()}: strategy takes 'forward', 'backward' or 'center', but got "
            f"{found.strategy!r}."
        )
    for name in ("approx_order", "num_directions"):
        value = getattr(found, name)
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise ParameterError(
                f"{user_line()}: {name} takes a positive integer, but got {value!r}."
            )
    if not isinstance(found.common_random_numbers, bool):
        raise ParameterError(
            f"{user_line()}: {COMMON} takes True or False, but got "
            f"{found.common_random_numbers!r}."
        )
    if found.strategy == "center" and found.approx_order % 2:
        raise ParameterError(
            f"{user_line()}: central differences have an even approx_order, but got "
            f"{found.approx_order}. Use strategy='forward', or an even order."
        )
    if found.h is not None and not found.h > 0:
        raise ParameterError(
            f"{user_line()}: h takes a positive number, not {found.h}."
        )


def _qnode_jvp(
    primals: Any, tangents: Any, *, circuit: Circuit, batch: Any
) -> tuple[Any, Any]:
    # NOTE: derivatives of this derivative may be by other operands.
    pairs = zip(primals, tangents, strict=True)
    active = [not isinstance(t, Zero) or is_differentiated(x) for x, t in pairs]
    if circuit.effects:  # the callbacks run once, whatever the derivative runs
        params = {"circuit": circuit.silent, "batch": batch}
        _, found = _qnode_jvp(primals, tangents, **params)
        return qnode_p.bind(*primals, circuit=circuit, batch=batch), found
    match circuit.method:
        case "adjoint":
            run = _adjoint(circuit)
        case "parameter-shift":
            run = _parameter_shift(circuit, active)
        case "hadamard":
            run = _hadamard(circuit, active)
        case _:
            run = _differences(circuit, active)
    if batch is not None:
        run = jax.vmap(run, in_axes=[0 if on else None for on in batch[1]])
    return along(run, primals, tangents)


ad.primitive_jvps[qnode_p] = _qnode_jvp


def _adjoint(circuit: Circuit) -> Any:
    if circuit.statistical_shots is not None:
        passes = circuit.shots is None
        what = "is estimated by 'measurement-from-samples'" if passes else "has shots"
        raise DifferentiationError(
            f"{user_line()}: '{circuit.name}' {what}, but diff_method='adjoint' "
            "differentiates exact results. Use diff_method='parameter-shift', or leave "
            f"{'that pass' if passes else 'shots'} out."
        )
    parts = circuit.partition

    def read(operands: list[Any], others: list[Any]) -> list[Any]:
        results = circuit_p.bind(*operands, program=parts.program, batch=None)
        return parts.readings(results, others)

    return lambda *args: parts.run(read, args)


# Circuits at other angles


def _parameter_shift(circuit: Circuit, active: Sequence[bool]) -> Any:
    if circuit.shots is not None and _is_sampled(circuit):
        return _sampled_shift(circuit, active)
    parts, uses = circuit.partition, _active_uses(circuit, active)
    shifts = Shifts(tuple(_shift_rules(uses)))
    matrices = frozenset(use.slot for use in uses if use.frequencies is None)

    def at_level(level: int) -> Any:
        if not matrices:
            return _read(parts.program, parts.measured), shifts
        read, words = _with_words(parts, matrices, level, tests=False)
        return read, Both(shifts, words)

    return _at_other_angles(circuit, at_level)


def _is_sampled(circuit: Circuit) -> bool:
    """Tell whether derivatives are made of samples of the circuit as it is."""
    remote = find_target(circuit.device).state == "remote"
    return remote or measures_mid_circuit(circuit.jaxpr)


def _sampled_shift(circuit: Circuit, active: Sequence[bool]) -> Any:
    parts = sampled(circuit, tuple(active))
    _check_uses(circuit, parts.uses)
    shifts = Shifts(tuple(_shift_rules(parts.uses)))

    run = differentiated_by(lambda _: (parts.read, shifts), common=_is_common(circuit))
    return lambda *args: parts.run(circuit, run, args)


def _hadamard(circuit: Circuit, active: Sequence[bool]) -> Any:
    parts = circuit.partition
    slots = frozenset(use.slot for use in _active_uses(circuit, active))

    return _at_other_angles(
        circuit, lambda level: _with_words(parts, slots, level, tests=True)
    )


def _with_words(
    parts: HybridPartition, slots: frozenset[int], level: int, *, tests: bool
) -> tuple[Any, Insertions]:
    """Return the readings with words inserted once for each level, and the next."""
    program, measured = parts.program, parts.measured
    for _ in range(level):
        if tests:
            measured = tuple(read_by_test(program, each) for each in measured)
        program, _ = inserted(program, slots, tests=tests)
    _, runs = inserted(program, slots, tests=tests)
    return _read(program, measured), runs


def _at_other_angles(circuit: Circuit, at_level: Callable[[int], Any]) -> Any:
    run = differentiated_by(at_level, common=_is_common(circuit))

    def at(*args: Any) -> list[Any]:
        key = circuit.key_of(args)

        def read(operands: list[Any], others: list[Any]) -> list[Any]:
            angles, *inputs = operands
            return run(angles, (inputs, others), key)

        return circuit.partition.run(read, args)

    return at


def _is_common(circuit: Circuit) -> bool:
    return circuit.differences.common_random_numbers


def _read(program: CircuitProgram, measured: Sequence[Measured]) -> Any:
    """Return the readings of a circuit as a function of its angles and the rest."""

    def run(angles: Any, rest: Any, key: Any) -> Any:
        inputs, others = rest
        operands = [angles, *inputs, *([key] if program.samples else [])]
        results = circuit_p.bind(*operands, program=program, batch=None)
        return [each.reading(results, others) for each in measured]

    return run


def _named(circuit: Circuit) -> str:
    return "the Hadamard test" if circuit.method == "hadamard" else "parameter shift"


def _active_uses(circuit: Circuit, active: Sequence[bool]) -> list[Use]:
    """Return the uses of the active angles, or refuse what is more than an angle."""
    if circuit.shots is not None and measures_mid_circuit(circuit.jaxpr):
        raise DifferentiationError(
            f"{user_line()}: '{circuit.name}' measures on the way and has shots, which "
            f"{_named(circuit)} does not take. Use diff_method='parameter-shift'."
        )
    parts = circuit.partition
    if not is_static((parts.program.num_slots,)):
        raise DifferentiationError(
            f"{user_line()}: '{circuit.name}' has a number of parameters that is only "
            f"known at run time, which {_named(circuit)} does not take. Use "
            "diff_method='adjoint'."
        )
    natives = [node for node in parts.program.nodes if is_measurement(node)]
    for each in parts.measured:
        exact = natives[each.result].primitive == "quantum_state"
        if exact and circuit.estimates is not None:
            raise DifferentiationError(
                f"{_line(each.step)}: {_named(circuit)} of '{circuit.name}', which is "
                "estimated by 'measurement-from-samples', is of expectation values of "
                "fixed operators. Give shots to qnode(shots=...) instead, or use "
                "diff_method='finite-diff'."
            )
        if each.step.primitive == "quantum_state":
            raise DifferentiationError(
                f"{_line(each.step)}: {_named(circuit)} differentiates what can be "
                "measured, but a state vector cannot. Use diff_method='adjoint'."
            )
    angles = set(parts.active_angles(active))
    uses = [use for use in slot_uses(parts.program.nodes) if use.slot in angles]
    _check_uses(circuit, [use for use in uses if not is_gate(use.step)])
    return uses


def _check_uses(circuit: Circuit, uses: Iterable[Use]) -> None:
    """Refuse derivatives by more than the parameters of gates."""
    for use in uses:
        if use.frequencies is None:
            name = use.step.primitive.removeprefix("quantum_").replace("_", " ")
            raise DifferentiationError(
                f"{_line(use.step)}: {_named(circuit)} differentiates by the "
                f"parameters of gates, but this {name} depends on what is "
                "differentiated. Use diff_method='adjoint' or 'finite-diff'."
            )


def _shift_rules(uses: Iterable[Use]) -> Any:
    """Yield the shift rule of each active angle."""
    angles = [use for use in uses if use.frequencies is not None]
    for slot, frequencies in sorted(slot_frequencies(angles).items()):
        rule = shift_rule(frequencies)
        if rule.shifts:
            yield slot, rule


def _line(step: Step) -> str:
    return user_line(getattr(step.source, "source_info", None))


# Differences of the whole function


def _differences(circuit: Circuit, active: Sequence[bool]) -> Any:
    options = circuit.differences
    order = options.approx_order
    rule = difference_rule(options.strategy, order)
    step = options.step(circuit)

    def run(*args: Any) -> Any:
        pairs = list(zip(args, active, strict=True))
        flat, rebuilt = _flattened([arg for arg, on in pairs if on])

        key = circuit.key_of(args)

        def function(x: Any, rest: Any, key: Any) -> Any:
            given, inactive = iter(rebuilt(x)), iter(rest)
            every = [next(given) if on else next(inactive) for on in active]
            if key is not None:
                every[-1] = key
            return qnode_p.bind(*every, circuit=circuit, batch=None)

        if circuit.diff_method == "spsa":
            stencil = Simultaneous(rule, step, options.num_directions)
        else:
            stencil = Shifts(tuple((n, rule) for n in range(flat.shape[0])), step)
        rest = [arg for arg, on in pairs if not on]
        evaluated = differentiated_by(
            lambda _: (function, stencil), common=_is_common(circuit)
        )
        return evaluated(flat, rest, key)

    return run


def _flattened(arrays: Sequence[Any]) -> tuple[jax.Array, Any]:
    """Return the numbers of arrays as a real vector, and how to go back."""
    parts = [
        part
        for array in map(jnp.ravel, arrays)
        for part in ([array.real, array.imag] if jnp.iscomplexobj(array) else [array])
    ]
    kinds = [(array.shape, array.dtype) for array in arrays]
    ends = np.cumsum([part.shape[0] for part in parts])

    def rebuilt(x: jax.Array) -> list[Any]:
        split = iter(jnp.split(x, ends[:-1]))
        found: list[Any] = []
        for shape, dtype in kinds:
            whole = next(split)
            if jnp.issubdtype(dtype, jnp.complexfloating):
                whole = jax.lax.complex(whole, next(split))
            found.append(whole.reshape(shape).astype(dtype))
        return found

    return jnp.concatenate(parts), rebuilt
