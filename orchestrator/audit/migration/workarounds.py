"""What a script does only because its workers are processes, and what becomes of it (FT401 to FT408)."""

import ast
from collections.abc import Iterator, Sequence

from orchestrator.audit.findings import Finding
from orchestrator.audit.migration.apis import LOCKS, PICKLERS, SHARED, STARMAPS, STARTS
from orchestrator.audit.migration.calls import tuning
from orchestrator.audit.migration.move import Move
from orchestrator.audit.migration.script import Script
from orchestrator.audit.migration.unfold import fixed
from orchestrator.audit.races.rules import found

_BECOMES = {
    "Manager": "its dicts and lists become plain ones",
    "Value": "it becomes a number: return it and fold, or hold a lock",
    "RawValue": "it becomes a number: return it and fold, or hold a lock",
    "Array": "it becomes a list or an array",
    "RawArray": "it becomes a list or an array",
    "SharedMemory": "the array itself can be shared",
    "ShareableList": "it becomes a plain list",
}


def workarounds(moves: Sequence[Move], script: Script) -> Iterator[Finding]:
    """What can go."""
    for move in moves:
        yield from _wrapper(move, script)
        yield from _packing(move, script)
        yield from _initializer(move, script)
        yield from _tuning(move, script)
    for node in ast.walk(script.source.tree):
        if isinstance(node, ast.Call):
            yield from _called(node, script)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            yield from _imported(node, script)


def _at(node: ast.expr | ast.stmt, script: Script) -> tuple[str, int]:
    return str(script.path), node.lineno


def _wrapper(move: Move, script: Script) -> Iterator[Finding]:
    node = move.callee.node
    if not isinstance(node, ast.FunctionDef) or len(move.args) != 1 or len(node.args.args) != 1:
        return
    inner = _unpacked(node, node.args.args[0].arg)
    if inner in script.module.functions:
        message = f"{node.name} only unpacks its argument for {inner}"
        yield found("FT401", message, _at(node, script), {"name": node.name, "function": inner})


def _unpacked(node: ast.FunctionDef, packed: str) -> str:
    """The function that a wrapper hands the parts of its only argument to; "" if it is no such wrapper."""
    body = [part for part in node.body if not (isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant))]
    match body:
        case [
            ast.Assign(targets=[ast.Tuple(elts=parts)], value=ast.Name(id=name)),
            ast.Return(value=ast.Call(func=ast.Name(id=inner), args=args)),
        ] if name == packed:
            return inner if [*map(ast.dump, map(_loaded, parts))] == [*map(ast.dump, args)] else ""
        case [ast.Return(value=ast.Call(func=ast.Name(id=inner), args=args, keywords=words))]:
            return inner if _only_parts([*args, *(word.value for word in words)], packed) else ""
    return ""


def _loaded(node: ast.expr) -> ast.expr:
    return ast.Name(node.id, ast.Load()) if isinstance(node, ast.Name) else node


def _only_parts(args: Sequence[ast.expr], packed: str) -> bool:
    """`*args`, `**args`, or `args[0], args[1]`."""
    for arg in args:
        match arg:
            case ast.Starred(value=ast.Name(id=name)) | ast.Subscript(value=ast.Name(id=name)) if name == packed:
                continue
            case ast.Name(id=name) if name == packed and len(args) == 1:
                # `**args`; a plain `f(args)` is no unpacking, but f could be called as well.
                continue
        return False
    return bool(args)


def _packing(move: Move, script: Script) -> Iterator[Finding]:
    call = move.call
    how = []
    if move.callee.args or move.callee.keywords:
        how.append("partial")
    if call.method in STARMAPS:
        how.append(call.method)
    if any(isinstance(node, ast.Call) and script.full(node.func) == "itertools.repeat" for node in ast.walk(call.node)):
        how.append("repeat")
    if not how:
        return
    constant = [*_fixed(move)]
    said = f"; the same for every item: {', '.join(constant)}" if constant else ""
    yield found("FT402", f"arguments are packed with {' and '.join(how)}{said}", _at(call.node, script))


def _fixed(move: Move) -> Iterator[str]:
    if move.simple.target is None:
        return
    for arg in move.args:
        if not isinstance(arg, ast.Starred) and fixed(move.simple, arg):
            yield ast.unparse(arg)
    for word in move.keywords:
        if word.arg is not None and fixed(move.simple, word.value):
            yield f"{word.arg}={ast.unparse(word.value)}"


def _initializer(move: Move, script: Script) -> Iterator[Finding]:
    initializer = move.initializer
    if initializer is None:
        return
    node = initializer.callee.node
    inner = ast.walk(node) if node is not None else ()
    names = sorted({name for one in inner if isinstance(one, ast.Global) for name in one.names})
    sets = f", sets {', '.join(names)}" if names else ""
    threads = move.call.pool.kind == "threads"
    text = initializer.callee.text or "the initializer"
    once = "in each thread: @task(thread=…)" if threads else "once for all threads: @task(process=…)"
    message = f"{text} was run in each worker{sets}; a job runs it {once}"
    yield found("FT403", message, (str(script.path), initializer.line), {"function": text})


def _tuning(move: Move, script: Script) -> Iterator[Finding]:
    told = [*dict.fromkeys(text for text, _ in tuning(move.call))]
    if told and not move.call.pool.name.endswith("Process"):
        line = min(line for _, line in tuning(move.call))
        yield found("FT405", f"{', '.join(told)}: not needed", (str(script.path), line))


def _called(node: ast.Call, script: Script) -> Iterator[Finding]:
    name = script.full(node.func)
    short = name.rpartition(".")[2]
    if name in STARTS:
        yield found("FT404", f"{short} is not needed: threads are not started that way", _at(node, script))
    elif name in SHARED:
        yield found("FT407", f"{short}: {_BECOMES.get(short, 'plain objects are shared')}", _at(node, script))
    elif name in LOCKS:
        yield found("FT408", f"{short} of processes becomes threading.{short}", _at(node, script))
    elif name in PICKLERS:
        yield found("FT406", f"{short} is not needed: nothing is pickled", _at(node, script))


def _imported(node: ast.Import | ast.ImportFrom, script: Script) -> Iterator[Finding]:
    names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
    for name in names:
        if name.partition(".")[0] in PICKLERS:
            yield found("FT406", f"{name} is not needed to give functions to threads", _at(node, script))
