"""A script as its source says: what stands in what, what a name is bound to where, and full names of what is imported.

Nothing is imported or run.
"""

import ast
import builtins
import copy
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from orchestrator.audit.findings import Finding
from orchestrator.audit.races.names import Module, bound_names, own_nodes
from orchestrator.audit.races.project import Project
from orchestrator.audit.races.source import Source, read_source
from orchestrator.errors import JobError

type Scope = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.Module

SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.Module)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_DEEPEST = 8


def read_script(path: Path) -> Script:
    """Read a script.

    Raises:
        JobError: it is no Python file, or cannot be read as one.
    """
    if path.suffix == ".ipynb":
        hint = f"Convert it first: jupyter nbconvert --to script {path.name}"
        raise JobError("it is a notebook, and ftorch reads Python files", where=str(path), hint=hint)
    source = read_source(path)
    if isinstance(source, Finding):
        raise JobError(source.message, where=f"{path}:{source.line}" if source.line else str(path))
    return Script(path, source)


@dataclass(frozen=True)
class Script:
    """One script.

    Attributes:
        path: where it is.
        source: its text's syntax, and what its comments accept.
    """

    path: Path
    source: Source
    _bindings: dict[ast.AST, dict[str, list[ast.expr | None]]] = field(default_factory=dict)

    @cached_property
    def text(self) -> str:
        """Its source text."""
        import tokenize

        with tokenize.open(self.path) as file:
            return file.read()

    @cached_property
    def project(self) -> Project:
        """The user's modules around it, for the rules about races."""
        project = Project(self.path.resolve().parent)
        project.modules[self.module.name] = self.module
        return project

    @cached_property
    def module(self) -> Module:
        """What it defines at its top."""
        return Module.of(self.path.stem, self.source, package=False)

    @cached_property
    def parents(self) -> dict[ast.AST, ast.AST]:
        """What each node stands in."""
        return {child: node for node in ast.walk(self.source.tree) for child in ast.iter_child_nodes(node)}

    @cached_property
    def guards(self) -> list[ast.If]:
        """The `if __name__ == "__main__":` statements."""
        return [node for node in self.source.tree.body if isinstance(node, ast.If) and is_guard(node.test)]

    def around(self, node: ast.AST) -> Iterator[ast.AST]:
        """What a node stands in, innermost first."""
        while (parent := self.parents.get(node)) is not None:
            yield parent
            node = parent

    def repeated(self, node: ast.AST) -> Iterator[ast.AST]:
        """What a node stands in, innermost first, without the loops of which it is what is looped over."""
        below = node
        for outer in self.around(node):
            if not (isinstance(outer, (ast.For, ast.AsyncFor)) and below is outer.iter):
                yield outer
            below = outer

    def scope(self, node: ast.AST) -> Scope:
        """The function or module that a node stands in."""
        return next(outer for outer in self.around(node) if isinstance(outer, SCOPES))

    def bindings(self, scope: ast.AST) -> dict[str, list[ast.expr | None]]:
        """What the names of a scope are bound to there; None stands for what is no single expression."""
        if scope not in self._bindings:
            found: dict[str, list[ast.expr | None]] = {}
            body = [scope.body] if isinstance(scope, ast.Lambda) else getattr(scope, "body", [])
            for node in (inner for part in body for inner in (part, *_inside(part))):
                for name, value in _bound(node):
                    found.setdefault(name, []).append(value)
            for argument in _arguments(scope):
                found.setdefault(argument, []).append(None)
            self._bindings[scope] = found
        return self._bindings[scope]

    def values(self, name: str, at: ast.AST) -> list[ast.expr | None] | None:
        """What a name is bound to, in the nearest scope around a node that binds it; None if none does."""
        for outer in self.around(at):
            if isinstance(outer, COMPREHENSIONS) and name in _targets(outer):
                return [None]
            if isinstance(outer, SCOPES) and name in (found := self.bindings(outer)) and name not in _global(outer):
                return found[name]
        return None

    def value(self, name: str, at: ast.AST) -> ast.expr | None:
        """The one expression that a name is bound to; None where there is none, or more than one."""
        found = self.values(name, at) or []
        return found[0] if len(found) == 1 and name not in self.changed_globals else None

    @cached_property
    def changed_globals(self) -> frozenset[str]:
        """Names of the module that a function assigns."""
        return frozenset(
            name for node in ast.walk(self.source.tree) if isinstance(node, ast.Global) for name in node.names
        )

    def full(self, node: ast.AST, depth: int = 0) -> str:
        """The full dotted name of something imported or built in; "" of anything else."""
        match node:
            case ast.Name(id=name):
                values = self.values(name, node)
                if values is not None and not (name in self.module.imports and all(map(_is_none, values))):
                    value = self.value(name, node)
                    return self.full(value, depth + 1) if value is not None and depth < _DEEPEST else ""
                if name in self.module.functions or name in self.module.classes:
                    return ""
                return self.module.imports.get(name) or (name if hasattr(builtins, name) else "")
            case ast.Attribute(value=value, attr=attr):
                base = self.full(value, depth + 1) if depth < _DEEPEST else ""
                return f"{base}.{attr}" if base else ""
            case ast.Call(func=func) if self.full(func, depth + 1).endswith("multiprocessing.get_context"):
                return self.full(func, depth + 1).removesuffix(".get_context")
        return ""

    def copy[N: ast.AST](self, node: N) -> N:
        """A copy of a node, whose names mean what they mean where it stands."""
        made = copy.deepcopy(node)
        for one, original in zip(ast.walk(made), ast.walk(node), strict=True):
            if original in self.parents:
                self.parents[one] = self.parents[original]
        return made

    def named(self, name: str, at: ast.AST) -> ast.Name:
        """A name as it would be meant beside a node."""
        made = ast.Name(name, ast.Load(), lineno=getattr(at, "lineno", 0), col_offset=0)
        self.parents[made] = self.parents[at]
        return made

    def segment(self, node: ast.AST) -> str:
        """The text of a node, as one line."""
        text = ast.get_source_segment(self.text, node) or ast.unparse(node)
        return text if "\n" not in text else ast.unparse(node)


def is_guard(test: ast.expr) -> bool:
    """Whether a condition is `__name__ == "__main__"`."""
    match test:
        case ast.Compare(left=ast.Name(id="__name__"), ops=[ast.Eq()], comparators=[ast.Constant(value="__main__")]):
            return True
    return False


def names_in(node: ast.AST) -> set[str]:
    """Every name that stands in an expression."""
    return {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}


def _targets(node: ast.AST) -> set[str]:
    return {name for one in getattr(node, "generators", ()) for name in names_in(one.target)}


def _is_none(node: ast.expr | None) -> bool:
    """Whether it is `None`: what stands in for an import that failed."""
    return isinstance(node, ast.Constant) and node.value is None


def _inside(node: ast.AST) -> Iterator[ast.AST]:
    return iter(()) if isinstance(node, (*SCOPES, ast.ClassDef)) else own_nodes(node)


def _bound(node: ast.AST) -> Iterator[tuple[str, ast.expr | None]]:
    if isinstance(node, ast.withitem) and isinstance(node.optional_vars, ast.Name):
        yield node.optional_vars.id, node.context_expr
    elif isinstance(node, ast.Assign) and (pairs := [*_paired(node)]):
        yield from pairs
    elif not isinstance(node, ast.FunctionDef | ast.ClassDef | ast.comprehension):
        yield from bound_names(node)


def _paired(node: ast.Assign) -> Iterator[tuple[str, ast.expr | None]]:
    """`a, b = x, y`: each name with its own value."""
    match node:
        case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Tuple(elts=values)) if len(targets) == len(values):
            if all(isinstance(target, ast.Name) for target in targets):
                yield from (
                    (target.id, value)
                    for target, value in zip(targets, values, strict=True)
                    if isinstance(target, ast.Name)
                )


def _arguments(scope: ast.AST) -> Iterator[str]:
    if isinstance(scope, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
        args = scope.args
        for one in (*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg):
            if one is not None:
                yield one.arg


def _global(scope: ast.AST) -> frozenset[str]:
    nodes = own_nodes(scope) if not isinstance(scope, ast.Module) else iter(())
    return frozenset(name for node in nodes if isinstance(node, ast.Global) for name in node.names)
