"""Imports what it is told to, and tells of every extension that this loads: `python -m orchestrator.audit.loading FD`.

Runs in a process of its own, which may be killed at any moment. Reads a request (JSON) from standard input, and writes
an event (JSON) a line to FD as things happen, so that nothing is lost when a module crashes, hangs or ends the process.

Whether a module does without the GIL is read from its own field right after it was created, which is when CPython looks
at it; a comparison of the GIL before and after would blame modules that other threads load. The field has no public
name: its place is known for 3.14 and 3.15 (pycore_moduleobject.h), and tried on two modules whose answer is known.
"""

import _imp
import ctypes
import faulthandler
import importlib
import importlib.util
import itertools
import json
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

type Reader = Callable[[ModuleType], bool]

_PROCESS_EVENTS = ("os.fork", "os.forkpty", "os.posix_spawn", "os.system", "os.exec", "subprocess.Popen")


class _Events:
    """Writes events; a forked child is told to be silent."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._lock = threading.Lock()
        os.register_at_fork(after_in_child=self._fall_silent)

    def tell(self, event: str, **facts: Any) -> None:
        """Write one; an odd module's name does not end the process."""
        line = json.dumps({"event": event, **facts}, default=str).encode() + b"\n"
        with self._lock:
            while line and self._fd >= 0:
                line = line[os.write(self._fd, line) :]

    def _fall_silent(self) -> None:
        self._lock = threading.Lock()
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def gil_field() -> Reader | None:
    """What reads whether a module declares that it does without the GIL; None where its place is not known."""
    base, pointer = object.__basicsize__, ctypes.sizeof(ctypes.c_void_p)
    readers: dict[tuple[int, int], Reader] = {
        (3, 14): lambda module: bool(ctypes.c_void_p.from_address(id(module) + base + 5 * pointer).value),
        (3, 15): lambda module: not ctypes.c_bool.from_address(id(module) + base + 4 * pointer + 1).value,
    }
    reader = readers.get(sys.version_info[:2])
    if reader is None or not _is_free_threaded():
        return None
    return reader if reader(itertools) and not reader(ModuleType("fresh")) else None


def _is_free_threaded() -> bool:
    return "t" in getattr(sys, "abiflags", "")


def _watch(events: _Events, reader: Reader | None) -> None:
    """Have every extension module told of when it is created."""
    create, execute = _imp.create_dynamic, _imp.exec_dynamic

    def create_dynamic(spec: Any, *rest: Any) -> ModuleType:
        chain = _chain(sys._getframe(1), execute_code)  # noqa: SLF001 - documented
        events.tell("creating", name=spec.name, path=spec.origin)
        module: ModuleType = create(spec, *rest)
        declared = reader(module) if reader is not None and isinstance(module, ModuleType) else None
        events.tell("extension", name=spec.name, path=spec.origin, declared=declared, chain=chain)
        return module

    def exec_dynamic(module: ModuleType) -> int:
        return execute(module)

    execute_code = exec_dynamic.__code__
    _imp.create_dynamic, _imp.exec_dynamic = create_dynamic, exec_dynamic


def _chain(frame: FrameType | None, execute_code: Any) -> list[str]:
    """The modules that are being imported, outermost first: of Python, by their frames; others by ours around them."""
    names: list[str] = []
    while frame is not None:
        name = None
        if frame.f_code is execute_code:
            name = frame.f_locals["module"].__name__
        elif frame.f_code.co_name == "<module>":
            name = frame.f_globals.get("__name__")
        if name and name != "__main__" and name not in names:
            names.append(name)
        frame = frame.f_back
    return names[::-1]


def _load(kind: str, name: str, place: str) -> None:
    if kind == "task":
        from orchestrator.tasks.load import import_task_module

        import_task_module(name, Path(place))
    elif kind == "file":
        spec = importlib.util.spec_from_file_location(name, place)
        if spec is None:
            raise ImportError(f"{place} has no suffix of an extension module of this Python")
        importlib.util.module_from_spec(spec)
    else:
        importlib.import_module(name)


def _printed() -> int:
    """How much was written to the standard streams, which are one file."""
    try:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        return os.lseek(1, 0, os.SEEK_CUR)
    except Exception:  # noqa: BLE001 - a module may have replaced or closed them
        return 0


def _try(events: _Events, target: tuple[str, str, str], limit: float) -> None:
    started = time.perf_counter()
    events.tell("begin", printed=_printed())
    faulthandler.dump_traceback_later(limit, exit=True, file=2)
    error = None
    try:
        _load(*target)
    except BaseException as raised:  # noqa: BLE001 - whatever a module raises, SystemExit included, is its finding
        error = str(raised) if type(raised).__name__ == "TaskError" else f"{type(raised).__name__}: {raised}"
    faulthandler.cancel_dump_traceback_later()
    events.tell("end", error=error, seconds=time.perf_counter() - started, printed=_printed())


def _main(fd: int) -> None:
    request = json.load(sys.stdin.buffer)
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    os.set_inheritable(fd, False)
    events = _Events(fd)
    reader = None if request["verbose"] else gil_field()
    events.tell("hello", field=reader is not None)
    if reader is None and _is_free_threaded() and not request["verbose"]:
        return
    sys.path[:0] = request["paths"]
    _watch(events, reader)
    sys.addaudithook(lambda name, _: events.tell("process", what=name) if name in _PROCESS_EVENTS else None)
    for target in request["targets"]:
        _try(events, tuple(target), request["limit"])
    events.tell("bye")


if __name__ == "__main__":
    _main(int(sys.argv[1]))
    # What the modules left running, threads above all, is not waited for.
    os._exit(0)
