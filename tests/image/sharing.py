"""A folder that containers share with the test: who owns it, and how they tell what they do."""

import os
import select
from pathlib import Path
from typing import Self

SOMEONE = 23456


def own(folder):
    """Give a folder and all in it to SOMEONE."""
    for path in (folder, *folder.rglob("*")):
        os.chown(path, SOMEONE, SOMEONE, follow_symlinks=False)


class Mailbox:
    """A pipe that containers write lines to."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._open = -1
        self._seen = b""

    def __enter__(self) -> Self:
        os.mkfifo(self._path)
        self._open = os.open(self._path, os.O_RDWR)
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._open)
        self._path.unlink()

    def await_words(self, words: set[str]) -> None:
        """Wait until all of these came; one that never comes is a failure, not a wait for ever."""
        while lacking := words - set(self._seen.decode().split()):
            assert select.select([self._open], [], [], 120)[0], f"nothing came from {lacking}"
            self._seen += os.read(self._open, 1 << 16)
