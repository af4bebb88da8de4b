"""Items that are not to be run again: what is known of each, and the exception that stands for it in a chunk."""

from msgspec import Struct


class Poison(Struct, frozen=True):
    """An item that killed the worker, never came back, or took all memory.

    Attributes:
        index: its number within its chunk; WHOLE_CHUNK where reading the chunk is what kills.
        kind: "Crash", "Timeout" or "Memory", told as the error's type.
        error: what happened, in words.
        stack: where it was, as far as that is known.
        attempts: how often it was tried.
    """

    index: int
    kind: str
    error: str
    stack: str
    attempts: int


class Poisoned(Exception):
    """Stands for the result of an item that was not run because it is poison."""

    def __init__(self, poison: Poison) -> None:
        super().__init__(poison.error)
        self.poison = poison
