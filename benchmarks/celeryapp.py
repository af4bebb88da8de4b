"""The tasks of Celery's worker; BENCHMARK_REDIS names the Redis that is its broker and keeps its results."""

import os

from celery import Celery

from benchmarks.jobs import tasks

URL = os.environ["BENCHMARK_REDIS"]
app = Celery("benchmarks", broker=URL, backend=URL)


@app.task
def same(item: int) -> int:
    """The item itself."""
    return tasks.same(item)


@app.task
def alike(item: int, work: int) -> int:
    """A loop over integers."""
    return tasks.alike(item, work)
