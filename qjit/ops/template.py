"""Templates: operators that are given by functions that apply simpler ones."""

import functools
import inspect
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from enum import Enum
from typing import Any, ClassVar

import jax

from qjit.diagnostics.keywords import bound_arguments
from qjit.ops.algebra.operator import UNCHANGED, Modifiers, Operator, call, is_operator
from qjit.ops.algebra.recording import taken
from qjit.ops.operations import as_array, operator_function, wires_of
from qjit.tracing.wires import Wire


class _Leaf(Enum):
    """Stands for an array in the arguments of a template."""

    ARRAY = "array"


_LEAF = _Leaf.ARRAY
_FUNCTIONS: dict[str, Callable[..., Any]] = {}


@dataclass(frozen=True, eq=False, repr=False)
class Template(Operator):
    """An operator that a function of its arguments applies gate by gate."""

    traced: ClassVar = ("numbers",)
    labelled: ClassVar = ("on",)

    title: str
    numbers: tuple[Any, ...] = ()
    on: tuple[Wire, ...] = ()
    # The arguments as a flat list, in which numbers stand as `_LEAF`.
    leaves: tuple[Hashable, ...] = ()
    tree: Any = None

    @property
    def name(self) -> str:
        """The name of the template."""
        return self.title

    @property
    def wires(self) -> tuple[Wire, ...]:
        """The wires that the template acts on."""
        return self.on

    @property
    def is_unitary(self) -> bool:
        """Whether it can be applied: every template can."""
        return True

    def decompose(self) -> None:
        """Apply the gates of the template."""
        numbers = iter(self.numbers)
        leaves = [next(numbers) if leaf is _LEAF else leaf for leaf in self.leaves]
        arguments: dict[str, Any] = jax.tree.unflatten(self.tree, leaves)
        _FUNCTIONS[self.title](**arguments, wires=self.on)

    def bind(self, change: Modifiers = UNCHANGED) -> None:
        """Put the gates into the circuit under trace."""
        call("replayed", self.decompose, change)

    def own_matrix(self) -> Any:
        """Return the matrix of the gates together."""
        return call("circuit_matrix", self.decompose, self.on)()

    def text(self) -> str:
        """Return the template's name and wires."""
        return f"{self.name}(wires={list(self.on)})"


def template(function: Callable[..., None]) -> Callable[..., Operator]:
    """Make a function that applies gates on its `wires` the function of an operator."""
    signature = inspect.signature(function)
    title = function.__name__
    # NOTE: by name, because operators are pickled, and functions are wrapped.
    _FUNCTIONS[title] = function

    @functools.wraps(function)
    def build(*args: Any, **kwargs: Any) -> Operator:
        bound = bound_arguments(signature, title, args, kwargs)
        bound.apply_defaults()
        arguments = dict(bound.arguments)
        on = wires_of(arguments.pop("wires"), title)
        used = {key: _argument(item, title) for key, item in arguments.items()}
        leaves, tree = jax.tree.flatten(used)
        numbers = tuple(leaf for leaf in leaves if _is_array(leaf))
        rest = tuple(_LEAF if _is_array(leaf) else leaf for leaf in leaves)
        return Template(title, numbers, on, rest, tree)

    return operator_function(build)


def _argument(item: Any, name: str) -> Any:
    """Return an argument with its lists as arrays, and its operators taken."""
    if isinstance(item, list | tuple) and any(map(_is_array, jax.tree.leaves(item))):
        return as_array(item, name)
    return jax.tree.map(
        lambda leaf: taken(leaf) if is_operator(leaf) else leaf,
        item,
        is_leaf=is_operator,
    )


def _is_array(leaf: Any) -> bool:
    return hasattr(leaf, "dtype") or isinstance(leaf, float | complex)
