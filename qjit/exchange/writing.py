"""Quantum functions written in the languages of others."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from qjit.devices.device import Device
from qjit.devices.device import device as make_device
from qjit.devices.other_devices import on_other_devices
from qjit.dialects.targets import Target, find_target
from qjit.dialects.targets.openqasm import QasmDialect
from qjit.dialects.targets.qir import QirDialect
from qjit.errors import MissingPackageError, ParameterError, UnsupportedError
from qjit.inspection.circuits.imported import Imported, checked_function, imported
from qjit.lowering.jax_internals.tracing import partial_eval, user_line
from qjit.lowering.jaxpr.traversal import (
    CALL_PRIMITIVES,
    Environment,
    bind,
    inner_jaxpr,
)

if TYPE_CHECKING:
    from jax.extend.core import ClosedJaxpr, Jaxpr

    from qjit.gradients.qnode_primitives import Circuit

QASM = {3: "openqasm3", 2: "openqasm2"}
PROFILES = {"base": "qir-base", "adaptive": "qir-adaptive-loops"}
FORMATS = "text", "bitcode"


def to_qasm(
    function: Any,
    version: int | None = None,
    *,
    device: Device | str | None = None,
    group: int | None = None,
) -> Callable[..., str]:
    """Return a function that writes a quantum function in OpenQASM.

    Args:
        function: a quantum function, a compiled function, or one that calls one.
        version: 3 or 2; that of the device, or 3, when left out.
        device: what it is written for, such as "ionq-aria"; when left out, the device
            of the function if it takes OpenQASM, and the language itself if not.
        group: where results are measured in several bases, which of them, from 0.

    Returns:
        A function of the same arguments, which returns the text. The register `c` has
        what the function measures. An argument that is a `jax.ShapeDtypeStruct` stays a
        parameter: an `input` of OpenQASM 3.

    Raises:
        UnsupportedError: if the language or the device lacks what is needed.
        ParameterError: for another version, or a group that does not exist.

    >>> import qjit as qj
    >>> @qj.qnode(wires=2)
    ... def bell():
    ...     qj.H(0)
    ...     qj.CNOT([0, 1])
    ...     return qj.probs()
    >>> print(qj.to_qasm(bell)(), end="")
    OPENQASM 3.0;
    include "stdgates.inc";
    qubit[2] q;
    bit[2] c;
    h q[0];
    cx q[0], q[1];
    c[0] = measure q[0];
    c[1] = measure q[1];
    """
    checked_function(function, "to_qasm")
    if version not in (None, *QASM):
        raise ParameterError(
            f"{user_line()}: to_qasm takes version 3 or 2, but got {version!r}."
        )

    def fits(language: Any) -> bool:
        same = isinstance(language, QasmDialect)
        return same and version in (None, language.version)

    chosen = _Choice(_device(device), fits, QASM[version or 3])

    def write(*args: Any, **kwargs: Any) -> str:
        return str(_written(function, chosen, group, args, kwargs, "to_qasm"))

    return write


def to_qir(
    function: Any,
    profile: str | None = None,
    format: str | None = None,
    *,
    device: Device | str | None = None,
    group: int | None = None,
) -> Callable[..., str | bytes]:
    """Return a function that writes a quantum function in QIR.

    Args:
        function: a quantum function, a compiled function, or one that calls one.
        profile: "base" or "adaptive"; that of the device, or "adaptive", when left out.
        format: "text" or "bitcode"; that of the device, or "text", when left out.
        device: what it is written for, such as "quantinuum-h2"; when left out, the
            device of the function if it takes QIR, and the profile itself if not.
        group: where results are measured in several bases, which of them, from 0.

    Returns:
        A function of the same arguments, which returns a text or bytes.

    Raises:
        UnsupportedError: if the profile or the device lacks what is needed.
        ParameterError: for another profile or format, or a group that does not exist.

    >>> import qjit as qj
    >>> @qj.qnode(wires=1)
    ... def coin():
    ...     qj.H(0)
    ...     return qj.probs()
    >>> "@__quantum__qis__h__body" in qj.to_qir(coin, "base")()
    True
    """
    checked_function(function, "to_qir")
    for given, known, what in (
        (profile, PROFILES, "profile"),
        (format, FORMATS, "format"),
    ):
        if given is not None and given not in known:
            raise ParameterError(
                f"{user_line()}: to_qir takes the {what} "
                f"{' or '.join(map(repr, known))}, but got {given!r}."
            )

    def fits(language: Any) -> bool:
        same = isinstance(language, QirDialect)
        return same and profile in (None, language.profile)

    chosen = _Choice(_device(device), fits, PROFILES[profile or "adaptive"], format)

    def write(*args: Any, **kwargs: Any) -> str | bytes:
        return _written(function, chosen, group, args, kwargs, "to_qir")

    return write


def to_qiskit(
    function: Any, *, device: Device | str | None = None, group: int | None = None
) -> Callable[..., Any]:
    """Return a function that makes a circuit of Qiskit of a quantum function.

    Args:
        function: a quantum function, a compiled function, or one that calls one.
        device: what it is compiled for, such as "ibm-heron"; for all gates of Qiskit
            when left out.
        group: where results are measured in several bases, which of them, from 0.

    Returns:
        A function of the same arguments, which returns a `qiskit.QuantumCircuit`. The
        register `c` has what the function measures. An argument that is a
        `jax.ShapeDtypeStruct` stays a parameter. Loops are written out, but for those
        that outcomes decide.

    Raises:
        MissingPackageError: if Qiskit is not installed.
        UnsupportedError: if Qiskit or the device lacks what is needed.
        ParameterError: for a group that does not exist.

    >>> import qjit as qj
    >>> @qj.qnode(wires=2)
    ... def bell():
    ...     qj.H(0)
    ...     qj.CNOT([0, 1])
    ...     return qj.probs()
    >>> make = qj.to_qiskit(bell)  # make() returns the circuit
    """
    checked_function(function, "to_qiskit")
    chosen = _Choice(
        _device(device), lambda known: isinstance(known, QasmDialect), "qiskit-circuit"
    )

    def write(*args: Any, **kwargs: Any) -> Any:
        from qjit.lowering.emitters.qiskit_circuits import QiskitEmitter

        _check_qiskit()
        whole = QiskitEmitter(has_counters=False)
        if chosen.device is not None:
            language: Any = chosen.device.target.language
            whole = QiskitEmitter(language.has_branches, language.has_loops, False)
        return _written(function, chosen, group, args, kwargs, "to_qiskit", whole)

    return write


def _check_qiskit() -> None:
    if find_spec("qiskit") is None:
        raise MissingPackageError(
            f"{user_line()}: to_qiskit needs the package qiskit. Install it with: "
            "pip install 'qjit[qiskit]'."
        )


class _Choice:
    """The device that a function is written for."""

    def __init__(
        self,
        device: Device | None,
        fits: Callable[[Any], bool],
        language: str,
        format: str | None = None,
    ) -> None:
        if device is not None and not fits(device.target.language):
            raise ParameterError(
                f"{user_line()}: device '{device.name}' takes another language. Choose "
                f"one that takes it, or leave the device out."
            )
        self.device, self.fits, self.language = device, fits, language
        self.format = format

    def of(self, own: Device) -> Device:
        """Return it, for a function that has a device of its own."""
        if self.device is not None:
            return replace(self.device, wires=own.wires, shots=own.shots)
        if self.fits(own.target.language):
            return own
        return Device(self.language, own.wires, own.shots)

    def formatted(self, target: Target) -> Target:
        """Return a target with the format that was asked for."""
        language = target.language
        if self.format is None or not isinstance(language, QirDialect):
            return target
        bitcode = self.format == "bitcode"
        return replace(target, language=replace(language, bitcode=bitcode))


def _device(device: Device | str | None) -> Device | None:
    return make_device(device) if isinstance(device, str) else device


def _written(
    function: Any,
    chosen: _Choice,
    group: int | None,
    args: Any,
    kwargs: Any,
    how: str,
    emitter: Any = None,
) -> Any:
    from qjit.jit.importing.one_shot import ShotPlan
    from qjit.jit.importing.written_circuits import emitter_of, written

    traced = _traced(function, chosen, args, kwargs)
    circuit, consts = _whole(traced.closed, how)
    plan = ShotPlan(circuit)
    last = len(plan.draws) - 1
    if group is None and last:
        raise UnsupportedError(
            f"{user_line()}: '{circuit.name}' measures in {last + 1} bases, so that "
            f"there are as many circuits. Say which: {how}(f, group=0), to group="
            f"{last}."
        )
    if group not in (None, *range(last + 1)):
        raise ParameterError(
            f"{user_line()}: '{circuit.name}' measures in {last + 1} bases, so that "
            f"{how} takes a group from 0 to {last}, but got {group!r}."
        )
    target = chosen.formatted(find_target(circuit.device))
    emitter = emitter or emitter_of(target)
    values = [*map(np.asarray, consts), *_values(traced, emitter, how)]
    if any(values[place].dtype == object for place in plan.fixed):
        raise UnsupportedError(
            f"{user_line()}: '{circuit.name}' has a matrix that a parameter decides, "
            "for which no gates are known. Give the value of the parameter."
        )
    shot = plan.shots(values)[group or 0]
    found = written(shot, values, target, circuit.name, emitter, in_order=True)
    return found.program


def _traced(function: Any, chosen: _Choice, args: Any, kwargs: Any) -> Imported:
    """Trace a function for another device, with one shot if it has none."""

    def moved(own: Device) -> Device:
        found = chosen.of(own)
        shots = found.shots[0] if isinstance(found.shots, tuple) else found.shots
        return replace(found, shots=shots or 1)

    with on_other_devices(moved):
        return imported(function, args, kwargs)


def _whole(closed: ClosedJaxpr, how: str) -> tuple[Circuit, Sequence[Any]]:
    """Return the one circuit of a program, with what is computed before it."""
    found: list[Circuit] = []

    def walk(jaxpr: Jaxpr, consts: Sequence[Any], args: Sequence[Any]) -> list[Any]:
        env = Environment(jaxpr, consts, args)
        for eqn in jaxpr.eqns:
            inputs = env.read(eqn.invars)
            name = eqn.primitive.name
            outs: Sequence[Any] = [None] * len(eqn.outvars)
            if name == "qnode" and eqn.params["batch"] is None:
                circuit = eqn.params["circuit"]
                found.append(circuit)
                walk(circuit.jaxpr, (), inputs)
            elif any(value is None for value in inputs):
                pass  # what is made of results
            elif name in CALL_PRIMITIVES:
                inner = inner_jaxpr(eqn)
                outs = walk(inner.jaxpr, inner.consts, inputs)
            else:
                outs = bind(eqn, inputs)
            env.write(eqn.outvars, list(outs))
        return env.read(jaxpr.outvars)

    def program(*args: Any) -> tuple[()]:
        walk(closed.jaxpr, closed.consts, args)
        return ()

    avals = [jax.ShapeDtypeStruct(aval.shape, aval.dtype) for aval in closed.in_avals]
    traced = jax.make_jaxpr(program)(*avals)
    if len(found) != 1:
        number = "none" if not found else str(len(found))
        raise UnsupportedError(
            f"{user_line()}: {how} takes a function that calls one quantum function, "
            f"outside of loops and branches, but this one calls {number}. Pass the "
            "quantum function itself."
        )
    jaxpr = partial_eval.convert_constvars_jaxpr(traced.jaxpr)
    return replace(found[0], jaxpr=jaxpr), traced.consts


def _values(traced: Imported, emitter: Any, how: str) -> list[np.ndarray]:
    """Return the arguments, with parameters where only their shapes are given."""
    from qjit.lowering.emitters.emitter import EmissionError

    found: list[np.ndarray] = []
    for leaf, name in zip(traced.leaves, traced.names, strict=True):
        if not isinstance(leaf, jax.ShapeDtypeStruct):
            found.append(np.asarray(leaf))
            continue
        if not np.issubdtype(leaf.dtype, np.floating):
            raise UnsupportedError(
                f"{user_line()}: {how} keeps real numbers as parameters, but {name!r} "
                f"is of type {leaf.dtype}. Give its value."
            )
        symbols = np.empty(leaf.shape, object)
        for place in np.ndindex(*leaf.shape):
            text = "_".join(re.findall(r"\w+", name) + list(map(str, place)))
            try:
                symbols[place] = emitter.parameter(text)
            except EmissionError as error:
                raise UnsupportedError(
                    f"{user_line()}: {how} writes no program with {error.what}. Give "
                    f"the value of {name!r}."
                ) from error
        found.append(symbols)
    return found
