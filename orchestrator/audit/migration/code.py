"""Source text as a formatter leaves it: double quotes, lines that fit, two blank lines between functions."""

import ast
import copy
import io
import json
import tokenize
from collections.abc import Mapping
from typing import Any, NamedTuple

from orchestrator.spec.template import quoted_name

WIDTH = 88


class Fill(NamedTuple):
    """An argument that the user has to give: its name, what the script has for it, and where."""

    name: str
    text: str
    line: int


def unparsed(node: ast.AST) -> str:
    """The text of a node, on one line, with double quotes."""
    text = ast.unparse(ast.fix_missing_locations(copy.deepcopy(node)))
    tokens = []
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        string = token.string
        if token.type == tokenize.STRING and string.endswith("'") and '"' not in string and "\\" not in string:
            start = string.index("'")
            string = f'{string[:start]}"{string[start + 1 : -1]}"'
        elif token.type == tokenize.FSTRING_START and string.endswith("'") and '"' not in text:
            string = string.replace("'", '"')
        elif token.type == tokenize.FSTRING_END and string == "'" and '"' not in text:
            string = '"'
        tokens.append((token, string))
    return _joined(tokens)


def _joined(tokens: list[tuple[tokenize.TokenInfo, str]]) -> str:
    parts, column = list[str](), 0
    for token, string in tokens:
        if token.type in (tokenize.NEWLINE, tokenize.ENDMARKER, tokenize.NL):
            continue
        parts.append(" " * (token.start[1] - column) + string)
        column = token.end[1]
    return "".join(parts)


def rendered(head: str, node: ast.expr) -> list[str]:
    """A line of a function's body; a call that does not fit has each of its arguments on a line."""
    line = f"    {head}{unparsed(node)}"
    if len(line) <= WIDTH or not isinstance(node, ast.Call) or not (node.args or node.keywords):
        return [line]
    parts = [unparsed(arg) for arg in node.args]
    parts += [
        f"{word.arg}={unparsed(word.value)}" if word.arg else f"**{unparsed(word.value)}" for word in node.keywords
    ]
    inside = ", ".join(parts)
    if len(inside) + 8 <= WIDTH:
        return [f"    {head}{unparsed(node.func)}(", f"        {inside}", "    )"]
    return [f"    {head}{unparsed(node.func)}(", *(f"        {part}," for part in parts), "    )"]


def replaced(node: ast.expr, table: Mapping[str, ast.expr]) -> ast.expr:
    """A copy of an expression with other expressions in place of some names."""
    made: ast.expr = _Replace(table).visit(copy.deepcopy(node))
    return made


class _Replace(ast.NodeTransformer):
    def __init__(self, table: Mapping[str, ast.expr]) -> None:
        self._table = table

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """Put the expression in place of its name."""
        return self._table.get(node.id, node)


def flow(value: Any) -> str:
    """YAML on one line: JSON, with bare keys and bare words."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{quoted_name(name)}: {flow(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list):
        return f"[{', '.join(map(flow, value))}]"
    if isinstance(value, str) and value.isidentifier():
        return quoted_name(value)
    return json.dumps(value, ensure_ascii=False)
