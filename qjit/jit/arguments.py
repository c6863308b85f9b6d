"""Arguments of functions that are traced: which are arrays, and which are static.

Arrays and numbers are traced. Strings, functions, enumerations and whatever else is
hashable is static: the function is traced once for each value. Python's integers and
booleans are traced too, unless the function needs their values when it is traced.
"""

import dataclasses
import functools
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from jax.core import Tracer

from qjit.diagnostics.options import jitted
from qjit.diagnostics.translation import call, check_signature, function_name, is_array
from qjit.errors import (
    ArgumentError,
    ArrayError,
    MeasuredValueError,
    StaticArgumentError,
)
from qjit.lowering.jax_internals.tracing import (
    ARRAY,
    trace_state_clean,
    user_line,
    wide_types,
)
from qjit.runtime.recent import Recent
from qjit.tracing.random_keys import is_one_program

from .captured_variables import CapturedVariables

# Types of arguments of which JAX keeps the value, or raises an error.
UNCUT = frozenset((ARRAY, int, float, bool, complex))


def check_uncut(function: Callable[..., Any], args: Any, kwargs: Any) -> None:
    """Refuse integers of NumPy that do not fit into 32 bits, where JAX cuts them."""
    if wide_types():
        return
    for leaf in jax.tree.leaves((args, kwargs)):
        if not isinstance(leaf, np.ndarray | np.generic) or leaf.dtype.kind not in "iu":
            continue
        kept = np.iinfo(np.int32 if leaf.dtype.kind == "i" else np.uint32)
        if leaf.dtype.itemsize > 4 and leaf.size:
            least, most = int(leaf.min()), int(leaf.max())
            if least < kept.min or most > kept.max:
                raise ArrayError(
                    f"{user_line()}: an argument of '{function_name(function)}' holds "
                    f"{least if least < kept.min else most}, of which JAX would keep "
                    "32 bits. Call jax.config.update('jax_enable_x64', True) first."
                )


@jax.tree_util.register_pytree_node_class
class Parts:
    """An object that is no pytree, as one of its attributes."""

    def __init__(self, instance: Any) -> None:
        self.instance = instance

    def tree_flatten(self) -> tuple[list[Any], Any]:
        """Return the attributes, and how to make the object of them."""
        found = attributes(self.instance)
        return list(found.values()), (type(self.instance), tuple(found))

    @classmethod
    def tree_unflatten(cls, how: Any, values: Sequence[Any]) -> Any:
        """Return an object of the same class with these attributes."""
        kind, names = how
        instance = object.__new__(kind)
        for name, value in zip(names, values, strict=True):
            object.__setattr__(instance, name, value)
        return instance


def attributes(instance: Any) -> dict[str, Any]:
    """Return the attributes of an object."""
    fields = dataclasses.fields(instance) if dataclasses.is_dataclass(instance) else ()
    named = {f.name: getattr(instance, f.name) for f in fields}
    return {**named, **getattr(instance, "__dict__", {})}


def in_parts(value: Any) -> Any:
    """Return a method's object as JAX takes it: a pytree, or by its hash."""
    if not jax.tree_util.all_leaves([value]) or _has_own_hash(value):
        return value
    return Parts(value)


def _has_own_hash(value: Any) -> bool:
    if type(value).__hash__ is object.__hash__:
        return isinstance(value, type)
    return _is_hashable(value)


def _is_hashable(value: Any) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True


@dataclass(frozen=True)
class Fixed:
    """An argument that was said to be static."""

    value: Any


@dataclass(frozen=True)
class Arguments:
    """The arguments of a call, taken apart."""

    tree: Any
    opened: Any  # the structure of the leaves, of which some are objects in parts
    places: tuple[int, ...]  # of the static ones among the leaves
    static: tuple[Any, ...]
    arrays: tuple[Any, ...]
    is_method: bool  # of an object in parts

    @property
    def key(self) -> Any:
        """What calls are told apart by."""
        return (
            self.tree,
            self.opened,
            self.places,
            tuple(map(_identity, self.static)),
        )

    @property
    def is_plain(self) -> bool:
        """Whether they are what JAX takes anyway."""
        whole = jax.tree.structure([0] * len(self.arrays))
        return not (self.static or self.is_method or self.opened != whole)

    def rebuilt(self, arrays: Sequence[Any]) -> tuple[Any, dict[str, Any]]:
        """Return the arguments with other arrays."""
        static, rest = dict(zip(self.places, self.static, strict=True)), iter(arrays)
        count = len(self.places) + len(self.arrays)
        leaves = [static[n] if n in static else next(rest) for n in range(count)]
        plain = [leaf.value if isinstance(leaf, Fixed) else leaf for leaf in leaves]
        return jax.tree.unflatten(self.tree, jax.tree.unflatten(self.opened, plain))


def _identity(static: Any) -> Any:
    """Return what equal static arguments share: numbers have one type and sign."""
    if isinstance(static, Fixed):
        return Fixed, _identity(static.value)
    return type(static), static.hex() if isinstance(static, float) else static


def taken_apart(
    function: Callable[..., Any], args: Any, kwargs: Any, *, numbers: tuple[type, ...]
) -> Arguments:
    """Tell the arrays among arguments from the static ones, some numbers among them."""
    whole, tree = jax.tree.flatten((args, kwargs))
    leaves, opened = jax.tree.flatten(list(map(_opened, whole)))
    places = [n for n, leaf in enumerate(leaves) if _is_static(leaf, numbers)]
    static = tuple(leaves[place] for place in places)
    for value in static:
        _check_static(function, value.value if isinstance(value, Fixed) else value)
    arrays = tuple(leaf for n, leaf in enumerate(leaves) if n not in places)
    is_method = bool(args) and isinstance(args[0], Parts)
    return Arguments(tree, opened, tuple(places), static, arrays, is_method)


def _check_static(function: Callable[..., Any], value: Any) -> None:
    name = function_name(function)
    if isinstance(value, Tracer):
        raise ArgumentError(
            f"{user_line()}: an argument of '{name}' that is static was traced by JAX. "
            "Make it static there as well, as with static_argnums of jax.jit, or leave "
            "it out of static_argnums here."
        )
    if not _is_hashable(value):
        raise ArgumentError(
            f"{user_line()}: '{name}' takes arrays, numbers and what is hashable, but "
            f"an argument holds an object of type {type(value).__name__}, which has no "
            "hash. Close over it, or give it a __hash__."
        )


def _opened(leaf: Any) -> Any:
    is_data = dataclasses.is_dataclass(leaf) and not isinstance(leaf, type)
    return in_parts(leaf) if is_data and not isinstance(leaf, Fixed) else leaf


def _is_static(leaf: Any, numbers: tuple[type, ...]) -> bool:
    if isinstance(leaf, Fixed) or not is_array(leaf):
        return True
    return isinstance(leaf, numbers)


# Numbers that a function is traced for if it needs their values: any where there is a
# trace already, which has them too.
EXACT = (int, np.integer, np.bool_)
INEXACT = (*EXACT, float, complex, np.number)

# The options static_argnums and static_argnames.
Static = tuple[int | Sequence[int] | None, str | Sequence[str] | None]


@dataclass(frozen=True)
class Named:
    """Which arguments were said to be static, by position and by name."""

    positions: frozenset[int]
    names: frozenset[str]

    @property
    def some(self) -> bool:
        """Whether there are any."""
        return bool(self.positions or self.names)

    @staticmethod
    def of(function: Callable[..., Any], positions: Any, names: Any) -> "Named":
        """Complete positions by names, and names by positions, as `jax.jit` does."""
        given = _listed(positions, int, "static_argnums takes positions")
        called = _listed(names, str, "static_argnames takes names")
        if not given and not called:
            return Named(frozenset(), frozenset())
        jitted(function, {"static_argnums": given, "static_argnames": called})
        known = _parameters(function)
        whole = {n % len(known) if known else n for n in given}
        whole |= {known.index(name) for name in called if name in known}
        named = {known[n] for n in whole if n < len(known)}
        return Named(frozenset(whole), frozenset((*named, *called)))

    def marked(self, args: Any, kwargs: Any) -> tuple[Any, dict[str, Any]]:
        """Return arguments with those marked that are static."""
        if not self.some:
            return args, kwargs
        marked = tuple(
            Fixed(arg) if n in self.positions else arg for n, arg in enumerate(args)
        )
        return marked, {
            name: Fixed(value) if name in self.names else value
            for name, value in kwargs.items()
        }


def _listed(given: Any, kind: type, rule: str) -> tuple[Any, ...]:
    """Return an option that is one value or a sequence of them as a tuple."""
    several = np.iterable(given) and not isinstance(given, str)
    listed = tuple(given) if several else () if given is None else (given,)
    if not all(isinstance(each, kind) for each in listed):
        raise StaticArgumentError(
            f"{user_line()}: {rule}, one or a tuple of them, but got {given!r}."
        )
    return listed


def _parameters(function: Callable[..., Any]) -> list[str]:
    """Return the names of the positional parameters of a function."""
    kinds = inspect.Parameter
    return [
        name
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.kind in (kinds.POSITIONAL_ONLY, kinds.POSITIONAL_OR_KEYWORD)
    ]


class TakesStatic:
    """A function of arrays that also takes static arguments, and is a method.

    It calls one function of arrays for each value of the static arguments.
    """

    function: Callable[..., Any]
    named: Named
    _jitted: Any
    _by_static: Recent[Any, Any]
    _is_apart = False
    _level = 0  # how many kinds of numbers the function needs when it is traced
    _can_be_apart = True
    _surroundings: CapturedVariables | None = None

    def of_arrays(self, function: Callable[..., Any]) -> Any:
        """Return the like of this one for a function of arrays."""
        raise NotImplementedError

    def call_arrays(self, args: Any, kwargs: Any, key: Any) -> Any:
        """Call the function with arrays, and the key of its random numbers."""
        raise NotImplementedError

    def renew(self) -> None:
        """Forget what was traced."""
        raise NotImplementedError

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else Bound(self, instance)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the function, compiling it on the first call of a signature."""
        # NOTE: the usual case, in as few calls of Python's as possible.
        known = self._surroundings
        if (
            kwargs
            or known is None
            or self._is_apart
            or not UNCUT.issuperset(map(type, args))
            or known.changed()
            or not trace_state_clean()
            or is_one_program()
        ):
            return self.dispatch(args, kwargs)
        try:
            return call(self._jitted, self.function, args, kwargs)
        except (ArgumentError, MeasuredValueError) as error:
            return self._call_otherwise(args, kwargs, None, error)

    def dispatch(self, args: Any, kwargs: Any, key: Any = None) -> Any:
        """Call the function with arguments, and the key of its random numbers."""
        if kwargs or not UNCUT.issuperset(map(type, args)):
            check_uncut(self.function, args, kwargs)
        known = self._surroundings
        if known is None or known.changed():
            self._look_around()
        if self._is_apart:
            return self._call_apart(args, kwargs, key, self._level)
        try:
            return self.call_arrays(args, kwargs, key)
        except (ArgumentError, MeasuredValueError) as error:
            return self._call_otherwise(args, kwargs, key, error)

    def _call_otherwise(
        self, args: Any, kwargs: Any, key: Any, cause: Exception
    ) -> Any:
        """Call with static arguments, if it was for want of them that a call failed."""
        if not self._can_be_apart:
            raise cause
        level = 1 if isinstance(cause, MeasuredValueError) else 0
        return self._call_apart(args, kwargs, key, level, cause)

    def _look_around(self) -> None:
        """Note what the function reads, and trace it again if that changed."""
        if self._surroundings is not None:
            self._by_static.clear()
            self.renew()
        self._surroundings = CapturedVariables.of(self.function)

    def _call_apart(
        self,
        args: Any,
        kwargs: Any,
        key: Any,
        level: int,
        cause: Exception | None = None,
    ) -> Any:
        """Call with static arguments: as many as the function needs, from a level on.

        If it was for want of them that a call failed, that is the cause.
        """
        check_signature(self.function, args, kwargs)
        marked = self.named.marked(args, kwargs)
        kinds = ((), EXACT) if trace_state_clean() else ((), EXACT, INEXACT)
        tried = None
        for now in range(min(level, len(kinds) - 1), len(kinds)):
            found = taken_apart(self.function, *marked, numbers=kinds[now])
            if found.places == tried or (cause is not None and found.is_plain):
                continue
            tried = found.places
            try:
                result = self._run(found, key)
            except MeasuredValueError as error:
                cause = cause or error
                continue
            self._is_apart, self._level = True, max(self._level, now)
            return result
        assert cause is not None
        raise cause from cause.__cause__

    def _run(self, found: Arguments, key: Any) -> Any:
        special = self._by_static.get(found.key)
        if special is None:

            def function(*arrays: Any) -> Any:
                args, kwargs = found.rebuilt(arrays)
                return self.function(*args, **kwargs)

            functools.update_wrapper(function, self.function)
            rest = inspect.Parameter("arrays", inspect.Parameter.VAR_POSITIONAL)
            function.__signature__ = inspect.Signature([rest])  # pyright: ignore[reportFunctionMemberAccess]
            special = self._by_static[found.key] = self.of_arrays(function)
        return special.dispatch(found.arrays, {}, key)


@dataclass(frozen=True, eq=False)
class Bound:
    """A method of an object."""

    method: Any
    instance: Any

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call it."""
        return self.method(in_parts(self.instance), *args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        found = getattr(self.method, name)
        if not callable(found) or name in ("function", "_repr_html_"):
            return found
        return functools.partial(found, in_parts(self.instance))
