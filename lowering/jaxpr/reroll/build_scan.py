"""Writing repeated equations as a loop: what varies becomes arrays that it scans."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import ClosedJaxpr, JaxprEqn, Literal, Var, jaxpr_as_fun

Place = tuple[int, int]  # an equation of the body, and one of its results


@dataclass(frozen=True)
class Source:
    """Where an operand comes from: its atoms outside, and what the kind needs.

    "constant" is the same in every iteration. "carry" is a result (`detail`) of the
    iteration before, and the atom in the first one. "table" takes numbers known when
    tracing (`detail`), "stack" one scalar for each iteration, and "window" slices of
    an array, where a slice equation started at `detail`.
    """

    kind: str
    atoms: list[Any]
    detail: Any = None


@dataclass
class ScannedInput:
    """An input that has one entry for each iteration."""

    inner: Var
    make: Callable[[Callable[[Any], Any]], Any]
    atoms: list[Any]


@dataclass
class Window:
    """A slice of an array that moves from one iteration to the next."""

    inner: Var
    atom: Any
    starts: np.ndarray

    @property
    def sizes(self) -> tuple[int, ...]:
        """Return the shape of the slice."""
        return tuple(self.inner.aval.shape)  # pyright: ignore[reportAttributeAccessIssue]


@dataclass
class Body:
    """The equations of one iteration, and the variables that they take."""

    count: int
    eqns: list[JaxprEqn] = field(default_factory=list[JaxprEqn])
    constants: dict[Var, None] = field(default_factory=dict[Var, None])
    carries: dict[Hashable, tuple[Var, Any, Place]] = field(
        default_factory=dict[Hashable, tuple[Var, Any, Place]]
    )
    scanned: list[ScannedInput] = field(default_factory=list[ScannedInput])
    windows: list[Window] = field(default_factory=list[Window])

    def take(self, eqn: JaxprEqn, sources: dict[int, Source]) -> None:
        """Add an equation whose operands come from these sources."""
        if any(source.kind == "window" for source in sources.values()):
            source = sources[0]
            starts = np.asarray(source.detail, np.int32)
            self.windows.append(Window(eqn.outvars[0], source.atoms[0], starts))
            return
        invars = list(eqn.invars)
        for number, source in sources.items():
            invars[number] = self._operand(invars[number], source)
        self.eqns.append(eqn.replace(invars=invars))

    def _operand(self, atom: Any, source: Source) -> Any:
        match source.kind:
            case "constant":
                constant = source.atoms[0]
                if not isinstance(constant, Literal):
                    self.constants[constant] = None
                return constant
            case "carry":
                return self.carried(source.detail, source.atoms[0], atom.aval)
            case "table":
                table = source.detail
                return self._scanned(atom.aval, lambda _: table, [])
            case _:
                atoms = source.atoms
                return self._scanned(
                    atom.aval, lambda read: _stacked(atoms, read), atoms
                )

    def _scanned(self, aval: Any, make: Callable[..., Any], atoms: list[Any]) -> Var:
        self.scanned.append(ScannedInput(Var(aval), make, atoms))
        return self.scanned[-1].inner

    def carried(self, place: Place, initial: Any, aval: Any) -> Var:
        """Return the variable of a result of the iteration before."""
        key = (place, initial if isinstance(initial, Var) else id(initial))
        if key not in self.carries:
            self.carries[key] = (Var(aval), initial, place)
        return self.carries[key][0]


def _stacked(atoms: Sequence[Any], read: Callable[[Any], Any]) -> Any:
    return jnp.stack([_as(read(atom), atom.aval) for atom in atoms])


@dataclass
class Loop:
    """A body, and which of its results are wanted afterwards."""

    body: Body
    results: dict[Var, tuple[int, Place]]  # of which iteration, and which one
    all_eqns: Sequence[JaxprEqn]

    def __post_init__(self) -> None:
        self.finals: dict[Place, int] = {}
        for var, (iteration, place) in self.results.items():
            if iteration == self.body.count - 1:
                self.finals.setdefault(place, self._carry(place, var.aval))
        stacked = [
            place for k, place in self.results.values() if k < self.body.count - 1
        ]
        self.stacked = {place: n for n, place in enumerate(dict.fromkeys(stacked))}

    def _carry(self, place: Place, aval: Any) -> int:
        """Return the number of the carry that ends as a result of the body."""
        carries = list(self.body.carries.values())
        for number, (_, _, carried) in enumerate(carries):
            if carried == place:
                return number
        self.body.carried(place, None, aval)
        return len(carries)

    @property
    def outputs(self) -> list[Any]:
        """Return the variables that the body returns."""
        carried = [place for _, _, place in self.body.carries.values()]
        places = [*carried, *self.stacked]
        return [self.all_eqns[place].outvars[number] for place, number in places]

    @property
    def outer(self) -> list[Var]:
        """Return the variables that the loop takes from outside."""
        body = self.body
        atoms = [
            *body.constants,
            *(initial for _, initial, _ in body.carries.values()),
            *(atom for each in body.scanned for atom in each.atoms),
            *(window.atom for window in body.windows),
        ]
        return [v for v in dict.fromkeys(map(_variable, atoms)) if v is not None]


def _variable(atom: Any) -> Var | None:
    return atom if isinstance(atom, Var) else None


def traced(
    loop: Loop, eqns: Sequence[JaxprEqn], consts: dict[Var, Any]
) -> tuple[list[JaxprEqn], dict[Var, Any]]:
    """Return the equations of a loop over a rolled body, and their constants."""
    body, outer = loop.body, loop.outer
    single, moving = _grouped(body.windows)
    inner = [
        *body.constants,
        *(var for var, _, _ in body.carries.values()),
        *(each.inner for each in body.scanned),
        *(window.inner for group in single for window in group),
        *(window.inner for window in moving),
    ]
    template = jax.make_jaxpr(lambda: ())().jaxpr
    closed = ClosedJaxpr(
        template.replace(
            constvars=[*consts], invars=inner, outvars=loop.outputs, eqns=eqns
        ),
        [*consts.values()],
    )

    def run(*values: Any) -> list[Any]:
        env = dict(zip(outer, values, strict=True))

        def read(atom: Any) -> Any:
            return atom.val if isinstance(atom, Literal) else env[atom]

        constants = [env[var] for var in body.constants]
        initial = [
            _blank(var.aval) if atom is None else _as(read(atom), var.aval)
            for var, atom, _ in body.carries.values()
        ]
        xs = [
            [each.make(read) for each in body.scanned],
            [_elements(read(group[0].atom), group) for group in single],
            [_window_slices(read(window.atom), window) for window in moving],
        ]

        def step(carry: Any, x: Any) -> Any:
            scanned, elements, slices = x
            args = [*constants, *carry, *scanned]
            for group, values in zip(single, elements, strict=True):
                args += [values[n].reshape(w.sizes) for n, w in enumerate(group)]
            args += [
                _window(read(window.atom), window, part)
                for window, part in zip(moving, slices, strict=True)
            ]
            outs = jaxpr_as_fun(closed)(*args)
            return outs[: len(initial)], outs[len(initial) :]

        carry, ys = jax.lax.scan(step, initial, xs, length=body.count)
        return [
            carry[loop.finals[place]]
            if iteration == body.count - 1
            else ys[loop.stacked[place]][iteration]
            for iteration, place in loop.results.values()
        ]

    return _inlined(run, outer, list(loop.results))


def _blank(aval: Any) -> Any:
    return jnp.zeros(aval.shape, aval.dtype)


def _as(value: Any, aval: Any) -> Any:
    return jnp.asarray(value, aval.dtype)


def _grouped(windows: Sequence[Window]) -> tuple[list[list[Window]], list[Window]]:
    """Group the windows of one element by their arrays."""
    groups: dict[Any, list[Window]] = {}
    moving: list[Window] = []
    for window in windows:
        if np.prod(window.sizes) == 1:
            groups.setdefault(window.atom, []).append(window)
        else:
            moving.append(window)
    return list(groups.values()), moving


def _elements(array: Any, group: Sequence[Window]) -> Any:
    """Return the elements that the windows of a group show, iteration by iteration."""
    places = [np.ravel_multi_index(w.starts.T, array.shape) for w in group]
    table = np.stack(places, axis=1)
    flat, first = array.reshape(-1), int(table[0, 0])
    if np.array_equal(table.reshape(-1), np.arange(first, first + table.size)):
        return flat[first : first + table.size].reshape(table.shape)
    return flat.at[table].get(mode="promise_in_bounds", unique_indices=True)


def _tiles(window: Window, shape: Sequence[int]) -> bool:
    """Tell whether a window moves along the first axis by its own size."""
    steps = np.diff(window.starts, axis=0)
    rest = np.prod(shape[1:]) == np.prod(window.sizes[1:])
    return bool(rest and (steps[:, 0] == window.sizes[0]).all())


def _window_slices(array: Any, window: Window) -> Any:
    if not _tiles(window, array.shape):
        return window.starts
    first, count = int(window.starts[0, 0]), len(window.starts)
    part = array[first : first + count * window.sizes[0]]
    return part.reshape((count, *window.sizes))


def _window(array: Any, window: Window, row: Any) -> Any:
    if _tiles(window, array.shape):
        return row
    return jax.lax.dynamic_slice(array, row, window.sizes)


def _inlined(
    run: Callable[..., list[Any]], outer: Sequence[Var], results: Sequence[Var]
) -> tuple[list[JaxprEqn], dict[Var, Any]]:
    """Trace a function and return its equations in terms of outer variables."""
    avals: list[Any] = [var.aval for var in outer]
    closed = jax.make_jaxpr(run)(
        *(jax.ShapeDtypeStruct(a.shape, a.dtype) for a in avals)
    )
    names: dict[Any, Any] = dict(zip(closed.jaxpr.invars, outer, strict=True))
    for inner, var in zip(closed.jaxpr.outvars, results, strict=True):
        assert isinstance(inner, Var) and inner not in names
        names[inner] = var

    def renamed(atom: Any) -> Any:
        return atom if isinstance(atom, Literal) else names.get(atom, atom)

    eqns = [
        eqn.replace(
            invars=list(map(renamed, eqn.invars)),
            outvars=list(map(renamed, eqn.outvars)),
        )
        for eqn in closed.jaxpr.eqns
    ]
    consts = dict(zip(closed.jaxpr.constvars, closed.consts, strict=True))
    return eqns, consts
