"""What the reached functions do to what threads share: every read, store, update, call and iteration."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from orchestrator.audit.races.kinds import Kind
from orchestrator.audit.races.look import look
from orchestrator.audit.races.names import Class, Module
from orchestrator.audit.races.reach import Reach, Reached
from orchestrator.audit.races.sites import Site
from orchestrator.audit.races.values import Place, Value


class How(Enum):
    """What is done to a place."""

    READ = "reads"
    STORE = "stores"
    UPDATE = "updates"
    DELETE = "deletes"
    CALL = "calls a method of"
    ITERATE = "iterates over"


@dataclass(frozen=True)
class Access:
    """One thing that one line does to a shared place.

    Attributes:
        place: what it is done to; of a call the object, of an iteration what is iterated over.
        how: what is done.
        node: the expression or statement.
        value: what is stored, where that is one expression.
        method: the method's name, for a call.
    """

    place: Place
    how: How
    node: ast.expr | ast.stmt
    site: Site
    reached: Reached
    value: ast.expr | None = None
    method: str = ""

    @property
    def guarded(self) -> bool:
        """Whether a lock is held."""
        return self.reached.guarded or bool(self.site.locks)

    @property
    def at(self) -> tuple[str, int]:
        """The file and the line."""
        return self.reached.function.module.source.path, self.node.lineno

    @property
    def function(self) -> str:
        """The function that does it."""
        return self.reached.function.name


def accesses(reach: Reach) -> list[Access]:
    """Everything that the reached functions do to shared places."""
    return [
        access
        for reached in list(reach.found.values())
        for site in reached.sites
        for access in _of(site, reached, reach)
    ]


def _of(site: Site, reached: Reached, reach: Reach) -> Iterator[Access]:
    match site.node:
        case ast.Assign() | ast.AnnAssign() | ast.AugAssign() | ast.Delete():
            yield from _writes(site.node, site, reached, reach)
        case ast.Call(func=ast.Attribute(value=owner, attr=method)):
            base = look(owner, reach.frame(reached))
            if isinstance(base, Place):
                yield Access(base, How.CALL, site.node, site, reached, method=method)
        case ast.For(iter=iterated) | ast.AsyncFor(iter=iterated):
            yield from _iteration(iterated, site, reached, reach)
        case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
            for generator in site.node.generators:
                yield from _iteration(generator.iter, site, reached, reach)
        case ast.Name(ctx=ast.Load()) | ast.Attribute(ctx=ast.Load()) | ast.Subscript(ctx=ast.Load()):
            place = look(site.node, reach.frame(reached))
            if isinstance(place, Place):
                yield Access(place, How.READ, site.node, site, reached)


type Write = ast.Assign | ast.AnnAssign | ast.AugAssign | ast.Delete


def _writes(node: Write, site: Site, reached: Reached, reach: Reach) -> Iterator[Access]:
    how = {ast.AugAssign: How.UPDATE, ast.Delete: How.DELETE}.get(type(node), How.STORE)
    value = None if isinstance(node, ast.Delete) else node.value
    if isinstance(node, ast.AnnAssign) and value is None:
        return
    for target in node.targets if isinstance(node, (ast.Assign, ast.Delete)) else [node.target]:
        for place, whole in _targets(target, reached, reach):
            yield Access(place, how, node, site, reached, value if whole else None)


def _iteration(node: ast.expr, site: Site, reached: Reached, reach: Reach) -> Iterator[Access]:
    match node:
        case ast.Call(func=ast.Attribute(value=owner, attr="items" | "keys" | "values"), args=[]):
            node = owner
        case ast.Call(func=ast.Name(id="enumerate" | "zip" | "map" | "filter" | "reversed"), args=args):
            for argument in args:
                yield from _iteration(argument, site, reached, reach)
            return
    place = look(node, reach.frame(reached))
    if isinstance(place, Place):
        yield Access(place, How.ITERATE, node, site, reached)


def _targets(target: ast.expr, reached: Reached, reach: Reach) -> Iterator[tuple[Place, bool]]:
    """The shared places that an assignment's target writes to, and whether it is the whole target."""
    if isinstance(target, (ast.Tuple, ast.List)):
        for element in target.elts:
            yield from ((place, False) for place, _ in _targets(element, reached, reach))
        return
    place = _target(target, reached, reach)
    if isinstance(place, Place):
        yield place, True


def _target(target: ast.expr, reached: Reached, reach: Reach) -> Value:
    frame = reach.frame(reached)
    match target:
        case ast.Name(id=name) if name in reached.function.declared:
            return look(target, frame)
        case ast.Subscript():
            return look(target, frame)
        case ast.Attribute(value=owner, attr=attr):
            base = look(owner, frame)
            known = look(target, frame) if isinstance(base, (Place, Module, Class)) else None
            if isinstance(base, Class) and not isinstance(known, Place):
                return Place(f"{base.name}.{attr}", "class", Kind.UNKNOWN, home=base.module.name)
            return known
    return None


def expression_places(node: ast.AST, reached: Reached, reach: Reach) -> Iterator[Place]:
    """The shared places that an expression reads, entries that it gets included."""
    frame = reach.frame(reached)
    for inner in ast.walk(node):
        if isinstance(inner, (ast.Name, ast.Attribute, ast.Subscript, ast.Call)):
            value = look(inner, frame)
            if isinstance(value, Place):
                yield value
