"""What a condition asks about shared places."""

import ast
from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

from orchestrator.audit.races.look import look
from orchestrator.audit.races.reach import Reach, Reached
from orchestrator.audit.races.values import Place


class Asks(Enum):
    """What is asked."""

    MEMBER = "whether a key is in it"
    FILLED = "whether there is something"
    MISSING = "whether it is None, or is there at all"


class Question(NamedTuple):
    """One thing that a condition asks; `name` is the shared place's, and `held` the locks under which it was read."""

    asks: Asks
    name: str
    home: str
    node: ast.expr


def questions(test: ast.expr, reached: Reached, reach: Reach) -> Iterator[Question]:
    """What a condition asks about shared places, through one local variable if need be."""
    match test:
        case ast.BoolOp(values=values):
            for value in values:
                yield from questions(value, reached, reach)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield from questions(operand, reached, reach)
        case ast.NamedExpr(value=value):
            yield from questions(value, reached, reach)
        case ast.Compare(left=left, ops=[ast.In() | ast.NotIn()], comparators=[container]):
            yield from _asked(container, Asks.MEMBER, left, reached, reach)
        case ast.Compare(
            left=left, ops=[ast.Is() | ast.IsNot() | ast.Eq() | ast.NotEq() | ast.Gt()], comparators=[right]
        ):
            asks = Asks.MISSING if isinstance(right, ast.Constant) and right.value is None else Asks.FILLED
            yield from _asked(left, asks, left, reached, reach)
        case ast.Call(func=ast.Name(id="len"), args=[argument]):
            yield from _asked(argument, Asks.FILLED, argument, reached, reach)
        case ast.Call(func=ast.Name(id="hasattr"), args=[owner, ast.Constant(value=str(name))]):
            attribute = ast.copy_location(ast.Attribute(owner, name, ast.Load()), owner)
            yield from _asked(attribute, Asks.MISSING, owner, reached, reach)
        case ast.Call(func=ast.Attribute(value=owner, attr="get"), args=[key, *_]):
            yield from _asked(owner, Asks.MEMBER, key, reached, reach)
        case _:
            yield from _asked(test, Asks.FILLED, test, reached, reach)


def _asked(node: ast.expr, asks: Asks, subject: ast.expr, reached: Reached, reach: Reach) -> Iterator[Question]:
    match node:
        case ast.NamedExpr(value=value):
            node = value
        case ast.Name(id=name) if len(made := reached.function.assigned.get(name, [])) == 1 and made[0] is not None:
            if name not in {inner.id for inner in ast.walk(made[0]) if isinstance(inner, ast.Name)} and not (
                _held_where_made(name, reached)
            ):
                yield from _asked(made[0], asks, subject, reached, reach)
            return
    match node:
        case ast.Call(func=ast.Name(id="len"), args=[argument]):
            yield from _asked(argument, Asks.FILLED, argument, reached, reach)
            return
        case ast.Call(func=ast.Attribute(value=owner, attr="get"), args=[key, *_]):
            yield from _asked(owner, Asks.MEMBER, key, reached, reach)
            return
    place = look(node, reach.frame(reached))
    if isinstance(place, Place):
        yield Question(asks, place.name, place.home, subject)


def _held_where_made(name: str, reached: Reached) -> bool:
    return any(
        site.locks
        for site in reached.sites
        if isinstance(site.node, ast.Assign)
        and any(isinstance(target, ast.Name) and target.id == name for target in site.node.targets)
    )
