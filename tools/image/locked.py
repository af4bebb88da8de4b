"""Print the part of requirements.lock that some extras need on this machine, hashes included, and what builds ftorch.

    python tools/image/locked.py SOURCE EXTRA…

Pip resolves with the lock's versions as constraints; what it names is then taken from the lock as it stands there, so
that the installation checks every hash.
"""

import json
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

BUILDS = "flit_core"


def entries(lock: str) -> dict[str, str]:
    """The lock's requirements, with their hashes, by normalised name."""
    blocks = re.split(r"^(?=[A-Za-z])", lock, flags=re.MULTILINE)[1:]
    return {normal(re.split(r"[=\[ ;]", block, maxsplit=1)[0]): block for block in blocks}


def normal(name: str) -> str:
    """A distribution's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def wanted(source: Path, extras: list[str]) -> list[str]:
    """What the project requires with those extras.

    Raises:
        SystemExit: there is no such extra.
    """
    project = tomllib.loads((source / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    offered = project["optional-dependencies"]
    unknown = sorted(set(extras) - set(offered))
    if unknown:
        raise SystemExit(f"EXTRAS: there is no extra {' '.join(unknown)}; there are: {' '.join(sorted(offered))}")
    return [*project["dependencies"], *(line for extra in extras for line in offered[extra]), BUILDS]


def resolve(requirements: list[str], constraints: str) -> list[str]:
    """The normalised names of what an installation takes, requirements of requirements included."""
    with tempfile.TemporaryDirectory() as folder:
        pins, report = Path(folder, "pins"), Path(folder, "report")
        pins.write_text(constraints, encoding="utf-8")
        pip = [sys.executable, "-I", "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed"]
        subprocess.run([*pip, "--report", report, "--constraint", pins, *requirements], check=True)
        return [normal(item["metadata"]["name"]) for item in json.loads(report.read_bytes())["install"]]


def main(source: Path, extras: list[str]) -> None:
    """Print the entries, by name."""
    locked = entries((source / "requirements.lock").read_text(encoding="utf-8"))
    pins = "\n".join(re.sub(r"\s*\\\n.*", "", block, flags=re.DOTALL).strip() for block in locked.values())
    for name in sorted(resolve(wanted(source, extras), pins)):
        sys.stdout.write(locked[name])


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
