"""What a variable holds, and what holds either of two such things."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from qjit.diagnostics.translation import is_array

_WEAK: dict[str, Any] = {"b": False, "i": 0, "u": 0, "f": 0.0, "c": 0j}


@dataclass(frozen=True)
class Type:
    """Shape and dtype of an array; a weak one gives way, as Python's numbers do."""

    shape: tuple[int, ...]
    dtype: Any
    weak: bool

    def __str__(self) -> str:
        return f"{self.dtype.name}{list(self.shape)}".replace(" ", "")

    def struct(self) -> jax.ShapeDtypeStruct:
        """Return what JAX calls an abstract value of this type."""
        return jax.ShapeDtypeStruct(self.shape, self.dtype, weak_type=self.weak)

    def cast(self, value: Any) -> Any:
        """Return a value as an array of this type."""
        if type_of(value) == self:
            return value
        array = jnp.asarray(value)
        if self.weak and array.dtype != self.dtype:
            return array + _WEAK[jnp.dtype(self.dtype).kind]
        return array if self.weak else jax.lax.convert_element_type(array, self.dtype)

    def zeros(self) -> Any:
        """Return zeros of this type."""
        if self.weak and not self.shape:
            return _WEAK[jnp.dtype(self.dtype).kind]
        return jnp.zeros(self.shape, self.dtype)


def type_of(leaf: Any) -> Type:
    """Return the type of an array or number."""
    aval = jax.typeof(leaf)
    return Type(aval.shape, aval.dtype, bool(getattr(aval, "weak_type", False)))


def common_type(a: Type, b: Type) -> Type | None:
    """Return the type that holds values of two types without loss, if there is one."""
    if a.shape != b.shape:
        return None
    if a.dtype == b.dtype:
        return Type(a.shape, a.dtype, a.weak and b.weak)
    kinds = [jnp.dtype(each.dtype).kind for each in (a, b)]
    if not all(kind in "biufcV" for kind in kinds):
        return None
    operands = [
        _WEAK[kind] if each.weak and kind in _WEAK else jnp.dtype(each.dtype)
        for each, kind in zip((a, b), kinds, strict=True)
    ]
    dtype = jnp.result_type(*operands)
    safe = all(each.weak or np.can_cast(each.dtype, dtype, "safe") for each in (a, b))
    return Type(a.shape, dtype, a.weak and b.weak) if safe else None


@dataclass(frozen=True)
class Leaf:
    """One leaf of what a variable holds: an array with its type, or an object."""

    type: Type | None
    value: Any = None
    """The object, or the number, or an array known before; None for a new array."""
    known: bool = False


@dataclass(frozen=True)
class Tree:
    """What a variable holds: a structure of leaves."""

    structure: Any
    leaves: tuple[Leaf, ...]

    def __str__(self) -> str:
        texts = [_leaf_text(leaf) for leaf in self.leaves]
        if self.structure == jax.tree.structure(0):
            return texts[0]
        if self.structure == jax.tree.structure(None):
            return "None"
        return str(jax.tree.unflatten(self.structure, texts)).replace("'", "")

    def types(self) -> list[Type]:
        """Return the types of the arrays that are not known."""
        return [leaf.type for leaf in self.leaves if leaf.type and not leaf.known]

    def opened(self) -> "Tree":
        """Return the same with arrays and numbers that are not known any more."""
        leaves = (
            leaf if leaf.type is None else Leaf(leaf.type) for leaf in self.leaves
        )
        return Tree(self.structure, tuple(leaves))

    def cast(self, arrays: Sequence[Any]) -> list[Any]:
        """Return arrays, one for each that a tree of this structure has, as typed."""
        typed = [leaf for leaf in self.leaves if leaf.type is not None]
        pairs = zip(typed, arrays, strict=True)
        return [t.type.cast(a) for t, a in pairs if t.type and not t.known]

    def zeros(self) -> list[Any]:
        """Return zeros for the arrays that are not known."""
        return [each.zeros() for each in self.types()]

    def build(self, arrays: Sequence[Any]) -> Any:
        """Return the value that has these arrays for leaves."""
        rest = iter(arrays)
        leaves = [leaf.value if leaf.known else next(rest) for leaf in self.leaves]
        return jax.tree.unflatten(self.structure, leaves)


def _leaf_text(leaf: Leaf) -> str:
    kind = type(leaf.value).__name__
    if leaf.type is None:
        return repr(leaf.value) if isinstance(leaf.value, str) else f"a {kind}"
    if leaf.known and not isinstance(leaf.value, Tracer) and leaf.type.weak:
        return kind
    return str(leaf.type)


def tree_of(value: Any, known: frozenset[int] = frozenset()) -> tuple[Tree, list[Any]]:
    """Return what a value is made of, and its arrays."""
    values, structure = jax.tree.flatten(value)
    leaves: list[Leaf] = []
    arrays: list[Any] = []
    for each in values:
        if not is_array(each):
            leaves.append(Leaf(None, each, True))
            continue
        arrays.append(each)
        kept = not isinstance(each, Tracer) or id(each) in known
        leaves.append(Leaf(type_of(each), each if kept else None, kept))
    return Tree(structure, tuple(leaves)), arrays


def same(a: Leaf, b: Leaf) -> bool:
    """Tell whether two leaves are the same object, or equal numbers or texts."""
    if not (a.known and b.known):
        return False
    if a.value is b.value:
        return True
    plain = bool | int | float | complex | str | bytes
    return (
        type(a.value) is type(b.value)
        and isinstance(a.value, plain)
        and repr(a.value) == repr(b.value)
    )


def common_tree(a: Tree, b: Tree) -> Tree | None:
    """Return what holds the arrays of both trees, if there is such a thing."""
    if a.structure != b.structure:
        return None
    leaves: list[Leaf] = []
    for left, right in zip(a.leaves, b.leaves, strict=True):
        if same(left, right):
            leaves.append(left)
            continue
        if left.type is None or right.type is None:
            return None
        found = common_type(left.type, right.type)
        if found is None:
            return None
        leaves.append(Leaf(found))
    return Tree(a.structure, tuple(leaves))
