"""Races by reading: from a task's reference to what in its code would race."""

import ast
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from msgspec.structs import replace

from orchestrator.audit.findings import Finding
from orchestrator.audit.races.access import accesses
from orchestrator.audit.races.checks import judge_checks
from orchestrator.audit.races.frames import Frame, returned
from orchestrator.audit.races.iteration import judge_iteration, judge_iterators, judge_readback
from orchestrator.audit.races.look import class_of, kind_of, look, module_name
from orchestrator.audit.races.names import Class, Function, Module, last_name
from orchestrator.audit.races.process import judge_process
from orchestrator.audit.races.project import Project
from orchestrator.audit.races.reach import Reach
from orchestrator.audit.races.rules import found
from orchestrator.audit.races.updates import judge_buffers, judge_updates
from orchestrator.audit.races.values import Bound, Place

_FOLD_PARTS = ("zero", "add")


def lint(reference: str, base: Path, installed: Iterable[str] = ()) -> list[Finding]:
    """Read the code that a task reaches, and say what in it would race on threads. Nothing is imported or run.

    Args:
        reference: the job's `task:`, "package.module:function" or "./file.py:function".
        base: the job file's folder.
        installed: top-level names of installed packages whose code is followed too; by default only files beside
            the job and the user's own packages are.

    Returns:
        The findings by file and line; a file that cannot be read is one of them.
    """
    project = Project(base.resolve(), frozenset(installed))
    target, _, name = reference.partition(":")
    module = _module(target, project)
    if module is None:
        if not project.findings:
            project.findings.append(_missing(target, project))
        return sorted_findings(project.findings)
    function = module_name(name, module, Frame(project, module))
    if not isinstance(function, Bound):
        message = f"there is no function {name!r} in it that could be read"
        return sorted_findings([*project.findings, found("FT199", message, (module.source.path, 0), None, "note")])
    return judge(follow_task(function, project))


def lint_package(name: str, base: Path) -> list[Finding]:
    """Read a whole package as if threads called every function of it: for libraries, which have no task."""
    project = Project(base.resolve(), frozenset((name.partition(".")[0],)))
    roots: list[Bound] = []
    for module in _all_modules(name, project):
        roots += map(Bound, module.functions.values())
        roots += [Bound(method) for cls in module.classes.values() for method in cls.methods.values()]
    reach = Reach(project)
    reach.follow([root for root in roots if not root.function.name.startswith("test_")])
    top = project.find(name)
    folder = Path(top.source.path).parent if top is not None else base
    return [finding for finding in judge(reach) if Path(finding.path).is_relative_to(folder)]


def _all_modules(name: str, project: Project) -> Iterator[Module]:
    top = project.find(name)
    if top is None:
        return
    yield top
    if not top.package:
        return
    folder = Path(top.source.path).parent
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(folder).with_suffix("").parts
        if path.name != "__init__.py" or len(parts) > 1:
            full = ".".join((name, *(parts[:-1] if parts[-1] == "__init__" else parts)))
            module = project.modules.get(full) or project.read(full, path)
            if module is not None and module is not top:
                yield module


def _module(target: str, project: Project) -> Module | None:
    if not target.endswith(".py"):
        return project.find(target)
    path = project.base / target
    return project.read(path.stem, path) if path.is_file() else None


def _missing(target: str, project: Project) -> Finding:
    if project.is_package(target):
        return found("FT199", f"{target} is a namespace package: a folder without code of its own", ("", 0))
    path = str(project.base / target) if target.endswith(".py") else ""
    what = "there is no such task file" if path else f"{target} is not among the user's own modules; it was not read"
    return found("FT199", what, (path, 0), None, None if path else "note")


def follow_task(task: Bound, project: Project) -> Reach:
    """What the job's threads run: the task, its thread state's factory, and its fold."""
    options = _options(task.function)
    frame = Frame(project, task.function.module)
    reach = Reach(project)
    roots = [task, *_bound(options.get("thread"), frame)]
    fold = options.get("fold")
    if isinstance(fold, ast.Name) and (made := task.function.module.bindings.get(fold.id)):
        fold = made[0]
    if isinstance(fold, ast.Call):
        parts = {word.arg: word.value for word in fold.keywords} | dict(zip(_FOLD_PARTS, fold.args, strict=False))
        roots += [root for part in _FOLD_PARTS for root in _bound(parts.get(part), frame)]
    for factory in _bound(options.get("process"), frame):
        reach.shared |= {factory.function}
        reach.process = _process_state(factory.function, frame)
        value = returned(factory.function)
        inner = Frame(project, factory.function.module, factory.function)
        state = look(value, inner) if value is not None else None
        roots += [state] if isinstance(state, Bound) else []
    reach.shared |= _called_at_import(reach)
    reach.follow(roots)
    return reach


def _options(function: Function) -> dict[str, ast.expr]:
    """What the function's `@task(…)` was given."""
    for decorator in getattr(function.node, "decorator_list", ()):
        if isinstance(decorator, ast.Call) and last_name(decorator) == "task":
            return {word.arg: word.value for word in decorator.keywords if word.arg}
    return {}


def _bound(node: ast.expr | None, frame: Frame) -> Sequence[Bound]:
    value = look(node, frame) if node is not None else None
    if isinstance(value, Class):
        return [Bound(value.methods["__init__"])] if "__init__" in value.methods else []
    return [value] if isinstance(value, Bound) else []


def _process_state(factory: Function, frame: Frame) -> Place:
    inner = frame.deeper(factory, factory.module)
    if factory.name.endswith(".__init__") and factory.owner is not None:
        return Place("ctx.process", "process", kind_of(ast.Name(factory.owner.name), inner), factory.owner)
    value = returned(factory)
    if value is None:
        return Place("ctx.process", "process", kind_of(ast.Name(""), inner))
    return Place("ctx.process", "process", kind_of(value, inner), class_of(value, inner))


def _called_at_import(reach: Reach) -> frozenset[Function]:
    """Functions that modules call when they are imported: what such a call keeps in a closure, all threads share."""
    found_: set[Function] = set()
    for module in list(reach.project.modules.values()):
        for call in module.calls if module is not None else []:
            assert module is not None
            value = look(call.func, Frame(reach.project, module))
            if isinstance(value, Bound):
                found_.add(value.function)
    return frozenset(found_)


def judge(reach: Reach) -> list[Finding]:
    """What would race in the functions that were reached, by file and line."""
    seen = accesses(reach)
    findings = [
        *judge_updates(seen, reach),
        *judge_checks(seen, reach),
        *judge_buffers(seen, reach),
        *judge_iterators(seen, reach),
        *judge_iteration(seen, reach),
        *judge_readback(seen, reach),
        *judge_process(reach),
    ]
    accepted = {
        (module.source.path, line): rules
        for module in reach.project.modules.values()
        if module is not None
        for line, rules in module.source.accepted.items()
    }
    kept = [finding for finding in findings if finding.rule not in accepted.get((finding.path, finding.line), ())]
    return sorted_findings([*reach.project.findings, *kept])


def sorted_findings(findings: Iterable[Finding]) -> list[Finding]:
    """By file, line and rule: nothing told twice of one line, nor the same of one name at every line of a file."""
    once: dict[tuple[str, int, str], Finding] = {}
    for finding in sorted(findings, key=lambda one: (one.path, one.line, one.severity == "note", one.rule)):
        once.setdefault((finding.path, finding.line, finding.detail.get("name", finding.message)), finding)
    groups: dict[tuple[str, str, str, str], list[Finding]] = {}
    for finding in once.values():
        key = (finding.path, finding.rule, finding.severity, finding.detail.get("name", str(finding.line)))
        groups.setdefault(key, []).append(finding)
    return [_with_lines(group) for group in groups.values()]


def _with_lines(group: list[Finding]) -> Finding:
    """One finding for all lines that do the same to the same thing: the first, which names the others."""
    first, *rest = group
    if not rest:
        return first
    lines = ", ".join(str(finding.line) for finding in rest)
    return replace(first, detail={**first.detail, "lines": lines})
