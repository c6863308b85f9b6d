"""The `statevector` dialect: gate schedules that a simulator runs in place."""

from .dialect import (
    ExecutionKeyOp,
    KernelAttr,
    KernelOp,
    MeasureOp,
    ScheduleOp,
    SeedOp,
    Statevector,
)

__all__ = [
    "ExecutionKeyOp",
    "KernelAttr",
    "KernelOp",
    "MeasureOp",
    "ScheduleOp",
    "SeedOp",
    "Statevector",
]
