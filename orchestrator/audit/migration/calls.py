"""Finds what a script has a pool do: each call, with its function, its arguments, and what the items come from."""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from orchestrator.audit.migration.apis import (
    APPLIES,
    DELAYED,
    MAKERS,
    MAPS,
    PROCESSES,
    STARMAPS,
    TUNING,
    Pool,
    kind_of,
)
from orchestrator.audit.migration.script import COMPREHENSIONS, SCOPES, Script

ITEM = "item"
_DEEPEST = 6


@dataclass(frozen=True)
class PoolCall:
    """One call that hands work to a pool.

    Attributes:
        method: the pool's method, "" where the pool itself is called (joblib) or is a process.
        node: the call.
        function: what is called for each item; None where that is not said.
        args, keywords: its arguments, in which `target` stands for the item.
        target: the loop's variable or variables.
        source: what the items come from; None where it is not called for each of many.
        unknown: why the items cannot be told.
    """

    pool: Pool
    method: str
    node: ast.Call
    function: ast.expr | None
    args: tuple[ast.expr, ...] = ()
    keywords: tuple[ast.keyword, ...] = ()
    target: ast.expr | None = None
    source: ast.expr | None = None
    unknown: str = ""

    @property
    def line(self) -> int:
        """Where it is."""
        return self.node.lineno

    @property
    def api(self) -> str:
        """As it is known: `multiprocessing.Pool.imap`."""
        return f"{self.pool.name}.{self.method}" if self.method else self.pool.name


@dataclass(frozen=True)
class Calls:
    """Finds the pools of a script, and the calls of each."""

    script: Script

    @cached_property
    def pools(self) -> list[Pool]:
        """Every pool that is made."""
        return [pool for node in self._all_calls if (pool := self._made(node)) is not None]

    @cached_property
    def found(self) -> list[PoolCall]:
        """Every call that hands work to a pool, by line."""
        found = [one for node in self._all_calls if (one := self._call(node)) is not None]
        return sorted(found, key=lambda one: (one.line, one.node.col_offset))

    @cached_property
    def _all_calls(self) -> list[ast.Call]:
        return [node for node in ast.walk(self.script.source.tree) if isinstance(node, ast.Call)]

    def _made(self, node: ast.Call) -> Pool | None:
        name = self.script.full(node.func)
        return Pool(name, kind_of(name, node), node) if name in MAKERS else None

    def pool_of(self, node: ast.expr, depth: int = 0) -> Pool | None:
        """The pool that an expression is, if that can be told."""
        if depth > _DEEPEST:
            return None
        match node:
            case ast.Call():
                return self._made(node)
            case ast.Name(id=name):
                # A pool made anew under the same name is the same kind of pool.
                values = self.script.values(name, node) or []
                pools = [self.pool_of(value, depth + 1) for value in values if value is not None]
                return pools[0] if pools and len(pools) == len(values) else None
            case ast.Attribute(value=ast.Name(id="self"), attr=attr):
                return self._field(node, attr, depth)
        return None

    def _field(self, node: ast.expr, attr: str, depth: int) -> Pool | None:
        owner = next((outer for outer in self.script.around(node) if isinstance(outer, ast.ClassDef)), None)
        cls = self.script.module.classes.get(owner.name) if owner is not None else None
        value = cls.fields.get(attr) if cls is not None else None
        return self.pool_of(value, depth + 1) if value is not None else None

    def _call(self, node: ast.Call) -> PoolCall | None:
        if self.script.full(node.func) in PROCESSES:
            return self._process(node)
        if isinstance(node.func, ast.Attribute):
            pool = self.pool_of(node.func.value)
            if pool is not None and pool.name != "joblib.Parallel":
                return self._method(pool, node.func.attr, node)
        pool = self.pool_of(node.func)
        if pool is not None and pool.name == "joblib.Parallel" and node.args:
            return self._joblib(pool, node)
        return None

    def _process(self, node: ast.Call) -> PoolCall:
        words = {word.arg: word.value for word in node.keywords}
        pool = Pool(self.script.full(node.func), "processes", node)
        call = PoolCall(pool, "", node, words.get("target"), *_packed(words.get("args"), words.get("kwargs")))
        return self._looped(call)

    def _method(self, pool: Pool, method: str, node: ast.Call) -> PoolCall | None:
        words = {word.arg: word.value for word in node.keywords if word.arg}
        function = node.args[0] if node.args else words.get("func") or words.get("fn")
        rest = node.args[1:]
        if method == "map" and pool.executor:
            return _mapped(PoolCall(pool, method, node, function), rest)
        if method in MAPS | STARMAPS:
            source = rest[0] if rest else words.get("iterable")
            item = ast.Name(ITEM, ast.Load())
            given: ast.expr = ast.Starred(item, ast.Load()) if method in STARMAPS else item
            return PoolCall(pool, method, node, function, (given,), (), item, source)
        if method == "submit":
            kept = tuple(word for word in node.keywords if word.arg != "fn")
            return self._looped(PoolCall(pool, method, node, function, tuple(rest), kept))
        if method in APPLIES:
            packed = rest[0] if rest else words.get("args")
            named = rest[1] if len(rest) > 1 else words.get("kwds")
            return self._looped(PoolCall(pool, method, node, function, *_packed(packed, named)))
        return None

    def _joblib(self, pool: Pool, node: ast.Call) -> PoolCall:
        work = node.args[0]
        if isinstance(work, ast.Name) and (value := self.script.value(work.id, work)) is not None:
            work = value
        call = PoolCall(pool, "", node, None)
        if not isinstance(work, (ast.ListComp, ast.GeneratorExp)) or not isinstance(work.elt, ast.Call):
            return replace(call, unknown="what it is given is made elsewhere")
        inner = work.elt
        maker = inner.func
        if isinstance(maker, ast.Name) and (value := self.script.value(maker.id, maker)) is not None:
            maker = value
        if not (isinstance(maker, ast.Call) and self.script.full(maker.func) in DELAYED and maker.args):
            return replace(call, unknown="what it is given is made elsewhere")
        call = replace(call, function=maker.args[0], args=tuple(inner.args), keywords=tuple(inner.keywords))
        return _generated(call, work.generators)

    def _looped(self, call: PoolCall) -> PoolCall:
        """The call with the loop that it stands in."""
        for outer in self.script.repeated(call.node):
            if isinstance(outer, COMPREHENSIONS):
                return _generated(call, outer.generators)
            if isinstance(outer, (ast.While, ast.AsyncFor)):
                return replace(call, unknown=f"it stands in the loop at line {outer.lineno}, which has no items")
            if isinstance(outer, ast.For):
                return self._for(call, outer)
            if isinstance(outer, SCOPES):
                break
        return call

    def _for(self, call: PoolCall, loop: ast.For) -> PoolCall:
        call = replace(call, target=loop.target, source=loop.iter)
        for outer in self.script.around(call.node):
            if outer is loop:
                break
            if isinstance(outer, (ast.If, ast.Try, ast.Match)):
                return replace(call, unknown=f"some items are left out at line {outer.lineno}")
        for outer in self.script.around(loop):
            if isinstance(outer, SCOPES):
                break
            if isinstance(outer, (ast.For, ast.While)):
                return replace(call, unknown=f"the loop stands in another one, at line {outer.lineno}")
        return call


def _packed(args: ast.expr | None, named: ast.expr | None) -> tuple[tuple[ast.expr, ...], tuple[ast.keyword, ...]]:
    """The arguments that a tuple and a dict hold."""
    given: Sequence[ast.expr] = ()
    if isinstance(args, (ast.Tuple, ast.List)):
        given = args.elts
    elif args is not None:
        given = [ast.Starred(args, ast.Load())]
    words: list[ast.keyword] = []
    if isinstance(named, ast.Dict):
        words = [
            ast.keyword(str(key.value), value)
            for key, value in zip(named.keys, named.values, strict=True)
            if isinstance(key, ast.Constant)
        ]
    elif named is not None:
        words = [ast.keyword(None, named)]
    return tuple(given), tuple(words)


def _mapped(call: PoolCall, sources: Sequence[ast.expr]) -> PoolCall:
    """An executor's map: one iterable, or several that are walked together."""
    item = ast.Name(ITEM, ast.Load())
    if len(sources) == 1:
        return replace(call, args=(item,), target=item, source=sources[0])
    together = ast.Call(ast.Name("zip", ast.Load()), list(sources), [])
    return replace(call, args=(ast.Starred(item, ast.Load()),), target=item, source=together)


def _generated(call: PoolCall, generators: Sequence[ast.comprehension]) -> PoolCall:
    first = generators[0]
    call = replace(call, target=first.target, source=first.iter)
    if len(generators) > 1:
        return replace(call, unknown="it has two loops")
    if first.ifs:
        return replace(call, unknown=f"some items are left out: if {ast.unparse(first.ifs[0])}")
    return call


def tuning(call: PoolCall) -> Iterator[tuple[str, int]]:
    """The arguments that tune a pool, of its maker and of its call, with their lines."""
    makers = [call.pool.call] + ([call.node] if call.method and call.method != "submit" else [])
    for node in dict.fromkeys(makers):
        for word in node.keywords:
            if word.arg in TUNING:
                yield f"{word.arg}={ast.unparse(word.value)}", word.value.lineno
    name = call.pool.name.rpartition(".")[2]
    if call.pool.call.args:
        first = call.pool.call.args[0]
        yield f"{name}({ast.unparse(first)})", first.lineno
    if call.method in MAPS | STARMAPS and len(call.node.args) > 2 and not call.pool.executor:
        yield f"chunk size {ast.unparse(call.node.args[2])}", call.node.args[2].lineno
