"""Every public function refuses wrong arguments with an error that names the line."""

import functools
import inspect
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import qjit as qj
from qjit.errors import QJitError

A = np.eye(2)


@qj.qnode(wires=3)
def energy(angle: Any) -> Any:
    qj.RX(angle, wires=0)
    return qj.expval(qj.Z(0))


def layer(angle: Any = 0.1) -> None:
    qj.RX(angle, wires=0)


# A right call of each public function that is no gate of fixed arity.
INSIDE: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {
    "AmplitudeEmbedding": ((np.ones(2), [0]), {"pad_with": 0.0, "normalize": True}),
    "ApproxTimeEvolution": ((qj.Z(0) + qj.X(0), 0.1, 2), {}),
    "AngleEmbedding": (([0.1, 0.2], [0, 1]), {"rotation": "X"}),
    "BasicEntanglerLayers": ((np.ones((2, 2)), [0, 1]), {}),
    "BasisState": (([0, 1], [0, 1]), {}),
    "ControlledQubitUnitary": ((A, [0, 1]), {"control_values": [1]}),
    "DiagonalQubitUnitary": ((np.ones(2), [0]), {}),
    "GlobalPhase": ((0.1,), {}),
    "GroverOperator": (([0, 1],), {}),
    "Hamiltonian": (([1.0], [qj.Z(0)]), {}),
    "Hermitian": ((A, 0), {}),
    "Identity": ((0,), {}),
    "MultiControlledX": (([0, 1, 2],), {"control_values": [1, 0]}),
    "MultiRZ": ((0.1, [0, 1]), {}),
    "PCPhase": ((0.1, 1, [0]), {}),
    "PauliRot": ((0.1, "XY", [0, 1]), {}),
    "Projector": (([0], [0]), {}),
    "QFT": (([0, 1],), {}),
    "QubitUnitary": ((A, [0]), {}),
    "StatePrep": ((np.ones(2) / 2**0.5, [0], 0.0, False), {}),
    "StronglyEntanglingLayers": (
        (np.ones((1, 2, 3)), [0, 1]),
        {"ranges": [1], "imprimitive": qj.CZ},
    ),
    "TrotterProduct": ((qj.Z(0) + qj.X(0), 0.1), {"n": 1, "order": 2}),
    "adjoint": ((qj.S(0),), {}),
    "apply": ((qj.S(0),), {}),
    "barrier": (([0],), {}),
    "delay": ((1e-7, [0]), {}),
    "counts": (([0],), {}),
    "ctrl": ((qj.S(0), 1), {"control_values": [1]}),
    "density_matrix": (([0],), {}),
    "evolve": ((qj.Z(0), 0.1), {}),
    "expval": ((qj.Z(0),), {}),
    "measure": ((0,), {"reset": False, "postselect": 1}),
    "mutual_info": (([0], [1]), {"log_base": 2}),
    "pauli_measure": (("X", 0), {"postselect": 1}),
    "pow": ((qj.S(0), 2), {}),
    "probs": (([0],), {}),
    "purity": (([0],), {}),
    "reset": ((0,), {}),
    "resources": ((), {}),
    "sample": (([0],), {}),
    "state": ((), {}),
    "var": ((qj.Z(0),), {}),
    "vn_entropy": (([0],), {"log_base": 2}),
    "Snapshot": (("here",), {}),
    "debug_assert": ((True, "all is well"), {}),
}
OUTSIDE: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {
    "classical_fisher": ((energy,), {"argnums": 0}),
    "clifford_t_decomposition": ((energy,), {"epsilon": 1e-3}),
    "compile_stage": (("builtin.module {}",), {}),
    "cond": ((True, layer, layer), {}),
    "decompose": ((energy,), {"gates": ["RZ", "SX", "CZ"], "weights": {"CZ": 2.0}}),
    "decomposition": (("CNOT",), {}),
    "defer_measurements": ((energy,), {"num_wires": 3}),
    "diagonalize_measurements": ((energy,), {}),
    "devices": ((), {}),
    "disable_autograph": ((layer,), {}),
    "draw": ((energy,), {"level": "quantum", "width": 80, "decimals": 2}),
    "draw_mpl": (
        (energy,),
        {"level": "quantum", "width": 8, "decimals": 2, "style": "dark"},
    ),
    "fold_gates": ((energy,), {"factor": 3, "method": "local", "seed": 1}),
    "dynamical_decoupling": (
        (energy,),
        {"sequence": "XY4", "durations": {"X": 1e-8}, "spacing": 1e-7},
    ),
    "from_qasm": (("OPENQASM 3.0; qubit q;",), {}),
    "from_qir": (("define i64 @main() {\n  ret i64 0\n}",), {}),
    "from_qiskit": ((object(),), {}),
    "grad": ((energy,), {"argnums": 0, "method": "fd", "h": 0.1}),
    "hessian": ((energy,), {"argnums": 0}),
    "jacobian": ((energy,), {"argnums": 0}),
    "jvp": ((energy, (0.1,), (1.0,)), {"argnums": 0}),
    "metric_tensor": ((energy,), {"argnums": 0, "approx": None}),
    "mitigate_with_zne": (
        (energy,),
        {
            "scale_factors": (1, 2, 3),
            "folding": "random",
            "extrapolate": "polynomial",
            "folding_kwargs": {"seed": 2},
            "extrapolate_kwargs": {"order": 1},
            "reps_per_factor": 1,
        },
    ),
    "natural_gradient": ((energy,), {"argnums": 0}),
    "qjit": ((layer,), {"autograph": False}),
    "quantum_fisher": ((energy,), {"argnums": 0}),
    "reuse_qubits": ((energy,), {}),
    "route": ((energy,), {"coupling": "line", "trials": 2, "seed": 1}),
    "schedule": ((energy,), {"durations": {1: 3e-8}, "mode": "alap"}),
    "set_shots": ((energy,), {"shots": 5}),
    "snapshots": ((energy,), {}),
    "specs": ((energy,), {"level": "quantum"}),
    "to_qasm": ((energy,), {"version": 3}),
    "to_qiskit": ((energy,), {"group": 0}),
    "to_qir": ((energy,), {"profile": "base", "format": "text"}),
    "twirl": ((energy,), {"samples": 2, "seed": 1}),
    "split_non_commuting": ((energy,), {"grouping": "qubit-wise"}),
    "value_and_grad": ((energy,), {"argnums": 0}),
    "vjp": ((energy, (0.1,), (1.0,)), {"argnums": 0}),
    "vmap": ((layer,), {"in_axes": 0}),
    "while_loop": ((lambda x: x < 3,), {}),
    "commutator": ((qj.X(0), qj.Y(0)), {}),
    "device": (
        ("statevector",),
        {"wires": 2, "shots": 10, "seed": 3, "coupling": "line"},
    ),
    "dot": (([0.1], [qj.X(0)]), {}),
    "eigvals": ((qj.X(0),), {}),
    "exp": ((qj.X(0), 0.1), {}),
    "for_loop": ((0, 3, 1), {}),
    "generator": ((qj.RX(0.1, 0),), {"format": "prefactor"}),
    "group_observables": (([qj.X(0)],), {"grouping_type": "qwc"}),
    "is_commuting": ((qj.X(0), qj.Y(0)), {}),
    "matrix": ((qj.X(0),), {"wire_order": [0]}),
    "pauli_decompose": ((A,), {"wire_order": [0], "check_hermitian": True}),
    "pauli_sum": (([0.1], ["XZ"]), {}),
    "prod": ((qj.X(0), qj.Y(0)), {}),
    "qnode": ((), {"wires": 2, "shots": 10, "diff_method": "best", "seed": 3}),
    "s_prod": ((0.1, qj.X(0)), {}),
    "simplify": ((qj.X(0),), {}),
    "sum": ((qj.X(0), qj.Y(0)), {"lazy": False, "grouping_type": None}),
}
WRONG: list[Any] = [
    None,
    "q",
    b"q",
    object(),
    1.5,
    -1,
    2**70,
    float("nan"),
    float("inf"),
    1j,
    True,
    [],
    [[1.0, 2.0], [3.0]],
    {"a": 1},
    {0, 1},
    max,
    np.array(["a"]),
    np.array([None]),
    np.ones((3, 3)),
    jnp.ones((2, 2, 2)),
    np.datetime64("2020-01-01"),
    qj.X,
    qj.X(0),
    energy,
    qj,
    int,
    "nothing",
]


def signature_mistakes(args: Any, kwargs: Any) -> Iterator[tuple[Any, Any]]:
    yield (*args, *([object()] * 9)), kwargs
    yield args, {**kwargs, "no_such_argument": 1}
    if args:
        yield (), {}


def value_mistakes(
    args: Any, kwargs: Any, values: Sequence[Any] = WRONG
) -> Iterator[tuple[Any, Any]]:
    for wrong in values:
        for place in range(len(args)):
            yield (*args[:place], wrong, *args[place + 1 :]), kwargs
        for name in kwargs:
            yield args, {**kwargs, name: wrong}


def traced(function: Callable[..., Any], args: Any, kwargs: Any) -> None:
    """Call a function in a quantum function, which is traced and not compiled."""

    @qj.qnode(wires=4, shots=5 if function in (qj.sample, qj.counts) else None)
    def circuit() -> Any:
        function(*args, **kwargs)
        return qj.probs()

    jax.make_jaxpr(circuit)()


def plain(function: Callable[..., Any], args: Any, kwargs: Any) -> None:
    """Call a function outside of quantum functions."""
    function(*args, **kwargs)


def check(run: Callable[[], Any], what: Any) -> None:
    """Run something that may be refused, but not otherwise than in our words."""
    try:
        run()
    except QJitError as error:
        assert "test_wrong_arguments.py:" in str(error), (what, error)
    except Exception as error:
        raise AssertionError(f"{what}: {type(error).__name__}: {error}") from error


def gate_calls() -> dict[str, tuple[tuple[Any, ...], dict[str, Any]]]:
    found: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {}
    for name, record in qj.dialects.gates.GATES.items():
        if record.num_wires is not None and name in dir(qj) and record.in_library:
            angles = tuple(0.1 * (n + 1) for n in range(record.num_params))
            found[name] = ((*angles,), {"wires": list(range(record.num_wires))})
    return found


GATES = gate_calls()
ALL = {**GATES, **INSIDE}


@pytest.mark.parametrize("name", sorted(ALL))
def test_wrong_arguments_inside_a_quantum_function(name: str) -> None:
    function, (args, kwargs) = getattr(qj, name), ALL[name]
    # Gates of the table share their code: each is tried with another part.
    values = WRONG[sorted(GATES).index(name) % 8 :: 8] if name in GATES else WRONG
    mistakes = [
        *signature_mistakes(args, kwargs),
        *value_mistakes(args, kwargs, values),
    ]
    for wrong in mistakes:
        check(functools.partial(traced, function, *wrong), (name, *wrong))


@pytest.mark.parametrize("name", sorted(OUTSIDE))
def test_wrong_arguments_outside(name: str) -> None:
    function, (args, kwargs) = getattr(qj, name), OUTSIDE[name]
    mistakes = [*signature_mistakes(args, kwargs), *value_mistakes(args, kwargs)]
    for wrong in mistakes:
        check(functools.partial(plain, function, *wrong), (name, *wrong))


EXTRA = "too many positional"
# Functions, what is given besides a quantum function, and what the error says.
MEANINGLESS: list[tuple[str, tuple[Any, ...], dict[str, Any], str]] = [
    ("split_non_commuting", ("commuting",), {}, EXTRA),
    ("diagonalize_measurements", (1,), {}, EXTRA),
    ("defer_measurements", (3,), {}, r"\(function=None, \*, num_wires=None\)"),
    ("reuse_qubits", (2,), {}, EXTRA),
    ("route", ("ring",), {"coupling": "line"}, EXTRA),
    ("schedule", ({1: 1e-8},), {}, EXTRA),
    ("dynamical_decoupling", ("XY4",), {}, EXTRA),
    ("set_shots", (3, 4), {}, "Give each once"),
    ("set_shots", (3,), {"shots": 4}, "Give each once"),
    ("set_shots", (energy, 4), {}, "Give each once"),
    ("defer_measurements", (), {"num_wires": True}, "an integer from 1 as num_wires"),
    ("defer_measurements", (), {"num_wires": "3"}, "an integer from 1 as num_wires"),
    ("route", (), {"coupling": "line", "trials": 1.5}, "an integer from 1 as trials"),
    ("route", (), {"coupling": "line", "seed": "a"}, "an integer from 0 as seed"),
    ("fold_gates", (True,), {}, "a number as factor"),
    ("fold_gates", ("3",), {}, "a number as factor"),
    ("fold_gates", (), {"seed": True}, "an integer from 0 as seed"),
    ("twirl", (), {"seed": "1"}, "an integer from 0 as seed"),
    ("mitigate_with_zne", ((True, 3),), {}, "a number as a factor"),
    ("schedule", (), {"durations": {1: True}}, "a number as the duration of 1"),
    ("dynamical_decoupling", (), {"spacing": "1"}, "a number as spacing"),
    ("clifford_t_decomposition", (), {"epsilon": True}, "a number as epsilon"),
    ("clifford_t_decomposition", (), {"each": "1e-3"}, "a number as each"),
    ("clifford_t_decomposition", (), {"epsilon": 1e-3, "each": 1e-3}, "but got both"),
    ("decompose", (), {"gates": ["CZ"], "weights": {"CZ": True}}, "the weight of CZ"),
    ("decompose", (), {"gates": ["CZ"], "weights": {"CNOT": 2}}, "outside of the"),
]


@pytest.mark.parametrize("case", range(len(MEANINGLESS)))
def test_arguments_that_mean_nothing_are_refused(case: int) -> None:
    name, args, kwargs, words = MEANINGLESS[case]
    with pytest.raises(QJitError, match=rf"arguments\.py:\d+: .*{words}"):
        getattr(qj, name)(energy, *args, **kwargs)


def test_every_public_function_is_tried() -> None:
    tried = {*ALL, *OUTSIDE}
    names = [name for name in dir(qj) if not name.startswith("_")]
    functions = {name for name in names if inspect.isfunction(getattr(qj, name))}
    aliases = {n for n in functions if getattr(qj, n).__name__ in tried}
    assert functions - aliases - tried == set()
