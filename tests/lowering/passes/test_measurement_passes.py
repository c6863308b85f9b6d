"""Passes on measurements: results stay, and what is left is measured as asked for."""

import os
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp

import qjit as qj
from qjit.dialects.gates.record import pauli_matrix
from qjit.dialects.quantum import AllocOp, ExpvalOp, ProbsOp, VarOp
from qjit.lowering.analysis.observable_groupings import RUNS
from qjit.lowering.driver.stage_text import parsed
from qjit.lowering.passes.circuits.circuit import product
from qjit.lowering.passes.pipeline import PassError, PipelineError, find_step
from qjit.lowering.passes.quantum.measurements.commuting_groups import (
    Factors,
    groups_of,
)
from qjit.lowering.passes.quantum.measurements.diagonalizing_gates import (
    diagonalize_words,
)
from tests.support.pass_meaning import Imported, gate_names

EXAMPLES = int(os.environ.get("QJIT_EXAMPLES", "3"))
SEEDS = range(EXAMPLES)
WIRES = 3
X = 0.4
DIAGONALIZE = "diagonalize-measurements"
MATRIX = np.array([[1.0, 2 - 1j], [2 + 1j, 3.0]])
PAIR = np.kron(MATRIX, MATRIX) + np.diag([1.0, 2.0, 3.0, 4.0])


def commute(left: str, right: str) -> bool:
    differing = sum(
        a != b and "I" not in (a, b) for a, b in zip(left, right, strict=True)
    )
    return differing % 2 == 0


def commuting_words(random: np.random.Generator, size: int, count: int) -> list[str]:
    found: list[str] = []
    for _ in range(20 * count):
        word = "".join(random.choice(list("IXYZ"), size))
        if word not in found and all(commute(word, other) for other in found):
            found.append(word)
    return found[:count]


@pytest.mark.parametrize("seed", SEEDS)
def test_words_that_commute_are_diagonalized(seed: int) -> None:
    random = np.random.default_rng(seed)
    size = int(random.integers(1, 5))
    words = commuting_words(random, size, 2**size)
    found = diagonalize_words(words)
    matrix = product(found.gates, range(size), {})
    for word, turned, sign in zip(words, found.words, found.signs, strict=True):
        assert set(turned) <= set("IZ")
        expected = matrix @ pauli_matrix(word) @ matrix.conj().T
        np.testing.assert_allclose(sign * pauli_matrix(turned), expected, atol=1e-12)


def test_few_gates_on_two_wires_are_needed() -> None:
    bell = diagonalize_words(["XX", "YY", "ZZ"])
    assert [gate.name for gate in bell.gates] == ["CNOT", "H"]
    assert [*zip(bell.signs, bell.words, strict=True)] == [
        (1, "ZI"),
        (-1, "ZZ"),
        (1, "IZ"),
    ]
    plain = diagonalize_words(["XIY", "IZY", "XZI"])
    assert [gate.name for gate in plain.gates] == ["H", "S", "H"]


def test_words_that_do_not_commute_are_refused() -> None:
    with pytest.raises(ValueError, match="commute"):
        diagonalize_words(["XI", "ZZ"])


def prepare(random: np.random.Generator, x: Any) -> None:
    """Apply gates after which few words are 0, among them loops and branches."""
    for wire in range(WIRES):
        qj.RX(x + random.normal(), wires=wire)
    for _ in range(3):
        a, b = random.permutation(WIRES)[:2].tolist()
        qj.CRY(random.normal() - x, wires=[a, b])
        qj.Rot(*random.normal(size=3), wires=b)

    def layer(i: Any) -> None:
        qj.IsingXY(0.3 * i + x, wires=[0, 1])

    qj.for_loop(0, 3)(layer)()


def split(grouping: str) -> str:
    return f"split-non-commuting{{grouping={grouping}}}"


def runs(module: ModuleOp) -> int:
    return sum(isinstance(op, AllocOp) for op in module.walk())


def terms(weights: Any, words: Sequence[str]) -> Any:
    return qj.pauli_sum(weights, words)


def unchanged(imported: Imported, *passes: str) -> ModuleOp:
    """Return what passes make of a circuit, whose results they leave."""
    module = imported.after(passes)
    found = imported.results(module)
    for result, other in zip(found, imported.results(), strict=True):
        np.testing.assert_allclose(result, other, atol=1e-10)
    return module


def measured_words(module: ModuleOp) -> list[list[str]]:
    return [
        [term.word.data for term in op.terms]
        for op in module.walk()
        if isinstance(op, ExpvalOp | VarOp)
    ]


@pytest.mark.parametrize("seed", SEEDS)
def test_diagonal_measurements_have_the_same_results(seed: int) -> None:
    random = np.random.default_rng(seed)
    words = commuting_words(random, WIRES, 5)
    free = [n for n in range(WIRES) if {w[n] for w in words} <= {"I", words[0][n]}]

    @qj.qnode(wires=WIRES)
    def circuit(x: Any) -> Any:
        prepare(np.random.default_rng(seed), x)
        weights = jnp.arange(1.0, 4.0) * x
        first = qj.expval(terms(weights[: len(words[:3])], words[:3]))
        last = qj.var(terms([0.3, -0.8][: len(words[2:4])], words[2:4]))
        outcomes = [
            qj.probs(op=getattr(qj, words[0][n].replace("I", "Z"))(n)) for n in free
        ]
        return first, qj.state(), last, *outcomes, qj.expval(terms([2.0], words[-1:]))

    module = unchanged(Imported(circuit, 0.4), DIAGONALIZE)
    assert set("".join(w for each in measured_words(module) for w in each)) <= {*"IZ"}


def test_matrices_are_diagonalized_with_words() -> None:
    @qj.qnode(wires=WIRES)
    def circuit(x: Any) -> Any:
        prepare(np.random.default_rng(1), x)
        matrix = qj.Hermitian(MATRIX, wires=0)
        return (
            qj.expval(matrix @ qj.X(1)),
            qj.var(matrix @ qj.Y(2) + qj.X(1)),
            qj.probs(op=qj.Y(2)),
        )

    @qj.qnode(wires=WIRES)
    def pair(x: Any) -> Any:
        prepare(np.random.default_rng(2), x)
        return qj.expval(qj.Hermitian(PAIR, wires=[2, 0]) @ qj.Y(1)), qj.probs(
            op=qj.Y(1)
        )

    for each in (circuit, pair):
        module = unchanged(Imported(each, 0.4), DIAGONALIZE)
        words = [word for each in measured_words(module) for word in each]
        assert set("".join(words)) == {*"IZ"}


def test_one_change_of_basis_is_enough() -> None:
    @qj.qnode(wires=2)
    def circuit(x: Any) -> Any:
        qj.RX(x, wires=0)
        return qj.probs(op=qj.Y(0)), qj.expval(qj.Y(0)), qj.probs(op=qj.X(1))

    module = unchanged(Imported(circuit, 0.4), DIAGONALIZE)
    assert gate_names(module) == ["RX", "S", "H", "H"]


def test_what_is_not_measured_together_is_refused() -> None:
    def refused(measure: Any, match: str) -> None:
        @qj.qnode(wires=2, passes=[DIAGONALIZE])
        def circuit(x: Any) -> Any:
            qj.RX(x, wires=0)
            return measure(x)

        with pytest.raises(qj.errors.UnsupportedError, match=match):
            circuit(0.3)

    refused(
        lambda x: (qj.expval(qj.X(0)), qj.var(qj.Z(0) @ qj.Y(1))),
        r"test_measurement_passes.py:\d+: X\(0\) and Z\(0\) @ Y\(1\) are not measured "
        "together.*split-non-commuting",
    )
    refused(
        lambda x: (qj.probs(0), qj.expval(qj.X(0) @ qj.X(1))),
        "bits of wires 0 along Z and X.0. @ X.1. are not",
    )
    refused(
        lambda x: qj.expval(qj.Hermitian(jnp.diag(jnp.array([x, 1.0])), wires=0)),
        "a matrix that is known only when the program runs",
    )


def test_gradients_of_the_adjoint_method_stay() -> None:
    def value(passes: Sequence[str]) -> Any:
        @qj.qnode(wires=2, passes=passes)
        def circuit(x: Any) -> Any:
            qj.RX(x, wires=0)
            qj.RY(0.4, wires=1)
            qj.CNOT(wires=[0, 1])
            return qj.expval(terms(jnp.stack([0.4, x, -0.7]), ["XX", "YY", "ZZ"]))

        return qj.qjit(jax.value_and_grad(lambda x: jnp.sin(circuit(x))))(0.3)

    expected = value(())
    for passes in ([DIAGONALIZE], [split("qubit-wise")]):
        np.testing.assert_allclose(value(passes), expected, atol=1e-10)


def test_groups_are_few() -> None:
    words = ["XX", "YY", "ZZ", "ZI", "IZ", "XI"]
    products = [
        [Factors({n: each for n, each in enumerate(word) if each != "I"})]
        for word in words
    ]
    assert groups_of(products, "qubit-wise") == [[0, 5], [1], [2, 3, 4]]
    assert groups_of(products, "commuting") == [[0, 1, 2], [3, 4], [5]]
    assert groups_of(products, "none") == [[n] for n in range(6)]
    bits = Factors({0: "Z", 1: "Z"}, apart=True)
    assert groups_of([[bits], products[0]], "commuting") == [[0], [1]]
    sums = [[*products[3], *products[4]], [], products[0], [*products[5], *products[0]]]
    assert groups_of(sums, "commuting") == [[0, 1], [2, 3]]


@pytest.mark.parametrize("seed", SEEDS)
def test_results_of_groups_are_put_together(seed: int) -> None:
    random = np.random.default_rng(seed)
    words = ["".join(random.choice([*"IXYZ"], WIRES)) for _ in range(5)]
    letter = str(random.choice([*"XYZ"]))

    @qj.qnode(wires=WIRES)
    def circuit(x: Any) -> Any:
        prepare(np.random.default_rng(seed), x)
        weights = jnp.arange(1.0, 6.0) * x
        mean = qj.expval(terms(weights, words))
        bits = qj.probs(op=getattr(qj, letter)(1))
        matrix = qj.expval(qj.Hermitian(PAIR, wires=[2, 0]) @ qj.Y(1))
        spread = qj.var(terms(weights[1:4], words[:3]))
        return mean, bits, matrix, qj.probs(), spread, qj.state()

    imported = Imported(circuit, 0.4)
    counts: list[int] = []
    for grouping in RUNS:
        module = unchanged(imported, split(grouping))
        counts.append(runs(module))
        if grouping == "commuting":
            module = unchanged(imported, split(grouping), DIAGONALIZE)
            words = ["".join(each) for each in measured_words(module)]
            assert set("".join(words)) <= {*"IZ"}
            assert runs(module) == counts[-1]
    assert counts[1] <= counts[0] <= counts[2]


def test_one_group_stays_as_it_is() -> None:
    @qj.qnode(wires=2)
    def circuit(x: Any) -> Any:
        qj.RX(x, wires=0)
        outcome = qj.measure(1)
        return qj.expval(qj.Z(0) + qj.Z(1)), qj.probs(), qj.expval(outcome)

    imported = Imported(circuit, 0.3)
    module = imported.after((split("qubit-wise"),))
    assert module.is_structurally_equivalent(imported.module)


def test_each_run_makes_its_own_change_of_basis() -> None:
    @qj.qnode(wires=1)
    def circuit(x: Any) -> Any:
        qj.RX(x, wires=0)
        return qj.probs(op=qj.Y(0)), qj.probs(), qj.probs(op=qj.X(0))

    module = unchanged(Imported(circuit, 0.4), split("qubit-wise"))
    assert gate_names(module) == ["RX", "S", "H", "RX", "RX", "H"]
    readouts = [op for op in module.walk() if isinstance(op, ProbsOp)]
    assert len({op.register for op in readouts}) == 3


@pytest.mark.parametrize("last", [lambda: qj.expval(qj.Z(0)), qj.state, qj.probs])
def test_gates_of_the_user_are_no_change_of_basis(last: Any) -> None:
    @qj.qnode(wires=1)
    def circuit(x: Any) -> Any:
        qj.RX(x, wires=0)
        qj.H(0)
        return qj.probs(), qj.probs(op=qj.X(0)), last()

    module = unchanged(Imported(circuit, 0.4), split("qubit-wise"), DIAGONALIZE)
    assert gate_names(module) == ["RX", "H", "RX", "H", "H"]


def test_observables_that_are_zero_have_no_terms_left() -> None:
    @qj.qnode(wires=2)
    def circuit(x: Any) -> Any:
        qj.RX(x, wires=0)
        zero = np.zeros((2, 2))
        return qj.expval(qj.Hermitian(zero, wires=0)), qj.var(
            qj.Hermitian(zero, wires=0) @ qj.X(1)
        )

    imported = Imported(circuit, 0.4)
    assert measured_words(unchanged(imported, DIAGONALIZE)) == [[], []]
    sampled = imported.after(["measurement-from-samples{shots=3}"])
    assert imported.results(sampled) == [0.0, 0.0]


def test_arrays_that_loops_carry_begin_anew() -> None:
    @qj.qnode(wires=2)
    def circuit(x: Any) -> Any:
        def layer(i: Any, angles: Any) -> Any:
            qj.RX(angles[i % 2], wires=0)
            qj.CRY(angles[1], wires=[0, 1])
            return angles.at[i % 2].add(jnp.sin(angles[1 - i % 2]))

        angles = qj.for_loop(0, 4)(layer)(jnp.stack([x, 0.3]))
        qj.RY(angles[0], wires=0)
        return qj.expval(qj.X(0)), qj.expval(qj.Z(0) @ qj.Y(1)), qj.expval(qj.Y(0))

    unchanged(Imported(circuit, 0.4), split("qubit-wise"))
    node = qj.split_non_commuting(circuit)
    np.testing.assert_allclose(node(0.4), circuit(0.4), atol=1e-10)


def test_outcomes_on_the_way_belong_to_one_run() -> None:
    @qj.split_non_commuting
    @qj.qnode(wires=2)
    def circuit(x: Any) -> Any:
        qj.RX(x, wires=0)
        outcome = qj.measure(0)
        qj.cond(outcome, lambda: qj.H(1))()
        return qj.expval(qj.X(1)), qj.expval(outcome), qj.expval(qj.Z(1))

    with pytest.raises(qj.errors.UnsupportedError, match="belong to one run"):
        circuit(0.3)


def test_variances_with_matrices_are_refused_in_parts() -> None:
    @qj.qnode(wires=2)
    def circuit() -> Any:
        return qj.var(qj.Hermitian(MATRIX, wires=0) + qj.X(0) @ qj.X(1))

    with pytest.raises(PassError, match="variance of a sum"):
        Imported(circuit).after((split("qubit-wise"),))


def test_groupings_have_the_same_names_everywhere() -> None:
    words = [qj.X(0), qj.Z(0), qj.X(1)]
    for name in ("qubit-wise", "qwc"):
        assert len(qj.group_observables(words, grouping_type=name)) == 2
        assert find_step(split(name)).found() == find_step(split("qwc")).found()
        _ = qj.split_non_commuting(grouping=name)
    assert len(qj.group_observables(words, grouping_type="commuting")) == 2


def test_wrong_groupings_are_refused() -> None:
    with pytest.raises(PipelineError, match="takes grouping=qubit-wise"):
        _ = find_step(split("some")).found()
    with pytest.raises(qj.errors.ParameterError, match="takes grouping 'qubit-wise'"):
        qj.split_non_commuting(grouping="some")
    for function in (qj.split_non_commuting, qj.diagonalize_measurements):
        with pytest.raises(qj.errors.ArgumentError, match="takes a quantum function"):
            function(len)


@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
def test_samples_tell_what_is_certain(dtype: Any) -> None:
    @qj.qnode(wires=WIRES, dtype=dtype)
    def circuit() -> Any:
        qj.H(0)
        qj.CNOT(wires=[0, 1])
        qj.RX(np.pi, wires=2)
        weights = [0.5, -2.0, 3.0, 0.25]
        return (
            qj.expval(terms(weights, ["XXI", "YYI", "ZZZ", "III"])),
            qj.var(terms(weights[:2], ["YYI", "ZZI"])),
            qj.probs(wires=2),
            qj.expval(terms([0.7], ["III"])),
        )

    imported = Imported(circuit)
    module = imported.after(["measurement-from-samples{shots=5}"])
    assert not measured_words(module)
    for found, exact in zip(imported.results(module), imported.results(), strict=True):
        np.testing.assert_allclose(found, exact, atol=1e-6)


def test_statistics_are_near_those_of_the_state() -> None:
    @qj.qnode(wires=2)
    def circuit(x: Any) -> Any:
        qj.RX(x, wires=0)
        qj.CRY(x, wires=[0, 1])
        weights = jnp.stack([x, 1.0, -2.0])
        return (
            qj.expval(terms(weights, ["XI", "XY", "IY"])),
            qj.probs(op=qj.Y(1)),
            qj.var(terms(weights[:2], ["XI", "IY"])),
            qj.probs(op=qj.X(0)),
        )

    imported = Imported(circuit, 0.9)
    shots = 800
    module = imported.after([f"measurement-from-samples{{shots={shots} seed=1}}"])
    spread = 5 * 4.0 / np.sqrt(shots)  # five times that of the sum
    for found, exact in zip(imported.results(module), imported.results(), strict=True):
        np.testing.assert_allclose(found, exact, atol=spread)
        assert not np.allclose(found, exact, atol=1e-9)


def energy(**options: Any) -> Any:
    """A circuit whose passes estimate an expectation value in two groups."""
    passes = ["split-non-commuting", "measurement-from-samples{shots=5000}"]

    @qj.qnode(wires=1, **{"passes": passes, **options})
    def made(x: Any) -> Any:
        qj.RX(x, wires=0)
        return qj.expval(qj.Z(0)) + 2 * qj.expval(qj.Y(0))

    return made


def test_samples_are_drawn_anew_and_may_be_seeded() -> None:
    drawn, one, other = energy(), energy(seed=3), energy(seed=4)
    found = qj.qjit(lambda: [drawn(X), drawn(X), one(X), one(X), other(X)])()
    assert len({*map(float, found)}) == 5
    assert one(X) == one(X) != other(X)
    key = jax.random.key(7)
    assert drawn(X, key=key) == one(X, key=key) != one(X)
    option = "measurement-from-samples{shots=50 seed=3}"
    seeded = energy(passes=["split-non-commuting", option])
    assert seeded(X) == seeded(X)


def test_seeds_hold_where_the_program_estimates() -> None:
    circuit = energy(passes=(), seed=3)
    pipeline = "split-non-commuting", "measurement-from-samples{shots=5000}"
    runs = [qj.qjit(lambda: circuit(X), pipeline=pipeline) for _ in range(2)]
    assert runs[0]() == runs[1]() != circuit(X)


@pytest.mark.parametrize("method", ["best", "hadamard", "finite-diff"])
@pytest.mark.parametrize("in_program", [False, True])
def test_derivatives_are_estimated_too(method: str, in_program: bool) -> None:
    exact = -np.sin(X) - 2 * np.cos(X)
    passes = ["split-non-commuting", "measurement-from-samples{shots=5000}"]
    circuit = energy(seed=3, diff_method=method, passes=() if in_program else passes)
    for slope in (jax.grad(circuit), jax.jacfwd(circuit)):
        found = qj.qjit(slope, pipeline=tuple(passes) if in_program else None)(X)
        assert found != pytest.approx(exact, abs=1e-6)
        assert found == pytest.approx(exact, abs=0.5)


def test_derivatives_that_are_not_estimated_are_refused() -> None:
    @qj.qnode(wires=1, passes=["measurement-from-samples{shots=5}"])
    def chances(x: Any) -> Any:
        qj.RX(x, wires=0)
        return qj.probs()

    @qj.qnode(wires=1, passes=["measurement-from-samples{shots=5}"])
    def weighted(x: Any) -> Any:
        return qj.expval(x * qj.Z(0))

    error, ours = qj.errors.DifferentiationError, "estimated by 'measurement-from"
    for function in (chances, weighted, energy(diff_method="adjoint")):
        for derivative in (jax.jacrev, jax.jacfwd):
            with pytest.raises(error, match=ours):
                derivative(function)(X)


def test_states_of_estimated_circuits_are_exact() -> None:
    assert qj.metric_tensor(energy())(X) == pytest.approx(0.25, abs=1e-6)


def test_shots_of_the_quantum_function_are_samples_already() -> None:
    @qj.qnode(wires=1, shots=5)
    def circuit() -> Any:
        return qj.expval(qj.Z(0)), qj.probs(), qj.sample()

    imported = Imported(circuit)
    module = imported.after(["measurement-from-samples"])
    assert module.is_structurally_equivalent(imported.module)


def test_what_has_no_samples_is_refused() -> None:
    def refused(
        circuit: Any, *args: Any, match: str, option: str = "{shots=5}"
    ) -> None:
        with pytest.raises(PassError, match=match):
            Imported(circuit, *args).after([f"measurement-from-samples{option}"])

    @qj.qnode(wires=2)
    def circuit(x: Any) -> Any:
        qj.RX(x, wires=0)
        return qj.expval(qj.X(0) + qj.X(1)), qj.probs(op=qj.X(1))

    @qj.qnode(wires=2)
    def measured(x: Any) -> Any:
        qj.RX(x, wires=0)
        qj.reset(0)
        return qj.probs()

    refused(circuit, 0.3, match="no number of shots", option="")
    refused(measured, 0.3, match="measures on the way")
    both = qj.qjit(jax.value_and_grad(lambda x: jnp.sin(circuit(x)[0])))
    module = parsed(both.stages(0.3)["quantum"])
    sampling = find_step("measurement-from-samples{shots=5}").found()
    with pytest.raises(PassError, match="adjoint method has no"):
        sampling.apply(Context(), module)
    slope = qj.qjit(lambda x: jax.jvp(lambda x: circuit(x)[0], (x,), (1.0,))[1])
    with pytest.raises(PassError, match="not normalised, which has no samples"):
        sampling.apply(Context(), parsed(slope.stages(0.3)["quantum"]))
    with pytest.raises(PipelineError, match="at least 1 shot"):
        _ = find_step("measurement-from-samples{shots=0}").found()


def test_errors_are_of_passes() -> None:
    @qj.qnode(wires=1)
    def circuit() -> Any:
        return qj.expval(qj.X(0)), qj.expval(qj.Z(0))

    with pytest.raises(PassError):
        Imported(circuit).after([DIAGONALIZE])
