"""Operators: values that are added and multiplied, applied and measured."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any, ClassVar, NamedTuple, NoReturn, ParamSpec, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from qjit.diagnostics.notebook import code
from qjit.errors import ParameterError, ParameterTypeError, UnsupportedError
from qjit.lowering.jax_internals.tracing import user_line
from qjit.runtime.recent import MOST
from qjit.tracing.wires import CarriedWire, Label, Wire, WireIndex, is_traced

from .linear_form import LinearForm, of_matrix

P = ParamSpec("P")
R = TypeVar("R")
Number = Any  # a number, or a concrete or traced array of shape ()
# What operators call that stands above them: their functions register it by name.
IMPLEMENTATIONS: dict[str, Callable[..., Any]] = {}


def implements(name: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Register a function that operators call by this name."""

    def register(function: Callable[P, R]) -> Callable[P, R]:
        IMPLEMENTATIONS[name] = function
        return function

    return register


def call(name: str, *args: Any) -> Any:
    """Call the function that is registered by this name."""
    return IMPLEMENTATIONS[name](*args)


class Modifiers(NamedTuple):
    """How an operator is changed on its way into the circuit."""

    adjoint: bool = False
    controls: tuple[Wire, ...] = ()
    control_values: tuple[bool, ...] = ()

    def then(self, change: "Modifiers") -> "Modifiers":
        """Change an operator that is changed already."""
        return Modifiers(
            self.adjoint != change.adjoint,
            (*change.controls, *self.controls),
            (*change.control_values, *self.control_values),
        )


UNCHANGED = Modifiers()


class _Dynamic:
    """Stands for a traced wire in the structure of an operator."""

    def __repr__(self) -> str:
        return "?"


_DYNAMIC = _Dynamic()


@dataclass(frozen=True, eq=False, repr=False)
class Operator(ABC):
    """A linear operator on wires, made by the functions of gates and observables.

    Operators are immutable values and JAX pytrees: their numbers and matrices are the
    leaves. Outside a quantum function an operator is not applied; inside, a gate's
    function applies it, until it is used in another operator or a measurement.

    Of the fields of a subclass, `traced` are arrays or operators, `labelled` are
    tuples of wires, and the others are known and hashable.
    """

    traced: ClassVar[tuple[str, ...]] = ()
    labelled: ClassVar[tuple[str, ...]] = ()

    # NumPy's arrays leave products with operators to these.
    __array_ufunc__ = None

    def __init_subclass__(cls) -> None:
        jax.tree_util.register_pytree_with_keys(
            cls,
            lambda self: self.tree_flatten_with_keys(),
            cls.tree_unflatten,
        )

    @property
    @abstractmethod
    def name(self) -> str:
        """The name of the gate or of the kind of expression."""

    @property
    @abstractmethod
    def wires(self) -> tuple[Wire, ...]:
        """The wires that the operator acts on, in the order of its matrix."""

    @property
    def parameters(self) -> list[Any]:
        """The numbers and arrays that the operator was made with."""
        return jax.tree.leaves([getattr(self, name) for name in self.traced])

    @property
    def is_unitary(self) -> bool:
        """Whether it is unitary by its construction, so that it can be applied."""
        return False

    @property
    def is_hermitian(self) -> bool:
        """Whether it is its own adjoint by its construction."""
        return False

    def operands(self) -> Iterator["Operator"]:
        """Yield the operators that this one is made of."""
        yield from ()

    @abstractmethod
    def bind(self, change: Modifiers = UNCHANGED) -> None:
        """Put the operator into the circuit under trace."""

    @abstractmethod
    def own_matrix(self) -> Any:
        """Return the matrix on the operator's own wires, of shape (2**k, 2**k)."""

    def linear_form(self) -> LinearForm:
        """Return the operator as a sum of Pauli words and matrices."""
        return of_matrix(self.own_matrix(), static_labels(self))

    @abstractmethod
    def text(self) -> str:
        """Return the operator as it is written."""

    def value(self) -> "Operator":
        """Return the operator itself, whether or not it is applied."""
        return self

    # Structure

    def tree_flatten_with_keys(self) -> tuple[list[tuple[Any, Any]], Hashable]:
        """Return the children, with their names, and the rest of the structure."""
        call("noticed", self)
        children: list[tuple[Any, Any]] = []
        structure: list[Hashable] = []
        for name, kind in _layout(type(self)):
            item = getattr(self, name)
            key = jax.tree_util.GetAttrKey(name)
            if kind == "traced":
                children.append((key, item))
            elif kind == "labelled":
                children.extend((key, _leaf(wire)) for wire in item if _is_leaf(wire))
                structure.append(
                    tuple(_DYNAMIC if _is_leaf(wire) else wire for wire in item)
                )
            else:
                structure.append(item)
        return children, tuple(structure)

    @classmethod
    def tree_unflatten(cls, structure: Any, children: Any) -> Any:
        """Return an operator of a structure, whatever stands for its numbers."""
        made = object.__new__(cls)
        rest, known = iter(children), iter(structure)
        for name, kind in _layout(cls):
            item: Any = next(rest) if kind == "traced" else next(known)
            if kind == "labelled":
                item = tuple(
                    _as_wire(next(rest)) if wire is _DYNAMIC else wire for wire in item
                )
            object.__setattr__(made, name, item)
        return made

    def key(self) -> Hashable:
        """Return what equal operators of the same construction share."""
        parts = [(kind, getattr(self, name)) for name, kind in _layout(type(self))]
        return (type(self).__name__, *(_KEYS[kind](item) for kind, item in parts))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Operator):
            return NotImplemented
        return call("identity_key", self.value()) == call("identity_key", other.value())

    def __hash__(self) -> int:
        return hash(call("identity_key", self.value()))

    def __repr__(self) -> str:
        return self.value().text()

    def _repr_html_(self) -> str:
        return code(repr(self))

    # Algebra

    def __matmul__(self, other: Any) -> "Operator":
        if not isinstance(other, Operator):
            raise _unfit("@", "operators", other)
        return call("product", self, other)

    def __rmatmul__(self, other: Any) -> NoReturn:
        raise _unfit("@", "operators", other)

    def __mul__(self, other: Any) -> Any:
        if isinstance(other, Operator):
            return call("product", self, other)
        return _elementwise("*", other, lambda number: call("scaled", number, self))

    def __rmul__(self, other: Any) -> Any:
        return self * other

    def __truediv__(self, other: Any) -> Any:
        return _elementwise(
            "/", other, lambda number: call("scaled", _inverse(number), self)
        )

    def __rtruediv__(self, other: Any) -> NoReturn:
        raise _unfit("/", "an operator and a number", other, self)

    def __neg__(self) -> "Operator":
        return call("scaled", -1.0, self)

    def __pos__(self) -> "Operator":
        return self

    def __add__(self, other: Any) -> Any:
        if isinstance(other, Operator):
            return call("total", [self, other])
        return _elementwise("+", other, lambda number: call("shifted", self, number))

    def __radd__(self, other: Any) -> Any:
        return self + other

    def __sub__(self, other: Any) -> Any:
        if isinstance(other, Operator):
            return self + -other
        return _elementwise("-", other, lambda number: call("shifted", self, -number))

    def __rsub__(self, other: Any) -> Any:
        return _elementwise("-", other, lambda number: call("shifted", -self, number))

    def __pow__(self, exponent: Any) -> "Operator":
        return call("power", self, exponent)

    def __rpow__(self, other: Any) -> NoReturn:
        raise _unfit("**", "an operator and a number", other, self)

    # What is asked of operators

    def matrix(self, wire_order: Any = None) -> Any:
        """Return the matrix of the operator.

        Args:
            wire_order: wires that hold the operator's, the first most significant; the
                operator's own in their order when left out.

        Returns:
            A complex array of shape (2**k, 2**k): of NumPy if all numbers are known.

        Raises:
            WireError: if the operator has wires that are not in `wire_order`.
        """
        call("noticed", self)
        return call("on_wires", self.value(), wire_order)

    def eigvals(self) -> Any:
        """Return the eigenvalues, ascending where they are real, of shape (2**k,)."""
        return call("eigenvalues", self.value())

    def simplify(self) -> "Operator":
        """Return an equal operator of fewer parts: like terms added, zeros dropped."""
        call("noticed", self)
        return call("simplified", self.value())

    def adjoint(self) -> "Operator":
        """Return the adjoint operator."""
        return call("adjoint_of", self)


@lru_cache(MOST)
def _layout(cls: type[Operator]) -> tuple[tuple[str, str], ...]:
    """Return the names of the fields of an operator, and of what kind they are."""
    kinds = {
        **dict.fromkeys(cls.traced, "traced"),
        **dict.fromkeys(cls.labelled, "labelled"),
    }
    return tuple((each.name, kinds.get(each.name, "known")) for each in fields(cls))


def _is_leaf(wire: Wire) -> bool:
    """Tell whether a wire is a leaf of its operator, rather than structure."""
    return is_traced(wire) or isinstance(wire, WireIndex | CarriedWire)


def _leaf(wire: Wire) -> Any:
    return wire if is_traced(wire) else wire.given


def _as_wire(leaf: Any) -> Wire:
    return leaf if is_traced(leaf) else WireIndex.of(leaf)


def _data_key(data: Any) -> Hashable:
    """Return a key of numbers, arrays and operators: of traced ones, which they are."""
    if isinstance(data, Operator):
        return data.value().key()
    if isinstance(data, Tracer):
        return "traced", id(data)
    if isinstance(data, tuple | list):
        return tuple(_data_key(each) for each in data)
    array = np.asarray(data)
    return array.shape, tuple(array.ravel().tolist())


def _wires_key(wires: tuple[Wire, ...]) -> Hashable:
    """Return a key of labels and of traced wires."""
    return tuple(_data_key(wire) if is_traced(wire) else wire for wire in wires)


_KEYS: dict[str, Callable[[Any], Hashable]] = {
    "traced": _data_key,
    "labelled": _wires_key,
    "known": lambda item: item,
}


def _elementwise(sign: str, other: Any, function: Callable[[Any], Operator]) -> Any:
    """Apply a function to a number, or to each number of an array."""
    if not is_number_like(other):
        raise _unfit(sign, "operators and numbers", other)
    other = as_inexact(other)
    if np.ndim(other) == 0:
        return function(other)
    made = np.empty(np.shape(other), object)
    for place in np.ndindex(np.shape(other)):
        made[place] = function(other[place])
    return made


def _inverse(number: Any) -> Any:
    if not isinstance(number, Tracer) and number == 0:
        raise ParameterError(f"{user_line()}: an operator is divided by zero.")
    return 1 / number


def _unfit(sign: str, takes: str, *others: Any) -> ParameterTypeError:
    """Return the error of an expression with something that it does not take."""
    kinds = " and ".join(
        repr(each) if is_operator(each) else f"an object of type {type(each).__name__}"
        for each in others
    )
    remedy = "Convert it to a float, an integer or a complex number."
    if any(type(each).__module__.startswith("pennylane") for each in others):
        remedy = "Use qjit's functions, which have the same names."
    elif sign == "@":
        remedy = "Multiply numbers by *, and write matrices as qjit.Hermitian."
    elif any(map(callable, others)):
        remedy = "Call it, as in qjit.Z(0)."
    return ParameterTypeError(
        f"{user_line()}: '{sign}' takes {takes} of qjit, but got {kinds}. {remedy}"
    )


def is_operator(value: Any) -> bool:
    """Tell whether something is an operator."""
    return isinstance(value, Operator)


def is_number_like(value: Any) -> bool:
    """Tell whether something is a number or an array of numbers."""
    if isinstance(value, bool | str):
        return False
    if isinstance(value, int | float | complex):
        return True
    dtype = getattr(value, "dtype", None)
    return dtype is not None and jnp.issubdtype(dtype, jnp.number)


def as_inexact(value: Any) -> Any:
    """Return integers of a fixed width as numbers whose products do not wrap around."""
    if not hasattr(value, "dtype") or jnp.issubdtype(value.dtype, jnp.inexact):
        return value
    if np.ndim(value) == 0 and not isinstance(value, jax.Array):
        return value.item()
    return value.astype(float)


def static_labels(op: Operator) -> tuple[Label, ...]:
    """Return the wires of an operator, none of which may be traced."""
    if any(map(is_traced, op.wires)):
        raise UnsupportedError(
            f"{user_line()}: this needs the wires of {op!r} when tracing, but one is "
            "known only when the program runs."
        )
    return op.wires


def union(operators: Sequence[Operator]) -> tuple[Wire, ...]:
    """Return the wires of operators, each once, in order of appearance."""
    found: list[Wire] = []
    for op in operators:
        for wire in op.wires:
            if not any(_is_same(wire, other) for other in found):
                found.append(wire)
    return tuple(found)


def _is_same(wire: Wire, other: Wire) -> bool:
    """Tell whether two wires are known to be one."""
    return wire is other or not (is_traced(wire) or is_traced(other) or wire != other)


def are_apart(one: Operator, other: Operator) -> bool:
    """Tell whether operators are known to have no wire in common."""
    if any(map(is_traced, (*one.wires, *other.wires))):
        return False
    return set(one.wires).isdisjoint(other.wires)


def check_operator(value: Any, what: str) -> Operator:
    """Refuse what is no operator."""
    if isinstance(value, Operator):
        return value
    raise ParameterTypeError(
        f"{user_line()}: {what} takes operators, such as qjit.Z(0), but got "
        f"{type(value).__name__}."
    )


def number_text(number: Any) -> str:
    """Return a number as short as it can be written, or its type if it is traced."""
    if isinstance(number, Tracer):
        return "traced"
    if np.ndim(number):
        return str(np.asarray(number))
    plain = np.asarray(number).item()
    if isinstance(plain, complex) and not plain.imag:
        plain = plain.real
    return f"{plain:g}" if isinstance(plain, float) else str(plain)
