"""The pods' own output, line by line, each with its shard before it.

Guarantees: a line is written whole. At most 32 pods are followed at a time; more wait for their turn. Threads only
read from the API server and write lines; they end with their pod, or with the process.
"""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from orchestrator.cluster.client.api import Api, Query
from orchestrator.cluster.client.places import path_of
from orchestrator.cluster.pods import CONTAINER
from orchestrator.errors import FtorchError

_AT_ONCE = 32

type Write = Callable[[str], None]


def read_log(api: Api, pod: str, index: int, write: Write, query: Query) -> None:
    """Write a pod's output.

    Raises:
        FtorchError: it cannot be read.
    """
    path = path_of("Pod", api.namespace, pod) + "/log"
    with api.stream(path, {"container": CONTAINER, **query}, None) as lines:
        for line in lines:
            write(f"[{index}] {line.decode(errors='replace')}")


class LogFollower:
    """Follows the output of each pod that it is told of, once."""

    def __init__(self, api: Api, write: Write) -> None:
        self._api = api
        self._write = write
        self._seen: set[str] = set()
        self._turns = threading.Semaphore(_AT_ONCE)

    def begin(self, pod: str, index: int) -> None:
        """Follow a pod's output, unless that was begun."""
        if pod in self._seen:
            return
        self._seen.add(pod)
        threading.Thread(target=self._follow, args=(pod, index), name=f"log-{pod}", daemon=True).start()

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
