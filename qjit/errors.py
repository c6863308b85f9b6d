"""Exceptions raised to users of qjit."""

from collections.abc import Mapping


class QJitError(Exception):
    """Base of every error that qjit raises to its users."""


class UnknownNameError(QJitError, AttributeError):
    """A name of qjit does not exist.

    `dir(qjit)` lists the names; those of gates and measurements are PennyLane's.
    """


class WireError(QJitError, ValueError):
    """A wire is out of range, repeated, or not an integer.

    Wires count from 0 to the number of wires less one, and the wires of one operation
    are distinct. Wires that are computed, such as a loop's counter, are checked when
    the program runs.
    """


class ParameterError(QJitError, ValueError):
    """A gate parameter has the wrong count, shape, or value.

    Gates take real, finite scalars. Angles that are computed are checked when the
    program runs; NaN there often comes from a square root or logarithm before it.
    """


class ParameterTypeError(QJitError, TypeError):
    """A parameter is of a type that cannot stand for an angle or a matrix.

    Angles are real: take `jnp.real` of a complex number first.
    """


class MatrixError(QJitError, ValueError):
    """A matrix is not unitary, not Hermitian, or has the wrong size.

    An operation on k wires takes a matrix of shape (2**k, 2**k). The product of a
    unitary with its adjoint is the identity, and a Hermitian matrix its own adjoint, up
    to 1e-6 or, of numbers in half precision, 8 units of their rounding. That is checked
    when tracing for a concrete matrix, and at run time for a traced one.
    """


class StateError(QJitError, ValueError):
    """A state vector is not normalised or has the wrong size.

    A state of k wires has 2**k amplitudes, whose squares sum to one up to 1e-6 or, of
    numbers in half precision, 8 units of their rounding. Known vectors, and traced ones
    of lower precision than the program's, are then divided by their norm; derivatives
    take it for a constant. `StatePrep(..., normalize=True)` divides by any norm, which
    is differentiated, and `pad_with=0` fills in missing amplitudes. A basis state has
    bits, which are 0 or 1.
    """


class OutsideQNodeError(QJitError, RuntimeError):
    """A quantum operation was called outside a quantum function.

    Gates and measurements belong into a function decorated with `@qjit.qnode(...)`,
    or into functions that such a function calls.
    """


class ArgumentError(QJitError, TypeError):
    """A compiled function was called with arguments that it cannot take.

    Arguments are arrays, numbers, and pytrees of them. Close over anything else, or
    make it static with `qjit(static_argnums=...)`.
    """


class AbstractedAxesError(QJitError, TypeError):
    """The option `abstracted_axes` does not fit the arguments.

    It names axes by position, as in `{0: "n"}` or `("n", None)`, once for all
    arguments or once per argument, as in `({0: "n"}, {})`.
    """


class DimensionError(QJitError, ValueError):
    """The sizes of arrays disagree, or a program needs a size when it is traced.

    Axes of one name have one size in a call. A program that is compiled for any size
    cannot branch in Python on that size: use `jnp.where` or `jax.lax.cond`, or leave
    the axis out of `abstracted_axes`.
    """


class MeasurementError(QJitError, ValueError):
    """A quantum function measures nothing, or in a place that has no meaning.

    A quantum function ends with measurements and returns them, or values computed
    from them. `qjit.measure` is the one measurement that gates may follow.
    """


class MeasuredValueError(QJitError, TypeError):
    """A measured value was used where Python needs a concrete one.

    Arguments and outcomes are known when the program runs, but Python's `if`, `range`
    and `float` need them when it is traced. Use `jax.lax.cond`, `jnp.where`, or
    `jax.lax.fori_loop`.
    """


class OutcomeTypeError(QJitError, TypeError):
    """It is not clear whether measured outcomes are meant as booleans or as numbers.

    What `qjit.measure` returns, and what operators make of it, is a boolean in logic
    and a number in arithmetic. Arrays of outcomes and results of JAX's functions can
    lose that: convert them to integers, as in `bits.astype(int)`.
    """


class ArrayError(QJitError, TypeError, ValueError):
    """An operation of JAX was given arrays of shapes or dtypes that do not fit.

    The message says what JAX says, and names the line. `x.shape` and `x.dtype` are
    known while a function is traced: print them there.
    """


class EscapedTracerError(QJitError, RuntimeError):
    """A traced value is used after the function that it belongs to was traced.

    It stands for a number of one call, and has no value of its own. Return it, rather
    than store it in a global, an attribute or a list.
    """


class ResultError(QJitError, TypeError):
    """A compiled function returned something that is no array.

    Results are arrays, numbers, and pytrees of them. Strings, functions and gates stay
    in Python: return what they stand for, or keep them outside.
    """


class StaticArgumentError(QJitError, TypeError, ValueError):
    """A static argument cannot be hashed, or names no parameter.

    A function is compiled once for each value of a static argument, so that it must be
    hashable: a tuple rather than a list, a frozen dataclass rather than a dictionary.
    """


class DonatedArgumentError(QJitError, RuntimeError, ValueError):
    """An array is used after it was given away with `donate_argnums`, or twice.

    Its memory holds results now. Use what the function returned, or do not donate it.
    """


class BranchError(QJitError, TypeError):
    """Branches or loop carries disagree in structure, shape, or dtype.

    All branches return values of equal shapes and dtypes, and a loop returns what it
    carries. Make the dtypes explicit, as in `jnp.zeros((), jnp.float32)`.
    """


class ArrayIndexError(QJitError, IndexError):
    """An item was assigned outside of an array.

    JAX would drop the value. An index that is traced is not checked.
    """


class SourceError(QJitError, OSError):
    """The source of a function that autograph converts is not available.

    `qjit(autograph=True)` rewrites the control flow in the source. Functions typed
    into a bare interpreter, or made by `exec`, have none: write them to a file, or use
    `jax.lax.cond` and `jax.lax.fori_loop` with `autograph=False`.
    """


class SimulatorMemoryError(QJitError, MemoryError):
    """A state vector, or a result, does not fit into memory.

    A state of n wires has 2**n amplitudes of 8 bytes (complex64) or 16 (complex128);
    a gradient keeps two states.
    """


class PostselectionError(QJitError, ValueError):
    """A measurement was postselected on an outcome of probability zero.

    What follows would be divided by zero. Postselect on an outcome that can occur.
    """


class DifferentiationError(QJitError, NotImplementedError):
    """A derivative was asked for that qjit cannot compute correctly.

    Use `jax.lax.stop_gradient` on what need not be differentiated.
    """


class DifferentiationTypeError(QJitError, TypeError):
    """A derivative by, or of, something that is no real or complex number.

    Integers and booleans do not move: give a float, such as `3.0`, or choose other
    arguments with `argnums`. Gradients are of real scalars, such as expectation
    values; Jacobians are of arrays.
    """


class UnsupportedError(QJitError, NotImplementedError):
    """A program uses a feature that this version does not compile.

    The message names the feature, and another way where there is one.
    """


class PipelineError(QJitError, ValueError):
    """A pipeline has a pass that does not exist, or an order that cannot work.

    `qjit.passes` lists the passes with their levels, which follow one another.
    """


class StageError(QJitError, ValueError):
    """The text of a stage is no program that can be gone on with.

    It is the text of one stage of `f.stages(*args)`, with its attributes, and what was
    edited in it must keep the rules of its operations.
    """


class QasmError(QJitError, ValueError):
    """An OpenQASM text cannot be read, or does what has no meaning here.

    The message names the line and column of the text, which are also the attributes
    `line` and `column`. Versions 2.0 and 3 are read, with the gates of `qelib1.inc`
    and `stdgates.inc`.
    """

    line: int = 1
    column: int = 1


class QirError(QJitError, ValueError):
    """A text is no program in QIR that can be read.

    `qjit.from_qir` reads the base and the adaptive profile of QIR 2 as compilers write
    them: static qubits, branches that meet again, and loops that test in their header.
    """


class QiskitCircuitError(QJitError, ValueError):
    """A circuit of Qiskit has an instruction that has no meaning here.

    The message names the instruction and its position among those of the circuit, and
    within the blocks and definitions around it. What Qiskit's standard gates, control
    flow and expressions make up is read; stretches and durations are not.
    """


class MissingPackageError(QJitError, ImportError):
    """A package that qjit needs for something optional is not installed.

    `pip install 'qjit[draw]'` installs what figures need, and `'qjit[qasm]'` what reads
    OpenQASM.
    """


class JobError(QJitError, RuntimeError):
    """A job on a runtime of others failed, was cancelled, or cannot be asked about.

    The message has the runtime's own words, and says how to go on. What of the job is
    there already is not lost: `job.available()` returns it. The error's `job` is the
    job's id, and its `reasons` say of circuits, by their numbers, why they failed.
    """

    def __init__(
        self,
        message: str,
        *,
        job: str | None = None,
        reasons: Mapping[int, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.job = job
        self.reasons = dict(reasons or {})


class JobTimeoutError(JobError, TimeoutError):
    """A job is not done within the time that its caller wanted to wait.

    It goes on: wait again, keep it with `job.to_json()`, or end it with `job.cancel()`.
    """


class CredentialError(QJitError, ValueError):
    """An option of a backend looks like a credential.

    Options are kept with jobs, so that other processes can go on with them. Give
    tokens and passwords in the way that the vendor's own package has for them: an
    environment variable, or a file of its own.
    """


class DeviceError(QJitError, RuntimeError):
    """A device of another library failed, or cannot be loaded.

    The message has the device's own words. A library exports the function of
    `qjit_device.h`, and is the one that it was when the device was made.
    """


class DebugAssertionError(QJitError, AssertionError):
    """A condition that `qjit.debug_assert` was given did not hold.

    The message is the one that the program gave.
    """


class HostCallError(QJitError, RuntimeError):
    """A Python function called from compiled code raised an exception.

    The message ends with the type and text of that exception.
    """


RUNTIME_ERRORS: dict[int, type[QJitError]] = {
    1: WireError,
    2: WireError,
    3: ParameterError,
    4: MatrixError,
    5: StateError,
    6: SimulatorMemoryError,
    7: PostselectionError,
    8: UnsupportedError,
    9: DeviceError,
    10: PostselectionError,
    16: ParameterError,
    17: MatrixError,
    18: StateError,
    19: DifferentiationError,
    20: WireError,
    21: DebugAssertionError,
    22: MeasurementError,
}
