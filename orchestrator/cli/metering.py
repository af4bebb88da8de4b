"""Whether a run's figures are served while it runs; the server is imported where that is asked for."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from orchestrator.engine.watcher import Watcher

_LOOKS_FOR_THE_END = 0.1
"""Seconds: so often the server looks whether the run is over."""


@contextmanager
def metered(watcher: Watcher, address: str | None) -> Iterator[Watcher]:
    """The watcher, with its run's figures served at `address` meanwhile ([HOST:]PORT; ``:PORT`` is all interfaces).

    Raises:
        JobError: the address is none.
    """
    if address is None:
        yield watcher
        return
    from orchestrator.cli.metrics import Odometers, listening, parse_address

    host, port = parse_address(address)
    odometers = Odometers(watcher)
    server = listening(host, port, odometers)
    if server is None:
        yield watcher
        return
    threading.Thread(target=server.serve_forever, args=(_LOOKS_FOR_THE_END,), name="metrics", daemon=True).start()
    try:
        yield odometers
    finally:
        server.shutdown()
        server.server_close()
