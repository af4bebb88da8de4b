"""A bucket through obstore: requests that are tried again while that can help, and errors in the user's words.

Guarantees: what is raised says which operation on what failed and what to do, and repeats no credentials. Assumes:
nothing is tried here that must not be done twice; who creates objects sees to that (:mod:`orchestrator.store.remote`).
"""

import os
import random
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import lru_cache
from types import ModuleType
from typing import Any

from orchestrator.errors import MissingExtra
from orchestrator.store.access import Access, check_http, other_settings, s3_settings
from orchestrator.store.places import Place
from orchestrator.store.refusals import BucketError, Exists, explain

_FIRST_WAIT, _LONGEST_WAIT = 0.1, 5.0


def obstore() -> ModuleType:
    """The library, which only what touches a bucket imports.

    Raises:
        MissingExtra: it is not installed.
    """
    try:
        import obstore as library
    except ImportError as error:
        raise MissingExtra(
            "buckets and URLs need the package obstore, which is not installed",
            hint="pip install 'ftorch[remote]'",
        ) from error
    return library


class Bucket:
    """A bucket, or what is like one. Threads may share it.

    Attributes:
        place: where it is.
        native: obstore's own object.
        patience: how many seconds a request is tried again.
    """

    def __init__(self, place: Place, access: Access) -> None:
        self.place = place
        self.patience = access.retry_timeout.seconds
        self.native = _native(place, access)

    def call[T](self, action: str, key: str, ask: Callable[[], T]) -> T:
        """Do a request, again while that can help and the time for it is not over.

        Args:
            action: what it does, for the message: "write", "read", "list".
            key: what it does that to.
            ask: the request.

        Raises:
            BucketError: it failed for good.
        """
        for wait in waits(self.patience):
            try:
                return ask()
            except Exception as error:  # noqa: BLE001 - obstore raises its own kinds and three of Python's
                problem = self.explain(error, action, key)
                # Nothing here is conditional: a conflict with another request passes.
                if not (problem.transient or isinstance(problem, Exists)) or wait is None:
                    raise problem from None
                time.sleep(wait)
        raise AssertionError

    def explain(self, error: Exception, action: str, key: str) -> BucketError:
        """What obstore raised, in the user's words."""
        if isinstance(error, BucketError):
            return error
        place = Place(self.place.scheme, self.place.bucket, key.strip("/"))
        return explain(error, action, place)


def waits(patience: float) -> Iterator[float | None]:
    """How long to wait after each failed try: longer each time, and by chance; None after the last."""
    end, wait = time.monotonic() + patience, _FIRST_WAIT
    while time.monotonic() + wait < end:
        yield wait * random.uniform(0.5, 1.0)
        wait = min(2 * wait, _LONGEST_WAIT)
    yield None


@lru_cache(maxsize=32)
def _cached(place: Place, timeout: float, patience: float, settings: tuple[tuple[str, object], ...]) -> Any:
    """One connection pool a bucket for each process, however many stores and readers use it."""
    stores = __import__("obstore.store", fromlist=["S3Store"])
    seconds = timedelta(seconds=timeout)
    shared: dict[str, Any] = {
        "client_options": {
            "allow_http": True,  # checked before, by `check_http`
            "timeout": timedelta(hours=1),
            "read_timeout": seconds,
            "connect_timeout": min(seconds, timedelta(seconds=10)),
            "user_agent": "ftorch",
        },
        "retry_config": {
            "max_retries": 10,
            "retry_timeout": timedelta(seconds=patience),
            "backoff": {
                "init_backoff": timedelta(seconds=_FIRST_WAIT),
                "max_backoff": timedelta(seconds=_LONGEST_WAIT),
                "base": 2,
            },
        },
    }
    if place.scheme in ("http", "https"):
        return stores.HTTPStore(f"{place.scheme}://{place.bucket}", **shared)
    make = {"s3": stores.S3Store, "gs": stores.GCSStore, "az": stores.AzureStore}[place.scheme]
    return make(place.bucket, **shared, **dict(settings))


def _native(place: Place, access: Access) -> Any:
    obstore()
    environ = os.environ
    settings: dict[str, object] = {}
    if place.scheme in ("http", "https"):
        check_http(place.url, access, environ)
    else:
        make = s3_settings if place.scheme == "s3" else other_settings
        settings = make(place, access, environ)
    root = Place(place.scheme, place.bucket, "")
    return _cached(root, access.timeout.seconds, access.retry_timeout.seconds, tuple(sorted(settings.items())))
