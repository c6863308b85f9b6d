"""Branches and iterations of loops traced, and what they share put into lax."""

import itertools
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import ClosedJaxpr, jaxpr_as_fun

from qjit.autograph.rewrite.statements import RETURNED, VALUE
from qjit.diagnostics.reasons import explain
from qjit.errors import BranchError
from qjit.lowering.jax_internals.tracing import user_line

from .mutation import Containers
from .pytrees import Tree, common_tree, tree_of
from .variables import UNDEFINED, Fixed, Slots, fresh, read_all, write_all, written_back

RESULT = "_qj_result"


class _Region(threading.local):
    def __init__(self) -> None:
        self.depth = 0
        self.filled: set[str] = set()


_region = _Region()


def is_staged() -> bool:
    """Tell whether a branch or iteration is being traced that may not run."""
    return _region.depth > 0


@contextmanager
def _staged() -> Generator[None]:
    _region.depth += 1
    try:
        yield
    finally:
        _region.depth -= 1


@dataclass
class End:
    """What one branch or iteration left in the variables."""

    closed: ClosedJaxpr
    trees: dict[str, Tree] = field(default_factory=dict[str, Tree])
    in_place: frozenset[str] = frozenset()

    def arrays(self, *args: Any) -> dict[str, list[Any]]:
        """Run it again, and return the arrays left in each variable."""
        values = iter(jaxpr_as_fun(self.closed)(*args))
        return {
            name: [next(values) for leaf in tree.leaves if leaf.type is not None]
            for name, tree in self.trees.items()
        }

    def leaves_by(self, prefix: str) -> bool:
        """Tell whether it certainly set a flag whose name begins with a prefix."""
        return any(
            name != RESULT
            and name.startswith(prefix)
            and any(leaf.value is True for leaf in tree.leaves)
            for name, tree in self.trees.items()
        )


class Mutated(Exception):
    """What a trace changed besides the variables that it was said to change."""

    def __init__(self, slots: Slots) -> None:
        self.slots = slots


def _new_slots(changed: Slots, slots: Slots) -> Slots:
    if any(isinstance(slot, Fixed) for slot in changed.values()):
        raise BranchError(
            f"{user_line()}: what runs here depends on traced values, and it changes a "
            "set, or a list of lists, that other code holds as well. Assign a new "
            "value to a variable instead, or collect results in an array."
        )
    unique = itertools.count(2)
    found = dict(slots)
    for name, slot in changed.items():
        found[name if name not in found else f"{name} ({next(unique)}.)"] = slot
    return found


def trace_end(
    run: Callable[..., Any],
    slots: Slots,
    enter: Callable[..., dict[str, Any]],
    *args: Any,
) -> End:
    """Trace what a branch or iteration does to variables, and leave no trace of it."""
    before = read_all(slots)
    known = frozenset(id(leaf) for leaf in jax.tree.leaves(list(before.values())))
    containers = Containers([run])
    trees: dict[str, Tree] = {}
    in_place: set[str] = set()

    def flat(*args: Any) -> list[Any]:
        trees.clear()
        entered = enter(*args)
        write_all(slots, entered)
        result = run(*args)
        found: list[Any] = []
        for name, value in {**read_all(slots), RESULT: result}.items():
            if value is UNDEFINED:
                continue
            trees[name], arrays = tree_of(value, known)
            found += arrays
            if isinstance(value, list | dict) and value is entered.get(name):
                in_place.add(name)
        return found

    try:
        with _staged():
            closed = jax.make_jaxpr(flat)(*args)
    finally:
        write_all(slots, before)
        changed = containers.restore()
    if changed:
        raise Mutated(_new_slots(changed, slots))
    return End(closed, trees, frozenset(in_place))


# Branches


def branch(
    predicate: Any, then: Callable[[], Any], orelse: Callable[[], Any], slots: Slots
) -> Any:
    """Run one of two functions, chosen at run time, and return what it returns."""
    before = read_all(slots)

    def enter() -> dict[str, Any]:
        return {name: fresh(value) for name, value in before.items()}

    try:
        ends = trace_end(then, slots, enter), trace_end(orelse, slots, enter)
    except Mutated as mutated:
        return branch(predicate, then, orelse, mutated.slots)
    names = [name for name in (*slots, RESULT) if any(name in e.trees for e in ends)]
    plan = {name: tree for name in names if (tree := _merged(name, *ends)) is not None}

    def outputs(end: End) -> Callable[[], dict[str, list[Any]]]:
        def run() -> dict[str, list[Any]]:
            arrays = end.arrays()
            return {
                n: _output(t, end.trees.get(n), arrays.get(n)) for n, t in plan.items()
            }

        return run

    results = jax.lax.cond(predicate, outputs(ends[0]), outputs(ends[1]))
    for name, slot in slots.items():
        if name not in plan:
            slot.write(UNDEFINED)
            continue
        value = plan[name].build(results[name])
        if all(name in end.in_place for end in ends):
            value = written_back(before[name], value)
        slot.write(value)
    return plan[RESULT].build(results[RESULT])


def _output(plan: Tree, tree: Tree | None, arrays: list[Any] | None) -> list[Any]:
    if (
        tree is None
        or arrays is None
        or common_tree(plan.opened(), tree.opened()) is None
    ):
        return plan.zeros()
    return plan.cast(arrays)


def _merged(name: str, a: End, b: End) -> Tree | None:
    left, right = a.trees.get(name), b.trees.get(name)
    if left is not None and right is not None:
        common = common_tree(left, right)
        if common is not None:
            return common
        # NOTE: after a return nobody looks at the variables any more.
        for end, other in ((a, right), (b, left)):
            if end.leaves_by(RETURNED) and name != VALUE:
                _region.filled.add(name)
                return other
        text = f"is {left} on one way and {right} on the other"
        if name in (VALUE, RESULT, *a.in_place, *b.in_place) or not name.isidentifier():
            raise BranchError(_disagreement(name, text))
        explain(name, f"It {text} of the `if` at {user_line()}.")
        return None
    missing, found = (a, right) if left is None else (b, left)
    # NOTE: what follows an exit is guarded by the flag that it set.
    if name == VALUE or missing.leaves_by("_qj_"):
        _region.filled.add(name)
        return found
    explain(name, f"It has no value on one of the ways of the `if` at {user_line()}.")
    return None


def _disagreement(name: str, text: str) -> str:
    what = {VALUE: "what the function returns", RESULT: "this expression"}
    return (
        f"{user_line()}: {what.get(name, repr(name))} {text}. A traced condition "
        "chooses between values of one structure, shape and dtype: make them agree, "
        "for example with jnp.asarray(value, dtype)."
    )


# Loops


@dataclass(frozen=True)
class Loop:
    """A loop whose iterations are traced."""

    run: Callable[..., Any]
    slots: Slots
    flags: tuple[str, ...]
    definite: bool
    """Whether it surely runs an iteration, so that its variables have values."""


@dataclass(frozen=True)
class TracedLoop:
    """An iteration of a loop whose variables keep their types."""

    loop: Loop
    end: End
    carried: dict[str, Tree]
    exported: dict[str, Tree]

    def start(self) -> dict[str, list[Any]]:
        """Return what the loop carries into its first iteration."""
        before = read_all(self.loop.slots)
        carry = {n: t.cast(tree_of(before[n])[1]) for n, t in self.carried.items()}
        carry |= {name: tree.zeros() for name, tree in self.exported.items()}
        return carry | {name: [jnp.asarray(before[name])] for name in self.loop.flags}

    def iteration(
        self, carry: dict[str, list[Any]], *args: Any
    ) -> tuple[Any, list[Any]]:
        """Run one iteration; return what is carried on, and what it returned."""
        state = {name: carry[name] for name in self.carried}
        arrays = self.end.arrays(*jax.tree.leaves((state, *args)))
        new = {n: t.cast(arrays[n]) for n, t in (self.carried | self.exported).items()}
        flags = {name: [jnp.asarray(arrays[name][0])] for name in self.loop.flags}
        return new | flags, arrays[RESULT]

    def stopped(self, carry: dict[str, list[Any]]) -> Any:
        """Tell whether a flag is set that ends the loop."""
        found = jnp.zeros((), bool)
        for name in self.loop.flags:
            found = found | carry[name][0]
        return found

    def finish(self, carry: dict[str, list[Any]]) -> None:
        """Set the variables to what the last iteration left."""
        slots = self.loop.slots
        before = read_all(slots)
        for name, slot in slots.items():
            if name in self.loop.flags:
                slot.write(carry[name][0])
                continue
            tree = self.carried.get(name, self.exported.get(name))
            if tree is None:
                slot.write(UNDEFINED)
                continue
            value = tree.build(carry[name])
            if name in self.end.in_place:
                value = written_back(before[name], value)
            slot.write(value)


def trace_loop(loop: Loop, *args: Any) -> TracedLoop:
    """Trace an iteration until the variables keep their types from one to the next."""
    outer, _region.filled = _region.filled, set()
    try:
        return _trace_loop(loop, *args)
    except Mutated as mutated:
        return trace_loop(replace(loop, slots=mutated.slots), *args)
    finally:
        _region.filled |= outer


def _trace_loop(loop: Loop, *args: Any) -> TracedLoop:
    before = read_all(loop.slots)
    carried = {
        name: tree_of(value)[0].opened()
        for name, value in before.items()
        if value is not UNDEFINED and name not in loop.flags
    }
    mismatch: BranchError | None = None
    while True:
        try:
            end = _trace_iteration(loop, carried, args)
        except NameError as error:
            # NOTE: it reads a variable whose type changes from iteration to iteration.
            raise (mismatch or error) from None
        wider, found = _wider(carried, end)
        mismatch = mismatch or found
        if wider == carried:
            break
        carried = wider
    exported: dict[str, Tree] = {}
    for name in loop.slots:
        if name in carried or name in loop.flags or name not in end.trees:
            continue
        if (loop.definite and name not in _region.filled) or name == VALUE:
            exported[name] = end.trees[name].opened()
        else:
            text = "It gets its value in a loop that may stop before, at"
            explain(name, f"{text} {user_line()}.")
    return TracedLoop(loop, end, carried, exported)


def _trace_iteration(loop: Loop, carried: dict[str, Tree], args: Sequence[Any]) -> End:
    def enter(state: dict[str, list[Any]], *_: Any) -> dict[str, Any]:
        values: dict[str, Any] = dict.fromkeys(loop.slots, UNDEFINED)
        values |= {name: carried[name].build(arrays) for name, arrays in state.items()}
        return values | dict.fromkeys(loop.flags, False)

    state = {name: [t.struct() for t in tree.types()] for name, tree in carried.items()}
    return trace_end(_without_first(loop.run), loop.slots, enter, state, *args)


def _without_first(run: Callable[..., Any]) -> Callable[..., Any]:
    return lambda _, *args: run(*args)


def _wider(
    carried: dict[str, Tree], end: End
) -> tuple[dict[str, Tree], BranchError | None]:
    """Return types that hold what goes into an iteration and what comes out of it.

    A variable without such a type is left out: perhaps each iteration sets it anew. The
    error is for when it does not.
    """
    wider: dict[str, Tree] = {}
    mismatch: BranchError | None = None
    for name, tree in carried.items():
        after = end.trees.get(name)
        if after is None:
            continue
        common = common_tree(tree, after)
        if common is None:
            mismatch = BranchError(
                f"{user_line()}: an iteration of this loop changes '{name}' from "
                f"{tree} to {after.opened()}. A loop on traced values keeps the "
                "structure, shape and dtype of each variable: make them agree, for "
                "example with jnp.asarray(value, dtype) before the loop."
            )
            if not name.isidentifier():
                raise mismatch
            continue
        wider[name] = common
    return wider, mismatch
