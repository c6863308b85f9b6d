"""Programs for runtimes of others, and how their bits are distributed."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from qjit.devices.backends.protocol import Payload

from .distributions import assert_distributed


@dataclass(frozen=True)
class Case:
    """A program with the probabilities of its bits, the first one left."""

    text: str
    bits: int
    probabilities: Mapping[str, float]

    def payload(self, format: str = "openqasm3") -> Payload:
        """Return the program as runtimes take it."""
        if format == "openqasm2":
            return Payload(self.older, format, self.bits, self.bits)
        head = 'OPENQASM 3.0;\ninclude "stdgates.inc";\n'
        head += f"qubit[{self.bits}] q;\nbit[{self.bits}] c;\n"
        return Payload(head + self.text, format, self.bits, self.bits)

    @property
    def older(self) -> str:
        """The program in OpenQASM 2, where it has only gates and measurements."""
        lines = (f"{line};" for line in self.text.strip().split(";") if line.strip())
        head = 'OPENQASM 2.0;\ninclude "qelib1.inc";\n'
        head += f"qreg q[{self.bits}];\ncreg c[{self.bits}];\n"
        for line in lines:
            left, arrow, right = line.rpartition(" = measure ")
            left = left.strip()
            head += f"measure {right[:-1]} -> {left};\n" if arrow else line
        return head


BELL = Case(
    "h q[0];\ncx q[0], q[1];\nc[0] = measure q[0];\nc[1] = measure q[1];\n",
    2,
    {"00": 0.5, "11": 0.5},
)
# GHZ on the last three of four qubits, and the first one turned a little: what tells
# bits in the wrong order from those in the right one.
GHZ = Case(
    "ry(1.0471975511965976) q[0];\nh q[1];\ncx q[1], q[2];\ncx q[2], q[3];\n"
    "c[0] = measure q[0];\nc[1] = measure q[1];\n"
    "c[2] = measure q[2];\nc[3] = measure q[3];\n",
    4,
    {"0000": 0.375, "0111": 0.375, "1000": 0.125, "1111": 0.125},
)
# The register is not in the order of the qubits.
CROSSED = Case(
    "x q[0];\nry(1.0471975511965976) q[2];\n"
    "c[2] = measure q[0];\nc[0] = measure q[1];\nc[1] = measure q[2];\n",
    3,
    {"001": 0.75, "011": 0.25},
)
BRANCH = Case(
    "ry(1.0471975511965976) q[0];\nc[0] = measure q[0];\n"
    "if (c[0]) {\n  x q[1];\n} else {\n  x q[2];\n}\n"
    "c[1] = measure q[1];\nc[2] = measure q[2];\n",
    3,
    {"001": 0.75, "110": 0.25},
)
RESET = Case(
    "ry(1.0471975511965976) q[0];\nc[0] = measure q[0];\nreset q[0];\n"
    "x q[0];\nc[1] = measure q[0];\n",
    2,
    {"01": 0.75, "11": 0.25},
)


def counted(bits: np.ndarray) -> Counter[str]:
    """Return how often rows of bits came, the first bit left."""
    return Counter("".join(map(str, row)) for row in bits)


def assert_case(bits: np.ndarray, case: Case) -> None:
    """Compare bits with what is expected, by a test that fails once in a million."""
    assert bits.dtype == np.uint8 and bits.ndim == 2 and bits.shape[1] == case.bits
    assert_distributed(bits, case.probabilities)


def assert_noisy(bits: np.ndarray, case: Case, distance: float) -> None:
    """Compare bits of a machine with noise with what they are without."""
    assert bits.dtype == np.uint8 and bits.ndim == 2 and bits.shape[1] == case.bits
    counts = counted(bits)
    every = counts.keys() | case.probabilities.keys()
    gaps = (abs(counts[k] / len(bits) - case.probabilities.get(k, 0)) for k in every)
    assert sum(gaps) / 2 < distance
