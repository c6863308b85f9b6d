"""qjit: a tracing JIT compiler for hybrid quantum-classical programs."""

from inspect import isfunction as _isfunction
from inspect import ismodule as _ismodule
from typing import Any

from . import data as data
from . import errors as errors
from .autograph import disable_autograph as disable_autograph
from .devices.device import Device as Device
from .devices.device import device as device
from .devices.device import devices as devices
from .diagnostics.public_functions import public as _public
from .exchange.openqasm.from_qasm import from_qasm as from_qasm
from .exchange.qir.from_qir import from_qir as from_qir
from .exchange.qiskit.from_qiskit import from_qiskit as from_qiskit
from .exchange.writing import to_qasm as to_qasm
from .exchange.writing import to_qir as to_qir
from .exchange.writing import to_qiskit as to_qiskit
from .inspection.counting.specs import specs as specs
from .inspection.debugging import Snapshot as Snapshot
from .inspection.debugging import debug_assert as debug_assert
from .inspection.debugging import snapshots as snapshots
from .inspection.drawing.draw import draw as draw
from .inspection.drawing.draw import draw_mpl as draw_mpl
from .inspection.pass_list import passes as passes
from .jit import cache as cache
from .jit import jobs as jobs
from .jit import shutdown as shutdown
from .jit.function import QJIT as QJIT
from .jit.function import qjit as qjit
from .jit.qnode import QNode as QNode
from .jit.qnode import qnode as qnode
from .jit.stages.texts import compile_stage as compile_stage
from .measurements.measurements import counts as counts
from .measurements.measurements import density_matrix as density_matrix
from .measurements.measurements import expval as expval
from .measurements.measurements import measure as measure
from .measurements.measurements import mutual_info as mutual_info
from .measurements.measurements import probs as probs
from .measurements.measurements import purity as purity
from .measurements.measurements import reset as reset
from .measurements.measurements import sample as sample
from .measurements.measurements import state as state
from .measurements.measurements import var as var
from .measurements.measurements import vn_entropy as vn_entropy
from .measurements.pauli_measure import pauli_measure as pauli_measure
from .measurements.resources import resources as resources
from .ops.algebra.operator import Operator as Operator
from .ops.control_flow import cond as cond
from .ops.control_flow import for_loop as for_loop
from .ops.control_flow import vmap as vmap
from .ops.control_flow import while_loop as while_loop
from .ops.evolution import evolve as evolve
from .ops.modifiers import adjoint as adjoint
from .ops.modifiers import ctrl as ctrl
from .ops.modifiers import pow as pow
from .ops.observables import Hamiltonian as Hamiltonian
from .ops.observables import Hermitian as Hermitian
from .ops.observables import Projector as Projector
from .ops.observables import pauli_sum as pauli_sum
from .ops.operations import FIXED_ARITY_GATES as _GATES
from .ops.rotations import MultiRZ as MultiRZ
from .ops.rotations import PauliRot as PauliRot
from .ops.rotations import PCPhase as PCPhase
from .ops.templates.circuits import QFT as QFT
from .ops.templates.circuits import AmplitudeEmbedding as AmplitudeEmbedding
from .ops.templates.circuits import AngleEmbedding as AngleEmbedding
from .ops.templates.circuits import BasicEntanglerLayers as BasicEntanglerLayers
from .ops.templates.circuits import GroverOperator as GroverOperator
from .ops.templates.circuits import StronglyEntanglingLayers as StronglyEntanglingLayers
from .ops.templates.product_formulas import ApproxTimeEvolution as ApproxTimeEvolution
from .ops.templates.product_formulas import TrotterProduct as TrotterProduct
from .ops.variadic_gates import Barrier as Barrier
from .ops.variadic_gates import BasisState as BasisState
from .ops.variadic_gates import ControlledQubitUnitary as ControlledQubitUnitary
from .ops.variadic_gates import DiagonalQubitUnitary as DiagonalQubitUnitary
from .ops.variadic_gates import GlobalPhase as GlobalPhase
from .ops.variadic_gates import Identity as Identity
from .ops.variadic_gates import MultiControlledX as MultiControlledX
from .ops.variadic_gates import QubitUnitary as QubitUnitary
from .ops.variadic_gates import StatePrep as StatePrep
from .ops.variadic_gates import barrier as barrier
from .ops.variadic_gates import delay as delay
from .transforms.clifford_t import (
    clifford_t_decomposition as clifford_t_decomposition,
)
from .transforms.decompositions import decompose as decompose
from .transforms.decompositions import decomposition as decomposition
from .transforms.derivatives import grad as grad
from .transforms.derivatives import hessian as hessian
from .transforms.derivatives import jacobian as jacobian
from .transforms.derivatives import jvp as jvp
from .transforms.derivatives import value_and_grad as value_and_grad
from .transforms.derivatives import vjp as vjp
from .transforms.dynamic_circuits import defer_measurements as defer_measurements
from .transforms.dynamic_circuits import reuse_qubits as reuse_qubits
from .transforms.fisher import classical_fisher as classical_fisher
from .transforms.fisher import metric_tensor as metric_tensor
from .transforms.fisher import natural_gradient as natural_gradient
from .transforms.fisher import quantum_fisher as quantum_fisher
from .transforms.measured_groups import (
    diagonalize_measurements as diagonalize_measurements,
)
from .transforms.measured_groups import split_non_commuting as split_non_commuting
from .transforms.mitigation import fold_gates as fold_gates
from .transforms.mitigation import mitigate_with_zne as mitigate_with_zne
from .transforms.mitigation import twirl as twirl
from .transforms.operator_analysis import generator as generator
from .transforms.operator_analysis import group_observables as group_observables
from .transforms.operator_analysis import is_commuting as is_commuting
from .transforms.operator_analysis import pauli_decompose as pauli_decompose
from .transforms.operators import apply as apply
from .transforms.operators import commutator as commutator
from .transforms.operators import dot as dot
from .transforms.operators import eigvals as eigvals
from .transforms.operators import exp as exp
from .transforms.operators import matrix as matrix
from .transforms.operators import prod as prod
from .transforms.operators import s_prod as s_prod
from .transforms.operators import simplify as simplify
from .transforms.operators import sum as sum
from .transforms.quantum_functions import set_shots as set_shots
from .transforms.routing import route as route
from .transforms.timing import dynamical_decoupling as dynamical_decoupling
from .transforms.timing import schedule as schedule

I = Identity  # noqa: E741 (the name of the gate)
Observable = Operator

__version__ = "0.1.0"
_SUBMODULES = {"cache", "data", "errors", "jobs"}

globals().update(
    (name, _public(value, name))
    for name, value in tuple(globals().items())
    if _isfunction(value) and not name.startswith("_")
)


def __getattr__(name: str) -> Any:
    """Return the function of a gate of the table, such as `RX`."""
    if name in _GATES:
        return _GATES[name]
    if name.startswith("_"):
        raise AttributeError(f"module 'qjit' has no attribute {name!r}")
    from .diagnostics.suggestions import unknown_name

    raise unknown_name(name, __dir__())


def __dir__() -> list[str]:
    """Return the public names, the gates of the table among them."""
    public = [name for name in globals() if not name.startswith("_")]
    inner = {name for name in public if _ismodule(globals()[name])} - _SUBMODULES
    return sorted({*globals(), *_GATES} - inner)
