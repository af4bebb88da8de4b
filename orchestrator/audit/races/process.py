"""Judges what a task does to state that the process has once (FT201 to FT204)."""

import ast
from collections.abc import Iterator

from orchestrator.audit.findings import Finding
from orchestrator.audit.races.frames import Frame
from orchestrator.audit.races.kinds import Kind
from orchestrator.audit.races.look import look
from orchestrator.audit.races.names import Module, dotted
from orchestrator.audit.races.reach import Reach, Reached
from orchestrator.audit.races.rules import found
from orchestrator.audit.races.sites import Site
from orchestrator.audit.races.values import External, Place

_PROCESS = {
    "os.chdir": "the working directory",
    "os.fchdir": "the working directory",
    "contextlib.chdir": "the working directory",
    "os.umask": "the file mode mask",
    "os.putenv": "the environment",
    "os.unsetenv": "the environment",
    "os.environ.update": "the environment",
    "os.environ.pop": "the environment",
    "os.environ.clear": "the environment",
    "os.nice": "the priority",
    "locale.setlocale": "the locale",
    "time.tzset": "the time zone",
    "contextlib.redirect_stdout": "sys.stdout",
    "contextlib.redirect_stderr": "sys.stderr",
    "sys.setrecursionlimit": "the recursion limit",
    "socket.setdefaulttimeout": "the default timeout of sockets",
    "sys.path.append": "the import path",
    "sys.path.insert": "the import path",
    "unittest.mock.patch": "what is patched",
    "faulthandler.enable": "the crash handler",
    "logging.disable": "the level of all logging",
    "logging.basicConfig": "the root logger",
    "numpy.seterr": "numpy's error handling",
}
_ASSIGNED = {
    "os.environ": "the environment",
    "sys.stdout": "sys.stdout",
    "sys.stderr": "sys.stderr",
    "sys.stdin": "sys.stdin",
    "sys.argv": "sys.argv",
    "sys.path": "the import path",
    "tempfile.tempdir": "the folder for temporary files",
}
_SIGNALS = frozenset(f"signal.{name}" for name in ("signal", "alarm", "setitimer", "siginterrupt", "set_wakeup_fd"))
_DECIMAL = "decimal.getcontext"
_SEEDS = frozenset(("random.seed", "numpy.random.seed", "random.setstate", "numpy.random.set_state"))
_NO_DRAWS = frozenset(("Random", "SystemRandom", "default_rng", "Generator", "RandomState", "SeedSequence", "getstate"))


def judge_process(reach: Reach) -> Iterator[Finding]:
    """Changes of process-wide state by the reached functions, and by the modules that they stand in."""
    seeds = list(_seeds_at_import(reach))
    decimals = False
    for reached in list(reach.found.values()):
        frame = reach.frame(reached)
        for site in reached.sites:
            yield from _changes(site, reached, frame)
            yield from _random(site, reached, frame, seeds)
            decimals = decimals or _names_decimal(site.node, frame)
    if decimals:
        yield from _contexts_at_import(reach)


def _changes(site: Site, reached: Reached, frame: Frame) -> Iterator[Finding]:
    match site.node:
        case ast.Call(func=func):
            name = full_name(func, frame)
            if name in _PROCESS and not (reached.guarded or site.locks):
                yield _found("FT201", f"{name}() changes {_PROCESS[name]} for all threads", site.node, reached)
            elif name in _SIGNALS:
                yield _found("FT203", f"{name}() is called by the task", site.node, reached)
            elif name == "decimal.setcontext":
                yield _found("FT202", "decimal.setcontext() outlives the item", site.node, reached)
        case ast.Assign(targets=targets) | ast.Delete(targets=targets):
            for target in targets:
                yield from _assignment(target, site, reached, frame)
        case ast.AugAssign(target=target):
            yield from _assignment(target, site, reached, frame)


def _assignment(target: ast.expr, site: Site, reached: Reached, frame: Frame) -> Iterator[Finding]:
    changed = target.value if isinstance(target, ast.Subscript) else target
    name = full_name(changed, frame) if isinstance(changed, (ast.Attribute, ast.Name)) else ""
    if isinstance(target, ast.Name):
        return
    if name in _ASSIGNED and not (reached.guarded or site.locks):
        yield _found("FT201", f"{_ASSIGNED[name]} is changed for all threads", target, reached)
    if isinstance(target, ast.Attribute) and _is_context(target.value, reached, frame):
        yield _found("FT202", f"the thread's decimal context is left with another {target.attr}", target, reached)


def _is_context(node: ast.expr, reached: Reached, frame: Frame) -> bool:
    """`decimal.getcontext()`, or a local variable that is one."""
    if (
        isinstance(node, ast.Name)
        and len(made := reached.function.assigned.get(node.id, [])) == 1
        and made[0] is not None
    ):
        node = made[0]
    return isinstance(node, ast.Call) and full_name(node.func, frame) == _DECIMAL


def _random(site: Site, reached: Reached, frame: Frame, seeds: list[str]) -> Iterator[Finding]:
    if not isinstance(site.node, ast.Call):
        return
    name = full_name(site.node.func, frame)
    stream = name.rpartition(".")[0]
    if name in _SEEDS:
        if not (reached.guarded or site.locks):
            yield _found("FT204", f"{name}() sets the stream that all threads draw from", site.node, reached)
    elif stream in seeds and name.rpartition(".")[2] not in _NO_DRAWS:
        yield _found("FT204", f"{name}() draws from the stream that was seeded at import", site.node, reached)
    elif isinstance(site.node.func, ast.Attribute):
        place = look(site.node.func.value, frame)
        if isinstance(place, Place) and place.kind is Kind.RANDOM and _seeded(place, reached, frame):
            message = f"{place.name} is one seeded generator for all threads"
            yield _found("FT204", message, site.node, reached)


def _seeded(place: Place, reached: Reached, frame: Frame) -> bool:
    """Whether a generator was given a seed, as far as the module says; one without has no numbers to keep."""
    module = frame.project.modules.get(place.home) or reached.function.module
    made = [value for value in module.bindings.get(place.name, []) if isinstance(value, ast.Call)]
    return any(call.args or call.keywords for call in made) if made else True


def _seeds_at_import(reach: Reach) -> Iterator[str]:
    for module in _modules(reach):
        frame = Frame(reach.project, module)
        for call in module.calls:
            name = full_name(call.func, frame)
            if name in _SEEDS and call.args:
                yield name.rpartition(".")[0]


def _contexts_at_import(reach: Reach) -> Iterator[Finding]:
    for module in _modules(reach):
        frame = Frame(reach.project, module)
        for node in module.source.tree.body:
            for target in node.targets if isinstance(node, ast.Assign) else ():
                if not isinstance(target, ast.Attribute) or not isinstance(target.value, ast.Call):
                    continue
                if full_name(target.value.func, frame) == _DECIMAL:
                    message = f"{target.attr} is set for the importing thread only: the job's threads have their own"
                    yield found("FT202", message, (module.source.path, node.lineno))


def _modules(reach: Reach) -> list[Module]:
    return list({id(reached.function.module): reached.function.module for reached in reach.found.values()}.values())


def _names_decimal(node: ast.AST, frame: Frame) -> bool:
    return isinstance(node, (ast.Name, ast.Attribute)) and full_name(node, frame).startswith("decimal.")


def full_name(node: ast.expr, frame: Frame) -> str:
    """The full dotted name of something external; "" for everything else."""
    if not dotted(node):
        return ""
    value = look(node, frame)
    return value.name if isinstance(value, External) else ""


def _found(rule: str, message: str, node: ast.expr | ast.stmt, reached: Reached) -> Finding:
    place = (reached.function.module.source.path, node.lineno)
    return found(rule, message, place, {"function": reached.function.name})
