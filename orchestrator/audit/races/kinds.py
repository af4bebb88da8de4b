"""What kind of thing an expression makes, as far as races care."""

import ast
from enum import Enum


class Kind(Enum):
    """What threads that share it can do to each other."""

    DICT = "dict"
    LIST = "list"
    SET = "set"
    DEQUE = "deque"
    ARRAY = "array"
    ITERATOR = "iterator"
    COUNT = "itertools.count"
    LOCK = "lock"
    OWN = "safe by itself"  # thread-local, a context variable, a queue
    PLAIN = "immutable"
    OBJECT = "object"
    RANDOM = "random generator"
    UNKNOWN = "unknown"


BUILTINS = {
    "dict": Kind.DICT,
    "list": Kind.LIST,
    "set": Kind.SET,
    "bytearray": Kind.ARRAY,
    "memoryview": Kind.ARRAY,
    "iter": Kind.ITERATOR,
    "map": Kind.ITERATOR,
    "filter": Kind.ITERATOR,
    "zip": Kind.ITERATOR,
    "enumerate": Kind.ITERATOR,
    "reversed": Kind.ITERATOR,
    "open": Kind.ITERATOR,
    "sorted": Kind.LIST,
    **dict.fromkeys(("frozenset", "tuple", "int", "float", "str", "bytes", "bool", "range", "complex"), Kind.PLAIN),
}

_LOCKS = ("Lock", "RLock", "Semaphore", "BoundedSemaphore", "Condition")

QUALIFIED = {
    **{f"threading.{name}": Kind.LOCK for name in _LOCKS},
    **{f"multiprocessing.{name}": Kind.LOCK for name in _LOCKS},
    **dict.fromkeys(("threading.local", "threading.Event", "contextvars.ContextVar", "logging.getLogger"), Kind.OWN),
    **dict.fromkeys(("asgiref.local.Local", "werkzeug.local.Local", "gevent.local.local"), Kind.OWN),
    **{f"queue.{name}": Kind.OWN for name in ("Queue", "SimpleQueue", "LifoQueue", "PriorityQueue")},
    "collections.defaultdict": Kind.DICT,
    "collections.Counter": Kind.DICT,
    "collections.OrderedDict": Kind.DICT,
    "collections.ChainMap": Kind.DICT,
    "weakref.WeakValueDictionary": Kind.DICT,
    "weakref.WeakKeyDictionary": Kind.DICT,
    "weakref.WeakSet": Kind.SET,
    "collections.deque": Kind.DEQUE,
    "array.array": Kind.ARRAY,
    "mmap.mmap": Kind.ARRAY,
    "types.MappingProxyType": Kind.PLAIN,
    "re.compile": Kind.PLAIN,
    "collections.namedtuple": Kind.PLAIN,
    "functools.partial": Kind.PLAIN,
    "itertools.count": Kind.COUNT,
    "random.Random": Kind.RANDOM,
    "numpy.random.default_rng": Kind.RANDOM,
    "numpy.random.RandomState": Kind.RANDOM,
    "numpy.random.Generator": Kind.RANDOM,
    "csv.reader": Kind.ITERATOR,
    "csv.DictReader": Kind.ITERATOR,
    "os.scandir": Kind.ITERATOR,
    "glob.iglob": Kind.ITERATOR,
    "io.StringIO": Kind.ITERATOR,
    "io.BytesIO": Kind.ITERATOR,
    "gzip.open": Kind.ITERATOR,
}

_ARRAY_MAKERS = frozenset(
    f"numpy.{name}"
    for name in (
        "array",
        "zeros",
        "ones",
        "empty",
        "full",
        "arange",
        "zeros_like",
        "empty_like",
        "ones_like",
        "linspace",
    )
)


def kind_of_call(name: str) -> Kind:
    """What a call of an installed or built-in function gives, by its full name."""
    if name in _ARRAY_MAKERS:
        return Kind.ARRAY
    if name.startswith("itertools.") and name not in QUALIFIED:
        return Kind.ITERATOR
    return QUALIFIED.get(name) or BUILTINS.get(name) or Kind.UNKNOWN


_LITERALS: dict[type[ast.expr], Kind] = {
    **dict.fromkeys((ast.Dict, ast.DictComp), Kind.DICT),
    **dict.fromkeys((ast.List, ast.ListComp), Kind.LIST),
    **dict.fromkeys((ast.Set, ast.SetComp), Kind.SET),
    ast.GeneratorExp: Kind.ITERATOR,
    **dict.fromkeys((ast.Constant, ast.Tuple, ast.JoinedStr, ast.Lambda, ast.Compare, ast.UnaryOp), Kind.PLAIN),
}


def kind_of_literal(node: ast.expr) -> Kind | None:
    """What a display, a comprehension or a constant makes; None for other expressions."""
    if isinstance(node, ast.BinOp):
        return Kind.LIST if Kind.LIST in map(kind_of_literal, (node.left, node.right)) else Kind.UNKNOWN
    return _LITERALS.get(type(node))


CHANGERS = {
    Kind.DICT: frozenset(("pop", "popitem", "clear", "update", "setdefault", "move_to_end", "subtract")),
    Kind.LIST: frozenset(("append", "extend", "insert", "pop", "remove", "clear", "sort", "reverse")),
    Kind.SET: frozenset(("add", "discard", "remove", "pop", "clear", "update", "difference_update")),
    Kind.DEQUE: frozenset(
        ("append", "appendleft", "extend", "extendleft", "pop", "popleft", "remove", "clear", "insert", "rotate")
    ),
    Kind.ARRAY: frozenset(
        ("fill", "sort", "put", "resize", "partition", "itemset", "append", "extend", "clear", "byteswap")
    ),
}
ANY_CHANGER = frozenset().union(*CHANGERS.values())
TAKERS = frozenset(("pop", "popleft", "popitem", "remove"))
"""What raises when there is nothing (more) to take."""


def changers(kind: Kind) -> frozenset[str]:
    """The methods that change a thing of this kind; of an unknown one, those that change any container."""
    return CHANGERS.get(kind, ANY_CHANGER if kind is Kind.UNKNOWN else frozenset())


MUTABLE = (Kind.DICT, Kind.LIST, Kind.SET, Kind.DEQUE, Kind.ARRAY)
"""What can be changed in place."""
