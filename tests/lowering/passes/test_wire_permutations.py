"""Qubits that are put back at other wires, against the definition of the dialect."""

import random
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from xdsl.context import Context

import qjit as qj
from qjit.lowering.driver.stage_text import parsed
from qjit.lowering.passes.pipeline import STEPS
from tests.dialects.test_interpreter import run as interpreted

WIRES = 4
HEAD = """
builtin.module attributes {
  qjit.entry = "main", qjit.lines = [""], qjit.inputs = ["float64[4]", "int64[2]"],
  qjit.results = ["complex128[16]"], qjit.passes = [%s]
} {
  func.func @main(
    %%t: memref<4xf64>, %%w: memref<2xi64>, %%out: memref<16xcomplex<f64>>
  ) {
    %%i0 = arith.constant 0 : index
    %%i1 = arith.constant 1 : index
    %%i2 = arith.constant 2 : index
    %%a0 = memref.load %%t[%%i0] : memref<4xf64>
    %%a1 = memref.load %%t[%%i1] : memref<4xf64>
    %%v0 = memref.load %%w[%%i0] : memref<2xi64>
    %%v1 = memref.load %%w[%%i1] : memref<2xi64>
    %%r0 = quantum.alloc : !quantum.reg<4>
"""
TAIL = """
    quantum.state %{r} into %out : !quantum.reg<4>, memref<16xcomplex<f64>>
    quantum.dealloc %{r} : !quantum.reg<4>
    func.return
  }}
}}
"""
PASSES = ("build-schedules", "retime-loops", "select-kernels", "convert-to-llvm")


class Writer:
    """Writes random circuits, whose qubits come back in another order."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.lines: list[str] = []
        self.count = 0

    def fresh(self) -> str:
        self.count += 1
        return f"n{self.count}"

    def gates(self, qubits: list[str]) -> list[str]:
        for _ in range(4):
            name, new = self.rng.choice(["RX", "RZ", "H", "CNOT", "SWAP"]), self.fresh()
            one, other = self.rng.sample(range(len(qubits)), 2)
            if name in ("CNOT", "SWAP"):
                second = self.fresh()
                pair = f"%{qubits[one]} ctrl(%{qubits[other]})"
                if name == "SWAP":
                    pair = f"%{qubits[one]}, %{qubits[other]}"
                self.lines.append(
                    f'%{new}, %{second} = quantum.gate "{name}" on {pair}'
                )
                qubits[one], qubits[other] = new, second
            else:
                angle = "" if name == "H" else self.rng.choice(["(%a0)", "(%a1)"])
                self.lines.append(
                    f'%{new} = quantum.gate "{name}"{angle} on %{qubits[one]}'
                )
                qubits[one] = new
        return qubits

    def step(self, register: str, wires: Sequence[Any]) -> str:
        """Take qubits out, and put them back in another order."""
        taken = [self.fresh() for _ in wires]
        kind = f"!quantum.reg<{WIRES}>"
        for name, wire in zip(taken, wires, strict=True):
            self.lines.append(f"%{name} = quantum.extract %{register}[{wire}] : {kind}")
        back = self.gates(taken)
        self.rng.shuffle(back)
        for name, wire in zip(back, self.rng.sample(wires, len(wires)), strict=True):
            new = self.fresh()
            self.lines.append(
                f"%{new} = quantum.insert %{name} into %{register}[{wire}] : {kind}"
            )
            register = new
        return register

    def steps(self, register: str) -> str:
        for _ in range(self.rng.randint(1, 3)):
            count = self.rng.randint(2, WIRES)
            register = self.step(register, self.rng.sample(range(WIRES), count))
        return self.step(register, ["%v0", "%v1"])

    def loop(self, register: str) -> str:
        kind, carried, result = f"!quantum.reg<{WIRES}>", self.fresh(), self.fresh()
        self.lines.append(
            f"%{result} = scf.for %k{result} = %i0 to %i2 step %i1 "
            f"iter_args(%{carried} = %{register}) -> ({kind}) {{"
        )
        self.lines.append(f"scf.yield %{self.steps(carried)} : {kind}")
        self.lines.append("}")
        return result

    def text(self) -> str:
        register = self.loop(self.steps("r0"))
        register = self.steps(register)
        passes = ", ".join(f'"{name}"' for name in PASSES)
        return HEAD % passes + "\n".join(self.lines) + TAIL.format(r=register)


@pytest.mark.parametrize("seed", range(25))
def test_generated_permutations(seed: int) -> None:
    text = Writer(seed).text()
    angles = np.random.default_rng(seed).uniform(0, 6, 4)
    wires = np.asarray(random.Random(seed).sample(range(WIRES), 2))
    expected = np.zeros(2**WIRES, complex)
    body = text[text.index("func.func") : text.rindex("}")]
    interpreted(body, angles, wires, expected)
    (found,) = qj.compile_stage(text)(angles, wires)
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_swaps_of_qubits_are_renamings() -> None:
    """The kernel of a schedule that ends with a permutation has no more to do."""

    @qj.qnode(wires=3)
    def circuit(x: Any) -> Any:
        qj.RX(x, wires=0)
        qj.RY(x, wires=1)
        return qj.probs()

    text = qj.qjit(circuit).stages(0.3)["quantum"]
    lines = text.splitlines()
    inserts = [n for n, line in enumerate(lines) if "quantum.insert" in line]
    assert len(inserts) == 2
    for number, (old, new) in zip(
        inserts, (("[0]", "[1]"), ("[1]", "[0]")), strict=True
    ):
        lines[number] = lines[number].replace(old, new)
    swapped = qj.compile_stage("\n".join(lines))
    found = swapped(0.3)[0].reshape(2, 2, 2)
    np.testing.assert_allclose(found, circuit(0.3).reshape(2, 2, 2).transpose(1, 0, 2))
    formed = parsed("\n".join(lines))
    for name in ("build-schedules", "select-kernels"):
        STEPS[name].found().apply(Context(), formed)
    assert "SWAP on 1, 0" in str(formed)
    assert '"RX on 100; RY on 010", "move amplitudes"' in str(formed)


def test_gradients_of_permutations() -> None:
    text = qj.qjit(jax.grad(energy_of)).stages(jnp.ones(2))["quantum"]
    lines = text.splitlines()
    first, second = [n for n, line in enumerate(lines) if "quantum.insert" in line][-2:]
    lines[first] = lines[first].replace("[0]", "[1]")
    lines[second] = lines[second].replace("[1]", "[0]")
    (found,) = qj.compile_stage("\n".join(lines))(jnp.ones(2))
    swapped = jax.grad(lambda x: energy_of(x, [1, 0]))(jnp.ones(2))
    np.testing.assert_allclose(found, swapped, atol=1e-12)


OUT = """
    %q0 = quantum.extract %r0[0] : !quantum.reg<4>
    %q1 = quantum.extract %r0[1] : !quantum.reg<4>
    %r1 = quantum.insert %q0 into %r0[1] : !quantum.reg<4>
    %q2 = quantum.extract %r1[%v0] : !quantum.reg<4>
    %p1, %p2 = quantum.gate "CNOT" on %q1 ctrl(%q2)
    %r2 = quantum.insert %p1 into %r1[0] : !quantum.reg<4>
    %r3 = quantum.insert %p2 into %r2[%v0] : !quantum.reg<4>
"""


def test_wires_that_may_be_displaced() -> None:
    """A computed wire may be one that another qubit is at: all must be back before."""
    passes = ", ".join(f'"{name}"' for name in PASSES)
    text = HEAD % passes + OUT + TAIL.format(r="r3")
    with pytest.raises(qj.errors.StageError, match="Expected all qubits back before"):
        qj.compile_stage(text)


def energy_of(x: Any, order: Sequence[int] = (0, 1)) -> Any:
    @qj.qnode(wires=2)
    def circuit(x: Any) -> Any:
        qj.RX(x[0], wires=0)
        qj.RY(x[1], wires=1)
        qj.CNOT(wires=[0, 1])
        return qj.expval(qj.Z(order[0]) + 0.5 * qj.X(order[1]))

    return circuit(x)
