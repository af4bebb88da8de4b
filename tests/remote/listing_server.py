"""An S3 server that lists what a test says, page by page, and holds nothing."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape

type Found = tuple[str, int]
"""A key and a size."""
type Pages = Callable[[int, str], tuple[list[Found], bool]]
"""Gives, for the number of the request and its prefix, what is on the page, and whether there are more."""


class Lister:
    """The server.

    Attributes:
        url: where it listens.
        asked: the prefix of each request, in order.
    """

    def __init__(self, pages: Pages) -> None:
        self.asked: list[str] = []
        lister = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # headers and body in one packet, or each answer takes 40 ms

            def log_message(self, *_: object) -> None:
                """Nothing."""

            def do_GET(self) -> None:
                """Answer with a page."""
                query = parse_qs(urlsplit(self.path).query)
                lister.asked.append(query.get("prefix", [""])[0])
                body = _page(*pages(len(lister.asked) - 1, lister.asked[-1]), len(lister.asked)).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    def close(self) -> None:
        """Stop."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@contextmanager
def lister(pages: Pages) -> Iterator[Lister]:
    """A server of these pages."""
    server = Lister(pages)
    try:
        yield server
    finally:
        server.close()


def _page(found: list[Found], more: bool, number: int) -> str:
    rows = "".join(
        f"<Contents><Key>{escape(key)}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
        f"<ETag>&quot;{key.encode().hex()}&quot;</ETag><Size>{size}</Size></Contents>"
        for key, size in found
    )
    token = f"<NextContinuationToken>{number}</NextContinuationToken>" if more else ""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><ListBucketResult><Name>bucket</Name><KeyCount>{len(found)}</KeyCount>'
        f"<IsTruncated>{str(more).lower()}</IsTruncated>{token}{rows}</ListBucketResult>"
    )
