"""What a job's input would be: from the expression that a script's items come from to `input:` of a job file."""

import ast
import json
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Any

from orchestrator.audit.migration.code import flow
from orchestrator.audit.migration.constants import Untold, constant
from orchestrator.audit.migration.script import Script

_GLOBS = ("glob.glob", "glob.iglob")
_MAGIC = frozenset("*?[")


@dataclass(frozen=True)
class Items:
    """A job's input.

    Attributes:
        kind: files, lines, csv, jsonl or range.
        fields: what stands below it.
        path: where `fields` has the folder or file, as the script has it; "" where there is none.
        item: what the script's item is, in terms of the job's, `{}`.
        imports: what that needs.
        lines: what items.jsonl holds, where the items are written out in the script.
        remark: what is not quite the same.
    """

    kind: str
    fields: dict[str, Any]
    path: str = ""
    item: str = "{}"
    imports: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    remark: str = ""

    def told(self) -> str:
        """In a few words."""
        match self.kind:
            case "range":
                return f"range: {flow(self.fields)}"
            case "jsonl" if self.lines:
                return f"jsonl: {len(self.lines)} items that are written out in the script"
        return f"{self.kind}: {flow(self.place(self.path) | self.fields)}"

    def place(self, path: str) -> dict[str, Any]:
        """The field that holds the folder or the file, with that path."""
        name = "root" if self.kind == "files" else "path"
        return {name: path} if path else {}


def items_of(source: ast.expr, script: Script) -> Items | None:
    """The input that gives what an expression gives; None where reading cannot tell."""
    try:
        return _files(source, script) or _text(source, script) or _range(source, script) or _literal(source, script)
    except Untold:
        return None


def _range(source: ast.expr, script: Script) -> Items | None:
    match source:
        case ast.Call(func=func, args=[_, *_] as args, keywords=[]) if script.full(func) == "range":
            values = [constant(arg, script) for arg in args]
            if not all(type(value) is int for value in values) or len(values) > 3 or 0 in values[2:]:
                raise Untold
            names = ("stop",) if len(values) == 1 else ("start", "stop", "step")
            return Items("range", dict(zip(names, values, strict=False)))
    return None


def _literal(source: ast.expr, script: Script) -> Items | None:
    if not isinstance(source, (ast.List, ast.Tuple, ast.Name)):
        return None
    values = constant(source, script)
    if not isinstance(values, (list, tuple)) or not values:
        raise Untold
    tuples = all(isinstance(value, tuple) for value in values)
    if not all(_plain(list(value) if tuples else value) for value in values):
        raise Untold
    lines = tuple(json.dumps(value, ensure_ascii=False) for value in values)
    return Items("jsonl", {"path": "items.jsonl"}, item="tuple({})" if tuples else "{}", lines=lines)


def _plain(value: object) -> bool:
    """Whether JSON gives back what it was given."""
    if isinstance(value, list):
        return all(map(_plain, value))
    if isinstance(value, dict):
        return all(isinstance(key, str) and _plain(one) for key, one in value.items())
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, (str, int, bool, type(None)))


def _files(source: ast.expr, script: Script) -> Items | None:
    match source:
        case ast.Call(func=ast.Name(id="sorted"), args=[inner], keywords=[]):
            return _files(inner, script)
        case ast.Call(func=func, args=[pattern], keywords=words) if script.full(func) in _GLOBS:
            options = {word.arg: constant(word.value, script) for word in words}
            if options.keys() - {"recursive"}:
                raise Untold
            text = constant(pattern, script)
            if not isinstance(text, str):
                raise Untold
            return _globbed(text, bool(options.get("recursive")))
        case ast.Call(func=ast.Attribute(value=owner, attr="glob" | "rglob" as method), args=[pattern], keywords=[]):
            root, text = constant(owner, script), constant(pattern, script)
            if not isinstance(root, PurePath) or not isinstance(text, str):
                raise Untold
            return _below(str(root), f"**/{text}" if method == "rglob" else text)
    return None


def is_glob(source: ast.expr, script: Script) -> bool:
    """Whether an expression is a glob, sorted or not: nothing but names below a folder."""
    match source:
        case ast.Call(func=ast.Name(id="sorted"), args=[inner]):
            return is_glob(inner, script)
        case ast.Call(func=func) if script.full(func) in _GLOBS:
            return True
        case ast.Call(func=ast.Attribute(attr="glob" | "rglob") as func):
            return not script.full(func)
    return False


def _globbed(pattern: str, recursive: bool) -> Items:
    names = pattern.split("/")
    if "**" in names and not recursive:
        raise Untold
    magic = next((index for index, name in enumerate(names) if _MAGIC & set(name)), None)
    if magic is None or "" in names[1:] or ".." in names[magic:]:
        raise Untold
    root, rest = "/".join(names[:magic]) or ("/" if pattern.startswith("/") else "."), names[magic:]
    # glob passes over hidden names unless the pattern names them; a job's patterns take them.
    hidden = [] if any(name.startswith(".") for name in rest) else [".*", "**/.*"]
    if os.path.isabs(pattern):
        item, imports = "{}.path", list[str]()
    else:
        item, imports = "os.path.relpath({}.path)", ["import os"]
        item = f'f"./{{{item}}}"' if pattern.startswith("./") else item
    fields: dict[str, Any] = {"include": ["/".join(rest)]} | ({"exclude": hidden} if hidden else {})
    return Items("files", fields | {"symlinks": "follow"}, root, item, tuple(imports))


def _below(root: str, pattern: str) -> Items:
    if not pattern or pattern.startswith("/") or ".." in pattern.split("/") or pattern.endswith("**"):
        raise Untold
    if os.path.isabs(root):
        return Items("files", {"include": [pattern]}, root, "Path({}.path)", ("from pathlib import Path",))
    imports = ("import os", "from pathlib import Path")
    return Items("files", {"include": [pattern]}, root, "Path(os.path.relpath({}.path))", imports)


_WITH_ENDS = "a line comes without its end, which the script's had; the last one's is put back even if it had none"
_WITH_END = 'f"{{}}\\n"'
_SPLIT = "splitlines also cuts at form feeds and Unicode's line ends; here a line ends with \\n, \\r\\n or \\r"


def _text(source: ast.expr, script: Script) -> Items | None:
    match source:
        case ast.Call(func=func, args=[file, *more], keywords=words) if script.full(func) == "csv.DictReader":
            delimiter = {word.arg or "": constant(word.value, script) for word in words}
            if more or delimiter.keys() - {"delimiter"}:
                raise Untold
            return Items("csv", delimiter, _opened(file, script))
        case ast.Call(func=ast.Attribute(value=inner, attr="splitlines"), args=[]):
            return Items("lines", {}, _read(inner, script), remark=_SPLIT)
        case ast.Call(func=ast.Attribute(value=file, attr="readlines"), args=[]):
            return Items("lines", {}, _opened(file, script), _WITH_END, remark=_WITH_ENDS)
        case ast.Name() | ast.Call():
            path = _opened(source, script, strict=False)
            return Items("lines", {}, path, _WITH_END, remark=_WITH_ENDS) if path else None
    return None


def _opened(file: ast.expr, script: Script, strict: bool = True) -> str:
    """The path of a file that was opened for reading as text."""
    if isinstance(file, ast.Name) and (value := script.value(file.id, file)) is not None:
        file = value
    match file:
        case ast.Call(func=func, args=[path, *mode], keywords=words) if script.full(func) == "open":
            return _path(path, mode, words, script)
        case ast.Call(func=ast.Attribute(value=path, attr="open"), args=mode, keywords=words):
            return _path(path, mode, words, script)
    if strict:
        raise Untold
    return ""


def _read(node: ast.expr, script: Script) -> str:
    """The path of a file that was read as one text."""
    match node:
        case ast.Call(func=ast.Attribute(value=file, attr="read"), args=[]):
            return _opened(file, script)
        case ast.Call(func=ast.Attribute(value=path, attr="read_text"), args=[], keywords=words):
            return _path(path, [], words, script)
    raise Untold


def _path(path: ast.expr, mode: list[ast.expr], words: list[ast.keyword], script: Script) -> str:
    options = {word.arg: constant(word.value, script) for word in words}
    modes = [constant(one, script) for one in mode] or [options.pop("mode", "r")]
    encoding = str(options.pop("encoding", "utf-8")).lower().replace("_", "-")
    if options.pop("newline", "") != "" or options or modes not in (["r"], ["rt"]) or encoding not in ("utf-8", "utf8"):
        raise Untold
    found = constant(path, script)
    if not isinstance(found, (str, PurePath)):
        raise Untold
    return str(found)


def item_text(items: Items, name: str) -> str:
    """What the script's item is, where the job's is called `name`."""
    return items.item.replace("{}", name)


def trimmed(items: Items, uses: Sequence[ast.expr], name: str) -> Items:
    """Lines without their ends, where the script takes the ends off anyway, or reads JSON or a number."""
    if items.kind != "lines" or items.item == "{}":
        return items
    plain = sum(isinstance(node, ast.Name) and node.id == name for use in uses for node in ast.walk(use))
    ends = sum(_trims(node, name) for use in uses for node in ast.walk(use))
    return replace(items, item="{}", remark="") if plain == ends else items


def _trims(node: ast.AST, name: str) -> bool:
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Name(id=owner), attr="strip" | "rstrip"), args=args):
            return owner == name and (not args or ast.unparse(args[0]) in ("'\\n'", "'\\r\\n'"))
        case ast.Call(func=func, args=[ast.Name(id=owner)]):
            return owner == name and ast.unparse(func) in ("json.loads", "int", "float")
    return False
