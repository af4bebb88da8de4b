"""A large object, which goes up in several requests while its bytes are being made.

Guarantees: it is seen whole or not at all, and appears with the last request; who makes the bytes waits while
`AT_ONCE` requests are on their way, so memory is bounded. Where the answer to the last request was lost, a random token
beside the bytes tells whether the object that is there is this one: tried again, that request would find its upload
gone. Assumes: one thread makes the bytes.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from orchestrator.store.base import Buffer
from orchestrator.store.bucket import Bucket, obstore
from orchestrator.store.refusals import BucketError, Missing

REQUEST = 8 << 20
AT_ONCE = 3
# No dash: Azure wants an identifier.
TOKEN = "ftorchtoken"


def upload(
    bucket: Bucket,
    key: str,
    pieces: Iterable[Buffer],
    attributes: Mapping[str, str] | None = None,
    request: int = REQUEST,
) -> None:
    """Write an object, replacing one of that key.

    Args:
        bucket: where.
        key: its key.
        pieces: its bytes, in order; what they raise comes out, and nothing is there.
        attributes: what is to be kept beside the bytes.
        request: how many bytes go up in one request; a service takes 10,000 requests for an object.

    Raises:
        BucketError: it cannot be written.
    """
    token = os.urandom(16).hex()
    writer = obstore().open_writer(
        bucket.native,
        key,
        attributes={**(attributes or {}), TOKEN: token},
        buffer_size=request,
        max_concurrency=AT_ONCE,
    )
    # Not as a context manager: that would complete the upload after an exception, too.
    for piece in pieces:
        for block in _blocks(piece, request):
            _told(bucket, key, partial(writer.write, block))
    try:
        _told(bucket, key, writer.close)
    except BucketError as problem:
        if token_of(bucket, key, problem) != token:
            raise


def token_of(bucket: Bucket, key: str, problem: BucketError) -> str | None:
    """The token that an object was written with, "" where it has none; None where there is no object.

    Raises:
        BucketError: that cannot be read either; it is the problem that made the question.
    """
    library = obstore()

    def ask() -> Any:
        return library.get(bucket.native, key, options={"head": True}).attributes

    try:
        found = bucket.call("read", key, ask)
    except Missing:
        return None
    except BucketError:
        raise problem from None
    return str(found.get(TOKEN, ""))


def _blocks(piece: Buffer, size: int) -> Iterator[Buffer]:
    """A piece in blocks of so many bytes: one that is larger would be copied as a whole."""
    view = memoryview(piece).cast("B")
    if len(view) <= size:
        yield piece
        return
    for start in range(0, len(view), size):
        yield view[start : start + size]


def _told(bucket: Bucket, key: str, ask: Callable[[], object]) -> None:
    """Do a request that obstore itself tries again; what it raises is put in the user's words."""
    try:
        ask()
    except Exception as error:  # noqa: BLE001 - obstore raises its own kinds and three of Python's
        raise bucket.explain(error, "write", key) from None
