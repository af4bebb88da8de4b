"""A `concurrent.futures.Executor` on the engine's threads.

Guarantees: what the `Executor` interface promises (CPython's own tests of it pass, see tests/executor): a call that was
submitted runs once or its future is cancelled; `map` gives results in the order of its inputs; after
`shutdown(wait=True)`, or at the end of a `with` block, no thread of it is left. As many threads as the affinity mask
and the CPU quota allow, unless told; they start when they are needed, each with an empty `contextvars.Context`.

Assumes: calls that wait for other calls of the same executor have threads enough, as with any executor. With the GIL
on everything works, one thread at a time. It is a `ThreadPoolExecutor` by name alone, because asyncio takes no other as
its default executor.
"""

import itertools
import os
import weakref
from array import array
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

from orchestrator.api.calls import Call
from orchestrator.api.crew import Crew
from orchestrator.engine.board import LINE
from orchestrator.engine.items import Errors, run_each
from orchestrator.host.cpus import cpu_facts, decide_threads

_number = itertools.count()


class Executor(ThreadPoolExecutor):
    """Runs calls in threads: `concurrent.futures.Executor` with the engine's threads and loops.

    Args:
        max_workers: how many threads at most; None takes what affinity mask and CPU quota allow, or FTORCH_THREADS.
        thread_name_prefix: what the threads' names begin with.
        initializer: what each thread calls first; if it raises, the executor is broken (`BrokenThreadPool`).
        initargs: its arguments.

    Raises:
        ValueError: `max_workers` is less than 1.
        TypeError: `initializer` cannot be called.
        JobError: FTORCH_THREADS is no number of threads.
    """

    def __init__(
        self,
        max_workers: int | None = None,
        thread_name_prefix: str = "",
        initializer: Callable[..., object] | None = None,
        initargs: tuple[Any, ...] = (),
    ) -> None:
        if max_workers is None:
            max_workers = decide_threads("auto", "cpu", "floor", os.environ, cpu_facts()).threads
        if max_workers <= 0:
            raise ValueError("max_workers must be greater than 0")
        if initializer is not None and not callable(initializer):
            raise TypeError("initializer must be a callable")
        start = None if initializer is None else partial(initializer, *initargs)
        self._crew = Crew(max_workers, thread_name_prefix or f"ftorch-executor-{next(_number)}", start)
        # The threads of an executor that is gone end when nothing waits; those that are left at exit the crew closes.
        weakref.finalize(self, self._crew.abandon).atexit = False

    def submit[**P, T](self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Have `fn(*args, **kwargs)` called in a thread; the future that will have its result.

        Raises:
            BrokenThreadPool: an initializer raised.
            RuntimeError: after `shutdown`, at the interpreter's end, or in a fork of the process that made it.
        """
        future: Future[T] = Future()
        self._crew.submit(Call(future, fn, args, kwargs))
        return future

    def map[T](
        self,
        fn: Callable[..., T],
        *iterables: Iterable[Any],
        timeout: float | None = None,
        chunksize: int = 1,
        buffersize: int | None = None,
    ) -> Iterator[T]:
        """The results of `fn` for each item (or one item of each iterable), in order, as they are asked for.

        All items are submitted at once, or only so many ahead of what was asked for as `buffersize` says. What an item
        raises is raised in its place, and cancels what has not begun.

        Args:
            fn: what is called.
            iterables: its arguments; the shortest ends them all.
            timeout: seconds from now that all results may take.
            chunksize: how many items a thread takes at a time. More than 1 costs far less an item; the results of a
                chunk come together, so items must not wait for each other.
            buffersize: how many chunks may be submitted whose results were not asked for; None for no limit.

        Raises:
            TimeoutError: (when asked for a result) it did not come in time.
            ValueError: `chunksize` or `buffersize` is less than 1.
            TypeError: `buffersize` is no whole number.
        """
        if chunksize < 1:
            raise ValueError("chunksize must be >= 1.")
        if chunksize == 1 or not iterables:
            return super().map(fn, *iterables, timeout=timeout, buffersize=buffersize)
        call = fn if len(iterables) == 1 else partial(_spread, fn)
        items = iterables[0] if len(iterables) == 1 else zip(*iterables, strict=False)
        groups = itertools.batched(items, chunksize, strict=False)
        return _one_by_one(super().map(partial(_each, call), groups, timeout=timeout, buffersize=buffersize))

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more calls; the threads end when what was submitted is done.

        Args:
            wait: return when they have ended.
            cancel_futures: cancel what has not begun.
        """
        self._crew.close(cancel=cancel_futures)
        if wait:
            self._crew.join()


def _spread[T](fn: Callable[..., T], arguments: tuple[Any, ...]) -> T:
    return fn(*arguments)


def _each(call: Callable[[Any], Any], group: Sequence[Any]) -> tuple[list[Any], Errors]:
    """A chunk's results, and what was raised by position."""
    return run_each(call, group, 0, memoryview(array("q", bytes(8 * LINE))))


def _one_by_one(chunks: Iterator[tuple[list[Any], Errors]]) -> Generator[Any]:
    """The results of chunks; no reference to one that was given is kept."""
    try:
        for results, errors in chunks:
            first = min(errors, default=len(results))
            del results[first:]
            results.reverse()
            while results:
                yield results.pop()
            if errors:
                raise errors[first]
    finally:
        # What has not begun is cancelled.
        chunks.close()  # type: ignore[attr-defined]
