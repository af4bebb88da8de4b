"""What every output format is: an encoder for each thread, and what stands around the encoded bytes.

A thread encodes the results of a chunk into bytes by itself; those bytes, joined in input order, are the
output's body. So an encoder's `encode` must be a homomorphism: encode(a + b) == encode(a) + encode(b).
"""

from collections.abc import Sequence
from typing import Any, Protocol

from orchestrator.spec.keys import Key


class Encoder(Protocol):
    """Turns results into bytes; belongs to one thread, so it may keep buffers of its own."""

    @property
    def needs_keys(self) -> bool:
        """Whether `encode` looks at the keys; where it does not, none are made and `keys` is empty."""
        ...

    def encode(self, keys: Sequence[Key], results: Sequence[Any]) -> bytes:
        """The bytes of these results, one record each; a tree writes its files and returns b"".

        Raises:
            TypeError, ValueError: a result that the format cannot hold. The caller then encodes them one by
                one to find which, so a failed call must leave nothing behind.
            OSError: a tree's file could not be written.
        """
        ...
