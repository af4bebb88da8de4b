"""Which code a job reaches from its task's file, by reading: its own modules, and what these import from elsewhere.

A module is the job's own when it lies beside the job file, in the current folder, or in the package of the task. The
rest is installed: it is named, not read. Imports inside functions count, as do `import_module("name")` and
`__import__("name")`; those under `if TYPE_CHECKING` do not.
"""

import ast
import importlib.util
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec import Struct

_MOST_FILES = 2000
_OURS = "orchestrator"
_BY_NAME = ("import_module", "__import__")


class Import(Struct, frozen=True):
    """An import of something that is not the job's own.

    Attributes:
        module: its full name; "a.b" of `from a import b`, where b may be a module or something in it.
        late: it is inside a function, and so happens when that is called.
    """

    module: str
    path: str
    line: int
    late: bool


class Unreadable(Struct, frozen=True):
    """A file of the job that is no valid Python, or cannot be read."""

    path: str
    line: int
    message: str


class Reach(Struct):
    """What a job reaches.

    Attributes:
        files: the job's own.
        imports: the first of its imports of each other module.
        named: the first of its imports of any module, its own included.
        near: the folders where its own modules are looked for.
        unreadable: the files that could not be read.
    """

    files: list[Path] = []
    imports: dict[str, Import] = {}
    named: dict[str, Import] = {}
    near: list[Path] = []
    unreadable: list[Unreadable] = []


def reach_of(target: str, base: Path) -> Reach:
    """Follow the imports from a task's module.

    Args:
        target: "package.module", or "./file.py" relative to `base`.
        base: the job file's folder.
    """
    reach = Reach(near=[base, Path.cwd()])
    near = reach.near
    if target.endswith(".py"):
        path = (base / target).resolve()
        near.insert(0, path.parent)
        own, waiting = "", [(path, "")]
    else:
        own = target.partition(".")[0]
        waiting = _own_modules(target, near + _search_path())
    seen: set[Path] = set()
    while waiting and len(seen) < _MOST_FILES:
        path, name = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        for one in _imports_of(path, name, reach):
            top = one.module.partition(".")[0]
            if top == _OURS != own:
                # A task imports its decorator; what else ftorch has in it is there anyway.
                continue
            reach.named.setdefault(one.module, one)
            local = _own_modules(one.module, near + _search_path() if top == own else near)
            waiting += local
            if not local and top not in sys.stdlib_module_names:
                _note(reach, one)
    return reach


def _search_path() -> list[Path]:
    return [Path(entry) for entry in sys.path if entry]


def _note(reach: Reach, one: Import) -> None:
    known = reach.imports.get(one.module)
    if known is None or (known.late and not one.late):
        reach.imports[one.module] = one


def _own_modules(module: str, roots: Sequence[Path]) -> list[tuple[Path, str]]:
    """The files that importing a module runs, its packages first; none if it is not below these folders."""
    parts = module.split(".")
    for root in roots:
        found: list[tuple[Path, str]] = []
        for index in range(1, len(parts) + 1):
            name, place = ".".join(parts[:index]), root.joinpath(*parts[:index])
            if (place / "__init__.py").is_file():
                found.append(((place / "__init__.py").resolve(), f"{name}.__init__"))
            elif place.with_suffix(".py").is_file():
                found.append((place.with_suffix(".py").resolve(), name))
        if found:
            return found
    return []


def _imports_of(path: Path, name: str, reach: Reach) -> Iterator[Import]:
    try:
        tree = ast.parse(path.read_bytes(), str(path))
    except SyntaxError as error:
        reach.unreadable.append(Unreadable(str(path), error.lineno or 0, f"not valid Python: {error.msg}"))
        return
    except (OSError, ValueError, RecursionError) as error:
        reach.unreadable.append(Unreadable(str(path), 0, f"cannot be read: {error}"))
        return
    reach.files.append(path)
    yield from _walk(tree, path, name, False)


def _walk(node: ast.AST, path: Path, name: str, late: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and _is_type_checking(child.test):
            for other in child.orelse:
                yield from _walk(ast.Module([other], []), path, name, late)
            continue
        if isinstance(child, (ast.Import, ast.ImportFrom, ast.Call)):
            for module in _named(child, name):
                yield Import(module, str(path), child.lineno, late)
        inside = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        yield from _walk(child, path, name, late or inside)


def _is_type_checking(test: ast.expr) -> bool:
    name = test.attr if isinstance(test, ast.Attribute) else test.id if isinstance(test, ast.Name) else ""
    return name == "TYPE_CHECKING"


def _named(node: ast.Import | ast.ImportFrom | ast.Call, name: str) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        module = _absolute(node, name)
        if module:
            yield from (module if alias.name == "*" else f"{module}.{alias.name}" for alias in node.names)
    elif _called(node.func) in _BY_NAME and node.args:
        first = node.args[0]
        if isinstance(first, ast.Constant) and isinstance(first.value, str) and not first.value.startswith("."):
            yield first.value


def _called(function: ast.expr) -> str:
    return (
        function.attr if isinstance(function, ast.Attribute) else function.id if isinstance(function, ast.Name) else ""
    )


def _absolute(node: ast.ImportFrom, name: str) -> str:
    """What a `from … import` names; "" where a relative one leads nowhere."""
    if not node.level:
        return node.module or ""
    package = name.rpartition(".")[0]
    try:
        return importlib.util.resolve_name("." * node.level + (node.module or ""), package) if package else ""
    except ImportError:
        return ""
