"""What a job does not do, and what reading cannot tell (FT420 to FT432)."""

import ast
from collections.abc import Iterator, Sequence

from orchestrator.audit.findings import Finding
from orchestrator.audit.migration.apis import MAKERS, QUEUES, Pool
from orchestrator.audit.migration.calls import Calls, PoolCall
from orchestrator.audit.migration.isolation import reach_of
from orchestrator.audit.migration.move import Move
from orchestrator.audit.migration.script import SCOPES, Script
from orchestrator.audit.races.names import last_name
from orchestrator.audit.races.process import full_name
from orchestrator.audit.races.rules import found

_DIRECTIONS = (("get", "recv"), ("put", "send"))
_FUTURES = frozenset(
    f"{package}.{name}"
    for package in ("concurrent.futures", "concurrent.futures._base", "loky")
    for name in ("as_completed", "wait")
)


def limits(move: Move, calls: Calls, script: Script) -> Iterator[Finding]:
    """What of a call a job cannot do."""
    if feeds_back(move.call, calls, script):
        message = f"what {move.call.api} is given here comes from results of a pool"
        yield found("FT430", message, (str(script.path), move.call.line))
    yield from _messages(move, script)
    reach = reach_of(move, script)
    for reached in list(reach.found.values()) if reach is not None else []:
        assert reach is not None
        frame = reach.frame(reached)
        for site in reached.sites:
            name = full_name(site.node.func, frame) if isinstance(site.node, ast.Call) else ""
            if name in MAKERS and isinstance(site.node, ast.Call):
                place = (reached.function.module.source.path, site.node.lineno)
                yield found("FT431", f"{reached.function.name} makes a {name} of its own", place)


def feeds_back(call: PoolCall, calls: Calls, script: Script) -> bool:
    """Whether a call is given results of a pool, or stands where they are read."""
    if call.source is not None and _reads(call.source, calls, script):
        return True
    for outer in script.repeated(call.node):
        if isinstance(outer, SCOPES):
            return isinstance(outer, (ast.FunctionDef, ast.Lambda)) and _is_callback(outer, script)
        if isinstance(outer, ast.For) and _reads(outer.iter, calls, script):
            return True
        if isinstance(outer, ast.While):
            return any(_is_result(node, script) for node in ast.walk(outer))
    return False


def _reads(source: ast.expr, calls: Calls, script: Script) -> bool:
    """Whether an expression is results of a pool."""
    if isinstance(source, ast.Name) and (value := script.value(source.id, source)) is not None:
        source = value
    found_calls = {one.node for one in calls.found if one.method not in ("submit", "apply_async")}
    return any(node in found_calls or _is_result(node, script) for node in ast.walk(source))


def _is_result(node: ast.AST, script: Script) -> bool:
    match node:
        case ast.Call(func=ast.Attribute(attr="result")):
            return True
        case ast.Call(func=func):
            return script.full(func) in _FUTURES
    return False


def _is_callback(function: ast.FunctionDef | ast.Lambda, script: Script) -> bool:
    """Whether a pool calls it with a result."""
    name = getattr(function, "name", "")
    for node in ast.walk(script.source.tree):
        if not isinstance(node, ast.Call):
            continue
        given = [word.value for word in node.keywords if word.arg == "callback"]
        given += node.args[:1] if last_name(node.func) == "add_done_callback" else []
        if any(one is function or (isinstance(one, ast.Name) and one.id == name) for one in given):
            return True
    return False


def exchanges(move: Move, script: Script) -> bool:
    """Whether a process is given a queue or a pipe, as far as can be told by what it is or what is done with it."""
    return move.call.pool.name.endswith(".Process") and bool(_queues(move, script))


def _queues(move: Move, script: Script) -> dict[str, ast.expr]:
    """Which parameters of a process' function are given queues, and by what."""
    node = move.callee.node
    names = [arg.arg for arg in node.args.args] if node is not None else []
    given = dict(zip(names, move.call.args, strict=False))
    known = {name: arg for name, arg in given.items() if script.full(_made(arg, script)) in QUEUES}
    used = {name for method in ("get", "put", "recv", "send") for name in _used(node, names, method)}
    return known or {name: arg for name, arg in given.items() if name in used}


def _made(arg: ast.expr, script: Script) -> ast.expr:
    value = script.value(arg.id, arg) if isinstance(arg, ast.Name) else arg
    match value:
        case ast.Call(func=func):
            return func
    return arg


def _messages(move: Move, script: Script) -> Iterator[Finding]:
    if not exchanges(move, script):
        return
    node, queues = move.callee.node, _queues(move, script)
    takes, puts = (_used(node, [*queues], one) | _used(node, [*queues], two) for one, two in _DIRECTIONS)
    where = f"{move.callee.text} (line {node.lineno})" if node is not None else move.callee.text
    if takes & puts:
        message = f"{where} puts into {', '.join(sorted(takes & puts))}, from which it takes"
    elif takes:
        out = f" and puts results into {', '.join(sorted(puts))}" if puts else ""
        message = f"{where} takes items from {', '.join(sorted(takes))}{out}: what it does with one of them is the task"
    else:
        message = f"{where} is given {', '.join(map(ast.unparse, queues.values()))}; what for cannot be told"
    yield found("FT432", message, (str(script.path), move.call.line))


def _used(node: ast.AST | None, names: Sequence[str], method: str) -> set[str]:
    """Which of the queues a function gets from, or puts into."""
    found_: set[str] = set()
    for one in ast.walk(node) if node is not None else ():
        match one:
            case ast.Attribute(value=ast.Name(id=name), attr=attr) if name in names:
                if attr in (method, f"{method}_nowait"):
                    found_.add(name)
    return found_


def unused(calls: Calls, script: Script) -> Iterator[Finding]:
    """Pools of which no call could be told."""
    used = {one.pool.call for one in calls.found}
    for pool in calls.pools:
        if pool.call not in used:
            yield found("FT420", _unused(pool, calls, script), (str(script.path), pool.call.lineno))


def _unused(pool: Pool, calls: Calls, script: Script) -> str:
    for node in ast.walk(script.source.tree):
        given = node.args if isinstance(node, ast.Call) else []
        if isinstance(node, ast.Call) and any((one := calls.pool_of(arg)) and one.call is pool.call for arg in given):
            what = f"{ast.unparse(node.func)} at line {node.lineno}"
            return f"{pool.name} is handed to {what}; what it does there cannot be told"
    return f"no call of this {pool.name} could be found in the script"
