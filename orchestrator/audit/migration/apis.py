"""The pools there are: what makes one, what calls it, and how that is written."""

import ast
from typing import Literal, NamedTuple

type Kind = Literal["processes", "threads", "interpreters"]

_PACKAGES = ("multiprocessing", "multiprocess", "torch.multiprocessing", "billiard")
_FUTURES = ("concurrent.futures", "loky")

MAKERS: dict[str, Kind] = {
    **{f"{package}.{name}": "processes" for package in _PACKAGES for name in ("Pool", "pool.Pool")},
    **{f"{package}.pool.ThreadPool": "threads" for package in _PACKAGES},
    "multiprocessing.dummy.Pool": "threads",
    **{f"{package}.ProcessPoolExecutor": "processes" for package in (*_FUTURES, "concurrent.futures.process")},
    "concurrent.futures.ThreadPoolExecutor": "threads",
    "concurrent.futures.thread.ThreadPoolExecutor": "threads",
    "concurrent.futures.InterpreterPoolExecutor": "interpreters",
    "concurrent.futures.interpreter.InterpreterPoolExecutor": "interpreters",
    "loky.get_reusable_executor": "processes",
    "joblib.Parallel": "processes",
}

PROCESSES = frozenset(f"{package}.Process" for package in _PACKAGES)
QUEUES = frozenset(
    f"{package}.{name}" for package in _PACKAGES for name in ("Queue", "SimpleQueue", "JoinableQueue", "Pipe")
)
LOCKS = frozenset(
    f"{package}.{name}"
    for package in _PACKAGES
    for name in ("Lock", "RLock", "Semaphore", "BoundedSemaphore", "Condition", "Event", "Barrier")
)
SHARED = frozenset(
    [f"{package}.{name}" for package in _PACKAGES for name in ("Manager", "Value", "Array", "RawValue", "RawArray")]
    + [f"multiprocessing.shared_memory.{name}" for name in ("SharedMemory", "ShareableList")]
    + ["multiprocessing.managers.SharedMemoryManager", "multiprocessing.managers.BaseManager"]
)
STARTS = frozenset(
    f"{package}.{name}" for package in _PACKAGES for name in ("set_start_method", "get_context", "freeze_support")
)
PICKLERS = ("dill", "cloudpickle", "joblib.wrap_non_picklable_objects", "multiprocess")
IDENTITY = frozenset(
    ["os.getpid", "os.getppid", "multiprocessing.process.current_process"]
    + [f"{package}.{name}" for package in _PACKAGES for name in ("current_process", "parent_process")]
)
DELAYED = ("joblib.delayed", "joblib.parallel.delayed")
PARTIAL = "functools.partial"

MAPS = frozenset(("map", "map_async", "imap", "imap_unordered"))
STARMAPS = frozenset(("starmap", "starmap_async"))
APPLIES = frozenset(("apply", "apply_async"))
TUNING = frozenset(
    [
        "processes",
        "max_workers",
        "n_jobs",
        "chunksize",
        "maxtasksperchild",
        "max_tasks_per_child",
        "batch_size",
        "pre_dispatch",
        "backend",
        "prefer",
        "require",
        "mp_context",
        "context",
        "verbose",
        "timeout",
        "return_as",
        "max_nbytes",
        "mmap_mode",
        "temp_folder",
        "buffersize",
        "thread_name_prefix",
        "callback",
        "error_callback",
    ]
)


class Pool(NamedTuple):
    """A pool that the script makes.

    Attributes:
        name: the full name of what makes it, `multiprocessing.Pool`.
        kind: what its workers are.
        call: where it is made.
    """

    name: str
    kind: Kind
    call: ast.Call

    @property
    def executor(self) -> bool:
        """Whether it is one of `concurrent.futures`' kind, whose `map` takes several iterables."""
        return self.name.endswith("Executor") or self.name.endswith("executor")


def kind_of(name: str, call: ast.Call) -> Kind:
    """What the workers of a pool are; joblib is told by its arguments."""
    for word in call.keywords if name == "joblib.Parallel" else ():
        match word:
            case ast.keyword(arg="prefer", value=ast.Constant(value="threads")):
                return "threads"
            case ast.keyword(arg="backend", value=ast.Constant(value="threading")):
                return "threads"
            case ast.keyword(arg="require", value=ast.Constant(value="sharedmem")):
                return "threads"
    return MAKERS[name]
