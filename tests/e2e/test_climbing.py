"""Profile mixed in a run: a job that waits gets more threads, one that computes does not."""

import heapq
import os
import selectors
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.command import Place

CPUS = len(os.sched_getaffinity(0))
ASK = """
import socket
from orchestrator import task

def connection(process, port):
    with socket.create_connection(("127.0.0.1", port)) as connected:
        yield connected

@task(thread=connection)
def f(n, ctx, port):
    ctx.thread.sendall(b"?")
    assert ctx.thread.recv(1) == b"!"
    return n
"""
COMPUTE = "def f(n):\n    return sum(range(20_000)) * 0 + n\n"
MIXED = {"resources": {"profile": "mixed"}, "measure": {"scaling": "off"}}
LATENCY = 0.02


@contextmanager
def service() -> Iterator[int]:
    """A server that takes its time for each answer, for any number of clients at once; gives its port."""
    stop, wake = socket.socketpair()
    with socket.create_server(("127.0.0.1", 0)) as listening, stop, wake:
        thread = threading.Thread(target=_serve, args=(listening, stop))
        thread.start()
        yield listening.getsockname()[1]
        wake.send(b"x")
        thread.join()


def _serve(listening: socket.socket, stop: socket.socket) -> None:
    due: list[tuple[float, int, socket.socket]] = []
    clients: list[socket.socket] = []
    with selectors.DefaultSelector() as selector:
        selector.register(listening, selectors.EVENT_READ)
        selector.register(stop, selectors.EVENT_READ)
        while True:
            pause = max(0.0, due[0][0] - time.monotonic()) if due else None
            for key, _ in selector.select(pause):
                found: Any = key.fileobj
                if found is stop:
                    for client in clients:
                        client.close()
                    return
                if found is listening:
                    clients.append(listening.accept()[0])
                    selector.register(clients[-1], selectors.EVENT_READ)
                elif found.recv(1):
                    heapq.heappush(due, (time.monotonic() + LATENCY, found.fileno(), found))
                else:
                    selector.unregister(found)
            while due and due[0][0] <= time.monotonic():
                heapq.heappop(due)[2].sendall(b"!")


def test_a_job_that_waits_climbs(place: Place):
    """Threads that wait for a server are joined by others while that pays; the report says how many and why."""
    output = {"path": "out.jsonl", "overwrite": True}
    with service() as port:
        place.job(ASK, **MIXED, **{"with": {"port": port}}, input={"range": {"stop": 450 * CPUS}}, output=output)
        for _ in range(3):
            [node] = place.submit()["nodes"]
            threads, reason = node["threads"]["threads"], node["threads"]["reason"]
            if "climbed" in reason:
                break
            # Others had the CPUs in these seconds. That more were tried is told all the same; else it never began.
            assert f"; {CPUS + 1} gave " in reason or "in time" in reason, reason
    assert CPUS < threads <= 4 * CPUS, reason
    assert f"; climbed {CPUS}→" in reason
    assert len(node["lanes"]) >= threads
    assert place.results() == list(range(450 * CPUS))


def test_a_job_that_computes_stays(place: Place):
    """Threads that compute all the time are left alone, however busy the machine is with others."""
    place.job(COMPUTE, **MIXED, input={"range": {"stop": 4000}})
    [node] = place.submit()["nodes"]
    assert node["threads"]["threads"] == CPUS == len(node["lanes"])
    assert "climbed" not in node["threads"]["reason"]
