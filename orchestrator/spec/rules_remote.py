"""Rules for URLs: which kinds there are, and that no credentials are in them."""

import re
from collections.abc import Iterator

from orchestrator.spec.model import JobSpec
from orchestrator.spec.nodes import FieldPath, shown
from orchestrator.spec.problems import Problem

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_BUCKETS = ("s3", "gs", "az")
_TO_READ = (*_BUCKETS, "file", "http", "https")


def remote_problems(spec: JobSpec) -> Iterator[Problem]:
    """Yield what is wrong with the URLs of a job."""
    if spec.input.objects is not None:
        yield from _url_problems(("input", "objects", "url"), spec.input.objects.url, _TO_READ)
    if spec.output.path is not None and _URL.match(spec.output.path):
        yield from _url_problems(("output", "path"), spec.output.path, _BUCKETS)
    endpoint = spec.remote.endpoint_url
    if endpoint is not None:
        yield from _url_problems(("remote", "endpoint_url"), endpoint, ("http", "https"))


def _url_problems(path: FieldPath, url: str, schemes: tuple[str, ...]) -> Iterator[Problem]:
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    if not _URL.match(url) or parts.scheme not in schemes:
        expected = ", ".join(f"{scheme}://" for scheme in schemes)
        found = f"{parts.scheme}://" if _URL.match(url) else f'"{shown(url)}"'
        yield Problem(path, f"found {found}, expected a URL that begins with {expected}")
    elif parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        hint = "Credentials come from the environment, a profile or the instance, never from the job file."
        yield Problem(path, "found a user, a password, a ? or a # in a URL, expected none", hint)
    elif parts.scheme != "file" and not parts.netloc:
        yield Problem(path, "the URL names no bucket or host")
