"""The passes by name, and how to write more."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from qjit.errors import ParameterError, ParameterTypeError
from qjit.lowering.jax_internals.tracing import user_line
from qjit.lowering.passes.pipeline import (
    STEPS,
    OwnPass,
    PipelineError,
    Step,
    find_step,
    installed_passes,
)

if TYPE_CHECKING:
    from qjit.lowering.passes.circuits.gates import Gate
    from qjit.lowering.passes.rewriting.rule import RewriteRule


class PassList(Mapping[str, Step | OwnPass]):
    """The passes in order, with those of other packages: names, levels and meanings.

    >>> import qjit as qj
    >>> qj.passes["cancel-inverses"].level
    'quantum'
    >>> print(qj.passes["cancel-inverses"].meaning)
    Remove pairs of gates that undo one another, perhaps after gates that commute.
    """

    def __getitem__(self, name: str) -> Step | OwnPass:
        try:
            return find_step(name)
        except PipelineError as error:
            raise KeyError(str(error)) from None

    def __iter__(self) -> Iterator[str]:
        return iter((*STEPS, *installed_passes()))

    def __len__(self) -> int:
        return len(STEPS) + len(installed_passes())

    def __repr__(self) -> str:
        rows = [(step.name, step.level, step.meaning) for step in self.values()]
        widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
        return "\n".join(
            f"{name:{widths[0]}}  {level:{widths[1]}}  {meaning}"
            for name, level, meaning in rows
        )

    @property
    def Gate(self) -> "type[Gate]":
        """The class of gates in rewrite rules."""
        from qjit.lowering.passes.circuits.gates import Gate

        return Gate

    def rewrite(
        self, *pattern: str
    ) -> "Callable[[Callable[..., Sequence[Gate] | None]], RewriteRule]":
        """Make a pass of a function that replaces gates that follow one another.

        The function takes the gates found, each with its `wires`, its `params`, and
        `angle` where there is one. A parameter is a number where `known` is not None;
        with others, sums, differences, products and quotients are formed. It returns
        the gates that take their place, or None to leave them. Whatever it returns is
        compared with what it replaces, as matrices. Gates are found in loops and
        branches as elsewhere, and between gates on other wires. A gate with the adjoint
        flag is found as the gate that it is, at other parameters, or, where there is
        none, by "adjoint(T)".

        Args:
            pattern: gates such as "CNOT(a, b)", on wires by any names, in the order in
                which they are applied; a gate without wires is on those of the first.

        Returns:
            A decorator, which makes a pass for `qjit(pipeline=...)`.

        Raises:
            ParameterError: if a text is no gate, or its wires are not connected with
                those of the gates before.

        >>> import qjit as qj
        >>> @qj.passes.rewrite("Hadamard(a)", "X(a)", "Hadamard(a)")
        ... def conjugate_bit_flips(first, flip, last):
        ...     return [qj.passes.Gate("Z", flip.wires)]
        >>> @qj.qnode(wires=1)
        ... def circuit():
        ...     qj.Hadamard(0)
        ...     qj.X(0)
        ...     qj.Hadamard(0)
        ...     return qj.state()
        >>> stages = qj.qjit(circuit, pipeline=(conjugate_bit_flips,)).stages()
        >>> stages["conjugate-bit-flips"].count("quantum.gate")
        1
        """
        from qjit.lowering.passes.rewriting.rule import rewrite_rule

        texts: tuple[Any, ...] = pattern
        if not all(isinstance(text, str) for text in texts):
            raise ParameterTypeError(
                f"{user_line()}: rewrite takes gates as texts, such as 'CNOT(a, b)', "
                f"but got {pattern!r}."
            )
        try:
            return rewrite_rule(pattern)
        except ValueError as error:
            raise ParameterError(f"{user_line()}: in a pattern, {error}.") from error

    def replace_op(
        self, rewriter: Any, op: Any, new_ops: Any, new_results: Any = None
    ) -> None:
        """Replace an operation in a pattern of xDSL, in every release that qjit takes.

        Args:
            rewriter: the `PatternRewriter` that the pattern is given.
            op: the operation.
            new_ops: what takes its place, one operation or several.
            new_results: the values that take the place of its results, those of the
                last operation by default.
        """
        from qjit.lowering.passes.rewriting.patterns import replace_op

        replace_op(rewriter, op, new_ops, new_results)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(
            f"qj.passes has no attribute {name!r}; passes are found by their names, "
            "as in qj.passes['merge-rotations']."
        )


passes = PassList()
