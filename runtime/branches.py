"""Depth-first enumeration of measurement outcomes, for exact statistics.

A program runs once for each path through its measurements. The tree remembers the path
taken and where another outcome is still to be tried; a path's weight is the product of
the probabilities along it.
"""

from __future__ import annotations

from .emit import F64, I64, PTR, VOID, Module

# Layout: length, position, weight, then one outcome and one flag for each level.
LEVELS = 64
LENGTH, POSITION, WEIGHT, OUTCOMES, PENDING = 0, 1, 2, 3, 3 + LEVELS
TREE_BYTES = 8 * (3 + 2 * LEVELS)
TOO_DEEP = 8
NEGLIGIBLE = 1e-15


def branch_module() -> str:
    """IR of the functions that walk a measurement tree."""
    module = Module("qrt.branches")
    _begin(module)
    _weigh(module)
    _choose(module)
    _next(module)
    return module.text()


def _begin(module: Module) -> None:
    body = module.function("__qrt__tree_begin", VOID, PTR)
    (tree,) = body.args
    body.store(body.int(0), tree, LENGTH)
    body.store(body.int(0), tree, POSITION)
    body.store(body.real(1.0), tree, WEIGHT)
    body.finish()


def _weigh(module: Module) -> None:
    """Multiply the weight of the present path by a probability."""
    body = module.function("__qrt__tree_weigh", VOID, PTR, F64)
    tree, chance = body.args
    body.store(body.load(F64, tree, WEIGHT) * chance, tree, WEIGHT)
    body.finish()


def _choose(module: Module) -> None:
    """The outcome of the next measurement on the present path, or -1: too deep."""
    body = module.function("__qrt__tree_choose", I64, PTR, F64, F64)
    tree, zero_chance, one_chance = body.args
    place = body.load(I64, tree, POSITION)
    body.leave_if(place >= LEVELS, -1)
    body.store(place + 1, tree, POSITION)
    with body.when(place >= body.load(I64, tree, LENGTH)):
        weight = body.load(F64, tree, WEIGHT)
        has_zero = weight * zero_chance > NEGLIGIBLE
        has_one = weight * one_chance > NEGLIGIBLE
        body.store(body.select(has_zero, 0, 1), tree, place + OUTCOMES)
        both = body.select(has_zero & has_one, 1, 0)
        body.store(both, tree, place + PENDING)
        body.store(place + 1, tree, LENGTH)
    outcome = body.load(I64, tree, place + OUTCOMES)
    body.finish(outcome)


def _next(module: Module) -> None:
    """Go on to the next path; 0 if there is none."""
    body = module.function("__qrt__tree_next", I64, PTR)
    (tree,) = body.args
    length = body.var(body.load(I64, tree, LENGTH))
    found = body.var(0)
    with body.repeat_while(lambda: (length.get() > 0) & found.get().eq(0)):
        last = length.get() - 1
        pending = body.load(I64, tree, last + PENDING)
        found.set(pending)
        with body.when(pending.eq(0)):
            length.add(-1)
    with body.when(found.get().ne(0)):
        last = length.get() - 1
        body.store(body.int(1), tree, last + OUTCOMES)
        body.store(body.int(0), tree, last + PENDING)
    body.store(length.get(), tree, LENGTH)
    body.store(body.int(0), tree, POSITION)
    body.store(body.real(1.0), tree, WEIGHT)
    body.finish(found.get())
