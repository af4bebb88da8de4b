"""The first objects of a job whose input is objects, fetched once for all runs.

To be done in a copy of the process, since connections and the threads that download are not copied with it.
"""

import pickle
from pathlib import Path

from msgspec import Struct

from orchestrator.audit.races.ready import SAMPLE, Items
from orchestrator.errors import FtorchError
from orchestrator.host.memory import show_bytes
from orchestrator.inputs.base import Piece
from orchestrator.inputs.open import open_source
from orchestrator.spec.model import JobSpec

_MOST = 64 << 20


class Fetched(Struct):
    """What came: the items with their keys, pickled; or why none did."""

    items: bytes = b""
    error: str = ""

    def unpacked(self) -> Items:
        """The items, as a task gets them; they need no connection."""
        items: Items = pickle.loads(self.items)
        return items


def fetch(spec: JobSpec, base: Path) -> Fetched:
    """Fetch up to 16 objects, as far as they have 64 MiB together."""
    try:
        source = open_source(spec.input, base, spec.remote)
        pieces: list[Piece] = []
        size = passed = 0
        for entry in source.entries():
            size += entry.size
            if len(pieces) == SAMPLE or size > _MOST:
                passed = size
                break
            pieces.append(Piece(entry, 0, entry.units))
        if len(pieces) < 2 and passed > _MOST:
            return Fetched(error=f"the first two have {show_bytes(size)}, and at most {show_bytes(_MOST)} is fetched")
        reader = source.reader()
        items = [one for batch in reader.read(pieces) for one in zip(batch.keys(), batch.values, strict=True)]
        return Fetched(pickle.dumps(items))
    except (FtorchError, OSError) as error:
        return Fetched(error=" ".join(str(error).split()))
