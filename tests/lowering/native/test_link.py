"""Programs are linked to what they call, and to more when they come to call it."""

import os
import subprocess
import sys
from pathlib import Path

SCRIPT = """
import sys
from pathlib import Path

import jax
import numpy as np
import qjit as qj
from qjit.lowering.native import link

folder = Path(sys.argv[1])


def kept(name):
    found = folder.glob(f"*-__qrt__{name}*")
    return any("deferred" not in path.name for path in found)


@qj.qnode(wires=2)
def bell(angle):
    qj.RX(angle, 0)
    qj.CNOT(wires=[0, 1])
    return qj.expval(qj.Z(1))


program = qj.qjit(jax.value_and_grad(bell))
"""
# An angle of pi leaves nothing on the diagonal of RX, so that the kernel does nothing.
ON_DEMAND = """
np.testing.assert_allclose(program(0.3), [np.cos(0.3), -np.sin(0.3)], atol=1e-6)
assert kept("record_c64") and not kept("run_c64") and not kept("adjoint_stages")
many = qj.qjit(jax.vmap(bell))
angles = np.pi * np.arange(65)
np.testing.assert_allclose(many(angles), np.cos(angles), atol=1e-5)
np.testing.assert_allclose(program(np.pi), [-1, 0], atol=1e-6)
assert kept("run_c64") and kept("adjoint_stages") and not kept("run_composed")
"""
REFUSED = """
def refuse(part):
    raise RuntimeError(f"no {part}")


program(0.3)
link_part, link.runtime_object = link.runtime_object, refuse
try:
    program(np.pi)
except RuntimeError as error:
    assert str(error).startswith("no __qrt__")
else:
    raise AssertionError("linked")
link.runtime_object = link_part
np.testing.assert_allclose(program(np.pi), [-1, 0], atol=1e-6)
"""


def run(script: str, folder: Path) -> None:
    """Run a script in a process whose cache is empty."""
    environment = os.environ | {"QJIT_CACHE_DIR": str(folder)}
    environment.pop("QJIT_WITHOUT", None)
    command = [sys.executable, "-c", SCRIPT + script, str(folder)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert not done.returncode, done.stderr


def test_what_a_kernel_falls_back_to_is_linked_when_it_is_called(
    tmp_path: Path,
) -> None:
    run(ON_DEMAND, tmp_path)


def test_a_call_that_cannot_be_linked_ends_the_program(tmp_path: Path) -> None:
    run(REFUSED, tmp_path)
