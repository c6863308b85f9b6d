"""Exceptions raised to users of qjit."""


class QJitError(Exception):
    """Base of every error that qjit raises to its users."""


class WireError(QJitError, ValueError):
    """A wire is out of range, repeated, or not an integer."""


class ParameterError(QJitError, ValueError):
    """A gate parameter has the wrong count, shape, or value."""


class ParameterTypeError(QJitError, TypeError):
    """A gate parameter has a dtype that cannot stand for an angle."""


class MatrixError(QJitError, ValueError):
    """A matrix is not unitary, not Hermitian, or has the wrong size."""


class StateError(QJitError, ValueError):
    """A state vector is not normalised or has the wrong size."""


class OutsideQNodeError(QJitError, RuntimeError):
    """A quantum operation was called outside a quantum function."""


class MeasurementError(QJitError, ValueError):
    """A quantum function measures nothing, or in a place that has no meaning."""


class MeasuredValueError(QJitError, TypeError):
    """A measured value was used where Python needs a concrete one."""


class BranchError(QJitError, TypeError):
    """Branches or loop carries disagree in structure, shape, or dtype."""


class SimulatorMemoryError(QJitError, MemoryError):
    """A state vector does not fit into memory."""


class PostselectionError(QJitError, ValueError):
    """A measurement was postselected on an outcome of probability zero."""


class DifferentiationError(QJitError, NotImplementedError):
    """A derivative was asked for that qjit cannot compute correctly."""


class UnsupportedError(QJitError, NotImplementedError):
    """A program uses a feature that this version does not compile."""


class HostCallError(QJitError, RuntimeError):
    """A Python function called from compiled code raised an exception."""


RUNTIME_ERRORS: dict[int, type[QJitError]] = {
    1: WireError,
    2: WireError,
    3: ParameterError,
    4: MatrixError,
    5: StateError,
    6: SimulatorMemoryError,
    7: PostselectionError,
    8: UnsupportedError,
}
