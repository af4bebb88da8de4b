"""The text of task.py: what the script's function needs, as it is, and the function of one item."""

import ast
import os
import textwrap
from pathlib import Path

from orchestrator.audit.migration.adapter import Adapter
from orchestrator.audit.migration.extract import Extract
from orchestrator.audit.migration.move import Move
from orchestrator.audit.migration.script import Script

_IMPORTS = (ast.Import, ast.ImportFrom)
_DEFS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def task_text(move: Move, adapter: Adapter, script: Script, extract: Extract, folder: Path) -> str:
    """Task.py, for a job in that folder."""
    own = {line: name for line in adapter.imports if (name := _imported(line)) in script.module.imports}
    have = {name for name in own.values() if extract.defines(name)}
    statements = extract.take(adapter.needs | have)
    future = [node for node in statements if isinstance(node, ast.ImportFrom) and node.module == "__future__"]
    taken = [node for node in statements if node not in future]
    first = next((index for index, node in enumerate(taken) if not isinstance(node, _IMPORTS)), len(taken))
    lines = sorted({line for line in adapter.imports if _imported(line) not in have})
    imports = "\n".join([*lines, *([_body(taken[:first], script)] if first else [])])
    decorated = any("@task(" in line for line in adapter.lines)
    head = [f'"""What {script.path.name} does with one item: its own code, and what that needs."""']
    head += [script.segment(node) for node in future]
    head += [_places(taken, script, folder), imports, "from orchestrator import task" if decorated else ""]
    rest = taken[first:]
    text = "\n\n".join(part for part in head if part)
    if rest:
        text += ("\n\n\n" if isinstance(rest[0], _DEFS) else "\n\n") + _body(rest, script)
    node = move.callee.node
    if move.callee.nested and isinstance(node, ast.FunctionDef):
        text += f"\n\n\n{textwrap.dedent(_lines(node, script))}"
    return text + ("\n\n\n" + "\n".join(adapter.lines) if adapter.lines else "") + "\n"


def _imported(line: str) -> str:
    return line.rpartition(" ")[2]


def _places(taken: list[ast.stmt], script: Script, folder: Path) -> str:
    """Lines that let the code find the modules and files that it found beside the script."""
    place = script.path.resolve().parent
    own = sorted({top for node in taken for top in _modules(node) if script.project.find(top) is not None})
    away = own if place != folder.resolve() else []
    file = any(isinstance(node, ast.Name) and node.id == "__file__" for one in taken for node in ast.walk(one))
    if not away and not file:
        return ""
    here, way = "Path(__file__).resolve().parent", os.path.relpath(place, folder.resolve())
    lines = [*(["import sys"] if away else []), "from pathlib import Path"]
    if away:
        lines += [
            "",
            f"# For {', '.join(away)}, beside {script.path.name}; copy what is needed here, and take this out.",
        ]
        lines += [f'sys.path.append(str({here} / "{way}"))']
    if file:
        lines += ["", f"# {script.path.name} finds other files from its own place."]
        lines += [f'__file__ = str(({here} / "{way}" / "{script.path.name}").resolve())']
    return "\n".join(lines)


def _modules(node: ast.AST) -> list[str]:
    """The top-level modules that are imported anywhere in a statement."""
    found = []
    for one in ast.walk(node):
        if isinstance(one, ast.Import):
            found += [alias.name.partition(".")[0] for alias in one.names]
        elif isinstance(one, ast.ImportFrom) and one.module:
            found.append(one.module.partition(".")[0])
    return found


def _body(statements: list[ast.stmt], script: Script) -> str:
    """The statements' own text, with the comments before them, spaced as a formatter does."""
    text, top = "", script.source.tree.body
    for before, node in zip([None, *statements], statements, strict=False):
        if before is not None:
            text += "\n" + _gap(before, node, script, top.index(node) == top.index(before) + 1)
        text += _lines(node, script)
    return text


def _gap(before: ast.stmt, node: ast.stmt, script: Script, neighbours: bool) -> str:
    """The blank lines between two statements."""
    if isinstance(before, _DEFS) or isinstance(node, _DEFS):
        return "\n\n"
    if neighbours:
        return "\n" * max(0, min(2, _first(node, script) - (before.end_lineno or 0) - 1))
    if isinstance(before, _IMPORTS) and isinstance(node, _IMPORTS):
        return ""
    return "\n"


def _first(node: ast.stmt, script: Script) -> int:
    """The line that a statement begins with, its decorators and the comments right above it included."""
    lines = script.text.splitlines()
    line: int = min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", ()))])
    while line > 1 and lines[line - 2].lstrip().startswith("#") and not lines[line - 2].startswith("#!"):
        line -= 1
    return line


def _lines(node: ast.stmt, script: Script) -> str:
    lines = script.text.splitlines()[_first(node, script) - 1 : node.end_lineno]
    return "\n".join(lines)
