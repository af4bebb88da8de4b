"""Judges iterators, iteration, and what is written and read back (FT108 to FT110)."""

import ast
from collections.abc import Iterator
from pathlib import Path

from orchestrator.audit.findings import Finding
from orchestrator.audit.races.access import Access, How
from orchestrator.audit.races.kinds import Kind, changers
from orchestrator.audit.races.look import look
from orchestrator.audit.races.names import Function
from orchestrator.audit.races.reach import Reach
from orchestrator.audit.races.rules import found
from orchestrator.audit.races.updates import detail, stale_read
from orchestrator.audit.races.values import External, Place

_MOVES = frozenset(
    ("__next__", "send", "read", "readline", "readlines", "readinto", "read1", "seek", "truncate", "getvalue")
)
_CONSUMERS = frozenset(
    ("next", "list", "tuple", "zip", "enumerate", "sum", "sorted", "set", "dict", "map", "filter", "max", "min", "any")
)
_RESIZERS = {
    Kind.DICT: frozenset(("pop", "popitem", "clear", "update", "setdefault")),
    Kind.LIST: frozenset(("pop", "remove", "clear", "insert", "sort", "reverse")),
}


def judge_iterators(seen: list[Access], reach: Reach) -> Iterator[Finding]:
    """Steps of a shared iterator or file (FT108)."""
    for access in seen:
        if access.place.kind is not Kind.ITERATOR or access.guarded:
            continue
        if access.how is How.ITERATE or (access.how is How.CALL and access.method in _MOVES):
            yield _step(access.place, access)
    for reached in reach.found.values():
        frame = reach.frame(reached)
        for site in reached.sites:
            match site.node:
                case ast.Call(func=func, args=[*args]) if not (reached.guarded or site.locks):
                    target = look(func, frame)
                    if not isinstance(target, External) or not _consumes(target.name):
                        continue
                    places = (look(arg, frame) for arg in args if not isinstance(arg, ast.Starred))
                    for place in places:
                        if isinstance(place, Place) and place.kind is Kind.ITERATOR:
                            yield _step(place, Access(place, How.READ, site.node, site, reached))


def _consumes(name: str) -> bool:
    return name in _CONSUMERS or name.startswith("itertools.")


def _step(place: Place, access: Access) -> Finding:
    message = f"{place.name} is one iterator for all threads, and is moved here without a lock"
    return found("FT108", message, access.at, detail(access))


def judge_iteration(seen: list[Access], reach: Reach) -> Iterator[Finding]:
    """Loops over a shared container that the threads also change (FT109)."""
    del reach
    changed: dict[tuple[str, str], Access] = {}
    for access in seen:
        for name in _resized(access):
            known = changed.get((access.place.home, name))
            if known is None or known.guarded:
                changed[access.place.home, name] = access
    for access in seen:
        if access.how is not How.ITERATE or access.place.kind is Kind.ITERATOR:
            continue
        by = changed.get(access.place.key)
        if by is not None and not (access.guarded and by.guarded):
            message = f"{access.place.name} is iterated over here and changed at line {by.at[1]}"
            yield found("FT109", message, access.at, detail(access, changed=f"{by.at[0]}:{by.at[1]}"))


def _resized(access: Access) -> list[str]:
    """The names of the containers whose size an access may change."""
    place = access.place
    if access.how is How.CALL:
        methods = _RESIZERS.get(place.kind) or changers(place.kind)
        return [place.name] if access.method in methods else []
    if access.how not in (How.STORE, How.DELETE, How.UPDATE) or not place.name.endswith("]"):
        return []
    target = access.node
    targets = target.targets if isinstance(target, (ast.Assign, ast.Delete)) else [getattr(target, "target", None)]
    return [
        place.name[: -len(f"[{ast.unparse(inner.slice)}]")] for inner in targets if isinstance(inner, ast.Subscript)
    ]


def judge_readback(seen: list[Access], reach: Reach) -> Iterator[Finding]:
    """Values that are passed on through something shared (FT110)."""
    reads = {
        access.place.key: access
        for access in seen
        if access.how in (How.READ, How.CALL, How.ITERATE) and not _by_local_name(access)
    }
    for access in seen:
        if access.guarded:
            continue
        if access.how is How.STORE and access.value is not None and _scratch(access):
            reader = reads.get(access.place.key)
            if reader is not None and stale_read(access, reach) is None and not _once(access):
                of = "" if reader.at[0] == access.at[0] else f" of {Path(reader.at[0]).name}"
                message = f"{access.place.name} is set for this item and read at line {reader.at[1]}{of}"
                yield found("FT110", message, access.at, detail(access, read=f"{reader.at[0]}:{reader.at[1]}"))
        elif access.how is How.CALL and access.method in ("append", "clear"):
            yield from _filled(access, seen, reach)


def _by_local_name(access: Access) -> bool:
    """Whether a local name is read that took the value before, as what gives it back does."""
    function, node = access.reached.function, access.node
    return isinstance(node, ast.Name) and node.id in function.assigned and node.id not in function.declared


def _scratch(access: Access) -> bool:
    """Whether one named place is set to what depends on the item."""
    function = access.reached.function
    assert access.value is not None
    local = {*function.params, *function.assigned}
    if not any(isinstance(node, ast.Name) and node.id in local for node in ast.walk(access.value)):
        return False
    return (access.place.scope != "default" and not access.place.name.endswith("]")) or _constant_entry(access)


def _constant_entry(access: Access) -> bool:
    targets = access.node.targets if isinstance(access.node, ast.Assign) else []
    return any(isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Constant) for target in targets) and (
        access.place.kind is not Kind.ARRAY
    )


def _once(access: Access) -> bool:
    """Whether it is set only where it was missing: that is FT104's."""
    return any(isinstance(around, (ast.If, ast.ExceptHandler)) for around in access.site.around)


def _filled(access: Access, seen: list[Access], reach: Reach) -> Iterator[Finding]:
    """A shared list that is appended to and measured, or emptied and used again, in one function."""
    place = access.place
    if place.kind not in (Kind.LIST, Kind.DEQUE, Kind.DICT, Kind.SET) or place.scope == "default":
        return
    if access.method == "clear":
        used = [
            other
            for other in seen
            if other.reached is access.reached and other.place.key == place.key and other.at[1] > access.at[1]
        ]
        if any(other.how is How.CALL and other.method in changers(place.kind) for other in used):
            message = f"{place.name} is emptied and filled again for this item"
            yield found("FT110", message, access.at, detail(access))
        return
    for line in _measured(access, reach):
        message = f"{place.name} is appended to here and looked at at line {line} as if nobody else had appended"
        yield found("FT110", message, access.at, detail(access, read=f"{access.at[0]}:{line}"))
        return


def _measured(access: Access, reach: Reach) -> Iterator[int]:
    """The lines after an append at which the last entry or the length is taken."""
    frame = reach.frame(access.reached)
    function: Function = access.reached.function
    for node in function.nodes:
        subject: ast.expr | None = None
        match node:
            case ast.Call(func=ast.Name(id="len"), args=[argument]):
                subject = argument
            case ast.Subscript(value=value, slice=ast.UnaryOp(op=ast.USub()), ctx=ast.Load()):
                subject = value
        if subject is None or subject.lineno < access.node.lineno:
            continue
        place = look(subject, frame)
        if isinstance(place, Place) and place.key == access.place.key:
            yield subject.lineno
