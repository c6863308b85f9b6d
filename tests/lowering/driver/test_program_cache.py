"""Programs kept on disk: found again by all that they are, and never believed."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import qjit as qj
from qjit.lowering.jax_internals.equations import enable_x64
from qjit.lowering.passes.quantum.cancellation.cancel_inverses import CancelInversesPass
from tests.support.paths import ROOT

SCRIPT = """
import json, sys, jax, jax.numpy as jnp, numpy as np
jax.config.update("jax_enable_x64", True)
before = set(sys.modules)
import qjit as qj
heavy = {"scipy.linalg", "xdsl"} & sys.modules.keys() - before

@qj.qnode(wires=3)
def energy(angles):
    for wire in range(3):
        qj.RY(angles[wire], wires=wire)
    qj.CNOT(wires=[0, 1])
    return qj.expval(qj.Hamiltonian([0.5, -1.5], [qj.Z(0) @ qj.Z(1), qj.X(2)]))

@qj.qjit
def train(angles):
    step = lambda _, a: a - 0.1 * jax.grad(energy)(a)
    return jax.lax.fori_loop(0, 20, step, angles)

@qj.qjit(seed=7)
@qj.qnode(wires=2, shots=50)
def sampled(angle):
    qj.RX(angle, wires=0)
    bit = qj.measure(0)
    qj.cond(bit, lambda: qj.X(1))()
    return qj.sample(wires=[0, 1]), qj.expval(bit)

@qj.qjit
def classical(x):
    return jnp.linalg.eigh(x @ x.T)[0], jax.nn.relu(x - 0.5), jax.nn.logsumexp(x)

calls = [(train, np.arange(3.0)), (sampled, 0.7), (classical, np.eye(3) + 0.1)]
found = [np.concatenate([np.ravel(y) for y in jax.tree.leaves(f(x))]).tolist()
         for f, x in calls]
states = [f.report(x)["cache"] for f, x in calls]
print(json.dumps([found, states, sorted(heavy), "xdsl" in sys.modules]))
"""

FAILING = """
import jax
import qjit as qj

@qj.qjit
@qj.qnode(wires=2)
def turned(angle, wire):
    qj.H(0)
    qj.RX(angle, wires=wire)
    return qj.expval(qj.Z(0))
"""


def energy(scale: float = 1.0, **options: Any) -> Any:
    """Return a new program of one angle."""

    @qj.qjit(**options)
    @qj.qnode(wires=2)
    def cosine(angle: Any) -> Any:
        qj.RX(angle * scale, wires=0)
        qj.CNOT(wires=[0, 1])
        return qj.expval(qj.Z(1))

    return cosine


def run(program: Any, *args: Any) -> str:
    """Run a program that is the cosine, and return whether it was kept."""
    assert program(*args) == pytest.approx(np.cos(args[0]))
    return program.report(*args)["cache"]


@pytest.fixture(scope="module", autouse=True)
def kernels() -> list[Path]:
    """The simulator's own code, which takes seconds to compile."""
    energy()(0.5)
    return list(qj.cache.directory().glob("runtime-*.qjit"))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder for the programs of a test."""
    monkeypatch.setenv("QJIT_CACHE_DIR", str(tmp_path / "cache"))
    assert qj.cache.directory() == tmp_path / "cache"
    yield tmp_path / "cache"


@pytest.fixture
def shared(tmp_path: Path, kernels: list[Path]) -> Path:
    """A folder for the programs of other processes."""
    for path in kernels:
        shutil.copy(path, tmp_path)
    return tmp_path


def started(folder: Path, script: str = SCRIPT, root: Path = ROOT) -> Any:
    """Start a process that keeps its programs in a folder."""
    variables = {"QJIT_CACHE_DIR": str(folder), "PYTHONPATH": str(root)}
    return subprocess.Popen(
        [sys.executable, "-c", script],
        env={**os.environ, **variables},
        cwd=root,
        stdout=subprocess.PIPE,
        text=True,
    )


def answer(process: Any) -> Any:
    """Wait for what a process says."""
    text, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    return json.loads(text)


def test_processes_at_once_and_one_after(shared: Path) -> None:
    together = [started(shared) for _ in range(2)]
    found = [answer(each)[0] for each in together]
    results, states, heavy, compiler = answer(started(shared))
    assert states == ["hit", "hit", "hit"]
    assert not heavy and not compiler
    assert found == [results, results]
    assert not list(shared.glob("*part"))


def test_other_sources_make_other_programs(shared: Path, tmp_path: Path) -> None:
    script = SCRIPT.split("@qj.qjit(seed=7)")[0]
    script += 'print(json.dumps(train.report(np.ones(3))["cache"]))'
    root = tmp_path / "copy"
    shutil.copytree(ROOT / "qjit", root / "qjit")
    assert answer(started(shared, script)) == "miss"
    assert answer(started(shared, script, root)) == "hit"
    with open(root / "qjit" / "lowering" / "import_math.py", "a") as source:
        source.write("# changed\n")
    assert answer(started(shared, script, root)) == "miss"


def test_a_program_is_found_again(folder: Path) -> None:
    assert run(energy(), 0.3) == "miss"
    again = energy()
    assert run(again, 0.3) == "hit"
    report = again.report(0.3)
    assert report["native"]["qnode"] == 1
    assert report["diff_method"] == {"cosine": "adjoint"}
    assert "quantum" not in report["seconds"]


def test_clear(folder: Path) -> None:
    run(energy(), 0.3)
    (folder / "mine.o").write_text("not qjit's")
    qj.cache.clear()
    assert [path.name for path in folder.iterdir()] == ["mine.o"]
    assert run(energy(), 0.3) == "miss"


def test_clearing_nothing(folder: Path) -> None:
    qj.cache.clear()
    assert not folder.exists()


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[:-1],
        lambda content: content[:40],
        lambda content: content + b"\0",
        lambda content: content[:-100] + b"\xcc" + content[-99:],
        lambda content: b"nonsense" * 100,
    ],
)
def test_damaged_entries_are_not_read(folder: Path, damage: Any) -> None:
    run(energy(), 0.3)
    (kept,) = folder.glob("program-*.qjit")
    whole = kept.read_bytes()
    kept.write_bytes(damage(whole))
    assert run(energy(), 0.3) == "miss"
    assert run(energy(), 0.3) == "hit"


def test_entries_of_other_programs_are_not_read(folder: Path) -> None:
    run(energy(), 0.3)
    (first,) = folder.glob("program-*.qjit")
    energy(2.0)(0.3)
    second = next(each for each in folder.glob("program-*.qjit") if each != first)
    shutil.copy(second, first)
    assert run(energy(), 0.3) == "miss"


def test_a_folder_that_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("QJIT_CACHE_DIR", str(tmp_path / "file" / "cache"))
    assert run(energy(), 0.3).startswith("not kept: it is too large, or ")
    qj.cache.clear()


def test_what_was_not_used_for_longest_goes_first(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bound = 40 << 10
    monkeypatch.setenv("QJIT_CACHE_SIZE", "40KiB")
    run(energy(), 0.3)
    for scale in range(2, 14):
        energy(float(scale))(0.3)
        assert run(energy(), 0.3) == "hit"
        sizes = [path.stat().st_size for path in folder.iterdir()]
        assert sum(sizes) <= bound
    assert len(list(folder.iterdir())) < 13
    assert energy(13.0).report(0.3)["cache"] == "hit"
    assert energy(2.0).report(0.3)["cache"] == "miss"


def test_what_is_too_large_is_not_kept(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QJIT_CACHE_SIZE", "1000")
    assert run(energy(), 0.3).startswith("not kept: it is too large, or ")
    monkeypatch.setenv("QJIT_CACHE_SIZE", "0")
    assert run(energy(), 0.3) == "not kept: QJIT_CACHE_SIZE is 0"
    assert not list(folder.glob("*"))


def test_a_size_that_is_none(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QJIT_CACHE_SIZE", "much")
    with pytest.warns(UserWarning, match=r"'much', which is no size.*'500MiB'"):
        assert run(energy(), 0.3) == "miss"


def test_pipelines(folder: Path) -> None:
    assert run(energy(pipeline=["cancel-inverses"]), 0.3) == "miss"
    assert run(energy(pipeline=lambda default: default), 0.3) == "miss"
    assert run(energy(pipeline=lambda default: default), 0.3) == "hit"
    assert run(energy(), 0.3) == "hit"
    own = energy(pipeline=[CancelInversesPass()])
    assert run(own, 0.3).startswith("not kept: its stages are asked for, or its passes")
    assert run(energy(keep_stages=True), 0.3).startswith("not kept: ")


def test_what_calls_python_is_not_kept(folder: Path) -> None:
    def on_host(angle: Any) -> Any:
        shape = jax.ShapeDtypeStruct((), angle.dtype)
        return jax.pure_callback(np.cos, shape, angle)

    for _ in range(2):
        assert "pure_callback" in run(qj.qjit(on_host), 0.3)


def test_custom_derivatives_are_kept(folder: Path) -> None:
    def made(slope: float) -> Any:
        @jax.custom_jvp
        def cosine(angle: Any) -> Any:
            return jnp.cos(angle)

        @cosine.defjvp
        def _(primals: Any, tangents: Any) -> Any:  # pyright: ignore[reportUnusedFunction]
            return cosine(*primals), slope * tangents[0]

        return cosine

    assert run(qj.qjit(made(1.0)), 0.3) == "miss"
    assert run(qj.qjit(made(2.0)), 0.3) == "hit"
    for slope in (1.0, 2.0):
        assert qj.qjit(jax.grad(made(slope)))(0.3) == slope


def test_constants_and_dtypes(folder: Path) -> None:
    tables = [
        np.array([1, 2], np.int32),
        np.array([1, 2], np.int64),
        np.array([1, 2], np.uint32),
        np.array([1.0, 2.0]),
        np.array([1.0, -2.0]),
        np.array([0.0, 2.0]),
        np.array([-0.0, 2.0]),
        np.array([1.0, np.nan]),
        np.array([1.0, 2.0], np.float32),
        np.array([[1.0], [2.0]]),
    ]
    for table in tables:
        known = jnp.asarray(table)
        function = qj.qjit(lambda x, known=known: (known, x * known))
        found = function(1.0)
        assert function.report(1.0)["cache"] == "miss"
        np.testing.assert_array_equal(found[0], table)
        assert np.signbit(found[0]).tolist() == np.signbit(table).tolist()
        assert found[0].dtype == table.dtype
        assert found[1].dtype == jnp.result_type(table, 1.0)


def test_weak_types_and_shapes(folder: Path) -> None:
    args = [1.0, np.float64(1.0), np.float32(1.0), np.ones(1), np.ones((1, 1)), 1, True]
    for arg in args:
        function = qj.qjit(lambda x: x * jnp.ones(1, np.float32))
        found = function(arg)
        assert function.report(arg)["cache"] == "miss"
        assert found.dtype == jax.jit(lambda x: x * jnp.ones(1, np.float32))(arg).dtype


def test_64_bit_types(folder: Path) -> None:
    for wide, kind in ((True, np.float64), (False, np.float32)):
        with enable_x64(wide):
            function = qj.qjit(lambda x: x + jnp.arange(2).sum())
            assert function(np.float32(1.5)) == 2.5
            assert function.report(np.float32(1.5))["cache"] == "miss"
            program = energy()
            assert program(0.3).dtype == kind
            assert run(program, 0.3) == "miss"


def test_sizes_of_abstracted_axes(folder: Path) -> None:
    for state in ("miss", "hit"):
        function = qj.qjit(
            lambda x: x * (x.shape[0] // (x.shape[0] - 1)), abstracted_axes=("n",)
        )
        for size in (2, 6):
            array = np.full(size, 1.5)
            expected = array * (size // (size - 1))
            np.testing.assert_array_equal(function(array), expected)
            assert function.report(array)["cache"] == state
        with pytest.raises(qj.errors.DimensionError, match=r"floordiv\(n, n - 1\)"):
            function(np.zeros(1))


def module(path: str, first_line: int) -> Any:
    """Return a failing program that stands in a file of its own."""
    names: dict[str, Any] = {}
    exec(compile("\n" * first_line + FAILING, path, "exec"), names)
    return names["turned"]


def test_errors_name_the_line_where_the_program_is_now(folder: Path) -> None:
    first, second = module("/one/here.py", 0), module("/two/there.py", 30)
    assert first(0.1, 1) == second(0.1, 1)
    assert [f.report(0.1, 1)["cache"] for f in (first, second)] == ["miss", "hit"]
    for _ in range(2):
        with pytest.raises(qj.errors.WireError, match=r"^/one/here.py:9: a wire"):
            first(0.1, 2)
        with pytest.raises(qj.errors.WireError, match=r"^/two/there.py:39: a wire"):
            second(0.1, 2)


CHECKED = """
import jax.numpy as jnp
import qjit as qj

@qj.qjit
@qj.qnode(wires=2)
def checked(x, matrix, first):
    qj.BasisState(jnp.array([first, 0]), [0, 1])
    qj.debug_assert(x >= 0, "x: negative")
    return qj.expval(qj.Hermitian(matrix, [0]))
"""


def test_checks_name_the_line_where_the_program_is_now(folder: Path) -> None:
    programs: list[Any] = []
    for path, first_line in [("/one/here.py", 0), ("/two/there.py", 30)]:
        names: dict[str, Any] = {}
        exec(compile("\n" * first_line + CHECKED, path, "exec"), names)
        programs.append(names["checked"])
    right = (0.1, np.diag([1.0, -1.0]), 1)
    assert [f(*right) for f in programs] == [-1, -1]
    assert [f.report(*right)["cache"] for f in programs] == ["miss", "hit"]
    for program, path, line in zip(
        programs, ("/one/here.py", "/two/there.py"), (0, 30), strict=True
    ):
        with pytest.raises(ValueError, match=f"^{path}:{line + 8}: .*bits 0 and 1"):
            program(0.1, right[1], 2)
        with pytest.raises(AssertionError, match=f"^{path}:{line + 9}: x: negative$"):
            program(-0.1, *right[1:])
        with pytest.raises(ValueError, match=f"^{path}:{line + 10}: the matrix"):
            program(0.1, np.triu(np.ones((2, 2))), 1)


CHOICES: dict[str, list[Any]] = {
    "gate": [qj.RX, qj.RY, qj.PhaseShift],
    "wire": [0, 1],
    "angle": [0.3, -0.3, 0.30000000000000004],
    "control": [0, 1],
    "adjoint": [False, True],
    "repeat": [1, 2],
    "coefficient": [1.0, 2.5],
    "observable": [qj.X, qj.Y, qj.Z],
    "method": ["adjoint", "parameter-shift", "finite-diff"],
    "options": [None, {"h": 0.1}, {"h": 0.2}],
    "dtype": [None, "complex64"],
    "shots": [None, 20, 30],
    "seed": [1, 2],
    "postselect": [None, 0, 1],
    "table": [(1, 2), (2, 1), (1.0, 2.0)],
}


def hybrid(of: dict[str, Any]) -> Any:
    """Return what a program with these details computes, and whether it was kept."""
    exact = of["shots"] is None
    method = of["method"] if exact else "best"

    @qj.qnode(
        wires=3,
        shots=of["shots"],
        dtype=of["dtype"],
        diff_method=method,
        gradient_kwargs=of["options"] if method == "finite-diff" else None,
    )
    def circuit(x: Any) -> Any:
        for wire in range(3):
            qj.RY(0.4 + wire, wires=wire)
        for _ in range(of["repeat"]):
            of["gate"](x + of["angle"], wires=of["wire"])
        gate = qj.adjoint(qj.SX) if of["adjoint"] else qj.SX
        qj.ctrl(gate, control=2, control_values=[of["control"]])(wires=0)
        if of["postselect"] is not None:
            qj.measure(2, postselect=of["postselect"])
        return qj.expval(of["coefficient"] * of["observable"](0))

    @qj.qjit(seed=of["seed"])
    def program(x: Any) -> Any:
        found = circuit(x), x * jnp.asarray(of["table"])
        return (*found, jax.grad(circuit)(x)) if exact else found

    found = [np.asarray(each).tolist() for each in program(0.2)]
    return found, program.report(0.2)["cache"]


@pytest.fixture(scope="module")
def growing(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder that keeps the programs of all examples."""
    return str(tmp_path_factory.mktemp("cache"))


@settings(max_examples=20, deadline=None, derandomize=True)
@given(
    details=st.fixed_dictionaries(
        {name: st.sampled_from(choices) for name, choices in CHOICES.items()}
    ),
    name=st.sampled_from(list(CHOICES)),
    data=st.data(),
)
def test_programs_that_differ_in_one_detail(
    growing: str, details: dict[str, Any], name: str, data: Any
) -> None:
    others = [choice for choice in CHOICES[name] if choice != details[name]]
    changed = {**details, name: data.draw(st.sampled_from(others))}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QJIT_CACHE_DIR", growing)
        hybrid(details)
        found, state = hybrid(changed)
        assert state in ("hit", "miss")
        again, state = hybrid(changed)
        assert state == "hit"
        patch.setenv("QJIT_CACHE_SIZE", "0")
        expected, state = hybrid(changed)
        assert state.startswith("not kept")
    assert found == again == expected


def test_the_page_runs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = (ROOT / "docs" / "cache.md").read_text()
    block = page.split("```python\n")[1].split("```")[0]
    for state in ("miss", "hit"):
        exec(block, {})
        assert capsys.readouterr().out.split() == [state, str(folder)]
