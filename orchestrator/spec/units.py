"""Lengths of time, sizes and shares, as the job file writes them: small immutable values with one text form.

Each class reads itself from YAML's plain values (`parse`) and writes itself as text (`str`); reading that
text gives an equal value. They are no dataclasses, so that msgspec passes them to our hooks.
"""

import functools
import re
from collections.abc import Mapping
from typing import ClassVar, Self

SECOND = 10**9
NANOSECONDS = {
    "ns": 1,
    "us": 10**3,
    "ms": 10**6,
    "s": SECOND,
    "m": 60 * SECOND,
    "h": 3600 * SECOND,
    "d": 86400 * SECOND,
}
BINARY = {suffix: 1024**power for power, suffix in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), 1)}
DECIMAL = {suffix: 1000**power for power, suffix in enumerate(("k", "M", "G", "T", "P", "E"), 1)}
SUFFIXES = {"": 1, **DECIMAL, **BINARY}
LONGEST = 36_500 * NANOSECONDS["d"]
LARGEST = 2**63 - 1
PERCENT = 10**6  # the parts of a percent in a Share: six decimals

_NUMBER = re.compile(r"([0-9]{1,20})(?:\.([0-9]{1,9}))?([A-Za-z%]*)")


class Quantity:
    """A value made of one integer: immutable, hashable, safe to copy and to pickle."""

    __slots__ = ("_amount",)
    _amount: int
    expected: ClassVar[str]
    pattern: ClassVar[str]

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is immutable")

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other._amount == self._amount

    def __hash__(self) -> int:
        return hash((type(self), self._amount))

    def __reduce__(self) -> tuple[object, ...]:
        return _restore, (type(self), self._amount)

    def __repr__(self) -> str:
        return f"{type(self).__name__}.parse({str(self)!r})"

    @classmethod
    def _of(cls, amount: int) -> Self:
        made = object.__new__(cls)
        object.__setattr__(made, "_amount", amount)
        return made

    @classmethod
    def parse(cls, value: object) -> Self:
        """Read a value as YAML gives it: text, or a bare number.

        Raises:
            ValueError: it is none; the message says what was expected.
        """
        amount = cls._read(value)
        if amount is None:
            raise ValueError(f"expected {cls.expected}")
        return cls._of(amount)

    @classmethod
    def _read(cls, value: object) -> int | None:
        raise NotImplementedError


def _restore(kind: type[Quantity], amount: int) -> Quantity:
    return kind._of(amount)  # noqa: SLF001


def scaled(value: object, units: Mapping[str, int], bare: int) -> int | None:
    """The number times its unit, rounded up to a whole one; None where it is not of that form."""
    found = _NUMBER.fullmatch(_as_text(value))
    if found is None:
        return None
    whole, fraction, suffix = found[1], found[2] or "", found[3]
    unit = units.get(suffix) if suffix else bare
    if unit is None:
        return None
    divisor: int = 10 ** len(fraction)
    return -(-int(whole + fraction) * unit // divisor)


def _as_text(value: object) -> str:
    match value:
        case str():
            return value
        case int() if not isinstance(value, bool) and 0 <= value <= LARGEST:
            return str(value)
        case float():
            return f"{value:.9f}"
        case _:
            return ""


@functools.total_ordering
class Duration(Quantity):
    """A length of time, exact to the nanosecond: ``Duration(1.5)`` is one and a half seconds."""

    __slots__ = ()
    expected = "a length of time, such as 250ms, 30s, 1.5m, 2h or 1d (a bare number is seconds)"
    pattern = r"^[0-9]{1,20}(\.[0-9]{1,9})?(ns|us|ms|s|m|h|d)?$"

    def __new__(cls, seconds: float) -> Self:
        """Make it from seconds.

        Raises:
            ValueError: negative, not finite, or longer than a hundred years.
        """
        if not 0 <= seconds <= LONGEST / SECOND:
            raise ValueError(f"expected {cls.expected}")
        return cls._of(round(seconds * SECOND))

    @property
    def seconds(self) -> float:
        """The length in seconds."""
        return self._amount / SECOND

    def __lt__(self, other: object) -> bool:
        return self._amount < other._amount if isinstance(other, Duration) else NotImplemented

    def __str__(self) -> str:
        if self._amount == 0:
            return "0s"
        unit = max((size, name) for name, size in NANOSECONDS.items() if self._amount % size == 0)
        return f"{self._amount // unit[0]}{unit[1]}"

    @classmethod
    def _read(cls, value: object) -> int | None:
        amount = scaled(value, NANOSECONDS, SECOND)
        return amount if amount is not None and amount <= LONGEST else None


@functools.total_ordering
class Size(Quantity):
    """An amount of memory or data in bytes: ``Size(256 << 20)`` is 256Mi.

    The suffixes are those of Kubernetes' quantities; like there, a fraction of a byte counts as a whole one.
    """

    __slots__ = ()
    expected = "a size in bytes, such as 512Mi, 2Gi, 10G or 100k (a bare number is bytes)"
    pattern = r"^[0-9]{1,20}(\.[0-9]{1,9})?([KMGTPE]i|[kMGTPE])?$"

    def __new__(cls, nbytes: int) -> Self:
        """Make it from bytes.

        Raises:
            ValueError: negative, or more than 2⁶³ - 1.
        """
        if not 0 <= nbytes <= LARGEST:
            raise ValueError(f"expected {cls.expected}")
        return cls._of(nbytes)

    @property
    def bytes(self) -> int:
        """The size in bytes."""
        return self._amount

    def __lt__(self, other: object) -> bool:
        return self._amount < other._amount if isinstance(other, Size) else NotImplemented

    def __str__(self) -> str:
        exact = [f"{self._amount // unit}{suffix}" for suffix, unit in SUFFIXES.items() if self._amount % unit == 0]
        return min(exact, key=len)

    @classmethod
    def _read(cls, value: object) -> int | None:
        amount = scaled(value, SUFFIXES, 1)
        return amount if amount is not None and amount <= LARGEST else None


class Share(Quantity):
    """How many of a total: a count (``Share.of_count(25)``) or a percentage (``Share.of_percent(0.5)``).

    One integer says both: a percentage is kept as a negative amount, its millionths of a percent, less one.
    """

    __slots__ = ()
    expected = "a number of items, such as 25, or a percentage from 0% to 100%, such as 1%"
    pattern = r"^([0-9]{1,19}|[0-9]{1,3}(\.[0-9]{1,6})?%)$"

    @classmethod
    def of_count(cls, count: int) -> Self:
        """So many items, whatever the total."""
        return cls.parse(count)

    @classmethod
    def of_percent(cls, percent: float) -> Self:
        """So much of the total: 0 to 100, to six decimals."""
        return cls.parse(f"{percent:.6f}%")

    @property
    def is_percentage(self) -> bool:
        """Whether it depends on the total."""
        return self._amount < 0

    def limit(self, total: int) -> int:
        """The number of items that is allowed out of `total`: the count, or the percentage rounded down."""
        if self.is_percentage:
            return (-self._amount - 1) * total // (100 * PERCENT)
        return self._amount

    def __str__(self) -> str:
        if not self.is_percentage:
            return str(self._amount)
        whole, parts = divmod(-self._amount - 1, PERCENT)
        return f"{whole}.{parts:06d}".rstrip("0").rstrip(".") + "%"

    @classmethod
    def _read(cls, value: object) -> int | None:
        if isinstance(value, str) and value.endswith("%"):
            parts = scaled(value, {"%": PERCENT}, 0)
            return -parts - 1 if parts is not None and parts <= 100 * PERCENT else None
        if isinstance(value, str) and not (value.isascii() and value.isdigit()):
            return None
        count = None if isinstance(value, float) else scaled(value, {}, 1)
        return count if count is not None and count <= LARGEST else None


def from_plain(kind: type, value: object) -> object:
    """Read a unit of the model: msgspec's `dec_hook`.

    Raises:
        ValueError: the value is none of that kind.
    """
    if issubclass(kind, Quantity):
        return kind.parse(value)
    raise NotImplementedError(kind)


def to_plain(value: object) -> str:
    """The text of a unit of the model: msgspec's `enc_hook`."""
    if isinstance(value, Quantity):
        return str(value)
    raise NotImplementedError(type(value))
