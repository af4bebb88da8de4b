"""Values that can be told by reading: literals, names that are bound once to such, and a little arithmetic."""

import ast
import operator
import os
from pathlib import PurePath
from typing import Any

from orchestrator.audit.migration.script import Script
from orchestrator.audit.races.kinds import ANY_CHANGER

_DEEPEST = 8
_LARGEST = 10**12
_OPERATORS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.FloorDiv: operator.floordiv}
_MAY_CHANGE = ("random.shuffle", "heapq.heapify", "heapq.heappush", "heapq.heappop", "bisect.insort")
_PATHS = ("pathlib.Path", "pathlib.PurePath", "pathlib.PosixPath")


class Untold(Exception):
    """Reading cannot tell the value."""


def constant(node: ast.expr, script: Script, depth: int = 0) -> Any:  # noqa: PLR0911 - one for each kind
    """The value of an expression: text, a number, a bool, None, a path, or a list, tuple or dict of such.

    Raises:
        Untold: reading cannot tell.
    """
    if depth > _DEEPEST:
        raise Untold
    again = depth + 1
    match node:
        case ast.Constant(value=str() | int() | float() | bool() | None):
            return node.value
        case ast.Tuple(elts=parts):
            return tuple(constant(part, script, again) for part in parts)
        case ast.List(elts=parts):
            return [constant(part, script, again) for part in parts]
        case ast.Dict(keys=keys, values=values) if None not in keys:
            pairs = zip([key for key in keys if key is not None], values, strict=True)
            return {constant(key, script, again): constant(value, script, again) for key, value in pairs}
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return _number(operator.neg, constant(operand, script, again))
        case ast.BinOp(left=left, op=op, right=right):
            return _computed(op, constant(left, script, again), constant(right, script, again))
        case ast.Name(id=name) if (value := script.value(name, node)) is not None and untouched(name, script):
            return constant(value, script, again)
        case ast.Call(func=func, args=args, keywords=[]):
            return _called(script.full(func), [constant(arg, script, again) for arg in args])
    raise Untold


def untouched(name: str, script: Script) -> bool:
    """Whether nothing in the script changes in place what a name is bound to, as far as can be seen."""
    for node in ast.walk(script.source.tree):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id=owner), attr=method)) if owner == name:
                if method in ANY_CHANGER:
                    return False
            case ast.Subscript(value=ast.Name(id=owner), ctx=ast.Store() | ast.Del()) if owner == name:
                return False
            case ast.Call(func=func, args=args) if any(isinstance(arg, ast.Name) and arg.id == name for arg in args):
                if script.full(func) in _MAY_CHANGE:
                    return False
    return True


def _number(function: Any, *values: Any) -> Any:
    if not all(type(value) in (int, float) and abs(value) <= _LARGEST for value in values):
        raise Untold
    try:
        return function(*values)
    except ArithmeticError as error:
        raise Untold from error


def _computed(op: ast.operator, left: Any, right: Any) -> Any:
    if isinstance(op, ast.Div) and isinstance(left, PurePath) and isinstance(right, (str, PurePath)):
        return left / right
    if isinstance(op, ast.Add) and isinstance(left, str) and isinstance(right, str):
        return left + right
    if type(op) in _OPERATORS:
        return _number(_OPERATORS[type(op)], left, right)
    raise Untold


def _called(name: str, values: list[Any]) -> Any:
    texts = values and all(isinstance(value, (str, PurePath)) for value in values)
    if name in _PATHS and texts:
        return PurePath(*values)
    if name == "os.path.join" and texts and all(isinstance(value, str) for value in values):
        return os.path.join(*values)
    raise Untold
