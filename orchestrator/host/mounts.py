"""Where a process's cgroups can be read: /proc/self/cgroup joined with /proc/self/mountinfo.

/proc/self/cgroup names the process's cgroup in each hierarchy; mountinfo says which part of a hierarchy is
mounted where. Joined, they give the folders of the process's own cgroup and of every ancestor up to the root
of the mount: what lies above cannot be seen from here. Formats: man 5 proc_pid_cgroup, proc_pid_mountinfo;
man 7 cgroup_namespaces for paths that begin with ``/..``.
"""

import re
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from msgspec import Struct

_OCTAL = re.compile(r"\\([0-7]{3})")


class CgroupEntry(Struct, frozen=True):
    """One line of /proc/self/cgroup; `controllers` is empty for the v2 hierarchy."""

    controllers: tuple[str, ...]
    path: str


class CgroupMount(Struct, frozen=True):
    """One mounted cgroup hierarchy: the part below `root` is seen at `point`; no controllers means v2."""

    root: str
    point: str
    controllers: tuple[str, ...]
    version: int


class Level(Struct, frozen=True):
    """A cgroup of this process that can be read: its place on this machine, and the folder to read it in."""

    where: str
    folder: Path
    version: int


def parse_cgroup(text: str) -> tuple[CgroupEntry, ...]:
    """Read the lines ``id:controllers:path``; lines of any other form are passed over."""
    entries = []
    for line in text.split("\n"):
        parts = line.split(":", 2)
        if len(parts) != 3 or not parts[0].isdigit() or not parts[2].startswith("/"):
            continue
        controllers = tuple(name for name in parts[1].split(",") if name)
        entries.append(CgroupEntry(controllers, parts[2]))
    return tuple(entries)


def parse_mountinfo(text: str) -> tuple[CgroupMount, ...]:
    """Read the cgroup mounts; a mount point that was mounted over counts as what was mounted last."""
    mounts: dict[str, CgroupMount | None] = {}
    for line in text.split("\n"):
        fields = line.split(" ")
        if len(fields) < 9 or "-" not in fields[6:]:
            continue
        point = _unescape(fields[4])
        if not point.startswith("/") or "/../" in f"{point}/":
            continue
        dash = fields.index("-", 6)
        kind, options = fields[dash + 1 : dash + 2], fields[dash + 3 :]
        # Not the dict's update alone: a later mount must also come later in the order.
        mounts.pop(point, None)
        mounts[point] = _cgroup_mount(kind, _unescape(fields[3]), point, options)
    return tuple(mount for mount in mounts.values() if mount)


def visible_levels(
    controller: str, entries: Iterable[CgroupEntry], mounts: Iterable[CgroupMount], root: Path
) -> tuple[Level, ...]:
    """List the cgroups that bind this process for one controller, its own first, its highest visible
    ancestor last.

    A v1 hierarchy with the controller and the v2 hierarchy may both be there (hybrid); the levels of both are
    given. Where one hierarchy is mounted more than once, every mount counts (one may show the container's
    cgroup, another what lies above it), and a cgroup that several show is given once. Reads only what folders
    there are, below `root`.
    """
    levels: list[Level] = []
    known = tuple(mounts)
    for entry in entries:
        if entry.controllers and controller not in entry.controllers:
            continue
        suits = (mount for mount in known if _shows(mount, entry, controller))
        chains = sorted((_chain(mount, entry.path, root) for mount in suits), key=len, reverse=True)
        levels.extend(_distinct(level for chain in chains for level in chain))
    return tuple(levels)


def path_below(root: str, path: str) -> tuple[str, ...] | None:
    """Give the names that lead from a mount's root to a cgroup, or None where the cgroup does not lie below
    it.

    In a cgroup namespace both may begin with ``/..``, one for each level above the namespace's root. A mount
    rooted above the namespace shows the cgroup, but under names nobody can know from inside: the answer is
    then ``()``, the mount's root, which is an ancestor of the cgroup.
    """
    root_ups, root_names = _split(root)
    path_ups, path_names = _split(path)
    if root_ups > path_ups:
        return None if root_names else ()
    if root_ups < path_ups or path_names[: len(root_names)] != root_names:
        return None
    return path_names[len(root_names) :]


def read_text(path: Path, errors: str = "backslashreplace") -> str | None:
    """Read a small file whole, or None where that is not possible; bytes that are no UTF-8 do not raise."""
    try:
        return path.read_text(encoding="utf-8", errors=errors, newline="")
    except OSError, ValueError:
        return None


def below(root: Path, place: str) -> Path:
    """Turn an absolute path of the machine into one under `root`."""
    return root / place.lstrip("/")


def read_mounts(root: Path) -> tuple[tuple[CgroupEntry, ...], tuple[CgroupMount, ...]]:
    """Read both files of this process; what is missing gives nothing. Names keep bytes that are no UTF-8."""
    cgroup = read_text(root / "proc/self/cgroup", errors="surrogateescape")
    mountinfo = read_text(root / "proc/self/mountinfo", errors="surrogateescape")
    return parse_cgroup(cgroup or ""), parse_mountinfo(mountinfo or "")


def printable(name: str) -> str:
    """Write a name so that it can be shown and encoded: bytes that are no UTF-8 become escapes."""
    return name.encode("utf-8", "backslashreplace").decode()


def _cgroup_mount(kind: list[str], root: str, point: str, options: list[str]) -> CgroupMount | None:
    if kind == ["cgroup2"]:
        return CgroupMount(root, point, (), 2)
    if kind == ["cgroup"]:
        return CgroupMount(root, point, tuple(options[-1].split(",")) if options else (), 1)
    return None


def _shows(mount: CgroupMount, entry: CgroupEntry, controller: str) -> bool:
    if entry.controllers:
        return mount.version == 1 and controller in mount.controllers
    return mount.version == 2


def _chain(mount: CgroupMount, path: str, root: Path) -> tuple[Level, ...]:
    names = path_below(mount.root, path)
    if names is None:
        return ()
    point = PurePosixPath(mount.point)
    places = [str(point.joinpath(*names[:depth])) for depth in range(len(names), -1, -1)]
    found = (Level(printable(place), below(root, place), mount.version) for place in places)
    return tuple(level for level in found if level.folder.is_dir())


def _distinct(levels: Iterable[Level]) -> Iterable[Level]:
    seen: set[int] = set()
    for level in levels:
        try:
            # Unique in a hierarchy, and the same through each of its mounts; the device is not.
            number = level.folder.stat().st_ino
        except OSError:
            continue
        if number not in seen:
            seen.add(number)
            yield level


def _split(path: str) -> tuple[int, tuple[str, ...]]:
    names = [name for name in path.split("/") if name and name != "."]
    ups = next((count for count, name in enumerate(names) if name != ".."), len(names))
    # A ".." after a name cannot come from the kernel; followed, it would lead out of the mount.
    return ups, tuple(name for name in names[ups:] if name != "..")


def _unescape(field: str) -> str:
    return _OCTAL.sub(lambda code: chr(int(code[1], 8)), field)
