"""Real CPU and memory limits for a subprocess: a cgroup of the kernel's v1 controllers, removed afterwards.

    with limited_cgroup(cpus=1.5) as limits:
        subprocess.run(limits.command(["ftorch", "plan", "job.yaml"]))

Each use has a folder of its own, so that tests may run side by side. What still runs in the cgroup at the
end is killed.
"""

import os
import select
import signal
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import pytest

PERIOD_US = 100_000
CPU_ROOTS = (Path("/sys/fs/cgroup/cpu"), Path("/sys/fs/cgroup/cpu,cpuacct"))
MEMORY_ROOTS = (Path("/sys/fs/cgroup/memory"),)


class LimitedCgroup(NamedTuple):
    """The folders of one cgroup, one for each controller that limits it."""

    folders: tuple[Path, ...]

    @property
    def cpu(self) -> Path:
        """The folder that holds cpu.cfs_quota_us."""
        return self.folders[0]

    def command(self, argv: Sequence[str | Path]) -> list[str]:
        """Give the command line that moves itself into the cgroup and then becomes `argv`."""
        procs = [str(folder / "cgroup.procs") for folder in self.folders]
        script = 'while [ "$1" != -- ]; do echo $$ > "$1" || exit 125; shift; done; shift; exec "$@"'
        return ["/bin/sh", "-c", script, "sh", *procs, "--", *map(str, argv)]

    def set_cpus(self, cpus: float | None) -> None:
        """Change the quota, as an in-place resize does; None lifts it."""
        quota = -1 if cpus is None else round(cpus * PERIOD_US)
        (self.cpu / "cpu.cfs_quota_us").write_text(str(quota))


@contextmanager
def limited_cgroup(
    cpus: float | None, *, parent: LimitedCgroup | None = None, memory: int | None = None
) -> Iterator[LimitedCgroup]:
    """Make a cgroup with `cpus` CPUs (None: no quota) and `memory` bytes, below `parent` or at the top.

    Skips the test, with the reason, where this kernel or this user cannot make one.
    """
    folders = [_new_folder(parent.cpu if parent else _root(CPU_ROOTS, "cpu.cfs_quota_us"))]
    try:
        if memory is not None:
            folders.append(_new_folder(_root(MEMORY_ROOTS, "memory.limit_in_bytes")))
            (folders[1] / "memory.limit_in_bytes").write_text(str(memory))
        limits = LimitedCgroup(tuple(folders))
        limits.set_cpus(cpus)
        yield limits
    finally:
        for folder in folders:
            _remove(folder)


def _root(candidates: tuple[Path, ...], file: str) -> Path:
    root = next((folder for folder in candidates if (folder / file).exists()), None)
    if root is None:
        pytest.skip(f"no cgroup v1 controller is mounted at {candidates[0]}")
    if not os.access(root, os.W_OK):
        pytest.skip(f"{root} is not writable: making a cgroup needs root")
    return root


def _new_folder(parent: Path) -> Path:
    folder = parent / f"ftorch-test-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    try:
        folder.mkdir()
    except OSError as error:
        pytest.skip(f"cannot make a cgroup: {error}")
    return folder


def _remove(folder: Path) -> None:
    for line in (folder / "cgroup.procs").read_text().split():
        with suppress(ProcessLookupError):
            _kill(int(line))
    folder.rmdir()


def _kill(pid: int) -> None:
    watched = os.pidfd_open(pid)
    try:
        signal.pidfd_send_signal(watched, signal.SIGKILL)
        select.select([watched], [], [], 10)
    finally:
        os.close(watched)
