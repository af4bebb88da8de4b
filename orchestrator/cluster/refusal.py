"""What the API server says of an object that it does not take: a field, and its message; pure."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

type Object = Mapping[str, Any]


class Refusal(NamedTuple):
    """What the server says: the field and the message after it."""

    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}"


def invalid(field: str, value: Any, message: str) -> Refusal:
    """A value that breaks a rule. Source: apimachinery/pkg/util/validation/field/errors.go, Error.ErrorBody."""
    return Refusal(field, f"Invalid value: {shown(value)}: {message}")


def required(field: str, message: str = "") -> Refusal:
    """A value that lacks."""
    return Refusal(field, f"Required value: {message}" if message else "Required value")


def forbidden(field: str, message: str) -> Refusal:
    """A field that must not be there."""
    return Refusal(field, f"Forbidden: {message}")


def duplicate(field: str, value: Any) -> Refusal:
    """A value that another one has, too."""
    return Refusal(field, f"Duplicate value: {shown(value)}")


def unsupported(field: str, value: Any, *supported: str) -> Refusal:
    """A value that is none of those that there are."""
    return Refusal(field, f"Unsupported value: {shown(value)}: supported values: {', '.join(map(shown, supported))}")


def shown(value: Any) -> str:
    """A value as Go prints it in these messages."""
    if isinstance(value, list | tuple) and all(isinstance(each, int) for each in value):
        return f"[]int32{{{', '.join(map(str, value))}}}"
    return json.dumps(value, ensure_ascii=False)
