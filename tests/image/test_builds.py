"""Builds of the repository's Dockerfile: the same twice, and what its arguments change."""

import hashlib
import json
import os
import shutil
import stat

import pytest

from tests.image.conftest import IMAGE, RESTRICTED

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600), pytest.mark.usefixtures("image")]

AGAIN = "localhost/ftorch-again"
WHOLE = "localhost/ftorch-whole"


def tree(root):
    """Everything below a folder: kind and mode, owner, time, and content."""
    found = {}
    for base, folders, names in os.walk(root):
        for name in (*folders, *names):
            path = os.path.join(base, name)
            about = os.lstat(path)
            content = ""
            if stat.S_ISLNK(about.st_mode):
                content = os.readlink(path)
            elif stat.S_ISREG(about.st_mode):
                with open(path, "rb") as file:
                    content = hashlib.file_digest(file, "sha256").hexdigest()
            facts = (oct(about.st_mode), about.st_uid, about.st_gid, about.st_mtime_ns, content)
            found[os.path.relpath(path, root)] = facts
    return found


def inspected(containers, tag):
    """What the engine knows of an image."""
    [about] = json.loads(containers.run("podman", "image", "inspect", tag))
    return about


@pytest.fixture
def mounted(containers):
    """Gives the folder in which an image's files can be read."""
    tags = []

    def mount(tag):
        tags.append(tag)
        return containers.run("podman", "image", "mount", tag).strip()

    yield mount
    containers.run("podman", "image", "umount", *tags)


def test_two_builds_are_equal(containers, build, context, mounted, tmp_path):
    """Built again without a cache, from files of another time in another order: the same files, layers and digest."""
    other = tmp_path / "other"
    other.mkdir()
    for name in sorted(os.listdir(context), reverse=True):
        # Neither times nor the order of entries are kept.
        copy = shutil.copytree if (context / name).is_dir() else shutil.copyfile
        copy(context / name, other / name, **({"symlinks": True} if copy is shutil.copytree else {}))
    build(other, AGAIN, "--no-cache")
    assert tree(mounted(AGAIN)) == tree(mounted(IMAGE))
    one, again = inspected(containers, IMAGE), inspected(containers, AGAIN)
    assert again["RootFS"] == one["RootFS"]
    assert again["Id"] == one["Id"]


def test_the_whole_base_can_be_kept(containers, build, context):
    """ROOT=whole keeps all of the base, apt too, and its bill of materials lists every package."""
    build(context, WHOLE, ROOT="whole")
    within = ("podman", "run", "--rm", *RESTRICTED, "--entrypoint=sh", WHOLE, "-c")
    assert containers.run(*within, "apt-get --version").startswith("apt ")
    assert containers.run(*within, "ftorch --version").startswith("ftorch ")
    packages = containers.run(*within, "dpkg-query -W -f '${Package} ${Version}\\n'").splitlines()
    bill = json.loads(containers.run(*within, "cat /opt/python/share/sbom/ftorch.cdx.json"))
    listed = [
        f"{one['name']} {one['version']}" for one in bill["components"] if one.get("purl", "").startswith("pkg:deb")
    ]
    assert sorted(listed) == sorted(packages)
    assert len(packages) > 80
