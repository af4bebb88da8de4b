"""The pods' own output, line by line, each with its shard before it.

Guarantees: a line is written whole, and once: where a connection that follows a pod is cut, it is taken up after the
last line. At most 32 pods are followed at a time; more wait for their turn. Threads only read from the API server and
write lines; they end with their pod, or with the process.
"""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

from orchestrator.cluster.client.api import Api, Query, Unreachable
from orchestrator.cluster.client.places import path_of
from orchestrator.cluster.pods import CONTAINER
from orchestrator.errors import FtorchError

_AT_ONCE = 32
_CUTS = 5
_PAUSE = 0.2

type Write = Callable[[str], None]


def read_log(api: Api, pod: str, index: int, write: Write, query: Query) -> None:
    """Write a pod's output.

    Raises:
        FtorchError: it cannot be read.
    """
    lines = _followed(api, pod, query) if query.get("follow") == "true" else _lines(api, pod, query)
    for line in lines:
        write(f"[{index}] {line.decode(errors='replace')}")


def _lines(api: Api, pod: str, query: Query) -> Iterator[bytes]:
    with api.stream(path_of("Pod", api.namespace, pod) + "/log", {"container": CONTAINER, **query}, None) as lines:
        yield from lines


def _followed(api: Api, pod: str, query: Query) -> Iterator[bytes]:
    """The lines to the pod's end; after a cut, from the last one on, by their times (RFC 3339, of one width)."""
    last, cuts = b"", 0
    while True:
        told, since = last, {"sinceTime": last.decode()} if last else {}
        try:
            for stamped in _lines(api, pod, {**query, "timestamps": "true", **since}):
                stamp, _, line = stamped.partition(b" ")
                # Whole seconds are all that a server may know of `sinceTime`.
                if stamp > told:
                    last, cuts = stamp, 0
                    yield line
        except Unreachable:
            cuts += 1
            if cuts >= _CUTS:
                raise
            query = {key: value for key, value in query.items() if key != "tailLines" or not last}
            time.sleep(_PAUSE * cuts)
        else:
            return


class LogFollower:
    """Follows the output of each pod that it is told of, once."""

    def __init__(self, api: Api, write: Write) -> None:
        self._api = api
        self._write = write
        self._threads: dict[str, threading.Thread] = {}
        self._turns = threading.Semaphore(_AT_ONCE)

    def begin(self, pod: str, index: int) -> None:
        """Follow a pod's output, unless that was begun."""
        if pod not in self._threads:
            self._threads[pod] = threading.Thread(
                target=self._follow, args=(pod, index), name=f"log-{pod}", daemon=True
            )
            self._threads[pod].start()

    def finish(self, seconds: float) -> None:
        """Wait for the last lines of pods that have ended, at most so long."""
        until = time.monotonic() + seconds
        for thread in self._threads.values():
            thread.join(max(0.0, until - time.monotonic()))

    def _follow(self, pod: str, index: int) -> None:
        with self._turns:
            try:
                read_log(self._api, pod, index, self._write, {"follow": "true"})
            except FtorchError as error:
                self._write(f"[{index}] the log of {pod} ends here: {error.message}")


def read_logs(api: Api, pods: list[tuple[str, int]], write: Write, query: Query) -> None:
    """Write the output of several pods, one after the other, or side by side where the query follows them."""
    if query.get("follow") != "true":
        for pod, index in pods:
            read_log(api, pod, index, write, query)
        return
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        for done in [threads.submit(read_log, api, pod, index, write, query) for pod, index in pods]:
            done.result()
