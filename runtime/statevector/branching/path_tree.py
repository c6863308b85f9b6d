"""The tree of a program's measurement outcomes, followed depth first.

The program runs once for each path through its measurements. A tree remembers the
outcomes of the present path, where another outcome is still to be tried, and the state
before such a measurement, from which the next run goes on: gates before it are skipped.
Without shots a path weighs the product of its probabilities; with shots it carries the
number of shots that took it.
"""

from __future__ import annotations

from qjit.runtime.abi.status import IMPOSSIBLE, NO_MEMORY, TOO_DEEP
from qjit.runtime.codegen.builder import F64, I32, I64, PTR, VOID, Body, Module, Value
from qjit.runtime.statevector.state import PATH_TREES

# Words of a tree. Shots are drawn ONCE where those that a postselection refuses are not
# drawn again. FIRST counts the rows of finished shots, KEPT those of the rounds
# before; ATTEMPTS is the number of shots that this round began with.
(
    FOLLOWING,
    LEVELS,
    CAPACITY,
    LENGTH,
    POSITION,
    RESUME,
    WEIGHT,
    COUNT,
    SHOTS,
    FIRST,
    KEPT,
    ATTEMPTS,
    DEAD,
    BRANCHED,
    PENDING_LEVELS,
    SAVED,
    BUDGET,
    FAILED,
    OVERFULL,
    PATHS,
    ONCE,
) = range(21)
TREE_WORDS = 21
# Words of a level: one recorded measurement of the present path.
OUTCOME, PENDING, STATE, CHANCES, BEFORE, COUNTS, OPEN = 0, 1, 2, 3, 5, 6, 8
LEVEL_WORDS = 9
FIRST_CAPACITY = 64
DEEPEST = 64
MOST_ATTEMPTS = 1 << 40
# What `__qrt__paths_decide` adds to an outcome.
UNCOLLAPSED, BRANCHES = 2, 4


def path_tree_module() -> str:
    """IR of the functions that do not depend on the precision."""
    module = Module("qrt.paths")
    _begin(module)
    _end(module)
    _start_path(module)
    _level_words(module)
    _recorded(module)
    _decide(module)
    _wanted(module)
    _split(module)
    _push(module)
    _next(module)
    _next_round(module)
    _rows(module)
    return module.text()


def _begin(module: Module) -> None:
    """A tree; `shots` is 0 for exact weights, `budget` limits the bytes of states."""
    body = module.function("__qrt__paths_begin", PTR, PTR, I64, I64, I64)
    context, shots, once, budget = body.args
    tree = body.call("malloc", PTR, body.int(8 * TREE_WORDS))
    body.leave_if(~tree.ne_null(), body.null())
    body.call("memset", PTR, tree, body.coerce(0, I32), body.int(8 * TREE_WORDS))
    body.store(body.load(PTR, context, PATH_TREES), tree, FOLLOWING)
    body.store(tree, context, PATH_TREES)
    body.store(shots, tree, SHOTS)
    body.store(shots, tree, ATTEMPTS)
    body.store(once, tree, ONCE)
    body.store(budget, tree, BUDGET)
    body.call("start_path", VOID, tree)
    body.finish(tree)


def _end(module: Module) -> None:
    """End the newest tree; 0, or an error code if no path fulfilled the program."""
    body = module.function("__qrt__paths_end", I64, PTR, PTR, F64)
    context, tree, total = body.args
    shots, location = body.load(I64, tree, SHOTS), body.load(I64, tree, FAILED)
    once = body.load(I64, tree, ONCE).ne(0)
    missing = (shots > 0) & ~once & (body.load(I64, tree, FIRST) < shots)
    weightless = shots.eq(0) & ~(total > 0.0)
    body.store(body.load(PTR, tree, FOLLOWING), context, PATH_TREES)
    body.call("free", VOID, body.load(PTR, tree, LEVELS))
    body.call("free", VOID, tree)
    status = (location << 8) | IMPOSSIBLE
    body.finish(body.select(missing | weightless, status, 0))


def _start_path(module: Module) -> None:
    body = module.function("start_path", VOID, PTR, private=True)
    (tree,) = body.args
    for word in (POSITION, DEAD, BRANCHED):
        body.store(body.int(0), tree, word)
    body.store(body.real(1.0), tree, WEIGHT)
    body.store(body.load(I64, tree, ATTEMPTS), tree, COUNT)
    body.store(body.load(I64, tree, PATHS) + 1, tree, PATHS)
    last = body.var(body.load(I64, tree, LENGTH))
    found = body.var(0)
    with body.repeat_while(lambda: (last.get() > 0) & found.get().eq(0)):
        last.add(-1)
        level = body.call("__qrt__paths_level", PTR, tree, last.get())
        kept = body.load(PTR, level, STATE).ne_null()
        found.set(body.select(kept, 1, 0))
    resume = body.select(found.get().ne(0), last.get(), -1)
    body.store(resume, tree, RESUME)
    body.finish()


def _level_words(module: Module) -> None:
    body = module.function("__qrt__paths_level", PTR, PTR, I64)
    tree, number = body.args
    levels = body.load(PTR, tree, LEVELS)
    body.finish(body.at(levels, number * LEVEL_WORDS, I64))


def _take(body: Body, tree: Value, level: Value) -> None:
    """Give the tree the weight and the shots of a level's outcome."""
    outcome = body.load(I64, level, OUTCOME)
    zero, one = (body.load(F64, level, CHANCES + number) for number in (0, 1))
    share = body.load(F64, level, outcome + CHANCES) / (zero + one)
    body.store(body.load(F64, level, BEFORE) * share, tree, WEIGHT)
    body.store(body.load(I64, level, outcome + COUNTS), tree, COUNT)
    opened = body.load(I64, tree, BRANCHED) | body.load(I64, level, OPEN)
    body.store(opened, tree, BRANCHED)


def _recorded(module: Module) -> None:
    """The level of the next measurement, or null if its outcome is not decided yet."""
    body = module.function("__qrt__paths_recorded", PTR, PTR)
    (tree,) = body.args
    body.leave_if(~tree.ne_null(), body.null())
    place = body.load(I64, tree, POSITION)
    body.leave_if(place >= body.load(I64, tree, LENGTH), body.null())
    body.store(place + 1, tree, POSITION)
    level = body.call("__qrt__paths_level", PTR, tree, place)
    _take(body, tree, level)
    body.finish(level)


def _drawn(body: Body, context: Value, chances: Value) -> Value:
    """An outcome at random."""
    zero, one = (body.load(F64, chances, number) for number in (0, 1))
    mark = body.call("__qrt__random", F64, context) * (zero + one)
    return body.select(mark < zero, 0, 1)


def _decide(module: Module) -> None:
    """An outcome, with UNCOLLAPSED or BRANCHES, or an error code, negated."""
    arguments = (PTR, PTR, PTR, F64, I64, I64)
    body = module.function("__qrt__paths_decide", I64, *arguments)
    context, tree, chances, least, postselect, _ = body.args
    with body.when(postselect >= 0):
        body.exit(body.call("wanted", I64, *body.args))
    alone = body.var(1)
    with body.when(tree.ne_null()):
        solo = (body.load(I64, tree, SHOTS) > 0) & (body.load(I64, tree, COUNT) <= 1)
        dead = body.load(I64, tree, DEAD).ne(0)
        alone.set(body.select(solo | dead, 1, 0))
    with body.when(alone.get().ne(0)):
        # NOTE: a path of one shot has nothing to come back to: it records no level.
        with body.when(tree.ne_null()):
            body.store(body.int(1), tree, BRANCHED)
        body.exit(_drawn(body, context, chances))
    body.finish(body.call("split", I64, context, tree, chances, least))


def _wanted(module: Module) -> None:
    """Keep the shots, or the weight, of a wanted outcome; the path may die here."""
    arguments = (PTR, PTR, PTR, F64, I64, I64)
    body = module.function("wanted", I64, *arguments, private=True)
    context, tree, chances, least, wanted, location = body.args
    whole = body.load(F64, chances) + body.load(F64, chances, 1)
    share = body.load(F64, chances, wanted) / whole
    impossible = ~(share > least)
    with body.when(~tree.ne_null()):
        body.leave_if(impossible, -IMPOSSIBLE)
        body.exit(wanted)
    shots = body.load(I64, tree, SHOTS)
    once = body.load(I64, tree, ONCE).ne(0)
    lone = body.load(I64, tree, BRANCHED).eq(0) & ~once
    count = body.var(body.load(I64, tree, COUNT))
    body.leave_if(impossible & (shots > 0) & lone, -IMPOSSIBLE)
    with body.when(~lone & (shots > 0)):
        # A shot that fails is drawn again in a later round (see `_next_round`), which
        # conditions the outcomes before this one as well.
        count.set(body.call("__qrt__binomial", I64, context, count.get(), share))
    dies = impossible | ((shots > 0) & count.get().eq(0))
    with body.when(dies | body.load(I64, tree, DEAD).ne(0)):
        body.store(location, tree, FAILED)
        body.store(body.int(1), tree, DEAD)
        body.store(body.int(0), tree, COUNT)
        body.store(body.real(0.0), tree, WEIGHT)
        body.exit(wanted | UNCOLLAPSED)
    counts = body.stack(I64, 2)
    body.store(count.get(), counts, wanted)
    status = body.call("push", I64, tree, wanted, chances, counts, body.int(0))
    body.leave_if(status.ne(0), -status)
    body.finish(wanted)


def _split(module: Module) -> None:
    """Let weight or shots part at a measurement, and take the first part."""
    body = module.function("split", I64, PTR, PTR, PTR, F64, private=True)
    context, tree, chances, least = body.args
    zero, one = (body.load(F64, chances, number) for number in (0, 1))
    whole = zero + one
    sure_one, sure_zero = ~(zero / whole > least), ~(one / whole > least)
    shots, count = body.load(I64, tree, SHOTS), body.load(I64, tree, COUNT)
    zeros = body.var(1)
    with body.when(shots > 0):
        zeros.set(body.call("__qrt__binomial", I64, context, count, zero / whole))
    zeros.set(body.select(sure_zero, body.select(shots > 0, count, 1), zeros.get()))
    zeros.set(body.select(sure_one, 0, zeros.get()))
    ones = body.select(shots > 0, count - zeros.get(), body.select(sure_zero, 0, 1))
    counts = body.stack(I64, 2)
    body.store(zeros.get(), counts)
    body.store(ones, counts, 1)
    outcome = body.select(zeros.get() > 0, 0, 1)
    both = body.select((zeros.get() > 0) & (ones > 0), 1, 0)
    deep = body.load(I64, tree, PENDING_LEVELS) >= DEEPEST
    body.leave_if(both.ne(0) & shots.eq(0) & deep, -TOO_DEEP)
    status = body.call("push", I64, tree, outcome, chances, counts, both)
    body.leave_if(status.ne(0), -status)
    with body.when(~sure_zero & ~sure_one):
        last = body.load(I64, tree, LENGTH) - 1
        level = body.call("__qrt__paths_level", PTR, tree, last)
        body.store(body.int(1), level, OPEN)
        body.store(body.int(1), tree, BRANCHED)
    body.finish(outcome | (both * BRANCHES))


def _push(module: Module) -> None:
    """Record a level and take its outcome; 0 or an error code."""
    body = module.function("push", I64, PTR, I64, PTR, PTR, I64, private=True)
    tree, outcome, chances, counts, pending = body.args
    length = body.load(I64, tree, LENGTH)
    capacity = body.load(I64, tree, CAPACITY)
    with body.when(length >= capacity):
        wider = capacity * 2 + FIRST_CAPACITY
        old = body.load(PTR, tree, LEVELS)
        grown = body.call("realloc", PTR, old, wider * (8 * LEVEL_WORDS))
        body.leave_if(~grown.ne_null(), NO_MEMORY)
        body.store(grown, tree, LEVELS)
        body.store(wider, tree, CAPACITY)
    body.store(length + 1, tree, LENGTH)
    body.store(length + 1, tree, POSITION)
    waiting = body.load(I64, tree, PENDING_LEVELS) + pending
    body.store(waiting, tree, PENDING_LEVELS)
    level = body.call("__qrt__paths_level", PTR, tree, length)
    body.store(outcome, level, OUTCOME)
    body.store(pending, level, PENDING)
    body.store(body.null(), level, STATE)
    for number in (0, 1):
        body.store(body.load(F64, chances, number), level, CHANCES + number)
        body.store(body.load(I64, counts, number), level, COUNTS + number)
    body.store(body.load(F64, tree, WEIGHT), level, BEFORE)
    body.store(body.int(0), level, OPEN)
    _take(body, tree, level)
    body.finish(0)


def _next(module: Module) -> None:
    """Go on to the next path; 0 if there is none."""
    body = module.function("__qrt__paths_next", I64, PTR)
    (tree,) = body.args
    with body.when(body.load(I64, tree, SHOTS) > 0):
        done = body.load(I64, tree, FIRST) + body.load(I64, tree, COUNT)
        fits = done <= body.load(I64, tree, SHOTS)
        with body.when(fits):
            body.store(done, tree, FIRST)
        with body.when(~fits):
            body.store(body.int(1), tree, OVERFULL)
    length = body.var(body.load(I64, tree, LENGTH))
    found = body.var(0)
    with body.repeat_while(lambda: (length.get() > 0) & found.get().eq(0)):
        level = body.call("__qrt__paths_level", PTR, tree, length.get() - 1)
        found.set(body.load(I64, level, PENDING))
        with body.when(found.get().eq(0)):
            length.add(-1)
        with body.when(found.get().ne(0)):
            body.store(body.int(1), level, OUTCOME)
            body.store(body.int(0), level, PENDING)
            waiting = body.load(I64, tree, PENDING_LEVELS) - 1
            body.store(waiting, tree, PENDING_LEVELS)
    body.store(length.get(), tree, LENGTH)
    with body.when(found.get().eq(0)):
        found.set(body.call("next_round", I64, tree))
    body.call("start_path", VOID, tree)
    body.finish(found.get())


def _next_round(module: Module) -> None:
    """Draw the shots again that a postselection refused; 0 if there are none.

    What a round keeps are independent samples, however many they are. A round with
    more than are wanted is drawn anew: the attempts are chosen before.
    """
    body = module.function("next_round", I64, PTR, private=True)
    (tree,) = body.args
    shots, first = body.load(I64, tree, SHOTS), body.load(I64, tree, FIRST)
    attempts = body.load(I64, tree, ATTEMPTS)
    kept = first - body.load(I64, tree, KEPT)
    overfull = body.load(I64, tree, OVERFULL).ne(0)
    body.leave_if(shots.eq(0), 0)
    body.leave_if(body.load(I64, tree, ONCE).ne(0), 0)
    body.leave_if(first.eq(shots) & ~overfull, 0)
    left = body.var(shots - first)
    with body.when(overfull):
        left.add(kept)
        body.store(body.load(I64, tree, KEPT), tree, FIRST)
    none = kept.eq(0) & ~overfull
    body.leave_if(none & (attempts >= MOST_ATTEMPTS), 0)
    share = body.convert(left.get(), F64) / body.convert(kept + 1, F64) * 0.5
    scaled = body.convert(body.convert(attempts, F64) * share, I64)
    chosen = body.select(overfull, attempts >> 1, scaled)
    chosen = body.select(none, attempts * 2, chosen)
    chosen = body.select(chosen > left.get(), chosen, left.get())
    limit = body.int(MOST_ATTEMPTS)
    body.store(body.select(chosen > limit, limit, chosen), tree, ATTEMPTS)
    body.store(body.load(I64, tree, FIRST), tree, KEPT)
    body.store(body.int(0), tree, OVERFULL)
    body.finish(1)


def _rows(module: Module) -> None:
    """Where the rows of the present path's shots end; they begin at FIRST."""
    body = module.function("__qrt__paths_rows", I64, PTR)
    (tree,) = body.args
    first = body.load(I64, tree, FIRST)
    end = first + body.load(I64, tree, COUNT)
    body.finish(body.select(end > body.load(I64, tree, SHOTS), first, end))
