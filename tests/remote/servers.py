"""Servers that the tests start: moto's S3, and a proxy in front of it that does what networks do."""

import hmac
import importlib.util
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from email.utils import formatdate
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

type Fault = str
"""What the proxy does to a request: "" nothing, "500", "503", "429" answers so without asking the server, "before" cuts
the connection without asking it, "after" cuts it once the server has answered, "error after" answers 500 then,
"half" sends half of the answer, "silence" asks the server and never answers, "gone" asks it and answers that there is
no such upload, as Amazon does to who completes one twice."""


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


AZURITE_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""What Azurite's one account, devstoreaccount1, has for a key: a public one, in its documentation."""
AZURITE = shutil.which("azurite-blob")


@contextmanager
def azurite_server() -> Iterator[str]:
    """Azurite's blob service in a process of its own; its account's URL."""
    if AZURITE is None:
        pytest.skip("there is no azurite-blob here (npm install -g azurite)")
    port = free_port()
    command = [AZURITE, "--inMemoryPersistence", "--silent", "--skipApiVersionCheck", "--blobHost", "127.0.0.1"]
    with subprocess.Popen([*command, "--blobPort", str(port)], stdout=subprocess.DEVNULL) as server:
        url = f"http://127.0.0.1:{port}"
        try:
            until = time.monotonic() + 60
            while not _answers(url):
                assert server.poll() is None, "Azurite has ended"
                assert time.monotonic() < until, "Azurite does not answer"
            yield f"{url}/devstoreaccount1"
        finally:
            server.kill()


def make_container(url: str, name: str) -> None:
    """Make a container in Azurite, by a request that its account's key signs."""
    date = formatdate(usegmt=True)
    sent = {"x-ms-date": date, "x-ms-version": "2021-08-06"}
    account = url.rpartition("/")[2]
    empty = "\n" * 12
    signed = f"PUT{empty}" + "".join(f"{key}:{value}\n" for key, value in sent.items())
    signed += f"/{account}/{account}/{name}\nrestype:container"
    digest = hmac.digest(b64decode(AZURITE_KEY), signed.encode(), "sha256")
    sent["Authorization"] = f"SharedKey {account}:{b64encode(digest).decode()}"
    asked = urllib.request.Request(f"{url}/{name}?restype=container", method="PUT", headers=sent)
    urllib.request.urlopen(asked, timeout=30).close()


def _answers(url: str) -> bool:
    try:
        urllib.request.urlopen(url, timeout=5).close()
    except urllib.error.HTTPError as error:
        error.close()
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
            code = {"503": "SlowDown", "500": "InternalError", "404": "NoSuchUpload"}.get(fault, "")
            self._answer(int(fault), {}, f"<Error><Code>{code}</Code></Error>".encode())
            return
        if fault == "before":
            self._cut()
            return
        status, headers, answer = self._ask(body)
        if fault == "gone":
            self._answer(404, {}, b"<Error><Code>NoSuchUpload</Code></Error>")
        elif fault == "error after":
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
