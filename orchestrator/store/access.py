"""How a bucket is reached: end point, region and credentials, as the environment and the job say.

Credentials come from the environment, a profile of `~/.aws`, a web identity, or the machine itself, in this order, and
from nowhere else. Nothing here prints them. The Google and Azure libraries' own variables are read by obstore.
"""

import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from typing import Protocol
from urllib.parse import urlsplit

from msgspec import Struct

from orchestrator.errors import MachineError
from orchestrator.store.places import Place
from orchestrator.store.profile import Profile, read_profile

_INSTANCE = {"s3": "169.254.169.254", "gs": "metadata.google.internal", "az": "169.254.169.254"}
_INSTANCE_SECONDS = 1.0
_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


class Seconds(Protocol):
    """A duration."""

    @property
    def seconds(self) -> float:
        """In seconds."""
        ...


class Access(Protocol):
    """How a job wants its buckets reached (`remote:` in job.yaml has these names)."""

    @property
    def endpoint_url(self) -> str | None: ...
    @property
    def region(self) -> str | None: ...
    @property
    def path_style(self) -> bool | None: ...
    @property
    def allow_http(self) -> bool: ...
    @property
    def anonymous(self) -> bool: ...
    @property
    def timeout(self) -> Seconds: ...
    @property
    def retry_timeout(self) -> Seconds: ...


class _Time(Struct, frozen=True):
    seconds: float


class Usual(Struct, frozen=True):
    """Access where there is no job file: as the environment says."""

    endpoint_url: str | None = None
    region: str | None = None
    path_style: bool | None = None
    allow_http: bool = False
    anonymous: bool = False
    timeout: Seconds = _Time(60.0)
    retry_timeout: Seconds = _Time(180.0)


def s3_settings(place: Place, access: Access, environ: Mapping[str, str]) -> dict[str, object]:
    """What `obstore.store.S3Store` is to be given beside the bucket's name.

    Raises:
        MachineError: there are no credentials, or the end point is http and that is not allowed.
    """
    profile = read_profile(environ)
    endpoint = access.endpoint_url or _first(environ, "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
    endpoint = endpoint or profile.endpoint_url
    region = access.region or _first(environ, "AWS_REGION", "AWS_DEFAULT_REGION") or profile.region or "us-east-1"
    path_style = access.path_style
    if path_style is None:
        path_style = endpoint is not None or "." in place.bucket
    settings: dict[str, object] = {"region": region, "virtual_hosted_style_request": not path_style}
    if endpoint is not None:
        check_http(endpoint, access, environ)
        # By this name, or AWS_ENDPOINT_URL_S3 would take its place.
        settings["aws_endpoint_url_s3"] = endpoint.rstrip("/") if path_style else _with_bucket(endpoint, place.bucket)
    if access.anonymous:
        return {**settings, "skip_signature": True}
    return {**settings, **_s3_credentials(profile, environ)}


def check_http(url: str, access: Access, environ: Mapping[str, str]) -> None:
    """Refuse to send requests unencrypted over a network, unless that was asked for.

    Raises:
        MachineError: it is http to another machine, and `remote.allow_http` is not set.
    """
    parts = urlsplit(url)
    allowed = access.allow_http or environ.get("AWS_ALLOW_HTTP", "").lower() in ("1", "true", "yes")
    if parts.scheme == "http" and not allowed and parts.netloc.rsplit(":", 1)[0] not in _LOOPBACK:
        raise MachineError(
            "the end point is http, which sends data and signatures unencrypted",
            where=f"http://{parts.netloc.rpartition('@')[2]}",
            hint="Use https, or set remote.allow_http: true (or AWS_ALLOW_HTTP=true) where the network is trusted.",
        )


def other_settings(place: Place, access: Access, environ: Mapping[str, str]) -> dict[str, object]:
    """What `GCSStore` or `AzureStore` are to be given beside the bucket's name; they read their own variables.

    Raises:
        MachineError: there are no credentials, or the account is not named.
    """
    if place.scheme == "az" and not _first(environ, "AZURE_STORAGE_ACCOUNT_NAME", "AZURE_STORAGE_CONNECTION_STRING"):
        raise MachineError(
            "no storage account is named", where=place.url, hint="Set AZURE_STORAGE_ACCOUNT_NAME, and its credentials."
        )
    settings: dict[str, object] = {}
    endpoint = access.endpoint_url
    if place.scheme == "az":
        endpoint = endpoint or _first(environ, "AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT")
    if endpoint is not None:
        check_http(endpoint, access, environ)
        settings["endpoint" if place.scheme == "az" else "base_url"] = endpoint
    if access.anonymous:
        return {**settings, "skip_signature": True}
    names = {"gs": ("GOOGLE_",), "az": ("AZURE_STORAGE_", "AZURE_CLIENT_", "AZURE_FEDERATED_", "IDENTITY_")}
    no_secrets = {"AZURE_STORAGE_ACCOUNT_NAME", "AZURE_STORAGE_ENDPOINT"}
    given = any(name.startswith(names[place.scheme]) for name in environ if name not in no_secrets)
    default = os.path.expanduser("~/.config/gcloud/application_default_credentials.json")
    if not given and not (place.scheme == "gs" and os.path.exists(default)) and not _is_instance(place.scheme, environ):
        raise no_credentials(place.scheme)
    return settings


def no_credentials(scheme: str) -> MachineError:
    """The error where none of the usual places has credentials."""
    places = {
        "s3": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile in ~/.aws, a web identity, an instance",
        "gs": "GOOGLE_APPLICATION_CREDENTIALS, `gcloud auth application-default login`, an instance",
        "az": "AZURE_STORAGE_ACCOUNT_KEY, AZURE_CLIENT_ID and its secret or federated token, an instance",
    }
    return MachineError(
        f"no credentials for {scheme}:// were found: {places[scheme]}",
        hint="Set one of them up; a public bucket needs remote.anonymous: true.",
    )


def _s3_credentials(profile: Profile, environ: Mapping[str, str]) -> dict[str, object]:
    """What settles the credentials; empty where obstore finds them itself (web identity, container, instance)."""
    key, secret = environ.get("AWS_ACCESS_KEY_ID"), environ.get("AWS_SECRET_ACCESS_KEY")
    token = environ.get("AWS_SESSION_TOKEN")
    if not (key and secret):
        key, secret, token = profile.access_key_id, profile.secret_access_key, profile.session_token
    if key and secret:
        found: dict[str, object] = {"access_key_id": key, "secret_access_key": secret}
        return {**found, "session_token": token} if token else found
    if environ.get("AWS_WEB_IDENTITY_TOKEN_FILE") and environ.get("AWS_ROLE_ARN"):
        return {}
    if _first(environ, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"):
        return {}
    if profile.unsupported:
        raise MachineError(
            f"the profile {profile.name!r} gets its credentials by {profile.unsupported}, which is not supported",
            hint='Write them to the environment first: eval "$(aws configure export-credentials --format env)"',
        )
    if not _is_instance("s3", environ):
        raise no_credentials("s3")
    return {}


def _is_instance(scheme: str, environ: Mapping[str, str]) -> bool:
    """Whether this machine has a metadata service: without one, asking it for credentials would take minutes."""
    if environ.get("AWS_EC2_METADATA_DISABLED", "").lower() == "true" and scheme == "s3":
        return False
    url = environ.get("AWS_METADATA_ENDPOINT") if scheme == "s3" else None
    parts = urlsplit(url or f"http://{_INSTANCE[scheme]}")
    with suppress(OSError), socket.create_connection((parts.hostname, parts.port or 80), _INSTANCE_SECONDS):
        return True
    return False


def _first(environ: Mapping[str, str], *names: str) -> str | None:
    return next((environ[name] for name in names if environ.get(name)), None)


def _with_bucket(endpoint: str, bucket: str) -> str:
    """The end point of a bucket whose name is part of the host's."""
    parts = urlsplit(endpoint)
    host = parts.netloc if parts.netloc.startswith(f"{bucket}.") else f"{bucket}.{parts.netloc}"
    return f"{parts.scheme}://{host}"
