"""What the benchmark `objects` puts beside ftorch: only fetching, only hashing, both by hand, only planning; and what
fills the bucket before. Each in a process.
"""

import hashlib
import json
import resource
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

CONNECTIONS, THREADS = 16, 2


def fetch(count: int, size: int) -> dict[str, float]:
    """Fetch every object by obstore alone, as many at a time as ftorch does."""
    return _fetched(count, size, len)


def both(count: int, size: int) -> dict[str, float]:
    """Fetch every object, and hash it in the thread that fetched it: what one would write by hand."""
    return _fetched(count, size, _hashed)


def _hashed(data: bytes) -> int:
    return len(data) if hashlib.sha256(data).hexdigest() else 0


def _fetched(count: int, size: int, work: Callable[[bytes], int]) -> dict[str, float]:
    import obstore
    from obstore.store import S3Store

    store = S3Store("bucket", client_options={"allow_http": True})
    keys = [[f"in/{n:07d}" for n in range(start, count, CONNECTIONS)] for start in range(CONNECTIONS)]

    def get(mine: list[str]) -> int:
        return sum(work(bytes(obstore.get(store, key).bytes())) for key in mine)

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        pool.submit(get, ["in/0000000"]).result()
        started = time.perf_counter()
        total = sum(pool.map(get, keys))
        seconds = time.perf_counter() - started
    assert total == count * size
    return {"seconds": seconds, "items": count}


def hashes(count: int, size: int) -> dict[str, float]:
    """Hash as many bytes that are in memory, on as many threads as ftorch has."""
    data = bytes(range(256)) * (size // 256 + 1)
    data = data[:size]

    def digest(many: int) -> int:
        return sum(len(hashlib.sha256(data).hexdigest()) for _ in range(many))

    with ThreadPoolExecutor(THREADS) as pool:
        pool.submit(digest, 1).result()
        started = time.perf_counter()
        total = sum(pool.map(digest, [count // THREADS] * THREADS))
        seconds = time.perf_counter() - started
    assert total
    return {"seconds": seconds, "items": count}


def fill(count: int, size: int) -> dict[str, float]:
    """Make the bucket, and put every object into it."""
    import obstore
    from obstore.store import S3Store

    store = S3Store("bucket", client_options={"allow_http": True})
    asked = urllib.request.Request(obstore.sign(store, "PUT", "", timedelta(minutes=5)), method="PUT")
    urllib.request.urlopen(asked, timeout=60).close()
    data = bytes(range(256)) * (size // 256 + 1)

    def put(number: int) -> None:
        obstore.put(store, f"in/{number:07d}", b"%07d" % number + data[7:size])

    started = time.perf_counter()
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        for _ in pool.map(put, range(count)):
            pass
    return {"seconds": time.perf_counter() - started, "items": count}


def plan(count: int, size: int) -> dict[str, float]:  # noqa: ARG001
    """List and plan every object, as a run does before it begins."""
    from orchestrator.inputs.objects import ObjectsSource
    from orchestrator.run.plan import write_plan
    from orchestrator.spec.model import ObjectsInput, Remote
    from orchestrator.store.local import LocalStore

    source = ObjectsSource(ObjectsInput(url="s3://bucket/in"), Remote())
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        index = write_plan(LocalStore(Path(folder)), source, source.entries(), 1, lambda: None)
        seconds = time.perf_counter() - started
    assert index.entries == count
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    return {"seconds": seconds, "items": count, "peak": peak}


if __name__ == "__main__":
    what: Any = {"fetch": fetch, "hash": hashes, "both": both, "fill": fill, "plan": plan}[sys.argv[1]]
    print(json.dumps(what(int(sys.argv[2]), int(sys.argv[3]))))
