"""Running the statements of an OpenQASM program while a quantum function is traced."""

from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from qjit.ops.variadic_gates import barrier

from .applying import Applying
from .arithmetic import binary
from .branching import BREAK, CONTINUE, END, NEXT, RETURN, Status
from .classical_types import (
    BOOL,
    ConversionError,
    Type,
    Value,
    convert,
    default,
    dtype,
    is_known,
    on_circle,
    traced,
    wrapped,
)
from .gate_names import FILE_NAMES
from .parsing import Parsed
from .positions import NotConstantError, as_written
from .scopes import Definition, Frame, Qubits, Variable, kind_of, nodes_in

_IN_GATES = ("QuantumGate", "QuantumPhase", "QuantumBarrier", "ForInLoop")
_LEGACY = (
    *("Include", "QubitDeclaration", "ClassicalDeclaration", "QuantumGateDefinition"),
    *("QuantumGate", "QuantumMeasurementStatement", "QuantumReset", "QuantumBarrier"),
    "BranchingStatement",
)
MOST_QUBITS = 100_000


class Program(Applying):
    """One run of a program: what its names stand for, and what it applies."""

    def __init__(self, parsed: Parsed) -> None:
        super().__init__(parsed.source, parsed.legacy)
        self.opaque = parsed.opaque
        self.statements = parsed.statements
        self.num_declared = 0
        self.declares = False
        self.inputs: dict[str, Type] = {}
        self.outputs: dict[str, None] = {}
        self.given: dict[str, Any] = {}
        self._statements: dict[str, Callable[[Any], Status]] = {
            "Include": self._include,
            "QubitDeclaration": self._declare_qubits,
            "ClassicalDeclaration": self._declare,
            "ConstantDeclaration": self._declare_constant,
            "IODeclaration": self._declare_port,
            "QuantumGateDefinition": self._define,
            "SubroutineDefinition": self._define,
            "AliasStatement": self._alias,
            "QuantumGate": self.apply_gate,
            "QuantumPhase": self.apply_phase,
            "QuantumReset": self.apply_reset,
            "QuantumBarrier": self.apply_barrier,
            "DelayInstruction": self.apply_delay,
            "Box": self._box,
            "QuantumMeasurementStatement": self._measure,
            "ClassicalAssignment": self._assign,
            "ExpressionStatement": self._evaluate,
            "CompoundStatement": lambda node: self.in_scope(node.statements),
            "BranchingStatement": self.run_if,
            "SwitchStatement": self.run_switch,
            "WhileLoop": self.run_while,
            "ForInLoop": self.run_for,
            "BreakStatement": lambda _: BREAK,
            "ContinueStatement": lambda _: CONTINUE,
            "ReturnStatement": self._return,
            "EndStatement": self._end,
        }

    @property
    def num_qubits(self) -> int:
        """How many wires the program has."""
        return max(self.num_declared, self.num_physical)

    def run(self, given: dict[str, Any]) -> dict[str, Any]:
        """Run the program; return what its outputs hold, or its bits."""
        self.given = given
        self.execute(self.statements)
        names = list(self.outputs) or [name for name, _ in self.registers()]
        scope = self.frame.scopes[0]
        return {as_written(name): traced(scope[name].value) for name in names}

    def run_declarations(self) -> None:
        """Run the declarations at the top, as far as types and qubits need them."""
        self.declares = True
        for node in self.statements:
            kind = kind_of(node)
            if kind in ("ConstantDeclaration", "QubitDeclaration", "IODeclaration"):
                self._execute(node)
            elif kind == "ClassicalDeclaration":
                type_ = self.type_of(node.type)
                self._bind(node, node.identifier.name, Variable(type_, None))

    def registers(self) -> list[tuple[str, Type]]:
        """Return the bits of the program that are declared at its top."""
        return [
            (name, found.type)
            for name, found in self.frame.scopes[0].items()
            if isinstance(found, Variable)
            and found.type.kind == "bit"
            and not (found.type.shape or found.constant or name in self.inputs)
        ]

    def execute(self, statements: Sequence[Any]) -> Status:
        """Run statements in the innermost scope, and return what they leave."""
        for k, statement in enumerate(statements):
            status = self._execute(statement)
            if status is None or (isinstance(status, int) and status == NEXT):
                continue
            rest, left = statements[k + 1 :], status
            self._await(rest)
            if isinstance(status, int):
                return status
            return self.branch(
                statement,
                left == NEXT,
                lambda: self.execute(rest),  # noqa: B023 (it is run now)
                lambda: left,  # noqa: B023
                list(rest),
                True,
            )
        return NEXT

    def _execute(self, statement: Any) -> Status:
        kind = kind_of(statement)
        run = self._statements.get(kind)
        if run is None:
            self.fail(statement, f"{kind} is not supported.")
        if self.legacy and kind not in _LEGACY:
            self.fail(statement, f"{kind} is not in OpenQASM 2. Write OPENQASM 3;")
        if self.frame.in_gate and kind not in _IN_GATES:
            self.fail(statement, f"{kind} is not part of a gate.")
        try:
            return run(statement)
        except ConversionError as error:
            self.fail(statement, f"{error}.")

    def _await(self, statements: Sequence[Any]) -> None:
        """Declare what statements declare, so that what they give it is carried."""
        scope = self.frame.scopes[-1]
        for each in statements:
            if kind_of(each) in ("ClassicalDeclaration", "IODeclaration"):
                name, type_ = each.identifier.name, self.type_of(each.type)
                if _is_output(each):
                    self.outputs[name] = None
                if name not in scope:
                    scope[name] = Variable(type_, default(type_), awaited=True)

    # Declarations

    def _bind(self, node: Any, name: str, symbol: Any) -> None:
        scope = self.frame.scopes[-1]
        before = scope.get(name)
        if isinstance(before, Variable) and before.awaited:
            before.awaited = False
            before.data = symbol.data
            return
        if before is not None:
            self.fail(node, f"{name} is declared twice.")
        scope[name] = symbol

    def _include(self, node: Any) -> None:
        file = FILE_NAMES[self.legacy]
        if node.filename != file:
            version = 2 if self.legacy else 3
            self.fail(
                node,
                f"the file {node.filename!r} cannot be included. OpenQASM {version} "
                f"includes {file!r} here; write what others define into the text.",
            )
        self.files = (file,)

    def _declare_qubits(self, node: Any) -> None:
        size = 1
        if node.size is not None:
            size = self.constant_integer(node.size, "the number of qubits")
        if not 0 < size <= MOST_QUBITS - self.num_declared:
            self.fail(node, f"a program has 1 to {MOST_QUBITS} qubits.")
        first = self.num_declared
        self.num_declared += size
        wires = tuple(range(first, first + size))
        self._bind(node, node.qubit.name, Qubits(wires, node.size is None))

    def _declare(self, node: Any) -> None:
        type_ = self.type_of(node.type)
        data = default(type_)
        if node.init_expression is not None:
            data = self.converted(node.init_expression, type_).data
        self._bind(node, node.identifier.name, Variable(type_, data))

    def _declare_constant(self, node: Any) -> None:
        type_ = self.type_of(node.type)
        value = self.converted(node.init_expression, type_)
        if not value.known:
            self.fail(node, "a constant has a known value.", NotConstantError)
        variable = Variable(type_, value.data, constant=True)
        self._bind(node, node.identifier.name, variable)

    def _declare_port(self, node: Any) -> None:
        name, type_ = node.identifier.name, self.type_of(node.type)
        if _is_output(node):
            self.outputs[name] = None
            known = None if self.declares else default(type_)
            self._bind(node, name, Variable(type_, known))
            return
        self.inputs[name] = type_
        data = self._given(node, name, type_) if name in self.given else None
        self._bind(node, name, Variable(type_, data))

    def _given(self, node: Any, name: str, type_: Type) -> Any:
        """Return an argument of the quantum function as a value of an input."""
        given, shape = self.given[name], type_.data_shape
        if np.shape(given) != shape:
            self.fail(
                node,
                f"the input {name} has the shape {shape}, but got an argument of "
                f"shape {np.shape(given)}.",
            )
        if shape or not is_known(given):
            return self._given_array(node, name, type_)
        kinds = ((bool, "bool"), (int, "int"), (float, "float"), (complex, "complex"))
        number = given.item() if hasattr(given, "item") else given
        for python, kind in kinds:
            if isinstance(number, python):
                size = 64 if kind == "int" else None
                return self.as_type(node, Value(Type(kind, size), number), type_).data
        self.fail(node, f"the input {name} is a number, but got {number!r}.")

    def _given_array(self, node: Any, name: str, type_: Type) -> Any:
        array, wanted = jnp.asarray(self.given[name]), dtype(type_)
        order = "biufc"
        kinds = [
            order.find(np.dtype(each).kind.replace("u", "i"))
            for each in (array.dtype, wanted)
        ]
        if kinds[0] > kinds[1] or kinds[0] < 0:
            self.fail(node, f"the input {name} is {type_}, but got {array.dtype}.")
        if type_.kind in ("int", "uint"):
            return wrapped(array, type_)
        if type_.kind == "angle":
            return on_circle(array.astype(wanted), type_.size)
        return array.astype(wanted)

    def _define(self, node: Any) -> None:
        if len(self.frames) > 1 or len(self.frame.scopes) > 1:
            self.fail(node, "gates and subroutines are defined at the top.")
        self._bind(node, node.name.name, Definition(node))

    def _alias(self, node: Any) -> None:
        self._bind(node, node.target.name, self.qubits(node.value))

    # Statements

    def _box(self, node: Any) -> Status:
        if node.duration is not None:
            self.fail(node, "a box with a duration is not supported.")
        barrier()
        status = self.in_scope(node.body)
        barrier()
        return status

    def _evaluate(self, node: Any) -> None:
        expression = node.expression
        if kind_of(expression) == "FunctionCall":
            found = self.look_up(expression, expression.name.name)
            if isinstance(found, Definition):
                self.call_subroutine(found, expression)
                return
        self.value(expression)

    def _measure(self, node: Any) -> None:
        value = self.measured(node.measure.qubit)
        if node.target is not None:
            self._assign_to(node, node.target, value)

    def _assign(self, node: Any) -> None:
        symbol = node.op.name
        if symbol == "=":
            self._assign_to(node, node.lvalue, node.rvalue)
            return
        target = self._read(node, node.lvalue)
        value = binary(symbol.removesuffix("="), target, self.value(node.rvalue))
        self._assign_to(node, node.lvalue, value)

    def _variable(self, node: Any, name: Any) -> Variable:
        found = self.symbol(name, name.name)
        if not isinstance(found, Variable) or found.constant:
            self.fail(node, f"{name.name} is no variable.")
        return found

    def _read(self, node: Any, target: Any) -> Value:
        if kind_of(target) == "Identifier":
            return self._variable(node, target).value
        value = self._variable(node, target.name).value
        for index in target.indices:
            for element in self.elements(index):
                value = self.element(node, value, element)
        return value

    def _assign_to(self, node: Any, target: Any, given: Any) -> None:
        """Give a variable, or a part of one, the value of a node or a value."""

        def as_type(to: Type) -> Value:
            if isinstance(given, Value):
                return self.as_type(node, given, to)
            return self.converted(given, to)

        if kind_of(target) == "Identifier":
            variable = self._variable(node, target)
            variable.data = as_type(variable.type).data
            return
        variable = self._variable(node, target.name)
        elements = [e for index in target.indices for e in self.elements(index)]
        variable.data = self._updated(node, variable.value, elements, as_type)

    def _updated(
        self,
        node: Any,
        value: Value,
        elements: list[Any],
        as_type: Callable[[Type], Value],
    ) -> Any:
        """Return an array or register with another part."""
        if not elements:
            return as_type(value.type).data
        if not value.type.data_shape:
            self.fail(node, f"{value.type} has no elements that could be assigned.")
        length = value.type.data_shape[0]
        where: Any = self.positions(elements[0], length)
        if where is None:
            where = self.position(elements[0], length)
            held = value.data if isinstance(where, int) else traced(value)
            part = Value(self.inner(value.type), held[where])
        else:
            part = Value(self.part(value.type, len(where)), value.data[np.array(where)])
        new = self._updated(node, part, elements[1:], as_type)
        if all(map(is_known, (new, where))) and value.known:
            changed = value.data.copy()
            changed[where] = new
            return changed
        data = traced(value)
        position = where if not isinstance(where, list) else np.array(where)
        return data.at[position].set(jnp.asarray(new, data.dtype))

    def _return(self, node: Any) -> Status:
        frame = self.frame
        if frame is self.frames[0]:
            self.fail(node, "return is part of a subroutine.")
        if frame.returned is None:
            if node.expression is not None:
                self.fail(node, f"{frame.callee} has no type to return.")
            return RETURN
        if node.expression is None:
            self.fail(node, f"{frame.callee} returns {frame.returned.type}.")
        frame.returned.data = self.converted(node.expression, frame.returned.type).data
        return RETURN

    def _end(self, node: Any) -> Status:
        if self.frame is not self.frames[0]:
            self.fail(node, "end is supported outside of subroutines.")
        return END

    # Subroutines

    def call_subroutine(self, definition: Definition, node: Any) -> Value | None:
        """Run a subroutine of the program, and return what it returns."""
        callee, name = definition.node, definition.node.name.name
        if any(frame.callee == name for frame in self.frames):
            self.fail(node, f"the subroutine {name} calls itself.")
        if len(node.arguments) != len(callee.arguments):
            self.fail(
                node,
                f"{name} takes {len(callee.arguments)} arguments, but got "
                f"{len(node.arguments)}.",
            )
        scope: dict[str, Any] = {}
        for wanted, given in zip(callee.arguments, node.arguments, strict=True):
            scope[wanted.name.name] = self._argument(wanted, given)
        returned = None
        if callee.return_type is not None:
            type_ = self.type_of(callee.return_type)
            returned = Variable(type_, default(type_))
            kinds = {kind_of(each) for each in nodes_in(callee.body)}
            if "ReturnStatement" not in kinds:
                self.fail(callee, f"{name} does not return its {type_}.")
        self.frames.append(Frame([scope, {}], returned, name))
        depth = len(self.frames)
        try:
            self.execute(callee.body)
        finally:
            del self.frames[depth - 1 :]
        return returned.value if returned is not None else None

    def _argument(self, wanted: Any, given: Any) -> Any:
        if kind_of(wanted) == "QuantumArgument":
            found = self.qubits(given)
            size = None
            if wanted.size is not None:
                size = self.constant_integer(wanted.size, "the number of qubits")
            if (size is None) != found.single or size not in (None, len(found.wires)):
                self.fail(
                    given,
                    f"{wanted.name.name} is {size or 'one'} qubit(s), but got "
                    f"{'one' if found.single else len(found.wires)}.",
                )
            return found
        if kind_of(wanted.type) != "ArrayReferenceType":
            type_ = self.type_of(wanted.type)
            return Variable(type_, self.converted(given, type_).data)
        return self._reference(wanted, given)

    def _reference(self, wanted: Any, given: Any) -> Any:
        value = self.value(given)
        element = self.type_of(wanted.type.base_type)
        dimensions = wanted.type.dimensions
        if isinstance(dimensions, list):
            fits = value.type == Type(
                element.kind,
                element.size,
                tuple(self.constant_integer(each, "a size") for each in dimensions),
            )
        else:
            count = self.constant_integer(dimensions, "the number of dimensions")
            fits = value.type.element == element and len(value.type.shape) == count
        if not fits:
            self.fail(given, f"{wanted.name.name} is no array like {value.type}.")
        if wanted.access is None or wanted.access.name != "mutable":
            return Variable(value.type, value.data, constant=True)
        if kind_of(given) != "Identifier":
            self.fail(given, "an array that a subroutine changes is given by its name.")
        return self._variable(given, given)

    def equal(self, node: Any, a: Value, b: Value) -> Any:
        """Return whether two values are equal."""
        try:
            return convert(binary("==", a, b), BOOL).data
        except ConversionError as error:
            self.fail(node, f"{error}.")


def _is_output(node: Any) -> bool:
    return kind_of(node) == "IODeclaration" and node.io_identifier.name == "output"
