"""A bucket through obstore: requests that are tried again while that can help, and errors in the user's words.

Guarantees: what is raised says which operation on what failed and what to do, and repeats no credentials. Assumes:
nothing is tried here that must not be done twice; who creates objects sees to that (:mod:`orchestrator.store.remote`).
"""

import os
import random
import re
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import lru_cache
from types import ModuleType
from typing import Any

from orchestrator.errors import FtorchError, MissingExtra
from orchestrator.store.access import Access, check_http, other_settings, s3_settings
from orchestrator.store.places import Place

_STATUS = re.compile(r"status code: (\d{3})")
_CODE = re.compile(r"<Code>([\w.-]{1,80})</Code>")
_REGION = re.compile(r"expecting '([a-z0-9-]{1,40})'|<Region>([a-z0-9-]{1,40})</Region>")
_TRANSIENT = {"408", "429", "500", "502", "503", "504"}
_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "RequestTimeTooSkewed"}
_PATH = re.compile(r'Error parsing Path "([^"\n]{1,200})"')
_OF_REQUESTS = ("GenericError", "PermissionDeniedError", "UnauthenticatedError", "JoinError")
_FIRST_WAIT, _LONGEST_WAIT = 0.1, 5.0


class BucketError(FtorchError):
    """A request that failed for good.

    Attributes:
        transient: the same request may work later: the service, or the way to it, is down.
    """

    transient = False


class Missing(BucketError):
    """There is no such object."""


class Exists(BucketError):
    """There is such an object already."""


class OutOfRange(BucketError):
    """The object ends before the range begins."""


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


def explain(error: Exception, action: str, place: Place) -> BucketError:
    """What obstore raised for a request, in the user's words; pure."""
    text = str(error)
    told = _found(_STATUS, text), _found(_CODE, text)
    return (
        _elsewhere(text, told, place)
        or _of_object(error, told[0], place)
        or _refused(error, told, action, place)
        or _mistaken(error, text, action, place)
        or _failed(text, told, action, place)
    )


def _elsewhere(text: str, told: tuple[str, str], place: Place) -> BucketError | None:
    """The error for a bucket that is not there."""
    status, code = told
    region = _REGION.search(text)
    bucket = Place(place.scheme, place.bucket, "").url
    if code == "NoSuchBucket" or "ContainerNotFound" in text:
        return BucketError("there is no such bucket", where=bucket, hint="Make it, or correct its name.")
    redirected = status in ("301", "307") or "redirect without LOCATION" in text
    if region is None and not redirected and code != "PermanentRedirect":
        return None
    named = next((group for group in region.groups() if group), "") if region is not None else ""
    return BucketError(
        f"the bucket is in another region{', ' + named if named else ''}",
        where=bucket,
        hint=f"Set remote.region{': ' + named if named else ''}, or AWS_REGION.",
    )


def _of_object(error: Exception, status: str, place: Place) -> BucketError | None:
    """The error for an object that is there, or not, or not as long."""
    if isinstance(error, FileNotFoundError) or status == "404":
        return Missing("there is no such object", where=place.url)
    if status == "416":
        return OutOfRange("the object ends before that", where=place.url)
    if type(error).__name__ in ("AlreadyExistsError", "PreconditionError") or status in ("409", "412"):
        return Exists("there is such an object already", where=place.url)
    return None


def _mistaken(error: Exception, text: str, action: str, place: Place) -> BucketError | None:
    """The error for what no service was asked, as it cannot be."""
    name = type(error).__name__
    if name == "InvalidPathError":
        found = _found(_PATH, text)
        return BucketError(
            f"a key has an empty name, a . or a .. between its slashes{': ' + found if found else ''}",
            where=Place(place.scheme, place.bucket, "").url,
            hint="Such keys cannot be read. Name a narrower prefix, or begin include with folders that have none.",
        )
    if name in _OF_REQUESTS or isinstance(error, OSError):
        return None
    return BucketError(f"cannot {action} this: {name}: {text.partition('\n')[0]}", where=place.url)


def _refused(error: Exception, told: tuple[str, str], action: str, place: Place) -> BucketError | None:
    """The error for who may not do it, or is not known."""
    status, code = told
    name = type(error).__name__
    if code in _EXPIRED:
        problem = BucketError(
            f"the credentials have expired ({code})", where=place.url, hint="Renew them, then go on with --resume."
        )
        problem.exit_code = 75
        return problem
    if name == "PermissionDeniedError" or status == "403":
        return BucketError(
            f"the credentials do not allow to {action} this{f' ({code})' if code else ''}",
            where=place.url,
            hint=f"Give them the right to {action} it, or use others (whose they are: `aws sts get-caller-identity`).",
        )
    if name == "UnauthenticatedError" or status == "401":
        return BucketError(
            "the server does not know these credentials", where=place.url, hint="Check them; they may have expired."
        )
    return None


def _failed(text: str, told: tuple[str, str], action: str, place: Place) -> BucketError:
    """The error for what went wrong on the way, or at the other end."""
    status, code = told
    if not status and "credential" in text.lower():
        return BucketError("the credentials cannot be fetched", where=place.url, hint="Is the metadata service up?")
    why = f"HTTP status {status}{' ' + code if code else ''}" if status else _network(text)
    problem = BucketError(
        f"cannot {action} this: {why}", where=place.url, hint="When the service answers again, go on with --resume."
    )
    problem.transient = not status or status in _TRANSIENT
    return problem


def _network(text: str) -> str:
    for sign, words in (
        ("kind: Timeout", "no answer in time"),
        ("dns error", "the host's name is not known"),
        ("kind: Connect", "the server cannot be reached"),
    ):
        if sign in text:
            return words
    return "the connection was cut"


def _found(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.search(text)
    return match[1] if match else ""


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
