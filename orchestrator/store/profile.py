"""A profile of `~/.aws/credentials` and `~/.aws/config`, as the AWS command line writes them."""

import configparser
import os
from collections.abc import Mapping

from msgspec import Struct

from orchestrator.errors import MachineError

_UNSUPPORTED = {
    "role_arn": "assuming a role",
    "sso_session": "single sign-on",
    "sso_start_url": "single sign-on",
    "credential_process": "a credential process",
}


class Profile(Struct, frozen=True):
    """What a profile says; its fields are None where it says nothing.

    Attributes:
        unsupported: how it gets credentials, if in a way that is not read here; else "".
    """

    name: str
    access_key_id: str | None = None
    secret_access_key: str | None = None
    session_token: str | None = None
    region: str | None = None
    endpoint_url: str | None = None
    unsupported: str = ""

    def __repr__(self) -> str:
        return f"Profile({self.name!r})"


def read_profile(environ: Mapping[str, str]) -> Profile:
    """The profile that AWS_PROFILE names, or the default one.

    Raises:
        MachineError: AWS_PROFILE names one that is not there, or a file cannot be read.
    """
    name = environ.get("AWS_PROFILE") or environ.get("AWS_DEFAULT_PROFILE") or "default"
    credentials = _file(environ.get("AWS_SHARED_CREDENTIALS_FILE") or "~/.aws/credentials")
    config = _file(environ.get("AWS_CONFIG_FILE") or "~/.aws/config")
    section = name if name == "default" else f"profile {name}"
    found: dict[str, str] = {}
    there = False
    for parser, title in ((config, section), (credentials, name)):
        if parser.has_section(title):
            found |= dict(parser.items(title))
            there = True
    if not there and name != "default":
        raise MachineError(
            f"the environment names the AWS profile {name!r}, and there is none",
            where="AWS_PROFILE",
            hint="`aws configure list-profiles` shows those there are.",
        )
    return Profile(
        name,
        found.get("aws_access_key_id"),
        found.get("aws_secret_access_key"),
        found.get("aws_session_token"),
        found.get("region"),
        found.get("endpoint_url"),
        next((how for key, how in _UNSUPPORTED.items() if key in found), ""),
    )


def _file(path: str) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(strict=False, default_section="\0")
    path = os.path.expanduser(path)
    try:
        parser.read(path, "utf-8")
    except configparser.Error, OSError, UnicodeDecodeError:
        # Not the parser's own words: they repeat the line, which may hold a secret.
        raise MachineError("this file cannot be read as profiles", where=path, hint="See `aws configure`.") from None
    return parser
