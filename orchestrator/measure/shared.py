"""Names what a line of Python uses that all threads share: globals of its module, and process state."""

import ast
from collections.abc import Iterable, Mapping
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

# Their reference counts are deferred or never counted (PEP 703), so threads do not meet there.
_UNCOUNTED = (FunctionType, BuiltinFunctionType, type, ModuleType, bool, type(None), type(...))
_IMMORTAL_INTS = range(-5, 257)


def shared_names(source: str, line: int, names: Mapping[str, Any]) -> list[str]:
    """Name what a line uses and all threads share, as "TABLE (module global, dict of 3)".

    Where the line itself uses nothing of the kind, the function around it is asked.

    Args:
        source: the text of the module.
        line: the line's number, from 1.
        names: the module's globals.
    """
    try:
        tree = ast.parse(source)
    except SyntaxError, ValueError, RecursionError:
        return []
    here = [node for node in _expressions(tree) if node.lineno == line]
    around = _expressions(_around(tree, line))
    # A number that is read elsewhere in the function is no place to meet.
    return _named(here, names) or [name for name in _named(around, names) if not name.endswith((", int)", ", float)"))]


def _expressions(tree: ast.AST) -> list[ast.expr]:
    """Those of a tree, in the order of the text."""
    found = [node for node in ast.walk(tree) if isinstance(node, ast.expr)]
    return sorted(found, key=lambda node: (node.lineno, node.col_offset))


def _around(tree: ast.Module, line: int) -> ast.AST:
    """The innermost function that holds a line, or nothing."""
    functions = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.lineno <= line <= (node.end_lineno or node.lineno)
    ]
    return max(functions, key=lambda node: node.lineno, default=ast.Pass())


def _named(nodes: Iterable[ast.expr], names: Mapping[str, Any]) -> list[str]:
    found: dict[str, None] = {}
    for node in nodes:
        if isinstance(node, ast.Attribute) and node.attr == "process":
            found["the process state (ctx.process)"] = None
        elif isinstance(node, ast.Name) and node.id in names and _is_counted(names[node.id]):
            found[f"{node.id} (module global, {_kind(names[node.id])})"] = None
    return list(found)


def _is_counted(value: Any) -> bool:
    if isinstance(value, int) and value in _IMMORTAL_INTS:
        return False
    # Strings of a module's own code are interned, and interned ones immortal.
    return not isinstance(value, (*_UNCOUNTED, str))


def _kind(value: Any) -> str:
    name = type(value).__name__
    return f"{name} of {len(value)}" if isinstance(value, dict | list | set | tuple | frozenset) else name
