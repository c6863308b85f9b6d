"""Import rules of calls, branches and loops."""

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from jax.extend.core import ClosedJaxpr
from xdsl.dialects import arith, scf
from xdsl.dialects.builtin import DenseArrayBase, i64
from xdsl.ir import Block, Region, SSAValue

from qjit.lowering.analysis.polling import mark
from qjit.lowering.importer.importer import Importer, index, rule
from qjit.lowering.importer.rules.scalars.conversions import convert
from qjit.lowering.importer.values import Buffer, Value, memref_type
from qjit.lowering.jax_internals.equations import physical_aval, scan_counts
from qjit.lowering.jaxpr.dimensions import Size

from .batch import import_batch, is_batch
from .loop_slices import row, store_row

# The parameters in which calls keep the function that they evaluate.
CALLED = ("call_jaxpr", "fun_jaxpr", "jaxpr", "fwd_jaxpr", "call")


@rule("jit", "pjit", "call", "closed_call", "core_call", "eval_jaxpr", "composite")
@rule("custom_jvp_call", "custom_vjp_call", "custom_vjp_call_jaxpr", "remat_opt")
@rule("custom_vmap_call", "checkpoint", "remat", "remat2")
def _call(importer: Importer, eqn: Any, *inputs: Value) -> list[Value]:
    for name in CALLED:
        if name in eqn.params:
            return _inline(importer, eqn.params[name], inputs)
    return NotImplemented


@rule("call_hi_primitive")
def _call_high(importer: Importer, eqn: Any, *inputs: Value) -> list[Value]:
    """Import what JAX itself expands a primitive of many into, since JAX 0.12."""

    def expanded(*args: Any) -> list[Any]:
        return eqn.primitive.to_lojax(*args, **eqn.params)

    avals = (var.aval for var in eqn.invars)
    shapes = [jax.ShapeDtypeStruct(aval.shape, aval.dtype) for aval in avals]
    return importer.inline(jax.make_jaxpr(expanded)(*shapes), inputs)


@rule("custom_linear_solve")
def _linear_solve(importer: Importer, eqn: Any, *inputs: Value) -> list[Value]:
    """Solve as the user said; the other functions serve derivatives."""
    lengths = eqn.params["const_lengths"]
    start = lengths.matvec + lengths.vecmat
    consts = inputs[start : start + lengths.solve]
    given = inputs[sum(lengths) :]
    return _inline(importer, eqn.params["jaxprs"].solve, [*consts, *given])


def _inline(importer: Importer, body: Any, inputs: Sequence[Value]) -> list[Value]:
    if isinstance(body, ClosedJaxpr):
        return importer.inline(body, inputs)
    return importer.evaluate(body, [], inputs)


class _LiveRegisters:
    """The quantum registers that an effectful control-flow operation carries."""

    def __init__(self, importer: Importer, *bodies: Any) -> None:
        self.importer = importer
        self.active = any(body.effects for body in bodies)
        if self.active:
            importer.write_back()
        self.start = list(importer.live_registers) if self.active else []

    def enter(self, values: Sequence[SSAValue]) -> None:
        """Continue with other SSA values inside a region or after the operation."""
        if self.active:
            self.importer.live_registers[:] = values

    def leave(self) -> list[SSAValue]:
        """Return what the end of a region passes on."""
        if not self.active:
            return []
        self.importer.write_back()
        return list(self.importer.live_registers)


class _Carry:
    """Loop-carried values: scalars as SSA values, arrays in fixed buffers."""

    def __init__(
        self, importer: Importer, initial: Sequence[Value], others: Sequence[Value]
    ) -> None:
        """Put initial values into buffers; the loop reads other values as well."""
        self.importer = importer
        self.avals = [_Aval(value.shape, value.dtype) for value in initial]
        self.scalars = [importer.scalar(v) for v in initial if not v.shape]
        self.buffers: list[SSAValue] = []
        self.owners: list[Buffer] = []
        for place, value in enumerate(initial):
            if value.shape:
                rest = (*initial[:place], *initial[place + 1 :], *others)
                buffer, owner = self._start(value, rest)
                self.buffers.append(buffer)
                self.owners.append(owner)

    def _start(self, value: Value, rest: Sequence[Value]) -> tuple[SSAValue, Buffer]:
        importer, owner = self.importer, value.buffer
        kind = memref_type(value.shape, value.dtype)
        if value.memref is not None and owner is not None and value.memref.type == kind:
            shared = owner in self.owners or any(owner in v.reads() for v in rest)
            if not shared and importer.dies(owner):
                return value.memref, owner
        buffer = importer.allocate(value.shape, value.dtype)
        importer.copy_into(value, buffer)
        return buffer, Buffer()

    def values(self, scalars: Sequence[SSAValue]) -> list[Value]:
        """Return the carried values, given the scalars among them."""
        rest, buffers = iter(scalars), iter(zip(self.buffers, self.owners, strict=True))
        found: list[Value] = []
        for aval in self.avals:
            if aval.shape:
                found.append(
                    self.importer.from_buffer(*self._pair(next(buffers), aval))
                )
            else:
                found.append(self.importer.from_scalar(next(rest), aval))
        return found

    @staticmethod
    def _pair(place: tuple[SSAValue, Buffer], aval: Any) -> tuple[Any, ...]:
        return place[0], aval, place[1]

    def advance(self, values: Sequence[Value]) -> list[SSAValue]:
        """Write new arrays into the buffers and return the new scalars.

        A buffer is written when no array that is still to be written reads it.
        """
        importer = self.importer
        arrays = [value for value in values if value.shape]
        waiting = {
            place: (value, value.reads())
            for place, value in enumerate(arrays)
            if value.buffer is not self.owners[place]
        }
        while waiting:
            place = next(filter(lambda p: self._is_free(p, waiting), waiting), None)
            if place is not None:
                importer.copy_into(waiting.pop(place)[0], self.buffers[place])
                continue
            place, value = next(
                (place, value)
                for place, (value, reads) in waiting.items()
                if not reads.keys().isdisjoint(self.owners)
            )
            spare = importer.allocate(value.shape, value.dtype)
            importer.copy_into(value, spare)
            value = Value(value.shape, value.dtype, memref=spare, buffer=Buffer())
            waiting[place] = value, value.reads()
        return [importer.scalar(value) for value in values if not value.shape]

    def _is_free(
        self, place: int, waiting: dict[int, tuple[Value, dict[Buffer, Any]]]
    ) -> bool:
        """Return whether a buffer may be written, even over what is read for it."""
        owner, target = self.owners[place], self.buffers[place]
        value, own = waiting[place]
        return (owner not in own or (value.is_lazy and own[owner] is target)) and all(
            owner not in reads
            for other, (_, reads) in waiting.items()
            if other != place
        )


class _Aval:
    def __init__(self, shape: tuple[Size, ...], dtype: Any) -> None:
        self.shape = shape
        self.dtype = dtype


@rule("platform_index")
def _platform_index(importer: Importer, eqn: Any) -> list[Value]:
    """Choose the branch for CPUs, or else the default one."""
    groups = eqn.params["platforms"]
    names = [i for i, group in enumerate(groups) if group and "cpu" in group]
    default = [i for i, group in enumerate(groups) if group is None]
    return [importer.constant(np.int32((names or default)[0]))]


@rule("cond")
def _cond(importer: Importer, eqn: Any, which: Value, *inputs: Value) -> list[Value]:
    branches = eqn.params["branches"]
    if which.constant is not None:
        chosen = min(max(int(which.constant), 0), len(branches) - 1)
        return importer.inline(branches[chosen], inputs)
    importer.materialise(inputs)
    selector = importer.scalar(which)
    avals = [physical_aval(var.aval) for var in eqn.outvars]
    targets = [importer.allocate(a.shape, a.dtype) if a.shape else None for a in avals]
    registers = _LiveRegisters(importer, *branches)
    regions: list[Region] = []
    types: list[Any] = []
    for branch in branches:
        with importer.region() as block:
            registers.enter(registers.start)
            outputs = importer.inline(branch, inputs)
            scalars: list[SSAValue] = []
            for value, target in zip(outputs, targets, strict=True):
                if target is None:
                    scalars.append(importer.scalar(value))
                else:
                    importer.copy_into(value, target)
            scalars += registers.leave()
            types = [scalar.type for scalar in scalars]
            importer.insert(scf.YieldOp(*scalars))
        regions.append(Region(block))
    results = list(_branch(importer, eqn, selector, regions, types))
    count = len([target for target in targets if target is None])
    registers.enter(results[count:])
    importer.invalidate()
    rest = iter(results)
    return [
        importer.from_scalar(next(rest), aval)
        if target is None
        else importer.from_buffer(target, aval)
        for aval, target in zip(avals, targets, strict=True)
    ]


def _branch(
    importer: Importer,
    eqn: Any,
    selector: SSAValue,
    regions: list[Region],
    types: list[Any],
) -> Sequence[SSAValue]:
    dtype = eqn.invars[0].aval.dtype
    if len(regions) == 1:
        regions = [regions[0], regions[0].clone()]
    if len(regions) == 2:
        if dtype != np.bool_:
            zero = importer.scalar_constant(0, dtype)
            selector = importer.emit(arith.CmpiOp(selector, zero, "sgt"))
        return importer.insert(
            scf.IfOp(selector, types, regions[1], regions[0])
        ).results
    wide = convert(importer, selector, dtype, np.int64)
    low, high = (importer.scalar_constant(v, np.int64) for v in (0, len(regions) - 1))
    wide = importer.emit(arith.MaxSIOp(wide, low))
    wide = importer.emit(arith.MinSIOp(wide, high))
    place = importer.emit(arith.IndexCastOp(wide, index))
    cases = DenseArrayBase.from_list(i64, range(len(regions) - 1))
    op = scf.IndexSwitchOp(place, cases, regions[-1], regions[:-1], types)
    return importer.insert(op).results


class _Active:
    """The predicate of a `while`: under `vmap`, one of each entry of the batch.

    The loop goes on while any entry does, and entries that are done stay as they are.
    """

    def __init__(self, importer: Importer, aval: Any) -> None:
        self.importer = importer
        self.aval = aval
        self.shape = tuple(aval.shape)
        self.mask = importer.allocate(self.shape, np.bool_) if self.shape else None

    def any_of(self, proceed: Value) -> SSAValue:
        """Return whether any entry goes on, and note which."""
        importer = self.importer
        if self.mask is None:
            return importer.scalar(proceed)
        importer.copy_into(proceed, self.mask)
        mask = importer.from_buffer(self.mask, self.aval)

        def visit(places: list[SSAValue], found: Sequence[SSAValue]) -> list[SSAValue]:
            here = importer.element(mask, places)
            return [importer.emit(arith.OrIOp(found[0], here))]

        start = importer.scalar_constant(False, np.bool_)
        return importer.loop(self.shape, visit, [start])[0]

    def select(self, new: Sequence[Value], old: Sequence[Value]) -> Sequence[Value]:
        """Return the new values in entries that went on, and the old ones in others."""
        if self.mask is None:
            return new
        mask = self.importer.from_buffer(self.mask, self.aval)
        return [self._choose(mask, x, y) for x, y in zip(new, old, strict=True)]

    def _choose(self, mask: Value, new: Value, old: Value) -> Value:
        importer, axes = self.importer, len(self.shape)
        if new is old:
            return old

        def element(indices: Sequence[SSAValue]) -> SSAValue:
            went_on = importer.element(mask, indices[:axes])
            values = (importer.element(value, indices) for value in (new, old))
            return importer.emit(arith.SelectOp(went_on, *values))

        return importer.lazy(old, [mask, new, old], element, elementwise=True)


@rule("while")
def _while(importer: Importer, eqn: Any, *inputs: Value) -> list[Value]:
    cond_jaxpr, body_jaxpr = eqn.params["cond_jaxpr"], eqn.params["body_jaxpr"]
    first = eqn.params["cond_nconsts"]
    second = first + eqn.params["body_nconsts"]
    consts = inputs[:second]
    importer.materialise(consts)
    carry = _Carry(importer, inputs[second:], consts)
    registers = _LiveRegisters(importer, cond_jaxpr, body_jaxpr)
    active = _Active(importer, cond_jaxpr.out_avals[0])
    initial = [*carry.scalars, *registers.start]
    types = [value.type for value in initial]
    count = len(carry.scalars)
    with importer.holding(consts):
        with importer.region(types) as before:
            registers.enter(before.args[count:])
            values = carry.values(before.args)
            with importer.holding(values):
                (proceed,) = importer.inline(cond_jaxpr, [*inputs[:first], *values])
            condition = active.any_of(proceed)
            passed = [*before.args[:count], *registers.leave()]
            importer.insert(scf.ConditionOp(condition, *passed))
        with importer.region(types) as after:
            registers.enter(after.args[count:])
            values = carry.values(after.args)
            with importer.holding(values if active.shape else ()):
                made = importer.inline(body_jaxpr, [*inputs[first:second], *values])
                made = active.select(made, values)
            importer.insert(scf.YieldOp(*carry.advance(made), *registers.leave()))
    op = importer.insert(scf.WhileOp(initial, types, Region(before), Region(after)))
    mark(op)
    registers.enter(op.results[count:])
    importer.invalidate()
    return carry.values(op.results)


@rule("scan")
def _scan(importer: Importer, eqn: Any, *inputs: Value) -> list[Value]:
    if is_batch(importer, eqn):
        return import_batch(importer, eqn, inputs)
    params = eqn.params
    body, length = params["jaxpr"], params["length"]
    first, num_carry = scan_counts(params)
    second = first + num_carry
    consts, rows = inputs[:first], inputs[second:]
    importer.materialise([*consts, *rows])
    carry = _Carry(importer, inputs[first:second], [*consts, *rows])
    registers = _LiveRegisters(importer, body)
    stacked = [physical_aval(var.aval) for var in eqn.outvars[num_carry:]]
    targets = [importer.allocate(aval.shape, aval.dtype) for aval in stacked]
    initial = [*carry.scalars, *registers.start]
    count = len(carry.scalars)
    types = [index, *(value.type for value in initial)]
    kept = importer.holding([*consts, *rows])
    with kept, importer.region(types) as block:
        place, *scalars = block.args
        registers.enter(scalars[count:])
        if params["reverse"]:
            last = importer.index_constant(length - 1)
            place = importer.emit(arith.SubiOp(last, place))
        given = [row(importer, value, place) for value in rows]
        values = [*consts, *carry.values(scalars), *given]
        outputs = importer.inline(body, values)
        for value, target in zip(outputs[num_carry:], targets, strict=True):
            store_row(importer, value, target, place)
        yielded = [*carry.advance(outputs[:num_carry]), *registers.leave()]
        importer.insert(scf.YieldOp(*yielded))
    results = _for(importer, length, initial, block)
    registers.enter(results[count:])
    importer.invalidate()
    made = [
        importer.from_buffer(target, aval)
        for target, aval in zip(targets, stacked, strict=True)
    ]
    return [*carry.values(results), *made]


def _for(
    importer: Importer, length: Size, initial: list[SSAValue], block: Block
) -> Sequence[SSAValue]:
    zero, one = importer.index_constant(0), importer.index_constant(1)
    bound = importer.index_constant(length)
    loop = importer.insert(scf.ForOp(zero, bound, one, initial, block))
    mark(loop)
    return loop.results
