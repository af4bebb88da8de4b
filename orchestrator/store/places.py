"""Where objects are: URLs, read and put together; pure, and without any library that talks to a server."""

import re
from typing import Literal, cast

from msgspec import Struct, structs

from orchestrator.errors import JobError

type Scheme = Literal["s3", "gs", "az", "http", "https", "file", "memory"]

SCHEMES = ("s3", "gs", "az", "http", "https", "file", "memory")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_EXPECTED = "s3://bucket/prefix, gs://bucket/prefix, az://container/prefix, https://host/path or file:///folder"


class Place(Struct, frozen=True):
    """A bucket, a container, a server or a folder, and a prefix in it.

    Attributes:
        scheme: the kind of service.
        bucket: the bucket or container; for http and https the host, with its port; empty for file.
        path: what every key below it begins with, without a slash at either end.
    """

    scheme: Scheme
    bucket: str
    path: str

    @property
    def url(self) -> str:
        """The URL, without a slash at its end."""
        return f"{self.scheme}://{self.bucket}/{self.path}".rstrip("/")

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]

    def key(self, name: str) -> str:
        """The key of what lies at a name below it."""
        return f"{self.path}/{name}" if self.path else name

    def below(self, name: str) -> Place:
        """The place of that name below it."""
        return structs.replace(self, path=self.key(name.strip("/")))


def is_url(text: object) -> bool:
    """Whether a text is a URL rather than a path."""
    return isinstance(text, str) and _URL.match(text) is not None


def parse_place(url: str) -> Place:
    """Read a URL.

    Raises:
        JobError: it is none that objects can be at; what may be a password in it is not repeated.
    """
    from urllib.parse import unquote, urlsplit

    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    if scheme not in SCHEMES or not is_url(url):
        raise JobError(f"found {scheme or url}, expected {_EXPECTED}", where=_without_secrets(url))
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise JobError(
            "found a user, a password, a ? or a # in a URL, expected none",
            where=_without_secrets(url),
            hint="Credentials come from the environment, a profile or the instance, never from a URL.",
        )
    if scheme == "file" and parts.netloc:
        raise JobError(
            f"found the host {parts.netloc!r}, expected file:///folder", where=url, hint="A file URL has three slashes."
        )
    if scheme not in ("file", "memory") and not parts.netloc:
        raise JobError("the URL names no bucket or host", where=url, hint=f"Write {_EXPECTED}.")
    path = unquote(parts.path) if scheme in ("file", "http", "https") else url.split("://", 1)[1].partition("/")[2]
    return Place(cast("Scheme", scheme), parts.netloc, path.strip("/"))


def _without_secrets(url: str) -> str:
    """The URL without what may be a secret: a user, a password, a query."""
    head, _, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    return f"{head}://{authority.rpartition('@')[2]}{slash}{re.split('[?#]', path)[0]}"
