"""The `quantum` dialect: qubits and registers as values that are used once.

An operation takes qubits and returns them changed, so that the data flow of the
IR is the circuit. `extract` and the measurements at the end of a program borrow
the register; everything else consumes it. See `linearity` for the rules.
"""

from xdsl.ir import Dialect

from .gates import (
    BarrierOp,
    Controllable,
    DelayOp,
    GateOp,
    PassThrough,
    UnitaryOp,
)
from .measurements import (
    CountsOp,
    DensityMatrixOp,
    ExpvalOp,
    ProbsOp,
    ResourcesOp,
    SampleOp,
    StateOp,
    VarOp,
)
from .registers import (
    AllocOp,
    DeallocOp,
    ExtractOp,
    InsertOp,
    MeasureOp,
    PauliMeasureOp,
    ResetOp,
    StatePrepOp,
)
from .types import BitType, FactorAttr, RegisterType, TermAttr, bit

__all__ = [
    "AllocOp",
    "BarrierOp",
    "BitType",
    "Controllable",
    "CountsOp",
    "DeallocOp",
    "DelayOp",
    "DensityMatrixOp",
    "ExpvalOp",
    "ExtractOp",
    "FactorAttr",
    "GateOp",
    "InsertOp",
    "MeasureOp",
    "PassThrough",
    "PauliMeasureOp",
    "ProbsOp",
    "Quantum",
    "RegisterType",
    "ResetOp",
    "ResourcesOp",
    "SampleOp",
    "StateOp",
    "StatePrepOp",
    "TermAttr",
    "UnitaryOp",
    "VarOp",
    "bit",
]

Quantum = Dialect(
    "quantum",
    [
        AllocOp,
        DeallocOp,
        ExtractOp,
        InsertOp,
        GateOp,
        UnitaryOp,
        BarrierOp,
        DelayOp,
        StatePrepOp,
        MeasureOp,
        PauliMeasureOp,
        ResetOp,
        ExpvalOp,
        VarOp,
        ProbsOp,
        ResourcesOp,
        StateOp,
        SampleOp,
        CountsOp,
        DensityMatrixOp,
    ],
    [BitType, RegisterType, FactorAttr, TermAttr],
)
