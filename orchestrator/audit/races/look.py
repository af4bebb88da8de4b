"""Evaluates expressions to what they stand for: places that threads share above all."""

import ast
import builtins
from dataclasses import replace

from orchestrator.audit.races.frames import DEEPEST, Frame, makes_class, own_key, returned
from orchestrator.audit.races.kinds import MUTABLE, Kind
from orchestrator.audit.races.made import class_made, kind_made
from orchestrator.audit.races.names import Class, Function, Module
from orchestrator.audit.races.values import CONTEXT, Bound, Context, External, Instance, Place, Value

_DESCRIBE = ("__get__", "__set__")
_ELEMENT = frozenset(("get", "setdefault", "__getitem__"))


def look(node: ast.expr, frame: Frame) -> Value:
    """What an expression stands for; None where that is nobody else's, or cannot be told."""
    found: Value = None
    if frame.depth > DEEPEST:
        return found
    match node:
        case ast.Name(id=name):
            found = _name(name, frame)
        case ast.Attribute(value=value, attr=attr):
            found = attribute(look(value, frame), attr, frame)
        case ast.Subscript(value=value, slice=index):
            found = _entry(look(value, frame), index, frame)
        case ast.NamedExpr(value=value):
            found = look(value, frame)
        case ast.Call():
            found = _result(node, frame)
    return found


def _entry(base: Value, index: ast.expr, frame: Frame) -> Value:
    if not isinstance(base, Place) or own_key(index) or _per_object(base):
        return None
    if base.cls is not None and frame.depth <= DEEPEST and (get := method(base.cls, "__getitem__", frame.again())):
        # The class says itself what an entry is: often the thread's own.
        return _got(base, get, index, frame)
    copied = isinstance(index, ast.Slice) and base.kind is not Kind.ARRAY
    return None if copied else base.part(f"[{ast.unparse(index)}]")


def _got(base: Place, get: Function, index: ast.expr, frame: Frame) -> Value:
    """What the `__getitem__` of the user's returns, with the caller's key for its own name of it."""
    value = returned(get)
    if value is None:
        return None
    inner = frame.deeper(get, get.module)
    inner.given = dict(zip(get.params[:1], (base,), strict=False))
    found = look(value, inner)
    own = f"[{get.positional[1]}]" if len(get.positional) > 1 else ""
    if isinstance(found, Place) and own and found.name.endswith(own):
        return replace(found, name=f"{found.name.removesuffix(own)}[{ast.unparse(index)}]")
    return found


def _per_object(base: Place) -> bool:
    """Whether a class's attribute is a mere default (None, a number): what has parts is then the object's own."""
    return base.through_self and base.kind is Kind.PLAIN


def _name(name: str, frame: Frame) -> Value:
    function = frame.function
    while function is not None:
        if name in function.params:
            return _parameter(name, function, frame)
        if name in function.nested:
            return Bound(function.nested[name])
        if name in function.assigned:
            return _local(name, function, frame)
        function = function.parent
    return module_name(name, frame.module, frame)


def _parameter(name: str, function: Function, frame: Frame) -> Value:
    given = frame.given.get(name) if function is frame.function else None
    if name in function.assigned or given is not None:
        return given if name not in function.assigned else None
    if name == "ctx":
        return CONTEXT
    home = f"{function.module.name}.{function.name}"
    default = function.defaults.get(name)
    if default is not None and (kind := kind_of(default, frame.deeper(None, function.module))) in MUTABLE:
        return Place(name, "default", kind, home=home)
    if function.owner is not None and name == function.params[0] and not function.decorated("staticmethod"):
        return (
            function.owner if function.decorated("classmethod") or makes_class(function) else Instance(function.owner)
        )
    kept = function in frame.shared and function is not frame.function
    return Place(name, "closure", Kind.UNKNOWN, home=home) if kept else None


def _local(name: str, function: Function, frame: Frame) -> Value:
    values = function.assigned[name]
    inner = frame if function is frame.function else frame.deeper(function, function.module)
    if function is not frame.function and function in frame.shared:
        kinds = [kind_of(value, inner) for value in values if value is not None]
        kind = next((kind for kind in kinds if kind is not Kind.PLAIN), Kind.PLAIN if kinds else Kind.UNKNOWN)
        return Place(name, "closure", kind, home=f"{function.module.name}.{function.name}")
    if len(values) != 1 or values[0] is None:
        return None
    value = look(values[0], inner.again())
    return value if not isinstance(value, External) else None


def module_name(name: str, module: Module, frame: Frame) -> Value:
    """What a name at the top of a module stands for."""
    if name in module.functions and name not in module.bindings:
        return Bound(module.functions[name])
    if name in module.classes:
        return module.classes[name]
    if name in module.bindings:
        return _binding(name, module, frame)
    if name in module.imports:
        return resolve(module.imports[name], frame)
    if name in module.functions:
        return Bound(module.functions[name])
    return External(name) if hasattr(builtins, name) else None


def _binding(name: str, module: Module, frame: Frame) -> Value:
    known = frame.project.bound
    key = (module.name, name)
    if key not in known:
        # Until it is known, a name that refers to itself in a circle stands for nothing.
        known[key] = None
        known[key] = _evaluated(name, module, frame)
    return known[key]


def _evaluated(name: str, module: Module, frame: Frame) -> Value:
    inner = frame.deeper(None, module)
    values = [value for value in module.bindings[name] if value is not None]
    for value in values:
        target = look(value, inner) if not isinstance(value, ast.Call) else None
        if isinstance(target, (Bound, Class, Module)):
            return target
    pairs = [(kind_of(value, inner), class_of(value, inner)) for value in values]
    kind, cls = next((pair for pair in pairs if pair[0] is not Kind.PLAIN), pairs[0] if pairs else (Kind.UNKNOWN, None))
    return Place(name, "global", kind, cls, home=module.name)


def resolve(path: str, frame: Frame) -> Value:
    """What a full dotted name stands for: one of the user's, or something external."""
    module = frame.project.find(path)
    if module is not None:
        return module
    parent, _, name = path.rpartition(".")
    if not parent:
        return External(path)
    home = frame.project.find(parent)
    if home is None or frame.depth > DEEPEST:
        return External(path)
    return module_name(name, home, frame.deeper(None, home))


def attribute(base: Value, attr: str, frame: Frame) -> Value:
    """An attribute of what an expression stands for."""
    found: Value = None
    match base:
        case External(name=name):
            found = resolve(f"{name}.{attr}", frame)
        case Module():
            found = module_name(attr, base, frame.deeper(None, base)) or frame.project.find(f"{base.name}.{attr}")
        case Context():
            found = frame.process if attr == "process" else None
        case Class():
            found = _class_attribute(base, attr, frame, None)
        case Instance(cls=cls):
            found = _class_attribute(cls, attr, frame, base)
        case Place():
            found = _place_attribute(base, attr, frame)
    return found


def _place_attribute(base: Place, attr: str, frame: Frame) -> Value:
    if base.kind in (Kind.OWN, Kind.COUNT) or _per_object(base):
        return None
    if base.cls is None:
        return base.part(f".{attr}")
    if attr in base.cls.fields:
        inner = frame.deeper(base.cls.methods.get("__init__"), base.cls.module)
        value = base.cls.fields[attr]
        return base.part(f".{attr}", kind_of(value, inner), class_of(value, inner))
    found = _class_attribute(base.cls, attr, frame, base)
    return base.part(f".{attr}") if found is None else found


def method(cls: Class, name: str, frame: Frame) -> Function | None:
    """A method of a class or of its bases, among the user's."""
    if name in cls.methods:
        return cls.methods[name]
    for base in cls.node.bases:
        parent = look(base, frame.deeper(None, cls.module))
        if isinstance(parent, Class) and (found := method(parent, name, frame.deeper(None, cls.module))) is not None:
            return found
    return None


def _class_attribute(cls: Class, attr: str, frame: Frame, owner: Place | Instance | None) -> Value:
    found = method(cls, attr, frame) if frame.depth <= DEEPEST else None
    if found is not None:
        bound: Value = Bound(found, owner)
        return bound
    through = owner is not None
    if attr not in cls.attributes or (through and (attr in cls.fields or cls.dataclass)):
        return None
    inner = frame.deeper(None, cls.module)
    value = cls.attributes[attr]
    if isinstance(value, ast.Name) and value.id != attr:
        # `_succ = _adj` in the class's body.
        value = cls.attributes.get(value.id, value)
    made = class_of(value, inner)
    if through and made is not None and frame.depth <= DEEPEST and any(method(made, name, inner) for name in _DESCRIBE):
        # A descriptor answers for each object.
        return None
    place = Place(f"{cls.name}.{attr}", "class", kind_of(value, inner), made, home=cls.module.name)
    return replace(place, through_self=through)


def _result(call: ast.Call, frame: Frame) -> Value:
    """What a call gives, where that is shared, or an object of the user's."""
    if isinstance(call.func, ast.Attribute) and call.func.attr in _ELEMENT and call.args:
        base = look(call.func.value, frame)
        if isinstance(base, Place) and base.kind in (Kind.DICT, Kind.UNKNOWN) and not own_key(call.args[0]):
            return base.part(f"[{ast.unparse(call.args[0])}]")
    target = look(call.func, frame)
    if isinstance(target, Class):
        return Instance(target)
    if isinstance(target, Bound) and not target.function.generates:
        value = returned(target.function)
        if value is not None:
            inner = frame.deeper(target.function, target.function.module)
            if target.self is not None and target.function.params:
                inner.given = {target.function.params[0]: target.self}
            return look(value, inner)
    return None


def kind_of(node: ast.expr, frame: Frame) -> Kind:
    """What kind of thing an expression makes."""
    return kind_made(node, frame, look)


def class_of(node: ast.expr, frame: Frame) -> Class | None:
    """The user's class that an expression makes an object of."""
    return class_made(node, frame, look)
