"""Measurement and control flow of OpenQASM texts, beside other simulators."""

from collections import Counter
from typing import Any

import jax
import numpy as np
import pytest

import qjit as qj

pytest.importorskip("openqasm3.parser")

HEAD = 'OPENQASM 3.0; include "stdgates.inc";'
SHOTS = 400
# Five standard deviations of a frequency near one half.
TOLERANCE = 5 * 0.5 / SHOTS**0.5

TELEPORT = f"""{HEAD}
qubit[3] q; bit[3] c;
ry(0.9) q[0];
h q[1]; cx q[1], q[2];
cx q[0], q[1]; h q[0];
c[0] = measure q[0]; c[1] = measure q[1];
if (c[1]) x q[2];
if (c[0]) {{ z q[2]; }}
c[2] = measure q[2];
"""
UNTIL = f"""{HEAD}
qubit[2] q; bit[2] c; int n = 0;
h q[0]; c[0] = measure q[0];
while (c[0] == 0) {{
    h q[0]; c[0] = measure q[0]; n += 1;
    if (n == 2) {{ x q[1]; }}
    if (n > 3) break;
}}
c[1] = measure q[1];
"""
LOOPED = f"""{HEAD.replace("3.0", "3.1")}
def parity(qubit[3] r) -> bit {{
    bit found = 0;
    for int i in [0:2] {{ bit m = measure r[i]; found = found ^ m; }}
    return found;
}}
gate mix(a) p, q {{ ry(a) p; cx p, q; }}
qubit[3] q; bit[4] c; uint[3] sum = 0;
for int i in [0:1] {{ mix(0.4 * (i + 1)) q[i], q[i + 1]; }}
c[3] = parity(q);
for int i in [0:2] {{ c[i] = measure q[i]; if (c[i]) sum += 1; }}
switch (sum) {{
    case 1 {{ reset q[0]; x q[0]; }}
    case 2, 3 {{ reset q; }}
    default {{ h q[0]; }}
}}
c[0] = measure q[0];
"""
PROGRAMS = {"teleport": TELEPORT, "until": UNTIL, "looped": LOOPED}


def exact(text: str, **options: Any) -> Any:
    """Return the probabilities of the register c, c[0] the leftmost bit."""
    circuit: Any = qj.from_qasm(text)

    @qj.qnode(wires=circuit.num_qubits, **options)
    def run() -> Any:
        return qj.probs(op=list(circuit()["c"]))

    return np.asarray(run())


def frequencies(keys: Counter[str], bits: int) -> Any:
    found = np.zeros(2**bits)
    for key, number in keys.items():
        found[int(key, 2)] = number
    return found / found.sum()


@pytest.mark.parametrize("name", PROGRAMS)
def test_distributions_are_those_of_qdk(name: str) -> None:
    openqasm: Any = pytest.importorskip("qdk.openqasm")
    text = PROGRAMS[name]
    results = openqasm.run(text, shots=SHOTS)
    registers = [r[0] if isinstance(r, tuple) else r for r in results]
    keys = Counter("".join(str(int("One" in str(b))) for b in r) for r in registers)
    # Loops without an end have no exact average.
    options = {"shots": 10_000, "seed": 2} if name == "until" else {}
    wanted = exact(text, **options)
    bits = int(np.log2(len(wanted)))
    assert np.allclose(wanted, frequencies(keys, bits), atol=TOLERANCE)


def aer(read: Any, bits: int) -> Any:
    simulator = pytest.importorskip("qiskit_aer").AerSimulator(seed_simulator=3)
    read = pytest.importorskip("qiskit").transpile(read, simulator)
    counts = simulator.run(read, shots=SHOTS).result().get_counts()
    keys = Counter({key.replace(" ", "")[::-1]: n for key, n in counts.items()})
    return frequencies(keys, bits)


def test_a_distribution_is_that_of_aer() -> None:
    pytest.importorskip("qiskit_qasm3_import")
    read = pytest.importorskip("qiskit.qasm3").loads(TELEPORT)
    assert np.allclose(exact(TELEPORT), aer(read, 3), atol=TOLERANCE)


VERSION_2 = """OPENQASM 2.0;
include "qelib1.inc";
opaque magic(a) q;
gate turned(a, b) p, q { ry(a^2) p; cx p, q; ry(-b/2) q; }
qreg q[3]; creg c[2]; creg d[1];
h q[0];
turned(0.9, 1.4) q[0], q[1];
barrier q;
measure q[0] -> c[0];
measure q[1] -> c[1];
if (c == 1) x q[2];
if (c == 2) h q[2];
reset q[0];
if (c==3) u2(0, pi) q[2];
measure q[2] -> d[0];
"""


def test_version_2_is_that_of_aer() -> None:
    qasm2 = pytest.importorskip("qiskit.qasm2")
    circuit: Any = qj.from_qasm(VERSION_2)
    assert circuit.bits == {"c": 2, "d": 1}

    @qj.qnode(wires=3)
    def run() -> Any:
        found = circuit()
        return qj.probs(op=[*found["c"], *found["d"]])

    read = qasm2.loads(VERSION_2.replace("opaque magic(a) q;", ""))
    assert np.allclose(run(), aer(read, 3), atol=TOLERANCE)


def test_registers_are_measured_values_of_each_shot() -> None:
    circuit: Any = qj.from_qasm(
        f"{HEAD} qubit[3] q; bit[3] c; bit one; h q[0]; cx q[0], q[1:2]; one = measure"
        " q[0]; c = measure q;"
    )

    @qj.qnode(wires=3, shots=50, seed=1)
    def run() -> Any:
        found = circuit()
        return found, qj.sample(found["c"]), qj.counts(found["c"])

    found, samples, (values, counts) = run()
    assert found["c"].shape == (50, 3)
    assert np.array_equal(found["c"], samples)
    assert np.array_equal(found["c"], np.repeat(found["one"][:, None], 3, 1))
    assert dict(zip(values.tolist(), counts.tolist(), strict=True))[7] == sum(
        found["one"]
    )


def test_the_end_ends_a_program() -> None:
    text = f"""{HEAD} qubit q; bit a; bit b; h q; a = measure q; if (a) end;
    bit late = 1; x q; b = measure q;"""
    assert exact_pair(text) == pytest.approx([0, 0.5, 0.5, 0])


def exact_pair(text: str) -> list[float]:
    circuit: Any = qj.from_qasm(text)

    @qj.qnode(wires=1)
    def run() -> Any:
        found = circuit()
        return qj.probs(op=[found["a"], found["b"]])

    return np.asarray(run()).tolist()


def test_inputs_have_derivatives() -> None:
    circuit: Any = qj.from_qasm(
        f"{HEAD} input float a; input angle b; qubit[2] q;"
        "for int i in [0:1] { ry(a * (i + 1)) q[i]; } crx(b) q[0], q[1];"
    )

    @qj.qnode(wires=2)
    def energy(a: Any, b: Any) -> Any:
        circuit(a, b)
        return qj.expval(qj.Z(1))

    @qj.qnode(wires=2)
    def plain(a: Any, b: Any) -> Any:
        qj.RY(a, 0)
        qj.RY(2 * a, 1)
        qj.CRX(b, [0, 1])
        return qj.expval(qj.Z(1))

    found = jax.grad(energy, (0, 1))(0.4, 0.8)
    assert np.allclose(found, jax.grad(plain, (0, 1))(0.4, 0.8), atol=1e-5)


def test_loops_over_constant_ranges_stay_loops() -> None:
    text = f"{HEAD} qubit[4] q; for int i in [0:2] {{ cx q[i], q[i + 1]; }}"
    circuit: Any = qj.from_qasm(text)

    @qj.qnode(wires=4)
    def run() -> Any:
        qj.H(0)
        circuit()
        return qj.probs()

    assert np.allclose(np.asarray(run())[[0, 15]], 0.5)
    assert "scan" in str(jax.make_jaxpr(run)())


def test_slices_by_a_counter_unroll_the_loop() -> None:
    text = f"{HEAD} qubit[4] q; for uint i in [1:3] {{ rx(0.1 * i) q[0:i]; }}"

    def plain() -> None:
        for i in (1, 2, 3):
            for k in range(i + 1):
                qj.RX(0.1 * i, k)

    circuit: Any = qj.from_qasm(text)
    found = qj.matrix(lambda: (circuit(), None)[1], range(4))()
    assert np.allclose(found, qj.matrix(plain, range(4))(), atol=1e-6)


def test_delays_boxes_and_annotations_change_nothing() -> None:
    text = f"""{HEAD} qubit[2] q; bit[2] c; duration d = 3 * 10ns;
    @note this
    box {{ x q[0]; delay[d] q; }}
    barrier q; c = measure q;"""
    assert exact(text) == pytest.approx([0, 0, 1, 0])


def test_jumps_of_inner_loops_stay_there() -> None:
    text = f"""{HEAD} qubit[2] q; bit[2] c; h q[0]; c[0] = measure q[0];
    if (c[0]) {{
        for int i in [0:5] {{ if (i == 3) {{ break; }} x q[1]; }}
        while (true) {{ x q[1]; break; }}
    }}
    x q[1];
    c[1] = measure q[1];"""
    assert exact(text) == pytest.approx([0, 0.5, 0, 0.5])


def test_words_of_version_3_are_names_in_version_2() -> None:
    text = """OPENQASM 2.0; include "qelib1.inc";
    gate box a { x a; }
    qreg in[2]; creg output[2];
    box in[0]; measure in -> output; if (output == 1) x in[1];"""
    circuit: Any = qj.from_qasm(text)
    assert circuit.bits == {"output": 2}

    @qj.qnode(wires=2)
    def run() -> Any:
        return qj.expval(circuit()["output"][0]), qj.expval(qj.Z(1))

    assert np.allclose(run(), [1, -1])
    with pytest.raises(qj.errors.QasmError, match="2 is no index of 2") as caught:
        qj.from_qasm(text + "box in[2];")
    assert (caught.value.line, caught.value.column) == (4, 70)
    with pytest.raises(qj.errors.QasmError, match="box takes 1 qubits"):
        qj.from_qasm(text + "box in[0], in[1];")
