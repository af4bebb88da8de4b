"""A task bound to one thread: its states made, its arguments its own.

Guarantees: every thread gets its own copy of the `with:` arguments and its own Context, so no call touches a
reference count that another thread touches. Assumes: process state is read-only once made.
"""

import inspect
import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

from orchestrator.errors import FtorchError, TaskError
from orchestrator.tasks.api import Context
from orchestrator.tasks.fit import CONTEXT_PARAMETER, factory_parameters
from orchestrator.tasks.load import Task


class State:
    """A state that a factory made, and what cleans it up."""

    __slots__ = ("_generator", "value")

    def __init__(self, value: Any, generator: Generator[Any] | None = None) -> None:
        self.value = value
        self._generator = generator

    def close(self) -> None:
        """Run the rest of a generator factory; nothing for a plain one.

        Raises:
            TaskError: it raised.
        """
        generator, self._generator = self._generator, None
        if generator is None:
            return
        try:
            next(generator, None)
            generator.close()
        except FtorchError:
            raise
        except Exception as error:
            name = getattr(generator, "__name__", "")
            raise TaskError(
                f"the state function {name!r} raised after its yield: {type(error).__name__}: {error}"
            ) from error


def make_process_state(task: Task, arguments: Mapping[str, Any]) -> State:
    """Make the state that all threads of this process share.

    Raises:
        TaskError: the factory raised.
    """
    return _make(task, task.options.process, dict(arguments))


def make_thread_state(task: Task, arguments: Mapping[str, Any], process: Any) -> State:
    """Make one thread's own state; call it in that thread.

    Raises:
        TaskError: the factory raised.
    """
    return _make(task, task.options.thread, {**arguments, "process": process})


def _make(task: Task, factory: Callable[..., Any] | None, offered: dict[str, Any]) -> State:
    if factory is None:
        return State(None)
    parameters = factory_parameters(factory)
    wanted = {name: value for name, value in offered.items() if name in parameters}
    name = getattr(factory, "__name__", repr(factory))
    try:
        generator_function = _generator_function(factory)
        if generator_function is None:
            return State(factory(**wanted))
        generator = generator_function(**wanted)
        return State(next(generator), generator)
    except StopIteration:
        raise TaskError(f"the state function {name!r} yielded nothing", where=f"task: {task.reference}") from None
    except FtorchError:
        raise
    except Exception as error:
        raise TaskError(
            f"the state function {name!r} raised {type(error).__name__}: {error}",
            where=f"task: {task.reference}",
        ) from error


def _generator_function(factory: Callable[..., Any]) -> Callable[..., Generator[Any]] | None:
    """The generator function that makes and cleans up: itself, or what `contextlib.contextmanager` was put on."""
    if inspect.isgeneratorfunction(factory):
        return factory
    inner = getattr(factory, "__wrapped__", None)
    managed = getattr(factory, "__code__", None) is _MANAGED and inspect.isgeneratorfunction(inner)
    return inner if managed else None


@contextmanager
def _managed() -> Generator[None]:
    yield


_MANAGED = _managed.__code__


def own_arguments(encoded: bytes) -> dict[str, Any]:
    """A fresh copy of the `with:` arguments, whose objects no other thread holds."""
    # Here, so that an interpreter of its own, which msgspec refuses to be loaded in, can bind a task too.
    import msgspec

    arguments: dict[str, Any] = msgspec.json.decode(encoded)
    return {sys.intern(name): value for name, value in arguments.items()}


def bind(task: Task, arguments: Mapping[str, Any], context: Context) -> Callable[[Any], Any]:
    """The task as a function of one item (or of a list of items, for a batch form)."""
    keywords = {name: value for name, value in arguments.items() if task.takes is None or name in task.takes}
    if task.takes_context:
        keywords[CONTEXT_PARAMETER] = context
    return partial(task.function, **keywords) if keywords else task.function
