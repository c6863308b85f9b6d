"""What statements assign and how they are left, read off Python's syntax tree."""

import ast
from collections.abc import Iterable, Iterator, Sequence

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
Loop = ast.For | ast.While


def within_scope(nodes: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """Yield nodes and their descendants, but nothing of the scopes inside them."""
    for node in nodes:
        yield node
        yield from within_scope(_inside(node))


def _inside(node: ast.AST) -> Iterable[ast.AST]:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            return [*node.decorator_list, *_defaults(node.args)]
        case ast.Lambda():
            return _defaults(node.args)
        case ast.ClassDef():
            return [*node.decorator_list, *node.bases, *node.keywords]
        case ast.comprehension():
            return [node.iter, *node.ifs]
        case _:
            return ast.iter_child_nodes(node)


def _defaults(args: ast.arguments) -> list[ast.expr]:
    return [*args.defaults, *(each for each in args.kw_defaults if each is not None)]


def parameters(args: ast.arguments) -> list[str]:
    """Return the names of a function's parameters."""
    rest = [each for each in (args.vararg, args.kwarg) if each is not None]
    every = [*args.posonlyargs, *args.args, *args.kwonlyargs, *rest]
    return [each.arg for each in every]


def bound(nodes: Iterable[ast.AST]) -> list[str]:
    """Return the names that statements bind, in order."""
    found: dict[str, None] = {}
    for node in within_scope(nodes):
        found.update(dict.fromkeys(_bound_by(node)))
    return list(found)


def _bound_by(node: ast.AST) -> list[str]:
    match node:
        case ast.Name(ctx=ast.Store() | ast.Del()):
            return [node.id]
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return [node.name]
        case ast.alias():
            return [node.asname or node.name.partition(".")[0]]
        case (
            ast.ExceptHandler(name=str(name))
            | ast.MatchAs(name=str(name))
            | ast.MatchStar(name=str(name))
            | ast.MatchMapping(rest=str(name))
        ):
            return [name]
        case _:
            return []


def touched(nodes: Iterable[ast.AST]) -> list[str]:
    """Return names and dotted paths whose value statements change in place."""
    found: dict[str, None] = {}
    for node in within_scope(nodes):
        path = _touched_by(node)
        if path is not None:
            found[path] = None
    return list(found)


def _touched_by(node: ast.AST) -> str | None:
    match node:
        case ast.Subscript(ctx=ast.Store() | ast.Del()):
            return dotted(base_of(node))
        case ast.Attribute(ctx=ast.Store() | ast.Del()):
            return dotted(node)
        case _:
            return None


def base_of(node: ast.expr) -> ast.expr:
    """Return what is subscripted in `base[i][j]`."""
    while isinstance(node, ast.Subscript):
        node = node.value
    return node


def dotted(node: ast.expr) -> str | None:
    """Return the text of a name or of attributes of a name, such as `self.x`."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        value = dotted(node.value)
        return value and f"{value}.{node.attr}"
    return None


def declared(
    nodes: Iterable[ast.AST], kind: type[ast.Global | ast.Nonlocal]
) -> set[str]:
    """Return the names that statements declare global, or nonlocal."""
    return {
        name
        for node in within_scope(nodes)
        if isinstance(node, kind)
        for name in node.names
    }


def exits(nodes: Iterable[ast.AST]) -> frozenset[str]:
    """Return how control may leave statements: by return, break, or continue."""
    found: set[str] = set()
    for node in nodes:
        match node:
            case ast.Return():
                found.add("return")
            case ast.Break():
                found.add("break")
            case ast.Continue():
                found.add("continue")
            case ast.For() | ast.While():
                found |= exits(node.body) & {"return"} | exits(node.orelse)
            case ast.stmt() | ast.ExceptHandler() | ast.match_case():
                if not isinstance(node, ast.FunctionDef | ast.ClassDef):
                    found |= exits(ast.iter_child_nodes(node))
            case _:
                pass
    return frozenset(found)


def always_exits(statements: Sequence[ast.stmt]) -> bool:
    """Tell whether control never falls off the end of statements."""
    for statement in statements:
        match statement:
            case ast.Return() | ast.Break() | ast.Continue() | ast.Raise():
                return True
            case ast.If() if always_exits(statement.body):
                if always_exits(statement.orelse):
                    return True
            case ast.With() if always_exits(statement.body):
                # NOTE: a context manager may swallow what is raised.
                return not any(isinstance(s, ast.Raise) for s in statement.body)
            case _:
                pass
    return False


def returns_inside_control(statements: Sequence[ast.stmt]) -> bool:
    """Tell whether a function returns from inside an `if` or a loop."""
    return any(
        "return" in exits([node])
        for node in within_scope(statements)
        if isinstance(node, ast.If | ast.For | ast.While)
    )


def is_generator(node: Function) -> bool:
    """Tell whether a function yields or awaits, so that it is left as it is."""
    body = node.body if isinstance(node.body, list) else [node.body]
    kinds = ast.Yield | ast.YieldFrom | ast.Await | ast.AsyncFor | ast.AsyncWith
    return isinstance(node, ast.AsyncFunctionDef) or any(
        isinstance(inner, kinds) for inner in within_scope(body)
    )


def has_walrus(*nodes: ast.AST) -> bool:
    """Tell whether expressions assign names."""
    return any(isinstance(n, ast.NamedExpr) for n in within_scope(nodes))
