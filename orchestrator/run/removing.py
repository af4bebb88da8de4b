"""A run is removed from where it is kept.

Guarantees: a run in a folder is gone from the list of runs before its first file is removed, so that nobody finds half
of one; of a run in a bucket the manifest goes last, so that a removal that broke off can be done again. Assumes: nobody
works on the run.
"""

import os
import shutil
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import batched
from pathlib import Path

from orchestrator.run.folder import MANIFEST
from orchestrator.run.scratch import remove_scratch
from orchestrator.store.base import Store
from orchestrator.store.local import LocalStore, unavailable

_REMOVED = ".removed-"
_AT_ONCE = 16
_BATCH = 1024


def remove_run(store: Store) -> None:
    """Remove a run with all that belongs to it but its output.

    Raises:
        StoreUnavailable: something of it cannot be removed.
    """
    if isinstance(store, LocalStore):
        _remove_folder(store.root)
        return
    remove_scratch(store.url)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        names = (name for name in store.list("") if name != MANIFEST)
        for batch in batched(names, _BATCH, strict=False):
            list(pool.map(store.delete, batch))
    store.delete(MANIFEST)


def sweep_removed(folder: Path) -> None:
    """Remove what is left of removals that were cut short."""
    with suppress(OSError):
        for path in _left_below(folder):
            shutil.rmtree(path, ignore_errors=True)


def size_of(store: Store) -> int | None:
    """How many bytes a run takes; None where only asking for each object would tell."""
    if not isinstance(store, LocalStore):
        return None
    return sum(_sizes(store.root.rglob("*")))


def _sizes(paths: Iterable[Path]) -> Iterator[int]:
    for path in paths:
        with suppress(OSError):
            yield path.lstat().st_size


def _left_below(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.name.startswith(_REMOVED)]


def _remove_folder(root: Path) -> None:
    aside = root.with_name(f"{_REMOVED}{root.name}-{os.urandom(4).hex()}")
    try:
        root.rename(aside)
        shutil.rmtree(aside)
    except OSError as error:
        raise unavailable(root, error) from error
