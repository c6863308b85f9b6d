"""Finding a function's syntax tree in its file, and compiling a changed one."""

import ast
import copy
import functools
import linecache
from collections.abc import Iterator
from dataclasses import dataclass
from types import CodeType, FunctionType
from typing import Any

from qjit.errors import SourceError

from . import names
from .statements import convert
from .template import statements


@dataclass(frozen=True)
class Found:
    """A function in a file, and the class that it is a method of."""

    node: names.Function
    owner: str | None


@functools.cache
def converted_code(code: CodeType, filename: str, module: Any) -> CodeType:
    """Return the code of a function with its control flow converted."""
    # NOTE: equal codes of two files differ in their filename alone, which is no part
    # of their equality, so it is an argument.
    found = find(code, filename, dict(module))
    tree = convert(found.node, filename)
    return _compile(tree, code, found.owner)


def code_of(function: FunctionType) -> CodeType:
    """Return the converted code of a function."""
    code = function.__code__
    loader = function.__globals__.get("__loader__")
    name = function.__globals__.get("__name__")
    module = (("__loader__", loader), ("__name__", name))
    return converted_code(code, code.co_filename, module)


def find(code: CodeType, filename: str, module: dict[str, Any]) -> Found:
    """Find the syntax tree that a code object was compiled from."""
    text = "".join(linecache.getlines(filename, module))
    try:
        candidates = [f for f in _functions_of(text) if _fits(f.node, code)]
    except SyntaxError:
        candidates = []
    if not candidates:
        raise SourceError(
            f"{filename}:{code.co_firstlineno}: autograph=True rewrites Python's "
            f"control flow in the source of '{code.co_name}', but its source is not "
            "available. Write it to a file, or use jax.lax.cond, jax.lax.fori_loop "
            "and the like with autograph=False."
        )
    found = min(candidates, key=lambda found: _length(found.node))
    return Found(copy.deepcopy(found.node), found.owner)


@functools.lru_cache(32)
def _functions_of(text: str) -> list[Found]:
    return list(_functions(ast.parse(text)))


def _functions(tree: ast.AST, owner: str | None = None) -> Iterator[Found]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, names.Function):
            yield Found(node, owner)
        yield from _functions(
            node, node.name if isinstance(node, ast.ClassDef) else owner
        )


def _fits(node: names.Function, code: CodeType) -> bool:
    name = "<lambda>" if isinstance(node, ast.Lambda) else node.name
    decorators = [] if isinstance(node, ast.Lambda) else node.decorator_list
    line = min([node.lineno, *(each.lineno for each in decorators)])
    parameters = set(names.parameters(node.args))
    count = len(parameters)
    return (
        (name, line) == (code.co_name, code.co_firstlineno)
        and parameters == set(code.co_varnames[:count])
        and (not isinstance(node, ast.Lambda) or _covers(node.body, code))
    )


def _covers(node: ast.expr, code: CodeType) -> bool:
    first = (node.lineno, node.col_offset)
    last = (node.end_lineno or 0, node.end_col_offset or 0)
    # NOTE: the instructions before the first of the body stand at column 0.
    spans = [p for p in code.co_positions() if None not in p and p[3] != 0]
    return all(
        first <= (line, column) and (end, stop) <= last
        for line, end, column, stop in spans
        if line is not None
        and end is not None
        and column is not None
        and stop is not None
    )


def _length(node: names.Function) -> int:
    lines = (node.end_lineno or 0) - node.lineno
    return lines * 10_000 + (node.end_col_offset or 0) - node.col_offset


def _compile(node: names.Function, code: CodeType, owner: str | None) -> CodeType:
    # NOTE: the functions around give the free variables a place, and the class around
    # gives private names their prefix; only the code in the middle is used.
    if isinstance(node, ast.Lambda):
        inner: list[ast.stmt] = [ast.copy_location(ast.Expr(node), node)]
    else:
        # NOTE: under its own name it would hide the function that it calls itself by.
        node.name, node.decorator_list, node.returns = "_qj_function", [], None
        if hasattr(node, "type_params"):
            setattr(node, "type_params", [])  # noqa: B010 (Python 3.12)
        inner = [node]
    _strip(node.args)
    if owner is not None:
        holder = statements("class HOLDER:\n    INNER", node, INNER=inner)
        assert isinstance(holder[0], ast.ClassDef)
        holder[0].name, inner = owner, holder
    free = ", ".join(["_qj", *code.co_freevars])
    hidden = f"global {owner}" if owner and owner not in code.co_freevars else "pass"
    text = f"def _qj_outer({free}):\n    {hidden}\n    INNER"
    outer = statements(text, node, INNER=inner)
    module = ast.fix_missing_locations(ast.Module(outer, []))
    name = "<lambda>" if isinstance(node, ast.Lambda) else node.name
    found = _only(compile(module, code.co_filename, "exec"), name)
    return found.replace(co_name=code.co_name, co_qualname=code.co_qualname)


def _strip(args: ast.arguments) -> None:
    args.defaults = []
    args.kw_defaults = [None for _ in args.kwonlyargs]
    every = [*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg]
    for each in every:
        if each is not None:
            each.annotation = None


def _only(code: CodeType, name: str) -> CodeType:
    while True:
        inner = [each for each in code.co_consts if isinstance(each, CodeType)]
        (code,) = inner[-1:]
        if code.co_name == name:
            return code


def all_codes(code: CodeType) -> Iterator[CodeType]:
    """Yield a code object and those of the functions inside it."""
    yield code
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield from all_codes(each)
