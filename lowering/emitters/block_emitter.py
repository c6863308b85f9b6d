"""Branches and loops of languages with blocks, and variables that are assigned to."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, TypeVar

from xdsl.dialects.builtin import i1
from xdsl.ir import Attribute

from .values import Expression, is_known, whole

Statement = TypeVar("Statement")


@dataclass
class BlockEmitter(ABC, Generic[Statement]):
    """A circuit as the statements of a language, in blocks."""

    statements: list[Statement] = field(default_factory=list[Statement], init=False)
    """Those of the block that is being written."""

    @abstractmethod
    def variable(self, kind: Attribute) -> Expression:
        """Declare a variable."""

    @abstractmethod
    def assign(self, variable: Expression, value: Any) -> None:
        """Write that a variable has a number or the value of an expression."""

    @abstractmethod
    def negated(self, condition: Expression) -> Expression:
        """Return a condition that holds where another does not."""

    @abstractmethod
    def write_if(
        self,
        condition: Expression,
        then: list[Statement],
        otherwise: list[Statement],
    ) -> None:
        """Write a branch, whose first block has statements."""

    @abstractmethod
    def write_while(self, condition: Expression, body: list[Statement]) -> None:
        """Write a loop that goes on while a condition holds."""

    def block(self, function: Callable[[], object]) -> list[Statement]:
        """Return the statements that a function writes."""
        kept, self.statements = self.statements, []
        try:
            function()
            return self.statements
        finally:
            self.statements = kept

    def store(self, variable: Expression, value: Any) -> None:
        """Write that a variable has a value, unless it is the variable itself."""
        value = whole(value, variable.kind, self.select)
        if value is not variable:
            self.assign(variable, value)

    def select(self, outcome: Expression, one: Any, zero: Any, kind: Attribute) -> Any:
        """Write a choice between two values."""
        if kind == i1 and is_known(one) and is_known(zero) and one != zero:
            return outcome if one else self.negated(outcome)
        return self.selected(outcome, one, zero, kind)

    def selected(
        self, condition: Expression, one: Any, zero: Any, kind: Attribute
    ) -> Expression:
        """Write a choice between two values as a variable."""
        variable = self.variable(kind)
        self.store(variable, zero)
        self._write_branch(
            condition, self.block(partial(self.store, variable, one)), []
        )
        return variable

    def _write_branch(
        self,
        condition: Expression,
        then: list[Statement],
        otherwise: list[Statement],
    ) -> None:
        if then:
            self.write_if(condition, then, otherwise)
        elif otherwise:
            self.write_if(self.negated(condition), otherwise, [])

    def branch(
        self,
        condition: Expression,
        then: Callable[[], None],
        otherwise: Callable[[], None],
        results: Callable[[], Sequence[tuple[Any, Any, Attribute]]],
    ) -> list[Expression]:
        """Write a branch, and variables for its results."""
        sides = self.block(then), self.block(otherwise)
        found: list[Expression] = []
        for *values, kind in results():
            variable = self.variable(kind)
            for side, value in zip(sides, values, strict=True):
                side += self.block(partial(self.store, variable, value))
            found.append(variable)
        self._write_branch(condition, *sides)
        return found

    def loop(
        self,
        condition: Expression,
        initial: Sequence[Any],
        kinds: Sequence[Attribute],
        body: Callable[[Sequence[Expression]], tuple[Expression, Sequence[Any]]],
    ) -> list[Expression]:
        """Write a while loop, with variables for its values."""
        variables = [self.variable(kind) for kind in (i1, *kinds)]
        for variable, value in zip(variables, (condition, *initial), strict=True):
            self.store(variable, value)

        def write() -> None:
            again, values = body(variables[1:])
            self._store_at_once(variables, (again, *values))

        self.write_while(variables[0], self.block(write))
        return variables[1:]

    def _store_at_once(
        self, variables: Sequence[Expression], values: Sequence[Any]
    ) -> None:
        """Store values, of which one may be computed from the variable of another."""
        changed = [
            (variable, value)
            for variable, value in zip(variables, values, strict=True)
            if value is not variable
        ]
        if len(changed) > 1:
            copies = [self.variable(variable.kind) for variable, _ in changed]
            for copy, (_, value) in zip(copies, changed, strict=True):
                self.store(copy, value)
            changed = [(v, copy) for (v, _), copy in zip(changed, copies, strict=True)]
        for variable, value in changed:
            self.store(variable, value)
