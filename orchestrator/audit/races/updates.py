"""Judges changes: lost updates, read-modify-write, class state, mutable defaults, shared buffers (FT101 to FT107)."""

import ast
from collections.abc import Iterator

from orchestrator.audit.findings import Finding
from orchestrator.audit.races.access import Access, How, expression_places
from orchestrator.audit.races.kinds import Kind, changers
from orchestrator.audit.races.look import look
from orchestrator.audit.races.reach import Reach, Reached
from orchestrator.audit.races.rules import found
from orchestrator.audit.races.values import Place


def judge_updates(seen: list[Access], reach: Reach) -> Iterator[Finding]:
    """Updates of shared places, and stores of what was made from the stored place itself."""
    taken = [access for access in seen if access.how is How.CALL and access.method in ("pop", "popleft")]
    pools = {one.place.key for one in taken} - {one.place.key for one in taken if not _caught(one)}
    for access in seen:
        if access.how is How.UPDATE and not access.guarded:
            yield _update(access, "is updated in place")
        elif access.how is How.STORE and access.value is not None:
            origin = stale_read(access, reach)
            if origin is not None:
                yield _update(access, f"gets a value made from what it was at line {origin}")
        if access.place.key not in pools:
            yield from _change(access)


def _update(access: Access, what: str) -> Finding:
    place = access.place
    return found(rule_of(place), f"{place.name} {what}, without a lock", access.at, detail(access))


def detail(access: Access, **more: str) -> dict[str, str]:
    """What a program may want to know about an access."""
    return {"function": access.function, "name": access.place.name, "scope": access.place.scope, **more}


def rule_of(place: Place) -> str:
    """Which rule an update of a place breaks."""
    if place.scope == "default":
        return "FT106"
    if place.kind is Kind.ARRAY:
        return "FT107"
    if place.scope == "class" and not place.base:
        return "FT105"
    return "FT102" if place.base or place.scope == "process" else "FT101"


def stale_read(access: Access, reach: Reach) -> int | None:
    """The line at which the value of a store was read from the same place, where nothing held it in between."""
    assert access.value is not None
    key, home = access.place.name, access.place.home
    if _reads(access.value, key, home, access.reached, reach):
        return None if access.guarded else access.node.lineno
    made = access.reached.function.assigned
    # A name with several values may have got the one that counts from elsewhere.
    names = {
        node.id for node in ast.walk(access.value) if isinstance(node, ast.Name) and len(made.get(node.id, ())) == 1
    }
    for site in access.reached.sites:
        node = site.node
        if not isinstance(node, ast.Assign) or node is access.node or node.lineno > access.node.lineno:
            continue
        if not any(isinstance(target, ast.Name) and target.id in names for target in node.targets):
            continue
        held = access.reached.guarded or bool(site.locks & access.site.locks)
        if not held and _reads(node.value, key, home, access.reached, reach):
            return node.lineno
    return None


def _reads(node: ast.expr, name: str, home: str, reached: Reached, reach: Reach) -> bool:
    """Whether an expression reads the place, or counts what it is an entry of."""
    if any(place.name == name and place.home == home for place in expression_places(node, reached, reach)):
        return True
    frame = reach.frame(reached)
    for inner in ast.walk(node):
        match inner:
            case ast.Call(func=ast.Name(id="len"), args=[argument]):
                counted = look(argument, frame)
                if isinstance(counted, Place) and name.startswith(f"{counted.name}["):
                    return True
    return False


def _change(access: Access) -> Iterator[Finding]:
    place = access.place
    if access.guarded:
        return
    if place.scope == "default" and not _memo(access):
        owner = place if not place.base else None
        if access.how is How.CALL and access.method in changers(place.kind) and owner is not None:
            yield found(
                "FT106", f"the default of {place.name} is changed by {access.method}()", access.at, detail(access)
            )
        elif access.how in (How.STORE, How.DELETE):
            yield found("FT106", f"the default of {place.base or place.name} is changed", access.at, detail(access))
    of_class = place.through_self and access.how is How.CALL and place.kind in (Kind.LIST, Kind.DEQUE)
    if of_class and access.method in changers(place.kind):
        message = f"{place.name} is one list for all objects of the class, and {access.method}() changes it"
        yield found("FT105", message, access.at, detail(access))


def _memo(access: Access) -> bool:
    """Whether a default is kept as a cache on purpose: entries are looked up by key and stored by key."""
    return access.how is How.STORE and any(
        isinstance(around, ast.If) and any(isinstance(op, (ast.In, ast.NotIn)) for op in _operators(around.test))
        for around in access.site.around
    )


def _caught(access: Access) -> bool:
    """Whether one spare object is taken in one step, and none being there is caught: a pool, which may be shared."""
    return any(
        isinstance(around, ast.Try)
        and any("IndexError" in ast.unparse(handler.type) for handler in around.handlers if handler.type is not None)
        for around in access.site.around
    )


def _operators(test: ast.expr) -> Iterator[ast.cmpop]:
    for node in ast.walk(test):
        if isinstance(node, ast.Compare):
            yield from node.ops


def judge_buffers(seen: list[Access], reach: Reach) -> Iterator[Finding]:
    """Writes into shared arrays and buffers (FT107), but for entries that are the item's own."""
    for access in seen:
        if access.guarded:
            continue
        if access.how is How.STORE and isinstance(access.node, ast.Assign):
            for target in access.node.targets:
                if isinstance(target, ast.Subscript) and _overlaps(target.slice):
                    yield from _buffer(look(target.value, reach.frame(access.reached)), access, "is overwritten")
        elif access.how is How.CALL and access.method in changers(Kind.ARRAY):
            yield from _buffer(access.place, access, f"is changed by {access.method}()")
    for reached in reach.found.values():
        yield from _outputs(reached, reach)


def _buffer(place: object, access: Access, what: str) -> Iterator[Finding]:
    if isinstance(place, Place) and place.kind is Kind.ARRAY and place.scope != "default":
        message = f"{place.name} is one buffer for all threads, and {what} here"
        yield found("FT107", message, access.at, detail(access))


def _outputs(reached: Reached, reach: Reach) -> Iterator[Finding]:
    """Buffers that are handed to a call to be filled: `out=buffer`, `readinto(buffer)`."""
    frame = reach.frame(reached)
    for site in reached.sites:
        node = site.node
        if not isinstance(node, ast.Call) or reached.guarded or site.locks:
            continue
        filled = [word.value for word in node.keywords if word.arg == "out"]
        if isinstance(node.func, ast.Attribute) and node.func.attr in ("readinto", "recv_into", "pack_into"):
            filled += node.args
        for argument in filled:
            place = look(argument, frame)
            if isinstance(place, Place) and place.kind is Kind.ARRAY:
                message = f"{place.name} is one buffer for all threads, and is filled here"
                at = (reached.function.module.source.path, node.lineno)
                yield found("FT107", message, at, {"function": reached.function.name, "name": place.name})


def _overlaps(index: ast.expr) -> bool:
    """Whether two items would write to the same entries: no variable says where they begin."""
    match index:
        case ast.Slice(lower=lower):
            return lower is None or isinstance(lower, ast.Constant)
        case ast.Tuple(elts=elements):
            return all(map(_overlaps, elements))
    return isinstance(index, ast.Constant)
