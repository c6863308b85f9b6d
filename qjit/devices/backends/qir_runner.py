"""The QIR Alliance's runner: it compiles QIR, and simulates states sparsely.

It takes base and adaptive programs, loops included, with qubits and results that are
known when compiling.
"""

import re
import threading
from importlib import import_module
from typing import Any

import numpy as np

from .local import LocalBackend, bits_of
from .protocol import BackendError, Payload

# The state that is simulated is one for the process.
_one_at_a_time = threading.Lock()
# It runs native code in this process, and others of its functions, those of older QIR,
# take the process down where their arguments are not what they think.
_OTHER_FUNCTION = re.compile(
    rb"__quantum__rt__(?!initialize|read_result"
    rb"|(?:tuple|array|result|bool|int|double)_record_output)[a-z_]*"
)


def backend() -> "QirRunner":
    """Return the QIR runner, from the package `qirrunner`.

    Raises:
        ImportError: if the package is not installed.
    """
    return QirRunner(import_module("qirrunner"))


class QirRunner(LocalBackend):
    """A backend that runs QIR by `qirrunner.run_bytes`."""

    formats = ("qir-adaptive", "qir-base")

    def __init__(self, package: Any) -> None:
        super().__init__()
        self._run_bytes = package.run_bytes

    def run(self, program: Payload, shots: int, seed: int | None) -> np.ndarray:
        """Run one circuit."""
        text = program.program
        code = text.encode() if isinstance(text, str) else text
        if other := _OTHER_FUNCTION.search(code):
            raise BackendError(f"the QIR runner is not given {other[0].decode()}")
        written: list[str] = []
        try:
            with _one_at_a_time:
                self._run_bytes(
                    code,
                    shots=shots,
                    rng_seed=seed,
                    output_fn=lambda output: written.append(str(output)),
                )
        except Exception as error:
            raise BackendError(str(error)) from error
        return bits_of(_results("".join(written)), program, shots)


def _results(written: str) -> list[list[int]]:
    """Read the output of QIR, whose lines begin with a keyword and a tab."""
    rows: list[list[int]] = []
    for line in written.splitlines():
        match line.split("\t"):
            case ["START"]:
                rows.append([])
            case ["OUTPUT", "RESULT", bit, *_]:
                rows[-1].append(int(bit))
            case ["END", code] if code != "0":
                raise BackendError(f"the program ended with exit code {code}")
            case _:
                pass
    return rows
