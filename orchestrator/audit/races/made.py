"""What kind of thing an expression makes, and of which class; `look` says what names stand for."""

import ast
from collections.abc import Callable

from orchestrator.audit.races.frames import DEEPEST, Frame, kind_of_class, returned
from orchestrator.audit.races.kinds import Kind, kind_of_call, kind_of_literal
from orchestrator.audit.races.names import Class, Module, dotted
from orchestrator.audit.races.values import Bound, External, Place, Value

type Look = Callable[[ast.expr, Frame], Value]


def kind_made(node: ast.expr, frame: Frame, look: Look) -> Kind:
    """What kind of thing an expression makes."""
    literal = kind_of_literal(node)
    if literal is not None or frame.depth > DEEPEST:
        return literal or Kind.UNKNOWN
    match node:
        case ast.Call(func=func):
            return _kind_of_result(look(func, frame), dotted(func), frame, look)
        case ast.Name(id=name) if (
            frame.function is not None and len(values := frame.function.assigned.get(name, [])) == 1
        ):
            return kind_made(values[0], frame.again(), look) if values[0] is not None else Kind.UNKNOWN
    value = look(node, frame)
    if isinstance(value, Place):
        return value.kind
    return Kind.PLAIN if isinstance(value, (Bound, Class, Module)) else Kind.UNKNOWN


def _kind_of_result(target: Value, name: str, frame: Frame, look: Look) -> Kind:
    match target:
        case External(name=full):
            return kind_of_call(full)
        case Class():
            return kind_of_class(target, frame, look)
        case Bound(function=function):
            if function.decorated("synchronized_iterator"):  # of Python 3.15
                return Kind.OWN
            if function.generates and not function.decorated("contextmanager"):
                return Kind.ITERATOR
            value = returned(function)
            return (
                kind_made(value, frame.deeper(function, function.module), look) if value is not None else Kind.UNKNOWN
            )
    return kind_of_call(name)


def class_made(node: ast.expr, frame: Frame, look: Look) -> Class | None:
    """The user's class that an expression makes an object of."""
    if frame.depth > DEEPEST:
        return None
    if isinstance(node, ast.Call):
        target = look(node.func, frame)
        if isinstance(target, Class):
            return target
        if isinstance(target, Bound) and (value := returned(target.function)) is not None:
            return class_made(value, frame.deeper(target.function, target.function.module), look)
    if isinstance(node, ast.Name) and frame.function is not None:
        values = frame.function.assigned.get(node.id, [])
        if len(values) == 1 and values[0] is not None:
            return class_made(values[0], frame.again(), look)
    return None
