"""Judges conditions: check, then act (FT103) and lazy singletons (FT104)."""

import ast
from collections.abc import Iterator, Sequence

from orchestrator.audit.findings import Finding
from orchestrator.audit.races.access import Access, How, expression_places
from orchestrator.audit.races.kinds import TAKERS, Kind, kind_of_call, kind_of_literal
from orchestrator.audit.races.names import dotted
from orchestrator.audit.races.questions import Asks, Question, questions
from orchestrator.audit.races.reach import Reach, Reached
from orchestrator.audit.races.rule import Severity
from orchestrator.audit.races.rules import found
from orchestrator.audit.races.sites import Site
from orchestrator.audit.races.updates import detail, stale_read

type Verdict = tuple[str, str, Severity | None]
"""The rule, the message, and how serious it is where that is not as the rule says."""

_FILLERS = frozenset(("append", "extend", "update", "insert", "add", "appendleft"))
_EXITS = (ast.Return, ast.Raise, ast.Continue, ast.Break)
_MAKES = {"mkdir": "exists", "makedirs": "exists"}


def judge_checks(seen: list[Access], reach: Reach) -> Iterator[Finding]:
    """Every condition about a shared place together with what is done to the place where it holds."""
    by_function: dict[int, list[Access]] = {}
    for access in seen:
        by_function.setdefault(id(access.reached), []).append(access)
    for reached in reach.found.values():
        if reached.guarded:
            continue
        acts = by_function.get(id(reached), [])
        for site in reached.sites:
            match site.node:
                case ast.If(test=test) | ast.While(test=test) if not site.locks:
                    dependent = _dependent(site.node, reached)
                    for question in questions(test, reached, reach):
                        yield from _pairs(question, dependent, acts, site, reach)
                    yield from _folders(site.node, test, reached)
                case ast.Try() if not site.locks:
                    yield from _handlers(site.node, acts, reached, reach)


def _dependent(node: ast.If | ast.While, reached: Reached) -> list[ast.stmt]:
    """The statements that run because of what the condition said."""
    body: list[ast.stmt] = [*node.body, *node.orelse]
    if isinstance(node, ast.If) and isinstance(node.body[-1], _EXITS):
        body += [
            site.node
            for site in reached.sites
            if isinstance(site.node, ast.stmt) and site.node.lineno > (node.end_lineno or node.lineno)
        ]
    return body


def _pairs(
    question: Question, dependent: Sequence[ast.stmt], acts: list[Access], site: Site, reach: Reach
) -> Iterator[Finding]:
    nodes = {id(node) for stmt in dependent for node in ast.walk(stmt)}
    for act in acts:
        if id(act.node) not in nodes or act.place.home != question.home or _looked_at_again(question, act, reach):
            continue
        problem = _problem(question, act, site, reach)
        if problem is not None:
            rule, message, severity = problem
            assert isinstance(site.node, ast.stmt)
            yield found(rule, message, act.at, detail(act, checked=str(site.node.lineno)), severity)
            return


def _problem(question: Question, act: Access, site: Site, reach: Reach) -> Verdict | None:
    name, place = question.name, act.place
    if question.asks is Asks.MEMBER:
        return _member(question, act, site, reach)
    if act.how is How.STORE and place.name == name:
        if _flag_only(act, site) or _emptied(act, question.asks) or _compared_with(act, site):
            return None
        return "FT104", f"{name} is made where it is not there yet, without a lock", None
    return _taken_or_filled(question, act, site)


def _taken_or_filled(question: Question, act: Access, site: Site) -> Verdict | None:
    name = question.name
    if question.asks is Asks.MISSING or act.place.name != name or act.how is not How.CALL:
        return None
    if act.method in TAKERS:
        if act.place.kind is Kind.DICT and isinstance(act.node, ast.Call) and act.node.args:
            return None
        return "FT103", f"{name} was not empty when it was checked, but may be when {act.method}() takes from it", None
    if act.method not in _FILLERS or not _asks_empty(site):
        return None
    return "FT104", f"{name} is filled where it is still empty, without a lock", None


def _emptied(act: Access, asks: Asks) -> bool:
    """Whether what is stored is None, or nothing where there was something: it is taken away, not made."""
    if not isinstance(act.value, ast.Constant):
        return False
    return act.value.value is None or (asks is Asks.FILLED and not act.value.value)


def _compared_with(act: Access, site: Site) -> bool:
    """Whether it is set to what it was compared with: a setting, and the last to be set counts anyway."""
    assert isinstance(site.node, (ast.If, ast.While))
    compared = [one for node in ast.walk(site.node.test) if isinstance(node, ast.Compare) for one in node.comparators]
    return act.value is not None and ast.dump(act.value) in map(ast.dump, compared)


def _asks_empty(site: Site) -> bool:
    test = site.node.test if isinstance(site.node, (ast.If, ast.While)) else None
    if isinstance(test, ast.UnaryOp):
        return isinstance(test.op, ast.Not)
    return isinstance(test, ast.Compare) and isinstance(test.ops[0], ast.Eq)


def _flag_only(act: Access, site: Site) -> bool:
    """Whether all that is done is to set a constant: done twice, it is the same."""
    return isinstance(act.value, ast.Constant) and isinstance(site.node, ast.If) and len(site.node.body) == 1


def _member(question: Question, act: Access, site: Site, reach: Reach) -> Verdict | None:
    name, place = question.name, act.place
    entry = place.name.startswith(f"{name}[")
    if act.how is How.DELETE and entry:
        return "FT103", f"{place.name} was there when it was checked, but may be gone when it is deleted", None
    if act.how is How.CALL and place.name == name:
        return _call_after_member(name, act, site)
    if act.how is not How.STORE or not entry or act.value is None:
        return None
    return _entry_made(act, name, reach)


def _entry_made(act: Access, name: str, reach: Reach) -> Verdict:
    assert act.value is not None
    if _fresh(act.value, act) or stale_read(act, reach) is not None or _counted(act.value, act, name, reach):
        return "FT103", f"{act.place.name} is made where it was not there: another thread's entry is replaced", None
    return "FT103", f"{act.place.name} may be computed by several threads at once; the last one's stays", "note"


def _counted(value: ast.expr, act: Access, name: str, reach: Reach) -> bool:
    return any(place.name == name for place in expression_places(value, act.reached, reach))


def _call_after_member(name: str, act: Access, site: Site) -> Verdict | None:
    assert isinstance(act.node, ast.Call)
    if act.method in TAKERS and len(act.node.args) < 2:
        return "FT103", f"what was in {name} when it was checked may be gone when {act.method}() takes it", None
    alone = isinstance(site.node, ast.If) and len(site.node.body) == 1 and not site.node.orelse
    exits = isinstance(site.node, ast.If) and isinstance(site.node.body[-1], _EXITS)
    if act.method in _FILLERS and (act.place.kind is Kind.LIST or exits or not alone):
        return "FT103", f"two threads can both find it missing from {name} before either of them adds it", None
    return None


def _fresh(value: ast.expr, act: Access) -> bool:
    """Whether a value is a new, empty or small container, which others will be putting things into."""
    mutable = (Kind.DICT, Kind.LIST, Kind.SET, Kind.DEQUE)
    if kind_of_literal(value) in mutable and not isinstance(value, (ast.ListComp, ast.DictComp, ast.SetComp)):
        return True
    if not isinstance(value, ast.Call):
        return False
    name = dotted(value.func)
    full = act.reached.function.module.imports.get(name, name)
    return kind_of_call(full) in mutable and name != "sorted" and (not value.args or "defaultdict" in name)


def _looked_at_again(question: Question, act: Access, reach: Reach) -> bool:
    """Whether the act holds a lock, and the question is asked once more inside it."""
    if not act.guarded:
        return False
    for around in act.site.around:
        if isinstance(around, (ast.If, ast.IfExp)) and _is_guarded(around, act.reached):
            asked = questions(around.test, act.reached, reach)
            if any(again.name == question.name for again in asked):
                return True
    # An early `return` inside the lock does the same: `if X is not None: return X`.
    return any(
        isinstance(site.node, ast.If)
        and site.locks
        and site.node.lineno < act.node.lineno
        and isinstance(site.node.body[-1], _EXITS)
        and any(again.name == question.name for again in questions(site.node.test, act.reached, reach))
        for site in act.reached.sites
    )


def _is_guarded(node: ast.AST, reached: Reached) -> bool:
    return any(site.node is node and site.locks for site in reached.sites)


def _handlers(node: ast.Try, acts: list[Access], reached: Reached, reach: Reach) -> Iterator[Finding]:
    """`except NameError:` and the like, which make what was not there."""
    read = {place.name for stmt in node.body for place in expression_places(stmt, reached, reach)}
    for handler in node.handlers:
        caught = {dotted(kind) for kind in _kinds(handler)}
        inside = {id(inner) for stmt in handler.body for inner in ast.walk(stmt)}
        for act in acts:
            if act.how is not How.STORE or id(act.node) not in inside or act.place.name not in read or act.guarded:
                continue
            if caught & {"NameError", "AttributeError", "UnboundLocalError"} and not isinstance(
                act.value, ast.Constant
            ):
                message = f"{act.place.name} is made where it is not there yet, without a lock"
                yield found("FT104", message, act.at, detail(act))
            elif caught & {"KeyError", "LookupError"} and act.value is not None:
                rule, message, severity = _entry_made(act, act.place.base, reach)
                yield found(rule, message, act.at, detail(act), severity)


def _kinds(handler: ast.ExceptHandler) -> list[ast.expr]:
    if handler.type is None:
        return []
    return handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]


def _folders(node: ast.If | ast.While, test: ast.expr, reached: Reached) -> Iterator[Finding]:
    """`if not os.path.exists(p): os.makedirs(p)`: the file system is shared too."""
    asked = {
        _subject(call)
        for call in ast.walk(test)
        if isinstance(call, ast.Call) and _last(call) in ("exists", "is_dir", "isdir")
    }
    for stmt in node.body:
        for call in ast.walk(stmt):
            if not isinstance(call, ast.Call) or _last(call) not in _MAKES or _subject(call) not in asked:
                continue
            if not any(word.arg == "exist_ok" for word in call.keywords):
                at = (reached.function.module.source.path, call.lineno)
                message = f"the folder {_subject(call)} may be there by now, and {_last(call)}() then raises"
                yield found("FT103", message, at, {"function": reached.function.name, "name": _subject(call)})


def _last(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else dotted(call.func)


def _subject(call: ast.Call) -> str:
    """The path that a call is about: its argument, or the object whose method it is."""
    if call.args and dotted(call.func).startswith("os."):
        return ast.unparse(call.args[0])
    return ast.unparse(call.func.value) if isinstance(call.func, ast.Attribute) else ""
