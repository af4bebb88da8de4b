"""The function of one item that a job calls: the script's own where that takes an item as it is, or one around it."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from orchestrator.audit.migration.code import Fill, rendered, replaced
from orchestrator.audit.migration.constants import Untold
from orchestrator.audit.migration.extract import Extract, free_names
from orchestrator.audit.migration.items import item_text
from orchestrator.audit.migration.move import Move, Set, json_value, local_at, problem_of
from orchestrator.audit.migration.script import Script, names_in
from orchestrator.audit.migration.unfold import fixed

_NAMES = ("process", "process_item", "one_item")
_STATES = ("set_up", "set_up_state")
_PARAMETERS = {"files": "file", "lines": "line", "jsonl": "item", "csv": "row", "range": "number"}


@dataclass
class Adapter:
    """How a job calls a script's function.

    Attributes:
        reference: the function's name in task.py.
        lines: the source of what is put around it; none where it is called itself.
        state: "process" or "thread", and the function that makes it, "" for none.
        arguments: the job's `with:`.
        fills: what of `with:` the user has to say.
        needs: names of the script's that it uses.
        imports: what it imports itself.
        problem: why there is none.
    """

    reference: str = ""
    lines: list[str] = field(default_factory=list)
    state: tuple[str, str] = ("process", "")
    arguments: dict[str, Any] = field(default_factory=dict)
    fills: list[Fill] = field(default_factory=list)
    needs: set[str] = field(default_factory=set)
    imports: list[str] = field(default_factory=list)
    problem: str = ""


class _Maker:
    """Makes an adapter; the parts are made in order, and share the names taken."""

    def __init__(self, move: Move, script: Script, extract: Extract) -> None:
        self._move, self._script, self._extract = move, script, extract
        self._made = Adapter()
        self._parameters: list[str] = []
        self._told: dict[str, str] = {}

    def make(self) -> Adapter:
        move, made = self._move, self._made
        made.problem = problem_of(move)
        if made.problem:
            return made
        node = move.callee.node
        made.needs |= free_names(node) if node is not None else names_in(ast.parse(move.callee.text))
        made.needs |= {move.callee.text} if not isinstance(node, ast.Lambda) else set()
        state = [*self._state()]
        if not state and not made.state[1] and self._direct():
            made.reference = move.callee.text
            return made
        made.reference = self._free(_NAMES)
        made.imports += move.items.imports if move.items is not None else ()
        body = self._body()
        head = f"@task({made.state[0]}={made.state[1]})\n" if made.state[1] else ""
        title = f'"""Do with one item what {self._script.path.name}:{move.call.line} has a pool do."""'
        made.lines = [*state, f"{head}def {made.reference}({', '.join(self._parameters)}):", f"    {title}", *body]
        return made

    def _free(self, names: tuple[str, ...]) -> str:
        return next((name for name in names if not self._extract.defines(name)), names[-1] + "_")

    def _direct(self) -> bool:
        """Whether the function takes an item as the job has it, and constants by name."""
        move, node = self._move, self._move.callee.node
        if not isinstance(node, ast.FunctionDef) or move.items is None or move.items.item != "{}":
            return False
        names = [arg.arg for arg in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
        alone = len(move.args) == 1 and ast.unparse(move.args[0]) == ast.unparse(move.simple.target or move.args[0])
        if not alone or "ctx" in names or node.decorator_list:
            return False
        try:
            told = {word.arg or "": json_value(word.value, self._script) for word in move.keywords}
        except Untold:
            return False
        self._made.arguments |= told
        return True

    def _body(self) -> list[str]:
        move, lines = self._move, list[str]()
        target = move.simple.target
        parameter = _PARAMETERS[move.items.kind] if move.items is not None and move.items.item != "{}" else ""
        item = move.variable if isinstance(target, ast.Name) else "item"
        self._parameters.append(parameter or item)
        text = item_text(move.items, parameter) if move.items is not None and parameter else item
        node = move.callee.node
        args = [self._argument(index, arg) for index, arg in enumerate(move.args)]
        words = [ast.keyword(word.arg, self._argument(word.arg, word.value)) for word in move.keywords]
        if isinstance(node, ast.Lambda):
            function: ast.expr = node
        else:
            function = ast.parse(move.callee.text, mode="eval").body
        result: ast.expr = ast.Call(function, args, words)
        if isinstance(node, ast.Lambda) and len(node.args.args) == len(args) == 1 and not (words or node.args.defaults):
            result = replaced(node.body, {node.args.args[0].arg: args[0]})
        if not isinstance(target, ast.Name) and target is not None:
            lines.append(f"    {ast.unparse(target).removeprefix('(').removesuffix(')')} = {text}")
        elif text != item:
            result, more = _inlined(result, item, text)
            lines += more
        return [*lines, *rendered("return ", result)]

    def _argument(self, place: int | str | None, arg: ast.expr) -> ast.expr:
        """An argument as the task can give it: with what it lacks as parameters of the task."""
        target = names_in(self._move.simple.target) if self._move.simple.target is not None else set()
        local = [name for name in sorted(free_names(arg) - target) if self._local(name)]
        plain = not isinstance(arg, ast.Starred) and place is not None
        if fixed(self._move.simple, arg) and plain and (local or self._json(arg)):
            name = self._parameter_name(place)
            if name:
                return self._given(name, arg)
        table = {name: self._given(name, self._script.named(name, self._move.call.node)) for name in local}
        self._made.needs |= free_names(arg) - target - set(local)
        return replaced(arg, table)

    def _local(self, name: str) -> bool:
        return local_at(name, self._move.call.node, self._script, self._extract)

    def _json(self, arg: ast.expr) -> bool:
        try:
            json_value(arg, self._script)
        except Untold:
            return False
        return True

    def _parameter_name(self, place: int | str | None) -> str:
        if isinstance(place, str):
            return place
        return _parameter(self._move.callee.node, place)

    def _given(self, name: str, value: ast.expr) -> ast.expr:
        """A parameter of the task for a value: in `with:` if it is a constant, else for the user to say."""
        text = ast.unparse(value)
        while self._told.get(name, text) != text or name in ("ctx", self._move.variable):
            name += "_"
        if name not in self._parameters:
            self._parameters.append(name)
        if name not in self._told:
            self._told[name] = text
            self._tell(name, value)
        return ast.Name(name, ast.Load())

    def _tell(self, name: str, value: ast.expr) -> None:
        try:
            self._made.arguments[name] = json_value(value, self._script)
        except Untold:
            line = getattr(value, "lineno", self._move.call.line)
            self._made.fills.append(Fill(name, ast.unparse(value), line))

    def _state(self) -> Iterator[str]:
        """The function that makes the state that the pool's initializer and the main part made."""
        move, made = self._move, self._made
        initializer = move.initializer
        if initializer is None and not move.inherited:
            return
        kind = "thread" if move.call.pool.kind == "threads" and not move.inherited else "process"
        if initializer is not None and not move.inherited and self._plain_initializer():
            made.state = (kind, initializer.callee.text)
            return
        made.state = (kind, self._free(_STATES))
        body, kept = list[str](), self._parameters
        self._parameters = []
        for one in move.inherited:
            body += self._set(one)
        if initializer is not None:
            made.needs.add(initializer.callee.text)
            args = [self._initial(index, arg) for index, arg in enumerate(initializer.args)]
            function = ast.parse(initializer.callee.text, mode="eval").body
            body += rendered("", ast.Call(function, args, []))
        names = [one.name for one in move.inherited]
        head = [f"    global {', '.join(names)}"] if names else []
        title = f'"""Set what {self._script.path.name} sets before its function is called."""'
        yield from [f"def {made.state[1]}({', '.join(self._parameters)}):", f"    {title}", *head, *body, "", ""]
        self._parameters = kept

    def _set(self, one: Set) -> list[str]:
        self._made.needs.add(one.name)
        if one.value is not None:
            self._made.needs |= free_names(one.value)
            return rendered(f"{one.name} = ", one.value)
        name = one.name.lower().lstrip("_") or "value"
        name = name if name != one.name else f"{name}_value"
        self._parameters.append(name)
        self._told[name] = one.name
        self._made.fills.append(Fill(name, one.name, one.line))
        return [f"    {one.name} = {name}"]

    def _plain_initializer(self) -> bool:
        """Whether `with:` can give the initializer all that it takes."""
        initializer = self._move.initializer
        assert initializer is not None
        names = [_parameter(initializer.callee.node, index) for index in range(len(initializer.args))]
        clear = all(names) and self._move.variable not in names and "ctx" not in names
        if not clear or not isinstance(initializer.callee.node, ast.FunctionDef):
            return False
        if not all(self._json(arg) or all(map(self._local, names_in(arg))) for arg in initializer.args):
            return False
        for name, arg in zip(names, initializer.args, strict=True):
            self._told[name] = ast.unparse(arg)
            self._tell(name, arg)
        self._made.needs.add(initializer.callee.text)
        return True

    def _initial(self, index: int, arg: ast.expr) -> ast.expr:
        local = [name for name in free_names(arg) if self._local(name)]
        if not local:
            self._made.needs |= free_names(arg)
            return arg
        assert self._move.initializer is not None
        name = _parameter(self._move.initializer.callee.node, index) or f"argument_{index}"
        return self._given(name, arg)


def _parameter(node: ast.AST | None, index: object) -> str:
    """The name of a function's parameter by its place; "" where there is none."""
    if isinstance(node, (ast.FunctionDef, ast.Lambda)) and isinstance(index, int):
        names = [arg.arg for arg in (*node.args.posonlyargs, *node.args.args)]
        return names[index] if index < len(names) else ""
    return ""


def _inlined(result: ast.expr, item: str, text: str) -> tuple[ast.expr, list[str]]:
    """The call with the item's expression in its place, or a line before it where it is used twice."""
    uses = [node for node in ast.walk(result) if isinstance(node, ast.Name) and node.id == item]
    if len(uses) != 1:
        return result, [f"    {item} = {text}"]
    return replaced(result, {item: ast.parse(text, mode="eval").body}), []


def adapter_of(move: Move, script: Script, extract: Extract) -> Adapter:
    """What a job calls for each item, and what it gives it."""
    return _Maker(move, script, extract).make()
