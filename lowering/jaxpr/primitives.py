"""JAX primitives of quantum programs: they carry one effect, the quantum state."""

from collections.abc import Sequence
from typing import Any, ClassVar

import jax
import numpy as np
from jax.core import ShapedArray
from jax.extend.core import Primitive

from qjit.lowering.jax_internals.tracing import allow_effect, effects, wide_types


class QuantumEffect(effects.Effect):
    """The effect of every operation that reads or changes the quantum state."""

    _name: ClassVar[str] = "Quantum"

    def __str__(self) -> str:
        return self._name


allow_effect(QuantumEffect)
quantum_effect = QuantumEffect()


class QuantumPrimitive(Primitive):
    """A primitive that reads or changes the quantum state."""

    multiple_results = True

    def bind(self, *args: Any, **params: Any) -> Any:
        """Apply it, to arrays of NumPy as they are now."""
        # NOTE: as long as JAX 0.10 keeps an array of NumPy, it takes it in the
        # precision of its first use, in whichever one it is used again.
        own = [each.copy() if type(each) is np.ndarray else each for each in args]
        return super().bind(*own, **params)


def _effectful(name: str, outputs: Any) -> Primitive:
    primitive = QuantumPrimitive(name)

    def abstract_eval(*avals: ShapedArray, **params: Any) -> Any:
        return outputs(*avals, **params), {quantum_effect}

    primitive.def_effectful_abstract_eval(abstract_eval)
    return primitive


def _nothing(*_: ShapedArray, **__: Any) -> list[ShapedArray]:
    return []


def real_dtype(dtype: Any) -> np.dtype[Any]:
    """Return the real dtype of the same precision as a complex one."""
    return np.dtype(np.float64 if np.dtype(dtype) == np.complex128 else np.float32)


def _real_scalar(*_: ShapedArray, dtype: Any, **__: Any) -> list[ShapedArray]:
    return [ShapedArray((), real_dtype(dtype))]


def _probabilities(*_: ShapedArray, wires: Sequence[int], dtype: Any, **__: Any) -> Any:
    return [ShapedArray((2 ** len(wires),), real_dtype(dtype))]


def _amplitudes(*_: ShapedArray, num_wires: int, dtype: Any) -> list[ShapedArray]:
    return [ShapedArray((2**num_wires,), np.dtype(dtype))]


def _density(*_: ShapedArray, wires: Sequence[int], dtype: Any) -> list[ShapedArray]:
    side = 2 ** len(wires)
    return [ShapedArray((side, side), np.dtype(dtype))]


def integer_dtype() -> np.dtype[Any]:
    """Return the widest integer dtype that JAX's settings allow."""
    return np.dtype(np.int64 if wide_types() else np.int32)


def _resources(**_: Any) -> list[ShapedArray]:
    return [ShapedArray((3,), integer_dtype())]


def _samples(*_: ShapedArray, wires: Sequence[int], shots: int, **__: Any) -> Any:
    return [ShapedArray((shots, len(wires)), integer_dtype())]


def _estimated(*inputs: ShapedArray, **params: Any) -> list[ShapedArray]:
    (rows,) = _samples(**params)
    rest = inputs[len(params["factors"]) :]
    found = jax.eval_shape(params["statistic"], rows, *rest)
    return [ShapedArray(found.shape, found.dtype)]


def _recorded(value: ShapedArray, *, shots: int, statistic: Any) -> list[ShapedArray]:
    rows = ShapedArray((shots, *value.shape), value.dtype)
    found = rows if statistic is None else jax.eval_shape(statistic, rows)
    return [ShapedArray(found.shape, found.dtype)]


def _averaged(value: ShapedArray, *, dtype: Any) -> list[ShapedArray]:
    return [ShapedArray(value.shape, real_dtype(dtype))]


def _outcome(*_: ShapedArray, **__: Any) -> list[ShapedArray]:
    return [ShapedArray((), np.dtype(bool))]


# Operands: parameters, then the wires that are only known at run time.
gate_p = _effectful("quantum_gate", _nothing)
# Operands: matrix, dynamic wires.
unitary_p = _effectful("quantum_unitary", _nothing)
# Operands: dynamic wires.
barrier_p = _effectful("quantum_barrier", _nothing)
# Operands: dynamic wires. Parameters: seconds.
delay_p = _effectful("quantum_delay", _nothing)
# Operands: amplitudes.
state_prep_p = _effectful("quantum_state_prep", _nothing)
# A state that is read between gates, for those who look.
snapshot_p = _effectful("quantum_snapshot", _amplitudes)
reset_p = _effectful("quantum_reset", _nothing)
# Takes back an applied operator: all gates that name its site among theirs.
withdraw_p = _effectful("quantum_withdraw", _nothing)
measure_p = _effectful("quantum_measure", _outcome)
# Operands: coefficients [terms], matrices of the terms' Hermitian factors.
expval_p = _effectful("quantum_expval", _real_scalar)
var_p = _effectful("quantum_var", _real_scalar)
state_p = _effectful("quantum_state", _amplitudes)
# Operands: for each group of wires among the factors, the unitary that turns what it is
# measured in into the computational basis. Other wires have a letter of the basis.
probs_p = _effectful("quantum_probs", _probabilities)
sample_p = _effectful("quantum_sample", _samples)
# Operands: the same, and what the statistic takes besides the samples.
estimate_p = _effectful("quantum_estimate", _estimated)
density_matrix_p = _effectful("quantum_density_matrix", _density)
# The numbers of gates, of layers, and of qubits acted on.
resources_p = _effectful("quantum_resources", _resources)
# Operands: an array computed from measured outcomes. A statistic of its values in all
# shots, or the values where there is none; or its mean and variance over all outcomes.
record_p = _effectful("quantum_record", _recorded)
mean_p = _effectful("quantum_mean", _averaged)
variance_p = _effectful("quantum_variance", _averaged)

GATE_PRIMITIVES = (gate_p, unitary_p, state_prep_p)
# What changes no state: under controls, and inverted, it is the same.
PASSING_PRIMITIVES = (barrier_p, delay_p)
OUTCOME_PRIMITIVES = (record_p, mean_p, variance_p)
STATISTICS = (expval_p, var_p, probs_p)
TERMINAL_PRIMITIVES = (
    *STATISTICS,
    *(state_p, density_matrix_p, resources_p),
    *(sample_p, estimate_p),
    *OUTCOME_PRIMITIVES,
)
