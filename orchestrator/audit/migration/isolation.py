"""What relied on each process having its own: what becomes common, and what would race (FT410 to FT414)."""

import ast
from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from orchestrator.audit.findings import Finding
from orchestrator.audit.migration.apis import IDENTITY, Kind
from orchestrator.audit.migration.move import Move
from orchestrator.audit.migration.script import Script
from orchestrator.audit.races.access import Access, How, accesses
from orchestrator.audit.races.kinds import MUTABLE, changers
from orchestrator.audit.races.kinds import Kind as Holds
from orchestrator.audit.races.lint import follow_task, judge
from orchestrator.audit.races.names import Function
from orchestrator.audit.races.process import full_name
from orchestrator.audit.races.reach import Reach
from orchestrator.audit.races.rules import RULES, found
from orchestrator.audit.races.values import Bound

_WRITES = (How.STORE, How.UPDATE, How.DELETE)
_SAFE = (Holds.OWN, Holds.LOCK, Holds.COUNT)
_ALONE = {
    "sqlite3.connect": "a connection that only the thread that made it may use",
    "open": "an open file, whose position all threads would move",
    "gzip.open": "an open file, whose position all threads would move",
    "zipfile.ZipFile": "an open file, whose position all threads would move",
    "tarfile.open": "an open file, whose position all threads would move",
    "socket.socket": "a socket, on which all threads would talk at once",
    "socket.create_connection": "a socket, on which all threads would talk at once",
    "requests.Session": "a session, which is not made for several threads",
    "requests.session": "a session, which is not made for several threads",
    "random.Random": "a generator of random numbers, which all threads would draw from",
    "numpy.random.default_rng": "a generator of random numbers, which all threads would draw from",
    "numpy.random.RandomState": "a generator of random numbers, which all threads would draw from",
}


def reach_of(move: Move, script: Script) -> Reach | None:
    """What the function of a call runs of the user's own code; None where that is not theirs, or not known."""
    node = move.callee.node
    if node is None:
        function = script.project.find(script.module.name)
        target = script.module.imports.get(move.callee.text, "")
        home = script.project.find(target.rpartition(".")[0]) if target and function else None
        own = home.functions.get(target.rpartition(".")[2]) if home is not None else None
        return follow_task(Bound(own), script.project) if own is not None else None
    known = script.module.functions.get(move.callee.text)
    own = known if known is not None and known.node is node else Function(script.module, move.callee.text, node)
    return follow_task(Bound(own), script.project)


def isolation(moves: Sequence[Move], script: Script) -> Iterator[Finding]:
    """What is no longer each worker's own."""
    _know_initializers(moves, script)
    for move in moves:
        reach = reach_of(move, script)
        if reach is not None:
            yield from _shared(reach, move.call.pool.kind)
        for one in move.inherited:
            message = f"{one.name} is set here, in the main part; {move.callee.text} reads it"
            yield found("FT412", message, (str(script.path), one.line), {"name": one.name})
        if move.call.pool.kind != "threads":
            yield from _not_for_threads(move, script)


def _know_initializers(moves: Sequence[Move], script: Script) -> None:
    """What initializers assign to globals is what these hold, for the rules about races."""
    for move in moves:
        node = move.initializer.callee.node if move.initializer is not None else None
        for name, value in _assigned(node):
            known = script.module.bindings.setdefault(name, [])
            if value not in known:
                known.append(value)


def _assigned(node: ast.AST | None) -> Iterator[tuple[str, ast.expr]]:
    """The globals that a function sets."""
    if node is None:
        return
    names = {name for one in ast.walk(node) if isinstance(one, ast.Global) for name in one.names}
    for one in ast.walk(node):
        for target in one.targets if isinstance(one, ast.Assign) else ():
            if isinstance(one, ast.Assign) and isinstance(target, ast.Name) and target.id in names:
                yield target.id, one.value


def _shared(reach: Reach, kind: Kind) -> Iterator[Finding]:
    racing = judge(reach)
    if kind == "threads":
        # Threads shared it before: it is as wrong now as it was.
        yield from racing
        return
    for one in racing:
        yield _lost(one) if one.rule in RULES and one.rule[:3] in ("FT1", "FT2") else one
    named = {one.detail.get("name", "").partition("[")[0].partition(".")[0] for one in racing}
    lines = {(one.path, one.line) for one in racing}
    told: set[tuple[str, str]] = set()
    for access in accesses(reach):
        place = access.place
        name = place.base or place.name
        key = (place.home, name)
        if key in told or access.at in lines or name.partition(".")[0] in named or not _changes(access):
            continue
        told.add(key)
        message = f"{name} was each process's own; {access.function} changes it for all threads"
        yield found("FT411", message, access.at, {"name": name})
    yield from _identity(reach)


def _lost(one: Finding) -> Finding:
    """A race that processes did not have."""
    if one.rule in ("FT100", "FT199"):
        return one
    message = f"{one.message} ({one.rule}); each process had that for itself"
    return replace(one, rule="FT410", message=message, why=RULES["FT410"].why, detail={**one.detail, "race": one.rule})


def _changes(access: Access) -> bool:
    place = access.place
    if place.kind in _SAFE or place.scope == "process":
        return False
    if access.how in _WRITES:
        return True
    return access.how is How.CALL and place.kind in MUTABLE and access.method in changers(place.kind)


def _identity(reach: Reach) -> Iterator[Finding]:
    for reached in list(reach.found.values()):
        frame = reach.frame(reached)
        for site in reached.sites:
            name = full_name(site.node.func, frame) if isinstance(site.node, ast.Call) else ""
            if name in IDENTITY and isinstance(site.node, ast.Call):
                place = (reached.function.module.source.path, site.node.lineno)
                message = f"{name.rpartition('.')[2]}() gives the same in all threads"
                yield found("FT413", message, place, {"function": reached.function.name})


def _not_for_threads(move: Move, script: Script) -> Iterator[Finding]:
    node = move.initializer.callee.node if move.initializer is not None else None
    for name, value in _assigned(node):
        maker = script.full(value.func) if isinstance(value, ast.Call) else ""
        if maker in _ALONE:
            yield found("FT414", f"{name} is {_ALONE[maker]}", (str(script.path), value.lineno), {"name": name})
