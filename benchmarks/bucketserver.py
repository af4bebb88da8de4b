"""An S3 server of made-up objects, quick to answer: `python -m benchmarks.bucketserver PORT COUNT SIZE [MILLISECONDS]`.

It gets (whole objects and ranges), heads, and lists (version 2) what lies below `bucket/in/`; it holds nothing, checks
no signature and takes no writes. Given a number of milliseconds, it waits as long before each answer, as a server that
is elsewhere: who asks has the CPUs to itself meanwhile. `GET /requests` tells how many requests came since the last
time it was asked.
"""

import asyncio
import sys
from urllib.parse import parse_qs, urlsplit

_MODIFIED = "2026-01-01T00:00:00.000Z"
_HEADER_DATE = "Thu, 01 Jan 2026 00:00:00 GMT"
_PAGE = 1000


class Bucket:
    """What is in the bucket: `count` objects of `size` bytes, keys in order; `delay` seconds go by before an answer."""

    def __init__(self, count: int, size: int, delay: float = 0.0) -> None:
        self.count = count
        self.delay = delay
        self.size = size
        self.requests = 0
        self._body = bytes(range(256)) * (size // 256 + 1)

    def answer(self, target: str, headers: dict[str, str]) -> tuple[int, str, bytes]:
        """Status, headers and body."""
        parts = urlsplit(target)
        if parts.path == "/requests":
            told, self.requests = self.requests, 0
            return 200, "", str(told).encode()
        self.requests += 1
        if parts.path.rstrip("/") == "/bucket":
            return 200, "Content-Type: application/xml\r\n", self._page(parse_qs(parts.query))
        number = int(parts.path.rpartition("/")[2])
        start, stop = 0, self.size
        status, extra = 200, f'ETag: "{number:x}"\r\nLast-Modified: {_HEADER_DATE}\r\n'
        if "range" in headers:
            first, _, last = headers["range"].removeprefix("bytes=").partition("-")
            start, stop = int(first), min(int(last) + 1 if last else self.size, self.size)
            status, extra = 206, f"{extra}Content-Range: bytes {start}-{stop - 1}/{self.size}\r\n"
        body = memoryview(self._body)[start:stop]
        return status, extra, b"%07d" % number + body[7:] if not start else bytes(body)

    def _page(self, query: dict[str, list[str]]) -> bytes:
        after = query.get("continuation-token", query.get("start-after", [""]))[0]
        first = int(after.rpartition("/")[2]) + 1 if after else 0
        last = min(first + min(int(query.get("max-keys", [_PAGE])[0]), _PAGE), self.count)
        rows = "".join(
            f"<Contents><Key>in/{n:07d}</Key><LastModified>{_MODIFIED}</LastModified><ETag>&quot;{n:x}&quot;</ETag>"
            f"<Size>{self.size}</Size><StorageClass>STANDARD</StorageClass></Contents>"
            for n in range(first, last)
        )
        more = last < self.count
        token = f"<NextContinuationToken>in/{last - 1:07d}</NextContinuationToken>" if more else ""
        return (
            '<?xml version="1.0" encoding="UTF-8"?><ListBucketResult><Name>bucket</Name><Prefix>in/</Prefix>'
            f"<KeyCount>{last - first}</KeyCount><MaxKeys>1000</MaxKeys><IsTruncated>{str(more).lower()}</IsTruncated>"
            f"{token}{rows}</ListBucketResult>"
        ).encode()


class Connection(asyncio.Protocol):
    """One client's connection; requests have no bodies."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._waiting = b""
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep it."""
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every request that is whole."""
        self._waiting += data
        while b"\r\n\r\n" in self._waiting:
            head, _, self._waiting = self._waiting.partition(b"\r\n\r\n")
            first, *lines = head.decode("latin-1").split("\r\n")
            method, target, _ = first.split(" ", 2)
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            status, extra, body = self._bucket.answer(target, headers)
            start = f"HTTP/1.1 {status} OK\r\nContent-Length: {len(body)}\r\n{extra}\r\n".encode()
            answer = [start, b"" if method == "HEAD" else body]
            if self._bucket.delay:
                asyncio.get_running_loop().call_later(self._bucket.delay, self._answer, answer)
            else:
                self._answer(answer)

    def _answer(self, answer: list[bytes]) -> None:
        assert self._transport is not None
        self._transport.writelines(answer)


async def serve(port: int, bucket: Bucket) -> None:
    """Serve for ever."""
    server = await asyncio.get_running_loop().create_server(lambda: Connection(bucket), "127.0.0.1", port, backlog=512)
    await server.serve_forever()


if __name__ == "__main__":
    port_, count_, size_, *delay_ = map(int, sys.argv[1:])
    asyncio.run(serve(port_, Bucket(count_, size_, sum(delay_) / 1000)))
