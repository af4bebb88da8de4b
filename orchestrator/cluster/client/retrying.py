"""A change again where another one came first: 409, "the object has been modified"."""

import time
from collections.abc import Callable

from orchestrator.cluster.client.refusals import Overtaken

_TRIES = 6
_PAUSE = 0.05


def again[T](change: Callable[[], T], tries: int = _TRIES) -> T:
    """What `change` gives, tried again after pauses that double (0.05 s to 0.8 s) where it was overtaken.

    Raises:
        Overtaken: it was, each time.
    """
    for at in range(tries - 1):
        try:
            return change()
        except Overtaken:
            time.sleep(_PAUSE * 2**at)
    return change()
