"""Small files in the user's cache folder: read if they are there, written if they can be; never an error."""

import os
import sys
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec


def cache_path(kind: str, about: str = "") -> Path:
    """Where something about this interpreter's environment is kept (XDG Base Directory Specification)."""
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    key = zlib.crc32(os.fsencode(f"{sys.prefix}\0{sys.version}\0{about}"))
    return Path(base).expanduser() / "ftorch" / "audit" / f"{kind}-{key:08x}.json"


def read_cache[T](path: Path, kind: type[T]) -> T | None:
    """What was kept there; None where there is nothing, or nothing that can be read."""
    with suppress(OSError, msgspec.MsgspecError, UnicodeDecodeError, RuntimeError):
        return msgspec.json.decode(path.read_bytes(), type=kind)
    return None


def write_cache(path: Path, value: Any) -> None:
    """Replace a cache file as a whole; one that cannot be written is left as it is."""
    # A name that is no Unicode has no place in JSON.
    with suppress(OSError, UnicodeEncodeError):
        data = msgspec.json.encode(value)
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_name(f".new-{os.getpid()}-{path.name}")
        try:
            new.write_bytes(data)
            os.replace(new, path)
        except BaseException:
            new.unlink(missing_ok=True)
            raise
