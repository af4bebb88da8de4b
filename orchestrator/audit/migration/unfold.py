"""Brings a pool's call to its simplest form: a comprehension, `zip` or `repeat` around its items becomes arguments."""

import ast
from dataclasses import replace

from orchestrator.audit.migration.calls import PoolCall
from orchestrator.audit.migration.constants import untouched
from orchestrator.audit.migration.items import is_glob
from orchestrator.audit.migration.script import Script, names_in

_DEEPEST = 8
_SAME = ("list", "tuple", "iter", "tqdm.tqdm", "tqdm.auto.tqdm")


def unfolded(call: PoolCall, script: Script) -> PoolCall:
    """The same call, with its arguments made from what the items come from: `f(x, 3) for x in xs`, not `pairs`."""
    for _ in range(_DEEPEST):
        if call.unknown or call.source is None:
            break
        step = _step(call, call.source, script)
        if step is None:
            break
        call = step
    return call


def _step(call: PoolCall, source: ast.expr, script: Script) -> PoolCall | None:
    match source:
        case ast.Name(id=name) if (value := script.value(name, source)) is not None and untouched(name, script):
            return replace(call, source=value) if not isinstance(value, ast.Constant) else None
        case ast.Call(func=func, args=[inner, *_]) if script.full(func) in _SAME:
            return replace(call, source=inner)
        case ast.ListComp(elt=element, generators=[one]) | ast.GeneratorExp(elt=element, generators=[one]):
            return _through(call, element, one, script)
        case ast.Call(func=func, args=args, keywords=words) if script.full(func) == "zip" and args:
            return None if any(word.arg != "strict" for word in words) else _zipped(call, args, script)
    return None


def _through(call: PoolCall, element: ast.expr, loop: ast.comprehension, script: Script) -> PoolCall | None:
    """The call with a comprehension's variable as its item."""
    left_out = [test for test in loop.ifs if not (is_glob(loop.iter, script) and _asks_for_a_file(test, loop, script))]
    if left_out:
        return replace(call, unknown=f"some items are left out: if {ast.unparse(left_out[0])}")
    used = _substituted(call, element, script)
    return replace(used, target=loop.target, source=loop.iter) if used is not None else None


def _asks_for_a_file(test: ast.expr, loop: ast.comprehension, script: Script) -> bool:
    """Whether a condition leaves out what is no file, and so no item of a job that takes files either."""
    match test, loop.target:
        case ast.Call(func=ast.Attribute(value=ast.Name(id=asked), attr="is_file"), args=[]), ast.Name(id=name):
            return asked == name
        case ast.Call(func=func, args=[ast.Name(id=asked)]), ast.Name(id=name):
            return asked == name and script.full(func) == "os.path.isfile"
    return False


def _zipped(call: PoolCall, parts: list[ast.expr], script: Script) -> PoolCall | None:
    """`zip(xs, repeat(3))`: one iterable and constants."""
    varying = [part for part in parts if _repeated(part, script) is None]
    if len(varying) != 1 or isinstance(varying[0], ast.Starred):
        return None
    name = ast.Name("item", ast.Load())
    element = ast.Tuple([_repeated(part, script) or name for part in parts], ast.Load())
    used = _substituted(call, element, script)
    return replace(used, target=name, source=varying[0]) if used is not None else None


def _repeated(node: ast.expr, script: Script) -> ast.expr | None:
    match node:
        case ast.Call(func=func, args=[value, *_]) if script.full(func) == "itertools.repeat":
            return value
    return None


def _substituted(call: PoolCall, element: ast.expr, script: Script) -> PoolCall | None:
    """The call with an item's expression in place of its name; None where that would do something twice."""
    assert call.target is not None
    match call.target, element:
        case ast.Name(id=name), _:
            table = {name: element}
        case ast.Tuple(elts=targets), ast.Tuple(elts=parts) if len(targets) == len(parts):
            pairs = zip(targets, parts, strict=True)
            table = {target.id: part for target, part in pairs if isinstance(target, ast.Name)}
            if len(table) < len(targets):
                return None
        case _:
            return None
    uses = [name for part in (*call.args, *call.keywords) for name in _names(part) if name in table]
    if any(uses.count(name) > 1 and not isinstance(table[name], (ast.Name, ast.Constant)) for name in uses):
        return None
    change = _Substitution(table)
    args = [change.visit(script.copy(arg)) for arg in call.args]
    flat = [part for arg in args for part in _flattened(arg)]
    words = [ast.keyword(word.arg, change.visit(script.copy(word.value))) for word in call.keywords]
    return replace(call, args=tuple(flat), keywords=tuple(words))


def _flattened(arg: ast.expr) -> list[ast.expr]:
    if isinstance(arg, ast.Starred) and isinstance(arg.value, (ast.Tuple, ast.List)):
        return arg.value.elts
    return [arg]


def _names(node: ast.AST) -> list[str]:
    return [inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)]


class _Substitution(ast.NodeTransformer):
    def __init__(self, table: dict[str, ast.expr]) -> None:
        self._table = table

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """Put the expression in place of its name."""
        return self._table.get(node.id, node)


def fixed(call: PoolCall, part: ast.expr) -> bool:
    """Whether an argument is the same for every item."""
    return call.target is None or not (names_in(part) & names_in(call.target))
