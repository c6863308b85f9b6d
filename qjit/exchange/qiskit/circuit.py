"""The quantum function of a Qiskit circuit, traced once to find its mistakes."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from qjit.errors import ArgumentError
from qjit.exchange.openqasm.classical_types import (
    BOOL,
    FLOAT,
    ConversionError,
    Type,
    Value,
    convert,
    dtype,
    traced,
)
from qjit.jit.qnode import qnode
from qjit.lowering.jax_internals.tracing import user_line
from qjit.measurements.measurements import expval
from qjit.ops.operations import FIXED_ARITY_GATES

from .applying import Applying
from .control_flow import Frame
from .positions import NotKnownError

LOOSE = "clbits"


@dataclass(frozen=True)
class Input:
    """An argument of the function: a number, a vector of them, or a variable."""

    name: str
    parameters: tuple[Any, ...] = ()
    """A parameter, or the elements of a vector."""
    is_vector: bool = False
    variable: Any = None


def circuit_of(source: Any) -> Callable[..., dict[str, Any]]:
    """Return the quantum function of a circuit."""
    source = source.copy()
    inputs = _inputs(source)
    registers = _registers(source)
    names = tuple(each.name for each in inputs)

    def circuit(*args: Any, **kwargs: Any) -> dict[str, Any]:
        given = _arguments(names, args, kwargs)
        return _run(source, inputs, registers, given)

    circuit.__doc__ = "Apply a circuit of Qiskit, and return its bits by register."
    described: dict[str, Any] = {
        "num_qubits": source.num_qubits,
        "inputs": names,
        "bits": {name: len(bits) for name, bits in registers.items()},
    }
    if all(map(str.isidentifier, names)):
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        described["__signature__"] = inspect.Signature(
            [inspect.Parameter(name, kind) for name in names]
        )
    vars(circuit).update(described)
    _rehearse(source, inputs, circuit)
    return circuit


def _inputs(source: Any) -> list[Input]:
    found: dict[Any, Input] = {}
    for parameter in source.parameters:
        vector = getattr(parameter, "vector", None)
        key = parameter if vector is None else ("vector", vector.name)
        name = parameter.name if vector is None else vector.name
        elements = (parameter,) if vector is None else tuple(vector)
        found.setdefault(key, Input(name, elements, vector is not None))
    for variable in source.iter_input_vars():
        found[variable] = Input(variable.name, variable=variable)
    inputs = list(found.values())
    names = [each.name for each in inputs]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ArgumentError(
            f"{user_line()}: the Qiskit circuit has two inputs that are called "
            f"{min(twice)!r}. Rename one of them."
        )
    return inputs


def _registers(source: Any) -> dict[str, list[int]]:
    """Return the bits of registers, and of none, by their numbers in the circuit."""
    place = {bit: number for number, bit in enumerate(source.clbits)}
    found = {each.name: [place[bit] for bit in each] for each in source.cregs}
    held = {number for bits in found.values() for number in bits}
    loose = [number for number in place.values() if number not in held]
    if loose:
        name = LOOSE
        while name in found:
            name += "_"
        found[name] = loose
    return found


def _arguments(
    names: tuple[str, ...], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> dict[str, Any]:
    """Return arguments by the names of inputs, all of which are given."""
    given = dict(zip(names, args, strict=False))
    twice = given.keys() & kwargs.keys()
    given |= kwargs
    if len(args) > len(names) or twice or given.keys() != set(names):
        raise ArgumentError(
            f"{user_line()}: the Qiskit circuit takes {', '.join(names) or 'no inputs'}"
            f", but got {len(args)} argument(s) and the names {sorted(kwargs)}."
        )
    return given


def _run(
    source: Any,
    inputs: list[Input],
    registers: dict[str, list[int]],
    given: dict[str, Any],
) -> dict[str, Any]:
    """Apply a circuit, and return what its registers hold."""
    run = Applying()
    for each in inputs:
        value = given[each.name]
        if each.variable is not None:
            type_ = run.type_of(each.variable.type)
            run.memory[each.variable] = _variable(each.name, type_, value)
        else:
            run.parameters.update(_numbers(each, value))
    for number in range(source.num_clbits):
        run.memory[number] = Value(BOOL, False)
    qubits = {qubit: wire for wire, qubit in enumerate(source.qubits)}
    bits = {bit: number for number, bit in enumerate(source.clbits)}
    run.block(source, Frame(qubits, bits))
    return {
        name: jnp.stack([traced(run.memory[number]) for number in held])
        if held
        else jnp.zeros(0, bool)
        for name, held in registers.items()
    }


def _numbers(each: Input, value: Any) -> dict[Any, Any]:
    """Return the values of the parameters of an input."""
    wanted = (len(each.parameters),) if each.is_vector else ()
    if not hasattr(value, "shape"):
        value = np.asarray(value) if each.is_vector else value
    if np.shape(value) != wanted:
        raise ArgumentError(
            f"{user_line()}: the input {each.name} of the Qiskit circuit has the shape "
            f"{wanted}, but got an argument of shape {np.shape(value)}."
        )
    if not each.is_vector:
        return {each.parameters[0]: _unboxed(value)}
    return {
        element: _unboxed(value[place]) for place, element in enumerate(each.parameters)
    }


def _unboxed(value: Any) -> Any:
    """Return a number as one of Python if it is known; integers of JAX as floats."""
    if isinstance(value, np.ndarray | np.generic):
        return value.item()
    if isinstance(value, Tracer | jax.Array):
        is_real = jnp.issubdtype(value.dtype, jnp.integer) or value.dtype == bool
        return value.astype(jnp.result_type(float)) if is_real else value
    return value


def _variable(name: str, type_: Type, value: Any) -> Value:
    """Return an argument as a value of a variable."""
    known = not isinstance(value, Tracer | jax.Array)
    array = np.asarray(value) if known else value
    order = "biuf"
    kind = np.dtype(array.dtype).kind
    wanted = {"bool": 0, "uint": 2, "float": 3}[type_.kind]
    if array.shape != () or not 0 <= order.find(kind) <= wanted:
        raise ArgumentError(
            f"{user_line()}: the input {name} of the Qiskit circuit is {type_}, but "
            f"got {value!r}."
        )
    width = array.dtype.itemsize * 8
    own = {"b": BOOL, "f": FLOAT}.get(
        kind, Type("int" if kind == "i" else "uint", width)
    )
    try:
        return convert(Value(own, array.item() if known else array), type_)
    except ConversionError as error:
        raise ArgumentError(f"{user_line()}: the input {name}: {error}.") from error


def _rehearse(source: Any, inputs: list[Input], circuit: Callable[..., Any]) -> None:
    """Trace a circuit, to find what is wrong in it before it is used."""

    def rehearsal(given: dict[str, Any]) -> Any:
        circuit(**given)
        return expval(FIXED_ARITY_GATES["Z"](0))

    run, shapes = Applying(), dict[str, Any]()
    for each in inputs:
        shape = (len(each.parameters),) if each.is_vector else ()
        kind = jnp.result_type(float)
        if each.variable is not None:
            kind = dtype(run.type_of(each.variable.type))
        shapes[each.name] = jax.ShapeDtypeStruct(shape, kind)
    try:
        jax.eval_shape(qnode(wires=max(source.num_qubits, 1))(rehearsal), shapes)
    except NotKnownError:
        if not inputs:
            raise
