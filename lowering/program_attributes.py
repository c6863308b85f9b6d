"""Attributes of a module: what a program is, besides its functions.

With them the text of a module is complete: a program can go on from it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from jax import export
from jax.core import ShapedArray
from xdsl.dialects.builtin import (
    ArrayAttr,
    BoolAttr,
    DictionaryAttr,
    IntegerAttr,
    ModuleOp,
    StringAttr,
    UnitAttr,
    i64,
)
from xdsl.ir import Attribute, Operation

from qjit.dialects.quantum.linearity import LINES
from qjit.lowering.jax_internals.equations import is_key, key_implementation
from qjit.lowering.jaxpr.dimensions import Size

ENTRY = "qjit.entry"  # the symbol of the function that is the program
INPUTS, RESULTS = "qjit.inputs", "qjit.results"
DIMENSIONS, SIZES = "qjit.dimensions", "qjit.sizes"
SEED = "qjit.seed"
# Of an assertion: the status word of a program that fails it.
STATUS = "qjit.status"
SIDE_EFFECTS = "qjit.side_effects"
PASSES = "qjit.passes"  # that are yet to come
CIRCUIT_PASSES = "passes"  # of the operation that begins a circuit, on this one only
FINAL_PASSES = "final_passes"  # of the same, on what its device's passes leave
WEAK = "weak "
# Of an allocation: which quantum function it is of, and what its wires are called.
CIRCUIT, LABELS = "circuit", "labels"
# Of an allocation: that its circuit is over dual numbers, whose state is no state.
DUAL = "dual"
# Of an allocation: that its circuit has the key of its random numbers.
SEEDED = "seeded"
# Of an allocation, and of a function of gates: how long operations take.
DURATIONS = "durations"


@dataclass(frozen=True)
class Interface:
    """What the callers of a program know about it."""

    entry: str
    inputs: tuple[ShapedArray, ...]
    results: tuple[ShapedArray, ...]
    lines: tuple[str, ...]
    dimensions: tuple[str, ...]
    sizes: Mapping[Size, bool]
    seed: int | None
    has_side_effects: bool

    def write(self, module: ModuleOp) -> None:
        """Give a module the attributes that say all this."""
        module.attributes |= {
            ENTRY: StringAttr(self.entry),
            INPUTS: _texts(map(array_text, self.inputs)),
            RESULTS: _texts(map(array_text, self.results)),
        }
        set_lines(module, self.lines)
        if self.dimensions:
            module.attributes[DIMENSIONS] = _texts(self.dimensions)
        if self.sizes:
            fits = {
                str(size): BoolAttr.from_bool(on) for size, on in self.sizes.items()
            }
            module.attributes[SIZES] = DictionaryAttr(fits)
        if self.seed is not None:
            module.attributes[SEED] = IntegerAttr(self.seed, i64)
        if self.has_side_effects:
            module.attributes[SIDE_EFFECTS] = UnitAttr()

    @staticmethod
    def read(module: ModuleOp) -> "Interface":
        """Return what the attributes of a module say."""
        found = module.attributes
        names = texts_of(found.get(DIMENSIONS))
        seed, sizes = found.get(SEED), found.get(SIZES)
        entry = found.get(ENTRY)
        if not isinstance(entry, StringAttr):
            raise ValueError(f"the module has no attribute {ENTRY}")
        scope = export.SymbolicScope()
        fits: dict[Size, bool] = {}
        if isinstance(sizes, DictionaryAttr):
            for text, on in sizes.data.items():
                (size,) = export.symbolic_shape(text, scope=scope)
                fits[size] = isinstance(on, IntegerAttr) and bool(on.value.data)
        return Interface(
            entry.data,
            tuple(array_of(text, scope) for text in texts_of(found.get(INPUTS))),
            tuple(array_of(text, scope) for text in texts_of(found.get(RESULTS))),
            texts_of(found.get(LINES)),
            names,
            fits,
            seed.value.data if isinstance(seed, IntegerAttr) else None,
            SIDE_EFFECTS in found,
        )


def _texts(texts: Iterable[str]) -> ArrayAttr[StringAttr]:
    return ArrayAttr(map(StringAttr, texts))


def texts_of(attribute: Attribute | None) -> tuple[str, ...]:
    """Return the strings of an attribute, none if there is no attribute."""
    items: Sequence[Any] = attribute.data if isinstance(attribute, ArrayAttr) else ()
    return tuple(item.data for item in items if isinstance(item, StringAttr))


def set_lines(module: ModuleOp, lines: Iterable[str]) -> None:
    """Let a module list the user's lines, which operations name by number."""
    module.attributes[LINES] = _texts(lines)


def set_passes(op: Operation, names: Sequence[str], kind: str = PASSES) -> None:
    """Let a module, or what begins a circuit, say which passes are yet to come."""
    op.attributes[kind] = _texts(names)


def array_text(aval: Any) -> str:
    """Return the text of an abstract array, such as `weak float64[n, 3]`."""
    kind = f"key<{key_implementation(aval.dtype)}>" if is_key(aval.dtype) else None
    weak = WEAK if aval.weak_type else ""
    shape = ", ".join(map(str, aval.shape))
    return f"{weak}{kind or np.dtype(aval.dtype).name}[{shape}]"


def array_of(text: str, scope: Any) -> ShapedArray:
    """Return the abstract array of a text."""
    weak = text.startswith(WEAK)
    name, _, shape = text.removeprefix(WEAK).removesuffix("]").partition("[")
    sizes = export.symbolic_shape(shape, scope=scope) if shape else ()
    if name.startswith("key<"):
        kind = name.removeprefix("key<").removesuffix(">")
        dtype: Any = jax.eval_shape(lambda: jax.random.key(0, impl=kind)).dtype
    else:
        dtype = jax.numpy.dtype(name)
    return ShapedArray(sizes, dtype, weak_type=weak)
