"""Task queues on a Redis of their own: RQ and Celery; see `benchmarks.pools`.

They are fed and read as their manuals have it for many tasks: in pipelines, and with their other settings untouched.
"""

import os
import tempfile
from argparse import Namespace
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import batched, chain
from pathlib import Path
from typing import Any

from benchmarks.pools import Function, Opening, Pool, chunk
from benchmarks.servers import python, redis, serving, until
from benchmarks.work import warm

ROOT = Path(__file__).parents[1]
QUEUE = "items"
PIPELINE = 5_000


def plain(function: Function) -> tuple[Any, dict[str, Any]]:
    """A function that has a name, and the arguments bound to it: a message names what is to be called."""
    return (function.func, function.keywords) if isinstance(function, partial) else (function, {})


def _redis(stack: ExitStack) -> str:
    return stack.enter_context(redis(Path(stack.enter_context(tempfile.TemporaryDirectory()))))


@contextmanager
def _rq(asked: Namespace) -> Iterator[Pool]:
    """Workers that fork for each job, as is RQ's way, or its SimpleWorkers, which do not."""
    import rq
    from redis import Redis

    kind = "rq.SimpleWorker" if asked.pool == "rq-simple" else "rq.Worker"
    with ExitStack() as stack:
        url = _redis(stack)
        connection = stack.enter_context(Redis.from_url(url))
        queue = rq.Queue(QUEUE, connection=connection)
        words = (QUEUE, "--url", url, "--worker-class", kind, "--quiet", "--disable-job-desc-logging")
        for _ in range(asked.workers):
            stack.enter_context(serving(python("rq.cli", "worker", *words), ROOT))
        until(lambda: rq.Worker.count(connection) == asked.workers, "RQ's workers")

        def run(function: Function, items: range) -> Iterable[int]:
            called, bound = plain(function)
            wanted = (rq.Queue.prepare_data(called, args=(item,), kwargs=bound) for item in items)
            sent = [[job.id for job in queue.enqueue_many(some)] for some in batched(wanted, PIPELINE, strict=False)]
            done = queue.finished_job_registry
            until(lambda: done.get_job_count(cleanup=False) >= len(items), "the last job of RQ")
            found = (rq.job.Job.fetch_many(some, connection=connection) for some in sent)
            results = [job.return_value() for job in chain.from_iterable(found)]
            # A result is kept for minutes: the next batch is to find Redis as this one did.
            for some in sent:
                connection.delete(*(f"rq:job:{job}" for job in some), *(f"rq:results:{job}" for job in some))
            connection.delete(done.key)
            return results

        run(warm, range(asked.workers * 4))
        yield run


@contextmanager
def _celery(asked: Namespace) -> Iterator[Pool]:
    """A worker with its pool of processes; a group of one task an item, or in chunks its `Task.chunks`."""
    with ExitStack() as stack:
        os.environ["BENCHMARK_REDIS"] = _redis(stack)
        from celery import group

        from benchmarks.celeryapp import alike, app, same

        words = ("-A", "benchmarks.celeryapp", "worker", "--concurrency", asked.workers, "--loglevel", "ERROR")
        stack.enter_context(serving(python("celery", *words), ROOT))
        until(lambda: bool(app.control.ping(timeout=0.2)), "Celery's worker")

        def run(function: Function, items: range) -> Iterable[int]:
            _, bound = plain(function)
            task, rest = (alike, (bound["work"],)) if bound else (same, ())
            size = chunk(asked, items, "n")
            # `join`, since a group's `get` takes half a second at least (Celery's issue 5930).
            if not size:
                return group(task.s(item, *rest) for item in items).apply_async().join()
            return chain.from_iterable(task.chunks(((item, *rest) for item in items), **size).apply_async().join())

        run(warm, range(asked.workers * 4))
        yield run


BROKERS: dict[str, Opening] = {"rq": _rq, "rq-simple": _rq, "celery": _celery}
