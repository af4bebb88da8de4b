"""Takes out of a script what a function needs: its own text, its imports and its helpers, as they are."""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from orchestrator.audit.migration.apis import STARTS
from orchestrator.audit.migration.script import COMPREHENSIONS, Script, names_in
from orchestrator.audit.races.names import bound_names, own_nodes

type Def = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda

_DEFS = (ast.FunctionDef, ast.AsyncFunctionDef)


def free_names(node: ast.AST) -> set[str]:
    """The names that a statement or an expression takes from the module around it, and those it assigns there."""
    if isinstance(node, (*_DEFS, ast.Lambda)):
        return _of_function(node)
    if isinstance(node, COMPREHENSIONS):
        targets = {name for one in node.generators for name in names_in(one.target)}
        return _of_children(node) - targets
    match node:
        case ast.Name(id=name):
            return {name}
        case ast.Global(names=names):
            return set(names)
    return _of_children(node)


def _of_children(node: ast.AST) -> set[str]:
    return {name for child in ast.iter_child_nodes(node) for name in free_names(child)}


def _of_function(node: Def) -> set[str]:
    args = node.args
    named = [one for one in (*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg) if one]
    head: list[ast.AST] = [*args.defaults, *(one for one in args.kw_defaults if one)]
    head += [one.annotation for one in named if one.annotation]
    body: list[ast.AST] = [node.body] if isinstance(node, ast.Lambda) else [*node.body]
    if not isinstance(node, ast.Lambda):
        head += [*node.decorator_list, *([node.returns] if node.returns else [])]
    declared = {name for inner in _own(body) if isinstance(inner, ast.Global) for name in inner.names}
    local = {one.arg for one in named} | {name for inner in _own(body) for name in _defined(inner)} - declared
    used = {name for part in body for name in free_names(part)}
    return {name for part in head for name in free_names(part)} | (used - local) | declared


def _own(body: Iterable[ast.AST]) -> Iterator[ast.AST]:
    for part in body:
        yield part
        if not isinstance(part, (*_DEFS, ast.ClassDef, ast.Lambda)):
            yield from own_nodes(part)


def _defined(node: ast.AST) -> Iterator[str]:
    """The names that a node binds where it stands."""
    match node:
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            yield from (alias.asname or alias.name.partition(".")[0] for alias in names)
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.comprehension():
            pass
        case _:
            yield from (name for name, _ in bound_names(node))


@dataclass(frozen=True)
class Extract:
    """The statements at the top of a script, and who needs which."""

    script: Script

    @cached_property
    def _statements(self) -> list[ast.stmt]:
        return [node for node in self.script.source.tree.body if node not in self.script.guards]

    @cached_property
    def _binders(self) -> dict[str, list[ast.stmt]]:
        found: dict[str, list[ast.stmt]] = {}
        for statement in self._statements:
            for node in _own([statement]):
                for name in (*_defined(node), *_changed(node)):
                    found.setdefault(name, []).append(statement)
        return found

    def defines(self, name: str) -> bool:
        """Whether a statement outside the main part binds a name."""
        return name in self._binders

    def take(self, names: Iterable[str]) -> list[ast.stmt]:
        """The statements that these names need, in the script's order."""
        taken: set[ast.stmt] = set()
        waiting, seen = [*names], set[str]()
        for statement in self._statements:
            if self._sets_up(statement):
                taken.add(statement)
                waiting += free_names(statement)
        while waiting:
            name = waiting.pop()
            if name in seen:
                continue
            seen.add(name)
            for statement in self._binders.get(name, ()):
                if statement not in taken:
                    taken.add(statement)
                    waiting += free_names(statement)
        return [statement for statement in self._statements if statement in taken]

    def needed(self, names: Iterable[str]) -> set[str]:
        """All names that these need, through whatever defines them."""
        return {*names}.union(*(free_names(statement) for statement in self.take(names)))

    def _sets_up(self, statement: ast.stmt) -> bool:
        """Whether it changes a module that was imported, as `sys.path.insert(…)` and `random.seed(1)` do."""
        match statement:
            case ast.Expr(value=ast.Call(func=ast.Attribute() as changed)):
                pass
            case ast.Assign(targets=[ast.Attribute() | ast.Subscript() as changed]):
                pass
            case ast.ImportFrom(module="__future__"):
                return True
            case _:
                return False
        full = self.script.full(changed.value if isinstance(changed, ast.Subscript) else changed)
        root = _root(changed)
        return root in self.script.module.imports and bool(full) and full not in STARTS


def _changed(node: ast.AST) -> Iterator[str]:
    """The name whose object a statement changes in place: `TABLE[k] = v`, `TABLE.update(…)`."""
    match node:
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=owner))):
            yield _root(owner)
        case ast.Assign(targets=targets):
            yield from (_root(target) for target in targets if isinstance(target, (ast.Attribute, ast.Subscript)))
        case ast.AugAssign(target=ast.Attribute() | ast.Subscript() as target):
            yield _root(target)


def _root(node: ast.AST) -> str:
    while isinstance(node, (ast.Attribute, ast.Subscript, ast.Call)):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""
