"""Turning errors of JAX into errors that name the user's line and a remedy."""

import contextlib
import functools
import inspect
import linecache
import re
import traceback
from collections.abc import Callable, Collection, Generator
from contextlib import contextmanager
from typing import Any

import jax
import numpy as np
from jax.core import Tracer

from qjit import errors
from qjit.errors import (
    RUNTIME_ERRORS,
    ArgumentError,
    BranchError,
    DeviceError,
    DifferentiationError,
    DifferentiationTypeError,
    DimensionError,
    HostCallError,
    MeasuredValueError,
    QJitError,
    ResultError,
    SimulatorMemoryError,
    UnsupportedError,
)
from qjit.lowering.jax_internals.tracing import (
    ARRAY,
    core,
    evaluated_parts,
    is_user_filename,
    user_line,
)
from qjit.lowering.native.memory_limits import LARGE, available_memory, size_text
from qjit.lowering.native.python_callbacks import raised
from qjit.lowering.passes.pipeline import PassError
from qjit.runtime.abi.status import HOST_ERROR, INTERRUPTED
from qjit.runtime.devices.libraries import LibraryError

from .jax_errors import (
    CALLED,
    SIZES,
    SOURCES,
    is_from_jax,
    joined,
    needs_size,
    sentences,
    translated,
)
from .options import refused
from .reasons import reason_of

_LIBRARIES = (
    *SOURCES,
    *CALLED,
    *(str(module.__file__) for module in (contextlib, functools)),
)

_RAISED = re.compile(r"^\S+: \S+ raised (\w+): (.*)", re.DOTALL)
_STATUS = re.compile(r"\[QJIT:(\d+)\] (.*)", re.DOTALL)

# What JAX says of callbacks under transformations that they do not take.
_CALLBACK = re.compile(
    r"callbacks do not support JVP|`vmap` ordered|vmap is only supported for the pure"
)

_UNKNOWN_SIZE = ("_DimExpr", "non-constant", "shape polymorphism")

# What JAX says of derivatives that there are none of, and what helps.
_FLOATS = (
    "Differentiate by real or complex numbers, such as 3.0 for 3, and choose them with "
    "argnums."
)
_NOT_MOVING = {
    "-valued inputs (": _FLOATS,
    "in case of int/bool primal": _FLOATS,
    "-valued outputs (": "Differentiate real results, such as expectation values.",
    "only defined for scalar-output": "Use a Jacobian, or reduce the result to a "
    "number, as with jnp.sum.",
}

_MISMATCH = ("cond branch", "branch_fun", "true_fun", "scan body", "body_fun", "carry")


def line_of(error: BaseException) -> str:
    """Return `file:line` of the innermost frame of the user's own code."""
    frame = _user_frame(error)
    return f"{frame.filename}:{frame.lineno}" if frame else user_line()


def _user_frame(error: BaseException) -> traceback.FrameSummary | None:
    frames = traceback.extract_tb(error.__traceback__)
    return next((f for f in reversed(frames) if is_users(f.filename)), None)


def is_users(filename: str) -> bool:
    """Tell whether a file is the user's, and not one of qjit, JAX or NumPy."""
    library = filename.startswith((*_LIBRARIES, "<frozen"))
    return is_user_filename(filename) and not library


def _expression_of(error: BaseException) -> str:
    """Return the text of the user's expression that raised an error."""
    frame = _user_frame(error)
    if frame is None or frame.lineno is None:
        return ""
    line = linecache.getline(frame.filename, frame.lineno)
    text = line
    if frame.lineno == frame.end_lineno:
        text = line.encode()[frame.colno : frame.end_colno].decode(errors="replace")
    # NOTE: until Python 3.12 a condition is marked with its statement.
    return re.sub(r"^(?:if|elif|while) (.*):$", r"\1", text.strip())


def definition_line(function: Callable[..., Any]) -> str:
    """Return `file:line` where a function was defined."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    if code is None:
        return user_line()
    return f"{code.co_filename}:{code.co_firstlineno}"


def check_result_size(avals: Any, what: str) -> None:
    """Refuse results that do not fit into memory."""
    size = sum(aval.size * aval.dtype.itemsize for aval in avals)
    if size >= LARGE and size > available_memory():
        raise SimulatorMemoryError(
            f"{user_line()}: the results of '{what}' need {size_text(size)}, but "
            f"{size_text(available_memory())} of memory is available. Return less, "
            "such as the probabilities of some wires."
        )


@contextmanager
def reraised() -> Generator[None]:
    """Turn the status text of a native program into the exception it stands for."""
    try:
        yield
    except QJitError:
        raise
    except PassError as error:
        raise UnsupportedError(str(error)) from error
    except LibraryError as error:
        raise DeviceError(f"{user_line()}: {error}") from error
    except (ValueError, RuntimeError) as error:
        text = str(error)
        if _CALLBACK.search(text):
            raise _explained_callback(error) from error
        found = _STATUS.search(text)
        if found is not None and int(found[1]) == INTERRUPTED:
            raise raised(text) from None
        if found is not None:
            raise _native_error(int(found[1]), found[2].strip()) from None
        if not text.startswith("RESOURCE_EXHAUSTED"):
            raise
        raise SimulatorMemoryError(
            f"{line_of(error)}: {text.removeprefix('RESOURCE_EXHAUSTED: ')} "
            f"{size_text(available_memory())} of memory is available. Use fewer wires, "
            "or return less."
        ) from error


def _native_error(status: int, text: str) -> QJitError:
    """Return the error of a status, which for a call out is what our code raised."""
    own = _RAISED.search(text) if status == HOST_ERROR else None
    kind = getattr(errors, own[1], None) if own is not None else None
    if own is not None and isinstance(kind, type) and issubclass(kind, QJitError):
        return kind(own[2])
    return RUNTIME_ERRORS.get(status, HostCallError)(text)


def _explained_callback(error: Exception) -> QJitError:
    """Explain which transformations a callback does not take."""
    text = str(error).splitlines()[0]
    if "JVP" not in text:
        return UnsupportedError(f"{line_of(error)}: {text}")
    return DifferentiationError(
        f"{line_of(error)}: a callback that returns values has no derivative. Give it "
        "one with jax.custom_jvp around jax.pure_callback, or put "
        "jax.lax.stop_gradient on what it takes."
    )


@contextmanager
def called(function: Callable[..., Any], args: Any, kwargs: Any) -> Generator[None]:
    """Explain what goes wrong while a function is called with these arguments."""
    try:
        with reraised():
            yield
    except QJitError:
        raise
    except TypeError as error:
        check_signature(function, args, kwargs, error)
        if "as an abstract array" in str(error):
            check_arrays(function, args, kwargs, error)
        _refuse(error, function_name(function), args, kwargs)
        raise
    except Exception as error:
        _refuse(error, function_name(function), args, kwargs)
        raise


def _refuse(error: Exception, name: str, args: Any, kwargs: Any) -> None:
    """Raise what is known to be wrong with a call."""
    found = refused(error, name, args, kwargs)
    found = found or translated(error, line_of(error), name)
    if found is not None:
        raise found from error


def call(
    jitted: Callable[..., Any], function: Callable[..., Any], args: Any, kwargs: Any
) -> Any:
    """Call a compiled function, wait for its results, and explain what goes wrong."""
    try:
        results = jitted(*args, **kwargs)
        if type(results) is ARRAY and results.is_ready():  # to save a microsecond
            return results
        return ready(results)
    except Exception:
        # NOTE: only here, because entering a context costs as much as a short call.
        with called(function, args, kwargs):
            raise


def check_signature(
    function: Callable[..., Any], args: Any, kwargs: Any, cause: Any = None
) -> None:
    """Refuse arguments that do not fit the parameters of a function."""
    try:
        inspect.signature(function).bind(*args, **kwargs)
    except TypeError as error:
        raise ArgumentError(
            f"{user_line()}: '{function_name(function)}' was called with wrong "
            f"arguments: {error}. It is defined at {definition_line(function)}."
        ) from cause


def check_arrays(
    function: Callable[..., Any], args: Any, kwargs: Any, cause: Any = None
) -> None:
    """Refuse arguments that are no arrays."""
    for path, leaf in jax.tree_util.tree_leaves_with_path((args, kwargs)):
        if not is_array(leaf):
            place = jax.tree_util.keystr(path[1:]).strip("[]'")
            raise ArgumentError(
                f"{user_line()}: '{function_name(function)}' takes arrays and numbers, "
                f"but argument {place} holds an object of type {type(leaf).__name__}. "
                "Close over it, or make it static with qjit(static_argnums=...)."
            ) from cause


def check_results(results: Any, function: Callable[..., Any]) -> None:
    """Refuse results that are no arrays, such as a string or a function."""
    for path, leaf in jax.tree_util.tree_leaves_with_path(results):
        if not is_array(leaf):
            place = jax.tree_util.keystr(path)
            where = f" at result{place}" if place else ""
            raise ResultError(
                f"{definition_line(function)}: '{function_name(function)}' returns an "
                f"object of type {type(leaf).__name__}{where}. Return arrays, numbers, "
                "and tuples, lists or dictionaries of them."
            )


def function_name(function: Callable[..., Any]) -> str:
    """Return the name of a function, which an object may lack."""
    return getattr(function, "__name__", "the function")


def is_array(leaf: Any) -> bool:
    """Tell whether JAX takes a value as an array."""
    if isinstance(leaf, np.ndarray | np.generic):
        return leaf.dtype.kind not in "OSUMm"
    return hasattr(leaf, "dtype") or isinstance(leaf, int | float | complex)


def ready(results: Any) -> Any:
    """Wait for results, so that an error is raised by the call that made it."""
    for leaf in jax.tree.leaves(results):
        if isinstance(leaf, Tracer):
            jax.block_until_ready([*evaluated_parts(leaf)])
        elif not _is_ready(leaf):
            jax.block_until_ready(leaf)
    return results


def awaited(function: Callable[..., Any], *args: Any) -> Any:
    """Call a function and wait for its results, those of eager transformations too."""
    with reraised():
        return ready(function(*args))


def _is_ready(leaf: Any) -> bool:
    # NOTE: arrays of random keys cannot tell.
    return hasattr(leaf, "is_ready") and leaf.is_ready()


@contextmanager
def explained(name: str, *, dimensions: Collection[str] = ()) -> Generator[None]:
    """Explain what JAX refuses while a function is traced.

    `dimensions` names the sizes that are open.
    """
    try:
        yield
    except QJitError:
        raise
    except (
        jax.errors.ConcretizationTypeError,
        jax.errors.TracerIntegerConversionError,
        jax.errors.TracerArrayConversionError,
    ) as error:
        raise _needs_concrete(name, error) from error
    except NameError as error:
        reason = reason_of(error)
        if reason is None:
            raise
        raise BranchError(
            f"{line_of(error)}: in '{name}', {error}. {reason} Give it a value of one "
            "structure, shape and dtype on every way that leads here."
        ) from error
    except RecursionError as error:
        raise UnsupportedError(
            f"{line_of(error)}: '{name}' calls functions without end when it is "
            "traced. Recursion ends on a condition that is known then: make the depth "
            "static with qjit(static_argnums=...), or write a loop."
        ) from error
    except core.InconclusiveDimensionOperation as error:
        raise _unknown_size(name, error) from error
    except Exception as error:
        _explain_control_flow(name, error)
        if dimensions and is_from_jax(error):
            _explain_dimensions(name, error, dimensions)
        found = translated(error, line_of(error), name)
        if found is None:
            raise
        raise found from error


def _explain_control_flow(name: str, error: Exception) -> None:
    """Explain derivatives, branches and loops that JAX refuses."""
    if str(error).startswith("Reverse-mode differentiation does not work"):
        raise DifferentiationError(
            f"{line_of(error)}: in '{name}', a loop whose number of iterations is "
            "known only when it runs has no reverse-mode derivative. Loop over a "
            "range of known length, with `break` where needed, give qjit.for_loop or "
            "qjit.while_loop max_iterations=, or use jax.jvp."
        ) from error
    if isinstance(error, TypeError):
        _explain_derivative(error)
        text = sentences(error)
        if any(word in text for word in _MISMATCH):
            raise BranchError(f"{line_of(error)}: in '{name}', {text}") from error


@contextmanager
def differentiating(function: Callable[..., Any]) -> Generator[None]:
    """Explain what JAX refuses to differentiate, before it traces anything."""
    try:
        yield
    except QJitError:
        raise
    except TypeError as error:
        _explain_derivative(error)
        found = translated(error, line_of(error), function_name(function))
        if found is None:
            raise
        raise found from error


def _explain_derivative(error: TypeError) -> None:
    """Explain a derivative by or of something that does not move."""
    text = str(error)
    found = next((remedy for say, remedy in _NOT_MOVING.items() if say in text), None)
    if found is not None:
        said = re.split(r"[.;] |[.]$", text)[0]
        raise DifferentiationTypeError(f"{line_of(error)}: {said}. {found}") from error


def _needs_concrete(name: str, error: BaseException) -> QJitError:
    found = re.search(r"traced array with shape (\w+\[[^\]]*\])", str(error))
    kind = f"{found[1]}, " if found else ""
    text = _expression_of(error)
    place = f" in `{text}`" if text else ""
    if needs_size(error):
        return joined(MeasuredValueError, type(error))(
            f"{line_of(error)}: '{name}' gives JAX a traced value for a size{place}. "
            f"{SIZES}"
        )
    return joined(MeasuredValueError, type(error))(
        f"{line_of(error)}: '{name}' uses a traced value ({kind}from an argument or a "
        f"measured outcome){place}, where Python needs a concrete one. Use "
        "jax.lax.cond, jax.lax.fori_loop or jnp.where, make the argument static with "
        "static_argnums=... of qjit or qnode, or let Python's if, for and while work "
        "on traced values with qjit(autograph=True)."
    )


def _explain_dimensions(
    name: str, error: Exception, dimensions: Collection[str]
) -> None:
    """Explain an error that comes from sizes that are open."""
    if any(word in str(error) for word in _UNKNOWN_SIZE):
        raise _unknown_size(name, error) from error
    if re.search(rf"\b(?:{'|'.join(map(re.escape, dimensions))})\b", str(error)):
        raise joined(DimensionError, type(error))(
            f"{line_of(error)}: in '{name}', {sentences(error)} Sizes of different "
            "names, and a name and a number, may differ: give axes that are always "
            "equal one name, and leave an axis of fixed size out of abstracted_axes."
        ) from error


def _unknown_size(name: str, error: BaseException) -> DimensionError:
    text = str(error).splitlines()[0].rstrip(".")
    if "_DimExpr" in text:
        text = "a size stands where Python takes an integer"
    return DimensionError(
        f"{line_of(error)}: '{name}' needs a size when it is traced, but is compiled "
        f"for any size: {text}. Use jnp.where or jax.lax.cond to branch on x.shape, "
        "and jax.lax.scan or fori_loop to loop on it, or leave the axis out of "
        "abstracted_axes: then each size is compiled by itself."
    )
