"""Says where requirements.lock is not what pyproject.toml asks for; needs no network.

Call it from the repository's root: prints each disagreement and ends with 1, or prints nothing.
"""

import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

PIN = re.compile(r"(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;]+)\s")


def requirements(pyproject: str) -> Iterator[Requirement]:
    """Every requirement of a pyproject.toml: to build, to run, and of each extra."""
    tree = tomllib.loads(pyproject)
    project = tree["project"]
    texts = [*tree["build-system"]["requires"], *project.get("dependencies", [])]
    for extra in project.get("optional-dependencies", {}).values():
        texts += extra
    return map(Requirement, texts)


def disagreements(pyproject: str, lock: str) -> list[str]:
    """What a lock lacks or has otherwise than its project wants, a sentence each; empty if they agree."""
    pins: dict[str, str] = {}
    found = []
    for entry in lock.replace("\\\n", " ").splitlines():
        pin = PIN.match(entry)
        if pin:
            pins[canonicalize_name(pin["name"])] = pin["version"]
            if "--hash=sha256:" not in entry:
                found.append(f"{pin['name']} is locked without a hash")
        elif entry and not entry.startswith("#"):
            found.append(f"not a version and its hashes: {entry}")
    for wanted in requirements(pyproject):
        version = pins.get(canonicalize_name(wanted.name))
        if version is None:
            found.append(f"{wanted.name} is in pyproject.toml and not in the lock")
        elif not wanted.specifier.contains(Version(version), prereleases=True):
            found.append(f"the lock has {wanted.name} {version}, and pyproject.toml wants {wanted.specifier}")
    return found


def main() -> int:
    """Compares the two files of this folder."""
    found = disagreements(Path("pyproject.toml").read_text(), Path("requirements.lock").read_text())
    for line in found:
        print(line)
    if found:
        print("make lock writes it anew")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
