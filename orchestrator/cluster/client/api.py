"""Requests to the API server, and its answers as bytes; what it refuses is an error with one clear line.

Guarantees: a request that failed for a reason that passes (a broken connection, 429 with its Retry-After, 5xx) is sent
again a few times; credentials that have expired are fetched anew, once a request. Assumes that sending one of our
requests twice does no harm: applying, deleting and reading are such. Several threads may share one.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any
from urllib.parse import urlencode

import msgspec
from msgspec import Struct

from orchestrator.cluster.client.connect import Connection
from orchestrator.cluster.client.refusals import refusal
from orchestrator.cluster.objects import Page, Status, decode
from orchestrator.errors import ClusterError
from orchestrator.version import __version__

type Query = dict[str, str]

_SECONDS = (10.0, 60.0)
_PAGE = 500
_UNAUTHORIZED = 401

MERGE = "application/merge-patch+json"
APPLY = "application/apply-patch+yaml"


class Answer(Struct, frozen=True):
    """What the API server said.

    Attributes:
        status: of HTTP; 200 or 201.
        body: as it came.
        warnings: its `Warning` headers, their texts.
    """

    status: int
    body: bytes
    warnings: tuple[str, ...] = ()


class Unreachable(ClusterError):
    """No answer came."""


class Api:
    """The API server of one cluster."""

    def __init__(self, connect: Callable[[], Connection]) -> None:
        """Connect.

        Args:
            connect: a new connection with fresh credentials.

        Raises:
            ClusterError: there is no way to the cluster.
        """
        self._connect = connect
        self._lock = threading.Lock()
        self._connection = connect()

    @property
    def namespace(self) -> str:
        """Where runs are."""
        return self._connection.namespace

    @property
    def server(self) -> str:
        """Its address."""
        return str(self._connection.client.configuration.host)

    def get(self, path: str, query: Query | None = None) -> Answer:
        """Read an object."""
        return self._whole("GET", path, query or {})

    def patch(self, path: str, query: Query, body: Any, kind: str) -> Answer:
        """Change or, with kind `APPLY`, make an object."""
        return self._whole("PATCH", path, query, body, kind)

    def delete(self, path: str, query: Query | None = None) -> Answer:
        """Delete an object."""
        return self._whole("DELETE", path, query or {})

    def list(self, path: str, query: Query) -> tuple[list[msgspec.Raw], str]:
        """All objects that a query selects, page by page, and the resource version they are of."""
        found: list[msgspec.Raw] = []
        more: Query = {}
        while True:
            page = decode(self.get(path, {**query, "limit": str(_PAGE), **more}).body, Page)
            found += page.items
            if not page.metadata.get("continue"):
                return found, str(page.metadata.get("resourceVersion", ""))
            more = {"continue": page.metadata["continue"]}

    @contextmanager
    def stream(self, path: str, query: Query, seconds: float | None) -> Iterator[Iterator[bytes]]:
        """The lines of an answer as they come.

        Args:
            path: what to read.
            query: of it, which part.
            seconds: the longest silence; None for any.

        Raises:
            ClusterError: it was refused.
            Unreachable: the connection failed, now or while the lines are read.
        """
        response = self._send("GET", path, query, None, None, (10.0, seconds))
        with closing(response):
            yield self._lines(response)

    def _lines(self, response: Any) -> Iterator[bytes]:
        from urllib3.exceptions import HTTPError

        rest = b""
        try:
            for block in response.stream(65536, decode_content=True):
                *lines, rest = (rest + block).split(b"\n")
                yield from lines
        except (HTTPError, OSError, ValueError, AttributeError) as error:
            # The last two are what reading from a response that another thread closed comes to.
            raise Unreachable(f"the connection was cut: {error}", where=self.server) from error
        if rest:
            yield rest

    def _whole(self, method: str, path: str, query: Query, body: Any = None, kind: str | None = None) -> Answer:
        from urllib3.exceptions import HTTPError

        response = self._send(method, path, query, body, kind, _SECONDS)
        try:
            return Answer(response.status, response.read(), _warnings(response.headers))
        except HTTPError as error:
            raise Unreachable(f"the answer was cut: {error}", where=self.server) from error
        finally:
            response.release_conn()

    def _send(self, method: str, path: str, query: Query, body: Any, kind: str | None, seconds: Any) -> Any:  # noqa: PLR0913, PLR0917 - a request has six parts
        url = path + (f"?{urlencode(query)}" if query else "")
        connection = self._connection
        response = self._once(connection, method, url, body, kind, seconds)
        if response.status == _UNAUTHORIZED:
            response.release_conn()
            response = self._once(self._renewed(connection), method, url, body, kind, seconds)
        if response.status < 300:
            return response
        text = response.read()
        response.release_conn()
        raise refusal(response.status, _status(text), f"{method} {path}", self.server)

    def _once(self, connection: Connection, method: str, url: str, body: Any, kind: str | None, seconds: Any) -> Any:  # noqa: PLR0913, PLR0917
        from urllib3.exceptions import HTTPError

        client = connection.client
        headers = {"Accept": "application/json", "User-Agent": f"ftorch/{__version__}"}
        if kind is not None:
            headers["Content-Type"] = kind
        try:
            client.update_params_for_auth(headers, [], ["BearerToken"], url, method, body)
            whole = client.configuration.host + url
            return client.rest_client.request(method, whole, headers, body, None, seconds).response
        except (HTTPError, OSError) as error:
            raise Unreachable(
                f"the API server does not answer: {_words(error)}",
                where=client.configuration.host,
                hint="Is the cluster up, and can this machine reach it? `kubectl cluster-info` tries the same.",
            ) from error
        except Exception as error:
            if type(error).__module__.startswith("kubernetes."):
                raise ClusterError(f"the API server cannot be used: {_words(error)}", where=self.server) from error
            raise

    def _renewed(self, stale: Connection) -> Connection:
        """A connection with new credentials, made by the first of the threads that found the old ones refused."""
        with self._lock:
            if self._connection is stale:
                self._connection = self._connect()
            return self._connection


def _status(text: bytes) -> Status:
    try:
        return decode(text, Status)
    except msgspec.MsgspecError:
        return Status(message=" ".join(text.decode(errors="replace").split())[:300])


def _warnings(headers: Any) -> tuple[str, ...]:
    """The texts of ``Warning: 299 - "text"`` headers."""
    found = headers.getlist("Warning") if hasattr(headers, "getlist") else []
    return tuple(value.partition('"')[2].removesuffix('"').replace('\\"', '"') for value in found)


def _words(error: BaseException) -> str:
    reason = getattr(error, "reason", None) or error
    return " ".join(str(reason).split()).rpartition(": ")[2] or type(error).__name__
