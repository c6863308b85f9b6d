"""Circuits as programs in the languages of devices."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.dialects.func import FuncOp
from xdsl.ir import Operation

from qjit.devices.backends.protocol import Payload
from qjit.dialects.targets import Target
from qjit.dialects.targets.qir import QirDialect
from qjit.errors import UnsupportedError
from qjit.lowering.emitters.emit import Emitted, emit
from qjit.lowering.emitters.emitter import EmissionError
from qjit.lowering.emitters.openqasm import QasmEmitter
from qjit.lowering.emitters.qir import QirEmitter
from qjit.lowering.jax_internals.tracing import user_line
from qjit.lowering.program_attributes import LINES

from .one_shot import ENTRY, Shot


def written(
    shot: Shot,
    arguments: Sequence[Any],
    target: Target,
    name: str,
    emitter: Any = None,
    *,
    in_order: bool = False,
) -> Emitted:
    """Return one shot of a circuit in the language of a device.

    Args:
        shot: the circuit.
        arguments: its arguments, arrays whose elements may be expressions.
        target: the device.
        name: that of the quantum function.
        emitter: what writes it; that of the language of the device when left out.
        in_order: whether its bits are the results in their order, where that can be.

    Raises:
        UnsupportedError: if the language or the device lacks what the circuit needs.
    """
    try:
        given = [*map(np.asarray, shot.constants), *arguments]
        emitter = emitter or emitter_of(target)
        return emit(shot.module, ENTRY, given, emitter, in_order=in_order)
    except EmissionError as error:
        raise UnsupportedError(
            f"{_line(shot.module, error.op)}: device '{target.name}' does not have "
            f"what '{name}' needs: {error.what}. Choose a device that does, such as "
            "'statevector', or write the function without it."
        ) from error


def emitter_of(target: Target) -> QasmEmitter | QirEmitter:
    """Return what writes circuits for a device."""
    assert target.language is not None
    if isinstance(target.language, QirDialect):
        return QirEmitter(target.language)
    return QasmEmitter(target.language)


def format_of(target: Target) -> str:
    """Return the format of what is written for a device, as backends call it."""
    if isinstance(target.language, QirDialect):
        return f"qir-{target.language.profile}"
    assert target.language is not None
    return f"openqasm{target.language.version}"


def payload(found: Emitted, target: Target) -> Payload:
    """Return a circuit in the form in which runtimes take it."""
    return Payload(found.program, format_of(target), found.num_qubits, found.num_bits)


def _line(module: ModuleOp, op: Operation | None) -> str:
    """Return the user's line of an operation, or of the call."""
    while op is not None and not isinstance(op, FuncOp):
        for each in op.walk():  # branches and loops have the lines of what is in them
            number = getattr(each, "line", None)
            if number is not None and LINES in module.attributes:
                lines: Any = module.attributes[LINES]
                text: StringAttr = lines.data[number.value.data]
                return text.data
        op = op.parent_op()
    return user_line()
