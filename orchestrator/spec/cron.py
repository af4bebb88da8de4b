"""Cron expressions and time zones, as Kubernetes' CronJob takes them.

Source: github.com/robfig/cron v3, the standard parser: five fields, Sunday is 0 and 7 is none, no seconds.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from orchestrator.spec.nodes import shown

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
LONGEST_MONTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
EXAMPLE = '"0 2 * * *" (every day at 02:00)'

_ITEM = re.compile(r"(?:\*|([0-9]{1,4}|[a-z]{3})(?:-([0-9]{1,4}|[a-z]{3}))?)(?:/([0-9]{1,4}))?")


class _Field(NamedTuple):
    name: str
    low: int
    high: int
    words: tuple[str, ...] = ()


FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of the month", 1, 31),
    _Field("month", 1, 12, MONTHS),
    _Field("day of the week", 0, 6, WEEKDAYS),
)


def cron_mistakes(expression: str) -> Iterator[str]:
    """Yield what is wrong with an expression: what was found, and what was expected."""
    parts = expression.lower().split()
    if len(parts) != len(FIELDS):
        names = ", ".join(field.name for field in FIELDS)
        yield f'found "{shown(expression)}", expected five fields: {names}'
        return
    mistakes = [text for field, part in zip(FIELDS, parts, strict=True) for text in _field_mistakes(field, part)]
    yield from mistakes
    if not mistakes and not _has_such_a_day(parts[2], parts[3], parts[4]):
        yield f'found "{shown(expression)}", a day that no month has'


def zone_mistake(name: str) -> str | None:
    """What is wrong with a time zone's name; None where it is known, or this machine knows none."""
    import zoneinfo

    try:
        if name != "Local":
            zoneinfo.ZoneInfo(name)
            return None
    except OSError, ValueError, zoneinfo.ZoneInfoNotFoundError:
        pass
    known = zoneinfo.available_timezones()
    if not known and re.fullmatch(r"UTC|[A-Za-z_]+(/[A-Za-z0-9_+-]+){1,2}", name):
        return None
    import difflib

    near = difflib.get_close_matches(name, known, 1, 0.7)
    example = f'; did you mean "{near[0]}"?' if near else ', such as "Etc/UTC" or "Europe/Berlin"'
    return f'found "{shown(name)}", expected the name of a time zone{example}'


def _field_mistakes(field: _Field, part: str) -> Iterator[str]:
    for item in part.split(","):
        if _values(field, item) is None:
            words = f" or {field.words[0]} to {field.words[-1]}" if field.words else ""
            values = f"*, {field.low} to {field.high}{words}"
            example = f"a range such as {field.low}-{field.low + 1}, or steps such as */2"
            yield f'found "{shown(item)}" for the {field.name}, expected {values}, {example}'


def _values(field: _Field, item: str) -> range | None:
    """The values that one item of a field stands for; None where it is none."""
    found = _ITEM.fullmatch(item)
    if found is None:
        return None
    first, last, step = found.groups()
    low = field.low if first is None else _number(field, first)
    high = field.high if first is None or (last is None and step) else _number(field, last or first)
    if low is None or high is None or not field.low <= low <= high <= field.high:
        return None
    every = int(step) if step else 1
    return range(low, high + 1, every) if every else None


def _number(field: _Field, word: str) -> int | None:
    if word.isdigit():
        return int(word)
    return field.low + field.words.index(word) if word in field.words else None


def _has_such_a_day(days: str, months: str, weekdays: str) -> bool:
    if weekdays != "*":
        return True
    least = min(_all_values(FIELDS[2], days))
    return any(least <= LONGEST_MONTHS[month - 1] for month in _all_values(FIELDS[3], months))


def _all_values(field: _Field, part: str) -> Iterator[int]:
    for item in part.split(","):
        yield from _values(field, item) or ()
