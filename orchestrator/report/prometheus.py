"""A run's figures as Prometheus reads them (text format 0.0.4), from pictures of the status board; pure."""

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class ShardFigures(Struct, frozen=True):
    """What is told of a shard that is worked on here.

    Attributes:
        run, shard: which.
        items, nbytes: settled so far, in this sitting and earlier ones; they never fall.
        failed: items that failed in this sitting.
        total_items, total_bytes: planned; None where only reading the input can tell.
        threads, busy: that may work, and that do.
        workers: that were started in this sitting.
        started: when the first of them was, in seconds since 1970.
    """

    run: str
    shard: str
    items: int
    nbytes: int
    failed: int
    total_items: int | None
    total_bytes: int | None
    threads: int
    busy: int
    workers: int
    started: float


METRICS: tuple[tuple[str, str, str, str], ...] = (
    ("ftorch_items_done_total", "counter", "items", "Items that are settled, those that failed among them."),
    ("ftorch_bytes_done_total", "counter", "nbytes", "Bytes of input in finished chunks."),
    ("ftorch_items_failed_total", "counter", "failed", "Items that failed for good since this process started."),
    ("ftorch_items_planned", "gauge", "total_items", "Items of the shard, where the plan knows them."),
    ("ftorch_bytes_planned", "gauge", "total_bytes", "Bytes of input of the shard, where the plan knows them."),
    ("ftorch_threads", "gauge", "threads", "Threads that may work now."),
    ("ftorch_threads_busy", "gauge", "busy", "Threads that work on a chunk now."),
    ("ftorch_workers_started_total", "counter", "workers", "Worker processes started: more than one after a crash."),
    ("ftorch_start_time_seconds", "gauge", "started", "When the first worker started, in seconds since 1970."),
)
"""Name, type, attribute of ShardFigures, and help of each metric; all have the labels `run` and `shard`."""


def exposition(shards: Sequence[ShardFigures], version: str) -> str:
    """All metrics, each family with its help and type; what is not known is left out."""
    build = f'ftorch_build_info{{version="{_escaped(version)}"}} 1'
    lines = [*_head("ftorch_build_info", "gauge", "The version of ftorch."), build]
    for name, kind, attribute, about in METRICS:
        samples = list(_samples(name, attribute, shards))
        lines += [*_head(name, kind, about), *samples] if samples else []
    return "\n".join(lines) + "\n"


def _head(name: str, kind: str, about: str) -> Iterator[str]:
    yield f"# HELP {name} {about}"
    yield f"# TYPE {name} {kind}"


def _samples(name: str, attribute: str, shards: Iterable[ShardFigures]) -> Iterator[str]:
    for shard in shards:
        value = getattr(shard, attribute)
        if value is not None:
            yield f'{name}{{run="{_escaped(shard.run)}",shard="{_escaped(shard.shard)}"}} {value}'


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
