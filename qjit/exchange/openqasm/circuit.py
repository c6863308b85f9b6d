"""The quantum function of an OpenQASM text, which is traced to find its mistakes."""

import inspect
from collections.abc import Callable
from typing import Any

import jax

from qjit.errors import ArgumentError
from qjit.jit.qnode import qnode
from qjit.lowering.jax_internals.tracing import user_line
from qjit.measurements.measurements import expval
from qjit.ops.operations import FIXED_ARITY_GATES

from .classical_types import dtype
from .parsing import Parsed, parse
from .positions import NotConstantError, as_written, error_at
from .program import Program
from .scopes import kind_of, nodes_in


def circuit_of(text: str) -> Callable[..., dict[str, Any]]:
    """Return the quantum function of a program."""
    parsed = parse(text)
    first = _guarded(lambda: _declared(parsed))
    _guarded(lambda: _rehearse(parsed, first))
    inputs = tuple(first.inputs)

    def circuit(*args: Any, **kwargs: Any) -> dict[str, Any]:
        given = _arguments(inputs, args, kwargs)
        return _guarded(lambda: Program(parsed).run(given))

    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    circuit.__doc__ = "Apply an OpenQASM program, and return its outputs by name."
    described: dict[str, Any] = {
        "num_qubits": first.num_qubits,
        "inputs": inputs,
        "bits": {as_written(n): each.size or 1 for n, each in first.registers()},
        "__signature__": inspect.Signature(
            [inspect.Parameter(name, kind) for name in inputs]
        ),
    }
    vars(circuit).update(described)
    return circuit


def _guarded(run: Callable[[], Any]) -> Any:
    try:
        return run()
    except RecursionError:
        message = "the program is nested too deeply. Divide its expressions."
    raise error_at(1, 1, message)


def _arguments(
    inputs: tuple[str, ...], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> dict[str, Any]:
    """Return arguments by the names of inputs, all of which are given."""
    given = dict(zip(inputs, args, strict=False))
    twice = given.keys() & kwargs.keys()
    given |= kwargs
    if len(args) > len(inputs) or twice or given.keys() != set(inputs):
        names = ", ".join(inputs) or "no inputs"
        raise ArgumentError(
            f"{user_line()}: the OpenQASM program takes {names}, but got {len(args)} "
            f"argument(s) and the names {sorted(kwargs)}."
        )
    return given


def _declared(parsed: Parsed) -> Program:
    """Return a program of which only the declarations were run."""
    program = Program(parsed)
    program.run_declarations()
    for node in nodes_in(parsed.statements):
        if kind_of(node) == "Identifier" and node.name.startswith("$"):
            program.qubits(node)
            if program.num_declared:
                program.fail(
                    node, "a program has qubits of its own, or physical ones, not both."
                )
    return program


def _rehearse(parsed: Parsed, declared: Program) -> None:
    """Trace a program, to find what is wrong in it before it is used."""

    def rehearsal(given: dict[str, Any]) -> Any:
        Program(parsed).run(given)
        return expval(FIXED_ARITY_GATES["Z"](0))

    shapes = {
        name: jax.ShapeDtypeStruct(type_.data_shape, dtype(type_))
        for name, type_ in declared.inputs.items()
    }
    try:
        jax.eval_shape(qnode(wires=max(declared.num_qubits, 1))(rehearsal), shapes)
    except NotConstantError:
        if not declared.inputs:
            raise
