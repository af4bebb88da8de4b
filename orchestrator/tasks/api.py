"""What a task may say about itself: process state, thread state, a batch form, a fold.

A task is a plain function of one item; it needs none of this. With :func:`task` it can ask for more::

    @task(process=load_model, thread=make_buffer)
    def embed(item, ctx, size=256):
        return ctx.process.encode(item, ctx.thread)
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, overload

from orchestrator.errors import TaskError

ATTRIBUTE = "__ftorch__"


class Fold(NamedTuple):
    """How results become one value: each chunk folds on its own, merges follow, in input order.

    An accumulator is stored as JSON between chunks, so it must be plain data (dict, list, str, int, float), and
    `merge` is given decoded plain data. `merge` must be associative.

    Attributes:
        zero: makes an empty accumulator.
        add: takes an accumulator and one result, and gives the new accumulator (it may be the same object).
        merge: takes two accumulators, the earlier one first, and gives their union.
        finish: turns the last accumulator into the job's result; without it, the accumulator is the result.
    """

    zero: Callable[[], Any]
    add: Callable[[Any, Any], Any]
    merge: Callable[[Any, Any], Any]
    finish: Callable[[Any], Any] | None = None


class Context:
    """What a thread of a job holds: a task that has a parameter named `ctx` is given its thread's own.

    Attributes:
        process: the state made once per process, shared by all threads; read it, do not write it.
        thread: the state made once per thread; nobody else touches it.
        index: the thread's number, from 0.
    """

    __slots__ = ("index", "process", "thread")

    def __init__(self, process: Any, thread: Any, index: int) -> None:
        self.process = process
        self.thread = thread
        self.index = index


class Options(NamedTuple):
    """What the decorator was given."""

    process: Callable[..., Any] | None = None
    thread: Callable[..., Any] | None = None
    batch: int | None = None
    fold: Fold | None = None


@overload
def task[F: Callable[..., Any]](fn: F) -> F: ...


@overload
def task[F: Callable[..., Any]](
    *,
    process: Callable[..., Any] | None = None,
    thread: Callable[..., Any] | None = None,
    batch: int | None = None,
    fold: Fold | None = None,
) -> Callable[[F], F]: ...


def task(
    fn: Callable[..., Any] | None = None,
    *,
    process: Callable[..., Any] | None = None,
    thread: Callable[..., Any] | None = None,
    batch: int | None = None,
    fold: Fold | None = None,
) -> Any:
    """Say what a task function needs; gives the function back unchanged, so it can be called and tested as it is.

    Args:
        fn: the function, when the decorator is used without arguments.
        process: makes the state that all threads share, once per process. It takes any of the job's `with:`
            arguments by name. A generator function (or `contextlib.contextmanager`) yields the state once and cleans up
            after.
        thread: the same for the state of one thread; it may also take `process`, the shared state.
        batch: the function takes a list of up to this many items and returns a list of as many results.
        fold: how the results become one value.

    Raises:
        TaskError: `batch` is not a positive whole number, or another argument is not what it must be.
    """
    _check(batch, {"process": process, "thread": thread}, fold)
    options = Options(process, thread, batch, fold)

    def mark[F: Callable[..., Any]](function: F) -> F:
        setattr(function, ATTRIBUTE, options)
        return function

    return mark if fn is None else mark(fn)


def _check(batch: object, factories: Mapping[str, object], fold: object) -> None:
    if batch is not None and (type(batch) is not int or batch < 1):
        raise TaskError(f"batch={batch!r} is not a positive whole number", hint="Write for example @task(batch=256).")
    for name, factory in factories.items():
        if factory is not None and not callable(factory):
            raise TaskError(
                f"{name}= is a {type(factory).__name__}, not a function that makes the state",
                hint=f"Give the function itself, without calling it: @task({name}=make).",
            )
    if fold is not None and not isinstance(fold, Fold):
        raise TaskError(f"fold= is a {type(fold).__name__}, not a Fold", hint="Write fold=Fold(zero, add, merge).")
