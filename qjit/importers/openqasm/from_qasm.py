"""`from_qasm`: quantum functions of OpenQASM texts."""

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


def from_qasm(text: str) -> Callable[..., dict[str, Any]]:
    """Return the quantum function of an OpenQASM program, of version 3 or 2.

    Args:
        text: the program. It includes `stdgates.inc` in version 3, or `qelib1.inc` in
            version 2, and no other file.

    Returns:
        A function to be called in a quantum function. It takes the program's inputs,
        by name or in the order of their declaration, applies the program to the wires
        0, 1, ... in the order in which qubits are declared (physical qubits are wires
        themselves), and returns a dictionary of the program's outputs by name: those
        declared as `output`, or all bits and registers of bits, c[0] first. They are
        measured values, for `qjit.sample`, `qjit.counts` and others. Its attributes are
        `num_qubits`, the names of `inputs`, and `bits`, the number of bits of each
        register by name.

    Raises:
        QasmError: for what cannot be read or has no meaning, with its line and column.
        MissingPackageError: if the parser is not installed.

    >>> import qjit as qj
    >>> circuit = qj.from_qasm('''
    ...     OPENQASM 3.0;
    ...     include "stdgates.inc";
    ...     input float angle_of_q;
    ...     qubit[2] q;
    ...     bit[2] c;
    ...     ry(angle_of_q) q[0];
    ...     c[0] = measure q[0];
    ...     if (c[0]) x q[1];
    ...     c[1] = measure q[1];
    ... ''')  # doctest: +SKIP
    >>> circuit.num_qubits, circuit.inputs, circuit.bits  # doctest: +SKIP
    (2, ('angle_of_q',), {'c': 2})
    >>> @qj.qnode(wires=2)
    ... def probabilities(angle):
    ...     return qj.probs(op=list(circuit(angle)["c"]))
    >>> print(probabilities(3.141592653589793).round(3))  # doctest: +SKIP
    [0. 0. 0. 1.]
    """
    if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ArgumentError(
            f"{user_line()}: from_qasm takes the text of a program, but got "
            f"{type(text).__name__}. Read a file with pathlib.Path(name).read_text()."
        )
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
