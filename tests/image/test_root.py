"""The image's root folder: a few Debian packages, what they are linked to, and nothing that no program needs."""

import os
import shutil
import subprocess
import sys

import pytest

from tests.command import ROOT
from tools.image.root import NEEDLESS, NEVER, provided, status

SCRIPT = ROOT / "tools/image/root.py"


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("usr/bin/bash", True),
        ("usr/share/doc/bash", True),
        ("usr/share/doc/bash/copyright", True),
        ("usr/share/doc/bash/README.gz", False),
        ("usr/share/man", False),
        ("usr/share/man/man1/bash.1.gz", False),
        ("usr/share/zoneinfo/Europe/Berlin", True),
        ("usr/share/zoneinfo/right/Europe/Berlin", False),
        ("usr/lib/x86_64-linux-gnu/gconv/gconv-modules.cache", True),
        ("usr/lib/x86_64-linux-gnu/gconv/UTF-16.so", True),
        ("usr/lib/x86_64-linux-gnu/gconv/BIG5.so", False),
        ("proc", True),
        ("proc/1", False),
        ("tmp", True),
        ("tmp/left", False),
        ("etc/hosts", False),
        ("etc/resolv.conf", False),
        ("opt/python/bin", False),
        ("opt", True),
    ],
)
def test_what_a_package_brings(path, kept):
    """Programs, data and licences; no manuals, nothing of the machine that builds."""
    assert (not NEEDLESS.match(path) and not NEVER.match(path)) is kept


def test_the_status_of_what_is_kept():
    """Dpkg's status keeps the paragraphs of the packages that are kept, as they are."""
    text = "Package: a\nVersion: 1\nDescription: x\n .\n y\n\nPackage: ab\nVersion: 2\n\nPackage: c\nVersion: 3\n"
    assert status(text, {"a", "c"}) == "Package: a\nVersion: 1\nDescription: x\n .\n y\n\nPackage: c\nVersion: 3\n\n"
    assert status(text, set()) == ""


def test_a_package_may_stand_for_another():
    """A name means the package of that name, else one that provides it."""
    text = "Package: libssl3t64\nProvides: libssl3 (= 3.5), x\n\nPackage: x\nDescription: y\n Provides: z\n"
    assert provided(text) == {"libssl3t64": "libssl3t64", "libssl3": "libssl3t64", "x": "x"}
    turned = "\n\n".join(reversed(text.strip().split("\n\n")))
    assert provided(turned) == provided(text)


@pytest.fixture
def debian():
    """Skips where no such root can be made."""
    if os.geteuid() != 0 or shutil.which("dpkg-query") is None:
        pytest.skip("making a root folder of packages takes root on Debian or Ubuntu")


def made(target, *names):
    """Run the script."""
    script = [sys.executable, "-I", SCRIPT, target, *names]
    return subprocess.run(script, check=False, capture_output=True, text=True)


def test_programs_run_within_it(debian, tmp_path):
    """A shell and what it is linked to, though only the shell was named; a program that was there before, too."""
    inside = tmp_path / "opt/programs"
    inside.mkdir(parents=True)
    shutil.copy2("/usr/bin/tar", inside)
    done = made(tmp_path, "base-files", "bash")
    assert done.returncode == 0, done.stderr
    assert {"libc6", "libtinfo6", "libselinux1"} <= set(done.stdout.split())
    command = ["chroot", tmp_path, "/bin/bash", "-c", "/opt/programs/tar --version && echo well > /tmp/said"]
    assert subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout.startswith(b"tar ")
    assert (tmp_path / "tmp/said").read_text() == "well\n"
    assert not list(tmp_path.glob("usr/bin/apt*"))


def test_what_cannot_be_kept_is_told(debian, tmp_path):
    """A package that is not installed, and a library of no package, end the build with their names."""
    done = made(tmp_path, "bash", "no-such-package")
    assert (done.returncode, done.stderr) == (1, "not installed, so the image cannot keep it: no-such-package\n")
    library = tmp_path / "libc.so.6"
    shutil.copy2(next(iter(_libc())), library)
    program = tmp_path / "target/program"
    program.parent.mkdir()
    shutil.copy2("/bin/true", program)
    environment = os.environ | {"LD_LIBRARY_PATH": str(tmp_path)}
    script = [sys.executable, "-I", SCRIPT, program.parent, "base-files"]
    done = subprocess.run(script, check=False, capture_output=True, text=True, env=environment)
    assert done.returncode == 1
    assert f"{library} belongs to no Debian package" in done.stderr


def _libc():
    listed = subprocess.run(["ldd", "/bin/true"], check=True, stdout=subprocess.PIPE, text=True).stdout
    return [word for word in listed.split() if word.startswith("/") and "/libc.so" in word]
