"""`--metrics`: a run's figures for Prometheus, served by the supervisor while it runs.

Guarantees: the worker pays nothing; the board is read when somebody asks. A counter never falls within a sitting, also
where a worker died and what it had not committed is done again. Whatever goes wrong here disturbs no run. Assumes:
`started` and `ended` are called by one thread; any number may ask meanwhile.
"""

import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from msgspec import structs

from orchestrator.cli.streams import complain
from orchestrator.engine.board import UNKNOWN, Board, Picture
from orchestrator.engine.watcher import Watcher
from orchestrator.errors import JobError
from orchestrator.report.prometheus import CONTENT_TYPE, ShardFigures, exposition
from orchestrator.run.folder import Manifest
from orchestrator.version import __version__

_PATH = "/metrics"
_PATIENCE = 10.0
_HERE = "127.0.0.1"


class Odometers:
    """What was read of each shard so far; a watcher beside another one."""

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher
        self._lock = threading.Lock()
        self._shards: dict[str, _Shard] = {}

    def planning(self, entries: int) -> None:
        """As the other."""
        self._watcher.planning(entries)

    def started(self, manifest: Manifest, board: Path) -> None:
        """A worker works on the shard whose board that is."""
        with self._lock:
            shard = board.parent.name.partition("-")[0]
            self._shards.setdefault(shard, _Shard(manifest.id, shard)).begin(board)
        self._watcher.started(manifest, board)

    def tick(self, stop: str | None = None) -> None:
        """As the other."""
        self._watcher.tick(stop)

    def ended(self) -> None:
        """As the other; the last figures stay."""
        with self._lock:
            for shard in self._shards.values():
                shard.look()
        self._watcher.ended()

    def figures(self) -> list[ShardFigures]:
        """What is to be told now."""
        with self._lock:
            return [shard.look() for shard in self._shards.values()]


class _Shard:
    """A shard's board, and the most that was read of it."""

    def __init__(self, run: str, shard: str) -> None:
        self._told = ShardFigures(run, shard, 0, 0, 0, None, None, 0, 0, 0, time.time())
        self._before = 0
        self._path: Path | None = None

    def begin(self, board: Path) -> None:
        """Another worker writes that board, and counts its failures from 0."""
        self._before = self.look().failed
        self._path = board
        self._told = structs.replace(self._told, workers=self._told.workers + 1)

    def look(self) -> ShardFigures:
        """The board as it is now; without one, as it was."""
        picture = _read(self._path)
        if picture is None:
            return self._told
        self._told = structs.replace(
            self._told,
            items=max(self._told.items, picture.items),
            nbytes=max(self._told.nbytes, picture.nbytes),
            failed=max(self._told.failed, self._before + picture.failed),
            total_items=None if picture.total_items == UNKNOWN else picture.total_items,
            total_bytes=None if picture.total_bytes == UNKNOWN else picture.total_bytes,
            threads=picture.target,
            busy=picture.busy,
        )
        return self._told


def _read(path: Path | None) -> Picture | None:
    if path is None:
        return None
    try:
        return Board.open(path).read()
    except OSError, ValueError:
        return None


def parse_address(address: str) -> tuple[str, int]:
    """Host and port of ``9095`` (this machine only), ``:9095`` (all interfaces), ``10.0.0.1:9095`` or ``[::1]:9095``.

    Raises:
        JobError: it is none of these.
    """
    host, colon, port = address.rpartition(":")
    if not port.isdecimal() or not port.isascii() or not 0 <= int(port) <= 65535:
        raise JobError(
            f"found {address!r}, expected a port such as 9095, or a host and a port",
            where="--metrics",
            hint="9095 serves this machine only, :9095 all its interfaces, 10.0.0.1:9095 one of them.",
        )
    return (host.strip("[]") if colon else _HERE), int(port)


def listening(host: str, port: int, odometers: Odometers) -> ThreadingHTTPServer | None:
    """A server at that place; where there can be none that is told, and the run goes on without."""
    is_six = ":" in host or (not host and socket.has_dualstack_ipv6())

    class Server(ThreadingHTTPServer):
        address_family = socket.AF_INET6 if is_six else socket.AF_INET
        daemon_threads = True

        def server_bind(self) -> None:
            if is_six and not host:
                self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            # HTTPServer's own would look the host's name up.
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.socket.bind(self.server_address)
            self.server_address = self.socket.getsockname()

        def handle_error(self, request: object, client_address: object) -> None:
            """Who asked is gone; that is no concern of the run's."""

    try:
        server = Server((host, port), _handler(odometers))
    except OSError as error:
        complain(f"ftorch: no metrics: {host or 'all interfaces'}, port {port}: {error.strerror or error}")
        return None
    if port == 0:
        complain(f"ftorch: metrics: http://{host or _HERE}:{server.server_address[1]}{_PATH}")
    return server


def _handler(odometers: Odometers) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = _PATIENCE
        server_version = f"ftorch/{__version__}"
        sys_version = ""

        def do_GET(self) -> None:
            if self.path.partition("?")[0] != _PATH:
                self.send_error(404, "metrics are at /metrics")
                return
            body = exposition(odometers.figures(), __version__).encode()
            self.send_response(200)
            self.send_header("Content-Type", CONTENT_TYPE)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing: standard error belongs to the run."""

    return Handler
