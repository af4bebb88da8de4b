"""Where the peers live that are no dependencies of ours: an environment below `.cache`, made from `peers.lock`.

`python -m benchmarks.peerenv` makes it and tells what each peer says to this Python. What pip refuses, or what turns
the GIL on, is told with the reason; HyperQueue's package, which a free-threaded Python does not take, is
unpacked beside it for a GIL-built one. An environment is made whole or not at all: its stamp is written last.
"""

import hashlib
import json
import os
import platform
import subprocess
import sys
import tempfile
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[1]
LOCK = Path(__file__).with_name("peers.lock")
HOME = ROOT / ".cache" / "peers"
# What a peer needs to run, as one would import it.
IMPORTS = {
    "joblib": ("joblib",),
    "mpire": ("mpire",),
    "dask": ("dask.bag",),
    "distributed": ("distributed", "dask.bag"),
    "rq": ("rq", "redis"),
    "celery": ("celery.bin.celery", "celery.concurrency.prefork", "kombu.transport.redis", "celery.backends.redis"),
}
DRIVEN = ("hyperqueue", "cloudpickle", "tqdm")
PROBE = """import importlib, sys
for name in sys.argv[1:]: importlib.import_module(name)
print(sys._is_gil_enabled() if hasattr(sys, "_is_gil_enabled") else True)"""


@dataclass(frozen=True, slots=True)
class Peers:
    """What there is to compare with.

    Attributes:
        pythons: a package to the Python that runs it.
        refused: a package to the reason why it cannot be run.
        notes: what else a reader of the figures must know.
        hyperqueue: the GIL-built Python that drives HyperQueue, and the folder of its package; None where refused.
    """

    pythons: Mapping[str, str] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()
    hyperqueue: tuple[str, str] | None = None


def peers(*, make: bool, gil_python: str | None = None) -> Peers:
    """Look what can be run here, and install what is missing if `make` says so.

    Args:
        make: install; else what is not installed is refused.
        gil_python: a GIL-built Python 3.14 or newer for what the free-threaded one refuses.
    """
    pythons: dict[str, str] = {}
    refused: dict[str, str] = {}
    notes: list[str] = []
    for package, modules in IMPORTS.items():
        pythons[package], why = _usable(sys.executable, package, modules, make)
        if why and gil_python:
            notes.append(f"{package} runs on a Python with the GIL: on this one {why}")
            pythons[package], why = _usable(gil_python, package, modules, make)
        if why:
            del pythons[package]
            refused[package] = why
    hyperqueue = _hyperqueue(gil_python, make)
    if isinstance(hyperqueue, str):
        refused["hyperqueue"] = hyperqueue
        return Peers(pythons, refused, notes)
    return Peers(pythons, refused, notes, hyperqueue)


def _usable(base: str, package: str, modules: Sequence[str], make: bool) -> tuple[str, str | None]:
    """The environment's Python for a package, and why it will not do; None if it will."""
    free = base == sys.executable and not sys._is_gil_enabled()  # noqa: SLF001 - documented
    home = HOME / _key(base)
    python = os.fspath(home / "bin" / "python")
    if not (home / "stamp.json").exists():
        if not make:
            return python, "it is not installed: python -m benchmarks.peerenv"
        _make(base, home)
    pip_said: dict[str, str] = json.loads((home / "stamp.json").read_text(encoding="utf-8"))
    probe = _run([python, "-c", PROBE, *modules])
    if probe.returncode:
        return python, pip_said.get(package) or _last(probe.stderr)
    if free and probe.stdout.strip() == "True":
        return python, f"it turns the GIL on: {_last(probe.stderr)}"
    return python, None


def _make(base: str, home: Path) -> None:
    """Make an environment with what pip takes, and its stamp: what it said of the rest, by package.

    Raises:
        SystemExit: that Python makes no virtual environments.
    """
    made = _run([base, "-m", "venv", "--clear", os.fspath(home)])
    if made.returncode:
        raise SystemExit(f"{base} could not make a virtual environment: {_last(made.stderr or made.stdout)}")
    entries = {name: text for name, text in _entries() if name != "hyperqueue"}
    python, refused = os.fspath(home / "bin" / "python"), {}
    print("installing the peers of the benchmarks", file=sys.stderr)
    if _install(python, "".join(entries.values())) is not None:
        for name, text in entries.items():
            said = _install(python, text)
            if said is not None:
                refused[name] = said
    (home / "stamp.json").write_text(json.dumps(refused), encoding="utf-8")


def _install(python: str, requirements: str, *options: str) -> str | None:
    """Have pip install some entries of the lock; what it said if it would not."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
        file.write(requirements)
        file.flush()
        words = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "--no-deps"]
        done = _run([python, *words, "--require-hashes", *options, "-r", file.name])
    return _last(done.stderr) if done.returncode else None


def _entries() -> Iterator[tuple[str, str]]:
    """The packages of the lock, and each one's lines."""
    lines: list[str] = []
    for line in [*LOCK.read_text(encoding="utf-8").splitlines(keepends=True), "end=="]:
        if "==" in line and lines:
            yield lines[0].partition("==")[0], "".join(lines)
        if not line.startswith("#"):
            lines = [line] if "==" in line else [*lines, line]


def _hyperqueue(gil_python: str | None, make: bool) -> tuple[str, str] | str:
    """What drives HyperQueue: a GIL-built Python and the folder of the package; or why nothing does."""
    machine = platform.machine()
    folder = HOME / f"hyperqueue-{_digest(LOCK.read_bytes())}"
    if not folder.exists():
        if not make:
            return "it is not installed: python -m benchmarks.peerenv"
        options = ["--target", f"{folder}.new", "--only-binary", ":all:", "--upgrade", "--implementation", "cp"]
        options += ["--python-version", "3.9", "--abi", "abi3", "--abi", "none"]
        options += ["--platform", f"manylinux_2_28_{machine}", "--platform", "any"]
        said = _install(sys.executable, "".join(text for name, text in _entries() if name in DRIVEN), *options)
        if said is not None:
            return said
        os.rename(f"{folder}.new", folder)
    said = "there is no GIL-built Python from 3.9 on to drive it"
    for python in [gil_python] if gil_python else _pythons():
        probe = _run(
            [python, "-c", f"import sys; sys.path.insert(0, sys.argv.pop())\n{PROBE}", "hyperqueue", str(folder)]
        )
        if not probe.returncode:
            return python, os.fspath(folder)
        said = f"{said}; the last one said: {_last(probe.stderr)}"
    return said


def _pythons() -> Iterator[str]:
    """The GIL-built Pythons on PATH that are new enough for HyperQueue's package."""
    check = "import sys; sys.exit(sys.version_info < (3, 9) or not getattr(sys, '_is_gil_enabled', lambda: True)())"
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        python = os.path.join(folder, "python3")
        if os.access(python, os.X_OK) and not _run([python, "-c", check]).returncode:
            yield python


def _key(base: str) -> str:
    version = _run([base, "-c", "import sys, sysconfig; print(sys.version, sysconfig.get_config_var('EXT_SUFFIX'))"])
    return _digest(LOCK.read_bytes() + version.stdout.encode("utf-8"))


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, cwd=ROOT)


def _last(text: str) -> str:
    """The last line of what a command said; without the paths of this machine."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1].replace(os.fspath(ROOT), ".") if lines else "it said nothing"


def main() -> None:
    """Make the environments, and tell what there is."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--gil-python", help="a GIL-built Python for what this one refuses")
    found = peers(make=True, gil_python=parser.parse_args().gil_python)
    for package in found.pythons:
        print(f"{package}: ready")
    if found.hyperqueue:
        print("hyperqueue: ready")
    for package, why in found.refused.items():
        print(f"{package}: left out: {why}")
    print(*found.notes, sep="\n", end="")


if __name__ == "__main__":
    main()
