"""Which function a pool's call means, through `partial`, aliases and wrappers."""

import ast
from dataclasses import dataclass, replace

from orchestrator.audit.migration.apis import DELAYED, PARTIAL
from orchestrator.audit.migration.extract import free_names
from orchestrator.audit.migration.script import SCOPES, Script

_DEEPEST = 6
_THROUGH = (*DELAYED, "joblib.wrap_non_picklable_objects", "joblib.externals.loky.wrap_non_picklable_objects")


@dataclass(frozen=True)
class Callee:
    """What is called for each item.

    Attributes:
        text: what it is called by: `shrink`, `math.sqrt`.
        node: its definition, if that is the script's own.
        nested: it is defined inside another function, of which it needs nothing.
        args, keywords: what a `partial` gives it first.
        problem: why it cannot be named in a task; "" if it can.
    """

    text: str
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | None = None
    nested: bool = False
    args: tuple[ast.expr, ...] = ()
    keywords: tuple[ast.keyword, ...] = ()
    problem: str = ""


def callee_of(node: ast.expr | None, script: Script, depth: int = 0) -> Callee:  # noqa: PLR0911 - one for each kind
    """The function that an expression means."""
    if node is None or depth > _DEEPEST:
        return Callee("", problem="the function is not named")
    again = depth + 1
    match node:
        case ast.Lambda():
            return _own(script.segment(node), node, script)
        case ast.Call(func=func, args=[inner, *args], keywords=words) if script.full(func) == PARTIAL:
            found = callee_of(inner, script, again)
            return replace(found, args=(*found.args, *args), keywords=(*found.keywords, *words))
        case ast.Call(func=func, args=[inner]) if script.full(func) in _THROUGH:
            return callee_of(inner, script, again)
        case ast.Name(id=name):
            return _named(name, node, script, again)
        case ast.Attribute(value=ast.Name(id=owner)) if owner in script.module.classes:
            if script.values(owner, node) in (None, [None]):
                return Callee(script.segment(node))
        case ast.Attribute():
            text = script.segment(node)
            return Callee(
                text, problem="" if script.full(node) else f"{text} belongs to an object that the script makes"
            )
    return Callee(script.segment(node), problem=f"{script.segment(node)} is decided when the script runs")


def _named(name: str, node: ast.Name, script: Script, depth: int) -> Callee:
    for outer in script.around(node):
        if not isinstance(outer, SCOPES):
            continue
        inside = [one for one in ast.walk(outer) if isinstance(one, ast.FunctionDef) and one.name == name]
        nested = [one for one in inside if script.scope(one) is outer and not _in_class(one, script)]
        if len(nested) == 1:
            return _own(name, nested[0], script)
        values = script.bindings(outer).get(name)
        if values and name not in script.changed_globals:
            if len(values) == 1 and values[0] is not None:
                return callee_of(values[0], script, depth)
            return Callee(name, problem=f"{name} is decided when the script runs")
    if name in script.module.classes or script.full(node):
        return Callee(name)
    return Callee(name, problem=f"what {name} is cannot be told")


def _in_class(node: ast.AST, script: Script) -> bool:
    return isinstance(script.parents.get(node), ast.ClassDef)


def _own(text: str, node: ast.FunctionDef | ast.Lambda, script: Script) -> Callee:
    """A function of the script's: what it needs must be there without the function that it stands in."""
    scope = script.scope(node)
    if isinstance(scope, ast.Module):
        return Callee(text, node)
    outer: set[str] = set()
    for around in script.around(node):
        if isinstance(around, SCOPES) and not isinstance(around, ast.Module):
            outer |= script.bindings(around).keys() - _declared(around)
    needs = sorted(free_names(node) & outer)
    if needs:
        where = getattr(scope, "name", "a lambda")
        return Callee(text, node, True, problem=f"{text} uses {', '.join(needs)} of {where}, which it stands in")
    return Callee(text, node, True)


def _declared(scope: ast.AST) -> set[str]:
    return {name for node in ast.walk(scope) if isinstance(node, ast.Global) for name in node.names}
