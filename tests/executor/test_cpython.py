"""CPython's own tests of thread pools, from the interpreter's test suite, with our executor in the place of theirs.

Its modules say `futures.ThreadPoolExecutor`, and scripts of theirs import it by name; both get ours here. What they
look up on a pool's inside (`_threads`, `_max_workers`, `_broken`) is answered from ours.
"""

import importlib
from concurrent import futures
from types import SimpleNamespace
from typing import Any

import pytest

import orchestrator

_WHERE = "test.test_concurrent_futures"
try:
    _util: Any = importlib.import_module(f"{_WHERE}.util")
except ImportError as error:
    pytest.skip(f"this Python came without {_WHERE}: {error}", allow_module_level=True)

_modules: dict[str, Any] = {
    name: importlib.import_module(f"{_WHERE}.{name}")
    for name in ("test_as_completed", "test_init", "test_shutdown", "test_thread_pool", "test_wait")
}

EXCLUDED = {
    "test_default_workers": "it wants CPUs + 4 threads; ours are as many as the quota allows",
    "test_thread_names_default": "it wants names that begin with ThreadPoolExecutor-; ours begin with ftorch-executor-",
    "test_idle_thread_reuse": "it is skipped without the GIL as flaky, and does as many submits as there are CPUs: "
    "test_executor.py has its own, which cannot be",
}


class ThreadPoolExecutor(orchestrator.Executor):
    """Ours, with the names that CPython's tests look at."""

    @property
    def _threads(self) -> Any:
        return self._crew.pool._threads

    @property
    def _max_workers(self) -> int:
        return self._crew._most

    @property
    def _broken(self) -> str | None:
        return self._crew.broken


def _ours(*arguments: str, **environment: str) -> Any:
    code = [
        text.replace("from concurrent.futures import", "from orchestrator import Executor as") for text in arguments
    ]
    return script(*code, **environment)


script = _modules["test_shutdown"].assert_python_ok


@pytest.fixture(scope="module", autouse=True)
def _in_their_place():
    names = {name: getattr(futures, name) for name in ("wait", "as_completed", "TimeoutError", "Future")}
    names |= {name: getattr(futures, name) for name in ("ALL_COMPLETED", "FIRST_COMPLETED", "FIRST_EXCEPTION")}
    theirs = {"ProcessPoolExecutor": futures.ProcessPoolExecutor}
    replaced = SimpleNamespace(**names, **theirs, ThreadPoolExecutor=ThreadPoolExecutor)
    with pytest.MonkeyPatch.context() as patch:
        for module in _modules.values():
            if hasattr(module, "futures"):
                patch.setattr(module, "futures", replaced)
        patch.setattr(_modules["test_shutdown"], "assert_python_ok", _ours)
        yield


def _with_ours(module: str, name: str) -> type:
    their = getattr(_modules[module], name)
    without = {test: None for test in EXCLUDED if hasattr(their, test)}
    return type(name, (their,), {"executor_type": ThreadPoolExecutor, "__module__": __name__, **without})


ThreadPoolExecutorTest = _with_ours("test_thread_pool", "ThreadPoolExecutorTest")
ThreadPoolShutdownTest = _with_ours("test_shutdown", "ThreadPoolShutdownTest")
ThreadPoolWaitTests = _with_ours("test_wait", "ThreadPoolWaitTests")
ThreadPoolAsCompletedTest = _with_ours("test_as_completed", "ThreadPoolAsCompletedTest")
ThreadPoolInitializerTest = _with_ours("test_init", "ThreadPoolInitializerTest")
ThreadPoolFailingInitializerTest = _with_ours("test_init", "ThreadPoolFailingInitializerTest")


@pytest.mark.parametrize("name", EXCLUDED)
def test_what_is_left_out_is_there(name: str):
    """The table of what is left out names tests that CPython has."""
    assert any(
        hasattr(found, name) for module in _modules.values() for found in vars(module).values() if type(found) is type
    )
