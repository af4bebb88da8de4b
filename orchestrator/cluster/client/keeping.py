"""What pods left behind, kept on this machine before Kubernetes forgets it.

One line of JSON for each pod, appended when it ends: `.ftorch/cluster/<run>/pods.jsonl` below the folder of the job
file, or below the current one. A line that was cut by a crash is passed over, and written again when the pod is seen
again.
"""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from orchestrator.cluster.watching import PodEnd

FOLDER = ".ftorch/cluster"
PODS = "pods.jsonl"


class Kept:
    """The pods of one run that have ended, each once."""

    def __init__(self, base: Path, run: str) -> None:
        self.file = base / FOLDER / run / PODS
        self._uids = {end.uid for end in self.read()}

    def add(self, end: PodEnd) -> None:
        """Keep what a pod left behind, unless that was done.

        Raises:
            OSError: it cannot be written.
        """
        if end.uid in self._uids:
            return
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with self.file.open("ab") as file:
            if file.tell() and not _ends_with_newline(self.file):
                file.write(b"\n")
            file.write(msgspec.json.encode(end) + b"\n")
        self._uids.add(end.uid)

    def read(self) -> list[PodEnd]:
        """All of them, in the order in which they were seen to end."""
        return list(self.each())

    def each(self) -> Iterator[PodEnd]:
        """The same, one at a time."""
        if not self.file.exists():
            return
        with self.file.open("rb") as file:
            for line in file:
                try:
                    yield msgspec.json.decode(line, type=PodEnd)
                except msgspec.MsgspecError:
                    continue


def _ends_with_newline(file: Path) -> bool:
    with file.open("rb") as opened:
        opened.seek(-1, 2)
        return opened.read(1) == b"\n"
