"""Where expressions are evaluated, and what can be said of them without evaluating."""

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from orchestrator.audit.races.kinds import Kind, kind_of_call
from orchestrator.audit.races.names import Class, Function, Module, dotted
from orchestrator.audit.races.project import Project
from orchestrator.audit.races.values import External, Place, Value

DEEPEST = 12
_OWN_KEYS = ("get_ident", "get_native_id", "current_thread", "getpid")


@dataclass
class Frame:
    """Where an expression is evaluated.

    Attributes:
        project: the user's modules.
        function: the function it stands in; None at the top of a module.
        given: what the function's parameters were seen to be called with.
        process: what `ctx.process` is.
        shared: functions whose local variables are shared by all threads that call what they return.
    """

    project: Project
    module: Module
    function: Function | None = None
    given: Mapping[str, Value] = field(default_factory=dict)
    process: Place | None = None
    shared: frozenset[Function] = frozenset()
    depth: int = 0

    def again(self) -> Frame:
        """The same frame, a step deeper: names may refer to each other in circles."""
        return replace(self, depth=self.depth + 1)

    def deeper(self, function: Function | None, module: Module) -> Frame:
        """Another function's frame, whose parameters are not known."""
        return Frame(self.project, module, function, {}, self.process, self.shared, self.depth + 1)


def own_key(index: ast.expr) -> bool:
    """Whether an entry is the calling thread's alone: its key is the thread's."""
    text = ast.unparse(index)
    return any(f"{name}(" in text for name in _OWN_KEYS) or text.endswith("ctx.index")


def returned(function: Function) -> ast.expr | None:
    """The one expression that a function returns (or yields first); None where there are several."""
    values = [
        node.value for node in function.nodes if isinstance(node, (ast.Return, ast.Yield)) and node.value is not None
    ]
    return values[0] if len(values) == 1 else None


def makes_class(function: Function) -> bool:
    """Whether a method's first parameter is the class, without a decorator that says so."""
    return function.name.endswith(("__new__", "__init_subclass__", "__class_getitem__"))


def kind_of_class(cls: Class, frame: Frame, look: Callable[[ast.expr, Frame], Value]) -> Kind:
    """What an object of the class is: thread-local, a container, or just an object."""
    for base in cls.node.bases:
        inner = frame.deeper(None, cls.module)
        parent = look(base, inner)
        if isinstance(parent, Class) and frame.depth <= DEEPEST:
            kind = kind_of_class(parent, inner, look)
        else:
            kind = kind_of_call(parent.name if isinstance(parent, External) else dotted(base))
        if kind is not Kind.UNKNOWN and kind is not Kind.OBJECT:
            return kind
    return Kind.OBJECT
