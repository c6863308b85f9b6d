"""What specs say of the duration of a circuit is when its schedule ends."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pytest
from xdsl.context import Context
from xdsl.dialects import arith, scf
from xdsl.dialects.builtin import IntegerAttr, ModuleOp
from xdsl.dialects.func import CallOp, FuncOp
from xdsl.ir import Block, Operation, SSAValue
from xdsl.traits import SymbolTable

from qjit.dialects.quantum import (
    BarrierOp,
    DelayOp,
    ExtractOp,
    GateOp,
    InsertOp,
    MeasureOp,
    ResetOp,
)
from qjit.inspection.circuits.read_circuits import read_circuits
from qjit.inspection.counting.specs import Specs
from qjit.lowering.driver.stage_text import parsed
from qjit.lowering.passes.pipeline import find_step

TIMES = {"RZ": 0, "CNOT": 300, "Toffoli": 2000, "1": 30, "2": 410, "3": 970}
OTHERS = {"measure": 1010, "reset": 7}
TEXT = ",".join(f"{key}:{time}e-9" for key, time in (TIMES | OTHERS).items())
WIRES = 4
REGISTER = f"!quantum.reg<{WIRES}>"
ACTS = GateOp | DelayOp | BarrierOp | MeasureOp | ResetOp


def scheduled(module: ModuleOp, mode: str) -> ModuleOp:
    find_step(f'schedule-gates{{mode={mode} durations="{TEXT}"}}').found().apply(
        Context(), module
    )
    module.verify()
    return module


@dataclass
class Writer:
    """Writes a random program with loops, branches, calls and computed wires."""

    random: np.random.Generator
    count: int = 0
    lines: list[str] = field(default_factory=list[str])

    def new(self, letter: str) -> str:
        self.count += 1
        return f"%{letter}{self.count}"

    def parts(self, register: str, depth: int) -> str:
        """Write some parts, and return the register after them."""
        for _ in range(int(self.random.integers(1, 4))):
            kind = int(self.random.integers(7)) if depth else 0
            write = (self.gates, self.gates, self.loop, self.branch, self.call)
            if kind < len(write):
                register = write[kind](register, depth - 1)
            elif kind == len(write):
                register = self.computed(register)
            else:
                new = self.new("r")
                self.lines.append(
                    f"{new} = quantum.state_prep {register} [1] from %state : "
                    f"{REGISTER}, memref<2xcomplex<f64>>"
                )
                register = new
        return register

    def gates(self, register: str, _: int = 0) -> str:
        """Write gates on some of the wires."""
        size = int(self.random.integers(1, WIRES + 1))
        wires = self.random.permutation(WIRES)[:size]
        qubits = {int(wire): self.new("q") for wire in wires}
        for wire, name in qubits.items():
            self.lines.append(
                f"{name} = quantum.extract {register}[{wire}] : {REGISTER}"
            )
        for _ in range(int(self.random.integers(1, 6))):
            on = [int(each) for each in self.random.permutation([*qubits])]
            at = [qubits[wire] for wire in on]
            texts = [
                (1, f'quantum.gate "H" on {at[0]}'),
                (1, f'quantum.gate "RZ"(%x) on {at[0]}'),
                (1, f"quantum.delay 5.0e-08 on {at[0]}"),
                (1, f"quantum.reset {at[0]}"),
                (0, f"quantum.measure {at[0]}"),
            ]
            if size > 1:
                texts += [
                    (2, f'quantum.gate "CNOT" on {at[0]} ctrl({at[1]})'),
                    (2, f"quantum.barrier {at[0]}, {at[1]}"),
                ]
            if size > 2:
                under = f"ctrl({at[1]}, {at[2]})"
                texts += [
                    (3, f'quantum.gate "{name}" on {at[0]} {under}{values}')
                    for name in ("X", "CNOT")
                    for values in ("", " values [0, 1]")
                ]
            number, what = texts[int(self.random.integers(len(texts)))]
            new = [self.new("q") for _ in range(number or 1)]
            outcome = "" if number else f"{self.new('m')}, "
            self.lines.append(f"{outcome}{', '.join(new)} = {what}")
            qubits |= zip(on, new, strict=False)
        for wire, name in qubits.items():
            after = self.new("r")
            self.lines.append(
                f"{after} = quantum.insert {name} into {register}[{wire}] : {REGISTER}"
            )
            register = after
        return register

    def loop(self, register: str, depth: int) -> str:
        """Write a loop of zero to three turns."""
        inner, after, turn = self.new("r"), self.new("r"), self.new("i")
        rounds = int(self.random.integers(4))
        self.lines.append(
            f"{after} = scf.for {turn} = %c0 to %c{rounds} step %c1 "
            f"iter_args({inner} = {register}) -> ({REGISTER}) {{"
        )
        self.lines += [f"scf.yield {self.parts(inner, depth)} : {REGISTER}", "}"]
        return after

    def branch(self, register: str, depth: int) -> str:
        """Write a branch, which is taken or not."""
        after, taken = self.new("r"), bool(self.random.integers(2))
        self.lines.append(f"{after} = scf.if %{str(taken).lower()} -> ({REGISTER}) {{")
        self.lines += [f"scf.yield {self.parts(register, depth)} : {REGISTER}"]
        self.lines += ["} else {", f"scf.yield {register} : {REGISTER}", "}"]
        return after

    def call(self, register: str, _: int) -> str:
        """Write a call of a function with a gate on one wire."""
        after, wire = self.new("r"), int(self.random.integers(2))
        self.lines.append(
            f"{after} = func.call @layer{wire}({register}) : ({REGISTER}) -> {REGISTER}"
        )
        return after

    def computed(self, register: str) -> str:
        """Write a gate on a wire that is a value, which happens to be known."""
        qubit, new, after = self.new("q"), self.new("q"), self.new("r")
        wire = f"%w{int(self.random.integers(2))}"
        self.lines += [
            f"{qubit} = quantum.extract {register}[{wire}] : {REGISTER}",
            f'{new} = quantum.gate "H" on {qubit}',
            f"{after} = quantum.insert {new} into {register}[{wire}] : {REGISTER}",
        ]
        return after


def program(seed: int) -> str:
    writer = Writer(np.random.default_rng(seed))
    last = writer.parts("%r", 3)
    constants = [f"%c{n} = arith.constant {n} : index" for n in range(4)]
    constants += [f"%w{n} = arith.constant {n} : i64" for n in range(2)]
    constants += [f"%{name} = arith.constant {name}" for name in ("true", "false")]
    layers = [
        f"""
        func.func @layer{wire}(%r: {REGISTER}) -> {REGISTER} {{
          %q = quantum.extract %r[{wire}] : {REGISTER}
          %p = quantum.gate "Y" on %q
          %s = quantum.insert %p into %r[{wire}] : {REGISTER}
          func.return %s : {REGISTER}
        }}"""
        for wire in range(2)
    ]
    return "\n".join(
        [
            "func.func @main(%state: memref<2xcomplex<f64>>) {",
            *constants,
            "%x = arith.constant 0.3 : f64",
            f"%r = quantum.alloc : {REGISTER}",
            *writer.lines,
            f"quantum.dealloc {last} : {REGISTER}",
            "func.return",
            "}",
            *layers,
        ]
    )


def end(block: Block) -> int:
    """Return when a block is over, in nanoseconds, as its operations are written."""
    times: dict[SSAValue, int] = {}
    put_back: dict[int | SSAValue, int] = {}
    start = latest = 0
    for op in block.ops:
        if _is_moment(op):
            start = latest = latest + sum(_inside(op))
            times, put_back = dict.fromkeys(times, start), {}
        if isinstance(op, ExtractOp):
            times[op.qubit] = put_back.get(op.wire, start)
        elif isinstance(op, InsertOp):
            put_back[op.wire] = times[op.qubit] if isinstance(op.wire, int) else start
        elif isinstance(op, ACTS):
            qubits = [each for each in op.operands if each in times]
            over = max(times[each] for each in qubits) + _time(op)
            times |= dict.fromkeys(op.results, over)
            latest = max(latest, over)
    return latest


def _is_moment(op: Operation) -> bool:
    """Tell whether all wires meet at an operation."""
    if isinstance(op, ExtractOp | InsertOp):
        return not isinstance(op.wire, int)
    used = (value for each in op.walk() for value in each.operands)
    return any(str(value.type) == REGISTER for value in used)


def _inside(op: Operation) -> Iterator[int]:
    match op:
        case scf.ForOp():
            yield _constant(op.ub) * end(op.body.block)
        case scf.IfOp():
            taken = op.true_region if _constant(op.cond) else op.false_region
            yield end(taken.block)
        case CallOp():
            called = SymbolTable.lookup_symbol(op, op.callee)
            assert isinstance(called, FuncOp)
            yield end(called.body.block)
        case _:
            pass


def _constant(value: SSAValue) -> int:
    owner = value.owner
    assert isinstance(owner, arith.ConstantOp) and isinstance(owner.value, IntegerAttr)
    return owner.value.value.data


def _time(op: Operation) -> int:
    match op:
        case DelayOp():
            return round(op.seconds * 10**9)
        case BarrierOp():
            return 0
        case GateOp():
            name = op.gate.data
            if len(op.qubits) == 3:
                name = "Toffoli" if all(op.control_pattern) else "3"
            return TIMES.get(name, TIMES[str(len(op.qubits))])
        case _:
            return OTHERS[op.name.removeprefix("quantum.")]


@pytest.mark.parametrize("seed", range(24))
def test_duration_is_the_end_of_the_schedule(seed: int) -> None:
    module = scheduled(parsed(program(seed)), ("asap", "alap")[seed % 2])
    entry = next(op for op in module.ops if isinstance(op, FuncOp))
    (circuit,) = read_circuits(module, ["state"])
    found = Specs(circuit, "schedule-gates", {})
    assert found.duration == pytest.approx(end(entry.body.block) * 1e-9, abs=1e-15)
    assert not any("known" in note for note in found.notes)
