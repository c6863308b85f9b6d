"""Branches and loops on traced values: what statements assign is carried through.

Running statements has a status: what they leave. It is known, or traced where it
depends on a traced condition; what follows a traced one is run under a condition.
"""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from qjit.errors import ParameterError
from qjit.tracing.bounded_loops import fori_loop, while_loop_of_at_most
from qjit.tracing.checks import checked

from .arithmetic import either
from .classical_types import BOOL, ConversionError, Type, Value, convert, dtype, traced
from .expressions import Expressions
from .positions import NotConstantError
from .scopes import (
    LEAVING,
    Variable,
    assigned_names,
    jumps_in,
    kind_of,
    nodes_in,
    passed_names,
)

NEXT, CONTINUE, BREAK, RETURN, END = range(5)
MOST_UNROLLED = 10_000
TOO_LARGE = "the range of an OpenQASM loop has too large numbers."
Status = Any


class Branching(Expressions):
    """What runs branches and loops."""

    @abstractmethod
    def execute(self, statements: Sequence[Any]) -> Status:
        """Run statements in the innermost scope."""

    def in_scope(self, statements: Sequence[Any], **names: Any) -> Status:
        """Run statements in a scope of their own."""
        scopes = self.frame.scopes
        scopes.append(dict(names))
        try:
            return self.execute(statements)
        finally:
            scopes.pop()

    def condition(self, node: Any) -> Any:
        """Return whether a condition holds: a bool, or a traced one."""
        value = self.as_type(node, self.value(node), BOOL)
        return bool(value.data) if value.known else value.data

    # What is carried

    def carried(self, tree: Any) -> list[Variable]:
        """Return the variables that statements may change."""
        names, arrays = assigned_names(tree), passed_names(tree)
        found: dict[int, Variable] = {}
        for scope in self.frame.scopes:
            for name, symbol in scope.items():
                if not isinstance(symbol, Variable) or symbol.constant:
                    continue
                if name in names or (name in arrays and symbol.type.shape):
                    found[id(symbol)] = symbol
        returned = self.frame.returned
        if returned is not None and jumps_in(tree):
            found[id(returned)] = returned
        return list(found.values())

    def arrays_of(self, node: Any, variables: list[Variable]) -> tuple[jax.Array, ...]:
        """Return what variables hold, as arrays of JAX."""
        try:
            return tuple(traced(each.value) for each in variables)
        except ConversionError as error:
            self.fail(node, f"{error}.")

    def with_data(
        self,
        node: Any,
        variables: list[Variable],
        data: Sequence[Any],
        body: Callable[[], Any],
    ) -> tuple[Any, tuple[jax.Array, ...]]:
        """Run something while variables hold other data; return what they hold then."""
        before = [each.data for each in variables]
        depth, frames = len(self.frame.scopes), len(self.frames)
        try:
            _give(variables, data)
            result = body()
            return result, self.arrays_of(node, variables)
        finally:
            del self.frames[frames:]
            del self.frame.scopes[depth:]
            _give(variables, before)

    # Branches

    def branch(
        self,
        node: Any,
        predicate: Any,
        chosen: Callable[[], Status],
        other: Callable[[], Status],
        tree: Any,
        jumps: bool,
    ) -> Status:
        """Run one of two, and return its status."""
        if isinstance(predicate, bool):
            return chosen() if predicate else other()
        variables = self.carried(tree)

        def function(body: Callable[[], Status]) -> Callable[..., Any]:
            def run(*data: Any) -> Any:
                status, after = self.with_data(node, variables, data, body)
                return after, _as_status(status) if jumps else ()

            return run

        before = self.arrays_of(node, variables)
        after, status = jax.lax.cond(
            predicate, function(chosen), function(other), *before
        )
        _give(variables, after)
        return status if jumps else NEXT

    def run_if(self, node: Any) -> Status:
        """Run an if statement."""
        blocks = (node.if_block, node.else_block)
        return self.branch(
            node,
            self.condition(node.condition),
            lambda: self.in_scope(node.if_block),
            lambda: self.in_scope(node.else_block),
            blocks,
            jumps_in(blocks),
        )

    def run_switch(self, node: Any) -> Status:
        """Run a switch statement."""
        target = self.value(node.target)
        default = node.default.statements if node.default is not None else []
        return self._cases(node, target, list(node.cases), default)

    def _cases(
        self, node: Any, target: Value, cases: list[Any], default: list[Any]
    ) -> Status:
        if not cases:
            return self.in_scope(default)
        (labels, block), *rest = cases
        holds: Any = False
        for label in labels:
            equal = self.equal(label, target, self.value(label))
            holds = either(holds, equal)
        tree = [block, *(body for _, body in rest), *default]
        return self.branch(
            node,
            holds,
            lambda: self.in_scope(block.statements),
            lambda: self._cases(node, target, rest, default),
            tree,
            jumps_in(tree),
        )

    @abstractmethod
    def equal(self, node: Any, a: Value, b: Value) -> Any:
        """Return whether two values are equal."""

    # Loops

    def run_while(self, node: Any) -> Status:
        """Run a while loop."""
        first = self.condition(node.while_condition)
        if first is False:
            return NEXT
        variables, jumps = self.carried(node), jumps_in(node.block)

        def iteration(carry: Any) -> Any:
            _, _, data = carry

            def body() -> Any:
                status = _as_status(self.in_scope(node.block))
                if not jumps:
                    return self.condition(node.while_condition), status
                holds = self.branch(
                    node,
                    status <= CONTINUE,
                    lambda: self.condition(node.while_condition),
                    lambda: False,
                    [node.while_condition],
                    True,
                )
                return holds != 0, status

            (going, status), after = self.with_data(node, variables, data, body)
            return jnp.asarray(going), status, after

        start = (
            jnp.asarray(first),
            _as_status(NEXT),
            self.arrays_of(node, variables),
        )
        _, status, after = while_loop_of_at_most(
            lambda carry: carry[0], iteration, start, None
        )
        _give(variables, after)
        return self._after_loop(node, status)

    def _after_loop(self, node: Any, status: Any) -> Status:
        """Return what a loop leaves, of what its last iteration left."""
        if not any(kind_of(each) in LEAVING for each in nodes_in(node.block)):
            return NEXT
        return jnp.where(status >= RETURN, status, NEXT)

    def run_for(self, node: Any) -> Status:
        """Run a for loop."""
        over, type_ = node.set_declaration, self.type_of(node.type)
        if kind_of(over) == "RangeDefinition":
            return self._over_range(node, type_)
        if kind_of(over) == "DiscreteSet":
            values = [self.value(each) for each in over.values]
        else:
            whole = self.value(over)
            if not whole.type.data_shape:
                self.fail(over, f"a loop runs over a range or an array, not {over}.")
            length = whole.type.data_shape[0]
            inner = self.inner(whole.type)
            if whole.known and inner.kind == "bit" and not inner.data_shape:
                whole = Value(whole.type, whole.data.tolist())
            values = [Value(inner, whole.data[k]) for k in range(length)]
        return self._unrolled(node, [self.as_type(over, v, type_) for v in values])

    def _over_range(self, node: Any, type_: Type) -> Status:
        over = node.set_declaration
        if over.start is None or over.end is None:
            self.fail(over, "the range of a loop has a start and an end.")
        parts = [
            self.value(part) if part is not None else Value(Type("int"), 1)
            for part in (over.start, over.step, over.end)
        ]
        if any(part.type.kind not in ("int", "uint") for part in parts):
            return self._over_floats(node, type_, parts)
        start, step, end = (part.data for part in parts)
        wide = any(part.type.width > 32 for part in parts)
        if not all(part.known for part in parts):
            start, step, end = (self._counting(part, wide) for part in parts)
            message = "the range of an OpenQASM loop has a step of zero."
            step = checked(step, step != 0, ParameterError, message)
            count = jnp.maximum(jnp.floor_divide(end - start, step) + 1, 0)
            return self._rolled(node, type_, start, step, count, wide)
        if step == 0:
            self.fail(over, "the step of a range is not zero.")
        count = max((end - start) // step + 1, 0)
        numbers = (start, step, end, count)
        wide = wide or not all(-(2**31) <= each < 2**31 for each in numbers)
        values = [
            Value(parts[0].type, start + k * step)
            for k in range(min(count, MOST_UNROLLED + 1))
        ]
        if count <= 1 or (wide and count <= MOST_UNROLLED):
            return self._unrolled(node, [self.as_type(over, v, type_) for v in values])
        if not all(-(2**63) <= each < 2**63 for each in numbers):
            self.fail(over, TOO_LARGE)
        try:
            return self._rolled(node, type_, start, step, count, wide)
        except NotConstantError:
            if count > MOST_UNROLLED:
                raise
            return self._unrolled(node, [self.as_type(over, v, type_) for v in values])

    def _counting(self, part: Value, wide: bool) -> Any:
        """Return the start, step or end of a range as a signed integer."""
        to = Type("int", 64 if wide else 32)
        counted = traced(convert(part, to))
        if part.type.kind == "int":
            return counted
        return checked(counted, counted >= 0, ParameterError, TOO_LARGE)

    def _over_floats(self, node: Any, type_: Type, parts: list[Value]) -> Status:
        over = node.set_declaration
        floats = [self.as_type(over, part, Type("float")) for part in parts]
        if not all(part.known for part in floats):
            self.fail(over, "the range of a loop is of integers, or known.")
        start, step, end = (part.data for part in floats)
        count = int((end - start) / step + 1e-9) + 1 if step else 0
        if not 0 <= count <= MOST_UNROLLED:
            self.fail(over, f"the range has a step, and {MOST_UNROLLED} values.")
        values = [Value(Type("float"), start + k * step) for k in range(count)]
        return self._unrolled(node, [self.as_type(over, v, type_) for v in values])

    def _rolled(
        self, node: Any, type_: Type, start: Any, step: Any, count: Any, wide: bool
    ) -> Status:
        """Run a loop as a loop, whose counter has 64 bits if it is wide."""
        counted = Type("int", 64 if wide else 32)
        kind = dtype(counted)
        variables, jumps = self.carried(node.block), jumps_in(node.block)

        def iteration(k: Any, data: Sequence[Any]) -> Any:
            counter = start + k.astype(kind) * step

            def body() -> Status:
                value = convert(Value(counted, counter), type_)
                return self._iteration(node, value)

            return self.with_data(node, variables, data, body)

        before = self.arrays_of(node, variables)
        if not jumps:
            after = fori_loop(
                count,
                lambda k, carry: (*iteration(k, carry[:-1])[1], carry[-1]),
                (*before, jnp.zeros((), jnp.int32)),
                None,
            )[:-1]
            status: Status = NEXT
        else:

            def step_of(carry: Any) -> Any:
                k, _, data = carry
                left, after = iteration(k, data)
                return k + 1, _as_status(left), after

            _, status, after = while_loop_of_at_most(
                lambda carry: (carry[0] < count) & (carry[1] <= CONTINUE),
                step_of,
                (jnp.zeros((), kind), _as_status(NEXT), before),
                None,
            )
            status = self._after_loop(node, status)
        _give(variables, after)
        return status

    def _iteration(self, node: Any, value: Value) -> Status:
        counter = Variable(value.type, value.data)
        return self.in_scope(node.block, **{node.identifier.name: counter})

    def _unrolled(self, node: Any, values: list[Value]) -> Status:
        """Run a loop as the sequence of its iterations."""
        for k, value in enumerate(values):
            status = self._iteration(node, value)
            if isinstance(status, int):
                if status > CONTINUE:
                    return NEXT if status == BREAK else status
                continue
            rest, left = values[k + 1 :], status
            return self.branch(
                node,
                left <= CONTINUE,
                lambda: self._unrolled(node, rest),  # noqa: B023 (it is run now)
                lambda: jnp.where(left == BREAK, NEXT, left),  # noqa: B023
                node.block,
                True,
            )
        return NEXT


def _as_status(status: Status) -> jax.Array:
    return jnp.asarray(status, jnp.int32)


def _give(variables: Sequence[Variable], data: Sequence[Any]) -> None:
    for variable, new in zip(variables, data, strict=True):
        variable.data = new
