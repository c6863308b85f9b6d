"""Rotations by angles that are known only when a program runs.

Python finds the gates then: it is called with the angle, and returns the numbers of
gates. A loop applies them one by one. Loops take whole registers, so the qubits that
are out are put back before, and taken out again behind.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from typing import Any

import numpy as np
from xdsl.builder import Builder
from xdsl.dialects import arith, memref, scf
from xdsl.dialects.builtin import (
    DenseArrayBase,
    IndexType,
    IntegerAttr,
    ModuleOp,
    f64,
    i64,
)
from xdsl.dialects.func import FuncOp
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter

from qjit.dialects.host import CallOp
from qjit.dialects.quantum import ExtractOp, GateOp, InsertOp
from qjit.lowering.analysis.constants import known_float
from qjit.lowering.native.host_calls import record
from qjit.lowering.passes.circuits.blocks import blocks_with_gates
from qjit.lowering.passes.circuits.gates import (
    Gate,
    line_number,
    named_gate,
    write_gate,
)
from qjit.lowering.passes.unitaries.clifford_t.gridsynth import approximate_rz
from qjit.lowering.passes.unitaries.clifford_t.normal_forms import (
    eighth_between,
    normal_form,
)
from qjit.runtime.recent import MOST

from .open_registers import OpenRegisters

# The gates by their numbers.
GATES = ("T", "H", "S", "X", "Y", "Z", "adjoint(S)")
CALLEE = "clifford-t"
index = IndexType()


def approximate_when_run(module: ModuleOp, epsilon: float) -> None:
    """Replace rotations about Z of unknown angles by loops over gates."""
    for block in list(blocks_with_gates(module)):
        registers = OpenRegisters()
        for op in list(block.ops):
            if _is_unknown(op):
                _Replacement(op, epsilon).insert(registers)
            else:
                registers.visit(op)


def _is_unknown(op: Operation) -> bool:
    return (
        isinstance(op, GateOp)
        and op.gate.data == "RZ"
        and known_float(op.params[0]) is None
    )


class _Replacement:
    """What takes the place of one rotation."""

    def __init__(self, op: Operation, epsilon: float) -> None:
        assert isinstance(op, GateOp)
        self.op, self.epsilon = op, epsilon
        self.line = line_number([op])
        top = op.parent_op()
        while not isinstance(top, FuncOp):
            assert top is not None
            top = top.parent_op()
        self.function = top

    def insert(self, registers: OpenRegisters) -> None:
        """Insert the call and the loop, and erase the rotation."""
        codes, count, phase = self._call()
        (qubit,) = self.op.qubits
        opened = registers.put_back(qubit, self.op)
        loop = self._loop(opened.register, opened.place, codes, count)
        turned = registers.take_out(opened, loop.results[0], self.op)
        qubits: dict[Any, SSAValue] = {0: turned}
        write_gate(Gate("GlobalPhase", (), phase), qubits, self._insert, self.line)
        registers.rename(turned, qubits[0])
        self.op.results[0].replace_all_uses_with(qubits[0])
        Rewriter.erase_op(self.op)

    def _insert(self, op: Operation) -> Operation:
        Rewriter.insert_op(op, InsertPoint.before(self.op))
        return op

    def _call(self) -> tuple[SSAValue, SSAValue, SSAValue]:
        """Return the buffer of numbers, how many there are, and the phase's angle."""
        given, found = self._buffer(f64, []), self._buffer(f64, [])
        codes, count = self._buffer(i64, [_most(self.epsilon)]), self._buffer(i64, [])
        self._insert(memref.StoreOp.get(self.op.params[0], given, []))
        key, line = _key(self.epsilon), self.line or 0
        self._insert(CallOp(CALLEE, key, [given], [codes, count, found], line))
        number = self._insert(memref.LoadOp.get(count, [])).results[0]
        stop = self._insert(arith.IndexCastOp(number, index)).results[0]
        return codes, stop, self._insert(memref.LoadOp.get(found, [])).results[0]

    def _buffer(self, kind: Attribute, shape: Sequence[int]) -> SSAValue:
        """Return a buffer of the function, whose workspace has it."""
        made = memref.AllocOp.get(kind, 64, shape)
        first = self.function.body.block.first_op
        assert first is not None
        Rewriter.insert_op(made, InsertPoint.before(first))
        return made.memref

    def _loop(
        self, register: SSAValue, wire: int | SSAValue, codes: SSAValue, stop: SSAValue
    ) -> scf.ForOp:
        zero, one = (
            self._insert(arith.ConstantOp(IntegerAttr(number, index))).results[0]
            for number in (0, 1)
        )
        body = Block(arg_types=[index, register.type])
        builder = Builder(InsertPoint.at_end(body))
        code = builder.insert(memref.LoadOp.get(codes, [body.args[0]]))
        chosen = builder.insert(arith.IndexCastOp(code.results[0], index))
        cases = [self._case(name, body.args[1], wire) for name in GATES]
        switch = builder.insert(
            scf.IndexSwitchOp(
                chosen.results[0],
                DenseArrayBase.from_list(i64, list(range(1, len(GATES)))),
                cases[0],
                cases[1:],
                [register.type],
            )
        )
        builder.insert(scf.YieldOp(*switch.results))
        loop = scf.ForOp(zero, stop, one, [register], Region(body))
        self._insert(loop)
        return loop

    def _case(self, name: str, register: SSAValue, wire: int | SSAValue) -> Region:
        """Return a branch that applies one gate."""
        block = Block()
        builder = Builder(InsertPoint.at_end(block))
        taken = builder.insert(ExtractOp(register, wire, line=self.line))
        qubits: dict[Any, SSAValue] = {0: taken.qubit}
        write_gate(named_gate(name, 0), qubits, builder.insert, self.line)
        back = builder.insert(InsertOp(register, wire, qubits[0], line=self.line))
        builder.insert(scf.YieldOp(back.out_register))
        return Region(block)


def _most(epsilon: float) -> int:
    """Return how many gates there are at most: three for each T, of which few vary."""
    return 3 * math.ceil(100 - 3 * math.log2(epsilon))


@cache
def _key(epsilon: float) -> int:
    """Return the key of the call that finds gates up to an error."""
    word, real = np.dtype(np.int64), np.dtype(np.float64)
    outputs = ((_most(epsilon),), word), ((), word), ((), real)

    def evaluator(**sizes: int) -> Callable[..., Sequence[Any]]:
        return lambda angle: _codes(float(angle), epsilon)

    return record(CALLEE, evaluator, (((), real),), outputs, True, ())


@lru_cache(MOST)
def _codes(angle: float, epsilon: float) -> Sequence[Any]:
    """Return the numbers of gates, how many there are, and the angle of GlobalPhase."""
    if not math.isfinite(angle):
        raise ValueError(f"there are no Clifford gates and T for an angle of {angle}")
    found = approximate_rz(angle, epsilon)
    names = normal_form(found.bloch)
    codes = np.zeros(_most(epsilon), np.int64)
    codes[: len(names)] = [GATES.index(name) for name in names]
    return codes, len(names), -eighth_between(names, found.matrix)
