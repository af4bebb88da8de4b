"""One call of a pool as a job: the function, the input, the arguments, and the state of the process."""

import ast
import builtins
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from orchestrator.audit.migration.calls import PoolCall
from orchestrator.audit.migration.constants import Untold, constant
from orchestrator.audit.migration.extract import Extract, free_names
from orchestrator.audit.migration.functions import Callee, callee_of
from orchestrator.audit.migration.items import Items, items_of, trimmed
from orchestrator.audit.migration.script import SCOPES, Script, names_in
from orchestrator.audit.migration.unfold import fixed, unfolded


@dataclass(frozen=True)
class Set:
    """A global that the main part sets: its line, and its value where that can be made anew."""

    name: str
    line: int
    value: ast.expr | None


@dataclass(frozen=True)
class Initializer:
    """What a pool's initializer is, and what it is given."""

    line: int
    callee: Callee
    args: tuple[ast.expr, ...]


@dataclass(frozen=True)
class Move:
    """What one call becomes.

    Attributes:
        call: as it stands.
        simple: with the comprehension around its items taken apart.
        items: its input, None where reading cannot tell.
        initializer: of its pool.
        inherited: globals that the function reads and the main part sets.
    """

    call: PoolCall
    simple: PoolCall
    callee: Callee
    items: Items | None
    initializer: Initializer | None
    inherited: tuple[Set, ...]

    @property
    def args(self) -> tuple[ast.expr, ...]:
        """What the function is called with, in order."""
        return (*self.callee.args, *self.simple.args)

    @property
    def keywords(self) -> tuple[ast.keyword, ...]:
        """What it is called with by name; what the call says wins over a partial's."""
        later = {word.arg for word in self.simple.keywords}
        return (*(word for word in self.callee.keywords if word.arg not in later), *self.simple.keywords)

    @property
    def variable(self) -> str:
        """What the item is called."""
        return self.simple.target.id if isinstance(self.simple.target, ast.Name) else "item"


def move_of(call: PoolCall, script: Script, extract: Extract) -> Move:
    """What a call becomes, as far as reading can tell."""
    callee = callee_of(call.function, script)
    simple = unfolded(call, script)
    simple, items = _input(simple, script)
    initializer = _initializer(call, script)
    names = free_names(callee.node) if callee.node is not None else names_in(ast.parse(callee.text or "None"))
    needed = extract.needed(names)
    started = _reached_by(initializer, script)
    inherited = tuple(_inherited(needed, script, extract, started))
    return Move(call, simple, callee, items, initializer, inherited)


def _input(simple: PoolCall, script: Script) -> tuple[PoolCall, Items | None]:
    if simple.unknown or simple.source is None or simple.target is None:
        return simple, None
    items = items_of(simple.source, script)
    if items is None or not isinstance(simple.target, ast.Name):
        return simple, items
    items = trimmed(items, [*simple.args, *(word.value for word in simple.keywords)], simple.target.id)
    match simple.args:
        case [ast.Call(func=func, args=[ast.Name(id=name)], keywords=[])] if (
            items.kind == "lines"
            and items.item == "{}"
            and name == simple.target.id
            and script.full(func) == "json.loads"
            and not any(names_in(word.value) & {name} for word in simple.keywords)
        ):
            return replace(simple, args=(simple.target,)), replace(items, kind="jsonl")
    return simple, items


def _initializer(call: PoolCall, script: Script) -> Initializer | None:
    if call.pool.name == "joblib.Parallel":
        return None
    maker = call.pool.call
    words = {word.arg: word.value for word in maker.keywords}
    index = 2 if call.pool.executor else 1
    function, args = [*maker.args, None, None, None, None][index : index + 2]
    function, args = function or words.get("initializer"), args or words.get("initargs")
    if function is None or (isinstance(function, ast.Constant) and function.value is None):
        return None
    given: Sequence[ast.expr] = args.elts if isinstance(args, (ast.Tuple, ast.List)) else ()
    if args is not None and not isinstance(args, (ast.Tuple, ast.List)):
        given = [ast.Starred(args, ast.Load())]
    return Initializer(function.lineno, callee_of(function, script), tuple(given))


def _reached_by(initializer: Initializer | None, script: Script) -> set[str]:
    """The functions of the script that an initializer runs."""
    waiting = [initializer.callee.text] if initializer is not None else []
    found: set[str] = set()
    while waiting:
        name = waiting.pop()
        function = script.module.functions.get(name)
        if function is not None and name not in found:
            found.add(name)
            waiting += free_names(function.node)
    return found


def _inherited(needed: set[str], script: Script, extract: Extract, started: set[str]) -> Iterator[Set]:
    """Globals that are needed, and that the main part sets."""
    for name in sorted(needed):
        assigned = [*_in_guards(name, script), *_in_functions(name, script, needed | started)]
        if not assigned:
            continue
        made = {node for node, _ in assigned}
        values = [value for _, value in assigned]
        line = min(node.lineno for node in made)
        told = values[0] if len(values) == 1 and values[0] is not None else None
        node = assigned[0][0]
        if told is not None and any(local_at(one, node, script, extract) for one in free_names(told)):
            told = None
        # What an initializer sets as well is its own.
        if not any(
            name in _sets(script.module.functions[one].node) for one in started if one in script.module.functions
        ):
            yield Set(name, line, told)


def local_at(name: str, at: ast.AST, script: Script, extract: Extract) -> bool:
    """Whether a name means something at a place that a task's module does not have."""
    functions = [
        outer for outer in script.around(at) if isinstance(outer, SCOPES) and not isinstance(outer, ast.Module)
    ]
    return any(name in script.bindings(outer) for outer in functions) or not known(name, extract)


def known(name: str, extract: Extract) -> bool:
    """Whether a name is defined at the top of the script, or built in."""
    return extract.defines(name) or hasattr(builtins, name)


def _in_guards(name: str, script: Script) -> Iterator[tuple[ast.stmt, ast.expr | None]]:
    for guard in script.guards:
        for node in ast.walk(guard):
            if isinstance(node, ast.Assign) and any(_is(target, name) for target in node.targets):
                yield node, node.value if len(node.targets) == 1 else None


def _in_functions(name: str, script: Script, reached: set[str]) -> Iterator[tuple[ast.stmt, ast.expr | None]]:
    for function in script.module.functions.values():
        if function.name in reached or name not in function.declared:
            continue
        for node in function.nodes:
            if isinstance(node, ast.Assign) and any(_is(target, name) for target in node.targets):
                yield node, node.value if len(node.targets) == 1 else None


def _is(target: ast.expr, name: str) -> bool:
    return isinstance(target, ast.Name) and target.id == name


def _sets(node: ast.AST) -> set[str]:
    return {name for one in ast.walk(node) if isinstance(one, ast.Global) for name in one.names}


def json_value(node: ast.expr, script: Script) -> Any:
    """A constant that a job file can hold.

    Raises:
        Untold: it is none.
    """
    value = constant(node, script)
    if not isinstance(value, (str, int, float, bool, type(None))):
        raise Untold
    return value


def problem_of(move: Move) -> str:
    """Why a call cannot be a job; "" if it can."""
    found = ""
    if move.callee.problem:
        found = move.callee.problem
    elif isinstance(move.callee.node, ast.AsyncFunctionDef):
        found = f"{move.callee.text} is an async function"
    elif move.initializer is not None and (move.initializer.callee.problem or move.initializer.callee.nested):
        found = move.initializer.callee.problem or "the initializer is defined inside another function"
    elif move.simple.target is None:
        found = move.simple.unknown or f"{move.callee.text or 'it'} is not called for each of many items"
    elif all(fixed(move.simple, one) for one in (*move.args, *(word.value for word in move.keywords))):
        found = f"{move.callee.text or 'it'} is given the same each time"
    elif any(word.arg is None for word in move.keywords):
        found = "its keyword arguments are made elsewhere"
    return found
