"""Libraries that spread a batch over threads or processes of one machine: joblib, mpire, Dask; see `benchmarks.pools`.

They are no dependencies of ours: `benchmarks.peerenv` installs them into an environment of their own.
"""

from argparse import Namespace
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from benchmarks.pools import Function, Opening, Pool, chunk
from benchmarks.work import warm


@contextmanager
def _joblib(asked: Namespace) -> Iterator[Pool]:
    import joblib

    with joblib.Parallel(asked.workers, backend=asked.pool.removeprefix("joblib-")) as parallel:
        parallel(joblib.delayed(warm)(item) for item in range(asked.workers * 8))

        def run(function: Function, items: range) -> Iterable[int]:
            # Parallel has one batch size for its whole life; a batch's results come in a list.
            parallel.batch_size = chunk(asked, items, "size").get("size", "auto")
            return parallel(joblib.delayed(function)(item) for item in items)

        yield run


@contextmanager
def _mpire(asked: Namespace) -> Iterator[Pool]:
    import mpire

    with mpire.WorkerPool(asked.workers, start_method="fork", keep_alive=True) as pool:
        pool.map(warm, range(asked.workers * 8))
        yield lambda function, items: pool.map(function, items, **chunk(asked, items, "chunk_size"))


@contextmanager
def _dask_threads(asked: Namespace) -> Iterator[Pool]:
    import dask.bag

    def run(function: Function, items: range) -> Iterable[int]:
        bag = dask.bag.from_sequence(items, **chunk(asked, items, "partition_size"))
        return bag.map(function).compute(scheduler="threads", num_workers=asked.workers)

    run(warm, range(asked.workers * 8))
    yield run


@contextmanager
def _distributed(asked: Namespace) -> Iterator[Pool]:
    """Its own `map`, a future an item; in chunks, a bag of that many items a partition."""
    import dask
    import dask.bag
    import distributed

    dask.config.set({"distributed.admin.log-format": "%(message)s"})
    with (
        distributed.LocalCluster(
            n_workers=asked.workers,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address=None,
            silence_logs=50,
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        client.gather(client.map(warm, range(asked.workers * 8)))

        def run(function: Function, items: range) -> Iterable[int]:
            size = chunk(asked, items, "partition_size")
            if size:
                return dask.bag.from_sequence(items, **size).map(function).compute(scheduler=client)
            # Not pure: or items that were measured before would be taken from memory.
            return client.gather(client.map(function, items, pure=False))

        yield run


LIBRARIES: dict[str, Opening] = {
    "joblib-loky": _joblib,
    "joblib-threading": _joblib,
    "mpire": _mpire,
    "dask-threads": _dask_threads,
    "dask-distributed": _distributed,
}
