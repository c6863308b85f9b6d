"""Rewriting statements: control flow becomes calls of operators on functions.

The body of each `if`, `for` and `while` becomes a function of no arguments that shares
its variables with the function around it; `return`, `break` and `continue` inside
become flags, and what follows them runs only if no flag is set. Lines and columns
stay those of the user's file.
"""

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from . import names
from .expressions import Expressions, index
from .template import expression, statements

RETURNED, VALUE = "_qj_returned", "_qj_value"

Node = TypeVar("Node", bound=ast.AST)


@dataclass(frozen=True)
class LoopFlags:
    """The names of the flags that `break` and `continue` set."""

    stop: str = ""
    skip: str = ""


def convert(
    node: names.Function, filename: str, outer: frozenset[str] = frozenset()
) -> names.Function:
    """Return a function's syntax tree with its control flow converted."""
    if names.is_generator(node):
        return node
    first = [*node.args.posonlyargs, *node.args.args][:1]
    expressions = Expressions(filename, first[0].arg if first else None)
    if isinstance(node, ast.Lambda):
        node.body = expressions.visit(node.body)
        return node
    assert isinstance(node, ast.FunctionDef)
    return _Statements(node, filename, expressions, outer).function()


class _Statements:
    """Converts the statements of one function."""

    def __init__(
        self,
        node: ast.FunctionDef,
        filename: str,
        expressions: Expressions,
        outer: frozenset[str],
    ) -> None:
        self.node, self.filename, self.outer = node, filename, outer
        self.expression = expressions.visit
        body = node.body
        self.globals = names.declared(body, ast.Global)
        self.nonlocals = names.declared(body, ast.Nonlocal)
        parameters = names.parameters(node.args)
        elsewhere = self.globals | self.nonlocals
        self.own = {name for name in names.bound(body) if name not in elsewhere}
        self.storable = {*parameters, *self.own, *elsewhere, *outer}
        self.adopted: set[str] = set()
        self.parameters = parameters
        self.flagged = names.returns_inside_control(body)
        self.declared: dict[str, None] = {}
        self.count = 0

    def function(self) -> ast.FunctionDef:
        """Return the converted function."""
        node, body = self.node, self.node.body
        docstring = body[:1] if ast.get_docstring(node) is not None else []
        body = body[len(docstring) :]
        if self.flagged and not names.always_exits(body):
            body = [*body, ast.copy_location(ast.Return(), body[-1])]
        converted = self.block(body, LoopFlags())
        if self.flagged:
            self.declared.update({RETURNED: None, VALUE: None})
            converted = [
                *statements(f"{RETURNED} = False", node),
                *converted,
                *statements(f"return {VALUE}", node),
            ]
        node.body = [*docstring, *self.declarations(), *converted]
        return node

    def declarations(self) -> list[ast.stmt]:
        """Return what says where the variables of the function live."""
        start: list[ast.stmt] = []
        if self.globals:
            start.append(ast.Global(sorted(self.globals)))
        if self.nonlocals | self.adopted:
            start.append(ast.Nonlocal(sorted(self.nonlocals | self.adopted)))
        mine = [n for n in self.declared if n not in self.parameters]
        mine = [n for n in mine if n in self.own or n.startswith("_qj_")]
        if mine:
            # NOTE: never runs; it makes the names variables of this function.
            start += statements(f"if 0: {' = '.join(mine)} = None", self.node)
        return [_at(statement, self.node) for statement in start]

    def block(self, body: Sequence[ast.stmt], loop: LoopFlags) -> list[ast.stmt]:
        """Convert statements, guarding what follows an exit."""
        done: list[ast.stmt] = []
        for position, statement in enumerate(body):
            rest = list(body[position + 1 :])
            if isinstance(statement, ast.If):
                rest = _absorb(statement, rest)
            leaves = names.always_exits([statement])
            flags = self.flags(names.exits([statement]), loop)
            done += self.statement(statement, loop)
            if leaves or not rest:
                break
            if flags:
                done += self.guarded(flags, rest, loop, statement)
                break
        return done or [_at(ast.Pass(), self.node)]

    def flags(self, kinds: frozenset[str], loop: LoopFlags) -> list[str]:
        """Return the flags that ways of leaving set."""
        known = {
            "return": RETURNED if self.flagged else "",
            "break": loop.stop,
            "continue": loop.skip,
        }
        return [known[kind] for kind in sorted(kinds) if known[kind]]

    def guarded(
        self, flags: list[str], rest: list[ast.stmt], loop: LoopFlags, origin: ast.stmt
    ) -> list[ast.stmt]:
        """Convert statements that run only while no flag is set."""
        test = expression(f"_qj.none({', '.join(flags)})", origin)
        return self.branches(test, rest, [], loop, rest[0])

    def statement(self, node: ast.stmt, loop: LoopFlags) -> list[ast.stmt]:
        """Convert one statement."""
        match node:
            case ast.If():
                test = self.expression(node.test)
                return self.branches(test, node.body, node.orelse, loop, node.test)
            case ast.For():
                return self.for_loop(node, loop)
            case ast.While():
                return self.while_loop(node, loop)
            case ast.Return() if self.flagged:
                none = ast.copy_location(ast.Constant(None), node)
                value = self.expression(node.value) if node.value else none
                text = f"{VALUE} = V\n{RETURNED} = True"
                return statements(text, node, V=value)
            case ast.Break() if loop.stop:
                return statements(f"{loop.stop} = True", node)
            case ast.Continue() if loop.skip:
                return statements(f"{loop.skip} = True", node)
            case ast.FunctionDef():
                return [self.definition(node)]
            case ast.ClassDef() | ast.AsyncFunctionDef():
                return [node]
            case ast.Global() | ast.Nonlocal():
                return [_at(ast.Pass(), node)]
            case ast.Raise(exc=ast.expr() as raised):
                node.exc = expression("_qj.raised(E)", node, E=self.expression(raised))
                return [node]
            case ast.Assign() | ast.AugAssign() | ast.AnnAssign():
                return self.assignment(node)
            case ast.With() | ast.Try() | ast.TryStar() | ast.Match():
                return [self.compound(node, loop)]
            case _:
                return [self.expression(node)]

    def definition(self, node: ast.FunctionDef) -> ast.stmt:
        """Convert a function defined inside this one."""
        node.decorator_list = [self.expression(d) for d in node.decorator_list]
        args = node.args
        args.defaults = [self.expression(d) for d in args.defaults]
        args.kw_defaults = [d and self.expression(d) for d in args.kw_defaults]
        visible = self.outer | {*self.own, *self.parameters}
        converted = convert(node, self.filename, frozenset(visible - self.globals))
        assert isinstance(converted, ast.FunctionDef)
        return converted

    # Branches and loops

    def branches(
        self,
        test: ast.expr,
        body: list[ast.stmt],
        orelse: list[ast.stmt],
        loop: LoopFlags,
        origin: ast.AST,
    ) -> list[ast.stmt]:
        """Return an `if` as two functions and a call that chooses."""
        both = [*body, *orelse]
        state = self.state(both, self.flags(names.exits(both), loop))
        self.count += 1
        then, other = f"_qj_then_{self.count}", f"_qj_else_{self.count}"
        text = (
            "def THEN():\n    DECLARED\n    BODY\n"
            "def ELSE():\n    DECLARED\n    ORELSE\n"
            f"_qj.if_(TEST, THEN, ELSE, {state!r})"
        )
        return statements(
            text,
            origin,
            TEST=test,
            THEN=then,
            ELSE=other,
            DECLARED=self.declaration(state, origin),
            BODY=self.block(body, loop),
            ORELSE=self.block(orelse, loop),
        )

    def for_loop(self, node: ast.For, outer: LoopFlags) -> list[ast.stmt]:
        """Return a `for` as a function of the item, and a call that repeats it."""
        target = ast.Name("_qj_item", ast.Load())
        assign = ast.Assign([node.target], ast.copy_location(target, node.iter))
        first = _at(assign, node.target)
        return self.loop(node, [first, *node.body], outer, _iterable(node.iter))

    def while_loop(self, node: ast.While, outer: LoopFlags) -> list[ast.stmt]:
        """Return a `while` as two functions and a call that repeats them."""
        return self.loop(node, node.body, outer, None)

    def loop(
        self,
        node: names.Loop,
        body: list[ast.stmt],
        outer: LoopFlags,
        items: ast.expr | None,
    ) -> list[ast.stmt]:
        """Return a loop as functions and a call that repeats them."""
        kinds = names.exits(node.body)
        self.count += 1
        stop = f"_qj_break_{self.count}" if "break" in kinds else ""
        skip = f"_qj_continue_{self.count}" if "continue" in kinds else ""
        inner = LoopFlags(stop, skip)
        returned = [RETURNED] if self.flagged and "return" in kinds else []
        flags = [name for name in (stop, *returned) if name]
        test = node.test if isinstance(node, ast.While) else None
        state = self.state([*body, *([test] if test else [])], flags)
        origin = test or node.iter if isinstance(node, ast.For) else node.test
        lines = [f"{stop} = False"] if stop else []
        lines += ["def BODY(_qj_item):", "    DECLARED"]
        lines += [f"    {skip} = False"] if skip else []
        lines += ["    STATEMENTS"]
        common = f"BODY, {state!r}, {tuple(flags)!r}"
        if test is None:
            assert items is not None
            lines += [f"_qj.for_(ITEMS, {common})"]
        else:
            lines += ["def TEST():", "    DECLARED", "    return CONDITION"]
            lines += [f"_qj.while_(TEST, {common})"]
        if stop:
            self.declared[stop] = None
        done = statements(
            "\n".join(lines),
            origin,
            BODY=f"_qj_body_{self.count}",
            TEST=f"_qj_test_{self.count}",
            DECLARED=self.declaration(state, origin),
            STATEMENTS=self.block(body, inner),
            ITEMS=self.expression(items) if items else _NOTHING,
            CONDITION=self.expression(test) if test else _NOTHING,
        )
        if node.orelse and flags:
            return [*done, *self.guarded(flags, node.orelse, outer, node)]
        return [*done, *(self.block(node.orelse, outer) if node.orelse else [])]

    def state(self, body: Sequence[ast.AST], flags: Sequence[str]) -> tuple[str, ...]:
        """Return the variables and attributes that a body may change."""
        found = dict.fromkeys([*names.bound(body), *names.touched(body), *flags])
        if RETURNED in flags:
            found[VALUE] = None
        return tuple(found)

    def declaration(self, state: tuple[str, ...], origin: ast.AST) -> list[ast.stmt]:
        """Return the statements that share a function's variables with its parts."""
        simple = [name for name in state if "." not in name]
        self.declared.update(
            dict.fromkeys(n for n in simple if n in self.own or n.startswith("_qj_"))
        )
        free = [n for n in simple if n in self.storable or n.startswith("_qj_")]
        chosen = {
            ast.Global: [n for n in free if n in self.globals],
            ast.Nonlocal: [n for n in free if n not in self.globals],
        }
        self.adopted |= {
            name
            for name in chosen[ast.Nonlocal]
            if name in self.outer and name not in {*self.own, *self.parameters}
        }
        return [_at(kind(every), origin) for kind, every in chosen.items() if every]

    def compound(self, node: ast.stmt, loop: LoopFlags) -> ast.stmt:
        """Convert the insides of a statement that stays as it is."""
        if isinstance(node, ast.Try | ast.TryStar) and node.orelse:
            # NOTE: leaving the body sets a flag, so `else` must look at it.
            node.body, node.orelse = [*node.body], [*node.orelse]
            flags = self.flags(names.exits(node.body), loop)
            if flags:
                test = expression(f"_qj.none({', '.join(flags)})", node)
                node.orelse = [_at(ast.If(test, node.orelse, []), node)]
        for name, value in ast.iter_fields(node):
            match value:
                case [ast.stmt(), *_]:
                    setattr(node, name, self.block(value, loop))
                case [ast.ExceptHandler() | ast.match_case(), *_]:
                    for part in value:
                        self.compound(part, loop)
                case [ast.withitem(), *_]:
                    for item in value:
                        item.context_expr = self.expression(item.context_expr)
                case ast.expr():
                    setattr(node, name, self.expression(value))
                case _:
                    pass
        return node

    # Assignments

    def assignment(
        self, node: ast.Assign | ast.AugAssign | ast.AnnAssign
    ) -> list[ast.stmt]:
        """Convert an assignment; one to an item of an array makes a new array."""
        match node:
            case ast.AnnAssign(value=None):
                return [_at(ast.Pass(), node)]
            case ast.AnnAssign(value=ast.expr() as value):
                return self.assign([node.target], value, node)
            case ast.Assign():
                return self.assign(node.targets, node.value, node)
            case _:
                assert isinstance(node, ast.AugAssign)
                return self.augment(node)

    def assign(
        self, targets: list[ast.expr], value: ast.expr, origin: ast.stmt
    ) -> list[ast.stmt]:
        """Assign to targets, one after the other, items of arrays last."""
        items: list[tuple[ast.Subscript, str]] = []
        plain = [self.without_items(target, items) for target in targets]
        if not items:
            done = ast.Assign(
                [self.expression(t) for t in plain], self.expression(value)
            )
            return [_at(done, origin)]
        assign = _at(ast.Assign(plain, self.expression(value)), origin)
        stores = [self.store(t, ast.Name(name, ast.Load()), "") for t, name in items]
        return [assign, *stores]

    def without_items(
        self, target: ast.expr, items: list[tuple[ast.Subscript, str]]
    ) -> ast.expr:
        """Return a target with variables in the place of items of arrays."""
        match target:
            case ast.Tuple() | ast.List():
                target.elts = [self.without_items(t, items) for t in target.elts]
            case ast.Starred():
                target.value = self.without_items(target.value, items)
            case ast.Subscript() if self.is_storable(target):
                self.count += 1
                name = f"_qj_item_{self.count}"
                items.append((target, name))
                return ast.copy_location(ast.Name(name, ast.Store()), target)
            case _:
                pass
        return target

    def is_storable(self, target: ast.Subscript) -> bool:
        """Tell whether a changed array can take the place of the one before."""
        path = names.dotted(names.base_of(target))
        return path is not None and ("." in path or path in self.storable)

    def store(self, target: ast.Subscript, value: ast.expr, op: str) -> ast.stmt:
        """Return the statement that puts a value into an item."""
        indices: list[ast.expr] = []
        base: ast.expr = target
        while isinstance(base, ast.Subscript):
            indices.insert(0, index(self.expression(base.slice)))
            base = base.value
        ast.copy_location(value, target)
        keys = ast.copy_location(ast.Tuple(indices, ast.Load()), target)
        if isinstance(base, ast.Attribute):
            text = f"_qj.store_attribute(OWNER, {base.attr!r}, KEYS, V, {op!r})"
            call = expression(
                text, target, OWNER=self.expression(base.value), KEYS=keys, V=value
            )
            return ast.copy_location(ast.Expr(call), target)
        assert isinstance(base, ast.Name)
        if base.id in self.outer and base.id not in {*self.own, *self.parameters}:
            self.adopted.add(base.id)
        text = f"NAME = _qj.store(NAME, KEYS, V, {op!r})"
        (done,) = statements(text, target, NAME=base.id, KEYS=keys, V=value)
        return done

    def augment(self, node: ast.AugAssign) -> list[ast.stmt]:
        """Convert `x += v`."""
        op, value = type(node.op).__name__, self.expression(node.value)
        if isinstance(node.target, ast.Subscript) and self.is_storable(node.target):
            return [self.store(node.target, value, op)]
        if isinstance(node.target, ast.Name):
            text = f"NAME = _qj.augment(NAME, V, {op!r})"
            return statements(text, node, NAME=node.target.id, V=value)
        node.value = value
        node.target = self.expression(node.target)
        return [node]


_NOTHING = ast.Constant(None)


def _at(node: Node, origin: ast.AST) -> Node:
    return ast.fix_missing_locations(ast.copy_location(node, origin))


def _absorb(node: ast.If, rest: list[ast.stmt]) -> list[ast.stmt]:
    """Move what follows an `if` into the branch that does not leave."""
    if names.exits(node.body) and names.always_exits(node.body):
        node.orelse = [*node.orelse, *rest]
        return []
    if names.exits(node.orelse) and names.always_exits(node.orelse):
        node.body = [*node.body, *rest]
        return []
    return rest


def _iterable(node: ast.expr) -> ast.expr:
    """Let `range`, `enumerate`, `zip` and `reversed` in a loop's head be traced."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        node.args = [_iterable(arg) for arg in node.args]
        # NOTE: marked by name; what the name means is looked up when it runs.
        if node.func.id in ("range", "enumerate", "zip", "reversed"):
            node.func = expression("_qj.iterating(F)", node.func, F=node.func)
    return node
