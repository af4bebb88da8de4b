"""How a chunk's results become one token: encoded bytes that are joined, or an accumulator that is merged."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from orchestrator.engine.part import Token, length
from orchestrator.outputs.base import Encoder
from orchestrator.spec.keys import Key
from orchestrator.tasks.api import Fold


class Sink(Protocol):
    """One thread's way of keeping results. `join` of the tokens of two lists is the token of their sum."""

    @property
    def needs_keys(self) -> bool:
        """Whether `encode` looks at the keys."""
        ...

    @property
    def discards(self) -> bool:
        """Whether `discard` does anything, so that the keys of what was encoded must be kept until the chunk's end."""
        ...

    def encode(self, keys: Sequence[Key], results: Sequence[Any]) -> Any:
        """The token of some results. Raises what the encoder or the fold raises for a result it cannot take."""
        ...

    def join(self, tokens: Sequence[Any]) -> Any:
        """The token of results whose tokens these are, in order."""
        ...

    def size(self, token: Any) -> int:
        """The token's length in bytes; 0 for an accumulator."""
        ...

    def discard(self, keys: Sequence[Key]) -> None:
        """Take back what `encode` wrote for these keys, whose results are to be made again."""
        ...


class EncoderSink:
    """Tokens are bytes."""

    def __init__(self, encoder: Encoder) -> None:
        self.encode = encoder.encode
        self.needs_keys = encoder.needs_keys
        self._discard: Callable[[Sequence[Key]], None] | None = getattr(encoder, "discard", None)
        self.discards = self._discard is not None

    def join(self, tokens: Sequence[bytes]) -> bytes:
        """The bytes one after the other."""
        return tokens[0] if len(tokens) == 1 else b"".join(tokens)

    def size(self, token: Token) -> int:
        """The number of bytes, wherever they are."""
        return length(token)

    def discard(self, keys: Sequence[Key]) -> None:
        """Remove their files, where each result is one."""
        if self._discard is not None:
            self._discard(keys)


class FoldSink:
    """Tokens are accumulators."""

    needs_keys = False
    discards = False

    def __init__(self, fold: Fold) -> None:
        self._fold = fold

    def encode(self, keys: Sequence[Key], results: Sequence[Any]) -> Any:  # noqa: ARG002
        """The results added, in order, to an empty accumulator."""
        add, accumulator = self._fold.add, self._fold.zero()
        for result in results:
            accumulator = add(accumulator, result)
        return accumulator

    def join(self, tokens: Sequence[Any]) -> Any:
        """The accumulators merged, in order."""
        if not tokens:
            return self._fold.zero()
        merged, merge = tokens[0], self._fold.merge
        for token in tokens[1:]:
            merged = merge(merged, token)
        return merged

    def size(self, token: Any) -> int:  # noqa: ARG002
        """An accumulator has no place in bytes."""
        return 0

    def discard(self, keys: Sequence[Key]) -> None:
        """Nothing was written."""
