"""What a module defines, as its source says: functions, classes, bindings and imports. Nothing is imported."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Self

from orchestrator.audit.races.source import Source

type Def = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda

SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
_BLOCKS = (ast.If, ast.Try, ast.TryStar, ast.With, ast.For, ast.While)


def own_nodes(root: ast.AST) -> Iterator[ast.AST]:
    """Every node below, but nothing inside nested functions and classes (these themselves are given)."""
    pending = list(ast.iter_child_nodes(root))
    while pending:
        node = pending.pop()
        yield node
        if not isinstance(node, SCOPES):
            pending.extend(ast.iter_child_nodes(node))


@dataclass(eq=False)
class Function:
    """A function, a method or a lambda."""

    module: Module
    name: str
    node: Def
    owner: Class | None = None
    parent: Function | None = None

    @cached_property
    def body(self) -> list[ast.stmt]:
        """Its statements."""
        if isinstance(self.node, ast.Lambda):
            return [ast.copy_location(ast.Return(self.node.body), self.node.body)]
        return self.node.body

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """Every node of its body, without nested functions' bodies."""
        return [inner for stmt in self.body for inner in (stmt, *([] if isinstance(stmt, SCOPES) else own_nodes(stmt)))]

    @cached_property
    def params(self) -> list[str]:
        """Its parameters' names, positional ones first, `*args` and `**kwargs` last."""
        return [*self.positional, *(arg.arg for arg in self.node.args.kwonlyargs), *self.starred]

    @cached_property
    def positional(self) -> list[str]:
        """The names of those that arguments are given to by their place."""
        return [arg.arg for arg in (*self.node.args.posonlyargs, *self.node.args.args)]

    @cached_property
    def starred(self) -> list[str]:
        """The names of `*args` and `**kwargs`, which are made anew for every call."""
        return [arg.arg for arg in (self.node.args.vararg, self.node.args.kwarg) if arg is not None]

    @cached_property
    def defaults(self) -> dict[str, ast.expr]:
        """The default of each parameter that has one."""
        args = self.node.args
        found = dict(zip(reversed(self.positional), reversed(args.defaults), strict=False))
        found |= {arg.arg: value for arg, value in zip(args.kwonlyargs, args.kw_defaults, strict=True) if value}
        return found

    @cached_property
    def declared(self) -> frozenset[str]:
        """The names that it declares global or nonlocal."""
        return frozenset(
            name for node in self.nodes if isinstance(node, (ast.Global, ast.Nonlocal)) for name in node.names
        )

    @cached_property
    def assigned(self) -> dict[str, list[ast.expr | None]]:
        """Its local names, and what is assigned to each (None where that is no single expression)."""
        found: dict[str, list[ast.expr | None]] = {}
        for node in self.nodes:
            for name, value in bound_names(node):
                if name not in self.declared:
                    found.setdefault(name, []).append(value)
        return found

    @cached_property
    def nested(self) -> dict[str, Function]:
        """The functions defined in it."""
        return {
            node.name: Function(self.module, node.name, node, self.owner, self)
            for node in self.nodes
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        }

    @cached_property
    def generates(self) -> bool:
        """Whether calling it makes a generator."""
        return any(isinstance(node, (ast.Yield, ast.YieldFrom)) for node in self.nodes)

    def decorated(self, name: str) -> bool:
        """Whether a decorator's last name is this one."""
        return not isinstance(self.node, ast.Lambda) and any(
            last_name(decorator) == name for decorator in self.node.decorator_list
        )


@dataclass(eq=False)
class Class:
    """A class: its methods and what it and its objects hold."""

    module: Module
    name: str
    node: ast.ClassDef

    @cached_property
    def methods(self) -> dict[str, Function]:
        """The methods by name."""
        return {
            node.name: Function(self.module, f"{self.name}.{node.name}", node, self)
            for node in self.node.body
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        }

    @cached_property
    def attributes(self) -> dict[str, ast.expr]:
        """What the class's body assigns."""
        bound = (pair for node in self.node.body for pair in bound_names(node))
        return {name: value for name, value in bound if isinstance(value, ast.expr)}

    @cached_property
    def fields(self) -> dict[str, ast.expr]:
        """What its methods assign to attributes of `self`; `__init__` comes first."""
        found: dict[str, ast.expr] = {}
        for method in sorted(self.methods.values(), key=lambda method: not method.name.endswith(".__init__")):
            first = method.params[:1]
            for node in method.nodes:
                if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
                    for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                        if isinstance(target, ast.Attribute) and [dotted(target.value)] == first:
                            found.setdefault(target.attr, node.value)
        return found

    @property
    def dataclass(self) -> bool:
        """Whether a decorator makes its annotated attributes fields of each object."""
        decorators = {last_name(decorator) for decorator in self.node.decorator_list}
        return bool(decorators & {"dataclass", "define", "attrs", "s", "frozen", "mutable"})


@dataclass(eq=False)
class Module:
    """One module of the user's, by what its source says."""

    name: str
    source: Source
    package: bool
    functions: dict[str, Function] = field(default_factory=dict)
    classes: dict[str, Class] = field(default_factory=dict)
    bindings: dict[str, list[ast.expr | None]] = field(default_factory=dict)
    imports: dict[str, str] = field(default_factory=dict)
    calls: list[ast.Call] = field(default_factory=list)

    @classmethod
    def of(cls, name: str, source: Source, package: bool) -> Self:
        """Read what a source defines."""
        module = cls(name, source, package)
        for node in own_nodes(source.tree):
            module._enter(node)
        for node in ast.walk(source.tree):
            # Imports inside functions count for the whole module: what they name is the same everywhere.
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                module._import(node)
        return module

    def _enter(self, node: ast.AST) -> None:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            self.functions[node.name] = Function(self, node.name, node)
        elif isinstance(node, ast.ClassDef):
            self.classes[node.name] = Class(self, node.name, node)
        elif isinstance(node, ast.Call):
            self.calls.append(node)
        for name, value in bound_names(node):
            if not isinstance(node, SCOPES):
                self.bindings.setdefault(name, []).append(value)

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        if isinstance(node, ast.Import):
            for alias in node.names:
                self.imports[alias.asname or alias.name.partition(".")[0]] = (
                    alias.name if alias.asname else alias.name.partition(".")[0]
                )
            return
        start = node.module or ""
        if node.level:
            parts = self.name.split(".")
            base = parts[: len(parts) - node.level + self.package]
            start = ".".join([*base, *([node.module] if node.module else [])])
        for alias in node.names:
            self.imports[alias.asname or alias.name] = f"{start}.{alias.name}" if start else alias.name


def bound_names(node: ast.AST) -> Iterator[tuple[str, ast.expr | None]]:
    """The names that a node binds, and to what."""
    match node:
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                yield from _names(target, value)
        case ast.AnnAssign(target=ast.Name(id=name), value=value) if value is not None:
            yield name, value
        case ast.NamedExpr(target=ast.Name(id=name), value=value):
            yield name, value
        case ast.AugAssign(target=ast.Name(id=name)):
            yield name, None
        case ast.For() | ast.AsyncFor() | ast.comprehension():
            yield from _names(node.target, None)
        case ast.withitem(optional_vars=target) if target is not None:
            yield from _names(target, None)
        case ast.ExceptHandler(name=str(name)) | ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            yield name, None


def _names(target: ast.expr, value: ast.expr | None) -> Iterator[tuple[str, ast.expr | None]]:
    if isinstance(target, ast.Name):
        yield target.id, value
    elif isinstance(target, (ast.Tuple, ast.List)):
        for element in target.elts:
            yield from _names(element, None)
    elif isinstance(target, ast.Starred):
        yield from _names(target.value, None)


def dotted(node: ast.AST) -> str:
    """`a.b.c` of an expression that is such a chain; else ""."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (base := dotted(node.value)):
        return f"{base}.{node.attr}"
    return ""


def last_name(node: ast.AST) -> str:
    """The last name of a chain, through calls and subscripts: `lock` of `self.locks[k].lock`."""
    match node:
        case ast.Call(func=inner) | ast.Subscript(value=inner):
            return last_name(inner)
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
    return ""
