"""CPUs, as Kubernetes counts them."""

from typing import Self

from orchestrator.spec.units import LARGEST, Quantity, scaled

MILLI = 1000
UNITS = {"": MILLI, "m": 1}


class Cpus(Quantity):
    """A number of CPUs, exact to a thousandth: ``Cpus.parse("2500m")`` is two and a half."""

    __slots__ = ()
    expected = 'a number of CPUs, such as 4, 2.5 or "2500m"'
    pattern = r"^[0-9]{1,20}(\.[0-9]{1,9})?m?$"

    @classmethod
    def of(cls, count: int) -> Self:
        """So many whole CPUs."""
        return cls.parse(count)

    @property
    def milli(self) -> int:
        """Thousandths of a CPU."""
        return self._amount

    @property
    def whole(self) -> bool:
        """Whether no fraction is left, so that a node can give CPUs of their own to the container."""
        return self._amount % MILLI == 0

    def __str__(self) -> str:
        return str(self._amount // MILLI) if self.whole else f"{self._amount}m"

    @classmethod
    def _read(cls, value: object) -> int | None:
        amount = scaled(value, UNITS, MILLI)
        return amount if amount is not None and amount <= LARGEST else None
