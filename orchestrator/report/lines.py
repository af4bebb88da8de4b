"""Labelled lines for a terminal: the labels in one column, the text wrapped in another; pure."""

from collections.abc import Iterable
from textwrap import TextWrapper

_LABEL = 11
_NARROWEST = 24


class Verbatim(str):
    """A text that somebody copies, a command or a path with blanks in it: it stays on one line, however narrow."""

    __slots__ = ()


type Row = tuple[str, str]
"""A label and its text; a row with an empty label goes on with the one before."""


def labelled(rows: Iterable[Row], width: int | None, label: int = _LABEL) -> list[str]:
    """The lines of some rows.

    Args:
        rows: what to show; a text may have newlines.
        width: columns of the terminal; None does not wrap, which suits a file and `grep`. A word, such as a path, is
            never broken.
        label: columns of the labels.
    """
    return [line for name, text in rows for line in _lines(f"  {name:<{label}} ", text, width)]


def _lines(head: str, text: str, width: int | None) -> list[str]:
    room = None if isinstance(text, Verbatim) else width
    parts = [part for line in text.split("\n") for part in _wrap(line.strip(), room, len(head))]
    return [f"{head if index == 0 else ' ' * len(head)}{part}".rstrip() for index, part in enumerate(parts)]


def _wrap(line: str, width: int | None, used: int) -> list[str]:
    if width is None:
        return [line]
    room = max(_NARROWEST, width - used)
    wrapper = TextWrapper(room, break_long_words=False, break_on_hyphens=False, drop_whitespace=True)
    return wrapper.wrap(line) or [""]
