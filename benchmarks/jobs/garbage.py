"""Tasks that make many container objects: kept by each thread, dropped with the item, or garbage in cycles."""

import threading

_OWN = threading.local()
_MOST_KEPT = 400_000


def kept(item: int) -> int:
    """Add 5,000 lists to those that this thread keeps, and compute a little; 400,000 are dropped at once."""
    if not hasattr(_OWN, "kept") or len(_OWN.kept) > _MOST_KEPT:
        _OWN.kept = []
    _OWN.kept.extend([number] for number in range(5_000))
    return sum(number * item for number in range(2_000))


def dropped(item: int) -> int:
    """Make 20,000 dicts, and drop them."""
    return len([{"item": item, "number": number} for number in range(20_000)])


def cycles(item: int) -> int:
    """Make 5,000 lists that hold themselves."""
    for _ in range(5_000):
        ring: list[object] = []
        ring.append(ring)
    return item
