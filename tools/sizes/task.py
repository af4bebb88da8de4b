"""Which source files and functions are longer than they may be: a fold over the files."""

import ast
from typing import Any

from orchestrator import Fold, task

type Finding = dict[str, Any]


def collect(found: list[Finding], of_file: list[Finding]) -> list[Finding]:
    """All findings, in the order of the files."""
    return found + of_file


def conclude(found: list[Finding]) -> Finding:
    """The findings, and how many they are."""
    return {"over": len(found), "findings": found}


@task(fold=Fold(zero=list, add=collect, merge=collect, finish=conclude))
def over(file: Any, file_lines: int, function_lines: int) -> list[Finding]:
    """What of a Python file is longer than so many lines."""
    text = file.read_bytes().decode()
    lines = text.count("\n")
    found = [{"where": file.key, "lines": lines, "most": file_lines}] if lines > file_lines else []
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.FunctionDef):
            continue
        length = (node.end_lineno or 0) - node.lineno + 1
        if length > function_lines:
            found.append({"where": f"{file.key}:{node.lineno} {node.name}", "lines": length, "most": function_lines})
    return found
