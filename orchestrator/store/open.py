"""From where a run is kept to its store: a folder's path or a URL."""

from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.errors import JobError
from orchestrator.store.base import Store
from orchestrator.store.local import LocalStore
from orchestrator.store.memory import MemoryStore
from orchestrator.store.places import Place, is_url, parse_place

if TYPE_CHECKING:
    from orchestrator.store.access import Access

_MEMORY: dict[str, MemoryStore] = {}


def open_store(where: Path | str, access: Access | None = None) -> Store:
    """The store at a path or URL; nothing is asked of it yet.

    Args:
        where: a folder, or file://, s3://, gs://, az://, http(s):// (to read only), memory:// (this process alone).
        access: how a bucket is reached; without it, as the environment says.

    Raises:
        JobError: it is no such URL.
        MissingExtra: obstore is not installed.
        MachineError: there are no credentials.
    """
    if isinstance(where, Path) or not is_url(where):
        return LocalStore(Path(where))
    place = parse_place(where)
    if place.scheme == "file":
        return LocalStore(folder_of(place))
    if place.scheme == "memory":
        return _MEMORY.setdefault(place.url, MemoryStore())
    from orchestrator.store.access import Usual
    from orchestrator.store.remote import RemoteStore

    return RemoteStore(place, Usual() if access is None else access)


def stores_below(url: str, access: Access | None = None) -> list[Store]:
    """The stores just below a URL, by name; there need not be a run in each.

    Raises:
        JobError: it is a kind of URL below which nothing can be listed.
        And what `open_store` raises.
    """
    place = parse_place(url)
    if place.scheme == "file":
        folder = folder_of(place)
        entries = sorted(folder.iterdir()) if folder.is_dir() else []
        names = [entry.name for entry in entries if entry.is_dir() and not entry.name.startswith(".")]
        return [LocalStore(folder / name) for name in names]
    if place.scheme not in ("s3", "gs", "az"):
        raise JobError(f"runs cannot be listed below {place.scheme}://", where=url, hint="Name a run.")
    from orchestrator.store.access import Usual
    from orchestrator.store.remote import RemoteStore

    access = Usual() if access is None else access
    return [RemoteStore(place.below(name), access) for name in RemoteStore(place, access).folders()]


def folder_of(place: Place) -> Path:
    """The folder that a file URL names."""
    return Path("/", place.path)


def whereabouts(where: str) -> Path | str:
    """What a user wrote for a run's place: a URL in its usual form, or a path; a file URL becomes its path.

    Raises:
        JobError: it is a URL that can be none.
    """
    if not is_url(where):
        return Path(where)
    place = parse_place(where)
    return folder_of(place) if place.scheme == "file" else place.url
