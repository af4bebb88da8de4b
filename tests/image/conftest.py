"""The image of the repository's Dockerfile, built once from this interpreter, on a base made by debootstrap.

Rootful podman and buildah with runc, their storage below .cache/image: a second run builds only what changed.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.command import ROOT, Place

CACHE = ROOT / ".cache/image"
PROGRAMS = ("podman", "buildah", "runc", "debootstrap")
CONTAINED = (
    "orchestrator",
    "pyproject.toml",
    "requirements.lock",
    "README.md",
    "LICENSE",
    "Dockerfile",
    ".dockerignore",
)
# Without systemd, and with limits that a container may have.
CONTAINERS = """
[containers]
default_ulimits = ["nofile=20000:20000", "nproc=4096:4096"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
"""
# As Debian's own slim image, whose packages have no manuals but keep their copyright files.
LEFT_OUT = (
    "usr/share/doc/*/[!c]*",
    "usr/share/doc/*/changelog*",
    "usr/share/man",
    "usr/share/locale",
    "var/cache",
    "var/lib/apt/lists",
    "etc/hostname",
    "etc/resolv.conf",
)
STORAGE = '[storage]\ndriver = "overlay"\ngraphroot = "{}"\nrunroot = "{}"\n'


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """An empty folder."""
    return Place(tmp_path)


@dataclass(frozen=True)
class Containers:
    """Podman and buildah with a storage of their own."""

    environment: dict[str, str]
    folder: Path

    def run(self, *command: str | Path, expect: int = 0) -> str:
        """Run a program to its end; what it printed to standard output."""
        ended = subprocess.run(
            [*map(str, command)],
            check=False,
            env=self.environment,
            cwd=self.folder,  # where conmon leaves a file named oom
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )
        assert ended.returncode == expect, f"exit {ended.returncode}\n{ended.stdout[-3000:]}\n{ended.stderr[-3000:]}"
        return ended.stdout

    def ftorch(self, *command: str | Path, options: tuple[str | Path, ...] = (), expect: int = 0) -> str:
        """Run a command of the image, in a container that may do as little as a restricted pod's."""
        return self.run("podman", "run", "--rm", *RESTRICTED, *options, IMAGE, *command, expect=expect)


IMAGE = "localhost/ftorch"
RESTRICTED = ("--pull=never", "--network=none", "--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges")


@pytest.fixture(scope="session")
def containers():
    """Podman and buildah, where they can be run; what they leave mounted is unmounted."""
    lacking = [name for name in PROGRAMS if shutil.which(name) is None]
    if os.geteuid() != 0 or lacking:
        pytest.skip(f"building and running images here takes root, and {' '.join(lacking or PROGRAMS)}")
    if not sysconfig.get_config_var("Py_GIL_DISABLED") or sys.version_info[:2] != (3, 14) or sys.base_prefix == "/usr":
        pytest.skip("the image takes a free-threaded 3.14 in a folder of its own, as tools/setup builds it")
    CACHE.mkdir(parents=True, exist_ok=True)
    running = Path(tempfile.mkdtemp(prefix="ftorch-containers-"))
    (running / "containers.conf").write_text(CONTAINERS)
    (running / "storage.conf").write_text(STORAGE.format(CACHE / "storage", running))
    settings = {
        "CONTAINERS_CONF": str(running / "containers.conf"),
        "CONTAINERS_STORAGE_CONF": str(running / "storage.conf"),
    }
    yield Containers({**os.environ, **settings}, running)
    subprocess.run(["umount", CACHE / "storage/overlay"], check=False, capture_output=True)
    shutil.rmtree(running, ignore_errors=True)


@pytest.fixture(scope="session")
def base(containers):
    """A Debian like this one, with what the image's interpreter is linked to; no image is pulled."""
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", "")
    [packages] = re.findall(r'^ARG RUNTIME_PACKAGES="(.*)"', text, re.MULTILINE)
    kind = hashlib.sha256(f"{packages} {LEFT_OUT}".encode()).hexdigest()[:12]
    archive, base = CACHE / f"base-{kind}.tar", f"localhost/base:{kind}"
    if not archive.exists():
        _debootstrap(archive, [*packages.split(), "binutils"])
    if not containers.run("podman", "images", "--quiet", base).strip():
        containers.run("podman", "import", "--quiet", archive, base)
    command = ["podman", "run", "--rm", *RESTRICTED, base, "true"]
    tried = subprocess.run(command, check=False, env=containers.environment, capture_output=True, text=True)
    if tried.returncode:
        pytest.skip(f"podman starts no container here: {tried.stderr[-300:]}")
    return base


def _debootstrap(archive, packages):
    release = dict(re.findall(r'^(\w+)="?([^"\n]*)', Path("/etc/os-release").read_text(), re.MULTILINE))
    addresses = subprocess.run(
        ["apt-get", "indextargets", "-o", "APT::Get::IndexTargets::ReleaseInfo=false", "--format", "$(REPO_URI)"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        made = subprocess.run(
            [
                "debootstrap",
                "--variant=minbase",
                f"--include={','.join(packages)}",
                release["VERSION_CODENAME"],
                folder,
                next(address for address in addresses if "security" not in address),
            ],
            check=False,
            capture_output=True,
            text=True,
        )
        if made.returncode:
            pytest.skip(f"debootstrap makes no base here: {made.stdout[-300:]} {made.stderr[-300:]}")
        without = [f"--exclude=./{path}" for path in LEFT_OUT]
        subprocess.run(["tar", "-C", folder, *without, "-cf", f"{archive}.new", "."], check=True)
        os.rename(f"{archive}.new", archive)


@pytest.fixture(scope="session")
def context(containers, tmp_path_factory):
    """What the Dockerfile is built from, in a folder of its own, with this interpreter given."""
    context = tmp_path_factory.mktemp("context")
    for name in CONTAINED:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy2
        copy(ROOT / name, context / name)
    for name in ("tools/setup", "tools/setup.d", "tools/image"):
        (shutil.copytree if (ROOT / name).is_dir() else _copy_file)(ROOT / name, context / name)
    given = context / "tools/image/given/interpreter"
    shutil.rmtree(given, ignore_errors=True)
    shutil.copytree(sys.base_prefix, given, symlinks=True)
    subprocess.run([context / "tools/image/trim", given], check=True)
    yield context
    shutil.rmtree(context, ignore_errors=True)


@pytest.fixture(scope="session")
def wheels(context):
    """The folder of the wheels that the image's packages come from, fetched with this machine's pip settings."""
    [extras] = re.findall(r'^ARG EXTRAS="(.*)"', (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    locked = subprocess.run(
        [sys.executable, ROOT / "tools/image/locked.py", ROOT, *extras.split()], check=True, stdout=subprocess.PIPE
    ).stdout
    lock = context.parent / "lock"
    lock.write_bytes(locked)
    wheels = CACHE / "wheels"
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--require-hashes", "--no-deps", "-d", wheels]
    subprocess.run([*pip, "-r", lock], check=True)
    return wheels


@pytest.fixture(scope="session")
def build(containers, base, wheels):
    """Builds a context with the repository's Dockerfile, without a network."""

    def built(context: Path, tag: str, *options: str, **arguments: str) -> str:
        arguments |= {"BASE": base, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "/wheels"}
        given = [f"--build-arg={name}={value}" for name, value in arguments.items()]
        command = (
            "buildah",
            "bud",
            "--layers",
            "--timestamp=0",
            "--network=none",
            "--pull-never",
            f"--volume={wheels}:/wheels:ro",
            "-t",
            tag,
        )
        return containers.run(*command, *given, *options, context)

    return built


@pytest.fixture(scope="session")
def image(build, context):
    """The Dockerfile's image, tagged IMAGE; what did not change since an earlier build is not built again."""
    build(context, IMAGE)
    return IMAGE


def _copy_file(source, target):
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target)
