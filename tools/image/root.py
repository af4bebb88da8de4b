"""Make the root folder of the image: of Debian's packages those that are kept, and what they and Python are linked to.

    python tools/image/root.py TARGET NAME…

TARGET may hold programs of our own already (/opt/python): the libraries that they need come too. A package brings what
it installed and is needed to run: no manuals, no translations. Its copyright file and its paragraph in dpkg's status
stay, so that scanners know it. Without names all of the root that this runs in is kept, apt included.
"""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

STATUS = "var/lib/dpkg/status"
# Made by the packages' scripts when they were installed, so that no package lists them.
MADE = (
    "etc/group",
    "etc/ld.so.conf",
    "etc/localtime",
    "etc/nsswitch.conf",
    "etc/passwd",
    "etc/profile",
    "etc/timezone",
)
CERTIFICATES = "etc/ssl/certs"
# Of the character sets that iconv knows, those stay that Debian has in libc6 itself from release 13 on.
NEEDLESS = re.compile(
    r"usr/share/(man|info|locale|lintian|bash-completion|menu|bug|base-files)(/|$)"
    r"|usr/share/doc/[^/]+/(?!copyright$)"
    r"|usr/share/zoneinfo/(right|posix)(/|$)"
    r"|usr/lib/[^/]+/gconv/(?!gconv-modules|(CP1252|ISO8859-15?|UNICODE|UTF-16|UTF-32|UTF-7)\.so$)"
    r"|etc/(update-motd\.d|skel|init\.d|cron\..*)(/|$)"
)
# What an engine writes anew for each container, what is mounted, and what is there for the build alone.
NEVER = re.compile(
    r"(proc|sys|dev|run|tmp)/|(image|notes|src|opt/python)(/|$)|(etc/(hosts|hostname|resolv\.conf)|\.dockerenv)$"
)
_LINKED = re.compile(r"^\t(?:\S+ => )?(/\S+) \(0x", re.MULTILINE)


def installed() -> dict[str, list[str]]:
    """The paths that each installed package lists, by its name."""
    return dict(_listed(Path("/var/lib/dpkg/info")))


def provided(text: str) -> dict[str, str]:
    """Which package of dpkg's status stands for a name: itself, or one that provides it (libssl3t64 libssl3)."""
    found: dict[str, str] = {}
    for one in text.strip().split("\n\n"):
        fields = dict(line.partition(": ")[::2] for line in one.splitlines() if not line.startswith(" "))
        others = [name.split()[0] for name in fields.get("Provides", "").split(",") if name.strip()]
        found |= {name: fields["Package"] for name in others if name not in found} | {
            fields["Package"]: fields["Package"]
        }
    return found


def _listed(folder: Path) -> Iterator[tuple[str, list[str]]]:
    for file in sorted(folder.glob("*.list")):
        lines = file.read_text(encoding="utf-8").splitlines()
        yield file.stem.partition(":")[0], [_plain(line) for line in lines if line != "/."]


def _plain(path: str) -> str:
    """A path without the leading slash, as it is there: /lib/x and /usr/lib/x are one file where /lib is a link."""
    folder, name = os.path.split(path)
    return os.path.join(os.path.realpath(folder), name).lstrip("/")


def closed(names: Iterable[str], packages: dict[str, list[str]], programs: Path) -> set[str]:
    """These packages, and all whose libraries they, or what is below `programs`, are linked to.

    Raises:
        SystemExit: one of them is not installed, or a library belongs to no package.
    """
    lacking = sorted(set(names) - set(packages))
    if lacking:
        raise SystemExit(f"not installed, so the image cannot keep it: {' '.join(lacking)}")
    owners = {path: name for name, paths in packages.items() for path in paths if ".so" in path}
    linked = libraries(str(path) for path in programs.rglob("*"))
    kept: set[str] = set()
    new = set(names) | {_owner(owners, path) for path in linked if not path.startswith(str(programs))}
    while new:
        kept |= new
        linked = libraries(f"/{path}" for name in new for path in packages[name])
        new = {_owner(owners, path) for path in linked} - kept
    return kept


def _owner(owners: dict[str, str], library: str) -> str:
    found = owners.get(_plain(os.path.realpath(library)))
    if found is None:
        raise SystemExit(f"{library} belongs to no Debian package, so the image would lack it, but a program needs it")
    return found


def libraries(paths: Iterable[str]) -> set[str]:
    """The shared libraries that the loader finds for these files; what is no program is passed over."""
    programs = [path for path in paths if _is_elf(path)]
    if not programs:
        return set()
    # It fails where one of many is linked to nothing.
    listed = subprocess.run(
        ["ldd", *programs], check=False, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    return set(_LINKED.findall(listed.stdout))


def _is_elf(path: str) -> bool:
    if os.path.islink(path) or not os.path.isfile(path):
        return False
    with open(path, "rb") as file:
        return file.read(4) == b"\x7fELF"


def chosen(kept: set[str], packages: dict[str, list[str]]) -> list[str]:
    """The paths of the packages that are kept, and what their scripts made."""
    top = [entry.name for entry in os.scandir("/") if entry.is_symlink()]
    made = [str(path)[1:] for path in Path("/", CERTIFICATES).rglob("*")]
    legal = {os.path.realpath(f"/usr/share/doc/{name}/copyright")[1:] for name in kept}
    listed = {path for name in kept for path in packages[name] if not NEEDLESS.match(path)}
    paths = {*top, *MADE, CERTIFICATES, *made, *legal, *map(os.path.dirname, legal), *listed}
    return sorted(path for path in paths if os.path.lexists(f"/{path}") and not NEVER.match(path))


def whole() -> list[str]:
    """All that is in the root itself; what is mounted in it is not."""
    find = ["find", "/", "-xdev", "-mindepth", "1", "-printf", "%P\\0"]
    listed = subprocess.run(find, check=True, stdout=subprocess.PIPE)
    return sorted(path for path in os.fsdecode(listed.stdout).split("\0") if path and not NEVER.match(path))


def copy(paths: list[str], target: Path) -> None:
    """Copy these, as they are: owners, modes, links."""
    with tempfile.NamedTemporaryFile() as names:
        names.write(b"".join(os.fsencode(f"{path}\0") for path in paths))
        names.flush()
        given = ["--no-recursion", "--null", "--verbatim-files-from", f"--files-from={names.name}"]
        with subprocess.Popen(["tar", "--create", "--directory=/", *given], stdout=subprocess.PIPE) as reading:
            taken = ["tar", "--extract", "--preserve-permissions", "--numeric-owner", f"--directory={target}"]
            subprocess.run(taken, check=True, stdin=reading.stdout)
    if reading.returncode:
        raise SystemExit(f"{target}: tar could not read all that the image keeps")


def status(text: str, kept: set[str]) -> str:
    """Of dpkg's status the paragraphs of these packages."""
    paragraphs = text.strip().split("\n\n")
    return "".join(f"{one}\n\n" for one in paragraphs if one.partition("\n")[0].removeprefix("Package: ") in kept)


def main(target: Path, names: list[str]) -> None:
    """Fill the target, and print which packages came."""
    packages = installed()
    told = Path("/", STATUS).read_text(encoding="utf-8")
    stands = provided(told)
    kept = closed([stands.get(name, name) for name in names], packages, target) if names else set(packages)
    copy(chosen(kept, packages) if names else whole(), target)
    written = target / STATUS
    written.parent.mkdir(parents=True, exist_ok=True)
    written.write_text(status(told, kept), encoding="utf-8")
    subprocess.run(["ldconfig", "-r", target, "-X"], check=True)
    (target / "var/cache/ldconfig/aux-cache").unlink(missing_ok=True)
    print(f"{len(kept)} Debian packages: {' '.join(sorted(kept))}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
