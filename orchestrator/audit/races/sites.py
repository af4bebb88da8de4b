"""Every place of a function at which something happens, with the locks that are held there."""

import ast
import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from orchestrator.audit.races.names import SCOPES, Function, last_name

type IsLock = Callable[[ast.expr], bool]

LOCKISH = re.compile(r"lock|mutex|semaphore|condition|guard", re.IGNORECASE)
_FRESH = frozenset(("Lock", "RLock", "Semaphore", "BoundedSemaphore", "Condition"))


class Site(NamedTuple):
    """A node of a function's body.

    Attributes:
        node: the statement or expression.
        locks: the locks that are held there, as source text.
        around: the statements that it stands in, outermost first.
    """

    node: ast.AST
    locks: frozenset[str]
    around: tuple[ast.AST, ...]


def sites(function: Function, is_lock: IsLock) -> list[Site]:
    """The nodes of a function's body in order, without those of nested functions."""
    return list(_block(function.body, frozenset(), (), is_lock))


def _block(
    body: Sequence[ast.stmt], locks: frozenset[str], around: tuple[ast.AST, ...], is_lock: IsLock
) -> Iterator[Site]:
    for stmt in body:
        yield from _statement(stmt, locks, around, is_lock)
        locks = _after(stmt, locks, is_lock)


def _statement(stmt: ast.AST, locks: frozenset[str], around: tuple[ast.AST, ...], is_lock: IsLock) -> Iterator[Site]:
    yield Site(stmt, locks, around)
    if isinstance(stmt, SCOPES):
        return
    inside = (*around, stmt)
    held = locks | _taken(stmt, is_lock)
    for name, value in ast.iter_fields(stmt):
        for child in value if isinstance(value, list) else [value]:
            if not isinstance(child, ast.AST):
                continue
            if isinstance(child, ast.stmt):
                continue
            if isinstance(child, (ast.ExceptHandler, ast.match_case)):
                yield from _statement(child, held, inside, is_lock)
            else:
                yield from _expression(child, locks, inside)
        if isinstance(value, list) and value and isinstance(value[0], ast.stmt):
            yield from _block(value, held if name != "orelse" else locks, inside, is_lock)


def _expression(node: ast.AST, locks: frozenset[str], around: tuple[ast.AST, ...]) -> Iterator[Site]:
    yield Site(node, locks, around)
    if isinstance(node, SCOPES):
        return
    deeper = (*around, node) if isinstance(node, (ast.IfExp, ast.BoolOp)) else around
    for child in ast.iter_child_nodes(node):
        yield from _expression(child, locks, deeper)


def _taken(stmt: ast.AST, is_lock: IsLock) -> frozenset[str]:
    """The locks that a statement's own blocks hold."""
    if isinstance(stmt, (ast.With, ast.AsyncWith)):
        return frozenset(ast.unparse(item.context_expr) for item in stmt.items if is_lock(item.context_expr))
    if isinstance(stmt, ast.If):
        test = stmt.test
        if isinstance(test, ast.Call) and isinstance(test.func, ast.Attribute) and test.func.attr == "acquire":
            return frozenset((ast.unparse(test.func.value),)) if is_lock(test.func.value) else frozenset()
    return frozenset()


def _after(stmt: ast.stmt, locks: frozenset[str], is_lock: IsLock) -> frozenset[str]:
    """The locks that are held after a statement: `lock.acquire()` takes one, `lock.release()` gives it back."""
    if isinstance(stmt, ast.Try):
        for last in stmt.finalbody:
            locks = _after(last, locks, is_lock)
        return locks
    value = stmt.value if isinstance(stmt, (ast.Expr, ast.Assign)) else None
    if not isinstance(value, ast.Call) or not isinstance(value.func, ast.Attribute) or not is_lock(value.func.value):
        return locks
    name = ast.unparse(value.func.value)
    if value.func.attr == "acquire":
        return locks | {name}
    return locks - {name} if value.func.attr == "release" else locks


def looks_like_lock(node: ast.expr) -> bool:
    """Whether an expression is a lock by its name, and not one that is made on the spot."""
    if isinstance(node, ast.Call) and last_name(node.func) in _FRESH:
        return False
    return LOCKISH.search(last_name(node)) is not None
