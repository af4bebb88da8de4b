"""HTML and SVG from elements; what was not made here is escaped; pure."""

from collections.abc import Iterable
from html import escape


class Markup(str):
    """Text that is HTML or SVG already. Only this module and constants make it."""

    __slots__ = ()


def element(name: str, *content: str, **attributes: str | float) -> Markup:
    """An element; text in it and its attributes is escaped, markup is not.

    A trailing underscore of an attribute's name is dropped (`class_`), others become hyphens (`stroke_width`).
    """
    told = "".join(f' {_name(key)}="{escape(_value(value))}"' for key, value in attributes.items())
    return Markup(f"<{name}{told}>{joined(content)}</{name}>")


def joined(parts: Iterable[str]) -> Markup:
    """Parts one after the other; text among them is escaped."""
    return Markup("".join(part if isinstance(part, Markup) else escape(part) for part in parts))


def _name(key: str) -> str:
    return key.removesuffix("_").replace("_", "-")


def _value(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:.5g}"
