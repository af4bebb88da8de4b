"""Who can compete, how its stage is started, and why one cannot be had here."""

import json
import os
import subprocess
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from orchestrator import errors
from orchestrator.compare.arena import Arena, StageFailed, our_stage
from orchestrator.compare.base import Assignment
from orchestrator.compare.redis_server import check_redis
from orchestrator.errors import FtorchError
from orchestrator.host.native import native_pool_caps

NAMES = ("threads", "processes", "interpreters", "redis", "python")
_ELSEWHERE = Path(__file__).parent / "elsewhere"
_PROBE = (
    "import json, platform, sys, sysconfig; print(json.dumps([platform.python_version(), "
    "bool(sysconfig.get_config_var('Py_GIL_DISABLED')), list(sys.version_info[:2])]))"
)
_OLDEST = [3, 9]
_BOOT = """import sys
sys.path.insert(0, {folder!r})
from elsewhere.pool import main
del sys.path[0]
main(int(sys.argv[1]))
"""


@dataclass(frozen=True, slots=True)
class Backend:
    """A contestant that can be started.

    Attributes:
        name: one of NAMES.
        what: it, in words.
        refused: why it cannot be started here; "" where it can.
        command: the command line of its stage.
    """

    name: str
    what: str
    refused: str = ""
    command: tuple[str, ...] = ()

    def stage(self, assignment: Assignment) -> Arena:
        """Start its stage, and tell it what to run.

        Raises:
            StageFailed: it did not take it.
        """
        name = self.name
        capped = {} if name == "threads" else dict(native_pool_caps(os.environ, 1))
        arena = Arena(self.command, capped)
        try:
            arena.say(_for_elsewhere(assignment) if name == "python" else assignment)
        except BaseException:
            arena.end()
            raise
        return arena


def find_backends(names: Iterable[str], workers: int, python: str | None) -> list[Backend]:
    """The contestants that were named, in their fixed order, each with why it cannot be had where it cannot."""
    wanted = set(names)
    makers: Mapping[str, Callable[[], Backend]] = {
        "threads": lambda: _own("threads", f"ftorch, {_count(workers, 'thread')}"),
        "processes": lambda: _own("processes", f"multiprocessing.Pool, {_count(workers, 'process')}"),
        "interpreters": lambda: _own("interpreters", f"InterpreterPoolExecutor, {_count(workers, 'interpreter')}"),
        "redis": lambda: _redis(workers),
        "python": lambda: _python(workers, python or ""),
    }
    return [makers[name]() for name in NAMES if name in wanted]


def _own(name: str, what: str) -> Backend:
    return Backend(name, what, command=tuple(our_stage()))


def _redis(workers: int) -> Backend:
    what = f"Redis and {_count(workers, 'worker process')}"
    try:
        check_redis()
    except FtorchError as error:
        return Backend("redis", what, refused=f"{error.message}. {error.hint or ''}".rstrip())
    return _own("redis", what)


def _python(workers: int, python: str) -> Backend:
    what = f"multiprocessing.Pool of {python}, {_count(workers, 'process')}"
    try:
        version, free_threaded, numbers = _probe(python)
    except StageFailed as error:
        return Backend("python", what, refused=str(error))
    if numbers < _OLDEST:
        return Backend("python", what, refused=f"{python} is Python {version}, and 3.9 or newer is needed")
    build = "free-threaded" if free_threaded else "with a GIL"
    what = f"multiprocessing.Pool of Python {version} {build}, {_count(workers, 'process')}"
    return Backend("python", what, command=(python, "-c", _BOOT.format(folder=str(_ELSEWHERE.parent))))


def _probe(python: str) -> Any:
    """What a Python says of itself.

    Raises:
        StageFailed: there is none, or it says nothing that can be understood.
    """
    try:
        told = subprocess.run([python, "-c", _PROBE], capture_output=True, text=True, timeout=30, check=False)
        return json.loads(told.stdout)
    except OSError as error:
        raise StageFailed(f"--python {python}: it cannot be started: {error.strerror}") from None
    except subprocess.TimeoutExpired, ValueError:
        raise StageFailed(f"--python {python}: it is no Python") from None


def _for_elsewhere(assignment: Assignment) -> dict[str, Any]:
    """An assignment as plain data, with the names of the errors that a task may import."""
    plain: dict[str, Any] = msgspec.to_builtins(assignment)
    names = [name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, FtorchError)]
    return {**plain, "errors": names}


def _count(number: int, noun: str) -> str:
    many = f"{noun}es" if noun.endswith("s") else f"{noun}s"
    return f"{number} {noun if number == 1 else many}"
