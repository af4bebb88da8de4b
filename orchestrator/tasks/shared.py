"""What tasks may share between threads that Python itself does not make safe: an iterator.

Guarantees: each value of a serialised iterator goes to one caller, whole, and no two threads are inside the iterator at
once. Assumes: nobody else uses the iterator that was given. A `for` loop of two threads over one generator can crash
free-threaded 3.14, and raises ValueError before and after.
"""

import threading
from collections.abc import Iterable, Iterator
from typing import Any


def serialize_iterator[T](iterable: Iterable[T]) -> Iterator[T]:
    """Make an iterator that threads may share: one at a time is let in. A generator keeps `send`, `throw` and `close`.

    From Python 3.15 on it is `threading.serialize_iterator` itself; before, the same.
    """
    made: Iterator[T] = getattr(threading, "serialize_iterator", _Serialized)(iterable)
    return made


class _Serialized[T]:
    """3.15's `threading.serialize_iterator`, for the Pythons before it."""

    __slots__ = ("_iterator", "_lock")

    def __init__(self, iterable: Iterable[T]) -> None:
        self._iterator: Any = iter(iterable)
        self._lock = threading.Lock()

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        with self._lock:
            value: T = next(self._iterator)
            return value

    def send(self, value: Any, /) -> T:
        """Send a value to the generator."""
        with self._lock:
            given: T = self._iterator.send(value)
            return given

    def throw(self, *error: Any) -> T:
        """Raise an exception inside the generator."""
        with self._lock:
            given: T = self._iterator.throw(*error)
            return given

    def close(self) -> None:
        """End the generator."""
        with self._lock:
            self._iterator.close()
