"""The file a reader has open: one at a time, checked once against the plan.

Assumes it belongs to one thread. A file that is changed in place while it is open is noticed only when it
gets shorter.
"""

import os

from orchestrator.errors import InputError
from orchestrator.inputs.base import Entry
from orchestrator.inputs.packed import HEAD, Packing, Policy, packing
from orchestrator.inputs.paths import shown


class Handle:
    """Opens the files of entries, and keeps the last one.

    Args:
        base: the folder that names are relative to.

    Attributes:
        fd: the open file.
        path: where it is, absolute.
        label: its name as text, which keys begin with.
        size: in bytes.
    """

    def __init__(self, base: bytes) -> None:
        self._base = base
        self._entry: Entry | None = None
        self.fd = -1
        self.path = ""
        self.label = ""
        self.size = 0

    def turn_to(self, entry: Entry) -> bool:
        """Open the entry's file; False if it was open already.

        Raises:
            OSError: it is gone or cannot be read.
            InputError: its size or its modification time is not the planned one.
        """
        last = self._entry
        if last is entry or (
            last is not None and last.name == entry.name and last.size == entry.size and last.mtime_ns == entry.mtime_ns
        ):
            return False
        self.close()
        self.label = os.fsdecode(entry.name)
        self.path = os.path.join(os.fsdecode(self._base), self.label)
        self.fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        found = os.fstat(self.fd)
        if (found.st_size, found.st_mtime_ns) != (entry.size, entry.mtime_ns):
            sizes = f"it had {entry.size:,} bytes and has {found.st_size:,}"
            raise self._changed(sizes if found.st_size != entry.size else "its modification time is another")
        self._entry, self.size = entry, entry.size
        return True

    def read(self, start: int, count: int) -> bytes:
        """Exactly `count` bytes from `start`.

        Raises:
            OSError: the file cannot be read.
            InputError: it has become shorter.
        """
        data = os.pread(self.fd, count, start)
        if len(data) == count:
            return data
        # One call reads at most 2 GiB, and network file systems may give less.
        parts = [data]
        while data and (count := count - len(data)):
            start += len(data)
            data = os.pread(self.fd, count, start)
            parts.append(data)
        if count:
            raise self._changed("it became shorter while it was read")
        return b"".join(parts)

    def packing(self, policy: Policy) -> Packing:
        """The open file's compression."""
        return packing(policy, os.fsencode(self.path), os.pread(self.fd, HEAD, 0))

    def close(self) -> None:
        """Close the file, if one is open."""
        fd, self.fd, self._entry = self.fd, -1, None
        if fd >= 0:
            os.close(fd)

    def _changed(self, what: str) -> InputError:
        return InputError(
            f"the file changed since the run was planned: {what}",
            where=shown(self.path),
            hint="start a new run, or bring the file back as it was",
        )
