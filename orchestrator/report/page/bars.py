"""Bars beside their names: what was lost to each cause, how busy each thread was, how long each shard took; pure."""

from collections.abc import Sequence

from msgspec import Struct

from orchestrator.report.page.markup import Markup, element


class Bar(Struct, frozen=True):
    """A named amount.

    Attributes:
        name: what it is of.
        share: of the longest bar that there can be, 0 to 1.
        told: the amount in words.
        marked: whether it stands out.
    """

    name: str
    share: float
    told: str
    marked: bool = False


def bars(found: Sequence[Bar]) -> Markup:
    """The bars, one below the other."""
    return element("table", *map(_row, found), class_="bars")


def _row(bar: Bar) -> Markup:
    width = 100 * min(1.0, max(0.0, bar.share))
    filled = element("span", style=f"width:{width:.1f}%", class_="bar marked" if bar.marked else "bar")
    return element(
        "tr",
        element("th", bar.name, scope="row"),
        element("td", filled, class_="track"),
        element("td", bar.told, class_="told"),
    )
