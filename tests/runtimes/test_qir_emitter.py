"""Consumers of QIR take what we emit, and run it with the right distributions."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from qjit.dialects.targets.qir import CNOT_NAMED, QUANTINUUM, QirDialect
from tests.support.qir_programs import CASES, agrees, bell, emitter, gate

SHOTS = 2000


@pytest.mark.parametrize("name", CASES)
def test_pyqir_verifies(name: str) -> None:
    pyqir = pytest.importorskip("pyqir")
    case = CASES[name]
    module = pyqir.Module.from_ir(pyqir.Context(), case.text())
    assert module.verify() is None
    (entry,) = filter(pyqir.is_entry_point, module.functions)
    assert pyqir.required_num_qubits(entry) == (2 if name.startswith("bell") else 3)
    bitcode = case.write(QirDialect(case.profile, bitcode=True))
    assert pyqir.Module.from_bitcode(pyqir.Context(), bitcode).verify() is None


@pytest.mark.parametrize("name", CASES)
def test_qir_qis_validates_and_compiles(name: str) -> None:
    qir_qis = pytest.importorskip("qir_qis")
    bitcode = qir_qis.qir_ll_to_bc(CASES[name].text())
    assert qir_qis.validate_qir(bitcode) is None
    assert qir_qis.qir_to_qis(bitcode)


def recorded(output: str) -> Counter[str]:
    """Count what the shots of an output of labeled records have, in order."""
    found: Counter[str] = Counter()
    for shot in output.split("START")[1:]:
        rows = [line.split("\t") for line in shot.splitlines()]
        rows = [row for row in rows if row[:1] == ["OUTPUT"] and row[1] != "ARRAY"]
        assert [row[3] for row in rows] == [f"r{n}" for n in range(len(rows))]
        words = {"true": "1", "false": "0"}
        found["".join(words.get(row[2], row[2]) for row in rows)] += 1
    return found


@pytest.mark.parametrize("name", CASES)
def test_qir_runner_has_the_distribution(name: str, tmp_path: Path) -> None:
    qirrunner = pytest.importorskip("qirrunner")
    path = tmp_path / "program.ll"
    path.write_text(CASES[name].text())
    output = qirrunner.OutputHandler()
    qirrunner.run(str(path), shots=SHOTS, rng_seed=5, output_fn=output.handle)
    assert agrees(recorded(output.get_output()), CASES[name].distribution)


@pytest.mark.parametrize("name", CASES)
def test_qdk_has_the_distribution(name: str) -> None:
    simulation = pytest.importorskip("qdk.simulation")
    shots = simulation.run_qir(CASES[name].text(), shots=SHOTS, seed=7, type="cpu")
    words: dict[str, Any] = {"Zero": "0", "False": "0", "One": "1", "True": "1"}
    found = Counter("".join(words[str(bit)] for bit in shot) for shot in shots)
    assert agrees(found, CASES[name].distribution)


def test_quantinuum_checks_its_names() -> None:
    qircheck = pytest.importorskip("quantinuum_qircheck")
    pyqir = pytest.importorskip("pyqir")
    text = bell(QirDialect("base", CNOT_NAMED))
    bitcode = pyqir.Module.from_ir(pyqir.Context(), text).bitcode
    assert qircheck.qircheck(bitcode) is None


def test_selene_runs_quantinuums_own_gates(tmp_path: Path) -> None:
    selene = pytest.importorskip("selene_sim")
    pytest.importorskip("qir_qis")
    to = emitter(2, QirDialect(symbols=QUANTINUUM))
    to.gate(gate("PRX", 0, params=(1.1, 0.3)))
    first = to.measure(0)
    turn = gate("PRX", 1, params=(3.141592653589793, 0.0))
    to.branch(first, lambda: to.gate(turn), lambda: None, list)
    second = to.measure(1)
    path = tmp_path / "program.ll"
    path.write_text(str(to.finish([first, second])))
    shots = selene.build(path, build_dir=tmp_path / "build").run_shots(
        selene.Quest(random_seed=3), n_qubits=2, n_shots=200
    )
    found = Counter(
        "".join(str(bit) for label, bit in shot if label != "results") for shot in shots
    )
    assert agrees(found, {"00": 0.7268, "11": 0.2732})
