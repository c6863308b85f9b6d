"""qjit: a tracing JIT compiler for hybrid quantum-classical programs."""

from inspect import isfunction as _isfunction
from typing import Any

from . import cache as cache
from . import data as data
from . import errors as errors
from . import shutdown as shutdown
from .autograph import disable_autograph as disable_autograph
from .compile import QJIT as QJIT
from .compile import qjit as qjit
from .control import cond as cond
from .control import for_loop as for_loop
from .control import vmap as vmap
from .control import while_loop as while_loop
from .debugging import Snapshot as Snapshot
from .debugging import debug_assert as debug_assert
from .debugging import snapshots as snapshots
from .derivatives import grad as grad
from .derivatives import hessian as hessian
from .derivatives import jacobian as jacobian
from .derivatives import jvp as jvp
from .derivatives import value_and_grad as value_and_grad
from .derivatives import vjp as vjp
from .devices import Device as Device
from .devices import device as device
from .evolution import evolve as evolve
from .fisher import classical_fisher as classical_fisher
from .fisher import metric_tensor as metric_tensor
from .fisher import natural_gradient as natural_gradient
from .fisher import quantum_fisher as quantum_fisher
from .measurements import counts as counts
from .measurements import density_matrix as density_matrix
from .measurements import expval as expval
from .measurements import measure as measure
from .measurements import mutual_info as mutual_info
from .measurements import probs as probs
from .measurements import purity as purity
from .measurements import reset as reset
from .measurements import sample as sample
from .measurements import state as state
from .measurements import var as var
from .measurements import vn_entropy as vn_entropy
from .modifiers import adjoint as adjoint
from .modifiers import ctrl as ctrl
from .modifiers import pow as pow
from .multi_gates import Barrier as Barrier
from .multi_gates import BasisState as BasisState
from .multi_gates import ControlledQubitUnitary as ControlledQubitUnitary
from .multi_gates import DiagonalQubitUnitary as DiagonalQubitUnitary
from .multi_gates import GlobalPhase as GlobalPhase
from .multi_gates import Identity as Identity
from .multi_gates import MultiControlledX as MultiControlledX
from .multi_gates import QubitUnitary as QubitUnitary
from .multi_gates import StatePrep as StatePrep
from .multi_gates import barrier as barrier
from .observables import Hamiltonian as Hamiltonian
from .observables import Hermitian as Hermitian
from .observables import Projector as Projector
from .observables import pauli_sum as pauli_sum
from .operations import FIXED_ARITY_GATES as _GATES
from .ops.analysis import generator as generator
from .ops.analysis import group_observables as group_observables
from .ops.analysis import is_commuting as is_commuting
from .ops.analysis import pauli_decompose as pauli_decompose
from .ops.functions import apply as apply
from .ops.functions import commutator as commutator
from .ops.functions import dot as dot
from .ops.functions import eigvals as eigvals
from .ops.functions import exp as exp
from .ops.functions import matrix as matrix
from .ops.functions import prod as prod
from .ops.functions import s_prod as s_prod
from .ops.functions import simplify as simplify
from .ops.functions import sum as sum
from .ops.operator import Operator as Operator
from .pass_list import passes as passes
from .product_formulas import ApproxTimeEvolution as ApproxTimeEvolution
from .product_formulas import TrotterProduct as TrotterProduct
from .public_face import public as _public
from .qnode import QNode as QNode
from .qnode import qnode as qnode
from .qnode import set_shots as set_shots
from .rotations import MultiRZ as MultiRZ
from .rotations import PauliRot as PauliRot
from .rotations import PCPhase as PCPhase
from .stage_texts import compile_stage as compile_stage
from .templates import QFT as QFT
from .templates import AmplitudeEmbedding as AmplitudeEmbedding
from .templates import AngleEmbedding as AngleEmbedding
from .templates import BasicEntanglerLayers as BasicEntanglerLayers
from .templates import GroverOperator as GroverOperator
from .templates import StronglyEntanglingLayers as StronglyEntanglingLayers

I = Identity  # noqa: E741 (the name of the gate)
Observable = Operator

__version__ = "0.1.0"

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
    from .suggestions import unknown_name

    raise unknown_name(name, __dir__())


def __dir__() -> list[str]:
    """Return the public names, the gates of the table among them."""
    return sorted({*globals(), *_GATES})
