"""What JAX refuses while it traces, as errors of qjit that are also JAX's own.

An error of JAX is told from one that the user's code raises itself: by the frame that
it comes from, or, where JAX has left its frames out, by the instruction.
"""

import dis
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any

import jax

from qjit.errors import ArrayError, EscapedTracerError, MeasuredValueError, QJitError
from qjit.runtime.recent import MOST

_JAX = str(Path(jax.__file__).parent)
# Where errors of JAX come from: einsum is parsed by another library.
SOURCES = (_JAX, str(Path(_JAX).with_name("opt_einsum")))
# What JAX calls, and the code that it traces may call as well.
CALLED = tuple(
    str(Path(_JAX).with_name(name)) for name in ("numpy", "ml_dtypes", "scipy")
)
# How JAX says that it left its frames out of a traceback.
_FILTERED = "JAX has removed its internal frames"
_RAISING = {dis.opmap[name] for name in ("RAISE_VARARGS", "RERAISE")}
_KINDS = (
    *(TypeError, ValueError, IndexError, OverflowError, AttributeError),
    *(NotImplementedError, ZeroDivisionError),
)

# What JAX says of traced values that it needs as numbers.
_TRACED_SIZE = re.compile(
    r"Shapes must be 1D sequences of concrete|It arose in the jnp\.|argument of jnp\.|"
    r"in jax\.numpy\.\w+ argument|must (?:be|have) static|`\w+` argument to|"
    r"not hashable: .*Tracer"
)
_REMEDIES: tuple[tuple[str, str], ...] = (
    (
        r"accept dtype|dtype|type promotion",
        "Convert it first, as with x.astype(float).",
    ),
    (
        r"shape|size|dimension|broadcast|ndim|axis|axes|rank|concatenate",
        "Print x.shape while it is traced to see what came, and reshape it or take "
        "another axis.",
    ),
    (
        r"argument|requires|must be|not a valid JAX type|unexpected type",
        "Give it arrays and numbers.",
    ),
    (r"", "Change what this line gives to JAX."),
)
SIZES = (
    "The sizes of arrays are known when it is traced: make the size static with "
    "qjit(static_argnums=...), take it from the shape of an argument with "
    'qjit(abstracted_axes={0: "n"}), or make an array as large as it can get and mask '
    "it, as with jnp.arange(most) < n."
)


@lru_cache(MOST)
def joined(kind: type[QJitError], other: type[BaseException]) -> type[QJitError]:
    """Return an error class that is one of qjit's and another one as well."""
    if issubclass(kind, other):
        return kind

    def initialise(self: Any, *args: Any) -> None:
        # NOTE: some of JAX's take a tracer, and write a text of their own.
        Exception.__init__(self, *args)

    members = {
        "__init__": initialise,
        "__doc__": kind.__doc__,
        "__module__": kind.__module__,
        "__qualname__": kind.__qualname__,
        "__reduce__": lambda self: (kind, self.args),
    }
    return type(kind.__name__, (kind, other), members)


def is_from_jax(error: BaseException) -> bool:
    """Tell whether JAX raised an error, rather than the code that it traced."""
    frames = [
        frame
        for frame in _frames(error.__traceback__)
        if not frame.tb_frame.f_code.co_filename.startswith(CALLED)
    ]
    if not frames:
        return False
    if re.search(r"'(?:\w*Tracer|_DimExpr)'", str(error)):  # Python's own text
        return True
    last = frames[-1]
    if last.tb_frame.f_code.co_filename.startswith(SOURCES):
        return True
    if not any(_FILTERED in note for note in getattr(error, "__notes__", ())):
        return type(error.__cause__).__name__ == "UnfilteredStackTrace"
    code = last.tb_frame.f_code.co_code
    return code[last.tb_lasti] not in _RAISING


def _frames(traceback: TracebackType | None) -> Iterator[TracebackType]:
    while traceback is not None:
        yield traceback
        traceback = traceback.tb_next


def sentences(error: BaseException) -> str:
    """Return what an error says in one line, without what JAX adds to it."""
    text = re.split(r"\n?See https?://|\n-{10,}|\s+This typically means", str(error))[0]
    text = re.sub(r"\b\w*Tracer\b", "array", re.sub(r" at 0x\w+", "", text))
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " ".join(line if line[-1] in ".:,;" else f"{line}." for line in lines)


def translated(error: Exception, line: str, name: str) -> QJitError | None:
    """Return an error of qjit for one of JAX's; None for one of the user's own."""
    if isinstance(error, jax.errors.UnexpectedTracerError):
        return escaped(error, line, name)
    if isinstance(error, jax.errors.NonConcreteBooleanIndexError):
        return joined(MeasuredValueError, type(error))(
            f"{line}: '{name}' takes the elements of an array where a traced mask is "
            "true, whose number is not known when it is traced. Use jnp.where(mask, x, "
            "0), or jnp.nonzero(mask, size=...)."
        )
    # NOTE: in an outer call, JAX may have left out the frames that tell.
    known = vars(error).setdefault("_is_from_jax", is_from_jax(error))
    if not isinstance(error, _KINDS) or not known:
        return None
    if needs_size(error):
        return joined(MeasuredValueError, type(error))(
            f"{line}: '{name}' gives JAX a traced value for a size. {SIZES}"
        )
    text = sentences(error)
    remedy = next(say for what, say in _REMEDIES if re.search(what, text, re.I))
    return joined(ArrayError, type(error))(f"{line}: in '{name}', {text} {remedy}")


def needs_size(error: BaseException) -> bool:
    """Tell whether JAX was given a traced value for the size of an array."""
    return bool(_TRACED_SIZE.search(str(error)))


def escaped(error: BaseException | None, line: str, name: str) -> QJitError:
    """Return the error of a traced value that is used after its trace."""
    made = re.search(r"value was created on line (\S+:\d+):\d+", str(error))
    where = f", made at {made[1]}" if made else ""
    kind = joined(EscapedTracerError, jax.errors.UnexpectedTracerError)
    return kind(
        f"{line}: '{name}' uses a traced value of another function{where}, which has "
        "no value any more. Return it from that function, and pass it as an argument, "
        "rather than store it in a global, an attribute or a list."
    )
