"""The same quantum functions on our simulator and on the runtimes of others.

What a runtime lacks is refused with that as the reason. The machines that are simulated
with their noise run the entangled states only, and are compared less closely.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np
import pytest

import qjit as qj
from qjit.devices.backends import registry
from qjit.devices.backends.protocol import Payload
from qjit.errors import UnsupportedError
from tests.support.distributions import assert_distributed
from tests.support.kernels import BRANCH, KERNELS, LOOP, Kernel
from tests.support.loopback import IonQService, Loopback
from tests.support.one_shot import emitted
from tests.support.qiskit_programs import aer_bits
from tests.support.runtime_programs import Case, assert_noisy

SHOTS = 1000
NOISY_KERNELS = "bell", "ghz"
# Rounds of the bit-flip code where a hundred take minutes.
FEW_ROUNDS = 3


@dataclass(frozen=True)
class Place:
    """Where kernels run."""

    package: str = "jax"
    lacks: tuple[str, ...] = ()
    """What it does not have, in the words of errors."""
    noise: float = 0.0
    """The total variation distance that its noise is below."""
    shots: int = SHOTS
    is_slow: bool = False
    has_edges: bool = False
    """Whether circuits are routed, for which the lengths of loops are known."""
    options: Callable[[], Mapping[str, Any]] = field(default=dict[str, Any])


@cache
def aer() -> Any:
    return import_module("qiskit_aer").AerSimulator()


STATIC = (BRANCH, LOOP)
PLACES: Mapping[str, Place] = {
    "statevector": Place(),
    "reference": Place(shots=200, is_slow=True),
    "qir-runner": Place("qirrunner"),
    "qdk": Place("qdk"),
    "qdmi": Place("mqt.core"),
    "quantinuum.selene": Place("selene_sim"),
    "qiskit": Place(
        "qiskit_aer", (LOOP,), is_slow=True, options=lambda: {"backend": aer()}
    ),
    "braket.local": Place("braket.default_simulator", (LOOP,), is_slow=True),
    "ionq.simulator": Place("openqasm3", lacks=STATIC),
    "aqt.offline_simulator_no_noise": Place("qiskit_aqt_provider", STATIC),
    "ibm.fake_manila": Place("qiskit_ibm_runtime", (LOOP,), noise=0.15, has_edges=True),
    "iqm.fake_adonis": Place("iqm.qiskit_iqm", STATIC, noise=0.25, has_edges=True),
}


@pytest.fixture(scope="module")
def ionq() -> Iterator[dict[str, str]]:
    """Have a server of our own answer for IonQ's."""
    with pytest.MonkeyPatch.context() as patch, Loopback(IonQService()) as server:
        patch.setenv("IONQ_API_KEY", "none")
        yield {"url": f"{server.url}/v0.4"}


def sized(kernel: Kernel, place: Place) -> Kernel:
    few = place.is_slow and kernel.args == (100,)
    return replace(kernel, args=(FEW_ROUNDS,)) if few else kernel


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("name", PLACES)
def test_kernels(name: str, kernel: str, request: pytest.FixtureRequest) -> None:
    place = PLACES[name]
    pytest.importorskip(place.package)
    own = sized(KERNELS[kernel], place)
    options = dict(place.options())
    if name.startswith("ionq"):
        options |= request.getfixturevalue("ionq")
    device = qj.device(name, wires=own.wires, shots=place.shots, seed=7, **options)
    if own.needs and own.needs in place.lacks:
        # A loop may begin with a branch: its first turn is written before it.
        words = own.needs if own.needs == BRANCH else "|".join(place.lacks)
        with pytest.raises(UnsupportedError, match=f"does not have .*: ({words})"):
            own.sampled(device, traced=not place.has_edges)
        return
    if place.noise and kernel not in NOISY_KERNELS:
        pytest.skip("the machine's noise hides what the kernel does")
    bits = own.sampled(device, traced=not place.has_edges)
    assert len(bits) == place.shots
    if place.noise:
        case = Case("", bits.shape[1], own.expected())
        assert_noisy(bits.astype(np.uint8), case, place.noise)
    else:
        assert_distributed(bits, own.expected())


@pytest.mark.parametrize("kernel", KERNELS)
def test_kernels_in_openqasm(kernel: str) -> None:
    """Loops and variables too, as the one compiler that takes all of it reads them."""
    pytest.importorskip("qdk")
    own = KERNELS[kernel]
    device = qj.device("openqasm3", wires=own.wires, shots=SHOTS)
    program = qj.qnode(device)(lambda: own.function(qj.sample, *own.args))
    (found,) = emitted(program)
    rows = run_openqasm("qdk", found.program, found.num_bits)
    bits = np.stack(found.read(rows), axis=1).astype(int)
    assert_distributed(bits, own.expected())


# Known faults of consumers: what they take, and do wrong, so that the records of the
# devices say that they do not have it. Once one is mended, its test here fails.

HEAD = """OPENQASM 3.0;
qubit[2] q;
bit[2] c;
h q[0];
c[0] = measure q[0];
"""
TAIL = "c[1] = measure q[1];\n"
AGAIN = "while (c[0] == 0) { h q[0]; c[0] = measure q[0]; }\n"
CAST = "int n = 0; if (c[0]) { n = 1; } if (int[8](n) == 1) { x q[1]; }\n"
FLIPPED = "if (!c[0]) { x q[1]; }\n"
STANDARD = HEAD.replace(";\n", ';\ninclude "stdgates.inc";\n', 1)


def run_openqasm(name: str, text: str, num_bits: int) -> np.ndarray:
    """Return the bits of a program that a backend is given as it is."""
    backend = registry.create(name, {})
    program = Payload(text, "openqasm3", num_bits, num_bits)
    return backend.results(backend.submit([program], SHOTS, 5))[0]


def run_braket(text: str) -> np.ndarray:
    """Return the bits of a program that Braket's simulator is given without a check."""
    pytest.importorskip("braket.default_simulator")
    devices, ir = import_module("braket.devices"), import_module("braket.ir.openqasm")
    task = devices.LocalSimulator().run(ir.Program(source=text), shots=SHOTS)
    return np.asarray(task.result().measurements)[:, :2]


def run_aer(kernel: Kernel) -> np.ndarray:
    """Return the bits of a kernel as a circuit of Qiskit."""
    pytest.importorskip("qiskit_aer")
    sampled = qj.qnode(wires=kernel.wires)(lambda: kernel.function(qj.sample))
    return aer_bits(qj.to_qiskit(sampled)(), SHOTS, 5)


def run_ddsim(text: str) -> np.ndarray:
    """Return the bits of a program in OpenQASM."""
    pytest.importorskip("mqt.core")
    return run_openqasm("qdmi", text, 2)


def fault(run: Callable[[], np.ndarray], expected: Any, reason: str) -> Any:
    mark = pytest.mark.xfail(strict=True, reason=reason)
    return pytest.param(run, expected, marks=mark, id=reason)


FAULTS = [
    fault(
        lambda: run_braket(HEAD + CAST + TAIL),
        {"00": 0.5, "11": 0.5},
        "Braket's simulator casts a variable to one value for all shots",
    ),
    fault(
        lambda: run_braket(HEAD + FLIPPED + TAIL),
        {"01": 0.5, "10": 0.5},
        "Braket's simulator does not apply ! to a measured bit",
    ),
    fault(
        lambda: run_aer(KERNELS["search"]),
        KERNELS["search"].expected(),
        "Aer takes no variables of type Bool",
    ),
    fault(
        lambda: run_ddsim(STANDARD + AGAIN + TAIL),
        {"10": 1.0},
        "DDSIM's reader of OpenQASM 3 takes no loops; QIR has them",
    ),
]


@pytest.mark.parametrize(("run", "expected"), FAULTS)
def test_known_faults(
    run: Callable[[], np.ndarray], expected: Mapping[str, float]
) -> None:
    assert_distributed(run(), expected)
