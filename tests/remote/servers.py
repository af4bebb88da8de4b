"""Servers that the tests start: moto's S3, and a proxy in front of it that does what networks do."""

import importlib.util
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

type Fault = str
"""What the proxy does to a request: "" nothing, "500", "503", "429" answers so without asking the server, "before" cuts
the connection without asking it, "after" cuts it once the server has answered, "error after" answers 500 then,
"half" sends half of the answer, "silence" asks the server and never answers."""


def free_port() -> int:
    """A port that nobody listens on now."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def moto_server() -> Iterator[str]:
    """Moto's S3 server in a process of its own; its URL."""
    if importlib.util.find_spec("moto") is None:
        pytest.skip("needs moto: make setup")
    port = free_port()
    command = [sys.executable, "-W", "ignore", str(Path(__file__).with_name("motoserver.py")), str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        until = time.monotonic() + 60
        while not _answers(url):
            assert server.poll() is None, "moto's server has ended"
            assert time.monotonic() < until, "moto's server does not answer"
        yield url
    finally:
        server.kill()
        server.wait()


def _answers(url: str) -> bool:
    try:
        urllib.request.urlopen(url, timeout=5).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        time.sleep(0.05)
        return False
    return True


def make_bucket(url: str, name: str) -> None:
    """Make a bucket in a server that checks no signatures."""
    urllib.request.urlopen(urllib.request.Request(f"{url}/{name}", method="PUT"), timeout=30).close()


class Proxy:
    """An HTTP proxy in front of a server.

    Attributes:
        url: where it listens.
        fault: asked for each request, by method and path, what to do to it.
        requests: what it was asked, in order.
    """

    def __init__(self, server: str) -> None:
        self.fault: Callable[[str, str], Fault] = lambda _method, _path: ""
        self.requests: list[tuple[str, str]] = []
        self.released = threading.Event()
        proxy = self

        class Handler(_Handler):
            behind = server.removeprefix("http://")

            def choose(self) -> Fault:
                proxy.requests.append((self.command, self.path))
                return proxy.fault(self.command, self.path)

            def keep_silent(self) -> None:
                proxy.released.wait(60)

        self._server = _Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    def close(self) -> None:
        """Stop."""
        self.released.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, *_: object) -> None:
        """A connection that was cut is what is tested."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    behind = ""

    def choose(self) -> Fault:
        raise NotImplementedError

    def keep_silent(self) -> None:
        raise NotImplementedError

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Nothing."""

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        fault = self.choose()
        if fault.isdecimal():
            code = {"503": "SlowDown", "500": "InternalError"}.get(fault, "")
            self._answer(int(fault), {}, f"<Error><Code>{code}</Code></Error>".encode())
            return
        if fault == "before":
            self._cut()
            return
        status, headers, answer = self._ask(body)
        if fault == "error after":
            self._answer(500, {}, b"")
        elif fault == "half":
            self._answer(status, headers, answer, len(answer) // 2)
            self._cut()
        elif fault in ("after", "silence"):
            if fault == "silence":
                self.keep_silent()
            self._cut()
        else:
            self._answer(status, headers, answer)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _serve  # noqa: N815

    def _ask(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        connection = HTTPConnection(self.behind, timeout=60)
        try:
            headers = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
            connection.request(self.command, self.path, body, headers)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        except HTTPException, OSError:
            return 502, {}, b""
        finally:
            connection.close()

    def _answer(self, status: int, headers: dict[str, str], body: bytes, sent: int | None = None) -> None:
        self.send_response(status)
        length = headers.get("Content-Length", headers.get("content-length", "0"))
        for name, value in headers.items():
            if name.lower() not in ("content-length", "connection", "transfer-encoding", "date", "server"):
                self.send_header(name, value)
        self.send_header("Content-Length", length if self.command == "HEAD" else str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[:sent])

    def _cut(self) -> None:
        self.close_connection = True
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)
