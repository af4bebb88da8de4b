"""What a bucket refuses, in the user's words: which operation on what, and what to do; never a credential. Pure."""

import re

from orchestrator.errors import RESUMABLE, FtorchError
from orchestrator.store.places import Place

_STATUS = re.compile(r"status code: (\d{3})")
_CODE = re.compile(r"<Code>([\w.-]{1,80})</Code>")
_REGION = re.compile(r"expecting '([a-z0-9-]{1,40})'|<Region>([a-z0-9-]{1,40})</Region>")
_TRANSIENT = {"408", "429", "500", "502", "503", "504"}
_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "RequestTimeTooSkewed"}
_PATH = re.compile(r'Error parsing Path "([^"]{1,200})"')
_WITHOUT = "Such keys cannot be read. Name a narrower prefix, or begin include with folders that have none."
_OF_REQUESTS = ("GenericError", "PermissionDeniedError", "UnauthenticatedError", "JoinError")


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


def explain(error: Exception, action: str, place: Place) -> BucketError:
    """What obstore raised for a request, in the user's words; pure."""
    text = str(error)
    told = _found(_STATUS, text), _found(_CODE, text)
    return (
        _elsewhere(text, told, place)
        or _of_upload(told[1], place)
        or _of_object(error, text, told[0], place)
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


def _of_upload(code: str, place: Place) -> BucketError | None:
    """The error for an object that goes up in several requests, or is too large for one."""
    if code == "NoSuchUpload":
        problem = BucketError(
            "the upload of this was ended before it was complete (NoSuchUpload)",
            where=place.url,
            hint="Does a lifecycle rule abort incomplete uploads at once? Then go on with --resume.",
        )
        problem.transient = True
        return problem
    if code == "EntityTooLarge":
        return BucketError(
            "this is too large for one request (EntityTooLarge; Amazon takes 5 GiB)",
            where=place.url,
            hint="Make smaller results, or set output.overwrite: true, which lets them go up in several.",
        )
    return None


def _of_object(error: Exception, text: str, status: str, place: Place) -> BucketError | None:
    """The error for an object that is there, or not, or not as long."""
    if isinstance(error, FileNotFoundError) or status == "404":
        return Missing("there is no such object", where=place.url)
    # Some services answer a range that begins where the object ends with nothing, and obstore raises.
    if status == "416" or "StartTooLarge" in text:
        return OutOfRange("the object ends before that", where=place.url)
    if type(error).__name__ in ("AlreadyExistsError", "PreconditionError") or status in ("409", "412"):
        return Exists("there is such an object already", where=place.url)
    return None


def _mistaken(error: Exception, text: str, action: str, place: Place) -> BucketError | None:
    """The error for what no service was asked, as it cannot be."""
    name = type(error).__name__
    if name == "InvalidPathError" or "Could not parse path" in text:
        found = "".join(one if one.isprintable() else ascii(one)[1:-1] for one in _found(_PATH, text))
        return BucketError(
            f"a key has a control character, or an empty name, a . or a .. between its slashes{found and ': ' + found}",
            where=Place(place.scheme, place.bucket, "").url,
            hint="Give it another name." if action == "write" else _WITHOUT,
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
        problem.exit_code = RESUMABLE
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
