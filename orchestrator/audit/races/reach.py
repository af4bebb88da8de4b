"""Which of the user's functions the job's threads run, and with what: a fixed point over the calls in their source."""

import ast
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial

from orchestrator.audit.races.frames import Frame
from orchestrator.audit.races.kinds import Kind
from orchestrator.audit.races.look import look, method
from orchestrator.audit.races.names import Class, Function, last_name
from orchestrator.audit.races.project import Project
from orchestrator.audit.races.sites import Site, looks_like_lock, sites
from orchestrator.audit.races.values import Bound, Instance, Place, Value

# Methods that containers and files have: their name says nothing about whose they are.
_COMMON = frozenset(name for kind in (dict, list, set, str, bytes) for name in dir(kind)) | {
    "read",
    "write",
    "close",
    "open",
    "readline",
    "seek",
    "flush",
    "run",
    "start",
    "join",
}
_IMPLICIT = {ast.With: ("__enter__", "__exit__"), ast.For: ("__iter__", "__next__")}


@dataclass
class Reached:
    """One function that threads run.

    Attributes:
        given: what its parameters stand for, as far as that is shared.
        guarded: it is called only where a lock is held.
        sites: what happens in it.
    """

    function: Function
    given: dict[str, Value] = field(default_factory=dict)
    guarded: bool = True
    sites: list[Site] = field(default_factory=list)


@dataclass
class Reach:
    """The functions found so far."""

    project: Project
    process: Place | None = None
    shared: frozenset[Function] = frozenset()
    found: dict[ast.AST, Reached] = field(default_factory=dict)

    def frame(self, reached: Reached) -> Frame:
        """Where the expressions of a reached function are evaluated."""
        function = reached.function
        return Frame(self.project, function.module, function, reached.given, self.process, self.shared)

    def follow(self, roots: list[Bound]) -> None:
        """Find what the roots lead to."""
        pending: deque[Reached] = deque()
        for root in roots:
            self._enter(root, [], {}, False, pending)
        while pending:
            reached = pending.popleft()
            frame = self.frame(reached)
            if not reached.sites:
                reached.sites = sites(reached.function, partial(_is_lock, frame=frame))
            for site in reached.sites:
                guarded = reached.guarded or bool(site.locks)
                for target, arguments, named in self._targets(site.node, frame):
                    self._enter(target, arguments, named, guarded, pending)

    def _enter(
        self, target: Bound, arguments: list[Value], named: dict[str, Value], guarded: bool, pending: deque[Reached]
    ) -> None:
        function = target.function
        known = self.found.get(function.node)
        changed = known is None
        if known is None:
            known = self.found[function.node] = Reached(function)
        if known.guarded and not guarded:
            known.guarded, changed = False, True
        values = [target.self, *arguments] if target.self is not None else arguments
        by_name = [(name, value) for name, value in named.items() if name not in function.starred]
        for name, value in [*zip(function.positional, values, strict=False), *by_name]:
            old = known.given.get(name)
            if isinstance(value, Place) and value.kind is Kind.PLAIN:
                # What cannot change is given by value.
                continue
            if value is not None and (old is None or (isinstance(value, Place) and not isinstance(old, Place))):
                known.given[name], changed = value, True
        if changed:
            pending.append(known)

    def _targets(self, node: ast.AST, frame: Frame) -> Iterator[tuple[Bound, list[Value], dict[str, Value]]]:
        match node:
            case ast.Call(func=func, args=args, keywords=keywords):
                values = [None if isinstance(arg, ast.Starred) else look(arg, frame) for arg in args]
                named = {word.arg: look(word.value, frame) for word in keywords if word.arg}
                targets = [*self._called(func, frame)]
                # Where a name alone leads to several methods, what one of them is given says nothing about the others.
                clear = len(targets) == 1 or look(func, frame) is not None
                for target in targets:
                    yield (target, values, named) if clear else (target, [], {})
            case ast.Name(ctx=ast.Load()) | ast.Attribute(ctx=ast.Load()):
                value = look(node, frame)
                if isinstance(value, Bound):
                    yield value, [], {}
            case ast.With() | ast.For():
                expr = [item.context_expr for item in node.items] if isinstance(node, ast.With) else [node.iter]
                for inner in expr:
                    for name in _IMPLICIT[type(node)]:
                        yield from self._special(look(inner, frame), name, frame)
            case ast.Subscript(value=value, ctx=context):
                name = "__getitem__" if isinstance(context, ast.Load) else "__setitem__"
                yield from self._special(look(value, frame), name, frame)

    def _called(self, func: ast.expr, frame: Frame) -> Iterator[Bound]:
        value = look(func, frame)
        if isinstance(value, Bound):
            yield value
            for decorator in getattr(value.function.node, "decorator_list", ()):
                yield from self._wrappers(look(decorator, frame.deeper(None, value.function.module)))
        elif isinstance(value, Class):
            for name in ("__new__", "__init__", "__post_init__"):
                if (found := method(value, name, frame)) is not None:
                    yield Bound(found, Instance(value))
        elif isinstance(value, (Instance, Place)) and value.cls is not None:
            yield from (target for target, *_ in self._special(value, "__call__", frame))
        elif isinstance(func, ast.Attribute) and (value is None or isinstance(value, Place)):
            yield from self._by_name(func, frame)

    def _wrappers(self, decorator: Value) -> Iterator[Bound]:
        """What a decorator of the user's puts around a function: its inner functions."""
        if isinstance(decorator, Bound):
            self.shared |= {decorator.function}
            yield from map(Bound, decorator.function.nested.values())

    def _special(self, value: Value, name: str, frame: Frame) -> Iterator[tuple[Bound, list[Value], dict[str, Value]]]:
        if isinstance(value, (Instance, Place)) and value.cls is not None:
            found = method(value.cls, name, frame)
            if found is not None:
                yield Bound(found, value), [], {}

    def _by_name(self, func: ast.Attribute, frame: Frame) -> Iterator[Bound]:
        """A method of an object that is not known: those of the user's classes with that name."""
        if func.attr in _COMMON or func.attr.startswith("__"):
            return
        owner = look(func.value, frame)
        classes = [
            cls
            for module in list(self.project.modules.values())
            if module is not None
            for cls in module.classes.values()
            if func.attr in cls.methods
        ]
        shared = isinstance(owner, Place) and owner.kind in (Kind.UNKNOWN, Kind.OBJECT) and len(classes) == 1
        for cls in classes:
            yield Bound(cls.methods[func.attr], owner if shared and isinstance(owner, Place) else Instance(cls))


def _is_lock(node: ast.expr, frame: Frame) -> bool:
    value = look(node, frame)
    if isinstance(value, Place) and value.kind is Kind.LOCK:
        return True
    function = frame.function
    if isinstance(node, ast.Name) and function is not None and (made := function.assigned.get(node.id)):
        # A lock that the call made for itself keeps nobody out.
        return not any(isinstance(value, ast.Call) and last_name(value.func) in ("Lock", "RLock") for value in made)
    return looks_like_lock(node)
