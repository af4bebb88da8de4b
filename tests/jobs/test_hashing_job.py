"""The hashing job as a user runs it, checked by coreutils."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.jobs.conftest import ShippedJob


def files_below(root: Path) -> int:
    """How many files there are."""
    return sum(path.is_file() for path in root.rglob("*"))


def check_with(tool: str, sums: Path, root: Path) -> list[str]:
    """What `tool -c` says of every line, run inside the root; it fails where a digest does not fit."""
    command = [tool, "--check", "--strict", str(sums)]
    done = subprocess.run(
        command, cwd=root, env={**os.environ, "LC_ALL": "C"}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


def test_sha256sum_accepts_every_line(shipped: Callable[[str], ShippedJob]):
    """Run inside the root, `sha256sum -c` says OK to every file, those with odd names too."""
    job = shipped("hashing")
    root = job.make_input() / "tree"
    out = job.submit()
    said = check_with("sha256sum", out / "SHA256SUMS", root)
    assert len(said) == files_below(root) > 300
    assert all(line.endswith(": OK") for line in said)


def test_another_algorithm_is_one_setting(shipped: Callable[[str], ShippedJob]):
    """With `with.algorithm=blake2b`, `b2sum -c` accepts the same job's output."""
    job = shipped("hashing")
    root = job.make_input() / "tree" / "awkward"
    settings = ("input.files.root=data/tree/awkward", "with.algorithm=blake2b", "output.path=out/B2SUMS")
    out = job.submit(*(word for setting in settings for word in ("--set", setting)))
    assert len(check_with("b2sum", out / "B2SUMS", root)) == files_below(root) == 6


def test_an_unknown_algorithm_writes_no_output(shipped: Callable[[str], ShippedJob]):
    """A misspelt algorithm exits 2 with the right name, without a traceback, and no output is written."""
    job = shipped("hashing")
    job.make_input()
    done = job.try_submit("--set", "with.algorithm=sah256")
    assert done.returncode == 2
    assert "'sha256'" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (job.folder / "out" / "SHA256SUMS").exists()
